//! Several instances in one group: partitions move while events flow.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::broker::Broker;
use crate::client::{Sent, committed, make_topic, send};
use crate::harness::{PATIENCE, Service};
use crate::reading::alerts;

const PARTITIONS: i32 = 6;

/// Every event is an alert, so that each alert is decided by whoever read its event.
pub const RULES: &str = r#"
stream auth { id int, card string from "_kafka.key" }

rule each {
  by card
  event e = auth
  match e
  alert low "{card}" { id = e.id }
  to out
}
"#;

fn start(broker: &Broker, topic: &str) -> Service {
    let config = format!(
        "[state]\npath = \"state\"\ncheckpoint = \"100ms\"\n\
         [sinks.out]\ntype = \"file\"\npath = \"alerts.jsonl\"\n\
         [sources.auth]\ntype = \"kafka\"\nstream = \"auth\"\nbrokers = [\"{}\"]\ntopics = [\"{topic}\"]\n\
         group = \"{topic}\"\nsession_timeout = \"6s\"\n",
        broker.address()
    );
    Service::start(RULES, &config)
}

fn events(from: i64, to: i64) -> Vec<Sent> {
    let event = |id: i64| {
        let value = format!("{{\"id\":{id}}}");
        Sent { key: Some(format!("c{id}")), ..Sent::new((id % i64::from(PARTITIONS)) as i32, value) }
    };
    (from..to).map(event).collect()
}

/// How often each event was reported by these instances.
fn reported(services: &[&Service]) -> BTreeMap<i64, usize> {
    let mut times = BTreeMap::new();
    for service in services {
        for alert in alerts(&service.folder, 0) {
            *times.entry(alert["fields"]["id"].as_i64().expect("an id")).or_default() += 1;
        }
    }
    times
}

fn until_all(services: &[&Service], many: usize) -> BTreeMap<i64, usize> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let times = reported(services);
        if times.len() >= many {
            return times;
        }
        assert!(Instant::now() < deadline, "{} of {many} have come", times.len());
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn partitions_move_between_instances_and_nothing_is_lost_or_said_twice() {
    let broker = Broker::shared();
    make_topic(&broker, "moving", PARTITIONS, &[]);
    let mut first = start(&broker, "moving");
    first.wait_for("partitions are ours", |_| true);
    send(&broker, "moving", &events(0, 600));
    // The second comes while the first has not read everything.
    let mut second = start(&broker, "moving");
    send(&broker, "moving", &events(600, 1_200));
    second.wait_for("reading begins", |_| true);
    send(&broker, "moving", &events(1_200, 1_800));
    let times = until_all(&[&first, &second], 1_800);
    assert!(times.values().all(|times| *times == 1), "each was said once: {times:?}");
    assert!(!alerts(&second.folder, 0).is_empty(), "the second has had its share");
    // It stops, takes leave, and the first gets everything back.
    let folder = std::mem::replace(&mut second.folder, crate::harness::Folder::new());
    let ended = second.stop();
    assert!(ended.status.success(), "{}", ended.log());
    send(&broker, "moving", &events(1_800, 2_400));
    let deadline = Instant::now() + PATIENCE;
    let times = loop {
        let mut times = reported(&[&first]);
        for alert in alerts(&folder, 0) {
            *times.entry(alert["fields"]["id"].as_i64().expect("an id")).or_default() += 1;
        }
        if times.len() >= 2_400 {
            break times;
        }
        assert!(Instant::now() < deadline, "{} of 2400 have come", times.len());
        std::thread::sleep(Duration::from_millis(20));
    };
    assert!(times.values().all(|times| *times == 1), "each was said once");
    let ended = first.stop();
    assert!(ended.status.success(), "{}", ended.log());
    assert_eq!(committed(&broker, "moving", "moving", PARTITIONS).values().sum::<i64>(), 2_400);
}

#[test]
fn who_is_killed_is_replaced_by_the_other() {
    let broker = Broker::shared();
    make_topic(&broker, "replaced", PARTITIONS, &[]);
    let mut first = start(&broker, "replaced");
    let mut second = start(&broker, "replaced");
    first.wait_for("reading begins", |_| true);
    second.wait_for("reading begins", |_| true);
    send(&broker, "replaced", &events(0, 900));
    first.signal("KILL");
    first.end();
    send(&broker, "replaced", &events(900, 1_800));
    // What it had read and not stored is read again by the other: it may have been said before, never not at all.
    until_all(&[&first, &second], 1_800);
    let ended = second.stop();
    assert!(ended.status.success(), "{}", ended.log());
    assert_eq!(committed(&broker, "replaced", "replaced", PARTITIONS).values().sum::<i64>(), 1_800);
}
