//! Functions of points in time.

use jiff::tz::{TimeZone, TimeZoneDatabase};

use crate::diagnostic::nearest;
use crate::event::{Date, Timestamp, Type, Value};

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
    let (at, offset) = match arguments {
        [Value::Timestamp(at)] => (*at, Some(0)),
        [Value::Timestamp(at), Value::Str(zone)] => (*at, offset(*at, zone)),
        _ => return Value::Null,
    };
    let Some(offset) = offset else { return Value::Null };
    let seconds = at.as_micros().div_euclid(1_000_000) + offset;
    let (days, in_day) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    Date::from_days(days).map_or(Value::Null, |date| part(date, days, in_day))
}

/// Seconds east of UTC in the zone at that time; `None` when there is no such zone.
fn offset(at: Timestamp, zone: &str) -> Option<i64> {
    let zone = find_zone(zone)?;
    // The time library stops at 9999-12-30: the day after has the offset of that day.
    let (first, last) = (jiff::Timestamp::MIN.as_microsecond(), jiff::Timestamp::MAX.as_microsecond());
    let at = jiff::Timestamp::from_microsecond(at.as_micros().clamp(first, last)).ok()?;
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
