//! Files that are not as they were written.

use super::*;
use crate::disk::simulated::Random;
use crate::seeds::seeds;

/// A journal of several segments, closed as it should be, with its records.
fn journal() -> (SimulatedDisk, Vec<(u64, Vec<u8>)>) {
    let disk = SimulatedDisk::new(1);
    let (journal, mut committer) = open_with(&disk, small()).expect("it can be opened");
    for number in 0..12_u8 {
        keep(&journal, &mut committer, &[&[number; 60], &[b'a' + number; 30]]);
    }
    let expected = read(&journal, 1).expect("it can be read");
    committer.finish();
    (disk, expected)
}

fn reread(disk: &SimulatedDisk) -> Result<Vec<(u64, Vec<u8>)>, JournalError> {
    let (journal, _committer) = open_with(disk, small())?;
    read(&journal, 1)
}

#[test]
fn a_changed_bit_anywhere_is_an_error_that_names_the_file() {
    let (disk, expected) = journal();
    let files: Vec<PathBuf> =
        disk.list(folder()).expect("a folder").into_iter().filter(|file| segment::is_segment(file)).collect();
    assert!(files.len() > 3);
    for file in &files {
        let len = disk.contents(file).expect("a file").len();
        for offset in 0..len {
            let bit = u8::try_from(offset % 8).expect("small");
            disk.flip_bit(file, offset, bit);
            let before = disk.contents(file);
            match reread(&disk) {
                Ok(found) => {
                    // The last mark vouches for all others, and nothing for it.
                    assert!(file == files.last().expect("some") && offset + format::MARK >= len, "{offset}");
                    assert_eq!(found, expected);
                    return;
                }
                Err(error) => {
                    assert!(error.to_string().contains(&*file.to_string_lossy()), "{error}");
                    assert_eq!(disk.contents(file), before, "it is left as it is");
                }
            }
            disk.flip_bit(file, offset, bit);
        }
    }
}

#[test]
fn a_file_that_was_removed_or_cut_is_missed() {
    let (disk, _) = journal();
    let second = disk.contents(&segment(2)).expect("a file");
    disk.remove(&segment(2)).expect("removed");
    let error = reread(&disk).expect_err("entries are missing").to_string();
    assert!(error.contains("0000000001.journal is damaged at byte "), "{error}");
    assert!(error.contains("it ends, and entries "), "{error}");
    disk.put(&segment(2), &second[..200]);
    let error = reread(&disk).expect_err("entries are missing").to_string();
    assert!(error.contains("0000000002.journal is damaged at byte "), "{error}");
    disk.put(&segment(2), &second);
    assert!(reread(&disk).is_ok());
}

#[test]
fn newer_and_foreign_files_are_refused_and_left_alone() {
    let (disk, _) = journal();
    let mut newer = disk.contents(&segment(1)).expect("a file");
    newer[8] = 2;
    disk.put(&segment(1), &newer);
    let files = disk.list(folder()).expect("a folder");
    let error = reread(&disk).expect_err("it is newer");
    assert_eq!(
        error.to_string(),
        "/state/journal/0000000001.journal has format 2 and this program knows 1: a newer version has written \
         it, or it is damaged; run that version (the file was left as it is)"
    );
    disk.put(&segment(1), b"dear diary");
    let error = reread(&disk).expect_err("it is foreign");
    assert_eq!(
        error.to_string(),
        "/state/journal/0000000001.journal is named like a part of the journal and is none; move it out of \
         the folder (it was left as it is)"
    );
    assert_eq!(disk.contents(&segment(1)), Some(b"dear diary".to_vec()));
    disk.put(&segment(1), &disk.contents(&segment(2)).expect("a file"));
    let error = reread(&disk).expect_err("it has the wrong name");
    assert_eq!(
        error.to_string(),
        "/state/journal/0000000001.journal is part 2 of a journal under another name; call it \
         0000000002.journal again, or move it out of the folder (it was left as it is)"
    );
    assert_eq!(disk.list(folder()).expect("a folder"), files);
}

