//! From a matcher's report to the alert.

use std::fmt::Write;
use std::sync::Arc;

use crate::alert::{Alert, AlertKind, Severity};
use crate::event::{Event, Key, StreamSchema, Value, digest};
use crate::expression::{Faults, History, RegisterSpec, Scope};
use crate::language::checked::{AlertSpec, Limit, Rule, RunRegister, VariableId};
use crate::matcher::{Report, ReportKind};
use compact_str::CompactString;

use super::derived::MAX_WAITING;
use super::limit::Group;

/// The alert that a rule makes of a report. `suppressed`: how many were held back before it.
pub(super) fn build(
    rule: &Rule,
    streams: &[StreamSchema],
    key: &Key,
    report: &Report,
    suppressed: u64,
    history: Option<&dyn History>,
    faults: &Faults,
) -> Alert {
    let (kind, spec) = match report.kind {
        ReportKind::Match => (AlertKind::Match, Some(&rule.alert)),
        ReportKind::Timeout => (AlertKind::Timeout, rule.timeout.as_ref().map(|timeout| &timeout.alert)),
        ReportKind::TooManyRuns | ReportKind::TooManyEvents => (AlertKind::Limit, None),
    };
    let said = match spec {
        Some(spec) => say(spec, key, report, history, faults),
        None => say_limit(rule, key, report),
    };
    make(rule, streams, key, report, kind, said, suppressed)
}

/// What is sent when alerts of a rule were left out of a stream because too many waited, with the
/// report of the first of them.
pub(super) fn left_out(
    rule: &Rule,
    streams: &[StreamSchema],
    key: &Key,
    report: &Report,
    stream: &str,
) -> Alert {
    let title = format!(
        "{}: `{stream}` can take {MAX_WAITING} alerts of one moment; this one and others were left out",
        rule.name
    );
    let said = (Severity::Medium, title, bound("alerts of one moment", MAX_WAITING));
    make(rule, streams, key, report, AlertKind::Limit, said, 0)
}

/// Severity, title and fields.
type Said = (Severity, String, Vec<(CompactString, Value)>);

fn make(
    rule: &Rule,
    streams: &[StreamSchema],
    key: &Key,
    report: &Report,
    kind: AlertKind,
    (severity, title, fields): Said,
    suppressed: u64,
) -> Alert {
    let first_time = report.captures.first().map_or(report.first.time, |(_, event)| event.time());
    let last_time = report.captures.last().map_or(report.first.time, |(_, event)| event.time());
    Alert {
        id: id(rule, streams, key, kind, report),
        rule: rule.name.clone(),
        fingerprint: rule.fingerprint.clone(),
        severity,
        title,
        kind,
        key: rule.key.names.iter().cloned().zip(key.values().iter().cloned()).collect(),
        first_time,
        last_time,
        decided_time: report.decided,
        suppressed,
        fields,
        events: by_variable(rule, &report.captures),
        sinks: Arc::clone(&rule.sinks),
    }
}

fn say(spec: &AlertSpec, key: &Key, report: &Report, history: Option<&dyn History>, faults: &Faults) -> Said {
    with_scope(&spec.registers, key, report, history, faults, |scope| {
        let fields = spec.fields.iter();
        let fields =
            fields.map(|field| (field.name.clone(), field.value.value(scope).into_owned())).collect();
        (spec.severity, spec.title.render(scope), fields)
    })
}

/// What an alert is counted apart for, as `for each` says.
pub(super) fn group(
    limit: &Limit,
    key: &Key,
    report: &Report,
    history: Option<&dyn History>,
    faults: &Faults,
) -> Group {
    if limit.for_each.is_empty() {
        return Group::new();
    }
    with_scope(&limit.registers, key, report, history, faults, |scope| {
        limit.for_each.iter().map(|value| value.value(scope).into_owned()).collect()
    })
}

/// Evaluates something that looks at the key and, through these registers, at what was captured.
fn with_scope<T>(
    kept: &[RunRegister],
    key: &Key,
    report: &Report,
    history: Option<&dyn History>,
    faults: &Faults,
    evaluate: impl FnOnce(&Scope<'_>) -> T,
) -> T {
    let mut registers = RunRegister::empty(kept);
    for (variable, event) in &report.captures {
        for (register, kept) in registers.iter_mut().zip(kept) {
            if kept.variable == *variable {
                kept.spec.add(register, event);
            }
        }
    }
    let specs: Vec<RegisterSpec> = kept.iter().map(|register| register.spec).collect();
    let scope =
        Scope { key: key.values(), registers: &registers, specs: &specs, history, ..Scope::bare(faults) };
    evaluate(&scope)
}

/// What the alert about a dropped run says: a match can now be missed, and someone should know.
fn say_limit(rule: &Rule, key: &Key, report: &Report) -> Said {
    let (limit, most) = match report.kind {
        ReportKind::TooManyEvents => ("max events", rule.max_events),
        _ => ("max runs", rule.max_runs),
    };
    let of = if key.values().is_empty() { String::new() } else { format!(" for {key}") };
    let title = format!("{}: `{limit} {most}` reached{of}; the oldest partial match was dropped", rule.name);
    (Severity::Medium, title, bound(limit, most))
}

/// The fields of an alert about a bound.
fn bound(limit: &'static str, most: usize) -> Vec<(CompactString, Value)> {
    vec![
        (CompactString::const_new("limit"), Value::text(limit)),
        (CompactString::const_new("bound"), Value::Int(most as i64)),
    ]
}

/// The captured events by variable, in the order of the pattern.
fn by_variable(rule: &Rule, captures: &[(VariableId, Event)]) -> Vec<(CompactString, Vec<Event>)> {
    let mut events: Vec<(CompactString, Vec<Event>)> =
        rule.variables.iter().map(|variable| (variable.name.clone(), Vec::new())).collect();
    for (variable, event) in captures {
        events[variable.0 as usize].1.push(event.clone());
    }
    events.retain(|(_, events)| !events.is_empty());
    events
}

/// The hash of the rule's fingerprint, the kind, the key and the positions of what each variable
/// captured. Times and contents are left out: an event that is delivered again has the same position.
/// One that was made of an alert is known by the alert's id.
fn id(rule: &Rule, streams: &[StreamSchema], key: &Key, kind: AlertKind, report: &Report) -> String {
    let mut text = format!("{}\n{kind:?}\n", rule.fingerprint);
    for value in key.values() {
        writeln!(text, "{:?} {value}", value.ty()).expect("writing to a String cannot fail");
    }
    for (variable, event) in &report.captures {
        let stream = &streams[event.stream().0 as usize].name;
        let position = event.position();
        match event.alert() {
            None => writeln!(text, "{} {stream} {} {}", variable.0, position.partition.0, position.offset),
            Some(alert) => writeln!(text, "{} {stream} alert {alert}", variable.0),
        }
        .expect("writing to a String cannot fail");
    }
    digest(&text)
}
