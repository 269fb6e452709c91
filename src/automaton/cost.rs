//! What a rule costs to run: an estimate made from the rule alone, before any event has come.
//!
//! Enters: a compiled rule. Leaves: a [`Cost`], which says
//!
//! - how many partial matches (*runs*) one key can have at once, what bounds them, and how they grow with
//!   the events that come;
//! - how long a run can live, from `within`, `for`, the limits of links and of groups;
//! - how much memory runs and the events they hold take;
//! - which conditions an index over all rules could answer, and which are asked of each event or each run;
//! - what is kept of the past.
//!
//! Numbers of runs and times are upper bounds that hold for every stream of events. Bytes are those of the
//! structures in memory, which tests compare with what is really taken, without what an allocator adds,
//! and with two assumptions: a record has [`RECORD_BYTES`], and texts are short ([`LONG_TEXT`]). Events
//! are counted for each rule though rules share them.

mod ask;
mod circles;
mod grow;
mod live;

use std::fmt::Write;

use serde::Serialize;

use super::{CompiledRule, Representation, Timing, Trigger};
use crate::event::{Duration, Kept, StreamSchema, Value};
use crate::expression::{Aggregate, Register};

pub use super::representation::Held;
pub use ask::{Asked, Condition, Index};
pub use grow::Growth;
pub(crate) use grow::Holding;
pub use live::Lifetime;

/// Bytes of a run without what it points to: one event and one register are held in place. A test
/// compares it with the structure.
pub(crate) const RUN_BYTES: usize = 80;
/// Bytes that it takes besides where steps have times of their own. A test compares it with the structure.
pub(crate) const CLOCK_BYTES: usize = 40;
/// Bytes that it takes besides where a key has many: its places in the order and in a lane, and room.
const LANE_BYTES: usize = 48;
/// So many are many.
const MANY_RUNS: usize = 32;
/// Bytes by which a run that holds several events grows with each of them, without the event.
pub(crate) const CAPTURE_BYTES: usize = 32;
/// Bytes by which runs that are held together grow with each event that one of them takes, without the
/// event; at most, since what they have in common is held once.
pub(crate) const ENTRY_BYTES: usize = 32;
/// Bytes of the runs of a key that are held one by one, with the first. A test compares it with the structure.
pub(crate) const LIST_BYTES: usize = 96;
/// Bytes of the runs of a key that are held together, with one entry.
pub(crate) const TOGETHER_BYTES: usize = 104;
/// Bytes of an event without its fields and its record. A test compares it with the structure.
pub(crate) const EVENT_BYTES: usize = 88;
/// Bytes that a key takes beside its runs: its record, and its places in the index and among the timers.
/// A test compares it with what is taken.
const KEY_BYTES: usize = 108;
/// Bytes of a record as it came in: assumed, as no rule says how long records are.
pub const RECORD_BYTES: usize = 400;
/// Texts up to so many bytes are held in place; longer ones take their length more.
pub const LONG_TEXT: usize = 24;

/// What a rule costs to run.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Cost {
    /// The rule.
    pub rule: String,
    /// States of its automaton.
    pub states: usize,
    /// Transitions between them.
    pub transitions: usize,
    /// Its partial matches.
    pub runs: Runs,
    /// How they are held.
    pub held: Held,
    /// How long a partial match can live.
    pub lifetime: Lifetime,
    /// What its partial matches take.
    pub memory: Memory,
    /// What its pattern asks of events.
    pub conditions: Vec<Condition>,
    /// What it keeps of the past of streams.
    pub past: Vec<Past>,
}

/// How many partial matches of a rule one key can have at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Runs {
    /// At most so many.
    pub most: usize,
    /// What bounds them.
    pub bound: Bound,
    /// How they grow with the events of the key, up to that bound.
    pub growth: Growth,
}

