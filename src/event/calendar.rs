//! Dates of the Gregorian calendar, and times as RFC 3339 writes them.
//!
//! Written out here rather than taken from a library because business data uses 9999-12-31 for
//! "never": libraries that keep room for every UTC offset stop a day short of it. Years run from
//! 0000 to 9999, as in RFC 3339; nothing here knows of time zones, only of offsets from UTC.

use std::fmt;

const SECOND: i64 = 1_000_000;
const DAY: i64 = 86_400 * SECOND;

/// A day of the years 0000 to 9999.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Date {
    year: i64,
    month: i64,
    day: i64,
}

impl Date {
    /// The date `days` days after 1970-01-01; `None` outside the years 0000 to 9999.
    ///
    /// Source: `civil_from_days` in H. Hinnant, "chrono-Compatible Low-Level Date Algorithms".
    pub(crate) fn from_days(days: i64) -> Option<Date> {
        // Counted from 0000-03-01, in eras of 400 years, so that the leap day ends its year.
        let shifted = days.checked_add(719_468)?;
        let (era, day_of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
        let year_of_era =
            (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let shifted_month = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
        let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
        let year = era * 400 + year_of_era + i64::from(month <= 2);
        (0..=9999).contains(&year).then_some(Date { year, month, day })
    }

    /// Days from 1970-01-01 to this date.
    ///
    /// Source: `days_from_civil` in the same article.
    fn days(self) -> i64 {
        let year = self.year - i64::from(self.month <= 2);
        let (era, year_of_era) = (year.div_euclid(400), year.rem_euclid(400));
        let shifted_month = if self.month > 2 { self.month - 3 } else { self.month + 9 };
        let day_of_year = (153 * shifted_month + 2) / 5 + self.day - 1;
        let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
        era * 146_097 + day_of_era - 719_468
    }

    /// The date with these parts, if there is such a day.
    fn new(year: i64, month: i64, day: i64) -> Option<Date> {
        let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
        let length = match month {
            4 | 6 | 9 | 11 => 30,
            2 if leap => 29,
            2 => 28,
            1..=12 => 31,
            _ => return None,
        };
        (1..=length).contains(&day).then_some(Date { year, month, day })
    }
}

impl fmt::Display for Date {
    /// `2026-03-01`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }
}

/// Writes a time, given in microseconds since 1970, in UTC with as many decimals as needed; as a
/// bare count of microseconds where the year has no four digits.
pub(super) fn write_time(us: i64, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let Some(date) = Date::from_days(us.div_euclid(DAY)) else {
        return write!(f, "{us}us");
    };
    let in_day = us.rem_euclid(DAY);
    let seconds = in_day / SECOND;
    write!(f, "{date}T{:02}:{:02}:{:02}", seconds / 3_600, seconds / 60 % 60, seconds % 60)?;
    let mut fraction = in_day % SECOND;
    if fraction > 0 {
        let mut digits = 6;
        while fraction % 10 == 0 {
            fraction /= 10;
            digits -= 1;
        }
        write!(f, ".{fraction:0digits$}")?;
    }
    f.write_str("Z")
}

/// Reads an RFC 3339 time into microseconds since 1970; `None` when the text is none.
///
/// Further decimals are cut off. A leap second (`:60`) counts as the second before it, because
/// event time, like Unix time, has none.
pub(super) fn parse_time(text: &str) -> Option<i64> {
    let text = text.as_bytes();
    let (head, rest) = text.split_at_checked(19)?;
    let separators = (head[4], head[7], head[10], head[13], head[16]);
    // RFC 3339, section 5.6: `T` may be a space or in lower case.
    if !matches!(separators, (b'-', b'-', b'T' | b't' | b' ', b':', b':')) {
        return None;
    }
    let date = Date::new(number(&head[0..4])?, number(&head[5..7])?, number(&head[8..10])?)?;
    let (hour, minute, second) = (number(&head[11..13])?, number(&head[14..16])?, number(&head[17..19])?);
    if hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let (fraction, rest) = parse_fraction(rest)?;
    let offset = parse_offset(rest)?;
    let seconds = date.days() * 86_400 + hour * 3_600 + minute * 60 + second.min(59) - offset;
    Some(seconds * SECOND + fraction)
}

/// The microseconds in `.123…` at the start of `text`, if it is there, and what follows it.
fn parse_fraction(text: &[u8]) -> Option<(i64, &[u8])> {
    let Some((b'.', text)) = text.split_first() else {
        return Some((0, text));
    };
    let length = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (digits, rest) = text.split_at(length);
    let kept = &digits[..length.min(6)];
    let scale = 10_i64.pow(6 - kept.len() as u32);
    (length > 0).then_some(())?;
    Some((number(kept)? * scale, rest))
}

/// Seconds east of UTC in `Z` or `+02:00`, which must be all of `text`.
fn parse_offset(text: &[u8]) -> Option<i64> {
    match *text {
        [b'Z' | b'z'] => Some(0),
        [sign @ (b'+' | b'-'), h1, h2, b':', m1, m2] => {
            let (hours, minutes) = (number(&[h1, h2])?, number(&[m1, m2])?);
            let seconds = hours * 3_600 + minutes * 60;
            (hours <= 23 && minutes <= 59).then_some(if sign == b'-' { -seconds } else { seconds })
        }
        _ => None,
    }
}

/// The number that ASCII digits write; callers pass at most six of them.
fn number(digits: &[u8]) -> Option<i64> {
    digits.iter().try_fold(0, |sum, byte| byte.is_ascii_digit().then(|| sum * 10 + i64::from(byte - b'0')))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::Timestamp;
    use super::*;

    #[test]
    fn every_day_of_ten_thousand_years_survives_the_round_trip() {
        let (first, last) = (Date::new(0, 1, 1).unwrap().days(), Date::new(9999, 12, 31).unwrap().days());
        for days in first..=last {
            assert_eq!(Date::from_days(days).unwrap().days(), days);
        }
        assert_eq!(last - first, 3_652_424);
        assert_eq!(Date::from_days(first - 1), None);
        assert_eq!(Date::from_days(last + 1), None);
        assert_eq!(Date::from_days(i64::MAX), None);
        assert_eq!(Date::from_days(i64::MIN), None);
    }

    #[test]
    fn the_last_moment_of_9999_is_an_ordinary_time() {
        let text = "9999-12-31T23:59:59.999999Z";
        assert_eq!(parse_time(text), Some(253_402_300_799_999_999));
        assert_eq!(Timestamp::from_micros(253_402_300_799_999_999).to_string(), text);
        assert_eq!(Timestamp::from_micros(253_402_300_800_000_000).to_string(), "253402300800000000us");
    }

    #[test]
    fn what_rfc_3339_allows_is_read() {
        let expected = parse_time("2026-03-01T08:00:00Z");
        assert_eq!(expected, Some(1_772_352_000_000_000));
        for text in [
            "2026-03-01t08:00:00z",
            "2026-03-01 08:00:00Z",
            "2026-03-01T09:30:00+01:30",
            "2026-02-28T23:15:00-08:45",
            "2026-03-01T08:00:00.0000009Z",
            "2026-03-01T08:00:00-00:00",
        ] {
            assert_eq!(parse_time(text), expected, "{text}");
        }
        assert_eq!(parse_time("1969-12-31T23:59:59.9999999Z"), Some(-1), "cut towards the past");
        assert_eq!(parse_time("2016-12-31T23:59:60Z"), parse_time("2016-12-31T23:59:59Z"));
        assert_eq!(parse_time("2024-02-29T00:00:00Z"), Some(1_709_164_800_000_000));
    }

    #[test]
    fn what_is_not_rfc_3339_is_refused() {
        for text in [
            "",
            "2026-03-01",
            "2026-03-01T08:00:00",
            "2026-03-01T08:00Z",
            "2026-3-1T08:00:00Z",
            "2026-02-29T00:00:00Z",
            "1900-02-29T00:00:00Z",
            "2026-13-01T00:00:00Z",
            "2026-00-01T00:00:00Z",
            "2026-04-31T00:00:00Z",
            "2026-03-00T00:00:00Z",
            "2026-03-01T24:00:00Z",
            "2026-03-01T08:60:00Z",
            "2026-03-01T08:00:61Z",
            "2026-03-01T08:00:00.Z",
            "2026-03-01T08:00:00+0100",
            "2026-03-01T08:00:00+24:00",
            "2026-03-01T08:00:00+01:60",
            "2026-03-01T08:00:00Z ",
            " 2026-03-01T08:00:00Z",
            "2026-03-01T08:00:00,5Z",
            "+2026-03-01T08:00:00Z",
            "2026-03-01T08:00:00+01:00[Europe/Berlin]",
            "２０２６-03-01T08:00:00Z",
            "2026-03-01T08:00:0ä",
        ] {
            assert_eq!(parse_time(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn writing_and_reading_agree_with_an_independent_implementation(us in -62_167_219_200_000_000..253_400_000_000_000_000_i64) {
            let ours = Timestamp::from_micros(us).to_string();
            let theirs = jiff::Timestamp::from_microsecond(us).unwrap();
            prop_assert_eq!(&ours, &theirs.to_string());
            prop_assert_eq!(parse_time(&ours), Some(us));
        }

        #[test]
        fn any_text_is_read_or_refused(text in "\\PC{0,40}", time in "[0-9T:.Z+ -]{0,40}") {
            let _ = (parse_time(&text), parse_time(&time));
        }
    }
}
