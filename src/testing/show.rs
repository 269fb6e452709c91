//! Times, values and alerts in words.

use crate::alert::{Alert, AlertKind};
use crate::event::{Timestamp, Value};
use crate::language::case::Case;

/// A time as the test writes it: the span from its beginning and, if the test says when it begins, the
/// time itself.
pub(super) fn moment(case: &Case, time: Timestamp) -> String {
    match time.since(case.base) {
        Some(offset) if case.base == Timestamp::default() => offset.to_string(),
        Some(offset) => format!("{offset} ({time})"),
        None => time.to_string(),
    }
}

/// A value as an expectation would write it.
pub(super) fn value(value: &Value) -> String {
    match value {
        Value::Str(text) => format!("{:?}", text.as_str()),
        Value::Timestamp(_) | Value::Ip(_) => format!("\"{value}\""),
        Value::Float(x) if x.fract() == 0.0 && x.abs() < 1e15 => format!("{x:.1}"),
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
    let variables = alert.events.iter().map(|(name, events)| {
        let mut times: Vec<String> =
            events.iter().take(MAX_TIMES).map(|event| moment(case, event.time())).collect();
        if events.len() > MAX_TIMES {
            times.push(format!("… {} more", events.len() - MAX_TIMES));
        }
        format!("{name} at {}", times.join(", "))
    });
    variables.collect::<Vec<_>>().join("; ")
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
