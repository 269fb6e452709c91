//! The events of a log in rows of so many.

use std::collections::VecDeque;
use std::ops::Range;

use smallvec::SmallVec;

use super::super::stored::{CHUNK, Columns};
use super::super::{LogSpec, WindowSpec};
use super::{Column, Entries, Log};
use crate::event::{Timestamp, Value};
use crate::history::window::Window;
use crate::stored::{Damaged, Reader, Writer};

/// What of a log has been stored.
#[derive(Clone, Debug, Default)]
pub struct Stored {
    /// The chunks of which there are rows.
    pub chunks: Range<u64>,
    /// Events before this number are in them as they are.
    end: u64,
    /// Whether somebody has noted that there is something new.
    pub is_noted: bool,
    /// Whether it was needed not long ago.
    pub is_recent: bool,
    /// With which changes it was given out to be stored.
    pub generation: u64,
    /// About how many bytes of memory it takes, if somebody wants to know.
    pub bytes: usize,
}

/// Some events of a log, as they were stored.
#[derive(Debug)]
pub struct Chunk {
    number: u64,
    /// The number of its first event.
    start: u64,
    /// The number of the first event of the log that counted when it was written.
    first: u64,
    times: Vec<Timestamp>,
    columns: SmallVec<[Column; 1]>,
    /// Whether its columns are those that the log has now.
    is_current: bool,
}

impl Log {
    /// Gives what must be stored and removed for the rows to be what the log is: the numbers of the chunks
    /// that have changed, and of those that are gone.
    pub fn changes(&mut self, generation: u64) -> (Range<u64>, Range<u64>) {
        let (first, end) = (self.entries.first, self.entries.end());
        let chunks = first / CHUNK..end.div_ceil(CHUNK);
        let changed = (self.stored.end / CHUNK).max(chunks.start)..chunks.end;
        let gone =
            self.stored.chunks.start..chunks.start.clamp(self.stored.chunks.start, self.stored.chunks.end);
        self.stored =
            Stored { chunks, end, is_noted: false, is_recent: true, generation, bytes: self.stored.bytes };
        (changed, gone)
    }

    /// Writes a chunk.
    pub fn store(&self, chunk: u64, columns: u32, w: &mut Writer) {
        let entries = &self.entries;
        let start = (chunk * CHUNK).max(entries.first);
        let range = entries.index(start)..entries.index(entries.end().min((chunk + 1) * CHUNK));
        w.number(columns.into());
        w.number(entries.first);
        w.number(start - chunk * CHUNK);
        let mut last = Timestamp::default();
        w.list(entries.times.range(range.clone()), |w, time| {
            time.write_after(last, w);
            last = *time;
        });
        for column in &entries.columns {
            match column {
                Column::Floats(floats) => floats.range(range.clone()).for_each(|float| w.float(*float)),
                Column::Values(values) => values.range(range.clone()).for_each(|value| value.write(w)),
            }
        }
    }

    /// The log that these chunks make, which may come in any order.
    pub fn restore(spec: &LogSpec, mut chunks: Vec<Chunk>) -> Result<Log, Damaged> {
        chunks.sort_by_key(|chunk| chunk.number);
        let mut log = Log::new(spec);
        let rows =
            chunks.first().map_or(0, |chunk| chunk.number)..chunks.last().map_or(0, |last| last.number + 1);
        let is_current = chunks.iter().all(|chunk| chunk.is_current);
        let first = chunks.last().map_or(0, |last| last.first);
        let mut next = None;
        for chunk in chunks {
            if next.is_some_and(|next| next != chunk.start) {
                return Err(Damaged::new("past events are missing"));
            }
            next = Some(chunk.start + chunk.times.len() as u64);
            log.entries.append(chunk, first)?;
        }
        if log.entries.first != first || log.len() == 0 {
            return Err(Damaged::new("past events are missing"));
        }
        log.rebuild_windows(spec);
        let end = if is_current { log.entries.end() } else { first };
        log.stored = Stored { chunks: rows, end, is_recent: true, ..Stored::default() };
        Ok(log)
    }

    /// Whether something of it is stored in another way than it would be now.
    pub fn is_outdated(&self) -> bool {
        self.stored.end < self.entries.end()
    }

    /// Whether it may leave memory when all is stored that was given out up to some changes. If only that
    /// keeps it that it was needed not long ago, it is longer ago from now on.
    pub fn may_leave(&mut self, stored: u64) -> bool {
        let is_stored = !self.stored.is_noted && self.stored.generation <= stored && !self.is_outdated();
        is_stored && !std::mem::replace(&mut self.stored.is_recent, false) && self.len() > 0
    }

    /// Finds out how many bytes of memory it takes; by how many that is more than before, perhaps less than
    /// nothing.
    pub fn measure(&mut self) -> isize {
        let bytes = self.footprint();
        bytes as isize - std::mem::replace(&mut self.stored.bytes, bytes) as isize
    }

    fn rebuild_windows(&mut self, spec: &LogSpec) {
        let entries = &self.entries;
        let newest = entries.times.back().copied().unwrap_or_default();
        let window = |window: &WindowSpec| {
            let before = newest.saturating_sub(window.over);
            let left = entries.times.partition_point(|time| *time <= before);
            Window::over(window, entries, entries.first + left as u64, entries.end())
        };
        self.windows = spec.windows.iter().map(window).collect();
    }
}

