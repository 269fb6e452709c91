//! Tests of rules that nobody means well.

use std::sync::Arc;

use tripline::diagnostic::{Sources, Style};
use tripline::program::Program;
use tripline::table::Tables;
use tripline::testing::{self, Outcome};

use super::{STREAM, codes};

/// An event of the stream of these tests.
fn at(second: usize, n: i64) -> String {
    format!("at {second}s s {{ k: \"k\", n: {n}, f: 1, t: \"t\" }}\n")
}

fn test(lines: &str) -> String {
    format!("test \"hostile\" {{\n{lines}}}\n")
}

/// What comes of the tests in a rule set, shown to its end.
fn run(text: String) -> Vec<Outcome> {
    let sources = Sources::new([("hostile.trip", text)]);
    let (program, diagnostics) = Program::compile_for_tests(&sources);
    let program = Arc::new(program.unwrap_or_else(|| panic!("{diagnostics:?}")));
    let tables = Arc::new(Tables::unread(program.tables()));
    let outcomes = program.cases().iter().map(|case| testing::run(&program, &tables, &sources, case));
    let outcomes: Vec<Outcome> = outcomes.collect();
    for failure in outcomes.iter().flat_map(|outcome| &outcome.failures) {
        assert!(failure.render(&sources, Style::Plain).len() < 100_000);
    }
    outcomes
}

fn rule(name: &str, clauses: &str) -> String {
    format!("rule {name} {{\n{clauses}\nalert low \"x\"\n}}\n")
}

#[test]
fn too_many_lines_or_expectations() {
    let rule = rule("r", "match s");
    let lines = |count: usize| (0..count).map(|at| self::at(at, 0)).collect::<String>();
    let whole = |lines: &str| format!("{STREAM}{rule}{}", test(lines));
    assert_eq!(codes(whole(&(lines(9_999) + "expect late 0\n"))), [""; 0]);
    assert_eq!(codes(whole(&(lines(10_000) + "expect late 0\n"))), ["E0403"]);
    assert_eq!(codes(whole(&"expect r\n".repeat(1_001))), ["E0403"]);
    assert_eq!(codes(whole("expect r × 1000000\n")), [""; 0]);
    assert_eq!(codes(whole("expect r × 1000001\n")), ["E0403"]);
}

#[test]
fn times_beyond_all_times() {
    for (from, offset, expected) in [
        ("0000-01-01T00:00:00Z", "0s", &[][..]),
        ("9999-12-31T23:59:59Z", "1s", &["E0448"]),
        ("9999-12-31T23:59:59Z", "106751991d", &["E0448"]),
        ("1970-01-01T00:00:00Z", "106751991d", &["E0448"]),
        ("-9999-01-01T00:00:00Z", "0s", &["E0448"]),
    ] {
        let text = format!(
            "{STREAM}test \"x\" from \"{from}\" {{ at {offset} s {{ k: \"k\", n: 1, f: 1, t: \"t\" }}\nexpect nothing }}\n"
        );
        assert_eq!(codes(text), expected, "{from} + {offset}");
    }
}

#[test]
fn more_alerts_than_anyone_wants() {
    let rules: String = (0..3).map(|number| rule(&format!("r{number}"), "match s\noverlap all")).collect();
    let lines: String = (0..5_000).map(|second| at(second, 0)).collect();
    let outcomes = run(format!("{STREAM}{rules}{}", test(&(lines + "expect nothing\n"))));
    assert_eq!((outcomes[0].failures.len(), outcomes[0].alerts), (1, testing::MAX_ALERTS));
    assert_eq!(outcomes[0].failures[0].message, "more than 10000 alerts came");
}

#[test]
fn many_partial_matches_and_many_missing_alerts() {
    let rules =
        rule("r", "by k\nevent a = s where n == 1\nmatch 30 any a then s as b within 10h\nmax runs 500");
    let lines: String = (0..300).map(|second| at(second, 1)).collect();
    let expected = "expect r { k: \"k\", events.a[1].n: 5 }\n".repeat(900);
    let outcomes = run(format!("{STREAM}{rules}{}", test(&(lines + &expected))));
    assert_eq!(outcomes[0].failures.len(), 51, "the rest is counted");
}

#[test]
fn as_many_alerts_as_lines_that_want_them() {
    let rules = rule("r", "by k\nmatch s as a");
    let lines: String = (0..4_000).map(|number| at(number as usize, number)).collect();
    // Each line fits a different set of alerts, all of them fit in the end.
    let expected = "expect r × 3 { severity: \"low\" }\n".repeat(900);
    let outcomes = run(format!("{STREAM}{rules}{}", test(&(lines + &expected + "expect nothing else\n"))));
    assert_eq!(outcomes[0].failures.len(), 1, "1,300 alerts are not expected");
}

#[test]
fn fields_in_the_depths_of_a_record() {
    let path = vec!["a"; 200_000].join(".");
    let text = format!(
        "stream s {{ deep string from \"{path}\" }}\n{}",
        test("at 0s s { deep: \"x\" }\nexpect nothing\n")
    );
    let outcomes = run(text);
    let expected = "this event is malformed: `deep` lies more than 120 levels deep";
    assert_eq!(outcomes[0].failures[0].message, expected);
}

#[test]
fn paths_and_counts_out_of_range() {
    let rule = rule("r", "match 2+ s as a within 1h");
    let index = format!("expect r {{ events.a[{}].n: 1 }}\n", i64::MAX);
    let outcomes = run(format!("{STREAM}{rule}{}", test(&(at(0, 1) + &at(1, 1) + &index))));
    assert_eq!(outcomes[0].failures.len(), 1);
    let long = format!("expect r {{ events.a.{}: 1 }}\n", vec!["b"; 20_000].join("."));
    assert_eq!(codes(format!("{STREAM}{rule}{}", test(&long))), ["E0445"]);
}
