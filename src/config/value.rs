//! Values that the configuration and the command line write as text: durations and sizes.

use crate::event::Duration;

/// The duration that `text` stands for, as the language writes it: `250ms`, `1h30m`; `None` when it
/// is none or too long.
pub fn parse_duration(text: &str) -> Option<Duration> {
    let mut rest = text;
    let mut total: i64 = 0;
    let mut smallest = usize::MAX;
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let number: i64 = rest.get(..digits)?.parse().ok()?;
        rest = &rest[digits..];
        // `ms` before `m`, which it begins with. Units go from large to small, each at most once.
        const UNITS: [(&str, usize, i64); 5] = [
            ("ms", 0, 1_000),
            ("s", 1, 1_000_000),
            ("m", 2, 60_000_000),
            ("h", 3, 3_600_000_000),
            ("d", 4, 86_400_000_000),
        ];
        let (unit, rank, micros) = UNITS.into_iter().find(|(unit, _, _)| rest.starts_with(unit))?;
        if rank >= smallest {
            return None;
        }
        smallest = rank;
        rest = &rest[unit.len()..];
        total = total.checked_add(number.checked_mul(micros)?)?;
    }
    Some(Duration::from_micros(total))
}

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
    fn durations_are_written_as_in_the_language() {
        let micros = |text| parse_duration(text).map(Duration::as_micros);
        assert_eq!(micros("5s"), Some(5_000_000));
        assert_eq!(micros("1h30m"), Some(5_400_000_000));
        assert_eq!(micros("250ms"), Some(250_000));
        assert_eq!(micros("0s"), Some(0));
        for wrong in ["", "5", "s", "30m1h", "5s5s", "-5s", "1.5s", "5 s", "99999999999999d"] {
            assert_eq!(micros(wrong), None, "{wrong}");
        }
    }

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
