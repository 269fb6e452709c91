//! What the names of a rule mean: the declarations of the rule set, and the parts of one rule.

use std::collections::{BTreeMap, BTreeSet};

use crate::diagnostic::{FileId, Span};
use crate::event::{FieldType, Type};
use crate::language::tree::{
    Alert, Atom, ClauseKind, Def, Element, EventDef, Expr, ExprKind, Field, File, GroupKind, Item, KeyPart,
    Let, Limit, Match, Max, MaxKind, Name, OnTimeout, Overlap, Part, Rule, Sequence, Spanned, Stream,
    StreamBody, TemplatePart, UnaryOp, operands,
};

use super::shape;

/// The declarations of a rule set, by name. What is declared twice has its first meaning.
#[derive(Clone, Debug, Default)]
pub struct RuleSet<'t> {
    pub(super) streams: BTreeMap<&'t str, &'t Stream>,
    pub(super) constants: BTreeMap<&'t str, &'t Let>,
    pub(super) definitions: BTreeMap<&'t str, &'t Def>,
    pub(super) rules: BTreeMap<&'t str, &'t Rule>,
    /// The rules in the order written, with those whose name is declared twice.
    pub(super) written: Vec<&'t Rule>,
}

impl<'t> RuleSet<'t> {
    /// The declarations of all files of a rule set.
    pub fn new(files: impl IntoIterator<Item = &'t File>) -> RuleSet<'t> {
        let mut set = RuleSet::default();
        for item in files.into_iter().flat_map(|file| &file.items) {
            match item {
                Item::Stream(stream) => {
                    set.streams.entry(&stream.name.node).or_insert(stream);
                }
                Item::Let(constant) => {
                    set.constants.entry(&constant.name.node).or_insert(constant);
                }
                Item::Def(definition) => {
                    set.definitions.entry(&definition.name.node).or_insert(definition);
                }
                Item::Rule(rule) => {
                    set.rules.entry(&rule.name.node).or_insert(rule);
                    set.written.push(rule);
                }
                Item::List(_) | Item::Table(_) | Item::Test(_) => {}
            }
        }
        set
    }

    /// The rules, in the order of their names.
    pub fn rules(&self) -> impl Iterator<Item = &'t Rule> + '_ {
        self.rules.values().copied()
    }

    /// The rule of that name.
    pub fn rule(&self, name: &str) -> Option<&'t Rule> {
        self.rules.get(name).copied()
    }

    /// The rule that holds a byte of a file.
    pub(super) fn rule_at(&self, file: FileId, byte: u32) -> Option<&'t Rule> {
        let holds =
            |rule: &&&Rule| rule.span.file == file && (rule.span.start..=rule.span.end).contains(&byte);
        self.written.iter().find(holds).copied()
    }

    /// The field of a stream.
    pub(super) fn field(&self, stream: &str, name: &str) -> Option<&'t Field> {
        match &self.streams.get(stream)?.body {
            StreamBody::Fields(fields) => fields.iter().find(|field| field.name.node == name),
            StreamBody::Rule(_) => None,
        }
    }

    /// The type of a stream's field.
    pub(super) fn field_type(&self, stream: &str, name: &str) -> Option<Type> {
        self.field(stream, name).map(|field| FieldType::value_type(field.ty.node))
    }

    /// The value of a constant, if it is written as one: a number, text, truth or span of time.
    pub(super) fn literal(&self, name: &str) -> Option<&'t Expr> {
        let value = &self.constants.get(name)?.value;
        is_literal(value).then_some(value)
    }

    /// The constants and definitions that expressions name, with those that these name in turn.
    pub(super) fn names_used(&self, expressions: &[&'t Expr]) -> BTreeSet<&'t str> {
        let mut found = BTreeSet::new();
        let mut rest = expressions.to_vec();
        while let Some(expr) = rest.pop() {
            let name = match &expr.kind {
                ExprKind::Name(name) => self.constants.get_key_value(name.as_str()).map(|(name, _)| *name),
                ExprKind::Call { function, .. } => {
                    self.definitions.get_key_value(function.node.as_str()).map(|(name, _)| *name)
                }
                _ => None,
            };
            if let Some(name) = name
                && found.insert(name)
            {
                rest.extend(self.constants.get(name).map(|constant| &constant.value));
                rest.extend(self.definitions.get(name).map(|definition| &definition.body));
            }
            rest.extend(operands(expr));
        }
        found
    }
}

/// Whether an expression is written as a value.
pub(super) fn is_literal(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::Unary(op, of) => {
            op.node == UnaryOp::Neg && matches!(of.kind, ExprKind::Int(_) | ExprKind::Float(_))
        }
        ExprKind::Bool(_)
        | ExprKind::Int(_)
        | ExprKind::Float(_)
        | ExprKind::Str(_)
        | ExprKind::Duration(_) => true,
        _ => false,
    }
}

