//! Follows the group: partitions that come, begin, and are given up; and tells it how far we have come.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use rdkafka::Offset;
use rdkafka::consumer::{CommitMode, Consumer as _};
use rdkafka::message::Message as _;
use tracing::{error, info, warn};

use crate::event::PartitionId;
use crate::kafka::PATIENCE;
use crate::source::Input;
use crate::source::kafka::group::{self, Change, Name};
use crate::source::kafka::leave::settled;
use crate::source::kafka::partition::Partition;
use crate::source::positions::{Kind, Origin, Reached, topic};
use crate::source::queue::EngineGone;

use super::{AGAIN, COMMIT, GIVING_UP, PAUSE, Reader};

/// Partitions that are to be read and could not be begun yet.
pub struct Beginning {
    names: Vec<Name>,
    /// When that is tried again.
    when: Instant,
}

impl Reader {
    /// Whether nothing has changed in the group, as far as is known.
    pub(super) fn is_undisturbed(&self) -> bool {
        self.giving_up.is_none()
            && self.given_up.is_empty()
            && !self.consumer.context().has_changed()
            && !self.consumer.assignment_lost()
    }

    pub(super) fn follow_group(&mut self) -> Result<(), EngineGone> {
        let given_up = std::mem::take(&mut self.given_up);
        self.forget(&given_up)?;
        // One after the other: the library waits until each has been done.
        if self.giving_up.is_some() {
            return Ok(());
        }
        let consumer = Arc::clone(&self.consumer);
        let Some(change) = consumer.context().next_change() else { return Ok(()) };
        self.metrics.rebalances.add(1);
        let source = &self.inlet.identity.name;
        match change {
            Change::Assigned(names) => {
                info!(%source, partitions = %shown(&names), "partitions are ours from now on");
                self.begin_at(Instant::now(), names);
                Ok(())
            }
            Change::Revoked(names) => {
                self.begin_no_more(&names);
                let source = &self.inlet.identity.name;
                info!(%source, partitions = %shown(&names), "partitions go to another instance when all that was read of them is stored");
                self.giving_up = Some((names.clone(), Instant::now() + GIVING_UP));
                for place in names.iter().filter_map(|name| self.place_of(name)).collect::<Vec<_>>() {
                    self.flush_one(place)?;
                }
                // Where the state goes with them, it is stored when nothing more is read of them.
                if self.moving.is_some() { self.close(&names) } else { Ok(()) }
            }
            Change::Lost(names) => {
                let source = &self.inlet.identity.name;
                error!(%source, partitions = %shown(&names), "partitions are another instance's already: what was read of them here and not stored is read there again");
                self.forget(&names)
            }
        }
    }

    /// Partitions are others', as the library knows.
    fn forget(&mut self, names: &[Name]) -> Result<(), EngineGone> {
        if names.is_empty() {
            return Ok(());
        }
        self.begin_no_more(names);
        self.hold_no_more(names);
        self.close(names)?;
        self.metrics.partitions.set(self.partitions.len() as u64);
        Ok(())
    }

    /// The state of partitions is not stored here any more.
    fn hold_no_more(&self, names: &[Name]) {
        if let Some(moving) = &self.moving {
            names.iter().for_each(|name| moving.give_up(self.number(name)));
        }
    }

    /// These are to be begun as well, and all of them then.
    pub(super) fn begin_at(&mut self, when: Instant, names: Vec<Name>) {
        let beginning = self.beginning.get_or_insert_with(|| Beginning { names: Vec::new(), when });
        beginning.names.extend(names);
        beginning.when = when;
    }

    /// These are not to be begun any more.
    fn begin_no_more(&mut self, names: &[Name]) {
        if let Some(beginning) = &mut self.beginning {
            beginning.names.retain(|name| !names.contains(name));
        }
        for id in names.iter().map(|name| self.number(name)).collect::<Vec<_>>() {
            self.forget_state(id);
        }
    }

    /// Begins the partitions that are ours and have not begun. Those that cannot be begun yet hold up no others.
    pub(super) fn begin_what_waits(&mut self) -> Result<(), EngineGone> {
        let now = Instant::now();
        let Some(Beginning { names, .. }) = self.beginning.take_if(|one| one.when <= now) else {
            return Ok(());
        };
        let (ready, waiting, is_moment) = self.read_states(names);
        let again = now + if is_moment { PAUSE } else { AGAIN };
        match self.places(&ready) {
            Ok(places) => {
                self.open(&places)?;
                self.assign(&places)?;
                if !waiting.is_empty() {
                    self.begin_at(again, waiting);
                }
                if let Some(begun) = self.begun.take() {
                    self.close_what_others_have()?;
                    // Who has stopped waiting does not want to know.
                    let _ = begun.send(());
                }
                self.metrics.partitions.set(self.partitions.len() as u64);
            }
            Err(error) => {
                self.complain(&error, "it cannot be found out where partitions begin; this is tried again");
                self.begin_at(now + AGAIN, ready.into_iter().chain(waiting).collect());
            }
        }
        Ok(())
    }

