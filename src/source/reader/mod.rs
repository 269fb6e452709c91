//! From the bytes of one partition to batches of events.
//!
//! Enters: bytes as they are read. Leaves: decoded events in batches bounded by count and bytes, and
//! the records that are no events, or none that may pass, each with its place and the reason. No
//! record is dropped without being reported.

mod blocks;
mod checks;
mod records;
mod rejection;
#[cfg(test)]
mod tests;

use crate::codec::Decoder;
use crate::codec::beside::Beside;
use crate::codec::schemas::{Answer, SchemaId};
use crate::event::{Event, PartitionId, Position, Timestamp};

use super::framing::{Content, Frame, Frames};

pub use blocks::BlockReader;
pub use checks::Checks;
pub use records::Records;
pub use rejection::{Reason, Rejection};

/// Where a record stood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The partition of the stream.
    pub partition: PartitionId,
    /// Offset in bytes of its first byte in the partition.
    pub offset: u64,
    /// Its line, or its number where records are not lines, from 1.
    pub line: u64,
}

/// Takes the records that are no events.
pub trait Quarantine {
    /// A record is not an event. `record` holds its bytes as they came, as far as they were kept: those
    /// of an oversized one are not.
    fn reject(&mut self, place: Place, why: &Rejection, record: &[u8]);

    /// The same of a record that cannot be read without the one that stood before it, such as a row of
    /// CSV without its header.
    fn reject_row(&mut self, place: Place, why: &Rejection, record: &[u8], _header: &[u8]) {
        self.reject(place, why, record);
    }

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
    /// Most bytes of memory; one event more may exceed it.
    pub bytes: usize,
}

/// Decoded events on their way to the engine.
#[derive(Debug, Default)]
pub struct Batch {
    /// The events, in the order of their positions.
    pub events: Vec<Event>,
    /// About how many bytes of memory they take.
    pub bytes: usize,
    /// How many records have been dealt with for it: those of its events, and those that were rejected, but
    /// not one that was cut off.
    pub count: u64,
    /// The records as they came, if they are to be kept until the events have been taken.
    pub records: Option<Box<Records>>,
}

impl Batch {
    /// A batch that keeps the records of its events.
    pub fn keeping(records: Records) -> Batch {
        Batch { records: Some(Box::new(records)), ..Batch::default() }
    }

    /// Whether it has reached one of its limits.
    pub fn is_full(&self, limits: BatchLimits) -> bool {
        let kept = self.records.as_ref().map_or(0, |records| records.size());
        self.events.len() >= limits.events || self.bytes.max(kept) >= limits.bytes
    }

    /// Keeps the record of a frame, if records are to be kept.
    pub(in crate::source) fn keep(&mut self, frame: &Frame<'_>) {
        if let (Some(records), Content::Record(record)) = (&mut self.records, &frame.content) {
            records.push(frame.offset, frame.number, record);
        }
    }

    /// Adds an event.
    pub fn push(&mut self, event: Event) {
        self.bytes += event.footprint();
        self.events.push(event);
    }
}

/// Reads the events of one partition.
pub struct Reader {
    frames: Box<dyn Frames>,
    events: Events,
    /// Where in the partition the bytes begin that the frames know of.
    begin: Begin,
}

/// Where bytes begin in a partition.
#[derive(Clone, Copy, Debug, Default)]
struct Begin {
    offset: u64,
    /// How many lines, or records, stand before.
    lines: u64,
}

impl Begin {
    fn moved<'a>(&self, mut frame: Frame<'a>) -> Frame<'a> {
        frame.offset += self.offset;
        frame.number += self.lines;
        frame
    }
}

/// What makes events of frames.
pub(super) struct Events {
    decoder: Box<dyn Decoder>,
    partition: PartitionId,
    checks: Checks,
}

impl Reader {
    /// A reader of `partition` at its beginning.
    pub fn new(
        decoder: Box<dyn Decoder>,
        framing: Box<dyn Frames>,
        partition: PartitionId,
        checks: Checks,
    ) -> Reader {
        let begin = Begin::default();
        Reader { frames: framing, events: Events::new(decoder, partition, checks), begin }
    }

    /// The same reader for bytes that begin further on in the partition, where the next record has that
    /// number. `header` is what the decoder of the bytes before had learnt from.
    pub fn going_on(mut self, offset: u64, number: u64, header: Option<&[u8]>) -> Reader {
        self.begin = Begin { offset, lines: number.saturating_sub(self.frames.number()) };
        if let Some(header) = header {
            self.events.learn(header);
        }
        self
    }

    /// Space for the next read; see [`Frames::space`].
    pub fn space(&mut self) -> &mut [u8] {
        self.frames.space()
    }

