//! What people and pages see of a running service over its API: alerts, rules, how it does.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Instant;

use serde_json::{Value, json};

use crate::harness::{PATIENCE, Service, tcp_again};

const RULES: &str = r#"
stream auth {
  card   string
  amount float
}

# Thieves try small amounts first.
rule testing {
  about "Small amounts, then a large one"
  by card
  event small = auth where amount < 5
  event big = auth where amount > 100
  match 2+ small then big within 1h
  alert high "{card} was tested" { spent = big.amount }
  to desk
}

rule huge {
  by card
  event huge = auth where amount > 10000
  match huge
  alert critical "{card} spent {huge.amount}"
  to desk
}
"#;

const CONFIG: &str =
    "[api]\nlisten = \"127.0.0.1:0\"\n[sinks.desk]\ntype = \"file\"\npath = \"alerts.jsonl\"\n";

fn start(state: bool) -> Service {
    let state = if state { "[state]\npath = \"state\"\n" } else { "" };
    let tcp = tcp_again();
    Service::start(RULES, &format!("{state}{CONFIG}{tcp}"))
}

fn send(service: &mut Service, events: &[(&str, f64)]) {
    let lines: String = events
        .iter()
        .map(|(card, amount)| format!("{{\"card\":\"{card}\",\"amount\":{amount}}}\n"))
        .collect();
    service.connect("auth").write_all(lines.as_bytes()).expect("it reads");
}

fn connect(address: SocketAddr, request: &str) -> TcpStream {
    let mut stream = TcpStream::connect(address).expect("it listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("a time-out");
    stream.write_all(request.as_bytes()).expect("it reads");
    stream
}

fn ask(address: SocketAddr, request: &str) -> (u16, Value) {
    let mut answer = String::new();
    connect(address, request).read_to_string(&mut answer).expect("it answers");
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
    (status, serde_json::from_str(body).unwrap_or_else(|error| panic!("{error}: {body}")))
}

fn get(address: SocketAddr, path: &str) -> (u16, Value) {
    ask(address, &format!("GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n"))
}

fn post(address: SocketAddr, path: &str, body: &Value) -> (u16, Value) {
    let body = body.to_string();
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\ncontent-type: application/json"
    );
    ask(address, &format!("{head}\r\ncontent-length: {}\r\n\r\n{body}", body.len()))
}

/// What a path answers once it is as it should be.
fn until(address: SocketAddr, path: &str, is_right: impl Fn(&Value) -> bool) -> Value {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let (status, answer) = get(address, path);
        if status == 200 && is_right(&answer) {
            return answer;
        }
        assert!(Instant::now() < deadline, "{path}: {status} {answer:#}");
    }
}

fn count(of: &'static str, wanted: usize) -> impl Fn(&Value) -> bool {
    move |answer| answer[of].as_array().is_some_and(|list| list.len() == wanted)
}

