//! Events over TCP: a server to which clients send records. Each connection is a partition of the
//! stream.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpSocket, TcpStream, lookup_host};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tracing::{debug, warn};

use super::partition::{self, Feed};
use super::{Inlet, Running, Source, only};

/// Connections that the system has accepted and the service not yet.
const BACKLOG: u32 = 1024;
/// How long to wait when accepting fails, as it does when there are too many open files.
const PAUSE_AFTER_FAILURE: Duration = Duration::from_millis(100);

/// What a TCP source is to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Where to listen, as `host:port`; port 0 takes a free one.
    pub listen: String,
    /// Most connections at a time; what comes beyond is closed at once.
    pub max_connections: usize,
}

/// A server that has its address and does not accept yet.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    max_connections: usize,
}

/// A server cannot listen.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen at {address}: {error}{}", advice(error))]
pub struct ListenError {
    address: String,
    error: io::Error,
}

fn advice(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::AddrInUse => "; another program, or another tripline, listens there already",
        io::ErrorKind::AddrNotAvailable => "; this machine does not have that address",
        io::ErrorKind::PermissionDenied => "; ports below 1024 need a privilege",
        _ => "",
    }
}

impl Server {
    /// Takes the address.
    ///
    /// # Errors
    /// When the address cannot be found, or cannot be taken.
    pub async fn bind(settings: &Settings) -> Result<Server, ListenError> {
        let listener = listen(&settings.listen).await?;
        Ok(Server { listener, max_connections: settings.max_connections })
    }

    /// Accepts connections and reads them until the service stops. Returns when all have been left.
    async fn serve(self, inlet: Inlet) {
        let slots = Arc::new(Semaphore::new(self.max_connections));
        let mut stop = inlet.around.stop.clone();
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
                        let inlet = inlet.clone();
                        connections.spawn(async move {
                            read(stream, peer, &inlet).await;
                            drop(slot);
                        });
                    }
                    Err(_) => refuse(peer, self.max_connections, &inlet),
                },
                Err(error) => {
                    warn!(source = %inlet.identity.name, %error, "cannot accept a connection");
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
        Box::pin(self.serve(only(inlets)))
    }
}

async fn read(stream: TcpStream, peer: SocketAddr, inlet: &Inlet) {
    let metrics = &inlet.identity.metrics;
    metrics.opened.add(1);
    metrics.connections.increase();
    if let Some(feed) = Feed::begin(inlet).await {
        let (source, partition) = (&inlet.identity.name, feed.partition().0);
        debug!(%source, %peer, partition, "a connection begins");
        partition::read(stream, feed).await;
        debug!(%source, %peer, partition, "a connection has ended");
    }
    metrics.connections.decrease();
}

pub(super) fn refuse(peer: SocketAddr, limit: usize, inlet: &Inlet) {
    inlet.identity.metrics.refused.add(1);
    if let Some(held_back) = inlet.reports.may_log() {
        warn!(
            source = %inlet.identity.name,
            %peer,
            max_connections = limit,
            not_logged = held_back,
            "closed a connection at once: too many are open"
        );
    }
}

/// Listens at an address, written as `host:port`.
pub(super) async fn listen(address: &str) -> Result<TcpListener, ListenError> {
    listen_at_any(address).await.map_err(|error| ListenError { address: address.to_owned(), error })
}

async fn listen_at_any(address: &str) -> io::Result<TcpListener> {
    let mut failure = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    for address in lookup_host(address).await? {
        match listen_at(address) {
            Ok(listener) => return Ok(listener),
            Err(error) => failure = error,
        }
    }
    Err(failure)
}

fn listen_at(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    // A restart must not wait until the system has forgotten the old connections.
    socket.set_reuseaddr(true)?;
    // Accepted connections inherit it: a client that vanished without a word must not hold event
    // time back for ever.
    socket.set_keepalive(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}
