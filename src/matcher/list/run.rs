//! A run: a partial match that is held by itself.
//!
//! There may be millions, so it keeps only what cannot be found again: what conditions read of captured
//! events is there if any condition does, and a clock if steps have times of their own.

mod stored;

use smallvec::SmallVec;

use super::captures::Captures;
use super::kept::Kept;
use crate::automaton::{AbsenceEnd, Automaton, CompiledRule, State, StateId, Timing, Transition, Trigger};
use crate::event::{Event, SequencePoint, Timestamp};
use crate::expression::{Captured, Register, RegisterId};
use crate::language::checked::ClockId;
use crate::matcher::step::Place;

/// A partial match.
#[derive(Clone, Debug)]
pub struct Run {
    /// The captured events.
    pub(in crate::matcher) captures: Captures,
    /// One bit for each transition of the state that is still there, the first the lowest.
    pub(in crate::matcher) frontier: u64,
    /// Time of its first event.
    began: Timestamp,
    /// What conditions read of the captured events.
    kept: Kept,
    /// Where its steps have times of their own, what these are counted from.
    clock: Option<Box<Clock>>,
    /// Where in the pattern it stands.
    pub(in crate::matcher) state: StateId,
    /// Whether no event has been skipped since it came to the state.
    pub(in crate::matcher) fresh: bool,
    /// Whether it has been reported: then it does not time out.
    pub(in crate::matcher) reported: bool,
}

/// What the times of a run's steps are counted from.
#[derive(Clone, Debug)]
struct Clock {
    /// Time of the event taken last, or of the end of the absence after it.
    anchor: Timestamp,
    /// The next moment at which the passing of time decides something about the run.
    due: Timestamp,
    /// When the groups with a time limit began, by [`ClockId`].
    groups: SmallVec<[Timestamp; 1]>,
}

impl Run {
    /// A run that has taken nothing, about to be offered its first event.
    pub(in crate::matcher) fn start(rule: &CompiledRule, event: &Event) -> Run {
        let Place { state, frontier, fresh } = Place::at(&rule.automaton, StateId::START);
        let clock = || {
            let groups = SmallVec::from_elem(event.time(), rule.rule.clocks.len());
            Box::new(Clock { anchor: event.time(), due: Timestamp::MAX, groups })
        };
        Run {
            captures: Captures::default(),
            frontier,
            began: event.time(),
            kept: Kept::empty(&rule.rule.registers),
            clock: (rule.timing == Timing::Steps).then(clock),
            state,
            fresh,
            reported: false,
        }
    }

    /// Reads something of it, and of what conditions read.
    pub(super) fn touch(&self) -> u64 {
        self.frontier ^ u64::from(self.state.0) ^ self.kept.touch()
    }

    /// Reads something of the event that it captured last: of most runs the only one.
    pub(super) fn touch_event(&self) -> u64 {
        self.captures.newest_first().next().map_or(0, |(_, event)| event.touch())
    }

    /// Time of its first event.
    pub(in crate::matcher) fn began(&self) -> Timestamp {
        self.began
    }

    /// Its first event. Looks through all that it has captured: where times may settle the matter,
    /// [`Run::began`] is asked before.
    pub(in crate::matcher) fn first_point(&self) -> SequencePoint {
        let oldest = self.captures.newest_first().last();
        oldest.map(|(_, event)| event.point()).expect("a run has captured the event that it began with")
    }

    /// The next moment at which the passing of time decides something about it.
    pub(in crate::matcher) fn due(&self, rule: &CompiledRule) -> Timestamp {
        self.clock.as_ref().map_or_else(|| self.match_deadline(rule), |clock| clock.due)
    }

    fn clock(&self) -> &Clock {
        self.clock.as_ref().expect("runs have a clock where steps have times of their own")
    }

    /// When a group with a time limit began.
    fn group_began(&self, group: ClockId) -> Timestamp {
        self.clock().groups[group.0 as usize]
    }

