//! What is kept for people to look at.

use super::*;
use crate::store::{Entry, Term, Way};

const BLUE: &str = "blue";
const RED: &str = "red";

fn entry<'a>(list: u8, time: i64, terms: &'a [Term], body: &'a [u8]) -> Entry<'a> {
    Entry { list, id: None, time: at(time), terms, body }
}

fn keep(store: &mut Store, entries: &[Entry<'_>], before: Option<i64>) -> Vec<Option<u64>> {
    let commit = Commit { archive: entries, archive_before: before.map(at), ..Commit::default() };
    store.commit(&commit).expect("it can be stored").archived
}

/// The numbers of what is found, and what it says.
fn found(store: &Store, list: u8, term: Option<&str>, way: Way) -> Vec<(u64, String)> {
    let mut found = Vec::new();
    let term = term.map(|text| Term::new("colour", text));
    let look = store.snapshot().archive(list, term, way, |kept| {
        found.push((kept.number, String::from_utf8(kept.body).expect("text")));
        true
    });
    look.expect("it can be read");
    found
}

fn named(found: &[(u64, &str)]) -> Vec<(u64, String)> {
    found.iter().map(|(number, text)| (*number, (*text).to_owned())).collect()
}

#[test]
fn entries_are_found_by_list_and_term_both_ways_after_a_crash_too() {
    let disk = SimulatedDisk::new(1);
    let mut store = open(&disk);
    let (blue, red) = (Term::new("colour", BLUE), Term::new("colour", RED));
    let numbers = keep(
        &mut store,
        &[entry(1, 5, &[blue], b"one"), entry(2, 5, &[red], b"two"), entry(1, 6, &[blue, red], b"three")],
        None,
    );
    assert_eq!(numbers, [Some(1), Some(2), Some(3)]);
    keep(&mut store, &[entry(1, 7, &[], b"four")], None);
    disk.crash();
    let store = open(&disk);
    assert_eq!(found(&store, 1, None, Way::After(0)), named(&[(1, "one"), (3, "three"), (4, "four")]));
    assert_eq!(found(&store, 1, None, Way::Before(4)), named(&[(3, "three"), (1, "one")]));
    assert_eq!(found(&store, 1, Some(BLUE), Way::Before(u64::MAX)), named(&[(3, "three"), (1, "one")]));
    assert_eq!(found(&store, 1, Some(BLUE), Way::After(1)), named(&[(3, "three")]));
    assert_eq!(found(&store, 1, Some(RED), Way::After(0)), named(&[(3, "three")]));
    assert_eq!(found(&store, 2, Some(RED), Way::After(0)), named(&[(2, "two")]));
    assert_eq!(found(&store, 2, Some(BLUE), Way::After(0)), []);
}

#[test]
fn what_is_old_goes_with_its_terms() {
    let disk = SimulatedDisk::new(1);
    let mut store = open(&disk);
    let blue = [Term::new("colour", BLUE)];
    keep(
        &mut store,
        &[entry(2, 1, &blue, b"old"), entry(1, 2, &blue, b"older"), entry(2, 9, &blue, b"new")],
        None,
    );
    keep(&mut store, &[], Some(5));
    for list in [1, 2] {
        let left = if list == 2 { named(&[(3, "new")]) } else { Vec::new() };
        assert_eq!(found(&store, list, None, Way::After(0)), left);
        assert_eq!(found(&store, list, Some(BLUE), Way::After(0)), left);
    }
    assert_eq!(store.snapshot().archive_size().entries, 1);
    let more = keep(&mut store, &[entry(1, 9, &blue, b"next")], Some(5));
    assert_eq!(more, [Some(4)], "numbers are never given twice");
}

#[test]
fn the_oldest_go_when_there_is_too_much() {
    let disk = SimulatedDisk::new(1);
    let mut store = open_with(&disk, Options { archive: 100, ..small() }).expect("it can be opened");
    for time in 0..10 {
        keep(&mut store, &[entry(1, time, &[], &[b'x'; 40])], None);
    }
    assert_eq!(found(&store, 1, None, Way::After(0)).len(), 2);
    assert_eq!((store.snapshot().archive_size().entries, store.snapshot().archive_size().bytes), (2, 80));
}

#[test]
fn an_alert_that_was_dealt_with_is_not_kept_twice() {
    let disk = SimulatedDisk::new(1);
    let mut store = open(&disk);
    let known = Entry { id: Some("a"), ..entry(1, 1, &[], b"a") };
    let commit = Commit { archive: &[known], dealt_with: &["a"], ..Commit::default() };
    assert_eq!(store.commit(&commit).expect("it can be stored").archived, [Some(1)]);
    assert_eq!(store.commit(&commit).expect("it can be stored").archived, [None]);
}
