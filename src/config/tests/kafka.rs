//! The keys of what has to do with Kafka.

use std::time::Duration;

use insta::assert_snapshot;

use crate::config::{SourceKind, parse};
use crate::kafka::{Mechanism, Sasl};
use crate::source::kafka::{Settings, Start, Tombstones, Topics};

use super::{folder, misfits_of, shown};

fn source(keys: &str) -> Settings {
    let folder = folder();
    let text = format!(
        "rules = \"rules\"\n[sources.a]\ntype = \"kafka\"\nstream = \"cards\"\nbrokers = [\"a:1\", \"b:2\"]\n{keys}"
    );
    let loaded = parse("tripline.toml", &text, folder.path());
    let config = loaded.config.unwrap_or_else(|| panic!("{:?}", loaded.diagnostics));
    match config.sources.into_iter().next().map(|source| source.kind) {
        Some(SourceKind::Kafka(settings)) => *settings,
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_is_not_said_has_its_default() {
    let settings = source("topics = [\"t\"]");
    assert_eq!(settings.client.brokers, ["a:1", "b:2"]);
    assert!(settings.client.tls.is_none() && settings.client.sasl.is_none());
    assert_eq!(settings.topics, Topics::Named(vec!["t".into()]));
    assert_eq!((&*settings.group, settings.instance), ("tripline", None));
    assert_eq!((settings.start, settings.tombstones), (Start::Earliest, Tombstones::Skip));
    assert_eq!(settings.session_timeout, Duration::from_secs(45));
}

#[test]
fn everything_can_be_said() {
    let settings = source(
        "topic_pattern = 'a\\..*'\ngroup = \"g\"\ninstance = \"i\"\nstart = \"2026-01-01T00:00:00Z\"\ntls = true\n\
         sasl = \"scram-sha-256\"\nusername = \"u\"\npassword_env = \"P\"\ntombstones = \"event\"\n\
         properties = { \"fetch.min.bytes\" = 10, \"check.crcs\" = true }\ndead_letter_topic = \"d\"",
    );
    assert_eq!(settings.topics, Topics::Pattern("a\\..*".into()));
    assert!(matches!(settings.start, Start::At(_)));
    assert!(settings.client.tls.is_some());
    let Some(Sasl::Password { mechanism, username, .. }) = settings.client.sasl else {
        panic!("there is one")
    };
    assert_eq!((mechanism, &*username), (Mechanism::ScramSha256, "u"));
    let properties: Vec<_> = settings.client.properties.into_iter().collect();
    let expected = [("check.crcs", "true"), ("fetch.min.bytes", "10")];
    assert_eq!(properties, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
    assert_eq!(settings.dead_letters.as_deref(), Some("d"));
}

case!(
    what_is_wrong_with_kafka,
    shown,
    "rules = \"rules\"

[sources.a]
type = \"kafka\"
stream = \"cards\"
brokers = [\"kafka\"]
topics = [\"a b\"]
topic_pattern = \"(\"
start = \"earlyest\"
framing = \"lines\"
properties = { \"enable.auto.commit\" = true, \"linger.ms\" = 1.5 }

[sources.b]
type = \"kafka\"
stream = \"cards\"
brokers = []
sasl = \"plain\"
username = \"u\"
token_url = \"https://id.example.com\"
tls_ca = \"ca.pem\"

[sources.c]
type = \"kafka\"
stream = \"cards\"
brokers = [\"kafka:9092\"]
topics = [\"a b\"]
sasl = \"oauthbearer\"
token_url = \"id.example.com\"
instance = \"x\"
instance_env = \"X\"
codec = \"csv\"
"
);

#[test]
fn what_a_message_does_not_have_is_a_misfit() {
    let text = "rules = \"rules\"\n[sources.a]\ntype = \"kafka\"\nstream = \"s\"\nbrokers = [\"a:1\"]\ntopics = [\"t\"]\n";
    let rules = "stream s { id int, key string from \"_kafka.keys\" }\nrule r {\n event e = s\n match e\n alert low \"x\"\n}";
    let shown = misfits_of(rules, text);
    assert!(shown.contains("the field `key` reads `_kafka.keys`"), "{shown}");
}

#[test]
fn rules_that_need_events_of_several_partitions_cannot_move() {
    let text = "rules = \"rules\"\n[state]\npath = \"s\"\ntopic = \"states\"\npartitioned_by = [\"card\"]\n\
                [sources.a]\ntype = \"kafka\"\nstream = \"s\"\nbrokers = [\"a:1\"]\ntopics = [\"t\"]\n";
    let rule = |name: &str, by: &str| {
        format!("rule {name} {{\n {by}\n event e = s\n match e\n alert low \"x\"\n}}\n")
    };
    let rules = |rules: &[String]| format!("stream s {{ card string, shop string }}\n{}", rules.concat());
    let right = [rule("one", "by card"), rule("two", "by shop, card")];
    assert!(!misfits_of(&rules(&right), text).contains("E0612"));
    let wrong = [rule("shops", "by shop"), rule("all", "")];
    let shown = misfits_of(&rules(&wrong), text);
    assert!(shown.contains("`all` and `shops` cannot be told for each `card` by itself"), "{shown}");
}

#[test]
fn transactions_need_state_in_the_same_cluster() {
    let sink = "[sinks.k]\ntype = \"kafka\"\nbrokers = [\"b:1\"]\ntopic = \"alerts\"\ntransactions = true\n";
    let source = "[sources.a]\ntype = \"kafka\"\nstream = \"s\"\nbrokers = [\"a:1\"]\ntopics = [\"t\"]\n";
    let rules = "stream s { card string }\nrule r {\n by card\n event e = s\n match e\n alert low \"x\"\n}\n";
    let shown = misfits_of(rules, &format!("rules = \"rules\"\n[state]\npath = \"s\"\n{source}{sink}"));
    assert!(shown.contains("`k` cannot take part in transactions: there is no `state.topic`"), "{shown}");
    let state = "[state]\npath = \"s\"\ntopic = \"states\"\npartitioned_by = [\"card\"]\n";
    let shown = misfits_of(rules, &format!("rules = \"rules\"\n{state}{source}{sink}"));
    assert!(shown.contains("its `brokers` are not those of the source"), "{shown}");
}

#[test]
fn state_can_move_with_the_partitions_of_one_topic() {
    let folder = folder();
    let text = "rules = \"rules\"\n[state]\npath = \"s\"\ntopic = \"states\"\npartitioned_by = [\"card\"]\n\
                [sources.a]\ntype = \"kafka\"\nstream = \"cards\"\nbrokers = [\"a:1\"]\ntopics = [\"t\"]\ngroup = \"g\"\ninstance = \"i\"\n\
                [sinks.k]\ntype = \"kafka\"\nbrokers = [\"a:1\"]\ntopic = \"alerts\"\ntransactions = true\n";
    let loaded = parse("tripline.toml", text, folder.path());
    let config = loaded.config.unwrap_or_else(|| panic!("{:?}", loaded.diagnostics));
    let moving = config.state.and_then(|state| state.moving).expect("it moves");
    assert_eq!(moving.partitioned_by.iter().map(|field| &*field.value).collect::<Vec<_>>(), ["card"]);
    let crate::moving::Settings { client, topic, group, instance } = moving.settings;
    assert_eq!((client.brokers, &*topic, &*group), (vec!["a:1".to_owned()], "states", "g"));
    assert_eq!(instance.as_deref(), Some("i"), "who has a name keeps it in transactions too");
}

case!(
    state_that_cannot_move,
    shown,
    "rules = \"rules\"
[state]
path = \"s\"
topic = \"states\"
partitioned_by = [\"card\"]
memory = \"1GiB\"
[sources.a]
type = \"kafka\"
stream = \"cards\"
brokers = [\"a:1\"]
topics = [\"t\", \"u\"]
"
);

case!(
    state_that_moves_by_nothing,
    shown,
    "rules = \"rules\"
[state]
path = \"s\"
topic = \"states\"
[sources.a]
type = \"kafka\"
stream = \"cards\"
brokers = [\"a:1\"]
topics = [\"t\"]
"
);
