//! `tripline health`: what a health check is told of a service that runs, stops, or is not there.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::harness::{Folder, PATIENCE, RULES, Service, TCP, text};
use crate::outbox::outbox;
use crate::receiver::{Answer, Receiver};

fn config(state: &Path, sink: &str) -> String {
    format!("[state]\npath = \"{}\"\n[api]\nlisten = \"127.0.0.1:0\"\n{TCP}\n{sink}", state.display())
}

/// Runs the binary; gives its exit code, standard output and standard error.
fn run(folder: &Folder, arguments: &[&str]) -> (i32, String, String) {
    let output = folder.run(arguments);
    let code = output.status.code().expect("it ended by itself");
    (code, text(&output.stdout).to_owned(), text(&output.stderr).to_owned())
}

#[test]
fn a_service_is_asked_over_its_socket_and_at_its_address() {
    let work = Folder::new();
    let state = work.path().join("state");
    let state = state.to_str().expect("a path");
    let (code, out, error) = run(&work, &["health", "--state", state]);
    assert_eq!((code, out.as_str()), (1, ""));
    assert!(error.contains("no service runs that keeps its state there"), "{error}");

    let sink = "[sinks.desk]\ntype = \"file\"\npath = \"alerts.jsonl\"\n";
    let mut service = Service::start(RULES, &config(Path::new(state), sink));
    let ok = (0, "ok\n".to_owned(), String::new());
    assert_eq!(run(&work, &["health", "--state", state]), ok);
    assert_eq!(run(&work, &["health", "--live", "--state", state]), ok);
    assert_eq!(run(&service.folder, &["health"]), ok, "the configuration says where the state is");
    let line = service.wait_for("the API listens", |line| line["address"].is_string());
    let url = format!("http://{}", line["address"].as_str().expect("an address"));
    assert_eq!(run(&work, &["health", "--url", &url]), ok);
    assert_eq!(run(&work, &["health", "--live", "--url", &format!("{url}/")]), ok);
    assert_eq!(work.ask(&["health", "--state", state]), json!({"status": "ok"}));

    // What stands in the way of a configuration that is just being edited is not the service.
    service.folder.write("tripline.toml", "rules = ");
    assert_eq!(run(&service.folder, &["health"]).0, 2);
    assert_eq!(run(&service.folder, &["health", "--state", state]), ok);

    assert!(service.stop().status.success());
    assert_eq!(run(&work, &["health", "--state", state]).0, 1);
    let (code, _, error) = run(&work, &["health", "--url", &url]);
    assert!(code == 1 && error.contains(&url) && error.contains("Connection refused"), "{error}");
}

#[test]
fn what_does_not_work_is_said() {
    let state = Folder::new();
    let receiver = Receiver::start([Answer::Status("410 Gone\r\n")]);
    let folder = state.path().join("s");
    let mut service = Service::start(RULES, &config(&folder, &receiver.sink("desk", "")));
    service.connect("auth").write_all(b"{\"id\":\"1\",\"card\":\"c\",\"amount\":500}\n").expect("sent");
    receiver.next();
    outbox(&service.folder, |view| view["sinks"][0]["disabled"].is_string());
    let (code, out, _) = run(&state, &["health", "--state", folder.to_str().expect("a path")]);
    assert_eq!(code, 0, "a sink is no reason to send no events");
    assert!(out.starts_with("degraded\n  sink desk: ") && out.contains("disabled"), "{out}");
}

#[test]
fn what_is_no_service_is_not_taken_for_one() {
    let work = Folder::new();
    for (url, code, said) in [
        ("127.0.0.1:7070", 2, "relative URL without a base"),
        ("ftp://127.0.0.1", 2, "it begins with `http://` or `https://`"),
    ] {
        let (got, _, error) = run(&work, &["health", "--url", url]);
        assert!(got == code && error.contains(said), "{got} {error}");
    }
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let other = thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a connection");
        let mut request = [0; 1024];
        let _ = stream.read(&mut request);
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello");
        // The next one is accepted and gets no answer.
        let second = listener.accept();
        thread::park_timeout(std::time::Duration::from_secs(60));
        drop(second);
    });
    let (code, _, error) = run(&work, &["health", "--url", &url]);
    assert!(code == 1 && error.contains("does not say how it is: it says 200 OK"), "{error}");
    let (code, _, error) = run(&work, &["health", "--url", &url, "--timeout", "50ms"]);
    assert!(code == 1 && error.contains("it has taken too long"), "{error}");
    other.thread().unpark();
    other.join().expect("it ends");
}

/// What `tripline health` prints, once it ends with that code.
fn health(folder: &Folder, code: i32) -> String {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let (got, out, _) = run(folder, &["health"]);
        if got == code {
            return out;
        }
        assert!(Instant::now() < deadline, "{got}: {out}");
        thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_service_that_is_too_far_behind_is_not_ready_until_it_has_caught_up() {
    let state = Folder::new();
    let rules = RULES
        .replace("stream auth {", "stream auth time at late 1h {")
        .replace("  amount float\n", "  amount float\n  at timestamp\n");
    let sink = "[sinks.desk]\ntype = \"file\"\npath = \"alerts.jsonl\"\n[limits]\nbehind = \"10m\"\n";
    let mut service = Service::start(&rules, &config(&state.path().join("s"), sink));
    assert_eq!(health(&service.folder, 0), "ok\n");
    let mut sender = service.connect("auth");
    let mut send = |at: jiff::Timestamp| {
        let event = format!("{{\"id\":\"1\",\"card\":\"c\",\"amount\":1,\"at\":\"{at}\"}}\n");
        sender.write_all(event.as_bytes()).expect("it reads");
    };
    let now = jiff::Timestamp::now();
    // It waits for others that may be an hour late, and is old already.
    send(now - jiff::SignedDuration::from_mins(30));
    let why = health(&service.folder, 1);
    assert!(why.starts_with("failing\n  lag: ") && why.contains("and `limits.behind` is 10m"), "{why}");
    // Nothing of before half an hour after it can come any more.
    send(now + jiff::SignedDuration::from_mins(31));
    assert_eq!(health(&service.folder, 0), "ok\n");
    assert!(service.stop().status.success());
}
