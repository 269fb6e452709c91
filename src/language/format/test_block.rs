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
        let fields = self.inline(fields, |name| name.span.start, Self::name, close);
        Doc::All(vec![Doc::hang(head), fields])
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
        let mut docs = vec![Doc::hang(head)];
        // `expect late` alone counts late events.
        let is_count = rule.node == "late" && times.is_none() && !timeout;
        if !fields.is_empty() || is_count || self.source.has_comments(close) {
            docs.push(Doc::Space);
            docs.push(self.inline(fields, |path| path.span.start, Self::written, close));
        }
        Doc::All(docs)
    }

    /// `{ name: value, … }`, on one line if it fits.
    fn inline<T>(
        &mut self,
        fields: &[(T, Expr)],
        start: impl Fn(&T) -> u32,
        mut name: impl FnMut(&mut Self, &T) -> Doc,
        close: u32,
    ) -> Doc {
        let mut words = Vec::new();
        let mut docs = vec![Doc::text("{")];
        docs.push(self.source.comments(fields.first().map_or(close, |(name, _)| start(name))));
        for (index, (path, value)) in fields.iter().enumerate() {
            let path = name(self, path);
            let mut word = vec![path, Doc::text(":"), Doc::Space, self.expression(value)];
            if let Some((next, _)) = fields.get(index + 1) {
                word.push(Doc::text(","));
                word.push(self.source.comments(start(next)));
            }
            words.push(Doc::hang(word));
        }
        if words.is_empty() {
            return Doc::All(vec![Doc::indent(INDENT, docs), Doc::text("}")]);
        }
        let inside = self.source.comments(close);
        docs.push(Doc::Indent(INDENT, Box::new(Doc::All(vec![Doc::Line, Doc::Fill(words), inside]))));
        docs.extend([Doc::Line, Doc::text("}")]);
        Doc::group(docs)
    }
}
