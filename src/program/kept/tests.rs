//! Every place in which a rule can read a field, one by one.

use crate::diagnostic::{Sources, Style, render_all};
use crate::event::{FieldId, StreamId};
use crate::program::Program;

const STREAMS: &str = "
    stream s time at { k int, at timestamp(ms), a int, b int?, c string, d ip, e float, f bool }
    stream t time at { k int, at timestamp(ms), a int, b int?, c string, d ip, e float, f bool }
    table risks from \"risks.csv\" { key c string, risk int }
";

fn program(
    rules: &str,
    compile: fn(&Sources) -> (Option<Program>, crate::diagnostic::Diagnostics),
) -> Program {
    let sources = Sources::new([("rules.trip", format!("{STREAMS}\n{rules}"))]);
    let (program, diagnostics) = compile(&sources);
    program.unwrap_or_else(|| panic!("{rules}\n{}", render_all(&diagnostics, &sources, Style::Plain)))
}

/// The names of the fields that events of each stream keep.
fn kept(program: &Program) -> Vec<String> {
    let of = |(index, stream): (usize, &crate::event::StreamSchema)| {
        let kept = program.kept(StreamId(index as u32));
        let fields = (0..).map(FieldId).zip(&stream.fields).filter(|(id, _)| kept.contains(*id));
        let names: Vec<&str> = fields.map(|(_, field)| field.name.as_str()).collect();
        format!("{}: {}", stream.name, names.join(" "))
    };
    program.streams().iter().enumerate().map(of).collect()
}

/// What of `s` and `t` a rule by `k` with these clauses reads, beside its key.
fn read_by(clauses: &str) -> Vec<String> {
    let program = program(&format!("rule r {{ by k {clauses} }}"), Program::compile);
    kept(&program).into_iter().map(|of| of.replacen(" k", "", 1)).collect()
}

#[test]
fn nothing_is_kept_that_nobody_reads() {
    assert_eq!(kept(&program("", Program::compile)), ["s: ", "t: "]);
    assert_eq!(read_by("match s as x alert low \"x\""), ["s:", "t: "]);
}

#[test]
fn keys_are_kept_under_the_names_of_each_stream() {
    let rule = "rule r { by s.a = t.b, k event y = t match s as x then y alert low \"x\" }";
    assert_eq!(kept(&program(rule, Program::compile)), ["s: k a", "t: k b"]);
}

#[test]
fn conditions_of_steps_nots_and_untils_are_kept() {
    for (clauses, read) in [
        ("event x = s where a > 1 and not (f or d in \"10.0.0.0/8\") match x", ["s: a d f", "t: "]),
        ("event x = s where if(f, a, b) in (1, b) match x", ["s: a b f", "t: "]),
        ("event x = s where risks[c].risk > 1 match x", ["s: c", "t: "]),
        ("event x = s where lower(c) matches \"[a-z]\" match x", ["s: c", "t: "]),
        ("event x = s event y = t where a > x.b match x then y", ["s: b", "t: a"]),
        (
            "event x = s event y = t where e > avg(x.e) and c == last(x).c match 3+ x then y",
            ["s: c e", "t: c e"],
        ),
        ("event x = s event y = t where e > 1 match x then not y for 1h", ["s:", "t: e"]),
        ("event x = s event y = t where a == 1 match 3+ x until y", ["s:", "t: a"]),
    ] {
        assert_eq!(read_by(&format!("{clauses} within 2h alert low \"x\"")), read, "{clauses}");
    }
}

#[test]
fn what_aggregates_over_the_past_read_is_kept_on_both_sides() {
    for (past, read) in [
        ("sum(t.a) over 1h > 1", ["s:", "t: a"]),
        ("count(t) over 1h > 1", ["s:", "t:"]),
        ("count(t where f) over 1h > 1", ["s:", "t: f"]),
        ("count(t where this.f) over 1h > 1", ["s: f", "t:"]),
        ("count(t where a == this.b) over 1h > 1", ["s: b", "t: a"]),
        ("max(t.e where a < this.b) over 1h > 1", ["s: b", "t: a e"]),
        (
            "max(t.e where a < this.b and f and not this.f and c == this.c) over 1h > e",
            ["s: b c e f", "t: a c e f"],
        ),
    ] {
        let in_condition = format!("event x = s where {past} match x alert low \"x\"");
        assert_eq!(read_by(&in_condition), read, "{past}");
    }
}

#[test]
fn what_alerts_and_limits_say_is_kept() {
    for (said, read) in [
        ("alert low \"{x.c}\"", ["s: c", "t: "]),
        ("alert low \"x\" { v = x.a + x.b }", ["s: a b", "t: "]),
        ("alert low \"{sum(t.a) over 1h}\"", ["s:", "t: a"]),
        ("alert low \"x\" { v = count(t where f and a > 2) over 1h }", ["s:", "t: a f"]),
        (
            "alert low \"x\" on timeout alert low \"{x.c}\" { v = x.a, w = sum(t.e) over 1h }",
            ["s: a c", "t: e"],
        ),
        ("alert low \"x\" limit 1 per 1h for each x.d", ["s: d", "t: "]),
        ("alert low \"x\" limit 1 per 1h for each x.c, max(t.a where f) over 1h", ["s: c", "t: a f"]),
    ] {
        let clauses = format!("event x = s match x then s as y within 1h {said}");
        assert_eq!(read_by(&clauses), read, "{said}");
    }
}

#[test]
fn rules_that_are_off_count_as_others() {
    assert_eq!(read_by("event x = s where a > 1 match x alert low \"x\" mode off"), ["s: a", "t: "]);
}

#[test]
fn events_of_alerts_and_of_tests_keep_everything() {
    let rules = "rule r { by k match s as x alert low \"x\" { v = x.a } } stream q from r
        rule u { by k event y = q where v > 1 match y alert low \"x\" }";
    let all = "k at a b c d e f";
    assert_eq!(kept(&program(rules, Program::compile)), ["s: k a", "t: ", "q: k kind v"]);
    let for_tests = program(rules, Program::compile_for_tests);
    assert_eq!(kept(&for_tests), [format!("s: {all}"), format!("t: {all}"), "q: k kind v".to_owned()]);
}
