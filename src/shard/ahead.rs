//! Looking ahead: what is asked of the next events together, before the first of them is offered.
//!
//! Predicates look at an event alone, so that it does not matter when they are asked. Once they are, it is
//! known of which events the keys will be needed, and these keys are looked up together
//! ([`Keys::look_up`]): with millions of keys, most of an event's time would otherwise be spent in waiting
//! for the memory in which its own key is. What is found of keys is a hint, which holds or is found out to
//! be outdated when the turn of the event comes.

use std::hint::black_box;

use super::keys::{Keys, Sought};
use super::{Item, Shard};
use crate::automaton::{Answers, Place};
use crate::event::KeyRef;
use crate::program::{Audience, Interest, Program, RouteId};

/// How many events are looked at together: enough for the processor to have many keys under way, few
/// enough for what it has brought near to be there when the turn of the event comes.
pub(super) const TOGETHER: usize = 32;
/// With fewer keys than this everything is near, and looking keys up twice would only cost.
const FEW_KEYS: usize = 4_096;

/// What is known of the next events.
#[derive(Debug, Default)]
pub(super) struct Ahead<'a> {
    true_ones: Vec<Place>,
    failed: Vec<(Place, u64)>,
    concerned: Vec<Interest>,
    routes: Vec<RouteId>,
    keys: Vec<Sought<'a>>,
    /// For each event, how much of each of these belongs to it and those before it.
    ends: Vec<Ends>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Ends {
    true_ones: usize,
    failed: usize,
    concerned: usize,
    keys: usize,
}

/// What is known of an event.
#[derive(Clone, Copy, Debug)]
pub(super) struct Known<'a, 'k> {
    /// The predicates that hold of it.
    pub true_ones: &'a [Place],
    /// Those of which something could not be computed, with how many values.
    pub failed: &'a [(Place, u64)],
    /// The rules that it concerns, in the order of routes and rules, each once.
    pub concerned: &'a [Interest],
    /// The routes whose keys have been looked up, in order.
    routes: &'a [RouteId],
    keys: &'a [Sought<'k>],
}

impl<'k> Known<'_, 'k> {
    /// The key of the event by a route, if it has been looked up.
    pub fn key(&self, route: RouteId) -> Option<Sought<'k>> {
        Some(self.keys[self.routes.binary_search(&route).ok()?].clone())
    }
}

impl<'a> Ahead<'a> {
    /// What is known of the event with that place among those looked at.
    pub fn of(&self, place: usize) -> Known<'_, 'a> {
        let begin = if place == 0 { Ends::default() } else { self.ends[place - 1] };
        let end = self.ends[place];
        Known {
            true_ones: &self.true_ones[begin.true_ones..end.true_ones],
            failed: &self.failed[begin.failed..end.failed],
            concerned: &self.concerned[begin.concerned..end.concerned],
            routes: &self.routes[begin.keys..end.keys],
            keys: &self.keys[begin.keys..end.keys],
        }
    }

    fn clear(&mut self) {
        self.true_ones.clear();
        self.failed.clear();
        self.concerned.clear();
        self.routes.clear();
        self.keys.clear();
        self.ends.clear();
    }

    /// Adds what the answers for an event say.
    fn add(&mut self, audience: &Audience, answers: &Answers) {
        let from = self.concerned.len();
        self.true_ones.extend(answers.true_ones());
        self.failed.extend(answers.failed());
        self.concerned.extend(&audience.always().rules);
        for predicate in answers.true_ones() {
            self.concerned.extend(audience.rules(*predicate));
        }
        // A rule may be concerned by several predicates.
        self.concerned[from..].sort_unstable();
        let mut kept = from;
        for at in from..self.concerned.len() {
            let interest = self.concerned[at];
            let last = self.concerned[from..kept].last_mut();
            match last.filter(|last| (last.route, last.rule) == (interest.route, interest.rule)) {
                Some(last) => last.begins |= interest.begins,
                None => {
                    self.concerned[kept] = interest;
                    kept += 1;
                }
            }
        }
        self.concerned.truncate(kept);
    }

    /// Adds the keys by which the event that was added last goes to rules that it concerns.
    fn add_keys(&mut self, audience: &Audience, item: &'a Item, keys: &Keys) {
        let from = self.ends.last().map_or(0, |end| end.concerned);
        for rules in self.concerned[from..].chunk_by(|one, other| one.route == other.route) {
            let id = rules[0].route;
            let values = audience.route(id).key.iter().map(|field| item.event.value(*field));
            if let Some(key) = KeyRef::new(values).filter(|_| item.routes.has(id)) {
                self.routes.push(id);
                self.keys.push(keys.seek(key));
            }
        }
    }
}

impl Shard {
    /// Asks what can be asked of these events at once, and looks up their keys.
    pub(super) fn look_ahead<'a>(&mut self, program: &Program, items: &'a [Item], ahead: &mut Ahead<'a>) {
        ahead.clear();
        // An event that has waited for its turn is no longer near: it is read with the others, so that the
        // processor waits for all of them at once.
        black_box(items.iter().fold(0, |sum, item| sum ^ item.event.touch()));
        let many_keys = self.keys.len() > FEW_KEYS;
        for item in items {
            if let Some(audience) = program.audience(self.stratum, item.event.stream()) {
                self.answers.ask(audience.index(), &item.event, &self.tables);
                ahead.add(audience, &self.answers);
                if many_keys {
                    ahead.add_keys(audience, item, &self.keys);
                }
            }
            ahead.ends.push(Ends {
                true_ones: ahead.true_ones.len(),
                failed: ahead.failed.len(),
                concerned: ahead.concerned.len(),
                keys: ahead.keys.len(),
            });
        }
        self.keys.look_up(&mut ahead.keys);
    }
}