#[test]
fn alerts_are_found_shown_whole_and_acknowledged_with_a_state_and_without() {
    for state in [true, false] {
        let mut service = start(state);
        let api = service.api();
        send(&mut service, &[("c1", 1.0), ("c1", 2.0), ("c2", 20_000.0), ("c1", 500.0)]);
        let list = until(api, "/v1/alerts", count("alerts", 2));
        assert_eq!(list["next"], Value::Null);
        let rules = |answer: &Value| -> Vec<String> {
            let alerts = answer["alerts"].as_array().expect("a list").iter();
            alerts.map(|alert| alert["rule"].as_str().expect("text").to_owned()).collect()
        };
        assert_eq!(rules(&list), ["testing", "huge"]);
        for (query, expected) in [
            ("rule=huge", vec!["huge"]),
            ("key=card%3Dc1", vec!["testing"]),
            ("key=c2&min_severity=high", vec!["huge"]),
            ("severity=high", vec!["testing"]),
            ("text=WAS%20tested", vec!["testing"]),
            ("status=acknowledged", vec![]),
            ("until=2020-01-01T00:00:00Z", vec![]),
        ] {
            assert_eq!(rules(&get(api, &format!("/v1/alerts?{query}")).1), expected, "{query}");
        }
        let (_, page) = get(api, "/v1/alerts?limit=1");
        let (_, rest) = get(api, &format!("/v1/alerts?limit=1&cursor={}", page["next"]));
        assert_eq!((rules(&page), rules(&rest)), (vec!["testing".to_owned()], vec!["huge".to_owned()]));

        let id = list["alerts"][0]["id"].as_str().expect("an id").to_owned();
        let delivered = |answer: &Value| !state || count("deliveries", 1)(answer);
        let whole = until(api, &format!("/v1/alerts/{}", &id[..8]), delivered);
        assert_eq!((&whole["alert"]["id"], &whole["alert"]["fields"]["spent"]), (&json!(id), &json!(500.0)));
        let captured: Vec<_> = whole["captured"]
            .as_array()
            .expect("a list")
            .iter()
            .map(|event| (event["variable"].as_str(), event["stream"].as_str(), &event["record"]["amount"]))
            .collect();
        let of = |variable, amount: &'static Value| (Some(variable), Some("auth"), amount);
        let amounts: [Value; 3] = [json!(1), json!(2), json!(500)];
        let amounts: &'static [Value; 3] = Box::leak(Box::new(amounts));
        assert_eq!(captured, [of("small", &amounts[0]), of("small", &amounts[1]), of("big", &amounts[2])]);
        let steps: Vec<_> =
            whole["steps"].as_array().expect("a list").iter().map(|step| &step["text"]).collect();
        assert_eq!(steps, ["2+ small", "big"]);
        assert_eq!((&whole["within_seconds"], &whole["rule_is_current"]), (&json!(3600.0), &json!(true)));
        if state {
            assert_eq!(
                (&whole["deliveries"][0]["sink"], &whole["deliveries"][0]["outcome"]),
                (&json!("desk"), &json!("accepted"))
            );
        }

        let (status, _) = post(api, &format!("/v1/alerts/{id}/ack"), &json!({"by": "ana"}));
        assert_eq!(status, 200);
        let list = until(api, "/v1/alerts?status=acknowledged", count("alerts", 1));
        assert_eq!((&list["alerts"][0]["id"], &list["alerts"][0]["status_by"]), (&json!(id), &json!("ana")));
        let shown = if state { service.folder.ask(&["alerts", "show", &id[..8]]) } else { whole };
        assert_eq!(shown["summary"]["decisions"][0]["decision"], "sent");
        assert_eq!(get(api, "/v1/alerts/zz").0, 404);
        let counts = "/v1/alerts/counts?since=2020-01-01T00:00:00Z&until=2120-01-01T00:00:00Z&step=31536000";
        let buckets = get(api, counts).1["buckets"].as_array().expect("a list").clone();
        let sum = |severity: &str| {
            buckets.iter().map(|bucket| bucket[severity].as_u64().expect("a number")).sum::<u64>()
        };
        assert_eq!((buckets.len(), sum("high"), sum("critical"), sum("low")), (101, 1, 1, 0));
        assert!(service.stop().status.success());
    }
}

/// The next event of a stream of these: its name, its id and its data.
fn next_event(lines: &mut impl Iterator<Item = String>) -> (String, u64, Value) {
    let (mut name, mut id, mut data) = (String::new(), 0, Value::Null);
    for line in lines {
        if let Some(text) = line.strip_prefix("event: ") {
            name = text.to_owned();
        } else if let Some(text) = line.strip_prefix("id: ") {
            id = text.parse().expect("a number");
        } else if let Some(text) = line.strip_prefix("data: ") {
            data = serde_json::from_str(text).expect("JSON");
        } else if line.is_empty() && !name.is_empty() {
            return (name, id, data);
        }
    }
    panic!("the stream has ended");
}

