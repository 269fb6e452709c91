//! When a condition can be true, and when it can be false: enough to tell that it never is.
//!
//! The reasoning is sound and incomplete: what it calls impossible is impossible, what it does not may
//! be so all the same. Each *subject* of a condition (a field, a captured value, a call such as
//! `hour(at)`, any other part whose inside is not looked into) has a set of values; for a condition to
//! have one outcome, every subject must lie in its set. Sets of different subjects are independent,
//! except that what is computed from null is null. `and` intersects the sets, `or` joins them subject
//! by subject, which may only make them larger.
//!
//! There are four outcomes, because a condition over null is unknown, neither true nor false: true,
//! false, not true (false or unknown) and not false (true or unknown). `not` exchanges them in pairs.

use std::collections::BTreeMap;

use super::aggregate::{Aggregate, FieldSource, RegisterId, RegisterSpec};
use super::describe::Leaves;
use super::expr::{Comparison, Expr};
use super::history::HistoryId;
use super::values::{Domain, ValueSet};
use crate::event::{FieldId, Type, Value};

/// What is known of the leaves of an expression.
pub trait Known {
    /// The type of a field, and whether it may be missing.
    fn field(&self, field: FieldId) -> (Type, bool);
    /// What a register keeps.
    fn register(&self, register: RegisterId) -> RegisterSpec;
    /// What an aggregate over the past keeps.
    fn history(&self, history: HistoryId) -> RegisterSpec;
    /// The type of what is read of a past event, and whether it may be missing.
    fn past(&self, source: FieldSource) -> (Type, bool);
}

/// What the subjects must be for an outcome, by their canonical text; `None`: the outcome is impossible.
pub type Facts = Option<BTreeMap<String, ValueSet>>;

/// When a condition has which outcome.
#[derive(Clone, Debug)]
pub struct Truth {
    /// It is true.
    pub yes: Facts,
    /// It is false.
    pub no: Facts,
    /// It is false or unknown.
    pub not_yes: Facts,
    /// It is true or unknown.
    pub not_no: Facts,
}

impl Truth {
    /// Of a condition.
    pub fn of(condition: &Expr, known: &dyn Known) -> Truth {
        match condition {
            Expr::And(operands) => Truth::all(operands.iter().map(|operand| Truth::of(operand, known))),
            Expr::Or(operands) => Truth::any(operands.iter().map(|operand| Truth::of(operand, known))),
            Expr::Not(operand) => Truth::of(operand, known).not(),
            other => Asked { known }.truth(other),
        }
    }

    /// Of `a and b and …`.
    pub fn all(operands: impl IntoIterator<Item = Truth>) -> Truth {
        let parts = Parts::of(operands);
        Truth {
            yes: both(parts.yes),
            no: either(parts.no),
            not_yes: either(parts.not_yes),
            not_no: both(parts.not_no),
        }
    }

    /// Of `a or b or …`.
    pub fn any(operands: impl IntoIterator<Item = Truth>) -> Truth {
        let parts = Parts::of(operands);
        Truth {
            yes: either(parts.yes),
            no: both(parts.no),
            not_yes: both(parts.not_yes),
            not_no: either(parts.not_no),
        }
    }

    /// Of `not a`.
    pub fn not(self) -> Truth {
        Truth { yes: self.no, no: self.yes, not_yes: self.not_no, not_no: self.not_yes }
    }

    /// Whether wherever this condition is true the other is.
    pub fn implies(&self, other: &Truth) -> bool {
        both(vec![self.yes.clone(), other.not_yes.clone()]).is_none()
    }
}

/// The outcomes of several conditions.
#[derive(Default)]
struct Parts {
    yes: Vec<Facts>,
    no: Vec<Facts>,
    not_yes: Vec<Facts>,
    not_no: Vec<Facts>,
}

impl Parts {
    fn of(operands: impl IntoIterator<Item = Truth>) -> Parts {
        let mut parts = Parts::default();
        for operand in operands {
            parts.yes.push(operand.yes);
            parts.no.push(operand.no);
            parts.not_yes.push(operand.not_yes);
            parts.not_no.push(operand.not_no);
        }
        parts
    }
}

