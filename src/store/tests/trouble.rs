//! The disk is full, broken or read-only.

use super::*;
use crate::disk::Cause;

fn put(store: &mut Store, value: &[u8]) -> Result<Committed, StoreError> {
    let alert = Alert { sink: "hook", id: "1", rule: "", key: b"", time: at(0), body: value };
    store.commit(&Commit { head: value, rows: &[row(1, b"a", value)], alerts: &[alert], ..Commit::default() })
}

/// What both the store and those who look at it from elsewhere see.
fn head(store: &Store) -> Vec<u8> {
    let current = store.current().get();
    assert_eq!(current.number(), store.snapshot().number());
    let head = current.head().expect("it can be read");
    if current.number() > 0 {
        assert_eq!(current.row(0, 1, b"a").expect("it can be read"), Some(head.clone()));
    }
    head
}

#[test]
fn on_a_full_disk_the_state_stays_and_it_goes_on_when_there_is_room() {
    let disk = SimulatedDisk::new(1);
    let mut store = open(&disk);
    put(&mut store, b"small").expect("it can be stored");
    disk.set_capacity(Some(disk.used() + 1_000));
    let large = vec![7; 3 << 20];
    let error = put(&mut store, &large).expect_err("there is no room");
    assert_eq!(error.cause(), Some(Cause::Full));
    assert_eq!(
        error.to_string(),
        "cannot change the length of /state/state.store: No space left on device (os error 28); make room on \
         its file system"
    );
    for _ in 0..3 {
        assert_eq!(head(&store), b"small");
        let (before, error) = (disk.operations(), put(&mut store, &large).expect_err("there is no room"));
        assert_eq!(
            error.to_string(),
            "cannot write /state/state.store: 1000 bytes are free, and a checkpoint may need 13631493; make room \
             on its file system"
        );
        assert_eq!(disk.operations(), before, "nothing is tried");
    }
    disk.set_capacity(None);
    let committed = put(&mut store, &large).expect("there is room");
    assert_eq!((committed.number, committed.alerts), (2, vec![None]));
    assert_eq!(head(&store), large);
    disk.crash();
    assert_eq!(head(&open(&disk)), large);
}

#[test]
fn whichever_operation_fails_the_state_is_one_or_the_other_and_the_next_commit_works() {
    let (mut before, mut after) = (0, 0);
    for operation in 1..60 {
        for count in [1, 2, 100] {
            let disk = SimulatedDisk::new(operation);
            let mut store = open(&disk);
            put(&mut store, b"one").expect("it can be stored");
            let first = disk.operations() + operation;
            disk.fail_at(first..first + count);
            let committed = put(&mut store, b"two");
            let number = store.snapshot().number();
            match committed {
                Ok(_) => assert_eq!(number, 2),
                Err(error) => {
                    assert_eq!(error.cause(), Some(Cause::Broken), "{error}");
                    assert!(error.to_string().contains("/state/state.store: Input/output error"), "{error}");
                    before += u64::from(number == 1);
                    after += u64::from(number == 2);
                }
            }
            disk.fail_at(0..0);
            let committed = put(&mut store, b"three").expect("it works again");
            assert!(committed.number >= number);
            assert_eq!(head(&store), b"three");
            let waiting = store.snapshot().waiting("hook", 0, 9, 99).expect("they can be read");
            assert_eq!((waiting.len(), &*waiting[0].body), (1, &b"one"[..]));
            disk.crash();
            assert_eq!(head(&open(&disk)), b"three");
        }
    }
    assert!(before > 20 && after > 1, "{before} {after}");
}

#[test]
fn a_read_only_disk_is_said_and_can_be_read() {
    let disk = SimulatedDisk::new(1);
    let mut store = open(&disk);
    put(&mut store, b"one").expect("it can be stored");
    disk.set_read_only(true);
    for _ in 0..3 {
        let error = put(&mut store, b"two").expect_err("it is read-only");
        assert_eq!(error.cause(), Some(Cause::ReadOnly), "{error}");
        assert_eq!(head(&store), b"one");
    }
    let error = put(&mut store, b"two").expect_err("it is read-only");
    assert_eq!(
        error.to_string(),
        "cannot open for writing /state/state.store: Read-only file system (os error 30); make it writable for \
         the user that runs the service"
    );
    disk.set_read_only(false);
    put(&mut store, b"two").expect("it works again");
    disk.kill();
    disk.set_read_only(true);
    let error = open_with(&disk, small()).expect_err("it is read-only");
    assert_eq!(
        error.to_string(),
        "cannot open for writing /state/lock: Read-only file system (os error 30); make it writable for the \
         user that runs the service"
    );
    let snapshot = look(&shared(&disk), folder()).expect("it can be read");
    assert_eq!(snapshot.head().expect("it can be read"), b"two");
}

