//! What a text must hold to fit a pattern: the part of `like` and `matches` that an index can look for.
//!
//! Enters: a pattern. Leaves: what every text that fits it has, which is more than what fits it has in
//! common, never less: [`Needs::Containing`] names texts of which each that fits contains one. They are
//! in lower case, and are to be looked for without regard to the case of ASCII letters, so that `(?i)`
//! is served like the rest; then a few more texts are found, which the pattern itself turns down.

use regex_syntax::hir::{Class, Hir, HirKind};

use crate::expression::Wildcard;

/// A shorter text stands in most texts, so that looking for it spares little.
const MIN_LENGTH: usize = 2;

/// What a text must be to fit a pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Needs {
    /// This text, and it fits.
    Exactly(String),
    /// One that begins so; whether each of those fits.
    Beginning(String, bool),
    /// One that contains one of these.
    Containing(Vec<Vec<u8>>),
}

/// What a text must be to fit a `like` pattern; `None`: nothing that could be looked for.
pub fn of_wildcard(wildcard: &Wildcard) -> Option<Needs> {
    let pattern = wildcard.as_str();
    let Some(first) = pattern.find(['*', '?']) else { return Some(Needs::Exactly(pattern.to_owned())) };
    let beginning = &pattern[..first];
    let longest = pattern.split(['*', '?']).max_by_key(|part| part.len()).unwrap_or_default();
    // Texts that begin alike lie next to each other, which is found at less cost.
    if !beginning.is_empty() && beginning.len() + 1 >= longest.len() {
        let is_all = pattern[first..].bytes().all(|byte| byte == b'*');
        return Some(Needs::Beginning(beginning.to_owned(), is_all));
    }
    let literal = longest.to_ascii_lowercase().into_bytes();
    (literal.len() >= MIN_LENGTH).then(|| Needs::Containing(vec![literal]))
}

/// The first text behind all that begin with `beginning`, in the order of bytes; `None`: there is none.
pub fn behind(beginning: &str) -> Option<String> {
    let mut text = beginning.to_owned();
    while let Some(last) = text.pop() {
        // The order of bytes is that of characters. Between them is a gap that no text can have.
        let next = if last == '\u{d7ff}' { Some('\u{e000}') } else { char::from_u32(u32::from(last) + 1) };
        if let Some(next) = next {
            text.push(next);
            return Some(text);
        }
    }
    None
}

/// Texts of which every text that fits the regular expression contains one; `None`: there are none
/// that are long enough.
pub fn of_regex(regex: &str) -> Option<Needs> {
    // The library bounds how deep an expression is nested, and has taken this one before.
    let hir = regex_syntax::parse(regex).ok()?;
    let literals = required(&hir)?;
    (shortest(&literals) >= MIN_LENGTH).then_some(Needs::Containing(literals))
}

fn shortest(literals: &[Vec<u8>]) -> usize {
    literals.iter().map(Vec::len).min().unwrap_or(0)
}

/// Texts of which every match contains one.
fn required(hir: &Hir) -> Option<Vec<Vec<u8>>> {
    match hir.kind() {
        HirKind::Repetition(repeated) if repeated.min > 0 => required(&repeated.sub),
        HirKind::Capture(group) => required(&group.sub),
        HirKind::Concat(parts) => in_sequence(parts),
        HirKind::Alternation(branches) => {
            let all: Option<Vec<_>> = branches.iter().map(required).collect();
            Some(all?.into_iter().flatten().collect())
        }
        _ => Some(vec![exact(hir)?]),
    }
}

/// Of what stands one after the other, what is best looked for: parts that are one text each are joined.
fn in_sequence(parts: &[Hir]) -> Option<Vec<Vec<u8>>> {
    let mut found: Vec<Vec<Vec<u8>>> = Vec::new();
    let mut joined = Vec::new();
    for part in parts {
        match (part.kind(), exact(part)) {
            // The edge of a word or a line takes up no room.
            (HirKind::Look(_), _) => {}
            (_, Some(text)) => joined.extend(text),
            (_, None) => {
                found.push(vec![std::mem::take(&mut joined)]);
                found.extend(required(part));
            }
        }
    }
    found.push(vec![joined]);
    found.into_iter().max_by_key(|literals| (shortest(literals), std::cmp::Reverse(literals.len())))
}

