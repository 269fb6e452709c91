//! The hot paths, each run once on the same events, so that the instructions that they take can be
//! counted: `scripts/count-instructions`.
//!
//! `cargo bench --no-default-features --bench instructions -- NAME` runs one of them; without a name it
//! lists all, with their numbers of events. Whatever is made beforehand stays outside [`measured`], and only what happens inside it is
//! counted.

use std::hint::black_box;
use std::process::ExitCode;
use std::sync::Arc;

use tripline::codec::Decoder;
use tripline::codec::json::JsonDecoder;
use tripline::diagnostic::Sources;
use tripline::engine::{Engine, EngineOptions};
use tripline::event::{Event, PartitionId, Position, StreamId, Timestamp};
use tripline::program::Program;

#[path = "suite/traffic/mod.rs"]
#[allow(dead_code, reason = "the suite uses all of it")]
mod traffic;

use traffic::{cards, logins, rising, sets};

// As in the binary.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Events offered to the engine at once, as a replay does it.
const BATCH: usize = 1_024;

/// Events that are matched before those that count, so that there are keys, runs and cases under way.
const BEFORE: u64 = 60_000;

/// What is counted: its name, how many events, and what runs.
const PATHS: [(&str, u64, fn()); 8] = [
    ("decode", 10_000, decode),
    ("card_testing", 10_000, card_testing),
    ("brute_force", 10_000, brute_force),
    ("skip_till_any", 10_000, skip_till_any),
    ("rules_10000", 1_000, rules_10000),
    ("window_unary", 2_000, window_unary),
    ("window_captured", 2_000, window_captured),
    ("order", 10_000, order),
];

fn main() -> ExitCode {
    // Cargo adds an option of its own.
    let Some(name) = std::env::args().skip(1).find(|argument| argument != "--bench") else {
        PATHS.iter().for_each(|(name, events, _)| println!("{name} {events}"));
        return ExitCode::SUCCESS;
    };
    let Some((_, _, path)) = PATHS.iter().find(|(known, ..)| *known == name) else {
        eprintln!("there is no path `{name}`");
        return ExitCode::from(2);
    };
    path();
    ExitCode::SUCCESS
}

/// What happens in `work` is counted: the script looks for this function by its name.
#[inline(never)]
fn measured<T>(work: impl FnOnce() -> T) -> T {
    black_box(work())
}

/// 10,000 records of card payments into events.
fn decode() {
    let mut setup = Setup::new(include_str!("suite/rules/card_testing.trip"), "payments");
    let records = lines(|out| cards::write(out, 10_000, cards::Spread::Even));
    let records = records.records();
    let events = measured(|| setup.events(&records));
    assert_eq!(events.len(), 10_000);
}

/// 10,000 card payments from bytes to alerts, after others.
fn card_testing() {
    let records = lines(|out| cards::write(out, BEFORE + 10_000, cards::Spread::Even));
    bytes_to_alerts(include_str!("suite/rules/card_testing.trip"), "payments", &records);
}

/// 10,000 logins from bytes to alerts, for a rule that reads captured events, after others.
fn brute_force() {
    let records = lines(|out| logins::write(out, BEFORE + 10_000, logins::Attack::Guess));
    bytes_to_alerts(include_str!("suite/rules/brute_force.trip"), "logins", &records);
}

/// 10,000 quotes, already decoded, after others.
fn skip_till_any() {
    let mut setup = Setup::new(include_str!("suite/rules/rising.trip"), "quotes");
    let records = lines(|out| rising::write(out, BEFORE + 10_000));
    let mut events = setup.events(&records.records());
    let last = events.split_off(BEFORE as usize);
    setup.push(events);
    measured(|| setup.finish(last));
}

/// 1,000 payments, already decoded, of which each interests about three of 10,000 rules.
fn rules_10000() {
    let mut rules = sets::STREAM.to_owned();
    let mut files = Vec::new();
    for number in 0..10_000 {
        rules.push_str(&sets::rule(number, &sets::choice(10_000, number)));
        // A file may have 1 MiB.
        if number % 1_000 == 999 {
            files.push((format!("rules_{number}.trip"), std::mem::take(&mut rules)));
        }
    }
    let mut setup = Setup::of(&Sources::new(files), "payments");
    let records = lines(|out| sets::write(out, 1_000));
    let events = setup.events(&records.records());
    measured(|| setup.finish(events));
}

/// 2,000 events, already decoded, of a key with 1,000 runs that unary conditions move.
fn window_unary() {
    window(
        "event b = s where kind == \"b\"\n event c = s where kind == \"c\"\n match a then b then c within 1s",
    );
}

