//! Follows one path, whichever files stand at it one after the other.
//!
//! Enters: looks at the path, some time apart, and space to read into. Leaves: the bytes of the files
//! in the order in which they stood there, each file whole, and where one ends. Reads no clock and
//! waits for nothing: time is counted in looks.
//!
//! - A file that stands at the path at some look is read to its end, wherever it is moved and even
//!   when it is deleted. Two looks must not miss one: the path may change hands once between them.
//! - When another file has come, the one before it is left once the new one holds something and
//!   nothing has been added to the old one for [`LINGER`] looks: its writers have gone over.
//! - A file that is smaller than what was read of it is read again from its beginning. What was
//!   written to it after the last read and cut off is lost; so is its beginning, if it has grown past
//!   what was read before anyone looked.
//! - After a restart the file that was being read is found again, wherever it is by then, and those that
//!   stood at the path since, if their names and times of creation tell.

use std::collections::VecDeque;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::source::positions::{FileReached, Head, Piece};

use super::Start;
use super::known::{Claim, Id, Known};
use super::open::{Open, regular, system, whole_lines};
use super::shown::{Seen, Shown, Where};

/// For so many looks nothing must have been added to a file before it is left for the next one.
pub const LINGER: u32 = 4;
/// After so many looks a path without a file is given up, and so is a deleted file to which nothing
/// has been added.
pub const GIVE_UP: u32 = 40;
/// A path that is followed.
#[derive(Debug)]
pub struct Follower {
    path: PathBuf,
    /// Whether it was named, and not found by a pattern: then it is never given up.
    named: bool,
    /// Where the first file begins.
    start: Start,
    /// The files, in the order in which they stood at the path; the first is being read.
    files: VecDeque<Open>,
    /// Files that have been read to their end since the last look.
    left: Vec<(Id, u64)>,
    /// Files that have been read to their end, as long as they may be seen again.
    known: Arc<[Piece]>,
    /// What was being read before a restart, and is to be found.
    stored: Option<Piece>,
    /// What is to be said before anything is read.
    anew: Option<Why>,
    /// Whether there has been a file.
    begun: bool,
    /// For how many looks the path has shown none of the files.
    missing: u32,
    /// What was wrong at the last look, and whether the last read failed: each is told once.
    trouble: Option<Trouble>,
    failing: bool,
    /// Nothing is waited for any more.
    last: bool,
    gone: bool,
}

/// What a read has brought.
#[derive(Debug, PartialEq, Eq)]
pub enum Step {
    /// So many bytes, in the space; they go on where the last ones ended.
    Bytes(usize),
    /// What comes next does not go on where the last bytes ended.
    Anew(Why),
    /// Nothing for now: to be tried again after the next look.
    Rest,
    /// Reading has failed, and will be tried again after the next look. Said once.
    Failed(String),
    /// The path has been given up: nothing more will come.
    Gone,
}

/// Why bytes begin anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// The file has been read to its end, and another stands in its place or will.
    Next,
    /// The file was smaller than what had been read of it.
    Truncated {
        /// How much had been read.
        read: u64,
        /// How large it was.
        size: u64,
    },
    /// The file could not be read any more, and another stands in its place.
    Lost,
    /// The file that was being read before a restart is not there any more.
    Missed {
        /// How much had been read.
        read: u64,
    },
}

/// What a look has found.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Looked {
    /// Whether there may be something to read.
    pub awake: bool,
    /// What people should know.
    pub news: Option<News>,
    /// How many bytes are there that have not been read.
    pub unread: u64,
}

/// What people should know of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum News {
    /// There is no such file yet.
    Waiting,
    /// The first file is read from this offset on.
    Opened(u64),
    /// The file that was being read before a restart is read from this offset on.
    Resumed(u64),
    /// Another file stands at the path.
    Replaced,
    /// The file is there no more, and no other.
    Vanished,
    /// It cannot be read, and why. Said once until that changes.
    Trouble(Trouble),
}

/// Why a path cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Trouble {
    /// It is no file.
    #[error("it is {0}, and only regular files can be followed")]
    NoFile(&'static str),
    /// The system says so.
    #[error("{0}")]
    System(String),
    /// Too many files are open.
    #[error("more files are open than `max_files` allows; it waits until one is left")]
    TooMany,
}

/// What stands at the path.
enum AtPath {
    /// A file that is open here; the number of bytes at which it begins if it is new.
    Ours(Option<u64>),
    /// Nothing, or a file that someone else reads or has read.
    Nothing,
}

