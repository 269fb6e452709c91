//! Which seeds are tried: `TRIPLINE_SEED` sets the first, `TRIPLINE_CASES` how many.

use std::ops::Range;

/// The seeds to try: `usual` many unless the environment says otherwise.
pub fn seeds(usual: u64) -> Range<u64> {
    // `many` is what is usual here.
    let number = |name: &str| {
        let text = std::env::var(name).ok().filter(|text| text != "many")?;
        Some(text.parse::<u64>().unwrap_or_else(|_| panic!("{name}={text} is no number")))
    };
    let first = number("TRIPLINE_SEED").unwrap_or(1);
    first..first + number("TRIPLINE_CASES").unwrap_or(usual)
}
