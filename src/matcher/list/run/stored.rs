//! A run that is held by itself, as bytes.

use smallvec::SmallVec;

use super::super::captures::Captures;
use super::super::kept::Kept;
use super::{Clock, Run};
use crate::automaton::{StateId, Timing};
use crate::event::{SequencePoint, Timestamp};
use crate::matcher::step::Place;
use crate::matcher::stored::{In, Out};
use crate::stored::Damaged;

const FRESH: u8 = 1;
const REPORTED: u8 = 2;
/// Above these the form of what it keeps.
const KEPT: u8 = 2;

impl Run {
    /// Writes it.
    pub(in crate::matcher) fn store(&self, out: &mut Out<'_>) {
        let flags = if self.fresh { FRESH } else { 0 } | if self.reported { REPORTED } else { 0 };
        let body = out.body();
        body.byte(flags | self.kept.form() << KEPT);
        body.number(self.state.0.into());
        body.number(self.frontier);
        self.captures.store(out);
        self.kept.store(out);
        if let Some(clock) = &self.clock {
            clock.anchor.write_after(self.began, out.body());
            clock.groups.iter().for_each(|began| began.write_after(self.began, out.body()));
        }
    }

    /// Reads one, and its first event.
    pub(in crate::matcher) fn restore(r: &mut In<'_>) -> Result<(Run, SequencePoint), Damaged> {
        let flags = r.bytes.byte()?;
        let state = StateId(r.bytes.place(r.rule.automaton.states.len())? as u32);
        let place = Place { state, frontier: r.bytes.number()?, fresh: flags & FRESH != 0 };
        if !place.is_of(&r.rule.automaton) {
            return Err(Damaged::new("a run waits for something that its pattern does not have"));
        }
        let (captures, first) = Captures::restore(r)?;
        let kept = Kept::restore(flags >> KEPT, &captures, r)?;
        let clock = match r.rule.timing {
            Timing::Steps => Some(Box::new(Clock::restore(first.time, r)?)),
            Timing::None | Timing::Whole => None,
        };
        let (began, reported) = (first.time, flags & REPORTED != 0);
        let Place { state, frontier, fresh } = place;
        let mut run = Run { captures, frontier, began, kept, clock, state, fresh, reported };
        run.settle(r.rule);
        Ok((run, first))
    }
}

impl Clock {
    fn restore(began: Timestamp, r: &mut In<'_>) -> Result<Clock, Damaged> {
        let anchor = Timestamp::read_after(began, &mut r.bytes)?;
        let groups: Result<SmallVec<[Timestamp; 1]>, Damaged> =
            r.rule.rule.clocks.iter().map(|_| Timestamp::read_after(began, &mut r.bytes)).collect();
        Ok(Clock { anchor, due: Timestamp::MAX, groups: groups? })
    }
}
