//! Speaks HTTP/1.1 to those who ask.
//!
//! Enters: connections, over TCP from this machine or over a Unix socket. Leaves: answers. Few may ask at a time,
//! and nobody holds a place for long without asking: there is a bound on connections, on the head of a request
//! and on the silence before it. What is answered when the service stops is answered to its end, within bounds.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::pin::pin;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{Request, header};
use axum::response::IntoResponse;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tracing::{debug, info, warn};

use crate::runtime::control::Control;
use crate::source::unix;
use crate::watch;

use super::problem::{Kind, Problem};
use super::socket::{self, SocketPath};

/// Most connections at a time; who comes beyond waits.
const MAX_CONNECTIONS: usize = 64;
/// How long the head of a request may take, and a connection may be silent between two.
const HEAD_PATIENCE: Duration = Duration::from_secs(15);
/// The largest head of a request.
const MAX_HEAD: usize = 32 << 10;
/// How much of what is sent is buffered.
const BUFFER: usize = 64 << 10;
/// How long answers may take that are under way when the service stops.
const LAST_ANSWERS: Duration = Duration::from_secs(2);
/// How long to wait when accepting fails, as it does when there are too many open files.
const PAUSE_AFTER_FAILURE: Duration = Duration::from_millis(100);

/// Answers those who ask until it is stopped.
pub struct Server {
    router: Arc<RwLock<Router>>,
    slots: Arc<Semaphore>,
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
}

impl Server {
    /// Will answer with what `control` knows.
    pub fn new(control: Control) -> Server {
        let (stop, _) = watch::channel(false);
        let slots = Arc::new(Semaphore::new(MAX_CONNECTIONS));
        let router = Arc::new(RwLock::new(super::routes::router(control)));
        Server { router, slots, stop, tasks: JoinSet::new() }
    }

    /// Answers with what this one knows from the next request on: another service has taken the place of the one before.
    pub fn replace(&self, control: Control) {
        *self.router.write().unwrap_or_else(PoisonError::into_inner) = super::routes::router(control);
    }

    /// Answers at an address, which must be one of this machine alone, from now on. Gives the address, with the
    /// port that the system has given if it is 0.
    ///
    /// # Errors
    /// When it cannot be taken.
    pub async fn listen(&mut self, address: SocketAddr) -> Result<SocketAddr, ListenError> {
        let cannot = |error| ListenError::Address { address, error };
        let listener = TcpListener::bind(address).await.map_err(cannot)?;
        let local = listener.local_addr().map_err(cannot)?;
        info!(address = %local, "the API listens");
        let door = self.door(true);
        self.tasks.spawn(async move {
            door.attend(|| async { listener.accept().await.map(|(stream, _)| stream) }).await;
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
        let door = self.door(false);
        self.tasks.spawn(async move {
            // The path goes last: it is needed to remove the socket.
            let _path = path;
            let _file = file;
            door.attend(|| async { listener.accept().await.map(|(stream, _)| stream) }).await;
        });
        Ok(())
    }

    fn door(&self, is_open: bool) -> Door {
        let (router, slots) = (Arc::clone(&self.router), Arc::clone(&self.slots));
        Door { router, slots, stop: self.stop.subscribe(), is_open }
    }

    /// Takes no more requests, and waits a moment for the answers that are under way.
    pub async fn stop(mut self) {
        self.stop.send_replace(true);
        while self.tasks.join_next().await.is_some() {}
    }
}

/// Where connections come in.
#[derive(Clone)]
struct Door {
    router: Arc<RwLock<Router>>,
    slots: Arc<Semaphore>,
    stop: watch::Receiver<bool>,
    /// Whether a web page could make a browser come here.
    is_open: bool,
}

impl Door {
    async fn attend<S, F>(self, accept: impl Fn() -> F)
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
        F: Future<Output = io::Result<S>>,
    {
        let mut connections = JoinSet::new();
        let mut stopped = pin!(wanted(self.stop.clone()));
        loop {
            // With a place first: who waits for one has the patience of its client.
            let next = async {
                let slot = Arc::clone(&self.slots).acquire_owned().await.expect("it is never closed");
                (slot, accept().await)
            };
            let (slot, accepted) = tokio::select! {
                biased;
                () = stopped.as_mut() => break,
                next = next => next,
            };
            while connections.try_join_next().is_some() {}
            match accepted {
                Ok(stream) => drop(connections.spawn(self.clone().converse(stream, slot))),
                Err(error) => {
                    warn!(%error, "the API cannot accept a connection");
                    sleep(PAUSE_AFTER_FAILURE).await;
                }
            }
        }
        let _ = timeout(LAST_ANSWERS, async { while connections.join_next().await.is_some() {} }).await;
    }

    async fn converse(self, stream: impl AsyncRead + AsyncWrite + Send + Unpin, slot: OwnedSemaphorePermit) {
        let Door { router, stop, is_open, .. } = self;
        let router = || router.read().unwrap_or_else(PoisonError::into_inner).clone();
        let answer = service_fn(|request: Request<Incoming>| {
            let refusal = if is_open { refusal(&request) } else { None };
            let answer = TowerToHyperService::new(router()).call(request.map(Body::new));
            async move {
                match refusal {
                    Some(problem) => Ok(problem.into_response()),
                    None => answer.await,
                }
            }
        });
        let mut http = http1::Builder::new();
        http.timer(TokioTimer::new())
            .header_read_timeout(HEAD_PATIENCE)
            .max_header_size(MAX_HEAD)
            .max_buf_size(BUFFER)
            .half_close(true);
        let mut connection = pin!(http.serve_connection(TokioIo::new(stream), answer));
        let done = tokio::select! {
            done = connection.as_mut() => done,
            () = wanted(stop) => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        };
        if let Err(error) = done {
            debug!(%error, "a connection to the API has failed");
        }
        drop(slot);
    }
}

/// Until the service stops.
async fn wanted(mut stop: watch::Receiver<bool>) {
    // Whoever stops it has gone, too.
    let _ = stop.wait_for(|stop| *stop).await;
}

/// Why a request is refused that says another host's name: a browser sends such for a page whose name has been
/// made to stand for this machine.
fn refusal(request: &Request<Incoming>) -> Option<Problem> {
    let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    (!is_this_machine(host)).then(|| {
        let detail =
            "requests have to be for `localhost` or an address of this machine, by the header `Host`";
        Problem::new(Kind::OtherHost, detail)
    })
}

/// Whether what stands in the header `Host` is the machine itself.
fn is_this_machine(host: &str) -> bool {
    let (name, port) = match host.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((name, port)) => (name, port.strip_prefix(':').unwrap_or("80")),
        None => host.split_once(':').unwrap_or((host, "80")),
    };
    let is_local = match name.parse::<IpAddr>() {
        Ok(address) => address.is_loopback(),
        Err(_) => name.eq_ignore_ascii_case("localhost"),
    };
    is_local && port.parse::<u16>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_this_machine_are_for_this_machine() {
        for right in ["localhost", "LOCALHOST:80", "127.0.0.1:7070", "127.1.2.3", "[::1]:7070", "[::1]"] {
            assert!(is_this_machine(right), "{right}");
        }
        for wrong in
            ["", "example.com", "localhost.example.com:80", "10.0.0.1:7070", "localhost:x", "[::2]", "::1"]
        {
            assert!(!is_this_machine(wrong), "{wrong}");
        }
    }
}
