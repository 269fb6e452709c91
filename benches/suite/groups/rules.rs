//! Many rules over one stream. The file is the same for all sets; each event interests about three rules
//! of a set, by its card, so that what grows is only the number of rules that it does not interest.

use std::fs;
use std::path::{Path, PathBuf};

use crate::results::{Row, Unit};
use crate::suite::{Measured, Replay, Suite};
use crate::traffic::{sets, to_file};

const GROUP: &str = "rules";

/// How much more a set may cost than one rule.
const TARGET: f64 = 3.0;

/// A set of rules: its name, how many they are, and the condition of each.
struct Set {
    name: &'static str,
    count: u64,
    condition: fn(count: u64, rule: u64) -> String,
}

const SETS: [Set; 10] = [
    Set { name: "1 rule", count: 1, condition: sets::choice },
    Set { name: "10 rules", count: 10, condition: sets::choice },
    Set { name: "100 rules", count: 100, condition: sets::choice },
    Set { name: "1,000 rules", count: 1_000, condition: sets::choice },
    Set { name: "10,000 rules", count: 10_000, condition: sets::choice },
    Set { name: "10,000 thresholds on one field", count: 10_000, condition: threshold },
    Set { name: "10,000 bands of one field", count: 10_000, condition: band },
    Set { name: "1,000 like", count: 1_000, condition: like },
    Set { name: "1,000 matches", count: 1_000, condition: matches },
    Set { name: "1,000 of both on one field", count: 1_000, condition: like_or_matches },
];

/// Measures each set.
pub fn run(suite: &mut Suite) {
    let wanted: Vec<&Set> = SETS.iter().filter(|set| suite.wants(GROUP, set.name)).collect();
    if wanted.is_empty() {
        return;
    }
    let events = suite.options.scaled(500_000);
    suite.note(&format!("{GROUP}: the traffic is written"));
    let folder = suite.fresh_folder();
    let file = folder.join("payments.jsonl");
    to_file(&file, |out| sets::write(out, events));
    let mut one = None;
    for set in wanted {
        let rules = write_rules(&folder, set);
        let replay = Replay { rules, inputs: vec![("payments", file.clone())], events, shards: 1 };
        let measured = suite.replay(&replay);
        suite.push(described(set, &measured));
        if set.count == 1 {
            one = Some(measured.cpu_s);
        } else if set.count == 10_000
            && let Some(one) = one
        {
            let case = format!("{} against 1", set.name);
            suite.push(Row::new(GROUP, case, measured.cpu_s / one, Unit::Times).target(TARGET));
        }
    }
}

fn described(set: &Set, measured: &Measured) -> Row {
    let row = measured.row(GROUP, set.name);
    if set.count < 1_000 || measured.stopped {
        return row;
    }
    row.remark(format!("startup {:.1} s, {:.0} MB", measured.startup_s, measured.startup_mb))
}

/// A file with the stream and files with the rules, of which each may have 1 MiB.
fn write_rules(folder: &Path, set: &Set) -> PathBuf {
    let folder = folder.join(set.name.replace([' ', ','], "_"));
    fs::create_dir_all(&folder).expect("a folder can be made");
    fs::write(folder.join("stream.trip"), sets::STREAM).expect("the stream can be written");
    for first in (0..set.count).step_by(1_000) {
        let mut text = String::new();
        for rule in first..set.count.min(first + 1_000) {
            let condition = (set.condition)(set.count, rule);
            text.push_str(&sets::rule(rule, &condition));
        }
        fs::write(folder.join(format!("rules_{first}.trip")), text).expect("the rules can be written");
    }
    folder
}

/// Each rule its own threshold, so high that three are exceeded on average: the amounts are spread evenly
/// from 0 to 10,000.
fn threshold(count: u64, rule: u64) -> String {
    // Of n thresholds evenly from x to 10,000, the amount exceeds n (10,000 - x) / 20,000 on average.
    let width = 2.0 * 3.0 * 10_000.0 / count as f64;
    format!("amount > {:.4}", 10_000.0 - width * (rule as f64 + 0.5) / count as f64)
}

/// Each rule a band of amounts of its own; each amount lies in three of them.
fn band(count: u64, rule: u64) -> String {
    let step = 10_000.0 / count as f64;
    let low = step * rule as f64;
    format!("amount >= {low:.4} and amount < {:.4}", low + 3.0 * step)
}

/// Each rule a word that a path begins with, has in it or ends with; a path has three words.
fn like(_count: u64, rule: u64) -> String {
    match rule % 4 {
        0 => format!("path like \"*/w{rule}x/*\""),
        1 => format!("path like \"*/w{rule}x*\""),
        2 => format!("path like \"/w{rule}x/item/w*\" or path like \"*/w{rule}x.html\""),
        _ => format!("path like \"*w{rule}?*\""),
    }
}

/// Each rule a regular expression for a word; a path has three.
fn matches(_count: u64, rule: u64) -> String {
    match rule % 4 {
        0 => format!("path matches \"/w{rule}x[/.]\""),
        1 => format!("path matches \"^/(w{rule}x|.*/w{rule}x)\""),
        2 => format!("path matches \"[^0-9a-z]w{rule}x\\\\b\""),
        _ => format!("path matches \"(?i)/W{rule}X(/|\\\\.html$)\""),
    }
}

fn like_or_matches(count: u64, rule: u64) -> String {
    if rule.is_multiple_of(2) { like(count, rule / 2 * 2) } else { matches(count, rule) }
}
