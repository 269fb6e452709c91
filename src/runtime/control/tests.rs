//! A service that is asked.

use std::path::Path;

use super::*;
use crate::codec::Decoder;
use crate::codec::json::JsonDecoder;
use crate::diagnostic::Sources;
use crate::disk::RealDisk;
use crate::engine::Engine;
use crate::engine::EngineOptions;
use crate::event::{PartitionId, Position, Timestamp};
use crate::runtime::engines::Engines;
use crate::store::{Commit, Options, Row, Savepoint, Store};
use crate::telemetry::catalogue::{ApiMetrics, TROUBLE_PARTS};

const RULES: &str = "\
stream charges time at { card string, amount float, at timestamp }
rule testing {
  by card
  event small = charges where amount < 5
  event big = charges where amount > 100
  match 2+ small then big within 1h
  alert high \"x\"
}
";

/// A way to ask a service without sources and sinks, and what its engine needs to answer.
pub fn control(state: Option<&Path>) -> (Control, Requests) {
    super::control(state, Arc::new(Metrics::new([], [], [])))
}

pub fn engine() -> Engine {
    let sources = Sources::new([("rules.trip", RULES)]);
    let (program, diagnostics) = Program::compile(&sources);
    let program = program.unwrap_or_else(|| panic!("{diagnostics:?}"));
    Engine::new(Arc::new(program), EngineOptions::RECORDED)
}

/// An engine that has taken these records, one after the other.
pub fn engine_with(records: &[&str]) -> Engine {
    let mut engine = engine();
    let program = Arc::clone(engine.program());
    let stream = program.input("charges").expect("it is fed");
    let mut decoder = JsonDecoder::keeping(program.kept(stream), stream, program.schema(stream));
    let now = Timestamp::default();
    engine.open(stream, PartitionId(0), now);
    for (offset, record) in (0..).zip(records) {
        let position = Position { partition: PartitionId(0), offset };
        let event = decoder.decode(record.as_bytes(), position, now).expect("well formed").expect("an event");
        engine.push(event, now).expect("it is in time");
    }
    engine
}

/// Answers requests from now on; savepoints are of what a store has.
pub fn answering(mut requests: Requests, engine: Engine, snapshot: Option<Arc<Snapshot>>) {
    let mut engines = Engines::from(engine);
    tokio::spawn(async move {
        loop {
            match (requests.next().await, &snapshot) {
                (Request::State(request), _) => request.answer(&mut engines),
                (Request::Standing(request), _) => request.answer(&mut engines),
                (Request::Tables(reply), _) => drop(reply.send(Arc::clone(engines.tables()))),
                (Request::Savepoint(request), Some(snapshot)) => {
                    request.write(Arc::new(RealDisk), Arc::clone(snapshot));
                }
                (Request::Savepoint(request), None) => request.refuse(ControlError::NoState),
            }
        }
    });
}

/// For all that there is.
pub fn query() -> StateQuery {
    StateQuery { limit: 100, ..StateQuery::default() }
}

fn health(health: &Health) -> Vec<String> {
    health.reasons().into_iter().map(|trouble| format!("{}: {}", trouble.part, trouble.why)).collect()
}

#[test]
fn health_has_a_reason_for_each_part_that_is_not_in_order() {
    let all = Health::starting();
    assert_eq!(all.reasons().len(), 1);
    all.started();
    assert_eq!(health(&all), Vec::<String>::new());
    all.trouble(ServicePart::Store, "the disk is full");
    all.trouble(ServicePart::Journal, "the disk is full");
    all.trouble(ServicePart::Store, "the disk is broken");
    assert_eq!(health(&all), ["journal: the disk is full", "store: the disk is broken"]);
    all.fine(ServicePart::Store);
    all.fine(ServicePart::Journal);
    assert_eq!((health(&all), all.failure()), (vec![], None));
    all.failed("a shard has failed");
    assert_eq!(all.failure().as_deref(), Some("a shard has failed"));
    assert_eq!(health(&all), ["service: a shard has failed"]);
}

