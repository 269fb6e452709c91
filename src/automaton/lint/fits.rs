//! What the tests of a rule say of each other: which of them nothing fits, and which takes all that
//! another takes.

use std::collections::HashMap;
use std::rc::Rc;

use crate::automaton::{CompiledRule, PredicateId};
use crate::event::{FieldId, StreamId, StreamSchema, Type};
use crate::expression::{Expr, FieldSource, HistoryId, Known, RegisterId, RegisterSpec, Truth};
use crate::language::checked::{History, TestId};

/// Answers for one rule, each found once.
pub(super) struct Fits<'a> {
    compiled: &'a CompiledRule,
    streams: &'a [StreamSchema],
    /// How many operations of conditions may still be looked at; once they are used up, nothing is known.
    left: &'a mut usize,
    truths: HashMap<PredicateId, Option<Judged>>,
    covers: HashMap<(PredicateId, PredicateId), bool>,
}

/// When a condition has which outcome, and how many operations it has.
#[derive(Clone)]
struct Judged {
    truth: Rc<Truth>,
    operations: usize,
}

/// Why no event fits a test.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Never {
    /// Its condition is never true, which has been told where it stands.
    Condition,
    /// Its condition asks for events in which a part of the key is missing.
    Key,
}

/// What is known of the events of one stream that a rule sees.
struct Seen<'a> {
    schema: &'a StreamSchema,
    specs: &'a [RegisterSpec],
    histories: &'a [History],
    /// The fields that make the key: an event without one of them belongs to no group.
    key: &'a [FieldId],
}

impl Known for Seen<'_> {
    fn field(&self, field: FieldId) -> (Type, bool) {
        let declared = &self.schema.fields[field.0 as usize];
        (declared.ty.value_type(), declared.optional && !self.key.contains(&field))
    }

    fn register(&self, register: RegisterId) -> RegisterSpec {
        self.specs[register.0 as usize]
    }

    fn history(&self, history: HistoryId) -> RegisterSpec {
        self.histories[history.0 as usize].register
    }

    fn past(&self, _: FieldSource) -> (Type, bool) {
        unreachable!("a condition looks at a past event in an aggregate alone")
    }
}

impl<'a> Fits<'a> {
    pub fn new(compiled: &'a CompiledRule, streams: &'a [StreamSchema], left: &'a mut usize) -> Fits<'a> {
        Fits { compiled, streams, left, truths: HashMap::new(), covers: HashMap::new() }
    }

    /// Why no event fits the test, if none does.
    pub fn never(&mut self, test: TestId) -> Option<Never> {
        let checked = &self.compiled.rule.tests[test.0 as usize];
        let alone = match self.compiled.predicates[test.0 as usize] {
            Some(predicate) => Some(self.truth_alone(test, predicate)?),
            None => None,
        };
        let is_possible = match (&alone, &checked.residual) {
            (Some(alone), None) => alone.truth.yes.is_some(),
            (_, Some(residual)) => {
                let residual = self.truth(residual, checked.stream)?;
                let alone = alone.map(|alone| (*alone.truth).clone());
                Truth::all(alone.into_iter().chain([(*residual.truth).clone()])).yes.is_some()
            }
            (None, None) => true,
        };
        if is_possible {
            return None;
        }
        let conditions = checked.unary.iter().chain(&checked.residual);
        let seen = Seen { key: &[], ..self.seen(checked.stream) };
        let without_key = Truth::all(conditions.map(|condition| Truth::of(condition, &seen)));
        Some(if without_key.yes.is_none() { Never::Condition } else { Never::Key })
    }

    /// Whether every event that fits `narrow` fits `wide`, whatever a run has captured.
    pub fn covers(&mut self, wide: TestId, narrow: TestId) -> bool {
        let CompiledRule { rule, predicates, .. } = self.compiled;
        let tests = (&rule.tests[wide.0 as usize], &rule.tests[narrow.0 as usize]);
        if tests.0.stream != tests.1.stream || tests.0.residual.is_some() {
            return false;
        }
        match (predicates[wide.0 as usize], predicates[narrow.0 as usize]) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some(first), Some(second)) if first == second => true,
            (Some(first), Some(second)) => {
                if let Some(known) = self.covers.get(&(first, second)) {
                    return *known;
                }
                let implies = self.implies((narrow, second), (wide, first)).unwrap_or(false);
                self.covers.insert((first, second), implies);
                implies
            }
        }
    }

    fn implies(&mut self, narrow: (TestId, PredicateId), wide: (TestId, PredicateId)) -> Option<bool> {
        let (narrow, wide) = (self.truth_alone(narrow.0, narrow.1)?, self.truth_alone(wide.0, wide.1)?);
        self.charge(narrow.operations + wide.operations)?;
        Some(narrow.truth.implies(&wide.truth))
    }

    /// When what the test asks of the event alone has which outcome.
    fn truth_alone(&mut self, test: TestId, predicate: PredicateId) -> Option<Judged> {
        if let Some(known) = self.truths.get(&predicate) {
            return known.clone();
        }
        let checked = &self.compiled.rule.tests[test.0 as usize];
        let truth = checked.unary.as_ref().and_then(|condition| self.truth(condition, checked.stream));
        self.truths.insert(predicate, truth.clone());
        truth
    }

    fn truth(&mut self, condition: &Expr, stream: StreamId) -> Option<Judged> {
        let operations = condition.size().operations;
        self.charge(operations)?;
        Some(Judged { truth: Rc::new(Truth::of(condition, &self.seen(stream))), operations })
    }

    fn charge(&mut self, operations: usize) -> Option<()> {
        let left = self.left.checked_sub(operations);
        *self.left = left.unwrap_or(0);
        left.map(|_| ())
    }

    fn seen(&self, stream: StreamId) -> Seen<'a> {
        let CompiledRule { rule, specs, .. } = self.compiled;
        let key = rule.key.fields.get(&stream).map_or(&[][..], Vec::as_slice);
        Seen { schema: &self.streams[stream.0 as usize], specs, histories: &rule.histories, key }
    }
}
