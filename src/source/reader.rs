//! From the bytes of one partition to batches of events.
//!
//! Enters: bytes as they are read. Leaves: decoded events in batches bounded by count and bytes, and
//! the records that are no events, each with its place and the reason. No record is dropped without
//! being reported.

use crate::codec::{Decoder, Malformed};
use crate::event::{Event, PartitionId, Position, Timestamp};

use super::lines::{Content, Line, Lines};

/// Where a record stood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The partition of the stream.
    pub partition: PartitionId,
    /// Offset in bytes of its first byte in the partition.
    pub offset: u64,
    /// Its line, from 1.
    pub line: u64,
}

/// Why a record is not an event.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Rejection {
    /// It is not what the stream declares.
    #[error(transparent)]
    Malformed(#[from] Malformed),
    /// The bytes ended in the middle of it.
    #[error("the line is not complete: {0}")]
    Incomplete(Malformed),
    /// It is longer than allowed.
    #[error("the line has {length} bytes, and `max_line` allows {limit}")]
    Oversized {
        /// Its length in bytes.
        length: u64,
        /// The limit in bytes.
        limit: usize,
    },
}

/// The kinds of [`Rejection`], which are counted apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    /// Not a JSON object, or not UTF-8.
    Syntax,
    /// A required field is missing.
    Missing,
    /// A field of another type.
    WrongType,
    /// Cut off by the end of the bytes.
    Incomplete,
    /// Longer than allowed.
    Oversized,
}

impl Reason {
    /// The word for it in logs and metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Reason::Syntax => "syntax",
            Reason::Missing => "missing_field",
            Reason::WrongType => "wrong_type",
            Reason::Incomplete => "incomplete",
            Reason::Oversized => "oversized",
        }
    }
}

impl Rejection {
    /// Its kind.
    pub fn reason(&self) -> Reason {
        match self {
            Rejection::Malformed(Malformed::Syntax(_)) => Reason::Syntax,
            Rejection::Malformed(Malformed::Missing { .. }) => Reason::Missing,
            Rejection::Malformed(Malformed::WrongType { .. }) => Reason::WrongType,
            Rejection::Incomplete(_) => Reason::Incomplete,
            Rejection::Oversized { .. } => Reason::Oversized,
        }
    }
}

/// Takes the records that are no events.
pub trait Quarantine {
    /// A record is not an event. `record` is empty for an oversized one.
    fn reject(&mut self, place: Place, why: &Rejection, record: &[u8]);

    /// Whether it holds so much that nothing more should be decoded until it has passed it on.
    fn is_full(&self) -> bool {
        false
    }
}

/// How large a batch may grow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchLimits {
    /// Most events.
    pub events: usize,
    /// Most bytes of records; one record more may exceed it.
    pub bytes: usize,
}

/// Decoded events on their way to the engine.
#[derive(Debug, Default)]
pub struct Batch {
    /// The events, in the order of their positions.
    pub events: Vec<Event>,
    /// Bytes of their records.
    pub bytes: usize,
}

impl Batch {
    /// Whether it has reached one of its limits.
    pub fn is_full(&self, limits: BatchLimits) -> bool {
        self.events.len() >= limits.events || self.bytes >= limits.bytes
    }

    fn push(&mut self, event: Event) {
        self.bytes += event.raw().len();
        self.events.push(event);
    }
}

/// Reads the events of one partition.
pub struct Reader {
    lines: Lines,
    max_line: usize,
    decoder: Box<dyn Decoder>,
    partition: PartitionId,
}

impl Reader {
    /// A reader of `partition` at its beginning.
    pub fn new(decoder: Box<dyn Decoder>, partition: PartitionId, max_line: usize) -> Reader {
        Reader { lines: Lines::new(max_line), max_line, decoder, partition }
    }

    /// The partition that is read.
    pub fn partition(&self) -> PartitionId {
        self.partition
    }

    /// Space for the next read; see [`Lines::space`].
    pub fn space(&mut self) -> &mut [u8] {
        self.lines.space()
    }

    /// Says how much of the space has been filled; see [`Lines::filled`].
    pub fn filled(&mut self, count: usize) {
        self.lines.filled(count);
    }

    /// Decodes what has been read into `batch`, up to its limits and to what `quarantine` holds. Returns
    /// whether it stopped at a limit, so that there may be more.
    pub fn decode(
        &mut self,
        arrival: Timestamp,
        limits: BatchLimits,
        batch: &mut Batch,
        quarantine: &mut dyn Quarantine,
    ) -> bool {
        while !batch.is_full(limits) && !quarantine.is_full() {
            let Some(line) = self.lines.next_line() else { return false };
            let place = Place { partition: self.partition, offset: line.offset, line: line.number };
            match decode_line(line, place, arrival, self.max_line, &mut *self.decoder) {
                Ok(Some(event)) => batch.push(event),
                Ok(None) => {}
                Err((why, record)) => quarantine.reject(place, &why, record),
            }
        }
        true
    }