#[test]
fn alerts_are_read_as_they_come_and_from_where_a_reader_has_left_off_over_a_renewal_too() {
    let mut service = start(true);
    let api = service.api();
    let open = |headers: &str| {
        let request = format!("GET /v1/alerts/stream?key=c1 HTTP/1.1\r\nhost: {api}\r\n{headers}\r\n");
        BufReader::new(connect(api, &request)).lines().map(|line| line.expect("text"))
    };
    let mut live = open("");
    assert!(live.by_ref().any(|line| line.is_empty()), "a head");
    send(&mut service, &[("c2", 20_000.0), ("c1", 30_000.0)]);
    let (name, first, alert) = next_event(&mut live);
    assert_eq!((name.as_str(), &alert["title"]), ("alert", &json!("c1 spent 30000")));
    let id = alert["id"].as_str().expect("an id");
    assert_eq!(post(api, &format!("/v1/alerts/{id}/resolve"), &json!({"by": "ana"})).0, 200);
    let (name, _, changed) = next_event(&mut live);
    assert_eq!(
        (name.as_str(), changed),
        ("changed", json!({"id": id, "status": "resolved", "status_by": "ana"}))
    );
    service.signal("HUP");
    service.wait_for("began anew", |_| true);
    send(&mut service, &[("c1", 40_000.0)]);
    let (_, second, alert) = next_event(&mut live);
    assert_eq!((alert["title"].as_str(), second > first), (Some("c1 spent 40000"), true));
    drop(live);
    // What has come meanwhile comes first.
    let mut again = open(&format!("last-event-id: {first}\r\n"));
    assert!(again.by_ref().any(|line| line.is_empty()), "a head");
    assert_eq!(next_event(&mut again).1, second);
    assert!(service.stop().status.success());
}

#[test]
fn rules_are_looked_at_and_put_into_another_mode_that_holds() {
    let mut service = start(true);
    let api = service.api();
    send(&mut service, &[("c1", 1.0), ("c1", 2.0), ("c2", 3.0)]);
    until(api, "/v1/state", |answer| answer["total"] == 3);
    let (_, list) = get(api, "/v1/rules");
    let testing = &list["rules"][1];
    assert_eq!(
        (&testing["name"], &testing["mode"], &testing["line"]),
        (&json!("testing"), &json!("live"), &json!(8))
    );
    assert_eq!((&testing["key"], &testing["streams"]), (&json!(["card"]), &json!(["auth"])));
    let (_, whole) = get(api, "/v1/rules/testing");
    let text = whole["text"].as_str().expect("text");
    assert!(text.starts_with("# Thieves try") && text.ends_with('}'), "{text}");
    let first = &whole["tokens"][1];
    let word = |token: &Value| {
        let place = |name: &str| usize::try_from(token[name].as_u64().expect("a number")).expect("small");
        text[place("start")..place("end")].to_owned()
    };
    assert_eq!((word(first), first["kind"].as_str()), ("rule".to_owned(), Some("keyword")));
    assert!(whole["words"].as_str().is_some_and(|words| words.contains("`small`")));
    let (_, runs) = get(api, "/v1/rules/testing/runs");
    assert_eq!((&runs["keys"], &runs["partial_matches"]), (&json!(2), &json!(3)));
    let nodes = whole["graph"]["nodes"].as_array().expect("a list");
    let standing = runs["nodes"].as_array().expect("a list");
    assert_eq!(nodes.len(), standing.len());
    assert_eq!(standing.iter().filter_map(Value::as_u64).sum::<u64>(), 3, "{runs}");

    let wanted = json!({"mode": "shadow", "by": "ana", "comment": "loud"});
    let (status, changed) = post(api, "/v1/rules/huge/mode", &wanted);
    assert_eq!((status, &changed["mode"], &changed["mode_of_text"]), (200, &json!("shadow"), &json!("live")));
    send(&mut service, &[("c3", 20_000.0)]);
    let huge = until(api, "/v1/rules/huge", |answer| answer["counters"]["alerts"] == 1);
    assert_eq!(
        (&huge["mode"], &huge["mode_wanted"]["by"], &huge["last_alert"]),
        (&json!("shadow"), &json!("ana"), &Value::Null)
    );
    until(api, "/v1/state", |answer| answer["total"] == 3);
    // It holds after a restart.
    service.signal("HUP");
    service.wait_for("began anew", |line| line["modes"] == "[]");
    until(api, "/v1/rules/huge", |answer| answer["mode"] == "shadow");
    let (_, changed) = post(api, "/v1/rules/huge/mode", &json!({"mode": "live", "by": "ana"}));
    assert_eq!((&changed["mode"], &changed["mode_wanted"]), (&json!("live"), &Value::Null));
    assert_eq!(post(api, "/v1/rules/hug/mode", &wanted).0, 404);
    let (_, renewed) = post(api, "/v1/reload", &json!({}));
    assert_eq!(renewed, json!({"added": [], "changed": [], "removed": [], "modes": []}));
    service.folder.write("rules/test.trip", "rule");
    let (status, problem) = post(api, "/v1/reload", &json!({}));
    assert_eq!((status, &problem["type"]), (422, &json!("urn:tripline:problem:wrong-rules")));
    assert!(service.stop().status.success());
}

