//! The state of a service that runs, is killed, and goes on elsewhere: partial matches, savepoints, the API.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::time::Instant;

use serde_json::{Value, json};

use crate::harness::{Folder, PATIENCE, Service, TCP, text};

/// A rule that takes several events of a key, by time of arrival.
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
  alert high "{card} was tested" { tries = count(small) }
  to desk
}
"#;

fn config(state: &Path, shards: usize) -> String {
    format!(
        "shards = {shards}\n[state]\npath = \"{}\"\n[api]\nlisten = \"127.0.0.1:0\"\n{TCP}\n\
         [sinks.desk]\ntype = \"file\"\npath = \"alerts.jsonl\"\n",
        state.display()
    )
}

fn event(card: &str, amount: f64) -> String {
    format!("{{\"card\":\"{card}\",\"amount\":{amount}}}\n")
}

/// Runs the binary in a folder; gives its exit code, standard output and standard error.
fn run(folder: &Folder, arguments: &[&str]) -> (i32, String, String) {
    let output = folder.run(arguments);
    let code = output.status.code().expect("it ended by itself");
    (code, text(&output.stdout).to_owned(), text(&output.stderr).to_owned())
}

/// What `tripline state --json` says, once there are so many partial matches.
fn state_with(folder: &Folder, state: &str, total: u64) -> Value {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let (code, out, err) = run(folder, &["state", "--state", state, "--json"]);
        assert_eq!(code, 0, "{err}");
        let view: Value = serde_json::from_str(&out).expect("JSON");
        if view["total"] == total {
            return view;
        }
        assert!(Instant::now() < deadline, "{view:#}");
    }
}

/// What a path of the API answers.
fn get(service: &mut Service, path: &str) -> (u16, Value) {
    let address = service.api();
    let mut stream = TcpStream::connect(address).expect("it listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("a time-out");
    let request = format!("GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).expect("it reads");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("it answers");
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
    (status, serde_json::from_str(body).expect("JSON"))
}

/// The alerts that a service has delivered, once there are so many.
fn alerts(service: &mut Service, count: usize) -> Vec<Value> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let text = std::fs::read_to_string(service.folder.path().join("alerts.jsonl")).unwrap_or_default();
        let found: Vec<Value> = text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
        if found.len() >= count {
            return found;
        }
        assert!(Instant::now() < deadline, "{found:?}");
    }
}

