//! Which streams a rule names, before anything of it is checked.

use std::collections::BTreeSet;

use crate::diagnostic::Span;
use crate::language::tree::{self, Atom, ClauseKind, ExprKind};

use super::history::subject;

/// A place where a rule names a stream, or what would be one if there is such a stream.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Read<'t> {
    /// The name.
    pub stream: &'t str,
    /// Where it stands.
    pub span: Span,
}

/// The names of streams in a rule: those of its events, whether or not its pattern uses them, those
/// that stand in the pattern itself, and those whose history expressions look at.
pub(super) fn reads(rule: &tree::Rule) -> impl Iterator<Item = Read<'_>> {
    let events: Vec<&tree::EventDef> = rule
        .clauses
        .iter()
        .filter_map(|clause| match &clause.kind {
            ClauseKind::Event(event) => Some(event),
            _ => None,
        })
        .collect();
    let defined: BTreeSet<&str> = events.iter().map(|event| event.name.node.as_str()).collect();
    let mut names: Vec<&tree::Name> = Vec::new();
    let mut exprs: Vec<&tree::Expr> = Vec::new();
    for clause in &rule.clauses {
        match &clause.kind {
            ClauseKind::Match(clause) => in_sequence(&clause.pattern, &mut names),
            ClauseKind::Event(event) => exprs.extend(&event.condition),
            ClauseKind::Alert(alert) => in_alert(alert, &mut exprs),
            ClauseKind::OnTimeout(timeout) => in_alert(&timeout.alert, &mut exprs),
            ClauseKind::Limit(limit) => exprs.extend(&limit.for_each),
            _ => {}
        }
    }
    let mut found: Vec<Read<'_>> = events.iter().map(|event| read(&event.stream)).collect();
    found.extend(names.into_iter().filter(|name| !defined.contains(name.node.as_str())).map(read));
    while let Some(expr) = exprs.pop() {
        found.extend(history(expr));
        exprs.extend(tree::operands(expr));
    }
    found.into_iter()
}

fn read(name: &tree::Name) -> Read<'_> {
    Read { stream: &name.node, span: name.span }
}

fn in_alert<'t>(alert: &'t tree::Alert, exprs: &mut Vec<&'t tree::Expr>) {
    exprs.extend(alert.title.parts.iter().filter_map(|part| match part {
        tree::TemplatePart::Expr(expr) => Some(expr),
        tree::TemplatePart::Text(_) => None,
    }));
    exprs.extend(alert.fields.iter().map(|field| &field.value));
}

/// The names of events and streams in a pattern, also behind `not` and `until`.
fn in_sequence<'t>(sequence: &'t tree::Sequence, names: &mut Vec<&'t tree::Name>) {
    in_element(&sequence.first, names);
    for part in &sequence.rest {
        match part {
            tree::Part::Step { element, .. } => in_element(element, names),
            tree::Part::Absence(absence) => names.push(&absence.name),
        }
    }
}

fn in_element<'t>(element: &'t tree::Element, names: &mut Vec<&'t tree::Name>) {
    match &element.atom {
        Atom::Name { name, .. } => names.push(name),
        Atom::Group(group) => group.branches.iter().for_each(|branch| in_sequence(branch, names)),
        Atom::Element(element) => in_element(element, names),
    }
    names.extend(&element.until);
}

/// The stream that `count(stream where …) over …` or `sum(stream.field) over …` looks at.
fn history(expr: &tree::Expr) -> Option<Read<'_>> {
    let ExprKind::Call { arguments, over: Some(_), .. } = &expr.kind else { return None };
    let (stream, span, _) = arguments.first().and_then(subject)?;
    Some(Read { stream, span })
}
