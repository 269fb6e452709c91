use super::*;
use crate::diagnostic::Sources;
use crate::program::Program;

const STREAM: &str =
    "stream s time at idle 30s { id int, k string, t string, v int?, ok bool, at timestamp(ms) }\n";

/// The cost of the rule with these clauses; every letter names an event with that letter.
fn cost(clauses: &str) -> Cost {
    let events = ["a", "b", "c", "x"].map(|name| format!("  event {name} = s where t == \"{name}\"\n"));
    let unknown = |event: &&String| !clauses.contains(event[..event.find('=').unwrap_or(0)].trim_start());
    let events: String = events.iter().filter(unknown).map(String::as_str).collect();
    let text = format!("{STREAM}rule r {{\n  by k\n{events}  {clauses}\n  alert low \"x\"\n}}\n");
    let (program, diagnostics) = Program::compile(&Sources::new([("r.trip", text.as_str())]));
    let program = program.unwrap_or_else(|| panic!("{clauses}: {diagnostics:?}"));
    program.cost("r").expect("the rule is there")
}

fn growth(clauses: &str) -> Growth {
    cost(clauses).runs.growth
}

#[test]
fn a_match_of_one_event_keeps_nothing() {
    let cost = cost("match a");
    assert_eq!(cost.runs, Runs { most: 0, bound: Bound::Pattern, growth: Growth::Steady { runs: 0 } });
    assert_eq!((cost.memory.key, cost.lifetime), (0, Lifetime::Limited(Duration::ZERO)));
    assert_eq!(cost.summary(), "Keeps nothing between events: a match is one event.");
}

#[test]
fn runs_grow_with_the_events_that_begin_a_match() {
    for pattern in ["match a then b within 1h", "match 3+ a then b", "match 3+ consecutive a next b"] {
        assert_eq!(growth(pattern), Growth::Linear, "{pattern}");
    }
    assert_eq!(growth("match a next b next c"), Growth::Steady { runs: 2 });
    assert_eq!(growth("match 3 consecutive a"), Growth::Steady { runs: 2 });
    // With `overlap all` a loop goes on after its match.
    assert_eq!(growth("match 1+ a"), Growth::Steady { runs: 0 });
    assert_eq!(growth("match 1+ a\n  overlap all"), Growth::Linear);
}

#[test]
fn any_multiplies() {
    assert_eq!(growth("match a then any b"), Growth::Linear, "what it leads to is reported at once");
    assert_eq!(growth("match a then any b then c"), Growth::Power { power: 2 });
    assert_eq!(growth("match a then any b then any x then c"), Growth::Power { power: 3 });
    assert_eq!(growth("match 3 any a then c"), Growth::Power { power: 3 });
    assert_eq!(growth("match 3+ any a then c"), Growth::Doubling);
    assert_eq!(growth("match 2+ (a then any b) then c"), Growth::Doubling);
    // Each third is reported, and then all that began before it are dropped.
    assert_eq!(growth("match 3+ any a"), Growth::Power { power: 2 });
    assert_eq!(growth("match 3+ any a\n  overlap all"), Growth::Doubling);
}

#[test]
fn what_bounds_the_runs_is_told() {
    let bounds = |clauses: &str| (cost(clauses).runs.most, cost(clauses).runs.bound);
    assert_eq!(bounds("match a then b within 1h"), (10_000, Bound::MaxRuns));
    assert_eq!(bounds("match a then b within 1h\n  max runs 7"), (7, Bound::MaxRuns));
    assert_eq!(bounds("match a then b within 1h\n  max events 9"), (9, Bound::MaxEvents));
    assert_eq!(bounds("match a next b next c"), (2, Bound::Pattern));
}

#[test]
fn how_long_a_run_lives() {
    for (pattern, text) in [
        ("match a then b within 1h", "lives at most 1h"),
        ("match a then b then not x for 10m within 1h", "lives at most 1h10m"),
        ("match a then not b for 10m then not x for 5m within 1h", "lives at most 1h15m"),
        ("match a then not x for 10m", "lives at most 10m"),
        ("match a then within 5m b then within 10m c", "lives at most 15m"),
        ("match a then not x for 10m then within 5m b", "lives at most 15m"),
        ("match a then b", "can live for ever"),
        ("match a then within 5m b then c", "can live for ever"),
        ("match a next b", "waits for the next events of its key, however long"),
        ("match (3+ a then b within 5m) then within 1m c", "lives at most 6m"),
        ("match ((a then b within 1m) then c within 5m) then within 1m x", "lives at most 6m"),
        ("match 2 (a then b within 5m) then within 1m x", "can live for ever"),
        ("match 2+ consecutive a next b", "waits for the next events of its key, however long"),
        ("match 3+ a then within 1m c", "can live for ever"),
        ("match a then (b or c within 5m)", "can live for ever"),
    ] {
        assert_eq!(cost(pattern).lifetime.to_string(), text, "{pattern}");
    }
}

