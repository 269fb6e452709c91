//! Runs held together: what moves alike is moved once, however many runs that are.
//!
//! For rules whose tests ask of the event alone and whose runs are limited in time by the `within` of
//! the whole match only ([`Representation::Compact`] says which rules these are). Then an event does
//! the same to all runs that stand at the same [`Place`]. They make a *lane*, and what they have
//! captured is one entry of a shared graph, the lane's head, that stands for all of them. The graph is
//! the tECS of CORE (Bucchi, Grez, Quintana, Riveros, Vansummeren: "CORE: a Complex Event Recognition
//! Engine", VLDB 2022, arXiv 2111.04635), changed in that an entry is an output node and a union node
//! in one, which takes half the memory.
//!
//! Enters: events of one key in order, and the passing of time. Leaves: the same reports, in the same
//! order, as from a [`RunList`]. An event costs as many steps as there are lanes, whatever the number of
//! runs, and a match as many as it has events.
//!
//! - [`ring`] holds the graph, in the order in which entries were made. **The entry at the front is the
//!   start of the oldest run that may be alive**, so that being alive is a comparison of numbers. That
//!   suffices because whatever ends runs, other than an event that their place cannot go on with, ends
//!   those that began before some moment: `within`, because all have the same, so that runs end in the
//!   order in which they began; the reports of `overlap none`, which drop all; and those of
//!   `overlap resume`, which drop what began before some event. `overlap per start` drops others as
//!   well, but without `any` each start has one run, the one that has just been reported, and it is
//!   left out of its lane.
//! - [`offer`] moves the lanes, [`paths`] finds the runs that an entry stands for, and [`report`]
//!   reports those that are complete.
//! - [`lone`] is the first run of a key as long as it has only begun.
//! - [`limits`] keeps `max runs` and `max events`: entries know how many runs and captured events they
//!   stand for at most. Where that is too much also after counting exactly, the runs are held one by
//!   one from then on, until there is none any more. So what a limit drops is the list's decision alone.
//!
//! **Time.** A run may take an event at its very deadline, `within` after its first event, and is gone
//! when event time passes it: before an event of a later time is offered. So an event first drops the
//! starts whose deadline lies before it. While nothing happens, runs that are over stay in the ring
//! without being seen. Only that the last of them is over must be known on time, because then nothing is
//! held for the key any more: [`CompactRuns::due`] is never later than the deadline of the newest start,
//! and is moved on when it comes too early. So a key with many runs sets few timers.
//!
//! [`Representation::Compact`]: crate::automaton::Representation::Compact
//! [`Place`]: super::step::Place

mod limits;
mod lone;
mod offer;
mod one_by_one;
mod paths;
mod report;
mod ring;
mod stored;
#[cfg(test)]
mod tests;

use smallvec::SmallVec;

use super::Matcher;
use super::step::Place;
use crate::automaton::{CompiledRule, StateId};
use crate::event::{Duration, Event, SequencePoint, Timestamp};
pub use lone::Lone;
use ring::{EntryId, Ring};

/// The runs of one rule for one key, those of a place together.
#[derive(Clone, Debug)]
pub struct CompactRuns {
    ring: Ring,
    /// In the order of their places, which are different; each has a run that is alive.
    lanes: SmallVec<[Lane; 1]>,
    /// The deadline of the start at the front of the ring.
    oldest_until: Timestamp,
    /// The newest start that had a run when [`CompactRuns::due`] was settled last.
    newest: EntryId,
    /// Whether a run can become several.
    copies: bool,
    due: Timestamp,
}

/// The runs that stand at one place.
#[derive(Clone, Copy, Debug)]
struct Lane {
    place: Place,
    /// What stands for all of them.
    head: EntryId,
}