#[test]
fn without_a_state_nothing_is_lost_unless_it_is_wanted() {
    let mut service = start(false);
    let api = service.api();
    let (status, problem) = post(api, "/v1/reload", &json!({}));
    assert!(
        status == 409 && problem["detail"].as_str().is_some_and(|text| text.contains("force")),
        "{problem}"
    );
    assert_eq!(post(api, "/v1/reload", &json!({"force": true})).0, 200);
    let (_, overview) = get(api, "/v1/overview");
    assert_eq!(
        (&overview["sources"][0]["type"], &overview["sinks"][0]["type"]),
        (&json!("tcp"), &json!("file"))
    );
    assert_eq!(get(api, "/v1/sinks").1["sinks"][0]["name"], "desk");
    let (_, config) = get(api, "/v1/config");
    assert!(config["text"].as_str().is_some_and(|text| text.contains("[sources.auth]")));
    let (_, streams) = get(api, "/v1/streams");
    assert_eq!(
        streams["streams"][0]["fields"][1],
        json!({"name": "amount", "type": "float", "optional": false})
    );
    let draft = json!({"text": "rule huge {\n  by card\n  event huge = auth where amont > 5\n  match huge\n  alert high \"x\"\n}\n"});
    let (_, verdict) = post(api, "/v1/rules/validate", &draft);
    assert_eq!((&verdict["valid"], &verdict["rules"]), (&json!(false), &json!(["huge"])));
    let finding = &verdict["diagnostics"][0];
    assert_eq!(
        (&finding["line"], &finding["column"], &finding["severity"]),
        (&json!(3), &json!(27), &json!("error"))
    );
    assert!(service.stop().status.success());
}

