//! The older syslog protocol as senders write it: `<34>Oct 11 22:14:15 host su[42]: text`.
//!
//! RFC 3164 describes what was seen on networks and demands nothing, so nothing is refused here but a time
//! that cannot be. What is not recognised stays in the text.
//!
//! - The time may have a year before the month or behind the day, decimals of a second, or be RFC 3339
//!   text, as newer programs send it. Without a year, it lies in the one that brings it closest to the
//!   arrival; without an offset, it is in UTC.
//! - The host may be missing: a word that is a tag (`su:`, `su[42]:`) is none.
//! - A tag without a colon behind it is not recognised: it could be the first word of any text.

use std::borrow::Cow;
use std::net::IpAddr;

use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use crate::codec::convert::quoted;
use crate::event::Timestamp;

use super::Header;

const MONTHS: [&str; 12] =
    ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];

/// The header behind the priority, and the text that follows it.
pub(super) fn header(rest: &str, arrival: Timestamp) -> Result<(Header<'_>, &str), String> {
    let rest = rest.trim_start_matches(' ');
    let mut header = Header::default();
    let Some((timestamp, rest)) = time(without_number(rest), arrival)? else {
        return Ok(tag(header, rest));
    };
    header.timestamp = Some(timestamp);
    // Routers write a colon behind the time, and then no host.
    if let Some(rest) = rest.strip_prefix(" UTC").unwrap_or(rest).strip_prefix(':') {
        return Ok(tag(header, rest.strip_prefix(' ').unwrap_or(rest)));
    }
    let rest = rest.trim_start_matches(' ');
    let (word, behind) = rest.split_once(' ').unwrap_or((rest, ""));
    if word.is_empty() || (split_tag(rest).is_some() && word.parse::<IpAddr>().is_err()) {
        return Ok(tag(header, rest));
    }
    header.host = Some(word);
    // Firewalls write a colon behind the host too.
    Ok(tag(header, behind.strip_prefix(": ").unwrap_or(behind)))
}

/// The text behind the number that routers give a message (`29: *Mar  1 08:00:00`), and behind the mark
/// of a clock that may be wrong.
fn without_number(text: &str) -> &str {
    let text = match digits(text, 1..=9) {
        Some((_, rest)) => rest.strip_prefix(": ").unwrap_or(text),
        None => text,
    };
    text.strip_prefix(['*', '.']).unwrap_or(text)
}

/// The header with the tag at the beginning of a text, if there is one, and the text behind it.
fn tag<'a>(mut header: Header<'a>, text: &'a str) -> (Header<'a>, &'a str) {
    let Some((app, procid, text)) = split_tag(text) else { return (header, text) };
    header.app = Some(app);
    header.procid = procid;
    (header, text)
}

/// The program and its process id in `su: text` and `su[42]: text`, and the text.
fn split_tag(text: &str) -> Option<(&str, Option<&str>, &str)> {
    let ends = |c: char| c <= ' ' || matches!(c, ':' | '[' | ']' | '"');
    let (app, rest) = text.split_at(text.find(ends)?);
    let (procid, rest) = match rest.strip_prefix('[') {
        None => (None, rest),
        Some(inside) => {
            let (procid, rest) = inside.split_once(']')?;
            (Some(procid), rest)
        }
    };
    let is_procid = procid.is_none_or(|id| !id.is_empty() && !id.contains(' '));
    let rest = rest.strip_prefix(':').filter(|rest| rest.is_empty() || rest.starts_with(' '))?;
    (!app.is_empty() && is_procid).then(|| (app, procid, rest.strip_prefix(' ').unwrap_or(rest)))
}

/// The time at the beginning of a text as RFC 3339 text, if there is one, and what follows it.
fn time(text: &str, arrival: Timestamp) -> Result<Option<(Cow<'_, str>, &str)>, String> {
    let word = text.find(' ').unwrap_or(text.len());
    let word = text[..word].trim_end_matches(':');
    if Timestamp::parse(word).is_some() {
        return Ok(Some((Cow::Borrowed(word), &text[word.len()..])));
    }
    let Some((written, rest)) = Written::read(text) else { return Ok(None) };
    let shown = &text[..text.len() - rest.len()];
    match written.resolve(arrival) {
        Some(time) => Ok(Some((Cow::Owned(time.to_string()), rest))),
        None => Err(format!("there is no time {}", quoted(shown, 40))),
    }
}

