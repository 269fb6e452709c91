//! Traffic on two connections while the receiver of alerts stalls. The long version, with figures, is
//! `make load`.

use std::process::Stdio;
use std::thread;
use std::time::Duration;

use serde_json::Value;

use crate::harness::{Folder, Service, text};
use crate::receiver::{Gate, Receiver};

#[path = "../../benches/common/mod.rs"]
#[allow(dead_code, reason = "the live benchmark uses all of it")]
mod common;

use common::sender::{End, Pace, Settings};
use common::traffic::{DAY, Plan, START_MS, Traffic};
use common::{live, reference};

/// About three seconds of traffic.
const SETTINGS: Settings = Settings { rate: Some(4_000), ahead: 16, end: End::Chunks(240) };
/// Six hundred cards make some 4,000 lines a day on the two busiest streams.
const PLAN: Plan = Plan { cards: 600, connections: 2, chunk: 50, in_order: false };
/// How long the receiver does not answer. The one span of time that these tests wait for.
const STALL: Duration = Duration::from_secs(1);

#[test]
fn nothing_is_lost_while_the_receiver_stalls() {
    let mut traffic = Traffic::prepare(PLAN);
    let gate = Gate::default();
    gate.open();
    let receiver = Receiver::gated([], gate.clone());
    // Small queues, so that the stall is felt as far as the sockets.
    let mut sinks = "[limits]\nqueue = 4\nbatch_events = 32\n".to_owned();
    for desk in live::DESKS {
        sinks.push_str(&receiver.sink(desk, "queue = 1\ntimeout = \"1m\""));
    }
    let folder = Folder::new();
    folder.write("tripline.toml", live::configuration(live::example_rules(), &traffic, &sinks));
    let mut service = Service::launch(folder, Stdio::null());
    let connections = live::connect(&mut service, &traffic);

    let pace = Pace::begin(&traffic, SETTINGS);
    let (sent, mut requests) = thread::scope(|scope| {
        let sending = scope.spawn(|| pace.send(&mut traffic.lanes, connections.iter().collect()));
        let first = receiver.next();
        gate.close();
        thread::sleep(STALL);
        gate.open();
        (sending.join().expect("everything is sent"), vec![first])
    });
    live::finish(connections);
    let ended = service.stop();
    live::assert_nothing_is_lost(&ended, &traffic, sent.chunks);

    requests.extend(receiver.received());
    let closing = traffic.closing_date(sent.chunks);
    let delivered = reference::ids(requests.iter().map(|request| &request.body), &closing);
    let expected = reference::alerts(&mut traffic, sent.chunks);
    assert!(expected.len() >= 50, "the traffic has cases to find: {}", expected.len());
    assert_eq!(delivered, expected, "as in a replay of the same bytes");
}

#[test]
fn when_the_lines_are_used_up_they_come_again_a_day_later() {
    let mut traffic = Traffic::prepare(Plan { connections: 8, ..PLAN });
    for lane in &mut traffic.lanes {
        let a_day = lane.chunks_a_day();
        for chunk in 0..a_day {
            let first = events(lane.chunk(chunk));
            let second = events(lane.chunk(chunk + a_day));
            assert_eq!(first.len(), second.len());
            for ((event, at), (again, later)) in first.into_iter().zip(second) {
                assert_eq!((again, later - at), (event, DAY / 1_000), "{}", lane.stream.name);
            }
        }
    }
}

/// Of each line its length and its fields without the time, and the time in seconds.
fn events(lines: &[u8]) -> Vec<((usize, Value), i64)> {
    let lines = text(lines).lines().map(|line| {
        let mut event: Value = serde_json::from_str(line).expect("JSON");
        let at = match event["at"].take() {
            Value::String(text) => text.parse::<jiff::Timestamp>().expect("a time").as_second(),
            number => match number.as_i64().expect("a time") {
                millis if millis >= START_MS => millis / 1_000,
                seconds => seconds,
            },
        };
        ((line.len(), event), at)
    });
    lines.collect()
}
