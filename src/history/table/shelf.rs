//! Logs that leave memory and come back.
//!
//! A log leaves when its rows are stored as the log is. What remains is where it is, which rows it has, and
//! when its newest event leaves the last window: then its rows can go without having been read.

use std::fmt;
use std::hash::BuildHasher;
use std::ops::Range;
use std::sync::Arc;

use foldhash::fast::FixedState;
use hashbrown::HashMap;

use super::{Held, Histories, Place};
use crate::event::Timestamp;
use crate::history::log::Log;
use crate::history::log::stored::Chunk;
use crate::history::stored::Columns;
use crate::history::{LogSpec, Logs};
use crate::stored::{Damaged, Reader, Shelf, Space, Writer};

/// How many places of the table are looked at at a time.
const LOOKS: usize = 4_096;
/// About how many bytes a log takes that is not in memory.
const COLD_BYTES: usize = size_of::<ColdLog>() * 3 / 2 + 16;

/// Where the rows of logs are found.
#[derive(Clone)]
pub struct PastShelf {
    /// Where.
    pub shelf: Arc<dyn Shelf>,
    /// What the keys of all rows begin with.
    pub prefix: Vec<u8>,
    /// The number of each log.
    pub numbers: Vec<u32>,
    /// What numbers of columns stand for.
    pub columns: HashMap<u32, Columns, FixedState>,
    /// The columns that each log has now.
    pub columns_now: Vec<Columns>,
}

impl fmt::Debug for PastShelf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PastShelf").field("numbers", &self.numbers).finish()
    }
}

/// What remains of a log that is not in memory.
#[derive(Clone, Debug)]
pub(super) struct ColdLog {
    pub place: Place,
    /// The first of its chunks.
    first: u64,
    chunks: u32,
    /// How many events it has.
    pub events: u32,
    /// When its newest event has left every window.
    pub over: Timestamp,
}

impl ColdLog {
    pub fn new(place: Place, chunks: Range<u64>, events: usize, over: Timestamp) -> ColdLog {
        // A log has ten million events at most.
        let chunk_count = u32::try_from(chunks.end - chunks.start).expect("there are fewer than events");
        let events = u32::try_from(events).expect("the number of events is bounded");
        ColdLog { place, first: chunks.start, chunks: chunk_count, events, over }
    }

    /// The chunks of which there are rows.
    pub fn chunks(&self) -> Range<u64> {
        self.first..self.first + u64::from(self.chunks)
    }
}

impl PastShelf {
    /// The log of some rows.
    fn read(&self, cold: &ColdLog, spec: &LogSpec) -> Result<Log, Damaged> {
        let id = cold.place.log.0 as usize;
        let rows = cold.place.rows(spec, &self.prefix, self.numbers[id]);
        let chunks = cold.chunks().map(|number| {
            let mut key = Writer::default();
            rows.key(number)(&mut key);
            let value = self.shelf.row(Space::Past, rows.group.0, key.as_slice());
            let value = value.ok_or(Damaged::new("it is not there, or cannot be read"))?;
            let mut value = Reader::new(&value);
            let then = self.columns.get(&value.small()?);
            let then = then.ok_or(Damaged::new("nobody knows what was kept of events"))?;
            let chunk = Chunk::restore(number, then, &self.columns_now[id], &mut value)?;
            value.end()?;
            Ok(chunk)
        });
        let log = Log::restore(spec, chunks.collect::<Result<_, _>>()?)?;
        if log.len() == cold.events as usize { Ok(log) } else { Err(Damaged::new("past events are missing")) }
    }
}

impl Histories {
    /// From now on logs may leave memory, and are measured.
    pub fn shelve(&mut self, shelf: PastShelf) {
        self.shelf = Some(Box::new(shelf));
        for Held { log, .. } in self.logs.iter_mut() {
            self.bytes = self.bytes.wrapping_add_signed(log.measure());
        }
    }

    /// About how many bytes of memory the logs take, as they were stored last.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// How many logs are not in memory.
    pub fn cold(&self) -> usize {
        self.cold.len()
    }

    /// About how many bytes of memory these take.
    pub fn cold_bytes(&self) -> usize {
        self.cold.len() * COLD_BYTES
    }

    /// How often a log has come back.
    pub fn brought_back(&self) -> u64 {
        self.brought_back
    }

    /// What was being stored is.
    pub fn all_stored(&mut self) {
        self.stored = self.generation;
        self.in_vain = 0;
    }

    /// Lets so many logs leave memory at most that were not needed for the longest time, and are stored as they
    /// are. A look at one that was needed not long ago makes that longer ago.
    pub fn put_away(&mut self, most: usize, logs: &Logs) {
        let places = self.logs.num_buckets();
        let mut left = 0;
        for _ in 0..LOOKS.min(2 * places) {
            // After two times around there is none until more is stored.
            if left >= most || self.in_vain > 2 * places {
                return;
            }
            self.hand = if self.hand + 1 < places { self.hand + 1 } else { 0 };
            self.in_vain += 1;
            let Some(Held { log, .. }) = self.logs.get_bucket_mut(self.hand) else { continue };
            if !log.may_leave(self.stored) {
                continue;
            }
            if let Ok(held) = self.logs.get_bucket_entry(self.hand) {
                let (Held { place, log }, _) = held.remove();
                let (chunks, over) = (log.stored.chunks.clone(), log.over(logs.get(place.log)));
                self.bytes -= log.stored.bytes;
                self.add_cold(ColdLog::new(place, chunks, log.len(), over));
                left += 1;
                self.in_vain = 0;
            }
        }
    }

    pub(super) fn add_cold(&mut self, cold: ColdLog) {
        let hashing = &self.hashing;
        let hash = hashing.hash_one(&cold.place);
        self.cold.insert_unique(hash, cold, |cold| hashing.hash_one(&cold.place));
    }

    /// Brings a log back that is not in memory, if there is one.
    pub(super) fn bring_back(&mut self, place: &Place, hash: u64, spec: &LogSpec) {
        if self.cold.is_empty() {
            return;
        }
        if let Ok(found) = self.cold.find_entry(hash, |cold| cold.place == *place) {
            let (cold, _) = found.remove();
            self.take_back(cold, hash, spec);
        }
    }

    /// Brings the logs back that are not in memory and have this hash.
    pub(super) fn bring_back_all(&mut self, hash: u64, logs: &Logs) {
        while let Ok(found) = self.cold.find_entry(hash, |cold| self.hashing.hash_one(&cold.place) == hash) {
            let (cold, _) = found.remove();
            let spec = logs.get(cold.place.log);
            self.take_back(cold, hash, spec);
        }
    }

    /// # Panics
    /// When it cannot be read: what the rules have seen of the key cannot be known any more.
    fn take_back(&mut self, cold: ColdLog, hash: u64, spec: &LogSpec) {
        let shelf = self.shelf.as_ref().expect("logs are away only where there is a shelf");
        let mut log = shelf.read(&cold, spec).unwrap_or_else(|damaged| {
            panic!("the stored past of the key {:?} cannot be read: {damaged}", cold.place.key)
        });
        self.bytes = self.bytes.wrapping_add_signed(log.measure());
        self.brought_back += 1;
        let hashing = &self.hashing;
        self.logs.insert_unique(hash, Held { place: cold.place, log }, |held| hashing.hash_one(&held.place));
    }
}
