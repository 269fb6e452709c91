//! The whole pure pipeline in one object: events in, alerts out, time as an argument.
//!
//! `Ordering` puts events in order; what is ready is a round for the `stages`, which split it among
//! shards as the `router` says; an `Executor` runs these, here or on other threads. However many
//! shards there are and however events are cut into rounds, the alerts are the same, in the same
//! order.

mod executor;
mod router;
mod stages;
mod stored;
mod texts;

use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};

use crate::alert::Alert;
use crate::event::{Duration, Event, PartitionId, StreamId, Timestamp};
use crate::ordering::Ordering;
use crate::program::{Program, RuleId, RuleInfo};
use crate::shard::legend::Legend;
use crate::shard::{Item, Shard, Shelving, Watcher};
use crate::stored::Rows;
use crate::table::Tables;

use executor::Inline;
use stages::{Pending, Round, Stages};
use texts::Texts;

pub use crate::matcher::view::{End, RunView, Step, Wait, WaitKind};
pub use crate::ordering::StreamTime;
pub use crate::shard::ShardCounters;
pub use crate::shard::legend::{Left, Why};
pub use crate::shard::look::{Found, FoundRun, Look};
pub use crate::shard::misses::NearMiss;
pub use crate::stored::Shelf;
pub(crate) use executor::{Executor, Place};
#[cfg(feature = "service")]
pub(crate) use executor::{Outcome, Task, Visit};
pub use stored::{
    Changes, OldVersion, RestoreError, Restored, Restoring, RowSearch, StateInMemory, StoredRuleSummary,
    StoredRules, Summary, stored_rules,
};

/// Runs a program over events: puts them in order and matches them.
///
/// An engine does no input or output, reads no clock and starts no thread. Feed it with
/// [`Engine::push`] and collect with [`Engine::take_alerts`].
pub struct Engine {
    program: Arc<Program>,
    options: EngineOptions,
    ordering: Ordering,
    stages: Stages,
    executor: Box<dyn Executor>,
    tables: Arc<Tables>,
    alerts: Vec<Alert>,
    counters: Counters,
    /// How far event time had come in the last round.
    passed: Timestamp,
    /// What things are called where they are stored, if they are.
    legend: Option<Arc<Legend>>,
    /// Room for what has changed.
    spare: Vec<Rows>,
    /// How often it was asked what has changed.
    generation: u64,
    /// Of which of these times all is stored.
    stored: u64,
    /// Where what memory has no room for is found again, if it has a limit.
    shelving: Option<Arc<Shelving>>,
    texts: Texts,
    /// The old versions of rules that have not come to an end.
    going_on: Vec<RuleId>,
    /// Those that have, and of which that has not been said.
    ended: Vec<RuleId>,
}

/// Why an event was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// Its time is before the watermark of its partition by this much.
    Late(Duration),
    /// Its time lies further ahead of the clock than allowed, by this much.
    Future(Duration),
}

/// What an engine has counted since it was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Events taken.
    pub events: u64,
    /// Events that came too late to be put in order.
    pub late: u64,
    /// Events whose time was too far ahead.
    pub future: u64,
}

/// What an engine may do.
#[derive(Clone, Copy, Debug)]
pub struct EngineOptions {
    /// How far ahead of `now` an event's time may lie; `None` for recorded data.
    pub max_ahead: Option<Duration>,
    /// Whether the alerts of rules in shadow are given out as if the rules were live.
    pub send_shadow: bool,
    /// Among how many shards the keys are divided, from 1 to [`EngineOptions::MAX_SHARDS`].
    pub shards: usize,
}

impl EngineOptions {
    /// Most shards: each has at least one group of keys.
    pub const MAX_SHARDS: usize = crate::event::KeyGroup::COUNT;
    /// For recorded data: times may be anything.
    pub const RECORDED: EngineOptions = EngineOptions { max_ahead: None, send_shadow: false, shards: 1 };
    /// For live data: an event more than a day ahead of the clock is refused.
    pub const LIVE: EngineOptions =
        EngineOptions { max_ahead: Some(Duration::DAY), ..EngineOptions::RECORDED };
    /// For tests of rules: times may be anything, and rules in shadow show what they would send.
    pub const TEST: EngineOptions = EngineOptions { send_shadow: true, ..EngineOptions::RECORDED };
}

