//! What can be wrong with the topics that state which moves needs: it is said, nothing is lost, and the service goes on when
//! it has been put right.

use crate::broker::Broker;
use crate::client::{committed, delete_topic, make_topic, reset, send, set_topic};
use crate::crashes::{CARDS, PARTITIONS, end, round, undisturbed};
use crate::harness::Service;
use crate::moving::{config, recorded, recorded_in, rules, start};
use crate::reading::alerts;

/// Three rounds: one match of each card.
fn send_all(broker: &Broker, topic: &str) {
    (0..3).for_each(|number| send(broker, topic, &round(number)));
    send(broker, topic, &end());
}

#[test]
fn a_topic_whose_states_would_be_thrown_away_is_not_used() {
    let broker = Broker::shared();
    make_topic(&broker, "fleeting", PARTITIONS, &[]);
    make_topic(&broker, "fleeting-alerts", 1, &[]);
    make_topic(&broker, "fleeting-state", PARTITIONS, &[("cleanup.policy", "delete")]);
    let mut service = start(&broker, "fleeting");
    let says = |what: &'static str| {
        move |line: &serde_json::Value| line["error"].as_str().is_some_and(|error| error.contains(what))
    };
    service.wait_for("is not read yet", says("set `cleanup.policy=compact`"));
    send_all(&broker, "fleeting");
    set_topic(&broker, "fleeting-state", ("cleanup.policy", "compact"));
    service.wait_for("reading begins", |_| true);
    let recorded = recorded(&broker, "fleeting", CARDS as usize);
    let ended = service.stop();
    assert!(ended.status.success(), "{}", ended.log());
    assert_eq!(recorded, undisturbed(&broker, "fleeting", CARDS as usize));
}

#[test]
fn an_alert_that_its_topic_does_not_take_is_named_and_waits() {
    let broker = Broker::shared();
    make_topic(&broker, "narrow", PARTITIONS, &[]);
    make_topic(&broker, "narrow-alerts", 2, &[("max.message.bytes", "100")]);
    let mut service = start(&broker, "narrow");
    send_all(&broker, "narrow");
    let stuck = service.wait_for("nothing is taken until the state can be stored", |_| true);
    let error = stuck["error"].as_str().expect("an error");
    assert!(error.starts_with("the topic `narrow-alerts` does not take a record of "), "{error}");
    set_topic(&broker, "narrow-alerts", ("max.message.bytes", "1000000"));
    let recorded = recorded(&broker, "narrow", CARDS as usize);
    let ended = service.stop();
    assert!(ended.status.success(), "{}", ended.log());
    assert_eq!(recorded, undisturbed(&broker, "narrow", CARDS as usize));
}

#[test]
fn a_state_that_is_gone_is_missed_until_the_group_is_set_back() {
    let broker = Broker::shared();
    make_topic(&broker, "gone", PARTITIONS, &[]);
    make_topic(&broker, "gone-alerts", 2, &[]);
    let mut service = start(&broker, "gone");
    service.wait_for("reading begins", |_| true);
    send(&broker, "gone", &round(0));
    send(&broker, "gone", &round(1));
    let all = 2 * CARDS;
    while committed(&broker, "gone", "gone", PARTITIONS).values().sum::<i64>() < all {
        std::thread::yield_now();
    }
    assert!(service.stop().status.success());
    delete_topic(&broker, "gone-state");
    let mut service = Service::start(&rules(), &config(&broker, "gone"));
    let says = |line: &serde_json::Value| {
        line["error"].as_str().is_some_and(|error| error.contains("--reset-offsets"))
    };
    service.wait_for("is not read yet", says);
    service.signal("KILL");
    service.end();
    // From the beginning, as an operator does it for a group that nobody is in.
    let zero = (0..PARTITIONS).map(|partition| (partition, 0)).collect();
    while reset(&broker, "gone", "gone", &zero).is_err() {
        std::thread::yield_now();
    }
    let service = Service::start(&rules(), &config(&broker, "gone"));
    send(&broker, "gone", &round(2));
    send(&broker, "gone", &end());
    let seen = alerts(&service.folder, CARDS as usize);
    assert_eq!(seen.len(), CARDS as usize, "of which each was begun before");
    let ended = service.stop();
    assert!(ended.status.success(), "{}", ended.log());
}

#[test]
fn who_can_store_nothing_gives_up_what_others_can_go_on_with() {
    let broker = Broker::shared();
    make_topic(&broker, "choked", PARTITIONS, &[]);
    make_topic(&broker, "choked-alerts", 1, &[("max.message.bytes", "100")]);
    make_topic(&broker, "choked-others", 1, &[]);
    let config = config(&broker, "choked") + "[limits]\nqueue = 2\nbatch_events = 4\n";
    let mut first = Service::start(&rules(), &config);
    (0..3).for_each(|number| send(&broker, "choked", &round(number)));
    first.wait_for("nothing is taken until the state can be stored", |_| true);
    // There is no room for these, so that who reads has to wait, and all the same hears that another one is there.
    (3..6).for_each(|number| send(&broker, "choked", &round(number)));
    send(&broker, "choked", &end());
    let mut second = Service::start(&rules(), &config.replace("choked-alerts", "choked-others"));
    while first.seen("so long that partitions are given up").is_empty() {
        first.wait_for_next();
    }
    second.wait_for("reading begins", |_| true);
    set_topic(&broker, "choked-alerts", ("max.message.bytes", "1000000"));
    // Each has half of the partitions, and of the cards.
    let many = CARDS as usize;
    let mut all = recorded(&broker, "choked", many);
    for (id, times) in recorded_in(&broker, "choked-others", many) {
        *all.entry(id).or_default() += times;
    }
    for service in [first, second] {
        let ended = service.stop();
        assert!(ended.status.success(), "{}", ended.log());
    }
    assert_eq!(all, undisturbed(&broker, "choked", 2 * many), "each alert exactly once");
}
