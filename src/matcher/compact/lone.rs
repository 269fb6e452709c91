//! A run that has only begun, and is the only one of its rule for its key.
//!
//! Most events that interest a rule begin a run of which nothing ever comes: no second event, until its
//! time is over. Such a run is no more than its first event and its deadline, and takes no memory of its
//! own. At the next event that concerns the rule it becomes what it stands for. Which rules have such runs
//! says [`CompiledRule::lone`].

use super::{CompactRuns, Lane};
use crate::automaton::{CompiledRule, Representation, StateId};
use crate::event::{Duration, Event, Timestamp};
use crate::matcher::step::Place;

/// The run.
#[derive(Clone, Debug)]
pub struct Lone {
    event: Event,
    until: Timestamp,
}

impl Lone {
    /// The run that has begun with an event and lives so long.
    pub fn new(event: &Event, within: Duration) -> Lone {
        Lone { event: event.clone(), until: event.time().end_of(within) }
    }

    /// The event.
    pub fn event(&self) -> &Event {
        &self.event
    }

    /// The state in which such a run of a rule stands.
    pub fn state(rule: &CompiledRule) -> StateId {
        rule.automaton.state(StateId::START).transitions[0].target
    }

    /// Its deadline.
    pub fn until(&self) -> Timestamp {
        self.until
    }

    /// The same run as one of those that are held together.
    pub fn together(self, rule: &CompiledRule) -> CompactRuns {
        let copies = matches!(rule.representation, Representation::Compact { copies: true });
        let mut runs = CompactRuns::new(copies);
        let head = runs.ring.take(self.event, 0, None, None);
        runs.lanes.push(Lane { place: Place::at(&rule.automaton, Lone::state(rule)), head });
        runs.oldest_until = self.until;
        runs.newest = head;
        runs.due = self.until;
        runs
    }
}
