//! The engines of a service: one, or one for each partition of a topic.
//!
//! Usually one engine has all keys, and event time is that of all partitions together. Where state moves between
//! instances with the partitions of a topic ([`crate::moving`]), each partition has an engine of its
//! own, with an event time of its own: what it decides depends on the events of its partition alone, and is the same
//! whoever reads it and whatever else he reads. Keys of a partition come only there, so that nothing is missed.
//!
//! The alerts of such an engine stay with it until a checkpoint takes them, together with its state: when the partition
//! is another instance's by then, they are decided there.

use std::collections::BTreeMap;
use std::sync::Arc;

use tracing::{info, warn};

use crate::alert::Alert;
use crate::engine::{
    Changes, Engine, EngineOptions, Found, Look, Restored, Restoring, ShardCounters, Stats, StreamTime,
};
use crate::event::{PartitionId, StreamId, Timestamp};
use crate::moving::{Holding, State};
use crate::program::{Program, RuleInfo};
use crate::stored::{Damaged, Row, Space};
use crate::table::Tables;

use super::recovery::{say_left, say_old};

/// The engines of a service.
pub struct Engines {
    program: Arc<Program>,
    tables: Arc<Tables>,
    kind: Kind,
    /// What the only engine had counted before this start.
    before: Counted,
}

enum Kind {
    One(Box<Engine>),
    Many(Box<Many>),
}

/// One engine for each partition.
struct Many {
    options: EngineOptions,
    engines: BTreeMap<PartitionId, Own>,
    /// What those have counted here that are gone.
    gone: Counted,
}

/// The engine of a partition.
struct Own {
    engine: Engine,
    holding: Holding,
    /// What it had counted elsewhere.
    before: Counted,
    stay: Stay,
}

/// Whether an engine stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stay {
    /// It is not known yet with which event it goes on.
    Coming,
    /// It works.
    Here,
    /// It takes nothing any more, and stands still.
    Leaving,
    /// The same, and when the changes of this generation are stored, everything of it is.
    Left(u64),
}

/// What engines have counted.
#[derive(Clone, Debug)]
struct Counted {
    events: u64,
    rules: ShardCounters,
}

/// What is stored of one engine.
#[derive(Debug)]
pub struct Part {
    /// The partition whose engine it is; `None`: it is the only engine.
    pub holding: Option<Holding>,
    /// What has changed of its state.
    pub changes: Changes,
    /// What it has decided since it was stored last.
    pub alerts: Vec<Alert>,
}

impl From<Engine> for Engines {
    fn from(mut engine: Engine) -> Engines {
        let (program, tables) = (Arc::clone(engine.program()), Arc::clone(engine.tables()));
        let before = Counted::of(&mut engine);
        Engines { program, tables, kind: Kind::One(Box::new(engine)), before }
    }
}

impl Engines {
    /// Engines for partitions, of which there is none yet.
    pub fn by_partition(program: Arc<Program>, options: EngineOptions) -> Engines {
        let tables = Arc::new(Tables::unread(program.tables()));
        let options = EngineOptions { shards: 1, ..options };
        let gone = Counted::nothing(&program);
        let before = gone.clone();
        let many = Many { options, engines: BTreeMap::new(), gone };
        Engines { program, tables, kind: Kind::Many(Box::new(many)), before }
    }

    /// Whether there is one for each partition.
    pub fn are_by_partition(&self) -> bool {
        matches!(self.kind, Kind::Many(_))
    }

    /// The program that they run.
    pub fn program(&self) -> &Arc<Program> {
        &self.program
    }

    /// The contents of lists and tables that are in use.
    pub fn tables(&self) -> &Arc<Tables> {
        &self.tables
    }

    /// Puts contents of lists and tables in the place of those in use.
    pub fn set_tables(&mut self, tables: Arc<Tables>) {
        self.tables = Arc::clone(&tables);
        match &mut self.kind {
            Kind::One(engine) => engine.set_tables(tables),
            Kind::Many(many) => {
                let engines = many.engines.values_mut();
                engines.for_each(|own| own.engine.set_tables(Arc::clone(&tables)));
            }
        }
    }

