//! Functions of text.

use compact_str::CompactString;

use crate::event::{Type, Value};

use super::{Family, Function, Signature};

pub(super) static FAMILY: Family = Family {
    title: "Text",
    notes: "Text is compared exactly: `contains`, `starts_with` and `ends_with` tell upper from lower case. \
            Put `lower(…)` around both sides to compare without it.",
    functions: &[&LOWER, &UPPER, &TRIM, &LENGTH, &CONTAINS, &STARTS_WITH, &ENDS_WITH],
};

const TO_TEXT: &[Signature] =
    &[Signature { parameters: &[("text", Type::Str)], optional: 0, result: Type::Str }];

pub(super) static LOWER: Function = Function {
    name: "lower",
    summary: "The text in lower case, by the rules of Unicode and of no particular language.",
    signatures: TO_TEXT,
    examples: &[(r#"lower("Zürich HB")"#, r#""zürich hb""#), (r#"lower("ΟΔΟΣ")"#, r#""οδος""#)],
    evaluate: |arguments| text(arguments, CompactString::from_str_to_lowercase),
    check: None,
};

pub(super) static UPPER: Function = Function {
    name: "upper",
    summary: "The text in upper case, by the rules of Unicode and of no particular language. \
              The result may be longer than the text.",
    signatures: TO_TEXT,
    examples: &[(r#"upper("eur")"#, r#""EUR""#), (r#"upper("straße")"#, r#""STRASSE""#)],
    evaluate: |arguments| text(arguments, CompactString::from_str_to_uppercase),
    check: None,
};

pub(super) static TRIM: Function = Function {
    name: "trim",
    summary: "The text without the white space (blanks, tabs, line ends and their Unicode relatives) \
              at its beginning and end.",
    signatures: TO_TEXT,
    examples: &[(r#"trim("  a b\n")"#, r#""a b""#), (r#"trim(" ")"#, r#""""#)],
    evaluate: |arguments| text(arguments, |text| text.trim().into()),
    check: None,
};

pub(super) static LENGTH: Function = Function {
    name: "length",
    summary: "How many characters (Unicode scalar values) the text has.",
    signatures: &[Signature { parameters: &[("text", Type::Str)], optional: 0, result: Type::Int }],
    examples: &[(r#"length("Zürich")"#, "6"), (r#"length("")"#, "0")],
    evaluate: |arguments| match arguments {
        [Value::Str(text)] => i64::try_from(text.chars().count()).map_or(Value::Null, Value::Int),
        _ => Value::Null,
    },
    check: None,
};

pub(super) static CONTAINS: Function = Function {
    name: "contains",
    summary: "Whether `part` stands anywhere in the text. Every text contains the empty text.",
    signatures: &[Signature {
        parameters: &[("text", Type::Str), ("part", Type::Str)],
        optional: 0,
        result: Type::Bool,
    }],
    examples: &[
        (r#"contains("prepaid card", "paid")"#, "true"),
        (r#"contains("Prepaid", "prepaid")"#, "false"),
    ],
    evaluate: |arguments| holds(arguments, |text, part| text.contains(part)),
    check: None,
};

pub(super) static STARTS_WITH: Function = Function {
    name: "starts_with",
    summary: "Whether the text begins with `start`.",
    signatures: &[Signature {
        parameters: &[("text", Type::Str), ("start", Type::Str)],
        optional: 0,
        result: Type::Bool,
    }],
    examples: &[
        (r#"starts_with("+44 20 7946", "+44")"#, "true"),
        (r#"starts_with("0044 20 7946", "+44")"#, "false"),
    ],
    evaluate: |arguments| holds(arguments, |text, start| text.starts_with(start)),
    check: None,
};

pub(super) static ENDS_WITH: Function = Function {
    name: "ends_with",
    summary: "Whether the text ends with `end`.",
    signatures: &[Signature {
        parameters: &[("text", Type::Str), ("end", Type::Str)],
        optional: 0,
        result: Type::Bool,
    }],
    examples: &[
        (r#"ends_with("a@example.com", "@example.com")"#, "true"),
        (r#"ends_with("a@example.com.test", "@example.com")"#, "false"),
    ],
    evaluate: |arguments| holds(arguments, |text, end| text.ends_with(end)),
    check: None,
};

/// The text that `change` makes of the only argument.
fn text(arguments: &[Value], change: impl Fn(&str) -> CompactString) -> Value {
    match arguments {
        [Value::Str(text)] => Value::Str(change(text)),
        _ => Value::Null,
    }
}

/// Whether `condition` holds for two texts.
fn holds(arguments: &[Value], condition: impl Fn(&str, &str) -> bool) -> Value {
    match arguments {
        [Value::Str(text), Value::Str(part)] => Value::Bool(condition(text, part)),
        _ => Value::Null,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(function: &Function, arguments: &[&str]) -> Value {
        let arguments: Vec<_> = arguments.iter().map(Value::text).collect();
        (function.evaluate)(&arguments)
    }

    #[test]
    fn case_follows_unicode() {
        assert_eq!(call(&LOWER, &["ÄÖÜ ΑΣ ΣΑ"]), Value::text("äöü ας σα"), "a final sigma differs");
        assert_eq!(call(&LOWER, &["İ"]), Value::text("i\u{307}"), "not Turkish");
        assert_eq!(call(&UPPER, &["ﬁß"]), Value::text("FISS"));
        assert_eq!(call(&UPPER, &["日本 🙂"]), Value::text("日本 🙂"));
        assert_eq!(call(&LOWER, &[""]), Value::text(""));
        assert_eq!(call(&UPPER, &[""]), Value::text(""));
    }

    #[test]
    fn trim_knows_white_space_of_unicode() {
        assert_eq!(call(&TRIM, &["\u{a0}\u{3000}\r\n\tx y\u{2028} "]), Value::text("x y"));
        assert_eq!(call(&TRIM, &["\u{200b}x"]), Value::text("\u{200b}x"), "a zero-width space is none");
        assert_eq!(call(&TRIM, &[""]), Value::text(""));
    }

    #[test]
    fn length_counts_scalar_values_rather_than_bytes() {
        assert_eq!(call(&LENGTH, &["日本"]), Value::Int(2));
        assert_eq!(call(&LENGTH, &["e\u{301}"]), Value::Int(2), "a letter and its accent");
        assert_eq!(call(&LENGTH, &["🇩🇪"]), Value::Int(2));
    }

    #[test]
    fn parts_of_text_are_found_exactly() {
        for function in [&CONTAINS, &STARTS_WITH, &ENDS_WITH] {
            assert_eq!(call(function, &["", ""]), Value::Bool(true), "{}", function.name);
            assert_eq!(call(function, &["a", ""]), Value::Bool(true), "{}", function.name);
            assert_eq!(call(function, &["", "a"]), Value::Bool(false), "{}", function.name);
            assert_eq!(call(function, &["a", "a"]), Value::Bool(true), "{}", function.name);
            assert_eq!(call(function, &["a", "A"]), Value::Bool(false), "{}", function.name);
            assert_eq!(call(function, &["é", "e\u{301}"]), Value::Bool(false), "{}", function.name);
        }
        assert_eq!(call(&CONTAINS, &["a.c", "a?c"]), Value::Bool(false), "no wildcards");
        assert_eq!(call(&STARTS_WITH, &["xab", "ab"]), Value::Bool(false));
        assert_eq!(call(&ENDS_WITH, &["abx", "ab"]), Value::Bool(false));
    }
}
