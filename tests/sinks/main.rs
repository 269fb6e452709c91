//! The real binary with the receivers that its alerts are for: Prometheus Alertmanager, a server for mail and one for
//! syslog as Debian packs them, and for vendors without one, a receiver as strict as what they have published.
//!
//! As in the tests of `e2e`, nothing waits for a span of time to pass: tests wait for conditions, and fail when
//! one does not come in [`harness::PATIENCE`].

#[path = "../e2e/harness.rs"]
#[allow(dead_code, reason = "other tests need more of it")]
mod harness;
#[path = "../common/ports.rs"]
mod ports;
#[path = "../e2e/receiver.rs"]
#[allow(dead_code, reason = "the tests of the webhook need more of it")]
mod receiver;

#[path = "../e2e/sockets/certificates.rs"]
#[allow(dead_code, reason = "the tests of sources need more of it")]
mod certificates;

mod alertmanager;
mod daemon;
mod email;
mod exim;
mod file;
mod over;
mod rsyslog;
mod strict;
mod syslog;
mod vendors;

/// An event of the card with that number, as a line: alerts of several cards do not wait for each other.
fn event_of(card: usize, id: usize) -> String {
    format!("{{\"id\":\"{id}\",\"card\":\"c{card}\",\"amount\":120.5}}\n")
}