#[tokio::test]
async fn whoever_asks_is_answered_or_told_why_not() {
    let (control, mut requests) = control(Some(Path::new("/nowhere")));
    let mut engines = Engines::from(engine());
    let asked = control.look(query());
    let answered = async {
        match requests.next().await {
            Request::State(request) => request.answer(&mut engines),
            Request::Savepoint(_) | Request::Standing(_) | Request::Tables(_) => {
                panic!("nobody asked for that")
            }
        }
    };
    let (view, ()) = tokio::join!(asked, answered);
    assert_eq!(view.expect("an answer").total, 0);

    let misspelt = StateQuery { rule: Some("testin".into()), ..query() };
    let error = misspelt.look(engines.program()).expect_err("there is no such rule");
    assert_eq!(error.to_string(), "there is no rule `testin`; did you mean `testing`?");

    let name = control.savepoint("../x".into()).await.expect_err("no name");
    assert!(matches!(name, ControlError::Name(_)), "{name}");
    let first = control.savepoint("one".into());
    let second = async {
        let error = control.savepoint("two".into()).await.expect_err("one at a time");
        assert!(matches!(error, ControlError::Saving), "{error}");
        match requests.next().await {
            Request::Savepoint(request) => request.refuse(ControlError::NoState),
            Request::State(_) | Request::Standing(_) | Request::Tables(_) => panic!("nobody asked for that"),
        }
    };
    let (first, ()) = tokio::join!(first, second);
    assert!(matches!(first, Err(ControlError::NoState)));
    // It does not count as being made any more.
    let again = control.savepoint("one".into());
    let dropped = async { drop(requests.next().await) };
    let (again, ()) = tokio::join!(again, dropped);
    assert!(matches!(again, Err(ControlError::Gone)));
    drop(requests);
    assert!(matches!(control.look(query()).await, Err(ControlError::Gone)));
}

#[tokio::test]
async fn a_savepoint_is_written_and_a_half_one_of_before_is_cleared_away() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut store = Store::open(Arc::new(RealDisk), folder.path(), Options::default()).expect("a store");
    let rows = [Row { space: 0, group: 7, key: b"k", value: Some(b"v") }];
    let time = Timestamp::from_micros(5);
    store.commit(&Commit { time, head: b"head", rows: &rows, ..Commit::default() }).expect("it is stored");
    let (control, requests) = control(Some(folder.path()));
    answering(requests, engine(), Some(Arc::clone(store.snapshot())));
    let own = savepoints::folder(folder.path());
    std::fs::create_dir(&own).expect("a folder");
    std::fs::write(own.join("half.savepoint.new"), "ha").expect("a file");

    let saved = control.savepoint("one".into()).await.expect("it is written");
    assert_eq!((saved.name.as_str(), saved.time, saved.checkpoint), ("one", time, 1));
    let read = Savepoint::open(&RealDisk, &saved.file).expect("it can be read");
    assert_eq!((read.head.as_slice(), read.rows.count()), (&b"head"[..], 1));
    let again = control.savepoint("one".into()).await;
    assert!(matches!(again, Err(ControlError::Exists(name)) if name == "one"));
    control.savepoint("two".into()).await.expect("another can be made");
    std::fs::write(own.join("broken.savepoint"), "no").expect("a file");
    let listed = savepoints::list(&RealDisk, &own).expect("the folder can be read");
    let shown: Vec<_> = listed.iter().map(|one| (one.name.as_str(), one.problem.is_none())).collect();
    assert_eq!(shown, [("broken", false), ("one", true), ("two", true)]);
    assert!(!own.join("half.savepoint.new").exists());
}

#[test]
fn requests_are_counted_from_the_start_and_go_on_when_another_service_takes_the_place() {
    let counted = Arc::new(ApiMetrics::of([("GET", "/v1/rules")]));
    let metrics = || Arc::new(Metrics::new([], [], []).with_api(Arc::clone(&counted)));
    let line = |control: &Control| {
        let text = control.scrape();
        let wanted = "tripline_api_requests_total{method=\"GET\",route=\"/v1/rules\",status=\"2xx\"} ";
        text.lines().find_map(|line| line.strip_prefix(wanted)).expect("it is there").to_owned()
    };
    let (first, _requests) = super::control(None, metrics());
    assert_eq!(line(&first), "0");
    counted.requests.answered("GET", "/v1/rules", 200);
    let (second, _requests) = super::control(None, metrics());
    assert_eq!((line(&first), line(&second)), ("1".to_owned(), "1".to_owned()));
}

#[test]
fn every_part_that_can_be_in_trouble_is_a_metric() {
    assert_eq!(ServicePart::ALL.map(ServicePart::name), TROUBLE_PARTS);
    let (control, _requests) = control(None);
    let scrape = |wanted: &str| {
        let text = control.scrape();
        let found = text.lines().find(|line| line.starts_with(wanted)).map(str::to_owned);
        found.unwrap_or_else(|| panic!("no {wanted} in\n{text}"))
    };
    assert_eq!(scrape("tripline_ready"), "tripline_ready 0");
    assert_eq!(scrape("tripline_trouble{part=\"service\""), "tripline_trouble{part=\"service\"} 1");
    control.health().started();
    assert_eq!(scrape("tripline_ready"), "tripline_ready 1");
    for part in ServicePart::ALL {
        control.health().trouble(part, "the disk is full");
        let shown = format!("tripline_trouble{{part=\"{}\"}}", part.name());
        assert_eq!(scrape(&shown), format!("{shown} 1"));
        control.health().fine(part);
        assert_eq!(scrape(&shown), format!("{shown} 0"));
    }
}