    /// A partition is held here from now on, and goes on from its state. What is known of it from before counts for
    /// nothing.
    ///
    /// # Errors
    /// When the state is damaged, or of a newer version.
    pub fn bring(&mut self, holding: Holding, state: &State) -> anyhow::Result<()> {
        let Kind::Many(many) = &mut self.kind else { return Ok(()) };
        let mut engine = restored(&self.program, many.options, &holding, state)?;
        engine.set_tables(Arc::clone(&self.tables));
        let before = Counted::of(&mut engine);
        let own = Own { engine, holding, before, stay: Stay::Coming };
        if let Some(mut lost) = many.engines.insert(own.holding.partition, own) {
            many.gone.add(&lost.counted());
        }
        Ok(())
    }

    /// A partition begins to send, or goes on. `now` is the wall clock.
    pub fn open(&mut self, stream: StreamId, partition: PartitionId, now: Timestamp) {
        let are_by_partition = self.are_by_partition();
        let Some(engine) = self.of(partition) else { return };
        // Its state may be of a time at which it was open.
        if are_by_partition && engine.open_partitions().any(|open| open == (stream, partition)) {
            engine.keep_active(stream, partition, now);
        } else {
            engine.open(stream, partition, now);
        }
    }

    /// It is known with which event a partition goes on: from now on it is worked with.
    pub fn reached(&mut self, partition: PartitionId) {
        if let Kind::Many(many) = &mut self.kind
            && let Some(own) = many.engines.get_mut(&partition).filter(|own| own.stay == Stay::Coming)
        {
            own.stay = Stay::Here;
        }
    }

    /// A partition has ended, or is to be another instance's: its engine stands still then, and goes when it is stored.
    pub fn close(&mut self, stream: StreamId, partition: PartitionId) {
        match &mut self.kind {
            Kind::One(engine) => engine.close(stream, partition),
            Kind::Many(many) => {
                match many.engines.get_mut(&partition) {
                    Some(own) if own.stay == Stay::Here => own.stay = Stay::Leaving,
                    // It has done nothing.
                    Some(own) if own.stay == Stay::Coming => drop(many.engines.remove(&partition)),
                    _ => {}
                }
            }
        }
    }

    /// The engine that has the keys of a partition, if it is held here.
    pub fn of(&mut self, partition: PartitionId) -> Option<&mut Engine> {
        match &mut self.kind {
            Kind::One(engine) => Some(engine),
            Kind::Many(many) => {
                let is_active = |stay| matches!(stay, Stay::Coming | Stay::Here);
                let own = many.engines.get_mut(&partition).filter(|own| is_active(own.stay))?;
                Some(&mut own.engine)
            }
        }
    }

    fn each(&mut self, mut what: impl FnMut(&mut Engine)) {
        match &mut self.kind {
            Kind::One(engine) => what(engine),
            Kind::Many(many) => {
                let staying = many.engines.values_mut().filter(|own| own.stay == Stay::Here);
                staying.for_each(|own| what(&mut own.engine));
            }
        }
    }

    fn all(&self) -> impl Iterator<Item = &Engine> {
        let (one, many) = match &self.kind {
            Kind::One(engine) => (Some(&**engine), None),
            Kind::Many(many) => (None, Some(many.engines.values().map(|own| &own.engine))),
        };
        one.into_iter().chain(many.into_iter().flatten())
    }

    /// A partition is there although it sends nothing.
    pub fn keep_active(&mut self, stream: StreamId, partition: PartitionId, now: Timestamp) {
        if let Some(engine) = self.of(partition) {
            engine.keep_active(stream, partition, now);
        }
    }

    /// Lets the wall clock move on.
    pub fn tick(&mut self, now: Timestamp) {
        self.each(|engine| engine.tick(now));
    }

    /// Matches the events that are ready.
    pub fn run(&mut self) {
        self.each(Engine::run);
    }

    /// Waits until all that was taken and ready has been matched.
    pub fn settle(&mut self) {
        self.each(Engine::settle);
    }

    /// How many rounds of events are being matched.
    pub fn under_way(&self) -> usize {
        self.all().map(Engine::under_way).sum()
    }

