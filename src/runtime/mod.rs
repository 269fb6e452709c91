//! The parts wired together.

pub mod replay;
