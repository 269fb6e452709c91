//! The words for conditions.

use crate::{check, explain, section};

const DECLARATIONS: &str = r#"
stream auth time at {
  card string, amount float, items int, ok bool, known bool?, country string?, ip ip?, device string?
  merchant string, took duration?, at timestamp(ms)
}
list trusted string from "trusted.txt"
let office = "10.0.0.0/8"
let big = 500.00
let twice = 2 * big
def ratio(a float, b float) = a / b
def is_big(x float) = x > twice
"#;

fn check_conditions(name: &str, conditions: &[&str]) {
    let mut shown = String::new();
    for condition in conditions {
        let text = format!(
            "{DECLARATIONS}rule r {{\n  by card\n  event e = auth where {condition}\n  match 2+ e within 1h\n  alert low \"m\"\n}}\n"
        );
        let (explanation, diagnostics) = explain(&text);
        assert!(!diagnostics.has_errors(), "{condition}: {diagnostics:?}");
        let markdown = explanation.expect("there is a rule").to_markdown();
        shown.push_str(&format!("=== {condition}\n{}\n", section(&markdown, "Events")));
        let names = section(&markdown, "Names");
        if !names.is_empty() {
            shown.push_str(&format!("{names}\n"));
        }
        shown.push('\n');
    }
    check(name, &shown);
}

#[test]
fn comparisons() {
    check_conditions(
        "conditions",
        &[
            "amount < 2",
            "amount <= 1_000_000 and ok",
            "amount == 5 or not ok",
            "amount > -5",
            "amount >= big",
            "amount + 5 > twice",
            "known == false",
            "known != false",
            "country != \"DE\"",
            "country is missing or country != \"DE\"",
            "(country ?? \"?\") != \"DE\"",
            "(country ?? \"DE\") == \"DE\"",
            "coalesce(country, \"?\") == \"DE\"",
            "not (country == \"DE\")",
            "not (country == \"DE\" and ok)",
            "not (known ?? false)",
            "known ?? true",
            "country in (\"DE\", \"AT\", \"CH\")",
            "country not in (\"DE\", \"AT\")",
            "country not in (\"DE\", \"AT\", \"CH\")",
            "ip in \"10.0.0.0/8\"",
            "ip not in (\"192.0.2.0/24\", \"10.0.0.7\")",
            "ip in office",
            "device is missing or device not in trusted",
            "merchant like \"Shop*\"",
            "not merchant like \"*Shop*\"",
            "merchant like \"*24\"",
            "merchant like \"S*p?\"",
            "merchant matches \"^[0-9]+$\"",
            "contains(merchant, \"x\") and not starts_with(merchant, \"y\")",
            "merchant == \"a`b\"",
            "amount > 100 and (country == \"DE\" or country == \"AT\" and ok)",
            "amount > 100 and items > 3 and ok and country in (\"DE\", \"AT\") and (known or device is missing or merchant like \"Shop*\")",
            "true",
        ],
    );
}

#[test]
fn values() {
    check_conditions(
        "values",
        &[
            "count(e) == 0 or amount > last(e).amount",
            "amount > 4 * avg(e.amount)",
            "sum(e.amount) + amount >= 1000",
            "count_distinct(e.merchant) < 3 and max(e.amount) < 10 and min(e.amount) > 1 and stddev(e.amount) < 2",
            "count(e.country) > 1",
            "hour(time) < 6",
            "hour(time, \"Europe/Berlin\") >= 22 or weekday(at) > 5",
            "time > \"2026-03-01T09:00:00Z\"",
            "at + 5m >= time",
            "time - first(e).time < 10m",
            "minutes(time - first(e).time) < 10",
            "took > 1h30m",
            "items / 2 > 3 and items % 2 == 0",
            "items * 2 + 1 > 3",
            "if(ok, amount, 0) > 5",
            "abs(amount - first(e).amount) < 0.01",
            "lower(merchant) == \"shop\" and length(merchant) > 10",
            "ratio(amount, avg(e.amount)) > 20",
            "not is_big(amount)",
            "amount > 4 * avg(auth.amount) over previous 30d",
            "count(auth where not ok) over 10m > 3",
            "count(auth where device == this.device) over previous 90d == 0",
            "count_distinct(auth.merchant where ok) over 6h >= 5",
            "merchants[merchant].risk > 0.8",
        ],
    );
}
