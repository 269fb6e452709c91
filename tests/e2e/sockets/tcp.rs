//! The server over TCP.

use std::io::{Read, Write};

use crate::harness::{RULES, Service, TCP, event};
use crate::receiver::Receiver;

use super::{TIMED, ahead, rejected, reset, send, timed};

/// Each connection brings its share in pieces that end anywhere, all at the same time. The rule
/// reports a card when all its events have come, so that a lost one shows.
#[test]
fn two_hundred_connections_that_write_slowly_lose_nothing() {
    const CONNECTIONS: usize = 200;
    const EVENTS: usize = 50;
    let rules = r#"
stream auth { id string, card string, amount float }
rule all {
  by card
  match 50 auth within 1h
  alert low "{card}" { card = card }
  to desk
}
"#;
    let receiver = Receiver::start([]);
    let mut service = Service::start(rules, &format!("{TCP}{}", receiver.sink("desk", "")));
    let share = |card: usize| -> Vec<u8> {
        let line = |id| event(id, 1.0).replace("\"c\"", &format!("\"{card}\""));
        (0..EVENTS).map(line).collect::<String>().into_bytes()
    };
    let mut clients: Vec<_> =
        (0..CONNECTIONS).map(|card| (service.connect("auth"), share(card), 0)).collect();
    for (stream, ..) in &clients {
        stream.set_nodelay(true).expect("a socket");
    }
    // Round by round, each in pieces of a size of its own.
    let mut going = true;
    while going {
        going = false;
        for (index, (stream, share, sent)) in clients.iter_mut().enumerate() {
            let end = share.len().min(*sent + 17 + index % 61);
            stream.write_all(&share[*sent..end]).expect("sent");
            *sent = end;
            going |= end < share.len();
        }
    }
    let mut seen: Vec<String> = (0..CONNECTIONS)
        .map(|_| receiver.next().body["fields"]["card"].as_str().expect("a card").to_string())
        .collect();
    seen.sort_by_key(|card| card.parse::<usize>().expect("a number"));
    seen.dedup();
    assert_eq!(seen.len(), CONNECTIONS);
    drop(clients);
    let ended = service.stop();
    assert!(ended.status.success(), "{}", ended.log());
    let total = ended.total("source", "auth");
    assert_eq!((&total["events"], &total["rejected"]), (&(CONNECTIONS * EVENTS).into(), &0.into()));
    assert_eq!(total["connections"], CONNECTIONS);
}

#[test]
fn a_client_that_vanishes_takes_nobody_with_it() {
    let receiver = Receiver::start([]);
    let mut service = Service::start(RULES, &format!("{TCP}{}", receiver.sink("desk", "")));
    let mut good = service.connect("auth");
    let mut bad = service.connect("auth");
    send(&mut bad, &format!("{}{{\"id\":\"half", event("whole", 500.0)));
    // It has been read before it is reset, or the system would throw it away.
    assert_eq!(receiver.next().event(), "whole");
    reset(bad);
    assert_eq!(rejected(&mut service, "incomplete")["record"], "\"{\\\"id\\\":\\\"half\"");
    service.wait_for("reading failed", |_| true);
    send(&mut good, &event("good", 500.0));
    assert_eq!(receiver.next().event(), "good");
    assert!(service.stop().status.success());
}

#[test]
fn event_time_goes_on_without_a_connection_that_is_silent() {
    let receiver = Receiver::start([]);
    let mut service = Service::start(TIMED, &format!("{TCP}{}", receiver.sink("desk", "")));
    let silent = service.connect("auth");
    let mut busy = service.connect("auth");
    let begin = ahead();
    send(&mut busy, &timed("first", 500, begin));
    // Something of the silent one could come before it, were that not idle after a while. The busy
    // one must not be quiet meanwhile, or time would follow the clock.
    let mut at = begin;
    let alert = loop {
        if let Some(alert) = receiver.received().into_iter().next() {
            break alert;
        }
        at += 1;
        send(&mut busy, &timed("more", 1, at));
    };
    assert_eq!(alert.event(), "first");
    drop(silent);
    assert!(service.stop().status.success());
}

#[test]
fn a_connection_that_is_silent_for_too_long_is_closed() {
    let receiver = Receiver::start([]);
    let config = format!("{TCP}read_timeout = \"150ms\"\n{}", receiver.sink("desk", ""));
    let mut service = Service::start(RULES, &config);
    let mut silent = service.connect("auth");
    send(&mut silent, &event("said", 500.0));
    assert_eq!(receiver.next().event(), "said");
    assert_eq!(silent.read(&mut [0]).expect("it is closed"), 0);
    let line = service.wait_for("reading failed", |_| true);
    assert!(line["error"].as_str().is_some_and(|error| error.contains("read_timeout")), "{line}");
    assert!(service.stop().status.success());
}

#[test]
fn compressed_connections_are_read_as_they_come() {
    let receiver = Receiver::start([]);
    let config = format!("{TCP}compression = \"gzip\"\n{}", receiver.sink("desk", ""));
    let mut service = Service::start(RULES, &config);
    let stream = service.connect("auth");
    let mut pressed = flate2::write::GzEncoder::new(stream, flate2::Compression::default());
    for id in 0..3 {
        send(&mut pressed, &event(id, 500.0));
        assert_eq!(receiver.next().event(), id.to_string(), "as soon as it is flushed");
    }
    pressed.finish().expect("sent");
    let mut plain = service.connect("auth");
    send(&mut plain, &event("plain", 500.0));
    let line = service.wait_for("reading failed", |_| true);
    assert!(line["error"].as_str().is_some_and(|error| error.contains("not gzip")), "{line}");
    assert!(service.stop().status.success());
}

/// A comma-separated header is one of each connection.
#[test]
fn each_connection_has_a_header_of_its_own() {
    let receiver = Receiver::start([]);
    let config = format!("{TCP}codec = \"csv\"\ndelimiter = \";\"\n{}", receiver.sink("desk", ""));
    let mut service = Service::start(RULES, &config);
    let mut one = service.connect("auth");
    let mut other = service.connect("auth");
    send(&mut one, "id;card;amount\n\"a;\nb\";c;500\n");
    assert_eq!(receiver.next().event(), "a;\nb");
    send(&mut other, "amount;id;card\r\n500;x;c\r\n");
    assert_eq!(receiver.next().event(), "x");
    send(&mut one, "late;c;600\n");
    assert_eq!(receiver.next().event(), "late");
    assert!(service.stop().status.success());
}

/// What a client has sent before the service is asked to stop is read, whether or not its connection
/// has been accepted by then.
#[test]
fn connections_made_just_before_stopping_are_read() {
    const CONNECTIONS: usize = 50;
    let receiver = Receiver::start([]);
    let mut service = Service::start(RULES, &format!("{TCP}{}", receiver.sink("desk", "")));
    service.address("auth");
    // Held, so that it finds all of them and the signal at the same time.
    service.signal("STOP");
    for id in 0..CONNECTIONS {
        send(&mut service.connect("auth"), &event(id, 500.0));
    }
    service.signal("TERM");
    service.signal("CONT");
    let ended = service.end();
    assert!(ended.status.success(), "{}", ended.log());
    assert_eq!(ended.total("source", "auth")["events"], CONNECTIONS);
    assert_eq!(ended.total("sink", "desk")["delivered"], CONNECTIONS);
}
