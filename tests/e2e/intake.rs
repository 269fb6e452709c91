//! What comes in over sockets: good events, bad ones, and clients that misbehave.

use std::io::{Read, Write};

use crate::harness::{RULES, Service, TCP, event};
use crate::receiver::{Answer, Gate, Receiver};

#[test]
fn bad_records_are_counted_and_reported_and_harm_nobody() {
    let receiver = Receiver::start([]);
    let mut service = Service::start(RULES, &format!("{TCP}{}", receiver.sink("desk", "")));
    let mut bad = service.connect("auth");
    let mut good = service.connect("auth");
    bad.write_all(b"garbage\n\n\r\n\xff\xfe\n").expect("sent");
    bad.write_all(b"{\"id\":\"x\",\"card\":\"c\"}\n{\"id\":1,\"card\":\"c\",\"amount\":2}\n").expect("sent");
    let huge = vec![b'x'; 10 << 20];
    bad.write_all(&huge).expect("sent");
    bad.write_all(b"\n").expect("sent");
    bad.write_all(event("after", 500.0).replace('\n', "\r\n").as_bytes()).expect("sent");
    assert_eq!(receiver.next().event(), "after");
    good.write_all(event("good", 500.0).as_bytes()).expect("sent");
    assert_eq!(receiver.next().event(), "good");
    bad.write_all(b"{\"id\":\"half").expect("sent");
    drop(bad);
    let half = service.wait_for("rejected", |line| line["kind"] == "incomplete");
    assert_eq!(half["record"], "\"{\\\"id\\\":\\\"half\"");
    // A complete last line without a line feed counts.
    good.write_all(event("last", 500.0).trim_end().as_bytes()).expect("sent");
    drop(good);
    assert_eq!(receiver.next().event(), "last");

    let ended = service.stop();
    assert!(ended.status.success(), "{}", ended.log());
    let total = ended.total("source", "auth");
    assert_eq!(
        (&total["events"], &total["rejected"], &total["oversized"]),
        (&3.into(), &6.into(), &1.into())
    );
    let rejected = ended.lines("rejected");
    let kinds: Vec<_> = rejected.iter().map(|line| line["kind"].as_str().expect("a kind")).collect();
    assert_eq!(kinds, ["syntax", "syntax", "missing_field", "wrong_type", "oversized", "incomplete"]);
    assert_eq!(rejected[0]["record"], "\"garbage\"");
    assert_eq!((&rejected[3]["offset"], &rejected[3]["line"]), (&36.into(), &6.into()));
    assert!(rejected[4]["reason"].as_str().expect("a reason").contains("10485760 bytes"));
}

#[test]
fn a_silent_connection_does_not_hold_others_up() {
    let receiver = Receiver::start([]);
    let mut service = Service::start(RULES, &format!("{TCP}{}", receiver.sink("desk", "")));
    let silent = service.connect("auth");
    let mut busy = service.connect("auth");
    busy.write_all(event(1, 500.0).as_bytes()).expect("sent");
    assert_eq!(receiver.next().event(), "1");
    drop(silent);
    busy.write_all(event(2, 500.0).as_bytes()).expect("sent");
    assert_eq!(receiver.next().event(), "2");
    assert!(service.stop().status.success());
}

#[test]
fn a_connection_too_many_is_closed_at_once() {
    let receiver = Receiver::start([]);
    let config = format!("{TCP}max_connections = 1\n{}", receiver.sink("desk", ""));
    let mut service = Service::start(RULES, &config);
    let mut first = service.connect("auth");
    first.write_all(event(1, 500.0).as_bytes()).expect("sent");
    assert_eq!(receiver.next().event(), "1");
    let mut second = service.connect("auth");
    let closed = second.read(&mut [0]);
    assert!(matches!(closed, Ok(0) | Err(_)), "it is closed");
    let line = service.wait_for("too many are open", |_| true);
    assert_eq!(line["max_connections"], 1);
    // A place that has become free can be taken.
    drop(first);
    loop {
        let mut third = service.connect("auth");
        if third.write_all(event(3, 500.0).as_bytes()).is_ok()
            && third.shutdown(std::net::Shutdown::Write).is_ok()
        {
            let mut rest = Vec::new();
            // Whether the service has read it shows in the alert, or else the connection is reset.
            if third.read_to_end(&mut rest).is_ok() && !receiver.is_empty() {
                break;
            }
        }
    }
    assert!(service.stop().status.success());
}

/// A full queue slows the sender down and loses nothing.
#[test]
fn a_stalled_sink_slows_the_source_and_nothing_is_lost() {
    const EVENTS: usize = 2_000;
    let gate = Gate::default();
    let receiver = Receiver::gated([], gate.clone());
    let config = format!(
        "{TCP}[limits]\nqueue = 1\nbatch_events = 10\n{}",
        receiver.sink("desk", "queue = 1\ntimeout = \"1h\"")
    );
    let mut service = Service::start(RULES, &config);
    let mut client = service.connect("auth");
    let sender = std::thread::spawn(move || {
        for number in 0..EVENTS {
            // Padding, so that the buffers of the sockets do not take it all.
            let padded = event(number, 500.0).replace('}', &format!(",\"pad\":\"{}\"}}", "x".repeat(5_000)));
            client.write_all(padded.as_bytes()).expect("sent");
        }
    });
    // The first is stuck; behind it stand the queues.
    assert_eq!(receiver.next().event(), "0");
    gate.open();
    for number in 1..EVENTS {
        assert_eq!(receiver.next().event(), number.to_string());
    }
    sender.join().expect("all sent");
    let ended = service.stop();
    assert!(ended.status.success());
    assert_eq!(ended.total("sink", "desk")["delivered"], EVENTS);
}

#[test]
fn sinks_do_not_hold_each_other_up() {
    let stuck = Receiver::start([Answer::Hang]);
    let lively = Receiver::start([]);
    let rules = RULES.replace("to desk", "to desk, other");
    let config = format!(
        "shutdown_timeout = \"100ms\"\n{TCP}{}{}",
        stuck.sink("desk", "timeout = \"1h\""),
        lively.sink("other", "")
    );
    let mut service = Service::start(&rules, &config);
    let mut client = service.connect("auth");
    for number in 0..100 {
        client.write_all(event(number, 500.0).as_bytes()).expect("sent");
    }
    for number in 0..100 {
        assert_eq!(lively.next().event(), number.to_string());
    }
    let ended = service.stop();
    assert_eq!(ended.total("sink", "other")["delivered"], 100);
    assert_eq!(ended.total("sink", "desk")["undelivered"], 100);
}
