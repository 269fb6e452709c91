//! Files that grow, rotate, vanish and come back, looked at by hand: no test waits for a clock.

mod changes;
mod once;
mod patterns;
mod property;
mod restart;

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::follower::{News, Step, Why};
use super::watch::{Findings, Followed, Watch};
use super::{Paths, Start};

/// A folder, and what looks at it.
struct Bench {
    folder: tempfile::TempDir,
    watch: Watch,
    followed: Vec<Arc<Followed>>,
    /// What has been read of each path, cut where bytes begin anew.
    read: BTreeMap<String, Vec<Vec<u8>>>,
    /// Why they did.
    anew: Vec<Why>,
    news: Vec<(String, News)>,
    troubles: Vec<String>,
    failures: usize,
    forgotten: Vec<crate::event::PartitionId>,
    last: Findings,
    /// How much is read at once.
    piece: usize,
}

impl Bench {
    /// Looks at what matches, in a folder of its own.
    fn new(pattern: &str, start: Start, max_files: usize) -> Bench {
        let folder = tempfile::tempdir().expect("a folder");
        let paths = Paths::new(pattern, folder.path()).expect("a path or pattern");
        Bench {
            folder,
            watch: Watch::new(paths, start, max_files),
            followed: Vec::new(),
            read: BTreeMap::new(),
            anew: Vec::new(),
            news: Vec::new(),
            troubles: Vec::new(),
            failures: 0,
            forgotten: Vec::new(),
            last: Findings::default(),
            piece: 100,
        }
    }

    fn of(pattern: &str) -> Bench {
        Bench::new(pattern, Start::Beginning, 10)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn append(&self, name: &str, text: &str) {
        append_to(&mut self.writer(name), text);
    }

    /// A file to write to that is made if it is not there.
    fn writer(&self, name: &str) -> File {
        OpenOptions::new().create(true).append(true).open(self.path(name)).expect("a file")
    }

    fn rename(&self, from: &str, to: &str) {
        fs::rename(self.path(from), self.path(to)).expect("renamed");
    }

    fn remove(&self, name: &str) {
        fs::remove_file(self.path(name)).expect("removed");
    }

    fn name(&self, path: &Path) -> String {
        path.strip_prefix(self.folder.path()).expect("inside").display().to_string()
    }

    /// Looks once, and reads what there is.
    fn round(&mut self) {
        let mut findings = self.watch.look();
        self.followed.append(&mut findings.new);
        for (path, news) in findings.news.drain(..) {
            self.news.push((self.name(&path), news));
        }
        self.troubles.append(&mut findings.troubles);
        self.forgotten.append(&mut findings.forgotten);
        self.last = findings;
        self.read();
    }

    fn rounds(&mut self, count: u32) {
        for _ in 0..count {
            self.round();
        }
    }

    fn read(&mut self) {
        let mut space = vec![0; self.piece];
        for followed in std::mem::take(&mut self.followed) {
            let read = self.read.entry(self.name(&followed.path)).or_insert_with(|| vec![Vec::new()]);
            loop {
                match followed.follower().read(&mut space) {
                    Step::Bytes(count) => {
                        read.last_mut().expect("there is one").extend_from_slice(&space[..count]);
                    }
                    Step::Anew(why) => {
                        self.anew.push(why);
                        read.push(Vec::new());
                    }
                    Step::Rest => break self.followed.push(followed.clone()),
                    Step::Failed(_) => {
                        self.failures += 1;
                        break self.followed.push(followed.clone());
                    }
                    Step::Gone => break,
                }
            }
        }
    }

    /// What has been read of a path, with a `|` where it begins anew.
    fn text(&self, name: &str) -> String {
        let parts = self.read.get(name).map_or(&[][..], Vec::as_slice);
        let parts = parts.iter().map(|part| String::from_utf8(part.clone()).expect("text"));
        parts.collect::<Vec<_>>().join("|")
    }

    /// The paths that are read.
    fn names(&self) -> Vec<String> {
        self.followed.iter().map(|followed| self.name(&followed.path)).collect()
    }

    fn said(&mut self) -> Vec<News> {
        std::mem::take(&mut self.news).into_iter().map(|(_, news)| news).collect()
    }
}

fn append_to(file: &mut File, text: &str) {
    file.write_all(text.as_bytes()).expect("written");
}
