//! Made-up traffic of a card issuer, a bank, a shop and a building, for the demo, the benchmark and what fills Kafka.
//!
//! Enters: a seed and a size. Leaves: JSON lines with their stream and event time, in the order in
//! which they are sent, and the list of cases planted among them. The same settings give the same
//! lines on every machine: no clock, no other source of chance than the seed.
//!
//! Invariant: a line is sent at most 80% of its stream's `late` after its event time, and lines are
//! sent in the order of their sending times, so no event is ever late.

use std::cmp::{Ordering, Reverse};
use std::collections::{BTreeMap, BinaryHeap};

use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};

#[path = "lines.rs"]
mod lines;
#[path = "planted.rs"]
mod planted;
#[path = "traffic.rs"]
mod traffic;

/// Milliseconds.
pub const SECOND: i64 = 1_000;
/// Milliseconds.
pub const MINUTE: i64 = 60 * SECOND;
/// Milliseconds.
pub const HOUR: i64 = 60 * MINUTE;

/// Events per card and day, over all streams: what turns the number of events into a span of time.
const EVENTS_PER_KEY_AND_DAY: u64 = 10;

/// How a stream writes its event time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clock {
    /// Text.
    Rfc3339,
    /// Milliseconds since 1970.
    Millis,
    /// Seconds since 1970.
    Seconds,
}

/// A stream of the example rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stream {
    /// Its name in the rules.
    pub name: &'static str,
    /// Its `late` in milliseconds: how far out of order its lines may be.
    pub late_ms: i64,
    /// What the ids of its events begin with.
    prefix: &'static str,
    clock: Clock,
}

const fn stream(name: &'static str, late_ms: i64, prefix: &'static str, clock: Clock) -> Stream {
    Stream { name, late_ms, prefix, clock }
}

/// Every stream of the example rules, in the order of their names.
pub const STREAMS: [Stream; 8] = [
    stream("account_changes", 10 * SECOND, "chg", Clock::Rfc3339),
    stream("card_auths", 5 * SECOND, "auth", Clock::Millis),
    stream("logins", 10 * SECOND, "log", Clock::Rfc3339),
    stream("orders", MINUTE, "ord", Clock::Rfc3339),
    stream("payouts", 10 * SECOND, "pay", Clock::Millis),
    stream("sensor_readings", 2 * MINUTE, "rdg", Clock::Seconds),
    stream("ticket_orders", 5 * SECOND, "tkt", Clock::Rfc3339),
    stream("transfers", 30 * SECOND, "trf", Clock::Millis),
];

/// What to generate.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// The same seed gives the same lines.
    pub seed: u64,
    /// About how many lines.
    pub events: u64,
    /// How many cards there are; the numbers of users, accounts and sensors follow from it. Ten
    /// lines a card make a day.
    pub keys: u64,
    /// Event time of the beginning, in milliseconds since 1970-01-01Z.
    pub start_ms: i64,
    /// How many times to plant the cases that the rules are to find; 0: none.
    pub planted: u64,
}

impl Settings {
    /// How much event time the lines cover, in milliseconds.
    pub fn span_ms(&self) -> i64 {
        let per_day = (self.keys.max(1) * EVENTS_PER_KEY_AND_DAY) as f64;
        (self.events as f64 / per_day * (24 * HOUR) as f64) as i64
    }
}

/// One line to send.
#[derive(Clone, Debug)]
pub struct Line {
    /// The stream, by its place in [`STREAMS`].
    pub stream: usize,
    /// Event time in milliseconds.
    #[allow(dead_code, reason = "the benchmark and what fills Kafka read it, the demo does not")]
    pub time_ms: i64,
    /// A JSON object, without line end.
    pub json: String,
}

/// A case that was planted.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Case {
    /// The rule that it is about.
    pub rule: &'static str,
    /// `match` or `timeout`.
    pub kind: &'static str,
    /// The key of the alert, as texts.
    pub key: BTreeMap<&'static str, String>,
    /// Whether the rule must report it, or must not: a near miss.
    pub fires: bool,
}

/// What happens at a moment: a line goes out, or a source of lines makes its next ones.
#[derive(Debug)]
enum Due {
    Send(Line),
    Traffic,
    Sensor(usize),
}

/// Something due, ordered by its time and then by when it was made, so that nothing is left to
/// chance.
#[derive(Debug)]
struct Scheduled {
    at_ms: i64,
    number: u64,
    due: Due,
}

