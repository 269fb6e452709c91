//! What the real binary keeps when it is killed, when the disk is in trouble, when its files are not what
//! they were.
//!
//! As in the tests of `e2e`, nothing waits for a span of time to pass: tests wait for conditions, and fail
//! when one does not come in [`watched::PATIENCE`].

#[path = "../common/binary.rs"]
mod binary;
mod client;
mod damage;
mod disk;
mod inbox;
mod kills;
mod process;
mod room;
mod run;
#[path = "../common/seeds.rs"]
mod seeds;
mod traffic;
mod watched;
