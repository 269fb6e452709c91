//! A window: an aggregate over the latest events of a log, kept up to date as events come and go.

use std::collections::VecDeque;

use hashbrown::HashMap;

use super::WindowSpec;
use super::exact::{ExactSum, deviation, product};
use super::log::Entries;
use crate::event::{Seeded, Timestamp, Type, Value};
use crate::expression::{Aggregate, FieldSource, Register, RegisterSpec, Wide};

/// The events of a log from `start` to before `end`, and what is kept of them.
#[derive(Clone, Debug)]
pub(super) struct Window {
    /// The number of the first event in it. Events of a log are numbered from 0.
    pub start: u64,
    /// The number after that of the last event in it.
    pub end: u64,
    state: State,
}

/// What is kept of the events in a window, such that adding one and taking one away cost the same
/// however many there are.
#[derive(Clone, Debug)]
pub(super) enum State {
    /// Nothing: their number is enough.
    Events,
    /// How many have a value.
    Values(u64),
    /// Sum and number of integers or durations; 128 bits cannot overflow before 2^64 of them.
    Whole { sum: i128, count: u64 },
    /// Sum and number of floats.
    Float { sum: ExactSum, count: u64 },
    /// Sum, sum of squares and number.
    Spread { sum: ExactSum, squares: ExactSum, count: u64 },
    /// The numbers of those events that no later one surpasses, the best first: when the best
    /// leaves, the next is known.
    Extreme(VecDeque<u64>),
    /// How often each value is there.
    Distinct(HashMap<Value, u32, Seeded>),
    /// Nothing: the events are gone through when the value is wanted.
    Unkept,
}

impl Window {
    /// A window over an empty log.
    pub fn new(spec: &WindowSpec) -> Window {
        let state = if spec.scan.is_some() { State::Unkept } else { State::new(&spec.register) };
        Window { start: 0, end: 0, state }
    }

    /// A window over a log that has events already: from the number `start` on they have not left it, and
    /// all of them have come into it.
    pub fn over(spec: &WindowSpec, entries: &Entries, start: u64, end: u64) -> Window {
        let mut window = Window { start, end: start, ..Window::new(spec) };
        while window.end < end {
            window.state.add(spec, entries, window.end);
            window.end += 1;
        }
        window
    }

    /// About how many bytes of memory it takes besides its place.
    pub fn footprint(&self) -> usize {
        match &self.state {
            State::Extreme(best) => best.capacity() * size_of::<u64>(),
            State::Distinct(values) => values.capacity() * (size_of::<(Value, u32)>() + 2),
            _ => 0,
        }
    }

    /// Takes the events before the number `end` in, and those out that are not after `now` less
    /// the window's length.
    pub fn advance(&mut self, spec: &WindowSpec, entries: &Entries, now: Timestamp, end: u64) {
        while self.end < end {
            self.state.add(spec, entries, self.end);
            self.end += 1;
        }
        let before = now.saturating_sub(spec.over);
        while self.start < self.end && entries.time(self.start) <= before {
            self.drop_oldest(spec, entries);
        }
    }

    /// Takes the oldest event out; there is one.
    pub fn drop_oldest(&mut self, spec: &WindowSpec, entries: &Entries) {
        self.state.remove(spec, entries, self.start);
        self.start += 1;
    }

    /// The aggregate of the events in it.
    pub fn value(&self, spec: &WindowSpec, entries: &Entries) -> Value {
        self.state.value(spec, entries, self.end - self.start)
    }

    /// The aggregate of those events in it that `fits` says.
    pub fn scan(&self, spec: &WindowSpec, entries: &Entries, mut fits: impl FnMut(u64) -> bool) -> Value {
        let mut state = State::new(&spec.register);
        let mut count = 0;
        for number in (self.start..self.end).filter(|number| fits(*number)) {
            state.add(spec, entries, number);
            count += 1;
        }
        state.value(spec, entries, count)
    }
}

