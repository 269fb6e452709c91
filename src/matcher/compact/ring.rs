//! The graph of what runs have captured, as a ring of entries in the order in which they were made.
//!
//! An entry stands for a set of runs, each of which is a way from it down to a start:
//!
//! - an event taken, behind each of the runs that `before` stands for or, where there is nothing before,
//!   as the first of a run;
//! - besides these, the runs that `other` stands for.
//!
//! An entry that joins two others has no event: its runs are those of `before` and of `other`.
//!
//! No entry ever changes, and all refer to older ones: so copies of runs share what they have in common,
//! nothing is in a circle, and each run stands in one way for itself, because ways part only where an
//! event was both taken and not, or taken by several transitions. Where an entry points to one that has
//! left the ring, no run is alive that way.
//!
//! Entries are known by numbers that grow. The ring drops them from the front; entries of runs that an
//! event has ended stay until [`Ring::tidy`] makes the graph anew, which happens when as many entries
//! have come as there were: it adds two or three visits to what an entry costs.

use std::collections::VecDeque;
use std::num::NonZeroU32;

use smallvec::{SmallVec, smallvec};

use crate::event::{Event, SequencePoint};

/// So few entries are not tidied up.
const FEW: usize = 16;
/// Numbers begin anew, by tidying, when they come to this.
const LARGE: u32 = u32::MAX / 2;

/// An entry, by its number: of two, the one made later has the greater.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct EntryId(NonZeroU32);

impl EntryId {
    /// The first that there ever is.
    pub const FIRST: EntryId = EntryId(NonZeroU32::MIN);
}

/// How many runs, and how many captured events in all of them, something stands for at most.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Weight {
    pub runs: u32,
    pub events: u32,
}

impl Weight {
    /// Of one set of runs and another.
    pub fn and(self, other: Weight) -> Weight {
        Weight {
            runs: self.runs.saturating_add(other.runs),
            events: self.events.saturating_add(other.events),
        }
    }

    /// Of runs that have each taken one more event.
    fn longer(self) -> Weight {
        Weight { runs: self.runs, events: self.events.saturating_add(self.runs) }
    }
}

/// An entry of the graph.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    /// The event taken; none where the entry only joins two others.
    pub event: Option<Event>,
    /// What had been taken before; nothing where a run begins.
    pub before: Option<EntryId>,
    /// The runs that it stands for besides.
    pub other: Option<EntryId>,
    /// The newest start of a run that it stands for.
    newest: EntryId,
    /// Counted when it was made.
    weight: Weight,
    /// By which transition of the state, in which all runs `before` are, the event was taken.
    pub transition: u8,
}

impl Entry {
    /// Whether a run begins with it.
    pub fn is_start(&self) -> bool {
        self.event.is_some() && self.before.is_none()
    }
}

/// The entries, the oldest first.
#[derive(Clone, Debug)]
pub(super) struct Ring {
    entries: VecDeque<Entry>,
    /// The number of the first of them or, when there is none, of the next one.
    front: u32,
    /// How many entries have come, or were passed in vain, since the ring was tidy.
    stale: u32,
    /// How many it had then.
    kept: u32,
    /// How many of the entries are starts.
    starts: u32,
}

impl Default for Ring {
    fn default() -> Ring {
        Ring { entries: VecDeque::new(), front: EntryId::FIRST.0.get(), stale: 0, kept: 0, starts: 0 }
    }
}

impl Ring {
    /// How many entries there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// How many of them are starts.
    pub fn starts(&self) -> u32 {
        self.starts
    }

    /// The place of an entry, unless it has left the ring.
    pub fn place(&self, id: EntryId) -> Option<usize> {
        id.0.get().checked_sub(self.front).map(|place| place as usize)
    }

    /// An entry that is in the ring.
    pub fn entry(&self, id: EntryId) -> &Entry {
        let place = self.place(id).expect("an entry that is asked for has a live run");
        &self.entries[place]
    }

    /// The entries with their numbers, the oldest first.
    pub fn entries(&self) -> impl DoubleEndedIterator<Item = (usize, &Entry)> + ExactSizeIterator {
        self.entries.iter().enumerate()
    }

    /// The number of the entry at a place.
    pub fn id(&self, place: usize) -> EntryId {
        let number = NonZeroU32::new(self.front + place as u32);
        EntryId(number.expect("numbers begin with one"))
    }

    /// Whether the entry stands for a run that is alive.
    pub fn is_alive(&self, id: EntryId) -> bool {
        self.place(id).is_some_and(|place| self.entries[place].newest.0.get() >= self.front)
    }

