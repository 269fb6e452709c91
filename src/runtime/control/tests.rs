//! A service that is asked.

use std::path::Path;

use super::*;
use crate::diagnostic::Sources;
use crate::engine::EngineOptions;

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

pub fn engine() -> Engine {
    let sources = Sources::new([("rules.trip", RULES)]);
    let (program, diagnostics) = Program::compile(&sources);
    let program = program.unwrap_or_else(|| panic!("{diagnostics:?}"));
    Engine::new(Arc::new(program), EngineOptions::RECORDED)
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
    all.trouble("store", "the disk is full");
    all.trouble("journal", "the disk is full");
    all.trouble("store", "the disk is broken");
    assert_eq!(health(&all), ["journal: the disk is full", "store: the disk is broken"]);
    all.fine("store");
    all.fine("journal");
    assert_eq!((health(&all), all.failure()), (vec![], None));
    all.failed("a shard has failed");
    assert_eq!(all.failure().as_deref(), Some("a shard has failed"));
    assert_eq!(health(&all), ["service: a shard has failed"]);
}

#[tokio::test]
async fn whoever_asks_is_answered_or_told_why_not() {
    let (control, mut requests) = control(Some(Path::new("/nowhere")));
    let mut engine = engine();
    let query = || StateQuery { limit: 10, ..StateQuery::default() };
    let asked = control.state(query());
    let answered = async {
        match requests.next().await {
            Request::State(request) => request.answer(&mut engine),
            Request::Savepoint(_) => panic!("nobody asked for that"),
        }
    };
    let (view, ()) = tokio::join!(asked, answered);
    assert_eq!(view.expect("an answer").total, 0);

    let misspelt = StateQuery { rule: Some("testin".into()), ..query() };
    let error = look(engine.program(), &misspelt).expect_err("there is no such rule");
    assert_eq!(error.to_string(), "there is no rule `testin`; did you mean `testing`?");

    let name = control.savepoint("../x".into()).await.expect_err("no name");
    assert!(matches!(name, ControlError::Name(_)), "{name}");
    let first = control.savepoint("one".into());
    let second = async {
        let error = control.savepoint("two".into()).await.expect_err("one at a time");
        assert!(matches!(error, ControlError::Saving), "{error}");
        match requests.next().await {
            Request::Savepoint(request) => request.refuse(ControlError::NoState),
            Request::State(_) => panic!("nobody asked for that"),
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
    assert!(matches!(control.state(query()).await, Err(ControlError::Gone)));
}
