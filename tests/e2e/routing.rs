//! Groups, silences, acknowledgements and kills, with the real binary and its commands.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::net::TcpStream;
use std::process::Stdio;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::harness::{Folder, PATIENCE, RULES, Service, TCP, event, text};

/// `kept` has everything by itself, `desk` what is put together, `phone` what nobody has acknowledged.
const CONFIG: &str = r#"
[state]
path = "state"
[sinks.kept]
type = "file"
path = "kept.jsonl"
[sinks.desk]
type = "file"
path = "desk.jsonl"
[sinks.phone]
type = "file"
path = "phone.jsonl"
[[routes]]
name = "all"
sinks = ["kept"]
continue = true
[[routes]]
name = "desk"
sinks = ["desk"]
group_by = ["rule"]
group_wait = "GROUP_WAIT"
group_interval = "1s"
escalate = { after = "ESCALATE", to = ["phone"] }
"#;

fn config(group_wait: &str, escalate: &str) -> String {
    format!("{TCP}{}", CONFIG.replace("GROUP_WAIT", group_wait).replace("ESCALATE", escalate))
}

/// The alerts or notifications that a sink has got, once they are as many as wanted.
fn got(folder: &Folder, sink: &str, wanted: impl Fn(&[Value]) -> bool) -> Vec<Value> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let lines = std::fs::read_to_string(folder.path().join(format!("{sink}.jsonl"))).unwrap_or_default();
        // The last line may be on its way.
        let whole = lines.rfind('\n').map_or("", |end| &lines[..end]);
        let found: Vec<Value> = whole.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
        if wanted(&found) {
            return found;
        }
        assert!(Instant::now() < deadline, "{sink} has {found:#?}");
        thread::sleep(Duration::from_millis(20));
    }
}

fn send(stream: &mut TcpStream, ids: std::ops::Range<u32>) {
    for id in ids {
        stream.write_all(event(id, 500.0).as_bytes()).expect("it is taken");
    }
}

/// What the events of all notifications are called. A line may have been written and not reported when the process was
/// killed: then it is there again, with its id.
fn told(notifications: &[Value]) -> Vec<&str> {
    let once: BTreeMap<&str, &Value> =
        notifications.iter().map(|one| (one["id"].as_str().expect("an id"), one)).collect();
    let alerts = once.into_values().flat_map(|one| one["alerts"].as_array().expect("a list"));
    alerts.map(|alert| alert["fields"]["id"].as_str().expect("an id")).collect()
}

#[test]
fn a_silence_over_the_command_line_holds_over_a_kill_until_it_is_ended() {
    let mut service = Service::start(RULES, &config("0s", "1h"));
    let add = "silences add --rule b?g --for 1h --by ana --comment deploy";
    let silence = service.folder.ask(&add.split(' ').collect::<Vec<_>>());
    let id = silence["id"].as_str().expect("an id").to_owned();
    let mut stream = service.connect("auth");
    send(&mut stream, 0..3);
    let silenced = |folder: &Folder, count: usize| {
        let deadline = Instant::now() + PATIENCE;
        let listed =
            || folder.ask(&["alerts", "list", "--reason", "silenced"])["alerts"].as_array().map(Vec::len);
        while listed() != Some(count) {
            assert!(Instant::now() < deadline, "they are not silenced");
        }
    };
    silenced(&service.folder, 3);
    let mut service = service.kill_and_start();
    assert_eq!(service.folder.ask(&["silences", "list"])[0]["id"], id);
    let mut stream = service.connect("auth");
    send(&mut stream, 3..5);
    silenced(&service.folder, 5);
    service.folder.ask(&["silences", "end", &id[..4], "--by", "ana"]);
    assert_eq!(service.folder.ask(&["silences", "list"]), Value::Array(Vec::new()));
    send(&mut stream, 5..6);
    let kept = got(&service.folder, "kept", |found| !found.is_empty());
    assert_eq!((kept.len(), &kept[0]["fields"]["id"]), (1, &Value::from("5")));
    let alert = kept[0]["id"].as_str().expect("an id");
    let shown = service.folder.ask(&["alerts", "show", &alert[..8]]);
    assert_eq!(shown["summary"]["decisions"][0]["decision"], "sent");
}

