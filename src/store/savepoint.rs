//! A state in a file of its own that can be taken elsewhere.
//!
//! Enters: a snapshot. Leaves: a file, and from it the head, the positions and the rows again, one after
//! the other, so that no more than a piece is in memory.
//!
//! ```text
//! savepoint  magic 8 | version u32 | 0 u32 | frame …
//! frame      kind u8 | length u32 | crc u32 over kind, length, place in the file and body | body
//! about      kind 1: time i64 | journal u64 | commit u64; the first frame
//! head       kind 2: a piece of the head
//! positions  kind 3: a piece of the positions
//! rows       kind 4: a blob of rows, in order
//! end        kind 5: bytes of the head u64 | bytes of the positions u64 | rows u64; the last frame
//! ```
//!
//! A file without its end is none: it is written under another name first and gets its own when it is
//! whole and on the disk.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::disk::{Access, Disk, DiskFile};
use crate::event::Timestamp;

use super::blob::{self, Blob, Builder, LARGEST_ROW, StoredRow};
use super::error::StoreError;
use super::format::{Reader, Writer};
use super::snapshot::Snapshot;

/// How every savepoint begins.
const MAGIC: [u8; 8] = *b"tripsave";
/// The format that this program writes, and the only one that it reads.
const VERSION: u32 = 1;
/// The bytes before the first frame.
const START: usize = 16;
/// The bytes of a frame before its body.
const PREFIX: usize = 9;
/// No frame is longer: a blob of one row has its places too.
const LONGEST: usize = LARGEST_ROW + 1024;

/// The bytes of the body of the last frame.
const END_BODY: usize = 24;

const ABOUT: u8 = 1;
const HEAD: u8 = 2;
const POSITIONS: u8 = 3;
const ROWS: u8 = 4;
const END: u8 = 5;

/// What a savepoint says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SavepointInfo {
    /// Where it is.
    pub file: PathBuf,
    /// How many bytes it has.
    pub bytes: u64,
    /// When the commit was made whose state it is, as whoever made it has said.
    pub time: Timestamp,
    /// The number of that commit.
    pub commit: u64,
    /// The last number of the journal that is in it.
    pub journal: u64,
    /// How many bytes the head has.
    pub head: u64,
    /// How many bytes the positions have.
    pub positions: u64,
    /// How many rows there are.
    pub rows: u64,
}

