//! Partitions that come with their state, and go with it.

use std::sync::Arc;
use std::time::Instant;

use rdkafka::Offset;
use tokio::runtime::Handle;
use tracing::{error, info};

use crate::event::PartitionId;
use crate::moving::{Holding, Holdings, ReadError};
use crate::source::Input;
use crate::source::kafka::Moving;
use crate::source::kafka::group::{self, Name};
use crate::source::kafka::partition::Partition;
use crate::source::kafka::start::Own;
use crate::source::queue::EngineGone;

use super::states::{Progress, States, Unread};
use super::{AGAIN, Reader};

/// How state moves with the partitions.
pub struct MovingState {
    holdings: Arc<Holdings>,
    states: States,
}

impl MovingState {
    pub fn new(Moving { holdings, reading }: Moving, source: &Arc<str>, runtime: &Handle) -> MovingState {
        MovingState { holdings, states: States::new(reading, Arc::clone(source), runtime.clone()) }
    }

    /// A partition is not held here any more.
    pub fn give_up(&self, id: PartitionId) {
        self.holdings.give_up(id);
    }

    /// None is.
    pub fn lose_all(&self) {
        self.holdings.lose_all();
    }
}

impl Reader {
    /// Reads the states of partitions that are to begin. Returns those of which it is there, the others, and whether that
    /// is for a moment only.
    pub(super) fn read_states(&mut self, names: Vec<Name>) -> (Vec<Name>, Vec<Name>, bool) {
        let (mut ready, mut waiting, mut is_moment) = (Vec::new(), Vec::new(), true);
        let numbered: Vec<_> = names.into_iter().map(|name| (self.number(&name), name)).collect();
        let Some(MovingState { holdings, states }) = &mut self.moving else {
            return (numbered.into_iter().map(|(_, name)| name).collect(), waiting, is_moment);
        };
        // Before it is read: if this instance is removed meanwhile, others may go on with it.
        let member = holdings.membership().map(|membership| membership.member);
        for (id, name) in numbered {
            let progress =
                member.as_ref().map_or(Progress::Failed(None), |member| states.want(id, &name, member));
            if let Progress::Failed(Some(error)) = &progress {
                complain(&self.inlet.identity.name, &name, error);
            }
            is_moment &= !matches!(progress, Progress::Failed(_));
            if matches!(progress, Progress::Read) { ready.push(name) } else { waiting.push(name) }
        }
        (ready, waiting, is_moment)
    }

    /// A partition that was to begin is not to any more.
    pub(super) fn forget_state(&mut self, id: PartitionId) {
        if let Some(moving) = &mut self.moving {
            moving.states.forget(id);
        }
    }

    /// How far a partition had come by the state that came with it.
    pub(super) fn own_of_state(&self, id: PartitionId) -> Option<Own> {
        let next = self.moving.as_ref()?.states.next(id)?;
        Some(Own { next, is_open: true })
    }

    /// Gives the engine the state of a partition, which is held here from now on.
    pub(super) fn bring(&mut self, id: PartitionId, name: &Name) -> Result<(), EngineGone> {
        let Some(MovingState { holdings, states }) = &mut self.moving else { return Ok(()) };
        let (state, member) = states.take_read(id).expect("what begins has been read");
        let holding: Holding = holdings.take(id, &name.topic, name.partition, &member);
        let stream = self.inlet.identity.stream;
        self.send(Input::Brought { stream, holding: Box::new(holding), state: Box::new(state) })
    }

    /// It can turn out, when something is to be stored, that this instance was removed from its group and is another member
    /// now. Partitions that it has got again without a word begin anew: others may have gone on with them.
    pub(super) fn begin_anew_what_was_lost(&mut self) -> Result<(), EngineGone> {
        let Some(MovingState { holdings, .. }) = &self.moving else { return Ok(()) };
        let is_lost = |one: &&Partition| !holdings.has(one.id);
        let lost: Vec<Name> = self.partitions.iter().filter(is_lost).map(|one| one.name.clone()).collect();
        // What the library knows itself comes first.
        if lost.is_empty() || !self.is_undisturbed() {
            return Ok(());
        }
        // Until they are gone back to.
        self.say(&group::list(lost.iter().map(|name| (name, Offset::Invalid))), true);
        self.close(&lost)?;
        self.begin_at(Instant::now() + AGAIN, lost);
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
}

fn complain(source: &str, Name { topic, partition }: &Name, error: &Unread) {
    match error {
        Unread::Read(ReadError::Open) => {
            info!(%source, %topic, partition, %error, "a partition that is ours is not read yet; this is tried again");
        }
        _ => {
            error!(%source, %topic, partition, %error, "a partition that is ours is not read yet; this is tried again");
        }
    }
}
