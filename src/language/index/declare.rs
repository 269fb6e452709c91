//! Declarations: everything that has a name, before anybody uses it.

use std::collections::HashMap;

use crate::diagnostic::{Sources, Span};
use crate::event::{FieldType, TimeUnit};
use crate::language::tree::{self, Atom, ClauseKind, Item, StreamBody};

use super::names::{Names, RuleScope};
use super::symbols::{Symbol, SymbolId, SymbolKind};

/// The declarations of all files; a name that is declared twice means its first declaration.
pub(super) fn declare<'t>(sources: &'t Sources, trees: &'t [tree::File]) -> Names<'t> {
    let mut declarer = Declarer { sources, names: Names::default() };
    for item in trees.iter().flat_map(|tree| &tree.items) {
        declarer.item(item);
    }
    // Events name streams, which may stand in a later file.
    for item in trees.iter().flat_map(|tree| &tree.items) {
        if let Item::Rule(rule) = item {
            declarer.inside_rule(rule);
        }
    }
    declarer.names
}

struct Declarer<'t> {
    sources: &'t Sources,
    names: Names<'t>,
}

impl<'t> Declarer<'t> {
    fn item(&mut self, item: &'t Item) {
        match item {
            Item::Stream(stream) => {
                let id = self.global(SymbolKind::Stream, &stream.name, stream.span);
                match &stream.body {
                    StreamBody::Fields(fields) => {
                        fields.iter().for_each(|field| self.field(SymbolKind::Field, id, field));
                    }
                    StreamBody::Rule(rule) => {
                        self.names.chained.insert(id, rule);
                    }
                }
            }
            Item::List(list) => {
                let id = self.global(SymbolKind::List, &list.name, list.name.span.to(list.file.span));
                self.names.symbols[id.0 as usize].detail = type_text(list.ty.node);
            }
            Item::Table(table) => {
                let end = table.columns.last().map_or(table.file.span, |column| column.field.ty.span);
                let id = self.global(SymbolKind::Table, &table.name, table.name.span.to(end));
                for column in &table.columns {
                    self.field(SymbolKind::Column, id, &column.field);
                }
            }
            Item::Let(constant) => {
                self.global(SymbolKind::Let, &constant.name, constant.name.span.to(constant.value.span));
            }
            Item::Def(definition) => self.definition(definition),
            Item::Rule(rule) => {
                self.global(SymbolKind::Rule, &rule.name, rule.span);
            }
            Item::Test(test) => {
                self.push(SymbolKind::Test, &test.name.node, test.name.span, test.span, None);
            }
        }
    }

    fn push(
        &mut self,
        kind: SymbolKind,
        name: &str,
        span: Span,
        extent: Span,
        owner: Option<SymbolId>,
    ) -> SymbolId {
        let id = SymbolId(self.names.symbols.len() as u32);
        self.names.symbols.push(Symbol {
            name: name.to_owned(),
            kind,
            span,
            extent,
            owner,
            stream: None,
            detail: String::new(),
            path: None,
            path_missing_at: None,
        });
        self.names.declared.insert(span, id);
        id
    }

    fn global(&mut self, kind: SymbolKind, name: &'t tree::Name, extent: Span) -> SymbolId {
        let id = self.push(kind, &name.node, name.span, extent, None);
        self.names.globals.entry(&name.node).or_insert(id);
        id
    }

    fn member(&mut self, kind: SymbolKind, owner: SymbolId, name: &'t tree::Name, extent: Span) -> SymbolId {
        let id = self.push(kind, &name.node, name.span, extent, Some(owner));
        self.names.members.entry((owner, &name.node)).or_insert(id);
        id
    }

    fn field(&mut self, kind: SymbolKind, owner: SymbolId, field: &'t tree::Field) {
        let text = &self.sources.file(field.name.span.file).text;
        let type_end = match field.optional {
            false => field.ty.span.end,
            true => behind_question_mark(text, field.ty.span.end),
        };
        let end = field.from.as_ref().map_or(type_end, |from| from.span.end);
        let extent = Span { end, ..field.name.span };
        let id = self.member(kind, owner, &field.name, extent);
        let path = field.from.as_ref().map_or(&field.name.node, |from| &from.node);
        self.names.paths.entry((owner, path.clone())).or_insert(id);
        let symbol = &mut self.names.symbols[id.0 as usize];
        symbol.detail = type_text(field.ty.node);
        if field.optional {
            symbol.detail.push('?');
        }
        match &field.from {
            Some(from) => symbol.path = Some(from.node.clone()),
            None => symbol.path_missing_at = Some(type_end),
        }
    }

