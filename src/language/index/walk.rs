//! Uses: every name in the trees, with what it means there.

use crate::diagnostic::{Sources, Span};
use crate::expression::{Aggregate, functions};
use crate::language::lexer::{self, Kind, Places};
use crate::language::parser::Problems;
use crate::language::tree::{
    self, Atom, ClauseKind, Element, Expr, ExprKind, Item, Overlap, Part, PathPart, Sequence, StreamBody,
    TemplatePart, TestStepKind, TimeClause,
};

use super::names::{Names, RuleScope, distinct, past_stream};
use super::symbols::{Means, Occurrence, Role, SymbolId};

/// The objects in the JSON of an alert whose members have names in rules.
const OBJECTS: [&str; 4] = ["key", "fields", "events", "tables"];
/// What else it has besides the fields that its rule gives it.
const ALERT_MEMBERS: [&str; 13] = [
    "id",
    "rule",
    "fingerprint",
    "severity",
    "title",
    "kind",
    "first_time",
    "last_time",
    "decided_time",
    "suppressed",
    "time",
    "limit",
    "bound",
];

/// The longest path into a captured event that is looked up, in names.
const MAX_PATH: usize = 32;

/// Every name of all files that declares or uses something, by place.
pub(super) fn occurrences<'t>(
    sources: &'t Sources,
    trees: &'t [tree::File],
    names: &Names<'t>,
) -> Vec<Occurrence> {
    let mut walker = Walker { sources, names, found: Vec::new() };
    for (span, id) in &names.declared {
        walker.put(*span, Means::Symbols(vec![*id]), Role::Declaration);
    }
    for item in trees.iter().flat_map(|tree| &tree.items) {
        walker.item(item);
    }
    let mut found = walker.found;
    found.sort_by_key(|occurrence| occurrence.span);
    found
}

/// Where an expression stands, which decides what its names mean.
#[derive(Clone, Copy, Default)]
struct Place<'p, 't> {
    /// The rule around it.
    rule: Option<&'p RuleScope<'t>>,
    /// The stream whose fields bare names are.
    stream: Option<SymbolId>,
    /// The stream of the event that `this` is.
    this: Option<SymbolId>,
    /// The definition whose parameters bare names are.
    definition: Option<SymbolId>,
}

struct Walker<'w, 't> {
    sources: &'t Sources,
    names: &'w Names<'t>,
    found: Vec<Occurrence>,
}

impl<'w, 't> Walker<'w, 't> {
    fn put(&mut self, span: Span, means: Means, role: Role) {
        self.found.push(Occurrence { span, means, role });
    }

    fn symbols(&mut self, span: Span, symbols: Vec<SymbolId>) {
        let means = if symbols.is_empty() { Means::Nothing } else { Means::Symbols(symbols) };
        self.put(span, means, Role::Use);
    }

    fn one(&mut self, span: Span, symbol: Option<SymbolId>) {
        self.symbols(span, symbol.into_iter().collect());
    }

    fn item(&mut self, item: &'t Item) {
        let constant = Place::default();
        match item {
            Item::Stream(stream) => {
                if let Some(TimeClause::Field(field)) = &stream.time {
                    let own = self.names.declared.get(&stream.name.span);
                    self.one(field.span, own.and_then(|own| self.names.member(*own, &field.node)));
                }
                if let StreamBody::Rule(rule) = &stream.body {
                    self.one(rule.span, self.names.rule(&rule.node));
                }
            }
            Item::List(_) | Item::Table(_) => {}
            Item::Let(declared) => self.expr(&declared.value, constant),
            Item::Def(declared) => {
                let definition = self.names.declared.get(&declared.name.span).copied();
                self.expr(&declared.body, Place { definition, ..constant });
            }
            Item::Rule(rule) => self.rule(rule),
            Item::Test(test) => test.steps.iter().for_each(|step| self.test_step(&step.kind)),
        }
    }