    /// Has the library read partitions from where they begin, but for those that are gone already.
    pub(super) fn assign(&mut self, places: &[(Name, u64)]) -> Result<(), EngineGone> {
        let offset = |offset: u64| Offset::Offset(i64::try_from(offset).unwrap_or(i64::MAX));
        let assigned = self.consumer.assignment().unwrap_or_default();
        let is_read = |name: &Name| assigned.find_partition(&name.topic, name.partition).is_some();
        let places = places.iter().filter(|(name, _)| !self.is_to_go(name));
        let (again, new): (Vec<_>, Vec<_>) = places.partition(|(name, _)| is_read(name));
        let (mut going, mut failed) = (Vec::new(), Vec::new());
        if !new.is_empty() {
            let list = group::list(new.iter().map(|(name, next)| (name, offset(*next))));
            let assigned = self.consumer.incremental_assign(&list);
            if let Err(error) = &assigned {
                self.complain(error, "partitions cannot be read; this is tried again");
            }
            let into = if assigned.is_ok() { &mut going } else { &mut failed };
            into.extend(new.iter().map(|(name, _)| name.clone()));
        }
        for (name, next) in again {
            match self.consumer.seek(&name.topic, name.partition, offset(*next), PATIENCE) {
                Ok(()) => {
                    self.drop_stashed(name);
                    going.push(name.clone());
                }
                Err(error) => {
                    self.complain(&error, "a partition cannot be gone back to; it is assigned anew");
                    self.unassign_anyhow(std::slice::from_ref(name));
                    failed.push(name.clone());
                }
            }
        }
        // It remembers what was paused when it was ours before.
        self.say(&group::list(going.iter().map(|name| (name, Offset::Invalid))), false);
        self.partitions
            .iter_mut()
            .filter(|one| going.contains(&one.name))
            .for_each(|one| one.is_paused = false);
        if !failed.is_empty() {
            self.close(&failed)?;
            self.begin_at(Instant::now() + AGAIN, failed);
        }
        Ok(())
    }

    /// Whether a partition is others', or will be.
    fn is_to_go(&self, name: &Name) -> bool {
        self.given_up.contains(name) || self.consumer.context().is_to_go(name)
    }

    /// Has the library read partitions no more that are ours. If the group wants others back just now, it takes this for
    /// the answer: what others have by then must not be stored here.
    pub(super) fn unassign_anyhow(&mut self, names: &[Name]) {
        if let Some(moving) = &self.moving {
            moving.lose_all();
        }
        if let Err(error) = group::unassign(&self.consumer, names) {
            self.complain(&error, "partitions cannot be assigned anew");
        }
    }

    pub(super) fn number(&self, name: &Name) -> PartitionId {
        let partition = u32::try_from(name.partition).expect("Kafka counts partitions from 0");
        topic::number(&self.inlet.identity.name, &name.topic, partition)
    }

    /// Tells the engine of partitions that begin or go on.
    fn open(&mut self, places: &[(Name, u64)]) -> Result<(), EngineGone> {
        let inlet = self.inlet.clone();
        let stream = inlet.identity.stream;
        for (name, offset) in places {
            if self.is_to_go(name) {
                continue;
            }
            let id = self.number(name);
            if let Some(same) = self.partitions.iter().find(|one| one.id == id) {
                let (source, one, other) = (&inlet.identity.name, &name.topic, &same.name.topic);
                error!(%source, "the topics `{one}` and `{other}` cannot be read by one source: their partitions have the same numbers here; give one of them a source of its own");
                continue;
            }
            let (topic, partition) = (name.topic.as_str().into(), name.partition.unsigned_abs());
            let kind = Kind::Kafka { topic, partition };
            let origin = Arc::new(Origin { source: Arc::clone(&inlet.identity.name), kind });
            let reached = Reached { offset: *offset, number: *offset, ..Reached::default() };
            if self.moving.is_some() {
                self.bring(id, name)?;
                self.send(Input::Opened { stream, partition: id, origin })?;
            } else if self.own(id).is_some_and(|own| own.is_open) {
                self.send(Input::Connected { stream, partition: id })?;
            } else if let Some(opening) = self.wait(inlet.open_partition(id, &origin, &reached))? {
                // It ends when the engine knows.
                let _ = self.wait(opening);
            }
            self.send(Input::Reached { stream, partition: id, reached })?;
            let (source, topic, partition) = (&inlet.identity.name, &name.topic, name.partition);
            info!(%source, %topic, partition, offset, "reading begins");
            self.partitions.push(Partition::new(name.clone(), id, &inlet.identity, *offset));
        }
        Ok(())
    }

    /// Closes partitions that were ours before the start and are others' now.
    fn close_what_others_have(&mut self) -> Result<(), EngineGone> {
        let stream = self.inlet.identity.stream;
        let resume = self.inlet.around.resume.clone();
        let known = resume.topics(&self.inlet.identity.name, &self.inlet.identity.schema.name);
        for stored in known.into_iter().filter(|stored| stored.position.is_open) {
            if !self.partitions.iter().any(|one| one.id == stored.partition) {
                let (source, what) = (&self.inlet.identity.name, &stored.position.origin.kind);
                info!(%source, partition = %what, "the partition was ours and is another instance's now, or its topic is not read any more");
                self.send(Input::Closed { stream, partition: stored.partition, journal: 0 })?;
            }
        }
        Ok(())
    }

