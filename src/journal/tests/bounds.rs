//! How large things may get.

use super::*;

#[test]
fn a_record_or_a_batch_that_is_too_large_is_refused_whole() {
    let disk = SimulatedDisk::new(1);
    let (journal, mut committer) = open_with(&disk, small()).expect("it can be opened");
    let error = append(&journal, &[b"one", &[b'x'; 466]]).expect_err("it is too large");
    assert_eq!(
        error.to_string(),
        "record 1 of the batch takes 513 bytes in the journal, and 512 are allowed; send it in smaller records"
    );
    assert!(!error.is_temporary());
    let error = append(&journal, &[&[b'x'; 300][..]; 4]).expect_err("it is too large");
    assert!(matches!(error, AppendError::BatchTooLarge { most: 1_024, .. }), "{error}");
    assert!(!error.is_temporary());
    let name = "s".repeat(70_000);
    let long = Entry { stream: &name, ..entry(b"") };
    assert!(matches!(journal.append(&[long]), Err(AppendError::EntryTooLarge { .. })));
    assert_eq!(journal.status().waiting, 0);
    keep(&journal, &mut committer, &[&[b'x'; 465]]);
}

#[test]
fn no_more_waits_in_memory_than_may() {
    let disk = SimulatedDisk::new(1);
    let (journal, mut committer) = open_with(&disk, small()).expect("it can be opened");
    let mut taken = 0;
    let error = loop {
        match append(&journal, &[&[b'x'; 200]]) {
            Ok(_) => taken += 1,
            Err(error) => break error,
        }
        assert!(journal.status().waiting_bytes <= 1_024);
    };
    assert_eq!(taken, 4);
    assert_eq!(error, AppendError::Busy { waiting: 4 * 247, most: 1_024 });
    assert!(error.is_temporary());
    committer.round();
    append(&journal, &[&[b'x'; 200]]).expect("there is room again");
}

#[test]
fn the_files_never_grow_beyond_their_bound_and_a_trimmed_journal_always_has_room() {
    for size in [1, 50, 150, 200, 300, 465] {
        let disk = SimulatedDisk::new(1);
        let (journal, mut committer) = open_with(&disk, small()).expect("it can be opened");
        let record = vec![b'x'; size];
        for _ in 0..30 {
            let error = loop {
                let taken = append(&journal, &[&record]);
                committer.round();
                assert!(disk.used() <= 4_096, "{} bytes", disk.used());
                if let Err(error) = taken {
                    break error;
                }
            };
            assert!(matches!(error, AppendError::Full { most: 4_096, .. }), "{error}");
            assert!(error.to_string().contains("may hold 4096 (`journal.max_size`)"), "{error}");
            journal.trim(journal.status().durable);
            committer.round();
            let largest: Vec<&[u8]> = vec![&record; 1_024 / (size + 47)];
            let ticket = append(&journal, &largest).expect("what is taken in makes room for any batch");
            committer.round();
            assert!(is_durable(&journal, &ticket));
        }
    }
}

#[test]
fn limits_that_do_not_fit_together_are_made_to_fit() {
    let asked = Limits { disk: 80_000, waiting: usize::MAX, entry: usize::MAX, segment: u64::MAX };
    assert_eq!(asked.kept(), Limits { disk: 80_000, waiting: 20_000, entry: 10_000, segment: 10_000 });
    let default = Limits::default();
    assert_eq!(default.kept(), default);
}
