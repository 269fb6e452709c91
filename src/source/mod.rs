//! Where events come in.
//!
//! Enters: bytes from outside. Leaves: batches of decoded events with their positions, and for each
//! record that is no event the place and the reason. Nothing here knows rules.

pub mod lines;
pub mod reader;
pub mod recording;
