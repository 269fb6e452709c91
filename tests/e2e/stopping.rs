//! The end of the service: asked for, or because its input has ended.

use std::io::Write;

use crate::harness::{Folder, RULES, Service, TCP, event, text};
use crate::receiver::{Answer, Receiver};

#[test]
fn what_was_received_is_delivered_before_the_service_stops() {
    let receiver = Receiver::start([]);
    let mut service = Service::start(RULES, &format!("{TCP}{}", receiver.sink("desk", "")));
    let mut client = service.connect("auth");
    client.write_all(event("first", 500.0).as_bytes()).expect("sent");
    assert_eq!(receiver.next().event(), "first");
    let mut lines: String = (0..500).map(|number| event(number, 500.0)).collect();
    lines.push_str("{\"id\":\"half");
    client.write_all(lines.as_bytes()).expect("sent");
    let ended = service.stop();
    assert!(ended.status.success(), "{}", ended.log());
    for number in 0..500 {
        assert_eq!(receiver.next().event(), number.to_string());
    }
    assert_eq!(ended.total("sink", "desk")["delivered"], 501);
    assert_eq!(ended.lines("in the middle of a record")[0]["bytes"], 11);
    assert_eq!(ended.total("source", "auth")["rejected"], 0, "half a line might have become an event");
}

#[test]
fn what_is_not_delivered_in_time_is_named() {
    let receiver = Receiver::start([Answer::Hang]);
    let config = format!("shutdown_timeout = \"50ms\"\n{TCP}{}", receiver.sink("desk", "timeout = \"1h\""));
    let mut service = Service::start(RULES, &config);
    let mut client = service.connect("auth");
    client.write_all(format!("{}{}", event(1, 500.0), event(2, 500.0)).as_bytes()).expect("sent");
    let stuck = receiver.next();
    let ended = service.stop();
    assert_eq!(ended.status.code(), Some(1), "{}", ended.log());
    let named = ended.lines("not delivered");
    assert_eq!(named.len(), 2, "{}", ended.log());
    assert_eq!(named[0]["alert"].as_str(), Some(stuck.id()));
    assert_eq!(ended.total("sink", "desk")["undelivered"], 2);
}

#[test]
fn a_second_signal_stops_at_once() {
    let receiver = Receiver::start([Answer::Hang]);
    let config = format!("shutdown_timeout = \"1d\"\n{TCP}{}", receiver.sink("desk", "timeout = \"1h\""));
    let mut service = Service::start(RULES, &config);
    service.connect("auth").write_all(event(1, 500.0).as_bytes()).expect("sent");
    receiver.next();
    service.signal("INT");
    service.wait_for("asked to stop", |line| line["signal"] == "SIGINT");
    service.signal("TERM");
    let ended = service.end();
    assert_eq!(ended.status.code(), Some(1));
    assert_eq!(ended.lines("stopping at once").len(), 1);
}

#[test]
fn at_the_end_of_standard_input_the_service_finishes_and_stops() {
    let folder = Folder::new();
    folder.write("rules/a.trip", RULES.replace("to desk", "to out, kept"));
    let config = "rules = \"rules\"\n[sources.pipe]\ntype = \"stdin\"\nstream = \"auth\"\n\
                  [sinks.out]\ntype = \"stdout\"\n[sinks.kept]\ntype = \"file\"\npath = \"alerts.jsonl\"\n";
    folder.write("tripline.toml", config);
    // Half a line that a crash has left.
    folder.write("alerts.jsonl", "{\"id\":");
    let input: String = (0..300).map(|number| event(number, 500.0)).collect();
    let run = folder.run_with(&["run"], format!("{input}\n{}", event("last", 500.0).trim_end()).as_bytes());
    assert_eq!(run.status.code(), Some(0), "{}", text(&run.stderr));
    let alerts: Vec<serde_json::Value> =
        text(&run.stdout).lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(alerts.len(), 301);
    assert_eq!((&alerts[7]["fields"]["id"], &alerts[300]["fields"]["id"]), (&"7".into(), &"last".into()));
    assert_eq!(folder.read("alerts.jsonl"), format!("{{\"id\":\n{}", text(&run.stdout)));
}

/// What has not happened yet when a live service stops may still happen.
#[test]
fn an_absence_that_is_not_certain_is_not_reported_at_the_end() {
    let folder = Folder::new();
    folder.write(
        "rules/a.trip",
        r#"
stream orders time at idle 1d { id string, status string, at timestamp(s) }
rule unpaid {
  by id
  event placed = orders where status == "placed"
  event paid   = orders where status == "paid"
  match placed then not paid for 1h
  alert low "{id} is not paid" {}
  to out
}
"#,
    );
    let config = "rules = \"rules\"\n[sources.pipe]\ntype = \"stdin\"\nstream = \"orders\"\n\
                  [sinks.out]\ntype = \"stdout\"\n";
    folder.write("tripline.toml", config);
    let order = |id, at| format!("{{\"id\":\"{id}\",\"status\":\"placed\",\"at\":{at}}}\n");
    let input = format!("{}{}{}", order("certain", 0), order("open", 3_000), order("newest", 3_700));
    let run = folder.run_with(&["run"], input.as_bytes());
    assert_eq!(run.status.code(), Some(0), "{}", text(&run.stderr));
    assert_eq!(text(&run.stdout).lines().count(), 1, "{}", text(&run.stdout));
    assert!(text(&run.stdout).contains("certain is not paid"));
}