    fn definition(&mut self, definition: &'t tree::Def) {
        let extent = definition.name.span.to(definition.body.span);
        let id = self.global(SymbolKind::Def, &definition.name, extent);
        let mut parameters = Vec::new();
        for parameter in &definition.parameters {
            let extent = parameter.name.span.to(parameter.ty.span);
            let own = self.member(SymbolKind::Parameter, id, &parameter.name, extent);
            let ty = type_text(parameter.ty.node);
            parameters.push(format!("{} {ty}", parameter.name.node));
            self.names.symbols[own.0 as usize].detail = ty;
        }
        self.names.symbols[id.0 as usize].detail = format!("({})", parameters.join(", "));
    }

    /// The names that a rule gives to its events, captures and alerts' fields.
    fn inside_rule(&mut self, rule: &'t tree::Rule) {
        let Some(&id) = self.names.declared.get(&rule.name.span) else { return };
        let mut scope = RuleScope::new(id, rule);
        for clause in &rule.clauses {
            if let ClauseKind::Event(event) = &clause.kind {
                let own =
                    self.push(SymbolKind::Event, &event.name.node, event.name.span, clause.span, Some(id));
                self.names.symbols[own.0 as usize].stream = self.names.stream(&event.stream.node);
                scope.events.entry(&event.name.node).or_insert(own);
                scope.event_order.push(own);
            }
        }
        for clause in &rule.clauses {
            match &clause.kind {
                ClauseKind::Match(clause) => self.captures(&clause.pattern, &mut scope),
                ClauseKind::Alert(alert) => self.alert_fields(alert, &mut scope),
                ClauseKind::OnTimeout(timeout) => self.alert_fields(&timeout.alert, &mut scope),
                _ => {}
            }
        }
        scope.find_streams(&self.names);
        self.names.rule_places.insert(rule.name.span, self.names.rules.len());
        self.names.rule_scopes.insert(id, self.names.rules.len());
        self.names.rules.push(scope);
    }

    fn captures(&mut self, sequence: &'t tree::Sequence, scope: &mut RuleScope<'t>) {
        let rest = sequence.rest.iter().filter_map(|part| match part {
            tree::Part::Step { element, .. } => Some(element),
            tree::Part::Absence(_) => None,
        });
        for element in std::iter::once(&sequence.first).chain(rest) {
            self.captures_of(&element.atom, scope);
        }
    }

    fn captures_of(&mut self, atom: &'t Atom, scope: &mut RuleScope<'t>) {
        match atom {
            Atom::Group(group) => {
                group.branches.iter().for_each(|branch| self.captures(branch, scope));
            }
            Atom::Element(element) => self.captures_of(&element.atom, scope),
            Atom::Name { name, alias } => {
                let step = scope.event_or_stream(&self.names, &name.node);
                let (written, variable) = match alias {
                    None => (name, step),
                    Some(alias) => {
                        let span = alias.span;
                        let extent = name.span.to(span);
                        let id = self.push(SymbolKind::Variable, &alias.node, span, extent, Some(scope.rule));
                        let stream = step.and_then(|step| self.names.stream_of(step));
                        self.names.symbols[id.0 as usize].stream = stream;
                        (alias, Some(id))
                    }
                };
                if let Some(variable) = variable
                    && !scope.variables.contains_key(written.node.as_str())
                {
                    scope.variables.insert(&written.node, variable);
                    scope.variable_order.push((&written.node, variable));
                }
            }
        }
    }

    fn alert_fields(&mut self, alert: &'t tree::Alert, scope: &mut RuleScope<'t>) {
        for field in &alert.fields {
            match scope.alert_fields.get(field.name.node.as_str()) {
                Some(&known) => {
                    self.names.declared.insert(field.name.span, known);
                }
                None => {
                    let extent = field.name.span.to(field.value.span);
                    let name = &field.name;
                    let owner = Some(scope.rule);
                    let id = self.push(SymbolKind::AlertField, &name.node, name.span, extent, owner);
                    scope.alert_fields.insert(&name.node, id);
                    scope.alert_field_order.push(id);
                }
            }
        }
    }
}

/// The end of the `?` that follows a type.
fn behind_question_mark(text: &str, type_end: u32) -> u32 {
    let rest = text.get(type_end as usize..).unwrap_or_default();
    let blank = rest.len() - rest.trim_start().len();
    if rest[blank..].starts_with('?') { type_end + blank as u32 + 1 } else { type_end }
}

/// A type as the language writes it.
fn type_text(ty: FieldType) -> String {
    let unit = match ty {
        FieldType::Timestamp(Some(unit)) => unit,
        other => return other.value_type().to_string(),
    };
    let unit = match unit {
        TimeUnit::Seconds => "s",
        TimeUnit::Millis => "ms",
        TimeUnit::Micros => "us",
        TimeUnit::Nanos => "ns",
    };
    format!("timestamp({unit})")
}

/// Where things are declared, by the place of their names.
pub(super) type Declared = HashMap<Span, SymbolId>;
