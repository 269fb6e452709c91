//! The table of limits: what it allows is taken, and one more is not.

use super::page::{check, streams, whole};

/// The number at the beginning of the second cell of the row whose first cell begins so.
fn limit(page: &str, row: &str) -> usize {
    let line = page.lines().find(|line| line.starts_with(&format!("| {row}"))).expect("the row is there");
    let cell = line.split('|').nth(2).expect("a second cell").trim();
    let number: String = cell.chars().filter(|c| *c != ',').take_while(char::is_ascii_digit).collect();
    number.parse().expect("a number")
}

/// A row of the table, an example of that size, and the code when it is one too large.
type Case = (&'static str, fn(usize) -> String, &'static str);

/// Numbered pieces with something between them.
fn list(size: usize, between: &str, piece: impl Fn(usize) -> String) -> String {
    (0..size).map(piece).collect::<Vec<_>>().join(between)
}

const CASES: [Case; 13] = [
    (
        "fields of a stream",
        |n| format!("stream wide {{ {} }}", list(n, ", ", |i| format!("f{i} int"))),
        "E0403",
    ),
    (
        "parts of a key",
        |n| {
            let fields = list(n, ", ", |i| format!("f{i} int"));
            let parts = list(n, ", ", |i| format!("f{i}"));
            format!("stream wide {{ {fields} }}\nrule r {{\n by {parts}\n match wide\n alert low \"x\"\n}}\n")
        },
        "E0403",
    ),
    (
        "columns of a table",
        |n| format!("table wide from \"w.csv\" {{ key {} }}", list(n, ", ", |i| format!("f{i} int"))),
        "E0403",
    ),
    (
        "key columns of a table",
        |n| format!("table wide from \"w.csv\" {{ {} }}", list(n, ", ", |i| format!("key f{i} int"))),
        "E0403",
    ),
    (
        "parameters of a definition",
        |n| format!("def f({}) = 1", list(n, ", ", |i| format!("p{i} int"))),
        "E0403",
    ),
    ("nesting of parentheses", |n| format!("let x = {}1{}", "(".repeat(n), ")".repeat(n)), "E0008"),
    (
        "operations of an expression",
        // A comparison is three operations, and so is the chain with a constant.
        |n| format!("event e = auth where {}", list(n / 3, " and ", |i| format!("items != {i}"))),
        "E0208",
    ),
    (
        "the pattern of a `like`",
        |n| format!("event e = auth where merchant like \"{}\"", "a".repeat(n)),
        "E0403",
    ),
    ("a count", |n| format!("match {n} auth within 1h"), "E0403"),
    ("alerts that a `limit` lets pass", |n| format!("match auth\nlimit {n} per 1h"), "E0403"),
    (
        "expressions of `for each`",
        |n| format!("match auth\nlimit 1 per 1h for each {}", list(n, ", ", |i| format!("auth.items + {i}"))),
        "E0403",
    ),
    (
        "branches of an `and`",
        |n| {
            let events = list(n, "\n", |i| format!("event e{i} = auth where items == {i}"));
            format!("{events}\nmatch logins then ({}) within 1h", list(n, " and ", |i| format!("e{i}")))
        },
        "E0310",
    ),
    (
        "steps that could come next",
        |n| {
            let events = list(n, "\n", |i| format!("event e{i} = auth where items == {i}"));
            format!("{events}\nmatch logins then ({}) within 1h", list(n, " or ", |i| format!("e{i}")))
        },
        "E0310",
    ),
];

#[test]
fn the_table_of_limits_is_true() {
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/language.md"));
    let page = page.expect("the page can be read");
    let streams = streams(&super::page::sections("language.md"));
    let mut wrong = String::new();
    for (row, example, code) in CASES {
        let most = limit(&page, row);
        // Some examples grow in steps of three.
        for (size, expected) in [(most, None), (most + 3, Some(code))] {
            let text = whole(&(example(size) + "\n"));
            let (_, diagnostics, shown) = check(&[("example.trip", &text), ("streams.trip", &streams)]);
            let found = diagnostics.iter().next().map(|one| one.code.as_str());
            if found != expected {
                let shown: String = shown.chars().take(1_000).collect();
                wrong.push_str(&format!("{row}, {size}: {found:?}, not {expected:?}\n{shown}\n"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}
