//! Compressed streams of bytes, read as what they hold.
//!
//! Enters: the bytes of a socket or a file as they come, in one of the formats of [`Compression`], one
//! member after another. Leaves: the bytes as they were before, as soon as the sender has flushed
//! them. What was whole before a damaged place is given out before the error.
//!
//! Nothing here limits how much a few bytes may grow to: readers take a piece at a time, and records
//! are bounded by the framing. The memory of a decoder is bounded by [`WINDOW`].

use std::io::{self, Read};
use std::path::Path;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use async_compression::tokio::bufread::{GzipDecoder, ZstdDecoder};
use async_compression::zstd::DParameter;
use tokio::io::{AsyncRead, BufReader, ReadBuf};

/// The largest window that a sender of zstd may use, as a power of two: 8 MiB, which every decoder
/// should allow (RFC 8878) and all levels but the "ultra" ones keep to.
const WINDOW: u32 = 23;
/// How many compressed bytes are read at once.
const PIECE: usize = 32 << 10;

/// How bytes are compressed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Compression {
    /// Not at all.
    #[default]
    None,
    /// As gzip does (RFC 1952).
    Gzip,
    /// As zstd does (RFC 8878).
    Zstd,
}

impl Compression {
    /// What the end of a file's name says: `.gz` or `.zst`.
    pub fn of_path(path: &Path) -> Compression {
        match path.extension().and_then(|extension| extension.to_str()) {
            Some("gz") => Compression::Gzip,
            Some("zst") => Compression::Zstd,
            _ => Compression::None,
        }
    }

    /// The word for it in configurations and messages.
    pub const fn name(self) -> &'static str {
        match self {
            Compression::None => "none",
            Compression::Gzip => "gzip",
            Compression::Zstd => "zstd",
        }
    }

    /// What `bytes` hold. Reading fails when they are damaged or end too early, with what came before
    /// given out; no bytes at all hold nothing.
    pub fn decompress<'a, R>(self, bytes: R) -> Box<dyn AsyncRead + Send + Unpin + 'a>
    where
        R: AsyncRead + Send + Unpin + 'a,
    {
        let watch = |bytes| BufReader::with_capacity(PIECE, Watched { bytes, seen: Seen::default() });
        match self {
            Compression::None => Box::new(bytes),
            Compression::Gzip => {
                let mut decoder = GzipDecoder::new(watch(bytes));
                decoder.multiple_members(true);
                Box::new(Decompressed { decoder, compression: self })
            }
            Compression::Zstd => {
                let limit = [DParameter::window_log_max(WINDOW)];
                let mut decoder = ZstdDecoder::with_params(watch(bytes), &limit);
                decoder.multiple_members(true);
                Box::new(Decompressed { decoder, compression: self })
            }
        }
    }

    /// The same of bytes that are read synchronously.
    ///
    /// # Errors
    /// When there is not the memory for a decoder.
    pub fn decompress_now<R>(self, bytes: R) -> io::Result<Box<dyn Read + Send>>
    where
        R: Read + Send + 'static,
    {
        Ok(match self {
            Compression::None => Box::new(bytes),
            Compression::Gzip => {
                let decoder = flate2::read::MultiGzDecoder::new(bytes);
                Box::new(DecompressedNow { decoder, compression: self })
            }
            Compression::Zstd => {
                let decoder = zstd::stream::read::Decoder::new(bytes)?;
                Box::new(DecompressedNow { decoder, compression: self })
            }
        })
    }

    /// The error of a decoder in words that help. Those of the system pass as they are.
    fn explain(self, error: io::Error) -> io::Error {
        let name = self.name();
        match error.kind() {
            io::ErrorKind::UnexpectedEof => {
                io::Error::new(error.kind(), format!("the {name} data is cut off: its end is missing"))
            }
            _ if error.raw_os_error().is_none() && error.kind() != io::ErrorKind::Interrupted => {
                io::Error::new(
                    io::ErrorKind::InvalidData,
                    format!("this is not {name} data, or it is damaged: {error}"),
                )
            }
            _ => error,
        }
    }
}

