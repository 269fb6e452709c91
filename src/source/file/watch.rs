//! All paths of a source that follows files.
//!
//! Enters: looks, some time apart. Leaves: the paths that have files to read, what is new about them,
//! and who has something to read now. A look asks for the status of each path and each open file;
//! what matches a pattern is looked for at each [`SEARCH_EVERY`]th look.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use super::Start;
use super::follower::{Follower, News};
use super::known::Known;
use super::pattern::{Paths, is_compressed};

/// At how many looks what matches a pattern is looked for once.
pub const SEARCH_EVERY: u64 = 4;
/// Most paths that a pattern is asked for.
const MAX_PATHS: usize = 100_000;

/// A path with what it takes to read it.
#[derive(Debug)]
pub struct Followed {
    /// The path.
    pub path: PathBuf,
    /// Told after a look that there may be something to read.
    pub awake: Notify,
    follower: Mutex<Follower>,
}

impl Followed {
    /// The follower, for a moment.
    pub fn follower(&self) -> MutexGuard<'_, Follower> {
        // One whose reader panicked is as good as before: each step leaves it whole.
        self.follower.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The paths of a source.
#[derive(Debug)]
pub struct Watch {
    paths: Paths,
    start: Start,
    max_files: usize,
    followed: BTreeMap<PathBuf, Arc<Followed>>,
    known: Known,
    looks: u64,
    /// What is wrong with the folders, and whether there are too many paths: said once.
    troubles: Vec<String>,
    full: bool,
}

/// What a look has found.
#[derive(Debug, Default)]
pub struct Findings {
    /// Paths that have a file for the first time, sorted.
    pub new: Vec<Arc<Followed>>,
    /// What people should know of a path.
    pub news: Vec<(PathBuf, News)>,
    /// What people should know of all.
    pub troubles: Vec<String>,
    /// How many files are open.
    pub open: usize,
    /// How many bytes have not been read.
    pub unread: u64,
}

impl Watch {
    /// Nothing has been looked at yet.
    pub fn new(paths: Paths, start: Start, max_files: usize) -> Watch {
        Watch {
            paths,
            start,
            max_files,
            followed: BTreeMap::new(),
            // While a file that was replaced is read to its end, the one after it is open too.
            known: Known::new(max_files.saturating_mul(2)),
            looks: 0,
            troubles: Vec::new(),
            full: false,
        }
    }

    /// Looks at all paths.
    pub fn look(&mut self) -> Findings {
        let mut findings = Findings::default();
        // Those that are followed first: what they hold is not new where it is found by another name.
        let followed: Vec<Arc<Followed>> = self.followed.values().cloned().collect();
        for followed in followed {
            self.look_at(&followed, &mut findings);
            if followed.follower().is_gone() {
                self.followed.remove(&followed.path);
            }
        }
        if self.looks.is_multiple_of(SEARCH_EVERY) || !self.paths.is_pattern() {
            self.search(&mut findings);
            self.known.looked();
        }
        self.looks += 1;
        findings.open = self.known.open();
        findings
    }

    fn look_at(&mut self, followed: &Arc<Followed>, findings: &mut Findings) {
        let mut follower = followed.follower();
        let had_begun = follower.has_begun();
        let looked = follower.look(&mut self.known);
        findings.news.extend(looked.news.map(|news| (followed.path.clone(), news)));
        findings.unread += looked.unread;
        if follower.has_begun() && !had_begun {
            findings.new.push(Arc::clone(followed));
        }
        if looked.awake {
            followed.awake.notify_one();
        }
    }

    fn search(&mut self, findings: &mut Findings) {
        let found = self.paths.find(MAX_PATHS);
        if found.troubles != self.troubles {
            findings.troubles.clone_from(&found.troubles);
            self.troubles = found.troubles;
        }
        let mut left_out = 0;
        for path in found.paths {
            if self.followed.contains_key(&path) || self.leaves_out(&path) {
                continue;
            }
            if self.followed.len() >= self.max_files {
                left_out += 1;
                continue;
            }
            let follower = Follower::new(path.clone(), !self.paths.is_pattern(), self.start_of_new());
            let followed = Arc::new(Followed {
                path: path.clone(),
                awake: Notify::new(),
                follower: Mutex::new(follower),
            });
            self.look_at(&followed, findings);
            // A pattern's path that shows what is known under another name is asked again next time.
            let follower = followed.follower();
            if follower.has_begun() || follower.is_troubled() || !self.paths.is_pattern() {
                drop(follower);
                self.followed.insert(path, followed);
            }
        }
        if left_out > 0 && !self.full {
            findings.troubles.push(format!(
                "{left_out} more paths match than `max_files` = {} allows; they are not read",
                self.max_files
            ));
        }
        self.full = left_out > 0;
    }

    /// What a pattern finds and nobody means: folders, and what rotation has compressed.
    fn leaves_out(&self, path: &Path) -> bool {
        self.paths.is_pattern() && (is_compressed(path) || path.is_dir())
    }

    /// Only what is there at the first look can be older than the service.
    fn start_of_new(&self) -> Start {
        if self.looks == 0 { self.start } else { Start::Beginning }
    }

    /// From now on nothing is waited for; for the last look.
    pub fn read_the_last(&self) {
        for followed in self.followed.values() {
            followed.follower().read_the_last();
        }
    }
}
