//! Numbers and durations.

use nom::bytes::complete::{take_while, take_while1};
use nom::character::complete::char;
use nom::combinator::{opt, peek, recognize};
use nom::multi::many1;
use nom::sequence::{pair, preceded};
use nom::{IResult, Parser};

use super::{Kind, Mistake, Piece};
use crate::diagnostic::codes;
use crate::event::Duration;

/// The units of a duration, from large to small, in microseconds.
pub(in crate::language) const UNITS: [(&str, i64); 5] =
    [("d", 86_400_000_000), ("h", 3_600_000_000), ("m", 60_000_000), ("s", 1_000_000), ("ms", 1_000)];

/// The unit that a word such as `sec` or `minutes` stands for.
pub(in crate::language) fn unit_meant(word: &str) -> Option<&'static str> {
    let unit = match word.to_ascii_lowercase().as_str() {
        "d" | "day" | "days" => "d",
        "h" | "hr" | "hrs" | "hour" | "hours" => "h",
        "m" | "min" | "mins" | "minute" | "minutes" => "m",
        "s" | "sec" | "secs" | "second" | "seconds" => "s",
        "ms" | "msec" | "msecs" | "milli" | "millis" | "millisecond" | "milliseconds" => "ms",
        _ => return None,
    };
    Some(unit)
}

/// `12`, `3.5`, `1h30m`, and what people write instead.
pub(super) fn number(input: &str) -> IResult<&str, Piece<'_>> {
    let digits = |input| take_while1(|c: char| c.is_ascii_digit() || c == '_').parse(input);
    let whole = preceded(peek(nom::character::complete::satisfy(|c| c.is_ascii_digit())), digits);
    // `1..3` is a count from one to three, and `1.` is no number: a digit must follow the point.
    let fraction = opt(preceded(pair(char('.'), peek(nom::character::complete::digit1)), digits));
    let letters = take_while(|c: char| c.is_alphanumeric() || c == '_');
    let (rest, (whole, fraction, letters)) = (whole, fraction, letters).parse(input)?;
    let text = &input[..input.len() - rest.len()];
    let piece = match (fraction, letters) {
        (None, "") => int(whole),
        (Some(_), "") => float(text),
        (None, _) => duration(text, whole, letters),
        (Some(_), _) => fraction_with_unit(text, letters),
    };
    Ok((rest, piece))
}

/// The digits without their underscores; `None` when an underscore is not between digits.
fn plain_digits(text: &str) -> Option<String> {
    let misplaced = text.starts_with('_') || text.ends_with('_') || text.contains("__");
    let misplaced = misplaced || text.contains("_.") || text.contains("._");
    (!misplaced).then(|| text.replace('_', ""))
}

fn underscores(text: &str) -> Mistake {
    Mistake::new(codes::E0004, "an underscore in a number stands between two digits")
        .help("such as `1_000_000`")
        .part(0, text.len())
}

fn int(text: &str) -> Piece<'_> {
    let Some(digits) = plain_digits(text) else {
        return Piece::Mended(Kind::Int(0), underscores(text));
    };
    match digits.parse() {
        Ok(value) => Piece::Kind(Kind::Int(value)),
        Err(_) => Piece::Mended(
            Kind::Int(0),
            Mistake::new(codes::E0004, "this number is too large")
                .help(format!("the largest whole number is {}; a float can be larger: add `.0`", i64::MAX))
                .part(0, text.len()),
        ),
    }
}

fn float(text: &str) -> Piece<'_> {
    let Some(digits) = plain_digits(text) else {
        return Piece::Mended(Kind::Float(0.0), underscores(text));
    };
    match digits.parse::<f64>() {
        Ok(value) if value.is_finite() => Piece::Kind(Kind::Float(value)),
        _ => Piece::Mended(
            Kind::Float(0.0),
            Mistake::new(codes::E0004, "this number is too large for a float").part(0, text.len()),
        ),
    }
}

/// A whole number with letters behind it: a duration, or something close to it.
fn duration<'a>(text: &'a str, whole: &str, letters: &str) -> Piece<'a> {
    if let Some(mistake) = not_decimal(text, letters) {
        return Piece::Mended(Kind::Int(0), mistake.part(0, text.len()));
    }
    match read_duration(text) {
        Ok(duration) => Piece::Kind(Kind::Duration(duration)),
        Err(mistake) => {
            // The number with the unit that was probably meant keeps the meaning near.
            let guess = unit_meant(letters)
                .and_then(|unit| read_duration(&format!("{whole}{unit}")).ok())
                .unwrap_or(Duration::ZERO);
            Piece::Mended(Kind::Duration(guess), mistake)
        }
    }
}

