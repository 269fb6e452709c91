//! Sets of values: what a part of an expression can be, as conditions limit it.
//!
//! A set says whether null is in it and holds intervals in the order of [`Value::compare`], sorted and
//! apart from each other. The values of one set are of one type, or all numbers; intervals of whole
//! numbers have their ends in them, so that nothing between 2 and 3 is known to be nothing.

use std::cmp::Ordering;
use std::ops::Bound::{self, Excluded, Included, Unbounded};

use super::expr::Comparison;
use crate::event::{Type, Value};

/// What something can be at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Domain {
    /// Values with more of them between any two, as far as is known here.
    Dense,
    /// Whole numbers from the first to the second.
    Whole(i64, i64),
    /// True and false.
    Bool,
}

impl Domain {
    /// The values of a type.
    pub fn of(ty: Type) -> Domain {
        match ty {
            Type::Int => Domain::Whole(i64::MIN, i64::MAX),
            Type::Bool => Domain::Bool,
            _ => Domain::Dense,
        }
    }
}

/// An interval; never empty.
#[derive(Clone, Debug, PartialEq)]
struct Interval {
    low: Bound<Value>,
    high: Bound<Value>,
}

/// A set of values.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ValueSet {
    null: bool,
    intervals: Vec<Interval>,
}

impl ValueSet {
    /// Null alone.
    pub fn null() -> ValueSet {
        ValueSet { null: true, intervals: Vec::new() }
    }

    /// Everything but null.
    pub fn present(domain: Domain) -> ValueSet {
        let point = |value: Value| Interval { low: Included(value.clone()), high: Included(value) };
        let intervals = match domain {
            Domain::Dense => vec![Interval { low: Unbounded, high: Unbounded }],
            Domain::Whole(least, most) => {
                vec![Interval { low: Included(Value::Int(least)), high: Included(Value::Int(most)) }]
            }
            Domain::Bool => vec![point(Value::Bool(false)), point(Value::Bool(true))],
        };
        ValueSet { null: false, intervals }
    }

    /// The values that stand so to `value`, which is not null.
    pub fn compared(comparison: Comparison, value: &Value, domain: Domain) -> ValueSet {
        let mut set = ValueSet::default();
        let mut add = |low, high| set.intervals.extend(interval(low, high, domain));
        let (including, excluding) = (|| Included(value.clone()), || Excluded(value.clone()));
        match comparison {
            Comparison::Eq => add(including(), including()),
            Comparison::Ne => {
                add(Unbounded, excluding());
                add(excluding(), Unbounded);
            }
            Comparison::Lt => add(Unbounded, excluding()),
            Comparison::Le => add(Unbounded, including()),
            Comparison::Gt => add(excluding(), Unbounded),
            Comparison::Ge => add(including(), Unbounded),
        }
        set.and(ValueSet::present(domain))
    }

    /// These values, none of which is null.
    pub fn members<'v>(values: impl IntoIterator<Item = &'v Value>, domain: Domain) -> ValueSet {
        let point = |value: &Value| interval(Included(value.clone()), Included(value.clone()), domain);
        let points = values.into_iter().filter_map(point).collect();
        ValueSet { null: false, intervals: merged(points) }.and(ValueSet::present(domain))
    }

    /// Everything but null and these values.
    pub fn others<'v>(values: impl IntoIterator<Item = &'v Value>, domain: Domain) -> ValueSet {
        let mut sorted: Vec<&Value> = values.into_iter().collect();
        sorted.sort_by(|a, b| order(a, b));
        let mut low = Unbounded;
        let mut set = ValueSet::default();
        for value in sorted {
            set.intervals.extend(interval(low, Excluded(value.clone()), domain));
            low = Excluded(value.clone());
        }
        set.intervals.extend(interval(low, Unbounded, domain));
        set.and(ValueSet::present(domain))
    }

    /// The set and null.
    pub fn or_null(mut self) -> ValueSet {
        self.null = true;
        self
    }

    /// Whether nothing is in it.
    pub fn is_empty(&self) -> bool {
        !self.null && self.intervals.is_empty()
    }

    /// What is in both.
    pub fn and(self, other: ValueSet) -> ValueSet {
        let mut intervals = Vec::new();
        let (mut left, mut right) = (self.intervals.iter().peekable(), other.intervals.iter().peekable());
        while let (Some(a), Some(b)) = (left.peek(), right.peek()) {
            let low = if by_low(&a.low, &b.low).is_ge() { &a.low } else { &b.low };
            let ends = by_high(&a.high, &b.high);
            let high = if ends.is_le() { &a.high } else { &b.high };
            if is_before(low, high) {
                intervals.push(Interval { low: low.clone(), high: high.clone() });
            }
            if ends.is_le() {
                left.next()
            } else {
                right.next()
            };
        }
        ValueSet { null: self.null && other.null, intervals }
    }

    /// What is in every one of them; of none, nothing.
    pub fn in_all(mut sets: Vec<ValueSet>) -> ValueSet {
        // In pairs, so that many small sets do not meet one that grows.
        while sets.len() > 1 {
            let mut rest = sets.into_iter();
            let mut pairs = Vec::new();
            while let Some(first) = rest.next() {
                pairs.push(match rest.next() {
                    Some(second) => first.and(second),
                    None => first,
                });
            }
            sets = pairs;
        }
        sets.pop().unwrap_or_default()
    }

    /// What is in one of them.
    pub fn in_any(sets: impl IntoIterator<Item = ValueSet>) -> ValueSet {
        let mut all = ValueSet::default();
        for set in sets {
            all.null |= set.null;
            all.intervals.extend(set.intervals);
        }
        all.intervals = merged(all.intervals);
        all
    }
}

