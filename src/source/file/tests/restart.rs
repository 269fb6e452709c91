//! Files that are followed on after a restart, whatever has become of them meanwhile.

use std::fs;

use super::super::Paths;
use super::super::Start;
use super::super::follower::{GIVE_UP, LINGER, News, Why};
use super::super::watch::{SEARCH_EVERY, Watch};
use super::{Bench, append_to};
use crate::event::PartitionId;
use crate::source::positions::{FileId, FileReached, Kind, Origin, PartitionPosition, Reached, Stored};

impl Bench {
    /// What is stored of the paths that are followed.
    fn stored(&self) -> Vec<Stored> {
        let stored = self.followed.iter().zip(0..).map(|(followed, number)| {
            let (current, left) = followed.follower().reached();
            let file = FileReached { current, left, ended: None };
            let reached = Reached { file: Some(file.into()), ..Reached::default() };
            let origin = Origin { source: "s".into(), kind: Kind::File(followed.path.as_path().into()) };
            let position = PartitionPosition { origin: origin.into(), is_open: true, reached };
            Stored { partition: PartitionId(number), position }
        });
        stored.collect()
    }

    /// Follows another pattern from what is stored on.
    fn restart_with(&mut self, pattern: &str, stored: Vec<Stored>) {
        let paths = Paths::new(pattern, self.folder.path()).expect("a path or pattern");
        self.watch = Watch::new(paths, Start::End, 10).resuming(stored);
        self.followed.clear();
    }

    fn restart(&mut self, pattern: &str) {
        let stored = self.stored();
        self.restart_with(pattern, stored);
    }

    /// Waits until files that are made are younger than those there are, by the clock of the file system.
    fn tick(&self) {
        let born = || {
            let path = self.path("tick");
            fs::write(&path, "").expect("a file");
            let born = FileId::of(&fs::metadata(&path).expect("it is there")).born;
            fs::remove_file(&path).expect("it is there");
            born
        };
        let now = born();
        while now.is_some() && born() == now {}
    }
}

#[test]
fn what_was_written_while_nobody_looked_is_read_and_nothing_else() {
    let mut bench = Bench::of("app.log");
    bench.append("app.log", "a\n");
    bench.round();
    bench.append("app.log", "b\n");
    bench.restart("app.log");
    bench.round();
    assert_eq!(bench.text("app.log"), "a\nb\n");
    bench.append("app.log", "c\n");
    bench.round();
    assert_eq!(bench.text("app.log"), "a\nb\nc\n");
    assert_eq!(bench.said(), [News::Opened(0), News::Resumed(2)]);
}

#[test]
fn a_file_that_was_renamed_meanwhile_is_read_to_its_end_before_the_new_one() {
    for pattern in ["app.log", "app.log*"] {
        let mut bench = Bench::of(pattern);
        let mut old = bench.writer("app.log");
        append_to(&mut old, "a\n");
        bench.round();
        append_to(&mut old, "b\n");
        bench.rename("app.log", "app.log.1");
        bench.append("app.log", "c\n");
        bench.restart(pattern);
        bench.round();
        append_to(&mut old, "late\n");
        bench.rounds(LINGER + 2);
        assert_eq!(bench.text("app.log"), "a\nb\nlate\n|c\n", "{pattern}");
        assert_eq!(bench.names(), ["app.log"]);
        // And again, when that is in the past.
        bench.restart(pattern);
        bench.rounds(SEARCH_EVERY as u32 * 2);
        assert_eq!(
            (bench.text("app.log"), bench.names()),
            ("a\nb\nlate\n|c\n".into(), vec!["app.log".into()])
        );
    }
}

#[test]
fn all_files_that_stood_at_the_path_meanwhile_are_read_in_their_order() {
    let mut bench = Bench::of("app.log");
    bench.append("app.log", "a\n");
    bench.round();
    bench.append("app.log", "b\n");
    for (number, text) in ["c\n", "d\n", "e\n"].into_iter().enumerate() {
        bench.tick();
        bench.rename("app.log", &format!("app.log-{number}"));
        bench.append("app.log", text);
    }
    bench.tick();
    bench.append("app.log.gz", "another\n");
    bench.restart("app.log");
    bench.rounds((LINGER + 2) * 4);
    assert_eq!(bench.text("app.log"), "a\nb\n|c\n|d\n|e\n");
}

