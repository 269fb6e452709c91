//! Speaks HTTP/1.1 to those who ask.
//!
//! Enters: connections, over TCP or over the Unix socket in the folder of the state. Leaves: answers. There is a bound on
//! connections, and nobody holds one for long without asking: on the head of a request, on the silence before it, and on the time
//! in which nothing is taken of an answer. Those who come over the socket have places of their own, so that nobody can take them from
//! the owner. What is answered when the service stops is answered to its end, within bounds.

mod connection;

use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use axum::Router;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tracing::info;

use crate::config::{Api, ApiLimits};
use crate::runtime::control::Control;
use crate::source::{Clock, unix};
use crate::tls;
use crate::watch;

use super::audit::Audit;
use super::front::{Ending, Front};
use super::gate::{Gate, Peer, TokensError};
use super::routes;
use super::socket::{self, SocketPath};
use connection::Door;
pub use connection::MAX_HEAD;

/// How long answers may take that are under way when the service stops.
const LAST_ANSWERS: Duration = Duration::from_secs(2);

/// Answers those who ask until it is stopped.
pub struct Server {
    router: Arc<RwLock<Router>>,
    clock: Arc<dyn Clock>,
    limits: ApiLimits,
    audit: Audit,
    stop: watch::Sender<bool>,
    tasks: JoinSet<()>,
}

/// The API cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// At an address.
    #[error(
        "cannot listen at {address} for the API: {error}; another program may listen there already: change `api.listen`"
    )]
    Address {
        /// The address.
        address: SocketAddr,
        /// Why.
        error: io::Error,
    },
    /// At a socket.
    #[error("{0}")]
    Socket(String),
    /// It does not know whom to let in.
    #[error(transparent)]
    Tokens(#[from] TokensError),
    /// It cannot speak TLS.
    #[error("the API cannot speak TLS: {0}")]
    Tls(#[from] tls::TlsError),
}

impl Server {
    /// Will answer with what `control` knows, within the bounds of `api`, and record what somebody changes.
    pub fn new(control: Control, clock: Arc<dyn Clock>, api: Option<&Api>, audit: Audit) -> Server {
        let limits = api.map(|api| api.limits).unwrap_or_default();
        let (stop, _) = watch::channel(false);
        let router = Arc::new(RwLock::new(routes::router(control)));
        Server { router, clock, limits, audit, stop, tasks: JoinSet::new() }
    }

    /// Answers with what this one knows from the next request on: another service has taken the place of the one before.
    pub fn replace(&self, control: Control) {
        *self.router.write().unwrap_or_else(PoisonError::into_inner) = routes::router(control);
    }

    /// Answers at an address from now on, those whom `api` lets in. Gives the address, with the port that the system has
    /// given if it is 0.
    ///
    /// # Errors
    /// When it cannot be taken, or it cannot be known whom to let in.
    pub async fn listen(&mut self, api: &Api) -> Result<SocketAddr, ListenError> {
        let gate = Gate::new(api, Arc::clone(&self.clock), self.audit.clone())?;
        let tls = api.tls.as_ref().map(tls::Acceptor::new).transpose()?;
        let cannot = |error| ListenError::Address { address: api.listen, error };
        let listener = TcpListener::bind(api.listen).await.map_err(cannot)?;
        let local = listener.local_addr().map_err(cannot)?;
        info!(address = %local, tls = tls.is_some(), "the API listens");
        let door = self.door(gate, tls);
        self.tasks.spawn(async move {
            let accept = || async {
                let (stream, address) = listener.accept().await?;
                Ok((stream, Peer::Network { address, certificate: None }))
            };
            door.attend(accept).await;
        });
        Ok(local)
    }

    /// Answers at the socket in the folder of a state from now on. One that a process has left that has ended is
    /// replaced.
    ///
    /// # Errors
    /// When it cannot be made; the service can do without.
    pub fn listen_in(&mut self, state: &Path) -> Result<(), ListenError> {
        let path = SocketPath::of(state).map_err(|error| ListenError::Socket(error.to_string()))?;
        let (listener, file) = unix::listen(&path.used, Some(socket::MODE))
            .map_err(|error| ListenError::Socket(error.to_string()))?;
        info!(socket = %path.shown.display(), "the API listens");
        let door = self.door(Gate::for_owner(Arc::clone(&self.clock)), None);
        self.tasks.spawn(async move {
            // The path goes last: it is needed to remove the socket.
            let _path = path;
            let _file = file;
            door.attend(|| async { listener.accept().await.map(|(stream, _)| (stream, Peer::Owner)) }).await;
        });
        Ok(())
    }

    fn door(&self, gate: Gate, tls: Option<tls::Acceptor>) -> Door {
        let ending = Ending::new(self.stop.subscribe());
        let (router, audit) = (Arc::clone(&self.router), self.audit.clone());
        let front = Front::new(gate, router, &self.limits, audit, ending.clone());
        let ApiLimits { connections, time, .. } = self.limits;
        Door { front, tls, slots: Arc::new(Semaphore::new(connections)), time, ending }
    }

    /// Takes no more requests, and waits a moment for the answers that are under way.
    pub async fn stop(mut self) {
        self.stop.send_replace(true);
        while self.tasks.join_next().await.is_some() {}
    }
}
