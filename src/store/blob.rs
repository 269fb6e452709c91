//! Rows packed into blobs.
//!
//! ```text
//! blob     row … | place u32 a row | rows u32
//! row      key length varint | value length + 1 varint, 0 for a row that was removed | key | value
//! key      group u16, most significant byte first | space u8 | the bytes of the caller
//! ```
//!
//! Rows lie in order of their keys, so that one is found by a binary search in the places. The checksum
//! of a blob is kept in the directory, not in the blob: an old blob in the place of a new one does not
//! fit it.

use std::cmp::Ordering;
use std::ops::Range;
use std::sync::Arc;

use super::filter::{self, Filter};
use super::format::{push_varint, varint};

/// How large blobs of several rows become: with what redb adds, they fill 16 of its pages and not one more.
pub const FULL: usize = 65_512;
/// Of a key, what is before the bytes of the caller.
pub const KEY_PREFIX: usize = 3;
/// No row is larger, with its key.
pub const LARGEST_ROW: usize = 1 << 30;
/// The bytes of a place, and of the number of rows.
const PLACE: usize = 4;

/// The beginning of the keys of a group.
pub fn group_start(group: u16) -> Vec<u8> {
    group.to_be_bytes().to_vec()
}

/// A row as it comes and goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row<'a> {
    /// What kind of row it is; keys are different in different spaces.
    pub space: u8,
    /// The group of its key. All rows of a key have the same.
    pub group: u16,
    /// Its key.
    pub key: &'a [u8],
    /// Its value; `None` when the row is removed.
    pub value: Option<&'a [u8]>,
}

impl Row<'_> {
    /// The order in which rows are kept.
    pub fn order(&self, other: &Row<'_>) -> Ordering {
        (self.group, self.space, self.key).cmp(&(other.group, other.space, other.key))
    }

    /// The order in which it and a row with that whole key are kept.
    pub fn order_to(&self, whole_key: &[u8]) -> Ordering {
        let [high, low] = self.group.to_be_bytes();
        let prefix = [high, low, self.space];
        match whole_key.split_first_chunk::<KEY_PREFIX>() {
            Some((other, key)) => prefix.cmp(other).then_with(|| self.key.cmp(key)),
            None => prefix[..].cmp(whole_key),
        }
    }

    /// The beginning of its whole key, as a number: what is less has a key that is less.
    pub fn begin(&self) -> u128 {
        let mut begin = [0; 16];
        begin[..2].copy_from_slice(&self.group.to_be_bytes());
        begin[2] = self.space;
        let length = self.key.len().min(begin.len() - KEY_PREFIX);
        begin[KEY_PREFIX..][..length].copy_from_slice(&self.key[..length]);
        u128::from_be_bytes(begin)
    }

    /// Its whole key.
    pub fn whole_key(&self) -> Vec<u8> {
        let mut key = Vec::with_capacity(KEY_PREFIX + self.key.len());
        self.push_key(&mut key);
        key
    }

    fn push_key(&self, bytes: &mut Vec<u8>) {
        bytes.extend_from_slice(&self.group.to_be_bytes());
        bytes.push(self.space);
        bytes.extend_from_slice(self.key);
    }

    /// How many bytes it has, key and value.
    pub fn size(&self) -> usize {
        KEY_PREFIX + self.key.len() + self.value.map_or(0, <[u8]>::len)
    }
}

/// What is put into a blob, in order of keys.
#[derive(Debug)]
pub struct Builder {
    /// No blob of several rows is larger.
    full: usize,
    rows: Vec<u8>,
    places: Vec<u32>,
    /// Where the last key lies.
    last: Range<usize>,
    /// The hashes of the keys, if there is to be a filter.
    hashes: Option<Vec<u32>>,
}

/// A blob, and what the directory has to know of it.
#[derive(Debug)]
pub struct Built {
    pub bytes: Vec<u8>,
    pub rows: u32,
    pub first: Box<[u8]>,
    pub last: Box<[u8]>,
    /// A filter of its keys, if there was to be one.
    pub filter: Filter,
}

impl Builder {
    /// Builds blobs no larger than that, with filters of their keys or without.
    pub fn new(full: usize, has_filter: bool) -> Builder {
        let hashes = has_filter.then(Vec::new);
        Builder { full, rows: Vec::new(), places: Vec::new(), last: 0..0, hashes }
    }

