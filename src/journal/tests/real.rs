//! On the system's files, with the thread that writes.

use std::sync::{Condvar, Mutex};
use std::thread;

use super::*;
use crate::disk::RealDisk;

fn real() -> Arc<dyn Disk> {
    Arc::new(RealDisk)
}

/// What a journal has told last, for threads that wait for something.
#[derive(Clone, Default)]
struct Heard(Arc<(Mutex<Option<Status>>, Condvar)>);

impl Heard {
    fn listener(&self) -> Option<Listener> {
        let heard = self.clone();
        Some(Arc::new(move |status| {
            *heard.0.0.lock().expect("no panic") = Some(status.clone());
            heard.0.1.notify_all();
        }))
    }

    /// Waits until it has told something like that.
    fn wait(&self, is_it: impl Fn(&Status) -> bool) {
        let last = self.0.0.lock().expect("no panic");
        let waited = self.0.1.wait_while(last, |last| !last.as_ref().is_some_and(&is_it));
        drop(waited.expect("no panic"));
    }

    /// Waits until the entries of a batch are durable.
    fn wait_for(&self, ticket: &Ticket) {
        self.wait(|status| *ticket.numbers().end() <= status.durable);
    }
}

fn start(folder: &Path, options: Options) -> Journal {
    let (journal, committer) = Journal::open(real(), folder, options).expect("it can be opened");
    committer.start().expect("a thread");
    journal
}

#[test]
fn many_threads_append_and_all_is_there_in_order() {
    let place = tempfile::tempdir().expect("a folder");
    let folder = place.path().join("state/journal");
    let limits = Limits { disk: 1 << 20, waiting: 8 << 10, entry: 1 << 10, segment: 16 << 10 };
    let heard = Heard::default();
    let journal = start(&folder, Options { limits, on_change: heard.listener(), ..Options::default() });
    let threads: Vec<_> = (0..4_u32)
        .map(|partition| {
            let (journal, heard) = (journal.clone(), heard.clone());
            thread::spawn(move || {
                let mut numbers = Vec::new();
                for offset in 0..200 {
                    let record = format!("{partition} {offset}");
                    let entry = Entry { partition, offset, ..entry(record.as_bytes()) };
                    let ticket = loop {
                        match journal.append(&[entry]) {
                            Ok(ticket) => break ticket,
                            Err(error) => assert!(matches!(error, AppendError::Busy { .. }), "{error}"),
                        }
                        thread::yield_now();
                    };
                    if offset % 10 == 0 {
                        heard.wait_for(&ticket);
                    }
                    numbers.extend(ticket.numbers());
                }
                numbers
            })
        })
        .collect();
    let mut numbers: Vec<u64> =
        threads.into_iter().flat_map(|thread| thread.join().expect("no panic")).collect();
    journal.close().expect("all is written");
    assert_eq!(append(&journal, &[b"late"]).expect_err("it is closed"), AppendError::Ended);
    numbers.sort_unstable();
    assert!(numbers.iter().copied().eq(1..=800));

    let (journal, _committer) = Journal::open(real(), &folder, Options::default()).expect("it can be opened");
    let mut reader = journal.read_from(1).expect("nothing was trimmed");
    let (mut count, mut next) = (0, [0; 4]);
    while let Some((number, entry)) = reader.read().expect("it can be read") {
        count += 1;
        assert_eq!(number, count);
        let next = &mut next[entry.partition as usize];
        assert_eq!(entry.record, format!("{} {next}", entry.partition).as_bytes());
        *next += 1;
    }
    assert_eq!(next, [200; 4]);
    let inspection = inspect(&real(), &folder).expect("it can be read");
    assert_eq!((inspection.entries(), inspection.torn), (800, None));
    assert!(inspection.segments.len() > 1);
    assert_eq!(inspection.segments.len(), journal.status().segments);
    let error = Journal::open(real(), &folder, Options::default()).expect_err("it is in use");
    assert!(matches!(error, JournalError::InUse { .. }), "{error}");
}

#[test]
fn the_thread_ends_when_nobody_holds_the_journal() {
    let place = tempfile::tempdir().expect("a folder");
    let (journal, committer) =
        Journal::open(real(), place.path(), Options::default()).expect("it can be opened");
    let thread = thread::spawn(move || committer.run());
    append(&journal, &[b"one"]).expect("there is room");
    drop(journal);
    thread.join().expect("no panic");
    let (journal, _committer) =
        Journal::open(real(), place.path(), Options::default()).expect("it can be opened");
    assert_eq!(records(&journal), ["one"]);
}

#[test]
fn the_thread_tries_again_by_itself() {
    let disk = SimulatedDisk::new(1);
    let again = Some(Duration::from_millis(1));
    let heard = Heard::default();
    let options = Options { again, on_change: heard.listener(), ..Options::default() };
    let (journal, committer) = open_with(&disk, options).expect("it can be opened");
    disk.set_capacity(Some(10));
    committer.start().expect("a thread");
    let ticket = append(&journal, &[b"one"]).expect("this is not known yet");
    heard.wait(|status| status.trouble.is_some() && status.durable == 0);
    disk.set_capacity(None);
    heard.wait_for(&ticket);
    let ticket = append(&journal, &[b"two"]).expect("it works again");
    journal.trim(1);
    heard.wait_for(&ticket);
    disk.set_capacity(Some(10));
    append(&journal, &[b"three"]).expect("this is not known yet");
    let trouble = journal.close().expect_err("it cannot be written");
    assert_eq!(trouble.cause, Cause::Full);
}

#[test]
fn a_folder_that_is_taken_away_is_said_and_used_again_when_it_is_back() {
    let place = tempfile::tempdir().expect("a folder");
    let (folder, away) = (place.path().join("journal"), place.path().join("away"));
    let limits = Limits { disk: 8_192, segment: 1_024, ..Limits::default() };
    let options = Options { limits, ..Options::default() };
    let (journal, mut committer) = Journal::open(real(), &folder, options).expect("it can be opened");
    keep(&journal, &mut committer, &[&[b'x'; 600]]);
    std::fs::rename(&folder, &away).expect("renamed");
    let ticket = append(&journal, &[&[b'x'; 600]]).expect("this is not known yet");
    committer.round();
    let trouble = journal.status().trouble.expect("it is in trouble");
    let path = folder.join("0000000002.new");
    let detail = format!("cannot create {}: No such file or directory (os error 2)", path.display());
    assert_eq!((trouble.cause, &trouble.detail), (Cause::Gone, &detail));
    std::fs::rename(&away, &folder).expect("renamed");
    committer.round();
    assert!(is_durable(&journal, &ticket));
}

#[test]
fn a_folder_that_cannot_be_made_is_said() {
    let place = tempfile::tempdir().expect("a folder");
    let file = place.path().join("file");
    std::fs::write(&file, "").expect("written");
    let error = Journal::open(real(), &file, Options::default()).expect_err("it is a file").to_string();
    assert!(error.starts_with(&format!("cannot make the folder {}: ", file.display())), "{error}");
}