/// The clauses of a rule by kind; of what is given twice, the first.
#[derive(Clone, Debug, Default)]
pub(super) struct RuleParts<'t> {
    pub about: Option<&'t Spanned<String>>,
    pub tags: &'t [Name],
    pub runbook: Option<&'t Spanned<String>>,
    pub by: &'t [KeyPart],
    pub events: Vec<&'t EventDef>,
    pub pattern: Option<&'t Match>,
    pub overlap: Option<&'t Overlap>,
    pub alert: Option<&'t Alert>,
    pub timeout: Option<&'t OnTimeout>,
    pub to: &'t [Name],
    pub limit: Option<&'t Limit>,
    pub max_runs: Option<&'t Max>,
    pub max_events: Option<&'t Max>,
    pub mode: Option<&'t Name>,
    /// Where each clause stands, by the word it begins with.
    spans: BTreeMap<&'static str, Span>,
    /// Variables that a group captures anew in each of its rounds.
    pub repeated: BTreeSet<&'t str>,
    /// Variables that can capture several events.
    pub several: BTreeSet<&'t str>,
    /// Variables that may capture nothing.
    pub maybe: BTreeSet<&'t str>,
    /// What the pattern names: events and streams, each once, in the order of the pattern.
    pub named: Vec<&'t str>,
    /// The streams of the pattern, each once.
    pub streams: Vec<&'t str>,
    /// The same as `named` and `events`, by name.
    is_named: BTreeSet<&'t str>,
    definitions: BTreeMap<&'t str, &'t EventDef>,
}

impl<'t> RuleParts<'t> {
    pub fn new(rule: &'t Rule) -> RuleParts<'t> {
        let mut parts = RuleParts::default();
        for clause in &rule.clauses {
            let word = keyword(&clause.kind);
            parts.spans.entry(word).or_insert(clause.span);
            match &clause.kind {
                ClauseKind::About(text) => first(&mut parts.about, text),
                ClauseKind::Tags(tags) if parts.tags.is_empty() => parts.tags = tags,
                ClauseKind::Runbook(link) => first(&mut parts.runbook, link),
                ClauseKind::By(by) if parts.by.is_empty() => parts.by = by,
                ClauseKind::Event(event) => {
                    parts.events.push(event);
                    parts.definitions.entry(&event.name.node).or_insert(event);
                }
                ClauseKind::Match(pattern) => first(&mut parts.pattern, pattern),
                ClauseKind::Overlap(overlap) => first(&mut parts.overlap, overlap),
                ClauseKind::Alert(alert) => first(&mut parts.alert, alert),
                ClauseKind::OnTimeout(timeout) => first(&mut parts.timeout, timeout),
                ClauseKind::To(sinks) if parts.to.is_empty() => parts.to = sinks,
                ClauseKind::Limit(limit) => first(&mut parts.limit, limit),
                ClauseKind::Max(max) if max.what == MaxKind::Runs => first(&mut parts.max_runs, max),
                ClauseKind::Max(max) => first(&mut parts.max_events, max),
                ClauseKind::Mode(mode) => first(&mut parts.mode, mode),
                ClauseKind::Tags(_) | ClauseKind::By(_) | ClauseKind::To(_) => {}
            }
        }
        if let Some(pattern) = parts.pattern {
            parts.sequence(&pattern.pattern, Around::default());
        }
        let mut known = BTreeSet::new();
        let streams = parts.named.iter().map(|name| parts.stream_of(name));
        parts.streams = streams.filter(|stream| known.insert(*stream)).collect();
        parts
    }

    /// Where the clause that begins with these words stands.
    pub fn span(&self, words: &str) -> Option<Span> {
        self.spans.get(words).copied()
    }

    /// The event definition of that name.
    pub fn event(&self, name: &str) -> Option<&'t EventDef> {
        self.definitions.get(name).copied()
    }

