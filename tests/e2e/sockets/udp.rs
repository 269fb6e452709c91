//! UDP.

use std::net::UdpSocket;

use crate::harness::{RULES, Service, event};
use crate::receiver::Receiver;

use super::rejected;

const UDP: &str = "[sources.auth]\ntype = \"udp\"\nstream = \"auth\"\nlisten = \"127.0.0.1:0\"\n";

fn sender(service: &mut Service) -> UdpSocket {
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a port");
    socket.connect(service.address("auth")).expect("it listens");
    socket
}

#[test]
fn a_datagram_holds_whole_records() {
    let receiver = Receiver::start([]);
    let mut service = Service::start(RULES, &format!("{UDP}{}", receiver.sink("desk", "")));
    let socket = sender(&mut service);
    let both = format!("{}{}", event(1, 500.0), event(2, 500.0).trim_end());
    socket.send(both.as_bytes()).expect("sent");
    assert_eq!([receiver.next(), receiver.next()].map(|alert| alert.event().to_string()), ["1", "2"]);
    // What is cut off does not run into the next.
    let half = event(3, 500.0);
    let (head, tail) = half.split_at(10);
    socket.send(head.as_bytes()).expect("sent");
    socket.send(tail.as_bytes()).expect("sent");
    socket.send(b"").expect("sent");
    let large = event(4, 500.0).replace('}', &format!(",\"pad\":\"{}\"}}", "x".repeat(60_000)));
    socket.send(large.as_bytes()).expect("sent");
    assert_eq!(receiver.next().event(), "4");
    rejected(&mut service, "syntax");
    let ended = service.stop();
    assert!(ended.status.success());
    let total = ended.total("source", "auth");
    assert_eq!(
        (&total["events"], &total["rejected"], &total["datagrams"], &total["dropped"]),
        (&3.into(), &2.into(), &5.into(), &0.into())
    );
}

/// What is not received is counted as dropped: nothing is lost without a trace.
#[test]
fn of_a_flood_all_is_received_or_counted_as_dropped() {
    const DATAGRAMS: u64 = 20_000;
    let receiver = Receiver::start([]);
    let config = format!("{UDP}receive_buffer = \"64KiB\"\n{}", receiver.sink("desk", ""));
    let mut service = Service::start(RULES, &config);
    let socket = sender(&mut service);
    for id in 0..DATAGRAMS {
        socket.send(event(id, 1.0).as_bytes()).expect("sent");
    }
    let ended = service.stop();
    assert!(ended.status.success());
    let total = ended.total("source", "auth");
    let count = |name: &str| total[name].as_u64().expect("a number");
    assert_eq!(count("datagrams") + count("dropped"), DATAGRAMS, "{total}");
    assert_eq!(count("events"), count("datagrams"), "{total}");
    assert!(count("events") > 0, "{total}");
    assert_eq!(ended.lines("the system dropped").is_empty(), count("dropped") == 0);
}
