//! Registers: what is kept of captured events so that conditions and alerts can read it.
//!
//! A register is brought up to date when an event is captured, so that reading `avg(small.amount)`
//! costs the same after three events as after a million.

use std::borrow::Cow;
use std::sync::Arc;

use hashbrown::HashSet;

use crate::event::{Duration, Event, FieldId, Seeded, Type, Value};

/// A register of a rule, by its place in the rule's list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RegisterId(pub u32);

/// What a register keeps of the values it is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Aggregate {
    /// The value of the first event; null if that was null.
    First,
    /// The value of the last event.
    Last,
    /// How many events (or, of a field, how many values that are not null).
    Count,
    /// The sum; 0 of nothing.
    Sum,
    /// The arithmetic mean; null of nothing.
    Avg,
    /// The least; null of nothing.
    Min,
    /// The greatest; null of nothing.
    Max,
    /// The population standard deviation; null of nothing.
    Stddev,
    /// How many different values.
    CountDistinct,
}

impl Aggregate {
    /// The aggregates of the language by name; `first` and `last` are not functions of a field but
    /// stand before a dot.
    pub const FUNCTIONS: [(&'static str, Aggregate); 7] = [
        ("count", Aggregate::Count),
        ("sum", Aggregate::Sum),
        ("avg", Aggregate::Avg),
        ("min", Aggregate::Min),
        ("max", Aggregate::Max),
        ("stddev", Aggregate::Stddev),
        ("count_distinct", Aggregate::CountDistinct),
    ];

    /// The name the language uses.
    pub fn name(self) -> &'static str {
        match self {
            Aggregate::First => "first",
            Aggregate::Last => "last",
            other => Aggregate::FUNCTIONS
                .iter()
                .find(|(_, function)| *function == other)
                .map_or("", |(name, _)| name),
        }
    }

    /// The type of the result over values of type `of`; `None` when it makes no sense.
    pub fn result(self, of: Type) -> Option<Type> {
        match self {
            Aggregate::First | Aggregate::Last => Some(of),
            Aggregate::Count | Aggregate::CountDistinct => Some(Type::Int),
            Aggregate::Sum => matches!(of, Type::Int | Type::Float | Type::Duration).then_some(of),
            Aggregate::Avg => match of {
                Type::Int | Type::Float => Some(Type::Float),
                Type::Duration => Some(Type::Duration),
                _ => None,
            },
            Aggregate::Min | Aggregate::Max => (of != Type::Bool).then_some(of),
            Aggregate::Stddev => of.is_number().then_some(Type::Float),
        }
    }
}

/// What a register reads of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FieldSource {
    /// A field.
    Field(FieldId),
    /// The event time.
    Time,
    /// The event itself, to be counted.
    Event,
}

impl FieldSource {
    /// What it reads of `event`.
    pub fn read(self, event: &Event) -> Value {
        self.look(event).into_owned()
    }

    /// The same, not copied where the event holds it.
    pub fn look(self, event: &Event) -> Cow<'_, Value> {
        match self {
            FieldSource::Field(field) => Cow::Borrowed(event.value(field)),
            FieldSource::Time => Cow::Owned(Value::Timestamp(event.time())),
            FieldSource::Event => Cow::Owned(Value::Bool(true)),
        }
    }
}

/// What a register keeps, of which field, of what type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RegisterSpec {
    /// What is kept.
    pub aggregate: Aggregate,
    /// Of what.
    pub source: FieldSource,
    /// The type of what is read.
    pub ty: Type,
}

/// The state of a register.
#[derive(Clone, Debug)]
pub enum Register {
    /// First (once set), last, least or greatest.
    Value {
        /// The value; null while there is none.
        value: Value,
        /// Whether an event has been seen.
        seen: bool,
    },
    /// A count.
    Count(i64),
    /// An exact sum of integers or durations with the number of values; 128 bits cannot overflow
    /// before 2^64 values.
    Whole {
        /// Sum of the values.
        sum: Wide,
        /// Number of values.
        count: u64,
    },
    /// A sum of floats with the number of values.
    Float {
        /// Sum of the values.
        sum: f64,
        /// Number of values.
        count: u64,
    },
    /// Mean and sum of squared distances (Welford, Technometrics 4(3), 1962), which unlike a sum of
    /// squares does not lose the difference of large numbers.
    Spread {
        /// Number of values.
        count: u64,
        /// Mean of the values, M_k.
        mean: f64,
        /// Sum of squared distances from the mean, S_k.
        squares: f64,
    },
    /// The different values; shared between copies of a run until one of them adds to it.
    Distinct(Arc<HashSet<Value, Seeded>>),
}

