//! Partitions that come with their state, and go with it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use rdkafka::consumer::Consumer as _;
use tokio::task::JoinError;
use tracing::{error, info};

use crate::event::PartitionId;
use crate::moving::{EnsureError, Holding, Membership, ReadError, State, ensure};
use crate::source::Input;
use crate::source::kafka::Moving;
use crate::source::kafka::group::Name;
use crate::source::kafka::partition::Partition;
use crate::source::kafka::start::Own;
use crate::source::queue::EngineGone;

use super::{AGAIN, GIVING_UP, LOGGED, Reader};

/// How state moves with the partitions.
pub struct MovingState {
    moving: Moving,
    /// The states of partitions that are to begin, each with as which member of the group it was asked for.
    read: BTreeMap<PartitionId, (State, Arc<str>)>,
    /// Whether the state topic is there, and is as it should be.
    is_there: bool,
}

impl MovingState {
    pub fn new(moving: Moving) -> MovingState {
        MovingState { moving, read: BTreeMap::new(), is_there: false }
    }

    /// A partition is not held here any more.
    pub fn give_up(&self, id: PartitionId) {
        self.moving.holdings.give_up(id);
    }

    /// None is.
    pub fn lose_all(&self) {
        self.moving.holdings.lose_all();
    }
}

impl Reader {
    /// Reads the states of partitions that are to begin. Returns those of which it is there, and those for which it is to
    /// be tried again.
    pub(super) fn read_states(&mut self, names: Vec<Name>) -> (Vec<Name>, Vec<Name>) {
        let (mut ready, mut waiting) = (Vec::new(), Vec::new());
        let Some(MovingState { moving, .. }) = self.moving.as_ref().filter(|_| !names.is_empty()) else {
            return (names, waiting);
        };
        // Before it is read: if this instance is removed meanwhile, others may go on with it.
        let Some(Membership { member, .. }) = moving.holdings.membership() else { return (ready, names) };
        for name in names {
            let is_read = match self.read_state(&name, &member) {
                Ok(()) => true,
                Err(error) => {
                    self.complain_of_state(&name, &error);
                    false
                }
            };
            if is_read { ready.push(name) } else { waiting.push(name) }
        }
        (ready, waiting)
    }

    fn read_state(&mut self, name: &Name, member: &Arc<str>) -> Result<(), Unread> {
        let id = self.number(name);
        let Some(MovingState { moving, read, is_there }) = &self.moving else { return Ok(()) };
        if read.get(&id).is_some_and(|(_, of)| of == member) {
            return Ok(());
        }
        let reading = moving.reading.clone();
        if !is_there {
            let source = Arc::clone(&self.inlet.identity.name);
            self.wait(ensure(reading.settings(), &source, &name.topic))?;
        }
        let is_unwanted = Arc::<AtomicBool>::default();
        let (events, number, is_over) = (name.topic.clone(), name.partition, Arc::clone(&is_unwanted));
        let reading = self.runtime.spawn_blocking(move || reading.read(&events, number, &is_over));
        let mut stop = self.inlet.around.stop.clone();
        let state = self.wait(async {
            tokio::select! {
                biased;
                state = reading => Some(state),
                () = stop.wanted() => None,
            }
        });
        is_unwanted.store(true, Ordering::Relaxed);
        let Some(MovingState { read, is_there, .. }) = &mut self.moving else { return Ok(()) };
        // Where one cannot be read, the topic may not be what it was.
        *is_there = matches!(state, Some(Ok(Ok(_))));
        let state = state.ok_or(Unread::Stopping)???;
        read.insert(id, (state, Arc::clone(member)));
        Ok(())
    }

    /// A partition that was to begin is not to any more.
    pub(super) fn forget_state(&mut self, id: PartitionId) {
        if let Some(moving) = &mut self.moving {
            moving.read.remove(&id);
        }
    }