#[test]
fn files_of_others_are_not_touched() {
    let (disk, expected) = journal();
    let notes = folder().join("notes.new");
    disk.put(&notes, b"not ours");
    assert_eq!(reread(&disk).expect("it can be read"), expected);
    assert_eq!(disk.contents(&notes), Some(b"not ours".to_vec()));
}

#[test]
fn a_torn_end_is_cut_off_and_shown_before() {
    let disk = SimulatedDisk::new(1);
    let (journal, mut committer) = open(&disk);
    keep(&journal, &mut committer, &[b"one"]);
    keep(&journal, &mut committer, &[b"two"]);
    drop((journal, committer));
    let whole = disk.contents(&segment(1)).expect("a file");
    let second = 48 + format::MARK + format::size(&entry(b"one"));
    for len in second..whole.len() {
        for rest in [&[][..], &[0; 40], &[7; 40]] {
            disk.put(&segment(1), &[&whole[..len], rest].concat());
            let torn = inspect(&shared(&disk), folder()).expect("it can be read").torn;
            assert_eq!(records(&open(&disk).0), ["one"], "{len}");
            let after = disk.contents(&segment(1)).expect("a file").len() as u64;
            let torn_bytes = (len + rest.len()) as u64 - after;
            assert_eq!(torn.map_or(0, |torn| torn.bytes), torn_bytes);
        }
    }
}

#[test]
fn a_record_cannot_pass_for_a_mark() {
    let disk = SimulatedDisk::new(1);
    let (journal, mut committer) = open(&disk);
    keep(&journal, &mut committer, &[b"one"]);
    let place = journal.status().bytes + (format::MARK + format::size(&entry(b""))) as u64;
    let forged = format::mark(1, place);
    keep(&journal, &mut committer, &[&forged]);
    drop((journal, committer));
    let mut bytes = disk.contents(&segment(1)).expect("a file");
    let end = bytes.len() - forged.len() - 3;
    bytes[end] ^= 1;
    disk.put(&segment(1), &bytes);
    assert_eq!(records(&open(&disk).0), ["one"], "the end is torn, not damaged");
}

/// A file that was changed by chance: something overwritten, cut out, put in twice or cut off.
fn mangle(random: &mut Random, bytes: &mut Vec<u8>) {
    let at = random.size(bytes.len());
    let end = at + random.size((bytes.len() - at).min(200) + 1);
    match random.size(4) {
        0 => bytes[at..end].fill_with(|| random.bits().to_le_bytes()[0]),
        1 => drop(bytes.drain(at..end)),
        2 => {
            let piece = bytes[at..end].to_vec();
            drop(bytes.splice(at..at, piece));
        }
        _ => bytes.truncate(at),
    }
}

#[test]
fn whatever_a_file_holds_nothing_wrong_is_read_from_it() {
    let (disk, expected) = journal();
    let files: Vec<(PathBuf, Vec<u8>)> = (1..100)
        .map_while(|sequence| Some((segment(sequence), disk.contents(&segment(sequence))?)))
        .collect();
    let (mut refused, mut cut) = (0, 0);
    let seeds = seeds(2_000, 20_000);
    let many = seeds.len() >= 2_000;
    for seed in seeds {
        let mut random = Random::new(seed.number);
        let disk = SimulatedDisk::new(seed.number);
        disk.make_folder(folder()).expect("a folder");
        files.iter().for_each(|(file, bytes)| disk.put(file, bytes));
        let (file, bytes) = &files[random.size(files.len())];
        let mut bytes = bytes.clone();
        mangle(&mut random, &mut bytes);
        disk.put(file, &bytes);
        let inspected = inspect(&shared(&disk), folder());
        match reread(&disk) {
            Ok(found) => {
                assert!(expected.starts_with(&found));
                assert!(found.len() == expected.len() || *file == files[files.len() - 1].0);
                assert_eq!(inspected.expect("it can be read").entries(), found.len() as u64);
                cut += usize::from(found.len() < expected.len());
            }
            Err(error) => {
                assert!(!matches!(error, JournalError::Io { .. }), "{error}");
                refused += 1;
            }
        }
    }
    // Otherwise it would show little.
    assert!(!many || refused > 1_000 && cut > 10, "{refused} refused, {cut} cut");
}
