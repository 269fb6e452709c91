//! Quiet hours: when people are not to be disturbed.

use std::fmt;

use jiff::civil::{Date, Weekday};
use jiff::tz::TimeZone;

use crate::event::Timestamp;

/// A day in minutes.
pub const DAY: u16 = 24 * 60;
/// So many hours in a row are looked at before it is said that they have no end.
const LONGEST: usize = 32;

/// Hours of some days of the week.
#[derive(Clone, Debug, PartialEq)]
pub struct QuietHours {
    /// What they are called.
    pub name: String,
    /// The days on which they begin, from Monday on.
    pub days: [bool; 7],
    /// When they begin, in minutes of the day.
    pub from: u16,
    /// When they end, in minutes; if that is not later than `from`, on the next day. [`DAY`] is the end of the day.
    pub to: u16,
    /// Where.
    pub zone: TimeZone,
}

impl QuietHours {
    /// Until when they last that hold at `now`, if they do.
    pub fn end(&self, now: Timestamp) -> Option<Timestamp> {
        let here = jiff::Timestamp::from_microsecond(now.as_micros()).ok()?.to_zoned(self.zone.clone());
        let today = here.date();
        // Those of yesterday may last until today.
        let begun = [today.yesterday().ok(), Some(today)].into_iter().flatten();
        let spans = begun.filter(|day| self.days[usize::from(place(day.weekday()))]);
        spans
            .filter_map(|day| self.span(day))
            .find(|(from, to)| (*from..*to).contains(&now))
            .map(|(_, to)| to)
    }

    /// From when to when they last that begin on a day.
    fn span(&self, day: Date) -> Option<(Timestamp, Timestamp)> {
        let end_day = if self.to <= self.from || self.to >= DAY { day.tomorrow().ok()? } else { day };
        Some((self.moment(day, self.from)?, self.moment(end_day, self.to % DAY)?))
    }

    /// A time of day that a change of clocks leaves out is so much later; of one that comes twice the first counts.
    fn moment(&self, day: Date, minutes: u16) -> Option<Timestamp> {
        let (hour, minute) = (i8::try_from(minutes / 60).ok()?, i8::try_from(minutes % 60).ok()?);
        let time = day.at(hour, minute, 0, 0).to_zoned(self.zone.clone()).ok()?;
        Some(Timestamp::from_micros(time.timestamp().as_microsecond()))
    }
}

impl fmt::Display for QuietHours {
    /// `22:00 to 07:00 Europe/Berlin`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let zone = self.zone.iana_name().unwrap_or("UTC");
        let clock = |minutes: u16| format!("{:02}:{:02}", minutes / 60, minutes % 60);
        write!(f, "{} to {} {zone}", clock(self.from), clock(self.to))
    }
}

/// The first of these hours that holds at `now`, and when none of them holds any more. When they have no end, `None`
/// as well: nothing is to be held for ever.
pub fn quiet_until(hours: &[QuietHours], now: Timestamp) -> Option<(&QuietHours, Timestamp)> {
    let first = hours.iter().find(|hours| hours.end(now).is_some())?;
    let mut until = now;
    for _ in 0..LONGEST {
        match hours.iter().filter_map(|hours| hours.end(until)).max() {
            Some(later) => until = later,
            None => return Some((first, until)),
        }
    }
    None
}

fn place(day: Weekday) -> u8 {
    day.to_monday_zero_offset().unsigned_abs()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hours(days: &[usize], from: u16, to: u16) -> QuietHours {
        let mut marked = [false; 7];
        days.iter().for_each(|day| marked[*day] = true);
        let zone = TimeZone::get("Europe/Berlin").expect("it is in the bundle");
        QuietHours { name: "q".into(), days: marked, from, to, zone }
    }

    fn end(hours: &[QuietHours], now: &str) -> Option<String> {
        let now = Timestamp::parse(now).expect("a time");
        quiet_until(hours, now).map(|(_, until)| until.to_string())
    }

    const WEEK: [usize; 7] = [0, 1, 2, 3, 4, 5, 6];

    #[test]
    fn they_last_from_one_time_of_day_to_another() {
        let nights = [hours(&WEEK, 22 * 60, 7 * 60)];
        // Berlin is an hour ahead in winter.
        assert_eq!(end(&nights, "2026-01-10T20:59:59Z"), None);
        assert_eq!(end(&nights, "2026-01-10T21:00:00Z").as_deref(), Some("2026-01-11T06:00:00Z"));
        assert_eq!(end(&nights, "2026-01-11T05:59:59Z").as_deref(), Some("2026-01-11T06:00:00Z"));
        assert_eq!(end(&nights, "2026-01-11T06:00:00Z"), None);
        // The night in which summer time begins is an hour shorter.
        assert_eq!(end(&nights, "2026-03-28T22:00:00Z").as_deref(), Some("2026-03-29T05:00:00Z"));
    }

    #[test]
    fn the_day_is_that_of_the_beginning_and_what_follows_at_once_is_one() {
        let weekend = hours(&[5, 6], 0, DAY);
        let nights = hours(&[0, 1, 2, 3, 4], 22 * 60, 7 * 60);
        // Saturday 10 January 2026: until Monday at midnight.
        let both = [nights.clone(), weekend.clone()];
        assert_eq!(end(&[weekend], "2026-01-10T12:00:00Z").as_deref(), Some("2026-01-11T23:00:00Z"));
        // Friday night runs into the weekend, which has the whole of Sunday, and Monday begins at midnight.
        assert_eq!(end(&both, "2026-01-09T22:30:00Z").as_deref(), Some("2026-01-11T23:00:00Z"));
        assert_eq!(end(&[nights], "2026-01-10T22:30:00Z"), None, "Saturday is none of its days");
    }

    #[test]
    fn hours_without_an_end_hold_nothing() {
        assert_eq!(end(&[hours(&WEEK, 0, DAY)], "2026-01-10T12:00:00Z"), None);
    }
}
