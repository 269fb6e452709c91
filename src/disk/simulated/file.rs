//! An open file of the simulated disk.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};

use nix::errno::Errno;

use super::{Access, DiskFile, Fate, Kind, SimulatedDisk, State, down};

/// An open file. It has the methods that an embedded store asks of its file.
#[derive(Debug)]
pub struct SimulatedFile {
    disk: SimulatedDisk,
    node: usize,
    life: u64,
    access: Access,
    holds_lock: AtomicBool,
    is_closed: AtomicBool,
}

impl SimulatedFile {
    pub(super) fn new(disk: SimulatedDisk, node: usize, life: u64, access: Access) -> SimulatedFile {
        let (holds_lock, is_closed) = (AtomicBool::new(false), AtomicBool::new(false));
        SimulatedFile { disk, node, life, access, holds_lock, is_closed }
    }

    /// Closes it and gives its lock back. What is asked of it afterwards is an error.
    ///
    /// # Errors
    /// None; stores expect that there could be.
    pub fn close(&self) -> io::Result<()> {
        self.is_closed.store(true, Ordering::Relaxed);
        let mut state = self.disk.state();
        if self.holds_lock.swap(false, Ordering::Relaxed) && state.life == self.life {
            state.nodes[self.node].unlock();
        }
        Ok(())
    }

    fn begin(&self, state: &mut State, kind: Kind) -> io::Result<Fate> {
        if self.is_closed.load(Ordering::Relaxed) {
            return Err(Errno::EBADF.into());
        }
        if kind == Kind::Change && self.access == Access::Read {
            return Err(Errno::EBADF.into());
        }
        state.begin(self.life, kind)
    }
}

impl Drop for SimulatedFile {
    fn drop(&mut self) {
        // It does not fail.
        let _ = self.close();
    }
}

impl DiskFile for SimulatedFile {
    fn len(&self) -> io::Result<u64> {
        let mut state = self.disk.state();
        self.begin(&mut state, Kind::Read)?;
        Ok(state.nodes[self.node].seen().len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let mut state = self.disk.state();
        self.begin(&mut state, Kind::Read)?;
        let start = size(offset)?;
        let content = state.nodes[self.node].seen();
        let wanted = start.checked_add(out.len()).and_then(|end| content.get(start..end));
        out.copy_from_slice(wanted.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }

    fn write(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let mut state = self.disk.state();
        let fate = self.begin(&mut state, Kind::Change)?;
        let start = size(offset)?;
        let len = state.nodes[self.node].seen().len() as u64;
        let end = len.saturating_add(state.room());
        let fitting = bytes.len().min(usize::try_from(end.saturating_sub(offset)).unwrap_or(usize::MAX));
        let State { nodes, random, .. } = &mut *state;
        let node = &mut nodes[self.node];
        match fate {
            Fate::Done | Fate::IsLast if fitting == bytes.len() => {
                node.write(start, bytes);
                fate.heard()
            }
            Fate::Done | Fate::IsLast => {
                node.write(start, &bytes[..fitting]);
                Err(Errno::ENOSPC.into())
            }
            Fate::Fails => {
                node.write(start, &bytes[..random.size(fitting + 1)]);
                Err(Errno::EIO.into())
            }
            Fate::Crashes => {
                node.write(start, &bytes[..fitting]);
                Err(down())
            }
        }
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        let mut state = self.disk.state();
        let fate = self.begin(&mut state, Kind::Change)?;
        let new = size(len)?;
        let old = state.nodes[self.node].seen().len() as u64;
        if len.saturating_sub(old) > state.room() {
            return Err(Errno::ENOSPC.into());
        }
        match fate {
            Fate::Done | Fate::IsLast => state.nodes[self.node].set_len(new),
            Fate::Fails => return Err(Errno::EIO.into()),
            Fate::Crashes => {
                state.nodes[self.node].set_len(new);
                return Err(down());
            }
        }
        fate.heard()
    }

    fn sync_data(&self) -> io::Result<()> {
        let mut state = self.disk.state();
        let fate = self.begin(&mut state, Kind::Sync)?;
        let State { nodes, random, .. } = &mut *state;
        match fate {
            Fate::Done | Fate::IsLast => nodes[self.node].sync(),
            Fate::Fails => {
                nodes[self.node].fail_sync(random);
                return Err(Errno::EIO.into());
            }
            // What of it came to the disk is decided when the power is back.
            Fate::Crashes => return Err(down()),
        }
        fate.heard()
    }

    fn try_lock(&self) -> io::Result<bool> {
        let mut state = self.disk.state();
        self.begin(&mut state, Kind::Read)?;
        let is_ours = self.holds_lock.load(Ordering::Relaxed) || state.nodes[self.node].lock();
        self.holds_lock.store(is_ours, Ordering::Relaxed);
        Ok(is_ours)
    }
}

fn size(offset: u64) -> io::Result<usize> {
    usize::try_from(offset).map_err(|_| Errno::EFBIG.into())
}