#[test]
fn a_state_is_looked_at_saved_and_gone_on_with_elsewhere() {
    let work = Folder::new();
    let (here, there) = (work.path().join("here"), work.path().join("there"));
    let (state, other) = (here.to_str().expect("text"), there.to_str().expect("text"));
    let mut service = Service::start(RULES, &config(&here, 1));
    let mut client = service.connect("auth");
    let send = |client: &mut TcpStream, events: &[String]| {
        client.write_all(events.concat().as_bytes()).expect("it reads");
    };
    send(&mut client, &[event("c1", 1.0), event("c2", 2.0), event("c1", 3.5)]);

    // Looked at while it runs.
    let view = state_with(&work, state, 3);
    assert_eq!(view["rules"][0]["keys"], json!(2));
    let (code, page, _) = run(&work, &["state", "--state", state, "--key", "card=c1"]);
    let lines: Vec<&str> = page.lines().map(str::trim).collect();
    assert_eq!(
        (code, lines[0].starts_with("2 partial matches for card=c1, event time 20")),
        (0, true),
        "{page}"
    );
    let shown = ["testing  card=c1", "at         2 of 2: big", "waits for  small  then 1 more"];
    assert!(shown.iter().all(|line| lines.contains(line)), "{page}");
    let (code, _, error) = run(&work, &["state", "--state", state, "--rule", "testin"]);
    assert_eq!((code, error.as_str()), (1, "error: there is no rule `testin`; did you mean `testing`?\n"));
    assert_eq!(get(&mut service, "/readyz"), (200, json!({"status": "ok"})));
    // A port that is not of the system's choice can be taken only once.
    assert_eq!(service.seen("\"the API listens\",\"address\"").len(), 1);

    // Saved while it runs: here, and in a file elsewhere.
    let (code, _, error) = run(&work, &["savepoint", "create", "before", "--state", state]);
    assert_eq!((code, error.as_str()), (0, ""));
    let (code, _, error) = run(&work, &["savepoint", "create", "./moved.savepoint", "--state", state]);
    assert_eq!((code, error.as_str()), (0, ""));
    let (_, list) = get(&mut service, "/v1/savepoints");
    let names: Vec<&Value> =
        list["savepoints"].as_array().expect("a list").iter().map(|one| &one["name"]).collect();
    assert_eq!(names, ["before"]);
    let (code, _, error) = run(&work, &["savepoint", "restore", "before", "--state", state, "--force"]);
    assert!(code == 2 && error.contains("a service uses the state; stop it"), "{error}");

    // Something more comes, and the service is killed.
    send(&mut client, &[event("c2", 4.0)]);
    state_with(&work, state, 4);
    service.signal("KILL");
    let config_file = service.folder.path().join("tripline.toml").display().to_string();
    drop(service);

    // Gone on with elsewhere, by more shards: without what came later.
    let (code, inspected, _) = run(&work, &["savepoint", "inspect", "./moved.savepoint", "--json"]);
    let inspected: Value = serde_json::from_str(&inspected).expect("JSON");
    assert_eq!(
        (code, &inspected["rules"][0]["partial_matches"], &inspected["events"]),
        (0, &json!(3), &json!(3))
    );
    let (code, said, error) = run(&work, &["savepoint", "restore", "./moved.savepoint", "--state", other]);
    assert!(code == 0 && said.contains("holds      3 partial matches of 2 keys\n"), "{said}{error}");
    let mut service = Service::start(RULES, &config(&there, 3));
    send(&mut service.connect("auth"), &[event("c1", 500.0), event("c2", 500.0)]);
    let alert = &alerts(&mut service, 1)[0];
    assert_eq!((&alert["key"]["card"], &alert["fields"]["tries"]), (&json!("c1"), &json!(2)));
    let ended = service.stop();
    assert!(ended.status.success(), "{}", ended.log());

    // Gone back to here: what came later is still in the journal.
    let (code, _, error) = run(&work, &["savepoint", "restore", "before", "--state", state]);
    assert!(code == 2 && error.contains("add `--force`"), "{error}");
    let (code, said, error) = run(&work, &["savepoint", "restore", "before", "--state", state, "--force"]);
    assert!(code == 0 && error.starts_with("replaced: the state of 20"), "{error}");
    assert!(said.contains("the next start works through 1 record that came after it\n"), "{said}");
    let mut service = Service::start(RULES, &config(&here, 2));
    state_with(&work, state, 4);
    send(&mut service.connect("auth"), &[event("c2", 500.0)]);
    let alert = &alerts(&mut service, 1)[0];
    assert_eq!((&alert["key"]["card"], &alert["fields"]["tries"]), (&json!("c2"), &json!(2)));
    assert!(service.stop().status.success());
    assert!(!Path::new(&config_file).exists(), "that folder has gone with its service");
}

#[test]
fn a_stopped_service_is_looked_at_by_its_last_checkpoint() {
    let work = Folder::new();
    let state = work.path().join("state");
    let mut service = Service::start(RULES, &config(&state, 2));
    service.connect("auth").write_all(event("c1", 1.0).as_bytes()).expect("it reads");
    let state = state.to_str().expect("text");
    state_with(&work, state, 1);
    let folder = Folder::new();
    folder.write("rules/test.trip", RULES);
    folder.write("tripline.toml", format!("rules = \"rules\"\n{}", config(Path::new(state), 2)));
    assert!(service.stop().status.success());

    let (code, page, error) = run(&folder, &["state"]);
    assert!(code == 0 && page.contains("no service runs; this is its last checkpoint"), "{page}{error}");
    assert!(page.contains("testing  card=c1\n  at         1 of 2: 2+ small, 1 so far\n"), "{page}");
    let (code, page, _) = run(&folder, &["state", "--key", "c2"]);
    assert!(code == 0 && page.starts_with("no partial matches for c2"), "{page}");
    let (code, _, error) = run(&folder, &["state", "--rule", "other"]);
    assert_eq!((code, error.as_str()), (2, "error: there is no rule `other`\n"));
    let (code, _, error) = run(&folder, &["state", "--state", "nowhere"]);
    assert!(code == 2 && error.contains("there is no state in nowhere"), "{error}");
    // Savepoints need no service either.
    let (code, said, _) = run(&folder, &["savepoint", "create", "quiet", "--json"]);
    let saved: Value = serde_json::from_str(&said).expect("JSON");
    assert_eq!((code, &saved["name"]), (0, &json!("quiet")));
    let (_, list, _) = run(&folder, &["savepoint", "list"]);
    assert!(list.lines().count() == 2 && list.contains("quiet"), "{list}");
    let (code, _, error) = run(&folder, &["savepoint", "inspect", "quite"]);
    assert!(code == 2 && error.contains("did you mean `quiet`?"), "{error}");
    // A rule that means something else now: its old version shows what it has begun.
    folder.write("rules/test.trip", RULES.replace("amount < 5", "amount < 4"));
    let (code, page, error) = run(&folder, &["state"]);
    assert!(code == 0 && page.contains("testing (old version)  card=c1"), "{page}{error}");
}
