//! What the language's text says of each form, by small examples worked out by hand.
//!
//! In an example the letters are events of one key, each a second after the one before unless a
//! time follows (`b@2.5`), and numbered from 1; `b=7` has the value 7 in its field `v`, which is else
//! 0. A report is written `a1 b3 at 2`; a time-out begins with `timeout`. After the pattern may stand
//! another clause (` | overlap all`) and one more condition (` ; b: v > a.v`).

use super::case::{Event, Kind, Report};
use super::{engine, naive, tree};

/// Pattern and what else the rule says, events, reports.
type Example = (&'static str, &'static str, &'static [&'static str]);

const LINKS: &[Example] = &[
    ("a then b", "a d a b", &["a1 b4 at 3"]),
    ("a then b | overlap per start", "a a b", &["a1 b3 at 2", "a2 b3 at 2"]),
    ("a then b | overlap all", "a a b b", &["a1 b3 at 2", "a2 b3 at 2"]),
    ("a next b", "a d b a b", &["a4 b5 at 4"]),
    ("a then any b | overlap all", "a b b", &["a1 b2 at 1", "a1 b3 at 2"]),
    ("a then within 2s b", "a d b@2 a@3 b@6", &["a1 b3 at 2"]),
    ("a then optional b next c", "a c", &["a1 c2 at 1"]),
    ("a then optional b next c", "a d c", &[]),
    ("a next optional b then c", "a d c", &["a1 c3 at 2"]),
    ("a then b within 2s", "a d b@2", &["a1 b3 at 2"]),
    ("a then b within 2s", "a d b@2.5", &[]),
    // What follows is offered an event that an `any` step has taken.
    ("a then any bc then any b | overlap all", "a b", &[]),
    ("a then any optional bc then b | overlap all", "a b", &["a1 b2 at 1"]),
];

const COUNTS: &[Example] = &[
    ("3 a", "a d a a", &["a1,3,4 at 3"]),
    ("2+ a", "a a a a", &["a1,2 at 1", "a3,4 at 3"]),
    ("2+ a | overlap all", "a a a", &["a1,2 at 1", "a1,2,3 at 2", "a2,3 at 2"]),
    ("2..3 a then b", "a a a a b", &["a1,2,3 b5 at 4"]),
    ("2 consecutive a", "a d a a", &["a3,4 at 3"]),
    ("2 any a | overlap all", "a a a", &["a1,2 at 1", "a1,3 at 2", "a2,3 at 2"]),
    ("optional a then b", "b a b", &["b1 at 0", "a2 b3 at 2"]),
    ("c then 1+ bc then b", "c b b", &[]),
    ("c then 1+ lazy bc then b", "c b b", &["b3 bc2 c1 at 2"]),
    ("c then 0+ lazy bc then b", "c b b", &["b2 c1 at 1"]),
    ("1+ a until r then b", "a r a b", &["a1 b4 at 3"]),
    ("1+ a until r then b", "r a a b", &["a2,3 b4 at 3"]),
    ("c then 2+ a until r", "c a r a", &[]),
    ("a then optional b | overlap all", "a b", &["a1 at 0", "a1 b2 at 1"]),
    ("2 (a then b)", "a a b b a b", &["a1,5 b3,6 at 5"]),
    ("2 consecutive (a then b)", "a b d a b a b", &["a4,6 b5,7 at 6"]),
    ("2 2 a", "a a a a", &["a1,2,3,4 at 3"]),
];

const ABSENCES: &[Example] = &[
    ("a then not x then b", "a x b", &[]),
    ("a then not x then b", "a d b x", &["a1 b3 at 2"]),
    // Strictly between: what is taken as the next step is not between.
    ("a then not b then b", "a b", &["a1 b2 at 1"]),
    ("a next not b then b", "a b b", &[]),
    ("a next not b then b", "a d b", &["a1 b3 at 2"]),
    ("a then not x for 2s", "a d", &["a1 at 2"]),
    ("a then not x for 2s", "a x@2", &[]),
    ("a then not x for 2s", "a x@2.5", &["a1 at 2"]),
    ("a then not x for 2s", "x@1 a@1", &["a2 at 3"]),
    ("a then not x for 2s then b", "a b@1 b@3", &["a1 b3 at 3"]),
    // The span ends only when event time is beyond it.
    ("a then not x for 2s then b", "a b@2 d@3 b@4", &["a1 b4 at 4"]),
    ("a then not x for 2s next b", "a d b@3", &["a1 b3 at 3"]),
    ("a then not x for 2s then within 1s b", "a b@3", &["a1 b2 at 3"]),
    ("a then not x for 2s then within 1s b", "a b@3.5", &[]),
    ("a then not x for 1s then not r for 1s", "a r@1 d@5", &["a1 at 2"]),
    ("a then not x for 1s then not r for 1s", "a r@2", &[]),
    ("a then not x within 3s", "a d", &["a1 at 3"]),
    ("a then b then not x within 3s", "a b@1 x@3", &[]),
    // The limit binds only events taken.
    ("a then b then not x for 2s within 2s", "a b@2", &["a1 b2 at 4"]),
    // Every b begins the span anew, and the end of a span leaves the loop.
    ("a then 1+ b then not x for 2s then c", "a b@1 b@2 d@4 x@4 b@5 c@6", &[]),
    ("a then 1+ b then not x for 2s then c", "a b@1 b@2 b@5 c@6", &["a1 b2,3 c5 at 6"]),
    ("a then 1+ b then not x for 2s", "a b@1 x@2 b@3", &["a1 b2,4 at 5"]),
    ("a then b then not x for 1s then not r for 2s within 1500ms", "a b@1", &["a1 b2 at 4"]),
    ("a then not x then optional b then c", "a x c", &[]),
    ("a then not x then optional b then c", "a b x c", &["a1 b2 c4 at 3"]),
    // A span stands for itself: an earlier `not` has no part in it.
    ("a then not x then optional b then not r for 2s", "a x@1", &["a1 at 2"]),
];

