//! The service that takes prepared traffic: its configuration, its connections and its end.

use std::fmt::Write as _;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};

use super::traffic::Traffic;
use crate::harness::{Ended, PATIENCE, Service};

/// The sinks that the example rules send to.
pub const DESKS: [&str; 4] = ["fraud_desk", "security_desk", "operations", "audit"];

/// What each connection begins with: a line that is no event. That the service has rejected it shows
/// that it has opened the partition, so that nothing which is sent after that on another connection
/// can move event time past it.
const OPENING: &[u8] = b"opening\n";

/// A configuration with these rules, a TCP source for each connection, and these sinks.
pub fn configuration(rules: &str, traffic: &Traffic, sinks: &str) -> String {
    // Days of traffic pass in seconds, and soon lie in the future.
    let mut text =
        format!("rules = '{rules}'\nmax_ahead = \"36500d\"\nshutdown_timeout = \"10m\"\n{sinks}\n");
    for lane in &traffic.lanes {
        let name = lane.stream.name;
        let _ = writeln!(
            text,
            "[sources.{name}]\ntype = \"tcp\"\nstream = \"{name}\"\nlisten = \"127.0.0.1:0\"\n"
        );
    }
    text
}

/// The folder of the example rules.
pub fn example_rules() -> &'static str {
    concat!(env!("CARGO_MANIFEST_DIR"), "/rules")
}

/// Begins the bytes of a connection, or of a file that is to have the same.
pub fn open(mut out: impl Write) {
    out.write_all(OPENING).expect("the first line is taken");
}

/// A connection for each lane, open at both ends.
pub fn connect(service: &mut Service, traffic: &Traffic) -> Vec<TcpStream> {
    let mut connections = Vec::new();
    for lane in &traffic.lanes {
        let connection = service.connect(lane.stream.name);
        connection.set_nodelay(true).expect("a TCP connection");
        // A service that takes nothing any more is to fail the test, not to hold it up.
        connection.set_write_timeout(Some(PATIENCE)).expect("a time-out");
        open(&connection);
        connections.push(connection);
    }
    for lane in &traffic.lanes {
        service.wait_for("rejected", |line| line["source"] == lane.stream.name);
    }
    connections
}

/// Ends the connections and waits until the service has read them to their ends.
pub fn finish(connections: Vec<TcpStream>) {
    for connection in &connections {
        connection.shutdown(Shutdown::Write).expect("the connection is open");
    }
    for mut connection in connections {
        let answer = connection.read(&mut [0]).expect("the service closes the connection in time");
        assert_eq!(answer, 0, "the service sends nothing");
    }
}

/// Asserts that every line of `chunks` chunks was counted, in time, and every alert delivered.
/// Returns how many alerts were made.
pub fn assert_nothing_is_lost(ended: &Ended, traffic: &Traffic, chunks: usize) -> u64 {
    assert!(ended.status.success(), "{}", ended.log());
    for lane in &traffic.lanes {
        let name = lane.stream.name;
        let total = ended.total("source", name);
        let count = |what: &str| total[what].as_u64().unwrap_or_else(|| panic!("no `{what}` in {total}"));
        // Besides the opening line, some events are of no use to any rule, for want of a key.
        assert_eq!(count("events") + count("rejected"), lane.lines(chunks) + 1, "{name}: every line counts");
        assert_eq!(count("late"), 0, "{name}: nothing is late");
    }
    let totals = ended.lines("total");
    for sink in totals.iter().filter(|line| line["sink"].is_string()) {
        assert_eq!((&sink["failed"], &sink["undelivered"]), (&0.into(), &0.into()), "{sink}");
    }
    totals.iter().filter_map(|line| line["alerts"].as_u64()).sum()
}