/// 128 bits that are aligned like 64, so that they make no register larger than others.
#[derive(Clone, Copy, Debug)]
#[repr(Rust, packed(8))]
pub struct Wide(pub i128);

impl Register {
    /// Whether it has been given no value.
    pub fn is_empty(&self) -> bool {
        match self {
            Register::Value { seen, .. } => !seen,
            Register::Count(count) => *count == 0,
            Register::Whole { count, .. }
            | Register::Float { count, .. }
            | Register::Spread { count, .. } => *count == 0,
            Register::Distinct(values) => values.is_empty(),
        }
    }
}

impl RegisterSpec {
    /// The register before any event.
    pub fn empty(&self) -> Register {
        match self.aggregate {
            Aggregate::First | Aggregate::Last | Aggregate::Min | Aggregate::Max => {
                Register::Value { value: Value::Null, seen: false }
            }
            Aggregate::Count => Register::Count(0),
            Aggregate::Sum | Aggregate::Avg if self.ty == Type::Float => {
                Register::Float { sum: 0.0, count: 0 }
            }
            Aggregate::Sum | Aggregate::Avg => Register::Whole { sum: Wide(0), count: 0 },
            Aggregate::Stddev => Register::Spread { count: 0, mean: 0.0, squares: 0.0 },
            Aggregate::CountDistinct => Register::Distinct(Arc::default()),
        }
    }

    /// The register after this event, if there is one.
    pub fn of(&self, event: Option<&Event>) -> Register {
        let mut register = self.empty();
        if let Some(event) = event {
            self.add(&mut register, event);
        }
        register
    }

    /// Whether the register keeps a value as it was read: of one event, that is what was read of it.
    pub fn is_value(&self) -> bool {
        matches!(self.aggregate, Aggregate::First | Aggregate::Last | Aggregate::Min | Aggregate::Max)
    }

    /// Brings the register up to date with a captured event. Nulls are skipped, except that the
    /// first and the last value may be null.
    pub fn add(&self, register: &mut Register, event: &Event) {
        let new = self.source.read(event);
        if new.is_null() && !matches!(self.aggregate, Aggregate::First | Aggregate::Last) {
            return;
        }
        match register {
            Register::Value { value, seen } => {
                let replace = match self.aggregate {
                    Aggregate::First => !*seen,
                    Aggregate::Last => true,
                    Aggregate::Min => !*seen || new.compare(value).is_some_and(|order| order.is_lt()),
                    _ => !*seen || new.compare(value).is_some_and(|order| order.is_gt()),
                };
                if replace {
                    *value = new;
                    *seen = true;
                }
            }
            Register::Count(count) => *count += 1,
            Register::Whole { sum, count } => {
                sum.0 += match new {
                    Value::Int(i) => i128::from(i),
                    Value::Duration(d) => i128::from(d.as_micros()),
                    _ => 0,
                };
                *count += 1;
            }
            Register::Float { sum, count } => {
                *sum += new.as_f64().unwrap_or(0.0);
                *count += 1;
            }
            Register::Spread { count, mean, squares } => {
                let x = new.as_f64().unwrap_or(0.0);
                *count += 1;
                let distance = x - *mean;
                *mean += distance / *count as f64;
                *squares += distance * (x - *mean);
            }
            Register::Distinct(values) => {
                if !values.contains(&new) {
                    Arc::make_mut(values).insert(new);
                }
            }
        }
    }

