//! Orders and their payments, two streams; some orders are never paid.

use std::io::{self, Write};

use super::{COUNTRIES, Chance, Script};

/// How many customers there are.
const CUSTOMERS: u64 = 200_000;

/// Writes so many orders and payments together, the orders to one and the payments to the other.
pub fn write(orders: &mut impl Write, payments: &mut impl Write, events: u64) -> io::Result<()> {
    let mut chance = Chance::new(3);
    let mut script: Script<u64> = Script::new();
    let mut placed = 0;
    for number in 0..events {
        let time_ms = chance.time_ms(number);
        // At the end, whoever still has to pay does.
        let last = script.len() >= events - number;
        match script.due(if last { u64::MAX } else { number }) {
            Some(order) => payment(payments, &mut chance, number, order, time_ms)?,
            None => {
                order(orders, &mut chance, number, placed, time_ms)?;
                // Most pay within two minutes; six of a thousand never do.
                if !chance.in_thousand(6) {
                    script.plant(number + chance.between(10_000, 120_000), placed);
                }
                placed += 1;
            }
        }
    }
    Ok(())
}

fn order(out: &mut impl Write, chance: &mut Chance, number: u64, order: u64, time_ms: u64) -> io::Result<()> {
    let cents = chance.between(500, 40_000);
    writeln!(
        out,
        r#"{{"id":"ord-{number:09}","order":"order-{order:09}","customer":"cust-{:06}","shop":"shop-{:04}","amount":{}.{:02},"currency":"EUR","items":{},"country":"{}","channel":"web","coupon":"none","express":false,"at":{time_ms}}}"#,
        chance.below(CUSTOMERS),
        chance.below(2_000),
        cents / 100,
        cents % 100,
        chance.between(1, 9),
        COUNTRIES[chance.below(20) as usize],
    )
}

fn payment(
    out: &mut impl Write,
    chance: &mut Chance,
    number: u64,
    order: u64,
    time_ms: u64,
) -> io::Result<()> {
    let cents = chance.between(500, 40_000);
    writeln!(
        out,
        r#"{{"id":"pay-{number:09}","order":"order-{order:09}","customer":"cust-{:06}","method":"card","amount":{}.{:02},"currency":"EUR","provider":"bank-{:02}","country":"{}","attempt":1,"risk":0.{:02},"ok":true,"at":{time_ms}}}"#,
        chance.below(CUSTOMERS),
        cents / 100,
        cents % 100,
        chance.below(40),
        COUNTRIES[chance.below(20) as usize],
        chance.below(100),
    )
}
