//! The service or the broker is killed at any moment: at the end there are exactly the alerts that there would have
//! been anyway.

use std::collections::BTreeMap;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::broker::Broker;
use crate::client::{Sent, committed, make_topic, send};
use crate::harness::{Folder, PATIENCE, Service};
use crate::reading::{alerts, alerts_of_killed};

/// Each card is used small, small and large: a match takes three events, which come at different moments.
pub const RULES: &str = r#"
stream auth time at late 0s { id int, card string from "_kafka.key", amount int, at timestamp(s) }

rule testing {
  by card
  event small = auth where amount < 10
  event large = auth where amount >= 10
  match small then small as more then large within 1d
  overlap none
  alert high "{card}" { last = large.id }
  to out
}
"#;

pub const CARDS: i64 = 200;
pub const PARTITIONS: i32 = 4;

fn config(broker: &Broker, topic: &str, group: &str) -> String {
    format!(
        "[state]\npath = \"state\"\ncheckpoint = \"100ms\"\n\
         [sinks.out]\ntype = \"file\"\npath = \"alerts.jsonl\"\n\
         [sources.auth]\ntype = \"kafka\"\nstream = \"auth\"\nbrokers = [\"{}\"]\ntopics = [\"{topic}\"]\n\
         group = \"{group}\"\ninstance = \"one\"\nsession_timeout = \"6s\"\n",
        broker.address()
    )
}

/// A round of events of all cards: the first two are small, the third is large.
pub fn round(round: i64) -> Vec<Sent> {
    let event = |card: i64| {
        let (id, amount) = (round * CARDS + card, if round % 3 == 2 { 100 } else { 1 });
        let at = 1_700_000_000 + round;
        let value = format!("{{\"id\":{id},\"amount\":{amount},\"at\":{at}}}");
        Sent { key: Some(format!("c{card}")), ..Sent::new((card % i64::from(PARTITIONS)) as i32, value) }
    };
    (0..CARDS).map(event).collect()
}

/// What moves event time past everything before: later events of others.
pub fn end() -> Vec<Sent> {
    let event = |partition| {
        let value = r#"{"id":0,"amount":1,"at":1700100000}"#;
        Sent { key: Some(format!("end{partition}")), ..Sent::new(partition, value) }
    };
    (0..PARTITIONS).map(event).collect()
}

/// Waits until an undisturbed service has said everything, and gives the ids of its alerts with how often each
/// came: once.
pub fn undisturbed(broker: &Broker, topic: &str, many: usize) -> BTreeMap<String, usize> {
    let group = format!("{topic}-undisturbed");
    let service = Service::start(RULES, &config(broker, topic, &group));
    let ids = ids(&alerts(&service.folder, many));
    service.stop();
    assert!(ids.len() == many && ids.values().all(|times| *times == 1));
    ids
}

fn ids(alerts: &[Value]) -> BTreeMap<String, usize> {
    let mut ids = BTreeMap::new();
    for alert in alerts {
        *ids.entry(alert["id"].as_str().expect("an id").to_owned()).or_default() += 1;
    }
    ids
}

/// Waits until the alerts in the folder, read so, have so many ids.
fn until_complete(
    folder: &Folder,
    many: usize,
    alerts: impl Fn(&Folder, usize) -> Vec<Value>,
) -> BTreeMap<String, usize> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let ids = ids(&alerts(folder, 0));
        if ids.len() >= many {
            return ids;
        }
        assert!(Instant::now() < deadline, "{} of {many} alerts have come", ids.len());
        thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_service_that_is_killed_goes_on_where_it_was() {
    let broker = Broker::shared();
    make_topic(&broker, "killed", PARTITIONS, &[]);
    let rounds = 12;
    let many = (CARDS * rounds / 3) as usize;
    let mut service = Service::start(RULES, &config(&broker, "killed", "killed"));
    for number in 0..rounds {
        send(&broker, "killed", &round(number));
        // Wherever it is with that, and with what came before.
        if number % 2 == 1 {
            service.signal("KILL");
            service.end();
            let folder = std::mem::replace(&mut service.folder, Folder::new());
            service = Service::launch(folder, std::process::Stdio::null());
        }
    }
    send(&broker, "killed", &end());
    let seen = until_complete(&service.folder, many, alerts_of_killed);
    let ended = service.stop();
    assert!(ended.status.success(), "{}", ended.log());
    // An alert can come again whose delivery was not noted; none is missing, and none is another one.
    let expected = undisturbed(&broker, "killed", many);
    assert!(seen.keys().eq(expected.keys()));
    let total: i64 = committed(&broker, "killed", "killed", PARTITIONS).values().sum();
    assert_eq!(total, CARDS * rounds + i64::from(PARTITIONS), "the group knows that all was read");
}

#[test]
fn who_is_replaced_by_one_of_its_name_says_so_and_ends_with_an_error() {
    let broker = Broker::shared();
    make_topic(&broker, "twins", PARTITIONS, &[]);
    let config = config(&broker, "twins", "twins");
    let mut first = Service::start(RULES, &config);
    first.wait_for("reading begins", |_| true);
    let mut second = Service::start(RULES, &config);
    second.wait_for("reading begins", |_| true);
    let failed = first.wait_for("the source cannot go on", |_| true);
    let error = failed["error"].as_str().expect("an error");
    assert!(error.contains("another instance may have the same `instance`"), "{error}");
    let ended = first.end();
    assert_eq!(ended.status.code(), Some(1), "{}", ended.log());
    let ended = second.stop();
    assert!(ended.status.success(), "{}", ended.log());
}

#[test]
fn a_broker_that_is_killed_is_waited_for() {
    let mut broker = Broker::start();
    make_topic(&broker, "orphaned", PARTITIONS, &[]);
    let rounds = 9;
    let many = (CARDS * rounds / 3) as usize;
    let service = Service::start(RULES, &config(&broker, "orphaned", "orphaned"));
    for number in 0..rounds {
        send(&broker, "orphaned", &round(number));
        if number % 3 == 1 {
            broker.kill();
            broker.resume();
        }
    }
    send(&broker, "orphaned", &end());
    let seen = until_complete(&service.folder, many, alerts);
    let ended = service.stop();
    assert!(ended.status.success(), "{}", ended.log());
    assert!(seen.values().all(|times| *times == 1), "the service went on all the time");
    assert_eq!(seen, undisturbed(&broker, "orphaned", many));
}
