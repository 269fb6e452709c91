//! Topics are read: values, keys, headers, times; what is no event; where reading goes on.

use std::time::Instant;

use rdkafka::Message as _;
use serde_json::Value;

use crate::broker::Broker;
use crate::client::{Sent, committed, header, make_topic, read_until, send};
use crate::harness::{Folder, PATIENCE, Service};

/// A stream that reads everything a message has, and a rule that reports each event.
pub const RULES: &str = r#"
stream auth {
  id      int
  card    string   from "_kafka.key"
  at      timestamp from "_kafka.timestamp"
  trace   string?  from "_kafka.headers.trace"
  offset  int      from "_kafka.offset"
}

rule all {
  by card
  event e = auth
  match e
  alert low "{card} at {e.at}" { id = e.id, trace = e.trace, offset = e.offset }
  to out
}
"#;

pub fn config(broker: &Broker, topic: &str, more: &str) -> String {
    let address = broker.address();
    format!(
        "[state]\npath = \"state\"\ncheckpoint = \"100ms\"\n\
         [sinks.out]\ntype = \"file\"\npath = \"alerts.jsonl\"\n\
         [sources.auth]\ntype = \"kafka\"\nstream = \"auth\"\nbrokers = [\"{address}\"]\ntopics = [\"{topic}\"]\n\
         group = \"{topic}\"\n{more}\n"
    )
}

/// The alerts in the file, once there are so many.
pub fn alerts(folder: &Folder, many: usize) -> Vec<Value> {
    read(folder, many, |line| Some(serde_json::from_str(line).expect("an alert")))
}

/// The same of a service that was killed, perhaps in the midst of a line, which it left at half and began another after.
pub fn alerts_of_killed(folder: &Folder, many: usize) -> Vec<Value> {
    read(folder, many, |line| match serde_json::from_str(line) {
        Err(error) if error.is_eof() => None,
        read => Some(read.expect("an alert")),
    })
}

fn read(folder: &Folder, many: usize, alert: impl Fn(&str) -> Option<Value>) -> Vec<Value> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let text = std::fs::read_to_string(folder.path().join("alerts.jsonl")).unwrap_or_default();
        let ended = text.split_inclusive('\n').filter_map(|line| line.strip_suffix('\n'));
        let read: Vec<Value> = ended.filter_map(&alert).collect();
        if read.len() >= many {
            return read;
        }
        assert!(Instant::now() < deadline, "{} of {many} alerts have come", read.len());
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
}

fn message(id: i64, card: &str) -> Sent {
    Sent {
        partition: (id % 2) as i32,
        key: Some(card.into()),
        value: Some(format!("{{\"id\":{id}}}").into_bytes()),
        headers: vec![("trace".into(), format!("t{id}").into_bytes())],
        timestamp: Some(1_700_000_000_000 + id),
    }
}

/// The ids of the events that were reported, in order.
pub fn ids(alerts: &[Value]) -> Vec<i64> {
    let mut ids: Vec<i64> =
        alerts.iter().map(|alert| alert["fields"]["id"].as_i64().expect("an id")).collect();
    ids.sort_unstable();
    ids
}

#[test]
fn messages_become_events_with_their_keys_headers_and_times() {
    let broker = Broker::shared();
    make_topic(&broker, "reading", 2, &[]);
    let messages: Vec<Sent> = (0..10).map(|id| message(id, "c1")).collect();
    send(&broker, "reading", &messages);
    let service = Service::start(RULES, &config(&broker, "reading", ""));
    let alerts = alerts(&service.folder, 10);
    let mut seen: Vec<(i64, String, i64)> = alerts
        .iter()
        .map(|alert| {
            let fields = &alert["fields"];
            let trace = fields["trace"].as_str().expect("a header").to_owned();
            (fields["id"].as_i64().expect("an id"), trace, fields["offset"].as_i64().expect("an offset"))
        })
        .collect();
    seen.sort();
    let expected: Vec<_> = (0..10).map(|id| (id, format!("t{id}"), id / 2)).collect();
    assert_eq!(seen, expected);
    let first = alerts.iter().find(|alert| alert["fields"]["id"] == 3).expect("it has come");
    assert_eq!(first["title"], "c1 at 2023-11-14T22:13:20.003Z");
    assert_eq!(first["events"]["e"][0]["_kafka"]["key"], "c1", "the evidence shows what was read");
    let ended = service.stop();
    assert!(ended.status.success(), "{}", ended.log());
    assert_eq!(committed(&broker, "reading", "reading", 2), [(0, 5), (1, 5)].into());
}

