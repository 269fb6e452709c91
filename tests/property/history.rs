//! Aggregates over the past against a recomputation from nothing at every event.
//!
//! Each event carries what the naive model expects of every aggregate, and each rule matches the
//! events for which its aggregate is just that: an event without an alert is a disagreement.

use std::fmt::Write;

use serde_json::{Value, json};
use tripline::codec::{Decoder, json::JsonDecoder};
use tripline::engine::{Engine, EngineOptions};
use tripline::event::{PartitionId, Position, Timestamp};

use super::engine::{Restarts, compile_text};
use super::random::Random;
use super::{are_enough, seeds};

/// How far events are out of order at most, in milliseconds; also the `late` of both streams.
const LATE: i64 = 5_000;

/// What an event holds, apart from what is expected of it.
#[derive(Clone, Debug)]
struct Seen {
    stream: usize,
    offset: usize,
    at: i64,
    k: Option<String>,
    d: Option<String>,
    n: Option<i64>,
    /// In eighths, so that sums of floats are exact in any order.
    x: Option<i64>,
}

impl Seen {
    fn random(random: &mut Random, at: i64) -> Seen {
        let mut maybe = |percent, low, high| {
            let value = i64::from(random.number(low, high));
            random.chance(percent).then_some(value)
        };
        let name = |value: i64| ["a", "b", "c"][value as usize].to_owned();
        Seen {
            stream: maybe(100, 0, 1).unwrap_or(0) as usize,
            offset: 0,
            at,
            k: maybe(95, 0, 1).map(name),
            d: maybe(80, 0, 2).map(name),
            n: maybe(85, 0, 6).map(|n| n - 2),
            x: maybe(85, 0, 4_000).map(|x| x - 1_000),
        }
    }

    /// The place in the order of all events.
    fn order(&self) -> (i64, usize, usize) {
        (self.at, self.stream, self.offset)
    }
}

/// What a condition says of a past event and the current one; `None` is unknown.
type Condition = fn(&Seen, &Seen) -> Option<bool>;

/// Conditions as written and as they are meant.
const CONDITIONS: [(&str, Condition); 12] = [
    ("d == this.d", |past, this| Some(past.d.as_ref()? == this.d.as_ref()?)),
    ("this.n == n", |past, this| Some(past.n? == this.n?)),
    ("n + 1 == this.n", |past, this| Some(past.n? + 1 == this.n?)),
    ("n > 1", |past, _| Some(past.n? > 1)),
    ("d == \"a\" or n < 2", |past, _| match (past.d.as_ref().map(|d| d == "a"), past.n.map(|n| n < 2)) {
        (Some(true), _) | (_, Some(true)) => Some(true),
        (Some(false), Some(false)) => Some(false),
        _ => None,
    }),
    ("d is missing", |past, _| Some(past.d.is_none())),
    ("this.n > 1", |_, this| Some(this.n? > 1)),
    ("this.d is present", |_, this| Some(this.d.is_some())),
    ("n > this.n", |past, this| Some(past.n? > this.n?)),
    ("d != this.d", |past, this| Some(past.d.as_ref()? != this.d.as_ref()?)),
    ("time < this.time", |past, this| Some(past.at < this.at)),
    ("x + this.x > 100.0", |past, this| Some(past.x? + this.x? > 800)),
];

/// An aggregate over the past.
#[derive(Clone, Debug)]
struct Aggregate {
    function: &'static str,
    field: Option<&'static str>,
    stream: usize,
    conditions: Vec<usize>,
    over: i64,
    previous: bool,
}

const STREAMS: [&str; 2] = ["s", "t"];

impl Aggregate {
    fn random(random: &mut Random) -> Aggregate {
        const FORMS: [(&str, Option<&str>); 14] = [
            ("count", None),
            ("count", Some("d")),
            ("sum", Some("n")),
            ("sum", Some("x")),
            ("avg", Some("n")),
            ("avg", Some("x")),
            ("min", Some("n")),
            ("max", Some("x")),
            ("min", Some("d")),
            ("max", Some("n")),
            ("stddev", Some("n")),
            ("stddev", Some("x")),
            ("count_distinct", Some("d")),
            ("count_distinct", Some("n")),
        ];
        let (function, field) = FORMS[random.number(0, FORMS.len() as u32 - 1) as usize];
        let count = random.number(0, 2);
        Aggregate {
            function,
            field,
            stream: usize::from(random.chance(30)),
            conditions: (0..count).map(|_| random.number(0, CONDITIONS.len() as u32 - 1) as usize).collect(),
            over: [1, 500, 1_000, 3_000, 10_000, 60_000, 3_600_000][random.number(0, 6) as usize],
            previous: random.chance(40),
        }
    }

