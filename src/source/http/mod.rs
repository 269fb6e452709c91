//! Events over HTTP: a server to which clients post bodies of records, `POST /v1/events/{stream}`.
//!
//! Enters: requests. Leaves: the events of each body, all or none of them; an answer that says which
//! records were bad and why, or when to come again. All bodies for one stream are one partition.
//! [`connection`] speaks HTTP, [`service`] decides about requests, [`body`] receives them, [`intake`]
//! takes their records, [`answer`] says what came of it.
//!
//! Invariant: what has been answered with 202 is in the queue to the engine, and nothing else is.

pub mod answer;
mod body;
mod connection;
mod elements;
mod intake;
mod service;
mod token;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tracing::warn;

use crate::telemetry::catalogue::HttpMetrics;

use self::service::Service;
use self::token::{TokenError, Tokens};

use super::tcp::{self, ListenError};
use super::{Inlet, Running, Source};

/// How long to wait when accepting fails, as it does when there are too many open files.
const PAUSE_AFTER_FAILURE: Duration = Duration::from_millis(100);

/// What an HTTP source is to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Where to listen, as `host:port`; port 0 takes a free one.
    pub listen: String,
    /// A file of tokens, of which a request has to have one; `None`: every request may pass.
    pub token_file: Option<PathBuf>,
    /// Most connections at a time; what comes beyond is closed at once.
    pub max_connections: usize,
    /// Largest body in bytes, before and after decompression.
    pub max_body: usize,
    /// Most bytes of the bodies of all requests at a time.
    pub max_bodies: usize,
    /// Most records of a body.
    pub max_records: usize,
    /// How long a request may wait for room before its sender is told to come again.
    pub wait: Duration,
    /// How long the head of a request may take, and then its body.
    pub read_timeout: Duration,
}

/// What the source has to know besides its settings.
#[derive(Debug)]
pub struct Known {
    /// The streams that carry alerts, which nothing can be sent to, with their rules.
    pub alert_streams: BTreeMap<String, String>,
    /// What is counted of the requests.
    pub metrics: Arc<HttpMetrics>,
}

/// A server that has its address and does not accept yet.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    settings: Settings,
    tokens: Option<Tokens>,
    known: Known,
}

/// A server cannot begin.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// It cannot have its address.
    #[error(transparent)]
    Listen(#[from] ListenError),
    /// It does not know whom to let in.
    #[error(transparent)]
    Tokens(#[from] TokenError),
}

impl Server {
    /// Takes the address and reads the tokens.
    ///
    /// # Errors
    /// When the address cannot be taken or the tokens cannot be read.
    pub async fn bind(settings: &Settings, known: Known) -> Result<Server, BindError> {
        let tokens = match &settings.token_file {
            Some(path) => Some(Tokens::read(path)?),
            None => None,
        };
        let listener = tcp::listen(&settings.listen).await?;
        Ok(Server { listener, settings: settings.clone(), tokens, known })
    }

    /// Accepts connections until the service stops. Returns when what they have sent is answered.
    async fn serve(self, inlets: Vec<Inlet>) {
        let Some(first) = inlets.first().cloned() else { return };
        let slots = Arc::new(Semaphore::new(self.settings.max_connections));
        let max_connections = self.settings.max_connections;
        let service = Arc::new(Service::new(self.settings, self.tokens, self.known, inlets));
        let mut stop = first.around.stop.clone();
        let mut connections = JoinSet::new();
        loop {
            let accepted = tokio::select! {
                biased;
                () = stop.wanted() => break,
                accepted = self.listener.accept() => accepted,
            };
            // Forget those that have ended; a set keeps them until it is asked.
            while connections.try_join_next().is_some() {}
            match accepted {
                Ok((stream, peer)) => match Arc::clone(&slots).try_acquire_owned() {
                    Ok(slot) => {
                        // Answers are short and whole.
                        let _ = stream.set_nodelay(true);
                        let (service, stop) = (Arc::clone(&service), stop.clone());
                        let metrics = Arc::clone(&first.identity.metrics);
                        connections.spawn(async move {
                            metrics.opened.add(1);
                            metrics.connections.increase();
                            connection::serve(stream, peer, service, stop).await;
                            metrics.connections.decrease();
                            drop(slot);
                        });
                    }
                    Err(_) => tcp::refuse(peer, max_connections, &first),
                },
                Err(error) => {
                    warn!(source = %first.identity.name, %error, "cannot accept a connection");
                    tokio::time::sleep(PAUSE_AFTER_FAILURE).await;
                }
            }
        }
        drop(self.listener);
        while connections.join_next().await.is_some() {}
    }
}

impl Source for Server {
    fn announce(&self, inlets: &[Inlet]) {
        match self.listener.local_addr() {
            Ok(address) => super::announce(inlets, "listening", &address),
            Err(error) => warn!(%error, "the system does not say which address it gave"),
        }
    }

    fn run(self: Box<Self>, inlets: Vec<Inlet>) -> Running {
        Box::pin(self.serve(inlets))
    }
}
