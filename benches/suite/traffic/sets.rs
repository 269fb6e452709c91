//! Payments for large sets of rules: fields with 1, 2, 20, 200 and 2,000 values, an amount, and the path
//! of a page.

use std::io::{self, Write};

use super::Chance;

/// Values of the fields `channel`, `region`, `country`, `city` and `merchant`.
pub const CHOICES: [(&str, u64); 5] =
    [("channel", 1), ("region", 2), ("country", 20), ("city", 200), ("merchant", 2_000)];

/// Words that a path can have; each has three.
pub const WORDS: u64 = 1_000;

/// How many cards there are: the keys.
const CARDS: u64 = 100_000;

/// The stream.
pub const STREAM: &str = "stream payments time at late 5s {
  id       string
  card     string
  channel  string
  region   string
  country  string
  city     string
  merchant string
  amount   float
  path     string
  device   string
  approved bool
  at       timestamp(ms)
}
";

/// Writes so many payments.
pub fn write(out: &mut impl Write, events: u64) -> io::Result<()> {
    let mut chance = Chance::new(5);
    for number in 0..events {
        let card = chance.below(CARDS);
        let cents = chance.below(1_000_000);
        let time_ms = chance.time_ms(number);
        write!(out, r#"{{"id":"pay-{number:09}","card":"card-{card:06}""#)?;
        for (name, values) in CHOICES {
            write!(out, r#","{name}":"{name}-{}""#, chance.below(values))?;
        }
        writeln!(
            out,
            r#","amount":{}.{:02},"path":"/w{}x/item/w{}x/w{}x.html","device":"{:08x}","approved":true,"at":{time_ms}}}"#,
            cents / 100,
            cents % 100,
            chance.below(WORDS),
            chance.below(WORDS),
            chance.below(WORDS),
            chance.below(1 << 32),
        )?;
    }
    Ok(())
}

/// A rule that waits for three events of a card for which a condition holds.
pub fn rule(number: u64, condition: &str) -> String {
    format!(
        "rule r{number} {{\n  by card\n  event hit = payments where {condition}\n  match 3 hit within 30s\n  \
         alert low \"{{card}}\"\n}}\n\n"
    )
}

/// Five rules for each value of a field, with thresholds that three of five amounts exceed on average.
pub fn choice(count: u64, rule: u64) -> String {
    let values = (count / 5).max(1);
    let (field, _) = CHOICES.iter().find(|(_, n)| *n == values).expect("there is a field for each size");
    // Of a single rule, as of the five, three of five events are of interest.
    let threshold = if count == 1 { 4_000 } else { 2_000 + 1_000 * (rule / values) };
    format!("{field} == \"{field}-{}\" and amount > {threshold}", rule % values)
}
