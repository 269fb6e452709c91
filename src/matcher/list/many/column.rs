//! Columns: what a comparison reads of many runs, as plain numbers that stand together.
//!
//! A value becomes a number such that the numbers of values that compare are in the order of the values;
//! several values may share a number. So the runs that an event can fit have numbers between two bounds,
//! which a tight loop finds. Those that it finds are asked the whole condition; those that it does not
//! find would not fit it.

use std::hash::BuildHasher;
use std::net::IpAddr;

use foldhash::fast::FixedState;

use crate::automaton::{CompiledRule, Sides};
use crate::event::{Event, Value};
use crate::expression::{Comparison, Faults, Register, Scope};
use crate::matcher::Matcher;

/// The number of null, which fits no comparison.
const NULL: i64 = i64::MIN;
/// The number of a run of which something cannot be computed: that must be counted whenever its condition
/// is asked.
const FAILED: i64 = i64::MAX;
/// The numbers of values.
const LEAST: i64 = i64::MIN + 1;
const GREATEST: i64 = i64::MAX - 1;

/// Whole numbers nearer to zero than this have floats of their own.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// So many numbers are looked at together.
const STRIDE: usize = 64;

/// What one side of a comparison is worth for each run of a lane, in the order of its runs.
#[derive(Clone, Debug, Default)]
pub(super) struct Column {
    numbers: Vec<i64>,
    /// How many of them are [`FAILED`].
    failed: u32,
}

/// Which runs an event may fit.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Found {
    /// Any of them.
    All,
    /// Those whose numbers are from the first to the second.
    Between(i64, i64),
    /// Those that have a number, and another than this.
    Except(i64),
    /// None.
    None,
}

impl Column {
    /// Adds a run that keeps these registers.
    pub fn push(&mut self, rule: &CompiledRule, sides: &[Sides], registers: &[Register]) {
        let number = number_of_run(rule, sides, registers);
        self.failed += u32::from(number == FAILED);
        self.numbers.push(number);
    }

    /// Removes a run; the last one takes its place.
    pub fn swap_remove(&mut self, index: usize) {
        let number = self.numbers.swap_remove(index);
        self.failed -= u32::from(number == FAILED);
    }

    /// Adds the runs of another column, and leaves it empty.
    pub fn append(&mut self, other: &mut Column) {
        self.numbers.append(&mut other.numbers);
        self.failed += std::mem::take(&mut other.failed);
    }

    /// Which of the runs an event may fit.
    pub fn ask(&self, matcher: &Matcher<'_>, sides: &[Sides], event: &Event) -> Found {
        if self.failed > 0 {
            return Found::All;
        }
        let faults = Faults::default();
        let scope = Scope { event: Some(event), tables: matcher.tables, ..Scope::bare(&faults) };
        let first = sides[0].event.value(&scope).into_owned();
        // All sides are computed, though the first may settle it: what fails is counted for each run.
        sides[1..].iter().for_each(|sides| drop(sides.event.value(&scope)));
        if faults.take() > 0 { Found::All } else { Found::of(sides[0].comparison, &first) }
    }

    /// Gives the places of the runs that the event may fit, in ascending order.
    pub fn find(&self, found: &Found, place: impl FnMut(u32)) {
        match *found {
            Found::All => (0..self.numbers.len() as u32).for_each(place),
            Found::Between(low, high) => {
                let width = high.wrapping_sub(low) as u64;
                find(&self.numbers, |number| number.wrapping_sub(low) as u64 <= width, place);
            }
            Found::Except(other) => find(&self.numbers, |number| number != other && number != NULL, place),
            Found::None => {}
        }
    }
}

/// Gives the places of the numbers that are wanted.
fn find(numbers: &[i64], is_wanted: impl Fn(i64) -> bool, mut place: impl FnMut(u32)) {
    let (strides, rest) = numbers.as_chunks::<STRIDE>();
    let mut look = |from: usize, numbers: &[i64]| {
        let wanted = (from..).zip(numbers).filter(|(_, number)| is_wanted(**number));
        wanted.for_each(|(index, _)| place(index as u32));
    };
    for (index, stride) in strides.iter().enumerate() {
        // A loop without branches, of which the compiler makes vector instructions.
        if stride.iter().fold(0, |count, number| count + u64::from(is_wanted(*number))) > 0 {
            look(index * STRIDE, stride);
        }
    }
    look(strides.len() * STRIDE, rest);
}

