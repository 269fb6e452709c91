//! Which seeds are tried: `TRIPLINE_SEED` sets the first, `TRIPLINE_CASES` how many.

use std::ops::Range;

/// The seeds to try: as many as `TRIPLINE_CASES` says, where `many`, which `make test` sets, stands for this number, and a tenth
/// of it is tried unless it is set: see `src/cases.rs`.
pub fn seeds(many: u64) -> Range<u64> {
    let text = |name: &str| std::env::var(name).ok();
    let number = |name: &str, text: String| -> u64 {
        text.parse().unwrap_or_else(|_| panic!("{name}={text} is no number"))
    };
    let first = text("TRIPLINE_SEED").map_or(1, |seed| number("TRIPLINE_SEED", seed));
    let count = match text("TRIPLINE_CASES") {
        None => many.div_ceil(10),
        Some(cases) if cases == "many" => many,
        Some(cases) => number("TRIPLINE_CASES", cases),
    };
    first..first + count
}
