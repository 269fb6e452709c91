//! The client over TCP, against a server that dies and returns.

use std::net::{TcpListener, TcpStream};

use crate::harness::{RULES, Service, TCP, event};
use crate::ports::own_port;
use crate::receiver::Receiver;

use super::{TIMED, ahead, rejected, reset, send, timed};

fn source(name: &str, listener: &TcpListener, more: &str) -> String {
    let address = listener.local_addr().expect("an address");
    format!("[sources.{name}]\ntype = \"tcp_client\"\nstream = \"auth\"\naddress = \"{address}\"\n{more}\n")
}

fn accept(listener: &TcpListener) -> TcpStream {
    listener.accept().expect("the service connects").0
}

#[test]
fn a_server_that_dies_and_returns_is_found_again() {
    let receiver = Receiver::start([]);
    let listener = TcpListener::bind(("127.0.0.1", own_port())).expect("a port");
    let address = listener.local_addr().expect("an address");
    let config = source("auth", &listener, "backoff = \"10ms\"\nmax_backoff = \"40ms\"");
    let mut service = Service::start(RULES, &format!("{config}{}", receiver.sink("desk", "")));
    let mut stream = accept(&listener);
    send(&mut stream, &format!("{}{{\"id\":\"half", event(1, 500.0)));
    assert_eq!(receiver.next().event(), "1");
    drop(stream);
    assert_eq!(rejected(&mut service, "incomplete")["offset"], 35);

    // The half record does not run into what a new connection brings.
    let mut stream = accept(&listener);
    send(&mut stream, &event(2, 500.0));
    assert_eq!(receiver.next().event(), "2");
    drop(listener);
    reset(stream);
    let line = service.wait_for("not connected", |line| line["attempts"] == 3);
    assert_eq!(line["address"], address.to_string());

    let listener = TcpListener::bind(address).expect("the port is free again");
    let mut stream = accept(&listener);
    send(&mut stream, event(3, 500.0).trim_end());
    drop(stream);
    assert_eq!(receiver.next().event(), "3");
    let ended = service.stop();
    assert!(ended.status.success(), "{}", ended.log());
    let total = ended.total("source", "auth");
    assert_eq!((&total["events"], &total["rejected"]), (&3.into(), &1.into()));
    // One partition, whatever the number of connections.
    assert!(ended.lines("connected").iter().all(|line| line["partition"].as_u64().is_none_or(|p| p == 0)));
}

/// A source that is not connected is never idle: what its server will send may come first.
#[test]
fn event_time_waits_for_a_server_that_is_gone() {
    let receiver = Receiver::start([]);
    let listener = TcpListener::bind(("127.0.0.1", own_port())).expect("a port");
    let address = listener.local_addr().expect("an address");
    let client = source("theirs", &listener, "backoff = \"200ms\"\nmax_backoff = \"200ms\"");
    let mut service = Service::start(TIMED, &format!("{TCP}{client}{}", receiver.sink("desk", "")));
    let begin = ahead();
    let mut stream = accept(&listener);
    send(&mut stream, &timed("theirs, before", 500, begin));
    assert_eq!(receiver.next().event(), "theirs, before");
    drop(listener);
    drop(stream);
    service.wait_for("not connected", |_| true);
    let mut ours = service.connect("auth");
    send(&mut ours, &timed("ours", 500, begin + 2_000));
    // Several times as long as the stream's `idle`.
    service.wait_for("not connected", |line| line["attempts"] == 5);
    assert!(receiver.is_empty(), "it is not certain yet");
    let listener = TcpListener::bind(address).expect("the port is free again");
    let mut stream = accept(&listener);
    send(&mut stream, &timed("theirs, after", 500, begin + 1_000));
    send(&mut stream, &timed("more", 1, begin + 3_000));
    let both = [receiver.next(), receiver.next()];
    assert_eq!(both.map(|alert| alert.event().to_string()), ["theirs, after", "ours"]);
    assert!(service.stop().status.success());
}

#[test]
fn a_server_that_is_silent_is_left_and_asked_again() {
    let receiver = Receiver::start([]);
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let more = "backoff = \"10ms\"\nread_timeout = \"100ms\"";
    let config = source("auth", &listener, more);
    let mut service = Service::start(RULES, &format!("{config}{}", receiver.sink("desk", "")));
    let silent = accept(&listener);
    let mut next = accept(&listener);
    send(&mut next, &event(1, 500.0));
    assert_eq!(receiver.next().event(), "1");
    service.wait_for("not connected", |line| {
        line["why"].as_str().is_some_and(|why| why.contains("read_timeout"))
    });
    drop(silent);
    assert!(service.stop().status.success());
}
