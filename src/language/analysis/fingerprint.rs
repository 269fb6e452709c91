//! The fingerprint of a rule: a hash of what decides when it matches and what it captures.
//!
//! It covers the key, the tests with their fields (names, paths and types), the pattern, `within`,
//! `overlap` and whether time-outs are reported. It does not cover formatting, comments, names of
//! constants, `about`, `tags`, titles, alert fields, severity, sinks and limits: changing those
//! leaves state and alert ids as they are. Of a rule that reads the alerts of another it covers that
//! rule's fingerprint, and what makes the fields of its alerts that are read.

use std::sync::Arc;

use crate::event::{FieldId, StreamId, digest};
use crate::expression::{Expr, FieldSource, HistoryId, Leaves, RegisterId};
use crate::language::checked::{
    AbsenceKind, AlertField, AlertSpec, Filled, History, Limit, Node, Part, Rule, RunRegister, TestId,
};

use super::scope::Globals;

/// The hash of what the rule means.
pub(super) fn of(rule: &Rule, globals: &Globals<'_>) -> Arc<str> {
    digest(&canonical(rule, globals)).into()
}

fn canonical(rule: &Rule, globals: &Globals<'_>) -> String {
    let mut lines = vec!["tripline rule 1".to_owned()];
    for (stream, fields) in &rule.key.fields {
        let fields: Vec<String> = fields.iter().map(|field| field_text(globals, *stream, *field)).collect();
        let schema = globals.schema(*stream);
        let origin = match (globals.derived.get(stream), schema.time) {
            (Some(derived), _) => format!("of {}", derived.fingerprint),
            (None, Some(field)) => format!("time {}", field_text(globals, *stream, field)),
            (None, None) => "time arrival".to_owned(),
        };
        lines.push(format!("stream {} {origin} by {}", schema.name, fields.join(" ")));
    }
    for variable in &rule.variables {
        lines.push(format!("capture {}", variable.name));
    }
    lines.push(format!("match {}", node_text(&rule.pattern, rule, globals)));
    lines.push(format!("within {:?} overlap {:?}", rule.within, rule.overlap));
    lines.push(format!("timeout {:?}", rule.timeout.as_ref().map(|timeout| timeout.after)));
    lines.join("\n")
}

fn field_text(globals: &Globals<'_>, stream: StreamId, field: FieldId) -> String {
    let declared = &globals.schema(stream).fields[field.0 as usize];
    match globals.derived.get(&stream) {
        Some(derived) => format!("{}:{:?} {}", declared.name, declared.ty, derived.fields[field.0 as usize]),
        None => format!("{}:{:?}", declared.path.join("."), declared.ty),
    }
}

/// What makes a field of a stream of alerts, as rules that read it see it: a hash of its expressions.
pub(super) fn alert_field(rule: &Rule, filled: Filled, globals: &Globals<'_>) -> String {
    let text = |alert: &AlertSpec, field: Option<&AlertField>| {
        let (registers, histories) = (&*alert.registers, &*alert.histories);
        field.map(|field| field.value.describe(&Names { rule, globals, registers, histories, stream: None }))
    };
    let (by_match, by_timeout) = filled.fields(rule);
    let timeout = rule.timeout.as_ref().map(|timeout| &timeout.alert);
    digest(&format!("{:?} {:?}", text(&rule.alert, by_match), timeout.map(|alert| text(alert, by_timeout))))
}

/// The hash of what the alerts of the rule are counted apart for.
pub(super) fn of_limit(limit: &Limit, rule: &Rule, globals: &Globals<'_>) -> Arc<str> {
    let (registers, histories) = (&*limit.registers, &*limit.histories);
    let leaves = Names { rule, globals, registers, histories, stream: None };
    let texts: Vec<String> = limit.for_each.iter().map(|value| value.describe(&leaves)).collect();
    digest(&texts.join("\n")).into()
}

fn source_text(globals: &Globals<'_>, stream: StreamId, source: FieldSource) -> String {
    match source {
        FieldSource::Field(field) => field_text(globals, stream, field),
        other => format!("{other:?}"),
    }
}

