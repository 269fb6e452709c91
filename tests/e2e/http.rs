//! Events over HTTP: what is answered to whom, and that nothing answered with 202 is lost.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use serde_json::{Value, json};

use crate::harness::{Folder, PATIENCE, RULES, Service, event};
use crate::receiver::{Gate, Receiver};

/// An HTTP source.
const HTTP: &str = "[sources.web]\ntype = \"http\"\nlisten = \"127.0.0.1:0\"\n";

/// A client with its connection.
struct Client(BufReader<TcpStream>);

/// What a client was answered.
#[derive(Debug)]
struct Answer {
    status: u16,
    head: String,
    body: Value,
}

impl Answer {
    fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then_some(value.trim())
        })
    }
}

impl Client {
    fn connect(address: SocketAddr) -> Client {
        let stream = TcpStream::connect(address).expect("it listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("a time-out");
        Client(BufReader::new(stream))
    }

    fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.0.get_mut().write_all(bytes.as_ref()).expect("sent");
    }

    /// The next answer; `None` when the connection ends without one.
    fn try_answer(&mut self) -> Option<Answer> {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            if !matches!(self.0.read_line(&mut head), Ok(count) if count > 0) {
                return None;
            }
        }
        let status = head.split(' ').nth(1).expect("a status").parse().expect("a number");
        let mut answer = Answer { status, head, body: Value::Null };
        let length = answer.header("content-length").map_or(0, |length| length.parse().expect("a number"));
        let mut body = vec![0; length];
        self.0.read_exact(&mut body).expect("a whole body");
        if length > 0 {
            assert_eq!(answer.header("content-type"), Some("application/json"));
            answer.body = serde_json::from_slice(&body).expect("JSON");
        }
        Some(answer)
    }

    fn answer(&mut self) -> Answer {
        self.try_answer().expect("an answer")
    }

    fn is_closed(&mut self) -> bool {
        matches!(self.0.read(&mut [0]), Ok(0) | Err(_))
    }

    /// Posts a body with these headers, each with its line end.
    fn post_with(&mut self, path: &str, headers: &str, body: impl AsRef<[u8]>) -> Answer {
        self.send(request(path, headers, body));
        self.answer()
    }

    fn post(&mut self, body: impl AsRef<[u8]>) -> Answer {
        self.post_with("/v1/events/auth", "", body)
    }
}

fn request(path: &str, headers: &str, body: impl AsRef<[u8]>) -> Vec<u8> {
    let body = body.as_ref();
    let head = format!("POST {path} HTTP/1.1\r\nhost: t\r\n{headers}content-length: {}\r\n\r\n", body.len());
    [head.as_bytes(), body].concat()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).expect("in memory");
    encoder.finish().expect("in memory")
}

/// The most memory in bytes that a service has taken so far.
fn peak_memory(service: &Service) -> u64 {
    let path = format!("/proc/{}/status", service.process());
    let status = std::fs::read_to_string(path).expect("it runs");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("a peak");
    let kib: u64 = line.trim().trim_end_matches(" kB").parse().expect("a number");
    kib << 10
}

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
fn requests_follow_each_other_on_one_connection() {
    let receiver = Receiver::start([]);
    let mut service = Service::start(RULES, &format!("{HTTP}{}", receiver.sink("desk", "")));
    let mut client = Client::connect(service.address("web"));
    let mut all = Vec::new();
    for number in 0..20 {
        let body = if number % 5 == 4 { "nonsense".into() } else { event(number, 500.0) };
        all.extend(request("/v1/events/auth", "", body));
    }
    client.send(all);
    for number in 0..20 {
        let answer = client.answer();
        if number % 5 == 4 {
            assert_eq!(answer.status, 400);
        } else {
            assert_eq!(answer.status, 202);
            assert_eq!(receiver.next().event(), number.to_string());
        }
    }
    let ended = service.stop();
    assert!(client.is_closed());
    assert_eq!(ended.total("source", "web")["events"], 16);
}

