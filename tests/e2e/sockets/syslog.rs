//! Syslog from the real `logger`, which every Linux distribution brings with util-linux.

use std::path::Path;
use std::process::Command;

use crate::harness::Service;
use crate::receiver::Receiver;

const RULES: &str = r#"
stream logs {
  app           string
  severity      int
  facility_name string
  message       string
  host          string?
  msgid         string?
  user          string? from "sd.account@32473.user"
}

rule errors {
  by app
  event error = logs where severity <= 3
  match error
  alert high "{app}: {error.message}" {
    facility = error.facility_name
    message  = error.message
    msgid    = error.msgid
    user     = error.user
  }
  to desk
}
"#;

fn config(source: &str, receiver: &Receiver) -> String {
    format!("[sources.logs]\nstream = \"logs\"\ncodec = \"syslog\"\n{source}\n{}", receiver.sink("desk", ""))
}

/// Runs `logger` with a message of an error.
fn logger(arguments: &[&str], message: &str) {
    let mut command = Command::new("logger");
    command.args(["-t", "gate", "-p", "auth.err"]).args(arguments).arg("--").arg(message);
    let status = command.status().unwrap_or_else(|error| {
        panic!("`logger` of util-linux (on Debian: bsdutils) is needed for this test: {error}")
    });
    assert!(status.success(), "{command:?}");
}

fn is_reported(receiver: &Receiver, message: &str) -> serde_json::Value {
    let alert = receiver.next().body;
    assert_eq!(alert["title"], format!("gate: {message}"), "{alert}");
    assert_eq!(alert["fields"]["facility"], "auth", "{alert}");
    alert["fields"].clone()
}

#[test]
fn over_udp_in_both_forms() {
    let receiver = Receiver::start([]);
    let mut service = Service::start(RULES, &config("type = \"udp\"\nlisten = \"127.0.0.1:0\"", &receiver));
    let port = service.address("logs").port().to_string();
    let server = ["--server", "127.0.0.1", "--port", &port, "--udp"];
    let with = |more: &[&'static str]| [&server[..], more].concat();
    let structured =
        ["--rfc5424", "--msgid", "LOCK", "--sd-id", "account@32473", "--sd-param", "user=\"eve\""];
    logger(&with(&structured), "the door is open");
    let fields = is_reported(&receiver, "the door is open");
    assert_eq!((&fields["msgid"], &fields["user"]), (&"LOCK".into(), &"eve".into()));
    logger(&with(&["--rfc3164"]), "the window too");
    is_reported(&receiver, "the window too");
    let total = service.stop().total("source", "logs");
    assert_eq!((&total["events"], &total["rejected"]), (&2.into(), &0.into()));
}

#[test]
fn over_tcp_with_counted_octets_and_in_lines() {
    let receiver = Receiver::start([]);
    let mut service = Service::start(RULES, &config("type = \"tcp\"\nlisten = \"127.0.0.1:0\"", &receiver));
    let port = service.address("logs").port().to_string();
    let server = ["--server", "127.0.0.1", "--port", &port, "--tcp"];
    logger(&[&server[..], &["--octet-count"]].concat(), "counted");
    is_reported(&receiver, "counted");
    logger(&[&server[..], &["--octet-count", "--rfc3164"]].concat(), "counted and old");
    is_reported(&receiver, "counted and old");
    logger(&server, "a line");
    is_reported(&receiver, "a line");
    let total = service.stop().total("source", "logs");
    assert_eq!((&total["events"], &total["rejected"]), (&3.into(), &0.into()));
}

#[test]
fn over_a_unix_socket() {
    let receiver = Receiver::start([]);
    let source = "type = \"unix\"\nmode = \"datagram\"\npath = \"log.sock\"";
    let service = Service::start(RULES, &config(source, &receiver));
    let path = service.folder.path().join("log.sock");
    let path = Path::new(&path).to_str().expect("it is text");
    logger(&["-u", path], "as to /dev/log");
    is_reported(&receiver, "as to /dev/log");
    logger(&["-u", path, "--rfc5424"], "the new form");
    is_reported(&receiver, "the new form");
    let total = service.stop().total("source", "logs");
    assert_eq!((&total["events"], &total["rejected"]), (&2.into(), &0.into()));
}
