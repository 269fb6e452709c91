//! What belongs to a commit as a whole.

use crate::event::Timestamp;

use super::directory::Hand;
use super::error::StoreError;
use super::format::{Reader, Writer};
use super::tables::{Name, STRANGE, View};
use super::whole::Whole;

/// The key of the one record.
pub const KEY: &[u8] = b"commit";

/// What belongs to a commit as a whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// How often it was written: larger than `number`, as the outbox also changes by itself.
    pub serial: u64,
    /// How many commits there were with it.
    pub number: u64,
    /// When it was made, by whoever made it.
    pub time: Timestamp,
    /// The last number of the journal that it has taken in.
    pub journal: u64,
    /// The head.
    pub head: Whole,
    /// The positions.
    pub positions: Whole,
    /// Where rows are merged next.
    pub hand: Hand,
    /// How many bytes of rows are to be read for that before it is enough.
    pub credit: u64,
    /// The next numbers to be given out.
    pub next_blob: u64,
    pub next_run: u64,
    pub next_alert: u64,
    pub next_letter: u64,
    /// How many alerts were given up, how many bytes they have, and how many of them were dropped to
    /// make room for others.
    pub dead: u64,
    pub dead_bytes: u64,
    pub dead_dropped: u64,
    /// The next number of an entry that is kept for people to look at, how many there are, and their bytes.
    pub next_archived: u64,
    pub archived: u64,
    pub archived_bytes: u64,
}

impl Default for Record {
    fn default() -> Record {
        Record {
            serial: 0,
            number: 0,
            time: Timestamp::from_micros(0),
            journal: 0,
            head: Whole::default(),
            positions: Whole::default(),
            hand: Hand::default(),
            credit: 0,
            // Run 0 is the base.
            next_blob: 1,
            next_run: 1,
            next_alert: 1,
            next_letter: 1,
            dead: 0,
            dead_bytes: 0,
            dead_dropped: 0,
            next_archived: 1,
            archived: 0,
            archived_bytes: 0,
        }
    }
}

impl Record {
    pub fn encode(&self) -> Writer {
        let writer =
            Writer::default().u64(self.serial).u64(self.number).i64(self.time.as_micros()).u64(self.journal);
        let writer = writer.u64(self.head.bytes).u32(self.head.crc);
        let writer = writer.u64(self.positions.bytes).u32(self.positions.crc);
        let writer = writer.u64(self.hand.round).bytes(&self.hand.key);
        let writer = writer.u64(self.credit).u64(self.next_blob).u64(self.next_run);
        let writer = writer.u64(self.next_alert).u64(self.next_letter);
        let writer = writer.u64(self.dead).u64(self.dead_bytes).u64(self.dead_dropped);
        writer.u64(self.next_archived).u64(self.archived).u64(self.archived_bytes)
    }

    fn decode(mut reader: Reader<'_>) -> Option<Record> {
        Some(Record {
            serial: reader.u64()?,
            number: reader.u64()?,
            time: Timestamp::from_micros(reader.i64()?),
            journal: reader.u64()?,
            head: Whole { bytes: reader.u64()?, crc: reader.u32()? },
            positions: Whole { bytes: reader.u64()?, crc: reader.u32()? },
            hand: Hand { round: reader.u64()?, key: reader.bytes()?.to_vec() },
            credit: reader.u64()?,
            next_blob: reader.u64()?,
            next_run: reader.u64()?,
            next_alert: reader.u64()?,
            next_letter: reader.u64()?,
            dead: reader.u64()?,
            dead_bytes: reader.u64()?,
            dead_dropped: reader.u64()?,
            // What follows is not there in what older versions have written.
            next_archived: reader.u64().unwrap_or(1),
            archived: reader.u64().unwrap_or(0),
            archived_bytes: reader.u64().unwrap_or(0),
        })
    }

    /// Reads it.
    pub fn load(view: &View) -> Result<Record, StoreError> {
        let record = view.get(Name::RECORD, KEY, |value| {
            let reader = Name::RECORD.unseal(view.file(), KEY, value)?;
            Record::decode(reader).ok_or_else(|| Name::RECORD.damaged(view.file(), KEY, STRANGE))
        })?;
        record.ok_or_else(|| Name::RECORD.damaged(view.file(), KEY, "is missing"))
    }
}