/// What bounds the partial matches of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Bound {
    /// The pattern: more there cannot be.
    Pattern,
    /// `max runs`
    MaxRuns,
    /// `max events`, as each of them holds one event at least.
    MaxEvents,
}

/// What the partial matches of a rule take up, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Memory {
    /// A partial match itself; nothing where they are held together.
    pub run: usize,
    /// What each event that it holds adds to it; where they are held together, at most. Nothing where it
    /// holds one at most.
    pub capture: usize,
    /// Different values that are remembered for each `count_distinct`: so many registers, each of which
    /// grows by about [`DISTINCT_BYTES`] with each different value.
    pub distinct: usize,
    /// An event of the largest stream, which all that hold it share: an estimate, see [`RECORD_BYTES`].
    pub event: usize,
    /// Events that one partial match holds at most; none: as many as come.
    pub most_events: Option<usize>,
    /// All partial matches of one key with all the events they can hold, at the worst.
    pub key: usize,
}

/// Bytes by which a `count_distinct` grows with each different value.
pub const DISTINCT_BYTES: usize = 60;

/// What is kept of the past of a stream for an aggregate: something of each event in its window.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Past {
    /// The stream.
    pub stream: String,
    /// The aggregate, such as `avg`.
    pub aggregate: &'static str,
    /// How far back.
    pub over: String,
    /// Whether every event in the window is looked at each time.
    pub looks_at_each: bool,
}

impl Cost {
    /// Of a rule over these streams, whose events keep these fields.
    pub fn of(compiled: &CompiledRule, streams: &[StreamSchema], kept: &[Kept]) -> Cost {
        let CompiledRule { rule, automaton, .. } = compiled;
        let holding = grow::Holding::new(compiled);
        let growth = holding.growth();
        let runs = runs(compiled, growth);
        Cost {
            rule: rule.name.to_string(),
            states: automaton.states.len(),
            transitions: automaton.transitions(),
            runs,
            held: Held::of(compiled),
            lifetime: live::lifetime(compiled, &holding),
            memory: memory(compiled, &values(streams, kept), runs, holding.most_events()),
            conditions: ask::conditions(compiled, streams),
            past: past(compiled, streams),
        }
    }

    /// The cost in two or three sentences.
    pub fn summary(&self) -> String {
        let mut text = String::new();
        let Runs { most, bound, growth } = self.runs;
        if most == 0 {
            text.push_str("Keeps nothing between events: a match is one event.");
        } else {
            let bound = match bound {
                Bound::Pattern => "the pattern allows no more",
                Bound::MaxRuns => "`max runs`",
                Bound::MaxEvents => "`max events`",
            };
            let matches = if most == 1 { "match" } else { "matches" };
            write!(text, "At most {} partial {matches} a key ({bound})", grouped(most)).expect(WRITES);
            if !matches!(growth, Growth::Steady { .. }) {
                write!(text, ", {}", growth.sentence()).expect(WRITES);
            }
            let Memory { run, capture, .. } = self.memory;
            let takes = match self.held {
                Held::Together => format!("at most {capture} bytes for each event it holds"),
                _ if capture == 0 => format!("{run} bytes beside the event it holds"),
                _ => format!("{run} bytes and {capture} for each event it holds"),
            };
            write!(text, ". Each {}, and takes {takes}.", self.lifetime).expect(WRITES);
        }
        for past in &self.past {
            write!(text, " Keeps the events of `{}` of {} for each key.", past.stream, past.over)
                .expect(WRITES);
        }
        text
    }
}

/// Why writing to a text is taken to succeed.
const WRITES: &str = "writing to a String cannot fail";

/// A number with a comma between groups of three digits.
fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

fn runs(compiled: &CompiledRule, growth: Growth) -> Runs {
    let rule = &compiled.rule;
    let limit = match rule.max_events < rule.max_runs {
        true => (rule.max_events, Bound::MaxEvents),
        false => (rule.max_runs, Bound::MaxRuns),
    };
    let (most, bound) = match growth {
        Growth::Steady { runs } if runs <= limit.0 => (runs, Bound::Pattern),
        _ => limit,
    };
    Runs { most, bound, growth }
}

