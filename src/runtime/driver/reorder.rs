//! What is held back so that not too much waits for its turn.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use tracing::error;

use crate::event::{Duration, Event, Timestamp};
use crate::source::flow::{Flow, Id};
use crate::source::reader::Batch;
use crate::telemetry::catalogue::EngineMetrics;
use crate::telemetry::limit::{RateLimit, Verdict};

use super::super::engines::Engines;

/// While nothing can be read, this is said so often.
const STUCK_LOGGED: Duration = Duration::from_micros(10_000_000);

/// What is to happen when much waits for its turn in the order.
///
/// From half of the bound on, partitions that are ahead of event time are paused: what they send would
/// only wait. Those that hold event time back are read on, for nothing else lets it move. At the bound
/// nothing is read any more, and nothing is dropped or decided too early. That can happen only when a
/// stream's own `late` spans more events than the bound has room for: what had been read of a partition
/// before it learnt that it is paused comes on top of the bound, or it could stop those for whom it waits.
pub struct Reorder {
    /// Most bytes of events that wait.
    bound: usize,
    flow: Arc<Flow>,
    /// The partitions that are paused, with the bytes of the events that have come from them since.
    paused: BTreeMap<Id, usize>,
    /// How many bytes of events the last batch had.
    last: usize,
    /// How many of those that led to the first pause went beyond half of the bound.
    excess: usize,
    complaints: RateLimit,
}

impl Reorder {
    /// Holds to a bound, in bytes.
    pub fn new(bound: usize, flow: Arc<Flow>) -> Reorder {
        let complaints = RateLimit::new(1, STUCK_LOGGED);
        Reorder { bound, flow, paused: BTreeMap::new(), last: 0, excess: 0, complaints }
    }

    /// The partitions that are paused.
    pub fn paused(&self) -> impl Iterator<Item = &Id> {
        self.paused.keys()
    }

    /// A batch has come. One of a partition that is paused was on its way before.
    pub fn arrives(&mut self, batch: &Batch) {
        let Some(first) = batch.events.first() else { return };
        self.last = batch.events.iter().map(Event::footprint).sum();
        if let Some(bytes) = self.paused.get_mut(&(first.stream(), first.position().partition)) {
            *bytes += self.last;
        }
    }

    /// Pauses and lets go partitions according to what waits.
    pub fn hold(&mut self, engines: &Engines, metrics: &EngineMetrics, now: Timestamp) {
        let Reorder { bound, flow, paused, last, excess, complaints } = self;
        let (bytes, half) = (engines.waiting_bytes(), *bound / 2);
        if paused.is_empty() {
            if bytes <= half {
                return;
            }
            // Where nobody is ahead nobody was to pause, and the bound is what it says.
            *excess = if engines.ahead().next().is_some() { (bytes - half).min(*last) } else { 0 };
        }
        let on_the_way: usize = paused.values().sum();
        let is_stuck = bytes >= half.saturating_add(half).saturating_add(*excess).saturating_add(on_the_way);
        // Who has been paused goes on only when there is room again, or it would stop and go with
        // every batch.
        let next: BTreeSet<Id> = match bytes {
            _ if is_stuck => engines.open_partitions().collect(),
            _ if bytes > half => engines.ahead().collect(),
            _ if bytes > half / 2 => engines.ahead().filter(|id| paused.contains_key(id)).collect(),
            _ => BTreeSet::new(),
        };
        if !next.iter().eq(paused.keys()) {
            *paused = next.iter().map(|id| (*id, paused.get(id).copied().unwrap_or_default())).collect();
            flow.pause(next);
        }
        metrics.paused.set(paused.len() as u64);
        metrics.stuck.set(u64::from(is_stuck));
        if is_stuck && matches!(complaints.check(now), Verdict::Show { .. }) {
            error!(
                bytes,
                bound,
                "nothing is read: the events that wait within `late` of their streams need more than \
                 `limits.reorder_bytes`; set it higher, or `late` lower"
            );
        }
    }
}
