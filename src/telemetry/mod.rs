//! What the service tells about itself: numbers and log lines.
//!
//! [`catalogue`] names every metric with its unit and meaning; the parts of the service hold handles
//! to their own and count without locks. [`exposition`] writes them as Prometheus reads them, `page` as `docs/metrics.md`.
//! Nothing here decides anything.

pub mod catalogue;
mod causes;
pub mod exposition;
pub mod limit;
pub mod log;
pub mod metric;
#[cfg(test)]
mod page;
pub mod process;

pub use catalogue::Metrics;
pub use causes::causes;