    /// Says how much of the space has been filled; see [`Frames::filled`].
    pub fn filled(&mut self, count: usize) {
        self.frames.filled(count);
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
            let Some(frame) = self.frames.next() else { return false };
            self.events.take(&self.begin.moved(frame), |why| why, arrival, batch, quarantine);
        }
        true
    }

    /// The bytes have ended, once [`Reader::decode`] has found no more: decodes what is left. It is
    /// an event if it is whole.
    pub fn end(&mut self, arrival: Timestamp, batch: &mut Batch, quarantine: &mut dyn Quarantine) {
        if let Some(frame) = self.frames.last() {
            self.events.take(&self.begin.moved(frame), Rejection::at_the_end, arrival, batch, quarantine);
        }
    }

    /// The bytes of a datagram have ended: as [`Reader::end`], but nothing has been cut off, so that
    /// what is wrong with the last record is wrong with it and not that its end is missing.
    pub fn end_datagram(&mut self, arrival: Timestamp, batch: &mut Batch, quarantine: &mut dyn Quarantine) {
        if let Some(frame) = self.frames.last() {
            self.events.take(&self.begin.moved(frame), |why| why, arrival, batch, quarantine);
        }
    }

    /// After [`Reader::end`]: other bytes follow, which begin with a whole record, as those of a new
    /// connection. Positions go on.
    pub fn begin_again(&mut self, decoder: Box<dyn Decoder>) {
        self.events.decoder = decoder;
    }

    /// How many bytes of a record that is not whole yet have been read.
    pub fn pending(&self) -> u64 {
        self.frames.pending()
    }

    /// The number of the record that comes next.
    pub fn number(&self) -> u64 {
        self.begin.lines + self.frames.number()
    }

    /// The record from which the decoder has learnt what the others mean.
    pub fn learnt(&self) -> Option<&[u8]> {
        self.events.learnt()
    }
}

impl Events {
    /// Takes what a frame holds, an event or a record that is none; `judge` has the last word on why.
    pub(super) fn take(
        &mut self,
        frame: &Frame<'_>,
        judge: impl Fn(Rejection) -> Rejection,
        arrival: Timestamp,
        batch: &mut Batch,
        quarantine: &mut dyn Quarantine,
    ) {
        match self.event(frame, arrival) {
            Ok(Some(event)) => {
                batch.keep(frame);
                batch.count += 1;
                batch.push(event);
            }
            Ok(None) => batch.keep(frame),
            Err((why, record)) => {
                let why = judge(why);
                // One that was cut off may be sent again, and then be whole.
                batch.count += u64::from(why.reason() != Reason::Incomplete);
                self.reject(self.place(frame), &why, record, quarantine);
            }
        }
    }

    /// Learns from the record that said what those that follow mean.
    pub(super) fn learn(&mut self, header: &[u8]) {
        // What is wrong with it was reported when it came, and is said again of each record after it.
        let _ = self.decoder.decode(header, Position::default(), Timestamp::MIN);
    }

    /// What the next record has besides its bytes.
    pub(super) fn beside(&mut self) -> &mut Beside {
        self.decoder.fields().beside()
    }

    /// The schema that has to be given before a record can be taken; see [`Decoder::needs`].
    pub(super) fn needs(&self, record: &[u8]) -> Option<SchemaId> {
        self.decoder.needs(record)
    }

    /// Says what is known of a schema; see [`Decoder::give`].
    pub(super) fn give(&mut self, id: SchemaId, answer: &Answer) {
        self.decoder.give(id, answer);
    }

    /// The record from which the decoder has learnt.
    pub(super) fn learnt(&self) -> Option<&[u8]> {
        self.decoder.learnt()
    }

    fn reject(&self, place: Place, why: &Rejection, record: &[u8], quarantine: &mut dyn Quarantine) {
        match self.header() {
            Some(header) => quarantine.reject_row(place, why, record, header),
            None => quarantine.reject(place, why, record),
        }
    }

    /// The record without which the last one cannot be read, if there is one.
    pub(super) fn header(&self) -> Option<&[u8]> {
        self.decoder.header()
    }

    pub(super) fn new(decoder: Box<dyn Decoder>, partition: PartitionId, checks: Checks) -> Events {
        Events { decoder, partition, checks }
    }

    pub(super) fn place(&self, frame: &Frame<'_>) -> Place {
        Place { partition: self.partition, offset: frame.offset, line: frame.number }
    }

    /// The event of a frame, if it holds one, or why not, with the bytes of the record.
    pub(super) fn event<'a>(
        &mut self,
        frame: &Frame<'a>,
        arrival: Timestamp,
    ) -> Result<Option<Event>, (Rejection, &'a [u8])> {
        let position = Position { partition: self.partition, offset: frame.offset };
        let (decoded, record) = match &frame.content {
            Content::Record(record) => (self.decoder.decode(record, position, arrival), *record),
            Content::Absent => (self.decoder.fields().alone(position, arrival).map(Some), &[][..]),
            Content::Oversized { length, limit } => {
                return Err((Rejection::Oversized { length: *length, limit: *limit }, &[]));
            }
            Content::Incomplete { bytes, why } => return Err((Rejection::Incomplete(why.clone()), bytes)),
            Content::Broken { bytes, why } => return Err((Rejection::Framing(why.clone()), bytes)),
        };
        let decoded = decoded.map_err(|why| (why.into(), record))?;
        let Some(event) = decoded.map(|event| event.arrived(arrival)) else { return Ok(None) };
        match self.checks.refusal(&event, arrival) {
            Some(why) => Err((why, record)),
            None => Ok(Some(event)),
        }
    }
}
