//! Files that are not as they were written.

use super::model::{Change, Content, Model};
use super::*;
use crate::disk::simulated::Random;
use crate::seeds::seeds;

fn file() -> std::path::PathBuf {
    folder().join(FILE)
}

/// The file of a store that was closed or killed, and what it holds.
fn stored(seed: u64, is_closed: bool) -> (Vec<u8>, Content) {
    let disk = SimulatedDisk::new(seed);
    let mut random = Random::new(seed);
    let (mut store, mut model) = (open(&disk), Model::default());
    for _ in 0..12 {
        let change = Change::random(&mut random, &model);
        change.commit(&mut store).expect("it can be stored");
        model = model.after(&change);
    }
    if is_closed {
        store.close().expect("it can be closed");
    } else {
        disk.kill();
    }
    (disk.contents(&file()).expect("a file"), model.content)
}

/// What is read from such a file; and the file stays as it is if that is an error.
fn read(bytes: &[u8], random: &mut Random) -> Result<Content, StoreError> {
    let disk = SimulatedDisk::new(1);
    disk.make_folder(folder()).expect("a folder");
    disk.put(&file(), bytes);
    let looked = look(&shared(&disk), folder()).and_then(|snapshot| Content::read(&snapshot, random));
    assert!(disk.contents(&file()).expect("a file") == bytes, "who looks changes nothing");
    let opened = open_with(&disk, small()).and_then(|store| Content::read(store.snapshot(), random));
    assert!(opened.is_ok() || disk.contents(&file()).expect("a file") == bytes, "it is left as it is");
    match (&looked, &opened) {
        (Ok(looked), Ok(opened)) => assert!(looked == opened),
        (Err(looked), Err(opened)) => assert_eq!(looked.to_string(), opened.to_string()),
        _ => panic!("one can be read: {:?} {:?}", looked.err(), opened.err()),
    }
    opened
}

#[test]
fn whatever_changes_in_a_file_nothing_wrong_is_read_from_it() {
    let (mut refused, mut whole) = (0, 0);
    let seeds = seeds(40, 500);
    let many = seeds.len() >= 500;
    let stored = [stored(1, true), stored(2, false)];
    for seed in seeds {
        let mut random = Random::new(seed.number);
        let (before, expected) = &stored[random.size(2)];
        let mut bytes = before.clone();
        // Much of a file is free pages, and the beginning decides.
        let at = match random.size(3) {
            0 => random.size(9 * 4_096),
            _ => random.size(bytes.len()),
        };
        let end = at + random.size((bytes.len() - at).min(5_000) + 1);
        match random.size(6) {
            0 => bytes[at..end].fill_with(|| random.bits().to_le_bytes()[0]),
            1 => bytes[at..end].fill(0),
            2 => bytes.truncate(at),
            3 => bytes.resize(before.len() + at % 10_000, 0),
            _ => bytes[at] ^= 1 << random.size(8),
        }
        match read(&bytes, &mut random) {
            Ok(content) => {
                assert!(content == *expected);
                whole += 1;
            }
            Err(error) => {
                assert!(!error.is_temporary(), "{error}");
                assert!(error.to_string().contains("/state/state.store"), "{error}");
                refused += 1;
            }
        }
    }
    // Otherwise it would show little.
    assert!(!many || refused > 50 && whole > 50, "{refused} refused, {whole} whole");
}

#[test]
fn no_stretch_that_is_destroyed_at_the_beginning_makes_the_last_commit_vanish() {
    let mut random = Random::new(1);
    // How long a stretch may be, and that the newest copy may be in any place, see the tests of `file`.
    for (seed, is_closed) in [(1, true), (2, true), (3, false), (4, false)] {
        let (whole, expected) = stored(seed, is_closed);
        for at in (0..8 * 4_096 - 10_000).step_by(500) {
            let mut bytes = whole.clone();
            bytes[at..at + 10_000].fill(0);
            assert!(read(&bytes, &mut random).expect("a copy is left") == expected, "{seed} {at}");
        }
    }
}

#[test]
fn damage_under_a_running_store_is_said_and_not_taken_for_content() {
    for seed in seeds(10, 100) {
        let disk = SimulatedDisk::new(seed.number);
        let mut random = Random::new(seed.number);
        // Without a cache everything is read again.
        let mut store = open_with(&disk, Options { cache: 0, ..small() }).expect("it can be opened");
        let mut model = Model::default();
        for _ in 0..8 {
            let change = Change::random(&mut random, &model);
            change.commit(&mut store).expect("it can be stored");
            model = model.after(&change);
        }
        let len = disk.contents(&file()).expect("a file").len();
        for _ in 0..200 {
            disk.flip_bit(&file(), random.size(len), 3);
        }
        match Content::read(store.snapshot(), &mut random) {
            Ok(content) => assert!(content == model.content),
            Err(error) => assert!(matches!(error, StoreError::Damaged { .. }), "{error}"),
        }
        let change = Change::random(&mut random, &model);
        match change.commit(&mut store) {
            // What is damaged may not have been needed for it.
            Ok(_) => {}
            Err(error) => assert!(matches!(error, StoreError::Damaged { .. }), "{error}"),
        }
    }
}

#[test]
fn foreign_newer_and_empty_files_are_refused_and_left_alone() {
    let (whole, _) = stored(1, true);
    let refused = |bytes: &[u8]| {
        let disk = SimulatedDisk::new(1);
        disk.make_folder(folder()).expect("a folder");
        disk.put(&file(), bytes);
        let error = open_with(&disk, small()).expect_err("refused").to_string();
        assert_eq!(disk.contents(&file()).expect("a file"), bytes);
        error
    };
    let foreign = "/state/state.store is no state of Tripline; move it out of the way, or name another file (it was \
                   left as it is)";
    for bytes in [&b""[..], b"dear diary", &[0; 40_000], &[b'x'; 40_000]] {
        assert_eq!(refused(bytes), foreign);
    }
    let mut newer = whole.clone();
    for copy in 0..8 {
        newer[copy * 4_096 + 8] = 2;
    }
    assert_eq!(
        refused(&newer),
        "/state/state.store has format 2 and this program knows 1: a newer version has written it, or it is \
         damaged; run that version (the file was left as it is)"
    );
    let mut damaged = whole.clone();
    for copy in 0..8 {
        damaged[copy * 4_096 + 100] ^= 1;
    }
    assert_eq!(
        refused(&damaged),
        "/state/state.store is damaged: no copy of its first bytes fits its checksum; bring the file back from a \
         copy, or restore a savepoint into an empty state folder (it was left as it is)"
    );
    assert_eq!(
        refused(&whole[..8 * 4_096]),
        "/state/state.store is damaged: it ends or is empty at byte 32768; bring the file back from a copy, or \
         restore a savepoint into an empty state folder (it was left as it is)"
    );
}
