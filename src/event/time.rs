//! Points and spans of event time, in microseconds.
//!
//! Microseconds in 64 bits reach 292,000 years either way, so that dates such as 9999-12-31, which
//! business data uses for "never", are ordinary values. Nanosecond inputs are cut to microseconds;
//! events that then share a time keep the order of their source positions.

use std::fmt;

/// A point in event time: microseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp(i64);

impl Timestamp {
    /// Earlier than every event; the watermark of a partition that has sent nothing.
    pub const MIN: Timestamp = Timestamp(i64::MIN);
    /// Later than every event; the watermark of a partition that has ended.
    pub const MAX: Timestamp = Timestamp(i64::MAX);

    /// The point `us` microseconds after 1970-01-01T00:00:00Z.
    pub const fn from_micros(us: i64) -> Self {
        Timestamp(us)
    }

    /// The point `ms` milliseconds after 1970-01-01T00:00:00Z; `None` when it cannot be represented.
    pub fn from_millis(ms: i64) -> Option<Self> {
        ms.checked_mul(1_000).map(Timestamp)
    }

    /// Microseconds since 1970-01-01T00:00:00Z.
    pub const fn as_micros(self) -> i64 {
        self.0
    }

    /// This point moved later by `span`; stops at [`Timestamp::MAX`] instead of overflowing.
    pub const fn saturating_add(self, span: Duration) -> Self {
        Timestamp(self.0.saturating_add(span.0))
    }

    /// This point moved earlier by `span`; stops at [`Timestamp::MIN`] instead of overflowing.
    pub const fn saturating_sub(self, span: Duration) -> Self {
        Timestamp(self.0.saturating_sub(span.0))
    }

    /// How long after `earlier` this point is (negative when it is before); `None` on overflow.
    pub fn since(self, earlier: Timestamp) -> Option<Duration> {
        self.0.checked_sub(earlier.0).map(Duration)
    }
}

impl fmt::Display for Timestamp {
    /// RFC 3339 in UTC, with as many decimals as needed: `2026-03-01T08:00:00.5Z`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_microsecond(self.0) {
            Ok(time) => write!(f, "{time}"),
            Err(_) => write!(f, "{}us", self.0),
        }
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A span of time in microseconds; may be negative, as the difference of two timestamps can be.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Duration(i64);

impl Duration {
    /// No time at all.
    pub const ZERO: Duration = Duration(0);
    /// One second.
    pub const SECOND: Duration = Duration(1_000_000);
    /// One day of 24 hours.
    pub const DAY: Duration = Duration(86_400_000_000);

    /// A span of `us` microseconds.
    pub const fn from_micros(us: i64) -> Self {
        Duration(us)
    }

    /// A span of `ms` milliseconds; `None` when it cannot be represented.
    pub fn from_millis(ms: i64) -> Option<Self> {
        ms.checked_mul(1_000).map(Duration)
    }

    /// The span in microseconds.
    pub const fn as_micros(self) -> i64 {
        self.0
    }

    /// The span in seconds, with its fraction.
    pub fn as_secs_f64(self) -> f64 {
        self.0 as f64 / 1e6
    }
}

impl fmt::Display for Duration {
    /// As the language writes it: `1h30m`, `250ms`, `0s`. Microseconds, which the language cannot
    /// write, are shown as `us`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 == 0 {
            return f.write_str("0s");
        }
        if self.0 < 0 {
            f.write_str("-")?;
        }
        let mut rest = self.0.unsigned_abs();
        for (unit, us) in [
            ("d", 86_400_000_000),
            ("h", 3_600_000_000),
            ("m", 60_000_000),
            ("s", 1_000_000),
            ("ms", 1_000),
            ("us", 1),
        ] {
            if rest >= us {
                write!(f, "{}{unit}", rest / us)?;
                rest %= us;
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Duration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_print_as_the_language_writes_them() {
        let show = |us| Duration::from_micros(us).to_string();
        assert_eq!(show(0), "0s");
        assert_eq!(show(5_400_000_000), "1h30m");
        assert_eq!(show(250_000), "250ms");
        assert_eq!(show(-1_500_001), "-1s500ms1us");
        assert_eq!(Duration::from_micros(i64::MIN).to_string().chars().next(), Some('-'));
    }

    #[test]
    fn times_print_as_rfc_3339() {
        assert_eq!(Timestamp::from_micros(0).to_string(), "1970-01-01T00:00:00Z");
        assert_eq!(Timestamp::from_micros(1_500_000).to_string(), "1970-01-01T00:00:01.5Z");
        assert_eq!(Timestamp::MAX.to_string(), format!("{}us", i64::MAX));
    }

    #[test]
    fn arithmetic_saturates() {
        assert_eq!(Timestamp::MAX.saturating_add(Duration::DAY), Timestamp::MAX);
        assert_eq!(Timestamp::MIN.saturating_sub(Duration::DAY), Timestamp::MIN);
        assert_eq!(Timestamp::MAX.since(Timestamp::MIN), None);
    }
}
