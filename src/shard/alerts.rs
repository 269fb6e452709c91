//! From a matcher's report to the alert.

use std::fmt::Write;
use std::sync::Arc;

use crate::alert::{Alert, AlertKind, Severity};
use crate::event::{Event, Key, StreamSchema, Value, digest};
use crate::expression::{Captured, Faults, History, RegisterSpec, Scope};
use crate::language::checked::{AlertSpec, Limit, Rule, RunRegister, VariableId};
use crate::matcher::{Report, ReportKind};
use crate::program::Program;
use crate::table::{TableId, Tables};
use compact_str::CompactString;

use super::limit::Group;

/// What an alert is made of.
#[derive(Clone, Copy)]
pub(super) struct Making<'a> {
    /// The rule.
    pub rule: &'a Rule,
    /// The program that it belongs to.
    pub program: &'a Program,
    /// The contents of lists and tables.
    pub tables: &'a Tables,
    /// The key that it was found for.
    pub key: &'a Key,
    /// What the matcher has decided.
    pub report: &'a Report,
    /// Where what cannot be computed is counted.
    pub faults: &'a Faults,
}

/// Severity, title and fields.
type Said = (Severity, String, Vec<(CompactString, Value)>);

impl Making<'_> {
    /// The alert that the rule makes of the report. `suppressed`: how many were held back before it.
    pub fn alert(&self, suppressed: u64, history: Option<&dyn History>) -> Alert {
        let timeout = || self.rule.timeout.as_ref().map(|timeout| &timeout.alert);
        let (kind, spec) = match self.report.kind {
            ReportKind::Match => (AlertKind::Match, Some(&self.rule.alert)),
            ReportKind::Timeout => (AlertKind::Timeout, timeout()),
            ReportKind::TooManyRuns | ReportKind::TooManyEvents => (AlertKind::Limit, None),
        };
        let said = match spec {
            Some(spec) => self.say(spec, history),
            None => say_limit(self.rule, self.key, self.report),
        };
        self.make(kind, said, suppressed)
    }

    /// What an alert is counted apart for, as `for each` says.
    pub fn group(&self, limit: &Limit, history: Option<&dyn History>) -> Group {
        if limit.for_each.is_empty() {
            return Group::new();
        }
        self.with_scope(&limit.registers, history, |scope| {
            limit.for_each.iter().map(|value| value.value(scope).into_owned()).collect()
        })
    }

    fn make(&self, kind: AlertKind, (severity, title, fields): Said, suppressed: u64) -> Alert {
        let Making { rule, program, key, report, .. } = self;
        let first_time = report.captures.first().map_or(report.first.time, |(_, event)| event.time());
        let last_time = report.captures.last().map_or(report.first.time, |(_, event)| event.time());
        Alert {
            id: id(rule, program.streams(), key, kind, report),
            rule: rule.name.clone(),
            fingerprint: rule.fingerprint.clone(),
            severity,
            title,
            kind,
            notes: Arc::clone(&rule.notes),
            key: rule.key.names.iter().cloned().zip(key.values().iter().cloned()).collect(),
            first_time,
            last_time,
            decided_time: report.decided,
            suppressed,
            fields,
            events: by_variable(rule, &report.captures),
            tables: self.versions(),
            sinks: Arc::clone(&rule.sinks),
        }
    }

    fn say(&self, spec: &AlertSpec, history: Option<&dyn History>) -> Said {
        self.with_scope(&spec.registers, history, |scope| {
            let fields = spec.fields.iter();
            let fields =
                fields.map(|field| (field.name.clone(), field.value.value(scope).into_owned())).collect();
            (spec.severity, spec.title.render(scope), fields)
        })
    }

    /// Evaluates something that looks at the key and, through these registers, at what was captured.
    fn with_scope<T>(
        &self,
        kept: &[RunRegister],
        history: Option<&dyn History>,
        evaluate: impl FnOnce(&Scope<'_>) -> T,
    ) -> T {
        let mut registers = RunRegister::empty(kept);
        for (variable, event) in &self.report.captures {
            for (register, kept) in registers.iter_mut().zip(kept) {
                if kept.variable == *variable {
                    kept.spec.add(register, event);
                }
            }
        }
        let specs: Vec<RegisterSpec> = kept.iter().map(|register| register.spec).collect();
        evaluate(&Scope {
            key: self.key.values(),
            captured: Captured::Kept(&registers),
            specs: &specs,
            tables: self.tables,
            history,
            ..Scope::bare(self.faults)
        })
    }

    /// The versions of the lists and tables that the rule reads, by name.
    fn versions(&self) -> Vec<(CompactString, Arc<str>)> {
        let specs = self.program.tables();
        let version = |id: &TableId| {
            let content = self.tables.get(*id)?;
            Some((specs[id.0 as usize].name.clone(), Arc::clone(content.version())))
        };
        self.rule.tables.iter().filter_map(version).collect()
    }
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