/// Writes a snapshot into a file, which has its name when it is whole and on the disk.
///
/// # Errors
/// When there is such a file, the snapshot cannot be read, or the disk fails.
pub fn write_savepoint(
    disk: &dyn Disk,
    path: &Path,
    snapshot: &Arc<Snapshot>,
) -> Result<SavepointInfo, StoreError> {
    match disk.open(path, Access::Read) {
        Ok(_) => return Err(StoreError::Exists { file: path.to_path_buf() }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        // One that may not be read is there too.
        Err(error) => return Err(StoreError::disk("open", path)(error)),
    }
    let mut name = path.file_name().map(OsString::from).unwrap_or_default();
    name.push(".new");
    let new = path.with_file_name(name);
    let written = write_new(disk, &new, snapshot);
    let info = written.and_then(|info| {
        disk.rename(&new, path).map_err(StoreError::disk("rename", &new))?;
        let folder = path.parent().unwrap_or(Path::new(""));
        disk.sync_folder(folder).map_err(StoreError::disk("sync", folder))?;
        Ok(SavepointInfo { file: path.to_path_buf(), ..info })
    });
    if info.is_err() {
        // It may never have been made.
        let _ = disk.remove(&new);
    }
    info
}

fn write_new(disk: &dyn Disk, new: &Path, snapshot: &Arc<Snapshot>) -> Result<SavepointInfo, StoreError> {
    let file = disk.create(new).map_err(StoreError::disk("create", new))?;
    let mut frames = Frames { file: &*file, path: new, place: 0, buffer: Vec::new() };
    frames.buffer.extend_from_slice(&MAGIC);
    frames.buffer.extend_from_slice(&VERSION.to_le_bytes());
    frames.buffer.extend_from_slice(&[0; 4]);
    let about = Writer::default().i64(snapshot.time().as_micros()).u64(snapshot.journal());
    frames.push(ABOUT, &about.u64(snapshot.number()).done())?;
    let head = snapshot.head()?;
    head.chunks(blob::FULL).try_for_each(|piece| frames.push(HEAD, piece))?;
    let positions = snapshot.positions()?;
    positions.chunks(blob::FULL).try_for_each(|piece| frames.push(POSITIONS, piece))?;
    let rows = write_rows(&mut frames, snapshot)?;
    let (head, positions) = (head.len() as u64, positions.len() as u64);
    frames.push(END, &Writer::default().u64(head).u64(positions).u64(rows).done())?;
    frames.flush()?;
    file.sync_data().map_err(StoreError::disk("sync", new))?;
    Ok(SavepointInfo {
        file: new.to_path_buf(),
        bytes: frames.place,
        time: snapshot.time(),
        commit: snapshot.number(),
        journal: snapshot.journal(),
        head,
        positions,
        rows,
    })
}

fn write_rows(frames: &mut Frames<'_>, snapshot: &Arc<Snapshot>) -> Result<u64, StoreError> {
    let (mut builder, mut count) = (Builder::new(blob::FULL, false), 0);
    let mut push = |builder: &mut Builder| match builder.finish() {
        Some(blob) => frames.push(ROWS, &blob.bytes),
        None => Ok(()),
    };
    for row in snapshot.all_rows() {
        let row = row?;
        if !builder.has_room_for(row.size()) {
            push(&mut builder)?;
        }
        builder.copy(&row);
        count += 1;
    }
    push(&mut builder)?;
    Ok(count)
}

/// Frames that are being written.
struct Frames<'a> {
    file: &'a dyn DiskFile,
    path: &'a Path,
    /// Where in the file the buffer begins.
    place: u64,
    buffer: Vec<u8>,
}

impl Frames<'_> {
    fn push(&mut self, kind: u8, body: &[u8]) -> Result<(), StoreError> {
        if self.buffer.len() + body.len() > blob::FULL {
            self.flush()?;
        }
        let place = self.place + self.buffer.len() as u64;
        let length = u32::try_from(body.len()).expect("a frame is a blob, or smaller than one");
        self.buffer.push(kind);
        self.buffer.extend_from_slice(&length.to_le_bytes());
        self.buffer.extend_from_slice(&frame_crc(kind, length, place, body).to_le_bytes());
        self.buffer.extend_from_slice(body);
        Ok(())
    }

    fn flush(&mut self) -> Result<(), StoreError> {
        self.file.write(self.place, &self.buffer).map_err(StoreError::disk("write", self.path))?;
        self.place += self.buffer.len() as u64;
        self.buffer.clear();
        Ok(())
    }
}

fn frame_crc(kind: u8, length: u32, place: u64, body: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&[kind]);
    hasher.update(&length.to_le_bytes());
    hasher.update(&place.to_le_bytes());
    hasher.update(body);
    hasher.finalize()
}

/// A savepoint that is being read.
#[derive(Debug)]
pub struct Savepoint {
    /// When the commit was made whose state it is, as whoever made it has said.
    pub time: Timestamp,
    /// The number of that commit.
    pub commit: u64,
    /// The last number of the journal that is in it.
    pub journal: u64,
    /// The head.
    pub head: Vec<u8>,
    /// The positions.
    pub positions: Vec<u8>,
    /// The rows, as they come from the file.
    pub rows: SavepointRows,
}

