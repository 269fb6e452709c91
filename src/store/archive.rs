//! What is kept for people to look at: entries in the order in which they came, found by their terms, removed when
//! they are old or too many.
//!
//! An entry is bytes in one of several lists; all lists share their numbers. A *term* is a hash of something that an
//! entry is looked for by, and what has it is found by a range of one table. A hash can be that of something else
//! by chance, so who looks by one has to look at what he finds.

use std::ops::Bound;

use sha2::{Digest, Sha256};

use crate::event::Timestamp;

use super::error::StoreError;
use super::format::{Reader, Writer};
use super::ids::Ids;
use super::record::Record;
use super::tables::{Edit, Name, STRANGE, TableEdit, View};

/// So many old entries are removed for each that comes, and so many with a commit in any case: when less is to be
/// kept from now on, that does not become one large commit.
const REMOVED_FOR_EACH: u64 = 4;
const REMOVED: u64 = 1_000;

/// Something that an entry is looked for by: the beginning of a SHA-256.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Term([u8; 8]);

impl Term {
    /// That something of this kind is this text.
    pub fn new(kind: &str, text: &str) -> Term {
        let digest = Sha256::new_with_prefix(kind).chain_update([0]).chain_update(text).finalize();
        Term(std::array::from_fn(|index| digest[index]))
    }
}

/// An entry, as it comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry<'a> {
    /// The list that it stands in.
    pub list: u8,
    /// An id of an alert: it is left out if that is remembered. Without one it is kept in any case.
    pub id: Option<&'a str>,
    /// When it came.
    pub time: Timestamp,
    /// What it is looked for by.
    pub terms: &'a [Term],
    /// What it says.
    pub body: &'a [u8],
}

/// An entry that is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// Its number: those of entries that came later are larger.
    pub number: u64,
    /// When it came.
    pub time: Timestamp,
    /// What it says.
    pub body: Vec<u8>,
}

/// How much is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ArchiveSize {
    /// Entries.
    pub entries: u64,
    /// Their bytes.
    pub bytes: u64,
}

/// From where on entries are looked at, and which way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// Those before this number, the last one first.
    Before(u64),
    /// Those behind this number, the first one first.
    After(u64),
}

impl Way {
    /// The same way from a number on.
    pub fn from(self, number: u64) -> Way {
        match self {
            Way::Before(_) => Way::Before(number),
            Way::After(_) => Way::After(number),
        }
    }
}

impl Entry<'_> {
    /// How many bytes count.
    pub fn size(&self) -> usize {
        self.body.len() + 16 * self.terms.len()
    }
}

fn row_key(list: u8, number: u64) -> Vec<u8> {
    [&[list][..], &number.to_be_bytes()].concat()
}

fn term_key(list: u8, term: Term, number: u64) -> Vec<u8> {
    [&[list][..], &term.0, &number.to_be_bytes()].concat()
}

/// The number at the end of a key, if it begins so.
fn number_behind(prefix: &[u8], key: &[u8]) -> Option<u64> {
    key.strip_prefix(prefix)?.try_into().ok().map(u64::from_be_bytes)
}

/// What stands in a row.
struct Row<'a> {
    time: Timestamp,
    terms: &'a [[u8; 8]],
    body: &'a [u8],
}

impl<'a> Row<'a> {
    fn decode(mut reader: Reader<'a>) -> Option<Row<'a>> {
        let time = Timestamp::from_micros(reader.i64()?);
        let (terms, rest) = reader.bytes()?.as_chunks();
        rest.is_empty().then_some(Row { time, terms, body: reader.rest() })
    }

    fn size(&self) -> usize {
        self.body.len() + 16 * self.terms.len()
    }
}

impl View {
    /// Looks at the entries of a list, one after the other, as long as `each` wants more.
    pub fn archive(&self, list: u8, way: Way, mut each: impl FnMut(Kept) -> bool) -> Result<(), StoreError> {
        if !self.has(Name::ARCHIVE)? {
            return Ok(());
        }
        self.along(Name::ARCHIVE, &[list], way, |number, key, value| {
            let kept = self.kept(number, key, value)?;
            Ok(each(kept))
        })
    }

    /// The same for those that have a term.
    pub fn archive_with(
        &self,
        list: u8,
        term: Term,
        way: Way,
        mut each: impl FnMut(Kept) -> bool,
    ) -> Result<(), StoreError> {
        if !self.has(Name::ARCHIVE_TERMS)? {
            return Ok(());
        }
        let prefix = [&[list][..], &term.0].concat();
        self.along(Name::ARCHIVE_TERMS, &prefix, way, |number, _, _| {
            let key = row_key(list, number);
            let kept = self.get(Name::ARCHIVE, &key, |value| self.kept(number, &key, value))?;
            Ok(kept.is_none_or(&mut each))
        })
    }

