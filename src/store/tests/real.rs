//! On the system's files.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use super::*;
use crate::disk::{Cause, RealDisk};

fn real() -> Arc<dyn Disk> {
    Arc::new(RealDisk)
}

fn put(store: &mut Store, value: &[u8]) -> Result<Committed, StoreError> {
    store.commit(&Commit { head: value, rows: &[row(1, b"a", value)], ..Commit::default() })
}

#[test]
fn a_store_is_opened_again_and_again() {
    let place = tempfile::tempdir().expect("a folder");
    let folder = place.path().join("deep/state");
    for life in 0..4_u8 {
        let mut store = Store::open(real(), &folder, Options::default()).expect("it can be opened");
        let number = u64::from(life) * 2;
        assert_eq!(store.snapshot().number(), number);
        put(&mut store, &[life; 100]).expect("it can be stored");
        put(&mut store, &[life; 200_000]).expect("it can be stored");
        let error = Store::open(real(), &folder, Options::default()).expect_err("it is in use");
        assert!(matches!(error, StoreError::InUse { process: Some(_), .. }), "{error}");
        // Not all of them are closed as they should be.
        if life % 2 == 0 {
            store.close().expect("it can be closed");
        }
    }
    let snapshot = look(&real(), &folder).expect("nobody has it");
    assert_eq!(snapshot.head().expect("it can be read"), [3; 200_000]);
    assert!(snapshot.file_size().expect("known") > 200_000);
    let mode = fs::metadata(snapshot.file()).expect("a file").permissions().mode();
    assert_eq!(mode & 0o777, 0o600, "only its owner may read it");
}

#[test]
fn several_threads_read_while_commits_are_made() {
    let place = tempfile::tempdir().expect("a folder");
    let options = Options { sizes: Sizes { blob: 2_000, portion: 4_000 }, ..Options::default() };
    let mut store = Store::open(real(), place.path(), options).expect("it can be opened");
    let (current, is_done) = (store.current(), AtomicBool::new(false));
    let keys: Vec<[u8; 2]> = (0..500_u16).map(u16::to_be_bytes).collect();
    thread::scope(|scope| {
        let _end = Done(&is_done);
        for reader in 0..2_u16 {
            let (current, is_done, keys) = (current.clone(), &is_done, &keys);
            scope.spawn(move || {
                let mut looks = 0;
                while !is_done.load(Ordering::Relaxed) || looks == 0 {
                    let snapshot = current.get();
                    let expected = snapshot.number().to_be_bytes().to_vec();
                    let rows = snapshot.rows(reader * 128..(reader + 1) * 128);
                    let values = rows.map(|row| row.expect("a row").value().expect("a value").to_vec());
                    assert!(values.into_iter().all(|value| value == expected), "all are of one commit");
                    let key = keys[usize::from(reader)];
                    let found = snapshot.row(0, reader, &key).expect("it can be read");
                    assert_eq!(found, (snapshot.number() > 0).then_some(expected));
                    looks += 1;
                }
            });
        }
        for number in 1..40_u64 {
            let value = number.to_be_bytes();
            let rows: Vec<Row<'_>> = keys.iter().map(|key| row(u16::from(key[1]), key, &value)).collect();
            store.commit(&Commit { rows: &rows, ..Commit::default() }).expect("it can be stored");
        }
    });
}

/// Tells the readers to end, also when the writer panics.
struct Done<'a>(&'a AtomicBool);

