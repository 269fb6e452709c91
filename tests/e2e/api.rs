//! The API of a service that wants tokens: how they are made, used and revoked.

use std::process::Command;

use serde_json::{Value, json};

use crate::harness::{Folder, RULES, Service, TCP, text};

/// What `curl` prints, and whether it did what it should.
fn curl(arguments: &[&str]) -> (bool, String) {
    let output =
        Command::new("curl").args(["-sS", "--noproxy", "*"]).args(arguments).output().expect("curl is there");
    (output.status.success(), text(&output.stdout).to_owned() + text(&output.stderr))
}

fn name_and_role(answer: &str) -> (String, String) {
    let said: Value = serde_json::from_str(answer).expect(answer);
    let word = |name: &str| said[name].as_str().unwrap_or_default().to_owned();
    (word("name"), word("role"))
}

#[test]
fn a_token_counts_from_when_it_is_made_until_it_is_revoked() {
    let folder = Folder::new();
    let config = format!(
        "[api]\nlisten = \"127.0.0.1:0\"\ntokens = \"tokens.toml\"\naudit = {{ file = \"audit.jsonl\" }}\n{TCP}[sinks.desk]\ntype = \"stdout\"\n"
    );
    folder.write("rules/test.trip", RULES);
    folder.write("tripline.toml", format!("rules = \"rules\"\n{config}"));
    let refused = folder.run(&["run"]);
    let why = text(&refused.stderr);
    assert!(
        !refused.status.success() && why.contains("tokens.toml") && why.contains("tripline token new"),
        "{why}"
    );

    let made = folder.run(&["token", "new", "--name", "ana", "--role", "admin", "--expires", "90d"]);
    let (token, said) = (text(&made.stdout).trim().to_owned(), text(&made.stderr));
    assert!(token.starts_with("tripline_") && token.len() == 73, "{token}");
    assert!(said.contains("`ana` has the role `admin` until ") && !said.contains(&token), "{said}");
    assert!(!folder.read("tokens.toml").contains(&token[9..]));
    let again = folder.run(&["token", "new", "--name", "ana", "--role", "read"]);
    assert!(text(&again.stderr).contains("there is a token `ana` already"), "{again:?}");

    let mut service = Service::launch(folder, std::process::Stdio::null());
    let me = format!("http://{}/v1/me", service.api());
    let show = |token: &str| curl(&["-H", &format!("Authorization: Bearer {token}"), &me]).1;
    assert_eq!(name_and_role(&show(&token)), ("ana".into(), "admin".into()));
    assert!(curl(&[&me]).1.contains("urn:tripline:problem:unauthorized"));
    assert!(show("tripline_0").contains("urn:tripline:problem:invalid-token"));

    let reader = service.folder.run(&["token", "new", "--name", "grafana", "--role", "read"]);
    let reader = text(&reader.stdout).trim().to_owned();
    assert_eq!(name_and_role(&show(&reader)), ("grafana".into(), "read".into()));
    let list = service.folder.ask(&["token", "list"]);
    let names: Vec<&str> =
        list.as_array().expect("a list").iter().filter_map(|one| one["name"].as_str()).collect();
    assert_eq!(names, ["ana", "grafana"]);
    let wrong = service.folder.run(&["token", "revoke", "grafan"]);
    assert_eq!(wrong.status.code(), Some(2));
    assert!(text(&wrong.stderr).contains("did you mean `grafana`?"), "{wrong:?}");
    assert!(service.folder.run(&["token", "revoke", "grafana"]).status.success());
    assert!(show(&reader).contains("invalid-token"));
    assert_eq!(name_and_role(&show(&token)), ("ana".into(), "admin".into()));
    let audit = service.folder.read("audit.jsonl");
    let named = |line: &str| {
        let record: Value = serde_json::from_str(line).expect("JSON");
        assert_eq!((&record["who"], &record["action"]), (&json!("file"), &json!("tokens")), "{record}");
        ["before", "after"].map(|when| record[when][0]["name"].as_str().map(str::to_owned))
    };
    let changes: Vec<_> = audit.lines().map(named).collect();
    assert_eq!(changes, [[None, Some("grafana".to_owned())], [Some("grafana".to_owned()), None]], "{audit}");
    assert!(service.stop().status.success());
}
