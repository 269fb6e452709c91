//! The file of a list: one value a line.
//!
//! ```text
//! # Devices of the test laboratory
//! d-1001
//! d-1002
//! "#3"
//! ```
//!
//! Space around a value, empty lines and lines that begin with `#` mean nothing. A value in quotation
//! marks is taken as it stands between them, `""` for each `"` in it. In lists of other types than
//! text, `#` also ends a value: blocklists give their reasons so.

use std::borrow::Cow;

use crate::diagnostic::codes::{E0421, W0530};
use crate::event::FieldType;

use super::problem::{Line, Problem, Problems, too_long, too_many};
use super::{Data, Keys, MAX_ENTRIES, MAX_LINE, Networks, cell, network};

/// Reads a list of that type.
pub(super) fn parse(ty: FieldType, text: &str, problems: &mut Problems) -> Option<Data> {
    match ty {
        FieldType::Ip => networks(text, problems).map(Data::Networks),
        ty => values(ty, text, problems).map(Data::Values),
    }
}

fn values(ty: FieldType, text: &str, problems: &mut Problems) -> Option<Keys> {
    let mut keys = Keys::new([ty]);
    // The line of each value.
    let mut lines: Vec<u32> = Vec::new();
    each(ty, text, problems, |line, number, written, problems| {
        let Some(value) = cell::parse(ty, written) else {
            problems.push(wrong(cell::expected(ty), written, Line::new(number, line)));
            return;
        };
        match keys.insert(&[value]) {
            Ok(()) => lines.push(number as u32),
            Err(first) => {
                problems.push(twice(lines[first as usize].into(), Line::new(number, line)));
            }
        }
    })?;
    keys.settle();
    Some(keys)
}

fn networks(text: &str, problems: &mut Problems) -> Option<Networks> {
    let mut listed = Vec::new();
    each(FieldType::Ip, text, problems, |line, number, written, problems| match network(written) {
        Some(network) => listed.push((network, number as u32)),
        None => {
            let expected = "an address or a network such as `10.0.0.0/8`";
            problems.push(wrong(expected, written, Line::new(number, line)));
        }
    })?;
    let (networks, mut again) = Networks::new(listed);
    again.sort_unstable();
    let mut lines = (1..).zip(text.split('\n'));
    for (number, first) in again {
        let line = lines.find(|(line, _)| *line == number).map_or("", |(_, line)| line);
        problems.push(twice(first.into(), Line::new(number.into(), line.trim())));
    }
    Some(networks)
}

/// Gives every value with its line and the number of the line. `None` when there are too many.
fn each<'a>(
    ty: FieldType,
    text: &'a str,
    problems: &mut Problems,
    mut give: impl FnMut(&'a str, u64, &str, &mut Problems),
) -> Option<()> {
    let mut count = 0;
    for (number, line) in (1..).zip(text.split('\n')) {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if line.len() > MAX_LINE {
            problems.push(too_long(Line::new(number, line)));
            continue;
        }
        count += 1;
        if count > MAX_ENTRIES {
            problems.push(too_many(Line::new(number, line)));
            return None;
        }
        match unquoted(ty, line) {
            Some(value) => give(line, number, &value, problems),
            None => {
                let problem = Problem::new(E0421, "a quotation mark that is not closed, or not doubled");
                let help =
                    "a value that begins with `\"` ends with `\"` too, and a `\"` in it is written `\"\"`";
                problems.push(problem.on(Line::new(number, line)).help(help));
            }
        }
    }
    Some(())
}

/// The value that a line holds; `None` when its quotation marks do not fit together.
fn unquoted(ty: FieldType, line: &str) -> Option<Cow<'_, str>> {
    let Some(rest) = line.strip_prefix('"') else {
        let value = match ty {
            FieldType::Str => line,
            _ => line.split('#').next().unwrap_or_default().trim_end(),
        };
        return Some(Cow::Borrowed(value));
    };
    let inner = rest.strip_suffix('"')?;
    // What is left once the doubled ones are out would be a single one.
    let is_sound = !inner.replace("\"\"", "").contains('"');
    is_sound.then(|| Cow::Owned(inner.replace("\"\"", "\"")))
}

fn wrong(expected: &str, written: &str, line: Line) -> Problem {
    Problem::new(E0421, format!("this must be {expected}, but it is {}", cell::shown(written))).on(line)
}

fn twice(first: u64, line: Line) -> Problem {
    Problem::new(W0530, format!("this value stands on line {first} already"))
        .on(line)
        .help("it is in the list once; take one of the two lines out")
}