    /// How many bytes the blob would have.
    pub fn size(&self) -> usize {
        self.rows.len() + PLACE * (self.places.len() + 1)
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// Whether a row of that size still fits.
    pub fn has_room_for(&self, size: usize) -> bool {
        // Two lengths take ten bytes at most.
        self.is_empty() || self.size() + size + PLACE + 10 <= self.full
    }

    /// Appends a row; its key is larger than all before, and it is no larger than [`LARGEST_ROW`].
    pub fn push(&mut self, row: &Row<'_>) {
        let value = row.value.unwrap_or_default();
        let start = self.begin(KEY_PREFIX + row.key.len(), row.value.map(<[u8]>::len));
        row.push_key(&mut self.rows);
        self.end(start, value);
    }

    /// Appends a row of another blob.
    pub fn copy(&mut self, row: &StoredRow) {
        let value = row.value().unwrap_or_default();
        let start = self.begin(row.whole_key().len(), row.value().map(<[u8]>::len));
        self.rows.extend_from_slice(row.whole_key());
        self.end(start, value);
    }

    fn begin(&mut self, key: usize, value: Option<usize>) -> usize {
        let small = |size| u32::try_from(size).expect("no row is larger than a GiB");
        self.places.push(small(self.rows.len()));
        push_varint(&mut self.rows, small(key));
        push_varint(&mut self.rows, value.map_or(0, |value| small(value + 1)));
        self.rows.len()
    }

    fn end(&mut self, start: usize, value: &[u8]) {
        self.last = start..self.rows.len();
        if let Some(hashes) = &mut self.hashes {
            hashes.push(filter::hash(&self.rows[start..]));
        }
        self.rows.extend_from_slice(value);
    }

    /// The blob, if there is anything in it; afterwards there is nothing in it.
    pub fn finish(&mut self) -> Option<Built> {
        let rows = u32::try_from(self.places.len()).expect("each row has bytes, and they are few");
        let first = self.places.first()?;
        let (length, at) = varint(&self.rows, *first as usize)?;
        let (_, start) = varint(&self.rows, at)?;
        let first = self.rows[start..start + length as usize].into();
        let last = self.rows[self.last.clone()].into();
        let mut bytes = Vec::with_capacity(self.size());
        bytes.append(&mut self.rows);
        for place in self.places.drain(..) {
            bytes.extend_from_slice(&place.to_le_bytes());
        }
        bytes.extend_from_slice(&rows.to_le_bytes());
        let filter = self.hashes.as_mut().map(|hashes| Filter::of(&std::mem::take(hashes)));
        Some(Built { bytes, rows, first, last, filter: filter.unwrap_or_default() })
    }
}

/// A blob that was read. Clones share its bytes.
#[derive(Clone, Debug)]
pub struct Blob(Arc<[u8]>);

impl Blob {
    pub fn new(bytes: &[u8]) -> Blob {
        Blob(Arc::from(bytes))
    }

    /// How many rows it has.
    pub fn rows(&self) -> u32 {
        self.0.last_chunk().map_or(0, |rows| u32::from_le_bytes(*rows))
    }

    /// The row with this number; `None` when the blob is damaged, or has no such row.
    pub fn row(&self, index: u32) -> Option<StoredRow> {
        let rows = self.rows();
        if index >= rows {
            return None;
        }
        let places = self.0.len().checked_sub(PLACE * (rows as usize + 1))?;
        let place = self.0.get(places + PLACE * index as usize..)?.first_chunk()?;
        let (key, at) = varint(&self.0[..places], u32::from_le_bytes(*place) as usize)?;
        let (value, start) = varint(&self.0[..places], at)?;
        let key_len = key as usize;
        let value_len = value.checked_sub(1);
        let end = start.checked_add(key_len)?.checked_add(value_len.unwrap_or(0) as usize)?;
        if key_len < KEY_PREFIX || end > places {
            return None;
        }
        Some(StoredRow { blob: self.clone(), start, key_len, value_len: value_len.map(|len| len as usize) })
    }

    /// The number of the first row whose key is not less; `None` when the blob is damaged.
    pub fn lower_bound(&self, key: &[u8]) -> Option<u32> {
        let (mut low, mut high) = (0, self.rows());
        while low < high {
            let middle = low + (high - low) / 2;
            match self.row(middle)?.whole_key() < key {
                true => low = middle + 1,
                false => high = middle,
            }
        }
        Some(low)
    }
}

/// A row that was read. Clones share its bytes, and those of the rows around it.
#[derive(Clone, Debug)]
pub struct StoredRow {
    blob: Blob,
    start: usize,
    key_len: usize,
    value_len: Option<usize>,
}

impl StoredRow {
    /// What kind of row it is.
    pub fn space(&self) -> u8 {
        self.whole_key()[2]
    }

    /// The group of its key.
    pub fn group(&self) -> u16 {
        u16::from_be_bytes([self.whole_key()[0], self.whole_key()[1]])
    }

    /// Its key.
    pub fn key(&self) -> &[u8] {
        &self.whole_key()[KEY_PREFIX..]
    }

    /// Its value; `None` when the row was removed, which rows that are given out never are.
    pub fn value(&self) -> Option<&[u8]> {
        let start = self.start + self.key_len;
        self.value_len.map(|len| &self.blob.0[start..start + len])
    }

