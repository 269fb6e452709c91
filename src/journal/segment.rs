//! A file of the journal: its name, its head, and a walk over its frames.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::disk::{Access, Disk, DiskFile};

use super::Entry;
use super::error::JournalError;
use super::format::{self, Frame, HEAD, Head, NoHead};

/// How the name of a segment ends.
const EXTENSION: &str = "journal";
/// The same before its head is on the disk.
const NEW: &str = "new";
/// How much is read at once; more when a frame is longer.
const CHUNK: usize = 256 << 10;

/// A segment.
#[derive(Clone, Debug)]
pub struct Segment {
    /// Where it is.
    pub file: PathBuf,
    /// How it begins.
    pub head: Head,
    /// How many bytes it has.
    pub len: u64,
}

/// The name of the segment with this number, or of its beginnings.
pub fn path(folder: &Path, sequence: u64, is_new: bool) -> PathBuf {
    folder.join(format!("{sequence:010}.{}", if is_new { NEW } else { EXTENSION }))
}

/// Whether that is the name of a segment that was not begun to the end.
pub fn is_beginning(file: &Path) -> bool {
    file.extension().is_some_and(|extension| extension == NEW) && sequence(file).is_some()
}

/// Whether that is the name of a segment.
pub fn is_segment(file: &Path) -> bool {
    file.extension().is_some_and(|extension| extension == EXTENSION)
}

fn sequence(file: &Path) -> Option<u64> {
    file.file_stem()?.to_str()?.parse().ok()
}

impl Segment {
    /// Reads the head of a segment.
    pub fn load(disk: &dyn Disk, file: &Path) -> Result<Segment, JournalError> {
        let open = disk.open(file, Access::Read).map_err(JournalError::io("open", file))?;
        let len = open.len().map_err(JournalError::io("read", file))?;
        let mut bytes = [0; HEAD];
        let bytes = &mut bytes[..HEAD.min(usize::try_from(len).unwrap_or(HEAD))];
        open.read(0, bytes).map_err(JournalError::io("read", file))?;
        let file = file.to_path_buf();
        match Head::decode(bytes) {
            Ok(head) if Some(head.sequence) == sequence(&file) => Ok(Segment { file, head, len }),
            Ok(head) => Err(JournalError::Misnamed { file, part: head.sequence }),
            Err(NoHead::Foreign) => Err(JournalError::Foreign { file }),
            Err(NoHead::Version(found)) => Err(JournalError::Newer { file, found }),
            Err(NoHead::Damaged) => {
                let what = "its head does not fit its checksum".to_owned();
                Err(JournalError::Damaged { file, offset: 0, what })
            }
        }
    }

    /// Goes over its frames.
    pub fn walk(&self, disk: &dyn Disk) -> Result<Walk, JournalError> {
        let file = disk.open(&self.file, Access::Read).map_err(JournalError::io("open", &self.file))?;
        let len = file.len().map_err(JournalError::io("read", &self.file))?;
        Ok(Walk {
            file,
            salt: self.head.salt,
            offset: 0,
            buffer: Vec::new(),
            frame: HEAD..HEAD,
            len,
            sure: HEAD as u64,
        })
    }

    /// The error for something that is wrong in it.
    pub fn damaged(&self, offset: u64, what: String) -> JournalError {
        JournalError::Damaged { file: self.file.clone(), offset, what }
    }
}

/// A walk over the frames of a segment. Errors leave it where it is.
#[derive(Debug)]
pub struct Walk {
    file: Arc<dyn DiskFile>,
    salt: u64,
    /// Where in the file the buffer begins.
    offset: u64,
    buffer: Vec<u8>,
    /// The frame it stands at, in the buffer.
    frame: std::ops::Range<usize>,
    len: u64,
    /// Behind the last mark, or behind the head.
    sure: u64,
}

/// What comes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// An entry with this number.
    Entry(u64),
    /// A mark.
    Mark,
    /// The end of the file.
    End,
    /// Something that is no frame; the walk stays before it.
    Broken,
}

impl Walk {
    /// Where the next frame begins.
    pub fn place(&self) -> u64 {
        self.offset + self.frame.end as u64
    }

    /// Behind the last mark that was passed, or behind the head: the entries before that were synced.
    pub fn sure(&self) -> u64 {
        self.sure
    }

    /// How long the file is.
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Goes on by a frame.
    pub fn step(&mut self) -> io::Result<Step> {
        let place = self.place();
        if place >= self.len {
            return Ok(Step::End);
        }
        if !self.fill(4)? {
            return Ok(Step::Broken);
        }
        let Some(length) = format::length(&self.buffer[self.frame.end..]) else { return Ok(Step::Broken) };
        if !self.fill(length)? {
            return Ok(Step::Broken);
        }
        let range = self.frame.end..self.frame.end + length;
        let step = match format::frame(&self.buffer[range.clone()]) {
            Some(Frame::Entry(number, _)) => Step::Entry(number),
            Some(Frame::Mark(salt, at)) if (salt, at) == (self.salt, place) => Step::Mark,
            _ => return Ok(Step::Broken),
        };
        self.frame = range;
        if step == Step::Mark {
            self.sure = self.place();
        }
        Ok(step)
    }

    /// The entry that the last step came to.
    pub fn entry(&self) -> Option<(u64, Entry<'_>)> {
        match format::decode(&self.buffer[self.frame.clone()]) {
            Some(Frame::Entry(number, entry)) => Some((number, entry)),
            _ => None,
        }
    }

    /// Makes sure that so many bytes from the next frame on are in the buffer, if the file has them.
    fn fill(&mut self, count: usize) -> io::Result<bool> {
        if self.buffer.len() >= self.frame.end.saturating_add(count) {
            return Ok(true);
        }
        let rest = self.len - self.place();
        if (count as u64) > rest {
            return Ok(false);
        }
        let size = count.max(CHUNK.min(usize::try_from(rest).unwrap_or(CHUNK)));
        let place = self.place();
        let mut buffer = vec![0; size];
        self.file.read(place, &mut buffer)?;
        (self.buffer, self.offset, self.frame) = (buffer, place, 0..0);
        Ok(true)
    }

    /// The place of a mark behind the next frame, if there is one anywhere in the file.
    pub fn mark_behind(&self) -> io::Result<Option<u64>> {
        let salt = self.salt.to_le_bytes();
        let mut from = self.place() + 1;
        while from + (format::MARK as u64) <= self.len {
            let size = CHUNK.min(usize::try_from(self.len - from).unwrap_or(CHUNK));
            let mut bytes = vec![0; size];
            self.file.read(from, &mut bytes)?;
            for at in memchr::memmem::find_iter(&bytes, &salt) {
                let Some(start) = at.checked_sub(format::SALT_IN_MARK) else { continue };
                let place = from + start as u64;
                let frame = bytes.get(start..start + format::MARK).and_then(format::frame);
                if frame == Some(Frame::Mark(self.salt, place)) {
                    return Ok(Some(place));
                }
            }
            // A mark may lie across the end of what was read.
            from += (size - (format::MARK - 1)) as u64;
        }
        Ok(None)
    }
}