/// The bytes below a decoder. A failure to read them is noted and looks like their end to the decoder,
/// so that it gives out all that it has before the failure is told.
struct Watched<R> {
    bytes: R,
    seen: Seen,
}

/// What became of the bytes.
#[derive(Debug, Default)]
struct Seen {
    /// Whether there were any.
    any: bool,
    /// Why there are no more.
    failure: Option<io::Error>,
}

impl<R: AsyncRead + Unpin> AsyncRead for Watched<R> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let Watched { bytes, seen } = self.get_mut();
        loop {
            match ready!(Pin::new(&mut *bytes).poll_read(cx, buffer)) {
                Ok(()) => seen.any |= !buffer.filled().is_empty(),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => seen.failure = Some(error),
            }
            return Poll::Ready(Ok(()));
        }
    }
}

/// A decoder whose bytes can be asked what became of them.
trait Decoder: AsyncRead + Unpin {
    fn seen(&mut self) -> &mut Seen;
}

impl<R: AsyncRead + Unpin> Decoder for GzipDecoder<BufReader<Watched<R>>> {
    fn seen(&mut self) -> &mut Seen {
        &mut self.get_mut().get_mut().seen
    }
}

impl<R: AsyncRead + Unpin> Decoder for ZstdDecoder<BufReader<Watched<R>>> {
    fn seen(&mut self) -> &mut Seen {
        &mut self.get_mut().get_mut().seen
    }
}

/// A decoder that tells failures in words that help.
struct Decompressed<D> {
    decoder: D,
    compression: Compression,
}

impl<D: Decoder> AsyncRead for Decompressed<D> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let Decompressed { decoder, compression } = self.get_mut();
        let room = buffer.remaining();
        let read = ready!(Pin::new(&mut *decoder).poll_read(cx, buffer));
        if buffer.remaining() < room {
            // A failure comes up again with the next read.
            return Poll::Ready(Ok(()));
        }
        let seen = decoder.seen();
        Poll::Ready(match (seen.failure.take(), read) {
            (Some(failure), _) => Err(failure),
            // Nobody sent anything, as when someone only looks whether the port is open.
            (None, Err(_)) if !seen.any => Ok(()),
            (None, read) => read.map_err(|error| compression.explain(error)),
        })
    }
}

/// The same, synchronously.
struct DecompressedNow<D> {
    decoder: D,
    compression: Compression,
}

