//! The recorded cases through the public path of the engine: rule text in, alert JSON out.

#[path = "../property/case.rs"]
mod case;
#[path = "../property/engine.rs"]
#[expect(dead_code, reason = "the property tests use the rest")]
mod engine;

use case::{Case, show_events, show_reports};
use engine::{Restarts, Then};
use tripline::program::cost::Held;

/// What is wrong with the engine's answer to a case.
fn complaint(case: &Case) -> Option<String> {
    let program = match engine::compile_text(&case.rule) {
        Ok(program) => program,
        Err(diagnostics) => return Some(format!("=== {}\n{}\n{diagnostics}", case.id, case.rule)),
    };
    let alerts = engine::alerts(&program, &case.events);
    let reports: Vec<case::Report> = alerts.iter().map(engine::report).collect();
    (reports != case.expect).then(|| {
        format!(
            "=== {}\n{}\n{}--- expected\n{}--- reported\n{}",
            case.id,
            case.rule,
            show_events(&case.events),
            show_reports(&case.expect),
            show_reports(&reports)
        )
    })
}

/// Each restart reads what the ones before have written, piece by piece, with another number of shards.
#[test]
fn the_answers_are_the_same_with_a_restart_between_every_two_events() {
    for case in case::recorded() {
        let program = engine::compile_text(&case.rule).expect("the rules compile");
        let (alerts, counts, _) = engine::everything(&program, &case.events, |_| false);
        let (restarted, counts_restarted, _) = engine::everything(&program, &case.events, |_| true);
        assert_eq!(engine::as_json(&restarted), engine::as_json(&alerts), "{}\n{}", case.id, case.rule);
        assert_eq!(counts_restarted, counts, "{}\n{}", case.id, case.rule);
        let reports: Vec<case::Report> = restarted.iter().map(engine::report).collect();
        assert_eq!(reports, case.expect, "{}\n{}", case.id, case.rule);
    }
}

/// With so little memory that all that is stored leaves it, and comes back when it is needed.
#[test]
fn the_answers_are_the_same_when_no_key_stays_in_memory() {
    let mut brought_back = 0;
    for case in case::recorded() {
        let program = engine::compile_text(&case.rule).expect("the rules compile");
        let arrivals: Vec<engine::Arrival> = case.events.iter().map(|event| (0, event.clone())).collect();
        let (alerts, counts, keys) = engine::everything(&program, &case.events, |_| false);
        let restarted = |offset: usize| match offset % 5 {
            4 => Then::Restarted,
            _ => Then::Stored,
        };
        let failing = |offset: usize| if offset.is_multiple_of(2) { Then::Fails } else { Then::Stored };
        for then in [&|_| Then::Stored, &restarted, &failing] as [&dyn Fn(usize) -> Then; 3] {
            let mut stopped = Restarts::with_limit(0);
            let (cold, cold_counts, cold_keys) =
                engine::everything_and(&program, &arrivals, &mut stopped, then);
            assert_eq!(engine::as_json(&cold), engine::as_json(&alerts), "{}\n{}", case.id, case.rule);
            assert_eq!((&cold_counts, &cold_keys), (&counts, &keys), "{}\n{}", case.id, case.rule);
            brought_back += stopped.brought_back;
        }
    }
    assert!(brought_back > 1_000, "only {brought_back} keys came back");
}

/// A field that a rule reads and that its events do not keep would be null to it.
#[test]
fn alerts_are_the_same_when_events_keep_all_their_fields() {
    for case in case::recorded() {
        let program = engine::compile_text(&case.rule).expect("the rules compile");
        let kept = engine::as_json(&engine::alerts(&program, &case.events));
        let all = engine::as_json(&engine::alerts_of_whole_events(&program, &case.events));
        assert_eq!(kept, all, "{}\n{}", case.id, case.rule);
    }
}

#[test]
fn all_is_the_same_when_partial_matches_are_held_one_by_one() {
    let mut together = 0;
    for case in case::recorded() {
        let program = engine::compile_text(&case.rule).expect("the rules compile");
        together += program.costs().iter().filter(|cost| cost.held == Held::Together).count();
        let one_by_one = engine::compile_one_by_one(&case.rule);
        for restarts in [false, true] {
            let (usual, listed) = (&program, &one_by_one);
            let [usual, listed] = [usual, listed].map(|program| {
                let (alerts, counts, keys) = engine::everything(program, &case.events, |_| restarts);
                (engine::as_json(&alerts), counts, keys)
            });
            assert_eq!(usual, listed, "{}\n{}", case.id, case.rule);
        }
    }
    assert!(together > 20, "only {together} rules whose partial matches are held together");
}

#[test]
fn the_engine_gives_the_recorded_answers() {
    let cases = case::recorded();
    assert_eq!(cases.len(), 400);
    let complaints: Vec<String> = cases.iter().filter_map(complaint).collect();
    assert!(
        complaints.is_empty(),
        "{}\n{} of {} cases",
        complaints.join("\n"),
        complaints.len(),
        cases.len()
    );
}