    /// The newest start of a run that the entry stands for.
    pub fn newest(&self, id: EntryId) -> EntryId {
        self.entry(id).newest
    }

    /// How much the entry stands for at most.
    pub fn weight(&self, id: EntryId) -> Weight {
        self.entry(id).weight
    }

    /// The event of an entry with which a run begins.
    pub fn first(&self, start: EntryId) -> SequencePoint {
        self.point(start)
    }

    /// The event of an entry that has one.
    pub fn point(&self, id: EntryId) -> SequencePoint {
        self.event(id).point()
    }

    /// The event of an entry that has one.
    pub fn event(&self, id: EntryId) -> &Event {
        self.entry(id).event.as_ref().expect("what a run has taken is an event")
    }

    /// The first event of the oldest run that may be alive.
    pub fn oldest_event(&self) -> Option<&Event> {
        self.entries.front().map(|front| front.event.as_ref().expect("the front is a start"))
    }

    /// Its place in the order of all.
    pub fn oldest(&self) -> Option<SequencePoint> {
        self.oldest_event().map(Event::point)
    }

    /// Adds: the runs of `before` have taken an event or, if it is none, a run begins; and besides,
    /// those of `other`.
    pub fn take(
        &mut self,
        event: Event,
        transition: u8,
        before: Option<EntryId>,
        other: Option<EntryId>,
    ) -> EntryId {
        let id = self.id(self.entries.len());
        let newest = before.map_or(id, |before| self.newest(before));
        let weight = match before {
            Some(before) => self.weight(before).longer(),
            None => Weight { runs: 1, events: 1 },
        };
        self.push(Entry { event: Some(event), before, other, newest, weight, transition })
    }

    /// Adds: the runs of both.
    pub fn join(&mut self, one: EntryId, other: EntryId) -> EntryId {
        let (newest, weight) = (self.newest(one), self.weight(one));
        let before = Some(one);
        self.push(Entry { event: None, before, other: Some(other), newest, weight, transition: 0 })
    }

    /// Adds an entry of which `newest` and `weight` do not yet count `other`.
    fn push(&mut self, mut entry: Entry) -> EntryId {
        if let Some(other) = entry.other {
            entry.newest = entry.newest.max(self.newest(other));
            entry.weight = entry.weight.and(self.weight(other));
        }
        let id = self.id(self.entries.len());
        self.starts += u32::from(entry.is_start());
        if self.entries.capacity() == 0 {
            // Of most keys little is held; a ring would make room for four.
            self.entries.reserve_exact(2);
        }
        self.entries.push_back(entry);
        self.stale = self.stale.saturating_add(1);
        id
    }

    /// Drops from the front the starts that are `gone`, and what led to them only, up to the first start
    /// that is not.
    pub fn drop_starts(&mut self, gone: impl Fn(SequencePoint) -> bool) {
        while let Some(front) = self.entries.front() {
            if let (Some(event), None) = (&front.event, front.before) {
                if !gone(event.point()) {
                    return;
                }
                self.starts -= 1;
            }
            self.entries.pop_front();
            self.front += 1;
        }
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        let mut entries = std::mem::take(&mut self.entries);
        entries.clear();
        if entries.capacity() > FEW {
            entries = VecDeque::new();
        }
        *self = Ring { entries, ..Ring::default() };
    }

    /// Notes that so many entries were passed on the way to others though no run of theirs is alive.
    pub fn passed_in_vain(&mut self, entries: usize) {
        self.stale = self.stale.saturating_add(u32::try_from(entries).unwrap_or(u32::MAX));
    }

    /// Whether tidying pays.
    pub fn wants_tidying(&self) -> bool {
        self.stale > self.kept + FEW as u32 || self.front > LARGE
    }

    /// Whether so much has come since the ring was tidy that tidying it is cheap, told over all that has
    /// come.
    pub fn may_be_tidied(&self) -> bool {
        self.stale as usize * FEW >= self.len()
    }

    /// For each place, whether a live run goes that way from one of the `roots`, which are alive.
    pub fn reached(&self, roots: impl Iterator<Item = EntryId>) -> SmallVec<[bool; 32]> {
        let mut found: SmallVec<[bool; 32]> = smallvec![false; self.len()];
        let reached = &mut *found;
        for place in roots.filter_map(|root| self.place(root)) {
            reached[place] = true;
        }
        for (place, entry) in self.entries().rev() {
            if reached[place] {
                let next = [entry.before, entry.other].into_iter().flatten();
                for place in next.filter(|next| self.is_alive(*next)).filter_map(|next| self.place(next)) {
                    reached[place] = true;
                }
            }
        }
        found
    }

