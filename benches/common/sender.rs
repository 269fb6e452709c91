//! Sends prepared traffic, a thread for each connection, at a rate or as fast as it is taken.
//!
//! The connections keep together: none begins a chunk while another is too many chunks behind, as
//! event time does not run faster in one part of a real system than in another.

use std::io::Write;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Condvar, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use super::traffic::{Lane, Traffic};

/// How to send.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Lines a second over all connections; `None` is as fast as they are taken.
    pub rate: Option<u64>,
    /// How many chunks a connection may be ahead of another.
    pub ahead: usize,
    /// When to end.
    pub end: End,
}

/// When to end. All connections end after the same chunk.
#[derive(Clone, Copy, Debug)]
pub enum End {
    /// After this time.
    After(Duration),
    /// After so many chunks.
    Chunks(usize),
}

/// What keeps the connections together, and tells how far they are.
pub struct Pace {
    settings: Settings,
    /// Time from one chunk to the next; none without a rate.
    interval: Duration,
    started: Instant,
    lines: AtomicU64,
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    /// How many chunks each connection has sent.
    sent: Vec<usize>,
    /// How many the first of them has begun.
    begun: usize,
    /// After how many all end, once that is known.
    end: usize,
}

/// What has been sent.
#[derive(Debug)]
pub struct Sent {
    /// Chunks, the same number on every connection.
    pub chunks: usize,
    /// When the writing of each chunk began, by connection.
    pub written: Vec<Vec<Instant>>,
}

impl Pace {
    /// Begins now.
    pub fn begin(traffic: &Traffic, settings: Settings) -> Pace {
        let end = match settings.end {
            End::After(_) => usize::MAX,
            End::Chunks(chunks) => chunks,
        };
        let seconds = settings.rate.map_or(0.0, |rate| traffic.chunk as f64 / rate as f64);
        Pace {
            settings,
            interval: Duration::from_secs_f64(seconds),
            started: Instant::now(),
            lines: AtomicU64::new(0),
            state: Mutex::new(State { sent: vec![0; traffic.lanes.len()], begun: 0, end }),
            changed: Condvar::new(),
        }
    }

    /// When it began.
    pub fn started(&self) -> Instant {
        self.started
    }

    /// When the rate wants a chunk to be sent.
    pub fn due(&self, chunk: usize) -> Instant {
        self.started + self.interval.mul_f64(chunk as f64)
    }

    /// How many lines have been sent.
    pub fn lines(&self) -> u64 {
        self.lines.load(Ordering::Relaxed)
    }

    /// Waits until a connection may send a chunk; false when it has sent all.
    fn wait_for_turn(&self, chunk: usize) -> bool {
        let mut state = self.state.lock().expect("no sender panics here");
        loop {
            if let End::After(time) = self.settings.end
                && state.end == usize::MAX
                && self.started.elapsed() >= time
            {
                state.end = state.begun;
                self.changed.notify_all();
            }
            if chunk >= state.end {
                return false;
            }
            let slowest = state.sent.iter().min().copied().unwrap_or(chunk);
            if chunk <= slowest.saturating_add(self.settings.ahead) {
                break;
            }
            state = self.changed.wait(state).expect("no sender panics here");
        }
        state.begun = state.begun.max(chunk + 1);
        drop(state);
        thread::sleep(self.due(chunk).saturating_duration_since(Instant::now()));
        true
    }

    fn note(&self, lane: usize, chunk: usize, lines: u64) {
        self.lines.fetch_add(lines, Ordering::Relaxed);
        self.state.lock().expect("no sender panics here").sent[lane] = chunk + 1;
        self.changed.notify_all();
    }

    /// Sends chunks and closing lines to `outs`, one for each of `lanes`, and waits until that is
    /// done. Each of `outs` is dropped as soon as its last line is out: a reader of several may be
    /// waiting for the end of one.
    pub fn send<W: Write + Send>(&self, lanes: &mut [Lane], outs: Vec<W>) -> Sent {
        let written: Vec<Vec<Instant>> = thread::scope(|scope| {
            let lanes = lanes.iter_mut().zip(outs).enumerate();
            let senders: Vec<_> = lanes
                .map(|(index, (lane, out))| scope.spawn(move || self.send_lane(index, lane, out)))
                .collect();
            senders.into_iter().map(|sender| sender.join().expect("everything can be sent")).collect()
        });
        Sent { chunks: written[0].len(), written }
    }

    fn send_lane(&self, index: usize, lane: &mut Lane, mut out: impl Write) -> Vec<Instant> {
        let mut written = Vec::new();
        let mut chunk = 0;
        while self.wait_for_turn(chunk) {
            let bytes = lane.chunk(chunk);
            written.push(Instant::now());
            if let Err(error) = out.write_all(bytes) {
                self.give_up();
                panic!("{} is not taken: {error}", lane.stream.name);
            }
            self.note(index, chunk, lane.lines(chunk + 1) - lane.lines(chunk));
            chunk += 1;
        }
        out.write_all(&lane.closing(chunk)).and_then(|()| out.flush()).expect("the last line is taken");
        written
    }

    /// Lets no other connection wait for one that has failed.
    fn give_up(&self) {
        self.state.lock().expect("no sender panics here").end = 0;
        self.changed.notify_all();
    }
}
