//! What is written whole and not by rows: the head, and the positions of sources. Each is bytes, kept in
//! pieces in a table of its own; how many they are and their checksum are in the record.

use std::ops::Bound;

use super::error::StoreError;
use super::tables::{Edit, Name, View};

/// A piece fills as many pages as a blob.
const PIECE: usize = super::blob::FULL;

/// What the record has of bytes that are kept whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Whole {
    /// How many they are.
    pub bytes: u64,
    /// Their checksum.
    pub crc: u32,
}

impl Whole {
    fn of(bytes: &[u8]) -> Whole {
        Whole { bytes: bytes.len() as u64, crc: crc32fast::hash(bytes) }
    }

    fn pieces(self) -> u64 {
        self.bytes.div_ceil(PIECE as u64)
    }
}

impl Default for Whole {
    fn default() -> Whole {
        Whole::of(&[])
    }
}

impl View {
    /// The bytes that a table keeps whole.
    pub fn whole(&self, table: Name, kept: Whole) -> Result<Vec<u8>, StoreError> {
        let mut bytes = Vec::new();
        self.scan(table, Bound::Unbounded, |_, piece| {
            bytes.extend_from_slice(piece);
            // More than there should be is not read.
            Ok(bytes.len() as u64 <= kept.bytes)
        })?;
        match Whole::of(&bytes) == kept {
            true => Ok(bytes),
            false => Err(table.damaged_whole(self.file())),
        }
    }
}

/// Keeps bytes in place of those of the commit before; nothing is written if they are the same.
pub fn write(
    edit: &Edit,
    before: &View,
    table: Name,
    kept: &mut Whole,
    bytes: &[u8],
) -> Result<(), StoreError> {
    let new = Whole::of(bytes);
    // Different bytes may have the same checksum. What cannot be read is written anew.
    if new == *kept && before.whole(table, *kept).is_ok_and(|kept| kept == bytes) {
        return Ok(());
    }
    let mut pieces = edit.table(table)?;
    for (number, piece) in (0_u64..).zip(bytes.chunks(PIECE)) {
        pieces.insert(&number.to_be_bytes(), piece)?;
    }
    for number in new.pieces()..kept.pieces() {
        pieces.remove(&number.to_be_bytes())?;
    }
    *kept = new;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::Arc;

    use crate::disk::{Disk, SimulatedDisk};

    use super::super::file::StateFile;
    use super::super::tables::Tables;
    use super::*;

    fn written(tables: &Tables, kept: &mut Whole, bytes: &[u8]) -> u64 {
        let (before, edit) = (tables.view().expect("a view"), tables.edit().expect("an edit"));
        let so_far = tables.file().written();
        write(&edit, &before, Name::HEAD, kept, bytes).expect("it can be written");
        edit.commit().expect("it can be stored");
        assert_eq!(tables.view().expect("a view").whole(Name::HEAD, *kept).expect("it is whole"), bytes);
        tables.file().written() - so_far
    }

    #[test]
    fn it_is_written_when_it_is_another() {
        let disk = SimulatedDisk::new(1);
        disk.make_folder(Path::new("/")).expect("a folder");
        let file = disk.create(Path::new("/file")).expect("a file");
        let file = Arc::new(StateFile::create(file, Path::new("/file")));
        let tables = Tables::open(file, 1 << 20, false).expect("a database");
        let edit = tables.edit().expect("an edit");
        drop(edit.table(Name::HEAD).expect("a table"));
        edit.commit().expect("it can be stored");
        let (large, mut kept) = (vec![7; 3 * PIECE + 1], Whole::default());
        assert!(written(&tables, &mut kept, &large) > 3 * PIECE as u64);
        assert!(written(&tables, &mut kept, &large) < PIECE as u64, "it is the same");
        // These have the same length and the same checksum, and are not the same.
        let (one, other) = (b"uejgtcuo", b"iiwucoup");
        assert_eq!(Whole::of(one), Whole::of(other));
        written(&tables, &mut kept, one);
        written(&tables, &mut kept, other);
        written(&tables, &mut kept, b"short");
        written(&tables, &mut kept, b"");
        assert_eq!(kept, Whole::default());
    }
}