#[test]
fn rules_are_tried_on_events_beside_what_runs() {
    let mut service = start(true);
    let api = service.api();
    let charge = |amount: f64| json!({"stream": "auth", "record": {"card": "c9", "amount": amount}});
    let (before, _) = RULES.split_once("rule huge").expect("two rules");
    let (_, rule) = before.split_once("rule testing").expect("the first rule");
    let text = format!("rule testing{rule}").replace("2+ small", "3+ small");
    let play = |events: &[Value]| post(api, "/v1/playground", &json!({"text": text, "events": events}));
    let (status, found) = play(&[charge(1.0), charge(2.0), charge(3.0), charge(500.0)]);
    assert_eq!((status, &found["diagnostics"], &found["gave_up"]), (200, &json!([]), &json!(false)));
    let alert = &found["alerts"][0];
    assert_eq!(
        (&alert["alert"]["title"], &alert["if_nothing_comes"]),
        (&json!("c9 was tested"), &json!(false))
    );
    assert_eq!(
        (&alert["captured"][3]["variable"], &alert["within_seconds"]),
        (&json!("big"), &json!(3600.0))
    );
    assert_eq!(alert["captured"][3]["record"], json!({"card": "c9", "amount": 500.0}));
    assert_eq!(alert["steps"][0]["text"], "3+ small");
    // Only the rules of the text are tried: `huge` of the service would report as well.
    let (_, found) = play(&[charge(1.0), charge(2.0), charge(50_000.0)]);
    assert_eq!((&found["alerts"], &found["partial_matches"][0]["key"]), (&json!([]), &json!({"card": "c9"})));
    assert_eq!(found["why_not"][0]["rule"], "testing");
    assert!(
        found["why_not"][0]["text"].as_str().is_some_and(|text| text.contains("then it waited for `small`"))
    );
    let (_, found) = play(&[
        charge(1.0),
        json!({"stream": "auht", "record": {}}),
        json!({"stream": "auth", "record": {}}),
    ]);
    let why = |index: usize| (&found["rejected"][index]["index"], found["rejected"][index]["why"].as_str());
    assert_eq!(why(0), (&json!(1), Some("there is no stream `auht`; did you mean `auth`?")));
    assert_eq!(why(1).0, &json!(2));
    // Nothing of it has come to what runs.
    assert_eq!(get(api, "/v1/state").1["total"], 0);
    let wrong =
        post(api, "/v1/playground", &json!({"text": "list bad string from \"/etc/passwd\"", "events": []}));
    assert_eq!(wrong.0, 400, "{wrong:?}");
    let (_, found) = post(api, "/v1/playground", &json!({"text": "rule x {", "events": [charge(1.0)]}));
    assert_eq!(found["diagnostics"][0]["severity"], "error");
    service.stop();
}

#[test]
fn events_come_in_over_the_api_and_what_is_none_is_shown() {
    let config = "[state]\npath = \"state\"\n[sources.web]\ntype = \"http\"\nlisten = \"127.0.0.1:0\"\n";
    let mut service = Service::start(RULES, &format!("{config}{CONFIG}"));
    let api = service.api();
    let (status, answer) = post(api, "/v1/events/auth", &json!([{"card": "c1", "amount": 50_000.0}]));
    assert_eq!((status, answer), (202, json!({"accepted": 1, "rejected": 0, "errors": []})));
    until(api, "/v1/alerts?rule=huge", count("alerts", 1));
    let (status, problem) = post(api, "/v1/events/auht", &json!([{}]));
    let why = "no stream `auht` is fed here; did you mean `auth`?";
    assert_eq!((status, problem["detail"].as_str()), (404, Some(why)));
    let bad = json!([{"card": "c1"}, {"card": "c2", "amount": 1.0}, {"card": 3, "amount": 1.0}]);
    let (status, problem) = post(api, "/v1/events/auth", &bad);
    assert_eq!((status, &problem["type"]), (422, &json!("urn:tripline:problem:bad-records")));
    assert!(
        problem["detail"].as_str().is_some_and(|why| why.contains("2 records are bad (element 1: ")),
        "{problem}"
    );
    assert_eq!(get(api, "/v1/quarantine").1["records"], json!([]));
    let (status, answer) = post(api, "/v1/events/auth?bad=quarantine", &bad);
    assert_eq!((status, &answer["accepted"], &answer["rejected"]), (202, &json!(1), &json!(2)));
    let records = until(api, "/v1/quarantine?source=web&limit=1", |page| page["next"] != Value::Null);
    let last = &records["records"][0];
    assert_eq!((&last["stream"], &last["record"]), (&json!("auth"), &json!("{\"amount\":1.0,\"card\":3}")));
    let (_, before) = get(api, &format!("/v1/quarantine?limit=1&cursor={}", records["next"]));
    assert_eq!(
        (&before["records"][0]["record"], &before["next"]),
        (&json!("{\"card\":\"c1\"}"), &Value::Null)
    );
    assert_eq!(get(api, "/v1/quarantine?source=nobody").1["records"], json!([]));
    service.stop();
}
