//! What is told of a run against what is done to it.

use proptest::prelude::*;

use super::explain::Verdict;
use super::list::Offered;
use super::*;
use crate::automaton::Answers;
use crate::cases::cases;
use crate::diagnostic::Sources;
use crate::event::{Position, StreamId, Value};
use crate::program::Program;
use crate::table::Tables;

/// Patterns that use every form, over events that are `a`, `b`, `c` or `x`.
const PATTERNS: [&str; 24] = [
    "a then b",
    "a next b",
    "a then any b then c",
    "3+ a then b within 4s",
    "2..3 consecutive a then b",
    "2+ lazy a then big",
    "3+ any a then b",
    "2+ a until x then c",
    "a then not x then b within 5s",
    "a next not x then b",
    "a then not x for 2s",
    "a then not x for 2s then b within 5s",
    "a then not x within 3s",
    "a next not x within 3s",
    "(a or b) then c",
    "(a and b and c) within 4s",
    "2+ (a then b) then c",
    "2 (a then b within 2s) then c",
    "a then optional b then c",
    "a then 0+ lazy b then c",
    "a then within 1s b then next_one",
    "a next b next c",
    "2+ (a then same) then x",
    "a then (b then not x then c or x then b as d) within 4s",
];

/// What the names in them mean.
const EVENTS: [(&str, &str); 7] = [
    ("a", "t == \"a\""),
    ("b", "t == \"b\" or t == \"a\" and v == 5"),
    ("c", "t == \"c\""),
    ("x", "t == \"x\" and v > 2"),
    ("big", "v > 3 and v > max(a.v)"),
    ("same", "v == a.v"),
    ("next_one", "t in (\"a\", \"x\")"),
];

fn program(pattern: &str) -> Program {
    let words: Vec<&str> = pattern.split(|c: char| !c.is_alphanumeric() && c != '_').collect();
    let events = EVENTS.iter().filter(|(name, _)| words.contains(name));
    let events: String =
        events.map(|(name, condition)| format!("event {name} = s where {condition}\n")).collect();
    let text = format!(
        "stream s time at {{ t string, v int, at timestamp(s) }}
         rule r {{ {events} match {pattern} overlap all max runs 50 alert low \"x\" }}"
    );
    let (program, diagnostics) = Program::compile(&Sources::new([("rules.trip", text)]));
    program.unwrap_or_else(|| panic!("{pattern}: {diagnostics:?}"))
}

#[test]
fn the_patterns_compile() {
    PATTERNS.into_iter().for_each(|pattern| drop(program(pattern)));
}

fn event(offset: u64, time: i64, letter: usize, v: i64) -> Event {
    let time = Timestamp::from_micros(time * 1_000_000);
    let position = Position { offset, ..Position::default() };
    let values = [Value::text(["a", "b", "c", "x"][letter]), Value::Int(v), Value::Timestamp(time)];
    Event::new(StreamId(0), time, position, values, [])
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(300, 3_000), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_told_is_what_is_done(
        pattern in 0..PATTERNS.len(),
        events in prop::collection::vec((0..4_usize, 0..6_i64, 0..3_i64), 0..14),
    ) {
        let program = program(PATTERNS[pattern]);
        let rule = &program.compiled()[0];
        let faults = Faults::default();
        let tables = Tables::unread(program.tables());
        let matcher = Matcher {
            rule,
            tables: &tables,
            history: None,
            faults: &faults,
        };
        let index = program.audience(0, StreamId(0)).expect("the rule reads the stream").index();
        let mut answers = Answers::new(program.predicates());
        let mut set = RunSet::default();
        let mut reports = Vec::new();
        let mut now = 0;
        for (offset, (letter, v, after)) in (0..).zip(events) {
            now += after;
            let event = event(offset, now, letter, v);
            answers.ask(index, &event, &tables);
            while set.due() < event.time() && !set.is_empty() {
                let due = set.due();
                matcher.time(&mut set, due, &mut reports);
            }
            for run in set.runs(rule, event.time()) {
                let told = matcher.explain(&run, &event).verdict;
                let mut copies = Vec::new();
                let mut offered = run.clone().into_owned();
                let done = matcher.offer(&mut offered, &event, &answers, &mut copies);
                let expected = match told {
                    Verdict::Taken(variable) => {
                        let last = offered.captured().pop();
                        prop_assert_eq!(last, Some((variable, event.point())), "{}", PATTERNS[pattern]);
                        Offered::Taken
                    }
                    Verdict::Skipped => Offered::Skipped,
                    Verdict::Passed => Offered::Completed,
                    Verdict::Dead => Offered::Dead,
                };
                prop_assert_eq!(done, expected, "{}: {:?} of {:?}", PATTERNS[pattern], event, run);
            }
            matcher.event(&mut set, &event, &answers, &mut reports);
        }
    }
}
