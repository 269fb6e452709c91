//! Card payments, with cards that are tested: several tiny charges and then a large one.

use std::io::{self, Write};
use std::ops::Range;

use super::{COUNTRIES, Chance, START_MS, Script, spread};

/// How many cards there are.
pub const CARDS: u64 = 100_000;

/// Which cards pay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spread {
    /// All alike.
    Even,
    /// One of them has half of all payments.
    HalfOnOne,
}

/// A payment: the card and the amount in cents.
type Payment = (u64, u64);

/// Writes so many payments.
pub fn write(out: &mut impl Write, events: u64, spread: Spread) -> io::Result<()> {
    let mut chance = Chance::new(1);
    let mut script: Script<Payment> = Script::new();
    for number in 0..events {
        // One in a thousand events begins an attack: with a large charge at its end, two of three.
        if chance.in_thousand(3) {
            plant(&mut script, &mut chance, number);
        }
        let (card, cents) = match script.due(number) {
            Some(payment) => payment,
            None => background(&mut chance, spread),
        };
        let time_ms = chance.time_ms(number);
        line(out, &mut chance, number, (card, cents), time_ms)?;
    }
    Ok(())
}

/// Writes one payment.
fn line(
    out: &mut impl Write,
    chance: &mut Chance,
    number: u64,
    (card, cents): Payment,
    time_ms: u64,
) -> io::Result<()> {
    let country = COUNTRIES[chance.below(20) as usize];
    let (merchant, device) = (chance.below(5_000), chance.below(1 << 24));
    writeln!(
        out,
        r#"{{"id":"p{number:09}","card":"c{card:06}","user":"u{:06}","merchant":"m{merchant:04}","amount":{}.{:02},"currency":"EUR","country":"{country}","entry":"online","device":"{device:06x}","ip":"203.0.113.{}","approved":true,"at":{time_ms}}}"#,
        card / 2,
        cents / 100,
        cents % 100,
        card % 256,
    )
}

/// Writes the payments with these numbers, of `cards` cards in turn but in no order, and of amounts that
/// differ by less than ten times.
pub fn in_turn(out: &mut impl Write, numbers: Range<u64>, cards: u64) -> io::Result<()> {
    let mut chance = Chance::new(7 + numbers.start);
    for number in numbers {
        let payment = (spread(number, cards), chance.between(1_000, 9_999));
        line(out, &mut chance, number, payment, START_MS + number)?;
    }
    Ok(())
}

/// A payment of an honest customer: seldom tiny, seldom large.
fn background(chance: &mut Chance, spread: Spread) -> Payment {
    let card = if spread == Spread::HalfOnOne && chance.below(2) == 0 { 0 } else { chance.below(CARDS) };
    let cents = match chance.below(100) {
        0 => chance.between(20, 199),
        1..=3 => chance.between(20_000, 90_000),
        _ => chance.between(300, 15_000),
    };
    (card, cents)
}

/// Three to six tiny charges within two minutes and, two times of three, a large one soon after.
fn plant(script: &mut Script<Payment>, chance: &mut Chance, number: u64) {
    let card = chance.below(CARDS);
    let mut at = number;
    for _ in 0..chance.between(3, 6) {
        script.plant(at, (card, chance.between(20, 199)));
        at += chance.between(4_000, 20_000);
    }
    if chance.below(3) > 0 {
        script.plant(at + 5_000, (card, chance.between(20_000, 200_000)));
    }
}
