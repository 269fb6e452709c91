//! What the fuzz targets call, one function each; `tests/format` calls the same.

mod guarantees;

pub use guarantees::formatted;