impl Follower {
    /// Follows a path that has not been looked at. `named`: not found by a pattern. The first file is
    /// read from `start` on if it is there at the first look, otherwise from its beginning.
    pub fn new(path: PathBuf, named: bool, start: Start) -> Follower {
        Follower {
            path,
            named,
            start,
            files: VecDeque::new(),
            left: Vec::new(),
            known: Arc::default(),
            stored: None,
            anew: None,
            begun: false,
            missing: 0,
            trouble: None,
            failing: false,
            last: false,
            gone: false,
        }
    }

    /// The same for a path that had come that far before a restart: to be told by [`Follower::recover`]
    /// where its file is.
    pub fn resuming(path: PathBuf, named: bool, reached: &FileReached) -> Follower {
        let known = Arc::clone(&reached.left);
        let new = Follower::new(path, named, Start::Beginning);
        Follower { known, stored: reached.current, begun: true, ..new }
    }

    /// Before the first look: finds the file that was being read before a restart.
    pub fn recover(&mut self, shown: &Shown, known: &mut Known) -> Option<News> {
        let piece = self.stored.take()?;
        let (seen, read) = match shown.find(&piece, piece.read) {
            Where::Same(seen) => (seen, piece.read),
            Where::Changed(seen) if seen.path == self.path => {
                self.anew = Some(Why::Truncated { read: piece.read, size: seen.size });
                (seen, 0)
            }
            Where::Changed(_) | Where::Nowhere => {
                self.anew = Some(Why::Missed { read: piece.read });
                self.recover_since(piece.file, shown, known);
                return None;
            }
        };
        if known.reopen(seen.id) != Claim::From(0) {
            self.anew = Some(Why::Missed { read: piece.read });
            return None;
        }
        self.files.push_back(Open::new(seen, read));
        self.recover_since(piece.file, shown, known);
        (read > 0).then_some(News::Resumed(read))
    }

    /// Takes the files that stood at the path after that one and have other names by now. What a pattern
    /// finds is found by that.
    fn recover_since(&mut self, before: Id, shown: &Shown, known: &mut Known) {
        if !self.named {
            return;
        }
        let Ok(now) = fs::metadata(&self.path) else { return };
        for seen in shown.between(&self.path, before, Id::of(&now)) {
            if !known.knows(seen.id) && known.claim(seen.id, seen.size) == Claim::From(0) {
                self.files.push_back(Open::new(seen, 0));
            }
        }
    }

    /// How far it has come: what is read, and what was before that and may be seen again.
    pub fn reached(&self) -> (Option<Piece>, Arc<[Piece]>) {
        (self.files.front().map(Open::piece), Arc::clone(&self.known))
    }

    /// Whether there has been a file.
    pub fn has_begun(&self) -> bool {
        self.begun
    }

    /// Whether something keeps its file from being read.
    pub fn is_troubled(&self) -> bool {
        self.trouble.is_some()
    }

    /// Whether it has been given up.
    pub fn is_gone(&self) -> bool {
        self.gone
    }

    /// From now on nothing is waited for: what is there is read, and that is all.
    pub fn read_the_last(&mut self) {
        self.last = true;
    }

    /// Looks at the path and its files.
    pub fn look(&mut self, known: &mut Known) -> Looked {
        for (id, read) in self.left.drain(..) {
            known.leave(id, read);
        }
        if !self.known.iter().all(|piece| known.knows(piece.file)) {
            self.known = self.known.iter().filter(|piece| known.knows(piece.file)).copied().collect();
        }
        let first = !self.begun && self.missing == 0 && self.trouble.is_none();
        let news = match self.find(known) {
            Ok(shown) => {
                self.trouble = None;
                self.learn(&shown, first)
            }
            Err(trouble) => {
                if matches!(trouble, Trouble::NoFile(_)) {
                    self.missing = self.missing.saturating_add(1);
                }
                let again = self.trouble.as_ref() == Some(&trouble);
                self.trouble = Some(trouble.clone());
                (!again).then_some(News::Trouble(trouble))
            }
        };
        self.gone = !self.named && self.files.is_empty() && self.missing >= GIVE_UP;
        let unread = self.unread();
        // A file that cannot be asked is tried, so that reading says what is wrong.
        let awake = self.gone || self.files.len() > 1 || self.is_deleted() || unread != Some(0);
        Looked { awake, news, unread: unread.unwrap_or(0) }
    }

    fn learn(&mut self, shown: &AtPath, first: bool) -> Option<News> {
        match *shown {
            AtPath::Ours(new) => {
                self.missing = 0;
                let from = new?;
                let another = std::mem::replace(&mut self.begun, true);
                Some(if another { News::Replaced } else { News::Opened(from) })
            }
            AtPath::Nothing => {
                if !self.begun {
                    // What comes later is new, and new files are read from their beginning.
                    self.start = Start::Beginning;
                }
                self.missing = self.missing.saturating_add(1);
                if first && self.named {
                    return Some(News::Waiting);
                }
                (self.missing == 1 && self.begun).then_some(News::Vanished)
            }
        }
    }