/// The interval with these ends, unless it is empty.
fn interval(low: Bound<Value>, high: Bound<Value>, domain: Domain) -> Option<Interval> {
    let (low, high) = match domain {
        Domain::Whole(..) => (whole_low(low)?, whole_high(high)?),
        Domain::Dense | Domain::Bool => (low, high),
    };
    is_before(&low, &high).then_some(Interval { low, high })
}

/// The least whole number from `low` on; `None` when there is none.
fn whole_low(low: Bound<Value>) -> Option<Bound<Value>> {
    let (value, is_in) = match low {
        Included(value) => (value, true),
        Excluded(value) => (value, false),
        Unbounded => return Some(Unbounded),
    };
    let least = match value {
        Value::Int(i) if is_in => i,
        Value::Int(i) => i.checked_add(1)?,
        Value::Float(x) if x < i64::MIN as f64 => return Some(Unbounded),
        Value::Float(x) if x >= i64::MAX as f64 => return None,
        Value::Float(x) if x.ceil() > x || is_in => x.ceil() as i64,
        Value::Float(x) => (x as i64).checked_add(1)?,
        other => return Some(if is_in { Included(other) } else { Excluded(other) }),
    };
    Some(Included(Value::Int(least)))
}

/// The greatest whole number up to `high`; `None` when there is none.
fn whole_high(high: Bound<Value>) -> Option<Bound<Value>> {
    let (value, is_in) = match high {
        Included(value) => (value, true),
        Excluded(value) => (value, false),
        Unbounded => return Some(Unbounded),
    };
    let greatest = match value {
        Value::Int(i) if is_in => i,
        Value::Int(i) => i.checked_sub(1)?,
        Value::Float(x) if x < i64::MIN as f64 => return None,
        Value::Float(x) if x >= i64::MAX as f64 => return Some(Unbounded),
        Value::Float(x) if x.floor() < x || is_in => x.floor() as i64,
        Value::Float(x) => (x as i64).checked_sub(1)?,
        other => return Some(if is_in { Included(other) } else { Excluded(other) }),
    };
    Some(Included(Value::Int(greatest)))
}

/// Values without a common order, which the type checker does not let meet, count as equal: then sets
/// are rather too large than too small.
fn order(a: &Value, b: &Value) -> Ordering {
    a.compare(b).unwrap_or(Ordering::Equal)
}

/// Which of two lower ends lets less in.
fn by_low(a: &Bound<Value>, b: &Bound<Value>) -> Ordering {
    match (a, b) {
        (Unbounded, Unbounded) => Ordering::Equal,
        (Unbounded, _) => Ordering::Less,
        (_, Unbounded) => Ordering::Greater,
        (Included(x), Included(y)) | (Excluded(x), Excluded(y)) => order(x, y),
        (Included(x), Excluded(y)) => order(x, y).then(Ordering::Less),
        (Excluded(x), Included(y)) => order(x, y).then(Ordering::Greater),
    }
}

/// Which of two upper ends lets more in.
fn by_high(a: &Bound<Value>, b: &Bound<Value>) -> Ordering {
    match (a, b) {
        (Unbounded, Unbounded) => Ordering::Equal,
        (Unbounded, _) => Ordering::Greater,
        (_, Unbounded) => Ordering::Less,
        (Included(x), Included(y)) | (Excluded(x), Excluded(y)) => order(x, y),
        (Included(x), Excluded(y)) => order(x, y).then(Ordering::Greater),
        (Excluded(x), Included(y)) => order(x, y).then(Ordering::Less),
    }
}

/// Whether something lies between a lower and an upper end.
fn is_before(low: &Bound<Value>, high: &Bound<Value>) -> bool {
    match (low, high) {
        (Unbounded, _) | (_, Unbounded) => true,
        (Included(x), Included(y)) => order(x, y).is_le(),
        (Included(x) | Excluded(x), Included(y) | Excluded(y)) => order(x, y).is_lt(),
    }
}

/// Intervals in order, those that overlap or touch joined.
fn merged(mut intervals: Vec<Interval>) -> Vec<Interval> {
    intervals.sort_by(|a, b| by_low(&a.low, &b.low));
    let mut merged: Vec<Interval> = Vec::with_capacity(intervals.len());
    for next in intervals {
        match merged.last_mut() {
            Some(last) if meets(&last.high, &next.low) => {
                if by_high(&next.high, &last.high).is_gt() {
                    last.high = next.high;
                }
            }
            _ => merged.push(next),
        }
    }
    merged
}