fn node_text(node: &Node, rule: &Rule, globals: &Globals<'_>) -> String {
    match node {
        Node::Step { test, variable } => format!("{}={}", variable.0, test_text(*test, rule, globals)),
        Node::Sequence(parts) => {
            let parts: Vec<String> = parts
                .iter()
                .map(|part| match part {
                    Part::Step(link, node) => {
                        format!("{:?}/{:?} {}", link.kind, link.within, node_text(node, rule, globals))
                    }
                    Part::Absence(absence) => {
                        let kind = match absence.kind {
                            AbsenceKind::Between => "not".to_owned(),
                            AbsenceKind::Next => "next-not".to_owned(),
                            AbsenceKind::For(duration) => format!("not/{duration}"),
                        };
                        format!("{kind} {}", test_text(absence.test, rule, globals))
                    }
                })
                .collect();
            format!("[{}]", parts.join("; "))
        }
        Node::Or(branches) => {
            format!(
                "(or {})",
                branches.iter().map(|node| node_text(node, rule, globals)).collect::<Vec<_>>().join(" ")
            )
        }
        Node::And(branches) => {
            format!(
                "(and {})",
                branches.iter().map(|node| node_text(node, rule, globals)).collect::<Vec<_>>().join(" ")
            )
        }
        Node::Loop(repeat) => {
            let until = repeat.until.map(|test| test_text(test, rule, globals));
            format!(
                "{}..{:?} lazy={} {:?} until={until:?} {}",
                repeat.min,
                repeat.max,
                repeat.lazy,
                repeat.join,
                node_text(&repeat.body, rule, globals)
            )
        }
        Node::Within(clock, body) => {
            format!("(within {} {})", rule.clocks[clock.0 as usize], node_text(body, rule, globals))
        }
    }
}

fn test_text(test: TestId, rule: &Rule, globals: &Globals<'_>) -> String {
    let test = &rule.tests[test.0 as usize];
    let (registers, histories) = (&*rule.registers, &*rule.histories);
    let leaves = Names { rule, globals, registers, histories, stream: Some(test.stream) };
    let conditions: Vec<String> =
        test.unary.iter().chain(&test.residual).map(|condition| condition.describe(&leaves)).collect();
    format!("{}{{{}}}", globals.schema(test.stream).name, conditions.join(" and "))
}

/// The leaves of a condition that compares a past event with the current one.
struct Both<'a> {
    current: &'a Names<'a>,
    past: &'a Names<'a>,
}

impl Leaves for Both<'_> {
    fn field(&self, field: FieldId) -> String {
        self.current.field(field)
    }

    fn register(&self, register: RegisterId) -> String {
        self.current.register(register)
    }

    fn history(&self, history: HistoryId) -> String {
        self.current.history(history)
    }

    fn past(&self, source: FieldSource) -> String {
        self.past.past(source)
    }
}

struct Names<'a> {
    rule: &'a Rule,
    globals: &'a Globals<'a>,
    registers: &'a [RunRegister],
    histories: &'a [History],
    /// The stream of the event being looked at, where there is one.
    stream: Option<StreamId>,
}

impl Leaves for Names<'_> {
    fn field(&self, field: FieldId) -> String {
        self.stream.map_or_else(|| format!("{field:?}"), |stream| field_text(self.globals, stream, field))
    }

    fn register(&self, register: RegisterId) -> String {
        let register = &self.registers[register.0 as usize];
        let variable = &self.rule.variables[register.variable.0 as usize];
        let source = source_text(self.globals, variable.stream, register.spec.source);
        format!("{}({} {source} {:?})", register.spec.aggregate.name(), register.variable.0, register.scope)
    }

    fn history(&self, history: HistoryId) -> String {
        let history = &self.histories[history.0 as usize];
        let past = Names { stream: Some(history.stream), ..*self };
        let all = |parts: &Option<Expr>, leaves: &Names<'_>| -> Vec<String> {
            parts.iter().map(|part| part.describe(leaves)).collect()
        };
        let same: Vec<String> = history
            .same
            .iter()
            .map(|(of_past, current)| format!("{} == {}", of_past.describe(&past), current.describe(self)))
            .collect();
        let scan = history.scan.iter().map(|scan| scan.describe(&Both { current: self, past: &past }));
        format!(
            "{}({} {} {:?} {:?} {same:?} {:?}) over {} previous={}",
            history.register.aggregate.name(),
            self.globals.schema(history.stream).name,
            source_text(self.globals, history.stream, history.register.source),
            all(&history.filter, &past),
            all(&history.gate, self),
            scan.collect::<Vec<_>>(),
            history.over,
            history.previous,
        )
    }

    fn past(&self, source: FieldSource) -> String {
        match self.stream {
            Some(stream) => format!("past {}", source_text(self.globals, stream, source)),
            None => format!("past {source:?}"),
        }
    }
}