const GROUPS: &[Example] = &[
    ("(a or b) then c", "b c", &["b1 c2 at 1"]),
    ("(a then b or ac then c)", "a c b", &["a1 b3 at 2"]),
    ("(a and b)", "b d a", &["a3 b1 at 2"]),
    ("(ab and a)", "a a", &["a2 ab1 at 1"]),
    // A branch is taken whole before the next begins.
    ("(a then b and c)", "a c b c", &["a1 b3 c4 at 3"]),
    ("d next (a and b)", "d a c b", &["a2 b4 d1 at 3"]),
    // The limit binds what is taken in the group, not the end of an absence in it.
    ("(a then b then not x for 1s then optional c within 1500ms) then d", "a b@1 d@3", &["a1 b2 d3 at 3"]),
    ("(a then b within 1s) then c", "a@0 b@1 c@9", &["a1 b2 c3 at 9"]),
    ("d then (a then b within 1s)", "d@0 a@5 b@6", &["a2 b3 d1 at 6"]),
    ("2 (a then b within 1s)", "a@0 b@1 a@5 b@7", &[]),
    ("2+ (a then b) then c", "a b a c", &[]),
];

const POLICIES: &[Example] = &[
    ("a then b then c | overlap resume at first b", "a b b c c", &["a1 b2 c4 at 3"]),
    (
        "1+ a | overlap resume at last a",
        "a a a",
        &["a1 at 0", "a1,2 at 1", "a2 at 1", "a2,3 at 2", "a3 at 2"],
    ),
    // No event is in two matches, also not the run that begins with the last event of one.
    ("a then ab", "a a a", &["a1 ab2 at 1"]),
    ("a then not x for 2s", "a a@1", &["a1 at 2", "a2 at 3"]),
    // Longest first, and the policy after each report.
    ("a then any optional b then c | overlap per start", "a b c", &["a1 b2 c3 at 2"]),
    ("a then any optional b then c | overlap all", "a b c", &["a1 b2 c3 at 2", "a1 c3 at 2"]),
    // One after the other for what is decided at the same time, each by its first event.
    ("a then 0+ ab then not x for 2s | overlap per start", "a a@1 x@4", &["a1 ab2 at 3", "a2 at 3"]),
    ("a then b within 2s | on timeout", "a a@1 d@2", &["timeout a1 at 2", "timeout a2 at 3"]),
    ("a then b then c within 2s | on timeout after b", "a b a@5", &["timeout a1 b2 at 2"]),
    // An event of the same time is still in time.
    ("a then b within 2s | on timeout", "a d@2 b@2", &["a1 b3 at 2"]),
    // What dies does not time out, and neither does what was reported.
    ("a next b within 2s | on timeout", "a d", &[]),
    ("1+ a within 2s | on timeout", "a", &["a1 at 0"]),
    // The last moment of any step counts.
    ("a then optional b then c within 5s | on timeout", "a", &["timeout a1 at 5"]),
    ("a then within 1s optional b then c within 5s | on timeout", "a b@2", &["timeout a1 at 5"]),
    // Behind an absence as well: once c can no longer come in time, it is too late.
    ("a then 1+ b then not x for 3s then c within 5s | on timeout", "a b@4 d@9", &["timeout a1 b2 at 5"]),
    ("a then 1+ b then not x for 3s within 5s | on timeout", "a b@4 d@9", &["a1 b2 at 7"]),
    // A step whose time is over keeps nothing alive: these die, one by the x and one by the d.
    ("a then optional b then not x for 2s within 1s | on timeout", "a x@2", &[]),
    ("2+ consecutive a then within 1s b | on timeout", "a a@1 d@4", &[]),
    ("a then within 1s b | on timeout", "a b@2", &["timeout a1 at 1"]),
];

