//! Tests and their lines.

use super::super::tree::{Expr, Name, PathPart, Spanned, Test, TestStep, TestStepKind};
use super::layout::Doc;
use super::{Extent, Formatter, INDENT, padding};

/// The cells of an event's line.
#[derive(Clone, Copy)]
struct Widths {
    at: usize,
    stream: usize,
}

impl Formatter<'_> {
    /// `test "name" [from "…"] { lines }`
    pub(super) fn test(&mut self, test: &Test) -> Doc {
        let mut head = vec![Doc::text("test"), Doc::Space, self.written(&test.name), Doc::Space];
        if let Some(from) = &test.from {
            head.extend([Doc::text("from"), Doc::Space, self.written(from), Doc::Space]);
        }
        let extent = |step: &TestStep| Extent::from(step.span);
        let at = self.columns(&test.steps, extent, |step| match &step.kind {
            TestStepKind::Event { at, .. } => Some(self.source.written(at.span).len()),
            _ => None,
        });
        let stream = self.columns(&test.steps, extent, |step| match &step.kind {
            TestStepKind::Event { stream, .. } => Some(stream.node.len()),
            _ => None,
        });
        let steps = self.block(&test.steps, extent, test.span.end - 1, |this, step, index| {
            this.step(step, Widths { at: at[index], stream: stream[index] })
        });
        Doc::All(vec![Doc::hang(head), steps])
    }

    fn step(&mut self, step: &TestStep, widths: Widths) -> Doc {
        let close = step.span.end - 1;
        let text = match &step.kind {
            TestStepKind::Event { at, stream, fields } => {
                return self.event_line(at, stream, fields, close, widths);
            }
            TestStepKind::ExpectAlert { rule, times, timeout, fields } => {
                return self.expectation(rule, times.as_ref(), *timeout, fields, close);
            }
            TestStepKind::ExpectLate(count) => {
                let docs = vec![Doc::text("expect late"), Doc::Space, self.written(count)];
                return Doc::hang(docs);
            }
            TestStepKind::Restart => "restart",
            TestStepKind::Stop => "stop",
            TestStepKind::ExpectNothing => "expect nothing",
            TestStepKind::ExpectNothingElse => "expect nothing else",
        };
        Doc::text(text)
    }

    /// `at 90s  STREAM { fields }`
    fn event_line<T>(
        &mut self,
        at: &Spanned<T>,
        stream: &Name,
        fields: &[(Name, Expr)],
        close: u32,
        widths: Widths,
    ) -> Doc {
        let width = self.source.written(at.span).len();
        let mut head = vec![Doc::text("at"), Doc::Space, self.written(at)];
        // Two columns apart, so that the times stand out.
        head.extend([padding(width, widths.at), Doc::text("  "), self.name(stream)]);
        head.extend([padding(stream.node.len(), widths.stream), Doc::Space]);
        let Some((first, _)) = fields.first() else {
            let comments = self.source.comments(close);
            let docs =
                vec![Doc::hang(head), Doc::text("{"), Doc::indent(INDENT, vec![comments]), Doc::text("}")];
            return Doc::All(docs);
        };
        head.extend([Doc::text("{"), self.source.comments(first.span.start), Doc::Space]);
        let fields = self.test_fields(fields, |name| name.span.start, Self::name, close);
        head.extend([Doc::Row(Box::new(Doc::align(vec![fields]))), Doc::Space, Doc::text("}")]);
        Doc::hang(head)
    }

    /// `expect RULE [× n] [timeout] { fields }`
    fn expectation(
        &mut self,
        rule: &Name,
        times: Option<&Spanned<i64>>,
        timeout: bool,
        fields: &[(Spanned<Vec<PathPart>>, Expr)],
        close: u32,
    ) -> Doc {
        let mut head = vec![Doc::text("expect"), Doc::Space, self.name(rule)];
        if let Some(times) = times {
            head.extend([Doc::Space, Doc::text("×"), Doc::Space, self.written(times)]);
        }
        if timeout {
            head.extend([Doc::Space, Doc::text("timeout")]);
        }
        // `expect late` alone counts late events.
        let is_count = rule.node == "late" && times.is_none() && !timeout;
        if fields.is_empty() && !is_count && !self.source.has_comments(close) {
            return Doc::hang(head);
        }
        head.push(Doc::Space);
        let first = fields.first().map_or(close, |(path, _)| path.span.start);
        let comments = self.source.comments(first);
        let mut docs = vec![Doc::text("{"), Doc::indent(INDENT, vec![comments])];
        if !fields.is_empty() {
            let fields = self.test_fields(fields, |path| path.span.start, Self::written, close);
            docs.extend([Doc::indent(INDENT, vec![Doc::Line, fields]), Doc::Line]);
        }
        docs.push(Doc::text("}"));
        Doc::All(vec![Doc::hang(head), Doc::group(docs)])
    }

    /// `name: value, …`, and the comments before the brace behind them that stand on lines of their own.
    /// Commas let them flow; a line end between two of them stays.
    fn test_fields<T>(
        &mut self,
        fields: &[(T, Expr)],
        start: impl Fn(&T) -> u32,
        mut name: impl FnMut(&mut Self, &T) -> Doc,
        close: u32,
    ) -> Doc {
        let mut docs = Vec::new();
        let mut words = Vec::new();
        for (index, (path, value)) in fields.iter().enumerate() {
            let path = name(self, path);
            let mut word = vec![path, Doc::text(":"), Doc::Space, self.expression(value)];
            let Some((next, _)) = fields.get(index + 1) else {
                words.push(Doc::hang(word));
                break;
            };
            let flows = self.source.is_symbol(value.span.end, ",");
            word.extend(flows.then(|| Doc::text(",")));
            word.push(self.source.comments(start(next)));
            words.push(Doc::hang(word));
            if !flows {
                docs.extend([Doc::Fill(std::mem::take(&mut words)), Doc::Break]);
            }
        }
        docs.extend([Doc::Fill(words), self.source.comments_inside(close)]);
        Doc::All(docs)
    }
}