/// A time such as `Oct 11 22:14:15`, with nothing checked but that it is written so.
#[derive(Clone, Copy, Debug)]
struct Written {
    year: Option<i16>,
    month: i8,
    day: i8,
    hour: i8,
    minute: i8,
    second: i8,
    nanos: i32,
}

impl Written {
    /// The time at the beginning of a text, and what follows it: a blank, a colon or nothing.
    fn read(text: &str) -> Option<(Written, &str)> {
        let (year_before, text) = match year(text) {
            Some((year, rest)) => (Some(year), rest),
            None => (None, text),
        };
        let (name, rest) = text.split_at_checked(3)?;
        let month = MONTHS.iter().position(|month| name.eq_ignore_ascii_case(month))?;
        let (day, rest) = digits(rest.strip_prefix(' ')?.trim_start_matches(' '), 1..=2)?;
        let rest = rest.strip_prefix(' ')?;
        let (year_behind, rest) = match year(rest) {
            Some((year, rest)) => (Some(year), rest),
            None => (None, rest),
        };
        let (hour, rest) = digits(rest, 2..=2)?;
        let (minute, rest) = digits(rest.strip_prefix(':')?, 2..=2)?;
        let (second, rest) = digits(rest.strip_prefix(':')?, 2..=2)?;
        let (nanos, rest) = fraction(rest);
        if !rest.is_empty() && !rest.starts_with([' ', ':']) {
            return None;
        }
        let small = |number: i32| i8::try_from(number).ok();
        let written = Written {
            year: year_before.or(year_behind),
            month: month as i8 + 1,
            day: small(day)?,
            hour: small(hour)?,
            minute: small(minute)?,
            second: small(second)?,
            nanos,
        };
        Some((written, rest))
    }

    /// The moment that is meant; `None` when there is none.
    fn resolve(self, arrival: Timestamp) -> Option<Timestamp> {
        if let Some(year) = self.year {
            return self.in_year(year);
        }
        let arrived = jiff::Timestamp::from_microsecond(arrival.as_micros()).ok()?;
        let year = arrived.to_zoned(TimeZone::UTC).year();
        let closest = |years: i16| {
            let times = (year - years..=year + years).filter_map(|year| self.in_year(year));
            times.min_by_key(|time| time.as_micros().abs_diff(arrival.as_micros()))
        };
        // There are up to eight years between leap days.
        closest(1).or_else(|| closest(8))
    }

    fn in_year(self, year: i16) -> Option<Timestamp> {
        // A leap second counts as the one before it, as in other times.
        let second = if self.second == 60 { 59 } else { self.second };
        let time =
            DateTime::new(year, self.month, self.day, self.hour, self.minute, second, self.nanos).ok()?;
        let time = TimeZone::UTC.to_timestamp(time).ok()?;
        Some(Timestamp::from_micros(time.as_microsecond()))
    }
}

/// A year and the blank behind it.
fn year(text: &str) -> Option<(i16, &str)> {
    let (year, rest) = digits(text, 4..=4)?;
    Some((i16::try_from(year).ok()?, rest.strip_prefix(' ')?))
}

/// The number that so many digits at the beginning write, at most nine, and what follows them.
fn digits(text: &str, length: std::ops::RangeInclusive<usize>) -> Option<(i32, &str)> {
    let count = text.bytes().take_while(u8::is_ascii_digit).count();
    let (digits, rest) = text.split_at(count);
    if !length.contains(&count) {
        return None;
    }
    Some((digits.parse().ok()?, rest))
}

/// The nanoseconds in `.123` at the beginning, and what follows; further decimals are cut off.
fn fraction(text: &str) -> (i32, &str) {
    let Some(decimals) = text.strip_prefix('.') else { return (0, text) };
    let count = decimals.bytes().take_while(u8::is_ascii_digit).count();
    let (digits, rest) = decimals.split_at(count);
    let nanos = digits.bytes().chain(std::iter::repeat(b'0')).take(9);
    (nanos.fold(0, |sum, digit| sum * 10 + i32::from(digit - b'0')), rest)
}
