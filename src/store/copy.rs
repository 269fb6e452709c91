//! Copies of the first bytes of redb's file.
//!
//! Redb keeps what decides over everything, which of two roots is the newest, in the first bytes of its
//! file and writes them in place. That is safe where a disk writes a sector whole or not at all, and
//! where no bit there ever changes by itself: those bytes have no checksum, and one other bit makes the
//! last checkpoint vanish. So its file lies behind a ring of copies of these bytes of our own:
//!
//! ```text
//! byte 0      copy   magic 8 | version u32 | crc u32 | number u64 | kind u64 | the first 512 bytes
//! byte 4096   copy, and so on, eight of them
//! byte 32768  the file of redb; its own first 512 bytes are not used
//! ```
//!
//! Each copy is written over the oldest, and the one with the largest number counts. So what was synced
//! last is whole at any moment, whatever becomes of the one that is being written. When one has been
//! synced it is written once more as the next. So two copies say what counts, and if both were lost, an
//! older one would be taken for it. They lie three places apart, whichever places they have: a stretch
//! that is destroyed has to be longer than two pages and a half to reach both. (After a loss of power the
//! second may be missing until the file is opened again.)

use std::io;
use std::path::Path;

use crate::disk::DiskFile;

use super::error::StoreError;

/// How every copy begins.
const MAGIC: [u8; 8] = *b"tripstat";
/// The format of everything in the file. This program reads and writes no other.
pub const VERSION: u32 = 1;
/// How many of redb's bytes are kept in copies; those that it writes in place are among them.
pub const HEAD: usize = 512;
/// The bytes before them in a copy.
const PREFIX: usize = 32;
/// The bytes of a copy.
pub const LENGTH: usize = PREFIX + HEAD;
/// How far the copies are from each other: each is on pages and sectors of its own.
pub const COPY: u64 = 4_096;
/// How many there are.
pub const COPIES: u64 = 8;
/// Where redb's file begins.
pub const START: u64 = COPIES * COPY;

/// How many places further the next copy lies; every place has its turn, as this and their number have no
/// divisor in common.
const STRIDE: u64 = 3;

/// Why a copy was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Redb has changed it.
    Changed = 0,
    /// The one before was synced, and this is the same.
    Again = 1,
    /// It is what was found when the file was opened.
    Found = 2,
}

/// A copy.
#[derive(Clone, Copy)]
pub struct Copy {
    /// One more than that of the copy before.
    pub number: u64,
    pub kind: Kind,
    pub head: [u8; HEAD],
}

impl Copy {
    pub fn encode(&self) -> [u8; LENGTH] {
        let mut bytes = [0; LENGTH];
        bytes[..8].copy_from_slice(&MAGIC);
        bytes[8..12].copy_from_slice(&VERSION.to_le_bytes());
        bytes[16..24].copy_from_slice(&self.number.to_le_bytes());
        bytes[24] = self.kind as u8;
        bytes[PREFIX..].copy_from_slice(&self.head);
        let crc = copy_crc(&bytes);
        bytes[12..16].copy_from_slice(&crc.to_le_bytes());
        bytes
    }

    /// The copy that these bytes are, with the version of its format; `None` when they are none.
    pub fn decode(bytes: &[u8; LENGTH]) -> Option<(u32, Copy)> {
        let (prefix, head) = bytes.split_first_chunk::<PREFIX>()?;
        let crc = u32::from_le_bytes(*prefix[12..].first_chunk()?);
        if prefix[..8] != MAGIC || crc != copy_crc(bytes) {
            return None;
        }
        let number = u64::from_le_bytes(*prefix[16..].first_chunk()?);
        let kind =
            [Kind::Changed, Kind::Again, Kind::Found].into_iter().find(|kind| *kind as u8 == prefix[24])?;
        let copy = Copy { number, kind, head: *head.first_chunk()? };
        Some((version(bytes), copy))
    }
}

/// Where the copy with that number lies.
pub fn place(number: u64) -> u64 {
    number.wrapping_mul(STRIDE) % COPIES * COPY
}

fn version(copy: &[u8; LENGTH]) -> u32 {
    copy[8..].first_chunk().map_or(0, |bytes| u32::from_le_bytes(*bytes))
}

/// Over all but the place where it stands itself.
fn copy_crc(copy: &[u8; LENGTH]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&copy[..12]);
    hasher.update(&copy[16..]);
    hasher.finalize()
}

pub fn read_copy(file: &dyn DiskFile, path: &Path, offset: u64) -> Result<Option<[u8; LENGTH]>, StoreError> {
    let mut bytes = [0; LENGTH];
    match file.read(offset, &mut bytes) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
        read => read.map(|()| Some(bytes)).map_err(StoreError::disk("read", path)),
    }
}

/// The error for a file that has no whole copy.
pub fn no_copy(found: &[[u8; LENGTH]], path: &Path) -> StoreError {
    let file = path.to_path_buf();
    let mut ours = found.iter().filter(|copy| copy[..8] == MAGIC).peekable();
    if ours.peek().is_none() {
        return StoreError::Foreign { file, kind: "state" };
    }
    match ours.map(version).find(|version| *version != VERSION) {
        Some(found) => StoreError::Newer { file, found, known: VERSION },
        None => StoreError::damaged(path, "no copy of its first bytes fits its checksum"),
    }
}

#[cfg(test)]
/// Between two copies that follow each other; what is no longer does not reach both.
pub const BETWEEN: usize = 3 * 4_096 - LENGTH;

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn copies_that_follow_each_other_are_never_near_and_each_place_has_its_turn() {
        for number in 0..2 * COPIES {
            let apart = place(number).abs_diff(place(number + 1));
            assert!(apart >= (LENGTH + BETWEEN) as u64, "{number}");
        }
        let places: HashSet<u64> = (5..5 + COPIES).map(place).collect();
        assert_eq!(places, (0..COPIES).map(|place| place * COPY).collect());
    }
}
