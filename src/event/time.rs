//! Points and spans of event time, in microseconds.
//!
//! Microseconds in 64 bits reach 292,000 years either way, so that dates such as 9999-12-31, which
//! business data uses for "never", are ordinary values. Nanosecond inputs are cut to microseconds;
//! events that then share a time keep the order of their source positions.

use std::fmt;

use super::calendar;

/// A point in event time: microseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp(i64);

impl Timestamp {
    /// Earlier than every event; the watermark of a partition that has sent nothing.
    pub const MIN: Timestamp = Timestamp(i64::MIN);
    /// Later than every event; the watermark of a partition that has ended.
    pub const MAX: Timestamp = Timestamp(i64::MAX);
    /// The first moment at which an event can happen.
    pub const FIRST: Timestamp = Timestamp(i64::MIN + 1);
    /// The last moment at which an event can happen.
    pub const LAST: Timestamp = Timestamp(i64::MAX - 1);

    /// The point `us` microseconds after 1970-01-01T00:00:00Z.
    pub const fn from_micros(us: i64) -> Self {
        Timestamp(us)
    }

    /// The point `ms` milliseconds after 1970-01-01T00:00:00Z; `None` when it cannot be represented.
    pub fn from_millis(ms: i64) -> Option<Self> {
        ms.checked_mul(1_000).map(Timestamp)
    }

    /// The time in RFC 3339 text, which must name its offset from UTC; `None` when the text is none.
    /// Decimals beyond microseconds are cut off, and a leap second counts as the second before it.
    pub fn parse(text: &str) -> Option<Self> {
        calendar::parse_time(text).map(Timestamp)
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

    /// The moment at which a span ends that begins at this point: never later than
    /// [`Timestamp::LAST`], so that the end of all event time decides what waits for it.
    pub fn end_of(self, span: Duration) -> Self {
        self.saturating_add(span).min(Timestamp::LAST)
    }

    /// How long after `earlier` this point is (negative when it is before); `None` on overflow.
    pub fn since(self, earlier: Timestamp) -> Option<Duration> {
        self.0.checked_sub(earlier.0).map(Duration)
    }
}

impl fmt::Display for Timestamp {
    /// RFC 3339 in UTC, with as many decimals as needed: `2026-03-01T08:00:00.5Z`. A time outside
    /// the years 0000 to 9999, which RFC 3339 cannot write, is shown as its microseconds.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        calendar::write_time(self.0, f)
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The units of a span, from the largest to the smallest, in microseconds.
const UNITS: [(&str, i64); 6] = [
    ("d", 86_400_000_000),
    ("h", 3_600_000_000),
    ("m", 60_000_000),
    ("s", 1_000_000),
    ("ms", 1_000),
    ("us", 1),
];

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

    /// The span that text writes as the language does: `1h30m`, `250ms`, `7d`. Units go from the
    /// largest to the smallest, each at most once. `us` is read as well, because a span is printed
    /// with it. `None` when the text is something else, has a sign or does not fit.
    pub fn parse(text: &str) -> Option<Self> {
        let mut rest = text;
        let mut us = 0_i64;
        let mut units = UNITS.iter();
        while !rest.is_empty() || text.is_empty() {
            let (digits, tail) = rest.split_at(rest.find(|c: char| !c.is_ascii_digit())?);
            let length = tail.find(|c: char| c.is_ascii_digit()).unwrap_or(tail.len());
            let (unit, tail) = tail.split_at(length);
            // What a unit leaves of the iterator are the smaller units that may follow it.
            let (_, scale) = units.find(|(name, _)| *name == unit)?;
            us = us.checked_add(digits.parse::<i64>().ok()?.checked_mul(*scale)?)?;
            rest = tail;
        }
        Some(Duration(us))
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
        for (unit, us) in UNITS {
            let us = us.unsigned_abs();
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
    use proptest::prelude::*;

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
    fn durations_are_read_as_the_language_writes_them() {
        let read = |text: &str| Duration::parse(text).map(Duration::as_micros);
        assert_eq!(read("0s"), Some(0));
        assert_eq!(read("250ms"), Some(250_000));
        assert_eq!(read("1h30m"), Some(5_400_000_000));
        assert_eq!(read("90m"), read("1h30m"));
        assert_eq!(read("7d"), Some(7 * 86_400_000_000));
        assert_eq!(read("1d2h3m4s5ms6us"), Some(93_784_005_006));
        assert_eq!(read("106751991d"), Some(9_223_372_022_400_000_000));
    }

    #[test]
    fn what_is_not_a_duration_is_refused() {
        for text in [
            "",
            "0",
            "5",
            "s",
            "5 s",
            " 5s",
            "5s ",
            "-5s",
            "+5s",
            "1.5h",
            "1h1h",
            "1m1h",
            "5ms5s",
            "1h30",
            "5S",
            "5w",
            "5ß",
            "５s",
            "1_000s",
            "106751992d",
            "99999999999999999999s",
            "1hh",
        ] {
            assert_eq!(Duration::parse(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn printed_durations_are_read_back(us in 0..i64::MAX) {
            let duration = Duration::from_micros(us);
            prop_assert_eq!(Duration::parse(&duration.to_string()), Some(duration));
        }

        #[test]
        fn any_text_is_a_duration_or_not(text in "\\PC{0,20}", near in "[0-9dhmsu]{0,20}") {
            let _ = (Duration::parse(&text), Duration::parse(&near));
        }
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
        assert_eq!(Timestamp::from_micros(5).end_of(Duration::SECOND), Timestamp::from_micros(1_000_005));
        assert_eq!(Timestamp::LAST.end_of(Duration::DAY), Timestamp::LAST);
    }
}
