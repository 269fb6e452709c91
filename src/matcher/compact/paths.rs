//! Finding the runs that entries stand for: all of them, or the first to be reported.
//!
//! A run is a way through the graph, here with the entry of its first event first. Ways on which no run
//! is alive are not gone, so that finding runs takes as many steps as they have captured events; entries
//! of which only `other` is left alive are passed in vain, which is counted and leads to tidying.

use std::cmp::{Ordering, Reverse};

use super::ring::{EntryId, Ring};

/// Ways through the graph.
#[derive(Debug, Default)]
pub(super) struct Paths {
    /// One after the other.
    entries: Vec<EntryId>,
    /// Where each ends.
    ends: Vec<usize>,
    /// How many entries were passed in vain.
    pub in_vain: usize,
}

impl Paths {
    /// Adds a way whose newest entry is given first.
    fn push(&mut self, newest_first: &[EntryId]) {
        self.entries.extend(newest_first.iter().rev());
        self.ends.push(self.entries.len());
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// The ways.
    pub fn iter(&self) -> impl Iterator<Item = &[EntryId]> {
        let begins = std::iter::once(0).chain(self.ends.iter().copied());
        begins.zip(&self.ends).map(|(begin, end)| &self.entries[begin..*end])
    }
}

/// What comes first among the runs that an entry stands for: the oldest start, and of the runs that
/// began with it the longest.
type Best = (EntryId, Reverse<usize>);

/// What is still to be gone.
struct Fork {
    entry: EntryId,
    /// How many entries of the way come after it.
    depth: usize,
    /// Whether also the runs are wanted that the entry stands for besides those that took its event.
    with_others: bool,
}

impl Ring {
    /// Adds to `paths` all live runs that the head of a lane stands for.
    pub fn runs_of(&self, head: EntryId, paths: &mut Paths) {
        let fork = Fork { entry: head, depth: 0, with_others: true };
        self.walk(vec![fork], paths, |entry, _| self.is_alive(entry), |_| true);
    }

    /// The live runs that took the events of these entries.
    pub fn takers(&self, taken: &[EntryId]) -> Paths {
        let mut paths = Paths::default();
        let forks = taken.iter().map(|&entry| Fork { entry, depth: 0, with_others: false });
        self.walk(forks.collect(), &mut paths, |entry, _| self.is_alive(entry), |_| true);
        paths
    }

    /// Of the live runs that took the events of these entries, the longest of those with the oldest
    /// start. It is found in as many steps as the ring has entries, however many runs there are.
    pub fn first_takers(&self, taken: &[EntryId]) -> Paths {
        let before = |entry: &EntryId| self.entry(*entry).before;
        let best = self.best(&self.reached(taken.iter().filter_map(before)));
        let best_of = |entry: EntryId| self.place(entry).and_then(|place| best[place]);
        let of_taker = |entry: &EntryId| match before(entry) {
            None => Some((*entry, Reverse(1))),
            Some(before) => best_of(before).map(longer),
        };
        let mut paths = Paths::default();
        let Some((start, Reverse(len))) = taken.iter().filter_map(of_taker).min() else { return paths };
        let firsts = taken.iter().filter(|entry| of_taker(entry) == Some((start, Reverse(len))));
        let forks = firsts.map(|&entry| Fork { entry, depth: 0, with_others: false }).collect();
        let follows = |entry, depth| best_of(entry).is_some_and(|best| best == (start, Reverse(len - depth)));
        self.walk(forks, &mut paths, follows, |path| path.len() == len && path.last() == Some(&start));
        paths
    }

    /// The best run of each entry that is reached, by place.
    fn best(&self, reached: &[bool]) -> Vec<Option<Best>> {
        let mut best: Vec<Option<Best>> = vec![None; reached.len()];
        for (place, entry) in self.entries().filter(|(place, _)| reached[*place]) {
            let of = |id: EntryId| self.place(id).and_then(|place| best[place]);
            let own = match (entry.is_start(), &entry.event) {
                (true, _) => Some((self.id(place), Reverse(1))),
                (_, Some(_)) => entry.before.and_then(of).map(longer),
                (_, None) => entry.before.and_then(of),
            };
            best[place] = own.into_iter().chain(entry.other.and_then(of)).min();
        }
        best
    }

    /// Goes all ways from `forks` down to starts, entering only entries that `follows` allows for so many
    /// entries after them, and adds to `paths` those that are `wanted`, which sees the newest entry first.
    fn walk(
        &self,
        mut forks: Vec<Fork>,
        paths: &mut Paths,
        follows: impl Fn(EntryId, usize) -> bool,
        wanted: impl Fn(&[EntryId]) -> bool,
    ) {
        let mut path = Vec::new();
        while let Some(Fork { entry: id, depth, with_others }) = forks.pop() {
            path.truncate(depth);
            let entry = self.entry(id);
            if let Some(entry) = entry.other.filter(|other| with_others && follows(*other, depth)) {
                forks.push(Fork { entry, depth, with_others: true });
            }
            let depth = depth + usize::from(entry.event.is_some());
            match entry.before {
                None => {
                    path.push(id);
                    if wanted(&path) {
                        paths.push(&path);
                    }
                }
                Some(before) if follows(before, depth) => {
                    if entry.event.is_some() {
                        path.push(id);
                    }
                    forks.push(Fork { entry: before, depth, with_others: true });
                }
                Some(_) => paths.in_vain += 1,
            }
        }
    }

    /// The order in which runs are reported: by first event, longest first, by captured positions from
    /// left to right, then as preferred. Runs that took the same events came apart where both took one,
    /// by different transitions of the same state: the one of the preferred transition comes first.
    pub fn in_order_of_reports(&self, one: &[EntryId], other: &[EntryId]) -> Ordering {
        let events = || one.iter().zip(other).map(|(one, other)| self.compare_events(*one, *other));
        let transitions = || one.iter().zip(other).map(|(one, other)| self.compare_transitions(*one, *other));
        one[0]
            .cmp(&other[0])
            .then(other.len().cmp(&one.len()))
            .then_with(|| first_difference(events()))
            .then_with(|| first_difference(transitions()))
    }

    /// The order of runs in a list: by first event, then as preferred. Copies of a run that take an event
    /// stand before the run itself, in the order of their transitions.
    pub fn in_order_of_list(&self, one: &[EntryId], other: &[EntryId]) -> Ordering {
        let steps = one.iter().zip(other).map(|(one, other)| {
            self.compare_events(*one, *other).then_with(|| self.compare_transitions(*one, *other))
        });
        one[0].cmp(&other[0]).then_with(|| first_difference(steps)).then(other.len().cmp(&one.len()))
    }

    fn compare_events(&self, one: EntryId, other: EntryId) -> Ordering {
        if one == other { Ordering::Equal } else { self.point(one).cmp(&self.point(other)) }
    }

    fn compare_transitions(&self, one: EntryId, other: EntryId) -> Ordering {
        self.entry(one).transition.cmp(&self.entry(other).transition)
    }
}

/// The best run of those that have taken one more event.
fn longer((start, Reverse(len)): Best) -> Best {
    (start, Reverse(len + 1))
}

fn first_difference(mut steps: impl Iterator<Item = Ordering>) -> Ordering {
    steps.find(|step| step.is_ne()).unwrap_or(Ordering::Equal)
}