/// The rows of a savepoint, in order. The last one has come without an error only if the file is whole.
#[derive(Debug)]
pub struct SavepointRows {
    input: Input,
    /// How many bytes of the head and of the positions there should be.
    head: u64,
    positions: u64,
    /// The rows that are being given out, and the number of the next one.
    blob: Option<(Blob, u32)>,
    last: Option<StoredRow>,
    count: u64,
    is_done: bool,
}

/// The frames of a savepoint.
#[derive(Debug)]
struct Input {
    file: Arc<dyn DiskFile>,
    path: PathBuf,
    len: u64,
    /// Where the next frame begins.
    place: u64,
}

impl Savepoint {
    /// Opens a savepoint and reads its head and positions.
    ///
    /// # Errors
    /// When it cannot be read, is foreign, newer or damaged.
    pub fn open(disk: &dyn Disk, path: &Path) -> Result<Savepoint, StoreError> {
        let mut input = Input::open(disk, path)?;
        let (time, journal, commit) = input.about()?;
        let (mut head, mut positions) = (Vec::new(), Vec::new());
        loop {
            let place = input.place;
            let (kind, body) = input.frame()?;
            match kind {
                HEAD => head.extend_from_slice(&body),
                POSITIONS => positions.extend_from_slice(&body),
                _ => {
                    input.place = place;
                    break;
                }
            }
            // No state has more, and memory may not have it.
            if head.len().max(positions.len()) > LARGEST_ROW {
                return Err(input.damaged("there is more of its head or positions than can be"));
            }
        }
        let rows = SavepointRows {
            input,
            head: head.len() as u64,
            positions: positions.len() as u64,
            blob: None,
            last: None,
            count: 0,
            is_done: false,
        };
        Ok(Savepoint { time, commit, journal, head, positions, rows })
    }
}

/// Looks how a savepoint begins and ends, and does not read what is between.
///
/// # Errors
/// When it cannot be read, is foreign, newer or plainly not whole.
pub fn glance_at_savepoint(disk: &dyn Disk, path: &Path) -> Result<SavepointInfo, StoreError> {
    let mut input = Input::open(disk, path)?;
    let (time, journal, commit) = input.about()?;
    input.place = input.len.saturating_sub((PREFIX + END_BODY) as u64).max(input.place);
    let (kind, body) = input.frame()?;
    let mut reader = Reader::new(&body);
    let parts = reader.u64().zip(reader.u64()).zip(reader.u64()).filter(|_| kind == END);
    let ((head, positions), rows) = parts.ok_or_else(|| input.damaged("it has no end"))?;
    let Input { path: file, len: bytes, .. } = input;
    Ok(SavepointInfo { file, bytes, time, commit, journal, head, positions, rows })
}

/// Reads a savepoint to its end, so that it is known to be whole.
///
/// # Errors
/// When it cannot be read, is foreign, newer or damaged.
pub fn inspect_savepoint(disk: &dyn Disk, path: &Path) -> Result<SavepointInfo, StoreError> {
    let Savepoint { time, commit, journal, mut rows, .. } = Savepoint::open(disk, path)?;
    rows.try_for_each(|row| row.map(drop))?;
    let SavepointRows { input, head, positions, count, .. } = rows;
    let Input { path: file, len: bytes, .. } = input;
    Ok(SavepointInfo { file, bytes, time, commit, journal, head, positions, rows: count })
}

impl Input {
    fn open(disk: &dyn Disk, path: &Path) -> Result<Input, StoreError> {
        let file = disk.open(path, Access::Read).map_err(StoreError::disk("open", path))?;
        let len = file.len().map_err(StoreError::disk("read", path))?;
        let mut start = [0; START];
        let whole = usize::try_from(len).map_or(START, |len| len.min(START));
        file.read(0, &mut start[..whole]).map_err(StoreError::disk("read", path))?;
        if start[..8] != MAGIC {
            return Err(StoreError::Foreign { file: path.to_path_buf(), kind: "savepoint" });
        }
        if whole < START {
            return Err(StoreError::damaged_savepoint(path, format!("it ends at byte {len}")));
        }
        let version = start[8..].first_chunk().map_or(0, |version| u32::from_le_bytes(*version));
        if version != VERSION {
            return Err(StoreError::Newer { file: path.to_path_buf(), found: version, known: VERSION });
        }
        Ok(Input { file, path: path.to_path_buf(), len, place: START as u64 })
    }

