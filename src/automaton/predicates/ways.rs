//! In which ways a condition can come true: what an index over many conditions can find it by.
//!
//! Enters: a condition on an event alone. Leaves: its *ways*, each of which is open for an event when the
//! value of one field is as the way says, with what must still be asked then. A condition that has no
//! ways has to be asked of every event.
//!
//! What holds of ways, and the index rests on it:
//!
//! 1. A condition holds of an event exactly if a way is open and what the way asks holds.
//! 2. Asking the condition counts a value that cannot be computed exactly if a way is open and what the way
//!    asks counts it. So the counts of a rule do not depend on how its conditions are found, nor on what
//!    other rules there are.
//!
//! For the second, `and` must be looked at as it is evaluated: from left to right, until an operand is
//! false. An operand can serve as a way in if none before it can fail, as those would be asked although it
//! is false. If it is null those behind it are asked all the same: if one of them can fail, a null is a way
//! as well, by which the whole is asked. `or` is evaluated from left to right until an operand is true. If
//! one can fail, the whole is asked, whichever way is open.
//!
//! Which operand of an `and` serves is a guess at what finds the fewest events: equality with one of the
//! values that the rules tell apart most, then intervals, then patterns, which are never the whole answer.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashSet};
use std::ops::Bound;
use std::sync::Arc;

use super::intervals::Interval;
use super::literals::{self, Needs};
use crate::event::{Event, FieldId, Value};
use crate::expression::{Comparison, Expr, conjunction};

/// What of an event is looked at: a field as it is, or an integer as the float that it is compared as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Probe {
    /// The field.
    pub field: FieldId,
    is_float: bool,
}

impl Probe {
    fn of(expr: &Expr) -> Option<Probe> {
        match expr {
            Expr::Field(field) => Some(Probe { field: *field, is_float: false }),
            Expr::ToFloat(of) => match **of {
                Expr::Field(field) => Some(Probe { field, is_float: true }),
                _ => None,
            },
            _ => None,
        }
    }

    /// The value.
    pub fn read(self, event: &Event) -> Cow<'_, Value> {
        let value = event.value(self.field);
        match self.is_float {
            false => Cow::Borrowed(value),
            true => Cow::Owned(value.as_f64().map_or(Value::Null, Value::Float)),
        }
    }
}

/// How the value must be for a way to be open.
#[derive(Clone, Debug, PartialEq)]
pub enum Sought {
    /// Equal to this.
    Equal(Value),
    /// In this interval.
    Between(Interval),
    /// A text that contains this one, in whatever case of ASCII letters; this one is in lower case.
    Containing(Vec<u8>),
    /// Null.
    Missing,
}

/// What is to be asked when a way is open.
#[derive(Clone, Debug)]
pub enum Ask {
    /// Nothing: the condition holds.
    Nothing,
    /// This, which then holds if the condition does.
    Rest(Arc<Expr>),
    /// The whole condition.
    Whole,
}

/// One way in which a condition can come true.
#[derive(Clone, Debug)]
pub struct Way {
    /// What is looked at.
    pub probe: Probe,
    /// How it must be.
    pub sought: Sought,
    /// What must hold besides.
    pub ask: Ask,
}

/// All ways in which a condition can come true.
#[derive(Clone, Debug, Default)]
pub struct Ways {
    /// The ways; none: it never does.
    pub list: Vec<Way>,
    /// A guess at the share of events for which one is open.
    share: f64,
}

/// How many different values conditions ask of a field to be equal to: the more there are, the fewer
/// events have one of them.
#[derive(Debug, Default)]
pub struct Spread(BTreeMap<Probe, usize>);

