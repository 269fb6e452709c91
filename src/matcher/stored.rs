//! The runs of one rule for one key as bytes.
//!
//! What is written is what cannot be found again: of a run that has only begun its event; of runs held
//! together the graph of what they have captured, and where they stand; of a run that is held by itself
//! its place, what it has captured, what conditions read of that, and what its times are counted from.
//! Deadlines, orders and lanes follow from these and the rule.
//!
//! Events stand elsewhere and are referred to ([`EventWriter`]). Captured events and values that several
//! runs share are written once, and shared again by those who read them.
//!
//! Runs are read for a rule of the same meaning, whose states and transitions are the same. That is checked
//! beforehand ([`shape`]); and everything that is read is held against the rule, so that damaged bytes
//! lead to an error or to runs that could be.

use std::borrow::Cow;

use super::RunSet;
use super::compact::{CompactRuns, Lone};
use super::list::{Nodes, RunList};
use crate::automaton::{AbsenceEnd, CompiledRule, Representation, Trigger};
use crate::event::stored::{EventWriter, Events, StreamNumbers};
use crate::event::{Event, Timestamp};
use crate::expression::stored::Distinct;
use crate::language::checked::VariableId;
use crate::stored::{Damaged, Reader, Shared, Writer};

const LONE: u8 = 0;
const LIST: u8 = 1;
const COMPACT: u8 = 2;

/// Where runs are written to.
pub(super) struct Out<'a> {
    pub events: &'a mut EventWriter,
    pub streams: &'a StreamNumbers,
    /// Captured events that copies of a run share.
    pub captures: Shared,
    /// Different values that copies of a run share.
    pub distinct: Shared,
}

impl Out<'_> {
    /// What is not an event goes here.
    pub fn body(&mut self) -> &mut Writer {
        &mut self.events.body
    }

    /// An event that was captured.
    pub fn event(&mut self, event: &Event) {
        self.events.event(event, self.streams);
    }
}

/// Where runs are read from, and for which rule.
pub(super) struct In<'a> {
    pub bytes: Reader<'a>,
    pub events: &'a Events,
    pub rule: &'a CompiledRule,
    /// Captured events that copies of a run share, as they were written.
    pub captures: Nodes,
    /// Different values that copies of a run share.
    pub distinct: Distinct,
}

impl<'a> In<'a> {
    /// An event that was captured, and what as.
    pub fn captured(&mut self, variable: VariableId) -> Result<&'a Event, Damaged> {
        let event = self.events.next(&mut self.bytes)?;
        let declared = self.rule.rule.variables.get(variable.0 as usize);
        if declared.is_none_or(|declared| declared.stream != event.stream()) {
            return Err(Damaged::new("a run holds an event that its rule cannot capture"));
        }
        Ok(event)
    }
}

impl RunSet {
    /// Writes it; there are runs in it.
    pub fn store(&self, events: &mut EventWriter, streams: &StreamNumbers) {
        let mut out = Out { events, streams, captures: Shared::default(), distinct: Shared::default() };
        match self {
            RunSet::None => debug_assert!(false, "there are no runs to be written"),
            RunSet::Lone(run) => {
                out.body().byte(LONE);
                out.event(run.event());
            }
            RunSet::List(list) => {
                out.body().byte(LIST);
                out.body().size(list.len());
                list.store(&mut out);
            }
            RunSet::Compact(runs) => {
                out.body().byte(COMPACT);
                out.body().size(runs.len());
                runs.store(&mut out);
            }
        }
    }

    /// How many runs were written, read from the beginning of what was written.
    pub fn stored_count(r: &mut Reader<'_>) -> Result<u64, Damaged> {
        match r.byte()? {
            LONE => Ok(1),
            LIST | COMPACT => r.count(),
            _ => Err(Damaged::new("there is no such way of holding runs")),
        }
    }

    /// Reads the runs of a rule when all times before `passed` have passed.
    pub fn restore(
        bytes: Reader<'_>,
        events: &Events,
        rule: &CompiledRule,
        passed: Timestamp,
    ) -> Result<RunSet, Damaged> {
        let mut r = In { bytes, events, rule, captures: Nodes::default(), distinct: Distinct::default() };
        let together = matches!(rule.representation, Representation::Compact { .. });
        let set = match r.bytes.byte()? {
            LONE => {
                let first = rule.automaton.states[0].transitions.first().map(|first| first.trigger);
                let Some(Trigger::Take { variable, .. }) = first else { return Err(OTHER_WAY) };
                let within = rule.rule.within.ok_or(OTHER_WAY)?;
                RunSet::Lone(Lone::new(r.captured(variable)?, within))
            }
            LIST => RunSet::List(Box::new(RunList::restore(r.bytes.count()?, &mut r)?)),
            COMPACT => RunSet::Compact(Box::new(CompactRuns::restore(r.bytes.count()?, &mut r)?)),
            _ => return Err(Damaged::new("there is no such way of holding runs")),
        };
        r.bytes.end()?;
        match set {
            RunSet::Lone(_) if rule.lone().is_some() => Ok(set),
            RunSet::List(_) => Ok(set),
            RunSet::Compact(_) if together => Ok(set),
            // As whoever compiled the rule wants it.
            _ => {
                let runs = set.runs(rule, passed).into_iter().map(Cow::into_owned);
                Ok(RunSet::List(Box::new(RunList::of(rule, runs.collect()))))
            }
        }
    }
}

const OTHER_WAY: Damaged = Damaged::new("its rule cannot have runs that are held so");

/// What the places of runs mean: a number that is another if the states of the rule's automaton are not the
/// same. Rules of the same meaning have the same, unless they were compiled by another version of the
/// program.
pub fn shape(rule: &CompiledRule) -> u64 {
    let mut w = Writer::default();
    w.size(rule.specs.len());
    w.size(rule.rule.clocks.len());
    for state in &rule.automaton.states {
        w.flag(state.accepting);
        w.list(&state.transitions, |w, transition| {
            w.number(transition.target.0.into());
            match transition.trigger {
                Trigger::Take { variable, link, .. } => {
                    w.byte(link as u8);
                    w.number(variable.0.into());
                }
                Trigger::Absence { end, .. } => w.byte(match end {
                    AbsenceEnd::After(_) => 10,
                    AbsenceEnd::Within => 11,
                    AbsenceEnd::NextEvent => 12,
                }),
            }
        });
    }
    fnv(w.as_slice())
}

/// FNV-1a of 64 bits (draft-eastlake-fnv): the same everywhere and always.
fn fnv(bytes: &[u8]) -> u64 {
    let start = 0xcbf2_9ce4_8422_2325;
    bytes.iter().fold(start, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}
