//! Any order of writing, replacing and looking gives exactly what was written.

use std::collections::BTreeMap;
use std::fs::File;
use std::os::unix::fs::symlink;

use proptest::prelude::*;

use super::super::follower::LINGER;
use super::super::watch::SEARCH_EVERY;
use super::{Bench, append_to};
use crate::cases::cases;

/// What can happen.
#[derive(Clone, Debug)]
enum Change {
    /// The next so many bytes are written.
    Write(usize),
    /// The file gets another name; the writer goes on writing to it.
    Rename,
    /// The file is deleted; the writer goes on writing to it.
    Delete,
    /// The writer finishes its line and goes over to the file at the path, or a new one.
    Reopen,
    /// The file is copied and cut off, and looked at.
    CopyTruncate,
    /// A look, and everything is read.
    Look,
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        6 => (1usize..40).prop_map(Change::Write),
        2 => Just(Change::Rename),
        1 => Just(Change::Delete),
        3 => Just(Change::Reopen),
        1 => Just(Change::CopyTruncate),
        6 => Just(Change::Look),
    ]
}

/// Numbered lines, as bytes without end.
#[derive(Default)]
struct Lines {
    next: u32,
    rest: String,
}

impl Lines {
    fn take(&mut self, count: usize) -> String {
        while self.rest.len() < count {
            self.rest.push_str(&format!("line {}\n", self.next));
            self.next += 1;
        }
        let rest = self.rest.split_off(count);
        std::mem::replace(&mut self.rest, rest)
    }

    /// The rest of the line that has been begun.
    fn finish(&mut self) -> String {
        std::mem::take(&mut self.rest)
    }
}

/// A program that writes a log, and what it has written to which file.
struct Writer {
    bench: Bench,
    lines: Lines,
    file: File,
    /// The content of each file there has been at the path, or of each beginning of one.
    files: Vec<String>,
    /// Whether the path leads to the file that is written.
    named: bool,
    /// Whether that file has been looked at since it stands there.
    seen: bool,
    renamed: u32,
    /// Whether the path is a link, which is switched.
    linked: bool,
}

impl Writer {
    fn new(mut bench: Bench, linked: bool, piece: usize) -> Writer {
        bench.piece = piece;
        let file = bench.writer(if linked { "0" } else { "app.log" });
        if linked {
            symlink("0", bench.path("app.log")).expect("a link");
        }
        let (lines, files) = (Lines::default(), vec![String::new()]);
        Writer { bench, lines, file, files, named: true, seen: false, renamed: 0, linked }
    }

    fn write(&mut self, text: &str) {
        append_to(&mut self.file, text);
        self.files.last_mut().expect("there is one").push_str(text);
    }

    fn look(&mut self) {
        self.bench.round();
        self.seen = self.named;
    }

    /// `sees_all`: whether a file may be replaced before anyone has looked at it.
    fn change(&mut self, change: &Change, sees_all: bool) {
        match change {
            Change::Write(count) => {
                let text = self.lines.take(*count);
                self.write(&text);
            }
            Change::Rename | Change::Delete => {
                if !self.named || self.linked {
                    return;
                }
                if !self.seen && !sees_all {
                    self.look();
                }
                self.renamed += 1;
                match change {
                    Change::Rename => self.bench.rename("app.log", &format!("app.log.{}", self.renamed)),
                    _ => self.bench.remove("app.log"),
                }
                self.named = false;
            }
            Change::Reopen => self.reopen(sees_all),
            Change::CopyTruncate => self.truncate(),
            Change::Look => self.look(),
        }
    }

    fn reopen(&mut self, sees_all: bool) {
        if self.named && !self.linked {
            return;
        }
        if self.linked && !self.seen && !sees_all {
            self.look();
        }
        let rest = self.lines.finish();
        self.write(&rest);
        self.renamed += 1;
        if self.linked {
            let name = self.renamed.to_string();
            self.file = self.bench.writer(&name);
            symlink(&name, self.bench.path("next")).expect("a link");
            self.bench.rename("next", "app.log");
        } else {
            self.file = self.bench.writer("app.log");
        }
        self.files.push(String::new());
        (self.named, self.seen) = (true, false);
    }

    /// What has not been read is lost, and a new content begins unless nothing has been read.
    fn truncate(&mut self) {
        let read = self.bench.read.get("app.log").map_or(&[][..], Vec::as_slice);
        let read = if read.len() == self.files.len() { read.last().map_or(0, Vec::len) } else { 0 };
        self.file.set_len(0).expect("truncated");
        self.files.last_mut().expect("there is one").truncate(read);
        if read > 0 {
            self.files.push(String::new());
        }
        // Before it has grown to what it was.
        self.look();
    }

    /// Looks until everything must have been read.
    fn settle(&mut self) {
        let rest = self.lines.finish();
        self.write(&rest);
        for _ in 0..=self.files.len() {
            self.bench.rounds(LINGER + 2 + SEARCH_EVERY as u32);
        }
    }
}

fn without_empty_end(mut parts: Vec<String>) -> Vec<String> {
    while parts.last().is_some_and(String::is_empty) {
        parts.pop();
    }
    parts
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(50, 200), ..ProptestConfig::default() })]

    /// One path: each content that stood there is read whole, and in the order in which they did.
    #[test]
    fn a_path_gives_what_was_written_in_its_order(
        changes in proptest::collection::vec(change(), 0..60),
        linked: bool,
        piece in 1usize..50,
    ) {
        let mut writer = Writer::new(Bench::of("app.log"), linked, piece);
        writer.look();
        for change in &changes {
            writer.change(change, false);
        }
        writer.settle();
        let read = writer.bench.read.remove("app.log").unwrap_or_default();
        let read = read.into_iter().map(|part| String::from_utf8(part).expect("text")).collect();
        prop_assert_eq!(without_empty_end(read), without_empty_end(writer.files));
    }

    /// A pattern that matches what files are renamed to: each line comes once, however often they
    /// are renamed between two looks.
    #[test]
    fn a_pattern_gives_every_line_once(
        changes in proptest::collection::vec(change(), 0..60),
        piece in 1usize..50,
    ) {
        let mut writer = Writer::new(Bench::new("app.log*", super::Start::Beginning, 100), false, piece);
        for change in changes.iter().filter(|change| !matches!(change, Change::Delete | Change::CopyTruncate)) {
            writer.change(change, true);
        }
        writer.settle();
        let mut times: BTreeMap<String, usize> = BTreeMap::new();
        for part in writer.bench.read.values().flatten() {
            for line in String::from_utf8(part.clone()).expect("text").lines() {
                *times.entry(line.to_owned()).or_default() += 1;
            }
        }
        let expected: BTreeMap<String, usize> =
            writer.files.concat().lines().map(|line| (line.to_owned(), 1)).collect();
        prop_assert_eq!(times, expected);
    }
}
