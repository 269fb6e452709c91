//! The real clock.

use std::time::{SystemTime, UNIX_EPOCH};

use crate::event::Timestamp;
use crate::source::Clock;

/// The system's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        let since = |duration: std::time::Duration| i64::try_from(duration.as_micros()).unwrap_or(i64::MAX);
        match SystemTime::now().duration_since(UNIX_EPOCH) {
            Ok(after) => Timestamp::from_micros(since(after)),
            // A machine whose clock was never set.
            Err(before) => Timestamp::from_micros(-since(before.duration())),
        }
    }
}
