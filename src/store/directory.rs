//! Which blobs there are, and which rows in them still count.
//!
//! The *base* has every key once: blobs whose keys follow each other. Each *run* has the rows that one
//! commit changed, or several, in blobs of the same kind; of the rows of a key that of the newest run
//! counts, and that of the base if no run has one.
//!
//! Rows move from the runs to the base as a *hand* goes over all keys, from the first to the last and
//! again from the first: what it passes is merged. So of a run only those rows still count that the hand
//! has not passed since the run was written, and when it has gone once round, none does and the run is
//! removed. A run remembers where the hand stood: that is all there is to know.

use std::sync::Arc;

use super::error::StoreError;
use super::file::StateFile;
use super::filter::Filter;
use super::format::{Reader, Writer};
use super::tables::{Name, STRANGE, View};

/// What is known of a blob without reading it.
#[derive(Debug)]
pub struct Entry {
    /// Its number; none comes twice.
    pub id: u64,
    /// The run that it belongs to; 0 for the base.
    pub run: u64,
    /// How many bytes it has.
    pub bytes: u32,
    /// How many rows it has.
    pub rows: u32,
    /// The checksum of its bytes.
    pub crc: u32,
    /// The key of its first row.
    pub first: Box<[u8]>,
    /// The key of its last row.
    pub last: Box<[u8]>,
    /// Which keys it may hold.
    pub filter: Filter,
}

impl Entry {
    /// Its key in the tables.
    pub fn key(&self) -> [u8; 8] {
        self.id.to_be_bytes()
    }

    pub fn encode(&self) -> Writer {
        let writer = Writer::default().u64(self.run).u32(self.bytes).u32(self.rows).u32(self.crc);
        writer.bytes(&self.first).bytes(&self.last).rest(self.filter.as_bytes())
    }

    fn decode(id: u64, mut reader: Reader<'_>) -> Option<Entry> {
        Some(Entry {
            id,
            run: reader.u64()?,
            bytes: reader.u32()?,
            rows: reader.u32()?,
            crc: reader.u32()?,
            first: reader.bytes()?.into(),
            last: reader.bytes()?.into(),
            filter: Filter::from_bytes(reader.rest()),
        })
    }
}

/// Blobs in order of their keys.
pub type List = Arc<Vec<Arc<Entry>>>;

/// Where the hand stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hand {
    /// How often it has come to the end.
    pub round: u64,
    /// The first key that it has not passed in this round.
    pub key: Vec<u8>,
}

/// A part of all keys: from the first of these on, and less than the second if there is one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    pub from: Vec<u8>,
    pub to: Option<Vec<u8>>,
}

impl Span {
    /// All keys.
    pub fn all() -> Span {
        Span { from: Vec::new(), to: None }
    }

    fn is_empty(&self) -> bool {
        self.to.as_ref().is_some_and(|to| *to <= self.from)
    }

    pub fn contains(&self, key: &[u8]) -> bool {
        *self.from <= *key && self.to.as_deref().is_none_or(|to| key < to)
    }

    /// What is in both.
    pub fn and(self, other: &Span) -> Span {
        let to = match (self.to, &other.to) {
            (Some(one), Some(two)) => Some(one.min(two.clone())),
            (one, two) => one.or_else(|| two.clone()),
        };
        Span { from: self.from.max(other.from.clone()), to }
    }
}

/// The rows of one or more commits.
#[derive(Debug)]
pub struct Run {
    /// Larger than that of all older ones.
    pub number: u64,
    /// Where the hand stood when it was written.
    pub since: Hand,
    /// Its blobs.
    pub blobs: List,
    /// How many bytes they have.
    pub bytes: u64,
}

impl Run {
    pub fn new(number: u64, since: Hand, blobs: Vec<Arc<Entry>>) -> Run {
        let bytes = sum(&blobs);
        Run { number, since, blobs: Arc::new(blobs), bytes }
    }

    /// The keys of which its rows still count, in order; none when it can be removed.
    pub fn live(&self, hand: &Hand) -> Vec<Span> {
        let since = &self.since;
        let from = |key: &[u8], to: Option<&[u8]>| Span { from: key.to_vec(), to: to.map(<[u8]>::to_vec) };
        let mut live = match hand.round.checked_sub(since.round) {
            Some(0) => vec![from(&[], Some(&since.key)), from(&hand.key, None)],
            Some(1) => vec![from(&hand.key, Some(&since.key))],
            _ => Vec::new(),
        };
        live.retain(|span| !span.is_empty());
        live
    }

    /// Whether its row of this key still counts.
    pub fn counts(&self, hand: &Hand, key: &[u8]) -> bool {
        match hand.round.checked_sub(self.since.round) {
            Some(0) => *key < *self.since.key || *hand.key <= *key,
            Some(1) => *hand.key <= *key && *key < *self.since.key,
            _ => false,
        }
    }

    /// Its key in the tables.
    pub fn key(&self) -> [u8; 8] {
        self.number.to_be_bytes()
    }

    pub fn encode(&self) -> Writer {
        Writer::default().u64(self.since.round).bytes(&self.since.key)
    }
}

/// How many bytes some blobs have.
pub fn sum(blobs: &[Arc<Entry>]) -> u64 {
    blobs.iter().map(|blob| u64::from(blob.bytes)).sum()
}

