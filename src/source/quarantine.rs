//! Counts and logs the records that are no events, and hands them over to be kept.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tracing::warn;

use crate::event::Duration;
use crate::quarantine::record::Record;
use crate::quarantine::writer::{Burst, Writer};
use crate::telemetry::catalogue::SourceMetrics;
use crate::telemetry::limit::{RateLimit, Verdict};

use super::reader::{Place, Quarantine, Rejection};
use super::{Clock, Identity};

/// How much of a record is shown.
const SHOWN_BYTES: usize = 200;
/// How many rejected records of one source are logged in each [`LOG_SPAN`].
const LOGGED: u64 = 10;
const LOG_SPAN: Duration = Duration::SECOND;
/// How many bytes of lines may wait here before no more is decoded. A line can be many times as long as
/// its record, so that one read alone could become far too much.
const WAITING: usize = 256 << 10;

/// Reports the rejected records of one source and stream, whichever connection they came through.
///
/// Who decodes calls [`Reports::flush`] after each pass: decoding cannot wait, and so what is to be kept
/// waits here until then.
pub struct Reports {
    source: Arc<str>,
    stream: String,
    metrics: Arc<SourceMetrics>,
    clock: Arc<dyn Clock>,
    limit: Mutex<RateLimit>,
    /// Where they are kept; `None`: they are not.
    writer: Option<Writer>,
    waiting: Mutex<Burst>,
}

impl Reports {
    /// For one source and stream.
    pub fn new(identity: &Identity, clock: Arc<dyn Clock>, writer: Option<Writer>) -> Reports {
        Reports {
            source: Arc::clone(&identity.name),
            stream: identity.schema.name.to_string(),
            metrics: Arc::clone(&identity.metrics),
            clock,
            limit: Mutex::new(RateLimit::new(LOGGED, LOG_SPAN)),
            writer,
            waiting: Mutex::default(),
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

    /// Hands over what was rejected since the last time. Waits while the file cannot keep up.
    pub async fn flush(&self) {
        let Some(writer) = &self.writer else { return };
        let burst = std::mem::take(&mut *self.waiting());
        writer.put(burst).await;
    }

    fn waiting(&self) -> MutexGuard<'_, Burst> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn keep(&self, place: Place, why: &Rejection, record: &[u8], header: Option<&[u8]>) {
        let record = Record {
            time: self.clock.now(),
            source: self.source.to_string(),
            stream: self.stream.clone(),
            partition: place.partition.0,
            offset: place.offset,
            number: place.line,
            reason: why.reason().name().to_owned(),
            detail: why.to_string(),
            // One that is no text can be the header of nothing.
            header: header.and_then(|header| std::str::from_utf8(header).ok()).map(str::to_owned),
            bytes: record.to_vec(),
            length: match why {
                Rejection::Oversized { length, .. } => Some(*length),
                _ => None,
            },
        };
        let line = record.to_line();
        self.waiting().push(&line);
    }
}

/// The quarantine of one partition.
impl Quarantine for &Reports {
    fn reject(&mut self, place: Place, why: &Rejection, record: &[u8]) {
        self.report(place, why, record, None);
    }

    fn reject_row(&mut self, place: Place, why: &Rejection, record: &[u8], header: &[u8]) {
        self.report(place, why, record, Some(header));
    }

    fn is_full(&self) -> bool {
        self.writer.is_some() && self.waiting().len() >= WAITING
    }
}

impl Reports {
    fn report(&self, place: Place, why: &Rejection, record: &[u8], header: Option<&[u8]>) {
        self.metrics.rejected.of(why.reason().name()).add(1);
        if self.writer.is_some() {
            self.keep(place, why, record, header);
        }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::Format;
    use crate::event::{PartitionId, StreamId, StreamSchema, Timestamp};
    use crate::quarantine::Settings;
    use crate::source::Decoding;
    use crate::source::SourceLimits;
    use crate::source::compression::Compression;
    use crate::source::framing::Framing;
    use crate::source::reader::{Batch, BatchLimits, Checks};
    use crate::telemetry::catalogue::KeptMetrics;

    struct Still;

    impl Clock for Still {
        fn now(&self) -> Timestamp {
            Timestamp::from_micros(0)
        }
    }

    fn identity() -> Identity {
        let schema = StreamSchema {
            name: "cards".into(),
            fields: Vec::new(),
            time: None,
            late: Duration::ZERO,
            idle: None,
            alerts_of: None,
        };
        Identity {
            name: "s".into(),
            index: 0,
            stream: StreamId(0),
            schema: Arc::new(schema),
            kept: crate::event::Kept::ALL,
            decoding: Decoding {
                format: Format::Json,
                framing: Framing::Lines,
                compression: Compression::None,
            },
            checks: Checks::default(),
            metrics: Arc::new(SourceMetrics::new("s")),
        }
    }

    /// The lines of short records are a hundred times as long as these; they must not pile up.
    #[tokio::test]
    async fn a_flood_of_garbage_is_kept_whole_and_takes_little_memory() {
        const RECORDS: usize = 50_000;
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("q");
        let metrics = Arc::new(KeptMetrics::new("quarantine"));
        let settings = Settings { file: file.clone(), max_size: 1 << 30 };
        let writer = Writer::start(settings, Arc::clone(&metrics)).expect("a thread");
        let identity = identity();
        let reports = Reports::new(&identity, Arc::new(Still), Some(writer.clone()));
        let limits = SourceLimits { max_line: 1 << 20, batch: BatchLimits { events: 10, bytes: 1_000 } };
        let mut reader = identity.reader(limits, PartitionId(0));
        let bytes = b"x\n".repeat(RECORDS);
        let mut rest = bytes.as_slice();
        while !rest.is_empty() {
            let space = reader.space();
            let count = space.len().min(rest.len());
            space[..count].copy_from_slice(&rest[..count]);
            reader.filled(count);
            rest = &rest[count..];
            let (mut batch, mut quarantine) = (Batch::default(), &reports);
            while reader.decode(Timestamp::MIN, limits.batch, &mut batch, &mut quarantine) {
                assert!(reports.waiting().len() < 2 * WAITING);
                reports.flush().await;
            }
            reports.flush().await;
        }
        writer.finish().await;
        assert_eq!((metrics.written.get(), metrics.lost.get()), (RECORDS as u64, 0));
        let text = std::fs::read_to_string(&file).expect("text");
        assert!(text.len() > 4 * WAITING, "the test is of use");
        let last = Record::from_line(text.lines().last().expect("a line").as_bytes()).expect("a record");
        assert_eq!((last.number, last.bytes.as_slice()), (RECORDS as u64, b"x".as_slice()));
        assert_eq!(
            (last.source.as_str(), last.stream.as_str(), last.reason.as_str()),
            ("s", "cards", "syntax")
        );
    }
}
