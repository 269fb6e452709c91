//! Captures: which of them an expression can see, and what "the same repetition" means for them.

use compact_str::CompactString;

use crate::diagnostic::Span;
use crate::event::StreamId;
use crate::language::checked::{LoopId, VariableId};
use crate::language::tree;

/// A loop around a place of the pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Around {
    /// A number of its own, to tell whether two places are in the same loop.
    pub number: u32,
    /// Whether it may take its body more than once.
    pub repeats: bool,
    /// Set when its repetitions begin anew what conditions see of them: when its body is more than
    /// a single step.
    pub scope: Option<LoopId>,
}

/// A variable and where it captures.
#[derive(Clone, Debug)]
pub(super) struct Captured {
    pub name: CompactString,
    /// Where its name stands.
    pub span: Span,
    /// What its events are of; `None` when that is not known, which has been reported.
    pub stream: Option<StreamId>,
    /// The loops around it, outermost first.
    pub around: Vec<Around>,
}

/// What an expression can see of the captures.
#[derive(Clone, Copy, Debug)]
pub(super) struct Visible<'g> {
    /// The variables that stand before the place, or its own; [`VariableId`] counts them from 0.
    pub captured: &'g [Captured],
    /// The loops around the place, outermost first.
    pub around: &'g [Around],
    /// The names of the variables that stand later in the pattern.
    pub later: &'g [CompactString],
    /// The events that the rule defines, captured or not.
    pub defined: &'g [&'g tree::EventDef],
    /// Whether the pattern may capture more, because it could not be read.
    pub is_incomplete: bool,
}

/// A variable as seen from a place.
pub(super) struct Seen<'g> {
    pub id: VariableId,
    pub stream: Option<StreamId>,
    pub name: &'g str,
    /// The innermost loop around both whose repetition the place sees.
    pub scope: Option<LoopId>,
    /// Whether, as seen from there, it can capture several events.
    pub repeated: bool,
}

impl<'g> Visible<'g> {
    /// No captures at all.
    pub const NOTHING: Visible<'static> =
        Visible { captured: &[], around: &[], later: &[], defined: &[], is_incomplete: false };

    /// What an alert sees: everything.
    pub fn of_alert(captured: &'g [Captured], defined: &'g [&'g tree::EventDef]) -> Visible<'g> {
        Visible { captured, defined, ..Visible::NOTHING }
    }

    /// Whether the pattern has a variable of that name, here or later.
    pub fn is_variable(&self, name: &str) -> bool {
        self.captured.iter().any(|variable| variable.name == name) || self.is_later(name)
    }

    /// Whether the variable of that name stands later in the pattern.
    pub fn is_later(&self, name: &str) -> bool {
        self.later.iter().any(|later| later == name)
    }

    /// The names that can be used.
    pub fn names(&self) -> impl Iterator<Item = &'g str> {
        self.captured.iter().map(|variable| variable.name.as_str())
    }

    /// The variable of that name as seen from the place.
    pub fn find(&self, name: &str) -> Option<Seen<'g>> {
        let index = self.captured.iter().position(|variable| variable.name == name)?;
        let variable = &self.captured[index];
        let shared =
            variable.around.iter().zip(self.around).take_while(|(a, b)| a.number == b.number).count();
        // The loop directly around a single step is no scope: while such a variable is tested for
        // its own loop, it sees the repetitions before.
        let scoped = variable.around[..shared].iter().rposition(|around| around.scope.is_some());
        let scope = scoped.and_then(|at| variable.around[at].scope);
        let inside = scoped.map_or(0, |at| at + 1);
        Some(Seen {
            id: VariableId(index as u32),
            stream: variable.stream,
            name: &variable.name,
            scope,
            repeated: variable.around[inside..].iter().any(|around| around.repeats),
        })
    }
}
