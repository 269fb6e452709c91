//! Appends lines to a file, from a thread of its own.
//!
//! Enters: bursts of lines, from asynchronous tasks and from threads. Leaves: the lines in the file, each
//! burst whole where the disk allows it. In the queue and in the thread's hands are at most [`ROOM`]
//! bytes and one burst; who finds the queue full waits.
//!
//! When the file cannot be written, what came is held, up to [`HELD`] bytes, and tried again with the
//! next burst, or after [`AGAIN`]; what comes beyond that is counted as lost, since a full disk must not
//! stop the service. The same goes for what would make the file larger than it may be.

use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};
use tracing::{error, info};

use crate::event::{Duration as Span, Timestamp};
use crate::telemetry::catalogue::KeptMetrics;
use crate::telemetry::limit::{RateLimit, Verdict};

use super::Settings;
use super::file::Shared;

/// Bytes of lines that may wait for the thread; a larger burst is still taken, alone.
const ROOM: u32 = 8 << 20;
/// Bursts are put together up to this size.
const TOGETHER: usize = 1 << 20;
/// Bytes of lines that are held while the file cannot be written.
const HELD: usize = 4 << 20;
/// How long to wait before what is held is tried again.
const AGAIN: Duration = Duration::from_secs(5);
/// A failure that lasts is logged once in this time.
const LOG_SPAN: Span = Span::from_micros(10_000_000);

/// Lines on their way to the file.
#[derive(Debug, Default)]
pub struct Burst {
    /// Each with its line end.
    bytes: Vec<u8>,
    lines: u64,
}

impl Burst {
    /// Adds a line, which is given without its end.
    pub fn push(&mut self, line: &[u8]) {
        self.bytes.extend_from_slice(line);
        self.bytes.push(b'\n');
        self.lines += 1;
    }

    /// Its size in bytes.
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Whether it holds no line.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    fn append(&mut self, other: Burst) {
        if self.is_empty() {
            *self = other;
        } else {
            self.bytes.extend_from_slice(&other.bytes);
            self.lines += other.lines;
        }
    }

    /// Takes the first lines, up to `size` bytes.
    fn split(mut self, size: usize) -> (Burst, Burst) {
        if self.bytes.len() <= size {
            return (self, Burst::default());
        }
        let end = self.bytes[..size].iter().rposition(|byte| *byte == b'\n').map_or(0, |feed| feed + 1);
        let rest = self.bytes.split_off(end);
        let lines = rest.iter().filter(|byte| **byte == b'\n').count() as u64;
        self.lines -= lines;
        (self, Burst { bytes: rest, lines })
    }
}

/// The way to the file.
#[derive(Clone, Debug)]
pub struct Writer {
    queue: Sender<Message>,
    room: Arc<Semaphore>,
    metrics: Arc<KeptMetrics>,
    runtime: Handle,
}

enum Message {
    Lines(Waiting),
    Finish(oneshot::Sender<()>),
}

/// Lines that wait for the thread. Those that it does not take, because it has ended, are counted.
struct Waiting {
    lines: Burst,
    room: Option<OwnedSemaphorePermit>,
    metrics: Arc<KeptMetrics>,
}

impl Drop for Waiting {
    fn drop(&mut self) {
        if !self.lines.is_empty() {
            self.metrics.lost.add(self.lines.lines);
            error!(file = %self.metrics.name, records = self.lines.lines, "not kept: the service stops");
        }
    }
}

impl Writer {
    /// Starts the thread. Callers that are no asynchronous tasks wait on the runtime that this is called
    /// from. The file is not opened before there is something to write.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn start(settings: Settings, metrics: Arc<KeptMetrics>) -> io::Result<Writer> {
        let (queue, messages) = channel();
        let room = Arc::new(Semaphore::new(ROOM as usize));
        let work = Work {
            file: Shared::new(&settings.file),
            settings,
            metrics: Arc::clone(&metrics),
            room: Arc::clone(&room),
            held: Burst::default(),
            is_full: false,
            has_failed: false,
            failures: RateLimit::new(1, LOG_SPAN),
            begun: Instant::now(),
        };
        std::thread::Builder::new().name(metrics.name.clone()).spawn(move || work.run(messages))?;
        Ok(Writer { queue, room, metrics, runtime: Handle::current() })
    }

    /// Hands over lines. Waits while the queue is full.
    pub async fn put(&self, lines: Burst) {
        if lines.is_empty() {
            return;
        }
        let size = u32::try_from(lines.len()).unwrap_or(ROOM).min(ROOM);
        let mut waiting = Waiting { lines, room: None, metrics: Arc::clone(&self.metrics) };
        // An error means that the thread has ended, or will before it takes this.
        if let Ok(room) = Arc::clone(&self.room).acquire_many_owned(size).await {
            waiting.room = Some(room);
            let _ = self.queue.send(Message::Lines(waiting));
        }
    }

    /// The same for a thread; not to be called from asynchronous code.
    pub fn put_blocking(&self, lines: Burst) {
        self.runtime.block_on(self.put(lines));
    }

    /// Writes what has been handed over, and ends. Waits until that is done.
    pub async fn finish(&self) {
        let (done, end) = oneshot::channel();
        if self.queue.send(Message::Finish(done)).is_ok() {
            // An error means that the thread has ended, which is the same.
            let _ = end.await;
        }
    }
}

