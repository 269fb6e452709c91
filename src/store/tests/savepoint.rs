//! Savepoints.

use std::path::PathBuf;

use super::*;
use crate::disk::simulated::Random;
use crate::seeds::seeds;

fn path() -> PathBuf {
    folder().join("before-upgrade.savepoint")
}

/// A store with some of everything, changed a few times.
fn store(disk: &SimulatedDisk) -> Store {
    let mut store = open(disk);
    let values: Vec<Vec<u8>> = (0..300_u16).map(|number| vec![number.to_be_bytes()[1]; 30]).collect();
    let keys: Vec<[u8; 2]> = (0..300_u16).map(u16::to_be_bytes).collect();
    for step in [1, 2, 3] {
        let rows = keys.iter().zip(&values).step_by(step);
        let rows: Vec<Row<'_>> =
            rows.map(|(key, value)| row(u16::from(key[1]), key, &value[step..])).collect();
        let commit = Commit {
            time: at(step.try_into().expect("small")),
            head: &values[step].repeat(10_000),
            rows: &rows,
            positions: &values[step].repeat(5_000),
            journal: 7,
            ..Commit::default()
        };
        store.commit(&commit).expect("it can be stored");
    }
    store
}

#[test]
fn a_state_is_taken_elsewhere() {
    let disk = SimulatedDisk::new(1);
    let store = store(&disk);
    let info = write_savepoint(&disk, &path(), store.snapshot()).expect("it can be written");
    assert_eq!((info.commit, info.time, info.journal), (3, at(3), 7));
    assert_eq!((info.head, info.positions, info.rows), (300_000, 150_000, 300));
    assert_eq!(disk.contents(&path()).expect("a file").len() as u64, info.bytes);
    assert_eq!(inspect_savepoint(&disk, &path()).expect("it is whole"), info);
    disk.crash();

    let other = SimulatedDisk::new(2);
    other.make_folder(folder()).expect("a folder");
    other.put(&path(), &disk.contents(&path()).expect("it was synced"));
    let mut restored = open(&other);
    let alert = Alert { sink: "hook", id: "1", rule: "", key: b"", time: at(0), body: b"" };
    let before = Commit { rows: &[row(9, b"other", b"1")], alerts: &[alert], ..Commit::default() };
    restored.commit(&before).expect("it can be stored");
    let Savepoint { head, positions, journal, rows: kept, .. } =
        Savepoint::open(&other, &path()).expect("it can be read");
    let restore = Restore { time: at(9), head: &head, positions: &positions, journal };
    let committed = restored.restore(&restore, kept).expect("it can be restored");
    assert_eq!((committed.number, restored.snapshot().time()), (2, at(9)));
    assert_eq!(restored.snapshot().head().expect("it can be read"), head);
    assert_eq!(restored.snapshot().positions().expect("they can be read"), positions);
    assert_eq!(rows(restored.snapshot()), rows(open(&disk).snapshot()));
    assert_eq!(
        (restored.snapshot().size().runs, restored.snapshot().lanes().len(), restored.ids()),
        (0, 1, 1)
    );
}

#[test]
fn a_savepoint_is_written_while_commits_go_on() {
    let disk = SimulatedDisk::new(1);
    let mut store = store(&disk);
    let (snapshot, expected) = (Arc::clone(store.snapshot()), rows(store.snapshot()));
    for _ in 0..20 {
        let removed = Row { value: None, ..row(1, &[0, 1], b"") };
        store.commit(&Commit { rows: &[removed, row(2, b"x", b"1")], ..Commit::default() }).expect("stored");
    }
    write_savepoint(&disk, &path(), &snapshot).expect("it can be written");
    let savepoint = Savepoint::open(&disk, &path()).expect("it can be read");
    let found: Vec<StoredRow> = savepoint.rows.collect::<Result<_, _>>().expect("it is whole");
    assert_eq!(found.len(), expected.len());
}

