//! Times, values and alerts in words.

use crate::alert::{Alert, AlertKind};
use crate::event::{Timestamp, Value};
use crate::language::case::Case;

/// A time as the test writes it: the span from its beginning.
pub(super) fn moment(case: &Case, time: Timestamp) -> String {
    match time.since(case.base) {
        Some(offset) if time < Timestamp::LAST => offset.to_string(),
        _ => time.to_string(),
    }
}

/// A value as an expectation of the test could write it; of a time also the time itself, if the test
/// says when it begins.
pub(super) fn value_in(case: &Case, found: &Value) -> String {
    match found {
        Value::Timestamp(time) if case.base == Timestamp::default() => moment(case, *time),
        Value::Timestamp(time) => format!("{} ({time})", moment(case, *time)),
        other => value(other),
    }
}

/// A value as a rule would write it.
pub(super) fn value(value: &Value) -> String {
    match value {
        Value::Str(text) => format!("{:?}", text.as_str()),
        Value::Timestamp(_) | Value::Ip(_) => format!("\"{value}\""),
        other => other.to_string(),
    }
}

/// What happened, as an alert says: `a match`, `a time-out`.
pub(super) fn kind(kind: AlertKind) -> &'static str {
    match kind {
        AlertKind::Match => "a match",
        AlertKind::Timeout => "a time-out",
        AlertKind::Limit => "a limit reached",
    }
}

/// The parts of a key: `card = "c1"`; nothing for a rule without `by`.
pub(super) fn key(alert: &Alert) -> String {
    let parts: Vec<String> =
        alert.key.iter().map(|(name, part)| format!("{name} = {}", value(part))).collect();
    parts.join(", ")
}

/// One alert in a line: what, of which rule, for whom, when, and its title.
pub(super) fn alert(case: &Case, alert: &Alert) -> String {
    let of = match key(alert) {
        key if key.is_empty() => String::new(),
        key => format!(" for {key}"),
    };
    let at = moment(case, alert.decided_time);
    format!("{} of `{}`{of} at {at}: {:?}", kind(alert.kind), alert.rule, alert.title)
}

/// What an alert captured and when: `tiny at 0s, 10s; big at 1m`.
pub(super) fn captured(case: &Case, alert: &Alert) -> String {
    groups(alert.events.iter().map(|(name, events)| {
        (name.as_str(), events.iter().map(|event| moment(case, event.time())).collect())
    }))
}

/// Names with times: `tiny at 0s, 10s; big at 1m`.
pub(super) fn groups<'n>(groups: impl IntoIterator<Item = (&'n str, Vec<String>)>) -> String {
    let groups = groups.into_iter().map(|(name, mut times)| {
        let more = times.len().saturating_sub(MAX_TIMES);
        times.truncate(MAX_TIMES);
        let rest = if more > 0 { format!(" and {more} more times") } else { String::new() };
        format!("{name} at {}{rest}", times.join(", "))
    });
    groups.collect::<Vec<_>>().join("; ")
}

/// A text cut off behind so many characters.
pub(super) fn shortened(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// Most times that are listed of one variable.
const MAX_TIMES: usize = 10;

/// Lines of cells in columns as wide as their widest cell.
pub(super) fn table(rows: &[[String; 4]]) -> String {
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: [usize; 4] = std::array::from_fn(width);
    let line = |row: &[String; 4]| {
        let cells = row.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}"));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}