    /// The stream that an event, or a stream itself, is of.
    pub fn stream_of<'n>(&self, name: &'n str) -> &'n str
    where
        't: 'n,
    {
        self.event(name).map_or(name, |event| &event.stream.node)
    }

    /// Whether the pattern names that event or stream.
    pub fn is_named(&self, name: &str) -> bool {
        self.is_named.contains(name)
    }

    /// The streams whose past the rule looks at and that its pattern does not name.
    pub fn past_streams(&self) -> Vec<&'t str> {
        let mut rest = self.expressions();
        let mut streams: Vec<&'t str> = Vec::new();
        while let Some(expr) = rest.pop() {
            if let ExprKind::Call { arguments, over: Some(_), .. } = &expr.kind
                && let Some(name) = arguments.first().and_then(subject)
                && !streams.contains(&name)
                && !self.streams.contains(&name)
            {
                streams.push(name);
            }
            rest.extend(operands(expr));
        }
        streams.sort_unstable();
        streams
    }

    /// Whether the rule looks at the past of streams.
    pub fn has_history(&self) -> bool {
        let mut rest = self.expressions();
        while let Some(expr) = rest.pop() {
            if matches!(expr.kind, ExprKind::Call { over: Some(_), .. }) {
                return true;
            }
            rest.extend(operands(expr));
        }
        false
    }

    /// The conditions of the rule, and the values of its alerts.
    pub fn expressions(&self) -> Vec<&'t Expr> {
        let mut all: Vec<&'t Expr> =
            self.events.iter().filter_map(|event| event.condition.as_ref()).collect();
        for alert in self.alert.into_iter().chain(self.timeout.map(|timeout| &timeout.alert)) {
            all.extend(alert.fields.iter().map(|field| &field.value));
            all.extend(alert.title.parts.iter().filter_map(|part| match part {
                TemplatePart::Expr(expr) => Some(expr),
                TemplatePart::Text(_) => None,
            }));
        }
        all.extend(self.limit.iter().flat_map(|limit| &limit.for_each));
        all
    }

    fn name(&mut self, name: &'t Name) {
        if self.is_named.insert(&name.node) {
            self.named.push(&name.node);
        }
    }

    fn sequence(&mut self, sequence: &'t Sequence, around: Around) {
        self.element(&sequence.first, around);
        for part in &sequence.rest {
            match part {
                Part::Step { element, .. } => self.element(element, around),
                Part::Absence(absence) => self.name(&absence.name),
            }
        }
    }

    fn element(&mut self, element: &'t Element, mut around: Around) {
        let in_rounds = around.repeats;
        if let Some((count, _)) = shape::count(element) {
            around.repeats |= count.max != Some(1);
            around.optional |= count.min == 0;
        }
        match &element.atom {
            Atom::Name { name, alias } => {
                self.name(name);
                let variable = alias.as_ref().unwrap_or(name).node.as_str();
                // A count before a single event is no group, whose rounds would hide each other's events.
                for (holds, set) in [
                    (in_rounds, &mut self.repeated),
                    (around.repeats, &mut self.several),
                    (around.optional, &mut self.maybe),
                ] {
                    if holds {
                        set.insert(variable);
                    }
                }
            }
            Atom::Group(group) => {
                around.optional |= group.kind == GroupKind::Or && group.branches.len() > 1;
                group.branches.iter().for_each(|branch| self.sequence(branch, around));
            }
            Atom::Element(inner) => self.element(inner, around),
        }
        if let Some(until) = &element.until {
            self.name(until);
        }
    }
}

/// What stands around a part of the pattern.
#[derive(Clone, Copy, Default)]
struct Around {
    repeats: bool,
    optional: bool,
}

/// The stream of `auth` or `auth.amount`.
fn subject(argument: &Expr) -> Option<&str> {
    match &argument.kind {
        ExprKind::Name(name) => Some(name),
        ExprKind::Field(of, _) => match &of.kind {
            ExprKind::Name(name) => Some(name),
            _ => None,
        },
        _ => None,
    }
}

/// The words that a clause begins with.
fn keyword(clause: &ClauseKind) -> &'static str {
    match clause {
        ClauseKind::About(_) => "about",
        ClauseKind::Tags(_) => "tags",
        ClauseKind::Runbook(_) => "runbook",
        ClauseKind::By(_) => "by",
        ClauseKind::Event(_) => "event",
        ClauseKind::Match(_) => "match",
        ClauseKind::Overlap(_) => "overlap",
        ClauseKind::Alert(_) => "alert",
        ClauseKind::OnTimeout(_) => "on timeout",
        ClauseKind::To(_) => "to",
        ClauseKind::Limit(_) => "limit",
        ClauseKind::Max(max) if max.what == MaxKind::Runs => "max runs",
        ClauseKind::Max(_) => "max events",
        ClauseKind::Mode(_) => "mode",
    }
}

fn first<T>(place: &mut Option<T>, value: T) {
    place.get_or_insert(value);
}
