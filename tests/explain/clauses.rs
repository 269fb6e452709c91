//! The words for whole rules: keys, bounds, alerts, modes, limits, event time.

use crate::{check, explain};

const STREAMS: &str = r#"
stream auth time at late 5s idle 30s { card string, amount float, merchant string, ok bool, at timestamp(ms) }
stream logins time at { account string, ok bool, at timestamp }
stream beats { card string }
"#;

fn check_rules(name: &str, rules: &[&str]) {
    let mut shown = String::new();
    for rule in rules {
        let (explanation, _) = explain(&format!("{STREAMS}{rule}"));
        let explanation = explanation.unwrap_or_else(|| panic!("no rule: {rule}"));
        shown.push_str(&format!("{}\n{}\n----\n\n", rule.trim(), explanation.to_markdown()));
    }
    check(name, &shown);
}

#[test]
fn clauses() {
    check_rules(
        "clauses",
        &[
            r#"
rule all_clauses {
  about "Everything *at once*"
  tags one, two
  runbook "https://runbooks.example.com/all"
  by auth.card = logins.account, auth.merchant
  event small = auth where amount < 2
  event in_again = logins where ok and count(auth) over 1h > count(small)
  event unused = beats
  match 3+ small then in_again then not small for 30m within 10m
  overlap resume at last small
  max runs 500
  max events 20_000
  alert critical "{card}: {count(small)}" { tries = count(small), spent = sum(small.amount) }
  on timeout after in_again alert info "nothing came"
  to desk, audit, archive
  limit 2 per 1h for each last(small).merchant
  mode shadow
}"#,
            r#"
rule no_key {
  match 5 beats within 1m
  overlap per start
  alert high "too many"
  limit 1 per 10m
  max events 10
}"#,
            r#"
rule waits {
  by account
  event failed = logins where not ok
  match failed then not logins for 1d
  alert low "gone" {
    usual = count(logins) over previous 30d, today = count(logins where ok) over 1d, many = count(logins) over 1h > 5
  }
  mode off
}"#,
            r#"
rule three_parts {
  by card, merchant, amount
  match auth then any auth as again within 1h
  overlap all
  alert urgent "again" { amount = again.amount }
  mode soon
}"#,
        ],
    );
}

/// A rule that could not be read as a whole is explained as far as it was.
#[test]
fn damaged_rules() {
    check_rules(
        "damaged_rules",
        &[
            "rule empty { }",
            "rule no_pattern { by card event big = auth where amount > 5 match thn alert low \"m\" }",
            "rule no_alert { event big = nowhere where amont > 5 match big then unknown }",
        ],
    );
}
