//! Prometheus Alertmanager as Debian packs it.

use std::io::{Read, Write};
use std::net::TcpStream;

use serde_json::{Value, json};

use crate::daemon::{self, Daemon};
use crate::event_of;
use crate::harness::{Folder, RULES, Service, TCP, event};
use crate::ports::own_port;
use crate::strict::Strict;

/// Groups by rule, and tells a webhook of what begins and what is over.
const CONFIG: &str = "
route:
  receiver: desk
  group_by: [alertname]
  group_wait: 100ms
  group_interval: 1s
  repeat_interval: 1h
receivers:
  - name: desk
    webhook_configs:
      - url: http://@desk@/
        send_resolved: true
";

/// A running Alertmanager.
pub struct Alertmanager {
    daemon: Daemon,
    port: u16,
    /// What it tells its own receiver.
    pub desk: Strict,
    _folder: Folder,
}

impl Alertmanager {
    pub fn start() -> Alertmanager {
        let desk = Strict::start(|_| ("200 OK", "", String::new()));
        let folder = Folder::new();
        let config = folder.write("alertmanager.yml", CONFIG.replace("@desk@", &desk.address.to_string()));
        let port = own_port();
        let mut command = daemon::command("usr/bin/prometheus-alertmanager");
        command.arg(format!("--config.file={}", config.display()));
        command.arg(format!("--storage.path={}", folder.path().join("data").display()));
        command.arg(format!("--web.listen-address=127.0.0.1:{port}"));
        command.arg("--cluster.listen-address=");
        let mut daemon = Daemon::start(command);
        daemon.wait_for_port(port);
        Alertmanager { daemon, port, desk, _folder: folder }
    }

    /// A sink `desk` that sends to it.
    pub fn sink(&self, more: &str) -> String {
        format!("[sinks.desk]\ntype = \"alertmanager\"\nurl = \"http://127.0.0.1:{}/\"\n{more}\n", self.port)
    }

    /// What its API says.
    fn get(port: u16, path: &str) -> Option<Value> {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
        let request = format!("GET /api/v2/{path} HTTP/1.0\r\nhost: localhost\r\n\r\n");
        stream.write_all(request.as_bytes()).ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        let (head, body) = answer.split_once("\r\n\r\n")?;
        assert!(head.starts_with("HTTP/1.0 200"), "{answer}");
        serde_json::from_str(body).ok()
    }

    /// Waits until it knows so many alerts, and gives its groups.
    pub fn groups(&mut self, alerts: usize) -> Value {
        let port = self.port;
        self.daemon.wait_for(&format!("{alerts} alerts"), || {
            let groups = Alertmanager::get(port, "alerts/groups")?;
            let known = groups.as_array()?.iter().map(|group| group["alerts"].as_array().map_or(0, Vec::len));
            (known.sum::<usize>() == alerts).then_some(groups)
        })
    }
}

#[test]
fn alerts_are_received_grouped_and_shown() {
    let mut alertmanager = Alertmanager::start();
    let sink = alertmanager.sink("labels = { env = \"test\" }");
    let mut service = Service::start(RULES, &format!("{TCP}{sink}"));
    let lines: String = (0..100).map(|number| event_of(number % 40, number)).collect();
    service.connect("auth").write_all(lines.as_bytes()).expect("sent");
    let groups = alertmanager.groups(40);
    let groups = groups.as_array().expect("a list");
    let [group] = &groups[..] else { panic!("{groups:?}") };
    assert_eq!(group["labels"], json!({"alertname": "big"}));
    let alerts = group["alerts"].as_array().expect("a list");
    let alert = alerts.iter().find(|alert| alert["labels"]["card"] == "c7").expect("it is there");
    let expected =
        json!({"alertname": "big", "card": "c7", "env": "test", "kind": "match", "severity": "high"});
    assert_eq!(alert["labels"], expected);
    assert_eq!(alert["annotations"]["summary"], "c7 spent 120.5");
    assert_eq!(alert["status"]["state"], "active");
    let ended = service.stop();
    assert_eq!(ended.total("sink", "desk")["delivered"], 100, "{}", ended.log());
}

#[test]
fn an_alert_that_is_not_repeated_is_over_after_a_while() {
    let alertmanager = Alertmanager::start();
    let mut service = Service::start(RULES, &format!("{TCP}{}", alertmanager.sink("resolve_after = \"2s\"")));
    service.connect("auth").write_all(event("e1", 120.5).as_bytes()).expect("sent");
    let (told, _) = alertmanager.desk.next();
    assert_eq!(told.body["status"], "firing", "{}", told.body);
    assert_eq!(told.body["alerts"][0]["labels"]["card"], "c");
    let (told, _) = alertmanager.desk.next();
    assert_eq!(told.body["status"], "resolved", "{}", told.body);
    assert_eq!(told.body["alerts"][0]["labels"]["card"], "c");
}
