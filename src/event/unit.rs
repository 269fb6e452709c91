//! Times from numbers: what they count, and how they are cut to microseconds.

use super::schema::TimeUnit;
use super::time::Timestamp;

impl TimeUnit {
    /// The unit as a fraction of microseconds: times the first number, divided by the second; one of
    /// them is 1.
    const fn scale(self) -> (i32, i32) {
        match self {
            TimeUnit::Seconds => (1_000_000, 1),
            TimeUnit::Millis => (1_000, 1),
            TimeUnit::Micros => (1, 1),
            TimeUnit::Nanos => (1, 1_000),
        }
    }

    /// The time that is so many units after 1970, cut to microseconds towards the past; `None` when
    /// no event can have it.
    pub(crate) fn time_of_int(self, value: i128) -> Option<Timestamp> {
        let (times, divided) = self.scale();
        // Few numbers need 128 bits, for which machines have no division.
        if let Ok(value) = i64::try_from(value) {
            return time(value.checked_mul(times.into())?.div_euclid(divided.into()));
        }
        time(i64::try_from(value.div_euclid(divided.into()).checked_mul(times.into())?).ok()?)
    }

    /// The same of a number with a fraction.
    ///
    /// A number such as 1700000000.123457 is no float: the nearest one may lie just below it, and
    /// cutting would lose a microsecond. So a float that is the nearest to a whole number of
    /// microseconds counts as that number.
    pub(crate) fn time_of_float(self, value: f64) -> Option<Timestamp> {
        let (times, divided) = self.scale();
        let (times, divided) = (f64::from(times), f64::from(divided));
        let us = value * times / divided;
        let nearest = us.round();
        let meant = if nearest * divided / times == value { nearest } else { us.floor() };
        time(whole_number(meant)?)
    }
}

/// The ends of the range stand for "before" and "after all events", so that no event may have them.
fn time(us: i64) -> Option<Timestamp> {
    let time = Timestamp::from_micros(us);
    (time != Timestamp::MIN && time != Timestamp::MAX).then_some(time)
}

/// The integer that the float is; `None` when it has a fraction or does not fit.
pub(crate) fn whole_number(value: f64) -> Option<i64> {
    // 2^63 is a float, the largest integer below it is none. -2^63 would fit, but parsers make it of
    // integers that do not (-2^63 - 1) as well.
    let fits = value.abs() < 9_223_372_036_854_775_808.0;
    (fits && value.fract() == 0.0).then_some(value as i64)
}
