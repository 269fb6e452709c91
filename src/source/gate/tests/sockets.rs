//! Clients on real sockets that are told what is kept, while the disk works when a test lets it.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpStream, UnixStream};
use tokio::time::timeout;

use super::*;
use crate::source::together::Turn;
use crate::source::{Source, http, tcp, unix};
use crate::telemetry::catalogue::HttpMetrics;

/// Nothing here takes so long.
const PATIENCE: Duration = Duration::from_secs(20);

fn tcp_settings() -> tcp::Settings {
    let listen = "127.0.0.1:0".into();
    tcp::Settings { listen, max_connections: 10, read_timeout: None, tls: None, ack: true }
}

/// Waits until something is so.
async fn until(mut is_so: impl FnMut() -> bool) {
    let waiting = async {
        while !is_so() {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, waiting).await.expect("it comes to that");
}

#[tokio::test]
async fn a_client_is_told_how_many_of_its_records_are_on_the_disk() {
    let disk = SimulatedDisk::new(1);
    let (journal, mut committer, listening) = journal(&disk, 0, Limits::default());
    let mut life = Life::new(journal.clone(), &listening).await;
    let server = tcp::Server::bind(&tcp_settings()).await.expect("a free port");
    let address = server.address().expect("it is bound");
    let running = tokio::spawn(Box::new(server).run(vec![life.inlet("conn", &Format::Json)], Turn::alone()));
    let (read, mut write) = TcpStream::connect(address).await.expect("it listens").into_split();
    let mut lines = BufReader::new(read).lines();
    write.write_all(b"{\"id\":1}\nnonsense\n\n{\"id\":2}\n{\"id\"").await.expect("sent");
    until(|| journal.status().waiting == 3).await;
    let line = timeout(Duration::from_millis(50), lines.next_line()).await;
    assert!(line.is_err(), "nothing is on the disk: {line:?}");
    committer.round();
    let line = timeout(PATIENCE, lines.next_line()).await.expect("it comes").expect("a line");
    assert_eq!(line.as_deref(), Some("3"), "what was set aside counts, a blank line does not");
    // What comes in several steps before the disk is asked is said once.
    write.write_all(b":3}\n").await.expect("sent");
    until(|| journal.status().waiting == 1).await;
    write.write_all(b"{\"id\":4}\n{\"id\":5}").await.expect("sent");
    until(|| journal.status().waiting == 2).await;
    write.write_all(b"\n{\"id\":").await.expect("sent");
    write.shutdown().await.expect("the client has sent everything");
    until(|| journal.status().waiting == 4).await;
    committer.round();
    let mut rest = Vec::new();
    while let Some(line) = timeout(PATIENCE, lines.next_line()).await.expect("it comes").expect("a line") {
        rest.push(line);
    }
    assert_eq!(rest, ["6"], "what was cut off does not count, and the connection is closed");
    let inputs = life.arrived().await;
    assert_eq!(events(&inputs).len(), 5);
    assert!(matches!(inputs.last(), Some(Input::Closed { .. })), "{inputs:?}");
    life.stop.send_replace(true);
    timeout(PATIENCE, running).await.expect("it stops").expect("no panic");
}

#[tokio::test]
async fn a_client_that_sends_records_that_are_all_set_aside_is_told_so_at_once() {
    let disk = SimulatedDisk::new(1);
    let (journal, _committer, listening) = journal(&disk, 0, Limits::default());
    let life = Life::new(journal, &listening).await;
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("in.sock");
    let mode = unix::Mode::Stream { max_connections: 1, read_timeout: None, ack: true };
    let settings = unix::Settings { path: path.clone(), permissions: None, mode };
    let server = unix::Server::bind(&settings).expect("a free path");
    let running = tokio::spawn(Box::new(server).run(vec![life.inlet("conn", &Format::Json)], Turn::alone()));
    let mut client = UnixStream::connect(&path).await.expect("it listens");
    client.write_all(b"a\nb\n").await.expect("sent");
    client.shutdown().await.expect("shut");
    let mut told = String::new();
    timeout(PATIENCE, client.read_to_string(&mut told)).await.expect("it ends").expect("text");
    assert_eq!(told, "2\n");
    life.stop.send_replace(true);
    timeout(PATIENCE, running).await.expect("it stops").expect("no panic");
}

fn http_settings() -> http::Settings {
    http::Settings {
        listen: "127.0.0.1:0".into(),
        tls: None,
        token_file: None,
        max_connections: 10,
        max_body: 1 << 20,
        max_bodies: 4 << 20,
        max_records: 1000,
        wait: Duration::from_millis(20),
        read_timeout: PATIENCE,
    }
}

/// Posts a body and gives the whole answer.
async fn post(address: std::net::SocketAddr, body: String) -> String {
    let mut client = TcpStream::connect(address).await.expect("it listens");
    let head = format!(
        "POST /v1/events/s HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {}",
        body.len()
    );
    client.write_all(format!("{head}\r\n\r\n{body}").as_bytes()).await.expect("sent");
    let mut answer = String::new();
    timeout(PATIENCE, client.read_to_string(&mut answer)).await.expect("it ends").expect("text");
    answer
}

#[tokio::test]
async fn a_body_is_answered_when_it_is_on_the_disk_and_refused_while_the_disk_is_in_trouble() {
    let disk = SimulatedDisk::new(1);
    let (journal, mut committer, listening) = journal(&disk, 0, Limits::default());
    let mut life = Life::new(journal.clone(), &listening).await;
    let metrics = Arc::new(HttpMetrics::new("lasting"));
    let known = http::Known {
        alert_streams: BTreeMap::new(),
        metrics: Arc::clone(&metrics),
        doors: http::Doors::default(),
    };
    let server = http::Server::bind(&http_settings(), known).await.expect("a free port");
    let address = server.address().expect("it is bound");
    let running =
        tokio::spawn(Box::new(server).run(vec![life.inlet("lasting", &Format::Json)], Turn::alone()));

    let answer = tokio::spawn(post(address, "{\"id\":1}\n{\"id\":2}".into()));
    until(|| journal.status().waiting == 3).await;
    assert!(life.arrived().await.is_empty() && !answer.is_finished());
    committer.round();
    let answer = answer.await.expect("no panic");
    assert!(answer.starts_with("HTTP/1.1 202") && answer.contains("{\"accepted\":2}"), "{answer}");
    let inputs = life.arrived().await;
    assert!(matches!(inputs[..], [Input::Opened { .. }, Input::Events { .. }]), "{inputs:?}");
    assert_eq!(events(&inputs).len(), 2);

    // One is on its way when the trouble begins, the next finds it.
    disk.set_capacity(Some(disk.used()));
    let answer = tokio::spawn(post(address, "{\"id\":3}".into()));
    until(|| journal.status().waiting == 1).await;
    committer.round();
    let answer = answer.await.expect("no panic");
    assert!(answer.starts_with("HTTP/1.1 503") && answer.contains("may count twice"), "{answer}");
    let answer = post(address, "{\"id\":4}".into()).await;
    assert!(answer.starts_with("HTTP/1.1 503") && answer.contains("retry-after: 5"), "{answer}");
    assert!(
        answer.contains("records cannot be kept just now: the disk is full; nothing is taken"),
        "{answer}"
    );
    assert!(life.arrived().await.is_empty());
    disk.set_capacity(None);
    committer.round();
    let answer = tokio::spawn(post(address, "{\"id\":5}".into()));
    until(|| journal.status().waiting == 1).await;
    committer.round();
    assert!(answer.await.expect("no panic").starts_with("HTTP/1.1 202"));
    let found: Vec<String> = events(&life.arrived().await).into_iter().map(|(_, _, raw)| raw).collect();
    assert_eq!(found, ["{\"id\":3}", "{\"id\":5}"]);
    assert_eq!((metrics.requests.of("202").get(), metrics.requests.of("503").get()), (2, 2));
    life.stop.send_replace(true);
    timeout(PATIENCE, running).await.expect("it stops").expect("no panic");
}

#[tokio::test]
async fn a_body_that_finds_the_journal_full_is_refused_after_a_while() {
    let disk = SimulatedDisk::new(1);
    let limits = Limits { disk: 64 << 10, waiting: 16 << 10, entry: 2 << 10, segment: 4 << 10 };
    let (journal, mut committer, listening) = journal(&disk, 0, limits);
    let life = Life::new(journal.clone(), &listening).await;
    let known = http::Known {
        alert_streams: BTreeMap::new(),
        metrics: Arc::new(HttpMetrics::new("lasting")),
        doors: http::Doors::default(),
    };
    let server = http::Server::bind(&http_settings(), known).await.expect("a free port");
    let address = server.address().expect("it is bound");
    let running =
        tokio::spawn(Box::new(server).run(vec![life.inlet("lasting", &Format::Json)], Turn::alone()));
    let body: String = (0..100).map(|id| format!("{{\"id\":{id}}}\n")).collect();
    let mut answers = Vec::new();
    for _ in 0..20 {
        let before = journal.status().next;
        let answer = tokio::spawn(post(address, body.clone()));
        until(|| journal.status().next > before || answer.is_finished()).await;
        committer.round();
        answers.push(answer.await.expect("no panic"));
        if answers.last().is_some_and(|answer| !answer.starts_with("HTTP/1.1 202")) {
            break;
        }
    }
    let last = answers.pop().expect("there were some");
    assert!(last.starts_with("HTTP/1.1 503") && last.contains("the journal is full"), "{last}");
    assert!(answers.len() > 3);
    life.stop.send_replace(true);
    timeout(PATIENCE, running).await.expect("it stops").expect("no panic");
}
