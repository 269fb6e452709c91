//! The states of partitions that are to begin, which are read while everything else goes on.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use tokio::runtime::Handle;
use tokio::task::{JoinError, JoinHandle};

use crate::event::PartitionId;
use crate::moving::{EnsureError, ReadError, Reading, State, ensure};
use crate::source::kafka::group::Name;

use super::LOGGED;

/// So many states are read at a time.
const MOST: usize = 8;

/// What is read, and what has been.
pub struct States {
    reading: Reading,
    source: Arc<str>,
    runtime: Handle,
    tasks: BTreeMap<PartitionId, Task>,
    /// What was read, each with as which member of the group it was asked for.
    read: BTreeMap<PartitionId, (State, Arc<str>)>,
    /// Whether the state topic is there, and is as it should be.
    is_there: bool,
    /// When was said last that one cannot be read.
    said: BTreeMap<PartitionId, Instant>,
}

/// Reads a state, as long as somebody wants it.
struct Task {
    result: JoinHandle<Result<State, Unread>>,
    member: Arc<str>,
    is_unwanted: Arc<AtomicBool>,
}

impl Drop for Task {
    fn drop(&mut self) {
        self.is_unwanted.store(true, Ordering::Relaxed);
    }
}

/// The state of a partition was not read.
#[derive(Debug, thiserror::Error)]
pub enum Unread {
    /// There is no topic for it, or not the right one.
    #[error(transparent)]
    Topic(#[from] EnsureError),
    /// It cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// Who reads it has failed.
    #[error(transparent)]
    Failed(#[from] JoinError),
}

/// How far reading a state is.
pub enum Progress {
    /// It is there.
    Read,
    /// It comes.
    Reading,
    /// It is to be tried again. With why, unless that was just said.
    Failed(Option<Unread>),
}

impl States {
    /// Those that `reading` reads, for a source of this name.
    pub fn new(reading: Reading, source: Arc<str>, runtime: Handle) -> States {
        States {
            reading,
            source,
            runtime,
            tasks: BTreeMap::new(),
            read: BTreeMap::new(),
            is_there: false,
            said: BTreeMap::new(),
        }
    }

    /// Wants the state of a partition, as this member of the group.
    pub fn want(&mut self, id: PartitionId, name: &Name, member: &Arc<str>) -> Progress {
        if self.read.get(&id).is_some_and(|(_, of)| of == member) {
            return Progress::Read;
        }
        // If this instance was another member when it was begun, others may have written since.
        let task = self.tasks.remove(&id).filter(|task| task.member == *member);
        match task {
            Some(task) if task.result.is_finished() => self.take(id, task),
            Some(task) => {
                self.tasks.insert(id, task);
                Progress::Reading
            }
            None => {
                if self.tasks.len() < MOST {
                    let task = self.begin(name, member);
                    self.tasks.insert(id, task);
                }
                Progress::Reading
            }
        }
    }

    fn begin(&self, name: &Name, member: &Arc<str>) -> Task {
        let (reading, is_unwanted) = (self.reading.clone(), Arc::<AtomicBool>::default());
        let (is_there, is_over) = (self.is_there, Arc::clone(&is_unwanted));
        let (source, runtime, name) = (Arc::clone(&self.source), self.runtime.clone(), name.clone());
        let result = self.runtime.spawn_blocking(move || {
            if !is_there {
                runtime.block_on(ensure(reading.settings(), &source, &name.topic))?;
            }
            Ok(reading.read(&name.topic, name.partition, &is_over)?)
        });
        Task { result, member: Arc::clone(member), is_unwanted }
    }

    fn take(&mut self, id: PartitionId, mut task: Task) -> Progress {
        let result = self.runtime.block_on(&mut task.result).map_err(Unread::from).flatten();
        match result {
            Ok(state) => {
                self.is_there = true;
                self.said.remove(&id);
                self.read.insert(id, (state, Arc::clone(&task.member)));
                Progress::Read
            }
            Err(error) => {
                // The topic may not be what it was.
                self.is_there &= matches!(error, Unread::Read(ReadError::Open));
                let is_said = self.said.get(&id).is_some_and(|said| said.elapsed() < LOGGED);
                if !is_said {
                    self.said.insert(id, Instant::now());
                }
                Progress::Failed((!is_said).then_some(error))
            }
        }
    }

    /// How far a partition had come by its state.
    pub fn next(&self, id: PartitionId) -> Option<u64> {
        self.read.get(&id)?.0.next
    }

    /// Takes the state of a partition that begins, with as which member it was asked for.
    pub fn take_read(&mut self, id: PartitionId) -> Option<(State, Arc<str>)> {
        self.read.remove(&id)
    }

    /// A partition is not to begin any more.
    pub fn forget(&mut self, id: PartitionId) {
        self.tasks.remove(&id);
        self.read.remove(&id);
        self.said.remove(&id);
    }
}