impl Found {
    /// The runs for which `event` compares so with what they are worth.
    fn of(comparison: Comparison, event: &Value) -> Found {
        if event.is_null() {
            return Found::None;
        }
        let comparison = comparison.flipped();
        let Number { number, is_exact } = Number::of(event, is_order(comparison));
        match comparison {
            Comparison::Eq => Found::Between(number, number),
            Comparison::Ne if is_exact => Found::Except(number),
            Comparison::Ne => Found::Except(NULL),
            Comparison::Lt if is_exact => Found::between(LEAST, number - 1),
            Comparison::Lt | Comparison::Le => Found::between(LEAST, number),
            Comparison::Gt if is_exact => Found::between(number + 1, GREATEST),
            Comparison::Gt | Comparison::Ge => Found::between(number, GREATEST),
        }
    }

    fn between(low: i64, high: i64) -> Found {
        if low <= high { Found::Between(low, high) } else { Found::None }
    }
}

/// The number of what the run's side of the first comparison is worth.
fn number_of_run(rule: &CompiledRule, sides: &[Sides], registers: &[Register]) -> i64 {
    let faults = Faults::default();
    let scope = Scope { registers, specs: &rule.specs, ..Scope::bare(&faults) };
    let first = sides[0].run.value(&scope);
    sides[1..].iter().for_each(|sides| drop(sides.run.value(&scope)));
    if faults.take() > 0 {
        FAILED
    } else if first.is_null() {
        NULL
    } else {
        Number::of(&first, is_order(sides[0].comparison)).number
    }
}

fn is_order(comparison: Comparison) -> bool {
    !matches!(comparison, Comparison::Eq | Comparison::Ne)
}

/// What stands for a value that is not null.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Number {
    number: i64,
    /// Whether it stands for no other value.
    is_exact: bool,
}

impl Number {
    /// `in_order`: values are asked which is greater; otherwise only whether they are equal.
    fn of(value: &Value, in_order: bool) -> Number {
        let (number, is_exact) = match value {
            Value::Null => (NULL, false),
            Value::Bool(truth) => (i64::from(*truth), true),
            Value::Int(int) => of_float(*int as f64),
            Value::Float(float) => of_float(*float),
            Value::Timestamp(time) => of_int(time.as_micros()),
            Value::Duration(span) => of_int(span.as_micros()),
            Value::Str(text) if in_order => (start_of(text), false),
            Value::Str(text) => of_text(text),
            Value::Ip(IpAddr::V4(address)) => (i64::from(address.to_bits()), true),
            Value::Ip(IpAddr::V6(address)) => (of_hash(FixedState::default().hash_one(address)), false),
        };
        Number { number: number.clamp(LEAST, GREATEST), is_exact }
    }
}

/// Numbers are compared by value, integers with floats: the order of floats is that of their bits, of
/// negative ones the opposite.
fn of_float(float: f64) -> (i64, bool) {
    // Both zeros are equal.
    let bits = (float + 0.0).to_bits() as i64;
    let number = if bits < 0 { bits ^ i64::MAX } else { bits };
    (number, float.abs() < EXACT)
}

fn of_int(int: i64) -> (i64, bool) {
    (int, LEAST < int && int < GREATEST)
}

/// The first eight bytes, which settle the order of most texts.
fn start_of(text: &str) -> i64 {
    let mut start = [0; 8];
    let length = text.len().min(start.len());
    start[..length].copy_from_slice(&text.as_bytes()[..length]);
    i64::from_be_bytes(start) ^ i64::MIN
}

/// A short text by its bytes and its length, a longer one by a hash.
fn of_text(text: &str) -> (i64, bool) {
    let mut bytes = [0; 8];
    if text.len() < bytes.len() {
        bytes[0] = text.len() as u8;
        bytes[1..=text.len()].copy_from_slice(text.as_bytes());
        (i64::from_be_bytes(bytes), true)
    } else {
        (of_hash(FixedState::default().hash_one(text.as_bytes())), false)
    }
}

