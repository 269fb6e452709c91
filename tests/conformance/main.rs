//! The recorded cases through the public path of the engine: rule text in, alert JSON out.

#[path = "../property/case.rs"]
mod case;
#[path = "../property/engine.rs"]
#[expect(dead_code, reason = "the property tests use the rest")]
mod engine;

use case::{Case, show_events, show_reports};

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
