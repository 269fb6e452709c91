//! What is over closes what was opened: because a rule says so, and because somebody does.

use std::io::Write;
use std::net::TcpStream;

use serde_json::Value;

use crate::alertmanager::Alertmanager;
use crate::harness::{Service, TCP};
use crate::vendors::pagerduty;

/// Whoever has spent much is reported, and no longer so when something was paid back.
const RULES: &str = r#"
stream auth {
  id     string
  card   string
  amount float
}

rule big {
  by card
  event big = auth where amount > 100
  match big
  alert high "{card} spent {big.amount}" { id = big.id }
}

rule big_over {
  by card
  event back = auth where amount < 0
  match back
  alert low "{card} paid {back.amount} back"
  to kept
}
"#;

/// A service that tells the sink `desk` of what begins and what is over.
fn service(desk: &str) -> Service {
    let kept = "[sinks.kept]\ntype = \"file\"\npath = \"kept.jsonl\"\n";
    let state = "[state]\npath = \"state\"\n";
    let route = "[[routes]]\nname = \"pages\"\nmatch = { rules = [\"big\"] }\nsinks = [\"desk\"]\n\
                 resolve = { by = [\"*_over\"] }\n";
    Service::start(RULES, &format!("{TCP}{state}{kept}{desk}\n{route}"))
}

fn send(stream: &mut TcpStream, id: &str, card: &str, amount: f64) {
    let line = format!("{{\"id\":\"{id}\",\"card\":\"{card}\",\"amount\":{amount}}}\n");
    stream.write_all(line.as_bytes()).expect("sent");
}

/// Somebody says that the last alert of the rule is over.
fn resolve_by_hand(service: &Service) {
    let alerts = service.folder.ask(&["alerts", "list", "--rule", "big"]);
    let id = alerts["alerts"][0]["id"].as_str().expect("an id");
    let settled = service.folder.ask(&["alerts", "resolve", &id[..12], "--by", "ana"]);
    assert_eq!(settled["told"], serde_json::json!(["desk"]));
}

#[test]
fn pagerduty_is_told_with_the_key_of_what_it_was_told() {
    let receiver = pagerduty();
    let sink = format!(
        "[sinks.desk]\ntype = \"pagerduty\"\nrouting_key = \"{}\"\nurl = \"http://{}/v2/enqueue\"\n",
        "0123456789abcdef0123456789abcdef", receiver.address
    );
    let mut service = service(&sink);
    let mut stream = service.connect("auth");
    let next = |action: &str| {
        let (request, answer) = receiver.next();
        assert_eq!(answer.0, "202 Accepted", "{answer:?}");
        assert_eq!(request.body["event_action"], action, "{}", request.body);
        request.body["dedup_key"].clone()
    };
    // Of two cards one is paid back.
    send(&mut stream, "1", "c1", 500.0);
    let first = next("trigger");
    send(&mut stream, "2", "c2", 500.0);
    let second = next("trigger");
    assert_ne!(first, second);
    send(&mut stream, "3", "c1", -500.0);
    assert_eq!(next("resolve"), first);
    resolve_by_hand(&service);
    assert_eq!(next("resolve"), second);
    let ended = service.stop();
    assert_eq!(ended.total("sink", "desk")["delivered"], 4, "{}", ended.log());
}

#[test]
fn alertmanager_shows_it_no_more_and_tells_its_own_receiver() {
    let mut alertmanager = Alertmanager::start();
    // What nobody resolves would be shown for an hour.
    let mut service = service(&alertmanager.sink("resolve_after = \"1h\""));
    let mut stream = service.connect("auth");
    for (card, by_hand) in [("c1", false), ("c2", true)] {
        send(&mut stream, "1", card, 500.0);
        let groups = alertmanager.groups(1);
        let shown = &groups[0]["alerts"][0];
        assert_eq!((&shown["labels"]["card"], &shown["status"]["state"]), (&card.into(), &"active".into()));
        told_of(&alertmanager, "firing", card);
        match by_hand {
            true => resolve_by_hand(&service),
            false => send(&mut stream, "2", card, -500.0),
        }
        told_of(&alertmanager, "resolved", card);
        alertmanager.groups(0);
    }
    let ended = service.stop();
    assert_eq!(ended.total("sink", "desk")["delivered"], 4, "{}", ended.log());
}

/// What Alertmanager tells its receiver next.
fn told_of(alertmanager: &Alertmanager, status: &str, card: &str) {
    let (told, _) = alertmanager.desk.next();
    let alerts: Vec<(&Value, &Value)> = told.body["alerts"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|alert| (&alert["status"], &alert["labels"]["card"]))
        .collect();
    assert_eq!(alerts, [(&status.into(), &card.into())], "{}", told.body);
}