/// What the thread works with.
struct Work {
    settings: Settings,
    file: Shared,
    metrics: Arc<KeptMetrics>,
    room: Arc<Semaphore>,
    /// What could not be written yet.
    held: Burst,
    /// Whether the last lines did not fit into the file.
    is_full: bool,
    /// Whether the last attempt to write failed.
    has_failed: bool,
    failures: RateLimit,
    begun: Instant,
}

/// Nobody may wait for a thread that has ended.
impl Drop for Work {
    fn drop(&mut self) {
        self.room.close();
    }
}

impl Work {
    fn run(mut self, messages: Receiver<Message>) {
        loop {
            let mut end = None;
            match self.next(&messages) {
                Some(Message::Lines(waiting)) => end = self.take(waiting, &messages),
                Some(Message::Finish(done)) => end = Some(done),
                None => self.write(Burst::default()),
            }
            if let Some(done) = end {
                self.room.close();
                drop(messages);
                self.end();
                // Who asked may have gone.
                let _ = done.send(());
                return;
            }
        }
    }

    /// The next message; `None` when it is time to try again what is held.
    fn next(&self, messages: &Receiver<Message>) -> Option<Message> {
        let next = match self.held.is_empty() {
            true => messages.recv().map_err(|_| RecvTimeoutError::Disconnected),
            false => messages.recv_timeout(AGAIN),
        };
        match next {
            Ok(message) => Some(message),
            Err(RecvTimeoutError::Timeout) => None,
            // All senders have gone without a word.
            Err(RecvTimeoutError::Disconnected) => Some(Message::Finish(oneshot::channel().0)),
        }
    }

    /// Writes lines together with those that wait behind them. Gives back who waits for the end, if that
    /// was found in the queue.
    fn take(&mut self, mut first: Waiting, messages: &Receiver<Message>) -> Option<oneshot::Sender<()>> {
        let mut end = None;
        let mut lines = std::mem::take(&mut first.lines);
        // The room that the lines take is free when they have been written.
        let mut rooms = vec![first.room.take()];
        while lines.len() < TOGETHER && end.is_none() {
            match messages.try_recv() {
                Ok(Message::Lines(mut more)) => {
                    lines.append(std::mem::take(&mut more.lines));
                    rooms.push(more.room.take());
                }
                Ok(Message::Finish(done)) => end = Some(done),
                Err(_) => break,
            }
        }
        self.write(lines);
        end
    }

    /// Writes what is held and then `lines`.
    fn write(&mut self, lines: Burst) {
        self.held.append(lines);
        if self.held.is_empty() {
            return;
        }
        let size = self.held.len();
        match self.file.append(&self.held.bytes, self.settings.max_size) {
            Ok(appended) => {
                let (written, left) = std::mem::take(&mut self.held).split(appended.bytes);
                self.metrics.written.add(written.lines);
                self.metrics.bytes.add(appended.bytes as u64);
                self.metrics.size.set(appended.size);
                self.log_recovery();
                self.log_fullness(appended.bytes < size, left.lines);
                self.metrics.lost.add(left.lines);
            }
            Err(error) => {
                let (held, lost) = std::mem::take(&mut self.held).split(HELD);
                self.held = held;
                self.metrics.lost.add(lost.lines);
                self.log_failure(&error, lost.lines);
            }
        }
    }

    fn log_failure(&mut self, error: &io::Error, lost: u64) {
        self.has_failed = true;
        let now = i64::try_from(self.begun.elapsed().as_micros()).unwrap_or(i64::MAX);
        if let Verdict::Show { held_back } = self.failures.check(Timestamp::from_micros(now)) {
            error!(
                file = %self.metrics.name,
                path = %self.settings.file.display(),
                %error,
                waiting = self.held.lines,
                lost,
                lost_in_all = self.metrics.lost.get(),
                not_logged = held_back,
                "cannot keep records; the service goes on, and this is tried again"
            );
        }
    }

    fn log_recovery(&mut self) {
        if std::mem::take(&mut self.has_failed) {
            let path = self.settings.file.display();
            let lost_in_all = self.metrics.lost.get();
            info!(file = %self.metrics.name, %path, lost_in_all, "records can be kept again");
        }
    }

