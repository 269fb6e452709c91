//! The partitions that are open.
//!
//! Each has a place of its own in a list, so that who looks at one often finds it without searching.
//! Events come many at a time from one partition: the one that was asked for last is looked at first.

use hashbrown::HashMap;

use crate::event::{PartitionId, Seeded, StreamId, Timestamp};

/// How a partition is known.
pub(super) type Id = (StreamId, PartitionId);

/// Where a partition stands in the list; given again once it is closed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place(u32);

#[derive(Clone, Copy, Debug)]
pub(super) struct Partition {
    pub id: Id,
    /// No event before this can be taken any more.
    pub watermark: Timestamp,
    /// When it last sent something, or was opened, by the wall clock.
    pub active_at: Timestamp,
    /// Whether it has been quiet for longer than its stream's `idle`.
    pub idle: bool,
}

/// All open partitions.
#[derive(Debug, Default)]
pub(super) struct Partitions {
    list: Vec<Option<Partition>>,
    places: HashMap<Id, Place, Seeded>,
    /// The places of which none has a partition.
    free: Vec<Place>,
    /// The place of the partition that was found last.
    last: Place,
}

impl Partitions {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// All of them, in no order.
    pub fn iter(&self) -> impl Iterator<Item = (Place, &Partition)> {
        let all = (0..).map(Place).zip(&self.list);
        all.filter_map(|(place, partition)| Some((place, partition.as_ref()?)))
    }

    /// All of them, in no order.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut Partition> {
        self.list.iter_mut().flatten()
    }

    /// The place of a partition that is open.
    pub fn find(&mut self, id: Id) -> Option<Place> {
        if self.at(self.last, id).is_none() {
            self.last = *self.places.get(&id)?;
        }
        Some(self.last)
    }

    /// The partition at a place, if it is that one.
    pub fn at(&self, Place(place): Place, id: Id) -> Option<&Partition> {
        self.list.get(place as usize)?.as_ref().filter(|partition| partition.id == id)
    }

    /// The partition at a place that was found and not closed since.
    pub fn get_mut(&mut self, Place(place): Place) -> &mut Partition {
        self.list[place as usize].as_mut().expect("the partition is open")
    }

    /// Adds a partition that is not open yet.
    pub fn add(&mut self, partition: Partition) -> Place {
        let place = self.free.pop().unwrap_or_else(|| {
            self.list.push(None);
            Place((self.list.len() - 1) as u32)
        });
        self.places.insert(partition.id, place);
        self.list[place.0 as usize] = Some(partition);
        place
    }

    /// Takes a partition out, if it is open.
    pub fn remove(&mut self, id: Id) -> Option<Partition> {
        let place = self.places.remove(&id)?;
        self.free.push(place);
        self.list[place.0 as usize].take()
    }

    /// Takes all out.
    pub fn clear(&mut self) {
        *self = Partitions::default();
    }
}