/// What must be for all of these outcomes together.
fn both(all: Vec<Facts>) -> Facts {
    let mut sets: BTreeMap<String, Vec<ValueSet>> = BTreeMap::new();
    for facts in all {
        facts?.into_iter().for_each(|(subject, set)| sets.entry(subject).or_default().push(set));
    }
    let joined = sets.into_iter().map(|(subject, sets)| (subject, ValueSet::in_all(sets)));
    let joined: BTreeMap<String, ValueSet> = joined.collect();
    (!joined.values().any(ValueSet::is_empty)).then_some(joined)
}

/// What must be for one of these outcomes at least.
fn either(all: Vec<Facts>) -> Facts {
    let mut possible: Vec<_> = all.into_iter().flatten().collect();
    if possible.len() < 2 {
        return possible.pop();
    }
    let count = possible.len();
    let mut sets: BTreeMap<String, Vec<ValueSet>> = BTreeMap::new();
    for (subject, set) in possible.into_iter().flatten() {
        sets.entry(subject).or_default().push(set);
    }
    // A subject that one of them does not limit is not limited.
    sets.retain(|_, sets| sets.len() == count);
    Some(sets.into_iter().map(|(subject, sets)| (subject, ValueSet::in_any(sets))).collect())
}

/// Two or more of these outcomes that exclude each other, by their places, and the subject for which they
/// do. Looks at pairs of the first hundred that limit it.
pub fn clash(all: &[&Facts]) -> Option<(String, Vec<usize>)> {
    let mut by_subject: BTreeMap<&str, Vec<(usize, &ValueSet)>> = BTreeMap::new();
    for (place, facts) in all.iter().enumerate() {
        for (subject, set) in facts.iter().flatten() {
            by_subject.entry(subject).or_default().push((place, set));
        }
    }
    let (subject, sets) = by_subject.into_iter().find(|(_, sets)| {
        ValueSet::in_all(sets.iter().map(|(_, set)| (*set).clone()).collect()).is_empty()
    })?;
    for (index, (later, b)) in sets.iter().enumerate().take(100) {
        for (earlier, a) in &sets[..index] {
            if (*a).clone().and((*b).clone()).is_empty() {
                return Some((subject.to_owned(), vec![*earlier, *later]));
            }
        }
    }
    Some((subject.to_owned(), sets.into_iter().map(|(place, _)| place).collect()))
}

/// The canonical text by which a subject is known.
pub fn subject(expr: &Expr) -> String {
    expr.describe(&Numbers)
}

struct Numbers;

impl Leaves for Numbers {
    fn field(&self, field: FieldId) -> String {
        format!("#{}", field.0)
    }

    fn register(&self, register: RegisterId) -> String {
        format!("${}", register.0)
    }

    fn history(&self, history: HistoryId) -> String {
        format!("%{}", history.0)
    }

    fn past(&self, source: FieldSource) -> String {
        format!("past {source:?}")
    }
}

/// Looks at conditions that are neither `and`, nor `or`, nor `not`.
struct Asked<'k> {
    known: &'k dyn Known,
}

