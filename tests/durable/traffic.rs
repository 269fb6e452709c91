//! Records of two streams, the same for the same seed, and rules that find something in them.
//!
//! Event time alone decides what is found: nothing is idle, and nothing is late, as long as the lines of the
//! file are written behind the records that are sent ([`Line::behind`]). So the same records at the same
//! positions give the same alerts, whatever happens in between.

use std::fmt::Write;

use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};

/// Patterns over one stream and over both, by several keys; what does not come, and what comes too late; the
/// past; limits; every overlap policy; alerts as events.
pub const RULES: &str = r#"
stream auth time at late 2s {
  conn int, n int, card string, merchant string, amount float, ok bool, at timestamp(ms)
}
stream orders time at late 1s {
  n int, card string, status string, at timestamp(ms)
}

# What was accepted, and on which connection.
rule taken {
  match auth as it
  overlap all
  alert info "{it.n}" { conn = it.conn, n = it.n }
}

rule testing {
  by card
  event small = auth where amount < 2
  event big   = auth where amount > 100 and amount > 20 * avg(small.amount)
  match 3+ small then big within 5m
  alert critical "{card}" { spent = sum(small.amount) + big.amount }
}

rule second_try {
  by card, merchant
  event bad  = auth where not ok
  event good = auth where ok
  match bad then any good within 40s
  overlap all
  alert low "{card} at {merchant}" { amount = good.amount }
}

rule unpaid {
  by card
  event placed = orders where status == "placed"
  event paid   = orders where status == "paid"
  match placed then not paid for 1m
  overlap per start
  alert medium "{card}" { n = placed.n }
}

rule slow {
  by card
  event placed = orders where status == "placed"
  event paid   = orders where status == "paid"
  match placed next paid within 45s
  alert info "{card} has paid" { n = placed.n }
  on timeout alert low "{card} is slow" { n = placed.n }
}

rule rich {
  by auth.card = orders.card
  event charge = auth where amount > 100
  event placed = orders where status == "placed"
  match charge then placed within 2m
  overlap resume at last placed
  alert low "{card}" { amount = charge.amount }
  limit 1 per 10m
}

rule burst {
  by card
  event bad = auth where not ok and count(auth where not ok) over 5m >= 3
  match bad
  alert high "{card}" { sum = sum(auth.amount) over previous 5m }
  limit 1 per 5m for each bad.merchant
}

stream tested from testing
stream left from unpaid

rule trouble {
  by card
  match tested then (tested as again or left) within 20m
  alert critical "{card}" {}
}
"#;

/// The time of the first record: in the past, whatever the clock says.
const START: i64 = 1_700_000_000_000;
/// How far behind the newest record another may come.
const DISORDER: i64 = 1_500;
const CARDS: u32 = 7;
/// The time of the lines that end everything: whatever may happen has happened by then.
const END: i64 = START + 30 * 86_400_000;

/// A record of `auth`, which is finished when it is known on which connection it goes.
#[derive(Clone, Debug)]
pub struct Record {
    /// Its number; none comes twice.
    pub number: usize,
    rest: String,
}

impl Record {
    /// As it is sent, with the line end.
    pub fn on(&self, connection: usize) -> String {
        format!("{{\"conn\":{connection},{}}}\n", self.rest)
    }
}

/// A line of the file with `orders`.
#[derive(Clone, Debug)]
pub struct Line {
    /// So many loads have to be accepted before it is written. Otherwise, when a connection breaks, event
    /// time might go on with the file, beyond records that are yet to be sent.
    pub behind: usize,
    pub text: String,
}

/// All that is sent.
#[derive(Debug)]
pub struct Traffic {
    /// Records of `auth`: what is accepted together or not at all.
    pub loads: Vec<Vec<Record>>,
    /// Lines of `orders`.
    pub lines: Vec<Line>,
}

impl Traffic {
    /// So many records, in loads of at most `most`.
    pub fn new(seed: u64, records: usize, most: usize) -> Traffic {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let mut now = START;
        let mut loads: Vec<Vec<Record>> = Vec::new();
        let mut sent = Vec::new();
        let mut number = 0;
        while number < records {
            let count = random.random_range(1..=most);
            let load = (0..count).map(|_| {
                number += 1;
                now += random.random_range(0..4_000);
                record(&mut random, number, now)
            });
            loads.push(load.collect());
            sent.push((loads.len(), now));
        }
        let mut lines = Vec::new();
        let (mut at, mut number) = (START, 0);
        for (count, newest) in sent {
            // What is sent later has a later time than this.
            while at < newest - DISORDER {
                number += 1;
                lines.push(Line { behind: count, text: line(&mut random, number, at) });
                at += random.random_range(0..9_000);
            }
        }
        lines.insert(0, Line { behind: 0, text: line(&mut random, 0, START - 1) });
        Traffic { loads, lines }
    }

    /// What comes last: a record and a line that let everything else happen.
    pub fn end() -> (Record, String) {
        let rest =
            format!("\"n\":0,\"card\":\"end\",\"merchant\":\"end\",\"amount\":1,\"ok\":true,\"at\":{END}");
        (
            Record { number: 0, rest },
            format!("{{\"n\":0,\"card\":\"end\",\"status\":\"end\",\"at\":{END}}}\n"),
        )
    }
}

fn record(random: &mut ChaCha8Rng, number: usize, now: i64) -> Record {
    let at = now - random.random_range(0..=DISORDER);
    let card = random.random_range(0..CARDS);
    let merchant = ["one", "two", "three"][random.random_range(0..3)];
    let (amount, ok) = (random.random_range(10..190), random.random_bool(0.8));
    let amount = if random.random_bool(0.12) { f64::from(amount) * 10.0 } else { f64::from(amount) / 100.0 };
    let mut rest = String::new();
    let _ = write!(
        rest,
        "\"n\":{number},\"card\":\"c{card}\",\"merchant\":\"{merchant}\",\"amount\":{amount},\"ok\":{ok},\"at\":{at}"
    );
    Record { number, rest }
}

fn line(random: &mut ChaCha8Rng, number: usize, at: i64) -> String {
    let card = random.random_range(0..CARDS);
    let status = ["placed", "placed", "paid", "seen"][random.random_range(0..4)];
    format!("{{\"n\":{number},\"card\":\"c{card}\",\"status\":\"{status}\",\"at\":{at}}}\n")
}
