//! What is checked of any input, apart from where inputs come from: the fuzz targets take them from
//! libFuzzer, `tests/format` from seeds that it mutates.

mod generate;
mod guarantees;
mod judge;
mod seeds;
mod state;
mod targets;

pub use generate::rule_file;
pub use guarantees::formatted;
pub use seeds::{rule_files, seeds};
pub use targets::{
    TARGETS, Target, check, decode_binary, decode_json, decode_text, expression, format, format_generated,
    parse, restore,
};