#[test]
fn a_savepoint_is_never_half_there_nor_over_another() {
    for operation in 1..40 {
        let disk = SimulatedDisk::new(operation);
        let store = store(&disk);
        disk.fail_at(disk.operations() + operation..disk.operations() + operation + 1);
        let written = write_savepoint(&disk, &path(), store.snapshot());
        disk.crash();
        match written {
            Ok(info) => {
                assert_eq!(inspect_savepoint(&disk, &path()).expect("it is whole"), info);
                let error = write_savepoint(&disk, &path(), open(&disk).snapshot()).expect_err("refused");
                assert_eq!(
                    error.to_string(),
                    "/state/before-upgrade.savepoint is there already; remove it, or name another file"
                );
            }
            Err(error) => {
                assert!(error.is_temporary(), "{error}");
                // It may have its name, if only the folder could not be synced.
                if disk.contents(&path()).is_some() {
                    inspect_savepoint(&disk, &path()).expect("it is whole");
                }
            }
        }
    }
}

#[test]
fn what_is_no_savepoint_is_told_from_a_newer_one() {
    let disk = SimulatedDisk::new(1);
    disk.make_folder(folder()).expect("a folder");
    let open = || Savepoint::open(&disk, &path()).expect_err("refused").to_string();
    assert_eq!(
        open(),
        "cannot open /state/before-upgrade.savepoint: entity not found; look who has moved it away, or whether \
         a disk is not mounted, and bring it back"
    );
    disk.put(&path(), b"dear diary");
    assert_eq!(
        open(),
        "/state/before-upgrade.savepoint is no savepoint of Tripline; move it out of the way, or name another \
         file (it was left as it is)"
    );
    disk.put(&path(), b"tripsave\x02\0\0\0\0\0\0\0...");
    assert_eq!(
        open(),
        "/state/before-upgrade.savepoint has format 2 and this program knows 1: a newer version has written it, \
         or it is damaged; run that version (the file was left as it is)"
    );
    disk.put(&path(), b"tripsave\x01\0\0\0\0\0\0\0\x01\x01\0\0\0abcd.");
    assert_eq!(
        open(),
        "/state/before-upgrade.savepoint is damaged: at byte 16 what is kept does not fit its checksum; bring \
         the file back from a copy, or use another savepoint (it was left as it is)"
    );
}

#[test]
fn whatever_a_savepoint_holds_nothing_wrong_is_read_from_it() {
    let disk = SimulatedDisk::new(1);
    write_savepoint(&disk, &path(), store(&disk).snapshot()).expect("it can be written");
    let whole = disk.contents(&path()).expect("a file");
    let read = |bytes: &[u8]| {
        disk.put(&path(), bytes);
        let Savepoint { head, positions, rows, .. } = Savepoint::open(&disk, &path())?;
        let rows: Vec<StoredRow> = rows.collect::<Result<_, _>>()?;
        let rows: Vec<(u16, Vec<u8>, Option<Vec<u8>>)> = rows
            .iter()
            .map(|row| (row.group(), row.key().to_vec(), row.value().map(<[u8]>::to_vec)))
            .collect();
        Ok::<_, StoreError>((head, positions, rows))
    };
    let expected = read(&whole).expect("it is whole");
    for seed in seeds(200, 2_000) {
        let mut random = Random::new(seed.number);
        let mut bytes = whole.clone();
        let at = random.size(bytes.len());
        let end = at + random.size((bytes.len() - at).min(200) + 1);
        match random.size(4) {
            0 => bytes[at..end].fill_with(|| random.bits().to_le_bytes()[0]),
            1 => drop(bytes.drain(at..end)),
            2 => bytes[at] ^= 1 << random.size(8),
            _ => bytes.truncate(at),
        }
        match read(&bytes) {
            Ok(found) => assert!(found == expected && (bytes == whole || (12..16).contains(&at)), "{at}"),
            Err(error) => assert!(!error.is_temporary(), "{error}"),
        }
    }
    let forged = [&whole[..], &whole[16..]].concat();
    assert!(read(&forged).is_err(), "nothing follows the end");
}

#[test]
fn rows_that_are_not_in_order_are_not_restored() {
    let disk = SimulatedDisk::new(1);
    let mut store = store(&disk);
    let before = rows(store.snapshot());
    let snapshot = Arc::clone(store.snapshot());
    let restore = Restore { time: at(1), head: b"", positions: &[], journal: 0 };
    let twice = snapshot.rows(0..4).chain(snapshot.rows(3..9));
    assert!(matches!(store.restore(&restore, twice), Err(StoreError::Unordered)));
    assert_eq!(rows(store.snapshot()), before);
    store.restore(&restore, snapshot.rows(0..0)).expect("it can be restored");
    assert_eq!(rows(store.snapshot()), [] as [&str; 0]);
    assert_eq!(store.snapshot().head().expect("it can be read"), b"");
}
