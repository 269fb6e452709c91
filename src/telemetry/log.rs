//! The log: to standard error, as text for people or JSON for machines.

use std::io::{self, IsTerminal};

use tracing_subscriber::EnvFilter;
use tracing_subscriber::util::SubscriberInitExt;

/// The form of log lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// One line of text each.
    Text,
    /// One JSON object a line.
    Json,
}

/// What to log cannot be understood.
#[derive(Debug, thiserror::Error)]
#[error("the log level `{level}` cannot be read: {reason}")]
pub struct LevelError {
    level: String,
    reason: String,
}

/// Begins to log to standard error. `level` is a level (`info`) or a list such as
/// `info,tripline::sink=debug`.
///
/// # Errors
/// When `level` cannot be read.
pub fn begin(format: Format, level: &str) -> Result<(), LevelError> {
    let filter = EnvFilter::try_new(level)
        .map_err(|error| LevelError { level: level.to_string(), reason: error.to_string() })?;
    let builder =
        tracing_subscriber::fmt().with_writer(io::stderr).with_env_filter(filter).with_target(false);
    let begun = match format {
        Format::Text => builder.with_ansi(io::stderr().is_terminal()).finish().try_init(),
        Format::Json => builder.json().flatten_event(true).finish().try_init(),
    };
    // Someone who uses the library and has set up a log already keeps it.
    let _ = begun;
    Ok(())
}