    /// Where it stands.
    pub(in crate::matcher) fn place(&self, automaton: &Automaton) -> Place {
        let place = Place { state: self.state, frontier: self.frontier, fresh: true };
        if self.fresh { place } else { place.skipped(automaton, self.frontier) }
    }

    /// Stands there, in its state, from now on.
    pub(in crate::matcher) fn come(&mut self, place: Place) {
        debug_assert_eq!(self.state, place.state);
        self.frontier = place.frontier;
        self.fresh = place.fresh;
    }

    /// A copy, which will take an event that the run itself does not.
    pub(in crate::matcher) fn part(&mut self) -> Run {
        self.captures.share();
        self.clone()
    }

    /// Comes to the target of a transition at `time`.
    pub(in crate::matcher) fn move_to(&mut self, rule: &CompiledRule, target: StateId, time: Timestamp) {
        Place { state: self.state, frontier: self.frontier, fresh: self.fresh } =
            Place::at(&rule.automaton, target);
        if let Some(clock) = &mut self.clock {
            clock.anchor = time;
        }
        self.settle(rule);
    }

    /// Finds out anew when it is due: it has moved, or its frontier has changed.
    pub(in crate::matcher) fn settle(&mut self, rule: &CompiledRule) {
        if self.clock.is_none() {
            return;
        }
        let due = self.next_due(rule);
        if let Some(clock) = &mut self.clock {
            clock.due = due;
        }
    }

    /// Clears registers.
    fn reset(registers: &mut [Register], rule: &CompiledRule, resets: &[RegisterId]) {
        for id in resets {
            registers[id.0 as usize] = rule.specs[id.0 as usize].empty();
        }
    }

    /// What conditions read of the captured events.
    pub(in crate::matcher) fn read<'a>(&'a self, rule: &'a CompiledRule) -> Captured<'a> {
        self.kept.read(rule, &self.captures)
    }

    /// Keeps from now on what is read of its events, as it will be read often.
    pub(super) fn keep_registers(&mut self, rule: &CompiledRule) {
        self.kept.write(&rule.rule.registers, &self.captures);
    }

    /// All registers when some are cleared, as a repetition of a group begins.
    pub(in crate::matcher) fn registers_without(
        &self,
        rule: &CompiledRule,
        resets: &[RegisterId],
    ) -> SmallVec<[Register; 4]> {
        let mut registers = self.kept.copy(&rule.rule.registers, &self.captures);
        Run::reset(&mut registers, rule, resets);
        registers
    }

    /// Takes an event by the transition with that place in its state.
    pub(in crate::matcher) fn take(&mut self, rule: &CompiledRule, index: u8, event: &Event) {
        let transition = &rule.automaton.state(self.state).transitions[usize::from(index)];
        let Trigger::Take { variable, .. } = transition.trigger else {
            unreachable!("time takes an absence, no event")
        };
        if let Some(registers) = self.kept.write(&rule.rule.registers, &self.captures) {
            Run::reset(registers, rule, &transition.resets);
            for (register, kept) in registers.iter_mut().zip(&rule.rule.registers) {
                if kept.variable == variable {
                    kept.spec.add(register, event);
                }
            }
        }
        if let Some(clock) = &mut self.clock {
            for group in &transition.sets {
                clock.groups[group.0 as usize] = event.time();
            }
        }
        self.captures.push(variable, index, event.clone());
        self.move_to(rule, transition.target, event.time());
    }

    /// The last moment at which the transition can still lead to a match in time. An absence has no
    /// limit of its own, because `within` binds only events taken: what can be taken after it decides.
    pub(in crate::matcher) fn deadline(&self, rule: &CompiledRule, transition: &Transition) -> Timestamp {
        match transition.trigger {
            Trigger::Take { within, .. } => {
                let link = within.map_or(Timestamp::MAX, |within| self.clock().anchor.end_of(within));
                self.group_deadline(rule, transition).min(link)
            }
            Trigger::Absence { .. } => self.deadline_after(rule, transition.target),
        }
    }

