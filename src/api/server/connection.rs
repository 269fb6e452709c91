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
use crate::stalled::Unstalled;
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
/// That many places have to be free until it is said again that there are none.
const ROOM_AGAIN: usize = 16;
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
    /// How long whoever asked may take nothing of an answer.
    pub time: Duration,
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
        let mut is_full = false;
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
            is_full = self.look(is_full);
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

    /// Says so when the last place has been taken. Gives whether there was none left lately.
    fn look(&self, was_full: bool) -> bool {
        let left = self.slots.available_permits();
        if left == 0 && !was_full {
            warn!(
                "the API has as many connections as `api.limits.connections` allows: others wait until one ends"
            );
        }
        // It is said once, however often one comes and goes.
        left == 0 || was_full && left < ROOM_AGAIN
    }

    /// Answers on a connection, which has its place until it ends.
    async fn attend_one(
        self,
        stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
        peer: Peer,
        slot: OwnedSemaphorePermit,
    ) {
        let stream = Unstalled::new(stream, self.time);
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

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
    use tokio::time::Instant;

    use super::*;
    use crate::api::tests::{front, unanswered};
    use crate::watch;

    /// Connections that come, and how many have been taken.
    struct Coming {
        near: Mutex<Vec<DuplexStream>>,
        taken: AtomicUsize,
    }

    impl Coming {
        async fn next(&self) -> io::Result<(DuplexStream, Peer)> {
            let next = self.near.lock().expect("nobody panics").pop();
            let Some(stream) = next else { return std::future::pending().await };
            self.taken.fetch_add(1, Ordering::Relaxed);
            Ok((stream, Peer::Owner))
        }
    }

    /// One for so many, until the service stops.
    fn door(most: usize) -> (Door, watch::Sender<bool>) {
        let (stop, stopped) = watch::channel(false);
        let (slots, ending) = (Arc::new(Semaphore::new(most)), Ending::new(stopped));
        let time = Duration::from_secs(30);
        (Door { front: front(&unanswered()), tls: None, slots, time, ending }, stop)
    }

    /// What comes of a connection on which that is sent and nothing more, and how long it lasts.
    async fn sent(bytes: &[u8]) -> (String, Duration) {
        let (mut far, near) = duplex(1 << 20);
        let (door, _stop) = door(1);
        let slot = Arc::clone(&door.slots).acquire_owned().await.expect("there is one");
        let begin = Instant::now();
        let attending = tokio::spawn(door.attend_one(near, Peer::Owner, slot));
        far.write_all(bytes).await.expect("there is room");
        let mut answer = String::new();
        far.read_to_string(&mut answer).await.expect("text");
        attending.await.expect("no panic");
        (answer, begin.elapsed())
    }

    #[tokio::test(start_paused = true)]
    async fn who_does_not_come_to_the_end_of_a_head_is_left() {
        let (answer, time) = sent(b"GET /livez HTTP/1.1\r\nhost: local").await;
        assert_eq!(answer, "");
        assert!((HEAD_PATIENCE..HEAD_PATIENCE * 2).contains(&time), "{time:?}");
        // The same between two requests.
        let (answer, time) = sent(b"GET /livez HTTP/1.1\r\nhost: localhost\r\n\r\n").await;
        assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
        assert!((HEAD_PATIENCE..HEAD_PATIENCE * 2).contains(&time), "{time:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn who_takes_nothing_of_an_answer_is_left() {
        // There is room for the request, but not for the answer.
        let (mut far, near) = duplex(64);
        let (door, _stop) = door(1);
        let (slot, most) = (Arc::clone(&door.slots).acquire_owned().await.expect("there is one"), door.time);
        let attending = tokio::spawn(door.attend_one(near, Peer::Owner, slot));
        far.write_all(b"GET /livez HTTP/1.1\r\nhost: localhost\r\n\r\n").await.expect("there is room");
        let begin = Instant::now();
        attending.await.expect("no panic");
        assert!((most..most * 2).contains(&begin.elapsed()), "{:?}", begin.elapsed());
    }

    #[tokio::test(start_paused = true)]
    async fn who_does_not_agree_on_the_encryption_is_left() {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("server.pem");
        std::fs::write(&file, made.cert.pem() + &made.signing_key.serialize_pem()).expect("it is written");
        let identity = tls::Identity { certificate: file.clone(), key: file };
        let settings = tls::ServerSettings { identity, clients: None };
        let (mut far, near) = duplex(1 << 12);
        let (mut door, _stop) = door(1);
        door.tls = Some(tls::Acceptor::new(&settings).expect("it can be read"));
        let slot = Arc::clone(&door.slots).acquire_owned().await.expect("there is one");
        let attending = tokio::spawn(door.attend_one(near, Peer::Owner, slot));
        // The beginning of a handshake, as it seems.
        far.write_all(&[22, 3, 1, 2]).await.expect("there is room");
        let begin = Instant::now();
        attending.await.expect("no panic");
        assert!((HANDSHAKE..HANDSHAKE * 2).contains(&begin.elapsed()), "{:?}", begin.elapsed());
    }

    #[tokio::test(start_paused = true)]
    async fn a_head_that_is_too_large_is_refused() {
        let long = |length: usize| {
            format!("GET /livez HTTP/1.1\r\nhost: localhost\r\nx: {}\r\n\r\n", "x".repeat(length))
        };
        let (answer, _) = sent(long(MAX_HEAD - 1_000).as_bytes()).await;
        assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
        let (answer, _) = sent(long(MAX_HEAD).as_bytes()).await;
        assert!(answer.starts_with("HTTP/1.1 431 "), "{answer}");
    }

    #[tokio::test(start_paused = true)]
    async fn connections_are_so_many_and_others_wait_until_one_ends() {
        let (mut far, near): (Vec<_>, Vec<_>) = (0..3).map(|_| duplex(1 << 12)).unzip();
        let coming = Arc::new(Coming { near: Mutex::new(near), taken: AtomicUsize::new(0) });
        let (door, stop) = door(2);
        let source = Arc::clone(&coming);
        let attending = tokio::spawn(async move { door.attend(|| source.next()).await });
        let taken = async || {
            sleep(Duration::from_secs(1)).await;
            coming.taken.load(Ordering::Relaxed)
        };
        assert_eq!(taken().await, 2);
        // The one that came last is the first in the list.
        let mut one = far.pop().expect("there are three");
        one.write_all(b"GET /livez HTTP/1.1\r\nhost: localhost\r\n\r\n").await.expect("it is taken");
        let mut begin = [0; 15];
        one.read_exact(&mut begin).await.expect("it is answered");
        assert_eq!((&begin, taken().await), (b"HTTP/1.1 200 OK", 2));
        drop(one);
        assert_eq!(taken().await, 3);
        stop.send_replace(true);
        attending.await.expect("no panic");
    }
}
