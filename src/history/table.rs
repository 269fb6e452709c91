//! The logs of all keys.

pub(super) mod shelf;
pub(super) mod stored;

use std::collections::BTreeMap;
use std::hash::BuildHasher;
use std::ops::Range;

use hashbrown::HashTable;
use hashbrown::hash_table::Entry;
use smallvec::SmallVec;

use super::log::Log;
use super::{LogId, LogSpec, Logs};
use crate::event::{Duration, Event, Seeded, SequencePoint, Timestamp, Value};
use crate::expression::{Faults, Scope};
use crate::table::Tables;

use shelf::{ColdLog, PastShelf};

/// Which log of which key.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Place {
    pub log: LogId,
    /// The rule's key and, after it, what [`LogSpec::same`] yields.
    pub key: SmallVec<[Value; 1]>,
}

/// The past of all keys, as far as rules read it.
#[derive(Clone, Debug, Default)]
pub struct Histories {
    hashing: Seeded,
    logs: HashTable<Held>,
    /// The logs that are not in memory.
    cold: HashTable<ColdLog>,
    /// Where their rows are, if logs may leave memory.
    shelf: Option<Box<PastShelf>>,
    /// The hashes of places by when their logs may have to be forgotten: each is there.
    expiry: BTreeMap<Timestamp, Vec<u64>>,
    events: usize,
    /// The hashes of the places whose logs have changed since they were stored last.
    changed: Vec<u64>,
    /// What was stored of logs that have been forgotten since.
    removed: Vec<(Place, Range<u64>)>,
    /// The hashes of the places whose logs are stored with other columns than they have now.
    outdated: Vec<u64>,
    /// About how many bytes of memory logs take, if somebody wants to know.
    bytes: usize,
    /// The number of the changes that were given out last, and of those up to which all are stored.
    generation: u64,
    stored: u64,
    /// The place in the table at which logs that may leave are looked for, and at how many places there was
    /// none since one was found last.
    hand: usize,
    in_vain: usize,
    brought_back: u64,
}

/// A log with its place.
#[derive(Clone, Debug)]
struct Held {
    place: Place,
    log: Log,
}

/// Logs are looked at for forgetting this many times within the length of their longest window, so
/// that one moment serves many.
const CHECKS: i64 = 64;

impl Histories {
    /// How many events they hold.
    pub fn events(&self) -> usize {
        self.events
    }

    /// Adds an event that has passed the log's filter; whether another was forgotten before its
    /// time because there are too many.
    pub fn push(
        &mut self,
        id: LogId,
        spec: &LogSpec,
        event: &Event,
        tables: &Tables,
        faults: &Faults,
    ) -> bool {
        let scope = Scope { event: Some(event), tables, ..Scope::bare(faults) };
        let parts = spec.same.iter().map(|part| part.value(&scope).into_owned());
        let key: SmallVec<[Value; 1]> =
            spec.key.iter().map(|field| event.value(*field).clone()).chain(parts).collect();
        if key.iter().any(Value::is_null) {
            // Nothing is equal to null: no reading would find it.
            return false;
        }
        let place = Place { log: id, key };
        let hash = self.hashing.hash_one(&place);
        self.bring_back(&place, hash, spec);
        let Histories { hashing, logs, expiry, events, changed, .. } = self;
        let spread = |held: &Held| hashing.hash_one(&held.place);
        let log = match logs.entry(hash, |held| held.place == place, spread) {
            Entry::Occupied(held) => &mut held.into_mut().log,
            Entry::Vacant(free) => {
                let due = coarse(event.time().end_of(spec.keep), spec.keep);
                expiry.entry(due).or_default().push(hash);
                &mut free.insert(Held { place, log: Log::new(spec) }).into_mut().log
            }
        };
        if !std::mem::replace(&mut log.stored.is_noted, true) {
            changed.push(hash);
        }
        let before = log.len();
        let forgot = log.push(spec, event);
        *events = *events + log.len() - before;
        forgot
    }

    /// The aggregate of a window; that of nothing where the key has no log. See [`Log::read`].
    pub(super) fn read(
        &mut self,
        place: &Place,
        spec: &LogSpec,
        window: usize,
        (now, current): (Timestamp, Option<SequencePoint>),
        fits: impl FnMut(&dyn Fn(usize) -> Value) -> bool,
    ) -> Value {
        let hash = self.hashing.hash_one(place);
        self.bring_back(place, hash, spec);
        match self.logs.find_mut(hash, |held| held.place == *place) {
            Some(Held { log, .. }) => log.read(spec, window, now, current, fits),
            None => spec.windows[window].nothing(),
        }
    }

    /// Event time has come to `now`: forgets the keys whose events have all left their windows.
    pub fn expire(&mut self, now: Timestamp, logs: &Logs) {
        while let Some(due) = self.expiry.first_entry().filter(|due| *due.key() < now) {
            for hash in due.remove() {
                let next = self.forget(hash, now, logs);
                // Several have the same hash about once in the time of the universe; they do not get lost.
                let next = next.into_iter().chain(self.forget_cold(hash, now, logs)).min();
                next.into_iter().for_each(|next| self.expiry.entry(next).or_default().push(hash));
            }
        }
    }

    /// Forgets the log in memory whose place has that hash if it is over; when to look again if it is not.
    fn forget(&mut self, hash: u64, now: Timestamp, logs: &Logs) -> Option<Timestamp> {
        let Histories { hashing, logs: table, .. } = self;
        let held = table.find_entry(hash, |held| hashing.hash_one(&held.place) == hash).ok()?;
        let spec = logs.get(held.get().place.log);
        let over = held.get().log.over(spec);
        if over >= now {
            return Some(coarse(over, spec.keep));
        }
        let (Held { log, place }, _) = held.remove();
        self.events -= log.len();
        self.bytes -= log.stored.bytes;
        if !log.stored.chunks.is_empty() {
            self.removed.push((place, log.stored.chunks));
        }
        None
    }

    /// The same of one that is not in memory.
    fn forget_cold(&mut self, hash: u64, now: Timestamp, logs: &Logs) -> Option<Timestamp> {
        let Histories { hashing, cold, .. } = self;
        let cold = cold.find_entry(hash, |cold| hashing.hash_one(&cold.place) == hash).ok()?;
        let keep = logs.get(cold.get().place.log).keep;
        if cold.get().over >= now {
            return Some(coarse(cold.get().over, keep));
        }
        let (cold, _) = cold.remove();
        self.events -= cold.events as usize;
        let chunks = cold.chunks();
        self.removed.push((cold.place, chunks));
        None
    }
}

/// The first of the moments for looking at logs that keep events for `keep` that is not before `time`.
fn coarse(time: Timestamp, keep: Duration) -> Timestamp {
    let step = (keep.as_micros() / CHECKS).max(1);
    let past = time.as_micros().rem_euclid(step);
    if past == 0 { time } else { time.saturating_add(Duration::from_micros(step - past)) }
}