    /// All times before this have passed on all partitions.
    pub fn watermark(&self) -> Timestamp {
        self.all().map(Engine::watermark).min().unwrap_or(Timestamp::MIN)
    }

    /// All times before this have been decided.
    fn decided(&self) -> Timestamp {
        self.all().map(Engine::decided).min().unwrap_or(Timestamp::MIN)
    }

    /// What has been decided since the last call, where it may leave before it is stored. How many alerts stay is said
    /// by [`Engines::held_alerts`].
    pub fn take_alerts(&mut self) -> Vec<Alert> {
        match &mut self.kind {
            Kind::One(engine) => engine.take_alerts(),
            Kind::Many(_) => Vec::new(),
        }
    }

    /// How many alerts wait for the next checkpoint to take them.
    pub fn held_alerts(&self) -> usize {
        match &self.kind {
            Kind::One(_) => 0,
            Kind::Many(many) => many.engines.values().map(|own| own.engine.alerts_decided()).sum(),
        }
    }

    /// Alerts that the limits of rules have held back since the last call.
    pub fn take_limited(&mut self) -> Vec<(Alert, u64)> {
        let mut limited = Vec::new();
        self.each(|engine| limited.append(&mut engine.take_limited()));
        limited
    }

    /// How many events have been taken here since the start.
    pub fn events(&self) -> u64 {
        match &self.kind {
            Kind::One(engine) => engine.counters().events - self.before.events,
            Kind::Many(many) => {
                let here = |own: &Own| own.engine.counters().events - own.before.events;
                many.gone.events + many.engines.values().map(here).sum::<u64>()
            }
        }
    }

    /// How many events wait for their turn in the order.
    pub fn waiting(&self) -> usize {
        self.all().map(Engine::waiting).sum()
    }

    /// About how many bytes of memory these take.
    pub fn waiting_bytes(&self) -> usize {
        self.all().map(Engine::waiting_bytes).sum()
    }

    /// The time of the first event that waits.
    pub fn first_waiting(&self) -> Option<Timestamp> {
        self.all().filter_map(Engine::first_waiting).min()
    }

    /// The partitions that are open.
    pub fn open_partitions(&self) -> impl Iterator<Item = (StreamId, PartitionId)> {
        self.all().flat_map(Engine::open_partitions)
    }

    /// How time stands in each stream, in the order of the program.
    pub fn stream_times(&self) -> Vec<StreamTime> {
        let none = vec![StreamTime::default(); self.program.streams().len()];
        self.all().fold(none, |all, engine| {
            all.into_iter().zip(engine.stream_times()).map(|(one, other)| one.and(other)).collect()
        })
    }

    /// The open partitions that are ahead of event time.
    pub fn ahead(&self) -> impl Iterator<Item = (StreamId, PartitionId)> {
        self.all().flat_map(Engine::ahead)
    }

    /// What has been counted here since the start, and how much is held.
    pub fn stats(&mut self) -> Stats {
        match &mut self.kind {
            Kind::One(engine) => {
                let stats = engine.stats();
                Stats { rules: stats.rules.since(&self.before.rules), ..stats }
            }
            Kind::Many(many) => many.stats(),
        }
    }

    /// Looks at partial matches. Gives them with the time up to which all has been decided.
    pub fn look(&mut self, look: &Look) -> (Timestamp, Found) {
        let (rules, most) = (self.program.compiled().len(), look.most());
        let mut found = Found::nothing(rules);
        self.each(|engine| found = std::mem::take(&mut found).and(engine.look(look.clone()), most));
        (self.decided(), found)
    }

    /// What has changed since this was called last, of each engine.
    pub fn changes(&mut self) -> Vec<Part> {
        let part = |engine: &mut Engine, holding| {
            engine.settle();
            let alerts = engine.take_alerts();
            Part { holding, changes: engine.changes(), alerts }
        };
        match &mut self.kind {
            Kind::One(engine) => vec![part(engine, None)],
            Kind::Many(many) => {
                let of_own = |own: &mut Own| {
                    let part = part(&mut own.engine, Some(own.holding.clone()));
                    if own.stay == Stay::Leaving {
                        own.stay = Stay::Left(part.changes.generation());
                    }
                    part
                };
                let working = many.engines.values_mut().filter(|own| own.stay != Stay::Coming);
                working.map(of_own).collect()
            }
        }
    }

