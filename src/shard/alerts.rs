//! From a matcher's report to the alert.

use std::fmt::Write;
use std::sync::Arc;

use crate::alert::{Alert, AlertKind, Severity};
use crate::event::{Event, Key, StreamSchema, Value, digest};
use crate::expression::{Faults, History, RegisterSpec, Scope};
use crate::language::checked::{AlertSpec, Rule, RunRegister, VariableId};
use crate::matcher::{Report, ReportKind};
use compact_str::CompactString;

/// The alert that a rule makes of a report.
pub(super) fn build(
    rule: &Rule,
    streams: &[StreamSchema],
    key: &Key,
    report: &Report,
    history: Option<&dyn History>,
    faults: &Faults,
) -> Alert {
    let (kind, spec) = match report.kind {
        ReportKind::Match => (AlertKind::Match, Some(&rule.alert)),
        ReportKind::Timeout => (AlertKind::Timeout, rule.timeout.as_ref().map(|timeout| &timeout.alert)),
        ReportKind::TooManyRuns | ReportKind::TooManyEvents => (AlertKind::Limit, None),
    };
    let (severity, title, fields) = match spec {
        Some(spec) => say(spec, key, report, history, faults),
        None => say_limit(rule, key, report),
    };
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
        suppressed: 0,
        fields,
        events: by_variable(rule, &report.captures),
        sinks: Arc::clone(&rule.sinks),
    }
}

fn say(
    spec: &AlertSpec,
    key: &Key,
    report: &Report,
    history: Option<&dyn History>,
    faults: &Faults,
) -> (Severity, String, Vec<(CompactString, Value)>) {
    let mut registers = RunRegister::empty(&spec.registers);
    for (variable, event) in &report.captures {
        for (register, kept) in registers.iter_mut().zip(&spec.registers) {
            if kept.variable == *variable {
                kept.spec.add(register, event);
            }
        }
    }
    let specs: Vec<RegisterSpec> = spec.registers.iter().map(|register| register.spec).collect();
    let scope =
        Scope { key: key.values(), registers: &registers, specs: &specs, history, ..Scope::bare(faults) };
    let fields =
        spec.fields.iter().map(|(name, value)| (name.clone(), value.value(&scope).into_owned())).collect();
    (spec.severity, spec.title.render(&scope), fields)
}

/// What the alert about a dropped run says: a match can now be missed, and someone should know.
fn say_limit(rule: &Rule, key: &Key, report: &Report) -> (Severity, String, Vec<(CompactString, Value)>) {
    let (limit, bound) = match report.kind {
        ReportKind::TooManyEvents => ("max events", rule.max_events),
        _ => ("max runs", rule.max_runs),
    };
    let of = if key.values().is_empty() { String::new() } else { format!(" for {key}") };
    let title = format!("{}: `{limit} {bound}` reached{of}; the oldest partial match was dropped", rule.name);
    let fields = vec![
        (CompactString::const_new("limit"), Value::text(limit)),
        (CompactString::const_new("bound"), Value::Int(bound as i64)),
    ];
    (Severity::Medium, title, fields)
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
fn id(rule: &Rule, streams: &[StreamSchema], key: &Key, kind: AlertKind, report: &Report) -> String {
    let mut text = format!("{}\n{kind:?}\n", rule.fingerprint);
    for value in key.values() {
        writeln!(text, "{:?} {value}", value.ty()).expect("writing to a String cannot fail");
    }
    for (variable, event) in &report.captures {
        let position = event.position();
        writeln!(
            text,
            "{} {} {} {}",
            variable.0,
            streams[event.stream().0 as usize].name,
            position.partition.0,
            position.offset
        )
        .expect("writing to a String cannot fail");
    }
    digest(&text)
}
