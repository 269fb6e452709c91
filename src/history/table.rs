//! The logs of all keys.

use std::collections::BTreeMap;

use hashbrown::HashMap;
use smallvec::SmallVec;

use super::log::Log;
use super::{LogId, LogSpec, Logs};
use crate::event::{Duration, Event, Seeded, SequencePoint, Timestamp, Value};
use crate::expression::{Faults, Scope};
use crate::table::Tables;

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
    logs: HashMap<Place, Log, Seeded>,
    /// When logs may have to be forgotten: each has one entry.
    expiry: BTreeMap<Timestamp, Vec<Place>>,
    events: usize,
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
        let expiry = &mut self.expiry;
        let log = self.logs.entry(Place { log: id, key }).or_insert_with_key(|place| {
            let due = coarse(event.time().end_of(spec.keep), spec.keep);
            expiry.entry(due).or_default().push(place.clone());
            Log::new(spec)
        });
        let before = log.len();
        let forgot = log.push(spec, event);
        self.events = self.events + log.len() - before;
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
        match self.logs.get_mut(place) {
            Some(log) => log.read(spec, window, now, current, fits),
            None => spec.windows[window].nothing(),
        }
    }

    /// Event time has come to `now`: forgets the keys whose events have all left their windows.
    pub fn expire(&mut self, now: Timestamp, logs: &Logs) {
        while let Some(due) = self.expiry.first_entry().filter(|due| *due.key() < now) {
            for place in due.remove() {
                let spec = logs.get(place.log);
                let log = self.logs.get(&place).expect("each log is noted once, until it is forgotten");
                let over = log.over(spec);
                if over < now {
                    self.events -= log.len();
                    self.logs.remove(&place);
                } else {
                    self.expiry.entry(coarse(over, spec.keep)).or_default().push(place);
                }
            }
        }
    }
}

/// The first of the moments for looking at logs that keep events for `keep` that is not before `time`.
fn coarse(time: Timestamp, keep: Duration) -> Timestamp {
    let step = (keep.as_micros() / CHECKS).max(1);
    let past = time.as_micros().rem_euclid(step);
    if past == 0 { time } else { time.saturating_add(Duration::from_micros(step - past)) }
}
