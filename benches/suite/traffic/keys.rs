//! Short events for very many keys: each key once, in an order that has nothing to do with where it is
//! kept, then any of them again.

use std::io::{self, Write};

use super::{Chance, START_MS, spread};

/// Writes `rounds` events that begin a run for each of `keys` keys, then others up to `events`, of which
/// one in a thousand is what a run waits for.
pub fn write(out: &mut impl Write, keys: u64, rounds: u64, events: u64) -> io::Result<()> {
    let mut chance = Chance::new(6);
    for number in 0..events {
        let time_ms = START_MS + number;
        let begins = number < keys * rounds;
        let key = if begins { spread(number, keys) } else { chance.below(keys) };
        let (kind, amount) = match begins {
            true => ("order", chance.between(100, 999)),
            false if chance.in_thousand(1) => ("payment", 2_000),
            false => ("payment", chance.between(1, 99)),
        };
        writeln!(out, r#"{{"order":"order-{key:08}","kind":"{kind}","amount":{amount},"at":{time_ms}}}"#)?;
    }
    Ok(())
}
