//! Functions of numbers.

use crate::event::{Type, Value};

use super::{Family, Function, Signature};

pub(super) static FAMILY: Family = Family {
    title: "Numbers",
    notes: "An `int` is taken wherever a `float` is asked for. What has no value as a number (the root of a \
            negative number) or does not fit its type is null. `min` and `max` of two numbers are described \
            here; of a captured variable or of a stream's history they are aggregates.",
    functions: &[&ABS, &ROUND, &FLOOR, &CEIL, &SQRT, &LN, &LOG10, &POW, &MIN, &MAX],
};

/// The largest number of decimals that `round` keeps: a float holds no more than 15 to 17 digits.
const MAX_DIGITS: i64 = 15;

const SAME_TYPE: &[Signature] = &[
    Signature { parameters: &[("x", Type::Int)], optional: 0, result: Type::Int },
    Signature { parameters: &[("x", Type::Float)], optional: 0, result: Type::Float },
];

const TO_INT: &[Signature] = &[
    Signature { parameters: &[("x", Type::Int)], optional: 0, result: Type::Int },
    Signature { parameters: &[("x", Type::Float)], optional: 0, result: Type::Int },
];

const TO_FLOAT: &[Signature] =
    &[Signature { parameters: &[("x", Type::Float)], optional: 0, result: Type::Float }];

const OF_TWO: &[Signature] = &[
    Signature { parameters: &[("a", Type::Int), ("b", Type::Int)], optional: 0, result: Type::Int },
    Signature { parameters: &[("a", Type::Float), ("b", Type::Float)], optional: 0, result: Type::Float },
];

pub(super) static ABS: Function = Function {
    name: "abs",
    summary: "The number without its sign. Null for the smallest `int`, whose opposite does not fit.",
    signatures: SAME_TYPE,
    examples: &[("abs(-3)", "3"), ("abs(-2.5)", "2.5")],
    evaluate: |arguments| match arguments {
        [Value::Int(x)] => x.checked_abs().map_or(Value::Null, Value::Int),
        [Value::Float(x)] => Value::float(x.abs()),
        _ => Value::Null,
    },
    check: None,
};

pub(super) static ROUND: Function = Function {
    name: "round",
    summary: "The nearest whole number, as an `int`; null if it does not fit one. With `digits` (0 to 15), the \
              nearest number with that many decimals, as a `float`. Halves are rounded away from zero, by the \
              number as it is written in decimals: `round(2.675, 2)` is 2.68.",
    signatures: &[
        Signature { parameters: &[("x", Type::Int)], optional: 0, result: Type::Int },
        Signature { parameters: &[("x", Type::Float)], optional: 0, result: Type::Int },
        Signature {
            parameters: &[("x", Type::Float), ("digits", Type::Int)],
            optional: 0,
            result: Type::Float,
        },
    ],
    examples: &[
        ("round(2.5)", "3"),
        ("round(-2.5)", "-3"),
        ("round(2.675, 2)", "2.68"),
        ("round(pow(10, 30))", "null"),
    ],
    evaluate: |arguments| match arguments {
        [x] => whole(x, f64::round),
        [x, Value::Int(digits)] => x.as_f64().map_or(Value::Null, |x| round_to(x, *digits)),
        _ => Value::Null,
    },
    check: Some(|arguments| match arguments {
        [_, Some(Value::Int(digits))] if !(0..=MAX_DIGITS).contains(digits) => {
            Err((1, format!("`round` keeps 0 to {MAX_DIGITS} decimals, not {digits}")))
        }
        _ => Ok(()),
    }),
};

pub(super) static FLOOR: Function = Function {
    name: "floor",
    summary: "The largest whole number that is not above the number, as an `int`; null if it does not fit one.",
    signatures: TO_INT,
    examples: &[("floor(2.9)", "2"), ("floor(-2.1)", "-3")],
    evaluate: |arguments| match arguments {
        [x] => whole(x, f64::floor),
        _ => Value::Null,
    },
    check: None,
};

pub(super) static CEIL: Function = Function {
    name: "ceil",
    summary: "The smallest whole number that is not below the number, as an `int`; null if it does not fit one.",
    signatures: TO_INT,
    examples: &[("ceil(2.1)", "3"), ("ceil(-2.9)", "-2")],
    evaluate: |arguments| match arguments {
        [x] => whole(x, f64::ceil),
        _ => Value::Null,
    },
    check: None,
};