    fn kept(&self, number: u64, key: &[u8], value: &[u8]) -> Result<Kept, StoreError> {
        let row = Row::decode(Name::ARCHIVE.unseal(self.file(), key, value)?);
        let row = row.ok_or_else(|| Name::ARCHIVE.damaged(self.file(), key, STRANGE))?;
        Ok(Kept { number, time: row.time, body: row.body.to_vec() })
    }

    /// Goes along the numbers behind a prefix of keys.
    fn along(
        &self,
        table: Name,
        prefix: &[u8],
        way: Way,
        mut each: impl FnMut(u64, &[u8], &[u8]) -> Result<bool, StoreError>,
    ) -> Result<(), StoreError> {
        let key = |number: u64| [prefix, &number.to_be_bytes()].concat();
        let each = |key: &[u8], value: &[u8]| match number_behind(prefix, key) {
            Some(number) => each(number, key, value),
            None => Ok(false),
        };
        match way {
            Way::After(number) => self.scan(table, Bound::Excluded(&key(number)), each),
            Way::Before(number) => self.scan_back(table, Bound::Excluded(&key(number)), each),
        }
    }
}

/// An archive that is being changed.
pub struct ArchiveEdit<'t> {
    rows: TableEdit<'t>,
    terms: TableEdit<'t>,
}

impl<'t> ArchiveEdit<'t> {
    pub fn new(edit: &'t Edit) -> Result<ArchiveEdit<'t>, StoreError> {
        Ok(ArchiveEdit { rows: edit.table(Name::ARCHIVE)?, terms: edit.table(Name::ARCHIVE_TERMS)? })
    }

    /// Keeps entries, in order; the number of each, but for those that are left out.
    pub fn keep(
        &mut self,
        record: &mut Record,
        entries: &[Entry<'_>],
        ids: &Ids,
    ) -> Result<Vec<Option<u64>>, StoreError> {
        let mut numbers = Vec::with_capacity(entries.len());
        for entry in entries {
            if entry.id.is_some_and(|id| ids.knows(id)) {
                numbers.push(None);
                continue;
            }
            let number = record.next_archived;
            record.next_archived += 1;
            record.archived += 1;
            record.archived_bytes += entry.size() as u64;
            let terms: Vec<u8> = entry.terms.iter().flat_map(|term| term.0).collect();
            let value = Writer::default().i64(entry.time.as_micros()).bytes(&terms).rest(entry.body);
            self.rows.seal(&row_key(entry.list, number), value)?;
            for term in entry.terms {
                self.terms.insert(&term_key(entry.list, *term, number), &[])?;
            }
            numbers.push(Some(number));
        }
        Ok(numbers)
    }

    /// Removes the first entries while they are from before a time, or have more bytes than may be; not all at once if they
    /// are many.
    pub fn trim(
        &mut self,
        record: &mut Record,
        before: Option<Timestamp>,
        bytes: u64,
        came: usize,
    ) -> Result<(), StoreError> {
        let mut left = REMOVED + REMOVED_FOR_EACH * came as u64;
        let is_due = |record: &Record| before.is_some() || record.archived_bytes > bytes;
        while left > 0 && is_due(record) {
            let Some((number, list)) = self.first()? else { break };
            if !self.remove_if_due(record, list, number, before, bytes)? {
                break;
            }
            left -= 1;
        }
        Ok(())
    }

    /// The number and the list of the first entry.
    fn first(&self) -> Result<Option<(u64, u8)>, StoreError> {
        let (mut first, mut behind) = (None, Vec::new());
        while let Some(key) = self.rows.first_behind(&behind)? {
            let Some((list, number)) = key.split_first() else { break };
            let number = number.try_into().map(u64::from_be_bytes).map_err(|_| self.rows.strange(&key))?;
            first = first.into_iter().chain([(number, *list)]).min();
            // The first one of the next list.
            behind = row_key(*list, u64::MAX);
        }
        Ok(first)
    }

    fn remove_if_due(
        &mut self,
        record: &mut Record,
        list: u8,
        number: u64,
        before: Option<Timestamp>,
        bytes: u64,
    ) -> Result<bool, StoreError> {
        let key = row_key(list, number);
        let is_crowded = record.archived_bytes > bytes;
        let due = self.rows.unseal(&key, |reader| {
            let row = Row::decode(reader)?;
            let is_due = is_crowded || before.is_some_and(|before| row.time < before);
            Some(is_due.then(|| (row.size() as u64, row.terms.to_vec())))
        })?;
        let Some((size, terms)) = due.flatten() else { return Ok(false) };
        self.rows.remove(&key)?;
        for term in terms {
            self.terms.remove(&term_key(list, Term(term), number))?;
        }
        record.archived = record.archived.saturating_sub(1);
        record.archived_bytes = record.archived_bytes.saturating_sub(size);
        Ok(true)
    }
}
