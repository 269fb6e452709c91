//! What sources write to the journal: records, and where partitions begin and end.
//!
//! ```text
//! record  0, or 1 if a text begins with it | number for people | the bytes of the record
//! opened  2 | where the partition comes from, as positions have it
//! closed  3
//! ```
//!
//! A partition is opened in the journal with its first record, so that one that brings nothing takes no
//! room. One that is read from files is opened there too, and has no records: a restart has to know which
//! records of others came while it held event time back.
//!
//! What is to be kept as a whole, as a body is, has the next entry of the same partition as its end or as a
//! further part: then 8 is added to the first byte. A part whose end is missing was never promised to anybody.

use crate::source::positions::Origin;
use crate::stored::{Damaged, Reader, Writer};

const RECORD: u8 = 0;
const FIRST: u8 = 1;
const OPENED: u8 = 2;
const CLOSED: u8 = 3;
/// Added to the kind of an entry that is nothing without the one behind it.
const PART: u8 = 8;

/// What an entry takes besides the record, at most: its kind and its number.
#[cfg(test)]
pub const MOST: usize = 11;

/// What is around an entry in the journal, with the name of the stream, if that is not very long.
pub const AROUND: usize = 100;

/// What an entry says.
#[derive(Debug, PartialEq, Eq)]
pub enum Said<'a> {
    /// A record came.
    Record {
        /// Whether a text begins with it.
        is_first: bool,
        /// Its number for people.
        number: u64,
        /// Its bytes.
        record: &'a [u8],
    },
    /// The partition began.
    Opened(Origin),
    /// The partition ended.
    Closed,
}

impl Said<'_> {
    /// What the bytes of an entry say, be it a part of something or not.
    ///
    /// # Errors
    /// When they were not written here.
    pub fn read(bytes: &[u8]) -> Result<Said<'_>, Damaged> {
        let mut r = Reader::new(bytes);
        let said = match without_part(r.byte()?) {
            kind @ (RECORD | FIRST) => {
                let number = r.number()?;
                return Ok(Said::Record { is_first: kind == FIRST, number, record: r.rest() });
            }
            OPENED => Said::Opened(Origin::read(&mut r)?),
            CLOSED => Said::Closed,
            _ => {
                return Err(Damaged::new(
                    "an entry of the journal is of a kind that this program does not know",
                ));
            }
        };
        r.end()?;
        Ok(said)
    }
}

fn without_part(kind: u8) -> u8 {
    match kind & !PART {
        plain @ (RECORD | FIRST | OPENED) => plain,
        _ => kind,
    }
}

/// Makes an entry, of a record or of a partition that began, nothing without the one behind it.
pub fn make_part(entry: &mut [u8]) {
    if let Some(kind) = entry.first_mut() {
        *kind |= PART;
    }
}

/// Whether an entry is nothing without the one behind it.
pub fn is_part(entry: &[u8]) -> bool {
    entry.first().is_some_and(|kind| without_part(*kind) != *kind)
}

/// Whether an entry can be the rest of a text that has begun in the one before.
pub fn goes_on(entry: &[u8]) -> bool {
    entry.first().is_some_and(|kind| without_part(*kind) == RECORD)
}

/// Writes that a record came.
pub fn write_record(w: &mut Writer, is_first: bool, number: u64, record: &[u8]) {
    w.byte(if is_first { FIRST } else { RECORD });
    w.number(number);
    w.plain(record);
}

/// The bytes that say that a partition began.
pub fn opened(origin: &Origin) -> Vec<u8> {
    let mut w = Writer::default();
    w.byte(OPENED);
    origin.write(&mut w);
    w.into_bytes()
}

/// The bytes that say that a partition ended.
pub const fn closed() -> &'static [u8] {
    &[CLOSED]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::positions::Kind;

    #[test]
    fn what_is_written_is_read() {
        let mut w = Writer::default();
        write_record(&mut w, true, u64::MAX, b"{}");
        assert_eq!(w.len(), MOST + 2);
        let record = Said::Record { is_first: true, number: u64::MAX, record: b"{}" };
        assert_eq!(Said::read(w.as_slice()), Ok(record));
        let mut part = w.into_bytes();
        assert!(!is_part(&part));
        make_part(&mut part);
        assert!(is_part(&part) && !goes_on(&part));
        let record = Said::Record { is_first: true, number: u64::MAX, record: b"{}" };
        assert_eq!(Said::read(&part), Ok(record));
        for kind in [Kind::Connection("peer".into()), Kind::Source] {
            let origin = Origin { source: "web".into(), kind };
            assert_eq!(Said::read(&opened(&origin)), Ok(Said::Opened(origin)));
        }
        assert_eq!(Said::read(closed()), Ok(Said::Closed));
        for wrong in [&[][..], &[4], &[CLOSED, 0], &[CLOSED | PART], &[OPENED, 5], &[16]] {
            assert!(Said::read(wrong).is_err(), "{wrong:?}");
        }
    }
}
