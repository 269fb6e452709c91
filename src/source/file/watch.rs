//! All paths of a source that follows files.
//!
//! Enters: looks, some time apart. Leaves: the paths that have files to read, what is new about them,
//! and who has something to read now. A look asks for the status of each path and each open file;
//! what matches a pattern is looked for at each [`SEARCH_EVERY`]th look.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use tokio::sync::Notify;

use crate::event::PartitionId;
use crate::source::positions::{FileId, Kind, Stored};

use super::Start;
use super::follower::{Follower, News};
use super::known::Known;
use super::pattern::{Paths, is_compressed};
use super::shown::{Shown, Where};

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
    /// How far it had come before a restart, if it goes on.
    pub stored: Option<Stored>,
    /// Its partition, once it has one.
    pub partition: OnceLock<PartitionId>,
    follower: Mutex<Follower>,
}

impl Followed {
    fn new(path: PathBuf, follower: Follower, stored: Option<Stored>) -> Arc<Followed> {
        let (awake, partition, follower) = (Notify::new(), OnceLock::new(), Mutex::new(follower));
        Arc::new(Followed { path, awake, stored, partition, follower })
    }

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
    /// Partitions of before the restart.
    stored: Vec<Stored>,
    /// Partitions that have ended, with the files that were read for them and may be seen again.
    ended: Vec<(PartitionId, Vec<FileId>)>,
    looks: u64,
    /// What is wrong with the folders, and whether there are too many paths: said once.
    troubles: Vec<String>,
    full: bool,
}

/// What a look has found.
#[derive(Debug, Default)]
pub struct Findings {
    /// Paths that have a file for the first time, sorted, and those that go on after a restart.
    pub new: Vec<Arc<Followed>>,
    /// Partitions of before the restart whose paths are not followed any more.
    pub dropped: Vec<Stored>,
    /// Partitions that have ended and of whose files nothing needs to be known any more.
    pub forgotten: Vec<PartitionId>,
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
            stored: Vec::new(),
            ended: Vec::new(),
            looks: 0,
            troubles: Vec::new(),
            full: false,
        }
    }

    /// The same after a restart: these were its partitions.
    pub fn resuming(mut self, stored: Vec<Stored>) -> Watch {
        self.stored = stored;
        self
    }

    /// Looks at all paths.
    pub fn look(&mut self) -> Findings {
        let mut findings = Findings::default();
        if !self.stored.is_empty() {
            self.take_up(&mut findings);
        }
        // Those that are followed first: what they hold is not new where it is found by another name.
        let followed: Vec<Arc<Followed>> = self.followed.values().cloned().collect();
        for followed in followed {
            self.look_at(&followed, &mut findings);
            if followed.follower().is_gone() {
                self.followed.remove(&followed.path);
                let (_, left) = followed.follower().reached();
                let files = left.iter().map(|piece| piece.file).collect();
                self.ended.extend(followed.partition.get().map(|partition| (*partition, files)));
            }
        }
        if self.looks.is_multiple_of(SEARCH_EVERY) || !self.paths.is_pattern() {
            self.search(&mut findings);
            self.known.looked();
            let known = &self.known;
            let gone = self.ended.extract_if(.., |(_, files)| !files.iter().any(|file| known.knows(*file)));
            findings.forgotten.extend(gone.map(|(partition, _)| partition));
        }
        self.looks += 1;
        findings.open = self.known.open();
        findings
    }

    /// Goes on with what was followed before the restart.
    fn take_up(&mut self, findings: &mut Findings) {
        let mut stored = std::mem::take(&mut self.stored);
        let path = |stored: &Stored| match &stored.position.origin.kind {
            Kind::File(path) => path.to_path_buf(),
            _ => PathBuf::new(),
        };
        let others: Vec<PathBuf> = stored.iter().map(path).collect();
        let found = self.paths.find(MAX_PATHS).paths;
        let shown = Shown::of(found.iter().cloned(), others.iter().map(PathBuf::as_path));
        let files = stored.iter().filter_map(|stored| stored.position.reached.file.as_ref());
        for piece in files.flat_map(|file| file.left.iter()) {
            match shown.find(piece, piece.read) {
                Where::Same(seen) => self.known.remember(seen.id, piece.read),
                // One that is not seen now may be seen later; but its number may also be given again.
                Where::Nowhere if piece.file.born.is_some() => self.known.remember(piece.file, piece.read),
                Where::Nowhere | Where::Changed(_) => {}
            }
        }
        // Of two that had the same path the one that is open goes on, or else the later one.
        stored.sort_by_key(|stored| (stored.position.is_open, stored.partition));
        for stored in stored.into_iter().rev() {
            self.take_up_one(path(&stored), stored, &shown, findings);
        }
        findings.new.sort_by(|one, other| one.path.cmp(&other.path));
    }

    fn take_up_one(&mut self, mut path: PathBuf, stored: Stored, shown: &Shown, findings: &mut Findings) {
        let reached = stored.position.reached.file.clone().unwrap_or_default();
        let place = reached.current.map(|piece| shown.find(&piece, piece.read));
        let is_there = matches!(place, Some(Where::Same(_)));
        if let Some(Where::Same(seen)) = place
            && !self.paths.matches(&path)
        {
            // The same files may be named in another way.
            path = seen.path;
        }
        let is_begun = stored.position.reached.file.is_some();
        let is_wanted = self.paths.matches(&path) && !self.followed.contains_key(&path);
        let has_room = self.followed.len() < self.max_files;
        if is_wanted && has_room && (stored.position.is_open || is_there) {
            let named = !self.paths.is_pattern();
            let mut follower = match is_begun {
                true => Follower::resuming(path.clone(), named, &reached),
                // The engine knows of it, and has taken nothing.
                false => Follower::new(path.clone(), named, self.start),
            };
            let news = follower.recover(shown, &mut self.known);
            findings.news.extend(news.map(|news| (path.clone(), news)));
            let followed = Followed::new(path.clone(), follower, Some(stored));
            findings.new.push(Arc::clone(&followed));
            self.followed.insert(path, followed);
            return;
        }
        if stored.position.is_open {
            findings.dropped.push(stored);
        } else if !is_there {
            self.ended.push((stored.partition, reached.left.iter().map(|piece| piece.file).collect()));
        }
    }

    fn look_at(&mut self, followed: &Arc<Followed>, findings: &mut Findings) {
        let mut follower = followed.follower();
        let had_begun = follower.has_begun();
        let looked = follower.look(&mut self.known);
        findings.news.extend(looked.news.map(|news| (followed.path.clone(), news)));
        findings.unread += looked.unread;
        if follower.has_begun() && !had_begun && followed.stored.is_none() {
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
            let followed = Followed::new(path.clone(), follower, None);
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