/// How many values an event of each stream keeps.
fn values(streams: &[StreamSchema], kept: &[Kept]) -> Vec<usize> {
    streams.iter().zip(kept).map(|(stream, kept)| kept.count(stream.fields.len())).collect()
}

fn memory(compiled: &CompiledRule, values: &[usize], runs: Runs, most_events: Option<usize>) -> Memory {
    let rule = &compiled.rule;
    // The beginning of one group is held in place.
    let groups = if rule.clocks.len() > 1 { size_of_val(&*rule.clocks) } else { 0 };
    let clock = if compiled.timing == Timing::Steps { CLOCK_BYTES + groups } else { 0 };
    let lane = if runs.most >= MANY_RUNS { LANE_BYTES } else { 0 };
    // One is held in place, and few runs find all of them in the only event that they hold.
    let in_place = rule.registers.len() == 1 || (most_events == Some(1) && runs.most < MANY_RUNS);
    let registers = if in_place { 0 } else { rule.registers.len() };
    let run = RUN_BYTES + lane + clock + registers * size_of::<Register>();
    let distinct = compiled.specs.iter().filter(|spec| spec.aggregate == Aggregate::CountDistinct).count();
    let captured = compiled.automaton.states.iter().flat_map(|state| &state.transitions);
    let captured = captured.filter_map(|transition| match transition.trigger {
        Trigger::Take { test, .. } => Some(rule.tests[test.0 as usize].stream),
        Trigger::Absence { .. } => None,
    });
    let values = captured.map(|stream| values[stream.0 as usize]).max().unwrap_or(0);
    let event = EVENT_BYTES + values * size_of::<Value>() + RECORD_BYTES;
    let held = most_events.map_or(rule.max_events, |most| (most * runs.most).min(rule.max_events));
    let held = if runs.most == 0 { 0 } else { held };
    if matches!(compiled.representation, Representation::Compact { .. }) {
        // One entry for each event that a run has taken, and as many that join runs. Half of the room may
        // be free, and half of the rest not yet tidied up.
        let entries = 4 * (held + runs.most);
        let key = KEY_BYTES + TOGETHER_BYTES + entries * ENTRY_BYTES + held * event;
        return Memory { run: 0, capture: ENTRY_BYTES, distinct, event, most_events, key };
    }
    let capture = if most_events == Some(1) { 0 } else { CAPTURE_BYTES };
    let own = match runs.most {
        0 => 0,
        // Its place is that of the first.
        1 => KEY_BYTES + LIST_BYTES + run - RUN_BYTES,
        // A list that grows has room for up to a quarter more.
        most => KEY_BYTES + LIST_BYTES + most / 4 * RUN_BYTES + most * run,
    };
    let key = own + held * (capture + event + distinct * DISTINCT_BYTES);
    Memory { run, capture, distinct, event, most_events, key }
}

fn past(compiled: &CompiledRule, streams: &[StreamSchema]) -> Vec<Past> {
    let rule = &compiled.rule;
    let of_timeout = rule.timeout.iter().flat_map(|timeout| &timeout.alert.histories);
    let all = rule.histories.iter().chain(&rule.alert.histories).chain(of_timeout);
    all.map(|history| Past {
        stream: streams[history.stream.0 as usize].name.to_string(),
        aggregate: history.register.aggregate.name(),
        over: history.over.to_string(),
        looks_at_each: history.scan.is_some(),
    })
    .collect()
}

/// The sum of two spans; the longest there is rather than an overflow.
fn sum(a: Duration, b: Duration) -> Duration {
    Duration::from_micros(a.as_micros().saturating_add(b.as_micros()))
}

#[cfg(test)]
mod tests;