/// How much an engine holds and has counted of rules.
#[derive(Clone, Debug)]
pub struct Stats {
    /// What has been counted.
    pub rules: ShardCounters,
    /// How many runs are alive.
    pub live_runs: usize,
    /// How many of them there are of each rule, those of its old versions included.
    pub live_by_rule: Vec<usize>,
    /// How many keys something is held for, in memory or not.
    pub live_keys: usize,
    /// How many keys, and pasts of keys, are not in memory ([`Engine::shelve`]).
    pub cold_keys: usize,
    /// How often one of these was brought back.
    pub brought_back: u64,
    /// About how many bytes of memory keys and their pasts take, as they were stored last, and what remains of
    /// those that are not in memory; 0 where memory has no limit.
    pub held_bytes: usize,
    /// How many events are kept for aggregates over the past.
    pub past_events: usize,
}

/// How many rounds may be under way before the engine waits for the oldest: enough for no shard to wait
/// for the engine, few enough for events to be still near when a shard comes to them.
const MAX_UNDER_WAY: usize = 2;

impl Engine {
    /// An engine that has seen nothing.
    ///
    /// # Panics
    /// When the number of shards is out of its bounds.
    pub fn new(program: Arc<Program>, options: EngineOptions) -> Engine {
        let inline = |shards| Ok::<_, Infallible>(Box::new(Inline::new(shards)) as Box<dyn Executor>);
        let Ok(engine) = Engine::with_executor(program, options, inline);
        engine
    }

