//! The disk is full, broken or read-only.

use std::sync::Mutex;

use super::*;

fn trouble(journal: &Journal) -> Arc<Trouble> {
    journal.status().trouble.expect("there is trouble")
}

#[test]
fn on_a_full_disk_nothing_is_reported_nothing_is_taken_and_it_goes_on_when_there_is_room() {
    let disk = SimulatedDisk::new(1);
    let heard = Arc::new(Mutex::new(Vec::new()));
    let listener = Arc::clone(&heard);
    let on_change: Listener = Arc::new(move |status| {
        let cause = status.trouble.as_ref().map(|trouble| trouble.cause);
        listener.lock().expect("no panic").push((status.durable, cause));
    });
    let options = Options { on_change: Some(on_change), ..Options::default() };
    let (journal, mut committer) = open_with(&disk, options).expect("it can be opened");
    keep(&journal, &mut committer, &[b"one"]);
    disk.set_capacity(Some(disk.used() + 50));
    let ticket = append(&journal, &[b"two", &[b'x'; 100]]).expect("this is not known yet");
    for _ in 0..3 {
        committer.round();
        assert!(!is_durable(&journal, &ticket));
        let refused = append(&journal, &[b"three"]).expect_err("it is in trouble");
        assert!(refused.is_temporary());
        assert_eq!(journal.status().waiting, 2, "what was taken is kept");
    }
    let used = disk.used();
    assert_eq!(
        append(&journal, &[b"three"]).expect_err("it is in trouble").to_string(),
        "the journal in /state/journal takes no records: there is no room left (50 bytes are free, and 343 \
         wait to be written); make room on its file system: it goes on by itself then"
    );
    assert_eq!(records(&journal), ["one"]);
    disk.set_capacity(Some(used + 1_000));
    committer.round();
    assert_eq!((journal.status().trouble, journal.status().durable), (None, 3));
    keep(&journal, &mut committer, &[b"four"]);
    let full = (1, Some(Cause::Full));
    assert_eq!(*heard.lock().expect("no panic"), [(1, None), full, full, full, (3, None), (4, None)]);
    disk.crash();
    let found = read(&open(&disk).0, 1).expect("it can be read");
    assert_eq!(found.len(), 4);
    assert_eq!(found[3], (4, b"four".to_vec()));
}

#[test]
fn a_disk_that_says_there_is_room_and_has_none_is_tried_again() {
    let disk = SimulatedDisk::new(1);
    let (journal, mut committer) = open(&disk);
    disk.set_capacity(Some(0));
    let ticket = append(&journal, &[b"one"]).expect("this is not known yet");
    committer.round();
    let text = trouble(&journal).to_string();
    assert!(text.contains("cannot write /state/journal/0000000001.new: "), "{text}");
    assert!(disk.list(folder()).expect("a folder").len() == 1, "what could not be begun is removed");
    disk.set_capacity(None);
    disk.fail_writes(1);
    committer.round();
    assert!(!is_durable(&journal, &ticket));
    committer.round();
    assert!(is_durable(&journal, &ticket));
}

#[test]
fn what_a_failed_sync_leaves_is_not_reported_and_written_again_elsewhere() {
    for seed in 0..50 {
        let disk = SimulatedDisk::new(seed);
        let (journal, mut committer) = open(&disk);
        keep(&journal, &mut committer, &[b"one"]);
        let ticket = append(&journal, &[b"two", b"three"]).expect("there is room");
        disk.fail_syncs(1);
        committer.round();
        assert!(!is_durable(&journal, &ticket));
        assert_eq!((trouble(&journal).cause, journal.status().durable), (Cause::Broken, 1));
        assert_eq!(records(&journal), ["one"]);
        // A sync of the same file would succeed now and prove nothing.
        committer.round();
        assert!(is_durable(&journal, &ticket));
        assert_eq!(journal.status().segments, 2);
        keep(&journal, &mut committer, &[b"four"]);
        assert_eq!(records(&journal), ["one", "two", "three", "four"]);
        disk.crash();
        assert_eq!(records(&open(&disk).0), ["one", "two", "three", "four"], "seed {seed}");
    }
}

