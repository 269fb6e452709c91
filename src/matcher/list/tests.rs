//! Lanes against a plain vector: the same events give the same reports, the same runs in the same order,
//! and the same counts of what cannot be computed.
//!
//! In tests, lanes are built from four runs on and given up with one, so that small cases go through all
//! of it: whole lanes that move, join and end, columns with values that share numbers, copies, limits.

use proptest::prelude::*;

use super::few::Few;
use super::*;
use crate::automaton::StateId;
use crate::cases::{cases, size};
use crate::diagnostic::Sources;
use crate::event::{Position, SequencePoint, StreamId, Value};
use crate::expression::Faults;
use crate::language::checked::VariableId;
use crate::program::Program;
use crate::table::Tables;

/// Patterns whose events are `a`, `b`, `c`, and `x` for what must not come.
const PATTERNS: [&str; 27] = [
    "a then b",
    "a then any b",
    "a then any b then c",
    "a then any b then any c",
    "a then b then c then x",
    "a next b",
    "a then any (b or c) then x",
    "2+ a then b",
    "2+ any a then b",
    "a then any c next b",
    "2..3 any a then b",
    "a then not x then b",
    "a then not x then any b then c",
    "a next not x then b",
    "a then 2+ b until x then c",
    "2+ (a then b) then c",
    "2+ (a then any b) then c",
    "2 2+ any a then b",
    "a then optional b then c",
    "a then 1+ lazy b then c",
    "a then not x for 2s",
    "a then not x for 2s then b within 6s",
    "a then not x within 4s",
    "a next not x within 3s",
    "a then within 2s b then c",
    "a then any within 2s b then c within 5s",
    "2 (a then any b within 3s) then c",
];

/// What `b` and `x` ask of the `a` before them.
const CONDITIONS: [&str; 22] = [
    "v > A.v",
    "v >= A.v",
    "A.v == v",
    "v != A.v",
    "not v < A.v",
    "w > A.v",
    "v <= A.w",
    "w == A.w",
    "s == A.s",
    "s != A.s",
    "s < A.s",
    "time > A.time + 1s",
    "A.ok == ok",
    "from == A.from",
    "v > 2 * A.v",
    "v > A.v * 4_000_000_000_000_000_000 and s == A.s",
    "v * 4_000_000_000_000_000_000 > A.v and s == A.s",
    "v - A.v > 1",
    "v > A.v or s == A.s",
    "s == A.s and (v is missing or v != A.v)",
    "v > A.v and s == A.s and w != A.w",
    "count(A) == 1 and v > 1",
];

const OVERLAPS: [&str; 5] = [
    "overlap none",
    "overlap per start",
    "overlap all",
    "overlap resume at first b",
    "overlap resume at last b",
];

const LIMITS: [&str; 4] = ["", "max runs 5", "max events 9", "max runs 2 max events 12"];