impl Asked<'_> {
    fn truth(&self, condition: &Expr) -> Truth {
        match condition {
            Expr::Const(value) => constant(value.as_bool()),
            Expr::Compare(comparison, pair) => self.comparison(*comparison, &pair.0, &pair.1),
            Expr::InSet(value, members) => {
                let domain = self.domain(value);
                let sets = (ValueSet::members(&**members, domain), ValueSet::others(&**members, domain));
                self.limits(value, sets)
            }
            Expr::IsMissing(value) => self.missing(value),
            other => {
                let is = |value| ValueSet::compared(Comparison::Eq, &Value::Bool(value), Domain::Bool);
                self.limits(other, (is(true), is(false)))
            }
        }
    }

    fn comparison(&self, comparison: Comparison, a: &Expr, b: &Expr) -> Truth {
        let (comparison, value, constant_side) = match (a.as_const(), b.as_const()) {
            (_, Some(value)) => (comparison, a, value),
            (Some(value), _) => (comparison.flipped(), b, value),
            (None, None) => return self.pair(comparison, a, b),
        };
        if constant_side.is_null() {
            return constant(None);
        }
        let value = exact(value, constant_side);
        let domain = self.domain(value);
        let set = |comparison| ValueSet::compared(comparison, constant_side, domain);
        self.limits(value, (set(comparison), set(comparison.opposite())))
    }

    /// Two values that are both not constant: how they stand to each other is the subject, as -1, 0 or 1.
    fn pair(&self, comparison: Comparison, a: &Expr, b: &Expr) -> Truth {
        let (first, second) = (subject(a), subject(b));
        let (comparison, name, least, most) = match first.cmp(&second) {
            std::cmp::Ordering::Less => (comparison, format!("{first} <=> {second}"), -1, 1),
            std::cmp::Ordering::Equal => (comparison, format!("{first} <=> {first}"), 0, 0),
            std::cmp::Ordering::Greater => (comparison.flipped(), format!("{second} <=> {first}"), -1, 1),
        };
        let domain = Domain::Whole(least, most);
        let set = |comparison| ValueSet::compared(comparison, &Value::Int(0), domain);
        let mut present = BTreeMap::new();
        self.must_be_present(a, &mut present);
        self.must_be_present(b, &mut present);
        let may_be_null = self.may_be_null(a) || self.may_be_null(b);
        truth(name, (set(comparison), set(comparison.opposite())), may_be_null, present)
    }

    /// The condition is true while `value` lies in the first set, false while it lies in the second, and
    /// unknown while it is null.
    fn limits(&self, value: &Expr, sets: (ValueSet, ValueSet)) -> Truth {
        let mut present = BTreeMap::new();
        value
            .operands()
            .iter()
            .filter(|_| is_strict(value))
            .for_each(|of| self.must_be_present(of, &mut present));
        truth(subject(value), sets, self.may_be_null(value), present)
    }

    fn missing(&self, value: &Expr) -> Truth {
        let mut present = BTreeMap::from([(subject(value), ValueSet::present(self.domain(value)))]);
        self.must_be_present(value, &mut present);
        let missing = self.may_be_null(value).then(|| BTreeMap::from([(subject(value), ValueSet::null())]));
        Truth { yes: missing.clone(), no: Some(present.clone()), not_yes: Some(present), not_no: missing }
    }

    /// Notes what must not be null for `value` not to be.
    fn must_be_present(&self, value: &Expr, present: &mut BTreeMap<String, ValueSet>) {
        let is_leaf = matches!(value, Expr::Field(_) | Expr::Register(_) | Expr::History(_) | Expr::Past(..));
        if is_leaf && self.may_be_null(value) {
            present.insert(subject(value), ValueSet::present(self.domain(value)));
        }
        if is_strict(value) {
            value.operands().into_iter().for_each(|operand| self.must_be_present(operand, present));
        }
    }

    fn domain(&self, value: &Expr) -> Domain {
        match value {
            Expr::Field(field) => Domain::of(self.known.field(*field).0),
            Expr::Past(source, _) => Domain::of(self.known.past(*source).0),
            Expr::Register(register) => aggregated(self.known.register(*register)),
            Expr::History(history) => aggregated(self.known.history(*history)),
            Expr::Call(function, _) => match function.name {
                "hour" => Domain::Whole(0, 23),
                "weekday" => Domain::Whole(1, 7),
                "length" => Domain::Whole(0, i64::MAX),
                _ => match function.signatures {
                    [only] => Domain::of(only.result),
                    _ => Domain::Dense,
                },
            },
            Expr::Not(_)
            | Expr::And(_)
            | Expr::Or(_)
            | Expr::Compare(..)
            | Expr::InSet(..)
            | Expr::InList(..)
            | Expr::InTable(..)
            | Expr::InNetworks(..)
            | Expr::Like(..)
            | Expr::Matches(..)
            | Expr::IsMissing(_) => Domain::Bool,
            _ => Domain::Dense,
        }
    }

    fn may_be_null(&self, value: &Expr) -> bool {
        match value {
            Expr::Const(value) => value.is_null(),
            Expr::Field(field) => self.known.field(*field).1,
            Expr::Time | Expr::Key(_) | Expr::IsMissing(_) => false,
            Expr::Past(source, _) => self.known.past(*source).1,
            Expr::Register(register) => !is_count(self.known.register(*register)),
            Expr::History(history) => !is_count(self.known.history(*history)),
            Expr::Coalesce(operands) => operands.iter().all(|operand| self.may_be_null(operand)),
            Expr::If(three) => self.may_be_null(&three.1) || self.may_be_null(&three.2),
            Expr::ToFloat(_)
            | Expr::Not(_)
            | Expr::And(_)
            | Expr::Or(_)
            | Expr::Compare(..)
            | Expr::InSet(..)
            | Expr::InNetworks(..)
            | Expr::Like(..)
            | Expr::Matches(..) => value.operands().into_iter().any(|operand| self.may_be_null(operand)),
            // These may have no value although their operands have.
            Expr::InList(..) | Expr::InTable(..) | Expr::Lookup(..) => true,
            Expr::Neg(_) | Expr::Arithmetic(..) | Expr::Call(..) => true,
        }
    }
}