    /// These changes are stored: those that were only waiting for that go.
    pub fn stored(&mut self, parts: Vec<Part>) {
        for Part { holding, changes, .. } in parts {
            match (&mut self.kind, holding) {
                (Kind::One(engine), None) => {
                    engine.stored(changes.generation());
                    engine.reuse(changes);
                }
                (Kind::Many(many), Some(holding)) => many.stored(&holding, changes),
                (Kind::One(_), Some(_)) | (Kind::Many(_), None) => {}
            }
        }
    }

    /// The old versions of rules that have come to an end since this was asked last.
    pub fn take_ended(&mut self) -> Vec<RuleInfo> {
        let mut ended = Vec::new();
        self.each(|engine| ended.append(&mut engine.take_ended()));
        ended
    }
}

impl Many {
    fn stored(&mut self, holding: &Holding, changes: Changes) {
        // It may have come back meanwhile, with a state of its own.
        let Some(own) = self.engines.get_mut(&holding.partition).filter(|own| own.holding == *holding) else {
            return;
        };
        own.engine.stored(changes.generation());
        if own.stay == Stay::Left(changes.generation()) {
            self.gone.add(&own.counted());
            self.engines.remove(&holding.partition);
        } else {
            own.engine.reuse(changes);
        }
    }

    fn stats(&mut self) -> Stats {
        let (rules, none) = (self.gone.rules.clone(), 0);
        let mut sum = Stats {
            rules,
            live_runs: none,
            live_by_rule: vec![none; self.gone.rules.events.len()],
            live_keys: none,
            cold_keys: none,
            brought_back: 0,
            held_bytes: none,
            past_events: none,
        };
        for own in self.engines.values_mut() {
            let Stats { live_runs, live_by_rule, live_keys, past_events, .. } = own.engine.stats();
            sum.rules.add(&own.counted().rules);
            sum.live_runs += live_runs;
            sum.live_by_rule.iter_mut().zip(live_by_rule).for_each(|(sum, live)| *sum += live);
            sum.live_keys += live_keys;
            sum.past_events += past_events;
        }
        sum
    }
}

impl Own {
    /// What it has counted here.
    fn counted(&mut self) -> Counted {
        let Counted { events, rules } = Counted::of(&mut self.engine);
        Counted { events: events - self.before.events, rules: rules.since(&self.before.rules) }
    }
}

impl Counted {
    fn nothing(program: &Program) -> Counted {
        Counted { events: 0, rules: ShardCounters::new(program.rules().len()) }
    }

    fn of(engine: &mut Engine) -> Counted {
        Counted { events: engine.counters().events, rules: engine.stats().rules }
    }

    fn add(&mut self, more: &Counted) {
        self.events += more.events;
        self.rules.add(&more.rules);
    }
}

/// An engine that goes on from the state of a partition, or begins if there is none.
fn restored(
    program: &Arc<Program>,
    options: EngineOptions,
    holding: &Holding,
    state: &State,
) -> anyhow::Result<Engine> {
    let Some(head) = &state.head else {
        info!(partition = %holding, "nothing is stored of the partition: it begins anew");
        return Ok(Engine::new(Arc::clone(program), options));
    };
    let mut restoring = Restoring::new(Arc::clone(program), options, head)?;
    for (key, (group, value)) in &state.rows {
        let (space, key) = key.split_first().ok_or(Damaged::new("a row has no key"))?;
        restoring.row(Row { space: Space::of(*space)?, group: *group, key, value: Some(value) })?;
    }
    let Restored { mut engine, left, old, events_left } = restoring.finish()?;
    old.iter().for_each(say_old);
    left.iter().for_each(say_left);
    if events_left > 0 {
        warn!(partition = %holding, events = events_left, "left out: events of streams that the rules do not have any more");
    }
    let stats = engine.stats();
    info!(
        partition = %holding,
        rows = state.rows.len(),
        keys = stats.live_keys,
        runs = stats.live_runs,
        waiting = engine.waiting(),
        "going on from the stored state of the partition"
    );
    Ok(engine)
}

#[cfg(test)]
mod tests;