/// Whether an interval with this lower end leaves no gap behind one with that upper end, which begins
/// at or before it.
fn meets(high: &Bound<Value>, low: &Bound<Value>) -> bool {
    match (high, low) {
        (Unbounded, _) | (_, Unbounded) => true,
        (Excluded(x), Excluded(y)) => order(x, y).is_gt(),
        (Included(x) | Excluded(x), Included(y) | Excluded(y)) => order(x, y).is_ge(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Comparison::{Eq, Ge, Gt, Le, Lt, Ne};

    const DENSE: Domain = Domain::Dense;
    const WHOLE: Domain = Domain::Whole(i64::MIN, i64::MAX);

    fn int(comparison: Comparison, value: i64) -> ValueSet {
        ValueSet::compared(comparison, &Value::Int(value), WHOLE)
    }

    fn float(comparison: Comparison, value: f64) -> ValueSet {
        ValueSet::compared(comparison, &Value::Float(value), DENSE)
    }

    #[test]
    fn between_whole_numbers_there_is_nothing() {
        assert!(int(Gt, 2).and(int(Lt, 3)).is_empty());
        assert!(!float(Gt, 2.0).and(float(Lt, 3.0)).is_empty());
        assert_eq!(int(Ge, 3), int(Gt, 2));
        assert!(int(Gt, i64::MAX).is_empty() && int(Lt, i64::MIN).is_empty());
        let whole = |comparison, x: f64| ValueSet::compared(comparison, &Value::Float(x), WHOLE);
        assert!(whole(Eq, 2.5).is_empty());
        assert_eq!((whole(Gt, 2.5), whole(Ge, 3.0), whole(Gt, 2.0)), (int(Ge, 3), int(Ge, 3), int(Ge, 3)));
        assert_eq!((whole(Lt, 2.5), whole(Lt, 3.0), whole(Le, -2.5)), (int(Le, 2), int(Le, 2), int(Le, -3)));
        assert!(whole(Gt, 1e19).is_empty() && whole(Lt, -1e19).is_empty());
        assert_eq!((whole(Lt, 1e19), whole(Gt, -1e19)), (ValueSet::present(WHOLE), ValueSet::present(WHOLE)));
    }

    #[test]
    fn a_comparison_and_its_opposite_are_everything_and_nothing() {
        for (one, other) in [(Eq, Ne), (Lt, Ge), (Le, Gt)] {
            for x in [-1.5, 0.0, 7.0] {
                assert!(float(one, x).and(float(other, x)).is_empty(), "{one:?} {x}");
                let both = ValueSet::in_any([float(one, x), float(other, x)]);
                assert_eq!(both, ValueSet::present(DENSE), "{one:?} {x}");
            }
        }
    }

    #[test]
    fn members_and_others() {
        let values = [Value::Int(5), Value::Int(1), Value::Int(5), Value::Float(2.5)];
        let (members, others) = (ValueSet::members(&values, WHOLE), ValueSet::others(&values, WHOLE));
        assert!(members.clone().and(others.clone()).is_empty());
        assert!(members.clone().and(int(Gt, 5)).is_empty() && !members.and(int(Ge, 5)).is_empty());
        assert!(others.and(int(Ge, 5)).and(int(Le, 5)).is_empty());
    }

    #[test]
    fn of_bools_there_are_two() {
        let is = |value| ValueSet::compared(Ne, &Value::Bool(value), Domain::Bool);
        assert!(is(true).and(is(false)).is_empty());
        assert_eq!(ValueSet::in_any([is(true), is(false)]), ValueSet::present(Domain::Bool));
    }

    #[test]
    fn null_is_a_value_of_its_own() {
        assert!(ValueSet::null().and(ValueSet::present(DENSE)).is_empty());
        assert!(!ValueSet::null().and(float(Lt, 1.0).or_null()).is_empty());
        assert!(ValueSet::in_all(vec![]).is_empty());
    }

    /// Sets answer for whole numbers as the comparisons themselves do.
    #[test]
    fn sets_agree_with_comparisons() {
        let holds = |comparison: Comparison, a: i64, b: i64| match comparison {
            Eq => a == b,
            Ne => a != b,
            Lt => a < b,
            Le => a <= b,
            Gt => a > b,
            Ge => a >= b,
        };
        let all = [Eq, Ne, Lt, Le, Gt, Ge].into_iter().flat_map(|one| (0..4).map(move |value| (one, value)));
        let all: Vec<(Comparison, i64)> = all.collect();
        for first in &all {
            for second in &all {
                for third in &all {
                    let set = |part: &(Comparison, i64)| int(part.0, part.1);
                    let joined = ValueSet::in_any([set(first), set(second)]).and(set(third));
                    for value in -1..5 {
                        let is = |part: &(Comparison, i64)| holds(part.0, value, part.1);
                        let expected = (is(first) || is(second)) && is(third);
                        let found = !joined.clone().and(int(Eq, value)).is_empty();
                        assert_eq!(found, expected, "{value}: ({first:?} or {second:?}) and {third:?}");
                    }
                }
            }
        }
    }
}