#[test]
fn an_acknowledgement_stops_an_escalation_and_without_one_it_comes() {
    let mut service = Service::start(RULES, &config("0s", "3s"));
    let mut stream = service.connect("auth");
    send(&mut stream, 0..1);
    let first = got(&service.folder, "desk", |found| !found.is_empty())[0]["alerts"][0]["id"].clone();
    let first = first.as_str().expect("an id");
    assert_eq!(service.folder.ask(&["alerts", "ack", first, "--by", "ana"])["stopped"], 1);
    // The process dies between what was said and what is due.
    let mut service = service.kill_and_start();
    let mut stream = service.connect("auth");
    send(&mut stream, 1..2);
    let phone = got(&service.folder, "phone", |found| !found.is_empty());
    assert_eq!(phone.len(), 1, "only the one that nobody has acknowledged");
    assert_ne!(phone[0]["alerts"][0]["id"], first);
    assert_eq!(phone[0]["group"]["escalated"], "nobody came for 3s");
    let unknown = service.folder.run(&["alerts", "ack", "zz"]);
    assert_eq!(unknown.status.code(), Some(1));
    assert!(text(&unknown.stderr).contains("there is no alert `zz`"), "{}", text(&unknown.stderr));
}

#[test]
fn killed_while_alerts_wait_in_groups_each_is_told_of_once() {
    let mut service = Service::start(RULES, &config("2s", "1h"));
    let mut sent = 0;
    for round in 0..4 {
        let mut stream = service.connect("auth");
        send(&mut stream, sent..sent + 10);
        sent += 10;
        // What is in the sink is in the store; lines may be there twice.
        got(&service.folder, "kept", |found| {
            let ids: BTreeSet<&str> = found.iter().filter_map(|alert| alert["id"].as_str()).collect();
            ids.len() >= sent as usize
        });
        if round < 3 {
            service = service.kill_and_start();
        }
    }
    let desk = got(&service.folder, "desk", |found| told(found).len() >= sent as usize);
    let mut ids = told(&desk);
    ids.sort_by_key(|id| id.parse::<u32>().expect("a number"));
    let expected: Vec<String> = (0..sent).map(|id| id.to_string()).collect();
    assert_eq!(ids, expected);
}

#[test]
fn routes_are_tried_without_a_service() {
    let folder = Folder::new();
    folder.write("rules/test.trip", RULES);
    folder.write("tripline.toml", format!("rules = \"rules\"\n{}", config("30s", "1h")));
    let tried =
        folder.run(&["routes", "test", "--rule", "big", "--key", "card=c", "--at", "2026-01-01T12:00:00Z"]);
    let shown = text(&tried.stdout);
    assert!(tried.status.success(), "{}", text(&tried.stderr));
    let expected = "\
high match of `big`, key card=c
at 2026-01-01T12:00:00Z

no silence is about it (0 hold)
route `all`: yes: to kept; continues
route `desk`: yes: to desk, grouped by rule=big, at 2026-01-01T12:00:30Z

goes to kept, desk
";
    assert_eq!(shown, expected);
    let wrong = folder.run(&["routes", "test", "--rule", "bgi"]);
    assert_eq!(wrong.status.code(), Some(2));
    assert!(text(&wrong.stderr).contains("did you mean `big`?"), "{}", text(&wrong.stderr));
    let none = folder.run(&["silences", "add", "--rule", "big", "--for", "1h"]);
    assert!(text(&none.stderr).contains("no service runs"), "{}", text(&none.stderr));
    folder.write(
        "tripline.toml",
        format!("rules = \"rules\"\n{}", config("30s", "1h").replace("\"phone\"] }", "\"fone\"] }")),
    );
    let checked = folder.run(&["check", "tripline.toml"]);
    let shown = format!("{}{}", text(&checked.stdout), text(&checked.stderr));
    assert!(shown.contains("there is no sink `fone`"), "{shown}");
}

impl Service {
    /// Kills it with -9, and starts another one in its folder.
    fn kill_and_start(mut self) -> Service {
        self.signal("KILL");
        self.end();
        let folder = std::mem::replace(&mut self.folder, Folder::new());
        Service::launch(folder, Stdio::null())
    }
}
