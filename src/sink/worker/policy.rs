//! By what a worker decides.

use std::time::Duration;

use crate::rate::Rate;
use crate::sink::retry::RetryPolicy;

/// By what a worker decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// When what has failed is tried again.
    pub retry: RetryPolicy,
    /// Most attempts under way at a time.
    pub concurrency: usize,
    /// How much the sink is sent.
    pub rate: Option<Rate>,
    /// Whether what is given up goes to another sink.
    pub has_fallback: bool,
    /// How long an alert waits before it goes there without being given up.
    pub fallback_after: Option<Duration>,
}
