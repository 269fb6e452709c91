//! Where connections come in, and what is said over one.

use std::convert::Infallible;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_rustls::server::TlsStream;
use tracing::{debug, warn};

use crate::api::front::{Ending, Front};
use crate::api::gate::Peer;
use crate::tls;

use super::LAST_ANSWERS;

/// How long the head of a request may take, and a connection may be silent between two.
const HEAD_PATIENCE: Duration = Duration::from_secs(15);
/// How long a client may take to agree on the encryption.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// The largest head of a request.
pub const MAX_HEAD: usize = 32 << 10;
/// How much of what is sent is buffered.
const BUFFER: usize = 64 << 10;
/// How long to wait when accepting fails, as it does when there are too many open files.
const PAUSE_AFTER_FAILURE: Duration = Duration::from_millis(100);

/// Where connections come in.
#[derive(Clone)]
pub struct Door {
    /// Answers their requests.
    pub front: Front,
    /// Encrypts connections, if they are to be.
    pub tls: Option<tls::Acceptor>,
    /// A place for each connection that may be there at a time.
    pub slots: Arc<Semaphore>,
    /// When the service stops.
    pub ending: Ending,
}

impl Door {
    /// Answers on each connection that `accept` gives, until the service stops.
    pub async fn attend<S, F>(self, accept: impl Fn() -> F)
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
        F: Future<Output = io::Result<(S, Peer)>>,
    {
        let mut connections = JoinSet::new();
        let mut ending = self.ending.clone();
        let mut stopped = pin!(ending.wanted());
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
                Ok((stream, peer)) => drop(connections.spawn(self.clone().attend_one(stream, peer, slot))),
                Err(error) => {
                    warn!(%error, "the API cannot accept a connection");
                    sleep(PAUSE_AFTER_FAILURE).await;
                }
            }
        }
        let _ = timeout(LAST_ANSWERS, async { while connections.join_next().await.is_some() {} }).await;
    }

    /// Answers on a connection, which has its place until it ends.
    async fn attend_one(
        self,
        stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
        peer: Peer,
        slot: OwnedSemaphorePermit,
    ) {
        match self.tls.clone() {
            None => self.converse(stream, peer).await,
            Some(tls) => {
                if let Some((stream, peer)) = shake_hands(&tls, stream, peer).await {
                    self.converse(stream, peer).await;
                }
            }
        }
        drop(slot);
    }

    async fn converse(self, stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static, peer: Peer) {
        let Door { front, mut ending, .. } = self;
        let answer = service_fn(|request: Request<Incoming>| {
            let (front, peer) = (&front, &peer);
            async move { Ok::<_, Infallible>(front.answer(peer, request.map(Body::new)).await) }
        });
        let mut http = http1::Builder::new();
        // Who closes a connection is gone, also while an answer without an end is under way, which holds a place.
        http.timer(TokioTimer::new())
            .header_read_timeout(HEAD_PATIENCE)
            .max_header_size(MAX_HEAD)
            .max_buf_size(BUFFER)
            .half_close(false);
        let mut connection = pin!(http.serve_connection(TokioIo::new(stream), answer).with_upgrades());
        let done = tokio::select! {
            done = connection.as_mut() => done,
            () = ending.wanted() => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        };
        if let Err(error) = done {
            debug!(%error, "a connection to the API has failed");
        }
    }
}

/// Agrees with a client on the encryption, and learns of its certificate.
async fn shake_hands<S: AsyncRead + AsyncWrite + Unpin>(
    tls: &tls::Acceptor,
    stream: S,
    peer: Peer,
) -> Option<(TlsStream<S>, Peer)> {
    let why = match timeout(HANDSHAKE, tls.accept(stream)).await {
        Ok(Ok(stream)) => {
            let certificate = stream.get_ref().1.peer_certificates().and_then(<[_]>::first);
            let peer = certificate.map_or(peer.clone(), |certificate| peer.with_certificate(certificate));
            return Some((stream, peer));
        }
        Ok(Err(error)) => tls::no_agreement(&error),
        Err(_) => format!("it took longer than {} s", HANDSHAKE.as_secs()),
    };
    debug!(?peer, why, "closed a connection to the API: no agreement on TLS");
    None
}
