//! Sources that the simulation feeds: each is what the real ones do with the bytes that they have read.

use std::io;
use std::path::Path;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::AsyncWrite;
use tokio::sync::{Semaphore, mpsc};

use crate::codec::Format;
use crate::program::Program;
use crate::source::compression::Compression;
use crate::source::framing::Framing;
use crate::source::gate::Partitions;
use crate::source::gate::ack::acks;
use crate::source::http::answer::Refusal;
use crate::source::http::{Intake, OnBad, Shape};
use crate::source::positions::{FileId, Head, Kind, Piece, Stored};
use crate::source::reader::Checks;
use crate::source::{Decoding, Feed, Identity, Inlet, Surroundings};
use crate::telemetry::Metrics;

use super::book::Book;

/// The sources there are: name, stream, and what their partitions are.
pub const SOURCES: [(&str, &str, Partitions); 5] = [
    ("files", "a", Partitions::Files),
    ("log", "b", Partitions::Files),
    ("tcp", "a", Partitions::Connections),
    ("feed", "b", Partitions::Source),
    ("web", "a", Partitions::Source),
];
pub const TCP: usize = 2;
pub const FEED: usize = 3;
pub const WEB: usize = 4;

/// What a source is in the configuration.
pub fn identity(source: usize, program: &Program, metrics: &Metrics) -> Identity {
    let (name, stream, _) = SOURCES[source];
    let stream = program.input(stream).expect("all sets of rules have it");
    Identity {
        name: name.into(),
        index: source,
        stream,
        schema: Arc::new(program.schema(stream).clone()),
        kept: program.kept(stream),
        decoding: Decoding { format: Format::Json, framing: Framing::Lines, compression: Compression::None },
        checks: Checks::default(),
        metrics: Arc::clone(&metrics.sources[source]),
    }
}

/// What happens to a source.
#[derive(Debug)]
pub enum Command {
    /// Bytes have come.
    Bytes(Vec<u8>),
    /// The connection is another from now on.
    Reconnect,
    /// The file has another name, and this one stands in its place.
    Next(u64),
    /// There will be no more.
    Close,
}

/// The way of commands to a source.
pub type Commands = mpsc::UnboundedSender<Command>;

/// Reads a file of which the bytes come from a position on, until it is closed or nobody sends any more.
pub async fn read_file(
    around: Surroundings,
    identity: Identity,
    (path, number): (&'static str, u64),
    stored: Option<Stored>,
    mut commands: mpsc::UnboundedReceiver<Command>,
) {
    let inlet = Inlet::new(identity, around);
    let reached = stored.as_ref().and_then(|stored| stored.position.reached.file.clone());
    let reached = reached.as_deref().cloned().unwrap_or_default();
    let piece = |number| Piece {
        file: FileId { device: 1, inode: number, born: None },
        read: 0,
        head: Head::default(),
    };
    let mut current = reached.current.unwrap_or_else(|| piece(number));
    let mut left = reached.left;
    let kind = Kind::File(Arc::from(Path::new(path)));
    let Some(mut feed) = Feed::begin_or_go_on(&inlet, kind, stored).await else { return };
    while let Some(command) = commands.recv().await {
        feed.wait().await;
        match command {
            Command::Bytes(bytes) => {
                current.read += bytes.len() as u64;
                feed.in_file(Some(current), bytes.len(), Arc::clone(&left));
                if feed.take(&bytes).await.is_err() {
                    return;
                }
            }
            Command::Next(number) => {
                left = left.iter().copied().chain([current]).collect();
                current = piece(number);
                if feed.begin_anew().await.is_err() {
                    return;
                }
                feed.in_file(Some(current), 0, Arc::clone(&left));
                if feed.flush().await.is_err() {
                    return;
                }
            }
            Command::Reconnect => {}
            Command::Close => {
                feed.file_has_ended(current.read);
                if feed.end().await.is_ok() {
                    feed.close().await;
                }
                return;
            }
        }
    }
}

/// Reads a connection, or several one after the other, and says how many records have been accepted.
pub async fn read_connection(
    around: Surroundings,
    identity: Identity,
    kind: Kind,
    told: Told,
    mut commands: mpsc::UnboundedReceiver<Command>,
) {
    let gate = around.gate.clone().expect("there is a journal");
    let inlet = Inlet::new(identity, around);
    let (acks, acknowledging) = acks(&gate);
    // Of a client that is told nothing more nobody has to know.
    let telling = async { drop(acknowledging.write(told).await) };
    let reading = async {
        let Some(feed) = Feed::begin(&inlet, kind).await else { return };
        let mut feed = feed.acknowledged(Some(acks));
        while let Some(command) = commands.recv().await {
            feed.wait().await;
            let done = match command {
                Command::Bytes(bytes) => feed.take(&bytes).await,
                Command::Next(_) => Ok(()),
                Command::Reconnect => match feed.disconnected().await.and(feed.begin_anew().await) {
                    Ok(()) => feed.connected().await,
                    gone => gone,
                },
                Command::Close => {
                    if feed.end().await.is_ok() {
                        feed.close().await;
                    }
                    return;
                }
            };
            if done.is_err() {
                return;
            }
        }
    };
    tokio::join!(telling, reading);
}

/// The client's end of a connection, to which counts are said.
pub struct Told {
    pub book: Arc<Mutex<Book>>,
    pub parcel: usize,
}

impl AsyncWrite for Told {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let mut book = self.book.lock().expect("no panic");
        let parcel = &mut book.parcels[self.parcel];
        for line in std::str::from_utf8(bytes).expect("numbers").lines() {
            let count: usize = line.parse().expect("a number");
            assert!(count > parcel.promised && count <= parcel.sent.len(), "{count} of {parcel:?}");
            parcel.promised = count;
        }
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// Takes a body, and tells its sender.
pub async fn post(intake: Arc<Intake>, body: String, wait: Duration, told: Told) {
    let turns = Semaphore::new(1);
    let lines = Shape::Framed(Framing::Lines);
    let answer = intake.take(body.as_bytes(), lines, OnBad::Refuse, &turns, wait).await;
    let mut book = told.book.lock().expect("no panic");
    let parcel = &mut book.parcels[told.parcel];
    parcel.is_open = false;
    match answer {
        Ok(_) => parcel.promised = parcel.sent.len(),
        // It may have been kept all the same.
        Err(Refusal::Uncertain(_) | Refusal::Unavailable(_)) => {}
        Err(_) => parcel.is_refused = true,
    }
}