#[test]
fn a_file_that_was_cut_off_or_written_anew_is_read_from_its_beginning() {
    for text in ["", "new\n", "longer than it was\n"] {
        let mut bench = Bench::of("app.log");
        bench.append("app.log", "first\n");
        bench.round();
        fs::write(bench.path("app.log"), text).expect("written");
        bench.restart("app.log");
        bench.rounds(2);
        assert_eq!(bench.text("app.log"), format!("first\n|{text}"));
        assert_eq!(bench.anew, [Why::Truncated { read: 6, size: text.len() as u64 }]);
    }
}

#[test]
fn a_file_that_has_gone_is_missed_and_the_next_one_read() {
    let mut bench = Bench::of("app.log");
    bench.append("app.log", "a\n");
    bench.round();
    bench.remove("app.log");
    bench.restart("app.log");
    bench.round();
    assert_eq!(
        (bench.anew.as_slice(), bench.names()),
        (&[Why::Missed { read: 2 }][..], vec!["app.log".into()])
    );
    bench.append("app.log", "b\n");
    bench.rounds(2);
    assert_eq!(bench.text("app.log"), "a\n|b\n", "although new files are read from their end");
}

#[test]
fn a_file_on_a_device_that_has_another_number_now_is_known_by_its_content() {
    let mut bench = Bench::of("app.log");
    bench.append("app.log", "a\n");
    bench.round();
    let mut stored = bench.stored();
    let mut file = FileReached::clone(stored[0].position.reached.file.as_ref().expect("a file"));
    let piece = file.current.as_mut().expect("a file");
    piece.file.device += 1;
    stored[0].position.reached.file = Some(file.into());
    bench.append("app.log", "b\n");
    bench.restart_with("app.log", stored.clone());
    bench.rounds(2);
    assert_eq!(bench.text("app.log"), "a\nb\n");
    fs::write(bench.path("app.log"), "x\ny\nz\n").expect("written");
    bench.restart_with("app.log", stored);
    bench.rounds(2);
    assert_eq!(bench.text("app.log"), "a\nb\n|x\ny\nz\n");
}

#[test]
fn a_path_that_is_not_to_be_followed_any_more_is_dropped_and_goes_on_when_it_is_again() {
    let mut bench = Bench::of("*.log");
    bench.append("a.log", "a\n");
    bench.append("b.log", "b\n");
    bench.round();
    let mut stored = bench.stored();
    bench.restart_with("a.*", stored.clone());
    bench.round();
    let dropped: Vec<PartitionId> = bench.last.dropped.iter().map(|stored| stored.partition).collect();
    assert_eq!((dropped, bench.names()), (vec![PartitionId(1)], vec!["a.log".to_owned()]));
    stored[1].position.is_open = false;
    bench.append("b.log", "more\n");
    bench.restart_with("*.log", stored);
    bench.rounds(2);
    assert_eq!(bench.text("b.log"), "b\nmore\n");
    assert!(bench.last.dropped.is_empty());
}

#[test]
fn of_what_was_left_no_more_is_known_than_can_be_seen() {
    let mut bench = Bench::of("app*");
    bench.append("app.log", "a\n");
    bench.round();
    bench.rename("app.log", "app.old");
    bench.append("app.log", "b\n");
    bench.rounds(LINGER + 4);
    let mut stored = bench.stored();
    assert_eq!(stored[0].position.reached.file.as_ref().map_or(0, |file| file.left.len()), 1);
    // The path was given up before the restart, and its file can still be seen under another name.
    stored[0].position.is_open = false;
    let mut file = FileReached::clone(stored[0].position.reached.file.as_ref().expect("files"));
    file.current = None;
    stored[0].position.reached.file = Some(file.into());
    bench.remove("app.log");
    bench.restart_with("app*", stored);
    bench.rounds(GIVE_UP * 2);
    assert_eq!((bench.names(), bench.forgotten.len()), (vec![], 0), "it is not read again");
    bench.remove("app.old");
    bench.rounds(GIVE_UP * SEARCH_EVERY as u32 + 8);
    assert_eq!(bench.forgotten, [PartitionId(0)]);
}