impl Spread {
    /// Over these conditions.
    pub fn of<'e>(conditions: impl IntoIterator<Item = &'e Expr>) -> Spread {
        let mut asked: BTreeMap<Probe, HashSet<&Value>> = BTreeMap::new();
        let mut rest: Vec<&Expr> = conditions.into_iter().collect();
        while let Some(expr) = rest.pop() {
            match expr {
                Expr::Compare(Comparison::Eq, pair) => {
                    if let Some((probe, _, value)) = compared(Comparison::Eq, pair) {
                        asked.entry(probe).or_default().insert(value);
                    }
                }
                Expr::InSet(of, set) => {
                    if let Some(probe) = Probe::of(of) {
                        asked.entry(probe).or_default().extend(set.iter());
                    }
                }
                other => rest.extend(other.operands()),
            }
        }
        Spread(asked.into_iter().map(|(probe, values)| (probe, values.len())).collect())
    }

    /// A guess at the share of events that have one of so many of those values.
    fn share(&self, probe: Probe, values: usize) -> f64 {
        let known = self.0.get(&probe).copied().unwrap_or(0).max(1);
        values as f64 / (1 + known) as f64
    }
}

/// Guesses at the share of events that other ways are open for. An equality that finds half of all events
/// is still better, as what it finds can be looked up in an index of its own, and costs less.
const IN_INTERVAL: f64 = 0.6;
const WITH_LITERAL: f64 = 0.7;
const IN_OPEN_INTERVAL: f64 = 0.8;
const MISSING: f64 = 0.5;

/// The ways in which a condition can come true; `None`: it must be asked of every event. `spread` is
/// over all conditions among which it is to be found.
pub fn ways(condition: &Expr, spread: &Spread) -> Option<Ways> {
    Finder { spread }.find(Part { expr: condition, negated: false }, false)
}

/// A part of a condition, or what holds when it is false. Of null, neither does.
#[derive(Clone, Copy)]
struct Part<'e> {
    expr: &'e Expr,
    negated: bool,
}

impl Part<'_> {
    /// Whether it says something of one field, rather than of other parts.
    fn is_simple(self) -> bool {
        matches!(Form::of(self), Form::One(_))
    }

    /// The field and the interval in which it must lie, if that is all.
    fn interval(self) -> Option<(Probe, Interval)> {
        let Form::One(part) = Form::of(self) else { return None };
        match sought(part)? {
            (probe, sought, Ask::Nothing) => match <[Sought; 1]>::try_from(sought) {
                Ok([Sought::Between(interval)]) => Some((probe, interval)),
                _ => None,
            },
            _ => None,
        }
    }

    fn expr(self) -> Expr {
        match self.negated {
            false => self.expr.clone(),
            true => Expr::Not(Box::new(self.expr.clone())),
        }
    }
}

