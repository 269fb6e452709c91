//! What a run keeps for conditions to read.

mod stored;

use smallvec::SmallVec;

use super::captures::Captures;
use crate::automaton::CompiledRule;
use crate::expression::{Captured, Register};
use crate::language::checked::RunRegister;

/// The registers of a run, as few as it can do with: most runs never take a second event, and there may
/// be millions.
#[derive(Clone, Debug)]
pub(in crate::matcher) enum Kept {
    /// None: as long as a run has captured one event at most, all that conditions read is found in it. Runs
    /// of which a key has many are asked so often that they keep it all the same.
    Nothing,
    /// A rule whose condition reads captured events often reads one thing of them: it is held in place, so
    /// that asking the condition does not wait for memory once more.
    One(Register),
    /// All.
    All(Box<[Register]>),
}

impl Kept {
    /// What a run that has captured nothing keeps of a list of registers.
    pub fn empty(list: &[RunRegister]) -> Kept {
        match list {
            [one] => Kept::One(one.spec.empty()),
            _ => Kept::Nothing,
        }
    }

    /// What conditions of the rule read of a run that has captured these events.
    pub fn read<'a>(&'a self, rule: &'a CompiledRule, captures: &'a Captures) -> Captured<'a> {
        match self {
            Kept::One(one) => Captured::Kept(std::slice::from_ref(one)),
            Kept::All(all) => Captured::Kept(all),
            Kept::Nothing => match captures.newest_first().next() {
                Some((variable, event)) => Captured::Only { event: Some(event), reads: rule.reads(variable) },
                None => Captured::Only { event: None, reads: &[] },
            },
        }
    }

    /// All registers, to be changed.
    pub fn copy(&self, list: &[RunRegister], captures: &Captures) -> SmallVec<[Register; 4]> {
        match self {
            Kept::Nothing => found(list, captures).collect(),
            Kept::One(one) => SmallVec::from_iter([one.clone()]),
            Kept::All(all) => SmallVec::from(&**all),
        }
    }

    /// The same, to be brought up to date with the next event. `None` if nothing needs to be kept yet.
    pub fn write(&mut self, list: &[RunRegister], captures: &Captures) -> Option<&mut [Register]> {
        if matches!(self, Kept::Nothing) {
            if list.is_empty() || captures.len() == 0 {
                return None;
            }
            *self = Kept::All(found(list, captures).collect());
        }
        match self {
            Kept::Nothing => None,
            Kept::One(one) => Some(std::slice::from_mut(one)),
            Kept::All(all) => Some(all),
        }
    }

    /// Reads something of what is kept elsewhere.
    pub fn touch(&self) -> u64 {
        match self {
            Kept::All(all) => all.first().map_or(0, |register| u64::from(register.is_empty())),
            _ => 0,
        }
    }
}

/// The registers of a run that has captured one event at most.
fn found(list: &[RunRegister], captures: &Captures) -> impl ExactSizeIterator<Item = Register> {
    debug_assert!(list.is_empty() || captures.len() <= 1, "later events are only in what is kept");
    let captured = captures.newest_first().next();
    let of = move |register: &RunRegister| {
        let event = captured.filter(|(variable, _)| *variable == register.variable);
        register.spec.of(event.map(|(_, event)| event))
    };
    list.iter().map(of)
}