    /// The same as a row of parts.
    pub fn as_row(&self) -> Row<'_> {
        Row { space: self.space(), group: self.group(), key: self.key(), value: self.value() }
    }

    pub(super) fn whole_key(&self) -> &[u8] {
        &self.blob.0[self.start..self.start + self.key_len]
    }

    pub(super) fn size(&self) -> usize {
        self.key_len + self.value_len.unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row<'a>(group: u16, space: u8, key: &'a [u8], value: Option<&'a [u8]>) -> Row<'a> {
        Row { space, group, key, value }
    }

    fn built() -> Built {
        let mut builder = Builder::new(FULL, true);
        for key in 0..100_u8 {
            let value = [key; 200];
            let value = (key % 7 != 0).then_some(&value[..usize::from(key) * 2]);
            builder.push(&row(u16::from(key) / 10, key / 5 % 2, &[key], value));
        }
        builder.finish().expect("there are rows")
    }

    #[test]
    fn rows_come_back_and_are_found() {
        let built = built();
        assert_eq!(built.rows, 100);
        assert_eq!((&*built.first, &*built.last), (&[0, 0, 0, 0][..], &[0, 9, 1, 99][..]));
        let (blob, filter) = (Blob::new(&built.bytes), &built.filter);
        for key in 0..100_u8 {
            let stored = blob.row(u32::from(key)).expect("there are 100");
            assert_eq!((stored.group(), stored.space()), (u16::from(key) / 10, key / 5 % 2));
            assert_eq!(stored.key(), [key]);
            let expected = (key % 7 != 0).then(|| vec![key; usize::from(key) * 2]);
            assert_eq!(stored.value().map(<[u8]>::to_vec), expected);
            assert_eq!(blob.lower_bound(stored.whole_key()), Some(u32::from(key)));
            assert_eq!(stored.as_row().whole_key(), stored.whole_key());
            assert!(filter.may_hold(filter::hash(stored.whole_key())));
        }
        assert_eq!((blob.lower_bound(&[0, 2]), blob.lower_bound(&[1])), (Some(20), Some(100)));
        assert!(blob.row(100).is_none());
    }

    #[test]
    fn the_order_of_rows_is_that_of_their_keys() {
        let rows = [
            row(0, 9, b"z", None),
            row(1, 0, b"b", None),
            row(1, 0, b"ba", None),
            row(1, 1, b"", None),
            row(256, 0, b"", None),
        ];
        for pair in rows.windows(2) {
            assert_eq!(pair[0].order(&pair[1]), Ordering::Less);
            assert!(pair[0].whole_key() < pair[1].whole_key());
        }
        let group = group_start(1);
        for (one, other) in rows.iter().flat_map(|one| rows.iter().map(move |other| (one, other))) {
            assert_eq!(one.order_to(&other.whole_key()), one.order(other));
            let begins = one.begin().cmp(&other.begin());
            assert!(begins == Ordering::Equal || begins == one.order(other));
            assert_eq!(one.order_to(&group), one.whole_key().cmp(&group));
        }
        assert_eq!(group_start(256), [1, 0]);
    }

    #[test]
    fn blobs_are_full_and_no_fuller() {
        let mut builder = Builder::new(FULL, false);
        while builder.has_room_for(KEY_PREFIX + 2 + 200) {
            let key = u16::try_from(builder.places.len()).expect("few").to_be_bytes();
            builder.push(&row(0, 0, &key, Some(&[1; 200])));
        }
        let built = builder.finish().expect("there are rows");
        assert!((FULL - 300..=FULL).contains(&built.bytes.len()), "{}", built.bytes.len());
        assert!(builder.is_empty() && builder.finish().is_none());
        assert!(builder.has_room_for(10 * FULL), "a large row is alone");
    }

    #[test]
    fn no_bytes_make_it_panic() {
        let built = built();
        let mut random = crate::disk::simulated::Random::new(7);
        for _ in 0..2_000 {
            let mut bytes = built.bytes.clone();
            let at = random.size(bytes.len());
            match random.size(3) {
                0 => bytes.truncate(at),
                1 => bytes[at..].fill(0xff),
                _ => {
                    // The number of rows and the places are what is most dangerous.
                    let at = bytes.len() - 1 - random.size(404);
                    bytes[at] = random.bits().to_le_bytes()[0];
                }
            }
            let blob = Blob::new(&bytes);
            for index in [0, 1, 50, 99, u32::MAX, blob.rows().saturating_sub(1)] {
                if let Some(row) = blob.row(index) {
                    let _ = (row.group(), row.space(), row.key().len(), row.value().map(<[u8]>::len));
                }
            }
            let _ = blob.lower_bound(&[0, 5, 1]);
        }
    }
}