    fn rule(&mut self, rule: &'t tree::Rule) {
        let Some(place) = self.names.rule_places.get(&rule.name.span) else { return };
        let names = self.names;
        let scope = &names.rules[*place];
        let alert = Place { rule: Some(scope), ..Place::default() };
        for clause in &rule.clauses {
            match &clause.kind {
                ClauseKind::By(parts) => self.key(parts, scope),
                ClauseKind::Event(event) => {
                    let stream = names.stream(&event.stream.node);
                    self.one(event.stream.span, stream);
                    if let Some(condition) = &event.condition {
                        self.expr(condition, Place { stream, this: stream, ..alert });
                    }
                }
                ClauseKind::Match(clause) => self.sequence(&clause.pattern, scope),
                ClauseKind::Overlap(Overlap::ResumeAtFirst(name) | Overlap::ResumeAtLast(name)) => {
                    self.one(name.span, scope.captured(names, &name.node));
                }
                ClauseKind::Alert(written) => self.alert(written, alert),
                ClauseKind::OnTimeout(timeout) => {
                    if let Some(after) = &timeout.after {
                        self.one(after.span, scope.captured(names, &after.node));
                    }
                    self.alert(&timeout.alert, alert);
                }
                ClauseKind::Limit(limit) => limit.for_each.iter().for_each(|expr| self.expr(expr, alert)),
                _ => {}
            }
        }
    }

    fn key(&mut self, parts: &'t [tree::KeyPart], scope: &RuleScope<'t>) {
        for part in parts {
            for field in &part.fields {
                if let Some(stream) = &field.stream {
                    self.one(stream.span, self.names.stream(&stream.node));
                }
                let fields = self.names.key_field(scope, part, field);
                let symbols = distinct(&fields);
                let means = match (symbols.is_empty(), &field.stream) {
                    (false, _) => Means::Symbols(symbols),
                    (true, Some(stream)) if self.is_given(&stream.node, &field.field.node) => Means::Given,
                    (true, _) => Means::Nothing,
                };
                self.put(field.field.span, means, Role::Key(fields));
            }
        }
    }

    fn is_given(&self, stream: &str, field: &str) -> bool {
        field == "kind" && self.names.stream(stream).is_some_and(|stream| self.names.is_chained(stream))
    }

    fn sequence(&mut self, sequence: &'t Sequence, scope: &RuleScope<'t>) {
        self.element(&sequence.first, scope);
        for part in &sequence.rest {
            match part {
                Part::Step { element, .. } => self.element(element, scope),
                Part::Absence(absence) => {
                    self.one(absence.name.span, scope.event_or_stream(self.names, &absence.name.node));
                }
            }
        }
    }

    fn element(&mut self, element: &'t Element, scope: &RuleScope<'t>) {
        if let Some(until) = &element.until {
            self.one(until.span, scope.event_or_stream(self.names, &until.node));
        }
        match &element.atom {
            Atom::Name { name, .. } => {
                self.one(name.span, scope.event_or_stream(self.names, &name.node));
            }
            Atom::Group(group) => group.branches.iter().for_each(|branch| self.sequence(branch, scope)),
            Atom::Element(inner) => self.element(inner, scope),
        }
    }

    fn alert(&mut self, alert: &'t tree::Alert, place: Place<'_, 't>) {
        for part in &alert.title.parts {
            if let TemplatePart::Expr(expr) = part {
                self.expr(expr, place);
            }
        }
        alert.fields.iter().for_each(|field| self.expr(&field.value, place));
    }

    fn expr(&mut self, expr: &'t Expr, place: Place<'_, 't>) {
        match &expr.kind {
            ExprKind::Name(name) => self.bare(name, expr.span, place),
            ExprKind::Field(of, field) => self.field(of, field, place),
            ExprKind::Call { function, arguments, condition, .. } => {
                self.call(expr, function, arguments, condition.as_deref(), place);
            }
            _ => tree::operands(expr).into_iter().for_each(|operand| self.expr(operand, place)),
        }
    }