impl Ord for Scheduled {
    fn cmp(&self, other: &Scheduled) -> Ordering {
        (self.at_ms, self.number).cmp(&(other.at_ms, other.number))
    }
}

impl PartialOrd for Scheduled {
    fn partial_cmp(&self, other: &Scheduled) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Scheduled {
    fn eq(&self, other: &Scheduled) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Scheduled {}

/// The lines, as an iterator.
#[derive(Debug)]
pub struct Generator {
    rng: ChaCha8Rng,
    settings: Settings,
    end_ms: i64,
    queue: BinaryHeap<Reverse<Scheduled>>,
    made: u64,
    traffic: traffic::Traffic,
    cases: Vec<Case>,
}

impl Generator {
    /// A generator at its beginning.
    pub fn new(settings: Settings) -> Generator {
        let mut generator = Generator {
            rng: ChaCha8Rng::seed_from_u64(settings.seed),
            settings,
            end_ms: settings.start_ms + settings.span_ms(),
            queue: BinaryHeap::new(),
            made: 0,
            traffic: traffic::Traffic::new(&settings),
            cases: Vec::new(),
        };
        planted::plant(&mut generator, settings.planted);
        generator.begin_traffic();
        generator
    }

    /// The planted cases and near misses.
    #[allow(dead_code, reason = "the demo reads it, others do not")]
    pub fn cases(&self) -> &[Case] {
        &self.cases
    }

    fn schedule(&mut self, at_ms: i64, due: Due) {
        self.queue.push(Reverse(Scheduled { at_ms, number: self.made, due }));
        self.made += 1;
    }

    /// Sends a line made of `fields` whose event time is `time_ms`, mostly at once and sometimes as
    /// late as its stream allows.
    fn send(&mut self, stream: &str, time_ms: i64, fields: &str) {
        let index = STREAMS.iter().position(|known| known.name == stream).expect("a stream of the rules");
        let Stream { late_ms, prefix, clock, .. } = STREAMS[index];
        let longest = late_ms * 8 / 10;
        let delay = match self.rng.random_range(0..10) {
            0 => self.rng.random_range(0..=longest),
            _ => self.rng.random_range(0..=longest / 100),
        };
        let id = self.made;
        let json = match clock {
            Clock::Rfc3339 => {
                let time = jiff::Timestamp::from_millisecond(time_ms).expect("a time of this century");
                format!(r#"{{"id":"{prefix}-{id}",{fields},"at":"{time}"}}"#)
            }
            Clock::Millis => format!(r#"{{"id":"{prefix}-{id}",{fields},"at":{time_ms}}}"#),
            Clock::Seconds => format!(r#"{{"id":"{prefix}-{id}",{fields},"at":{}}}"#, time_ms / SECOND),
        };
        self.schedule(time_ms + delay, Due::Send(Line { stream: index, time_ms, json }));
    }

    /// A number from 0 to 1.
    fn chance(&mut self) -> f64 {
        self.rng.random()
    }

    /// A whole number from `low` to `high`, both included.
    fn between(&mut self, low: i64, high: i64) -> i64 {
        self.rng.random_range(low..=high)
    }

    /// One of `n`, of which the low ones are more popular the higher `skew` is: with 1 all are
    /// equal, with 3 a tenth of them takes nearly half of everything.
    fn popular(&mut self, n: u64, skew: f64) -> u64 {
        ((n as f64 * self.chance().powf(skew)) as u64).min(n.saturating_sub(1))
    }

    /// A positive number around `median`; about two thirds of them within a factor of `spread`.
    fn around(&mut self, median: f64, spread: f64) -> f64 {
        // The sum of twelve uniform numbers is nearly normal, and needs no further library.
        let normal: f64 = (0..12).map(|_| self.chance()).sum::<f64>() - 6.0;
        median * spread.powf(normal)
    }
}

impl Iterator for Generator {
    type Item = Line;

    fn next(&mut self) -> Option<Line> {
        while let Some(Reverse(Scheduled { at_ms, due, .. })) = self.queue.pop() {
            if at_ms > self.end_ms {
                return None;
            }
            match due {
                Due::Send(line) => return Some(line),
                Due::Traffic => self.make_traffic(at_ms),
                Due::Sensor(sensor) => self.make_reading(at_ms, sensor),
            }
        }
        None
    }
}
