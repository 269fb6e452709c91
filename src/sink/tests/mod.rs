//! Workers with queues over a store, on a disk and a clock of their own.

mod outage;
mod play;
mod simulation;
