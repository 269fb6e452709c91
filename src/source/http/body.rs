//! Receives the body of a request.
//!
//! Enters: the body as it comes in. Leaves: its bytes, decompressed, or why it is refused. What all
//! requests of a source hold at a time is bounded by [`Room`], each body by its own limit, before and
//! after decompression; and a body that does not come in time is refused.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::HeaderMap;
use axum::http::header::{CONTENT_ENCODING, CONTENT_LENGTH};
use http_body_util::BodyExt;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{sleep, timeout};

use crate::source::Stop;
use crate::source::compression::Compression;

use super::answer::Refusal;

/// When the service stops, what has been sent of a body gets this long to come in whole.
const LAST_READS: Duration = Duration::from_secs(2);
/// Decompressing pauses after so many bytes, so that others get their turn.
const STEP: usize = 256 << 10;

/// How a body is compressed, as the head of a request says.
///
/// # Errors
/// When it says something that is not read here.
pub fn compression(headers: &HeaderMap) -> Result<Compression, Refusal> {
    let mut given = headers.get_all(CONTENT_ENCODING).iter();
    let (Some(encoding), more) = (given.next(), given.next()) else { return Ok(Compression::None) };
    let text = String::from_utf8_lossy(encoding.as_bytes()).trim().to_ascii_lowercase();
    match text.as_str() {
        _ if more.is_some() => Err(Refusal::Encoding(format!("{text}, …"))),
        "" | "identity" => Ok(Compression::None),
        "gzip" | "x-gzip" => Ok(Compression::Gzip),
        "zstd" => Ok(Compression::Zstd),
        _ => Err(Refusal::Encoding(text)),
    }
}

/// How much a body may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Most bytes, before and after decompression.
    pub max_body: usize,
    /// How long it may take to come.
    pub read_timeout: Duration,
    /// How long it may wait for room.
    pub wait: Duration,
}

/// The memory for the bodies of all requests.
#[derive(Clone, Debug)]
pub struct Room(Arc<Semaphore>);

impl Room {
    /// For so many bytes.
    pub fn new(bytes: usize) -> Room {
        // The last step of decompressing takes more than it will need.
        let bytes = bytes.saturating_add(STEP);
        Room(Arc::new(Semaphore::new(bytes.min(Semaphore::MAX_PERMITS))))
    }
}

/// A body that has been received.
#[derive(Debug)]
pub struct Received {
    /// Its bytes.
    pub bytes: Vec<u8>,
    held: Held,
}

/// A part of the room, until it is dropped.
#[derive(Debug)]
struct Held {
    room: Room,
    wait: Duration,
    permit: Option<OwnedSemaphorePermit>,
}

impl Held {
    async fn more(&mut self, bytes: usize) -> Result<(), Refusal> {
        let behind = Refusal::Behind { retry: self.wait };
        let bytes = u32::try_from(bytes).map_err(|_| Refusal::Behind { retry: self.wait })?;
        let more = timeout(self.wait, Arc::clone(&self.room.0).acquire_many_owned(bytes)).await;
        let Ok(Ok(more)) = more else { return Err(behind) };
        match &mut self.permit {
            Some(permit) => permit.merge(more),
            permit => *permit = Some(more),
        }
        Ok(())
    }
}

/// Receives a body.
///
/// # Errors
/// When it is too large or does not come in time, or when there is no room for it.
pub async fn receive(
    headers: &HeaderMap,
    body: Body,
    limits: Limits,
    room: &Room,
    stop: Stop,
) -> Result<Received, Refusal> {
    if promised(headers).is_some_and(|length| length > limits.max_body as u64) {
        return Err(Refusal::TooLarge { limit: limits.max_body, decompressed: false });
    }
    let mut held = Held { room: room.clone(), wait: limits.wait, permit: None };
    let read = tokio::select! {
        read = timeout(limits.read_timeout, read(body, limits.max_body, &mut held)) => read,
        () = grace(stop) => return Err(Refusal::Unavailable("the service is stopping")),
    };
    let bytes = read.map_err(|_| Refusal::Slow(limits.read_timeout))??;
    Ok(Received { bytes, held })
}

impl Received {
    /// The body as it was before it was compressed, which may not have more than `max_body` bytes.
    ///
    /// # Errors
    /// When it is not compressed like that, is too large or there is no room for it.
    pub async fn decompress(self, compression: Compression, max_body: usize) -> Result<Received, Refusal> {
        let Received { bytes, mut held } = self;
        let bytes = match compression {
            Compression::None => bytes,
            _ => decompress(compression.decompress(&bytes[..]), max_body, &mut held).await?,
        };
        Ok(Received { bytes, held })
    }
}

/// The length that the head of a request promises.
fn promised(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// Ends some time after the service is asked to stop.
async fn grace(mut stop: Stop) {
    stop.wanted().await;
    sleep(LAST_READS).await;
}

async fn read(body: Body, limit: usize, held: &mut Held) -> Result<Vec<u8>, Refusal> {
    let mut body = pin!(body);
    let mut bytes = Vec::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| Refusal::Unreadable(cause(&error)))?;
        let Ok(data) = frame.into_data() else { continue };
        let data: Bytes = data;
        if data.len() > limit - bytes.len() {
            return Err(Refusal::TooLarge { limit, decompressed: false });
        }
        held.more(data.len()).await?;
        bytes.extend_from_slice(&data);
    }
    Ok(bytes)
}

