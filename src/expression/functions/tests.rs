//! What holds for every function: its examples are true and its reference page is current.

use std::collections::HashSet;
use std::path::Path;

use super::*;
use crate::event::Duration;

#[test]
fn functions_are_found_by_name_and_listed_once() {
    let in_families: Vec<_> = FAMILIES.iter().flat_map(|family| family.functions).map(|f| f.name).collect();
    let listed: Vec<_> = ALL.iter().map(|function| function.name).collect();
    assert_eq!(listed, in_families);
    assert_eq!(listed.iter().collect::<HashSet<_>>().len(), ALL.len());
    for function in ALL {
        assert!(std::ptr::eq(find(function.name).unwrap(), *function), "{}", function.name);
    }
    for name in ["", "Lower", "coalesce", "if", "count", "lower "] {
        assert!(find(name).is_none(), "{name}");
    }
}

#[test]
fn signatures_are_well_formed() {
    for Function { name, signatures, summary, .. } in ALL {
        assert!(!signatures.is_empty() && summary.ends_with('.'), "{name}");
        for signature in *signatures {
            assert!(signature.optional <= signature.parameters.len(), "{name}");
            assert_ne!(signature.result, Type::Null, "{name}");
        }
    }
}

/// Whatever the types and number of the arguments, even if the type checker would refuse them.
#[test]
fn no_argument_makes_a_function_panic_or_yield_another_type() {
    let values = [
        Value::Bool(true),
        Value::Int(0),
        Value::Int(-1),
        Value::Int(i64::MIN),
        Value::Int(i64::MAX),
        Value::Float(0.5),
        Value::Float(-0.0),
        Value::Float(f64::MAX),
        Value::Float(f64::MIN_POSITIVE),
        Value::Float(f64::INFINITY),
        Value::Float(f64::NEG_INFINITY),
        Value::Float(f64::NAN),
        Value::text(""),
        Value::text("Europe/Berlin"),
        Value::Timestamp(Timestamp::MIN),
        Value::Timestamp(Timestamp::MAX),
        Value::Duration(Duration::from_micros(i64::MIN)),
        Value::Null,
    ];
    for function in ALL {
        let results: HashSet<Type> = function.signatures.iter().map(|signature| signature.result).collect();
        let check = |arguments: &[Value]| {
            let result = (function.evaluate)(arguments);
            let name = function.name;
            assert!(result.is_null() || results.contains(&result.ty()), "{name}{arguments:?}: {result:?}");
            assert!(!matches!(result, Value::Float(x) if x.is_nan()), "{name}{arguments:?}");
            if let Some(check) = function.check {
                let _ = check(&arguments.iter().cloned().map(Some).collect::<Vec<_>>());
            }
        };
        check(&[]);
        for a in &values {
            check(std::slice::from_ref(a));
            for b in &values {
                check(&[a.clone(), b.clone()]);
                check(&[a.clone(), b.clone(), b.clone(), a.clone()]);
                check(&[a.clone(), b.clone(), a.clone(), b.clone()]);
            }
        }
    }
}

#[test]
fn examples_are_true() {
    for function in ALL {
        assert!(!function.examples.is_empty(), "{}", function.name);
        for (expression, value) in function.examples {
            assert!(expression.contains(&format!("{}(", function.name)), "{expression}");
            let (found, found_type) = compute(expression);
            let (expected, expected_type) = literal(value).unwrap_or_else(|| panic!("{value}"));
            assert_eq!(found, expected, "{expression}");
            assert!(expected.is_null() || found_type == expected_type, "{expression} is {found_type}");
        }
    }
}

/// The value of a literal, `time` or a call of such things: all that the examples use. The type is
/// that of the signature that fits.
fn compute(expression: &str) -> (Value, Type) {
    if let Some(literal) = literal(expression) {
        return literal;
    }
    let (name, rest) = expression.split_once('(').unwrap_or_else(|| panic!("not a call: {expression}"));
    let function = find(name).unwrap_or_else(|| panic!("no function {name}"));
    let (arguments, types): (Vec<_>, Vec<_>) =
        arguments(rest.strip_suffix(')').expect("a closing parenthesis")).iter().map(|a| compute(a)).unzip();
    let signature = function.signatures.iter().find(|signature| fits(signature, &types));
    let signature = signature.unwrap_or_else(|| panic!("no signature fits {expression}"));
    if arguments.iter().any(Value::is_null) {
        return (Value::Null, signature.result);
    }
    let value = (function.evaluate)(&arguments);
    assert!(value.is_null() || value.ty() == signature.result, "{expression}: {value:?}");
    (value, signature.result)
}

fn fits(signature: &Signature, types: &[Type]) -> bool {
    let most = signature.parameters.len();
    (most - signature.optional..=most).contains(&types.len())
        && signature.parameters.iter().zip(types).all(|((_, parameter), ty)| {
            parameter == ty || *ty == Type::Null || (*parameter, *ty) == (Type::Float, Type::Int)
        })
}

/// Splits at the commas that stand neither in text nor in parentheses.
fn arguments(list: &str) -> Vec<&str> {
    let (mut parts, mut start, mut depth, mut in_text) = (Vec::new(), 0, 0, false);
    for (index, c) in list.char_indices() {
        match c {
            '"' => in_text = !in_text,
            '(' if !in_text => depth += 1,
            ')' if !in_text => depth -= 1,
            ',' if !in_text && depth == 0 => {
                parts.push(list[start..index].trim());
                start = index + 1;
            }
            _ => {}
        }
    }
    parts.push(list[start..].trim());
    parts
}

fn literal(text: &str) -> Option<(Value, Type)> {
    let value = match text {
        "null" => Value::Null,
        "true" | "false" => Value::Bool(text == "true"),
        "time" => Value::Timestamp(EXAMPLE_TIME),
        _ if text.starts_with('"') => {
            Value::text(text.strip_prefix('"')?.strip_suffix('"')?.replace("\\n", "\n"))
        }
        _ if text.contains('e') => return None,
        _ => text
            .parse()
            .map(Value::Int)
            .or_else(|_| text.parse().map(Value::Float))
            .ok()
            .or_else(|| Duration::parse(text).map(Value::Duration))?,
    };
    let ty = value.ty();
    Some((value, ty))
}

#[test]
fn the_time_of_the_examples_is_what_the_page_says() {
    assert_eq!(EXAMPLE_TIME.to_string(), "2026-03-01T23:30:00Z");
    assert!(time::FAMILY.notes.contains(&format!("`time` is {EXAMPLE_TIME}, a Sunday")));
}

#[test]
fn the_reference_page_is_current() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/functions.md");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&path, reference()).unwrap();
    }
    let page = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        page == reference(),
        "docs/functions.md is stale: `UPDATE_DOCS=1 cargo test reference_page` rewrites it"
    );
}
