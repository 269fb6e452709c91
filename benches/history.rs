//! What an event costs when rules look at the past, with windows of a thousand and of a million
//! events for one key.
//!
//! `cargo bench --bench history -- --events 300000`
//!
//! Each aggregate has a rule of its own in an engine of its own. The window is filled first; then
//! the CPU time of further events is taken, each of which enters the window and pushes one out.
//! Making the events is not counted. The first line is what
//! the same events cost with a rule that does not look at the past.

use std::sync::Arc;

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike;
use tripline::diagnostic::Sources;
use tripline::engine::{Engine, EngineOptions};
use tripline::event::{Event, PartitionId, Position, Timestamp, Value};
use tripline::program::Program;

/// Events in the windows: one comes each millisecond.
const WINDOWS: [u64; 4] = [1_000, 10_000, 100_000, 1_000_000];

/// Events made at once, before the clock runs.
const BATCH: u64 = 10_000;

/// What is measured; `{}` stands for the length of the window.
const CONDITIONS: [&str; 10] = [
    "count(s) over {}ms < 0",
    "count(s where ok) over {}ms < 0",
    "sum(s.amount) over {}ms < -1e15",
    "avg(s.amount) over previous {}ms < -1e15",
    "stddev(s.amount) over {}ms < 0",
    "min(s.amount) over {}ms < -1e15",
    "max(s.items) over {}ms < -1",
    "sum(s.items) over {}ms < -1",
    "count_distinct(s.merchant) over {}ms < 0",
    "count(s where merchant == this.merchant) over previous {}ms < 0",
];

fn main() {
    let mut arguments = std::env::args().skip_while(|argument| argument != "--events");
    let events = arguments.nth(1).and_then(|count| count.parse().ok()).unwrap_or(300_000u64);
    print!("{:<66}", "ns of CPU time an event, window of so many events:");
    WINDOWS.iter().for_each(|window| print!("{window:>12}"));
    println!("{:>10}", "ratio");
    let bare = measure("amount < -1000000000.0", 0, events);
    println!("{:<66}{bare:>12.0}", "without looking at the past");
    for condition in CONDITIONS {
        let costs = WINDOWS.map(|window| {
            let condition = condition.replace("{}", &window.to_string()).replace("-1e15", "-1000000000.0");
            measure(&condition, window, events)
        });
        print!("{condition:<66}");
        costs.iter().for_each(|cost| print!("{cost:>12.0}"));
        println!("{:>10.2}", costs[costs.len() - 1] / costs[0]);
    }
}

/// The CPU time of an event, in nanoseconds, once `filled` events have been.
fn measure(condition: &str, filled: u64, events: u64) -> f64 {
    let rules = format!(
        "stream s time at {{ key string, amount float, items int, merchant string, ok bool, at timestamp(ms) }}\n\
         rule r {{ by key\n event a = s where {condition}\n match a\n alert low \"never\" }}\n"
    );
    let (program, diagnostics) = Program::compile(&Sources::new([("rules.trip", rules)]));
    let program = Arc::new(program.unwrap_or_else(|| panic!("{diagnostics:?}")));
    let mut engine = Engine::new(Arc::clone(&program), EngineOptions::RECORDED);
    let stream = program.stream("s").expect("the stream is declared");
    engine.open(stream, PartitionId(0), Timestamp::FIRST);
    let mut number = 0;
    let mut cpu_ns = 0.0;
    while number < filled + events {
        let batch: Vec<Event> = (number..number + BATCH).map(|number| event(stream, number)).collect();
        let before = cpu();
        for event in batch {
            engine.push(event, Timestamp::FIRST).expect("the events are in order");
        }
        if number >= filled {
            cpu_ns += cpu() - before;
        }
        number += BATCH;
    }
    assert!(engine.take_alerts().is_empty(), "the condition never holds");
    cpu_ns / events as f64
}

/// An event with numbers that are spread but always the same.
fn event(stream: tripline::event::StreamId, number: u64) -> Event {
    let spread = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40;
    let time = Timestamp::from_micros(number as i64 * 1_000);
    let position = Position { partition: PartitionId(0), offset: number };
    let values = [
        Value::text("key"),
        Value::Float(spread as f64 / 100.0),
        Value::Int((spread % 100) as i64),
        Value::text(format!("merchant {}", spread % 1_000)),
        Value::Bool(!spread.is_multiple_of(3)),
        Value::Timestamp(time),
    ];
    Event::new(stream, time, position, values, [])
}

/// CPU time of the process, in nanoseconds.
fn cpu() -> f64 {
    let usage = getrusage(UsageWho::RUSAGE_SELF).expect("the system keeps account of the process");
    (usage.user_time().num_microseconds() + usage.system_time().num_microseconds()) as f64 * 1e3
}