/// A number that no short text or address has.
fn of_hash(hash: u64) -> i64 {
    (hash | 1 << 63) as i64
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::cases::cases;
    use crate::event::{Duration, Timestamp};

    /// Values near each other, at the ends, and such as share numbers.
    fn values() -> impl Strategy<Value = Vec<Value>> {
        let ints = prop_oneof![
            -3..3_i64,
            (1_i64 << 53) - 3..(1 << 53) + 3,
            -(1_i64 << 53) - 3..-(1 << 53) + 3,
            i64::MAX - 2..=i64::MAX,
            i64::MIN..i64::MIN + 3,
        ];
        let number = prop_oneof![
            ints.clone().prop_map(Value::Int),
            ints.clone().prop_map(|int| Value::Float(int as f64)),
            (-4..4_i64).prop_map(|half| Value::Float(half as f64 / 2.0)),
            Just(Value::Float(-0.0)),
            Just(Value::Float(f64::INFINITY)),
            Just(Value::Float(f64::NEG_INFINITY)),
            Just(Value::Float(f64::MIN_POSITIVE)),
            any::<f64>().prop_map(Value::float),
            Just(Value::Null),
        ];
        let text = prop_oneof!["[ab\u{0}é]{0,3}", "abcdefg[ab\u{0}]{0,3}"].prop_map(Value::text);
        let ip = prop::sample::select(vec!["10.0.0.1", "0.0.0.0", "::1", "::2", "255.255.255.255"]);
        prop_oneof![
            prop::collection::vec(number, 1..200),
            prop::collection::vec(prop_oneof![text, Just(Value::Null)], 1..30),
            prop::collection::vec(
                ints.clone().prop_map(|us| Value::Timestamp(Timestamp::from_micros(us))),
                1..9
            ),
            prop::collection::vec(ints.prop_map(|us| Value::Duration(Duration::from_micros(us))), 1..9),
            prop::collection::vec(any::<bool>().prop_map(Value::Bool), 1..9),
            prop::collection::vec(ip.prop_map(|ip| Value::Ip(ip.parse().unwrap())), 1..9),
        ]
    }

    const COMPARISONS: [Comparison; 6] =
        [Comparison::Eq, Comparison::Ne, Comparison::Lt, Comparison::Le, Comparison::Gt, Comparison::Ge];

    fn holds(comparison: Comparison, a: &Value, b: &Value) -> bool {
        a.compare(b).is_some_and(|order| match comparison {
            Comparison::Eq => order.is_eq(),
            Comparison::Ne => order.is_ne(),
            Comparison::Lt => order.is_lt(),
            Comparison::Le => order.is_le(),
            Comparison::Gt => order.is_gt(),
            Comparison::Ge => order.is_ge(),
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: cases(64, 256), failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn what_fits_is_found(values in values(), comparison in 0..6_usize) {
            let comparison = COMPARISONS[comparison];
            let has_order = !matches!(values[0], Value::Bool(_) | Value::Ip(_));
            prop_assume!(has_order || !is_order(comparison));
            for event in &values {
                let number = |value: &Value| match value {
                    Value::Null => NULL,
                    value => Number::of(value, is_order(comparison)).number,
                };
                let column = Column { numbers: values.iter().map(number).collect(), failed: 0 };
                let mut found = vec![];
                column.find(&Found::of(comparison, event), |place| found.push(place as usize));
                for (place, run) in values.iter().enumerate() {
                    let fits = holds(comparison, event, run);
                    let is_found = found.contains(&place);
                    prop_assert!(!fits || is_found, "{event:?} {comparison:?} {run:?}");
                    // Where nothing is in doubt, nothing is found in vain.
                    let plain = |value: &Value| value.as_f64().is_some_and(|float| float.abs() < EXACT);
                    if plain(event) && plain(run) {
                        prop_assert_eq!(fits, is_found, "{:?} {:?} {:?}", event, comparison, run);
                    }
                }
            }
        }
    }

    #[test]
    fn different_texts_have_different_numbers() {
        let texts = ["", "\0", "a", "a\0", "ab", "b", "abcdefg", "abcdefgh", "abcdefgi", "é"];
        for (index, one) in texts.iter().enumerate() {
            for other in &texts[..index] {
                assert_ne!(of_text(one).0, of_text(other).0, "{one:?} {other:?}");
            }
        }
    }
}