#[test]
fn fifty_clients_at_once_lose_nothing() {
    const CLIENTS: usize = 50;
    const REQUESTS: usize = 10;
    let receiver = Receiver::start([]);
    let mut service = Service::start(RULES, &format!("{HTTP}{}", receiver.sink("desk", "")));
    let url = format!("http://{}/v1/events/auth", service.address("web"));
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    let accepted: u64 = runtime.block_on(async {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder().tls_certs_only([]).no_proxy().build().expect("a client");
        let mut clients = tokio::task::JoinSet::new();
        for client in 0..CLIENTS {
            let (http, url) = (http.clone(), url.clone());
            clients.spawn(async move {
                let mut accepted = 0;
                for request in 0..REQUESTS {
                    let body: String =
                        (0..3).map(|part| event(format!("{client}-{request}-{part}"), 500.0)).collect();
                    let answer = http.post(&url).body(body).send().await.expect("an answer");
                    assert_eq!(answer.status(), 202);
                    let said: Value =
                        serde_json::from_slice(&answer.bytes().await.expect("a body")).expect("JSON");
                    accepted += said["accepted"].as_u64().expect("a number");
                }
                accepted
            });
        }
        clients.join_all().await.into_iter().sum()
    });
    assert_eq!(accepted, (CLIENTS * REQUESTS * 3) as u64);
    let mut seen = std::collections::BTreeSet::new();
    while seen.len() < accepted as usize {
        assert!(seen.insert(receiver.next().event().to_owned()), "each once");
    }
    let ended = service.stop();
    assert_eq!(ended.total("sink", "desk")["delivered"], accepted);
}

#[test]
fn a_body_that_stops_coming_and_a_silent_client_are_let_go() {
    let receiver = Receiver::start([]);
    let config = format!("{HTTP}read_timeout = \"300ms\"\n{}", receiver.sink("desk", ""));
    let mut service = Service::start(RULES, &config);
    let address = service.address("web");
    let mut half = Client::connect(address);
    half.send("POST /v1/events/auth HTTP/1.1\r\nhost: t\r\ncontent-length: 1000\r\n\r\n{\"id\":");
    let mut silent = Client::connect(address);
    let mut head = Client::connect(address);
    head.send("POST /v1/events/auth HTTP/1.1\r\nhost: ");
    assert_eq!(Client::connect(address).post(event(1, 500.0)).status, 202, "others go on");
    assert_eq!(receiver.next().event(), "1");
    let answer = half.answer();
    assert_eq!((answer.status, answer.header("connection")), (408, Some("close")));
    assert!(half.is_closed() && silent.is_closed() && head.is_closed());
    let mut gone = Client::connect(address);
    gone.send("POST /v1/events/auth HTTP/1.1\r\nhost: t\r\ncontent-length: 1000\r\n\r\n{\"id\":");
    drop(gone);
    assert!(service.stop().status.success());
}

#[test]
fn a_huge_body_is_refused_and_never_held() {
    let receiver = Receiver::start([]);
    let mut service =
        Service::start(RULES, &format!("{HTTP}max_body = \"1MiB\"\n{}", receiver.sink("desk", "")));
    let address = service.address("web");
    let before = peak_memory(&service);
    let piece = vec![b' '; 1 << 20];
    // Told by its length, and only found when it has come.
    for (head, begin, end) in [
        ("content-length: 104857600", String::new(), ""),
        ("transfer-encoding: chunked", format!("{:x}\r\n", piece.len()), "\r\n"),
    ] {
        let mut client = Client::connect(address);
        client.send(format!("POST /v1/events/auth HTTP/1.1\r\nhost: t\r\n{head}\r\n\r\n"));
        for _ in 0..100 {
            let sent = client.0.get_mut().write_all(&[begin.as_bytes(), &piece, end.as_bytes()].concat());
            // The service does not listen for ever.
            if sent.is_err() {
                break;
            }
        }
        let answer = client.answer();
        assert_eq!((answer.status, answer.header("connection")), (413, Some("close")), "{head}");
    }
    let grown = peak_memory(&service) - before;
    assert!(grown < 30 << 20, "{grown} bytes");
    assert_eq!(Client::connect(address).post(event(1, 500.0)).status, 202);
    assert!(service.stop().status.success());
}

#[test]
fn what_is_no_http_is_turned_away() {
    let receiver = Receiver::start([]);
    let mut service = Service::start(RULES, &format!("{HTTP}{}", receiver.sink("desk", "")));
    let address = service.address("web");
    let long = format!("GET / HTTP/1.1\r\nx: {}\r\n\r\n", "x".repeat(100_000));
    let many = format!("GET / HTTP/1.1\r\n{}\r\n", "x: y\r\n".repeat(10_000));
    for (garbage, status) in [
        ("garbage\r\n\r\n", 400),
        ("\x16\x03\x01\x02\x00\x01\x00\x01\u{fc}\x03\x03", 400),
        ("POST /v1/events/auth HTTP/1.1\r\nhost t\r\n\r\n", 400),
        ("POST /v1/events/auth HTTP/1.1\r\ncontent-length: -1\r\n\r\n", 400),
        ("POST /v1/events/auth HTTP/1.1\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n", 400),
        (&long, 431),
        (&many, 431),
    ] {
        let mut client = Client::connect(address);
        client.send(garbage);
        let answer = client.answer();
        let shown = &garbage[..garbage.len().min(60)];
        assert_eq!(answer.status, status, "{shown}");
        assert!(client.is_closed(), "{shown}");
    }
    // A chunk that is none.
    let mut client = Client::connect(address);
    client.send("POST /v1/events/auth HTTP/1.1\r\nhost: t\r\ntransfer-encoding: chunked\r\n\r\nxyz\r\n");
    assert_eq!(client.answer().status, 400);
    assert_eq!(Client::connect(address).post(event(1, 500.0)).status, 202);
    assert_eq!(receiver.next().event(), "1");
    assert!(service.stop().status.success());
}

