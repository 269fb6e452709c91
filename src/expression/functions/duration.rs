//! Functions of durations.

use crate::event::{Type, Value};

use super::{Family, Function, Signature};

pub(super) static FAMILY: Family = Family {
    title: "Durations",
    notes: "They turn a duration, such as the difference of two times, into a number.",
    functions: &[&SECONDS, &MINUTES, &HOURS],
};

const TO_FLOAT: &[Signature] =
    &[Signature { parameters: &[("span", Type::Duration)], optional: 0, result: Type::Float }];

pub(super) static SECONDS: Function = Function {
    name: "seconds",
    summary: "The duration in seconds, with its fraction; negative if the duration is.",
    signatures: TO_FLOAT,
    examples: &[("seconds(1m30s)", "90.0"), ("seconds(250ms)", "0.25")],
    evaluate: |arguments| units(arguments, 1e6),
    check: None,
};

pub(super) static MINUTES: Function = Function {
    name: "minutes",
    summary: "The duration in minutes, with its fraction; negative if the duration is.",
    signatures: TO_FLOAT,
    examples: &[("minutes(1h30m)", "90.0"), ("minutes(15s)", "0.25")],
    evaluate: |arguments| units(arguments, 60e6),
    check: None,
};

pub(super) static HOURS: Function = Function {
    name: "hours",
    summary: "The duration in hours, with its fraction; negative if the duration is.",
    signatures: TO_FLOAT,
    examples: &[("hours(1h30m)", "1.5"), ("hours(7d)", "168.0")],
    evaluate: |arguments| units(arguments, 3_600e6),
    check: None,
};

/// The duration in units of `us` microseconds.
fn units(arguments: &[Value], us: f64) -> Value {
    match arguments {
        [Value::Duration(span)] => Value::float(span.as_micros() as f64 / us),
        _ => Value::Null,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Duration;

    fn call(function: &Function, us: i64) -> Value {
        (function.evaluate)(&[Value::Duration(Duration::from_micros(us))])
    }

    #[test]
    fn fractions_and_signs_are_kept() {
        assert_eq!(call(&SECONDS, -1_500_001), Value::Float(-1.500001));
        assert_eq!(call(&MINUTES, -90_000_000), Value::Float(-1.5));
        assert_eq!(call(&HOURS, 1), Value::Float(1.0 / 3.6e9));
        for function in [&SECONDS, &MINUTES, &HOURS] {
            assert!(matches!(call(function, 0), Value::Float(x) if x == 0.0), "{}", function.name);
        }
    }

    #[test]
    fn the_ends_of_the_range_are_ordinary_numbers() {
        assert_eq!(call(&SECONDS, i64::MIN), Value::Float(-9_223_372_036_854.775));
        assert_eq!(call(&HOURS, i64::MAX), Value::Float(i64::MAX as f64 / 3.6e9));
    }
}
