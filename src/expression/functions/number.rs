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
              negative number to a broken power, zero to a negative one.",
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
