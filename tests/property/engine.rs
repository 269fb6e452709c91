//! The real engine through its public path: rule text in, alerts out.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use tripline::alert::{Alert, AlertKind};
use tripline::codec::{Decoder, json::JsonDecoder};
use tripline::diagnostic::{Sources, Style, render_all};
use tripline::engine::{Changes, Engine, EngineOptions, Restoring, StateInMemory, stored_rules};
use tripline::event::{Kept, PartitionId, Position, Timestamp};
use tripline::program::Program;

use super::case::{Event, Kind, Report};

/// An event with the partition that it arrives on.
pub type Arrival = (u32, Event);

/// The program in some files, or what is wrong with them.
pub fn compile(files: &[(String, String)]) -> Result<Arc<Program>, String> {
    let sources = Sources::new(files.iter().cloned());
    let (program, diagnostics) = Program::compile(&sources);
    program.map(Arc::new).ok_or_else(|| render_all(&diagnostics, &sources, Style::Plain))
}

/// The program in one file.
pub fn compile_text(text: &str) -> Result<Arc<Program>, String> {
    compile(&[("rule.trip".to_string(), text.to_string())])
}

/// The same with the partial matches of all rules held one by one.
pub fn compile_one_by_one(text: &str) -> Arc<Program> {
    let (program, _) = Program::compile(&Sources::new([("rule.trip", text)]));
    Arc::new(program.expect("it has been compiled before").hold_one_by_one())
}

/// The alerts of a program for events of stream `s` on one partition, in the order decided.
pub fn alerts(program: &Arc<Program>, events: &[Event]) -> Vec<Alert> {
    alerts_in_batches(program, &in_order(events), usize::MAX)
}

fn in_order(events: &[Event]) -> Vec<Arrival> {
    events.iter().map(|event| (0, event.clone())).collect()
}

/// The alerts of a program for events on several partitions, taken out after every `batch` events.
pub fn alerts_in_batches(program: &Arc<Program>, arrivals: &[Arrival], batch: usize) -> Vec<Alert> {
    let mut alerts = vec![];
    let take = |offset: usize, engine: &mut Engine| {
        if (offset + 1).is_multiple_of(batch) {
            alerts.append(&mut engine.take_alerts());
        }
    };
    let rest = run(program, arrivals, take);
    alerts.extend(rest);
    alerts
}

/// Stops engines and has others go on. What has changed of an engine is stored at each restart, so that what
/// the next one reads was written piece by piece. Each has another number of shards.
#[derive(Default)]
pub struct Restarts {
    state: Arc<Mutex<StateInMemory>>,
    count: usize,
    /// How many bytes of memory keys may take, if there is a limit.
    limit: Option<usize>,
    /// Changes that could not be stored.
    failed: Option<Changes>,
    /// How many keys came back from the shelf.
    pub brought_back: u64,
}

/// What becomes of an engine after an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Then {
    /// Nothing.
    GoesOn,
    /// What has changed is stored.
    Stored,
    /// What has changed is to be stored and cannot be, and neither is it known to be.
    Fails,
    /// It is stopped, and another goes on.
    Restarted,
}

impl Restarts {
    /// The numbers of shards, in turn.
    const SHARDS: [usize; 4] = [3, 1, 2, 7];

    /// With a limit for the memory of keys.
    pub fn with_limit(bytes: usize) -> Restarts {
        Restarts { limit: Some(bytes), ..Restarts::default() }
    }

    /// After an event.
    pub fn then(&mut self, then: Then, engine: &mut Engine) {
        match then {
            Then::GoesOn => {}
            Then::Stored => self.store(engine),
            Then::Fails => self.failed = Some(self.changes(engine)),
            Then::Restarted => self.restart(engine),
        }
    }

    fn changes(&mut self, engine: &mut Engine) -> Changes {
        let changes = engine.changes();
        match self.failed.take() {
            Some(failed) => changes.with_older(&failed),
            None => changes,
        }
    }

    /// Stores what has changed of an engine, which goes on.
    pub fn store(&mut self, engine: &mut Engine) {
        let changes = self.changes(engine);
        self.state.lock().expect("no test has failed").take(&changes);
        if let Some(limit) = self.limit.filter(|_| self.count == 0) {
            // Restarted ones have it from the beginning.
            self.count = 1;
            engine.shelve(limit, self.state.clone());
        }
        engine.stored(changes.generation());
    }