pub(super) static SQRT: Function = Function {
    name: "sqrt",
    summary: "The square root. Null for a negative number.",
    signatures: TO_FLOAT,
    examples: &[("sqrt(16)", "4.0"), ("sqrt(-1)", "null")],
    evaluate: |arguments| of_one(arguments, f64::sqrt),
    check: None,
};

pub(super) static LN: Function = Function {
    name: "ln",
    summary: "The natural logarithm. Null for zero and negative numbers.",
    signatures: TO_FLOAT,
    examples: &[("ln(1)", "0.0"), ("ln(0)", "null")],
    evaluate: |arguments| of_one(arguments, f64::ln),
    check: None,
};

pub(super) static LOG10: Function = Function {
    name: "log10",
    summary: "The logarithm to base 10. Null for zero and negative numbers.",
    signatures: TO_FLOAT,
    examples: &[("log10(1000)", "3.0"), ("log10(-1)", "null")],
    evaluate: |arguments| of_one(arguments, f64::log10),
    check: None,
};

pub(super) static POW: Function = Function {
    name: "pow",
    summary: "`x` to the power of `y`. Null where it does not fit a `float` and where it has no value: a \
              negative number to a power that is not whole, zero to a negative one.",
    signatures: &[Signature {
        parameters: &[("x", Type::Float), ("y", Type::Float)],
        optional: 0,
        result: Type::Float,
    }],
    examples: &[
        ("pow(2, 10)", "1024.0"),
        ("pow(4, 0.5)", "2.0"),
        ("pow(-8, 0.5)", "null"),
        ("pow(0, -1)", "null"),
    ],
    evaluate: |arguments| of_two(arguments, f64::powf),
    check: None,
};

pub(super) static MIN: Function = Function {
    name: "min",
    summary: "The smaller of two numbers; an `int` if both are, else a `float`.",
    signatures: OF_TWO,
    examples: &[("min(3, 4)", "3"), ("min(3, 2.5)", "2.5"), ("min(3, 4.5)", "3.0")],
    evaluate: |arguments| match arguments {
        [Value::Int(a), Value::Int(b)] => Value::Int(*a.min(b)),
        _ => of_two(arguments, f64::min),
    },
    check: None,
};

pub(super) static MAX: Function = Function {
    name: "max",
    summary: "The larger of two numbers; an `int` if both are, else a `float`.",
    signatures: OF_TWO,
    examples: &[("max(3, 4)", "4"), ("max(3, 2.5)", "3.0")],
    evaluate: |arguments| match arguments {
        [Value::Int(a), Value::Int(b)] => Value::Int(*a.max(b)),
        _ => of_two(arguments, f64::max),
    },
    check: None,
};

/// The number made whole, as an integer; null when it does not fit.
fn whole(x: &Value, make: impl Fn(f64) -> f64) -> Value {
    match x {
        Value::Int(x) => Value::Int(*x),
        Value::Float(x) => {
            let x = make(*x);
            // 2^63 is a float, the largest integer below it is none: hence the half-open range.
            // NaN and infinities lie outside.
            let fits = (-9_223_372_036_854_775_808.0..9_223_372_036_854_775_808.0).contains(&x);
            if fits { Value::Int(x as i64) } else { Value::Null }
        }
        _ => Value::Null,
    }
}

/// Rounds to a number of decimals.
///
/// `2.675` is held as 2.67499…, which multiplying and rounding would make 2.67. So the number is
/// compared with the float nearest to the half itself: if it is the same float, it was written as
/// the half.
fn round_to(x: f64, digits: i64) -> Value {
    if !(0..=MAX_DIGITS).contains(&digits) {
        return Value::Null;
    }
    let scale = 10_f64.powi(digits as i32);
    let scaled = x.abs() * scale;
    // From 2^52 on, floats are so far apart that there is nothing left to round.
    if !scaled.is_finite() || scaled >= 4_503_599_627_370_496.0 {
        return Value::float(x);
    }
    let below = scaled.floor();
    let up = x.abs() >= (below + 0.5) / scale;
    Value::float(((below + f64::from(u8::from(up))) / scale).copysign(x))
}

/// A function of one float; null when the result is infinite and the argument is not.
fn of_one(arguments: &[Value], function: impl Fn(f64) -> f64) -> Value {
    match arguments {
        [x] => x.as_f64().map_or(Value::Null, |x| finite(function(x), x.is_finite())),
        _ => Value::Null,
    }
}

