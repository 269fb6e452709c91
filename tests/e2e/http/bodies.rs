//! What is in bodies, and what is answered.

use std::net::Shutdown;

use serde_json::{Value, json};

use super::{Client, HTTP, gzip, request};
use crate::harness::{Folder, RULES, Service, event, text};
use crate::ports::own_port;
use crate::receiver::Receiver;

#[test]
fn bodies_of_every_kind_are_taken() {
    let receiver = Receiver::start([]);
    let mut service = Service::start(RULES, &format!("{HTTP}{}", receiver.sink("desk", "")));
    let mut client = Client::connect(service.address("web"));
    let lines = "Content-Type: application/x-ndjson\r\n";
    let list = format!("[\n{},{}]", event(4, 500.0), event(5, 500.0));
    let pretty = "{\n \"id\": \"8\",\n \"card\": \"c\",\n \"amount\": 500\n}\n";
    let bodies: [(&str, Vec<u8>, u64); 8] = [
        ("", event(1, 500.0).trim_end().into(), 1),
        (lines, format!("{}{}", event(2, 500.0), event(3, 500.0)).into(), 2),
        ("Content-Type: application/json; charset=utf-8\r\n", list.into(), 2),
        ("Content-Encoding: gzip\r\n", gzip(event(6, 500.0).as_bytes()), 1),
        ("Content-Encoding: zstd\r\n", zstd::encode_all(event(7, 500.0).as_bytes(), 3).expect("packed"), 1),
        ("", pretty.into(), 1),
        ("", format!("\u{feff}{}\r\n\r\n", event(9, 500.0).trim_end()).into(), 1),
        ("Expect: 100-continue\r\n", event(10, 500.0).into(), 1),
    ];
    let mut next = 1;
    for (headers, body, count) in bodies {
        client.send(request("/v1/events/auth", headers, body));
        let mut answer = client.answer();
        if answer.status == 100 {
            assert!(headers.starts_with("Expect"));
            answer = client.answer();
        }
        assert_eq!((answer.status, &answer.body), (202, &json!({ "accepted": count })), "{headers}");
        for _ in 0..count {
            assert_eq!(receiver.next().event(), next.to_string());
            next += 1;
        }
    }
    client.send("POST /v1/events/auth?bad=refuse HTTP/1.1\r\nhost: t\r\ntransfer-encoding: chunked\r\n\r\n");
    for byte in event(11, 500.0).bytes() {
        client.send([b"1\r\n", &[byte][..], b"\r\n"].concat());
    }
    client.send("0\r\n\r\n");
    assert_eq!(client.answer().status, 202);
    assert_eq!(receiver.next().event(), "11");
    // Who has sent everything may say so and still gets an answer.
    client.send(request("/v1/events/auth", "", event(12, 500.0)));
    client.0.get_ref().shutdown(Shutdown::Write).expect("half of it");
    assert_eq!(client.answer().status, 202);
    assert_eq!(receiver.next().event(), "12");
    let ended = service.stop();
    assert!(ended.status.success(), "{}", ended.log());
    assert_eq!(ended.total("source", "web")["events"], 12);
}

