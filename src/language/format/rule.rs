//! Rules and their clauses.

use super::super::tree::{
    Alert, AlertField, Clause, ClauseKind, EventDef, KeyField, KeyPart, Limit, Max, MaxKind, Name, Overlap,
    Rule,
};
use super::layout::Doc;
use super::{Extent, Formatter, padding};

impl Formatter<'_> {
    /// `rule NAME { clauses }`
    pub(super) fn rule(&mut self, rule: &Rule) -> Doc {
        let name = self.name(&rule.name);
        let extent = |clause: &Clause| Extent::from(clause.span);
        let widths = self.columns(&rule.clauses, extent, |clause| match &clause.kind {
            ClauseKind::Event(event) => Some(event.name.node.len()),
            _ => None,
        });
        let clauses = self.block(&rule.clauses, extent, rule.span.end - 1, |this, clause, index| {
            this.clause(clause, widths[index])
        });
        Doc::All(vec![Doc::hang(vec![Doc::text("rule"), Doc::Space, name]), Doc::Space, clauses])
    }

    fn clause(&mut self, clause: &Clause, width: usize) -> Doc {
        let close = clause.span.end - 1;
        match &clause.kind {
            ClauseKind::About(text) => self.headed("about", |this| this.written(text)),
            ClauseKind::Runbook(text) => self.headed("runbook", |this| this.written(text)),
            ClauseKind::Tags(names) => self.headed("tags", |this| this.names(names)),
            ClauseKind::To(names) => self.headed("to", |this| this.names(names)),
            ClauseKind::Mode(name) => self.headed("mode", |this| this.name(name)),
            ClauseKind::By(parts) => self.headed("by", |this| {
                let start = |part: &KeyPart| part.fields[0].start();
                filled(this.list(parts, start, Self::key_part))
            }),
            ClauseKind::Event(event) => self.event(event, width),
            ClauseKind::Match(match_) => self.match_(match_),
            ClauseKind::Overlap(overlap) => self.headed("overlap", |this| this.overlap(overlap)),
            ClauseKind::Alert(alert) => self.alert(Vec::new(), alert, close),
            ClauseKind::OnTimeout(on_timeout) => {
                let mut head = vec![Doc::text("on timeout"), Doc::Space];
                if let Some(after) = &on_timeout.after {
                    head.extend([Doc::text("after"), Doc::Space, self.name(after), Doc::Space]);
                }
                self.alert(head, &on_timeout.alert, close)
            }
            ClauseKind::Limit(limit) => self.headed("limit", |this| this.limit(limit)),
            ClauseKind::Max(max) => self.headed("max", |this| this.max(max)),
        }
    }

    /// A word and what follows it.
    fn headed(&mut self, word: &str, rest: impl FnOnce(&mut Self) -> Doc) -> Doc {
        Doc::hang(vec![Doc::text(word), Doc::Space, rest(self)])
    }

    fn names(&mut self, names: &[Name]) -> Doc {
        filled(self.list(names, |name| name.span.start, Self::name))
    }

    fn key_part(&mut self, part: &KeyPart) -> Doc {
        let mut docs = Vec::new();
        for field in &part.fields {
            if !docs.is_empty() {
                docs.extend([Doc::Space, Doc::text("="), Doc::Space]);
            }
            docs.push(self.key_field(field));
        }
        Doc::All(docs)
    }

    fn key_field(&mut self, field: &KeyField) -> Doc {
        let Some(stream) = &field.stream else { return self.name(&field.field) };
        let stream = self.name(stream);
        let comments = self.source.comments(field.field.span.start);
        Doc::All(vec![stream, comments, Doc::text(format!(".{}", field.field.node))])
    }

    /// `event NAME = STREAM [where condition]`, the name padded to `width`.
    fn event(&mut self, event: &EventDef, width: usize) -> Doc {
        let padding = padding(event.name.node.len(), width);
        let name = self.name(&event.name);
        let mut head = vec![Doc::text("event"), Doc::Space, name, padding, Doc::Space, Doc::text("=")];
        let mut rest = vec![self.name(&event.stream)];
        rest.extend(event.condition.as_ref().map(|condition| self.condition(Doc::Space, condition)));
        head.extend([Doc::Space, Doc::align(rest)]);
        Doc::hang(head)
    }

    fn overlap(&mut self, overlap: &Overlap) -> Doc {
        let (words, name) = match overlap {
            Overlap::None => return Doc::text("none"),
            Overlap::All => return Doc::text("all"),
            Overlap::PerStart => return Doc::text("per start"),
            Overlap::ResumeAtFirst(name) => ("resume at first", name),
            Overlap::ResumeAtLast(name) => ("resume at last", name),
        };
        Doc::All(vec![Doc::text(words), Doc::Space, self.name(name)])
    }

    /// `alert SEVERITY "title" { fields }` behind what stands before it; `close` is where its brace
    /// closes, if it has one.
    fn alert(&mut self, mut head: Vec<Doc>, alert: &Alert, close: u32) -> Doc {
        let severity = self.name(&alert.severity);
        let comments = self.source.comments(alert.title.span.start);
        let title = Doc::text(self.source.written(alert.title.span));
        head.extend([Doc::text("alert"), Doc::Space, severity, Doc::Space, comments, title]);
        let head = Doc::hang(head);
        if alert.fields.is_empty() && !self.source.has_comments(close) {
            return head;
        }
        let extent = |field: &AlertField| Extent { start: field.name.span.start, end: field.value.span.end };
        let widths = self.columns(&alert.fields, extent, |field| Some(field.name.node.len()));
        let fields = self.block(&alert.fields, extent, close, |this, field, index| {
            let padding = padding(field.name.node.len(), widths[index]);
            let head = [this.name(&field.name), padding, Doc::Space, Doc::text("="), Doc::Space];
            let value = this.value(&field.value);
            Doc::hang(head.into_iter().chain([value]).collect())
        });
        Doc::All(vec![head, Doc::Space, fields])
    }

    fn limit(&mut self, limit: &Limit) -> Doc {
        let mut docs = vec![self.written(&limit.count), self.duration(Doc::Space, "per", &limit.per)];
        if let Some(first) = limit.for_each.first() {
            docs.push(self.source.comments_to_leaf(first.span.start));
            let list = self.list(&limit.for_each, |expr| expr.span.start, Self::expression);
            docs.extend([Doc::Space, Doc::text("for each"), Doc::Space, filled(list)]);
        }
        Doc::All(docs)
    }

    fn max(&mut self, max: &Max) -> Doc {
        let what = match max.what {
            MaxKind::Runs => "runs",
            MaxKind::Events => "events",
        };
        Doc::All(vec![Doc::text(what), Doc::Space, self.written(&max.count)])
    }
}

impl KeyField {
    fn start(&self) -> u32 {
        self.stream.as_ref().unwrap_or(&self.field).span.start
    }
}

/// Words that are filled like text, aligned with the first.
fn filled(words: Vec<Doc>) -> Doc {
    Doc::Group(Box::new(Doc::align(vec![Doc::Fill(words)])))
}