#[test]
fn a_program_killed_after_a_failed_sync_does_not_take_for_kept_what_it_can_read() {
    for seed in 0..50 {
        let disk = SimulatedDisk::new(seed);
        let (journal, mut committer) = open(&disk);
        keep(&journal, &mut committer, &[b"one"]);
        append(&journal, &[b"two"]).expect("there is room");
        // The mark and the entry are written. They cannot be synced, nor cut off again.
        disk.fail_at(disk.operations() + 3..u64::MAX);
        committer.round();
        disk.kill();
        let (journal, _committer) = open(&disk);
        assert_eq!(records(&journal), ["one", "two"]);
        assert_eq!(journal.status().durable, 2);
        disk.crash();
        assert_eq!(records(&open(&disk).0), ["one", "two"], "seed {seed}");
    }
}

#[test]
fn a_disk_that_fails_for_long_gathers_no_files() {
    let disk = SimulatedDisk::new(1);
    let (journal, mut committer) = open(&disk);
    keep(&journal, &mut committer, &[b"one"]);
    let ticket = append(&journal, &[b"two"]).expect("there is room");
    for _ in 0..100 {
        disk.fail_syncs(1);
        committer.round();
    }
    disk.fail_syncs(0);
    assert!(!is_durable(&journal, &ticket));
    assert!(disk.list(folder()).expect("a folder").len() <= 3, "{:?}", disk.list(folder()));
    committer.round();
    assert!(is_durable(&journal, &ticket));
}

#[test]
fn a_journal_that_never_worked_keeps_its_numbers() {
    let disk = SimulatedDisk::new(1);
    let (journal, mut committer) = open_with(&disk, small()).expect("it can be opened");
    for _ in 0..4 {
        keep(&journal, &mut committer, &[&[b'x'; 200]]);
    }
    journal.trim(4);
    append(&journal, &[&[b'x'; 400]]).expect("there is room");
    // The new segment is begun, and then its first entries cannot be synced.
    committer.round();
    journal.trim(5);
    disk.fail_syncs(u64::MAX);
    append(&journal, &[&[b'x'; 400]]).expect("there is room");
    committer.round();
    disk.crash();
    let (journal, _committer) = open(&disk);
    assert!(journal.status().next >= 6, "{:?}", journal.status());
}

#[test]
fn a_read_only_disk_is_said() {
    let disk = SimulatedDisk::new(1);
    let (journal, mut committer) = open(&disk);
    keep(&journal, &mut committer, &[b"one"]);
    disk.set_read_only(true);
    let ticket = append(&journal, &[b"two"]).expect("this is not known yet");
    committer.round();
    committer.round();
    assert!(!is_durable(&journal, &ticket));
    assert_eq!(
        trouble(&journal).to_string(),
        "the journal in /state/journal takes no records: it may not be written (cannot cut \
         /state/journal/0000000001.journal: Read-only file system (os error 30)); make it writable for the \
         user that runs the service: it goes on by itself then"
    );
    disk.set_read_only(false);
    committer.round();
    assert!(is_durable(&journal, &ticket));
    drop((journal, committer));
    disk.set_read_only(true);
    let error = open_with(&disk, Options::default()).expect_err("it cannot be written");
    assert_eq!(
        error.to_string(),
        "cannot open for writing /state/journal/lock: Read-only file system (os error 30); make it writable \
         for the user that runs the service"
    );
    let inspection = inspect(&shared(&disk), folder()).expect("it can be read");
    assert_eq!(inspection.entries(), 2);
}

#[test]
fn files_that_cannot_be_removed_are_removed_later() {
    let disk = SimulatedDisk::new(1);
    let (journal, mut committer) = open_with(&disk, small()).expect("it can be opened");
    for _ in 0..10 {
        keep(&journal, &mut committer, &[&[b'x'; 200]]);
    }
    let before = journal.status().segments;
    disk.fail_writes(1);
    journal.trim(10);
    committer.round();
    assert_eq!((journal.status().segments, journal.status().trouble), (before, None));
    keep(&journal, &mut committer, &[b"goes on"]);
    journal.trim(10);
    committer.round();
    assert_eq!(journal.status().segments, 1);
}
