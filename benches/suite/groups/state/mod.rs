//! What it costs to keep state: how much slower the service is for it, what a checkpoint takes when very
//! many keys have a run and some of them change, and how soon a service that goes on serves again.
//!
//! All of it writes to the disk where the temporary files of the build are; what that disk takes to make
//! something durable is measured beside it.

mod disk;
mod keys;
mod throughput;

use crate::suite::Suite;

const GROUP: &str = "state";

/// Measures all.
pub fn run(suite: &mut Suite) {
    throughput::run(suite);
    keys::run(suite);
    disk::run(suite);
}

/// The value in the middle.
fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// The least and the most, as they are said in a remark.
fn spread(values: &[f64], show: impl Fn(f64) -> String) -> String {
    let least = values.iter().copied().fold(f64::INFINITY, f64::min);
    let most = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    format!("{} to {}", show(least), show(most))
}
