//! Accepts connections: what the servers over TCP, over Unix sockets and over HTTP share. The first two
//! read each connection as a partition of its own.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, split};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};
use tracing::{debug, warn};

use crate::tls;

use super::gate::ack::{Acknowledging, acks};
use super::partition::{Feed, LAST_READS, QUIET};
use super::positions::Kind;
use super::{Inlet, pour};

/// How long to wait when accepting fails, as it does when there are too many open files.
const PAUSE_AFTER_FAILURE: Duration = Duration::from_millis(100);
/// How long a client may take to agree on the encryption; it holds a place meanwhile.
const HANDSHAKE: Duration = Duration::from_secs(10);

/// Where connections come in.
pub(super) trait Listener: Send + 'static {
    /// A connection.
    type Connection: AsyncRead + AsyncWrite + Send + Unpin + 'static;

    /// The next connection, and who made it.
    fn accept(&self) -> impl Future<Output = io::Result<(Self::Connection, Peer)>> + Send;
}

/// Who is at the other end, for the log.
#[derive(Clone, Debug)]
pub(super) struct Peer(pub String);

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What is done with connections.
#[derive(Clone)]
pub(super) struct Door {
    /// Most connections at a time; what comes beyond is closed at once.
    pub max_connections: usize,
    /// Encrypts them, if they are to be.
    pub tls: Option<tls::Acceptor>,
}

/// What is done with a connection that has come in.
pub(super) trait Host: Clone + Send + Sync + 'static {
    /// Until it ends, or the service stops.
    fn attend(
        &self,
        stream: impl AsyncRead + AsyncWrite + Send + Unpin,
        peer: &Peer,
    ) -> impl Future<Output = ()> + Send;
}

/// Accepts connections and hands them over until the service stops, and then those that have been made
/// by then: what their clients sent has been received by the system. Returns when all have been left.
/// What is counted and logged of them is told as that of `inlet`.
pub(super) async fn serve(listener: impl Listener, door: Door, inlet: Inlet, host: impl Host) {
    let slots = Arc::new(Semaphore::new(door.max_connections));
    let mut stop = inlet.around.stop.clone();
    let mut connections = JoinSet::new();
    let mut stopped: Option<Instant> = None;
    while stopped.is_none_or(|stopped| stopped.elapsed() < LAST_READS) {
        let accepted = if stopped.is_some() {
            let Ok(accepted) = timeout(QUIET, listener.accept()).await else { break };
            accepted
        } else {
            tokio::select! {
                biased;
                () = stop.wanted() => {
                    stopped = Some(Instant::now());
                    continue;
                }
                accepted = listener.accept() => accepted,
            }
        };
        // Forget those that have ended; a set keeps them until it is asked.
        while connections.try_join_next().is_some() {}
        match accepted {
            Ok((stream, peer)) => match Arc::clone(&slots).try_acquire_owned() {
                Ok(slot) => {
                    let (inlet, door, host) = (inlet.clone(), door.clone(), host.clone());
                    connections.spawn(async move {
                        attend(stream, &peer, &door, &inlet, &host).await;
                        drop(slot);
                    });
                }
                Err(_) => refuse(&peer, door.max_connections, &inlet),
            },
            Err(error) => {
                warn!(source = %inlet.identity.name, %error, "cannot accept a connection");
                tokio::time::sleep(PAUSE_AFTER_FAILURE).await;
            }
        }
    }
    drop(listener);
    while connections.join_next().await.is_some() {}
}

async fn attend(
    stream: impl AsyncRead + AsyncWrite + Send + Unpin,
    peer: &Peer,
    door: &Door,
    inlet: &Inlet,
    host: &impl Host,
) {
    let metrics = &inlet.identity.metrics;
    metrics.opened.add(1);
    metrics.connections.increase();
    match &door.tls {
        None => host.attend(stream, peer).await,
        // A partition begins only afterwards: who cannot show who they are must not hold event time.
        Some(acceptor) => {
            if let Some(stream) = shake_hands(acceptor, stream, peer, inlet).await {
                host.attend(stream, peer).await;
            }
        }
    }
    metrics.connections.decrease();
}

/// Reads each connection as a partition.
#[derive(Clone)]
pub(super) struct Records {
    /// Where the records go.
    pub inlet: Inlet,
    /// A connection that is silent for this long is closed.
    pub read_timeout: Option<Duration>,
    /// Whether clients are told how many of their records have been accepted.
    pub ack: bool,
}

impl Host for Records {
    async fn attend(&self, stream: impl AsyncRead + AsyncWrite + Send + Unpin, peer: &Peer) {
        let Some(feed) = Feed::begin(&self.inlet, Kind::Connection(peer.0.as_str().into())).await else {
            return;
        };
        let (source, partition) = (&self.inlet.identity.name, feed.partition().0);
        debug!(%source, %peer, partition, "a connection begins");
        match self.inlet.around.gate.as_ref().filter(|_| self.ack).map(acks) {
            None => pour::read(self.inlet.open(stream, self.read_timeout), feed).await,
            Some((counts, telling)) => {
                let (read, write) = split(stream);
                let reading = self.inlet.open(read, self.read_timeout);
                let reading = pour::read(reading, feed.acknowledged(Some(counts)));
                tokio::join!(reading, self.tell(telling, write, peer));
            }
        }
        debug!(%source, %peer, partition, "a connection has ended");
    }
}

impl Records {
    /// Tells a client how many of its records have been accepted, as long as it listens.
    async fn tell(&self, telling: Acknowledging, to: impl AsyncWrite + Unpin, peer: &Peer) {
        if let Err(error) = telling.write(to).await {
            let source = &self.inlet.identity.name;
            debug!(%source, %peer, %error, "a client does not take its counts");
        }
    }
}

async fn shake_hands<S: AsyncRead + AsyncWrite + Send + Unpin>(
    acceptor: &tls::Acceptor,
    stream: S,
    peer: &Peer,
    inlet: &Inlet,
) -> Option<tls::Bytes<tokio_rustls::server::TlsStream<S>>> {
    let mut stop = inlet.around.stop.clone();
    let shaken = tokio::select! {
        biased;
        () = stop.wanted() => return None,
        shaken = timeout(HANDSHAKE, acceptor.accept(stream)) => shaken,
    };
    let reason = match shaken {
        Ok(Ok(stream)) => return Some(tls::Bytes(stream)),
        Ok(Err(error)) => tls::no_agreement(&error),
        Err(_) => format!("it took longer than {} s", HANDSHAKE.as_secs()),
    };
    inlet.identity.metrics.tls_failures.add(1);
    if let Some(held_back) = inlet.reports.may_log() {
        let source = &inlet.identity.name;
        warn!(%source, %peer, %reason, not_logged = held_back, "closed a connection: no agreement on TLS");
    }
    None
}

fn refuse(peer: &Peer, limit: usize, inlet: &Inlet) {
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
