//! One shard against two: here the time on the clock counts, reading and decoding included.

use std::path::Path;

use crate::machine;
use crate::results::{Row, Unit};
use crate::suite::{Replay, Suite};
use crate::traffic::{cards, logins, to_file};

const GROUP: &str = "cores";

/// How many times as fast two shards are to be.
const TARGET: f64 = 1.7;

/// A file of traffic: its name, the stream, the rule, and what writes it.
type Load = (&'static str, &'static str, &'static str, fn(&Path, u64));

const LOADS: [Load; 2] = [
    ("card testing", "payments", "card_testing.trip", |file, events| {
        to_file(file, |out| cards::write(out, events, cards::Spread::Even));
    }),
    ("brute force", "logins", "brute_force.trip", |file, events| {
        to_file(file, |out| logins::write(out, events, logins::Attack::Guess));
    }),
];

/// Measures each load with one and with two shards.
pub fn run(suite: &mut Suite) {
    for (name, stream, rules, write) in LOADS {
        let case = format!("{name}, 2 shards against 1");
        if !suite.wants(GROUP, &case) {
            continue;
        }
        let events = suite.options.scaled(2_000_000);
        suite.note(&format!("{GROUP}: {name} is written"));
        let file = suite.fresh_folder().join("events.jsonl");
        write(&file, events);
        let replay = Replay { rules: Suite::rules(rules), inputs: vec![(stream, file)], events, shards: 1 };
        let one = suite.replay(&replay);
        let two = suite.replay(&Replay { shards: 2, ..replay });
        let remark = format!(
            "{:.2} s against {:.2} s on the clock; CPU {:.2} s against {:.2} s; {} cores",
            two.wall_s,
            one.wall_s,
            two.cpu_s,
            one.cpu_s,
            machine::cores()
        );
        let mut row =
            Row::new(GROUP, case, one.wall_s / two.wall_s, Unit::SpeedUp).target(TARGET).remark(remark);
        row.alerts = Some(two.alerts);
        row.peak_mb = Some(two.peak_mb);
        suite.push(row);
    }
}
