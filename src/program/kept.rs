//! Which fields of each stream some rule reads, so that events need keep no others.
//!
//! Enters: the rules and the streams. Leaves: for each stream the fields that a condition, a key, an
//! aggregate, an alert or a limit of any rule can read, whatever the rule's mode. What is left out here
//! is null wherever it is read, so every place that holds an expression or names a field is listed.
//! An event made of an alert keeps everything: nothing is gained by leaving out what was just computed.

use crate::event::{FieldId, Kept, StreamId, StreamSchema};
use crate::expression::{Expr, FieldSource};
use crate::language::checked::{AlertSpec, History, Rule, RunRegister};

/// The fields that rules read, for each stream.
pub(super) fn kept<'r>(streams: &[StreamSchema], rules: impl Iterator<Item = &'r Rule>) -> Vec<Kept> {
    let of_alerts = |stream: &StreamSchema| stream.alerts_of.is_some();
    let first = |stream| if of_alerts(stream) { Kept::ALL } else { Kept::default() };
    let mut read = Read { kept: streams.iter().map(first).collect() };
    rules.for_each(|rule| read.rule(rule));
    read.kept
}

/// What has been found to be read, for each stream.
struct Read {
    kept: Vec<Kept>,
}

impl Read {
    fn field(&mut self, stream: StreamId, field: FieldId) {
        self.kept[stream.0 as usize].insert(field);
    }

    fn rule(&mut self, rule: &Rule) {
        for (stream, fields) in &rule.key.fields {
            self.kept[stream.0 as usize].extend(fields.iter().copied());
        }
        for test in &rule.tests {
            let conditions = test.unary.iter().chain(&test.residual);
            let pieces = test.conjuncts.iter();
            let shown = pieces.clone().flat_map(|piece| piece.shown.iter().map(|(_, shown)| shown));
            for expr in conditions.chain(pieces.map(|piece| &piece.condition)).chain(shown) {
                self.expr(expr, Some(test.stream), &rule.histories);
            }
        }
        self.captured(rule, &rule.registers);
        self.past(&rule.histories);
        self.alert(rule, &rule.alert);
        if let Some(timeout) = &rule.timeout {
            self.alert(rule, &timeout.alert);
        }
        if let Some(limit) = &rule.limit {
            self.captured(rule, &limit.registers);
            self.past(&limit.histories);
            limit.for_each.iter().for_each(|expr| self.expr(expr, None, &limit.histories));
        }
    }

    fn alert(&mut self, rule: &Rule, alert: &AlertSpec) {
        self.captured(rule, &alert.registers);
        self.past(&alert.histories);
        let in_title = alert.title.parts.iter().filter_map(|(_, expr)| expr.as_ref());
        for expr in in_title.chain(alert.fields.iter().map(|field| &field.value)) {
            self.expr(expr, None, &alert.histories);
        }
    }

    /// What is kept of captured events.
    fn captured(&mut self, rule: &Rule, registers: &[RunRegister]) {
        for register in registers {
            let stream = rule.variables[register.variable.0 as usize].stream;
            self.source(stream, register.spec.source);
        }
    }

    /// What aggregates over the past read of past events. What they read of the current one depends on
    /// who asks for them: see [`Read::expr`].
    fn past(&mut self, histories: &[History]) {
        for history in histories {
            self.source(history.stream, history.register.source);
            let of_past = history.filter.iter().chain(history.same.iter().map(|(past, _)| past));
            of_past.for_each(|expr| self.expr(expr, Some(history.stream), &[]));
            for (source, _) in history.scan.iter().flat_map(Expr::past_sources) {
                self.source(history.stream, source);
            }
        }
    }

    fn source(&mut self, stream: StreamId, source: FieldSource) {
        if let FieldSource::Field(field) = source {
            self.field(stream, field);
        }
    }

    /// What an expression reads of the event that it looks at, one of the stream `current`; alerts look
    /// at none. An aggregate over the past looks at the same event as the expression that reads it.
    fn expr(&mut self, expr: &Expr, current: Option<StreamId>, histories: &[History]) {
        let mut rest = vec![expr];
        while let Some(expr) = rest.pop() {
            match (expr, current) {
                (Expr::Field(field), Some(stream)) => self.field(stream, *field),
                (Expr::History(id), _) => {
                    let history = &histories[id.0 as usize];
                    let of_current = history.same.iter().map(|(_, current)| current);
                    rest.extend(history.gate.iter().chain(&history.scan).chain(of_current));
                }
                _ => rest.extend(expr.operands()),
            }
        }
    }
}

#[cfg(test)]
mod tests;