    fn text(&self) -> String {
        let stream = STREAMS[self.stream];
        let mut text = format!("{}({stream}", self.function);
        if let Some(field) = self.field {
            write!(text, ".{field}").expect("a String takes everything");
        }
        for (index, condition) in self.conditions.iter().enumerate() {
            let link = if index == 0 { "where" } else { "and" };
            write!(text, " {link} ({})", CONDITIONS[*condition].0).expect("a String takes everything");
        }
        let previous = if self.previous { "previous " } else { "" };
        write!(text, ") over {previous}{}ms", self.over).expect("a String takes everything");
        text
    }

    /// Whether it can stand in an alert, which has no current event.
    fn is_free_of_this(&self) -> bool {
        self.conditions.iter().all(|condition| !CONDITIONS[*condition].0.contains("this"))
    }

    /// Its value at `this`, from all events.
    fn value(&self, all: &[Seen], this: &Seen) -> Value {
        let counts = |past: &&Seen| {
            past.stream == self.stream
                && past.k == this.k
                && this.at - self.over < past.at
                && past.order() <= this.order()
                && !(self.previous && past.order() == this.order())
                && self.conditions.iter().all(|condition| CONDITIONS[*condition].1(past, this) == Some(true))
        };
        let past: Vec<&Seen> = all.iter().filter(counts).collect();
        let Some(field) = self.field else { return json!(past.len()) };
        if field == "d" {
            let mut values: Vec<&String> = past.iter().filter_map(|past| past.d.as_ref()).collect();
            let count = values.len();
            values.sort();
            values.dedup();
            return match self.function {
                "count" => json!(count),
                "count_distinct" => json!(values.len()),
                "min" => json!(values.first()),
                _ => json!(values.last()),
            };
        }
        let scale = if field == "x" { 8 } else { 1 };
        let values: Vec<i64> =
            past.iter().filter_map(|past| if field == "x" { past.x } else { past.n }).collect();
        numeric(self.function, &values, scale)
    }
}

/// An aggregate of `values`, each so many parts of one.
fn numeric(function: &str, values: &[i64], scale: i64) -> Value {
    let count = values.len() as f64;
    let sum: i64 = values.iter().sum();
    let whole = |number: i64| number as f64 / scale as f64;
    match function {
        "count_distinct" => json!(values.iter().collect::<std::collections::BTreeSet<_>>().len()),
        "sum" => json!(whole(sum)),
        _ if values.is_empty() => Value::Null,
        "avg" => json!(whole(sum) / count),
        "min" => json!(values.iter().min().map(|least| whole(*least))),
        "max" => json!(values.iter().max().map(|greatest| whole(*greatest))),
        _ => {
            let squares: i64 = values.iter().map(|value| value * value).sum();
            let difference = values.len() as i64 * squares - sum * sum;
            json!((difference as f64 / (scale * scale) as f64).sqrt() / count)
        }
    }
}

/// A rule for each aggregate.
fn rules(aggregates: &[Aggregate]) -> String {
    let mut text = String::new();
    let wants: Vec<String> =
        (0..aggregates.len()).map(|index| format!("w{index} float?, v{index} string?")).collect();
    for stream in STREAMS {
        writeln!(
            text,
            "stream {stream} time at late {LATE}ms idle 1h {{ id int, k string?, d string?, n int?, x float?, {}, at timestamp(ms) }}",
            wants.join(", ")
        )
        .expect("a String takes everything");
    }
    for (index, aggregate) in aggregates.iter().enumerate() {
        let (want, none) = match aggregate.field {
            Some("d") if matches!(aggregate.function, "min" | "max") => (format!("v{index}"), "\"none\""),
            _ => (format!("w{index}"), "-99999.5"),
        };
        let shown = if aggregate.is_free_of_this() { aggregate.text() } else { "\"-\"".to_owned() };
        writeln!(
            text,
            "rule r{index} {{\n  by k\n  event a = s where (({}) ?? {none}) == ({want} ?? {none})\n  match a\n  alert info \"t\" {{ shown = {shown} }}\n}}",
            aggregate.text()
        )
        .expect("a String takes everything");
    }
    text
}

