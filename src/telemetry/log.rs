//! The log: to standard error, as text for people or JSON for machines.

use std::io::{self, IsTerminal};
use std::sync::atomic::{AtomicU64, Ordering};

use tracing::{Event, Level, Subscriber};
use tracing_subscriber::layer::{Context, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer};

use super::catalogue::{LOG_LEVELS, ServiceMetrics};

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
        Format::Text => builder.with_ansi(io::stderr().is_terminal()).finish().with(Counting).try_init(),
        Format::Json => builder.json().flatten_event(true).finish().with(Counting).try_init(),
    };
    // Someone who uses the library and has set up a log already keeps it.
    let _ = begun;
    Ok(())
}

/// How many messages have been written of each of [`LOG_LEVELS`]: the log begins before there are metrics.
static WRITTEN: [AtomicU64; LOG_LEVELS.len()] = [const { AtomicU64::new(0) }; LOG_LEVELS.len()];

/// Takes over how many messages have been written.
pub fn measure(metrics: &ServiceMetrics) {
    for (level, written) in LOG_LEVELS.iter().zip(&WRITTEN) {
        metrics.logged.of(level).follow(written.load(Ordering::Relaxed));
    }
}

/// Counts what is written.
struct Counting;

impl<S: Subscriber> Layer<S> for Counting {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        const LEVELS: [Level; LOG_LEVELS.len()] = [Level::ERROR, Level::WARN, Level::INFO];
        if let Some(place) = LEVELS.iter().position(|level| level == event.metadata().level()) {
            WRITTEN[place].fetch_add(1, Ordering::Relaxed);
        }
    }
}