/// The only text that fits, but for the case of ASCII letters.
fn exact(hir: &Hir) -> Option<Vec<u8>> {
    match hir.kind() {
        HirKind::Literal(literal) => Some(literal.0.to_ascii_lowercase()),
        HirKind::Class(class) => Some(vec![either_case(class)?]),
        HirKind::Capture(group) => exact(&group.sub),
        HirKind::Concat(parts) => {
            let texts: Option<Vec<_>> = parts.iter().map(exact).collect();
            Some(texts?.concat())
        }
        _ => None,
    }
}

/// The letter, in lower case, that a class of an upper and a lower case letter stands for. Under `(?i)`
/// a `k` or `s` also stands for a letter beyond ASCII: that is no such class.
fn either_case(class: &Class) -> Option<u8> {
    let ends: Vec<(u32, u32)> = match class {
        Class::Unicode(class) => {
            class.iter().map(|range| (u32::from(range.start()), u32::from(range.end()))).collect()
        }
        Class::Bytes(class) => {
            class.iter().map(|range| (u32::from(range.start()), u32::from(range.end()))).collect()
        }
    };
    match ends[..] {
        [(upper, upper_end), (lower, lower_end)] if upper == upper_end && lower == lower_end => {
            let (upper, lower) = (u8::try_from(upper).ok()?, u8::try_from(lower).ok()?);
            (upper.is_ascii_uppercase() && upper.to_ascii_lowercase() == lower).then_some(lower)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn containing(literals: &[&str]) -> Option<Needs> {
        Some(Needs::Containing(literals.iter().map(|text| text.as_bytes().to_vec()).collect()))
    }

    #[test]
    fn what_like_needs() {
        let of = |pattern: &str| of_wildcard(&Wildcard::new(pattern));
        assert_eq!(of("abc"), Some(Needs::Exactly("abc".to_owned())));
        assert_eq!(of(""), Some(Needs::Exactly(String::new())));
        assert_eq!(of("abc*"), Some(Needs::Beginning("abc".to_owned(), true)));
        assert_eq!(of("abc**"), Some(Needs::Beginning("abc".to_owned(), true)));
        assert_eq!(of("abc?"), Some(Needs::Beginning("abc".to_owned(), false)));
        assert_eq!(of("abc*x"), Some(Needs::Beginning("abc".to_owned(), false)));
        assert_eq!(of("a*paypal*"), containing(&["paypal"]));
        assert_eq!(of("*@Mail.*"), containing(&["@mail."]));
        assert_eq!(of("*ÄÖ"), containing(&["ÄÖ"]));
        assert_eq!((of("*"), of("*@*"), of("?")), (None, None, None));
    }

    #[test]
    fn what_lies_behind_all_that_begin_alike() {
        let of = |text: &str| behind(text);
        assert_eq!(of("abc"), Some("abd".to_owned()));
        assert_eq!(of("a\u{d7ff}"), Some("a\u{e000}".to_owned()));
        assert_eq!(of("a\u{10ffff}"), Some("b".to_owned()));
        assert_eq!(of("\u{7f}"), Some("\u{80}".to_owned()));
        assert_eq!(of("\u{10ffff}"), None);
    }

    #[test]
    fn what_regular_expressions_need() {
        assert_eq!(of_regex("paypal[0-9]+"), containing(&["paypal"]));
        assert_eq!(of_regex("(?i)PayPal"), containing(&["paypal"]));
        assert_eq!(of_regex(r"^ab\b.*(x)(yz)$"), containing(&["xyz"]));
        assert_eq!(of_regex("(alpha|be+ta|gam)m"), containing(&["alpha", "ta", "gam"]));
        assert_eq!(of_regex("(alpha|be+ta|gam)ma"), containing(&["ma"]), "one rather than three");
        assert_eq!(of_regex("(?:cat|dog)s+ (house)"), containing(&[" house"]));
        assert_eq!(of_regex("a{3}(?:long){2,}"), containing(&["long"]));
        assert_eq!(of_regex("(?:long)*"), None);
        assert_eq!(of_regex("long|[0-9]{16}"), None);
        assert_eq!(of_regex("a.b.c"), None);
        assert_eq!(of_regex(""), None);
        // The Kelvin sign and the long s are such letters, too.
        assert_eq!(of_regex("(?i)risky"), containing(&["ri"]));
        assert_eq!(of_regex("(?i-u)risky"), containing(&["risky"]));
        assert_eq!(of_regex("[aA]b[cD]"), containing(&["ab"]));
    }
}
