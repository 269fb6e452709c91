//! The real binary as a child process, with real sockets and a real receiver of webhooks.
//!
//! Nothing here waits for a span of time to pass, but for the load test's traffic: tests wait for conditions (a log line, an alert,
//! the end of the process), and fail when one does not come in [`harness::PATIENCE`].

mod harness;
#[path = "../common/ports.rs"]
mod ports;
mod receiver;
#[path = "../common/scrape.rs"]
mod scrape;

mod api;
mod commands;
mod delivery;
mod explain;
mod files;
mod fmt;
mod health;
mod http;
mod intake;
mod load;
mod looking;
mod metrics;
mod outage;
mod outbox;
mod project;
mod quarantine;
mod renewal;
mod replay;
mod routing;
mod sockets;
mod state;
mod stopping;
mod supervised;
mod tables;
mod tutorial;