    /// A name by itself.
    fn bare(&mut self, name: &str, span: Span, place: Place<'_, 't>) {
        let parameter = place.definition.and_then(|definition| self.names.member(definition, name));
        if parameter.is_some() {
            return self.one(span, parameter);
        }
        if let Some(stream) = place.stream {
            if name == "time" {
                return self.put(span, Means::Given, Role::Use);
            }
            let fields = self.names.fields(stream, name);
            if !fields.is_empty() {
                return self.symbols(span, fields);
            }
            if name == "kind" && self.names.is_chained(stream) {
                return self.put(span, Means::Given, Role::Use);
            }
        } else if let Some(part) = place.rule.and_then(|rule| self.names.key_part(rule, name)) {
            return self.symbols(span, part);
        }
        self.one(span, self.names.value(name));
    }

    /// `of.field`
    fn field(&mut self, of: &'t Expr, field: &'t tree::Name, place: Place<'_, 't>) {
        let stream = match &of.kind {
            ExprKind::Name(name) => self.source(name, of.span, place),
            ExprKind::Call { function, arguments, .. }
                if matches!(function.node.as_str(), "first" | "last") && arguments.len() == 1 =>
            {
                self.put(function.span, Means::Function, Role::Use);
                match &arguments[0].kind {
                    ExprKind::Name(name) => self.source(name, arguments[0].span, place),
                    _ => {
                        self.expr(&arguments[0], place);
                        None
                    }
                }
            }
            ExprKind::Index(table, keys) => {
                keys.iter().for_each(|key| self.expr(key, place));
                let ExprKind::Name(name) = &table.kind else {
                    self.expr(table, place);
                    return self.one(field.span, None);
                };
                let table_id = self.names.value(name);
                self.one(table.span, table_id);
                return self.one(field.span, table_id.and_then(|id| self.names.member(id, &field.node)));
            }
            _ => {
                self.expr(of, place);
                None
            }
        };
        self.member_of(stream, field);
    }

    /// What stands before a point, or in an aggregate; gives its stream.
    fn source(&mut self, name: &str, span: Span, place: Place<'_, 't>) -> Option<SymbolId> {
        let captured = place.rule.and_then(|rule| rule.captured(self.names, name));
        if captured.is_none() && name == "this" && place.this.is_some() {
            self.put(span, Means::Given, Role::Use);
            return place.this;
        }
        self.one(span, captured);
        self.names.stream_of(captured?)
    }

    fn member_of(&mut self, stream: Option<SymbolId>, field: &tree::Name) {
        self.member(stream, &field.node, field.span);
    }

    /// A field of the events of a stream.
    fn member(&mut self, stream: Option<SymbolId>, name: &str, span: Span) {
        let fields = stream.map(|stream| self.names.fields(stream, name)).unwrap_or_default();
        let chained = stream.is_some_and(|stream| self.names.is_chained(stream));
        if name == "time" || fields.is_empty() && name == "kind" && chained {
            return self.put(span, Means::Given, Role::Use);
        }
        self.symbols(span, fields);
    }

    fn call(
        &mut self,
        call: &'t Expr,
        function: &'t tree::Name,
        arguments: &'t [Expr],
        condition: Option<&'t Expr>,
        place: Place<'_, 't>,
    ) {
        let name = function.node.as_str();
        match self.names.definition(name) {
            Some(definition) => self.one(function.span, Some(definition)),
            None => {
                let means = if is_function(name) { Means::Function } else { Means::Nothing };
                self.put(function.span, means, Role::Use);
            }
        }
        if let Some(past) = past_stream(call) {
            let stream = self.names.stream(past);
            match &arguments[0].kind {
                ExprKind::Field(of, field) => {
                    self.one(of.span, stream);
                    self.member_of(stream, field);
                }
                _ => self.one(arguments[0].span, stream),
            }
            arguments[1..].iter().for_each(|argument| self.expr(argument, place));
            if let Some(condition) = condition {
                self.expr(condition, Place { stream, ..place });
            }
            return;
        }
        let looks_at_captures = place.rule.is_some()
            && (Aggregate::FUNCTIONS.iter().any(|(aggregate, _)| *aggregate == name)
                || matches!(name, "first" | "last"));
        match arguments {
            [Expr { kind: ExprKind::Name(variable), span }] if looks_at_captures => {
                self.source(variable, *span, place);
            }
            _ => arguments.iter().for_each(|argument| self.expr(argument, place)),
        }
        if let Some(condition) = condition {
            self.expr(condition, place);
        }
    }