/// A rule of these, with time-outs if they are allowed; none if it is none.
fn program(pattern: &str, conditions: [&str; 2], overlap: &str, limits: &str) -> Option<Program> {
    let words: Vec<&str> = pattern.split(|c: char| !c.is_alphanumeric()).collect();
    let is_repeated = pattern.contains("+ a") || pattern.contains("any a") || pattern.contains("3 a");
    let a = if is_repeated { "last(a)" } else { "a" };
    let condition = |text: &str| text.replace("count(A)", "count(a)").replace('A', a);
    let events = [
        ("a", "t == \"a\"".to_owned()),
        ("b", format!("t == \"b\" and {}", condition(conditions[0]))),
        ("c", "t == \"c\"".to_owned()),
        ("x", format!("t == \"x\" and {}", condition(conditions[1]))),
    ];
    let events = events.into_iter().filter(|(name, _)| words.contains(name));
    let events: String = events.map(|(name, asks)| format!("event {name} = s where {asks}\n")).collect();
    let timeout = if pattern.contains("within") && !pattern.contains("any") {
        "on timeout alert low \"y\""
    } else {
        ""
    };
    let text = format!(
        "stream s time at {{ t string, v int?, w float?, s string?, ok bool, from ip, at timestamp(s) }}
         rule r {{ {events} match {pattern} {overlap} {timeout} {limits} alert low \"x\" }}"
    );
    Program::compile(&Sources::new([("rules.trip", text)])).0
}

#[test]
fn most_combinations_are_rules() {
    let (mut tried, mut rejected) = (0, 0);
    for pattern in PATTERNS {
        for condition in CONDITIONS.into_iter().step_by(size(3, 1)) {
            let compiled = program(pattern, [condition; 2], OVERLAPS[0], LIMITS[0]);
            tried += 1;
            rejected += usize::from(compiled.is_none());
            assert!(compiled.is_some() || pattern.contains("within"), "{pattern}: {condition}");
        }
    }
    assert!(rejected * 10 < tried, "{rejected} of {tried}");
}

/// A plain vector of runs.
#[derive(Default)]
struct Plain {
    runs: Few,
    limit_reported: bool,
}

impl Plain {
    fn event(&mut self, matcher: &Matcher<'_>, event: &Event, answers: &Answers, reports: &mut Vec<Report>) {
        self.runs.event(matcher, event, answers, reports);
        if let Some((run, kind)) = self.runs.keep_limits(matcher.rule)
            && !std::mem::replace(&mut self.limit_reported, true)
        {
            reports.push(run.report(kind, event.time()));
        }
        self.limit_reported &= self.runs.len() > 0;
    }

    fn time(&mut self, matcher: &Matcher<'_>, until: Timestamp, reports: &mut Vec<Report>) {
        while self.runs.len() > 0 && self.runs.due(matcher.rule) < until {
            self.runs.time(matcher, self.runs.due(matcher.rule), reports);
        }
        self.limit_reported &= self.runs.len() > 0;
    }
}

/// What is compared of a report.
type Told = (ReportKind, Timestamp, SequencePoint, Vec<(VariableId, SequencePoint)>);

fn told(reports: &mut Vec<Report>) -> Vec<Told> {
    let captures = |report: &Report| {
        report.captures.iter().map(|(variable, event)| (*variable, event.point())).collect()
    };
    let all = reports.drain(..).map(|report| (report.kind, report.decided, report.first, captures(&report)));
    all.collect()
}

/// What is compared of a run: where it stands, what it has captured, whether it has been reported.
type Shown = (StateId, Vec<(VariableId, SequencePoint)>, bool);

fn shown<'r>(runs: impl IntoIterator<Item = &'r Run>) -> Vec<Shown> {
    runs.into_iter().map(|run| (run.state, run.captured(), run.reported)).collect()
}

/// Numbers that are equal, nearly equal, too large to be multiplied, and none.
fn number() -> impl Strategy<Value = Option<i64>> {
    prop_oneof![
        6 => (0..4_i64).prop_map(Some),
        1 => Just(None),
        1 => (0..2_i64).prop_map(|more| Some((1 << 53) + more)),
        1 => Just(Some(i64::MAX)),
    ]
}

fn event() -> impl Strategy<Value = (usize, i64, [Value; 6])> {
    let text = prop::sample::select(vec!["", "de", "us", "a longer text", "a longer one"]);
    let text = prop_oneof![8 => text.prop_map(Value::text), 1 => Just(Value::Null)];
    let ip = prop::sample::select(vec!["10.0.0.1", "10.0.0.2", "::1", "::2"]);
    let letter = prop::sample::select(vec![0, 0, 0, 1, 1, 2, 3]);
    let float = number().prop_map(|int| int.map_or(Value::Null, |int| Value::Float(int as f64)));
    let int = number().prop_map(|int| int.map_or(Value::Null, Value::Int));
    let after = prop::sample::select(vec![0, 0, 0, 1, 1, 2]);
    (letter, after, (int, float, text, any::<bool>(), ip)).prop_map(|(letter, after, values)| {
        let (v, w, s, ok, from) = values;
        let from = Value::Ip(from.parse().unwrap());
        let t = Value::text(["a", "b", "c", "x"][letter]);
        (letter, after, [t, v, w, s, Value::Bool(ok), from])
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(300, 4_000), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn lanes_do_what_a_vector_does(
        pattern in 0..PATTERNS.len(),
        conditions in (0..CONDITIONS.len(), 0..CONDITIONS.len()),
        overlap in 0..OVERLAPS.len(),
        limits in 0..LIMITS.len(),
        events in prop::collection::vec(event(), 0..40),
    ) {
        let conditions = [CONDITIONS[conditions.0], CONDITIONS[conditions.1]];
        let rule = (PATTERNS[pattern], conditions, OVERLAPS[overlap], LIMITS[limits]);
        let Some(program) = program(rule.0, rule.1, rule.2, rule.3) else { return Ok(()) };
        let compiled = &program.compiled()[0];
        let tables = Tables::unread(program.tables());
        let (faults, plain_faults) = (Faults::default(), Faults::default());
        let matcher = Matcher { rule: compiled, tables: &tables, history: None, faults: &faults };
        let plain_matcher = Matcher { faults: &plain_faults, ..matcher };
        let index = program.audience(0, StreamId(0)).expect("the rule reads the stream").index();
        let mut answers = Answers::new(program.predicates());
        let (mut list, mut plain) = (RunList::default(), Plain::default());
        let (mut reports, mut expected) = (Vec::new(), Vec::new());
        let mut now = 0;
        for (offset, (_, after, values)) in (0..).zip(events) {
            now += after;
            let time = Timestamp::from_micros(now * 1_000_000);
            let position = Position { offset, ..Position::default() };
            let values: Vec<Value> = values.into_iter().chain([Value::Timestamp(time)]).collect();
            let event = Event::new(StreamId(0), time, position, values, []);
            while list.due() < time && !list.is_empty() {
                let due = list.due();
                matcher.pass_time_in_list(&mut list, due, &mut reports);
            }
            plain.time(&plain_matcher, time, &mut expected);
            answers.ask(index, &event, &tables);
            matcher.offer_to_list(&mut list, &event, &answers, &mut reports);
            plain.event(&plain_matcher, &event, &answers, &mut expected);
            prop_assert_eq!(told(&mut reports), told(&mut expected), "{:?}", rule);
            let runs = list.runs();
            let runs = shown(runs.iter().map(|run| &**run));
            prop_assert_eq!(runs, shown(plain.runs.as_slice()), "{:?}", rule);
            prop_assert_eq!(faults.take(), plain_faults.take(), "{:?}", rule);
            prop_assert!(list.due() <= plain.runs.due(compiled), "{:?}", rule);
            list.check();
        }
        while list.due() < Timestamp::MAX && !list.is_empty() {
            let due = list.due();
            matcher.pass_time_in_list(&mut list, due, &mut reports);
        }
        plain.time(&plain_matcher, Timestamp::MAX, &mut expected);
        prop_assert_eq!(told(&mut reports), told(&mut expected), "{:?}", rule);
        prop_assert_eq!(list.len(), plain.runs.len(), "{:?}", rule);
    }
}

/// There are as many lists as keys that wait for something.
#[test]
fn a_list_is_as_large_as_its_cost_says() {
    assert_eq!(size_of::<RunList>(), crate::automaton::cost::LIST_BYTES);
}
