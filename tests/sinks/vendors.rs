//! Slack, Microsoft Teams and PagerDuty: receivers that refuse what the vendors would refuse.

use std::io::Write;

use crate::harness::{Folder, Service, TCP, event};
use crate::receiver::Request;
use crate::strict::{Answer, Strict, misfits};

/// Alerts with what receivers stumble over.
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
  alert critical "<!channel> {card} spent {big.amount} & *more* [x](https://evil.example.com)" {
    id     = big.id
    amount = big.amount
  }
  tags fraud, cards
  runbook "https://wiki.example.com/cards?a=1&b=2"
  to desk
}
"#;

const QUICK: &str = "backoff = \"1ms\"\nmax_backoff = \"5ms\"\n";
const ROUTING_KEY: &str = "0123456789abcdef0123456789abcdef";

/// Why a request is none that any vendor takes.
fn is_post_of_json(request: &Request, path: &str) -> Result<(), String> {
    let line = request.head.lines().next().unwrap_or_default();
    if line != format!("POST {path} HTTP/1.1") {
        return Err(format!("not what was expected: {line}"));
    }
    match request.header("content-type") {
        Some("application/json" | "application/json; charset=utf-8") => Ok(()),
        other => Err(format!("the type is {other:?}")),
    }
}

fn checked(schema: &str, request: &Request, path: &str, most: usize) -> Result<(), String> {
    is_post_of_json(request, path)?;
    let size = request.body.to_string().len();
    if size > most {
        return Err(format!("{size} bytes"));
    }
    match &misfits(schema, &request.body)[..] {
        [] => Ok(()),
        misfits => Err(misfits.join("; ")),
    }
}

/// A service with a sink for `desk` and the answers to alerts of these events, until one is a success.
fn play(sink: &str, files: &[(&str, &str)], receiver: &Strict, tries: usize) -> Vec<(Request, Answer)> {
    let folder = Folder::new();
    for (name, content) in files {
        folder.write(name, content);
    }
    let mut service = Service::start_in(folder, RULES, &format!("{TCP}[sinks.desk]\n{sink}\n{QUICK}"));
    let mut client = service.connect("auth");
    client.write_all(event("e1", 120.5).as_bytes()).expect("sent");
    let seen = (0..tries).map(|_| receiver.next()).collect();
    drop(client);
    let ended = service.stop();
    assert_eq!(ended.total("sink", "desk")["delivered"], 1, "{}", ended.log());
    for (_, secret) in files {
        assert!(!ended.log().contains(secret.trim()), "a secret is in the log");
    }
    seen
}

#[test]
fn slack_takes_what_goes_to_an_incoming_webhook() {
    const SCHEMA: &str = include_str!("schemas/slack.json");
    let mut before = 0;
    let slack = Strict::start(move |request| {
        before += 1;
        match (before, checked(SCHEMA, request, "/services/T0/B0/secret", 100_000)) {
            (1, _) => ("429 Too Many Requests", "retry-after: 0\r\n", "rate_limited".into()),
            (_, Ok(())) if request.body["channel"].is_null() => ("200 OK", "", "ok".into()),
            (_, why) => ("400 Bad Request", "", format!("invalid_blocks: {why:?}")),
        }
    });
    let url = format!("http://{}/services/T0/B0/secret", slack.address);
    let seen = play("type = \"slack\"\nurl_file = \"url\"", &[("url", &url)], &slack, 2);
    assert_eq!(seen[1].1.0, "200 OK", "{:?}", seen[1]);
    let text = seen[1].0.body.to_string();
    assert!(text.contains("&lt;!channel&gt;") && !text.contains("<!channel"), "{text}");
    assert!(text.contains("<https://wiki.example.com/cards?a=1&amp;b=2|Runbook>"), "{text}");
}

#[test]
fn slack_takes_what_a_bot_posts_and_tells_failures_in_the_body() {
    const SCHEMA: &str = include_str!("schemas/slack.json");
    let mut before = 0;
    let slack = Strict::start(move |request| {
        before += 1;
        let answer = match checked(SCHEMA, request, "/api/chat.postMessage", 100_000) {
            _ if request.header("authorization") != Some("Bearer xoxb-secret-7") => "invalid_auth",
            _ if request.body["channel"] != "C042" => "channel_not_found",
            _ if before == 1 => "not_in_channel",
            Ok(()) => return ("200 OK", "", r#"{"ok":true,"channel":"C042","ts":"1.2"}"#.into()),
            Err(why) => panic!("invalid_blocks: {why}"),
        };
        ("200 OK", "", format!(r#"{{"ok":false,"error":"{answer}"}}"#))
    });
    let sink = format!(
        "type = \"slack\"\ntoken_file = \"token\"\nchannel = \"C042\"\napi_url = \"http://{}/api/chat.postMessage\"",
        slack.address
    );
    let seen = play(&sink, &[("token", "xoxb-secret-7\n")], &slack, 2);
    assert!(seen[0].1.2.contains("not_in_channel") && seen[1].1.2.contains("\"ok\":true"), "{seen:?}");
}

#[test]
fn teams_takes_the_card() {
    const SCHEMA: &str = include_str!("schemas/teams.json");
    let teams = Strict::start(|request| match checked(SCHEMA, request, "/workflows/x?sig=secret", 28_000) {
        Ok(()) => ("202 Accepted", "", String::new()),
        Err(why) => ("400 Bad Request", "", why),
    });
    let url = format!("http://{}/workflows/x?sig=secret", teams.address);
    let seen = play("type = \"teams\"\nurl_file = \"url\"", &[("url", &url)], &teams, 1);
    assert_eq!(seen[0].1.0, "202 Accepted", "{:?}", seen[0]);
    assert!(seen[0].0.body.to_string().contains("https://wiki.example.com/cards?a=1&b=2"));
}

/// PagerDuty: it takes what is published that it takes.
pub fn pagerduty() -> Strict {
    const SCHEMA: &str = include_str!("schemas/pagerduty.json");
    Strict::start(|request| match checked(SCHEMA, request, "/v2/enqueue", 512 << 10) {
        Ok(()) => {
            let key = &request.body["dedup_key"];
            let answer = format!(r#"{{"status":"success","message":"Event processed","dedup_key":{key}}}"#);
            ("202 Accepted", "", answer)
        }
        Err(why) => ("400 Bad Request", "", format!(r#"{{"status":"invalid event","errors":["{why}"]}}"#)),
    })
}

#[test]
fn pagerduty_takes_the_event() {
    let pagerduty = pagerduty();
    let sink = format!(
        "type = \"pagerduty\"\nrouting_key_file = \"key\"\nurl = \"http://{}/v2/enqueue\"\nsource = \"fraud\"",
        pagerduty.address
    );
    let seen = play(&sink, &[("key", ROUTING_KEY)], &pagerduty, 1);
    assert_eq!(seen[0].1.0, "202 Accepted", "{:?}", seen[0]);
    let event = &seen[0].0.body;
    assert_eq!(
        (&event["event_action"], &event["payload"]["severity"]),
        (&"trigger".into(), &"critical".into())
    );
    assert_eq!(event["routing_key"], ROUTING_KEY);
    assert_eq!(event["payload"]["custom_details"]["events"]["big"][0]["id"], "e1");
    assert_eq!(event["links"][0]["href"], "https://wiki.example.com/cards?a=1&b=2");
}