    /// The bytes have ended: decodes a last line without a line feed. It is an event if it is
    /// complete.
    pub fn end(&mut self, arrival: Timestamp, batch: &mut Batch, quarantine: &mut dyn Quarantine) {
        let Some(line) = self.lines.last_line() else { return };
        let place = Place { partition: self.partition, offset: line.offset, line: line.number };
        match decode_line(line, place, arrival, self.max_line, &mut *self.decoder) {
            Ok(Some(event)) => batch.push(event),
            Ok(None) => {}
            Err((Rejection::Malformed(why @ Malformed::Syntax(_)), record)) => {
                quarantine.reject(place, &Rejection::Incomplete(why), record);
            }
            Err((why, record)) => quarantine.reject(place, &why, record),
        }
    }

    /// How many bytes of a line that has not ended yet have been read.
    pub fn pending(&self) -> u64 {
        self.lines.pending()
    }
}

fn decode_line<'a>(
    line: Line<'a>,
    place: Place,
    arrival: Timestamp,
    limit: usize,
    decoder: &mut dyn Decoder,
) -> Result<Option<Event>, (Rejection, &'a [u8])> {
    let record = match line.content {
        Content::Record(record) => record,
        Content::Oversized { length } => return Err((Rejection::Oversized { length, limit }, &[])),
    };
    let position = Position { partition: place.partition, offset: place.offset };
    decoder.decode(record, position, arrival).map_err(|why| (why.into(), record))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::StreamId;

    /// Accepts what stands in braces.
    struct Braces;

    impl Decoder for Braces {
        fn decode(
            &mut self,
            record: &[u8],
            position: Position,
            arrival: Timestamp,
        ) -> Result<Option<Event>, Malformed> {
            if record.starts_with(b"{") && record.ends_with(b"}") {
                Ok(Some(Event::new(StreamId(0), arrival, position, [], record)))
            } else {
                Err(Malformed::Syntax("no braces".into()))
            }
        }

        fn stream(&self) -> StreamId {
            StreamId(0)
        }
    }

    #[derive(Default)]
    struct Kept(Vec<(u64, u64, Reason)>);

    impl Quarantine for Kept {
        fn reject(&mut self, place: Place, why: &Rejection, _record: &[u8]) {
            self.0.push((place.offset, place.line, why.reason()));
        }
    }

    fn read(bytes: &[u8], limits: BatchLimits) -> (Vec<Vec<u64>>, Kept) {
        let mut reader = Reader::new(Box::new(Braces), PartitionId(3), 20);
        let mut kept = Kept::default();
        let mut batches = Vec::new();
        let at = Timestamp::from_micros(7);
        reader.space()[..bytes.len()].copy_from_slice(bytes);
        reader.filled(bytes.len());
        loop {
            let mut batch = Batch::default();
            let more = reader.decode(at, limits, &mut batch, &mut kept);
            if !more {
                reader.end(at, &mut batch, &mut kept);
            }
            batches.push(batch.events.iter().map(|event| event.position().offset).collect());
            if !more {
                return (batches, kept);
            }
        }
    }

    #[test]
    fn what_is_no_event_is_reported_with_its_place_and_the_rest_goes_on() {
        let text = b"{1}\ngarbage\n\n{2}\n\xff\xfe\n{this one is far too long}\n{3}\n{half";
        let (batches, kept) = read(text, BatchLimits { events: 100, bytes: 1000 });
        assert_eq!(batches, [[0, 13, 47]]);
        assert_eq!(
            kept.0,
            [
                (4, 2, Reason::Syntax),
                (17, 5, Reason::Syntax),
                (20, 6, Reason::Oversized),
                (51, 8, Reason::Incomplete),
            ]
        );
    }

    #[test]
    fn a_complete_last_line_without_a_line_feed_is_an_event() {
        let (batches, kept) = read(b"{1}\n{2}", BatchLimits { events: 100, bytes: 1000 });
        assert_eq!(batches, [[0, 4]]);
        assert_eq!(kept.0, []);
    }

    #[test]
    fn every_reason_has_its_counter() {
        use Reason::{Incomplete, Missing, Oversized, Syntax, WrongType};
        let all = [Syntax, Missing, WrongType, Incomplete, Oversized];
        assert_eq!(all.map(Reason::name), crate::telemetry::catalogue::REJECTION_REASONS);
    }

    #[test]
    fn batches_are_bounded_by_count_and_bytes() {
        let (by_count, _) = read(b"{1}\n{2}\n{3}\n", BatchLimits { events: 2, bytes: 1000 });
        assert_eq!(by_count, [vec![0, 4], vec![8]]);
        let (by_bytes, _) = read(b"{1}\n{2}\n{3}\n", BatchLimits { events: 100, bytes: 4 });
        assert_eq!(by_bytes, [vec![0, 4], vec![8]]);
    }
}
