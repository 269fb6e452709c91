//! The groups of cases, in the order of the table.

mod adversaries;
mod cores;
mod end_to_end;
mod history;
mod kafka;
mod keys;
mod rules;
mod state;
mod window;

use crate::suite::Suite;

/// Measures all that was asked for.
pub fn run(suite: &mut Suite) {
    end_to_end::run(suite);
    rules::run(suite);
    keys::run(suite);
    window::run(suite);
    history::run(suite);
    cores::run(suite);
    state::run(suite);
    kafka::run(suite);
    adversaries::run(suite);
}
