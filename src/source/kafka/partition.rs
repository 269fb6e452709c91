//! A partition of a topic that is read: from messages to batches for the engine.

use rdkafka::message::{Headers as _, Message};

use crate::codec::schemas::{Answer, HEADER, SchemaId};
use crate::event::{PartitionId, Timestamp};
use crate::source::framing::{Content, Frame};
use crate::source::positions::Reached;
use crate::source::reader::{Batch, Events, Place, Quarantine, Rejection};
use crate::source::{Identity, Input};

use super::Tombstones;
use super::dead_letters::DeadLetters;
use super::group::Name;
use super::metadata::Wanted;

/// A partition that is read.
pub struct Partition {
    /// Which.
    pub name: Name,
    /// Its number at the engine.
    pub id: PartitionId,
    events: Events,
    batch: Batch,
    /// The offset of the message that comes next.
    pub next: u64,
    /// The offset that the engine was told last.
    pub told: u64,
    /// How far the group has been told that it has come.
    pub committed: u64,
    /// Whether messages are to be kept back at the moment.
    pub is_paused: bool,
    /// Whether all has been heard that was sent to it, so that it can be taken for quiet.
    pub is_heard: bool,
}

/// What messages are made into events with.
pub struct Making<'a> {
    /// The record that is being made, if it is not the value itself.
    pub record: &'a mut Vec<u8>,
    /// What of a message besides its value the stream asks for.
    pub metadata: Option<&'a Wanted>,
    /// Whether values begin with the id of their schema, or a header has it.
    pub has_registry: bool,
    /// What a message without a value is.
    pub tombstones: Tombstones,
    /// The longest value.
    pub longest: usize,
    /// When the message came.
    pub arrival: Timestamp,
    /// Where messages go that are no events.
    pub dead_letters: Option<&'a mut DeadLetters>,
}

/// What has become of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// It was dealt with.
    Yes,
    /// It has no value, and was passed over.
    Tombstone,
}

impl Partition {
    /// A partition that goes on with this offset.
    pub fn new(name: Name, id: PartitionId, identity: &Identity, next: u64) -> Partition {
        Partition {
            name,
            id,
            events: identity.events(id),
            batch: Batch::default(),
            next,
            told: next,
            committed: 0,
            is_paused: false,
            is_heard: true,
        }
    }

    /// Takes a message.
    pub fn take(
        &mut self,
        message: &impl Message,
        making: Making<'_>,
        reports: &mut dyn Quarantine,
    ) -> Taken {
        let Making { record, metadata, has_registry, tombstones, longest, arrival, dead_letters } = making;
        let offset = u64::try_from(message.offset()).unwrap_or(0);
        self.next = offset + 1;
        if let Some(metadata) = metadata {
            metadata.say(message, self.events.beside());
        }
        let content = match (message.payload(), tombstones) {
            (None, Tombstones::Skip) => return Taken::Tombstone,
            (None, Tombstones::Event) => Content::Absent,
            (None, Tombstones::Reject) => Content::Record(b""),
            (Some(value), _) if value.len() > longest => {
                Content::Oversized { length: value.len() as u64, limit: longest }
            }
            (Some(value), _) if has_registry => Content::Record(with_schema_id(message, value, record)),
            (Some(value), _) => Content::Record(value),
        };
        let frame = Frame { offset, number: offset, content };
        let mut setting_aside = SettingAside { reports, message, dead_letters };
        self.events.take(&frame, |why| why, arrival, &mut self.batch, &mut setting_aside);
        Taken::Yes
    }

    /// The schema that has to be given before a record can be read.
    pub fn needs(&self, record: &[u8]) -> Option<SchemaId> {
        self.events.needs(record)
    }

    /// Says what is known of a schema.
    pub fn give(&mut self, id: SchemaId, answer: &Answer) {
        self.events.give(id, answer);
    }

    /// Whether it has events, or has come further, and the engine does not know.
    pub fn has_news(&self) -> bool {
        self.next != self.told || !self.batch.events.is_empty()
    }

    /// The events that have not been sent on.
    pub fn batch(&self) -> &Batch {
        &self.batch
    }

    /// What the engine is to be told, if anything.
    pub fn input(&mut self, identity: &Identity, arrival: Timestamp) -> Option<Input> {
        if !self.has_news() {
            return None;
        }
        self.told = self.next;
        let (stream, partition) = (identity.stream, self.id);
        let reached = self.reached();
        let batch = std::mem::take(&mut self.batch);
        if batch.events.is_empty() {
            return Some(Input::Reached { stream, partition, reached });
        }
        identity.metrics.took(batch.events.len() as u64, arrival);
        Some(Input::Events { source: identity.index, stream, partition, batch, arrival, reached })
    }

    /// How far it has come.
    pub fn reached(&self) -> Reached {
        Reached { offset: self.next, number: self.next, ..Reached::default() }
    }
}

/// The value of a message with the id of its schema before it, where a header has that.
pub fn with_schema_id<'a>(message: &impl Message, value: &'a [u8], record: &'a mut Vec<u8>) -> &'a [u8] {
    let headers = message.headers();
    let found = headers.and_then(|headers| headers.iter().find(|header| header.key == HEADER)?.value);
    let Some(id) = found else { return value };
    record.clear();
    record.extend_from_slice(id);
    record.extend_from_slice(value);
    record
}

/// Sets a message aside as it came, whatever record was made of it.
struct SettingAside<'a, M> {
    reports: &'a mut dyn Quarantine,
    message: &'a M,
    dead_letters: Option<&'a mut DeadLetters>,
}

impl<M: Message> Quarantine for SettingAside<'_, M> {
    fn reject(&mut self, place: Place, why: &Rejection, _record: &[u8]) {
        let value = match why {
            Rejection::Oversized { .. } => &[],
            _ => self.message.payload().unwrap_or_default(),
        };
        self.reports.reject(place, why, value);
        if let Some(dead_letters) = &mut self.dead_letters {
            dead_letters.put(self.message, why);
        }
    }
}
