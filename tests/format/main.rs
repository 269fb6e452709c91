//! The formatter: what it makes of files, and that it keeps what it guarantees.
//!
//! `examples` shows the form. `guarantees` holds the rule files of the project, generated ones and large
//! ones against the guarantees; `mutations` feeds damaged seeds to the fuzz targets, which
//! `scripts/fuzz` runs for longer.

mod examples;
#[path = "../../fuzz/src/lib.rs"]
#[expect(unused_imports, reason = "the fuzz targets use the rest")]
mod fuzz;
mod guarantees;
mod large;
mod mutations;
#[path = "../property/random.rs"]
#[expect(dead_code, reason = "the property tests use the rest")]
mod random;
#[path = "../common/rules.rs"]
mod rules;
#[path = "../common/seeds.rs"]
mod seeds;

use std::path::Path;

/// The folder of the project.
fn project() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}