    /// Stops an engine; another takes its place.
    pub fn restart(&mut self, engine: &mut Engine) {
        self.store(engine);
        self.brought_back += engine.stats().brought_back;
        let shards = Restarts::SHARDS[self.count % Restarts::SHARDS.len()];
        self.count += 1;
        let options = EngineOptions { shards, ..EngineOptions::RECORDED };
        let state = self.state.lock().expect("no test has failed");
        let restoring = Restoring::new(engine.program().clone(), options, state.head());
        let mut restoring = restoring.expect("it was just written");
        if let Some(limit) = self.limit {
            restoring.shelve(limit, self.state.clone());
        }
        state.rows().for_each(|row| restoring.row(row).expect("it was just written"));
        let restored = restoring.finish().expect("it was just written");
        assert!(restored.left.is_empty() && restored.events_left == 0, "the rules are the same");
        *engine = restored.engine;
    }
}

/// The alerts when the rules are edited: each text is in the place of the one before from the event with that
/// place on. The engine is stopped and restored before each event.
pub fn alerts_with_edits(texts: &[(usize, String)], events: &[Event]) -> Vec<Alert> {
    let start = Timestamp::from_micros(0);
    let program = compile_text(&texts[0].1).expect("it has been compiled before");
    let mut engine = Engine::new(program, EngineOptions::RECORDED);
    let stream = engine.program().stream("s").expect("the rules declare stream s");
    engine.open(stream, PartitionId(0), start);
    let mut state = StateInMemory::default();
    for (offset, event) in events.iter().enumerate() {
        let (_, text) = texts.iter().rfind(|(from, _)| *from <= offset).expect("the first is there from 0");
        state.take(&engine.changes());
        let olds = stored_rules(state.head(), state.rows()).expect("it was just written");
        let (program, _) = Program::compile_with_old(&Sources::new([("rule.trip", text)]), &olds);
        let program = Arc::new(program.expect("it has been compiled before"));
        let options = EngineOptions { shards: Restarts::SHARDS[offset % 4], ..EngineOptions::RECORDED };
        let restored = state.restore(program.clone(), options).expect("it was just written");
        assert!(restored.left.is_empty(), "{:?}", restored.left);
        engine = restored.engine;
        let mut decoder = JsonDecoder::keeping(program.kept(stream), stream, program.schema(stream));
        let now = Timestamp::from_millis(event.at).expect("test times are small");
        let position = Position { partition: PartitionId(0), offset: offset as u64 };
        let raw = serde_json::to_vec(event).expect("an event serialises");
        let event = decoder.decode(&raw, position, now).expect("well formed").expect("an event");
        engine.push(event, now).expect("a test event is never late");
    }
    engine.finish();
    engine.changes();
    assert_eq!(engine.stats().rules.alerts.len(), engine.program().rules().len());
    engine.take_alerts()
}

/// The alerts of a program whose engine is stopped and restored after each event for which `restarts`
/// says so.
pub fn alerts_with_restarts(
    program: &Arc<Program>,
    arrivals: &[Arrival],
    restarts: impl Fn(usize) -> bool,
) -> Vec<Alert> {
    let mut stopped = Restarts::default();
    run(program, arrivals, |offset, engine| {
        if restarts(offset) {
            stopped.restart(engine);
        } else if offset % 2 == 0 {
            stopped.store(engine);
        }
    })
}

/// The alerts when events keep all their fields, whatever the rules read.
pub fn alerts_of_whole_events(program: &Arc<Program>, events: &[Event]) -> Vec<Alert> {
    run_keeping(Kept::ALL, program, &in_order(events), |_, _| {}).take_alerts()
}

/// The alerts that are left at the end when `after` is called after each event. The offset of an
/// event is its place among those that arrive.
fn run(program: &Arc<Program>, arrivals: &[Arrival], after: impl FnMut(usize, &mut Engine)) -> Vec<Alert> {
    let stream = program.stream("s").expect("the rules declare stream s");
    run_keeping(program.kept(stream), program, arrivals, after).take_alerts()
}

/// All that can be told from outside of a run over events on one partition: the alerts, what has been
/// counted of rules, and for how many keys something is held after each event. The engine is stopped and
/// restored after each event for which `restarts` says so.
pub fn everything(
    program: &Arc<Program>,
    events: &[Event],
    restarts: impl Fn(usize) -> bool,
) -> (Vec<Alert>, String, Vec<usize>) {
    let then = |offset| if restarts(offset) { Then::Restarted } else { Then::GoesOn };
    everything_and(program, &in_order(events), &mut Restarts::default(), then)
}