    /// How far a partition had come by the state that came with it.
    pub(super) fn own_of_state(&self, id: PartitionId) -> Option<Own> {
        let next = self.moving.as_ref()?.read.get(&id)?.0.next?;
        Some(Own { next, is_open: true })
    }

    /// Gives the engine the state of a partition, which is held here from now on.
    pub(super) fn bring(&mut self, id: PartitionId, name: &Name) -> Result<(), EngineGone> {
        let Some(MovingState { moving, read, .. }) = &mut self.moving else { return Ok(()) };
        let (state, member) = read.remove(&id).expect("what begins has been read");
        let holding: Holding = moving.holdings.take(id, &name.topic, name.partition, &member);
        let stream = self.inlet.identity.stream;
        self.send(Input::Brought { stream, holding: Box::new(holding), state: Box::new(state) })
    }

    /// It can turn out, when something is to be stored, that this instance was removed from its group and is another member
    /// now. Partitions that it has got again without a word begin anew: others may have gone on with them.
    pub(super) fn begin_anew_what_was_lost(&mut self) -> Result<(), EngineGone> {
        let Some(MovingState { moving, .. }) = &self.moving else { return Ok(()) };
        // What the library knows itself comes first.
        if self.giving_up.is_some()
            || self.consumer.assignment_lost()
            || self.consumer.context().has_changed()
        {
            return Ok(());
        }
        let is_lost = |one: &&Partition| !moving.holdings.has(one.id);
        let lost: Vec<Name> = self.partitions.iter().filter(is_lost).map(|one| one.name.clone()).collect();
        if !lost.is_empty() {
            self.close(&lost)?;
            self.begin_at(Instant::now() + AGAIN, lost);
        }
        Ok(())
    }

    /// Partitions are to be given up: nothing more is read of them, and when the last of their state is stored they go.
    pub(super) fn stand_still(&mut self, names: Vec<Name>) -> Result<(), EngineGone> {
        self.close(&names)?;
        self.giving_up = Some((names, Instant::now() + GIVING_UP));
        Ok(())
    }

    /// Gives up the partitions whose last state is stored.
    pub(super) fn give_up_what_is_stored(&mut self) {
        let Some((names, until)) = self.giving_up.take() else { return };
        let positions = Arc::clone(&self.inlet.around.settled.borrow());
        let of_stream = positions.streams.get(self.inlet.identity.schema.name.as_str());
        let is_open = |name: &&Name| {
            let position = of_stream.and_then(|stream| stream.partitions.get(&self.number(name)));
            position.is_some_and(|position| position.is_open)
        };
        if names.iter().any(|name| is_open(&name)) {
            if until > Instant::now() {
                self.giving_up = Some((names, until));
                return;
            }
            let source = &self.inlet.identity.name;
            error!(%source, "what was read of partitions is not stored in time: they are given up all the same, and the instance that gets them reads it again");
        }
        self.unassign(&names);
    }

    fn complain_of_state(&mut self, name: &Name, error: &Unread) {
        if self.logged.is_some_and(|logged| logged.elapsed() < LOGGED) {
            return;
        }
        self.logged = Some(Instant::now());
        let (source, Name { topic, partition }) = (&self.inlet.identity.name, name);
        match error {
            Unread::Stopping | Unread::Read(ReadError::Unwanted) => {}
            Unread::Read(ReadError::Open) => {
                info!(%source, %topic, partition, %error, "a partition that is ours is not read yet; this is tried again");
            }
            _ => {
                error!(%source, %topic, partition, %error, "a partition that is ours is not read yet; this is tried again");
            }
        }
    }
}

/// The state of a partition was not read.
#[derive(Debug, thiserror::Error)]
enum Unread {
    /// There is no topic for it, or not the right one.
    #[error(transparent)]
    Topic(#[from] EnsureError),
    /// It cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// Who reads it has failed.
    #[error(transparent)]
    Failed(#[from] JoinError),
    /// The service stops.
    #[error("the service stops")]
    Stopping,
}
