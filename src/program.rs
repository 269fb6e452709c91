//! The compiled rule set: immutable, shared by every thread, swapped whole.

use std::sync::Arc;

use crate::alert::Severity;
use crate::diagnostic::{Diagnostics, Sources};
use crate::event::{StreamId, StreamSchema};

/// A compiled rule set.
#[derive(Debug)]
pub struct Program {
    pub(crate) streams: Vec<StreamSchema>,
    pub(crate) rules: Vec<RuleInfo>,
}

/// What the outside needs to know of a rule.
#[derive(Clone, Debug)]
pub struct RuleInfo {
    /// Its name.
    pub name: Arc<str>,
    /// Hash of its meaning.
    pub fingerprint: Arc<str>,
    /// Severity of its alerts.
    pub severity: Severity,
    /// Names of the sinks that its alerts go to.
    pub sinks: Arc<[String]>,
}

impl Program {
    /// Compiles the files of a rule set. The diagnostics hold errors when there is no program, and
    /// perhaps warnings when there is one.
    pub fn compile(_sources: &Sources) -> (Option<Program>, Diagnostics) {
        (None, Diagnostics::default())
    }

    /// The streams, in the order of their names; [`StreamId`] counts them from 0.
    pub fn streams(&self) -> &[StreamSchema] {
        &self.streams
    }

    /// The stream with that name.
    pub fn stream(&self, name: &str) -> Option<StreamId> {
        self.streams.iter().position(|stream| stream.name == name).map(|index| StreamId(index as u32))
    }

    /// The rules, in the order of their names.
    pub fn rules(&self) -> &[RuleInfo] {
        &self.rules
    }
}
