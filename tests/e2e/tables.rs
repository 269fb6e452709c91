//! Lists and tables: read at the start, and again when their files change.

use std::io::Write;
use std::net::TcpStream;

use serde_json::Value;

use crate::harness::{Folder, Service, TCP, event, text};
use crate::receiver::{Receiver, Request};

/// Reports charges of cards that are not trusted, with the risk of the card.
const RULES: &str = r#"
stream auth { id string, card string, amount float }

list trusted string from "../data/trusted.txt"

table cards from "../data/cards.csv" {
  key card string
  risk     int?
}

rule big {
  by card
  event big = auth where amount > 100 and card not in trusted
  match big
  alert high "{card}: risk {cards[card].risk ?? 0}" { id = big.id, risk = cards[card].risk }
  to desk
}

rule no_table {
  by card
  event huge = auth where amount > 10000
  match huge
  alert high "{card}" { id = huge.id }
  to desk
}
"#;

fn folder() -> Folder {
    let folder = Folder::new();
    folder.write("data/trusted.txt", "# nobody\nx\n");
    folder.write("data/cards.csv", "card,risk\nc,3\n");
    folder
}

struct Bench {
    receiver: Receiver,
    service: Service,
    client: TcpStream,
    sent: u64,
}

impl Bench {
    fn start() -> Bench {
        let receiver = Receiver::start([]);
        let mut service = Service::start_in(folder(), RULES, &format!("{TCP}{}", receiver.sink("desk", "")));
        let client = service.connect("auth");
        Bench { receiver, service, client, sent: 0 }
    }

    /// Sends a charge and gives its alert.
    fn alert(&mut self) -> Request {
        self.sent += 1;
        let sent = self.sent;
        self.client.write_all(event(sent, 500.0).as_bytes()).expect("sent");
        let request = self.receiver.next();
        assert_eq!(request.body["fields"]["id"], sent.to_string());
        request
    }

    /// Waits until a list or table has been replaced; gives its version and the number of entries.
    fn replaced(&mut self, table: &str, entries: u64) -> Value {
        let fits = |line: &Value| line["table"] == table && line["entries"] == entries;
        self.service.wait_for("replaced", fits)["version"].clone()
    }
}

#[test]
fn a_list_and_a_table_are_replaced_while_the_service_runs() {
    let mut bench = Bench::start();
    let first = bench.alert().body;
    assert_eq!(first["title"], "c: risk 3");
    let versions = first["tables"].as_object().expect("an object");
    assert_eq!(versions.keys().collect::<Vec<_>>(), ["cards", "trusted"]);
    for (table, version) in versions {
        let read = bench.service.wait_for("read", |line| line["table"] == table.as_str());
        assert_eq!(read["version"], *version, "as logged at the start");
    }

    // By a rename, as whoever replaces files while they are read should do it.
    let new = bench.service.folder.write("data/cards.csv.new", "risk,card\n7,c\n,d\n");
    std::fs::rename(&new, new.with_extension("")).expect("renamed");
    let cards = bench.replaced("cards", 2);
    let second = bench.alert().body;
    assert_eq!(second["title"], "c: risk 7");
    assert_eq!(second["tables"]["cards"], cards);
    assert_eq!(second["tables"]["trusted"], versions["trusted"]);
    assert_eq!(second["fingerprint"], first["fingerprint"], "what a table holds is not what the rule means");

    // In place.
    bench.service.folder.write("data/trusted.txt", "c\n");
    bench.replaced("trusted", 1);
    bench.sent += 1;
    bench.client.write_all(event(bench.sent, 50_000.0).as_bytes()).expect("sent");
    assert_eq!(bench.receiver.next().body["rule"], "no_table", "the card is trusted now");
    bench.service.folder.write("data/trusted.txt", "# nobody\n# at all\ny\nz\n");
    bench.replaced("trusted", 2);
    assert_eq!(bench.alert().body["rule"], "big", "and no longer");
    assert!(bench.service.stop().status.success());
}

#[test]
fn a_file_that_cannot_be_used_leaves_the_older_content() {
    let mut bench = Bench::start();
    let before = bench.alert().body;
    bench.service.folder.write("data/cards.csv", "card,risk\nc,high\nc,higher\n");
    let failure = bench.service.wait_for("cannot be used", |line| line["table"] == "cards");
    let reason = failure["reason"].as_str().expect("a reason");
    assert_eq!(reason, "line 2: `risk` must be an integer of 64 bits, but it is `high`; and 1 more problem");
    assert_eq!(failure["version"], before["tables"]["cards"], "what is still in use");
    assert_eq!(bench.alert().body["tables"], before["tables"]);
    bench.service.folder.write("data/cards.csv", "card,risk\nc,9\n");
    let version = bench.service.wait_for("replaced", |line| line["table"] == "cards")["version"].clone();
    let after = bench.alert().body;
    assert_eq!((&after["title"], &after["tables"]["cards"]), (&"c: risk 9".into(), &version));
    assert!(bench.service.stop().status.success());
}

#[test]
fn a_rule_names_only_the_tables_that_it_reads() {
    let mut bench = Bench::start();
    bench.client.write_all(event("huge", 50_000.0).as_bytes()).expect("sent");
    let alerts = [bench.receiver.next().body, bench.receiver.next().body];
    let of = |rule: &str| alerts.iter().find(|alert| alert["rule"] == rule).expect("both rules fire").clone();
    assert_eq!(of("no_table")["tables"], serde_json::json!({}));
    assert_eq!(of("big")["tables"].as_object().expect("an object").len(), 2);
    assert!(bench.service.stop().status.success());
}

#[test]
fn a_service_does_not_start_without_its_lists() {
    let folder = folder();
    folder.write("rules/test.trip", RULES);
    folder.write("data/trusted.txt", "\"x\n");
    std::fs::remove_file(folder.path().join("data/cards.csv")).expect("removed");
    folder.write("tripline.toml", format!("rules = \"rules\"\n{TCP}[sinks.desk]\ntype = \"stdout\"\n"));
    let run = folder.run(&["run"]);
    assert_eq!(run.status.code(), Some(2));
    let shown = text(&run.stderr);
    assert!(shown.contains("error[E0420]: `rules/../data/cards.csv` cannot be read"), "{shown}");
    assert!(shown.contains("rules/../data/trusted.txt:1"), "{shown}");
    assert!(shown.contains("the rules have 2 errors"), "{shown}");
}

#[test]
fn a_replay_reads_lists_and_tables() {
    let folder = folder();
    folder.write("rules/test.trip", RULES);
    let charges: String = [("1", "c"), ("2", "x"), ("3", "d")]
        .map(|(id, card)| format!("{{\"id\":\"{id}\",\"card\":\"{card}\",\"amount\":500}}\n"))
        .concat();
    folder.write("auth.jsonl", charges);
    let run = folder.run(&["replay", "rules", "--input", "auth=auth.jsonl"]);
    assert_eq!(run.status.code(), Some(0), "{}", text(&run.stderr));
    let alerts: Vec<Value> =
        text(&run.stdout).lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let shown: Vec<_> = alerts.iter().map(|alert| (&alert["title"], &alert["fields"]["risk"])).collect();
    assert_eq!(shown, [(&"c: risk 3".into(), &3.into()), (&"d: risk 0".into(), &Value::Null)]);
    // What `sha256sum` says of the file.
    let version = "sha256:ea96a74f2a7bd50b968e3284fbc11c7abd12658863baa09d86f60d896de06a3a";
    assert_eq!(alerts[0]["tables"]["cards"], version);
}