async fn decompress(
    mut from: impl AsyncRead + Unpin,
    limit: usize,
    held: &mut Held,
) -> Result<Vec<u8>, Refusal> {
    let mut bytes = Vec::new();
    loop {
        // One byte more than allowed shows that it is too large.
        let step = STEP.min(limit - bytes.len() + 1);
        held.more(step).await?;
        let count = (&mut from).take(step as u64).read_to_end(&mut bytes).await;
        let count = count.map_err(|error| Refusal::Unreadable(error.to_string()))?;
        if bytes.len() > limit {
            return Err(Refusal::TooLarge { limit, decompressed: true });
        }
        if count < step {
            return Ok(bytes);
        }
        tokio::task::yield_now().await;
    }
}

/// The innermost error, which says most.
fn cause(error: &dyn std::error::Error) -> String {
    let mut error = error;
    while let Some(inner) = error.source() {
        error = inner;
    }
    error.to_string()
}

#[cfg(test)]
mod tests {
    use crate::watch;

    use super::*;
    use std::io::{self, Write};

    const LIMITS: Limits =
        Limits { max_body: 1000, read_timeout: Duration::from_secs(60), wait: Duration::ZERO };

    async fn receive_in(room: &Room, body: &[u8]) -> Result<Received, Refusal> {
        let (_stop, stopped) = watch::channel(false);
        receive(&HeaderMap::new(), Body::from(body.to_vec()), LIMITS, room, Stop::new(stopped)).await
    }

    async fn read(body: &[u8], compression: Compression) -> Result<Vec<u8>, Refusal> {
        let received = receive_in(&Room::new(3000), body).await?;
        received.decompress(compression, LIMITS.max_body).await.map(|received| received.bytes)
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        encoder.write_all(bytes).expect("in memory");
        encoder.finish().expect("in memory")
    }

    fn zstd(bytes: &[u8]) -> Vec<u8> {
        zstd::encode_all(bytes, 3).expect("in memory")
    }

    #[tokio::test]
    async fn bodies_come_as_they_are_or_compressed() {
        let text = b"some text";
        assert_eq!(read(text, Compression::None).await, Ok(text.to_vec()));
        assert_eq!(read(&gzip(text), Compression::Gzip).await, Ok(text.to_vec()));
        assert_eq!(read(&zstd(text), Compression::Zstd).await, Ok(text.to_vec()));
        let twice = [gzip(b"some "), gzip(b"text")].concat();
        assert_eq!(read(&twice, Compression::Gzip).await, Ok(text.to_vec()));
        let twice = [zstd(b"some "), zstd(b"text")].concat();
        assert_eq!(read(&twice, Compression::Zstd).await, Ok(text.to_vec()));
    }

    #[tokio::test]
    async fn what_is_too_large_is_refused_before_and_after_decompression() {
        let most = vec![b'x'; 1000];
        let more = vec![b'x'; 1001];
        let refused = |decompressed| Err(Refusal::TooLarge { limit: 1000, decompressed });
        assert_eq!(read(&most, Compression::None).await, Ok(most.clone()));
        assert_eq!(read(&more, Compression::None).await, refused(false));
        let bomb = vec![b'x'; 600_000];
        for (compression, pack) in [(Compression::Gzip, gzip as fn(&[u8]) -> _), (Compression::Zstd, zstd)] {
            assert_eq!(read(&pack(&most), compression).await, Ok(most.clone()));
            assert_eq!(read(&pack(&more), compression).await, refused(true));
            assert_eq!(read(&pack(&bomb), compression).await, refused(true));
        }
    }

    #[tokio::test]
    async fn what_cannot_be_decompressed_is_refused() {
        let text: Vec<u8> = (0..200).collect();
        for (compression, packed) in [(Compression::Gzip, gzip(&text)), (Compression::Zstd, zstd(&text))] {
            let cut_off = &packed[..packed.len() - 3];
            for wrong in [b"some text", cut_off] {
                let refusal = read(wrong, compression).await.expect_err("it is no such thing");
                assert!(matches!(refusal, Refusal::Unreadable(_)), "{refusal:?}");
            }
        }
        // A frame that asks for a window of 128 MiB.
        let mut encoder = zstd::Encoder::new(Vec::new(), 1).expect("in memory");
        encoder.window_log(27).expect("it can be");
        encoder.write_all(&text).expect("in memory");
        let refusal = read(&encoder.finish().expect("in memory"), Compression::Zstd).await;
        assert!(matches!(refusal, Err(Refusal::Unreadable(_))), "{refusal:?}");
    }

    #[tokio::test]
    async fn all_bodies_share_one_room() {
        let room = Room(Arc::new(Semaphore::new(1500)));
        let first = receive_in(&room, &[b'x'; 900]).await.expect("there is room");
        let second = receive_in(&room, &[b'x'; 900]).await.expect_err("there is none");
        assert_eq!(second, Refusal::Behind { retry: Duration::ZERO });
        drop(first);
        assert!(receive_in(&room, &[b'x'; 900]).await.is_ok());
        assert_eq!(room.0.available_permits(), 1500);
    }

    #[tokio::test]
    async fn a_body_that_does_not_come_is_not_waited_for() {
        let (_stop, stopped) = watch::channel(false);
        let limits = Limits { read_timeout: Duration::ZERO, ..LIMITS };
        let room = Room::new(0);
        let slow = receive(&HeaderMap::new(), Body::new(Silent), limits, &room, Stop::new(stopped)).await;
        assert_eq!(slow.expect_err("nothing comes"), Refusal::Slow(Duration::ZERO));
    }

    /// A body of which nothing comes.
    struct Silent;

    impl axum::body::HttpBody for Silent {
        type Data = Bytes;
        type Error = io::Error;

        fn poll_frame(
            self: std::pin::Pin<&mut Self>,
            _: &mut std::task::Context<'_>,
        ) -> std::task::Poll<Option<Result<hyper::body::Frame<Bytes>, io::Error>>> {
            std::task::Poll::Pending
        }
    }
}