    /// Finds out what stands at the path, and opens it if it is new.
    fn find(&mut self, known: &mut Known) -> Result<AtPath, Trouble> {
        let data = match fs::metadata(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(AtPath::Nothing),
            data => regular(data)?,
        };
        known.see(Id::of(&data));
        if self.holds(Id::of(&data)) {
            return Ok(AtPath::Ours(None));
        }
        let file = match File::open(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(AtPath::Nothing),
            file => file.map_err(system)?,
        };
        // By now it may be another one.
        let data = regular(file.metadata())?;
        let id = Id::of(&data);
        if self.holds(id) {
            return Ok(AtPath::Ours(None));
        }
        let skipped = match self.start {
            Start::End if !self.begun => whole_lines(&file, data.len()).map_err(system)?,
            _ => 0,
        };
        let read = match known.claim(id, data.len()) {
            Claim::From(offset) => offset.max(skipped),
            Claim::Taken => return Ok(AtPath::Nothing),
            Claim::TooMany => return Err(Trouble::TooMany),
        };
        if let Some(first) = self.files.front_mut() {
            first.quiet = 0;
        }
        self.files.push_back(Open::new(Seen { path: PathBuf::new(), id, file, size: data.len() }, read));
        Ok(AtPath::Ours(Some(read)))
    }

    fn holds(&self, id: Id) -> bool {
        self.files.iter().any(|open| open.id == id)
    }

    /// Reads into `space`, which is not empty.
    pub fn read(&mut self, space: &mut [u8]) -> Step {
        if self.gone {
            return Step::Gone;
        }
        if let Some(why) = self.anew.take() {
            return Step::Anew(why);
        }
        // Asked before the read: what was written to the first before the next was begun is there then.
        let next_has_begun = self.next_has_begun();
        let Some(first) = self.files.front_mut() else { return Step::Rest };
        match first.read(space) {
            Ok(0) => self.at_the_end(next_has_begun),
            Ok(count) => {
                self.failing = false;
                Step::Bytes(count)
            }
            Err(error) => self.fail(&error),
        }
    }

    /// There was nothing to read.
    fn at_the_end(&mut self, next_has_begun: bool) -> Step {
        let deleted = self.is_deleted();
        let Some(first) = self.files.front_mut() else { return Step::Rest };
        if let Ok(size) = first.size()
            && size < first.read
        {
            let read = std::mem::take(&mut first.read);
            first.head = Head::default();
            first.quiet = 0;
            return Step::Anew(Why::Truncated { read, size });
        }
        let patience = match (next_has_begun, deleted) {
            (true, _) if self.last => 0,
            (true, _) => LINGER,
            (false, true) => GIVE_UP,
            (false, false) => return Step::Rest,
        };
        if first.quiet >= patience {
            return self.leave(Why::Next);
        }
        first.quiet += 1;
        Step::Rest
    }

    fn fail(&mut self, error: &io::Error) -> Step {
        if error.kind() == io::ErrorKind::Interrupted {
            return Step::Rest;
        }
        let again = std::mem::replace(&mut self.failing, true);
        if self.files.len() > 1
            && let Some(first) = self.files.front_mut()
        {
            if first.quiet >= LINGER {
                return self.leave(Why::Lost);
            }
            first.quiet += 1;
        }
        if again { Step::Rest } else { Step::Failed(error.to_string()) }
    }

    fn leave(&mut self, why: Why) -> Step {
        let first = self.files.pop_front().expect("a file that is left was there");
        self.left.push((first.id, first.read));
        self.known = self.known.iter().copied().chain([first.piece()]).collect();
        self.failing = false;
        Step::Anew(why)
    }

    /// Whether a file after the first holds something. One that cannot be asked is no reason to stay.
    fn next_has_begun(&self) -> bool {
        self.files.iter().skip(1).any(|open| open.size().map_or(true, |size| size > 0))
    }

    /// Whether the path shows none of the files, and the only one has no name any more.
    fn is_deleted(&self) -> bool {
        let only = if self.files.len() == 1 { self.files.front() } else { None };
        self.missing > 0 && only.is_some_and(|open| open.file.metadata().is_ok_and(|data| data.nlink() == 0))
    }

    /// How much there is to read; `None` when that cannot be said, or when a file has become smaller.
    fn unread(&self) -> Option<u64> {
        let unread = |open: &Open| open.size().ok()?.checked_sub(open.read);
        self.files.iter().map(unread).sum()
    }
}

/// The path that is followed.
impl AsRef<Path> for Follower {
    fn as_ref(&self) -> &Path {
        &self.path
    }
}