#[test]
fn an_engine_that_is_behind_is_told_and_later_everything_goes_on() {
    let gate = Gate::default();
    let receiver = Receiver::gated([], gate.clone());
    let config = format!(
        "{HTTP}wait = \"1ms\"\n[limits]\nqueue = 1\n{}",
        receiver.sink("desk", "queue = 1\ntimeout = \"1h\"")
    );
    let mut service = Service::start(RULES, &config);
    let mut client = Client::connect(service.address("web"));
    let mut accepted = Vec::new();
    let mut number = 0;
    let behind = loop {
        let answer = client.post(event(number, 500.0));
        if answer.status != 202 {
            break answer;
        }
        accepted.push(number);
        number += 1;
    };
    assert_eq!((behind.status, behind.header("retry-after")), (429, Some("1")));
    assert_eq!(behind.body["error"], "the engine is behind; send it again later");
    gate.open();
    // The connection is as good as before.
    while client.post(event(number, 500.0)).status != 202 {}
    accepted.push(number);
    for number in &accepted {
        assert_eq!(receiver.next().event(), number.to_string());
    }
    let ended = service.stop();
    assert_eq!(ended.total("sink", "desk")["delivered"], accepted.len());
}

#[test]
fn nothing_that_was_accepted_is_lost_when_the_service_stops() {
    let receiver = Receiver::start([]);
    let mut service = Service::start(RULES, &format!("{HTTP}{}", receiver.sink("desk", "")));
    let address = service.address("web");
    let begun = AtomicBool::new(false);
    let (accepted, ended) = thread::scope(|scope| {
        let clients: Vec<_> = (0..8)
            .map(|client| {
                let begun = &begun;
                scope.spawn(move || {
                    let mut accepted = 0;
                    let mut client = (Client::connect(address), client);
                    for number in 0.. {
                        let body = event(format!("{}-{number}", client.1), 500.0);
                        let sent = client.0.0.get_mut().write_all(&request("/v1/events/auth", "", body));
                        let (Ok(()), Some(answer)) = (sent, client.0.try_answer()) else { break };
                        match answer.status {
                            202 => accepted += 1,
                            429 | 503 => {}
                            other => panic!("{other}"),
                        }
                        begun.store(true, Ordering::Relaxed);
                    }
                    accepted
                })
            })
            .collect();
        while !begun.load(Ordering::Relaxed) {
            thread::yield_now();
        }
        service.signal("TERM");
        let accepted: u64 = clients.into_iter().map(|client| client.join().expect("no panic")).sum();
        (accepted, service.end())
    });
    assert!(ended.status.success(), "{}", ended.log());
    let delivered = ended.total("sink", "desk")["delivered"].as_u64().expect("a number");
    // An answer can be lost with its connection; what was answered cannot.
    assert!(accepted > 0 && delivered >= accepted, "{delivered} of {accepted}");
    assert!(delivered <= accepted + 8, "{delivered} of {accepted}");
}

#[test]
fn a_service_that_stops_answers_what_has_begun() {
    let receiver = Receiver::start([]);
    let mut service = Service::start(RULES, &format!("{HTTP}{}", receiver.sink("desk", "")));
    let address = service.address("web");
    let body = event(1, 500.0);
    let (begin, rest) = body.split_at(10);
    let head =
        |length| format!("POST /v1/events/auth HTTP/1.1\r\nhost: t\r\ncontent-length: {length}\r\n\r\n");
    let [mut whole, mut never, mut idle] = [(); 3].map(|()| Client::connect(address));
    whole.send(format!("{}{begin}", head(body.len())));
    never.send(format!("{}{begin}", head(body.len())));
    assert_eq!(idle.post(event(0, 500.0)).status, 202);
    assert_eq!(receiver.next().event(), "0");
    service.signal("TERM");
    service.wait_for("reading what has arrived", |_| true);
    whole.send(rest);
    assert_eq!(whole.answer().status, 202);
    assert_eq!(receiver.next().event(), "1");
    assert!(idle.is_closed());
    let answer = never.answer();
    assert_eq!((answer.status, answer.header("retry-after")), (503, Some("5")));
    drop(never);
    assert!(service.end().status.success());
}

