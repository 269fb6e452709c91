//! Alerts go to a topic.

use std::collections::{BTreeMap, BTreeSet};

use rdkafka::Message as _;
use rdkafka::message::OwnedMessage;
use serde_json::Value;

use crate::broker::Broker;
use crate::client::{Sent, header, make_topic, read_until, send};
use crate::harness::Service;

const RULES: &str = r#"
stream auth { id int, card string from "_kafka.key" }

rule each {
  by card
  event e = auth
  match e
  alert high "{card}" { id = e.id }
  to topic
}
"#;

#[test]
fn alerts_go_to_a_topic_by_their_keys() {
    let mut broker = Broker::start();
    make_topic(&broker, "auths", 2, &[]);
    make_topic(&broker, "alerts", 4, &[]);
    let address = broker.address();
    let config = format!(
        "[state]\npath = \"state\"\ncheckpoint = \"100ms\"\n\
         [sinks.topic]\ntype = \"kafka\"\nbrokers = [\"{address}\"]\ntopic = \"alerts\"\ntimeout = \"5s\"\nmax_backoff = \"1s\"\n\
         [sources.auth]\ntype = \"kafka\"\nstream = \"auth\"\nbrokers = [\"{address}\"]\ntopics = [\"auths\"]\n"
    );
    let event = |id: i64| Sent {
        key: Some(format!("c{}", id % 7)),
        ..Sent::new((id % 7 % 2) as i32, format!("{{\"id\":{id}}}"))
    };
    let service = Service::start(RULES, &config);
    send(&broker, "auths", &(0..100).map(event).collect::<Vec<_>>());
    read_until(&broker, "alerts", |read| read.len() >= 50);
    // What is on its way when the broker goes comes when it is back.
    broker.kill();
    broker.resume();
    send(&broker, "auths", &(100..200).map(event).collect::<Vec<_>>());
    // One whose end was not known when its time was up is sent again, with the same id.
    let id = |message: &OwnedMessage| header(message, "tripline.id").expect("an id");
    let read =
        read_until(&broker, "alerts", |read| read.iter().map(id).collect::<BTreeSet<_>>().len() >= 200);
    let mut of_card: BTreeMap<String, Vec<(i32, i64)>> = BTreeMap::new();
    let mut seen = BTreeSet::new();
    for message in read.iter().filter(|message| seen.insert(id(message))) {
        let alert: Value = serde_json::from_slice(message.payload().expect("a value")).expect("an alert");
        assert_eq!(header(message, "tripline.id").as_deref(), alert["id"].as_str());
        assert_eq!(header(message, "tripline.rule").as_deref(), Some("each"));
        let key = String::from_utf8(message.key().expect("a key").to_vec()).expect("text");
        assert_eq!(key, alert["key"]["card"]);
        of_card
            .entry(key)
            .or_default()
            .push((message.partition(), alert["fields"]["id"].as_i64().expect("an id")));
    }
    for (card, alerts) in of_card {
        assert!(alerts.iter().all(|(partition, _)| *partition == alerts[0].0), "{card} is in one partition");
        assert!(alerts.is_sorted(), "{card} is in order: {alerts:?}");
    }
    let ended = service.stop();
    assert!(ended.status.success(), "{}", ended.log());
}
