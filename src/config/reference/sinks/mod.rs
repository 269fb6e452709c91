//! The keys of sinks: one file a kind, and what kinds share.

mod delivery;
mod file;
mod http;
mod stdout;
mod webhook;

use super::{Key, Missing, Section, Takes, key, secret};

pub use delivery::DELIVERY;
pub use file::FILE;
pub use http::HTTP_CLIENT;
pub use stdout::STDOUT;
pub use webhook::WEBHOOK;

/// The kinds of sinks.
pub const SINK_TYPES: &[&str] = &["stdout", "file", "webhook"];

/// What tells the kinds from each other.
const SINK_TYPE: Key = key("type", Takes::Word(SINK_TYPES), Missing::Mistake, "The kind of sink.");
