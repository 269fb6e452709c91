//! The content of a file, for programs and on the disk.

use super::random::Random;

/// The content of a file.
#[derive(Debug, Default)]
pub(super) struct Node {
    /// As programs read it.
    seen: Vec<u8>,
    /// As a loss of power leaves it at least.
    kept: Vec<u8>,
    /// What is not on the disk yet, in the order in which it was done.
    changes: Vec<Change>,
    is_locked: bool,
}

#[derive(Debug)]
enum Change {
    Write(usize, Vec<u8>),
    Len(usize),
}

/// What comes to the disk of changes that were not synced.
#[derive(Clone, Copy, Debug)]
enum Outcome {
    Nothing,
    All,
    /// The first ones, the last of them cut.
    First,
    /// Any of them, whole or in part.
    Any,
}

impl Node {
    /// A file whose content is on the disk.
    pub fn kept(bytes: &[u8]) -> Node {
        Node { seen: bytes.to_vec(), kept: bytes.to_vec(), ..Node::default() }
    }

    pub fn seen(&self) -> &[u8] {
        &self.seen
    }

    pub fn write(&mut self, offset: usize, bytes: &[u8]) {
        self.change(Change::Write(offset, bytes.to_vec()));
    }

    pub fn set_len(&mut self, len: usize) {
        self.change(Change::Len(len));
    }

    fn change(&mut self, change: Change) {
        change.apply(&mut self.seen);
        self.changes.push(change);
    }

    pub fn sync(&mut self) {
        for change in self.changes.drain(..) {
            change.apply(&mut self.kept);
        }
    }

    /// The disk takes what it likes of what was not synced, and the rest is forgotten, although it can
    /// still be read.
    pub fn fail_sync(&mut self, random: &mut Random) {
        let outcome = random.size(4);
        self.lose([Outcome::Nothing, Outcome::All, Outcome::First, Outcome::Any][outcome], random);
    }

    /// The same, and only what is on the disk can be read afterwards.
    pub fn crash(&mut self, random: &mut Random) {
        if !self.changes.is_empty() {
            self.fail_sync(random);
        }
        self.seen = self.kept.clone();
    }

    pub fn flip(&mut self, offset: usize, bits: u8) {
        self.seen[offset] ^= bits;
        self.kept[offset] ^= bits;
    }

    /// Whether the lock could be had.
    pub fn lock(&mut self) -> bool {
        !std::mem::replace(&mut self.is_locked, true)
    }

    pub fn unlock(&mut self) {
        self.is_locked = false;
    }

    fn lose(&mut self, outcome: Outcome, random: &mut Random) {
        let changes = std::mem::take(&mut self.changes);
        let first = random.size(changes.len() + 1);
        for (index, change) in changes.into_iter().enumerate() {
            match outcome {
                Outcome::Nothing => {}
                Outcome::All => change.apply(&mut self.kept),
                Outcome::First if index < first => change.apply(&mut self.kept),
                Outcome::First if index == first => change.tear(random).apply(&mut self.kept),
                Outcome::First => {}
                Outcome::Any => match random.size(4) {
                    0 => {}
                    1 => change.tear(random).apply(&mut self.kept),
                    _ => change.apply(&mut self.kept),
                },
            }
        }
    }
}

/// Cuts it, or makes it longer by zeros. Without optimization, `resize` writes these one by one.
fn resize(content: &mut Vec<u8>, len: usize) {
    content.truncate(len);
    content.extend_from_slice(&vec![0; len - content.len()]);
}

impl Change {
    fn apply(&self, content: &mut Vec<u8>) {
        match self {
            Change::Write(offset, bytes) => {
                let end = offset + bytes.len();
                if content.len() < end {
                    resize(content, end);
                }
                content[*offset..end].copy_from_slice(bytes);
            }
            Change::Len(len) => resize(content, *len),
        }
    }

    /// A write of which a part is missing: its end, its beginning, or a piece that has become junk.
    fn tear(self, random: &mut Random) -> Change {
        let Change::Write(offset, mut bytes) = self else { return self };
        let at = random.size(bytes.len() + 1);
        match random.size(4) {
            0 => {
                let rest = bytes.split_off(at);
                Change::Write(offset + at, rest)
            }
            1 => {
                let end = at + random.size(bytes.len() - at + 1);
                bytes[at..end].fill_with(|| random.bits().to_le_bytes()[0]);
                Change::Write(offset, bytes)
            }
            _ => {
                bytes.truncate(at);
                Change::Write(offset, bytes)
            }
        }
    }
}