    /// Gives up the partitions that are to be given up, when all that was read of them is settled.
    pub(super) fn give_up_what_is_settled(&mut self) -> Result<(), EngineGone> {
        if self.moving.is_some() {
            self.give_up_what_is_stored();
            return Ok(());
        }
        let Some((names, until)) = &self.giving_up else { return Ok(()) };
        let positions = Arc::clone(&self.inlet.around.settled.borrow());
        let stream = self.inlet.identity.schema.name.as_str();
        let open = names.iter().filter_map(|name| self.place_of(name)).map(|place| &self.partitions[place]);
        let is_settled = open.clone().all(|one| settled(&positions, stream, one.id) == Some(one.next));
        if !is_settled && *until > Instant::now() {
            return Ok(());
        }
        let source = &self.inlet.identity.name;
        if !is_settled {
            error!(%source, partitions = %shown(names), "what was read of partitions is not stored in time: they are given up all the same, and the instance that gets them reads it again");
        }
        let offsets = open.filter_map(|one| {
            let offset = i64::try_from(settled(&positions, stream, one.id)?).ok()?;
            Some((&one.name, Offset::Offset(offset)))
        });
        let offsets = group::list(offsets);
        if offsets.count() > 0
            && let Err(error) = self.consumer.commit(&offsets, CommitMode::Sync)
        {
            warn!(%source, %error, "the group was not told how far partitions have come; who gets them reads a part again");
        }
        let names = names.clone();
        self.giving_up = None;
        self.close(&names)?;
        self.unassign(&names);
        Ok(())
    }

    /// Nothing more is read of partitions.
    pub(super) fn close(&mut self, names: &[Name]) -> Result<(), EngineGone> {
        let stream = self.inlet.identity.stream;
        for name in names {
            if let Some(place) = self.place_of(name) {
                let gone = self.partitions.swap_remove(place);
                // If it comes back, it begins before these, which are read again then.
                self.drop_stashed(name);
                self.send(Input::Closed { stream, partition: gone.id, journal: 0 })?;
            }
        }
        Ok(())
    }

    /// Drops what came of a partition while something was waited for.
    pub(super) fn drop_stashed(&mut self, name: &Name) {
        self.stash.retain(|kept| {
            !matches!(kept, Ok(message) if message.topic() == name.topic && message.partition() == name.partition)
        });
    }

    /// While the engine takes nothing, it is not seen that partitions are to be given up. Others may be able to go on with
    /// them.
    pub(super) fn give_up_what_is_overdue(&mut self) {
        let names = match &self.giving_up {
            Some((_, until)) if *until > Instant::now() => return,
            Some(_) => self.giving_up.take().map(|(names, _)| names),
            None => self.consumer.context().take_overdue(GIVING_UP),
        };
        let Some(names) = names else { return };
        let source = &self.inlet.identity.name;
        error!(%source, partitions = %shown(&names), "nothing is taken or stored here for so long that partitions are given up: the instance that gets them reads a part again");
        self.unassign(&names);
        self.given_up.extend(names);
    }

    /// Tells the group that partitions are given up.
    pub(super) fn unassign(&mut self, names: &[Name]) {
        self.hold_no_more(names);
        if let Err(error) = group::unassign(&self.consumer, names) {
            warn!(source = %self.inlet.identity.name, %error, "partitions cannot be given up");
        }
        self.metrics.partitions.set(self.partitions.len() as u64);
    }

    /// Tells the group how far partitions have come, for those who watch the lag.
    pub(super) fn tell_the_group(&mut self) {
        // With state that moves it is told together with that.
        if self.committed.elapsed() < COMMIT || self.moving.is_some() {
            return;
        }
        self.committed = Instant::now();
        let positions = Arc::clone(&self.inlet.around.settled.borrow());
        let stream = self.inlet.identity.schema.name.as_str();
        let mut new: BTreeMap<Name, u64> = BTreeMap::new();
        for one in &mut self.partitions {
            if let Some(offset) =
                settled(&positions, stream, one.id).filter(|offset| *offset != one.committed)
            {
                one.committed = offset;
                new.insert(one.name.clone(), offset);
            }
        }
        let offset = |offset: &u64| Offset::Offset(i64::try_from(*offset).unwrap_or(i64::MAX));
        let list = group::list(new.iter().map(|(name, next)| (name, offset(next))));
        if list.count() > 0
            && let Err(error) = self.consumer.commit(&list, CommitMode::Async)
        {
            self.complain(&error, "the group cannot be told how far the source has come");
        }
    }
}

/// Partitions, as people read them.
fn shown(names: &[Name]) -> String {
    names.iter().map(|Name { topic, partition }| format!("{topic}/{partition}")).collect::<Vec<_>>().join(" ")
}