/// All blobs. Clones share what does not change.
#[derive(Clone, Debug, Default)]
pub struct Directory {
    pub base: List,
    /// The oldest one first.
    pub runs: Vec<Arc<Run>>,
    pub hand: Hand,
}

/// How much there is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Size {
    /// The blobs of the base.
    pub base: u64,
    /// Their bytes.
    pub base_bytes: u64,
    /// Their rows.
    pub base_rows: u64,
    /// The runs.
    pub runs: u64,
    /// The bytes of their blobs.
    pub run_bytes: u64,
    /// The rows of their blobs.
    pub run_rows: u64,
}

impl Directory {
    pub fn size(&self) -> Size {
        let rows = |blobs: &List| blobs.iter().map(|blob| u64::from(blob.rows)).sum::<u64>();
        Size {
            base: self.base.len() as u64,
            base_bytes: sum(&self.base),
            base_rows: rows(&self.base),
            runs: self.runs.len() as u64,
            run_bytes: self.runs.iter().map(|run| run.bytes).sum(),
            run_rows: self.runs.iter().map(|run| rows(&run.blobs)).sum(),
        }
    }

    /// Reads it.
    pub fn load(view: &View, hand: Hand) -> Result<Directory, StoreError> {
        let file = view.file();
        let mut runs: Vec<(u64, Hand, Vec<Arc<Entry>>)> = Vec::new();
        view.scan(Name::RUNS, std::ops::Bound::Unbounded, |key, value| {
            let mut reader = Name::RUNS.unseal(file, key, value)?;
            let read = number(key).zip(reader.u64()).zip(reader.bytes());
            let ((number, round), since) = read.ok_or_else(|| Name::RUNS.damaged(file, key, STRANGE))?;
            runs.push((number, Hand { round, key: since.to_vec() }, Vec::new()));
            Ok(true)
        })?;
        let mut base = Vec::new();
        view.scan(Name::DIRECTORY, std::ops::Bound::Unbounded, |key, value| {
            let reader = Name::DIRECTORY.unseal(file, key, value)?;
            let entry = number(key).and_then(|id| Entry::decode(id, reader));
            let entry = entry.ok_or_else(|| Name::DIRECTORY.damaged(file, key, STRANGE))?;
            let place = runs.binary_search_by_key(&entry.run, |(number, _, _)| *number);
            match place {
                _ if entry.run == 0 => base.push(Arc::new(entry)),
                Ok(place) => runs[place].2.push(Arc::new(entry)),
                Err(_) => return Err(Name::DIRECTORY.damaged(file, key, "belongs to no run")),
            }
            Ok(true)
        })?;
        let runs = runs
            .into_iter()
            .map(|(number, since, blobs)| Ok(Arc::new(Run::new(number, since, in_order(blobs, file)?))));
        Ok(Directory {
            runs: runs.collect::<Result<_, StoreError>>()?,
            base: Arc::new(in_order(base, file)?),
            hand,
        })
    }
}

fn number(key: &[u8]) -> Option<u64> {
    key.try_into().ok().map(u64::from_be_bytes)
}

/// The blobs in order of their keys, which never overlap.
fn in_order(mut blobs: Vec<Arc<Entry>>, file: &StateFile) -> Result<Vec<Arc<Entry>>, StoreError> {
    blobs.sort_by(|one, other| one.first.cmp(&other.first));
    match blobs.windows(2).find(|pair| pair[0].last >= pair[1].first) {
        Some(pair) => Err(Name::DIRECTORY.damaged(file, &pair[1].key(), "overlaps another blob")),
        None => Ok(blobs),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hand(round: u64, key: &str) -> Hand {
        Hand { round, key: key.as_bytes().to_vec() }
    }

    fn live(since: &Hand, now: &Hand) -> String {
        let run = Run::new(1, since.clone(), Vec::new());
        let spans = run.live(now);
        let counts = |key: &u8| {
            let is_live = spans.iter().any(|span| span.contains(&[*key]));
            assert_eq!(run.counts(now, &[*key]), is_live);
            is_live
        };
        (b'a'..=b'e').filter(counts).map(char::from).collect()
    }

    #[test]
    fn a_row_counts_until_the_hand_has_passed_it() {
        let since = hand(7, "c");
        for (now, expected) in [
            (hand(7, "c"), "abcde"),
            (hand(7, "d"), "abde"),
            (hand(7, "z"), "ab"),
            (hand(8, ""), "ab"),
            (hand(8, "b"), "b"),
            (hand(8, "c"), ""),
            (hand(8, "e"), ""),
            (hand(9, ""), ""),
        ] {
            assert_eq!(live(&since, &now), expected, "{now:?}");
        }
        assert_eq!(live(&hand(7, ""), &hand(7, "")), "abcde");
        assert_eq!(live(&hand(7, ""), &hand(8, "")), "");
    }

    #[test]
    fn spans_meet() {
        let span = |from: &str, to: Option<&str>| Span { from: from.into(), to: to.map(Into::into) };
        assert_eq!(span("b", None).and(&span("a", Some("d"))), span("b", Some("d")));
        assert_eq!(span("a", Some("c")).and(&span("b", Some("d"))), span("b", Some("c")));
        assert_eq!(Span::all().and(&Span::all()), Span::all());
    }
}
