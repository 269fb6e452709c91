//! Events over HTTP: a server to which clients post bodies of records, `POST /v1/events/{stream}`.
//!
//! Enters: requests. Leaves: the events of each body, all or none of them; an answer that says which
//! records were bad and why, or when to come again. All bodies for one stream are one partition.
//! [`connection`] speaks HTTP, [`service`] decides about requests, [`body`] receives them, [`intake`]
//! takes their records, [`answer`] says what came of it.
//!
//! Invariant: what has been answered with 202 is in the queue to the engine, or with a journal on the disk,
//! and nothing else is; but for bodies that were taken before the disk failed.

pub mod answer;
mod body;
mod connection;
mod doors;
mod elements;
mod intake;
mod media;
mod service;
mod token;

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tracing::warn;

use crate::telemetry::catalogue::HttpMetrics;
use crate::tls;

pub use self::doors::Doors;
#[cfg(test)]
pub(crate) use self::intake::{Intake, OnBad, Shape};
use self::service::Service;
use self::token::{TokenError, Tokens};

use super::server::{Door, Host, Peer, serve};
use super::together::Turn;
use super::{Inlet, Running, Source, Stop, tcp};

/// What an HTTP source is to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Where to listen, as `host:port`; port 0 takes a free one.
    pub listen: String,
    /// How connections are encrypted, if they are.
    pub tls: Option<tls::ServerSettings>,
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
    /// Where the source is known to those who have requests for it.
    pub doors: Doors,
}

/// A server that has its address and does not accept yet.
pub struct Server {
    listener: TcpListener,
    door: Door,
    settings: Settings,
    tokens: Option<Tokens>,
    known: Known,
}

/// A server cannot begin.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// It cannot have its address.
    #[error(transparent)]
    Listen(#[from] tcp::OpenError),
    /// It cannot speak TLS.
    #[error(transparent)]
    Tls(#[from] tls::TlsError),
    /// It does not know whom to let in.
    #[error(transparent)]
    Tokens(#[from] TokenError),
}

impl Server {
    /// Reads the tokens and the files for TLS, and takes the address.
    ///
    /// # Errors
    /// When a file cannot be read or used, or the address cannot be taken.
    pub async fn bind(settings: &Settings, known: Known) -> Result<Server, OpenError> {
        let tokens = settings.token_file.as_deref().map(Tokens::read).transpose()?;
        let tls = settings.tls.as_ref().map(tls::Acceptor::new).transpose()?;
        let listener = tcp::listen(&settings.listen).await?;
        let door = Door { max_connections: settings.max_connections, tls };
        Ok(Server { listener, door, settings: settings.clone(), tokens, known })
    }
}

impl Server {
    /// The address that it has.
    pub(super) fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

impl Source for Server {
    fn announce(&self, inlets: &[Inlet]) {
        match self.address() {
            Ok(address) => super::announce(inlets, "listening", &address),
            Err(error) => warn!(%error, "the system does not say which address it gave"),
        }
    }

    fn run(self: Box<Self>, inlets: Vec<Inlet>, turn: Turn) -> Running {
        Box::pin(async move {
            turn.wait().await;
            // Rules without streams have nothing to be fed.
            let Some(first) = inlets.first().cloned() else { return };
            let stop = first.around.stop.clone();
            let doors = self.known.doors.clone();
            let service = Arc::new(Service::new(self.settings, self.tokens, self.known, inlets));
            doors.add(&service);
            serve(self.listener, self.door, first, Requests { service, stop }).await;
        })
    }
}

/// Answers the requests of each connection.
#[derive(Clone)]
struct Requests {
    service: Arc<Service>,
    stop: Stop,
}

impl Host for Requests {
    async fn attend(&self, stream: impl AsyncRead + AsyncWrite + Send + Unpin, peer: &Peer) {
        connection::serve(stream, peer, Arc::clone(&self.service), self.stop.clone()).await;
    }
}
