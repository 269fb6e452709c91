//! A run: a partial match that is held by itself.

use smallvec::SmallVec;

use super::captures::Captures;
use crate::automaton::{AbsenceEnd, CompiledRule, State, StateId, Transition, Trigger};
use crate::event::{Event, SequencePoint, Timestamp};
use crate::expression::Register;
use crate::language::checked::{RunRegister, VariableId};

/// A partial match.
#[derive(Clone, Debug)]
pub struct Run {
    /// Where in the pattern it stands.
    pub(in crate::matcher) state: StateId,
    /// One bit for each transition of the state that is still there, the first the lowest.
    pub(in crate::matcher) frontier: u64,
    /// Whether no event has been skipped since it came to the state.
    pub(in crate::matcher) fresh: bool,
    /// Whether it has been reported: then it does not time out.
    pub(in crate::matcher) reported: bool,
    /// Its first event.
    pub(in crate::matcher) first: SequencePoint,
    /// Time of the event taken last, or of the end of the absence after it.
    pub(in crate::matcher) anchor: Timestamp,
    /// When the groups with a time limit began, by [`crate::language::checked::ClockId`].
    pub(in crate::matcher) clocks: SmallVec<[Timestamp; 1]>,
    /// What conditions read of the captured events.
    pub(in crate::matcher) registers: SmallVec<[Register; 1]>,
    /// The captured events.
    pub(in crate::matcher) captures: Captures,
    /// The next moment at which the passing of time decides something about it.
    pub(in crate::matcher) due: Timestamp,
}

impl Run {
    /// A run that has taken nothing, about to be offered its first event.
    pub(in crate::matcher) fn start(rule: &CompiledRule, event: &Event) -> Run {
        Run {
            state: StateId::START,
            frontier: all(rule.automaton.state(StateId::START)),
            fresh: true,
            reported: false,
            first: event.point(),
            anchor: event.time(),
            clocks: SmallVec::from_elem(event.time(), rule.rule.clocks.len()),
            registers: RunRegister::empty(&rule.rule.registers).into(),
            captures: Captures::default(),
            due: Timestamp::MAX,
        }
    }

    /// Comes to the target of a transition at `time`.
    pub(in crate::matcher) fn move_to(&mut self, rule: &CompiledRule, target: StateId, time: Timestamp) {
        self.state = target;
        self.frontier = all(rule.automaton.state(target));
        self.fresh = true;
        self.anchor = time;
    }

    /// Clears the registers of a repetition that begins with `transition`.
    pub(in crate::matcher) fn reset(
        registers: &mut [Register],
        rule: &CompiledRule,
        transition: &Transition,
    ) {
        for id in transition.resets.iter() {
            registers[id.0 as usize] = rule.specs[id.0 as usize].empty();
        }
    }

    /// Takes an event by a transition.
    pub(in crate::matcher) fn take(
        &mut self,
        rule: &CompiledRule,
        transition: &Transition,
        variable: VariableId,
        event: &Event,
    ) {
        Run::reset(&mut self.registers, rule, transition);
        for (register, kept) in self.registers.iter_mut().zip(&rule.rule.registers) {
            if kept.variable == variable {
                kept.spec.add(register, event);
            }
        }
        for clock in &transition.sets {
            self.clocks[clock.0 as usize] = event.time();
        }
        self.captures.push(variable, event.clone());
        self.move_to(rule, transition.target, event.time());
        self.due = self.next_due(rule);
    }

    /// The last moment at which the transition can still lead to a match in time. An absence has no
    /// limit of its own, because `within` binds only events taken: what can be taken after it decides.
    pub(in crate::matcher) fn deadline(&self, rule: &CompiledRule, transition: &Transition) -> Timestamp {
        match transition.trigger {
            Trigger::Take { within, .. } => {
                let link = within.map_or(Timestamp::MAX, |within| self.anchor.end_of(within));
                self.group_deadline(rule, transition).min(link)
            }
            Trigger::Absence { .. } => self.deadline_after(rule, transition.target),
        }
    }

    /// The last moment at which the match's `within` and those of the groups around it let the
    /// transition's event be taken.
    fn group_deadline(&self, rule: &CompiledRule, transition: &Transition) -> Timestamp {
        let whole = rule.rule.within.map(|within| self.first.time.end_of(within));
        let groups = transition.checks.iter().map(|clock| {
            let index = clock.0 as usize;
            self.clocks[index].end_of(rule.rule.clocks[index])
        });
        whole.into_iter().chain(groups).min().unwrap_or(Timestamp::MAX)
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
            AbsenceEnd::After(duration) => self.anchor.end_of(duration),
            AbsenceEnd::Within | AbsenceEnd::NextEvent => {
                let within = rule.rule.within.expect("an absence at the end has a `within` around it");
                self.first.time.end_of(within)
            }
        }
    }

    /// The transitions that are still there, with their places.
    pub(in crate::matcher) fn open<'r>(
        &self,
        state: &'r State,
    ) -> impl Iterator<Item = (u32, &'r Transition)> + use<'r> {
        let mut bits = self.frontier;
        std::iter::from_fn(move || {
            if bits == 0 {
                return None;
            }
            let index = bits.trailing_zeros();
            bits &= bits - 1;
            Some((index, &state.transitions[index as usize]))
        })
    }

    /// The last moment at which one of its frontier steps could still be taken in time.
    pub(in crate::matcher) fn times_out(&self, rule: &CompiledRule) -> Timestamp {
        let state = rule.automaton.state(self.state);
        self.open(state)
            .map(|(_, transition)| self.deadline(rule, transition))
            .max()
            .unwrap_or(Timestamp::MIN)
    }

    /// The next moment at which the passing of time decides something about it.
    pub(in crate::matcher) fn next_due(&self, rule: &CompiledRule) -> Timestamp {
        let state = rule.automaton.state(self.state);
        let absences = self.open(state).filter_map(|(_, transition)| match transition.trigger {
            Trigger::Absence { end, .. } => Some(self.absence_end(rule, end)),
            Trigger::Take { .. } => None,
        });
        absences.min().unwrap_or(Timestamp::MAX).min(self.times_out(rule))
    }
}

/// The frontier with every transition of the state.
fn all(state: &State) -> u64 {
    match state.transitions.len() {
        0 => 0,
        count => u64::MAX >> (64 - count),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::automaton::cost::RUN_BYTES;

    /// Most of the memory of a service are runs: one that grows should be noticed.
    #[test]
    fn a_run_is_as_large_as_its_cost_says() {
        assert_eq!(size_of::<Run>(), RUN_BYTES);
    }
}
