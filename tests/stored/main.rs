//! Engines that are stored and restored: what is written of changes, what becomes of state when rules are
//! edited, and that damaged bytes do no harm.

mod allocator;
mod changes;
#[expect(clippy::duplicate_mod, reason = "the same tests, with engines that have less memory")]
mod cold;
mod damage;
mod edited;
mod harness;
mod look;
mod old;
#[path = "../../fuzz/src/state.rs"]
mod state;