impl<D: Read> Read for DecompressedNow<D> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.decoder.read(buffer).map_err(|error| self.compression.explain(error))
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;
    use crate::cases::size;
    use crate::source::framing::{Content, Framing};

    const BOTH: [Compression; 2] = [Compression::Gzip, Compression::Zstd];

    fn compress(compression: Compression, bytes: &[u8]) -> Vec<u8> {
        match compression {
            Compression::None => bytes.to_vec(),
            Compression::Gzip => {
                let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
                encoder.write_all(bytes).expect("in memory");
                encoder.finish().expect("in memory")
            }
            Compression::Zstd => zstd::encode_all(bytes, 3).expect("in memory"),
        }
    }

    /// What is read, asynchronously, and why it ends, if not because the bytes end.
    async fn read(
        compression: Compression,
        bytes: impl AsyncRead + Send + Unpin,
    ) -> (Vec<u8>, Option<io::Error>) {
        let mut stream = compression.decompress(bytes);
        let mut out = Vec::new();
        let error = stream.read_to_end(&mut out).await.err();
        let more = stream.read(&mut [0; 10]).await;
        assert!(matches!(more, Ok(0)), "after the end comes nothing: {more:?}");
        (out, error)
    }

    /// The same, synchronously.
    fn read_now(compression: Compression, bytes: &[u8]) -> (Vec<u8>, Option<io::Error>) {
        let mut stream = compression.decompress_now(io::Cursor::new(bytes.to_vec())).expect("a decoder");
        let mut out = Vec::new();
        let error = stream.read_to_end(&mut out).err();
        (out, error)
    }

    /// Text that does not compress to almost nothing.
    fn text() -> Vec<u8> {
        (0..50_000_u32)
            .flat_map(|n| format!("{{\"n\":{}}}\n", n.wrapping_mul(2_654_435_761)).into_bytes())
            .collect()
    }

    #[test]
    fn the_name_of_a_file_tells_how_it_is_compressed() {
        let of = |name: &str| Compression::of_path(Path::new(name)).name();
        assert_eq!(
            ["a.csv.gz", "b.zst", "c.jsonl", "gz", ".gz"].map(of),
            ["gzip", "zstd", "none", "none", "none"]
        );
    }

    #[tokio::test]
    async fn members_are_read_one_after_another() {
        for compression in [Compression::None, Compression::Gzip, Compression::Zstd] {
            let bytes =
                [&b"one\n"[..], b"", b"two\n", &text()].map(|part| compress(compression, part)).concat();
            let expected = [&b"one\ntwo\n"[..], &text()].concat();
            let (out, error) = read(compression, &bytes[..]).await;
            assert!(out == expected && error.is_none(), "{compression:?}: {error:?}");
            let (out, error) = read_now(compression, &bytes);
            assert!(out == expected && error.is_none(), "{compression:?}: {error:?}");
        }
    }

    #[tokio::test]
    async fn a_stream_that_is_cut_off_says_so_after_what_was_whole() {
        for compression in BOTH {
            let bytes = compress(compression, &text());
            for length in [1, 5, bytes.len() / 2, bytes.len() - 1] {
                let (out, error) = read(compression, &bytes[..length]).await;
                let error = error.expect("the end is missing");
                let expected = format!("the {} data is cut off: its end is missing", compression.name());
                assert_eq!(error.to_string(), expected, "{length}");
                assert!(text().starts_with(&out));
                assert!(length < bytes.len() / 2 || out.len() > text().len() / 4, "{}", out.len());
                let (out, error) = read_now(compression, &bytes[..length]);
                assert_eq!(error.expect("the end is missing").to_string(), expected, "{length}");
                assert!(text().starts_with(&out));
            }
        }
    }

    #[tokio::test]
    async fn what_is_damaged_or_something_else_is_an_error() {
        for compression in BOTH {
            let mut bytes = compress(compression, &text());
            let middle = bytes.len() / 2;
            bytes[middle..middle + 50].fill(0x55);
            for bytes in [&bytes[..], b"{\"id\":1}\n{\"id\":2}\n{\"id\":3}\n"] {
                let expected = format!("this is not {} data, or it is damaged: ", compression.name());
                for (out, error) in [read(compression, bytes).await, read_now(compression, bytes)] {
                    let error = error.expect("it cannot be read").to_string();
                    assert!(error.starts_with(&expected), "{error}");
                    let whole = out.len().min(text().len() / 4);
                    assert!(text()[..whole] == out[..whole], "what came before is right");
                }
            }
        }
    }

    #[tokio::test]
    async fn a_connection_that_sends_nothing_holds_nothing() {
        for compression in BOTH {
            let (out, error) = read(compression, &b""[..]).await;
            assert!(out.is_empty() && error.is_none(), "{compression:?}: {error:?}");
        }
    }

    #[tokio::test]
    async fn what_was_flushed_can_be_read_before_more_comes() {
        for compression in BOTH {
            let (ours, mut theirs) = tokio::io::duplex(1 << 20);
            let mut stream = compression.decompress(ours);
            let mut pieces = flushed(compression, [b"one\n", b"two\n"]).into_iter();
            let mut buffer = [0; 100];
            for line in [b"one\n", b"two\n"] {
                theirs.write_all(&pieces.next().expect("two pieces")).await.expect("there is room");
                let count = stream.read(&mut buffer).await.expect("what was flushed");
                assert_eq!(&buffer[..count], line, "{compression:?}");
            }
        }
    }

    /// What a sender writes that flushes after each part.
    fn flushed(compression: Compression, parts: [&[u8]; 2]) -> Vec<Vec<u8>> {
        fn write<W: Write>(
            mut encoder: W,
            parts: [&[u8]; 2],
            take: fn(&mut W) -> &mut Vec<u8>,
        ) -> Vec<Vec<u8>> {
            let mut pieces = Vec::new();
            for part in parts {
                encoder.write_all(part).expect("in memory");
                encoder.flush().expect("in memory");
                pieces.push(std::mem::take(take(&mut encoder)));
            }
            pieces
        }
        let level = flate2::Compression::default();
        match compression {
            Compression::None => parts.map(<[u8]>::to_vec).into(),
            Compression::Gzip => {
                let encoder = flate2::write::GzEncoder::new(Vec::new(), level);
                write(encoder, parts, flate2::write::GzEncoder::get_mut)
            }
            Compression::Zstd => {
                let encoder = zstd::Encoder::new(Vec::new(), 3).expect("an encoder");
                write(encoder, parts, zstd::Encoder::get_mut)
            }
        }
    }

    /// Bytes whose reading fails after the first ones.
    struct Failing(Vec<u8>);

    impl AsyncRead for Failing {
        fn poll_read(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
            buffer: &mut ReadBuf<'_>,
        ) -> Poll<io::Result<()>> {
            if self.0.is_empty() {
                return Poll::Ready(Err(io::Error::from(io::ErrorKind::ConnectionReset)));
            }
            let count = self.0.len().min(buffer.remaining());
            buffer.put_slice(&self.0[..count]);
            self.0.drain(..count);
            Poll::Ready(Ok(()))
        }
    }

    #[tokio::test]
    async fn a_connection_that_breaks_is_told_as_such_after_what_came() {
        for compression in BOTH {
            let pieces = flushed(compression, [&text(), b"end"]).concat();
            let mut stream = compression.decompress(Failing(pieces));
            let mut out = Vec::new();
            let error = stream.read_to_end(&mut out).await.expect_err("it breaks");
            assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
            assert!(out == [&text(), &b"end"[..]].concat(), "{compression:?}: {} bytes", out.len());
        }
    }

    #[tokio::test]
    async fn a_window_larger_than_allowed_is_refused() {
        let mut encoder = zstd::Encoder::new(Vec::new(), 1).expect("an encoder");
        encoder.window_log(WINDOW + 1).expect("a window");
        encoder.write_all(&text()).expect("in memory");
        let (_, error) = read(Compression::Zstd, &encoder.finish().expect("in memory")[..]).await;
        let error = error.expect("it is too large").to_string();
        assert!(error.ends_with("Frame requires too much memory for decoding"), "{error}");
    }

    /// A few KB that grow to 100 MB are one record that is too long, and never held.
    #[tokio::test]
    async fn a_bomb_is_one_oversized_record() {
        let length: usize = size(20, 100) << 20;
        for compression in BOTH {
            let mut bomb = compress(compression, &vec![0; length]);
            assert!(bomb.len() < length / 900);
            bomb.extend(compress(compression, b"\n{}\n"));
            let mut stream = compression.decompress(&bomb[..]);
            let mut frames = Framing::Lines.frames(1 << 20);
            let mut contents = Vec::new();
            loop {
                let space = frames.space();
                assert!(space.len() <= 3 << 20, "what is held stays small");
                let count = stream.read(space).await.expect("it is whole");
                frames.filled(count);
                while let Some(frame) = frames.next() {
                    contents.push(match frame.content {
                        Content::Record(record) => record.to_vec(),
                        Content::Oversized { length, .. } => length.to_string().into_bytes(),
                        other => panic!("{other:?}"),
                    });
                }
                if count == 0 {
                    break;
                }
            }
            assert_eq!(contents, [length.to_string().as_bytes(), b"{}"]);
        }
    }
}