fn is_count(spec: RegisterSpec) -> bool {
    matches!(spec.aggregate, Aggregate::Count | Aggregate::CountDistinct)
}

/// What an aggregate can be.
fn aggregated(spec: RegisterSpec) -> Domain {
    match is_count(spec) {
        true => Domain::Whole(0, i64::MAX),
        false => spec.aggregate.result(spec.ty).map_or(Domain::Dense, Domain::of),
    }
}

/// Whether a null operand makes the value null, whatever the others are.
fn is_strict(value: &Expr) -> bool {
    matches!(
        value,
        Expr::Neg(_)
            | Expr::ToFloat(_)
            | Expr::Arithmetic(..)
            | Expr::Call(..)
            | Expr::Not(_)
            | Expr::Compare(..)
            | Expr::InSet(..)
            | Expr::InNetworks(..)
            | Expr::Like(..)
            | Expr::Matches(..)
    )
}

/// The integer that a comparison with this constant comes down to: turning it into a float changes
/// nothing about numbers that floats hold exactly.
fn exact<'e>(value: &'e Expr, constant: &Value) -> &'e Expr {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    match value {
        Expr::ToFloat(int) if constant.as_f64().is_some_and(|x| x.abs() < EXACT) => int,
        other => other,
    }
}

/// Of a constant condition; `None` is unknown.
fn constant(value: Option<bool>) -> Truth {
    let when = |holds: bool| holds.then(BTreeMap::new);
    Truth {
        yes: when(value == Some(true)),
        no: when(value == Some(false)),
        not_yes: when(value != Some(true)),
        not_no: when(value != Some(false)),
    }
}

/// A subject whose value decides: true in the first set, false in the second. `present`: what else must
/// not be null for either.
fn truth(
    subject: String,
    (yes, no): (ValueSet, ValueSet),
    may_be_null: bool,
    present: BTreeMap<String, ValueSet>,
) -> Truth {
    let or_null = |set: &ValueSet| if may_be_null { set.clone().or_null() } else { set.clone() };
    let alone = |set: ValueSet| (!set.is_empty()).then(|| BTreeMap::from([(subject.clone(), set)]));
    let (not_yes, not_no) = (alone(or_null(&no)), alone(or_null(&yes)));
    let with = |facts: Facts| both(vec![facts, Some(present.clone())]);
    Truth { yes: with(alone(yes)), no: with(alone(no)), not_yes, not_no }
}

#[cfg(test)]
mod tests;
