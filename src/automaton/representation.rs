//! How the partial matches of a rule are held: together where all that stand at one place are moved
//! alike, else one by one.
//!
//! Enters: a checked rule and its automaton. Leaves: the choice with its reason. What is reported does
//! not depend on it; what an event costs, and how much memory runs take, does.

use std::fmt;

use serde::Serialize;

use super::{Automaton, CompiledRule, State, StateId, Transition, Trigger};
use crate::expression::Expr;
use crate::language::checked::{LinkKind, Overlap, Rule, TestId};

/// How the partial matches of a rule are held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Representation {
    /// Together: those that stand at one place are moved at once, and share what they have captured.
    Compact {
        /// Whether a run can become several, because of `any`.
        copies: bool,
    },
    /// Each by itself.
    List(OneByOne),
}

/// Why runs are held one by one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OneByOne {
    /// None of them outlives the event that it begins with, so that there is nothing to hold.
    NothingHeld,
    /// The condition of this test reads what a run has captured.
    ReadsCaptures(TestId),
    /// The condition of this test reads the past.
    ReadsPast(TestId),
    /// Nothing limits how long the match takes, so that nothing says when runs can be forgotten.
    NoWithin,
    /// A link has a time limit of its own, which begins anew with each event taken.
    LinkWithin,
    /// A group has a time limit of its own.
    GroupWithin,
    /// A run waits for the absence of this.
    Absence(TestId),
    /// Runs that run out of time are reported.
    Timeout,
    /// Of the copies that `any` makes of a run, a report drops all that began with the same event.
    PerStartWithAny,
    /// Who compiled the rules wants it.
    Wanted,
}

impl Representation {
    /// The choice for a rule.
    pub fn of(rule: &Rule, automaton: &Automaton) -> Representation {
        match obstacle(rule, automaton) {
            Some(reason) => Representation::List(reason),
            None => Representation::Compact { copies: makes_copies(automaton) },
        }
    }
}

/// How the partial matches of a rule are held, and why, in words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "how", rename_all = "snake_case")]
pub enum Held {
    /// There are none between events: a match is one event.
    Nothing,
    /// Those that are moved alike together.
    Together,
    /// Each by itself.
    OneByOne {
        /// What keeps them from being held together.
        because: String,
    },
}

impl Held {
    /// Of a compiled rule.
    pub fn of(compiled: &CompiledRule) -> Held {
        let name = |test: TestId| &compiled.rule.tests[test.0 as usize].name;
        let Representation::List(reason) = compiled.representation else { return Held::Together };
        let because = match reason {
            OneByOne::NothingHeld => return Held::Nothing,
            OneByOne::ReadsCaptures(test) => {
                format!("the condition of `{}` reads what was captured", name(test))
            }
            OneByOne::ReadsPast(test) => format!("the condition of `{}` reads the past", name(test)),
            OneByOne::NoWithin => "the match has no `within`".to_owned(),
            OneByOne::LinkWithin => "a link has a `within` of its own".to_owned(),
            OneByOne::GroupWithin => "a group has a `within` of its own".to_owned(),
            OneByOne::Absence(test) => format!("the absence of `{}` is waited for", name(test)),
            OneByOne::Timeout => "time-outs are reported".to_owned(),
            OneByOne::PerStartWithAny => "`overlap per start` chooses among copies made by `any`".to_owned(),
            OneByOne::Wanted => "that was asked for".to_owned(),
        };
        Held::OneByOne { because }
    }
}

impl fmt::Display for Held {
    /// As what follows "partial matches are".
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Held::Nothing => f.write_str("not held: a match is one event"),
            Held::Together => f.write_str("held together"),
            Held::OneByOne { because } => write!(f, "held one by one, because {because}"),
        }
    }
}

/// What keeps the runs of a rule from being held together; of several things, the one that most
/// likely is to stay.
fn obstacle(rule: &Rule, automaton: &Automaton) -> Option<OneByOne> {
    let is_over = |state: &State| state.transitions.is_empty();
    let mut first = automaton.state(StateId::START).transitions.iter();
    if first.all(|transition| is_over(automaton.state(transition.target))) {
        return Some(OneByOne::NothingHeld);
    }
    let transitions = |states: std::ops::RangeFrom<usize>| {
        automaton.states[states].iter().flat_map(|state| &state.transitions)
    };
    if let Some(reason) = transitions(0..).flat_map(tests).find_map(|test| reads(rule, test)) {
        return Some(reason);
    }
    if rule.within.is_none() {
        return Some(OneByOne::NoWithin);
    }
    // Nothing precedes the first event of a match, so that no link and no clock bears on it.
    if let Some(reason) = transitions(1..).find_map(own_clock) {
        return Some(reason);
    }
    if rule.timeout.is_some() {
        return Some(OneByOne::Timeout);
    }
    (rule.overlap == Overlap::PerStart && makes_copies(automaton)).then_some(OneByOne::PerStartWithAny)
}

/// The tests that decide about a transition.
fn tests(transition: &Transition) -> impl Iterator<Item = TestId> + '_ {
    let own = match transition.trigger {
        Trigger::Take { test, .. } | Trigger::Absence { test, .. } => test,
    };
    let others = transition.not.iter().chain(&transition.next_not).copied();
    std::iter::once(own).chain(others).chain(transition.until)
}

/// What the test reads besides the event, if anything.
fn reads(rule: &Rule, test: TestId) -> Option<OneByOne> {
    let residual = rule.tests[test.0 as usize].residual.as_ref()?;
    let reason = if reads_captures(residual) { OneByOne::ReadsCaptures } else { OneByOne::ReadsPast };
    Some(reason(test))
}

/// Whether an expression reads what a run keeps of its captures; expressions are nested 128 deep at most.
fn reads_captures(expr: &Expr) -> bool {
    matches!(expr, Expr::Register(_)) || expr.operands().into_iter().any(reads_captures)
}

/// Why the transition has a clock of its own, if it has.
fn own_clock(transition: &Transition) -> Option<OneByOne> {
    match transition.trigger {
        Trigger::Absence { test, .. } => Some(OneByOne::Absence(test)),
        Trigger::Take { within: Some(_), .. } => Some(OneByOne::LinkWithin),
        Trigger::Take { .. } => (!transition.checks.is_empty()).then_some(OneByOne::GroupWithin),
    }
}

/// Whether taking an event can leave a copy of the run that did not.
fn makes_copies(automaton: &Automaton) -> bool {
    let is_copying =
        |transition: &Transition| matches!(transition.trigger, Trigger::Take { link: LinkKind::ThenAny, .. });
    automaton.states[1..].iter().flat_map(|state| &state.transitions).any(is_copying)
}
