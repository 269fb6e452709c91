//! Functions of points in time.

use jiff::tz::{TimeZone, TimeZoneDatabase};

use crate::diagnostic::nearest;
use crate::event::{Date, Type, Value};

use super::{Family, Function, Signature};

pub(super) static FAMILY: Family = Family {
    title: "Time",
    notes: "A time of day or a date is that of UTC unless a zone is named. Zones are those of the IANA database, \
            such as `\"Europe/Berlin\"`, in the version compiled into the program; their summer time is heeded. A \
            name that does not exist is a compile error where it is a constant, otherwise the result is null. \
            So is the result for a time that the calendar of the zone puts outside the years 0000 to 9999. \
            In the examples `time` is 2026-03-01T23:30:00Z, a Sunday.",
    functions: &[&HOUR, &WEEKDAY, &DATE],
};

const PARAMETERS: &[(&str, Type)] = &[("at", Type::Timestamp), ("zone", Type::Str)];

pub(super) static HOUR: Function = Function {
    name: "hour",
    summary: "The hour of the day, 0 to 23.",
    signatures: &[Signature { parameters: PARAMETERS, optional: 1, result: Type::Int }],
    examples: &[("hour(time)", "23"), (r#"hour(time, "Europe/Berlin")"#, "0")],
    evaluate: |arguments| local(arguments, |_, _, seconds| Value::Int(seconds / 3_600)),
    check: Some(check_zone),
};

pub(super) static WEEKDAY: Function = Function {
    name: "weekday",
    summary: "The day of the week: Monday is 1, Sunday is 7.",
    signatures: &[Signature { parameters: PARAMETERS, optional: 1, result: Type::Int }],
    examples: &[("weekday(time)", "7"), (r#"weekday(time, "Europe/Berlin")"#, "1")],
    // 1970-01-01 was a Thursday.
    evaluate: |arguments| local(arguments, |_, days, _| Value::Int((days + 3).rem_euclid(7) + 1)),
    check: Some(check_zone),
};

pub(super) static DATE: Function = Function {
    name: "date",
    summary: "The date as text, in the form `2026-03-01`; such texts sort as their dates do.",
    signatures: &[Signature { parameters: PARAMETERS, optional: 1, result: Type::Str }],
    examples: &[("date(time)", r#""2026-03-01""#), (r#"date(time, "Europe/Berlin")"#, r#""2026-03-02""#)],
    evaluate: |arguments| local(arguments, |date, _, _| Value::text(date.to_string())),
    check: Some(check_zone),
};

/// What `part` makes of the local date, the local day counted from 1970-01-01, and the second of
/// that day.
fn local(arguments: &[Value], part: impl Fn(Date, i64, i64) -> Value) -> Value {
    let (at, zone) = match arguments {
        [Value::Timestamp(at)] => (at, None),
        [Value::Timestamp(at), Value::Str(zone)] => (at, Some(zone)),
        _ => return Value::Null,
    };
    let seconds = at.as_micros().div_euclid(1_000_000);
    let Some(offset) = zone.map_or(Some(0), |zone| offset(seconds, zone)) else {
        return Value::Null;
    };
    let local = seconds + offset;
    let (days, in_day) = (local.div_euclid(86_400), local.rem_euclid(86_400));
    Date::from_days(days).map_or(Value::Null, |date| part(date, days, in_day))
}

/// Seconds east of UTC in the zone at that time, given in seconds since 1970; `None` when there is
/// no such zone.
fn offset(seconds: i64, zone: &str) -> Option<i64> {
    let zone = find_zone(zone)?;
    // The time library stops at 9999-12-30: the day after has the offset of that day.
    let (first, last) = (jiff::Timestamp::MIN.as_second(), jiff::Timestamp::MAX.as_second());
    let at = jiff::Timestamp::from_second(seconds.clamp(first, last)).ok()?;
    Some(zone.to_offset(at).seconds().into())
}

fn find_zone(name: &str) -> Option<TimeZone> {
    // The library keeps zones once read, and compares names without regard to case.
    TimeZoneDatabase::bundled().get(name).ok().filter(|zone| !zone.is_unknown())
}

/// Finds a constant zone that does not exist.
fn check_zone(arguments: &[Option<Value>]) -> Result<(), (usize, String)> {
    let Some(Some(Value::Str(name))) = arguments.get(1) else { return Ok(()) };
    if find_zone(name).is_some() {
        return Ok(());
    }
    let database = TimeZoneDatabase::bundled();
    let names: Vec<_> = database.available().collect();
    let hint = match nearest(name, names.iter().map(|name| name.as_str())) {
        Some(near) => format!("did you mean `{near}`?"),
        None => "names are those of the IANA database, such as `Europe/Berlin`".to_owned(),
    };
    Err((1, format!("there is no time zone `{name}`; {hint}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Timestamp;

    fn call(function: &Function, at: Timestamp, zone: Option<&str>) -> Value {
        let mut arguments = vec![Value::Timestamp(at)];
        arguments.extend(zone.map(Value::text));
        (function.evaluate)(&arguments)
    }

    /// Date, day of the week and hour.
    fn parts(at: &str, zone: &str) -> (String, i64, i64) {
        let at = Timestamp::parse(at).unwrap();
        match [&DATE, &WEEKDAY, &HOUR].map(|function| call(function, at, Some(zone))) {
            [Value::Str(date), Value::Int(weekday), Value::Int(hour)] => (date.to_string(), weekday, hour),
            other => panic!("{at} in {zone}: {other:?}"),
        }
    }

    fn is(at: &str, zone: &str, date: &str, weekday: i64, hour: i64) {
        assert_eq!(parts(at, zone), (date.to_owned(), weekday, hour), "{at} in {zone}");
    }

    #[test]
    fn summer_time_begins_and_ends_in_berlin() {
        let berlin = "Europe/Berlin";
        is("2026-03-29T00:59:59.999999Z", berlin, "2026-03-29", 7, 1);
        is("2026-03-29T01:00:00Z", berlin, "2026-03-29", 7, 3);
        is("2026-10-25T00:59:59Z", berlin, "2026-10-25", 7, 2);
        is("2026-10-25T01:00:00Z", berlin, "2026-10-25", 7, 2);
        is("2026-10-25T02:00:00Z", berlin, "2026-10-25", 7, 3);
        is("2026-07-31T22:00:00Z", berlin, "2026-08-01", 6, 0);
    }

    #[test]
    fn summer_time_begins_and_ends_in_new_york() {
        let new_york = "America/New_York";
        is("2026-03-08T06:59:59Z", new_york, "2026-03-08", 7, 1);
        is("2026-03-08T07:00:00Z", new_york, "2026-03-08", 7, 3);
        is("2026-11-01T05:59:59Z", new_york, "2026-11-01", 7, 1);
        is("2026-11-01T06:00:00Z", new_york, "2026-11-01", 7, 1);
        is("2026-11-01T07:00:00Z", new_york, "2026-11-01", 7, 2);
        // Decided by the rule for the future, which the database does not list year by year.
        is("2150-07-01T03:59:59Z", new_york, "2150-06-30", 2, 23);
    }

    #[test]
    fn offsets_need_not_be_whole_hours() {
        is("2026-03-01T18:29:59Z", "Asia/Kolkata", "2026-03-01", 7, 23);
        is("2026-03-01T18:30:00Z", "Asia/Kolkata", "2026-03-02", 1, 0);
        is("2026-01-01T00:00:00Z", "Pacific/Kiritimati", "2026-01-01", 4, 14);
        is("1880-01-01T00:00:00Z", "Europe/Berlin", "1880-01-01", 4, 0);
    }

    #[test]
    fn times_before_1970_are_counted_downwards() {
        is("1969-12-31T23:59:59.999999Z", "UTC", "1969-12-31", 3, 23);
        is("1970-01-01T00:00:00Z", "UTC", "1970-01-01", 4, 0);
        is("0000-01-01T00:00:00Z", "UTC", "0000-01-01", 6, 0);
    }

    #[test]
    fn the_calendar_ends_with_9999() {
        is("9999-12-31T23:59:59.999999Z", "UTC", "9999-12-31", 5, 23);
        is("9999-12-31T22:59:59Z", "Europe/Berlin", "9999-12-31", 5, 23);
        is("9999-12-31T23:59:59Z", "America/New_York", "9999-12-31", 5, 18);
        let never = Timestamp::parse("9999-12-31T23:00:00Z").unwrap();
        let zoned = [Timestamp::MIN, Timestamp::MAX, never].map(|at| (at, Some("Europe/Berlin")));
        let plain = [Timestamp::MIN, Timestamp::MAX].map(|at| (at, None));
        for (at, zone) in zoned.into_iter().chain(plain) {
            for function in FAMILY.functions {
                assert!(call(function, at, zone).is_null(), "{}({at}, {zone:?})", function.name);
            }
        }
    }

    #[test]
    fn utc_is_what_no_zone_means() {
        let at = Timestamp::parse("2026-03-01T23:30:00Z").unwrap();
        for function in FAMILY.functions {
            for zone in ["UTC", "utc", "Etc/UTC"] {
                assert_eq!(call(function, at, None), call(function, at, Some(zone)), "{}", function.name);
            }
        }
    }

    #[test]
    fn a_zone_that_does_not_exist_gives_null_and_is_found_in_rules() {
        for zone in ["Europe/Berlim", "", "+01:00", "CET-1CEST", "Etc/Unknown", "../../etc/passwd", "Europe"]
        {
            for function in FAMILY.functions {
                let value = call(function, Timestamp::from_micros(0), Some(zone));
                assert!(value.is_null(), "{}({zone})", function.name);
                let check = function.check.expect("time functions check their zone");
                assert_eq!(check(&[None, Some(Value::text(zone))]).map_err(|(index, _)| index), Err(1));
            }
        }
        let message = |zone: &str| check_zone(&[None, Some(Value::text(zone))]).unwrap_err().1;
        assert_eq!(
            message("Europe/Berlim"),
            "there is no time zone `Europe/Berlim`; did you mean `Europe/Berlin`?"
        );
        assert_eq!(
            message("midnight on the moon"),
            "there is no time zone `midnight on the moon`; names are those of the IANA database, such as \
             `Europe/Berlin`"
        );
    }

    #[test]
    fn a_zone_that_exists_or_is_not_constant_passes() {
        for arguments in [
            &[None][..],
            &[None, None],
            &[None, Some(Value::Null)],
            &[None, Some(Value::text("Europe/Berlin"))],
            &[None, Some(Value::text("europe/berlin"))],
        ] {
            assert_eq!(check_zone(arguments), Ok(()), "{arguments:?}");
        }
    }
}
