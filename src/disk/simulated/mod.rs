//! A disk in memory that fails on request.
//!
//! Enters: what [`Disk`] and [`DiskFile`] are asked for, a seed, and orders to fail: [`SimulatedDisk::crash`],
//! [`SimulatedDisk::crash_at`], [`SimulatedDisk::fail_syncs`] and so on. Leaves: what a real disk could
//! have kept, in the worst case. The same seed and the same calls give the same outcome.
//!
//! - Programs see what they have written. A loss of power keeps what was synced, and of the rest
//!   whatever the seed says: nothing, all, the first part cut at any byte, or any of the writes, torn and
//!   in any order; sometimes junk where a write was under way.
//! - Names behave likewise until the folder is synced.
//! - After a failed sync, what was written since the last good one can be read and is lost.
//! - After a loss of power, files and locks from before are dead: whoever still holds one gets errors.

mod file;
mod names;
mod node;
mod random;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use nix::errno::Errno;

use super::{Access, Disk, DiskFile};
use names::{Change, Names};
use node::Node;

pub use file::SimulatedFile;
pub use random::Random;

/// A disk in memory. Clones are the same disk.
#[derive(Clone, Debug)]
pub struct SimulatedDisk(Arc<Mutex<State>>);

/// Everything there is.
#[derive(Debug)]
struct State {
    random: Random,
    names: Names,
    nodes: Vec<Node>,
    folders: BTreeSet<PathBuf>,
    /// How many lives of the machine and the program there have been: a file belongs to one of them.
    life: u64,
    /// Whether the power is gone.
    is_down: bool,
    /// How many operations there were that change something or sync it.
    operations: u64,
    /// Which of them were syncs.
    syncs: BTreeSet<u64>,
    faults: Faults,
}

/// What is to fail.
#[derive(Debug, Default)]
struct Faults {
    crash_at: Option<(u64, Moment)>,
    at: Range<u64>,
    syncs: u64,
    writes: u64,
    per_mille: u64,
    capacity: Option<u64>,
    is_read_only: bool,
}

/// When the power goes, of an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// Just before it: nothing of it is done.
    Before,
    /// While it is under way: any part of it may be done.
    Amid,
    /// Just after it, before the program hears of it: what was synced is on the disk.
    After,
}

/// What becomes of an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Done,
    /// It fails, half done perhaps.
    Fails,
    /// The power goes while it is under way.
    Crashes,
    /// It is done, and the power goes before the program hears of it.
    IsLast,
}

impl Fate {
    /// What the program hears of an operation that was done.
    fn heard(self) -> io::Result<()> {
        if self == Fate::IsLast { Err(down()) } else { Ok(()) }
    }
}

/// What an operation is, as far as faults ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Read,
    Change,
    Sync,
}

impl SimulatedDisk {
    /// An empty disk whose mishaps are made from `seed`.
    pub fn new(seed: u64) -> SimulatedDisk {
        SimulatedDisk(Arc::new(Mutex::new(State {
            random: Random::new(seed),
            names: Names::default(),
            nodes: Vec::new(),
            folders: BTreeSet::new(),
            life: 0,
            is_down: false,
            operations: 0,
            syncs: BTreeSet::new(),
            faults: Faults::default(),
        })))
    }

    /// The power goes and comes back: what was not synced is gone, in whole or in part, and files that
    /// are open are dead. What was ordered to fail before is forgotten, apart from the capacity.
    pub fn crash(&self) {
        let mut state = self.state();
        let State { random, names, nodes, .. } = &mut *state;
        names.crash(random);
        for node in nodes {
            node.crash(random);
        }
        state.begin_life();
    }

    /// The program is killed and started again: open files are dead and locks free, but the system has
    /// what was written, and still does not have to bring it to the disk.
    pub fn kill(&self) {
        self.state().begin_life();
    }

    /// The power goes in the middle of the operation with this number, counted from 1 over the life of
    /// the disk. From then on everything fails until [`SimulatedDisk::crash`].
    pub fn crash_at(&self, operation: u64) {
        self.crash_at_moment(operation, Moment::Amid);
    }

    /// The same at one of the moments of that operation.
    pub fn crash_at_moment(&self, operation: u64, moment: Moment) {
        self.state().faults.crash_at = Some((operation, moment));
    }

