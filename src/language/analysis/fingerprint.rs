//! The fingerprint of a rule: a hash of what decides when it matches and what it captures.
//!
//! It covers the key, the tests with their fields (names, paths and types), the pattern, `within`,
//! `overlap` and whether time-outs are reported. It does not cover formatting, comments, names of
//! constants, `about`, `tags`, titles, alert fields, severity, sinks and limits: changing those
//! leaves state and alert ids as they are.

use std::sync::Arc;

use crate::event::{FieldId, StreamId, StreamSchema, digest};
use crate::expression::{Expr, FieldSource, HistoryId, Leaves, RegisterId};
use crate::language::checked::{AbsenceKind, Node, Part, Rule, TestId};

/// The hash of what the rule means.
pub(super) fn of(rule: &Rule, streams: &[StreamSchema]) -> Arc<str> {
    digest(&canonical(rule, streams)).into()
}

fn canonical(rule: &Rule, streams: &[StreamSchema]) -> String {
    let mut lines = vec!["tripline rule 1".to_owned()];
    for (stream, fields) in &rule.key.fields {
        let fields: Vec<String> = fields.iter().map(|field| field_text(streams, *stream, *field)).collect();
        let schema = &streams[stream.0 as usize];
        let time =
            schema.time.map_or_else(|| "arrival".to_owned(), |field| field_text(streams, *stream, field));
        lines.push(format!("stream {} time {time} by {}", schema.name, fields.join(" ")));
    }
    for variable in &rule.variables {
        lines.push(format!("capture {}", variable.name));
    }
    lines.push(format!("match {}", node_text(&rule.pattern, rule, streams)));
    lines.push(format!("within {:?} overlap {:?}", rule.within, rule.overlap));
    lines.push(format!("timeout {:?}", rule.timeout.as_ref().map(|timeout| timeout.after)));
    lines.join("\n")
}

fn field_text(streams: &[StreamSchema], stream: StreamId, field: FieldId) -> String {
    let field = &streams[stream.0 as usize].fields[field.0 as usize];
    format!("{}:{:?}", field.path.join("."), field.ty)
}

fn source_text(streams: &[StreamSchema], stream: StreamId, source: FieldSource) -> String {
    match source {
        FieldSource::Field(field) => field_text(streams, stream, field),
        other => format!("{other:?}"),
    }
}

fn node_text(node: &Node, rule: &Rule, streams: &[StreamSchema]) -> String {
    match node {
        Node::Step { test, variable } => format!("{}={}", variable.0, test_text(*test, rule, streams)),
        Node::Sequence(parts) => {
            let parts: Vec<String> = parts
                .iter()
                .map(|part| match part {
                    Part::Step(link, node) => {
                        format!("{:?}/{:?} {}", link.kind, link.within, node_text(node, rule, streams))
                    }
                    Part::Absence(absence) => {
                        let kind = match absence.kind {
                            AbsenceKind::Between => "not".to_owned(),
                            AbsenceKind::Next => "next-not".to_owned(),
                            AbsenceKind::For(duration) => format!("not/{duration}"),
                        };
                        format!("{kind} {}", test_text(absence.test, rule, streams))
                    }
                })
                .collect();
            format!("[{}]", parts.join("; "))
        }
        Node::Or(branches) => {
            format!(
                "(or {})",
                branches.iter().map(|node| node_text(node, rule, streams)).collect::<Vec<_>>().join(" ")
            )
        }
        Node::And(branches) => {
            format!(
                "(and {})",
                branches.iter().map(|node| node_text(node, rule, streams)).collect::<Vec<_>>().join(" ")
            )
        }
        Node::Loop(repeat) => {
            let until = repeat.until.map(|test| test_text(test, rule, streams));
            format!(
                "{}..{:?} lazy={} {:?} until={until:?} {}",
                repeat.min,
                repeat.max,
                repeat.lazy,
                repeat.join,
                node_text(&repeat.body, rule, streams)
            )
        }
        Node::Within(clock, body) => {
            format!("(within {} {})", rule.clocks[clock.0 as usize], node_text(body, rule, streams))
        }
    }
}

fn test_text(test: TestId, rule: &Rule, streams: &[StreamSchema]) -> String {
    let test = &rule.tests[test.0 as usize];
    let leaves = Names { rule, streams, stream: test.stream };
    let conditions: Vec<String> =
        test.unary.iter().chain(&test.residual).map(|condition| condition.describe(&leaves)).collect();
    format!("{}{{{}}}", streams[test.stream.0 as usize].name, conditions.join(" and "))
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
    streams: &'a [StreamSchema],
    stream: StreamId,
}

impl Leaves for Names<'_> {
    fn field(&self, field: FieldId) -> String {
        field_text(self.streams, self.stream, field)
    }

    fn register(&self, register: RegisterId) -> String {
        let register = &self.rule.registers[register.0 as usize];
        let variable = &self.rule.variables[register.variable.0 as usize];
        let source = source_text(self.streams, variable.stream, register.spec.source);
        format!("{}({} {source} {:?})", register.spec.aggregate.name(), register.variable.0, register.scope)
    }

    fn history(&self, history: HistoryId) -> String {
        let history = &self.rule.histories[history.0 as usize];
        let past = Names { stream: history.stream, ..*self };
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
            self.streams[history.stream.0 as usize].name,
            source_text(self.streams, history.stream, history.register.source),
            all(&history.filter, &past),
            all(&history.gate, self),
            scan.collect::<Vec<_>>(),
            history.over,
            history.previous,
        )
    }

    fn past(&self, source: FieldSource) -> String {
        format!("past {}", source_text(self.streams, self.stream, source))
    }
}