const CAPTURES: &[Example] = &[
    ("a then b ; b: v > a.v", "a=5 b=5 b=6", &["a1 b3 at 2"]),
    ("optional a then b ; b: v > a.v", "b=6 a=5 b=6", &["a2 b3 at 2"]),
    // A loop sees what the run has taken before the event.
    ("2+ a ; a: count(a) == 0 or v > last(a).v", "a=5 a=4 a=6", &["a1,3 at 2"]),
    ("c then 0+ a then b ; a: sum(a.v) + v < 10", "c a=6 a=4 a=3 b", &["a2,4 b5 c1 at 4"]),
    // In a repeated group a bare field is that of the same repetition; the others see the whole run.
    ("2 (a then b) ; b: v > a.v", "a=9 b=10 a=1 b=2", &["a1,3 b2,4 at 3"]),
    ("2 (a then b) ; b: v > first(a).v", "a=9 b=10 a=1 b=2 b=11", &["a1,3 b2,5 at 4"]),
    ("2 (a then b) ; b: count(b) == 0", "a b a b", &[]),
    // What a `not` and an `until` look for depends on what the run holds.
    ("a then not x then b ; x: v > a.v", "a=5 x=5 b", &["a1 b3 at 2"]),
    ("a then not x then b ; x: v > a.v", "a=5 x=6 b", &[]),
    ("1+ a until r then b ; r: v > last(a).v", "a=5 r=5 a=6 r=7 a=9 b", &["a1,3 b6 at 5"]),
];

/// The rule file of an example.
fn rule(text: &str) -> String {
    let (text, more) = text.split_once(" ; ").unwrap_or((text, ""));
    let (limited, condition) = more.split_once(": ").unwrap_or(("", ""));
    let (pattern, clause) = text.split_once(" | ").unwrap_or((text, ""));
    let clause = match clause {
        "on timeout" => "overlap all\n  on timeout alert info \"t\"".to_string(),
        clause if clause.starts_with("on timeout") => format!("overlap all\n  {clause} alert info \"t\""),
        clause => clause.to_string(),
    };
    let definition = |name: &str| {
        let letters: Vec<String> = name.chars().map(|letter| format!("\"{letter}\"")).collect();
        let more = if name == limited { format!(" and ({condition})") } else { String::new() };
        format!("  event {name} = s where t in ({}){more}\n", letters.join(", "))
    };
    let words = pattern.split(|c: char| !c.is_ascii_alphanumeric());
    let mut names: Vec<&str> =
        words.filter(|w| w.chars().all(|c| "abcdxr".contains(c)) && !w.is_empty()).collect();
    names.sort_unstable();
    names.dedup();
    let definitions: String = names.into_iter().map(definition).collect();
    format!(
        "{}\nrule r {{\n  by k\n{definitions}  match {pattern}\n  alert info \"m\"\n  {clause}\n}}\n",
        super::pattern::stream(false)
    )
}

fn events(text: &str) -> Vec<Event> {
    let mut at = -1000;
    let mut event = |(number, word): (usize, &str)| {
        let (word, time) = word.split_once('@').unwrap_or((word, ""));
        let (letter, value) = word.split_once('=').unwrap_or((word, "0"));
        let v = Some(value.parse().expect("a value is a whole number"));
        at = if time.is_empty() { at + 1000 } else { millis(time) };
        Event { id: number as i64 + 1, k: "k".to_string(), t: letter.to_string(), v, at }
    };
    text.split(' ').enumerate().map(&mut event).collect()
}

fn millis(seconds: &str) -> i64 {
    (seconds.parse::<f64>().expect("a time is a number of seconds") * 1000.0) as i64
}

fn show(report: &Report) -> String {
    let mut text = if report.kind == Kind::Timeout { "timeout ".to_string() } else { String::new() };
    for (variable, ids) in &report.events {
        let ids: Vec<String> = ids.iter().map(i64::to_string).collect();
        text += &format!("{variable}{} ", ids.join(","));
    }
    text + &format!("at {}", report.decided as f64 / 1000.0)
}

/// Compares what each example reports with what it should.
fn check(reports: impl Fn(&str, &[Event]) -> Vec<Report>) {
    let mut wrong = String::new();
    for (pattern, stream, expected) in [LINKS, COUNTS, ABSENCES, GROUPS, POLICIES, CAPTURES].concat() {
        let text = rule(pattern);
        let reports: Vec<String> = reports(&text, &events(stream)).iter().map(show).collect();
        if reports != expected {
            wrong +=
                &format!("match {pattern}\n  of {stream}\n  reports {reports:?}\n  not     {expected:?}\n");
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn the_reference_matcher_says_what_the_text_says() {
    check(|text, events| naive::reports(&tree(text), events).expect("the examples are small"));
}

#[test]
fn the_engine_says_what_the_text_says() {
    check(|text, events| {
        let program = engine::compile_text(text).unwrap_or_else(|why| panic!("{text}\n{why}"));
        engine::alerts(&program, events).iter().map(engine::report).collect()
    });
}
