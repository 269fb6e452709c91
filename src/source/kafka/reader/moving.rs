//! Partitions that come with their state, and go with it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use tokio::task::spawn_blocking;
use tracing::error;

use crate::event::PartitionId;
use crate::moving::{Holding, State, ensure};
use crate::source::Input;
use crate::source::kafka::Moving;
use crate::source::kafka::group::Name;
use crate::source::kafka::start::Own;
use crate::source::queue::EngineGone;

use super::{GIVING_UP, LOGGED, Reader};

/// How state moves with the partitions.
pub struct MovingState {
    moving: Moving,
    /// The states of partitions that are to begin.
    read: BTreeMap<PartitionId, State>,
    /// Whether the state topic is there.
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
}

impl Reader {
    /// Reads the states of partitions that are to begin. Returns whether all are there; otherwise it is to be tried
    /// again.
    pub(super) fn read_states(&mut self, names: &[Name]) -> bool {
        let Some(MovingState { moving, is_there, .. }) = &self.moving else { return true };
        let (Moving { reading, .. }, is_there) = (moving.clone(), *is_there);
        let source = Arc::clone(&self.inlet.identity.name);
        if let Some(first) = names.first().filter(|_| !is_there) {
            let made = self.wait(ensure(reading.settings(), &source, &first.topic));
            if let Err(error) = made {
                self.complain_of_state(&error);
                return false;
            }
        }
        for name in names {
            let (reading, number, id) = (reading.clone(), name.partition, self.number(name));
            let state = self.wait(async move { spawn_blocking(move || reading.read(number)).await });
            let Some(moving) = &mut self.moving else { return true };
            moving.is_there = true;
            match state {
                Ok(Ok(state)) => drop(moving.read.insert(id, state)),
                Ok(Err(error)) => {
                    self.complain_of_state(&error);
                    return false;
                }
                Err(error) => {
                    self.complain_of_state(&error);
                    return false;
                }
            }
        }
        true
    }

    /// How far a partition had come by the state that came with it.
    pub(super) fn own_of_state(&self, id: PartitionId) -> Option<Own> {
        let next = self.moving.as_ref()?.read.get(&id)?.next?;
        Some(Own { next, is_open: true })
    }

    /// Gives the engine the state of a partition, which is held here from now on.
    pub(super) fn bring(&mut self, id: PartitionId, name: &Name) -> Result<(), EngineGone> {
        let Some(MovingState { moving, read, .. }) = &mut self.moving else { return Ok(()) };
        let state = Box::new(read.remove(&id).unwrap_or_default());
        let holding: Holding = moving.holdings.take(id, &name.topic, name.partition);
        let stream = self.inlet.identity.stream;
        self.send(Input::Brought { stream, holding: Box::new(holding), state })
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

    fn complain_of_state(&mut self, error: &dyn std::fmt::Display) {
        if self.logged.is_none_or(|logged| logged.elapsed() >= LOGGED) {
            self.logged = Some(Instant::now());
            let source = &self.inlet.identity.name;
            error!(%source, %error, "partitions that are ours are not read yet; this is tried again");
        }
    }
}