    /// How many operations there were that change something or sync it.
    pub fn operations(&self) -> u64 {
        self.state().operations
    }

    /// Which of them were syncs, of files and folders.
    pub fn syncs(&self) -> BTreeSet<u64> {
        self.state().syncs.clone()
    }

    /// Whether the power is gone.
    pub fn is_down(&self) -> bool {
        self.state().is_down
    }

    /// The next so many syncs, of files and folders, fail.
    pub fn fail_syncs(&self, count: u64) {
        self.state().faults.syncs = count;
    }

    /// The next so many changes of files and names fail, writes after a part of the bytes.
    pub fn fail_writes(&self, count: u64) {
        self.state().faults.writes = count;
    }

    /// The operations with these numbers fail, counted as for [`SimulatedDisk::crash_at`].
    pub fn fail_at(&self, operations: Range<u64>) {
        self.state().faults.at = operations;
    }

    /// Of a thousand changes and syncs, so many fail by chance.
    pub fn fail_by_chance(&self, per_mille: u64) {
        self.state().faults.per_mille = per_mille;
    }

    /// From now on files together have no more room than that; `None` for as much as they like.
    pub fn set_capacity(&self, bytes: Option<u64>) {
        self.state().faults.capacity = bytes;
    }

    /// Whether everything that changes something is refused.
    pub fn set_read_only(&self, is_read_only: bool) {
        self.state().faults.is_read_only = is_read_only;
    }

    /// How many bytes all files have together.
    pub fn used(&self) -> u64 {
        self.state().used()
    }

    /// Turns one bit of a file, for programs and on the disk.
    ///
    /// # Panics
    /// When there is no such file or byte: the test is wrong.
    pub fn flip_bit(&self, path: &Path, offset: usize, bit: u8) {
        let mut state = self.state();
        let node = state.names.find(path).expect("there is such a file");
        state.nodes[node].flip(offset, 1 << bit);
    }

    /// What programs read in a file; `None` when there is none.
    pub fn contents(&self, path: &Path) -> Option<Vec<u8>> {
        let state = self.state();
        state.names.find(path).map(|node| state.nodes[node].seen().to_vec())
    }

    /// Makes a file with this content that is on the disk, as if it had always been there.
    pub fn put(&self, path: &Path, bytes: &[u8]) {
        let mut state = self.state();
        let node = state.add(Node::kept(bytes));
        state.names.put(path, node);
    }

    /// The file, as [`Disk::open`] and [`Disk::create`] give it, with its own type.
    ///
    /// # Errors
    /// As for these.
    pub fn open_file(&self, path: &Path, access: Access) -> io::Result<SimulatedFile> {
        let mut state = self.state();
        let life = state.life;
        state.begin(life, Kind::Read)?;
        let node = state.names.find(path).ok_or(io::ErrorKind::NotFound)?;
        if access == Access::Write && state.faults.is_read_only {
            return Err(Errno::EROFS.into());
        }
        Ok(SimulatedFile::new(self.clone(), node, life, access))
    }

    /// The same for a file that is made, or emptied.
    ///
    /// # Errors
    /// As for [`Disk::create`].
    pub fn create_file(&self, path: &Path) -> io::Result<SimulatedFile> {
        let found = self.state().names.find(path);
        if found.is_some() {
            let file = self.open_file(path, Access::Write)?;
            file.set_len(0)?;
            return Ok(file);
        }
        let node = self.state().add(Node::default());
        self.change_names(Change::Link(path.to_path_buf(), node))?;
        self.open_file(path, Access::Write)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A test that fails while it holds the lock shall say why, and not that.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes names, if the folder is there and nothing is to fail.
    fn change_names(&self, change: Change) -> io::Result<()> {
        let mut state = self.state();
        let life = state.life;
        let fate = state.begin(life, Kind::Change)?;
        let parent = change.path().parent().unwrap_or(Path::new(""));
        if !state.folders.contains(parent) {
            return Err(io::ErrorKind::NotFound.into());
        }
        match fate {
            Fate::Done | Fate::IsLast => state.names.change(change),
            Fate::Fails => return Err(Errno::EIO.into()),
            Fate::Crashes => {
                state.names.change(change);
                return Err(down());
            }
        }
        fate.heard()
    }
}

impl State {
    fn begin_life(&mut self) {
        self.life += 1;
        self.is_down = false;
        self.nodes.iter_mut().for_each(Node::unlock);
        self.faults = Faults { capacity: self.faults.capacity, ..Faults::default() };
    }

