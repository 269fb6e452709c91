//! How much tests do: a part of it while code is being edited, all of it in `make test`.
//!
//! The variable `TRIPLINE_CASES` settles it. Unset, tests do little, so that `cargo test --lib` takes
//! seconds. `many`, which `make test` sets, has them do all that they can be relied on for. A number is
//! that of the random cases that each property tries: `TRIPLINE_CASES=100000` looks further.

use std::env;

pub(crate) const VARIABLE: &str = "TRIPLINE_CASES";

/// How many random cases a property tries.
pub(crate) fn cases(few: u32, many: u32) -> u32 {
    match env::var(VARIABLE).as_deref() {
        Err(_) => few,
        Ok("many") => many,
        Ok(number) => number.parse().unwrap_or_else(|_| panic!("{VARIABLE}={number} is no number")),
    }
}

/// How large an input is that is not made by chance.
pub(crate) fn size<T>(small: T, large: T) -> T {
    if env::var(VARIABLE).is_ok_and(|cases| cases == "many") { large } else { small }
}
