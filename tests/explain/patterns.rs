//! The words for patterns: every form of the grammar, alone and in the company that changes it.

use crate::{check, explain, section};

/// A rule with this pattern, and clauses behind a `|`.
fn rule(line: &str) -> String {
    let (pattern, clauses) = line.split_once('|').unwrap_or((line, ""));
    let events: String = ["a", "b", "c", "d", "x", "y"]
        .map(|name| format!("  event {name} = s where t == \"{name}\"\n"))
        .concat();
    format!(
        "stream s time at {{ id int, k string, t string, v int, at timestamp(ms) }}\n\
         stream other {{ k string }}\n\
         rule r {{\n  by k\n{events}  match {pattern}\n  {clauses}\n  alert info \"m\"\n}}\n"
    )
}

/// What is said of some patterns: their sentence, their steps and when they are reported.
fn check_patterns(name: &str, lines: &[&str]) {
    let mut shown = String::new();
    for line in lines {
        let (explanation, diagnostics) = explain(&rule(line));
        assert!(!diagnostics.has_errors(), "{line}: {diagnostics:?}");
        let markdown = explanation.expect("there is a rule").to_markdown();
        let summary = markdown.lines().nth(2).expect("a summary");
        let summary = summary
            .strip_suffix(" An alert of severity info goes to the default sinks of the configuration.");
        shown.push_str(&format!(
            "=== match {}\n\n{}\n\n",
            line.trim(),
            summary.unwrap_or(markdown.lines().nth(2).expect("a summary"))
        ));
        shown.push_str(&format!(
            "{}\n\n{}\n\n",
            section(&markdown, "Pattern"),
            section(&markdown, "When it is reported")
        ));
    }
    check(name, &shown);
}

#[test]
fn links() {
    check_patterns(
        "links",
        &[
            "a",
            "a then b",
            "a next b within 5s",
            "a then any b | overlap all",
            "a then within 2s b",
            "a next within 2s b then c",
            "a then optional b next c",
            "optional a next b",
            "s as one then s as two within 1h",
            "a then other within 1h",
            "a then any 2+ b",
            "a then any within 1m (b or c)",
            "a next 2 (b then c)",
            "a then within 5s 3 b",
        ],
    );
}

#[test]
fn counts() {
    check_patterns(
        "counts",
        &[
            "3 a within 10s",
            "3+ a | overlap all",
            "1 a then b",
            "2..3 a then b",
            "0+ a then b",
            "0..3 a then b",
            "20 a as many then b",
            "3 consecutive a",
            "3+ consecutive a then b",
            "2 any a | overlap all",
            "2+ any lazy a then b",
            "1+ lazy a then b",
            "1+ a then other",
            "1+ a until x then b",
            "3+ a until x then b",
            "2 2 a",
            "2 2..3 a then b",
            "3+ lazy a | overlap per start",
        ],
    );
}

#[test]
fn groups() {
    check_patterns(
        "groups",
        &[
            "(a or b) then c",
            "(a or b or c)",
            "3+ (a or b) then c",
            "(a and b) then c",
            "(a and b and c) within 10m",
            "(a then b and c)",
            "(a then b or 2+ c) then d",
            "2 (a then b)",
            "2+ (a then b) then c within 1h",
            "optional (a then b) then c",
            "(a then b within 5s) then c",
            "2+ consecutive (a then b within 2s) then c",
            "(a then b or c then d within 5s) then x",
            "(a or 2 b) then c",
            "((a then b)) then c",
            "(a then (b or 2+ c) then d) then x",
            "a then 2..4 lazy ((b or c) then optional d within 1m) then x",
            "(a then (b and (c or d then x) within 9s)) then y within 1h",
            "a then not x then (b then c or d)",
        ],
    );
}

#[test]
fn absences() {
    check_patterns(
        "absences",
        &[
            "a then not x then b",
            "2+ a then not x then 3 b",
            "a next not x then b",
            "a then not x for 5s",
            "a then not x for 5s then within 2s b",
            "a then not x for 5s next b",
            "a then 1+ b then not x for 2s then c",
            "a then optional b then not x for 2s",
            "a then not x for 5s then not y then b within 1m",
            "a then not x for 5s then not y for 3s",
            "a then not x within 5s",
            "a then b then not x within 5s",
            "a then b then not x for 3s within 5s",
            "a next not x within 5s",
            "a then b next not x within 5s",
            "a then not x then optional b then c",
            "a then not b then b",
            "(a then not x for 5s then b) then c",
        ],
    );
}

#[test]
fn reports() {
    check_patterns(
        "reports",
        &[
            "a then optional b",
            "a then optional b | overlap all",
            "a then 2+ b | overlap all",
            "a then 2+ b | overlap resume at last b",
            "a then (b or c) | overlap resume at first b",
            "1+ a | overlap resume at last a",
            "a then b then c within 5s | on timeout alert low \"late\"",
            "a then b then c within 5s | on timeout after b alert low \"late\" { n = 1 } overlap per start",
            "a then not x for 5s then optional b",
            "a then 2 (b then optional c)",
            "a then (b and 2+ c)",
            "a then 3+ (b then c)",
        ],
    );
}

/// What the language rejects is explained as far as it makes sense.
#[test]
fn wrong_patterns() {
    check_patterns(
        "wrong_patterns",
        &[
            "optional a",
            "a then not x",
            "(a then not x for 5s) then b",
            "a then not x then not y then b",
            "3 a until x then b",
            "0 a then b",
            "5..3 lazy consecutive any a then b",
            "nobody then a",
            "a as x then a as x",
        ],
    );
}
