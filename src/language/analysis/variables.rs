//! Captures: which of them an expression can see, and what "the same repetition" means for them.

use std::collections::HashMap;

use compact_str::CompactString;

use crate::diagnostic::Span;
use crate::event::StreamId;
use crate::expression::{HistoryId, RegisterId};
use crate::language::checked::{History, LoopId, RunRegister, VariableId};
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

/// The variables of a pattern.
#[derive(Debug, Default)]
pub(super) struct Variables {
    /// Those that have been found, in the order of the pattern; [`VariableId`] counts them from 0.
    list: Vec<Captured>,
    /// Their places in the list.
    by_name: HashMap<CompactString, usize>,
    /// For each name in the pattern, how many names stand before its last place.
    last_places: HashMap<CompactString, usize>,
}

impl Variables {
    /// No variable yet of a pattern with these names.
    pub fn named(names: impl IntoIterator<Item = CompactString>) -> Variables {
        Variables { last_places: names.into_iter().zip(0..).collect(), ..Variables::default() }
    }

    /// Adds the next variable; its name must be new.
    pub fn push(&mut self, captured: Captured) -> VariableId {
        let place = self.list.len();
        self.by_name.insert(captured.name.clone(), place);
        self.list.push(captured);
        VariableId(place as u32)
    }

    /// The variables in the order of the pattern.
    pub fn iter(&self) -> std::slice::Iter<'_, Captured> {
        self.list.iter()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// The variable of that name.
    pub fn find(&self, name: &str) -> Option<(VariableId, &Captured)> {
        let place = *self.by_name.get(name)?;
        Some((VariableId(place as u32), &self.list[place]))
    }

    /// Whether the pattern has the name, here or later.
    pub fn has_name(&self, name: &str) -> bool {
        self.last_places.contains_key(name)
    }
}

/// What the expressions of one place read besides the event and the key: what is kept of captures,
/// and aggregates over the past.
#[derive(Debug, Default)]
pub(super) struct Registers {
    list: Vec<RunRegister>,
    known: HashMap<RunRegister, RegisterId>,
    histories: Vec<History>,
}

impl Registers {
    /// The register that keeps this, made if it is new.
    pub fn get(&mut self, wanted: RunRegister) -> RegisterId {
        let list = &mut self.list;
        *self.known.entry(wanted).or_insert_with(|| {
            list.push(wanted);
            RegisterId(list.len() as u32 - 1)
        })
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// The registers so far.
    pub fn as_slice(&self) -> &[RunRegister] {
        &self.list
    }

    /// The aggregates over the past so far.
    pub fn histories(&self) -> &[History] {
        &self.histories
    }

    /// Adds an aggregate over the past.
    pub fn add_history(&mut self, history: History) -> HistoryId {
        self.histories.push(history);
        HistoryId(self.histories.len() as u32 - 1)
    }

    /// The registers, which [`RegisterId`] counts from 0, and the aggregates, which [`HistoryId`]
    /// counts from 0.
    pub fn into_parts(self) -> (Vec<RunRegister>, Vec<History>) {
        (self.list, self.histories)
    }
}

/// What an expression can see of the captures.
#[derive(Clone, Copy, Debug)]
pub(super) struct Visible<'g> {
    /// The variables of the pattern, if there is one.
    pub variables: Option<&'g Variables>,
    /// How many of them stand before the place, or are its own.
    pub seen: usize,
    /// How many names of the pattern stand before the place, or are its own.
    pub place: usize,
    /// The loops around the place, outermost first.
    pub around: &'g [Around],
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
    pub const NOTHING: Visible<'static> = Visible {
        variables: None,
        seen: usize::MAX,
        place: usize::MAX,
        around: &[],
        defined: &[],
        is_incomplete: false,
    };

    /// What an alert sees: everything.
    pub fn of_alert(variables: &'g Variables, defined: &'g [&'g tree::EventDef]) -> Visible<'g> {
        Visible { variables: Some(variables), defined, ..Visible::NOTHING }
    }

    /// Whether the pattern has a variable of that name, here or later.
    pub fn is_variable(&self, name: &str) -> bool {
        self.captured(name).is_some() || self.is_later(name)
    }

    /// Whether the variable of that name stands later in the pattern.
    pub fn is_later(&self, name: &str) -> bool {
        let last = self.variables.and_then(|variables| variables.last_places.get(name));
        last.is_some_and(|last| *last >= self.place)
    }

    /// The names that can be used.
    pub fn names(&self) -> impl Iterator<Item = &'g str> + use<'g> {
        let variables = self.variables.map_or(&[][..], |variables| &variables.list);
        variables.iter().take(self.seen).map(|variable| variable.name.as_str())
    }

    fn captured(&self, name: &str) -> Option<(VariableId, &'g Captured)> {
        self.variables?.find(name).filter(|(id, _)| (id.0 as usize) < self.seen)
    }

    /// The variable of that name as seen from the place.
    pub fn find(&self, name: &str) -> Option<Seen<'g>> {
        let (id, variable) = self.captured(name)?;
        let shared =
            variable.around.iter().zip(self.around).take_while(|(a, b)| a.number == b.number).count();
        // The loop directly around a single step is no scope: while such a variable is tested for
        // its own loop, it sees the repetitions before.
        let scoped = variable.around[..shared].iter().rposition(|around| around.scope.is_some());
        let scope = scoped.and_then(|at| variable.around[at].scope);
        let inside = scoped.map_or(0, |at| at + 1);
        Some(Seen {
            id,
            stream: variable.stream,
            name: &variable.name,
            scope,
            repeated: variable.around[inside..].iter().any(|around| around.repeats),
        })
    }
}