    /// An engine whose shards, given by stratum, are run by an executor.
    ///
    /// # Errors
    /// When there is no executor.
    pub(crate) fn with_executor<E>(
        program: Arc<Program>,
        options: EngineOptions,
        executor: impl FnOnce(Vec<Vec<Shard>>) -> Result<Box<dyn Executor>, E>,
    ) -> Result<Engine, E> {
        let shards = shards(&program, options, |stratum| Shard::new(Arc::clone(&program), stratum));
        Ok(Engine {
            ordering: Ordering::new(program.streams()),
            stages: Stages::new(Arc::clone(&program), options.shards, Pending::default()),
            executor: executor(shards)?,
            tables: Arc::new(Tables::unread(program.tables())),
            alerts: Vec::new(),
            counters: Counters::default(),
            passed: Timestamp::MIN,
            legend: None,
            spare: Vec::new(),
            generation: 0,
            stored: 0,
            shelving: None,
            texts: Texts::new(&program),
            going_on: Vec::new(),
            ended: Vec::new(),
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
        &self.tables
    }

    /// Puts contents of lists and tables in the place of those in use, from the next event on. An
    /// engine whose program has lists or tables begins with [`Tables::unread`].
    ///
    /// # Panics
    /// When `tables` is for another program.
    pub fn set_tables(&mut self, tables: Arc<Tables>) {
        assert_eq!(tables.len(), self.program.tables().len(), "the tables are of another program");
        self.settle();
        self.tables = Arc::clone(&tables);
        self.executor.visit(Arc::new(move |_, shard| shard.set_tables(Arc::clone(&tables))));
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
        self.run();
    }

    /// Takes an event of an open partition and matches what is ready. `now` is the wall clock.
    ///
    /// # Errors
    /// When the event cannot be taken; it has been counted.
    ///
    /// # Panics
    /// When the event is not of a stream of the program that sources feed or lacks values for its
    /// fields: events are made by a [`crate::codec::Decoder`] for the stream's schema.
    pub fn push(&mut self, event: Event, now: Timestamp) -> Result<(), Refused> {
        self.offer(event, now)?;
        self.run();
        Ok(())
    }

    /// Takes an event like [`Engine::push`] and leaves it to [`Engine::run`] to match what is ready.
    /// Many events at a time cost less than one by one.
    ///
    /// # Errors
    /// When the event cannot be taken; it has been counted.
    ///
    /// # Panics
    /// As [`Engine::push`].
    pub fn offer(&mut self, event: Event, now: Timestamp) -> Result<(), Refused> {
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
        Ok(())
    }

    /// A partition is there although it sends nothing, because it is not read or not connected: it
    /// does not become idle for now.
    pub fn keep_active(&mut self, stream: StreamId, partition: PartitionId, now: Timestamp) {
        self.ordering.keep_active(stream, partition, now);
    }

    /// Lets the wall clock move on: quiet partitions with `idle` let go of event time.
    pub fn tick(&mut self, now: Timestamp) {
        self.ordering.tick(now);
        self.run();
    }

    /// Ends all partitions and lets event time run to infinity: what waits for it is decided, and
    /// every event that is pushed after that is late.
    pub fn finish(&mut self) {
        self.ordering.finish();
        self.run();
        self.settle();
    }

    /// Matches the events that are ready. Where shards run elsewhere, their alerts may come with a
    /// later call.
    pub fn run(&mut self) {
        let mut items = self.stages.list();
        self.ordering.drain_ready(|event| items.push(Item::new(event)));
        let passed = self.ordering.reached();
        if items.is_empty() && passed <= self.passed {
            self.stages.keep(items);
        } else {
            self.passed = passed;
            self.stages.begin(Round { items, passed }, &mut *self.executor);
        }
        while self.take_outcome(self.stages.under_way() > MAX_UNDER_WAY) {}
    }

    /// Waits until all that was taken and ready has been matched.
    pub fn settle(&mut self) {
        while self.stages.under_way() > 0 && self.take_outcome(true) {}
    }

    /// Takes the next outcome of a task, if there is one. Returns whether there was.
    fn take_outcome(&mut self, wait: bool) -> bool {
        let Some(outcome) = self.executor.outcome(wait) else { return false };
        self.stages.done(outcome, &mut *self.executor, &mut self.alerts);
        true
    }

    /// How many rounds of events are being matched; always 0 where the shards run in this thread.
    pub fn under_way(&self) -> usize {
        self.stages.under_way()
    }

    /// All times before this have passed on all partitions.
    pub fn watermark(&self) -> Timestamp {
        self.ordering.passed()
    }

    /// All times before this have been decided in the shards, once they have done what was submitted.
    pub fn decided(&self) -> Timestamp {
        self.ordering.reached()
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

    /// How many alerts [`Engine::take_alerts`] would give.
    pub fn alerts_decided(&self) -> usize {
        self.alerts.len()
    }

    /// Alerts that the limits of rules have held back since the last call, without their events, each with how many
    /// were held back before it: of many in a row the first, so that somebody can be told why he was not told. They
    /// decide nothing, are not part of the state, and are in no order.
    pub fn take_limited(&mut self) -> Vec<(Alert, u64)> {
        self.stages.take_limited()
    }

    /// What has been counted of events.
    pub fn counters(&self) -> Counters {
        self.counters
    }

    /// What has been counted of rules, those of old versions under their names, and how much is held, when all that was submitted to the
    /// shards so far has been matched.
    pub fn stats(&mut self) -> Stats {
        let mut rules = ShardCounters::new(self.program.compiled().len());
        let program = Arc::clone(&self.program);
        let mut live_by_rule = vec![0; program.rules().len()];
        let of_shards = self.ask(|shard| Stats {
            rules: shard.counters().clone(),
            live_runs: shard.live_runs(),
            live_by_rule: shard.live_by_rule().to_vec(),
            live_keys: shard.live_keys(),
            cold_keys: shard.cold_keys(),
            brought_back: shard.brought_back(),
            held_bytes: shard.held_bytes(),
            past_events: shard.past_events(),
        });
        let sum = |part: fn(&Stats) -> usize| of_shards.iter().map(|(_, stats)| part(stats)).sum();
        let (live_runs, live_keys) = (sum(|stats| stats.live_runs), sum(|stats| stats.live_keys));
        let past_events = sum(|stats| stats.past_events);
        let (cold_keys, held_bytes) = (sum(|stats| stats.cold_keys), sum(|stats| stats.held_bytes));
        let brought_back = of_shards.iter().map(|(_, stats)| stats.brought_back).sum();
        for (_, stats) in &of_shards {
            rules.add(&stats.rules);
            for (rule, live) in (0..).map(RuleId).zip(&stats.live_by_rule) {
                live_by_rule[program.now(rule).0 as usize] += live;
            }
        }
        rules.limits.iter_mut().zip(self.stages.left_out()).for_each(|(count, more)| *count += more);
        let rules = rules.together(&program);
        Stats { rules, live_runs, live_by_rule, live_keys, cold_keys, brought_back, held_bytes, past_events }
    }

    /// The partial matches of a rule and of its old versions: what each has captured and what it waits for.
    /// Those first of whose key something is decided soonest.
    pub fn runs(&mut self, rule: &str) -> Vec<RunView> {
        let Some(look) = Look::new(&self.program, Some(rule), &[], usize::MAX) else { return Vec::new() };
        self.look(look.all_of_a_key()).runs.into_iter().map(|found| found.run).collect()
    }

    /// Looks at partial matches. What was submitted to the shards is matched before.
    pub fn look(&mut self, look: Look) -> Found {
        self.settle();
        let (rules, most) = (self.program.compiled().len(), look.most());
        let of_shards = self.ask(move |shard| shard.look(&look)).into_iter();
        of_shards.fold(Found::nothing(rules), |all, (_, found)| all.and(found, most))
    }

    /// The old versions of rules that have come to an end since this was asked last, as
    /// [`Engine::changes`] has found: what they had begun is complete or over.
    pub fn take_ended(&mut self) -> Vec<RuleInfo> {
        std::mem::take(&mut self.ended).into_iter().map(|rule| self.program.info(rule).clone()).collect()
    }

    /// Lets someone look on while a rule is run. There must be one shard a stratum.
    pub(crate) fn set_watcher(&mut self, watcher: Box<dyn Watcher>) {
        debug_assert_eq!(self.options.shards, 1, "only one shard can be looked at");
        let stratum = self.program.compiled()[watcher.rule().0 as usize].rule.stratum as usize;
        let watcher = Mutex::new(Some(watcher));
        self.executor.visit(Arc::new(move |place, shard| {
            if place.stratum == stratum {
                let mut watcher = watcher.lock().unwrap_or_else(PoisonError::into_inner);
                shard.set_watcher(watcher.take());
            }
        }));
    }

    /// Who has been looking on.
    pub(crate) fn take_watcher(&mut self) -> Option<Box<dyn Watcher>> {
        self.ask(|shard| shard.set_watcher(None)).into_iter().find_map(|(_, watcher)| watcher)
    }

    /// How many events wait for their turn in the order, those to be made of alerts included.
    pub fn waiting(&self) -> usize {
        self.ordering.waiting() + self.stages.waiting()
    }

    /// What every shard answers once it has done what was submitted before, in the order of places.
    fn ask<T: Send + 'static>(
        &mut self,
        question: impl Fn(&mut Shard) -> T + Send + Sync + 'static,
    ) -> Vec<(Place, T)> {
        let answers = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&answers);
        self.executor.visit(Arc::new(move |place, shard| {
            let answer = question(shard);
            kept.lock().unwrap_or_else(PoisonError::into_inner).push((place, answer));
        }));
        let mut answers = std::mem::take(&mut *answers.lock().unwrap_or_else(PoisonError::into_inner));
        answers.sort_by_key(|(place, _)| *place);
        answers
    }

    /// About how many bytes of memory the events take that wait for others in the order.
    pub fn waiting_bytes(&self) -> usize {
        self.ordering.waiting_bytes()
    }

    /// The time of the first event that waits for others in the order.
    pub fn first_waiting(&self) -> Option<Timestamp> {
        self.ordering.first_waiting()
    }

    /// The partitions that are open.
    pub fn open_partitions(&self) -> impl Iterator<Item = (StreamId, PartitionId)> {
        self.ordering.open_partitions()
    }

    /// How time stands in each stream, in the order of the program.
    pub fn stream_times(&self) -> Vec<StreamTime> {
        self.ordering.stream_times()
    }

    /// The open partitions that are ahead of event time: what they have sent waits for others.
    pub fn ahead(&self) -> impl Iterator<Item = (StreamId, PartitionId)> {
        self.ordering.ahead()
    }

    fn assert_input(&self, stream: StreamId) {
        let schema = self.program.schema(stream);
        assert!(schema.alerts_of.is_none(), "`{}` carries alerts; nothing can be read into it", schema.name);
    }
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine").field("options", &self.options).field("counters", &self.counters).finish()
    }
}

/// The shards of a program, by stratum.
fn shards(
    program: &Program,
    options: EngineOptions,
    mut make: impl FnMut(usize) -> Shard,
) -> Vec<Vec<Shard>> {
    let bounds = 1..=EngineOptions::MAX_SHARDS;
    assert!(bounds.contains(&options.shards), "{} shards; possible are {bounds:?}", options.shards);
    let mut shards: Vec<Vec<Shard>> =
        (0..program.strata()).map(|stratum| (0..options.shards).map(|_| make(stratum)).collect()).collect();
    shards.iter_mut().flatten().for_each(|shard| shard.send_shadow(options.send_shadow));
    shards
}
