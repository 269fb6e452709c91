//! Properties of the engine over random rules and streams.
//!
//! A seed stands for a rule and a stream, so that a failure can be repeated: it prints the seed, and
//! the rule and the events made as small as they get. `TRIPLINE_CASES` sets how many seeds are
//! tried, `TRIPLINE_SEED` the first of them.

mod agreement;
mod case;
mod condition;
mod cost;
mod engine;
mod examples;
mod frontier;
mod generate;
mod history;
mod invariance;
mod naive;
mod old;
mod pattern;
mod random;
mod representation;
#[path = "../common/seeds.rs"]
mod seeds;
mod shards;
mod shrink;
mod warnings;

use std::ops::Range;

use seeds::seeds;
use tripline::diagnostic::FileId;
use tripline::language::parse;
use tripline::language::tree::{Item, Rule};

/// Whether so many seeds are tried that what is to come up at all has to: not so when one is repeated.
fn are_enough(seeds: &Range<u64>, usual: u64) -> bool {
    seeds.end - seeds.start >= usual
}

/// The syntax tree of the only rule in a text.
fn tree(text: &str) -> Rule {
    let (file, diagnostics) = parse(FileId(0), text);
    assert!(!diagnostics.has_errors(), "{text}\n{diagnostics:?}");
    let rule = file.items.into_iter().find_map(|item| match item {
        Item::Rule(rule) => Some(rule),
        _ => None,
    });
    rule.expect("the text declares a rule")
}