impl CompactRuns {
    /// No runs; `copies`: whether a run of the rule can become several.
    pub fn new(copies: bool) -> CompactRuns {
        CompactRuns {
            ring: Ring::default(),
            lanes: SmallVec::new(),
            oldest_until: Timestamp::MAX,
            newest: EntryId::FIRST,
            copies,
            due: Timestamp::MAX,
        }
    }

    /// How many runs are alive, at most: those that are over since they were counted last are in it.
    pub fn len(&self) -> usize {
        self.weight().runs as usize
    }

    /// Gives for each state in which runs stand how many do at most.
    pub fn states(&self, give: &mut impl FnMut(StateId, u64)) {
        let most = self.len() as u64;
        for lane in &self.lanes {
            give(lane.place.state, u64::from(self.ring.weight(lane.head).runs).min(most));
        }
    }

    /// Reads something of the oldest event that they hold: the first to be given up.
    pub fn touch_event(&self) -> u64 {
        self.ring.oldest_event().map_or(0, Event::touch)
    }

    /// Gives the events that they hold.
    pub fn events<'a>(&'a self, give: &mut impl FnMut(&'a Event)) {
        self.ring.entries().filter_map(|(_, entry)| entry.event.as_ref()).for_each(give);
    }

    /// Whether no run is alive. Exact, as long as the passing of time is told when it is due.
    pub fn is_empty(&self) -> bool {
        self.lanes.is_empty()
    }

    /// The next moment at which the passing of time may leave no run alive; [`Timestamp::MAX`] when none
    /// is.
    pub fn due(&self) -> Timestamp {
        self.due
    }

    /// Drops the runs whose deadline is `over`.
    fn expire(&mut self, within: Duration, over: impl Fn(Timestamp) -> bool) {
        if over(self.oldest_until) {
            self.drop_starts(within, |first| over(first.time.end_of(within)));
        }
    }

    /// Drops the runs whose first event is `gone`, as all before it must be.
    fn drop_starts(&mut self, within: Duration, gone: impl Fn(SequencePoint) -> bool) {
        self.ring.drop_starts(gone);
        let CompactRuns { ring, lanes, .. } = self;
        lanes.retain(|lane| ring.is_alive(lane.head));
        self.oldest_until = self.ring.oldest().map_or(Timestamp::MAX, |first| first.time.end_of(within));
    }

    /// Brings [`CompactRuns::due`] and the ring up to date, when the lanes are as an event or the passing
    /// of time leaves them.
    fn settle(&mut self, within: Duration) {
        let Some(newest) = self.lanes.iter().map(|lane| self.ring.newest(lane.head)).max() else {
            self.ring.clear();
            self.oldest_until = Timestamp::MAX;
            self.due = Timestamp::MAX;
            return;
        };
        if self.due == Timestamp::MAX || newest < self.newest {
            self.due = self.due.min(self.ring.first(newest).time.end_of(within));
        }
        self.newest = newest;
        if self.ring.wants_tidying() {
            self.tidy(within);
        }
    }

    /// Throws out of the ring what no live run needs, and counts the live runs exactly.
    fn tidy(&mut self, within: Duration) {
        self.ring.tidy(self.lanes.iter_mut().map(|lane| &mut lane.head));
        self.newest =
            self.lanes.iter().map(|lane| self.ring.newest(lane.head)).max().unwrap_or(EntryId::FIRST);
        self.oldest_until = self.ring.oldest().map_or(Timestamp::MAX, |first| first.time.end_of(within));
    }
}

impl Matcher<'_> {
    /// Event time has passed `now`: forgets the runs whose deadline that was.
    pub(in crate::matcher) fn pass_time_in_compact(&self, set: &mut CompactRuns, now: Timestamp) {
        let within = within(self.rule);
        set.expire(within, |until| until <= now);
        set.due = Timestamp::MAX;
        set.settle(within);
    }
}

/// The time limit of the rule's matches.
fn within(rule: &CompiledRule) -> Duration {
    rule.rule.within.expect("runs are held together where `within` limits them")
}
