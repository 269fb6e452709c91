//! Tripline: rules and alerts for streams of events.

pub mod alert;
pub mod automaton;
pub mod codec;
pub mod diagnostic;
pub mod engine;
pub mod event;
pub mod expression;
pub mod language;
pub mod matcher;
pub mod ordering;
pub mod program;
pub mod shard;

#[cfg(feature = "service")]
pub mod cli;
#[cfg(feature = "service")]
pub mod config;
#[cfg(feature = "service")]
pub mod outbox;
#[cfg(feature = "service")]
pub mod runtime;
#[cfg(feature = "service")]
pub mod sink;
#[cfg(feature = "service")]
pub mod source;
#[cfg(feature = "service")]
pub mod telemetry;
