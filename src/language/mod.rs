//! The rule language: from text to checked rules.

mod lexer;
mod parser;
pub mod tree;

pub use parser::{MAX_FILE_BYTES, parse};