    /// Begins an operation of a program of that life: what is to become of it.
    fn begin(&mut self, life: u64, kind: Kind) -> io::Result<Fate> {
        if self.is_down || life != self.life {
            return Err(down());
        }
        if kind == Kind::Read {
            return Ok(Fate::Done);
        }
        self.operations += 1;
        if kind == Kind::Sync {
            self.syncs.insert(self.operations);
        }
        if let Some((operation, moment)) = self.faults.crash_at
            && operation == self.operations
        {
            self.is_down = true;
            return match moment {
                Moment::Before => Err(down()),
                Moment::Amid => Ok(Fate::Crashes),
                Moment::After => Ok(Fate::IsLast),
            };
        }
        if kind == Kind::Change && self.faults.is_read_only {
            return Err(Errno::EROFS.into());
        }
        let ordered = match kind {
            Kind::Sync => &mut self.faults.syncs,
            _ => &mut self.faults.writes,
        };
        if *ordered > 0 {
            *ordered -= 1;
            return Ok(Fate::Fails);
        }
        if self.faults.at.contains(&self.operations) {
            return Ok(Fate::Fails);
        }
        let by_chance = self.faults.per_mille > 0 && self.random.below(1_000) < self.faults.per_mille;
        Ok(if by_chance { Fate::Fails } else { Fate::Done })
    }

    fn add(&mut self, node: Node) -> usize {
        self.nodes.push(node);
        self.nodes.len() - 1
    }

    fn used(&self) -> u64 {
        self.names.nodes().map(|node| self.nodes[node].seen().len() as u64).sum()
    }

    /// How many bytes files may still grow.
    fn room(&self) -> u64 {
        self.faults.capacity.map_or(u64::MAX, |capacity| capacity.saturating_sub(self.used()))
    }
}

fn down() -> io::Error {
    io::Error::other("the simulated machine is down")
}

impl Disk for SimulatedDisk {
    fn make_folder(&self, folder: &Path) -> io::Result<()> {
        let mut state = self.state();
        let missing = folder.ancestors().any(|above| !state.folders.contains(above));
        let life = state.life;
        let fate = if missing { state.begin(life, Kind::Change)? } else { Fate::Done };
        if matches!(fate, Fate::Fails | Fate::Crashes) {
            return Err(Errno::EIO.into());
        }
        state.folders.extend(folder.ancestors().map(Path::to_path_buf));
        fate.heard()
    }

    fn create(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        Ok(Arc::new(self.create_file(path)?))
    }

    fn open(&self, path: &Path, access: Access) -> io::Result<Arc<dyn DiskFile>> {
        Ok(Arc::new(self.open_file(path, access)?))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let node = self.state().names.find(from).ok_or(io::ErrorKind::NotFound)?;
        self.change_names(Change::Rename(from.to_path_buf(), to.to_path_buf(), node))
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.state().names.find(path).ok_or(io::ErrorKind::NotFound)?;
        self.change_names(Change::Unlink(path.to_path_buf()))
    }

    fn list(&self, folder: &Path) -> io::Result<Vec<PathBuf>> {
        let mut state = self.state();
        let life = state.life;
        state.begin(life, Kind::Read)?;
        match state.folders.contains(folder) {
            true => Ok(state.names.in_folder(folder)),
            false => Err(io::ErrorKind::NotFound.into()),
        }
    }

    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        let mut state = self.state();
        let life = state.life;
        let fate = state.begin(life, Kind::Sync)?;
        match fate {
            Fate::Done | Fate::IsLast => state.names.sync(folder),
            Fate::Fails => return Err(Errno::EIO.into()),
            Fate::Crashes => return Err(down()),
        }
        fate.heard()
    }

    fn free_space(&self, _: &Path) -> io::Result<u64> {
        let mut state = self.state();
        let life = state.life;
        state.begin(life, Kind::Read)?;
        Ok(state.room())
    }
}