#[test]
fn what_cannot_be_taken_is_told_why() {
    let rules = format!("{RULES}\nstream logins {{ user string }}\nstream bigs from big\n");
    let rules = rules.replace("to desk", "to kept");
    let config = format!(
        "{HTTP}max_body = \"1KiB\"\nmax_records = 20\n[sinks.kept]\ntype = \"file\"\npath = \"alerts.jsonl\"\n"
    );
    let mut service = Service::start(&rules, &config);
    let address = service.address("web");
    let good = event(1, 5.0);
    let post =
        |path: &str, headers: &str, body: &[u8]| Client::connect(address).post_with(path, headers, body);
    let plain = |method: &str, path: &str| {
        let mut client = Client::connect(address);
        client.send(format!("{method} {path} HTTP/1.1\r\nhost: t\r\n\r\n"));
        client.answer()
    };

    let unknown = post("/v1/events/auht", "", good.as_bytes());
    assert_eq!(unknown.status, 404);
    assert_eq!(
        unknown.body,
        json!({ "error": "no stream `auht` is fed here", "did_you_mean": "auth", "streams": ["auth", "logins"] })
    );
    let alerts = post("/v1/events/bigs", "", good.as_bytes());
    assert_eq!(alerts.status, 404);
    let why = "`bigs` carries the alerts of the rule `big`; nothing can be sent to it";
    assert_eq!(alerts.body["error"], why);
    for path in ["/", "/v1/events", "/v1/events/", "/v1/events/auth/x", "/v1/events/%ff", "/v1/events/a%2fb"]
    {
        assert_eq!(post(path, "", good.as_bytes()).status, 404, "{path}");
    }
    let markup = post("/v1/events/%3Cscript%3E", "", b"");
    assert_eq!(markup.body["error"], "no stream `<script>` is fed here");
    assert_eq!(markup.header("x-content-type-options"), Some("nosniff"));
    for method in ["GET", "PUT", "DELETE", "OPTIONS", "BREW"] {
        let answer = plain(method, "/v1/events/auth");
        assert_eq!((answer.status, answer.header("allow")), (405, Some("POST")), "{method}");
    }
    assert_eq!(post("/v1/events/auth?bda=quarantine", "", good.as_bytes()).status, 400);
    for (headers, status) in [
        ("Content-Type: application/x-www-form-urlencoded\r\n", 415),
        ("Content-Type: text/csv\r\n", 415),
        ("Content-Encoding: br\r\n", 415),
        ("Content-Encoding: gzip, gzip\r\n", 415),
        ("Content-Encoding: gzip\r\nContent-Encoding: gzip\r\n", 415),
        ("Content-Encoding: gzip\r\n", 400),
        ("Content-Encoding: zstd\r\n", 400),
    ] {
        assert_eq!(post("/v1/events/auth", headers, good.as_bytes()).status, status, "{headers}");
    }
    for body in ["", "\n \n", "[ ]"] {
        let answer = post("/v1/events/auth", "", body.as_bytes());
        assert_eq!((answer.status, &answer.body["error"]), (400, &json!("the body has no records")));
    }
    assert_eq!(plain("POST", "/v1/events/auth").status, 400);
    assert_eq!(post("/v1/events/auth", "", &vec![b' '; 1025]).status, 413);
    assert_eq!(post("/v1/events/auth", "", "{}\n".repeat(21).as_bytes()).status, 413);
    let bomb = gzip(&vec![b' '; 10 << 20]);
    let bomb = post("/v1/events/auth", "Content-Encoding: gzip\r\n", &bomb[..1000]);
    assert_eq!(bomb.status, 413);
    assert!(bomb.body["error"].as_str().expect("text").contains("decompressed"), "{bomb:?}");

    let ended = service.stop();
    assert!(ended.status.success(), "{}", ended.log());
    let total = ended.total("source", "web");
    assert_eq!((&total["events"], &total["rejected"]), (&0.into(), &0.into()));
}

#[test]
fn a_body_with_bad_records_is_refused_or_taken_without_them() {
    let receiver = Receiver::start([]);
    let mut service = Service::start(RULES, &format!("{HTTP}{}", receiver.sink("desk", "")));
    let mut client = Client::connect(service.address("web"));
    let body = format!("{}nonsense\n{{\"id\":7}}\n{}", event("a", 500.0), event("b", 500.0));
    let refused = client.post(&body);
    let errors = json!([
        { "line": 2, "reason": "syntax", "detail": "not a JSON object: expected `{`, found 'n' at column 1" },
        { "line": 3, "reason": "wrong_type", "detail": "the field `id` should be text, but is the number 7" },
    ]);
    assert_eq!(refused.status, 400);
    assert_eq!(
        refused.body,
        json!({
            "error": "nothing is taken, because 2 records are bad",
            "accepted": 0, "rejected": 2, "errors": errors
        })
    );
    let taken = client.post_with("/v1/events/auth?bad=quarantine", "", &body);
    assert_eq!(taken.status, 202);
    assert_eq!(taken.body, json!({ "accepted": 2, "rejected": 2, "errors": errors }));
    assert_eq!((receiver.next().event(), receiver.next().event()), ("a", "b"));
    let list = client.post(format!("[{}, 7]", event("c", 500.0)));
    assert_eq!((list.status, &list.body["errors"][0]["element"]), (400, &json!(2)));
    let many = client.post("x\n".repeat(1000));
    assert_eq!(many.body["rejected"], 1000);
    assert_eq!(many.body["errors"].as_array().expect("a list").len(), 100);
    let ended = service.stop();
    let total = ended.total("source", "web");
    assert_eq!((&total["events"], &total["rejected"]), (&2.into(), &2.into()), "what was refused never came");
    assert_eq!(ended.lines("rejected a record").len(), 2);
}