impl Drop for Done<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[test]
fn files_of_others_and_of_later_versions_are_refused_and_left_alone() {
    let place = tempfile::tempdir().expect("a folder");
    let file = place.path().join(FILE);
    let open = || Store::open(real(), place.path(), Options::default()).map(drop);
    fs::write(&file, "dear diary").expect("written");
    let error = open().expect_err("it is foreign").to_string();
    assert!(error.starts_with(&format!("{} is no state of Tripline; ", file.display())), "{error}");
    assert_eq!(fs::read(&file).expect("a file"), b"dear diary");
    let plain = redb::Database::create(place.path().join("plain")).expect("made");
    drop(plain);
    fs::rename(place.path().join("plain"), &file).expect("renamed");
    let before = fs::read(&file).expect("a file");
    assert!(matches!(open(), Err(StoreError::Foreign { .. })), "a database of somebody else");
    assert_eq!(fs::read(&file).expect("a file"), before);
    fs::remove_file(&file).expect("removed");
    open().expect("a new one");
    let mut newer = fs::read(&file).expect("a file");
    (0..8).for_each(|copy| newer[copy * 4_096 + 8] = 9);
    fs::write(&file, &newer).expect("written");
    let error = open().expect_err("it is newer").to_string();
    assert!(
        error.contains("has format 9 and this program knows 1: a newer version has written it"),
        "{error}"
    );
    assert_eq!(fs::read(&file).expect("a file"), newer);
}

#[test]
fn a_folder_that_may_not_be_written_is_said() {
    let place = tempfile::tempdir().expect("a folder");
    let folder = place.path().join("state");
    drop(Store::open(real(), &folder, Options::default()).expect("it can be opened"));
    let access = |mode, file_mode| {
        for file in [FILE, lock::FILE] {
            fs::set_permissions(folder.join(file), fs::Permissions::from_mode(file_mode)).expect("changed");
        }
        fs::set_permissions(&folder, fs::Permissions::from_mode(mode)).expect("changed");
    };
    access(0o500, 0o400);
    // The superuser may write everywhere.
    let may_write = fs::File::options().write(true).open(folder.join(FILE)).is_ok();
    let opened = Store::open(real(), &folder, Options::default()).map(drop);
    let looked = look(&real(), &folder).map(drop);
    access(0o700, 0o600);
    looked.expect("it can be read");
    if !may_write {
        let error = opened.expect_err("it may not be written");
        let lock = folder.join(lock::FILE);
        assert_eq!(
            error.to_string(),
            format!(
                "cannot open for writing {}: Permission denied (os error 13); make it writable for the user that \
                 runs the service",
                lock.display()
            )
        );
    }
}

#[test]
fn a_file_that_is_taken_away_is_said_and_used_again_when_it_is_back() {
    let place = tempfile::tempdir().expect("a folder");
    let (file, away) = (place.path().join(FILE), place.path().join("away"));
    let mut store = Store::open(real(), place.path(), small()).expect("it can be opened");
    put(&mut store, b"one").expect("it can be stored");
    fs::rename(&file, &away).expect("renamed");
    for _ in 0..2 {
        let error = put(&mut store, b"two").expect_err("it is gone");
        assert_eq!(error.cause(), Some(Cause::Gone), "{error}");
        assert!(!file.exists(), "no new one is made in its place");
    }
    fs::rename(&away, &file).expect("renamed");
    put(&mut store, b"two").expect("it is back");
    assert_eq!(store.snapshot().head().expect("it can be read"), b"two");
}

#[test]
fn a_file_that_is_put_in_the_place_of_another_is_not_taken_for_it() {
    let place = tempfile::tempdir().expect("a folder");
    let (file, copy, away) = (place.path().join(FILE), place.path().join("copy"), place.path().join("away"));
    let mut store = Store::open(real(), place.path(), small()).expect("it can be opened");
    put(&mut store, b"one").expect("it can be stored");
    fs::copy(&file, &copy).expect("copied");
    put(&mut store, b"two").expect("it can be stored");
    fs::rename(&file, &away).expect("renamed");
    fs::rename(&copy, &file).expect("renamed");
    let before = fs::read(&file).expect("a file");
    for _ in 0..2 {
        let error = put(&mut store, b"three").expect_err("it is an older one").to_string();
        assert_eq!(
            error,
            format!(
                "cannot use {}: another file is in its place; look who has moved it away, or whether a disk is not \
                 mounted, and bring it back",
                file.display()
            )
        );
    }
    assert_eq!(fs::read(&file).expect("a file"), before);
    assert_eq!(store.snapshot().head().expect("it can be read"), b"two");
    fs::rename(&away, &file).expect("renamed");
    put(&mut store, b"three").expect("it is back");
}

