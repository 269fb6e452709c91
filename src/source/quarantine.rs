//! Counts and logs the records that are no events.

use std::sync::{Arc, Mutex, PoisonError};

use tracing::warn;

use crate::event::Duration;
use crate::telemetry::catalogue::SourceMetrics;
use crate::telemetry::limit::{RateLimit, Verdict};

use super::reader::{Place, Quarantine, Rejection};
use super::{Clock, Identity};

/// How much of a record is shown.
const SHOWN_BYTES: usize = 200;
/// How many rejected records of one source are logged in each [`LOG_SPAN`].
const LOGGED: u64 = 10;
const LOG_SPAN: Duration = Duration::SECOND;

/// Reports the rejected records of one source, whichever connection they came through.
pub struct Reports {
    source: Arc<str>,
    metrics: Arc<SourceMetrics>,
    clock: Arc<dyn Clock>,
    limit: Mutex<RateLimit>,
}

impl Reports {
    /// For one source.
    pub fn new(identity: &Identity, clock: Arc<dyn Clock>) -> Reports {
        Reports {
            source: Arc::clone(&identity.name),
            metrics: Arc::clone(&identity.metrics),
            clock,
            limit: Mutex::new(RateLimit::new(LOGGED, LOG_SPAN)),
        }
    }

    /// Whether one more line may be logged now; if so, how many were not.
    pub fn may_log(&self) -> Option<u64> {
        // A limit whose holder panicked is as good as before: it is a few numbers.
        let mut limit = self.limit.lock().unwrap_or_else(PoisonError::into_inner);
        match limit.check(self.clock.now()) {
            Verdict::Show { held_back } => Some(held_back),
            Verdict::HoldBack => None,
        }
    }
}

/// The quarantine of one partition.
impl Quarantine for &Reports {
    fn reject(&mut self, place: Place, why: &Rejection, record: &[u8]) {
        self.metrics.rejected.of(why.reason().name()).add(1);
        let Some(held_back) = self.may_log() else { return };
        warn!(
            source = %self.source,
            partition = place.partition.0,
            offset = place.offset,
            line = place.line,
            kind = why.reason().name(),
            reason = ?why.to_string(),
            record = ?excerpt(record),
            not_logged = held_back,
            "rejected a record"
        );
    }
}

/// The beginning of a record as text.
fn excerpt(record: &[u8]) -> String {
    let shown = &record[..record.len().min(SHOWN_BYTES)];
    String::from_utf8_lossy(shown).into_owned()
}
