//! Chaining: rules that read the alerts of others.

mod basics;
mod harness;
mod order;
mod property;