#[test]
fn bodies_may_be_of_another_codec() {
    let receiver = Receiver::start([]);
    let config = format!("{HTTP}codec = \"csv\"\n{}", receiver.sink("desk", ""));
    let mut service = Service::start(RULES, &config);
    let mut client = Client::connect(service.address("web"));
    let csv = "Content-Type: text/csv\r\n";
    let post = |client: &mut Client, body: &str| client.post_with("/v1/events/auth", csv, body);
    assert_eq!(post(&mut client, "id,card,amount\r\n1,c,500\r\n\"2\",\"c\nd\",600").body["accepted"], 2);
    // The second is of another card, and alerts of different keys come in any order.
    let mut both = [receiver.next(), receiver.next()].map(|alert| alert.event().to_owned());
    both.sort();
    assert_eq!(both, ["1", "2"]);
    // Each body has its own header.
    assert_eq!(post(&mut client, "amount,id,card\n700,3,c\n").body["accepted"], 1);
    assert_eq!(receiver.next().event(), "3");
    let bad = post(&mut client, "id,card,amount\n1,c,500\n2,c,much\n");
    assert_eq!((bad.status, &bad.body["errors"][0]["line"]), (400, &json!(3)), "{bad:?}");
    assert_eq!(post(&mut client, "id,card,amount\n").body["error"], "the body has no records");
    let json = client.post_with("/v1/events/auth", "Content-Type: application/json\r\n", "{}");
    assert_eq!(json.status, 415);
    assert!(service.stop().status.success());
}

/// A body that was taken without its bad records: mended, the rules take these too.
#[test]
fn what_was_set_aside_can_be_fed_again() {
    let port = own_port();
    let http = HTTP.replace(":0", &format!(":{port}"));
    let receiver = Receiver::start([]);
    let config = format!("{http}{}", receiver.sink("desk", ""));
    let mut service = Service::start(RULES, &config);
    let mut client = Client::connect(service.address("web"));
    let body = format!("[{},\n{{\"id\":\"b\",\"card\":\"c\",\n\"amount\":\"500\"}}]", event("a", 500.0));
    let taken = client.post_with("/v1/events/auth?bad=quarantine", "", body);
    assert_eq!((&taken.body["accepted"], &taken.body["rejected"]), (&json!(1), &json!(1)), "{taken:?}");
    assert_eq!(receiver.next().event(), "a");
    let folder = std::mem::replace(&mut service.folder, Folder::new());
    assert!(service.stop().status.success());
    let line: Value = serde_json::from_str(&folder.read("quarantine.jsonl")).expect("one line");
    assert_eq!(
        (&line["source"], &line["number"], &line["reason"]),
        (&json!("web"), &json!(2), &json!("wrong_type"))
    );

    let mended = RULES.replace("amount float", "amount string").replace("auth where amount > 100", "auth");
    let service = Service::start_in(folder, &mended, &config);
    let run = service.folder.run(&["quarantine", "replay"]);
    let report = text(&run.stdout);
    assert_eq!(run.status.code(), Some(0), "{report}{}", text(&run.stderr));
    assert_eq!(report, format!("fed         1 record of `web` to http://127.0.0.1:{port}/\n"));
    assert_eq!(receiver.next().event(), "b");
    assert!(service.stop().status.success());
}