    /// Says once that the file is full, and once that it no longer is.
    fn log_fullness(&mut self, is_full: bool, lost: u64) {
        if std::mem::replace(&mut self.is_full, is_full) == is_full {
            return;
        }
        let (file, path) = (&self.metrics.name, self.settings.file.display());
        if is_full {
            error!(
                %file,
                %path,
                max_size = self.settings.max_size,
                lost,
                "the file is full: until it has been moved away, or made smaller, records are counted and not kept"
            );
        } else {
            info!(%file, %path, lost_in_all = self.metrics.lost.get(), "there is room again: records are kept");
        }
    }

    /// The last try.
    fn end(&mut self) {
        self.write(Burst::default());
        if !self.held.is_empty() {
            self.metrics.lost.add(self.held.lines);
            let (file, path) = (&self.metrics.name, self.settings.file.display());
            error!(%file, %path, records = self.held.lines, "not kept: the file could not be written to the end");
        }
        if let Err(error) = self.file.sync() {
            error!(file = %self.metrics.name, path = %self.settings.file.display(), %error, "cannot make sure that the file is on the disk");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::path::Path;

    fn burst(lines: &[&str]) -> Burst {
        let mut burst = Burst::default();
        lines.iter().for_each(|line| burst.push(line.as_bytes()));
        burst
    }

    fn start(path: &Path, max_size: u64) -> (Writer, Arc<KeptMetrics>) {
        let metrics = Arc::new(KeptMetrics::new("quarantine"));
        let settings = Settings { file: path.to_path_buf(), max_size };
        (Writer::start(settings, Arc::clone(&metrics)).expect("a thread"), metrics)
    }

    fn counts(metrics: &KeptMetrics) -> (u64, u64, u64) {
        (metrics.written.get(), metrics.lost.get(), metrics.bytes.get())
    }

    #[tokio::test]
    async fn what_was_handed_over_is_written_by_the_end() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("q");
        let (writer, metrics) = start(&path, 1_000);
        assert!(!path.exists(), "there is nothing to write yet");
        writer.put(burst(&["one", "two"])).await;
        writer.put(Burst::default()).await;
        let other = writer.clone();
        std::thread::spawn(move || other.put_blocking(burst(&["three"]))).join().expect("no panic");
        writer.finish().await;
        assert_eq!(fs::read_to_string(&path).expect("text"), "one\ntwo\nthree\n");
        assert_eq!((counts(&metrics), metrics.size.get()), ((3, 0, 14), 14));
        writer.put(burst(&["too late"])).await;
        writer.finish().await;
        assert_eq!(counts(&metrics), (3, 1, 14));
    }

    #[tokio::test]
    async fn what_does_not_fit_is_counted() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("q");
        let (writer, metrics) = start(&path, 9);
        writer.put(burst(&["1234", "1234", "12"])).await;
        writer.finish().await;
        assert_eq!(fs::read_to_string(&path).expect("text"), "1234\n");
        assert_eq!(counts(&metrics), (1, 2, 5));
    }

    #[test]
    fn what_cannot_be_written_is_held_and_tried_again() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("gone/q");
        let metrics = Arc::new(KeptMetrics::new("quarantine"));
        let mut work = Work {
            file: Shared::new(&path),
            settings: Settings { file: path.clone(), max_size: 100 << 20 },
            metrics: Arc::clone(&metrics),
            room: Arc::new(Semaphore::new(1)),
            held: Burst::default(),
            is_full: false,
            has_failed: false,
            failures: RateLimit::new(1, LOG_SPAN),
            begun: Instant::now(),
        };
        work.write(burst(&["one"]));
        let large = "x".repeat(HELD / 2 - 100);
        work.write(burst(&[&large]));
        assert_eq!(counts(&metrics), (0, 0, 0));
        work.write(burst(&[&large, &large]));
        assert_eq!(counts(&metrics), (0, 1, 0), "no more is held than allowed");
        assert!(work.held.len() <= HELD);
        fs::create_dir(folder.path().join("gone")).expect("a folder");
        work.write(burst(&["last"]));
        assert_eq!((metrics.written.get(), metrics.lost.get()), (4, 1));
        let text = fs::read_to_string(&path).expect("text");
        assert!(text.starts_with("one\nx") && text.ends_with("x\nlast\n"));
    }

    #[tokio::test]
    async fn who_finds_the_queue_full_waits_and_nothing_is_lost() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("q");
        let (writer, metrics) = start(&path, u64::MAX);
        let line = "x".repeat(ROOM as usize / 3);
        let tasks: Vec<_> = (0..20)
            .map(|_| {
                let (writer, line) = (writer.clone(), line.clone());
                tokio::spawn(async move { writer.put(burst(&[&line])).await })
            })
            .collect();
        for task in tasks {
            task.await.expect("no panic");
        }
        writer.put(burst(&[&"y".repeat(2 * ROOM as usize)])).await;
        writer.finish().await;
        assert_eq!((metrics.written.get(), metrics.lost.get()), (21, 0));
        let size = fs::metadata(&path).expect("a file").len();
        assert_eq!(size, 20 * (line.len() as u64 + 1) + 2 * u64::from(ROOM) + 1);
    }
}