#[test]
fn what_a_run_holds() {
    assert_eq!(cost("match 3 a then b within 1h").memory.most_events, Some(3));
    assert_eq!(cost("match 3 a then optional b then c within 1h").memory.most_events, Some(4));
    assert_eq!(cost("match 3+ a then b within 1h").memory.most_events, None);
    let together = cost("match a then b within 1h\n  max runs 10").memory;
    assert_eq!((together.run, together.capture), (0, ENTRY_BYTES));
    assert_eq!(together.key, KEY_BYTES + TOGETHER_BYTES + 80 * ENTRY_BYTES + 10 * together.event);
    let small = cost("match a then b\n  max runs 10").memory;
    assert_eq!(small.run, RUN_BYTES);
    assert_eq!(small.capture, 0, "one event is held in place");
    assert_eq!(small.key, KEY_BYTES + LIST_BYTES + 2 * RUN_BYTES + 10 * (small.run + small.event));
    let one = cost("match a then b\n  max runs 1").memory;
    assert_eq!(one.key, KEY_BYTES + LIST_BYTES + one.event);
    let sums = "event b = s where t == \"b\" and v > avg(a.v) + sum(a.v) and count_distinct(a.id) > 3";
    let large = cost(&format!("{sums}\n  match 5 a then b within 1h")).memory;
    assert_eq!((large.run, large.distinct), (RUN_BYTES + LANE_BYTES + 3 * size_of::<Register>(), 1));
}

#[test]
fn how_runs_are_held() {
    let later = "event later = s where t == \"b\" and v > a.v";
    let habit = "event habit = s where count(s) over 30d > 5";
    for (clauses, words) in [
        ("match a then b within 1h", "held together"),
        ("match 3+ any a until x then not c then (a as d or b) within 1h\n  overlap all", "held together"),
        ("match a then b within 1h\n  overlap per start", "held together"),
        ("match a within 1h", "not held: a match is one event"),
        ("match a then b", "held one by one, because the match has no `within`"),
        ("match a then within 5m b within 1h", "held one by one, because a link has a `within` of its own"),
        (
            "match (a then b within 5m) then c within 1h",
            "held one by one, because a group has a `within` of its own",
        ),
        ("match a then not x within 1h", "held one by one, because the absence of `x` is waited for"),
        (
            "match a then b within 1h\n  on timeout alert low \"x\"",
            "held one by one, because time-outs are reported",
        ),
        (
            "match a then any b then c within 1h\n  overlap per start",
            "held one by one, because `overlap per start` chooses among copies made by `any`",
        ),
        (
            &format!("{later}\n  match a then later within 1h"),
            "held one by one, because the condition of `later` reads what was captured",
        ),
        (
            &format!("{habit}\n  match a then habit within 1h"),
            "held one by one, because the condition of `habit` reads the past",
        ),
    ] {
        assert_eq!(cost(clauses).held.to_string(), words, "{clauses}");
    }
}

#[test]
fn what_conditions_ask() {
    let asked = |condition: &str| {
        let clauses = format!("event e = s where {condition}\n  match a then e within 1h");
        let found = cost(&clauses).conditions.into_iter().find(|of| of.event == "e").expect("it is asked");
        let indexes: Vec<String> = found
            .indexes
            .iter()
            .map(|index| format!("{}{}", index.field, if index.equal { " =" } else { " <" }))
            .collect();
        (indexes.join(", "), found.asked, found.for_each_run)
    };
    let index = |text: &str, asked, for_each_run| (text.to_owned(), asked, for_each_run);
    assert_eq!(asked("t == \"e\""), index("t =", Asked::Index, false));
    assert_eq!(asked("v > 5"), index("v <", Asked::Index, false));
    assert_eq!(asked("ok and v in (1, 2)"), index("ok =, v =", Asked::Found, false));
    assert_eq!(asked("not ok and t like \"a*\""), index("ok =", Asked::Found, false));
    assert_eq!(asked("t == \"e\" and v > a.v"), index("t =", Asked::Index, true));
    assert_eq!(asked("v > a.v"), index("", Asked::Nothing, true));
    assert_eq!(asked("t != \"e\" or v > 5"), index("", Asked::EachEvent, false));
    assert_eq!(asked("length(t) > 5"), index("", Asked::EachEvent, false));
}

#[test]
fn a_cost_is_told_in_a_sentence() {
    assert_eq!(
        cost("match 3+ a then within 5m b within 10m").summary(),
        "At most 10,000 partial matches a key (`max runs`), one for each event that can begin a match. Each lives at most 10m, and takes 168 bytes and 32 for each event it holds."
    );
    assert_eq!(
        cost("match 3+ a then b within 10m").summary(),
        "At most 10,000 partial matches a key (`max runs`), one for each event that can begin a match. Each lives at most 10m, and takes at most 32 bytes for each event it holds."
    );
    let past = cost("event e = s where t == \"e\" and count(s) over 30d > 5\n  match a next e").summary();
    assert_eq!(
        past,
        "At most 1 partial match a key (the pattern allows no more). Each waits for the next events of its key, however long, and takes 80 bytes beside the event it holds. Keeps the events of `s` of 30d for each key."
    );
}
