//! Predicates: what tests ask of an event alone, each distinct question once for all rules.
//!
//! Enters: the conditions of rules and of what is kept of the past. Leaves: for an event, the predicates
//! that hold. Equal conditions of different rules are one predicate ([`Predicates`]). Those on one stream
//! are in an [`Index`], which finds the few that may hold; [`Answers`] asks these what is still to be asked
//! and remembers which hold. What cannot be computed on the way is counted as if every predicate were
//! asked of every event.
//!
//! What it costs depends on what is found, and on the logarithm of the number of predicates, save for
//! conditions that cannot be found and are asked of every event: negations, functions, look-ups in tables,
//! comparisons of two fields.

mod answers;
mod index;
mod intervals;
mod literals;
#[cfg(test)]
mod tests;
mod texts;
mod ways;

use std::collections::HashMap;

use crate::event::{FieldId, StreamId};
use crate::expression::{Expr, FieldSource, HistoryId, Leaves, RegisterId};

pub use answers::Answers;
pub use index::{Index, Place};

/// A predicate of the rule set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PredicateId(pub u32);

/// The distinct predicates of a rule set.
#[derive(Debug, Default)]
pub struct Predicates {
    list: Vec<Expr>,
    known: HashMap<(StreamId, String), PredicateId>,
}

impl Predicates {
    /// The id of a condition on events of `stream`; equal conditions of different rules share it.
    pub fn intern(&mut self, stream: StreamId, condition: &Expr) -> PredicateId {
        let list = &mut self.list;
        *self.known.entry((stream, condition.describe(&FieldNumbers))).or_insert_with(|| {
            list.push(condition.clone());
            PredicateId(list.len() as u32 - 1)
        })
    }

    /// The condition.
    pub fn get(&self, id: PredicateId) -> &Expr {
        &self.list[id.0 as usize]
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.list.len()
    }
}

/// Fields by number: within one stream that is a name.
pub struct FieldNumbers;

impl Leaves for FieldNumbers {
    fn field(&self, field: FieldId) -> String {
        format!("#{}", field.0)
    }

    fn register(&self, _: RegisterId) -> String {
        unreachable!("a predicate looks at the event alone")
    }

    fn history(&self, _: HistoryId) -> String {
        unreachable!("a predicate looks at the event alone")
    }

    fn past(&self, _: FieldSource) -> String {
        unreachable!("a predicate looks at the event alone")
    }
}
