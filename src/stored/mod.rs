//! What outlives the process, as bytes: the few forms of which everything that is stored is made.
//!
//! Enters: numbers, texts, lists. Leaves: bytes, and from bytes the same again or [`Damaged`]. What the
//! parts of the state consist of is said beside them, in the files named `stored.rs`; what is here knows
//! nothing of them.
//!
//! - Whole numbers take seven bits a byte, the lowest first, and one byte if they are below 128; those with
//!   a sign have it in the lowest bit. Floats take eight bytes. Texts and lists begin with their length.
//! - The unit that is stored by itself is a *row*: a key and a value in a [`Space`], with the group of keys
//!   to which it belongs.
//!
//! Invariants: each thing is written in one way, so that equal keys have equal bytes; nothing that is read is believed. A length is held against the bytes that are left before
//! anything is made of it, so that reading takes memory and time in proportion to what was given; no bytes
//! make it panic.

mod reader;
mod rows;
mod shared;
mod shelf;
#[cfg(test)]
mod tests;
mod writer;

pub use reader::{Damaged, Reader};
pub(crate) use rows::merged;
pub use rows::{Row, Rows, Space};
pub(crate) use shared::Shared;
pub use shelf::Shelf;
pub use writer::{Open, Writer};
