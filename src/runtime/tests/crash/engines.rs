//! Engines: that of a service, which goes on from a checkpoint, and those that its alerts are held against.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::alert::Alert;
use crate::engine::{Changes, Engine, EngineOptions, Left, Why, stored_rules};
use crate::event::{Event, Timestamp};
use crate::program::Program;
use crate::runtime::recovery;
use crate::runtime::shelf::Memory;
use crate::store::Snapshot;
use crate::stored::{Row, Space};

use super::book::Entry;
use super::life::Over;
use super::rules::Rules;

/// The engine of a checkpoint, with its shards on this thread.
pub fn restore(
    snapshot: &Arc<Snapshot>,
    program: &Arc<Program>,
    options: EngineOptions,
    memory: Option<Memory>,
) -> Result<(Engine, Vec<Left>), Over> {
    if snapshot.number() == 0 {
        let mut engine = Engine::new(Arc::clone(program), options);
        if let Some(Memory { limit, shelf }) = memory {
            engine.shelve(limit, shelf);
        }
        return Ok((engine, Vec::new()));
    }
    let (restoring, _) =
        recovery::read(snapshot, program, options, memory).map_err(|error| Over(format!("{error:#}")))?;
    let restored = restoring.finish().unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(restored.events_left, 0, "the streams are the same");
    Ok((restored.engine, restored.left))
}

/// The engine of a checkpoint to which nothing is said of time, as it has just heard from all partitions.
pub fn timeless(snapshot: &Arc<Snapshot>, program: &Arc<Program>, now: Timestamp) -> Result<Engine, Over> {
    let options = EngineOptions { max_ahead: None, ..EngineOptions::LIVE };
    let (mut engine, _) = restore(snapshot, program, options, None)?;
    for (stream, partition) in engine.open_partitions().collect::<Vec<_>>() {
        engine.keep_active(stream, partition, now);
    }
    Ok(engine)
}

/// Only rules that are to begin anew may lose what they have.
pub fn check_left(left: &[Left], rules: Rules, is_changed: bool) {
    for Left { rule, why, refused, runs, .. } in left {
        assert!(is_changed && *why == Why::Changed, "{left:?}");
        assert!(refused.is_none() || rules.read_alerts(), "{left:?}");
        let may_lose = rules.resets || refused.is_some();
        assert!(may_lose || *runs == 0, "`{rule}` lost what it had begun: {left:?}");
    }
}

/// The alerts of an engine that gets the same and is never stopped, but for being given other rules where
/// they have changed.
pub fn uninterrupted(entries: &[Entry], rules: &[(usize, Rules)], shards: usize) -> Vec<Alert> {
    of_inputs(entries, rules, shards).map_or_else(Vec::new, |(_, alerts)| alerts)
}

/// That engine, with its alerts; none if there never was a service.
pub fn of_inputs(entries: &[Entry], rules: &[(usize, Rules)], shards: usize) -> Option<(Engine, Vec<Alert>)> {
    let (first, changes) = rules.split_first()?;
    let options = EngineOptions { max_ahead: None, shards, ..EngineOptions::LIVE };
    let mut engine = Engine::new(first.1.program(), options);
    let (mut alerts, mut begin, mut rows) = (Vec::new(), 0, Stored::default());
    for (place, rules) in changes {
        feed(&mut engine, &entries[begin..*place], Timestamp::from_micros(0));
        alerts.append(&mut engine.take_alerts());
        engine = rows.go_on(&mut engine, *rules, options);
        begin = *place;
    }
    feed(&mut engine, &entries[begin..], Timestamp::from_micros(0));
    alerts.append(&mut engine.take_alerts());
    Some((engine, alerts))
}

/// The alerts of an engine that gets what did not come too late, in order.
pub fn in_order(entries: &[Entry], rules: Rules, shards: usize) -> Vec<Alert> {
    let options = EngineOptions { max_ahead: None, shards, ..EngineOptions::LIVE };
    let mut engine = Engine::new(rules.patient().program(), options);
    let taken = |entry: &Entry| match entry {
        Entry::Events(events) => events.clone(),
        _ => Vec::new(),
    };
    let mut events: Vec<Event> = entries.iter().flat_map(taken).collect();
    events.sort_by_key(Event::point);
    for event in events {
        engine.push(event, Timestamp::from_micros(0)).expect("it is not late");
    }
    engine.finish();
    engine.take_alerts()
}

/// Gives it to an engine that does not hear what time it is.
pub fn feed(engine: &mut Engine, entries: &[Entry], now: Timestamp) {
    for entry in entries {
        match entry {
            Entry::Opened(stream, partition) => engine.open(*stream, *partition, now),
            Entry::Closed(stream, partition) => engine.close(*stream, *partition),
            Entry::Events(events) | Entry::Late(events) => {
                for event in events {
                    // One that comes too late does so here too.
                    let _ = engine.offer(event.clone(), now);
                }
                engine.run();
            }
            Entry::Other => {}
        }
    }
    engine.settle();
}

/// What an engine has stored, in memory.
#[derive(Default)]
struct Stored(BTreeMap<(u16, Space, Vec<u8>), Vec<u8>>);

impl Stored {
    fn take(&mut self, changes: &Changes) {
        for Row { space, group, key, value } in changes.rows() {
            let key = (group, space, key.to_vec());
            match value {
                Some(value) => self.0.insert(key, value.to_vec()),
                None => self.0.remove(&key),
            };
        }
    }

    fn iter(&self) -> impl Iterator<Item = Row<'_>> {
        self.0.iter().map(|((group, space, key), value)| Row {
            space: *space,
            group: *group,
            key,
            value: Some(value),
        })
    }

    /// An engine with these rules that goes on where the other one is.
    fn go_on(&mut self, engine: &mut Engine, rules: Rules, options: EngineOptions) -> Engine {
        let changes = engine.changes();
        self.take(&changes);
        let olds = stored_rules(&changes.head, self.iter()).expect("it has just been made");
        let restored = Engine::restore(rules.after(&olds), options, &changes.head, self.iter());
        restored.unwrap_or_else(|error| panic!("{error}")).engine
    }
}