/// What must be known of a log that is not in memory, of all its chunks or of some.
#[derive(Clone, Debug)]
pub struct Outline {
    /// The chunks of which there are rows.
    pub chunks: Range<u64>,
    /// The numbers of the events in them, and how many there are.
    events: Range<u64>,
    count: u64,
    /// The number of the first event that counts, as the last of the chunks says.
    first: u64,
    /// The time of the newest event.
    pub newest: Timestamp,
    /// Whether all is stored as it would be now.
    pub is_current: bool,
}

impl Outline {
    /// Adds what is known of other chunks.
    pub fn add(&mut self, other: &Outline) {
        if other.chunks.end > self.chunks.end {
            (self.first, self.newest) = (other.first, other.newest);
        }
        self.chunks = self.chunks.start.min(other.chunks.start)..self.chunks.end.max(other.chunks.end);
        self.events = self.events.start.min(other.events.start)..self.events.end.max(other.events.end);
        self.count = self.count.saturating_add(other.count);
        self.is_current &= other.is_current;
    }

    /// How many events the log has, when all chunks have been added.
    ///
    /// # Errors
    /// When some are missing.
    pub fn events(&self) -> Result<usize, Damaged> {
        // A chunk has no events but its own: if there are as many as from the first to the last, all are there.
        let is_whole = self.count == self.events.end - self.events.start;
        if !is_whole || !self.events.contains(&self.first) {
            return Err(Damaged::new("past events are missing"));
        }
        Ok((self.events.end - self.first) as usize)
    }
}

impl Entries {
    /// Adds the events of a chunk from the number `first` on; there are none that follow them.
    fn append(&mut self, chunk: Chunk, first: u64) -> Result<(), Damaged> {
        let skip = first.saturating_sub(chunk.start).min(chunk.times.len() as u64) as usize;
        if self.times.is_empty() {
            self.first = chunk.start + skip as u64;
        }
        let times = &chunk.times[skip..];
        let before = self.times.back().copied();
        if !before.iter().chain(times).is_sorted() {
            return Err(Damaged::new("past events are not in order"));
        }
        self.times.extend(times);
        for (own, more) in self.columns.iter_mut().zip(chunk.columns) {
            match (own, more) {
                (Column::Floats(own), Column::Floats(more)) => own.extend(more.into_iter().skip(skip)),
                (Column::Values(own), Column::Values(more)) => own.extend(more.into_iter().skip(skip)),
                _ => unreachable!("chunks are given the columns of the log"),
            }
        }
        Ok(())
    }
}

impl Chunk {
    /// Where it stands and what it says of the log.
    pub fn outline(&self) -> Outline {
        let events = self.times.len() as u64;
        Outline {
            chunks: self.number..self.number + 1,
            events: self.start..self.start + events,
            count: events,
            first: self.first,
            newest: self.times.last().copied().unwrap_or(Timestamp::MIN),
            is_current: self.is_current,
        }
    }

    /// About how many bytes of memory it takes.
    pub fn footprint(&self) -> usize {
        size_of::<Chunk>() + self.times.len() * size_of::<Timestamp>() + columns_footprint(&self.columns)
    }

    /// How many events it has.
    pub fn count(r: &mut Reader<'_>) -> Result<u64, Damaged> {
        r.count()?;
        r.place(CHUNK as usize)?;
        Ok(r.len()? as u64)
    }

    /// Reads the chunk of that number of a log, which had the columns `then` and has others now.
    pub fn restore(number: u64, then: &Columns, now: &Columns, r: &mut Reader<'_>) -> Result<Chunk, Damaged> {
        let first = r.count()?;
        let begin = r.place(CHUNK as usize)? as u64;
        let len = r.len()?;
        if number > u64::MAX >> 10 || len == 0 || begin + len as u64 > CHUNK {
            return Err(Damaged::new("more past events are together than belong together"));
        }
        let mut times: Vec<Timestamp> = Vec::with_capacity(len);
        for _ in 0..len {
            times.push(Timestamp::read_after(times.last().copied().unwrap_or_default(), r)?);
        }
        let columns: Result<Vec<Column>, Damaged> =
            then.0.iter().map(|(_, is_floats)| Column::restore(*is_floats, len, r)).collect();
        let mut columns: Vec<Option<Column>> = columns?.into_iter().map(Some).collect();
        let find = |column: &(String, bool)| {
            let place = then.0.iter().position(|known| known == column);
            let found = place.and_then(|place| columns[place].take());
            found.unwrap_or_else(|| Column::of_nulls(column.1, len))
        };
        Ok(Chunk {
            number,
            start: number * CHUNK + begin,
            first,
            times,
            columns: now.0.iter().map(find).collect(),
            is_current: now == then,
        })
    }
}

/// About how many bytes of memory columns take, without texts that are long.
pub(super) fn columns_footprint(columns: &[Column]) -> usize {
    columns.iter().map(Column::footprint).sum()
}

impl Column {
    fn footprint(&self) -> usize {
        match self {
            Column::Floats(floats) => floats.capacity() * size_of::<f64>(),
            Column::Values(values) => values.capacity() * size_of::<Value>(),
        }
    }

    fn restore(is_floats: bool, len: usize, r: &mut Reader<'_>) -> Result<Column, Damaged> {
        if is_floats {
            let floats: Result<VecDeque<f64>, Damaged> = (0..len).map(|_| r.float()).collect();
            floats.map(Column::Floats)
        } else {
            let values: Result<VecDeque<Value>, Damaged> = (0..len).map(|_| Value::read(r)).collect();
            values.map(Column::Values)
        }
    }

    fn of_nulls(is_floats: bool, len: usize) -> Column {
        if is_floats {
            Column::Floats(std::iter::repeat_n(f64::NAN, len).collect())
        } else {
            Column::Values(std::iter::repeat_n(Value::Null, len).collect())
        }
    }
}
