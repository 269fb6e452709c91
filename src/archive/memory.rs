//! What is kept where there is no store: the last of it, in memory.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use crate::store::{Entry, Kept, Term, Way};

/// So many entries are kept, and so many bytes of them.
const MOST: usize = 10_000;
const MOST_BYTES: usize = 64 << 20;

/// The last of what was to be kept.
#[derive(Debug, Default)]
pub struct Memory {
    rows: BTreeMap<(u8, u64), (Kept, Vec<Term>)>,
    terms: BTreeSet<(u8, Term, u64)>,
    next: u64,
    bytes: usize,
}

impl Memory {
    /// Keeps entries, in order; the number of each.
    pub fn keep<'a>(&mut self, entries: impl IntoIterator<Item = Entry<'a>>) -> Vec<Option<u64>> {
        let numbers = entries.into_iter().map(|entry| {
            self.next += 1;
            let number = self.next;
            let kept = Kept { number, time: entry.time, body: entry.body.to_vec() };
            self.bytes += kept.body.len();
            self.terms.extend(entry.terms.iter().map(|term| (entry.list, *term, number)));
            self.rows.insert((entry.list, number), (kept, entry.terms.to_vec()));
            Some(number)
        });
        let numbers = numbers.collect();
        self.trim();
        numbers
    }

    fn trim(&mut self) {
        while self.rows.len() > MOST || self.bytes > MOST_BYTES && self.rows.len() > 1 {
            let lists: BTreeSet<u8> = self.rows.keys().map(|(list, _)| *list).collect();
            let first =
                |list: &u8| self.rows.range((*list, 0)..).next().map(|((list, number), _)| (*number, *list));
            let Some((number, list)) = lists.iter().filter_map(first).min() else { break };
            if let Some((kept, terms)) = self.rows.remove(&(list, number)) {
                self.bytes -= kept.body.len();
                for term in terms {
                    self.terms.remove(&(list, term, number));
                }
            }
        }
    }

    /// Looks at entries of a list, one after the other, as long as `each` wants more.
    pub fn look(&self, list: u8, term: Option<Term>, way: Way, mut each: impl FnMut(Kept) -> bool) {
        let range = match way {
            Way::Before(number) => (Bound::Included(0), Bound::Excluded(number)),
            Way::After(number) => (Bound::Excluded(number), Bound::Included(u64::MAX)),
        };
        let of = |number: u64| self.rows.get(&(list, number)).map(|(kept, _)| kept.clone());
        match term {
            Some(term) => {
                let numbers =
                    self.terms.range(with(range, |number| (list, term, number))).map(|(.., number)| *number);
                along(numbers, way, |number| of(number).is_none_or(&mut each));
            }
            None => {
                let numbers =
                    self.rows.range(with(range, |number| (list, number))).map(|((_, number), _)| *number);
                along(numbers, way, |number| of(number).is_none_or(&mut each));
            }
        }
    }
}

fn with<T>((from, to): (Bound<u64>, Bound<u64>), key: impl Fn(u64) -> T) -> (Bound<T>, Bound<T>) {
    (from.map(&key), to.map(&key))
}

fn along(numbers: impl DoubleEndedIterator<Item = u64>, way: Way, mut each: impl FnMut(u64) -> bool) {
    match way {
        Way::Before(_) => drop({ numbers }.rfind(|number| !each(*number))),
        Way::After(_) => drop({ numbers }.find(|number| !each(*number))),
    }
}
