//! Messages for rsyslog, by every way, and for a source of our own.

use std::io::Write;

use serde_json::Value;

use crate::event_of;
use crate::harness::{RULES, Service, TCP, event};
use crate::rsyslog::Rsyslog;

const QUICK: &str = "backoff = \"1ms\"\nmax_backoff = \"5ms\"\n";

fn send_one(sink: &str) -> (Service, String) {
    let sink = format!("[sinks.desk]\ntype = \"syslog\"\nhost_name = \"shop-1\"\n{QUICK}{sink}\n");
    let mut service = Service::start(RULES, &format!("{TCP}{sink}"));
    service.connect("auth").write_all(event("e \\\"1]", 120.5).as_bytes()).expect("sent");
    (service, sink)
}

#[test]
fn rsyslog_understands_what_comes_by_every_way() {
    let mut rsyslog = Rsyslog::start();
    let folder = rsyslog.folder.path().display().to_string();
    let ways = [
        ("imudp", format!("transport = \"udp\"\naddress = \"127.0.0.1:{}\"", rsyslog.udp)),
        ("imptcp", format!("transport = \"tcp\"\naddress = \"localhost:{}\"", rsyslog.tcp)),
        (
            "imtcp",
            format!(
                "transport = \"tls\"\naddress = \"localhost:{}\"\ntls_ca = \"{folder}/server-ca.pem\"",
                rsyslog.tls
            ),
        ),
        ("imuxsock", format!("transport = \"unix\"\npath = \"{folder}/log\"")),
    ];
    for (count, (way, sink)) in ways.iter().enumerate() {
        let (service, _) = send_one(sink);
        let received = rsyslog.received(count + 1);
        let got = &received[count];
        assert_eq!(got["way"], *way, "{got}");
        assert_eq!(got["message"], "c spent 120.5", "{got}");
        assert_eq!(
            (&got["host"], &got["app"], &got["id"]),
            (&"shop-1".into(), &"tripline".into(), &"big".into())
        );
        assert_eq!((&got["severity"], &got["facility"]), (&"err".into(), &"local0".into()), "{got}");
        let data: Value = match &got["data"] {
            Value::String(text) => serde_json::from_str(text).expect("JSON"),
            other => other.clone(),
        };
        assert_eq!(data["key@32473"]["card"], "c", "{got}");
        assert_eq!(data["fields@32473"]["id"], "e \"1]", "{got}");
        assert_eq!(data["alert@32473"]["status"], "firing", "{got}");
        assert_eq!(service.stop().total("sink", "desk")["delivered"], 1);
    }
}

#[test]
fn many_messages_go_over_one_connection() {
    let mut rsyslog = Rsyslog::start();
    let sink = format!("transport = \"tcp\"\nformat = \"rfc3164\"\naddress = \"127.0.0.1:{}\"", rsyslog.tcp);
    let (mut service, _) = send_one(&sink);
    let lines: String = (1..500).map(|number| event_of(number % 50, number)).collect();
    service.connect("auth").write_all(lines.as_bytes()).expect("sent");
    let received = rsyslog.received(500);
    assert!(received.iter().all(|got| got["app"] == "tripline"), "{received:?}");
    let has = |id: usize| {
        received
            .iter()
            .any(|got| got["message"].as_str().is_some_and(|text| text.ends_with(&format!(" id={id}"))))
    };
    assert!((1..500).all(has), "{received:?}");
    assert_eq!(service.stop().total("sink", "desk")["delivered"], 500);
}

/// What our own codec understands of them.
const OWN: &str = r#"
stream messages time at {
  at       timestamp from "timestamp"
  host     string
  kind     string from "msgid"
  severity string from "severity_name"
  card     string from "sd.key@32473.card"
  id       string from "sd.fields@32473.id"
  message  string
}

rule told {
  by card
  event told = messages where true
  match told
  alert low "{told.message}" { id = told.id, kind = told.kind, severity = told.severity, host = told.host }
  to file
}
"#;

#[test]
fn our_own_source_understands_them() {
    let source = "[sources.logs]\ntype = \"tcp\"\nstream = \"messages\"\nlisten = \"127.0.0.1:0\"\ncodec = \"syslog\"\n\
                  [sinks.file]\ntype = \"file\"\npath = \"told.jsonl\"\n";
    let mut receiver = Service::start(OWN, source);
    let sink = format!("transport = \"tcp\"\naddress = \"{}\"", receiver.address("logs"));
    let (sender, _) = send_one(&sink);
    assert_eq!(sender.stop().total("sink", "desk")["delivered"], 1);
    receiver.signal("TERM");
    let ended = receiver.end();
    assert_eq!(ended.total("sink", "file")["delivered"], 1, "{}", ended.log());
    let told: Value = serde_json::from_str(&receiver.folder.read("told.jsonl")).expect("an alert");
    assert_eq!(told["title"], "c spent 120.5");
    let expected = serde_json::json!({"id": "e \"1]", "kind": "big", "severity": "err", "host": "shop-1"});
    assert_eq!((&told["fields"], &told["key"]["card"]), (&expected, &"c".into()));
}
