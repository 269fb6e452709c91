//! One file that is open, and what can be said of it.

use std::fs::{File, Metadata};
use std::io;
use std::os::unix::fs::FileExt;

use crate::source::positions::{Head, Piece};

use super::follower::Trouble;
use super::known::Id;
use super::shown::{Seen, head_of};

/// How far back the beginning of an unfinished last line is looked for.
const LONGEST_SEARCH: u64 = 1 << 20;

/// A file that is being read.
#[derive(Debug)]
pub struct Open {
    pub file: File,
    pub id: Id,
    /// How much of it has been read.
    pub read: u64,
    /// How it begins, so far as that has been read.
    pub head: Head,
    /// How often there was nothing to read since there was a reason to leave it.
    pub quiet: u32,
}

impl Open {
    /// A file that is read from that offset on.
    pub fn new(seen: Seen, read: u64) -> Open {
        let mut open = Open { file: seen.file, id: seen.id, read, head: Head::default(), quiet: 0 };
        open.note_head();
        open
    }

    /// Which it is, and how much of it has been read.
    pub fn piece(&self) -> Piece {
        Piece { file: self.id, read: self.read, head: self.head }
    }

    /// Notes how it begins, until enough of that has been read.
    fn note_head(&mut self) {
        let length = usize::from(self.head.length);
        // What cannot be read now is noted with the next read, if that works.
        if length < Head::MOST
            && self.read > length as u64
            && let Ok(head) = head_of(&self.file, self.read)
        {
            self.head = head;
        }
    }

    /// How large it is now.
    pub fn size(&self) -> io::Result<u64> {
        self.file.metadata().map(|data| data.len())
    }

    /// Reads what comes next into `space`.
    pub fn read(&mut self, space: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read_at(space, self.read)?;
        self.read += count as u64;
        if count > 0 {
            self.quiet = 0;
            self.note_head();
        }
        Ok(count)
    }
}

/// The status of a file that can be followed.
pub fn regular(data: io::Result<Metadata>) -> Result<Metadata, Trouble> {
    let data = data.map_err(system)?;
    if data.is_file() {
        return Ok(data);
    }
    Err(Trouble::NoFile(kind_of(&data)))
}

/// What something is that is no regular file.
pub fn kind_of(data: &Metadata) -> &'static str {
    use std::os::unix::fs::FileTypeExt;
    let kind = data.file_type();
    if kind.is_dir() {
        "a folder"
    } else if kind.is_fifo() {
        "a pipe"
    } else if kind.is_socket() {
        "a socket"
    } else {
        "a device"
    }
}

/// What the system says.
pub fn system(error: io::Error) -> Trouble {
    Trouble::System(error.to_string())
}

/// How many of the file's first `size` bytes are whole lines. An unfinished one that is very long
/// counts as whole.
pub fn whole_lines(file: &File, size: u64) -> io::Result<u64> {
    let mut piece = [0; 8 << 10];
    let mut end = size;
    let least = size.saturating_sub(LONGEST_SEARCH);
    while end > least {
        let length = (end - least).min(piece.len() as u64) as usize;
        let begin = end - length as u64;
        file.read_exact_at(&mut piece[..length], begin)?;
        if let Some(feed) = piece[..length].iter().rposition(|byte| *byte == b'\n') {
            return Ok(begin + feed as u64 + 1);
        }
        end = begin;
    }
    Ok(if least == 0 { 0 } else { size })
}
