//! Tripline: rules and alerts for streams of events.
//!
//! People write rules in a small language; each rule's pattern compiles into an automaton that runs
//! over keyed, event-time streams; matches become alerts.
//!
//! ```text
//!  rules/*.trip ──> language ──> automaton ─────────────┐  compiled once, immutable
//!                                                       v
//!  source ──> codec ──> ordering ──> shard: matcher ──> alert ──> outbox ──> sink
//! ```
//!
//! # As a library
//!
//! [`program::Program`] compiles the text of rules, a [`codec::Decoder`] reads records,
//! [`engine::Engine`] takes events and gives [`alert::Alert`]s. That part is pure: it reads no clock,
//! opens no file or socket, starts no thread and needs no feature. `examples/embedded.rs` is a
//! whole program. Lists and tables are read by who runs the program: [`table::TableSpec::parse`] makes
//! contents of the bytes of a file, [`engine::Engine::set_tables`] takes them.
//!
//! # As a service
//!
//! The feature `service`, on by default, adds sources, sinks and the command line; `cli::main` is
//! the `tripline` binary.
//!
//! # Layers
//!
//! A module imports only from those before its own group in this list, which `tests/layers.rs`
//! checks: stored · event, diagnostic · table · alert, expression · language, codec, ordering · automaton ·
//! program, matcher · shard · engine · testing; then the edge: telemetry, append, changing, described, disk, watch · access, secret, tls · kafka, quarantine, journal, store ·
//! source, outbox · sink, routing · archive · config · runtime · api, lsp · cli.

#![warn(missing_docs)]

// Pure: no clock, files, sockets, threads or randomness.
pub mod alert;
mod automaton;
#[cfg(test)]
mod cases;
pub mod codec;
pub mod diagnostic;
pub mod engine;
pub mod event;
mod expression;
mod history;
pub mod language;
mod matcher;
mod ordering;
pub mod program;
mod shard;
pub mod stored;
pub mod table;
pub mod testing;

// The edge.
#[cfg(feature = "service")]
mod access;
#[cfg(feature = "service")]
mod api;
#[cfg(feature = "service")]
mod append;
#[cfg(feature = "service")]
mod archive;
#[cfg(feature = "service")]
mod changing;
#[cfg(feature = "service")]
pub mod cli;
#[cfg(feature = "service")]
pub mod config;
#[cfg(feature = "service")]
mod described;
#[cfg(feature = "service")]
pub mod disk;
#[cfg(feature = "service")]
pub mod journal;
#[cfg(feature = "service")]
mod kafka;
#[cfg(feature = "service")]
mod lsp;
#[cfg(feature = "service")]
mod moving;
#[cfg(feature = "service")]
mod outbox;
#[cfg(feature = "service")]
mod quarantine;
#[cfg(feature = "service")]
mod rate;
#[cfg(feature = "service")]
mod routing;
#[cfg(feature = "service")]
mod runtime;
#[cfg(feature = "service")]
mod secret;
#[cfg(all(test, feature = "service"))]
mod seeds;
#[cfg(feature = "service")]
mod sink;
#[cfg(feature = "service")]
mod source;
#[cfg(feature = "service")]
mod stalled;
#[cfg(feature = "service")]
pub mod store;
#[cfg(feature = "service")]
pub mod telemetry;
#[cfg(feature = "service")]
mod tls;
#[cfg(feature = "service")]
mod watch;