/// `1e6` and `0x1f`, which are not durations with a wrong unit.
fn not_decimal(text: &str, letters: &str) -> Option<Mistake> {
    let digits = letters.get(1..)?;
    let is_exponent = letters.starts_with(['e', 'E']) && digits.bytes().all(|b| b.is_ascii_digit());
    if is_exponent && !digits.is_empty() {
        let mistake = Mistake::new(codes::E0004, format!("`{text}` has an exponent"));
        return Some(mistake.help("write all the digits: `1_000_000`"));
    }
    if text.starts_with("0x") || text.starts_with("0b") {
        let mistake = Mistake::new(codes::E0004, format!("`{text}` is not a decimal number"));
        return Some(mistake.help("write the number in decimal digits"));
    }
    None
}

/// `1h30m`: numbers with units, the units from large to small.
fn read_duration(text: &str) -> Result<Duration, Mistake> {
    let digits = take_while1(|c: char| c.is_ascii_digit() || c == '_');
    let unit = recognize(take_while1::<_, &str, nom::error::Error<&str>>(|c: char| c.is_alphabetic()));
    let parts = many1(pair(digits, unit)).parse(text);
    let Ok(("", parts)) = parts else {
        return Err(Mistake::new(codes::E0005, format!("`{text}` is not a duration"))
            .help("a duration is written like `250ms`, `5s`, `10m`, `1h30m` or `7d`")
            .part(0, text.len()));
    };
    let mut total = 0i64;
    let mut last = 0;
    for (index, &(number, unit)) in parts.iter().enumerate() {
        let at = unit.as_ptr() as usize - text.as_ptr() as usize;
        let Some(place) = UNITS.iter().position(|(name, _)| *name == unit) else {
            return Err(unknown_unit(text, number, unit, parts.len()).part(at, at + unit.len()));
        };
        if index > 0 && place <= last {
            return Err(Mistake::new(codes::E0005, format!("the units of `{text}` are out of order"))
                .help("units go from large to small, each once: `1d12h`, `1h30m`, `1m30s`")
                .part(0, text.len()));
        }
        last = place;
        let Some(number) = plain_digits(number) else { return Err(underscores(text)) };
        let part = number.parse().ok().and_then(|n: i64| n.checked_mul(UNITS[place].1));
        total = part.and_then(|part| total.checked_add(part)).ok_or_else(|| {
            Mistake::new(codes::E0005, format!("`{text}` is too long"))
                .help("the longest duration is about 106 million days")
                .part(0, text.len())
        })?;
    }
    Ok(Duration::from_micros(total))
}

fn unknown_unit(text: &str, number: &str, unit: &str, parts: usize) -> Mistake {
    let mistake = Mistake::new(codes::E0005, format!("`{unit}` is not a unit of time"));
    match (unit_meant(unit), unit.to_ascii_lowercase().as_str()) {
        (Some(meant), _) => mistake.help(format!("write `{}`", text.replacen(unit, meant, 1))),
        (None, "w" | "week" | "weeks") if parts == 1 => match number.parse::<u32>() {
            Ok(weeks) => mistake.help(format!("write `{}d`", u64::from(weeks) * 7)),
            Err(_) => mistake,
        },
        (None, "us" | "µs" | "ns") => mistake.help("the shortest unit is `ms`, a millisecond"),
        (None, "x" | "times") => mistake.help(format!("a count stands before its step: `{number} a`")),
        _ => mistake.help("the units are `d`, `h`, `m`, `s` and `ms`"),
    }
}

/// `1.5h`, which is `1h30m`.
fn fraction_with_unit<'a>(text: &'a str, letters: &str) -> Piece<'a> {
    let number = &text[..text.len() - letters.len()];
    let unit = unit_meant(letters).and_then(|unit| UNITS.iter().find(|(name, _)| *name == unit));
    let exact = unit.and_then(|(_, us)| {
        let ms = (number.replace('_', "").parse::<f64>().ok()? * (*us as f64) / 1e3).round();
        (1.0..1e15).contains(&ms).then(|| Duration::from_micros(ms as i64 * 1_000))
    });
    match exact {
        Some(duration) => Piece::Mended(
            Kind::Duration(duration),
            Mistake::new(codes::E0005, "a duration consists of whole numbers")
                .help(format!("write `{duration}`"))
                .part(0, text.len()),
        ),
        None => Piece::Mended(
            Kind::Float(0.0),
            Mistake::new(codes::E0004, format!("`{text}` is not a number"))
                .help("a space or an operator is missing, or the letters are too much")
                .part(0, text.len()),
        ),
    }
}
