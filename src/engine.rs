//! The whole pure pipeline in one object: events in, alerts out, time as an argument.

use std::sync::Arc;

use crate::alert::Alert;
use crate::event::{Duration, Event, PartitionId, StreamId, Timestamp};
use crate::ordering::Ordering;
use crate::program::Program;
use crate::shard::{Shard, Watcher};
use crate::table::Tables;

pub use crate::matcher::view::{RunView, Wait, WaitKind};
pub use crate::ordering::{OrderingState, PartitionState};
pub use crate::shard::{Counters, EngineState, MemoryStore, ShardCounters, ShardState, StateStore};

/// Runs a program over events: puts them in order and matches them.
///
/// An engine does no input or output, reads no clock and starts no thread. Feed it with
/// [`Engine::push`] and collect with [`Engine::take_alerts`].
#[derive(Debug)]
pub struct Engine {
    program: Arc<Program>,
    options: EngineOptions,
    ordering: Ordering,
    shard: Shard,
    alerts: Vec<Alert>,
    counters: Counters,
}

/// Why an event was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// Its time is before the watermark of its partition by this much.
    Late(Duration),
    /// Its time lies further ahead of the clock than allowed, by this much.
    Future(Duration),
}

/// A state cannot be gone on from: it is that of a program with other streams or rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the state belongs to other rules or streams")]
pub struct OtherProgram;

/// What an engine may do.
#[derive(Clone, Copy, Debug)]
pub struct EngineOptions {
    /// How far ahead of `now` an event's time may lie; `None` for recorded data.
    pub max_ahead: Option<Duration>,
    /// Whether the alerts of rules in shadow are given out as if the rules were live.
    pub send_shadow: bool,
}

impl EngineOptions {
    /// For recorded data: times may be anything.
    pub const RECORDED: EngineOptions = EngineOptions { max_ahead: None, send_shadow: false };
    /// For live data: an event more than a day ahead of the clock is refused.
    pub const LIVE: EngineOptions = EngineOptions { max_ahead: Some(Duration::DAY), send_shadow: false };
    /// For tests of rules: times may be anything, and rules in shadow show what they would send.
    pub const TEST: EngineOptions = EngineOptions { max_ahead: None, send_shadow: true };
}

impl Engine {
    /// An engine that has seen nothing.
    pub fn new(program: Arc<Program>, options: EngineOptions) -> Engine {
        let mut shard = Shard::new(Arc::clone(&program));
        shard.send_shadow(options.send_shadow);
        Engine {
            ordering: Ordering::new(program.streams()),
            shard,
            alerts: Vec::new(),
            counters: Counters::default(),
            options,
            program,
        }
    }

    /// All that another engine needs to go on where this one is.
    pub fn snapshot(&self) -> EngineState {
        let rules = self.program.rules().iter();
        EngineState {
            streams: self.program.streams().to_vec(),
            rules: rules.map(|rule| (Arc::clone(&rule.name), Arc::clone(&rule.fingerprint))).collect(),
            ordering: self.ordering.state(),
            shard: self.shard.state(),
            alerts: self.alerts.clone(),
            counters: self.counters,
        }
    }

    /// An engine that goes on where the one was that had this state.
    ///
    /// # Errors
    /// When the state is that of another program.
    pub fn restore(
        program: Arc<Program>,
        options: EngineOptions,
        state: EngineState,
    ) -> Result<Engine, OtherProgram> {
        if !state.is_of(&program) {
            return Err(OtherProgram);
        }
        let mut shard = Shard::restore(Arc::clone(&program), state.shard);
        shard.send_shadow(options.send_shadow);
        Ok(Engine {
            ordering: Ordering::restore(program.streams(), state.ordering),
            shard,
            alerts: state.alerts,
            counters: state.counters,
            options,
            program,
        })
    }

    /// The program it runs.
    pub fn program(&self) -> &Arc<Program> {
        &self.program
    }

    /// The contents of lists and tables that are in use.
    pub fn tables(&self) -> &Arc<Tables> {
        self.shard.tables()
    }

    /// Puts contents of lists and tables in the place of those in use, from the next event on. An
    /// engine whose program has lists or tables begins with [`Tables::unread`].
    ///
    /// # Panics
    /// When `tables` is for another program.
    pub fn set_tables(&mut self, tables: Arc<Tables>) {
        assert_eq!(tables.len(), self.program.tables().len(), "the tables are of another program");
        self.shard.set_tables(tables);
    }

