//! What an event costs when a rule looks at the past: the engine alone. The window is filled first; then
//! each event enters it and pushes one out.

use crate::inside::{Job, Values};
use crate::results::{Row, Unit};
use crate::suite::Suite;
use crate::table::grouped;

const GROUP: &str = "history";

/// Events in the windows: one comes each millisecond.
const WINDOWS: [u64; 2] = [1_000, 1_000_000];

/// What is measured; `{}` stands for the window. None of them ever holds.
const CONDITIONS: [&str; 10] = [
    "count(s) over {} < 0",
    "count(s where ok) over {} < 0",
    "sum(s.amount) over {} < -1_000_000_000.0",
    "avg(s.amount) over previous {} < -1_000_000_000.0",
    "stddev(s.amount) over {} < 0",
    "min(s.amount) over {} < -1_000_000_000.0",
    "max(s.items) over {} < -1",
    "sum(s.items) over {} < -1",
    "count_distinct(s.merchant) over {} < 0",
    "count(s where merchant == this.merchant) over previous {} < 0",
];

/// Measures each aggregate with each window.
pub fn run(suite: &mut Suite) {
    let bare = "no look at the past";
    measure(suite, bare, "amount < -1_000_000_000.0", 0);
    for condition in CONDITIONS {
        let name = condition.split(" over").next().expect("every condition has a window");
        for window in WINDOWS {
            let case = format!("{name}, {} events", grouped(window));
            measure(suite, &case, &condition.replace("{}", &format!("{window}ms")), window);
        }
    }
}

fn measure(suite: &mut Suite, case: &str, condition: &str, window: u64) {
    if !suite.wants(GROUP, case) {
        return;
    }
    let rules =
        format!("rule r {{\n by key\n event a = s where {condition}\n match a\n alert low \"never\"\n}}\n");
    let job = Job {
        rules,
        values: Values::Spread(1_000_000_000),
        fill: window,
        events: suite.options.scaled(200_000),
        enough_s: 3.0,
    };
    match suite.inside(&job) {
        Some(outcome) => suite.push(Row::new(GROUP, case, outcome.nanos, Unit::NanosAnEvent)),
        None => eprintln!("{GROUP}: {case} was stopped: it takes too long"),
    }
}
