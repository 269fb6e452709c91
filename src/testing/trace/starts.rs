//! Why no partial match began.

use crate::event::{Event, Key, Timestamp};
use crate::matcher::Report;
use crate::matcher::explain::Step;
use crate::program::RuleId;
use crate::shard::{Seen, Watcher};

use super::{WantedKey, has};

/// Most other keys that are noted.
const MAX_OTHERS: usize = 100;

/// Finds out why no partial match began.
#[derive(Debug)]
pub(in crate::testing) struct Starts {
    rule: RuleId,
    pub wanted: WantedKey,
    /// The events of the wanted key, with what each was to the first steps.
    pub offered: Vec<(Event, Vec<Step>)>,
    /// The events that belong to no group.
    pub keyless: Vec<Event>,
    /// The keys of the other events.
    pub others: Vec<Key>,
}

impl Starts {
    pub fn new(rule: RuleId, wanted: WantedKey) -> Starts {
        Starts { rule, wanted, offered: Vec::new(), keyless: Vec::new(), others: Vec::new() }
    }
}

impl Watcher for Starts {
    fn rule(&self) -> RuleId {
        self.rule
    }

    fn event(&mut self, seen: &Seen<'_>, event: &Event) {
        if has(seen.key, &self.wanted) {
            self.offered.push((event.clone(), seen.matcher.explain_start(event)));
        } else if self.others.len() < MAX_OTHERS && !self.others.contains(seen.key) {
            self.others.push(seen.key.clone());
        }
    }

    fn time(&mut self, _: &Seen<'_>, _: Timestamp) {}

    fn after(&mut self, _: &Seen<'_>, _: &[Report]) {}

    fn keyless(&mut self, event: &Event) {
        self.keyless.push(event.clone());
    }
}