#[test]
fn what_was_reported_is_in_the_copy_that_has_taken_the_place_of_the_file() {
    let place = tempfile::tempdir().expect("a folder");
    let (file, copy) = (place.path().join(FILE), place.path().join("copy"));
    let mut store = Store::open(real(), place.path(), small()).expect("it can be opened");
    put(&mut store, b"one").expect("it can be stored");
    fs::copy(&file, &copy).expect("copied");
    fs::rename(&copy, &file).expect("renamed");
    put(&mut store, b"two").expect_err("it went to a file without a name");
    put(&mut store, b"three").expect("it goes to the copy");
    store.close().expect("it can be closed");
    let snapshot = look(&real(), place.path()).expect("it can be read");
    assert_eq!(snapshot.head().expect("it can be read"), b"three");
}

#[test]
fn what_is_damaged_or_in_use_is_left_as_it_is() {
    let place = tempfile::tempdir().expect("a folder");
    let file = place.path().join(FILE);
    let mut store = Store::open(real(), place.path(), Options::default()).expect("it can be opened");
    put(&mut store, &[7; 100_000]).expect("it can be stored");
    let before = fs::read(&file).expect("a file");
    let open = || Store::open(real(), place.path(), Options::default()).map(drop).expect_err("refused");
    assert!(matches!(open(), StoreError::InUse { process: Some(_), .. }));
    assert!(matches!(look(&real(), place.path()).map(drop), Err(StoreError::InUse { .. })));
    assert_eq!(fs::read(&file).expect("a file"), before);
    store.close().expect("it can be closed");
    let mut damaged = fs::read(&file).expect("a file");
    let middle = damaged.windows(100).position(|bytes| bytes == [7; 100]).expect("it is there");
    damaged[middle] ^= 1;
    fs::write(&file, &damaged).expect("written");
    for error in [open(), look(&real(), place.path()).map(drop).expect_err("refused")] {
        let text = error.to_string();
        assert!(matches!(error, StoreError::Damaged { .. }), "{text}");
        assert!(text.starts_with(&format!("{} is damaged: ", file.display())), "{text}");
        assert!(
            text.ends_with("restore a savepoint into an empty state folder (it was left as it is)"),
            "{text}"
        );
    }
    assert_eq!(fs::read(&file).expect("a file"), damaged);
}

/// Where the process with a limit finds the folder.
const LIMITED: &str = "TRIPLINE_TEST_LIMITED";

#[test]
fn a_file_that_may_not_grow_is_a_full_disk() {
    if let Some(folder) = std::env::var_os(LIMITED) {
        return fill(&PathBuf::from(folder));
    }
    let place = tempfile::tempdir().expect("a folder");
    let test = "store::tests::real::a_file_that_may_not_grow_is_a_full_disk";
    // The limit is that of a process, and ends it unless it has asked not to be told.
    let output = Command::new("sh")
        .args(["-c", "trap '' XFSZ; ulimit -f 8000; exec \"$0\" --exact \"$1\" --nocapture"])
        .arg(std::env::current_exe().expect("this program"))
        .arg(test)
        .env(LIMITED, place.path())
        .output()
        .expect("there is a shell");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let mut store = Store::open(real(), place.path(), Options::default()).expect("it can be opened");
    let before = store.snapshot().number();
    assert!(before > 0);
    put(&mut store, &[1; 20 << 20]).expect("there is no limit here");
    assert_eq!(store.snapshot().number(), before + 1);
}

fn fill(folder: &Path) {
    let mut store = Store::open(real(), folder, Options::default()).expect("it can be opened");
    for size in 1..100 {
        let value = vec![size; usize::from(size) << 17];
        if let Err(error) = put(&mut store, &value) {
            assert_eq!(error.cause(), Some(Cause::Full), "{error}");
            assert!(error.to_string().contains("File too large (os error 27); make room"), "{error}");
            let before = vec![size - 1; usize::from(size - 1) << 17];
            assert_eq!(store.snapshot().head().expect("it can be read"), before);
            put(&mut store, b"small").expect("that fits");
            return;
        }
    }
    panic!("there was no limit");
}
