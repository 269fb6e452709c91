//! The whole pure pipeline in one object: events in, alerts out, time as an argument.

use std::sync::Arc;

use crate::alert::Alert;
use crate::event::{Event, PartitionId, StreamId, Timestamp};
use crate::program::Program;

/// Runs a program over events.
#[derive(Debug)]
pub struct Engine {
    program: Arc<Program>,
}

/// Why an event was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// Its time is before the watermark of its partition by this much.
    Late(crate::event::Duration),
    /// Its time lies further ahead of the clock than allowed, by this much.
    Future(crate::event::Duration),
}

/// Bounds of an engine.
#[derive(Clone, Copy, Debug)]
pub struct EngineOptions {
    /// How far ahead of `now` an event's time may lie; `None` for recorded data.
    pub max_ahead: Option<crate::event::Duration>,
}

/// What an engine has counted since it was made.
#[derive(Clone, Debug, Default)]
pub struct Counters {
    /// Events taken.
    pub events: u64,
    /// Events that came too late to be put in order.
    pub late: u64,
    /// Events whose time was too far ahead.
    pub future: u64,
    /// Events that a rule could not put into a group because a part of the key is null.
    pub keyless: u64,
    /// For each rule, in the order of the program: alerts made.
    pub alerts: Vec<u64>,
}

impl Engine {
    /// An engine that has seen nothing.
    pub fn new(program: Arc<Program>, _options: EngineOptions) -> Engine {
        Engine { program }
    }

    /// The program it runs.
    pub fn program(&self) -> &Arc<Program> {
        &self.program
    }

    /// A partition of `stream` begins to send: from now on it holds event time back.
    pub fn open(&mut self, _stream: StreamId, _partition: PartitionId, _now: Timestamp) {}

    /// A partition has ended: it no longer holds event time back.
    pub fn close(&mut self, _stream: StreamId, _partition: PartitionId) {}

    /// Takes an event of an open partition. `now` is the wall clock.
    ///
    /// # Errors
    /// When the event cannot be taken; it has been counted.
    pub fn push(&mut self, _event: Event, _now: Timestamp) -> Result<(), Refused> {
        Ok(())
    }

    /// Lets the wall clock move on: quiet partitions with `idle` let go of event time.
    pub fn tick(&mut self, _now: Timestamp) {}

    /// Ends all partitions and lets event time run to infinity.
    pub fn finish(&mut self) {}

    /// The event time that has passed on all partitions.
    pub fn watermark(&self) -> Timestamp {
        Timestamp::MIN
    }

    /// The partition whose watermark holds event time back most, if any is open: the one that a
    /// reader of several files should read next.
    pub fn behind(&self) -> Option<(StreamId, PartitionId)> {
        None
    }

    /// The alerts decided since the last call, in the order decided.
    pub fn take_alerts(&mut self) -> Vec<Alert> {
        Vec::new()
    }

    /// What has been counted.
    pub fn counters(&self) -> &Counters {
        unimplemented!()
    }
}
