//! `expect RULE [× n] [timeout] { path: value, … }`, `expect nothing [else]`, `expect late n`

use std::sync::Arc;

use crate::alert::AlertKind;
use crate::diagnostic::codes::{E0403, E0404, E0443, E0444, E0446, E0447};
use crate::diagnostic::{Diagnostic, Span, nearest};
use crate::event::{Timestamp, Value};
use crate::language::case::{Expectation, ExpectationKind, Wanted, WantedField};
use crate::language::checked::{Mode, Rule};
use crate::language::tree::{Expr, Name, PathPart, Spanned, TestStepKind};

use super::super::scope::listed;
use super::CaseChecker;
use super::alert::{AlertChecker, field_names};

/// Most alerts that one expectation may count.
const MAX_TIMES: i64 = 1_000_000;

impl<'g, 't> CaseChecker<'_, 'g, 't> {
    /// The expectation of a line; `None` when something is wrong, which has been reported.
    pub(super) fn expectation(
        &mut self,
        kind: &'t TestStepKind,
        span: Span,
        base: Timestamp,
    ) -> Option<Expectation> {
        let head = match kind {
            TestStepKind::ExpectAlert { rule, .. } => Span { end: rule.span.end, ..span },
            _ => span,
        };
        let kind = match kind {
            TestStepKind::ExpectNothing => ExpectationKind::Nothing,
            TestStepKind::ExpectNothingElse => ExpectationKind::NothingElse,
            TestStepKind::ExpectLate(count) => match u64::try_from(count.node) {
                Ok(count) => ExpectationKind::Late(count),
                Err(_) => {
                    let message = "fewer than no events cannot come late";
                    self.diagnostics.push(Diagnostic::new(E0403, count.span, message));
                    return None;
                }
            },
            TestStepKind::ExpectAlert { rule, times, timeout, fields } => {
                ExpectationKind::Alert(self.wanted(rule, times.as_ref(), *timeout, fields, base)?)
            }
            TestStepKind::Event { .. } | TestStepKind::Restart | TestStepKind::Stop => return None,
        };
        Some(Expectation { span, head, kind })
    }

    fn wanted(
        &mut self,
        name: &'t Name,
        times: Option<&Spanned<i64>>,
        timeout: bool,
        fields: &'t [(Spanned<Vec<PathPart>>, Expr)],
        base: Timestamp,
    ) -> Option<Wanted> {
        let times = match times {
            None => Some(1),
            Some(times) => self.times(times),
        };
        let rule = self.rule(name)?;
        let kind = self.kind(rule, name, timeout, fields)?;
        let mut alert = AlertChecker::new(rule, kind, base, self);
        let fields: Vec<Option<WantedField>> =
            fields.iter().map(|(path, value)| alert.field(path, value)).collect();
        let fields = fields.into_iter().collect::<Option<Vec<WantedField>>>()?;
        Some(Wanted { rule: Arc::clone(&rule.name), kind, times: times?, fields })
    }

    fn times(&mut self, times: &Spanned<i64>) -> Option<u64> {
        let fitting = (0..=MAX_TIMES).contains(&times.node);
        if !fitting {
            let message = format!("the number of alerts must be from 0 to {MAX_TIMES}");
            self.diagnostics.push(Diagnostic::new(E0403, times.span, message));
        }
        u64::try_from(times.node).ok().filter(|_| fitting)
    }

    /// The rule of that name, if it can report anything. What is wrong with it is reported.
    fn rule(&mut self, name: &Name) -> Option<&'g Rule> {
        let sight = self.sight;
        let found = sight.rules.binary_search_by(|rule| (*rule.name).cmp(&name.node)).ok();
        let Some(rule) = found.map(|index| &sight.rules[index]) else {
            let declared = || sight.declared.iter().map(|rule| rule.name.node.as_str());
            let is_known = declared().any(|declared| declared == name.node);
            if !is_known && !sight.globals.reported.contains(&name.node) {
                let message = format!("there is no rule `{}`", name.node);
                let diagnostic = Diagnostic::new(E0443, name.span, message);
                self.diagnostics.push(match nearest(&name.node, declared()) {
                    Some(near) => diagnostic.help(format!("did you mean `{near}`?")),
                    None if sight.declared.is_empty() => diagnostic.help("no rule is declared"),
                    None => diagnostic.help(format!("the rules are {}", listed(declared()))),
                });
            }
            return None;
        };
        if rule.mode == Mode::Off {
            let message = format!("`{}` is off and reports nothing", name.node);
            self.diagnostics.push(
                Diagnostic::new(E0444, name.span, message)
                    .help("take `mode off` out of the rule, or write `mode shadow`: tests see what a rule in shadow would send"),
            );
            return None;
        }
        Some(rule)
    }

    /// Of what kind the alert is: a match, unless `timeout` or `kind: "…"` says otherwise.
    fn kind(
        &mut self,
        rule: &Rule,
        name: &Name,
        timeout: bool,
        fields: &'t [(Spanned<Vec<PathPart>>, Expr)],
    ) -> Option<AlertKind> {
        let is_kind = |path: &[PathPart]| matches!(path, [PathPart::Name(only)] if only == "kind");
        let has_own = rule.key.names.iter().any(|part| part == "kind")
            || [AlertKind::Match, AlertKind::Timeout]
                .into_iter()
                .any(|kind| field_names(rule, kind).any(|field| field == "kind"));
        let written = fields.iter().find(|(path, _)| !has_own && is_kind(&path.node));
        let mut kind = if timeout { AlertKind::Timeout } else { AlertKind::Match };
        if let Some((path, value)) = written {
            let text = self.constant(value)?;
            let known =
                [("match", AlertKind::Match), ("timeout", AlertKind::Timeout), ("limit", AlertKind::Limit)];
            let named = known.iter().find(|(word, _)| text == Value::text(word));
            let Some((_, named)) = named else {
                let message = format!("there is no kind `{text}`");
                let help = format!("it is one of {}", listed(known.iter().map(|(word, _)| *word)));
                self.diagnostics.push(Diagnostic::new(E0404, value.span, message).help(help));
                return None;
            };
            if timeout && *named != AlertKind::Timeout {
                let message = "a time-out is expected, and another kind of alert";
                self.diagnostics.push(Diagnostic::new(E0447, path.span, message).help("keep one of the two"));
                return None;
            }
            kind = *named;
        }
        if kind == AlertKind::Timeout && rule.timeout.is_none() {
            let message = format!("`{}` does not report time-outs", name.node);
            let help = "it needs `on timeout alert …` for that";
            self.diagnostics.push(Diagnostic::new(E0446, name.span, message).help(help));
            return None;
        }
        Some(kind)
    }
}
