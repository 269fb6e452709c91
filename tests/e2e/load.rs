//! Traffic on two connections while the receiver of alerts stalls. The long version, with figures, is
//! `make load`.

use std::process::Stdio;
use std::thread;
use std::time::Duration;

use crate::harness::{Folder, Service};
use crate::receiver::{Gate, Receiver};

#[path = "../../benches/common/mod.rs"]
#[allow(dead_code, reason = "the live benchmark uses all of it")]
mod common;

use common::sender::{End, Pace, Settings};
use common::traffic::{Plan, Traffic};
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
