//! Which predicates hold of the event being looked at.

use super::index::Found;
use super::{Index, Place, PredicateId, Predicates};
use crate::event::Event;
use crate::expression::{Faults, Scope};
use crate::table::Tables;

/// The answers for the event being looked at. Predicates are asked once an event, all of its stream
/// together: [`Answers::ask`]. What holds is then only looked up.
#[derive(Debug, Default)]
pub struct Answers {
    /// The number of the event.
    event: u64,
    /// For each predicate, the number of the last event of which it held.
    held: Vec<u64>,
    /// For each thing that an index asks, the number of the last event of which it was asked.
    asked: Vec<u64>,
    true_ones: Vec<Place>,
    failed: Vec<(Place, u64)>,
}

impl Answers {
    /// Room for the answers to `predicates`.
    pub fn new(predicates: &Predicates) -> Answers {
        // No event has the number 0, which stands for never.
        Answers { event: 1, held: vec![0; predicates.len()], ..Answers::default() }
    }

    /// Asks all predicates of an index of the event, and forgets the answers for the event before.
    pub fn ask(&mut self, index: &Index, event: &Event, tables: &Tables) {
        self.event += 1;
        self.true_ones.clear();
        self.failed.clear();
        if self.asked.len() < index.asks() {
            self.asked.resize(index.asks(), 0);
        }
        let faults = Faults::default();
        let scope = Scope { event: Some(event), tables, ..Scope::bare(&faults) };
        index.find(event, |found| self.judge(index, found, &scope));
    }

    /// Comes back to an event of which these predicates hold: others may have been asked of since.
    pub fn recall(&mut self, index: &Index, true_ones: &[Place]) {
        self.event += 1;
        for place in true_ones {
            self.held[index.predicate(*place).0 as usize] = self.event;
        }
    }

    /// A predicate has been found, perhaps not for the first time.
    fn judge(&mut self, index: &Index, found: Found, scope: &Scope<'_>) {
        let Found { place, ask } = found;
        let held = index.predicate(place).0 as usize;
        if self.held[held] == self.event {
            return;
        }
        if let Some(ask) = ask {
            let asked = &mut self.asked[ask.place()];
            if *asked == self.event {
                return;
            }
            *asked = self.event;
            let holds = index.ask(ask).holds(scope);
            let count = scope.faults.take();
            if count > 0 {
                self.failed.push((place, count));
            }
            if !holds {
                return;
            }
        }
        self.held[held] = self.event;
        self.true_ones.push(place);
    }

    /// Whether a predicate holds of the event.
    pub fn holds(&self, id: PredicateId) -> bool {
        self.held[id.0 as usize] == self.event
    }

    /// The predicates that hold of the event, each once, by their places in the index that was asked.
    pub fn true_ones(&self) -> &[Place] {
        &self.true_ones
    }

    /// The predicates of which something could not be computed for the event, by their places in the index
    /// that was asked, with how many values.
    pub fn failed(&self) -> &[(Place, u64)] {
        &self.failed
    }
}