impl State {
    fn new(register: &RegisterSpec) -> State {
        let is_float = register.ty == Type::Float;
        match register.aggregate {
            Aggregate::Count if register.source == FieldSource::Event => State::Events,
            Aggregate::Count => State::Values(0),
            Aggregate::Sum | Aggregate::Avg if is_float => {
                State::Float { sum: ExactSum::default(), count: 0 }
            }
            Aggregate::Sum | Aggregate::Avg => State::Whole { sum: 0, count: 0 },
            Aggregate::Stddev => {
                State::Spread { sum: ExactSum::default(), squares: ExactSum::default(), count: 0 }
            }
            Aggregate::CountDistinct => State::Distinct(HashMap::default()),
            Aggregate::Min | Aggregate::Max | Aggregate::First | Aggregate::Last => {
                State::Extreme(VecDeque::new())
            }
        }
    }

    fn add(&mut self, spec: &WindowSpec, entries: &Entries, number: u64) {
        if matches!(self, State::Events | State::Unkept) {
            return;
        }
        let new = entries.value(spec.column, number);
        if new.is_null() {
            return;
        }
        match self {
            State::Events | State::Unkept => {}
            State::Values(count) => *count += 1,
            State::Whole { sum, count } => {
                *sum += whole(&new);
                *count += 1;
            }
            State::Float { sum, count } => {
                sum.add(float(&new));
                *count += 1;
            }
            State::Spread { sum, squares, count } => {
                let x = float(&new);
                let (high, low) = product(x, x);
                sum.add(x);
                squares.add(high);
                squares.add(low);
                *count += 1;
            }
            State::Extreme(best) => {
                let least = spec.register.aggregate == Aggregate::Min;
                while let Some(last) = best.back() {
                    let order = new.compare(&entries.value(spec.column, *last));
                    if !order.is_some_and(|order| if least { order.is_le() } else { order.is_ge() }) {
                        break;
                    }
                    best.pop_back();
                }
                best.push_back(number);
            }
            State::Distinct(values) => *values.entry(new).or_insert(0) += 1,
        }
    }

    fn remove(&mut self, spec: &WindowSpec, entries: &Entries, number: u64) {
        match self {
            State::Events | State::Unkept => return,
            State::Extreme(best) => {
                if best.front() == Some(&number) {
                    best.pop_front();
                }
                return;
            }
            _ => {}
        }
        let old = entries.value(spec.column, number);
        if old.is_null() {
            return;
        }
        match self {
            State::Events | State::Unkept | State::Extreme(_) => {}
            State::Values(count) => *count -= 1,
            State::Whole { sum, count } => {
                *sum -= whole(&old);
                *count -= 1;
            }
            State::Float { sum, count } => {
                sum.remove(float(&old));
                *count -= 1;
                if *count == 0 {
                    // Digits that large values needed are not kept for ever.
                    *sum = ExactSum::default();
                }
            }
            State::Spread { sum, squares, count } => {
                let x = float(&old);
                let (high, low) = product(x, x);
                sum.remove(x);
                squares.remove(high);
                squares.remove(low);
                *count -= 1;
                if *count == 0 {
                    (*sum, *squares) = Default::default();
                }
            }
            State::Distinct(values) => {
                let count = values.get_mut(&old).expect("what leaves a window has been added to it");
                *count -= 1;
                if *count == 0 {
                    values.remove(&old);
                }
            }
        }
    }

    fn value(&self, spec: &WindowSpec, entries: &Entries, events: u64) -> Value {
        match self {
            State::Events | State::Unkept => Value::Int(events as i64),
            State::Values(count) => Value::Int(*count as i64),
            State::Whole { sum, count } => {
                spec.register.value(&Register::Whole { sum: Wide(*sum), count: *count })
            }
            State::Float { sum, count } => {
                spec.register.value(&Register::Float { sum: sum.value(), count: *count })
            }
            State::Spread { sum, squares, count } => Value::float(deviation(sum, squares, *count)),
            State::Extreme(best) => {
                best.front().map_or(Value::Null, |number| entries.value(spec.column, *number))
            }
            State::Distinct(values) => Value::Int(values.len() as i64),
        }
    }
}

fn whole(value: &Value) -> i128 {
    match value {
        Value::Int(i) => i128::from(*i),
        Value::Duration(d) => i128::from(d.as_micros()),
        _ => 0,
    }
}

fn float(value: &Value) -> f64 {
    value.as_f64().unwrap_or(0.0)
}
