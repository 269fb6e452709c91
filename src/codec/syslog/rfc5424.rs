//! The syslog protocol of RFC 5424: `<34>1 2003-10-11T22:14:15.003Z host su - ID47 - text`.
//!
//! Lengths and characters of the header's parts are not checked, since they harm nobody; all that makes
//! two parts out of one, or none, is refused.

use std::borrow::Cow;

use crate::codec::convert::quoted;
use crate::codec::text::place;
use crate::event::Timestamp;

use super::Header;

/// Longest name of an element of structured data. The RFC allows half of it; a bound there must be,
/// because the name is repeated before each of its parameters.
const MAX_ID: usize = 64;

/// The version that stands behind a priority, if what follows it is a time: a text of the older protocol
/// may begin with a number too.
pub(super) fn version(rest: &str) -> Option<&str> {
    let (version, rest) = rest.split_once(' ')?;
    let is_number = (1..=3).contains(&version.len()) && version.bytes().all(|byte| byte.is_ascii_digit());
    let is_date =
        |bytes: &[u8]| bytes.len() > 4 && bytes[..4].iter().all(u8::is_ascii_digit) && bytes[4] == b'-';
    (is_number && (rest.starts_with("- ") || is_date(rest.as_bytes()))).then_some(version)
}

/// The header behind the version, and what follows it: the structured data.
pub(super) fn header<'a>(record: &str, rest: &'a str) -> Result<(Header<'a>, &'a str), String> {
    let mut rest = rest;
    let mut next = |what: &str| {
        let at = rest;
        let Some((part, behind)) = at.split_once(' ') else {
            return Err(format!("it ends before the {what}"));
        };
        if part.is_empty() {
            return Err(format!("expected the {what} at {}", place(record, at)));
        }
        rest = behind;
        Ok((part != "-").then_some(part))
    };
    let timestamp = next("time")?;
    if let Some(text) = timestamp.filter(|text| Timestamp::parse(text).is_none()) {
        return Err(format!("the time {} is not as RFC 3339 has it", quoted(text, 40)));
    }
    let header = Header {
        timestamp: timestamp.map(Cow::Borrowed),
        host: next("host")?,
        app: next("application")?,
        procid: next("process id")?,
        msgid: next("message id")?,
    };
    Ok((header, rest))
}

/// Gives out the parameters of the structured data, each with the id of its element; an element without
/// parameters comes alone. Returns the text of the message.
pub(super) fn structured_data<'a>(
    record: &str,
    data: &'a str,
    mut parameter: impl FnMut(&str, Option<(&str, &str)>),
) -> Result<&'a str, String> {
    let expected = |what: &str, at: &str| Err(format!("expected {what} at {}", place(record, at)));
    let mut rest = data;
    if let Some(behind) = rest.strip_prefix('-') {
        rest = behind;
    } else if !rest.starts_with('[') {
        return expected("structured data (`-` or `[`)", rest);
    }
    while let Some(inside) = rest.strip_prefix('[') {
        let (id, mut inside) = split_name(inside);
        if id.is_empty() {
            return expected("the name of an element", inside);
        }
        if id.len() > MAX_ID {
            return Err(format!("the name {} of an element is longer than {MAX_ID} bytes", quoted(id, 40)));
        }
        let mut has_parameters = false;
        rest = loop {
            let next = inside.trim_start_matches(' ');
            if let Some(behind) = next.strip_prefix(']') {
                break behind;
            }
            let (name, behind) = split_name(next);
            if name.is_empty() || next.len() == inside.len() {
                return expected("a parameter or `]`", next);
            }
            let Some(text) = behind.strip_prefix("=\"") else {
                return expected("`=\"`", behind);
            };
            let Some((value, behind)) = split_value(text) else {
                return Err(format!("the quotation mark before {} is not closed", place(record, text)));
            };
            parameter(id, Some((name, &unescaped(value))));
            has_parameters = true;
            inside = behind;
        };
        if !has_parameters {
            parameter(id, None);
        }
    }
    match rest.strip_prefix(' ') {
        // The mark says that the text is UTF-8.
        Some(text) => Ok(text.strip_prefix('\u{feff}').unwrap_or(text)),
        None if rest.is_empty() => Ok(rest),
        None => expected("a blank behind the structured data", rest),
    }
}

/// The name at the beginning, and what follows it.
fn split_name(text: &str) -> (&str, &str) {
    let ends = |c: char| c <= ' ' || matches!(c, '=' | ']' | '"');
    text.split_at(text.find(ends).unwrap_or(text.len()))
}

/// The value up to the quotation mark that closes it, and what follows that.
fn split_value(text: &str) -> Option<(&str, &str)> {
    let mut escaped = false;
    let end = text.bytes().position(|byte| {
        let is_end = byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
        is_end
    })?;
    Some((&text[..end], &text[end + 1..]))
}

/// A value without the backslashes before `"`, `\` and `]`. Before anything else a backslash is itself.
fn unescaped(value: &str) -> Cow<'_, str> {
    if !value.contains('\\') {
        return Cow::Borrowed(value);
    }
    let mut text = String::with_capacity(value.len());
    let mut chars = value.chars().peekable();
    while let Some(c) = chars.next() {
        let meant = match chars.peek() {
            Some('"' | '\\' | ']') if c == '\\' => chars.next(),
            _ => None,
        };
        text.push(meant.unwrap_or(c));
    }
    Cow::Owned(text)
}
