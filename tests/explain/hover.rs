//! What an editor shows under the cursor.

use tripline::diagnostic::FileId;
use tripline::language::explain::RuleSet;
use tripline::language::parse;

use crate::{check, tree};

const RULE: &str = r#"stream auth time at idle 30s { card string, amount float, at timestamp(ms) }
stream logins time at idle 30s { card string, ok bool, at timestamp(ms) }
rule r {
  about "one"
  by card
  event small = auth where amount < 2
  event big = auth where amount > 100
  event refused = logins where not ok
  match 3+ lazy small until refused then any within 5m big as large
    then not refused next (logins or 2 consecutive (auth as a then within 1s auth as b within 9s)) then optional refused as again within 1h
  overlap resume at last small
  alert critical "m"
  to desk
  limit 1 per 1h
  max runs 5
  mode shadow
  runbook "https://runbooks.example.com/r"
}
"#;

/// Every place about which something is said, with what is said.
#[test]
fn places() {
    let file = tree(RULE);
    let set = RuleSet::new([&file]);
    let mut shown = String::new();
    let mut last = None;
    for byte in 0..=RULE.len() {
        let hover = set.at(&file, byte as u32);
        if let Some(hover) = &hover {
            let span = hover.span.start as usize..=hover.span.end as usize;
            assert!(span.contains(&byte), "{byte}: {hover:?}");
        }
        if hover != last
            && let Some(hover) = &hover
        {
            let place = &RULE[hover.span.start as usize..hover.span.end as usize];
            let (before, after) = (&RULE[..byte], &RULE[byte..]);
            let line = before.matches('\n').count() + 1;
            let from = after.lines().next().unwrap_or_default();
            let from: String = from.chars().take(20).collect();
            shown.push_str(&format!("--- {line}: at `{from}`, of `{place}`\n{}\n\n", hover.text));
        }
        last = hover;
    }
    check("hover", &shown);
}

/// Nothing is said outside of rules, and nothing fails there.
#[test]
fn places_outside() {
    let file = tree(RULE);
    let set = RuleSet::new([&file]);
    assert_eq!(set.at(&file, 3), None);
    assert_eq!(set.at(&file, u32::MAX), None);
    let (empty, _) = parse(FileId(0), "");
    assert_eq!(RuleSet::new([&empty]).at(&empty, 0), None);
    assert_eq!(RuleSet::default().at(&file, 200), None);
}
