//! Quotes of securities, in which a price seldom rises twice above the ones before it.

use std::io::{self, Write};

use super::Chance;

/// How many securities there are: the keys.
const SECURITIES: u64 = 1_000;

/// Writes so many quotes.
pub fn write(out: &mut impl Write, events: u64) -> io::Result<()> {
    let mut chance = Chance::new(4);
    for number in 0..events {
        let security = chance.below(SECURITIES);
        // Three of ten quotes are bids, asks or trades; trades are seldom at a high price.
        let (kind, price) = match chance.below(10) {
            0 => ("bid", chance.between(5_000, 9_999)),
            1 => ("ask", chance.between(5_000, 9_999)),
            2 if chance.in_thousand(2) => ("trade", chance.between(5_000, 9_999)),
            2 => ("trade", chance.between(1_000, 4_999)),
            _ => ("info", chance.between(1_000, 9_999)),
        };
        let time_ms = chance.time_ms(number);
        writeln!(
            out,
            r#"{{"id":"quo-{number:09}","security":"sec-{security:04}","kind":"{kind}","v":{}.{:02},"size":{},"venue":"venue-{:02}","currency":"EUR","broker":"broker-{:03}","account":"acc-{:06}","condition":"regular","firm":true,"at":{time_ms}}}"#,
            price / 100,
            price % 100,
            chance.between(1, 900),
            chance.below(12),
            chance.below(300),
            chance.below(100_000),
        )?;
    }
    Ok(())
}
