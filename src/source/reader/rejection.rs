//! Why a record does not become an event.

use crate::codec::Malformed;
use crate::event::{Duration, Timestamp};

/// Why a record is not an event, or not one that may pass.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Rejection {
    /// It is not what the stream declares.
    #[error(transparent)]
    Malformed(#[from] Malformed),
    /// The bytes ended in the middle of it.
    #[error("the record is not complete: {0}")]
    Incomplete(String),
    /// It is longer than allowed.
    #[error("the record has {length} bytes, and `max_line` allows {limit}")]
    Oversized {
        /// Its length in bytes.
        length: u64,
        /// The limit in bytes.
        limit: usize,
    },
    /// The bytes could not be cut into records here.
    #[error("no record begins here: {0}")]
    Framing(String),
    /// Its time is too far ahead of the clock.
    #[error("its time {time} is {} ahead of the clock, and `max_ahead` allows {limit}", coarse(*by))]
    Future {
        /// Its time.
        time: Timestamp,
        /// How far that is ahead.
        by: Duration,
        /// How far it may be.
        limit: Duration,
    },
    /// No rule can put it into a group.
    #[error("every rule that reads the stream groups it by a field that is null: {fields}")]
    Keyless {
        /// The names of the fields that are null, as people read them.
        fields: String,
    },
}

/// The kinds of [`Rejection`], which are counted apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    /// Not what the codec reads.
    Syntax,
    /// A required field is missing.
    Missing,
    /// A field of another type.
    WrongType,
    /// Cut off by the end of the bytes.
    Incomplete,
    /// Longer than allowed.
    Oversized,
    /// Not cut into records.
    Framing,
    /// Too far ahead of the clock.
    Future,
    /// Without a key for any rule.
    Keyless,
}

impl Reason {
    /// All of them, in the order in which they are shown.
    #[cfg(test)]
    const ALL: [Reason; 8] = [
        Reason::Syntax,
        Reason::Missing,
        Reason::WrongType,
        Reason::Incomplete,
        Reason::Oversized,
        Reason::Framing,
        Reason::Future,
        Reason::Keyless,
    ];

    /// The word for it in logs and metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Reason::Syntax => "syntax",
            Reason::Missing => "missing_field",
            Reason::WrongType => "wrong_type",
            Reason::Incomplete => "incomplete",
            Reason::Oversized => "oversized",
            Reason::Framing => "framing",
            Reason::Future => "future",
            Reason::Keyless => "keyless",
        }
    }
}

impl Rejection {
    /// Its kind.
    pub fn reason(&self) -> Reason {
        match self {
            Rejection::Malformed(Malformed::Syntax(_)) => Reason::Syntax,
            Rejection::Malformed(Malformed::Missing { .. }) => Reason::Missing,
            Rejection::Malformed(Malformed::WrongType { .. }) => Reason::WrongType,
            Rejection::Incomplete(_) => Reason::Incomplete,
            Rejection::Oversized { .. } => Reason::Oversized,
            Rejection::Framing(_) => Reason::Framing,
            Rejection::Future { .. } => Reason::Future,
            Rejection::Keyless { .. } => Reason::Keyless,
        }
    }

    /// The same of the last record, which may be cut off: what cannot be read then is not complete.
    pub(super) fn at_the_end(self) -> Rejection {
        match self {
            Rejection::Malformed(Malformed::Syntax(why)) => Rejection::Incomplete(why),
            other => other,
        }
    }
}

/// A span as precisely as people want to know it, rounded up, so that it never looks as if it were
/// within a limit that it exceeds.
fn coarse(span: Duration) -> Duration {
    const MINUTE: i64 = 60_000_000;
    let us = span.as_micros();
    let unit = if us >= MINUTE { 1_000_000 } else { 1_000 };
    let over = us.rem_euclid(unit);
    Duration::from_micros(if over == 0 { us } else { us.saturating_add(unit - over) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_has_its_counter() {
        assert_eq!(Reason::ALL.map(Reason::name), crate::telemetry::catalogue::REJECTION_REASONS);
        assert!(Reason::ALL.is_sorted(), "shown in the order declared");
        let last = Reason::ALL[Reason::ALL.len() - 1];
        assert_eq!(last as usize + 1, Reason::ALL.len(), "none is left out");
    }

    #[test]
    fn spans_are_rounded_up() {
        let show = |us| coarse(Duration::from_micros(us)).to_string();
        assert_eq!(show(86_400_000_001), "1d1s");
        assert_eq!(show(172_800_000_000), "2d");
        assert_eq!(show(1_000_001), "1s1ms");
        assert!(show(i64::MAX).starts_with("106751991d"));
    }
}