    /// A partition of `stream` begins to send: from now on it holds event time back. `now` is the
    /// wall clock.
    ///
    /// # Panics
    /// When the stream carries the alerts of a rule, so that nothing can be read into it:
    /// [`Program::input`] finds those that sources can feed.
    pub fn open(&mut self, stream: StreamId, partition: PartitionId, now: Timestamp) {
        self.assert_input(stream);
        self.ordering.open(stream, partition, now);
    }

    /// A partition has ended: it no longer holds event time back.
    pub fn close(&mut self, stream: StreamId, partition: PartitionId) {
        self.ordering.close(stream, partition);
        self.match_ready();
    }

    /// Takes an event of an open partition. `now` is the wall clock.
    ///
    /// # Errors
    /// When the event cannot be taken; it has been counted.
    ///
    /// # Panics
    /// When the event is not of a stream of the program that sources feed or lacks values for its
    /// fields: events are made by a [`crate::codec::Decoder`] for the stream's schema.
    pub fn push(&mut self, event: Event, now: Timestamp) -> Result<(), Refused> {
        self.assert_input(event.stream());
        if let Some(max_ahead) = self.options.max_ahead {
            let latest = now.saturating_add(max_ahead);
            if event.time() > latest {
                self.counters.future += 1;
                return Err(Refused::Future(event.time().since(latest).unwrap_or(max_ahead)));
            }
        }
        self.ordering.push(event, now).map_err(|by| {
            self.counters.late += 1;
            Refused::Late(by)
        })?;
        self.counters.events += 1;
        self.match_ready();
        Ok(())
    }

    /// Lets the wall clock move on: quiet partitions with `idle` let go of event time.
    pub fn tick(&mut self, now: Timestamp) {
        self.ordering.tick(now);
        self.match_ready();
    }

    /// Ends all partitions and lets event time run to infinity: what waits for it is decided, and
    /// every event that is pushed after that is late.
    pub fn finish(&mut self) {
        self.ordering.finish();
        self.match_ready();
    }

    /// All times before this have passed on all partitions.
    pub fn watermark(&self) -> Timestamp {
        self.ordering.passed()
    }

    /// The partition whose watermark holds event time back most, if any is open: the one that a
    /// reader of several files should read next.
    pub fn behind(&self) -> Option<(StreamId, PartitionId)> {
        self.ordering.behind()
    }

    /// The alerts decided since the last call, in the order decided.
    pub fn take_alerts(&mut self) -> Vec<Alert> {
        std::mem::take(&mut self.alerts)
    }

    /// What has been counted of events.
    pub fn counters(&self) -> Counters {
        self.counters
    }

    /// What has been counted of rules.
    pub fn rule_counters(&self) -> &ShardCounters {
        self.shard.counters()
    }

    /// The partial matches of a rule: what each has captured and what it waits for.
    pub fn runs(&self, rule: &str) -> Vec<RunView> {
        self.program.rule(rule).map_or(Vec::new(), |rule| self.shard.runs(rule))
    }

    /// Lets someone look on while rules are run, in place of who did before.
    pub(crate) fn set_watcher(&mut self, watcher: Option<Box<dyn Watcher>>) -> Option<Box<dyn Watcher>> {
        self.shard.set_watcher(watcher)
    }

    /// How many runs are alive.
    pub fn live_runs(&self) -> usize {
        self.shard.live_runs()
    }

    /// How many events are kept for aggregates over the past.
    pub fn past_events(&self) -> usize {
        self.shard.past_events()
    }

    /// How many keys have live runs.
    pub fn live_keys(&self) -> usize {
        self.shard.live_keys()
    }

    /// How many events wait for their turn in the order, those made of alerts included.
    pub fn waiting(&self) -> usize {
        self.ordering.waiting() + self.shard.waiting()
    }

    fn assert_input(&self, stream: StreamId) {
        let schema = self.program.schema(stream);
        assert!(schema.alerts_of.is_none(), "`{}` carries alerts; nothing can be read into it", schema.name);
    }

    fn match_ready(&mut self) {
        while let Some(event) = self.ordering.pop() {
            self.shard.advance(event.time(), &mut self.alerts);
            self.shard.event(&event, &mut self.alerts);
        }
        self.shard.advance(self.ordering.passed(), &mut self.alerts);
    }
}
