//! A service that begins anew while it runs: with other rules, from its state.

use std::io::Write;
use std::net::TcpStream;
use std::time::Instant;

use serde_json::{Value, json};

use crate::harness::{self, PATIENCE, Service, TCP, tcp_again};
use crate::receiver::{Gate, Receiver};

const RULES: &str = r#"
stream auth {
  card   string
  amount float
}

rule testing {
  by card
  event small = auth where amount < 5
  event big = auth where amount > 100
  match 2+ small then big within 1h
  alert high "{card} was tested"
  to desk
}
"#;

/// A rule that takes no other.
const MORE: &str = r#"
rule huge {
  by card
  event huge = auth where amount > 10000
  match huge
  alert critical "{card} spent {huge.amount}"
  to desk
}
"#;

const SINK: &str = "[sinks.desk]\ntype = \"file\"\npath = \"alerts.jsonl\"\n";

fn send(service: &mut Service, events: &[(&str, f64)]) {
    let lines: String = events
        .iter()
        .map(|(card, amount)| format!("{{\"card\":\"{card}\",\"amount\":{amount}}}\n"))
        .collect();
    let mut client: TcpStream = service.connect("auth");
    client.write_all(lines.as_bytes()).expect("it reads");
}

/// The lines of a file, each a JSON object, once there are so many.
fn lines(service: &Service, name: &str, count: usize) -> Vec<Value> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let text = std::fs::read_to_string(service.folder.path().join(name)).unwrap_or_default();
        let found: Vec<Value> = text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
        if found.len() >= count {
            return found;
        }
        assert!(Instant::now() < deadline, "{found:?}");
    }
}

/// The rules of the alerts that have come, once there are so many.
fn rules_of_alerts(service: &Service, count: usize) -> Vec<String> {
    let alerts = lines(service, "alerts.jsonl", count);
    alerts.iter().map(|alert| alert["rule"].as_str().expect("text").to_owned()).collect()
}

fn partial_matches(service: &Service, wanted: u64) {
    let deadline = Instant::now() + PATIENCE;
    while service.folder.ask(&["state", "--state", "state"])["total"] != wanted {
        assert!(Instant::now() < deadline);
    }
}

#[test]
fn other_rules_take_over_and_what_was_begun_goes_on() {
    let tcp = tcp_again();
    let audit = "[api]\nlisten = \"127.0.0.1:0\"\n[api.audit]\nfile = \"audit.jsonl\"\n";
    let config = format!("[state]\npath = \"state\"\n{audit}{tcp}{SINK}");
    let mut service = Service::start(RULES, &config);
    send(&mut service, &[("c1", 1.0), ("c1", 2.0)]);
    partial_matches(&service, 2);

    // What is wrong is said, and nothing changes.
    service
        .folder
        .write("rules/test.trip", format!("{RULES}{}", MORE.replace("alert critical", "alert loud")));
    service.signal("HUP");
    let line = service.wait_for("does not begin anew", |_| true);
    let error = line["error"].as_str().expect("text");
    assert!(error.starts_with("the rules have 1 error; the service goes on with what it had\n"), "{error}");
    assert!(error.contains("`loud`") && error.contains("test.trip:"), "{error}");

    service.folder.write("rules/test.trip", format!("{RULES}{MORE}"));
    service.signal("HUP");
    let line = service.wait_for("began anew", |_| true);
    assert_eq!(
        (&line["added"], &line["changed"], &line["removed"]),
        (&json!("[\"huge\"]"), &json!("[]"), &json!("[]"))
    );
    partial_matches(&service, 2);
    send(&mut service, &[("c1", 20_000.0)]);
    let mut rules = rules_of_alerts(&service, 2);
    rules.sort();
    assert_eq!(rules, ["huge", "testing"]);

    // What needs a restart is refused.
    service
        .folder
        .write("tripline.toml", format!("rules = \"rules\"\n{}", config.replace("\"state\"", "\"other\"")));
    service.signal("HUP");
    service.wait_for("does not begin anew", |line| {
        line["error"]
            .as_str()
            .is_some_and(|error| error.contains("`state.path` is another now: that needs a restart"))
    });

    // Each of these leaves a record.
    let records = lines(&service, "audit.jsonl", 3);
    let all = |key: &str| records.iter().map(|record| record[key].clone()).collect::<Vec<_>>();
    assert_eq!(all("who"), ["signal"; 3]);
    assert_eq!(all("action"), ["SIGHUP"; 3]);
    assert_eq!(all("outcome"), ["wrong-rules", "done", "wrong-rules"]);
    assert_eq!(records[1]["after"]["added"], json!(["huge"]));
    assert!(records[0]["why"].as_str().is_some_and(|why| why.contains("`loud`")), "{}", records[0]);
    let ended = service.stop();
    assert!(ended.status.success(), "{}", ended.log());
}

#[test]
fn a_service_that_cannot_begin_leaves_its_place_to_the_one_before() {
    let config = format!("[state]\npath = \"state\"\n{TCP}{SINK}");
    let mut service = Service::start(RULES, &config);
    send(&mut service, &[("c1", 1.0)]);
    partial_matches(&service, 1);
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let other = TCP.replace("127.0.0.1:0", &taken.local_addr().expect("an address").to_string());
    let with_other = format!("rules = \"rules\"\n[state]\npath = \"state\"\n{other}{SINK}");
    service.folder.write("tripline.toml", with_other);
    service.signal("HUP");
    service.wait_for("cannot begin anew", |_| true);
    service.wait_for("went on as before", |_| true);
    partial_matches(&service, 1);
    let ended = service.stop();
    assert!(ended.status.success(), "{}", ended.log());
}

/// A service that stops may take its time for it, and may be told to begin anew just before or meanwhile.
#[test]
fn who_is_asked_to_stop_does_not_begin_anew() {
    for signals in [["HUP", "TERM"], ["TERM", "HUP"]] {
        let gate = Gate::default();
        let receiver = Receiver::gated([], gate.clone());
        let config = format!("{TCP}{}", receiver.sink("desk", ""));
        let mut service = Service::start(harness::RULES, &config);
        service.connect("auth").write_all(harness::event(1, 500.0).as_bytes()).expect("it reads");
        assert_eq!(receiver.next().event(), "1");
        for signal in signals {
            service.signal(signal);
            if signal == "TERM" {
                service.wait_for("asked to stop", |_| true);
            }
        }
        // Reads the same files: the service could have done it, too.
        assert!(service.folder.run(&["check", "rules"]).status.success());
        gate.open();
        let ended = service.end();
        assert!(ended.status.success(), "{signals:?}: {}", ended.log());
        assert!(ended.lines("began anew").is_empty(), "{signals:?}: {}", ended.log());
    }
}
