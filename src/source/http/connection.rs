//! Speaks HTTP/1.1 on one connection.
//!
//! Enters: a connection. Leaves: its requests to the service, and the answers to the client. Nothing on
//! it may take for ever: the head of a request and the client's taking of an answer are bounded here, the
//! body and the waiting by the service.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::body::Body;
use axum::http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{self, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;
use tracing::debug;

use crate::source::Stop;
use crate::source::server::Peer;
use crate::stalled::Unstalled;

use super::service::Service;

/// The largest head of a request.
const MAX_HEAD: usize = 32 << 10;
/// How much of what a client sends is buffered.
const BUFFER: usize = 64 << 10;
/// When the service stops, requests are taken until none has come for this long.
const QUIET: Duration = Duration::from_millis(50);
/// How long a client that has got an answer before it had sent its request may go on sending, so that it
/// reads the answer and does not just find the connection broken.
const LINGER: Duration = Duration::from_secs(2);

/// What is known of a connection.
#[derive(Debug)]
pub struct Conversation {
    /// The client.
    pub peer: Peer,
    busy: AtomicBool,
    unread: AtomicBool,
}

impl Conversation {
    /// Notes whether a part of the request's body has not been read.
    pub fn note_unread(&self, unread: bool) {
        self.unread.store(unread, Ordering::Relaxed);
    }

    /// Whether a part of the last request's body has not been read.
    pub fn is_unread(&self) -> bool {
        self.unread.load(Ordering::Relaxed)
    }
}

/// Serves a connection until it ends, or the service stops and what has come is answered.
pub async fn serve(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send,
    peer: &Peer,
    service: Arc<Service>,
    stop: Stop,
) {
    let patience = service.read_timeout();
    let mut stream = Unstalled::new(stream, patience);
    let conversation = Arc::new(Conversation {
        peer: peer.clone(),
        busy: AtomicBool::new(false),
        unread: AtomicBool::new(false),
    });
    let done = converse(&mut stream, patience, service, &conversation, stop).await;
    if let Err(error) = &done {
        debug!(%peer, %error, "a connection has failed");
    }
    if done.is_err() || conversation.is_unread() {
        linger(stream).await;
    }
}

async fn converse(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send,
    patience: Duration,
    service: Arc<Service>,
    conversation: &Arc<Conversation>,
    mut stop: Stop,
) -> hyper::Result<()> {
    let router = TowerToHyperService::new(service.router());
    let answer = service_fn(|request: Request<Incoming>| {
        let conversation = Arc::clone(conversation);
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(Arc::clone(&conversation));
        conversation.busy.store(true, Ordering::Relaxed);
        let answer = router.call(request);
        async move {
            let answer = answer.await;
            conversation.busy.store(false, Ordering::Relaxed);
            answer
        }
    });
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(patience)
        .max_header_size(MAX_HEAD)
        .max_buf_size(BUFFER)
        // A client may end what it sends and still wait for the answer.
        .half_close(true);
    let mut connection = pin!(http.serve_connection(TokioIo::new(stream), answer));
    tokio::select! {
        biased;
        done = connection.as_mut() => return done,
        () = stop.wanted() => {}
    }
    // What had been sent by now has come after that.
    if let Ok(done) = timeout(QUIET, connection.as_mut()).await {
        return done;
    }
    connection.as_mut().graceful_shutdown();
    loop {
        let busy = conversation.busy.load(Ordering::Relaxed);
        match timeout(QUIET, connection.as_mut()).await {
            Ok(done) => return done,
            Err(_) if busy => {}
            Err(_) => return Ok(()),
        }
    }
}

/// Ends a connection whose client may still be sending.
async fn linger(mut stream: impl AsyncRead + AsyncWrite + Unpin) {
    let mut passed_over = vec![0; BUFFER];
    let _ = timeout(LINGER, async {
        stream.shutdown().await?;
        while stream.read(&mut passed_over).await? > 0 {}
        io::Result::Ok(())
    })
    .await;
}