/// The same with a condition that compares each event with what each run has captured.
fn window_captured() {
    window("event b = s where v > a.v + 1_000\n match a then b within 1s");
}

fn window(clauses: &str) {
    let rules = format!(
        "stream s time at {{ key string, kind string, v int, at timestamp(ms) }}\n\
         rule r {{\n by key\n event a = s where v >= 0\n {clauses}\n overlap all\n alert low \"x\"\n}}\n"
    );
    let mut setup = Setup::new(&rules, "s");
    let record = |number: u64| {
        let kind = if number % 10 == 9 { "b" } else { "a" };
        format!(r#"{{"key":"k","kind":"{kind}","v":{},"at":{number}}}"#, number * 7_919 % 1_000)
    };
    let records: Vec<String> = (0..4_000).map(record).collect();
    let mut events = setup.events(&records.iter().map(String::as_bytes).collect::<Vec<_>>());
    let last = events.split_off(2_000);
    setup.push(events);
    measured(|| setup.push(last));
}

/// 10,000 events, already decoded and out of order, for a rule that none of them interests.
fn order() {
    let rules = "stream payments time at late 5s { card string, amount float, at timestamp(ms) }\n\
                 rule r {\n by card\n event a = payments where amount > 1_000_000_000\n match a\n alert low \"x\"\n}\n";
    let mut setup = Setup::new(rules, "payments");
    let records = lines(|out| cards::write(out, 10_000, cards::Spread::Even));
    let events = setup.events(&records.records());
    measured(|| setup.finish(events));
}

fn bytes_to_alerts(rules: &str, stream: &str, records: &Lines) {
    let mut setup = Setup::new(rules, stream);
    let records = records.records();
    let (before, last) = records.split_at(BEFORE as usize);
    let before = setup.events(before);
    setup.push(before);
    let alerts = measured(|| {
        for records in last.chunks(BATCH) {
            let events = setup.events(records);
            setup.push(events);
        }
        setup.finish(Vec::new());
        setup.engine.take_alerts()
    });
    assert!(!alerts.is_empty(), "the traffic has cases planted in it");
}

/// Made-up traffic in memory.
struct Lines(Vec<u8>);

fn lines(write: impl FnOnce(&mut Vec<u8>) -> std::io::Result<()>) -> Lines {
    let mut bytes = Vec::new();
    write(&mut bytes).expect("memory can be written");
    Lines(bytes)
}

impl Lines {
    fn records(&self) -> Vec<&[u8]> {
        self.0.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).collect()
    }
}

/// A decoder and an engine for one stream.
struct Setup {
    decoder: JsonDecoder,
    engine: Engine,
    offset: u64,
}

impl Setup {
    fn new(rules: &str, stream: &str) -> Setup {
        Setup::of(&Sources::new([("rules.trip", rules)]), stream)
    }

    fn of(sources: &Sources, stream: &str) -> Setup {
        let (program, diagnostics) = Program::compile(sources);
        let program = Arc::new(program.unwrap_or_else(|| panic!("{diagnostics:?}")));
        let stream: StreamId = program.stream(stream).expect("the rules declare the stream");
        let mut engine = Engine::new(Arc::clone(&program), EngineOptions::RECORDED);
        engine.open(stream, PartitionId(0), Timestamp::FIRST);
        Setup {
            decoder: JsonDecoder::keeping(program.kept(stream), stream, program.schema(stream)),
            engine,
            offset: 0,
        }
    }

    /// All of them, decoded.
    fn events(&mut self, records: &[&[u8]]) -> Vec<Event> {
        records.iter().map(|record| self.event(record)).collect()
    }

    fn event(&mut self, record: &[u8]) -> Event {
        let position = Position { partition: PartitionId(0), offset: self.offset };
        self.offset += 1;
        let event = self.decoder.decode(record, position, Timestamp::FIRST);
        event.expect("the record is well-formed").expect("the record is an event")
    }

    /// Offers events in batches and matches them.
    fn push(&mut self, events: Vec<Event>) {
        let mut left = events.len();
        for event in events {
            self.engine.offer(event, Timestamp::FIRST).expect("the event is in time");
            left -= 1;
            if left.is_multiple_of(BATCH) {
                self.engine.run();
            }
        }
    }

    /// The same, and then decides whatever waits for later events.
    fn finish(&mut self, events: Vec<Event>) {
        self.push(events);
        self.engine.finish();
    }
}
