//! What the simulated disk does when it fails.

use std::collections::BTreeSet;

use super::*;

fn folder() -> &'static Path {
    Path::new("/data")
}

fn disk(seed: u64) -> SimulatedDisk {
    let disk = SimulatedDisk::new(seed);
    disk.make_folder(folder()).expect("a folder");
    disk
}

fn path(name: &str) -> PathBuf {
    folder().join(name)
}

/// A file with `synced` on the disk.
fn kept(disk: &SimulatedDisk, synced: &[u8]) -> SimulatedFile {
    let file = disk.create_file(&path("a")).expect("a file");
    file.write(0, synced).expect("written");
    file.sync_data().expect("synced");
    disk.sync_folder(folder()).expect("synced");
    file
}

#[test]
fn what_was_synced_outlasts_a_crash_and_the_rest_may_do_anything() {
    let mut outcomes = BTreeSet::new();
    for seed in 0..300 {
        let disk = disk(seed);
        let file = kept(&disk, b"synced");
        file.write(6, b"abcd").expect("written");
        file.write(10, b"efgh").expect("written");
        disk.crash();
        assert!(file.len().is_err(), "it is from before");
        let content = disk.contents(&path("a")).expect("its name was synced");
        assert!(content.starts_with(b"synced") && content.len() <= 14);
        outcomes.insert(content);
    }
    for expected in [&b"synced"[..], b"syncedabcdefgh", b"syncedab", b"syncedabcd", b"synced\0\0\0\0efgh"] {
        assert!(outcomes.contains(expected), "{expected:?}");
    }
}

#[test]
fn names_outlast_a_crash_when_their_folder_was_synced() {
    let mut outcomes = BTreeSet::new();
    for seed in 0..100 {
        let disk = disk(seed);
        kept(&disk, b"");
        disk.rename(&path("a"), &path("b")).expect("renamed");
        disk.create(&path("c")).expect("a file");
        assert_eq!(disk.list(folder()).expect("a folder"), [path("b"), path("c")]);
        disk.crash();
        outcomes.insert(disk.list(folder()).expect("a folder"));
        disk.sync_folder(folder()).expect("synced");
    }
    let possible = [vec![path("a")], vec![path("a"), path("c")], vec![path("b")], vec![path("b"), path("c")]];
    assert_eq!(outcomes, BTreeSet::from(possible));
}

#[test]
fn after_a_failed_sync_what_can_be_read_is_lost() {
    let mut lost = 0;
    for seed in 0..50 {
        let disk = disk(seed);
        let file = kept(&disk, b"synced");
        file.write(6, b"more").expect("written");
        disk.fail_syncs(1);
        assert!(file.sync_data().is_err());
        file.sync_data().expect("it says that all is well");
        assert_eq!(disk.contents(&path("a")).expect("a file"), b"syncedmore");
        disk.crash();
        lost += usize::from(disk.contents(&path("a")).expect("a file") == b"synced");
    }
    assert!(lost > 5, "{lost}");
}

#[test]
fn a_full_disk_takes_a_part() {
    let disk = disk(1);
    let file = kept(&disk, b"synced");
    disk.set_capacity(Some(8));
    let error = file.write(6, b"more").expect_err("it is full");
    assert_eq!(error.kind(), io::ErrorKind::StorageFull);
    assert_eq!(disk.contents(&path("a")).expect("a file"), b"syncedmo");
    assert_eq!(disk.free_space(folder()).expect("known"), 0);
    file.write(0, b"SYNCED").expect("that takes no more room");
    assert!(file.set_len(9).is_err());
    file.set_len(1).expect("cut");
    assert_eq!(disk.free_space(folder()).expect("known"), 7);
}

#[test]
fn the_power_goes_in_the_middle_of_an_operation() {
    let disk = disk(1);
    let file = kept(&disk, b"synced");
    disk.crash_at(disk.operations() + 2);
    file.write(6, b"a").expect("written");
    assert!(!disk.is_down());
    assert!(file.sync_data().is_err());
    assert!(disk.is_down());
    assert!(disk.open(&path("a"), Access::Read).is_err());
    disk.crash();
    assert!(disk.open(&path("a"), Access::Read).is_ok());
}

#[test]
fn the_power_goes_before_an_operation_or_after_it() {
    for seed in 0..50 {
        for (moment, expected) in [(Moment::Before, &b"synced"[..]), (Moment::After, b"synced and more")] {
            let disk = disk(seed);
            let file = kept(&disk, b"synced");
            file.write(6, b" and more").expect("written");
            let sync = disk.operations() + 1;
            disk.crash_at_moment(sync, moment);
            assert!(file.sync_data().is_err() && disk.is_down(), "nobody hears of it");
            disk.crash();
            let content = disk.contents(&path("a")).expect("a file");
            match moment {
                Moment::After => assert_eq!(content, expected),
                _ => assert!(content.starts_with(expected)),
            }
            let file = disk.open_file(&path("a"), Access::Write).expect("a file");
            disk.crash_at_moment(disk.operations() + 1, moment);
            assert!(file.set_len(0).is_err());
            let is_done = disk.contents(&path("a")).expect("a file").is_empty();
            assert_eq!(is_done, moment == Moment::After);
        }
    }
}

#[test]
fn a_read_only_disk_can_be_read() {
    let disk = disk(1);
    kept(&disk, b"synced");
    disk.set_read_only(true);
    for error in [
        disk.open(&path("a"), Access::Write).expect_err("refused"),
        disk.create(&path("b")).expect_err("refused"),
        disk.remove(&path("a")).expect_err("refused"),
        disk.rename(&path("a"), &path("b")).expect_err("refused"),
        disk.make_folder(&path("folder")).expect_err("refused"),
    ] {
        assert_eq!(error.kind(), io::ErrorKind::ReadOnlyFilesystem);
    }
    let mut read = [0; 3];
    disk.open(&path("a"), Access::Read).expect("a file").read(3, &mut read).expect("it is there");
    assert_eq!(&read, b"ced");
    let beyond = disk.open(&path("a"), Access::Read).expect("a file").read(4, &mut read);
    assert_eq!(beyond.expect_err("it ends").kind(), io::ErrorKind::UnexpectedEof);
}

#[test]
fn one_at_a_time_has_the_lock() {
    let disk = disk(1);
    let (one, other) = (kept(&disk, b""), disk.open_file(&path("a"), Access::Write).expect("a file"));
    assert!(one.try_lock().expect("it has locks"));
    assert!(!other.try_lock().expect("it has locks"));
    one.close().expect("closed");
    assert!(one.len().is_err());
    assert!(other.try_lock().expect("it has locks"));
    disk.kill();
    let next = disk.open_file(&path("a"), Access::Write).expect("a file");
    assert!(next.try_lock().expect("it has locks"));
    drop(other);
    let last = disk.open_file(&path("a"), Access::Write).expect("a file");
    assert!(!last.try_lock().expect("it has locks"), "who is from before gives nothing back");
}

#[test]
fn the_same_seed_gives_the_same_outcome() {
    let outcome = |seed| {
        let disk = disk(seed);
        disk.fail_by_chance(300);
        let file = disk.create_file(&path("a"));
        let results: Vec<bool> = (0..20)
            .map(|index| {
                file.as_ref().is_ok_and(|file| file.write(index, &[7; 9]).and(file.sync_data()).is_ok())
            })
            .collect();
        disk.crash();
        (results, disk.contents(&path("a")))
    };
    assert!((0..20).all(|seed| outcome(seed) == outcome(seed)));
    assert!((0..20).any(|seed| outcome(seed) != outcome(seed + 1)));
}