    /// Reads what it says of itself: time, journal and commit.
    fn about(&mut self) -> Result<(Timestamp, u64, u64), StoreError> {
        let (kind, about) = self.frame()?;
        let mut reader = Reader::new(&about);
        let parts = reader.i64().zip(reader.u64()).zip(reader.u64()).filter(|_| kind == ABOUT);
        let ((time, journal), commit) = parts.ok_or_else(|| self.damaged("it does not say what it is"))?;
        Ok((Timestamp::from_micros(time), journal, commit))
    }

    fn damaged(&self, what: &str) -> StoreError {
        StoreError::damaged_savepoint(&self.path, format!("at byte {} {what}", self.place))
    }

    /// Reads the next frame.
    fn frame(&mut self) -> Result<(u8, Vec<u8>), StoreError> {
        let mut prefix = [0; PREFIX];
        if self.len.saturating_sub(self.place) < PREFIX as u64 {
            return Err(self.damaged("it ends, and more is to come"));
        }
        self.file.read(self.place, &mut prefix).map_err(StoreError::disk("read", &self.path))?;
        let mut reader = Reader::new(&prefix);
        let parts = reader.u8().zip(reader.u32()).zip(reader.u32());
        let ((kind, length), crc) = parts.ok_or_else(|| self.damaged("there is no frame"))?;
        let body = self.place + PREFIX as u64;
        if length as usize > LONGEST || u64::from(length) > self.len - body {
            return Err(self.damaged("it ends, or is broken"));
        }
        let mut bytes = vec![0; length as usize];
        self.file.read(body, &mut bytes).map_err(StoreError::disk("read", &self.path))?;
        if crc != frame_crc(kind, length, self.place, &bytes) {
            return Err(self.damaged("what is kept does not fit its checksum"));
        }
        self.place = body + u64::from(length);
        Ok((kind, bytes))
    }
}

impl SavepointRows {
    fn next_row(&mut self) -> Result<Option<StoredRow>, StoreError> {
        loop {
            if let Some((blob, next)) = &mut self.blob
                && *next < blob.rows()
            {
                let row = blob.row(*next);
                *next += 1;
                let row = row.filter(|row| row.value().is_some());
                let row = row.ok_or_else(|| self.input.damaged("there is no row"))?;
                if self.last.as_ref().is_some_and(|last| last.whole_key() >= row.whole_key()) {
                    return Err(self.input.damaged("rows are not in order"));
                }
                self.count += 1;
                self.last = Some(row.clone());
                return Ok(Some(row));
            }
            let (kind, body) = self.input.frame()?;
            match kind {
                ROWS => self.blob = Some((Blob::new(&body), 0)),
                END => return self.end(&body).map(|()| None),
                _ => return Err(self.input.damaged("something else than rows is there")),
            }
        }
    }

    fn end(&self, body: &[u8]) -> Result<(), StoreError> {
        let mut reader = Reader::new(body);
        let parts = (reader.u64(), reader.u64(), reader.u64());
        let is_right = parts == (Some(self.head), Some(self.positions), Some(self.count));
        match is_right && self.input.place == self.input.len {
            true => Ok(()),
            false => Err(self.input.damaged("its end does not fit what is before or behind it")),
        }
    }
}

impl Iterator for SavepointRows {
    type Item = Result<StoredRow, StoreError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.is_done {
            return None;
        }
        let row = self.next_row().transpose();
        self.is_done = !matches!(row, Some(Ok(_)));
        row
    }
}
