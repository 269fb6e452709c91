//! Sizes, as the configuration and the command line write them.

/// The size in bytes that `text` stands for: `512`, `64KiB`, `1MiB`, `2GiB`; `None` when it is none.
/// `KB` and the like are not taken, because some mean 1,000 by it and some 1,024.
pub fn parse_size(text: &str) -> Option<u64> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let number: u64 = text.get(..digits)?.parse().ok()?;
    let unit: u64 = match text[digits..].trim_start() {
        "" | "B" => 1,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        _ => return None,
    };
    number.checked_mul(unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_binary_units() {
        assert_eq!(parse_size("512"), Some(512));
        assert_eq!(parse_size("64KiB"), Some(65_536));
        assert_eq!(parse_size("1 MiB"), Some(1 << 20));
        for wrong in ["", "MiB", "1MB", "-1", "99999999999999GiB"] {
            assert_eq!(parse_size(wrong), None, "{wrong}");
        }
    }
}