/// A condition that says something of parts.
enum Form<'e> {
    /// All must hold.
    All(Vec<Part<'e>>),
    /// One must.
    Any(Vec<Part<'e>>),
    One(Part<'e>),
}

impl<'e> Form<'e> {
    /// `not (a and b)` is `not a or not b`, which is evaluated in the same order and as far.
    fn of(part: Part<'e>) -> Form<'e> {
        let Part { expr, negated } = part;
        let parts = |xs: &'e [Expr]| xs.iter().map(|expr| Part { expr, negated }).collect();
        match (expr, negated) {
            (Expr::Not(of), _) => Form::of(Part { expr: of, negated: !negated }),
            (Expr::And(xs), false) | (Expr::Or(xs), true) => Form::All(parts(xs)),
            (Expr::Or(xs), false) | (Expr::And(xs), true) => Form::Any(parts(xs)),
            _ => Form::One(part),
        }
    }
}

struct Finder<'s> {
    spread: &'s Spread,
}

impl Finder<'_> {
    /// The ways of a part. `or_null`: a way must be open, too, where the part is null.
    fn find(&self, part: Part<'_>, or_null: bool) -> Option<Ways> {
        match Form::of(part) {
            Form::All(parts) => self.all(&parts, or_null),
            Form::Any(parts) => self.any(&parts, or_null),
            Form::One(part) => self.one(part, or_null),
        }
    }

    fn any(&self, parts: &[Part<'_>], or_null: bool) -> Option<Ways> {
        let mut ways = Ways::default();
        for part in parts {
            let more = self.find(*part, or_null)?;
            ways.list.extend(more.list);
            ways.share += more.share;
        }
        if parts.iter().any(|part| part.expr.can_fail()) {
            ways.list.iter_mut().for_each(|way| way.ask = Ask::Whole);
        }
        Some(ways)
    }

    /// Chooses a part that serves as the way in.
    fn all(&self, parts: &[Part<'_>], or_null: bool) -> Option<Ways> {
        let choices = self.choices(parts, or_null).into_iter();
        let (mut ways, used) = choices.min_by(|(a, _), (b, _)| a.share.total_cmp(&b.share))?;
        let can_fail = parts.iter().any(|part| part.expr.can_fail());
        let others = (0..parts.len()).filter(|place| !used.contains(place));
        let rest = match conjunction(others.map(|place| parts[place].expr()).collect()) {
            None => Ask::Nothing,
            // Several ways of an `or` may be open at once, and what cannot be computed counts once.
            Some(_) if can_fail && !used.iter().all(|place| parts[*place].is_simple()) => Ask::Whole,
            Some(rest) => Ask::Rest(Arc::new(rest)),
        };
        for way in &mut ways.list {
            way.ask = match way.ask {
                Ask::Nothing => rest.clone(),
                // What remains of one part and of the others together would rarely be less.
                Ask::Rest(_) | Ask::Whole => Ask::Whole,
            };
        }
        Some(ways)
    }

    /// The ways in which parts can serve, alone or together, with the places of the parts.
    fn choices(&self, parts: &[Part<'_>], or_null: bool) -> Vec<(Ways, Vec<usize>)> {
        let fails = |part: &Part<'_>| part.expr.can_fail();
        let last_failing = parts.iter().rposition(fails);
        let reached = parts.iter().position(fails).map_or(parts.len(), |first| first + 1);
        let mut choices = Vec::new();
        let mut intervals: BTreeMap<Probe, Vec<(usize, Interval)>> = BTreeMap::new();
        for (place, part) in parts[..reached].iter().enumerate() {
            if let Some((probe, interval)) = part.interval() {
                intervals.entry(probe).or_default().push((place, interval));
            }
            let or_null = or_null || last_failing.is_some_and(|last| last > place);
            choices.extend(self.find(*part, or_null).map(|ways| (ways, vec![place])));
        }
        let several = intervals.into_iter().filter(|(_, parts)| parts.len() > 1);
        choices.extend(
            several.filter_map(|(probe, parts)| joined(probe, parts, or_null || last_failing.is_some())),
        );
        choices
    }

    fn one(&self, part: Part<'_>, or_null: bool) -> Option<Ways> {
        let (probe, sought, ask) = sought(part)?;
        let share = match &sought[..] {
            [Sought::Between(interval), ..] => share_of(interval),
            [Sought::Containing(_), ..] => WITH_LITERAL,
            [Sought::Missing] => MISSING,
            equal_or_between => self.spread.share(probe, equal_or_between.len()),
        };
        let of_null = or_null && sought != [Sought::Missing];
        let way = |sought| Way { probe, sought, ask: ask.clone() };
        let mut list: Vec<Way> = sought.into_iter().map(way).collect();
        list.extend(of_null.then_some(Way { probe, sought: Sought::Missing, ask: Ask::Whole }));
        Some(Ways { list, share })
    }
}

fn share_of(interval: &Interval) -> f64 {
    if interval.is_open() { IN_OPEN_INTERVAL } else { IN_INTERVAL }
}

/// Several intervals of one field as one way, with the places of the parts that they are.
fn joined(probe: Probe, parts: Vec<(usize, Interval)>, or_null: bool) -> Option<(Ways, Vec<usize>)> {
    let places = parts.iter().map(|(place, _)| *place).collect();
    let intervals = parts.into_iter().map(|(_, interval)| interval);
    let interval = intervals.reduce(Interval::and)?;
    let share = share_of(&interval);
    let way = |sought, ask| Way { probe, sought, ask };
    let mut list = vec![way(Sought::Between(interval), Ask::Nothing)];
    list.extend(or_null.then(|| way(Sought::Missing, Ask::Whole)));
    Some((Ways { list, share }, places))
}

/// What a part that says something of one field alone asks of it, and what is to be asked besides.
fn sought(part: Part<'_>) -> Option<(Probe, Vec<Sought>, Ask)> {
    let Part { expr, negated } = part;
    let exact = |probe, sought| Some((probe, vec![sought], Ask::Nothing));
    match expr {
        Expr::Compare(comparison, pair) => {
            let comparison = if negated { comparison.opposite() } else { *comparison };
            let (probe, comparison, value) = compared(comparison, pair)?;
            exact(probe, by_comparison(comparison, value)?)
        }
        Expr::Field(_) => exact(Probe::of(expr)?, Sought::Equal(Value::Bool(!negated))),
        // All but a few values: nearly every event would be found.
        _ if negated => None,
        Expr::InSet(of, set) => {
            Some((Probe::of(of)?, set.iter().cloned().map(Sought::Equal).collect(), Ask::Nothing))
        }
        Expr::InNetworks(of, networks) => {
            let all = networks.iter().map(|network| {
                let (low, high) = (Value::Ip(network.network()), Value::Ip(network.broadcast()));
                Sought::Between(Interval { low: Bound::Included(low), high: Bound::Included(high) })
            });
            Some((Probe::of(of)?, all.collect(), Ask::Nothing))
        }
        Expr::IsMissing(of) => exact(Probe::of(of)?, Sought::Missing),
        Expr::Like(of, wildcard) => by_pattern(Probe::of(of)?, literals::of_wildcard(wildcard)?),
        Expr::Matches(of, regex) => by_pattern(Probe::of(of)?, literals::of_regex(regex.as_str())?),
        _ => None,
    }
}

/// The field and the constant of a comparison between the two.
fn compared(comparison: Comparison, pair: &(Expr, Expr)) -> Option<(Probe, Comparison, &Value)> {
    let (probe, comparison, value) = match (pair.0.as_const(), pair.1.as_const()) {
        (None, Some(value)) => (Probe::of(&pair.0)?, comparison, value),
        (Some(value), None) => (Probe::of(&pair.1)?, comparison.flipped(), value),
        _ => return None,
    };
    (!value.is_null()).then_some((probe, comparison, value))
}

fn by_comparison(comparison: Comparison, value: &Value) -> Option<Sought> {
    let (included, excluded) = (Bound::Included(value.clone()), Bound::Excluded(value.clone()));
    let (low, high) = match comparison {
        Comparison::Eq => return Some(Sought::Equal(value.clone())),
        // Nearly every event differs from one value.
        Comparison::Ne => return None,
        Comparison::Lt => (Bound::Unbounded, excluded),
        Comparison::Le => (Bound::Unbounded, included),
        Comparison::Gt => (excluded, Bound::Unbounded),
        Comparison::Ge => (included, Bound::Unbounded),
    };
    Some(Sought::Between(Interval { low, high }))
}

fn by_pattern(probe: Probe, needs: Needs) -> Option<(Probe, Vec<Sought>, Ask)> {
    Some(match needs {
        Needs::Exactly(text) => (probe, vec![Sought::Equal(Value::text(text))], Ask::Nothing),
        Needs::Beginning(text, is_all) => {
            let high = literals::behind(&text)
                .map_or(Bound::Unbounded, |behind| Bound::Excluded(Value::text(behind)));
            let interval = Interval { low: Bound::Included(Value::text(text)), high };
            (probe, vec![Sought::Between(interval)], if is_all { Ask::Nothing } else { Ask::Whole })
        }
        Needs::Containing(literals) => {
            (probe, literals.into_iter().map(Sought::Containing).collect(), Ask::Whole)
        }
    })
}
