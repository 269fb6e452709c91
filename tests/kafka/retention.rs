//! Kafka throws messages away before they were read: that is said, and what is left is read.

use crate::broker::Broker;
use crate::client::{Sent, delete_records, make_topic, send};
use crate::groups::RULES;
use crate::harness::Service;
use crate::reading::alerts;

fn events(from: i64, to: i64) -> Vec<Sent> {
    let event = |id: i64| Sent { key: Some("c".into()), ..Sent::new(0, format!("{{\"id\":{id}}}")) };
    (from..to).map(event).collect()
}

fn overtake(topic: &str, state: &str) {
    let broker = Broker::shared();
    make_topic(&broker, topic, 1, &[]);
    let config = format!(
        "[state]\npath = \"state\"\ncheckpoint = \"100ms\"\n{state}\
         [sinks.out]\ntype = \"file\"\npath = \"alerts.jsonl\"\n\
         [sources.auth]\ntype = \"kafka\"\nstream = \"auth\"\nbrokers = [\"{}\"]\ntopics = [\"{topic}\"]\n\
         group = \"{topic}\"\n",
        broker.address()
    );
    let mut service = Service::start(RULES, &config);
    service.wait_for("reading begins", |_| true);
    send(&broker, topic, &events(0, 10));
    alerts(&service.folder, 10);
    // While it cannot read: a part may be on its way to it already, the rest is gone.
    service.signal("STOP");
    send(&broker, topic, &events(10, 20));
    send(&broker, topic, &events(20, 1_000));
    delete_records(&broker, topic, (0, 990));
    service.signal("CONT");
    service.wait_for("are gone", |_| true);
    send(&broker, topic, &events(1_000, 1_010));
    let is_last = |alert: &serde_json::Value| alert["fields"]["id"] == 1_009;
    let mut seen = alerts(&service.folder, 30);
    while !seen.iter().any(is_last) {
        seen = alerts(&service.folder, seen.len() + 1);
    }
    let mut ids: Vec<i64> = seen.iter().filter_map(|alert| alert["fields"]["id"].as_i64()).collect();
    ids.retain(|id| *id >= 990);
    assert_eq!(ids, (990..1_010).collect::<Vec<_>>(), "what is left, once and in its order");
    let ended = service.stop();
    assert!(ended.status.success(), "{}", ended.log());
}

#[test]
fn a_reader_that_is_overtaken_goes_on_with_what_is_left() {
    overtake("hasty", "");
}

#[test]
fn so_does_one_whose_state_moves() {
    overtake("hastier", "topic = \"hastier-state\"\npartitioned_by = [\"card\"]\n");
}