/// A function of two floats; null when the result is infinite and the arguments are not.
fn of_two(arguments: &[Value], function: impl Fn(f64, f64) -> f64) -> Value {
    match arguments {
        [a, b] => match (a.as_f64(), b.as_f64()) {
            (Some(a), Some(b)) => finite(function(a, b), a.is_finite() && b.is_finite()),
            _ => Value::Null,
        },
        _ => Value::Null,
    }
}

/// The result; null when it is not a number, or infinite though the arguments were finite.
fn finite(result: f64, from_finite: bool) -> Value {
    if result.is_infinite() && from_finite { Value::Null } else { Value::float(result) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const INF: f64 = f64::INFINITY;
    const TWO_TO_63: f64 = 9_223_372_036_854_775_808.0;

    fn call(function: &Function, arguments: &[Value]) -> Value {
        (function.evaluate)(arguments)
    }

    fn float(function: &Function, arguments: &[f64]) -> Option<f64> {
        let arguments: Vec<_> = arguments.iter().copied().map(Value::Float).collect();
        match call(function, &arguments) {
            Value::Float(x) => Some(x),
            Value::Null => None,
            other => panic!("{}{arguments:?}: {other:?}", function.name),
        }
    }

    fn int(function: &Function, x: f64) -> Option<i64> {
        match call(function, &[Value::Float(x)]) {
            Value::Int(x) => Some(x),
            Value::Null => None,
            other => panic!("{}({x}): {other:?}", function.name),
        }
    }

    #[test]
    fn abs_keeps_the_type_and_knows_what_does_not_fit() {
        assert!(matches!(call(&ABS, &[Value::Int(-5)]), Value::Int(5)));
        assert!(matches!(call(&ABS, &[Value::Int(-i64::MAX)]), Value::Int(i64::MAX)));
        assert!(call(&ABS, &[Value::Int(i64::MIN)]).is_null());
        assert_eq!(float(&ABS, &[-0.0]).map(f64::to_bits), Some(0));
        assert_eq!(float(&ABS, &[-INF]), Some(INF));
        assert_eq!(float(&ABS, &[f64::NAN]), None);
    }

    #[test]
    fn whole_numbers_stay_as_they_are() {
        for function in [&ROUND, &FLOOR, &CEIL] {
            for x in [i64::MIN, -1, 0, (1 << 53) + 1, i64::MAX] {
                assert!(matches!(call(function, &[Value::Int(x)]), Value::Int(y) if x == y), "{x}");
            }
        }
    }

    #[test]
    fn floats_are_made_whole_or_null() {
        for (x, round, floor, ceil) in [
            (2.5, 3, 2, 3),
            (-2.5, -3, -3, -2),
            (0.499_999_999_999_999_94, 0, 0, 1),
            (-0.1, 0, -1, 0),
            (4_503_599_627_370_495.5, 4_503_599_627_370_496, 4_503_599_627_370_495, 4_503_599_627_370_496),
            (-TWO_TO_63, i64::MIN, i64::MIN, i64::MIN),
            (TWO_TO_63 - 1024.0, i64::MAX - 1023, i64::MAX - 1023, i64::MAX - 1023),
        ] {
            assert_eq!(
                (int(&ROUND, x), int(&FLOOR, x), int(&CEIL, x)),
                (Some(round), Some(floor), Some(ceil)),
                "{x}"
            );
        }
        for x in [TWO_TO_63, -TWO_TO_63 - 2048.0, INF, -INF, f64::NAN, f64::MAX] {
            assert_eq!((int(&ROUND, x), int(&FLOOR, x), int(&CEIL, x)), (None, None, None), "{x}");
        }
    }

    #[test]
    fn decimals_are_rounded_as_they_are_written() {
        let round = |x: f64, digits| match call(&ROUND, &[Value::Float(x), Value::Int(digits)]) {
            Value::Float(x) => Some(x),
            Value::Null => None,
            other => panic!("{other:?}"),
        };
        for (x, digits, rounded) in [
            (2.675, 2, 2.68),
            (1.005, 2, 1.01),
            (0.285, 2, 0.29),
            (-1.005, 2, -1.01),
            (1.004_999_999_999_999, 2, 1.0),
            (0.249_999_999_999_999_97, 1, 0.2),
            (0.05, 1, 0.1),
            (0.7, 0, 1.0),
            (2.5, 0, 3.0),
            (1234.5, 15, 1234.5),
            (1e300, 15, 1e300),
            (f64::MIN_POSITIVE, 15, 0.0),
            (INF, 2, INF),
        ] {
            assert_eq!(round(x, digits), Some(rounded), "round({x}, {digits})");
        }
        assert_eq!(round(f64::NAN, 2), None);
        for digits in [-1, 16, i64::MIN, i64::MAX] {
            assert_eq!(round(1.5, digits), None, "{digits}");
        }
        assert_eq!(call(&ROUND, &[Value::Int(7), Value::Int(2)]), Value::Float(7.0));
    }

    #[test]
    fn every_half_cent_is_rounded_up() {
        for cents in 0..100_000 {
            let half: f64 = format!("{}.{:02}5", cents / 100, cents % 100).parse().unwrap();
            let up = f64::from(cents + 1) / 100.0;
            assert_eq!(round_to(half, 2), Value::Float(up), "{half}");
            assert_eq!(round_to(half.next_down(), 2), Value::Float(f64::from(cents) / 100.0), "below {half}");
        }
    }

    #[test]
    fn a_constant_number_of_digits_is_checked() {
        let check = |digits| ROUND.check.expect("has one")(&[None, digits]).map_err(|(index, _)| index);
        assert_eq!(check(Some(Value::Int(0))), Ok(()));
        assert_eq!(check(Some(Value::Int(15))), Ok(()));
        assert_eq!(check(Some(Value::Int(-1))), Err(1));
        assert_eq!(check(Some(Value::Int(16))), Err(1));
        assert_eq!(check(None), Ok(()));
        assert_eq!(check(Some(Value::Null)), Ok(()));
    }

    #[test]
    fn roots_and_logarithms_of_what_has_none_are_null() {
        assert_eq!(float(&SQRT, &[2.25]), Some(1.5));
        assert_eq!(float(&SQRT, &[-0.0]), Some(0.0));
        assert_eq!(call(&SQRT, &[Value::Int(i64::MAX)]), Value::Float(3_037_000_499.976_05));
        assert_eq!(float(&LN, &[std::f64::consts::E]), Some(1.0));
        assert_eq!(float(&LOG10, &[0.001]), Some(-3.0));
        for function in [&SQRT, &LN, &LOG10] {
            assert_eq!(float(function, &[-1e-300]), None);
            assert_eq!(float(function, &[-INF]), None);
            assert_eq!(float(function, &[f64::NAN]), None);
            assert_eq!(float(function, &[INF]), Some(INF), "{}", function.name);
        }
        assert_eq!(float(&LN, &[0.0]), None);
        assert_eq!(float(&LOG10, &[-0.0]), None);
    }

    #[test]
    fn powers_that_do_not_fit_are_null() {
        assert_eq!(float(&POW, &[-2.0, 3.0]), Some(-8.0));
        assert_eq!(float(&POW, &[0.0, 0.0]), Some(1.0));
        assert_eq!(float(&POW, &[10.0, -400.0]), Some(0.0));
        for (x, y) in [(10.0, 400.0), (-10.0, 401.0), (-8.0, 1.0 / 3.0), (0.0, -1.0), (-0.0, -1.0)] {
            assert_eq!(float(&POW, &[x, y]), None, "pow({x}, {y})");
        }
        assert!(matches!(call(&POW, &[Value::Int(2), Value::Int(3)]), Value::Float(8.0)), "always a float");
    }

    #[test]
    fn the_smaller_and_the_larger_of_two() {
        assert!(matches!(call(&MIN, &[Value::Int(i64::MAX), Value::Int(i64::MIN)]), Value::Int(i64::MIN)));
        assert!(matches!(
            call(&MAX, &[Value::Int(i64::MAX), Value::Int(i64::MAX - 1)]),
            Value::Int(i64::MAX)
        ));
        assert!(matches!(call(&MIN, &[Value::Int(1), Value::Float(2.5)]), Value::Float(1.0)));
        assert!(matches!(call(&MAX, &[Value::Float(0.5), Value::Int(1)]), Value::Float(1.0)));
        assert_eq!(float(&MIN, &[-INF, 1.0]), Some(-INF));
        assert_eq!(float(&MAX, &[INF, 1.0]), Some(INF));
    }
}