    fn test_step(&mut self, step: &'t TestStepKind) {
        match step {
            TestStepKind::Event { stream, fields, .. } => {
                let id = self.names.stream(&stream.node);
                self.one(stream.span, id);
                for (name, value) in fields {
                    self.one(name.span, id.and_then(|id| self.names.member(id, &name.node)));
                    self.expr(value, Place::default());
                }
            }
            TestStepKind::ExpectAlert { rule, fields, .. } => {
                let id = self.names.rule(&rule.node);
                self.one(rule.span, id);
                for (path, value) in fields {
                    self.path(path, id);
                    self.expr(value, Place::default());
                }
            }
            TestStepKind::Restart
            | TestStepKind::Stop
            | TestStepKind::ExpectNothing
            | TestStepKind::ExpectNothingElse
            | TestStepKind::ExpectLate(_) => {}
        }
    }

    /// A path into the JSON of an alert: `tries`, `card`, `events.small[0].id`.
    fn path(&mut self, path: &'t tree::Spanned<Vec<PathPart>>, rule: Option<SymbolId>) {
        let names = self.names;
        let parts = name_spans(&self.sources.file(path.span.file).text, path.span);
        let texts: Vec<&str> = path.node.iter().filter_map(name_of).collect();
        let Some(scope) = rule.and_then(|rule| names.scope(rule)) else {
            return parts.iter().for_each(|span| self.one(*span, None));
        };
        let key = |name: &str| names.key_part(scope, name).unwrap_or_default();
        let field = |name: &str| scope.alert_fields.get(name).copied();
        // The object around the next name, of those whose members have names in the rules.
        let mut within = "";
        let mut stream = None;
        for (index, (name, span)) in texts.iter().zip(parts).enumerate() {
            match (index, within) {
                (0, _) if texts.len() > 1 && OBJECTS.contains(name) => {
                    within = name;
                    self.put(span, Means::Given, Role::Use);
                }
                (0, _) => match (key(name), field(name)) {
                    (key, _) if !key.is_empty() => self.symbols(span, key),
                    (_, None) if ALERT_MEMBERS.contains(name) => self.put(span, Means::Given, Role::Use),
                    (_, field) => self.one(span, field),
                },
                (1, "fields") => self.one(span, field(name)),
                (1, "key") => self.symbols(span, key(name)),
                (1, "tables") => self.one(span, names.value(name)),
                (1, "events") => {
                    let variable = scope.variables.get(name).copied();
                    stream = variable.and_then(|variable| names.stream_of(variable));
                    self.one(span, variable);
                }
                // Captured events stand in an alert as they came in: with the names of their JSON.
                (2, "events") if stream.is_some_and(|stream| names.is_chained(stream)) => {
                    self.member(stream, name, span);
                }
                (2..MAX_PATH, "events") => {
                    let path = || texts[2..=index].join(".");
                    let field = stream.and_then(|stream| names.paths.get(&(stream, path())));
                    let means = field.map_or(Means::Given, |field| Means::Symbols(vec![*field]));
                    self.put(span, means, Role::Member);
                }
                _ => self.put(span, Means::Given, Role::Use),
            }
        }
    }
}

fn name_of(part: &PathPart) -> Option<&str> {
    match part {
        PathPart::Name(name) => Some(name),
        PathPart::Index(_) => None,
    }
}

/// The places of the names in a path, of which the tree keeps only the whole.
fn name_spans(text: &str, path: Span) -> Vec<Span> {
    let Some(text) = text.get(..path.end as usize) else { return Vec::new() };
    let places = Places { file: path.file, bytes: None };
    let tokens = lexer::lex_part(text, path.start as usize, places, false, &Problems::default());
    tokens.iter().filter(|token| token.kind == Kind::Name).map(|token| token.span).collect()
}

/// Whether the language has a function of that name.
pub(super) fn is_function(name: &str) -> bool {
    functions::find(name).is_some()
        || Aggregate::FUNCTIONS.iter().any(|(aggregate, _)| *aggregate == name)
        || matches!(name, "if" | "coalesce" | "first" | "last")
}
