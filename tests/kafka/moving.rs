//! State that moves with the partitions: whichever instance reads an event, and whatever happens to the others, readers
//! of what is committed see exactly the alerts that one undisturbed service would have sent.

use std::collections::BTreeMap;
use std::process::Stdio;

use rdkafka::message::OwnedMessage;

use crate::broker::Broker;
use crate::client::{committed, header, make_topic, read_until, send};
use crate::crashes::{CARDS, PARTITIONS, RULES, end, round, undisturbed};
use crate::harness::{Folder, Service};

/// The rules, with a record of what was decided beside the notification.
pub fn rules() -> String {
    RULES.replace("to out", "to out, record")
}

pub fn config(broker: &Broker, topic: &str) -> String {
    let address = broker.address();
    format!(
        "[state]\npath = \"state\"\ncheckpoint = \"100ms\"\ntopic = \"{topic}-state\"\npartitioned_by = [\"card\"]\n\
         [sinks.out]\ntype = \"file\"\npath = \"alerts.jsonl\"\n\
         [sinks.record]\ntype = \"kafka\"\nbrokers = [\"{address}\"]\ntopic = \"{topic}-alerts\"\ntransactions = true\n\
         [sources.auth]\ntype = \"kafka\"\nstream = \"auth\"\nbrokers = [\"{address}\"]\ntopics = [\"{topic}\"]\n\
         group = \"{topic}\"\nsession_timeout = \"6s\"\n"
    )
}

pub fn start(broker: &Broker, topic: &str) -> Service {
    Service::start(&rules(), &config(broker, topic))
}

fn make_topics(broker: &Broker, topic: &str) {
    make_topic(broker, topic, PARTITIONS, &[]);
    make_topic(broker, &format!("{topic}-alerts"), 2, &[]);
}

/// Reads what is committed until there are so many alerts, and gives the id of each with how often it came.
pub fn recorded(broker: &Broker, topic: &str, many: usize) -> BTreeMap<String, usize> {
    recorded_in(broker, &format!("{topic}-alerts"), many)
}

/// The same of a topic with that name.
pub fn recorded_in(broker: &Broker, topic: &str, many: usize) -> BTreeMap<String, usize> {
    let id = |message: &OwnedMessage| header(message, "tripline.id").expect("an id");
    let read = read_until(broker, topic, |read| read.len() >= many);
    let mut ids = BTreeMap::new();
    read.iter().for_each(|message| *ids.entry(id(message)).or_default() += 1);
    ids
}

#[test]
fn matches_go_on_where_their_partition_goes() {
    let broker = Broker::shared();
    make_topics(&broker, "roaming");
    let rounds = 12;
    let many = (CARDS * rounds / 3) as usize;
    let mut first = start(&broker, "roaming");
    first.wait_for("reading begins", |_| true);
    send(&broker, "roaming", &round(0));
    send(&broker, "roaming", &round(1));
    // Another one comes in the middle of every match, and events go on.
    let mut second = start(&broker, "roaming");
    second.wait_for("reading begins", |_| true);
    for number in 2..5 {
        send(&broker, "roaming", &round(number));
    }
    // It is killed, and everything goes back.
    second.signal("KILL");
    second.end();
    for number in 5..7 {
        send(&broker, "roaming", &round(number));
    }
    // A third one with nothing of its own takes over from the first, which takes its leave.
    let mut third = start(&broker, "roaming");
    third.wait_for("reading begins", |_| true);
    send(&broker, "roaming", &round(7));
    let ended = first.stop();
    assert!(ended.status.success(), "{}", ended.log());
    for number in 8..rounds {
        send(&broker, "roaming", &round(number));
    }
    send(&broker, "roaming", &end());
    let recorded = recorded(&broker, "roaming", many);
    let ended = third.stop();
    assert!(ended.status.success(), "{}", ended.log());
    assert_eq!(recorded, undisturbed(&broker, "roaming", many), "each alert exactly once");
    let total: i64 = committed(&broker, "roaming", "roaming", PARTITIONS).values().sum();
    assert_eq!(total, CARDS * rounds + i64::from(PARTITIONS), "the group knows that all was read");
}

#[test]
fn who_is_killed_again_and_again_says_everything_once() {
    let broker = Broker::shared();
    make_topics(&broker, "undead");
    let rounds = 12;
    let many = (CARDS * rounds / 3) as usize;
    let mut service = start(&broker, "undead");
    for number in 0..rounds {
        send(&broker, "undead", &round(number));
        // Wherever it is with that, and with what came before; sometimes nothing is left of what it had.
        if number % 3 == 1 {
            service.signal("KILL");
            service.end();
            let folder = std::mem::replace(&mut service.folder, Folder::new());
            service = match number % 2 {
                0 => start(&broker, "undead"),
                _ => Service::launch(folder, Stdio::null()),
            };
        }
    }
    send(&broker, "undead", &end());
    let recorded = recorded(&broker, "undead", many);
    let ended = service.stop();
    assert!(ended.status.success(), "{}", ended.log());
    assert_eq!(recorded, undisturbed(&broker, "undead", many), "each alert exactly once");
}

#[test]
fn a_broker_that_is_killed_has_everything_once() {
    let mut broker = Broker::start();
    make_topics(&broker, "fragile");
    let rounds = 9;
    let many = (CARDS * rounds / 3) as usize;
    let service = start(&broker, "fragile");
    for number in 0..rounds {
        send(&broker, "fragile", &round(number));
        // In the middle of a transaction, or behind one of which nothing is heard any more.
        if number % 3 == 1 {
            broker.kill();
            broker.resume();
        }
    }
    send(&broker, "fragile", &end());
    let recorded = recorded(&broker, "fragile", many);
    let ended = service.stop();
    assert!(ended.status.success(), "{}", ended.log());
    assert_eq!(recorded, undisturbed(&broker, "fragile", many), "each alert exactly once");
}

#[test]
fn who_was_silent_for_too_long_writes_nothing_of_what_is_others_now() {
    let broker = Broker::shared();
    make_topics(&broker, "silent");
    let rounds = 12;
    let many = (CARDS * rounds / 3) as usize;
    // There is room for little, so that everything is full as soon as nothing can be stored.
    let config = config(&broker, "silent") + "[limits]\nqueue = 2\nbatch_events = 4\n";
    let mut first = Service::start(&rules(), &config);
    first.wait_for("reading begins", |_| true);
    send(&broker, "silent", &round(0));
    send(&broker, "silent", &round(1));
    let mut second = Service::start(&rules(), &config);
    second.wait_for("reading begins", |_| true);
    for number in 2..5 {
        send(&broker, "silent", &round(number));
    }
    // Wherever the first is with that, the second gets all of it.
    first.signal("STOP");
    for number in 5..8 {
        send(&broker, "silent", &round(number));
    }
    for partition in 0..PARTITIONS {
        second.wait_for("reading begins", |line| line["partition"] == partition);
    }
    first.signal("CONT");
    for number in 8..rounds {
        send(&broker, "silent", &round(number));
    }
    send(&broker, "silent", &end());
    let recorded = recorded(&broker, "silent", many);
    first.wait_for("partitions are another instance's already", |_| true);
    for service in [first, second] {
        let ended = service.stop();
        assert!(ended.status.success(), "{}", ended.log());
    }
    assert_eq!(recorded, undisturbed(&broker, "silent", many), "each alert exactly once");
}
