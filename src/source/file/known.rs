//! Which files have been read, whatever their names are now.
//!
//! A file that is renamed, as rotation does it, is the same file; a pattern that matches its new name
//! must not bring it in again. A number of a deleted file can be given to a new one, so the time of
//! creation belongs to the identity where the file system tells it; and what no path shows any more
//! is forgotten soon.

use std::collections::HashMap;

pub use crate::source::positions::FileId as Id;

/// After so many looks in which no path has shown it, a file that is read no more is forgotten.
const FORGET: u32 = 40;

/// What is known of a file.
#[derive(Clone, Copy, Debug)]
enum State {
    /// Someone reads it.
    Open,
    /// It has been read so far, and left.
    Left { read: u64, unseen: u32 },
}

/// The files that are being read, and those that were and can still be found.
#[derive(Debug)]
pub struct Known {
    files: HashMap<Id, State>,
    open: usize,
    max_open: usize,
}

/// Whether a file may be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Claim {
    /// It may, from this offset on.
    From(u64),
    /// Someone reads it already, or it has been read to its end.
    Taken,
    /// Too many are open.
    TooMany,
}

impl Known {
    /// Nothing is known; at most `max_open` files may be open at a time.
    pub fn new(max_open: usize) -> Known {
        Known { files: HashMap::new(), open: 0, max_open }
    }

    /// Asks for a file that has `size` bytes now; if it is given, it is open.
    pub fn claim(&mut self, id: Id, size: u64) -> Claim {
        let from = match self.files.get(&id) {
            Some(State::Open) => return Claim::Taken,
            Some(State::Left { read, .. }) if *read == size => return Claim::Taken,
            Some(State::Left { read, .. }) if *read < size => *read,
            Some(State::Left { .. }) | None => 0,
        };
        if self.open >= self.max_open {
            return Claim::TooMany;
        }
        self.files.insert(id, State::Open);
        self.open += 1;
        Claim::From(from)
    }

    /// An open file has been left, read so far.
    pub fn leave(&mut self, id: Id, read: u64) {
        if let Some(state @ State::Open) = self.files.get_mut(&id) {
            *state = State::Left { read, unseen: 0 };
            self.open -= 1;
        }
    }

    /// Before the first look: a file that was read so far before the service started.
    pub fn remember(&mut self, id: Id, read: u64) {
        let known = self.files.entry(id).or_insert(State::Left { read: 0, unseen: 0 });
        if let State::Left { read: before, .. } = known {
            *before = read.max(*before);
        }
    }

    /// An open file is read again after a restart, wherever it was left.
    pub fn reopen(&mut self, id: Id) -> Claim {
        if self.open >= self.max_open {
            return Claim::TooMany;
        }
        match self.files.insert(id, State::Open) {
            Some(State::Open) => Claim::Taken,
            _ => {
                self.open += 1;
                Claim::From(0)
            }
        }
    }

    /// Whether a file is being read, or was and can still be found.
    pub fn knows(&self, id: Id) -> bool {
        self.files.contains_key(&id)
    }

    /// A path shows that file.
    pub fn see(&mut self, id: Id) {
        if let Some(State::Left { unseen, .. }) = self.files.get_mut(&id) {
            *unseen = 0;
        }
    }

    /// All paths have been looked at once more.
    pub fn looked(&mut self) {
        self.files.retain(|_, state| match state {
            State::Open => true,
            State::Left { unseen, .. } => {
                *unseen += 1;
                *unseen <= FORGET
            }
        });
    }

    /// How many files are open.
    pub fn open(&self) -> usize {
        self.open
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(inode: u64) -> Id {
        Id { device: 1, inode, born: None }
    }

    #[test]
    fn a_file_is_given_once_and_again_when_it_has_more() {
        let mut known = Known::new(2);
        assert_eq!(known.claim(id(1), 10), Claim::From(0));
        assert_eq!(known.claim(id(1), 10), Claim::Taken);
        known.leave(id(1), 10);
        assert_eq!(known.claim(id(1), 10), Claim::Taken, "read to its end");
        assert_eq!(known.claim(id(1), 15), Claim::From(10));
        known.leave(id(1), 15);
        assert_eq!(known.claim(id(1), 3), Claim::From(0), "it was cut off, or is another one");
    }

    #[test]
    fn no_more_are_open_than_allowed() {
        let mut known = Known::new(2);
        assert_eq!(known.claim(id(1), 0), Claim::From(0));
        assert_eq!(known.claim(id(2), 0), Claim::From(0));
        assert_eq!(known.claim(id(3), 0), Claim::TooMany);
        known.leave(id(1), 0);
        assert_eq!((known.claim(id(3), 0), known.open()), (Claim::From(0), 2));
    }

    #[test]
    fn what_no_path_shows_is_forgotten_so_that_its_number_can_be_used_again() {
        let mut known = Known::new(2);
        known.claim(id(1), 5);
        known.claim(id(2), 5);
        known.leave(id(1), 5);
        known.leave(id(2), 5);
        for _ in 0..=FORGET {
            known.see(id(2));
            known.looked();
        }
        assert_eq!(known.claim(id(1), 5), Claim::From(0), "forgotten");
        assert_eq!(known.claim(id(2), 5), Claim::Taken, "remembered");
    }
}