/// Events in the order of arrival, up to [`LATE`] behind the newest.
fn events(random: &mut Random) -> Vec<Seen> {
    let mut at = 0;
    let mut arrivals: Vec<(i64, Seen)> = Vec::new();
    for _ in 0..random.number(5, 60) {
        if !random.chance(30) {
            at += i64::from(random.number(0, 2_500));
        }
        let jitter = i64::from(random.number(0, LATE as u32 - 1));
        arrivals.push((at + jitter, Seen::random(random, at)));
    }
    arrivals.sort_by_key(|(arrival, _)| *arrival);
    let events = arrivals.into_iter().map(|(_, seen)| seen);
    events.enumerate().map(|(offset, seen)| Seen { offset, ..seen }).collect()
}

fn record(seen: &Seen, all: &[Seen], aggregates: &[Aggregate]) -> Vec<u8> {
    let x = seen.x.map(|x| x as f64 / 8.0);
    let mut record = json!({"id": seen.offset, "k": seen.k, "d": seen.d, "n": seen.n, "x": x, "at": seen.at});
    for (index, aggregate) in aggregates.iter().enumerate() {
        let value = aggregate.value(all, seen);
        let name = if value.is_string() { format!("v{index}") } else { format!("w{index}") };
        record[name] = value;
    }
    serde_json::to_vec(&record).expect("a record serialises")
}

#[test]
fn aggregates_over_the_past_are_those_of_a_recomputation() {
    let mut brought_back = 0;
    for seed in seeds(400) {
        let mut random = Random::new(seed);
        let aggregates: Vec<Aggregate> = (0..4).map(|_| Aggregate::random(&mut random)).collect();
        let all = events(&mut random);
        let text = rules(&aggregates);
        let program =
            compile_text(&text).unwrap_or_else(|problems| panic!("seed {seed}:\n{text}\n{problems}"));
        let mut engine = Engine::new(program.clone(), EngineOptions::RECORDED);
        // Most have so little memory that no past stays in it.
        let mut stopped = if seed % 4 == 1 { Restarts::default() } else { Restarts::with_limit(0) };
        let start = Timestamp::from_micros(0);
        let streams = STREAMS.map(|name| program.stream(name).expect("the stream is declared"));
        let mut decoders =
            streams.map(|stream| JsonDecoder::keeping(program.kept(stream), stream, program.schema(stream)));
        for stream in streams {
            engine.open(stream, PartitionId(0), start);
        }
        for seen in &all {
            let position = Position { partition: PartitionId(0), offset: seen.offset as u64 };
            let raw = record(seen, &all, &aggregates);
            let event = decoders[seen.stream]
                .decode(&raw, position, start)
                .expect("a record is well formed")
                .expect("an event");
            engine.push(event, start).unwrap_or_else(|late| panic!("seed {seed}: {late:?}"));
            // Every other engine is stopped now and then, and another goes on from its state.
            if seed % 2 == 0 && random.chance(20) {
                stopped.restart(&mut engine);
            } else if seed % 4 != 1 && random.chance(50) {
                stopped.store(&mut engine);
            }
        }
        brought_back += engine.stats().brought_back;
        engine.finish();
        let alerts: Vec<Value> = engine.take_alerts().iter().map(|alert| json!(alert)).collect();
        for (index, aggregate) in aggregates.iter().enumerate() {
            for seen in all.iter().filter(|seen| seen.stream == 0 && seen.k.is_some()) {
                let wanted = aggregate.value(&all, seen);
                let context = || {
                    format!(
                        "seed {seed}: `{}` at {seen:?}, expected {wanted}\n{text}\n{all:#?}",
                        aggregate.text()
                    )
                };
                let found = alerts.iter().find(|alert| {
                    alert["rule"] == format!("r{index}") && alert["events"]["a"][0]["id"] == seen.offset
                });
                let found = found.unwrap_or_else(|| panic!("{}", context()));
                let shown = &found["fields"]["shown"];
                let same = shown == &wanted || shown.is_number() && shown.as_f64() == wanted.as_f64();
                assert!(!aggregate.is_free_of_this() || same, "shown {shown}\n{}", context());
            }
        }
    }
    let is_enough = !are_enough(&seeds(400), 400) || brought_back > 1_000;
    assert!(is_enough, "only {brought_back} pasts came back");
}