    /// What the register says; null when it does not fit its type (a sum of integers beyond 64
    /// bits, a float that is not a number).
    pub fn value(&self, register: &Register) -> Value {
        match register {
            Register::Value { value, .. } => value.clone(),
            Register::Count(count) => Value::Int(*count),
            Register::Whole { sum, count } => self.whole(sum.0, *count),
            Register::Float { count: 0, .. } if self.aggregate == Aggregate::Avg => Value::Null,
            Register::Float { sum, count } if self.aggregate == Aggregate::Avg => {
                Value::float(sum / *count as f64)
            }
            Register::Float { sum, .. } => Value::float(*sum),
            Register::Spread { count: 0, .. } => Value::Null,
            Register::Spread { count, squares, .. } => Value::float((squares / *count as f64).sqrt()),
            Register::Distinct(values) => Value::Int(values.len() as i64),
        }
    }

    fn whole(&self, sum: i128, count: u64) -> Value {
        match (self.aggregate, self.ty) {
            (Aggregate::Avg, _) if count == 0 => Value::Null,
            (Aggregate::Avg, Type::Duration) => i64::try_from(sum / i128::from(count))
                .map_or(Value::Null, |us| Value::Duration(Duration::from_micros(us))),
            (Aggregate::Avg, _) => Value::float(sum as f64 / count as f64),
            (_, Type::Duration) => {
                i64::try_from(sum).map_or(Value::Null, |us| Value::Duration(Duration::from_micros(us)))
            }
            _ => i64::try_from(sum).map_or(Value::Null, Value::Int),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Position, StreamId, Timestamp};

    fn fold(aggregate: Aggregate, ty: Type, values: &[Value]) -> Value {
        let spec = RegisterSpec { aggregate, source: FieldSource::Field(FieldId(0)), ty };
        let mut register = spec.empty();
        for value in values {
            let event =
                Event::new(StreamId(0), Timestamp::from_micros(0), Position::default(), [value.clone()], []);
            spec.add(&mut register, &event);
        }
        spec.value(&register)
    }

    #[test]
    fn aggregates_of_nothing() {
        use Aggregate::*;
        for (aggregate, expected) in [
            (Count, Value::Int(0)),
            (CountDistinct, Value::Int(0)),
            (Sum, Value::Int(0)),
            (Avg, Value::Null),
            (Min, Value::Null),
            (Max, Value::Null),
            (Stddev, Value::Null),
            (First, Value::Null),
            (Last, Value::Null),
        ] {
            assert_eq!(fold(aggregate, Type::Int, &[]), expected, "{}", aggregate.name());
            if !matches!(aggregate, First | Last) {
                assert_eq!(fold(aggregate, Type::Int, &[Value::Null]), expected, "nulls are skipped");
            }
        }
        assert_eq!(fold(Sum, Type::Float, &[]), Value::Float(0.0));
    }

    #[test]
    fn aggregates_of_numbers() {
        use Aggregate::*;
        let values: Vec<Value> = [2, 4, 4, 4, 5, 5, 7, 9].map(Value::Int).to_vec();
        assert_eq!(fold(Stddev, Type::Int, &values), Value::Float(2.0));
        assert_eq!(fold(Avg, Type::Int, &values), Value::Float(5.0));
        assert_eq!(fold(Sum, Type::Int, &values), Value::Int(40));
        assert_eq!(fold(Min, Type::Int, &values), Value::Int(2));
        assert_eq!(fold(Max, Type::Int, &values), Value::Int(9));
        assert_eq!(fold(CountDistinct, Type::Int, &values), Value::Int(5));
        assert_eq!(fold(First, Type::Int, &values), Value::Int(2));
        assert_eq!(fold(Last, Type::Int, &values), Value::Int(9));
    }

    #[test]
    fn an_integer_sum_that_overflows_is_null_and_recovers() {
        let big = [Value::Int(i64::MAX), Value::Int(1)];
        assert_eq!(fold(Aggregate::Sum, Type::Int, &big), Value::Null);
        let back = [Value::Int(i64::MAX), Value::Int(1), Value::Int(-1)];
        assert_eq!(fold(Aggregate::Sum, Type::Int, &back), Value::Int(i64::MAX));
    }

    /// Runs keep registers, and there may be millions of them.
    #[test]
    fn registers_stay_small() {
        assert_eq!(size_of::<Register>(), 32);
    }

    #[test]
    fn a_first_null_stays_first() {
        let values = [Value::Null, Value::Int(1)];
        assert_eq!(fold(Aggregate::First, Type::Int, &values), Value::Null);
        assert_eq!(fold(Aggregate::Last, Type::Int, &values), Value::Int(1));
    }
}