/// The same with events on several partitions, and with what becomes of the engine after each event.
pub fn everything_and(
    program: &Arc<Program>,
    arrivals: &[Arrival],
    stopped: &mut Restarts,
    then: impl Fn(usize) -> Then,
) -> (Vec<Alert>, String, Vec<usize>) {
    let stream = program.stream("s").expect("the rules declare stream s");
    let mut keys = vec![];
    let mut engine = run_keeping(program.kept(stream), program, arrivals, |offset, engine| {
        stopped.then(then(offset), engine);
        keys.push(engine.stats().live_keys);
    });
    let stats = engine.stats();
    keys.push(stats.live_keys);
    stopped.brought_back += stats.brought_back;
    assert!(stats.live_keys > 0 || stats.live_runs == 0, "{} runs of no key", stats.live_runs);
    (engine.take_alerts(), format!("{:?}", stats.rules), keys)
}

/// The engine at the end of the same, with events that keep these fields.
fn run_keeping(
    kept: Kept,
    program: &Arc<Program>,
    arrivals: &[Arrival],
    mut after: impl FnMut(usize, &mut Engine),
) -> Engine {
    let stream = program.stream("s").expect("the rules declare stream s");
    let mut decoder = JsonDecoder::keeping(kept, stream, program.schema(stream));
    let mut engine = Engine::new(program.clone(), EngineOptions::RECORDED);
    let start = Timestamp::from_micros(0);
    for partition in 0..=arrivals.iter().map(|(partition, _)| *partition).max().unwrap_or(0) {
        engine.open(stream, PartitionId(partition), start);
    }
    for (offset, (partition, event)) in arrivals.iter().enumerate() {
        let now = Timestamp::from_millis(event.at).expect("test times are small");
        let position = Position { partition: PartitionId(*partition), offset: offset as u64 };
        let raw = serde_json::to_vec(event).expect("an event serialises");
        let event =
            decoder.decode(&raw, position, now).expect("a test event is well formed").expect("an event");
        engine.push(event, now).expect("a test event is never late");
        after(offset, &mut engine);
    }
    engine.finish();
    engine
}

/// The compared part of an alert; its captured ids come from the JSON that a sink would get.
pub fn report(alert: &Alert) -> Report {
    let json = serde_json::to_value(alert).expect("an alert serialises");
    let events = json["events"].as_object().expect("events is an object");
    let ids = |captured: &serde_json::Value| {
        let captured = captured.as_array().expect("a variable holds a list of events");
        captured.iter().map(|event| event["id"].as_i64().expect("an event holds its id")).collect()
    };
    Report {
        kind: match alert.kind {
            AlertKind::Match => Kind::Match,
            AlertKind::Timeout => Kind::Timeout,
            AlertKind::Limit => panic!("the generated streams stay below every limit"),
        },
        decided: alert.decided_time.as_micros() / 1000,
        events: events.iter().map(|(variable, captured)| (variable.clone(), ids(captured))).collect(),
    }
}

/// Reports by key, each key's in the order decided.
pub fn reports_by_key(alerts: &[Alert]) -> BTreeMap<String, Vec<Report>> {
    let mut keys: BTreeMap<String, Vec<Report>> = BTreeMap::new();
    for alert in alerts {
        keys.entry(key(alert)).or_default().push(report(alert));
    }
    keys
}

/// Reports by rule and key, each in the order decided. How those of different rules or keys mix
/// depends on how far event time moves at once.
pub fn reports_by_rule_and_key(alerts: &[Alert]) -> BTreeMap<(String, String), Vec<Report>> {
    let mut all: BTreeMap<(String, String), Vec<Report>> = BTreeMap::new();
    for alert in alerts {
        all.entry((alert.rule.to_string(), key(alert))).or_default().push(report(alert));
    }
    all
}

/// The value of `k` that an alert is about; empty in a rule without `by`.
pub fn key(alert: &Alert) -> String {
    let json = serde_json::to_value(alert).expect("an alert serialises");
    json["key"]["k"].as_str().unwrap_or_default().to_string()
}

/// Alerts as sinks would get them, one a line.
pub fn as_json(alerts: &[Alert]) -> Vec<String> {
    alerts.iter().map(|alert| serde_json::to_string(alert).expect("an alert serialises")).collect()
}