#[test]
fn a_request_needs_a_token_where_there_is_a_file_of_them() {
    let folder = Folder::new();
    folder.write("tokens", "new-one\nold-one\n");
    let receiver = Receiver::start([]);
    let config = format!("{HTTP}token_file = \"tokens\"\n{}", receiver.sink("desk", ""));
    let mut service = Service::start_in(folder, RULES, &config);
    let mut client = Client::connect(service.address("web"));
    for (path, headers) in [
        ("/v1/events/auth", ""),
        ("/v1/events/auth", "Authorization: Bearer other\r\n"),
        ("/v1/events/nowhere", ""),
        ("/elsewhere", "Authorization: Basic new-one\r\n"),
    ] {
        let mut client = Client::connect(client.0.get_ref().peer_addr().expect("connected"));
        let answer = client.post_with(path, headers, event(0, 500.0));
        assert_eq!(
            (answer.status, answer.header("www-authenticate")),
            (401, Some("Bearer realm=\"tripline\""))
        );
        assert!(answer.body["streams"].is_null());
    }
    for (id, token) in [(1, "new-one"), (2, "old-one")] {
        let headers = format!("Authorization: Bearer {token}\r\n");
        assert_eq!(client.post_with("/v1/events/auth", &headers, event(id, 500.0)).status, 202);
        assert_eq!(receiver.next().event(), id.to_string());
    }
    let ended = service.stop();
    assert!(!ended.log().contains("old-one"));
}

#[test]
fn a_source_without_its_tokens_does_not_begin() {
    let folder = Folder::new();
    folder.write("rules/a.trip", RULES.replace("to desk", "to out"));
    folder.write(
        "tripline.toml",
        format!("rules = \"rules\"\n{HTTP}token_file = \"nowhere\"\n[sinks.out]\ntype = \"stdout\"\n"),
    );
    let run = folder.run(&["run"]);
    assert_eq!(run.status.code(), Some(1));
    let said = crate::harness::text(&run.stderr);
    assert!(said.contains("cannot read the tokens in") && said.contains("nowhere"), "{said}");
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
    assert_eq!((receiver.next().event(), receiver.next().event()), ("1", "2"));
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

#[test]
fn requests_can_be_encrypted() {
    let folder = Folder::new();
    let pair = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).expect("a certificate");
    folder.write("server.pem", pair.cert.pem());
    folder.write("server.key", pair.signing_key.serialize_pem());
    let receiver = Receiver::start([]);
    let tls = "tls_cert = \"server.pem\"\ntls_key = \"server.key\"\n";
    let config = format!("{HTTP}{tls}{}", receiver.sink("desk", ""));
    let mut service = Service::start_in(folder, RULES, &config);
    let address = service.address("web");
    let mut plain = Client::connect(address);
    plain.send(request("/v1/events/auth", "", event(0, 500.0)));
    assert!(plain.try_answer().is_none());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let certificate = reqwest::Certificate::from_pem(pair.cert.pem().as_bytes()).expect("a certificate");
        let http = reqwest::Client::builder().tls_certs_only([certificate]).no_proxy();
        let http = http.resolve("localhost", address).build().expect("a client");
        let url = format!("https://localhost:{}/v1/events/auth", address.port());
        for number in 1..=3 {
            let answer = http.post(&url).body(event(number, 500.0)).send().await.expect("an answer");
            assert_eq!(answer.status(), 202);
        }
    });
    for number in 1..=3 {
        assert_eq!(receiver.next().event(), number.to_string());
    }
    let ended = service.stop();
    assert!(ended.status.success());
    assert_eq!(ended.lines("no agreement on TLS").len(), 1);
}

/// A body that was taken without its bad records: mended, the rules take these too.
#[test]
fn what_was_set_aside_can_be_fed_again() {
    let port =
        std::net::TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("a port").port();
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
    let report = crate::harness::text(&run.stdout);
    assert_eq!(run.status.code(), Some(0), "{report}{}", crate::harness::text(&run.stderr));
    assert_eq!(report, format!("fed         1 record of `web` to http://127.0.0.1:{port}/\n"));
    assert_eq!(receiver.next().event(), "b");
    assert!(service.stop().status.success());
}