    /// The last moment at which the match's `within` lets anything be taken.
    fn match_deadline(&self, rule: &CompiledRule) -> Timestamp {
        rule.rule.within.map_or(Timestamp::MAX, |within| self.began.end_of(within))
    }

    /// The last moment at which the match's `within` and those of the groups around it let the
    /// transition's event be taken.
    fn group_deadline(&self, rule: &CompiledRule, transition: &Transition) -> Timestamp {
        let limit = |group: &ClockId| self.group_began(*group).end_of(rule.rule.clocks[group.0 as usize]);
        transition.checks.iter().map(limit).fold(self.match_deadline(rule), Timestamp::min)
    }

    /// The last moment at which something could be taken in time after an absence that leads to
    /// `target`, and after those that follow it directly. None, if the match is complete without.
    fn deadline_after(&self, rule: &CompiledRule, mut target: StateId) -> Timestamp {
        let mut latest = Timestamp::MIN;
        loop {
            let state = rule.automaton.state(target);
            if state.accepting {
                return Timestamp::MAX;
            }
            let mut next = None;
            for transition in &state.transitions {
                match transition.trigger {
                    Trigger::Take { .. } => latest = latest.max(self.group_deadline(rule, transition)),
                    Trigger::Absence { .. } => next = Some(transition.target),
                }
            }
            match next {
                Some(after) if latest < Timestamp::MAX => target = after,
                _ => return latest,
            }
        }
    }

    /// When the absence is over.
    pub(in crate::matcher) fn absence_end(&self, rule: &CompiledRule, end: AbsenceEnd) -> Timestamp {
        match end {
            AbsenceEnd::After(duration) => self.clock().anchor.end_of(duration),
            AbsenceEnd::Within | AbsenceEnd::NextEvent => {
                let within = rule.rule.within.expect("an absence at the end has a `within` around it");
                self.began.end_of(within)
            }
        }
    }

    /// The transitions that are still there, with their places.
    pub(in crate::matcher) fn open<'r>(
        &self,
        state: &'r State,
    ) -> impl Iterator<Item = (u8, &'r Transition)> + use<'r> {
        let mut bits = self.frontier;
        std::iter::from_fn(move || {
            if bits == 0 {
                return None;
            }
            let index = bits.trailing_zeros() as u8;
            bits &= bits - 1;
            Some((index, &state.transitions[usize::from(index)]))
        })
    }

    /// The last moment at which one of its frontier steps could still be taken in time.
    pub(in crate::matcher) fn times_out(&self, rule: &CompiledRule) -> Timestamp {
        if self.clock.is_none() {
            return self.match_deadline(rule);
        }
        let state = rule.automaton.state(self.state);
        self.open(state)
            .map(|(_, transition)| self.deadline(rule, transition))
            .max()
            .unwrap_or(Timestamp::MIN)
    }

    /// The next moment at which the passing of time decides something about it, by its steps.
    fn next_due(&self, rule: &CompiledRule) -> Timestamp {
        let state = rule.automaton.state(self.state);
        let absences = self.open(state).filter_map(|(_, transition)| match transition.trigger {
            Trigger::Absence { end, .. } => Some(self.absence_end(rule, end)),
            Trigger::Take { .. } => None,
        });
        absences.min().unwrap_or(Timestamp::MAX).min(self.times_out(rule))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::automaton::cost::{CLOCK_BYTES, RUN_BYTES};

    /// Most of the memory of a service are runs: one that grows should be noticed.
    #[test]
    fn a_run_is_as_large_as_its_cost_says() {
        assert_eq!((size_of::<Run>(), size_of::<Clock>()), (RUN_BYTES, CLOCK_BYTES));
    }
}
