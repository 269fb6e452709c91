//! What the conditions of a rule ask, and of how much.

use std::collections::BTreeSet;

use serde::Serialize;

use crate::automaton::CompiledRule;
use crate::event::StreamSchema;
use crate::expression::{Comparison, Expr};
use crate::language::checked::Test;

/// A condition of the pattern: of a step, a `not` or an `until`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Condition {
    /// The event, or stream, that it is the condition of.
    pub event: String,
    /// The stream whose events it is asked of.
    pub stream: String,
    /// What an index over all rules could look its events up by, one field being enough.
    pub indexes: Vec<Index>,
    /// Of what the part is asked that looks at the event alone.
    pub asked: Asked,
    /// Whether another part reads what a partial match has captured, or the past, and is asked for each
    /// partial match.
    pub for_each_run: bool,
}

/// A field that is compared with constants.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Index {
    /// The field.
    pub field: String,
    /// Whether it must be equal to one of several values, rather than lie in a range.
    pub equal: bool,
}

/// Of which events a condition is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Asked {
    /// Of none: it asks nothing of the event alone.
    Nothing,
    /// An index could answer all of it.
    Index,
    /// Of those that an index could find.
    Found,
    /// Of every event of the stream.
    EachEvent,
}

/// The conditions of a rule, each once.
pub fn conditions(compiled: &CompiledRule, streams: &[StreamSchema]) -> Vec<Condition> {
    let mut known = BTreeSet::new();
    let tests = compiled.rule.tests.iter();
    let new = tests.filter(|test| known.insert((test.name.as_str(), test.residual.is_some())));
    new.map(|test| condition(test, &streams[test.stream.0 as usize])).collect()
}

fn condition(test: &Test, schema: &StreamSchema) -> Condition {
    let parts = match &test.unary {
        None => &[][..],
        Some(Expr::And(parts)) => parts,
        Some(other) => std::slice::from_ref(other),
    };
    let indexes: Vec<Option<Index>> = parts.iter().map(|part| index(part, schema)).collect();
    let asked = match (indexes.iter().flatten().count(), indexes.len()) {
        (_, 0) => Asked::Nothing,
        (0, _) => Asked::EachEvent,
        (1, 1) => Asked::Index,
        _ => Asked::Found,
    };
    let mut indexes: Vec<Index> = indexes.into_iter().flatten().collect();
    indexes.sort();
    indexes.dedup();
    Condition {
        event: test.name.to_string(),
        stream: schema.name.to_string(),
        indexes,
        asked,
        for_each_run: test.residual.is_some(),
    }
}

/// The field that the part compares with constants, if it does nothing else.
fn index(part: &Expr, schema: &StreamSchema) -> Option<Index> {
    let field = |expr: &Expr| match expr {
        Expr::Field(field) => Some(schema.fields[field.0 as usize].name.to_string()),
        Expr::ToFloat(of) => match &**of {
            Expr::Field(field) => Some(schema.fields[field.0 as usize].name.to_string()),
            _ => None,
        },
        _ => None,
    };
    let equal = |field: String| Index { field, equal: true };
    match part {
        Expr::Compare(comparison, pair) => {
            let of = match (pair.0.is_const(), pair.1.is_const()) {
                (false, true) => field(&pair.0)?,
                (true, false) => field(&pair.1)?,
                _ => return None,
            };
            match comparison {
                Comparison::Eq => Some(equal(of)),
                // Nearly every event differs from one value.
                Comparison::Ne => None,
                _ => Some(Index { field: of, equal: false }),
            }
        }
        Expr::InSet(of, _) | Expr::IsMissing(of) => field(of).map(equal),
        Expr::Not(of) => match &**of {
            Expr::Field(_) => field(of).map(equal),
            _ => None,
        },
        Expr::Field(_) => field(part).map(equal),
        _ => None,
    }
}
