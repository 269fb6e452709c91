//! What the fuzz targets call, one function each; `tests/format` calls the same.

mod generate;
mod guarantees;

pub use generate::rule_file;
pub use guarantees::formatted;
