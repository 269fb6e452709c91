//! Which of many literal texts stand in a text: all patterns of one field are looked for at once.
//!
//! One pass over the text finds every literal in it, however many there are (A. Aho and M. Corasick,
//! "Efficient string matching", 1975). That a literal is there says no more than that the pattern it is
//! taken from may fit. The automaton takes memory by the length of all literals; one set of regular
//! expressions, of which a thousand may take hundreds of megabytes, would answer more and cost more.
//!
//! Letters of ASCII are found in either case.

use std::collections::BTreeMap;

use aho_corasick::AhoCorasick;

/// Literals, each with what it stands for.
#[derive(Debug)]
pub struct Texts<T> {
    literals: AhoCorasick,
    /// For each literal, in the order in which the automaton has them.
    stands_for: Vec<Vec<T>>,
}

impl<T: Copy> Texts<T> {
    /// Prepares to look for these; `None` when there is none, or more than the automaton can hold.
    pub fn new(list: Vec<(Vec<u8>, T)>) -> Option<Texts<T>> {
        let mut known: BTreeMap<Vec<u8>, Vec<T>> = BTreeMap::new();
        for (literal, what) in list {
            known.entry(literal).or_default().push(what);
        }
        if known.is_empty() {
            return None;
        }
        let literals = AhoCorasick::builder().ascii_case_insensitive(true).build(known.keys()).ok()?;
        Some(Texts { literals, stands_for: known.into_values().collect() })
    }

    /// What the literals stand for that are in the text; for a literal that is there several times it is
    /// given as often.
    pub fn find(&self, text: &str, mut found: impl FnMut(T)) {
        for literal in self.literals.find_overlapping_iter(text) {
            self.stands_for[literal.pattern()].iter().for_each(|what| found(*what));
        }
    }
}