    /// Makes the graph anew with only what live runs need, and counts them: weights are exact then.
    /// `heads` are all that stands for runs, and alive.
    pub fn tidy<'h>(&mut self, heads: impl Iterator<Item = &'h mut EntryId>) {
        let heads: Vec<&mut EntryId> = heads.collect();
        let reached = &*self.reached(heads.iter().map(|head| **head));
        let needed = reached.iter().filter(|reached| **reached).count();
        let old = std::mem::take(self);
        let front = old.front;
        self.entries.reserve_exact(needed);
        // For each place of old, what stands there for its live runs now.
        let mut now: Vec<Option<EntryId>> = vec![None; reached.len()];
        for (place, entry) in old.entries.into_iter().enumerate() {
            if !reached[place] {
                continue;
            }
            let find = |id: EntryId| id.0.get().checked_sub(front).and_then(|place| now[place as usize]);
            let (before, other) = (entry.before.and_then(find), entry.other.and_then(find));
            now[place] = match (entry.is_start(), entry.event, before, other) {
                (true, Some(event), ..) => Some(self.take(event, entry.transition, None, other)),
                (_, Some(event), Some(_), _) => Some(self.take(event, entry.transition, before, other)),
                (_, None, Some(one), Some(other)) => Some(self.join(one, other)),
                // Of one that stood for two sets of runs, one is over.
                (.., one, other) => one.or(other),
            };
        }
        for head in heads {
            let place = (head.0.get() - front) as usize;
            *head = now[place].expect("a head has a live run");
        }
        self.settle();
    }

    /// Notes that it has nothing but what live runs need.
    pub fn settle(&mut self) {
        self.stale = 0;
        self.kept = self.len() as u32;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cases::size;
    use crate::event::{Position, StreamId, Timestamp};
    use crate::matcher::compact::paths::Paths;

    fn event(number: u64) -> Event {
        let position = Position { offset: number, ..Position::default() };
        Event::new(StreamId(0), Timestamp::from_micros(number as i64), position, [], [])
    }

    #[test]
    fn an_entry_is_as_large_as_its_cost_says() {
        assert_eq!(size_of::<Entry>(), crate::automaton::cost::ENTRY_BYTES);
    }

    #[test]
    fn a_graph_that_is_very_deep_is_walked_and_dropped_without_recursion() {
        let mut ring = Ring::default();
        let mut head = ring.take(event(0), 0, None, None);
        let deep = size(50_000, 300_000);
        for number in 1..deep as u64 {
            let start = ring.take(event(number), 0, None, None);
            let longer = ring.take(event(number), 1, Some(head), Some(start));
            head = ring.join(start, longer);
        }
        ring.drop_starts(|first| first.time < Timestamp::from_micros(deep - 1_000));
        ring.tidy(std::iter::once(&mut head));
        let mut paths = Paths::default();
        ring.runs_of(head, &mut paths);
        // Each start is there for itself, and once more by the join and once by what it became.
        assert!(paths.len() > 1_000);
    }

    #[test]
    fn numbers_begin_anew_before_they_are_used_up() {
        let mut ring = Ring { front: LARGE - 1, ..Ring::default() };
        let mut head = ring.take(event(0), 0, None, None);
        assert!(!ring.wants_tidying());
        for number in 1..5 {
            head = ring.take(event(number), 0, None, Some(head));
        }
        ring.drop_starts(|first| first.time < Timestamp::from_micros(3));
        assert!(ring.wants_tidying());
        ring.tidy(std::iter::once(&mut head));
        assert!(!ring.wants_tidying());
        assert_eq!((ring.len(), ring.weight(head)), (2, Weight { runs: 2, events: 2 }));
        assert_eq!(ring.oldest().map(|first| first.time), Some(Timestamp::from_micros(3)));
        assert_eq!(ring.newest(head).0.get(), 2);
    }

    #[test]
    fn tidying_keeps_what_live_runs_need() {
        let mut ring = Ring::default();
        let dead = ring.take(event(0), 0, None, None);
        let one = ring.take(event(1), 0, None, None);
        let of_both = ring.join(one, dead);
        let unused = ring.take(event(2), 0, Some(of_both), None);
        let mut head = ring.take(event(3), 0, Some(of_both), None);
        assert_eq!(ring.weight(head), Weight { runs: 2, events: 4 });
        ring.drop_starts(|first| first.time == Timestamp::from_micros(0));
        assert!(!ring.is_alive(dead) && ring.is_alive(unused) && ring.is_alive(head));
        ring.tidy(std::iter::once(&mut head));
        // The join has one side left, and the copy was of no lane.
        assert_eq!((ring.len(), ring.weight(head)), (2, Weight { runs: 1, events: 2 }));
    }
}
