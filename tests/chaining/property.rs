//! A rule that reads the alerts of another finds what it would find in a recording of them.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::Value as Json;
use tripline::alert::{Alert, AlertKind, AsEvent};

use super::harness::{Bench, Given, STREAMS, compile, record};

/// Rules whose alerts are read. Each has an alert field `n`.
const FIRST: [&str; 5] = [
    "event a = s where n == 1  match a  alert low \"x\" { n = a.n }",
    "event a = s where n == 1  event b = s where n == 2  match a then b within 3s  overlap all
     alert low \"x\" { n = b.n }  on timeout alert low \"late\" { n = a.n + 10 }",
    "event a = s where n <= 1  match a then not s for 2s  alert low \"x\" { n = a.n }",
    "match 2+ s within 2s  overlap per start  alert low \"x\" { n = count(s) }",
    "event a = s where n == 2  match s as first then any 1..2 any a within 4s  overlap all
     alert low \"x\" { n = sum(a.n), second = last(a).n }",
];

/// Rules that read them, beside the events themselves.
const SECOND: [&str; 6] = [
    "match 2 alerts as a within 5s  alert low \"{last(a).n}\"",
    "event late = alerts where kind == \"timeout\" or n > 2
     match alerts as a then not late for 2s  overlap all  alert low \"{a.n}\"",
    "event b = s where n == 0  match alerts as a then b within 3s  overlap all
     alert low \"{a.n}\"  on timeout alert low \"late {a.n}\"",
    "event b = s where n == 0  match b then alerts as a within 3s  overlap per start
     alert low \"{b.n}\"  on timeout alert low \"late\"",
    "match (s as e or alerts as a) next alerts as b within 2s  overlap all  alert low \"{a.n} {b.n}\"",
    "event same = alerts where n == first(a).n  match 1+ lazy alerts as a then same then not s for 1s
     alert low \"{count(a)}\"",
];

/// What a rule reports, as JSON without what names events and rules.
fn reports(alerts: &[Alert]) -> Vec<Json> {
    let mut found: Vec<Json> =
        alerts.iter().map(|alert| serde_json::to_value(alert).expect("an alert is JSON")).collect();
    for alert in &mut found {
        for name in ["id", "fingerprint"] {
            alert[name].take();
        }
    }
    found
}

/// Runs a rule set over the records of several streams, stopping the engine after each if `restarts`.
fn run(text: &str, records: &BTreeMap<&str, Vec<String>>, restarts: bool) -> Vec<Alert> {
    let mut bench = Bench::new(&compile(text));
    for stream in records.keys() {
        bench.open(stream);
    }
    for (stream, records) in records {
        for (offset, record) in (0..).zip(records) {
            bench.push(stream, offset, record);
            if restarts {
                bench.restart();
            }
        }
    }
    bench.engine.finish();
    bench.engine.take_alerts()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn a_chain_finds_what_its_second_rule_finds_in_a_recording(
        first in prop::sample::select(&FIRST[..]),
        second in prop::sample::select(&SECOND[..]),
        events in prop::collection::vec((0_i64..4, any::<bool>(), 0_i64..4), 0..25),
    ) {
        let mut now = 0;
        let events: Vec<Given> = events
            .into_iter()
            .map(|(step, is_x, n)| {
                now += step * 500;
                ("s", now, if is_x { "x" } else { "y" }, n)
            })
            .collect();
        let mut records = BTreeMap::from([("s", events.iter().map(record).collect::<Vec<_>>())]);
        let first = format!("rule first {{ by k {first} }}");
        let second = format!("rule second {{ by k {second} }}");

        let text = format!("{STREAMS} {first} stream alerts from first {second}");
        let chain = run(&text, &records, false);
        let json = |alerts: &[Alert]| -> Vec<Json> {
            alerts.iter().map(|alert| serde_json::to_value(alert).expect("an alert is JSON")).collect()
        };
        prop_assert_eq!(json(&chain), json(&run(&text, &records, true)));
        let (of_first, of_second): (Vec<Alert>, Vec<Alert>) =
            chain.into_iter().partition(|alert| &*alert.rule == "first");
        let alone = run(&format!("{STREAMS} {first}"), &records, false);
        prop_assert_eq!(reports(&of_first), reports(&alone));

        // `s` sorts before the name of the recording, as it does before any stream of alerts.
        let recorded = alone.iter().filter(|alert| alert.kind != AlertKind::Limit);
        let recorded = recorded.map(|alert| serde_json::to_string(&AsEvent(alert)).expect("JSON")).collect();
        records.insert("z_alerts", recorded);
        let stream = "stream z_alerts time time { kind string, k string, n int?, time timestamp }";
        let text = format!("{STREAMS} {stream} {}", second.replace("alerts", "z_alerts"));
        prop_assert_eq!(reports(&of_second), reports(&run(&text, &records, false)));
    }
}
