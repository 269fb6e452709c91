//! A log: what is kept of the past events of one stream for one key, and the windows over it.

pub(super) mod stored;

use std::collections::VecDeque;

use smallvec::SmallVec;

use super::LogSpec;
use super::window::Window;
use crate::event::{Event, SequencePoint, Timestamp, Type, Value};
use crate::expression::FieldSource;

use stored::{Stored, columns_footprint};

/// The events of a log, oldest first, by columns: only what some window reads of them is kept.
#[derive(Clone, Debug)]
pub(super) struct Entries {
    /// The number of the oldest that is still there.
    first: u64,
    times: VecDeque<Timestamp>,
    columns: SmallVec<[Column; 1]>,
}

/// The values of one field.
#[derive(Clone, Debug)]
enum Column {
    /// Floats, which are a quarter as large as values; a NaN stands for null.
    Floats(VecDeque<f64>),
    Values(VecDeque<Value>),
}

impl Column {
    fn push(&mut self, value: Value) {
        match self {
            Column::Floats(floats) => floats.push_back(value.as_f64().unwrap_or(f64::NAN)),
            Column::Values(values) => values.push_back(value),
        }
    }

    fn pop(&mut self) {
        match self {
            Column::Floats(floats) => drop(floats.pop_front()),
            Column::Values(values) => drop(values.pop_front()),
        }
    }

    fn get(&self, index: usize) -> Value {
        match self {
            Column::Floats(floats) if floats[index].is_nan() => Value::Null,
            Column::Floats(floats) => Value::Float(floats[index]),
            Column::Values(values) => values[index].clone(),
        }
    }
}

impl Entries {
    fn new(spec: &LogSpec) -> Entries {
        let column = |(_, ty): &(FieldSource, Type)| match ty {
            Type::Float => Column::Floats(VecDeque::new()),
            _ => Column::Values(VecDeque::new()),
        };
        Entries { first: 0, times: VecDeque::new(), columns: spec.columns.iter().map(column).collect() }
    }

    /// The number that the next event gets.
    fn end(&self) -> u64 {
        self.first + self.times.len() as u64
    }

    fn index(&self, number: u64) -> usize {
        (number - self.first) as usize
    }

    /// The time of an event.
    pub fn time(&self, number: u64) -> Timestamp {
        self.times[self.index(number)]
    }

    /// What a column holds of an event.
    pub fn value(&self, column: usize, number: u64) -> Value {
        self.columns[column].get(self.index(number))
    }

    fn push(&mut self, spec: &LogSpec, event: &Event) {
        self.times.push_back(event.time());
        for (column, (source, _)) in self.columns.iter_mut().zip(&spec.columns) {
            column.push(source.read(event));
        }
    }

    fn pop(&mut self) {
        self.first += 1;
        self.times.pop_front();
        self.columns.iter_mut().for_each(Column::pop);
    }
}

/// The past events of one stream for one key.
#[derive(Clone, Debug)]
pub(super) struct Log {
    entries: Entries,
    windows: SmallVec<[Window; 1]>,
    /// The event that was added last, unless that was before a restart.
    last: Option<SequencePoint>,
    /// What of it has been stored.
    pub stored: Stored,
}

impl Log {
    /// A log without events.
    pub fn new(spec: &LogSpec) -> Log {
        Log {
            entries: Entries::new(spec),
            windows: spec.windows.iter().map(Window::new).collect(),
            last: None,
            stored: Stored::default(),
        }
    }

    /// How many events it holds.
    pub fn len(&self) -> usize {
        self.entries.times.len()
    }

    /// About how many bytes of memory it takes.
    pub fn footprint(&self) -> usize {
        let Entries { times, columns, .. } = &self.entries;
        let own = 2 * size_of::<Log>() + times.capacity() * size_of::<Timestamp>();
        let beyond = |inline: usize, len: usize| len.saturating_sub(inline);
        own + columns_footprint(columns)
            + beyond(1, columns.len()) * size_of::<Column>()
            + beyond(1, self.windows.len()) * size_of::<Window>()
            + self.windows.iter().map(Window::footprint).sum::<usize>()
    }

    /// When the newest event has left every window.
    pub fn over(&self, spec: &LogSpec) -> Timestamp {
        self.entries.times.back().map_or(Timestamp::MIN, |newest| newest.end_of(spec.keep))
    }

    /// The time of the newest event.
    pub fn newest(&self) -> Option<Timestamp> {
        self.entries.times.back().copied()
    }