#[test]
fn a_program_killed_after_a_failed_sync_does_not_take_for_kept_what_it_can_read() {
    for seed in 0..100 {
        let disk = SimulatedDisk::new(seed);
        let mut store = open(&disk);
        put(&mut store, b"one").expect("it can be stored");
        // Everything is written, and from some sync on none succeeds.
        disk.fail_at(disk.operations() + 5 + seed % 20..u64::MAX);
        let _ = put(&mut store, b"two");
        disk.kill();
        let mut store = open(&disk);
        let found = head(&store);
        // What was found is said to be the state, so it has to stay it.
        disk.crash_at(disk.operations() + 1 + seed % 7);
        let _ = store.commit(&Commit { head: &found, ..Commit::default() });
        disk.crash();
        assert_eq!(head(&open(&disk)), found, "seed {seed}");
    }
}

#[test]
fn a_sync_that_fails_for_long_over_restarts_leaves_the_state_on_the_disk() {
    for seed in 0..20 {
        let disk = SimulatedDisk::new(seed);
        let mut store = open(&disk);
        put(&mut store, b"one").expect("it can be stored");
        for _ in 0..40 {
            disk.fail_syncs(u64::MAX);
            let _ = put(&mut store, b"two");
            disk.kill();
            disk.fail_syncs(u64::MAX);
            assert!(open_with(&disk, small()).is_err());
            disk.kill();
        }
        disk.crash();
        assert!([&b"one"[..], b"two"].contains(&&*head(&open(&disk))), "seed {seed}");
    }
}

#[test]
fn one_process_at_a_time_has_a_store_open() {
    let disk = SimulatedDisk::new(1);
    let store = open(&disk);
    let expected = format!(
        "the state in /state is in use by another process ({}); stop that one first, or give this one a folder of \
         its own",
        std::process::id()
    );
    assert_eq!(open_with(&disk, small()).expect_err("refused").to_string(), expected);
    assert_eq!(look(&shared(&disk), folder()).expect_err("refused").to_string(), expected);
    drop(store);
    let snapshot = look(&shared(&disk), folder()).expect("nobody has it");
    assert!(matches!(open_with(&disk, small()), Err(StoreError::InUse { .. })), "it is being looked at");
    drop(snapshot);
    open(&disk);
}

#[test]
fn where_there_is_no_store_there_is_none() {
    let disk = SimulatedDisk::new(1);
    disk.make_folder(folder()).expect("a folder");
    assert_eq!(
        look(&shared(&disk), folder()).expect_err("there is none").to_string(),
        "there is no state in /state; look whether that is the folder that the service uses"
    );
    assert_eq!(disk.list(folder()).expect("a folder").len(), 0, "and none is made");
}

#[test]
fn what_is_left_of_a_store_that_was_not_made_to_its_end_is_nothing() {
    for operation in 1..60 {
        let disk = SimulatedDisk::new(operation);
        disk.crash_at(operation);
        let opened = open_with(&disk, small()).map(drop);
        disk.crash();
        let store = open(&disk);
        assert_eq!((store.snapshot().number(), head(&store)), (0, Vec::new()), "{operation}");
        assert!(opened.is_err() || operation > 10, "{operation}");
    }
}

#[test]
fn a_closed_store_ends_its_snapshots() {
    let disk = SimulatedDisk::new(1);
    let mut store = open(&disk);
    put(&mut store, b"one").expect("it can be stored");
    let current = store.current();
    store.close().expect("it can be closed");
    let error = current.get().head().expect_err("it is closed");
    assert_eq!(
        error.to_string(),
        "this view of the state in /state/state.store has ended, as the file was closed; take a new one"
    );
}

#[test]
fn what_is_too_large_is_refused_before_anything_is_written() {
    let disk = SimulatedDisk::new(1);
    let mut store = open(&disk);
    let before = disk.operations();
    let value = vec![0; blob::LARGEST_ROW];
    let error = store.commit(&Commit { rows: &[row(1, b"a", &value)], ..Commit::default() });
    assert_eq!(
        error.expect_err("it is too large").to_string(),
        "a row of the state takes 1073741828 bytes, and no more than 1073741824 can be stored"
    );
    assert_eq!(disk.operations(), before);
}

#[test]
fn a_change_of_the_outbox_that_may_be_lost_is_not_shown() {
    let mut shown = 0;
    for seed in 0..60 {
        let disk = SimulatedDisk::new(seed);
        let mut store = open(&disk);
        put(&mut store, b"one").expect("it can be stored");
        // From some operation on nothing works, and the file cannot be opened for writing again either.
        disk.fail_at(disk.operations() + seed % 30..u64::MAX);
        let changed = store.change_outbox(&[OutboxChange::Accepted { sink: "hook", number: 1 }]);
        let waiting = store.current().get().waiting("hook", 0, 9, 99);
        match (changed, waiting) {
            (Ok(()), waiting) => assert_eq!(waiting.expect("it can be read"), []),
            (Err(_), Ok(waiting)) => {
                assert_eq!(waiting.len(), 1, "seed {seed}");
                shown += 1;
            }
            (Err(_), Err(error)) => assert!(error.is_temporary(), "{error}"),
        }
    }
    assert!(shown > 5, "{shown}");
}
