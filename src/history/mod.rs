//! History: the past of a stream for a key, matched or not, and aggregates over it.
//!
//! Enters: events in their order, for the logs that keep something of them, and the passing of event
//! time. Leaves: the values of `count(auth where not ok) over 10m` and its like. A *log* keeps what
//! rules read of the past events of one stream, apart for each key; a *window* over it keeps one
//! aggregate up to date. Rules that ask the same share logs and windows.
//!
//! Invariants: values are exact, whatever was added and taken away before; what an event costs does
//! not grow with the length of a window, except where the condition of an aggregate compares each
//! past event with the current one by anything but equality; a key whose events have all left their
//! windows is forgotten. Nothing here reads a clock.
//!
//! A condition is split so that most of it need not be asked again (see [`History`]): what looks at
//! the past event alone decides what enters a log; what must be equal on both sides is a part of the
//! log's key, so that the right events are found without looking at others.

mod exact;
mod log;
mod read;
pub mod stored;
mod table;
mod window;

use std::collections::HashMap;

use crate::automaton::{FieldNumbers, PredicateId, Predicates};
use crate::event::{Duration, FieldId, StreamId, Type, Value};
use crate::expression::{Expr, FieldSource, RegisterSpec};
use crate::language::checked::History;

pub use read::{Moment, RuleHistory};
pub use table::Histories;

/// Most events that a log keeps for one key, unless a test says otherwise.
const MAX_EVENTS: usize = 10_000_000;

/// A log of the program, by its place in the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LogId(pub u32);

/// What a log keeps, of which events.
#[derive(Debug)]
pub struct LogSpec {
    /// The stream.
    pub stream: StreamId,
    /// The fields that make the key of the rules that read it.
    pub key: Vec<FieldId>,
    /// What else of a past event decides to which log it belongs.
    pub same: Vec<Expr>,
    /// What must hold of an event for it to enter.
    pub filter: Option<PredicateId>,
    /// What is kept of an event.
    pub columns: Vec<(FieldSource, Type)>,
    /// The windows over it.
    pub windows: Vec<WindowSpec>,
    /// The length of the longest window.
    pub keep: Duration,
    /// Most events for one key; then the oldest are forgotten before their time.
    pub max_events: usize,
}

/// A window over a log.
#[derive(Debug)]
pub struct WindowSpec {
    /// The aggregate.
    pub register: RegisterSpec,
    /// The column that it reads, unless it counts events.
    pub column: usize,
    /// How far back it reaches: an event of time t is in it while `now - over < t`.
    pub over: Duration,
    /// Whether it leaves the current event out.
    pub previous: bool,
    /// What must hold of a past event and the current one together.
    pub scan: Option<Scan>,
}

impl WindowSpec {
    /// The aggregate of no events.
    fn nothing(&self) -> Value {
        self.register.value(&self.register.empty())
    }
}

/// A condition that compares each past event with the current one.
#[derive(Debug)]
pub struct Scan {
    /// The condition.
    pub condition: Expr,
    /// What it reads of the past event, with the columns.
    pub reads: Vec<(FieldSource, usize)>,
}

/// How a rule reads a window.
#[derive(Debug)]
pub struct Reading {
    /// The log.
    pub log: LogId,
    /// The window over it.
    pub window: usize,
    /// What must hold of the current event; otherwise the aggregate is that of nothing.
    pub gate: Option<Expr>,
    /// What the log's [`LogSpec::same`] must be equal to.
    pub same: Vec<Expr>,
    /// Whether the value depends on what a run has captured, besides the event.
    pub reads_captures: bool,
}

/// The logs of a program, equal ones once.
#[derive(Debug, Default)]
pub struct Logs {
    list: Vec<LogSpec>,
    known: HashMap<String, LogId>,
}

impl Logs {
    /// The log with that id.
    pub fn get(&self, id: LogId) -> &LogSpec {
        &self.list[id.0 as usize]
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// How a rule that groups the history's stream by the fields `key` reads it; its log and window
    /// are made if they are new.
    pub fn reading(&mut self, history: &History, key: &[FieldId], predicates: &mut Predicates) -> Reading {
        let log = self.log(history, key, predicates);
        let spec = &mut self.list[log.0 as usize];
        spec.keep = spec.keep.max(history.over);
        let reads_captures = history
            .gate
            .iter()
            .chain(&history.scan)
            .chain(history.same.iter().map(|(_, current)| current))
            .any(Expr::looks_beyond_event);
        Reading {
            log,
            window: spec.window(history),
            gate: history.gate.clone(),
            same: history.same.iter().map(|(_, current)| current.clone()).collect(),
            reads_captures,
        }
    }

    fn log(&mut self, history: &History, key: &[FieldId], predicates: &mut Predicates) -> LogId {
        let filter = history.filter.as_ref().map(|filter| predicates.intern(history.stream, filter));
        let same: Vec<String> = history.same.iter().map(|(past, _)| past.describe(&FieldNumbers)).collect();
        let name = format!("{:?} {key:?} {filter:?} {same:?}", history.stream);
        let list = &mut self.list;
        *self.known.entry(name).or_insert_with(|| {
            list.push(LogSpec {
                stream: history.stream,
                key: key.to_vec(),
                same: history.same.iter().map(|(past, _)| past.clone()).collect(),
                filter,
                columns: Vec::new(),
                windows: Vec::new(),
                keep: Duration::ZERO,
                max_events: MAX_EVENTS,
            });
            LogId(list.len() as u32 - 1)
        })
    }
}

impl LogSpec {
    /// The place of a history's window, made if it is new.
    fn window(&mut self, history: &History) -> usize {
        let counts_events = history.register.source == FieldSource::Event;
        let column = match counts_events {
            true => 0,
            false => self.column(history.register.source, history.register.ty),
        };
        if history.scan.is_none() {
            let known = self.windows.iter().position(|window| {
                window.scan.is_none()
                    && window.register == history.register
                    && window.over == history.over
                    && window.previous == history.previous
            });
            if let Some(known) = known {
                return known;
            }
        }
        let scan = history.scan.as_ref().map(|condition| Scan {
            reads: condition
                .past_sources()
                .into_iter()
                .map(|(source, ty)| (source, self.column(source, ty)))
                .collect(),
            condition: condition.clone(),
        });
        self.windows.push(WindowSpec {
            register: history.register,
            column,
            over: history.over,
            previous: history.previous,
            scan,
        });
        self.windows.len() - 1
    }

    fn column(&mut self, source: FieldSource, ty: Type) -> usize {
        self.columns.iter().position(|(known, _)| *known == source).unwrap_or_else(|| {
            self.columns.push((source, ty));
            self.columns.len() - 1
        })
    }
}
