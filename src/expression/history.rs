//! How an expression reads aggregates over the past of a stream.

use std::fmt::Debug;

use super::evaluate::Scope;
use crate::event::Value;

/// An aggregate over the past, by its place in the list of the rule, or of the alert, that reads it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HistoryId(pub u32);

/// The past of streams, as the expressions of one place see it for one key at one moment.
pub trait History: Debug {
    /// The value of an aggregate; `scope` is that of the expression that reads it.
    fn value(&self, id: HistoryId, scope: &Scope<'_>) -> Value;
}
