//! Clients: many at once, impatient ones, bad ones, those that come at the wrong time.

use std::io::Write;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use serde_json::Value;

use super::{Client, HTTP, request};
use crate::harness::{Folder, RULES, Service, event, text};
use crate::receiver::{Gate, Receiver};

/// The most memory in bytes that a service has taken so far.
fn peak_memory(service: &Service) -> u64 {
    let path = format!("/proc/{}/status", service.process());
    let status = std::fs::read_to_string(path).expect("it runs");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("a peak");
    let kib: u64 = line.trim().trim_end_matches(" kB").parse().expect("a number");
    kib << 10
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
    let mut service = Service::start(RULES, &format!("{HTTP}wait = \"1m\"\n{}", receiver.sink("desk", "")));
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
    let config = format!("{HTTP}read_timeout = \"1s\"\n{}", receiver.sink("desk", ""));
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
                // Connected before the service is asked to stop.
                let mut connection = Client::connect(address);
                scope.spawn(move || {
                    let mut accepted = 0;
                    for number in 0.. {
                        let body = event(format!("{client}-{number}"), 500.0);
                        let sent = connection.0.get_mut().write_all(&request("/v1/events/auth", "", body));
                        let (Ok(()), Some(answer)) = (sent, connection.try_answer()) else { break };
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
    let said = text(&run.stderr);
    assert!(said.contains("cannot read the tokens in") && said.contains("nowhere"), "{said}");
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
