//! What the live benchmark and the load test share: traffic that is made beforehand, its sending at a
//! pace, the service that takes it, and what a replay of the same bytes finds.

#[path = "../../examples/demo/generator.rs"]
pub mod generator;

pub mod live;
pub mod reference;
pub mod sender;
pub mod traffic;