#[test]
fn what_is_no_event_stops_nothing_and_goes_where_it_can_be_looked_at() {
    let broker = Broker::shared();
    make_topic(&broker, "undecodable", 1, &[]);
    make_topic(&broker, "undecodable.dead", 1, &[]);
    let bad: [&[u8]; 4] = [b"{\"id\":", b"\xff\xfe\x00", b"", b"{\"id\":\"x\"}"];
    let mut messages = vec![message(0, "c1")];
    for value in bad {
        messages.push(Sent { value: Some(value.to_vec()), ..message(100, "bad") });
    }
    messages.push(Sent { value: None, ..message(102, "c1") });
    messages.push(message(2, "c2"));
    send(&broker, "undecodable", &messages);
    let more = "dead_letter_topic = \"undecodable.dead\"\n[quarantine]\nfile = \"quarantine.jsonl\"";
    let service = Service::start(RULES, &config(&broker, "undecodable", more));
    assert_eq!(ids(&alerts(&service.folder, 2)), [0, 2]);
    let dead = read_until(&broker, "undecodable.dead", |read| read.len() == bad.len());
    for (message, value) in dead.iter().zip(bad) {
        assert_eq!((message.payload(), message.key()), (Some(value), Some(&b"bad"[..])), "as it came");
    }
    let said = |name: &str| header(&dead[1], name).unwrap_or_else(|| panic!("no header {name}"));
    assert_eq!((said("trace"), said("tripline.reason")), ("t100".into(), "syntax".into()));
    assert_eq!((said("tripline.topic"), said("tripline.offset")), ("undecodable".into(), "2".into()));
    assert_eq!(header(&dead[3], "tripline.reason").as_deref(), Some("wrong_type"));
    let ended = service.stop();
    let total = ended.total("source", "auth");
    assert_eq!((&total["events"], &total["rejected"]), (&2.into(), &4.into()), "{}", ended.log());
    assert_eq!(committed(&broker, "undecodable", "undecodable", 1), [(0, 7)].into());
}

#[test]
fn a_tombstone_can_be_an_event() {
    let broker = Broker::shared();
    make_topic(&broker, "tombstones", 1, &[]);
    send(&broker, "tombstones", &[message(0, "c1"), Sent { value: None, ..message(2, "c2") }]);
    let rules = r#"
        stream auth { id int?, card string from "_kafka.key", gone bool from "_kafka.tombstone" }
        rule gone {
          by card
          event e = auth where gone
          match e
          alert low "{card}" { id = e.id }
          to out
        }
    "#;
    let service = Service::start(rules, &config(&broker, "tombstones", "tombstones = \"event\""));
    let alerts = alerts(&service.folder, 1);
    assert_eq!((&alerts[0]["title"], &alerts[0]["fields"]["id"]), (&"c2".into(), &Value::Null));
    service.stop();
}

#[test]
fn a_partition_of_which_nothing_is_known_begins_as_configured() {
    let broker = Broker::shared();
    make_topic(&broker, "beginning", 1, &[]);
    send(&broker, "beginning", &(0..6).step_by(2).map(|id| message(id, "c1")).collect::<Vec<_>>());
    for (start, group, expected) in [
        ("latest", "from-latest", vec![10]),
        ("2023-11-14T22:13:20.002Z", "from-time", vec![2, 4, 10, 12]),
        ("earliest", "from-earliest", vec![0, 2, 4, 10, 12, 14]),
    ] {
        let more = format!("start = \"{start}\"").replace("group = \"beginning\"", "");
        let config = config(&broker, "beginning", &more)
            .replace("group = \"beginning\"", &format!("group = \"{group}\""));
        let mut service = Service::start(RULES, &config);
        service.wait_for("partitions are ours", |_| true);
        // Of what comes now all see what they have to.
        if start == "latest" {
            // Where the partition begins is settled before it is told.
            service.wait_for("reading begins", |line| line["offset"] == 3);
        }
        let next = *expected.last().expect("there is one");
        send(&broker, "beginning", &[message(next, "c1")]);
        assert_eq!(ids(&alerts(&service.folder, expected.len())), expected, "{start}");
        service.stop();
    }
    let refused = config(&broker, "beginning", "start = \"stored\"")
        .replace("group = \"beginning\"", "group = \"none\"");
    let mut service = Service::start(RULES, &refused);
    service.wait_for("the partition is not read", |line| line["topic"] == "beginning");
    service.stop();
}

#[test]
fn topics_are_found_by_a_pattern() {
    let broker = Broker::shared();
    for topic in ["found.a", "found.b", "unfound.c"] {
        make_topic(&broker, topic, 1, &[]);
    }
    let pattern = "properties = { \"topic.metadata.refresh.interval.ms\" = 500 }";
    let config = config(&broker, "x", pattern).replace("topics = [\"x\"]", "topic_pattern = 'found\\..*'");
    let service = Service::start(RULES, &config);
    for (id, topic) in [(0, "found.a"), (2, "unfound.c"), (4, "found.b")] {
        send(&broker, topic, &[message(id, "c1")]);
    }
    assert_eq!(ids(&alerts(&service.folder, 2)), [0, 4]);
    make_topic(&broker, "found.later", 1, &[]);
    send(&broker, "found.later", &[message(6, "c1")]);
    assert_eq!(ids(&alerts(&service.folder, 3)), [0, 4, 6]);
    service.stop();
}
