//! The runs as they would be held one by one: for looking at them, and for going on with them so.

use super::paths::Paths;
use super::ring::EntryId;
use super::{CompactRuns, within};
use crate::automaton::CompiledRule;
use crate::event::Timestamp;
use crate::matcher::Run;
use crate::matcher::step::Place;

impl CompactRuns {
    /// The runs that are not over before `passed`, each as it would stand in a list, and in its order.
    pub fn runs(&self, rule: &CompiledRule, passed: Timestamp) -> Vec<Run> {
        let mut paths = Paths::default();
        let mut places: Vec<Place> = Vec::new();
        for lane in &self.lanes {
            self.ring.runs_of(lane.head, &mut paths);
            places.resize(paths.len(), lane.place);
        }
        let within = within(rule);
        let is_over = |path: &[EntryId]| self.ring.first(path[0]).time.end_of(within) < passed;
        let mut all: Vec<(&[EntryId], Place)> =
            paths.iter().zip(places).filter(|(path, _)| !is_over(path)).collect();
        all.sort_unstable_by(|(one, _), (other, _)| self.ring.in_order_of_list(one, other));
        let mut history = History { runs: self, rule, taken: Vec::new() };
        all.into_iter().map(|(path, place)| history.run(path, place)).collect()
    }
}

/// Lets runs take their events again, one run after the other: what a run has in common with the one
/// before it is taken once, and shared as copies of a run share it.
struct History<'a> {
    runs: &'a CompactRuns,
    rule: &'a CompiledRule,
    /// The run made last after each of its events.
    taken: Vec<(EntryId, Run)>,
}

impl History<'_> {
    fn run(&mut self, path: &[EntryId], place: Place) -> Run {
        let common = self.taken.iter().zip(path).take_while(|((known, _), id)| known == *id).count();
        self.taken.truncate(common);
        for id in &path[common..] {
            let run = self.next(*id);
            self.taken.push((*id, run));
        }
        let (_, run) = self.taken.last().expect("a run has taken an event");
        let mut run = run.clone();
        debug_assert_eq!(run.state, place.state);
        run.frontier = place.frontier;
        run.fresh = place.fresh;
        run.settle(self.rule);
        run
    }

    /// The run made last, after the event of one more entry.
    fn next(&mut self, id: EntryId) -> Run {
        let (entry, event) = (self.runs.ring.entry(id), self.runs.ring.event(id));
        let start = || Run::start(self.rule, event);
        let mut run = self.taken.last_mut().map_or_else(start, |(_, run)| run.part());
        run.take(self.rule, entry.transition, event);
        // A run that is complete is reported at once, or dropped with the report of another.
        run.reported |= self.rule.automaton.state(run.state).accepting;
        run
    }
}