    /// Adds the next event of the order; whether one was forgotten before its time because there
    /// are too many.
    pub fn push(&mut self, spec: &LogSpec, event: &Event) -> bool {
        let end = self.entries.end();
        for (window, spec) in self.windows.iter_mut().zip(&spec.windows) {
            window.advance(spec, &self.entries, event.time(), end);
        }
        let is_full = self.len() >= spec.max_events;
        if is_full {
            let oldest = self.entries.first;
            for (window, spec) in self.windows.iter_mut().zip(&spec.windows) {
                if window.start == oldest {
                    window.drop_oldest(spec, &self.entries);
                }
            }
        }
        let wanted = self.windows.iter().map(|window| window.start).min().unwrap_or(end);
        while self.entries.first < wanted {
            self.entries.pop();
        }
        self.entries.push(spec, event);
        self.last = Some(event.point());
        is_full
    }

    /// The aggregate of a window at `now`. `current` is the event being looked at; windows that
    /// leave it out do so. `fits` says which events count, for windows whose condition compares each
    /// with the current one; it is given what reads a column of the past event.
    pub fn read(
        &mut self,
        spec: &LogSpec,
        window: usize,
        now: Timestamp,
        current: Option<SequencePoint>,
        mut fits: impl FnMut(&dyn Fn(usize) -> Value) -> bool,
    ) -> Value {
        let (window, spec) = (&mut self.windows[window], &spec.windows[window]);
        self.stored.is_recent = true;
        let is_current = current.is_some() && current == self.last;
        let end = self.entries.end() - u64::from(spec.previous && is_current);
        window.advance(spec, &self.entries, now, end);
        if spec.scan.is_none() {
            return window.value(spec, &self.entries);
        }
        let entries = &self.entries;
        window.scan(spec, entries, |number| fits(&|column| entries.value(column, number)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Duration, FieldId, Position, StreamId};
    use crate::expression::{Aggregate, RegisterSpec};
    use crate::history::WindowSpec;

    /// A log of field 0 with windows of that many seconds over these aggregates.
    fn spec(windows: &[(Aggregate, i64)], max_events: usize) -> LogSpec {
        let source = FieldSource::Field(FieldId(0));
        let window = |(aggregate, seconds): &(Aggregate, i64)| WindowSpec {
            register: RegisterSpec { aggregate: *aggregate, source, ty: Type::Int },
            column: 0,
            over: Duration::from_micros(seconds * 1_000_000),
            previous: false,
            scan: None,
        };
        LogSpec {
            stream: StreamId(0),
            key: Vec::new(),
            same: Vec::new(),
            filter: None,
            columns: vec![(source, Type::Int)],
            windows: windows.iter().map(window).collect(),
            keep: Duration::from_micros(windows.iter().map(|(_, over)| over * 1_000_000).max().unwrap_or(0)),
            max_events,
        }
    }

    fn event(second: i64, n: i64) -> Event {
        let time = Timestamp::from_micros(second * 1_000_000);
        let position = Position { offset: n.unsigned_abs(), ..Position::default() };
        Event::new(StreamId(0), time, position, [Value::Int(n)], [])
    }

    fn read(log: &mut Log, spec: &LogSpec, window: usize, second: i64) -> Value {
        log.read(spec, window, Timestamp::from_micros(second * 1_000_000), None, |_| true)
    }

    #[test]
    fn events_are_kept_for_the_longest_window_and_no_longer() {
        let spec = spec(&[(Aggregate::Sum, 10), (Aggregate::Max, 100)], 1_000_000);
        let mut log = Log::new(&spec);
        for second in 0..10_000 {
            log.push(&spec, &event(second, second));
            assert!(log.len() <= 101, "after {second} s: {}", log.len());
        }
        assert_eq!(read(&mut log, &spec, 0, 9_999), Value::Int((9_990..10_000).sum()));
        assert_eq!(read(&mut log, &spec, 1, 10_098), Value::Int(9_999));
        assert_eq!(read(&mut log, &spec, 1, 10_099), Value::Null);
        assert_eq!(log.over(&spec), Timestamp::from_micros(10_099_000_000));
    }

    #[test]
    fn a_full_log_forgets_the_oldest() {
        let spec = spec(&[(Aggregate::Sum, 1_000), (Aggregate::Min, 1_000), (Aggregate::Sum, 2)], 3);
        let mut log = Log::new(&spec);
        let forgot: Vec<bool> = (1..=5).map(|n| log.push(&spec, &event(n, n))).collect();
        assert_eq!(forgot, [false, false, false, true, true]);
        assert_eq!(log.len(), 3);
        assert_eq!(read(&mut log, &spec, 0, 5), Value::Int(3 + 4 + 5));
        assert_eq!(read(&mut log, &spec, 1, 5), Value::Int(3));
        assert_eq!(read(&mut log, &spec, 2, 5), Value::Int(4 + 5));
    }
}
