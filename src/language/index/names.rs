//! Looking names up.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;

use crate::diagnostic::Span;
use crate::language::tree::{self, Atom, ClauseKind, Element, ExprKind, Part, Sequence, TemplatePart};

use super::declare::Declared;
use super::symbols::{RuleNames, Symbol, SymbolId, SymbolKind};

/// How many rules whose alerts others use, one behind the other, are looked through.
const MAX_CHAIN: usize = 64;
/// How many parts of a key, names of a part and streams of a rule are looked at. A key with more is
/// wrong, and a name for each would take time that grows with their product.
const MAX_KEY: usize = 64;

/// The fields that a part of a key means, for each stream that has it.
pub(super) type KeyFields = Vec<(SymbolId, Vec<SymbolId>)>;

/// Everything that is declared, by name.
#[derive(Default)]
pub(super) struct Names<'t> {
    pub symbols: Vec<Symbol>,
    /// By the places of their names.
    pub declared: Declared,
    /// Streams, constants, definitions, lists, tables and rules share their names.
    pub globals: HashMap<&'t str, SymbolId>,
    /// Fields, columns and parameters, by what they belong to.
    pub members: HashMap<(SymbolId, &'t str), SymbolId>,
    /// The fields of streams, by the path in JSON that they are read from.
    pub paths: HashMap<(SymbolId, String), SymbolId>,
    /// The rules whose alerts a stream carries.
    pub chained: HashMap<SymbolId, &'t tree::Name>,
    pub rules: Vec<RuleScope<'t>>,
    /// Places in `rules`, by the place of the rule's name.
    pub rule_places: HashMap<Span, usize>,
    /// Places in `rules`, by rule.
    pub rule_scopes: HashMap<SymbolId, usize>,
    /// Fields of streams that carry alerts, once they have been asked for.
    derived: RefCell<HashMap<(SymbolId, String), Vec<SymbolId>>>,
    /// How many of them are being looked for at the moment.
    depth: Cell<usize>,
}

/// The names of one rule.
pub(super) struct RuleScope<'t> {
    pub rule: SymbolId,
    pub tree: &'t tree::Rule,
    pub events: HashMap<&'t str, SymbolId>,
    pub event_order: Vec<SymbolId>,
    pub variables: HashMap<&'t str, SymbolId>,
    pub variable_order: Vec<(&'t str, SymbolId)>,
    pub alert_fields: HashMap<&'t str, SymbolId>,
    pub alert_field_order: Vec<SymbolId>,
    /// The streams that it reads, sorted by name.
    pub streams: Vec<SymbolId>,
}

impl<'t> Names<'t> {
    pub fn symbol(&self, id: SymbolId) -> &Symbol {
        &self.symbols[id.0 as usize]
    }

    fn global(&self, name: &str, kinds: &[SymbolKind]) -> Option<SymbolId> {
        self.globals.get(name).copied().filter(|id| kinds.contains(&self.symbol(*id).kind))
    }

    pub fn stream(&self, name: &str) -> Option<SymbolId> {
        self.global(name, &[SymbolKind::Stream])
    }

    pub fn rule(&self, name: &str) -> Option<SymbolId> {
        self.global(name, &[SymbolKind::Rule])
    }

    pub fn definition(&self, name: &str) -> Option<SymbolId> {
        self.global(name, &[SymbolKind::Def])
    }

    /// A list, a table or a constant.
    pub fn value(&self, name: &str) -> Option<SymbolId> {
        self.global(name, &[SymbolKind::Let, SymbolKind::List, SymbolKind::Table])
    }

    pub fn member(&self, owner: SymbolId, name: &str) -> Option<SymbolId> {
        self.members.get(&(owner, name)).copied()
    }

    pub fn scope(&self, rule: SymbolId) -> Option<&RuleScope<'t>> {
        self.rule_scopes.get(&rule).map(|place| &self.rules[*place])
    }

    /// The stream that a stream, event or variable stands for.
    pub fn stream_of(&self, symbol: SymbolId) -> Option<SymbolId> {
        match self.symbol(symbol).kind {
            SymbolKind::Stream => Some(symbol),
            _ => self.symbol(symbol).stream,
        }
    }

    /// The fields that a name means in the events of a stream: one that it declares or, of alerts, a
    /// field of the alert or a part of the rule's key.
    pub fn fields(&self, stream: SymbolId, name: &str) -> Vec<SymbolId> {
        let Some(rule) = self.chained.get(&stream) else {
            return self.member(stream, name).into_iter().collect();
        };
        let asked = (stream, name.to_owned());
        if let Some(known) = self.derived.borrow().get(&asked) {
            return known.clone();
        }
        // Rules that use each other's alerts in a circle end here.
        self.derived.borrow_mut().insert(asked.clone(), Vec::new());
        if self.depth.get() == MAX_CHAIN {
            return Vec::new();
        }
        self.depth.set(self.depth.get() + 1);
        let scope = self.rule(&rule.node).and_then(|rule| self.scope(rule));
        let found = match scope {
            None => Vec::new(),
            Some(scope) => match scope.alert_fields.get(name) {
                Some(field) => vec![*field],
                None => self.key_part(scope, name).unwrap_or_default(),
            },
        };
        self.depth.set(self.depth.get() - 1);
        self.derived.borrow_mut().insert(asked, found.clone());
        found
    }

    /// Whether the stream carries alerts, which have a `time` and a `kind`.
    pub fn is_chained(&self, stream: SymbolId) -> bool {
        self.chained.contains_key(&stream)
    }

    /// The fields that a part of the key means, by the name that alerts know it by; `None` when the
    /// key has no such part.
    pub fn key_part(&self, scope: &RuleScope<'t>, name: &str) -> Option<Vec<SymbolId>> {
        let part =
            scope.key().find(|part| part.fields.first().is_some_and(|first| first.field.node == name))?;
        Some(distinct(&self.key_field(scope, part, part.fields.first()?)))
    }

    /// What one field of a part of the key means: of the stream that it names or, naming none, of all
    /// streams of the rule that the part does not name otherwise.
    pub fn key_field(
        &self,
        scope: &RuleScope<'t>,
        part: &tree::KeyPart,
        field: &tree::KeyField,
    ) -> KeyFields {
        let of = |stream: SymbolId| Some((stream, self.fields(stream, &field.field.node)));
        if let Some(stream) = &field.stream {
            return self.stream(&stream.node).and_then(of).into_iter().collect();
        }
        let fields = part.fields.iter().take(MAX_KEY);
        let named: Vec<&str> =
            fields.filter_map(|field| Some(field.stream.as_ref()?.node.as_str())).collect();
        let streams = scope.streams.iter().take(MAX_KEY);
        let streams = streams.filter(|id| !named.contains(&self.symbol(**id).name.as_str()));
        streams.filter_map(|stream| of(*stream)).filter(|(_, fields)| !fields.is_empty()).collect()
    }

    /// The names of a rule for whoever asks the index.
    pub fn rule_names(&self, scope: &RuleScope<'t>) -> RuleNames {
        let key = scope.key().filter_map(|part| {
            let name = &part.fields.first()?.field.node;
            Some((name.clone(), self.key_part(scope, name)?))
        });
        RuleNames {
            rule: scope.rule,
            events: scope.event_order.clone(),
            variables: scope.variable_order.iter().map(|(name, id)| ((*name).to_owned(), *id)).collect(),
            streams: scope.streams.clone(),
            key: key.collect(),
            alert_fields: scope.alert_field_order.clone(),
        }
    }
}

impl<'t> RuleScope<'t> {
    pub fn new(rule: SymbolId, tree: &'t tree::Rule) -> RuleScope<'t> {
        RuleScope {
            rule,
            tree,
            events: HashMap::new(),
            event_order: Vec::new(),
            variables: HashMap::new(),
            variable_order: Vec::new(),
            alert_fields: HashMap::new(),
            alert_field_order: Vec::new(),
            streams: Vec::new(),
        }
    }

    /// The event or, where there is none, the stream that a name in the pattern means.
    pub fn event_or_stream(&self, names: &Names<'t>, name: &str) -> Option<SymbolId> {
        self.events.get(name).copied().or_else(|| names.stream(name))
    }

    /// What a name before a point means: what the pattern captures by it. Where the pattern captures
    /// nothing by it, perhaps because it could not be read, the event or stream of that name.
    pub fn captured(&self, names: &Names<'t>, name: &str) -> Option<SymbolId> {
        self.variables.get(name).copied().or_else(|| self.event_or_stream(names, name))
    }

    /// The parts of the key, as far as they are looked at.
    pub fn key(&self) -> impl Iterator<Item = &'t tree::KeyPart> + use<'t> {
        let by = self.tree.clauses.iter().find_map(|clause| match &clause.kind {
            ClauseKind::By(parts) => Some(parts.as_slice()),
            _ => None,
        });
        by.unwrap_or_default().iter().take(MAX_KEY)
    }

    /// Finds the streams that the rule reads: those of its pattern and of the past that its
    /// expressions look at. Where the pattern could not be read, those of its events.
    pub fn find_streams(&mut self, names: &Names<'t>) {
        let mut found = Vec::new();
        let mut has_pattern = false;
        for clause in &self.tree.clauses {
            if let ClauseKind::Match(clause) = &clause.kind {
                has_pattern = true;
                let mut add = |name: &str| found.extend(self.event_or_stream(names, name));
                names_in(&clause.pattern, &mut add);
            }
        }
        if !has_pattern {
            found.extend(&self.event_order);
        }
        for expr in expressions(self.tree) {
            past_streams(expr, &mut |name| found.extend(names.stream(name)));
        }
        let mut streams: Vec<SymbolId> = found.into_iter().filter_map(|id| names.stream_of(id)).collect();
        streams.sort_by(|a, b| (&names.symbol(*a).name, a).cmp(&(&names.symbol(*b).name, b)));
        streams.dedup();
        self.streams = streams;
    }
}

/// The different fields among those of all streams.
pub(super) fn distinct(fields: &KeyFields) -> Vec<SymbolId> {
    let mut all: Vec<SymbolId> = fields.iter().flat_map(|(_, fields)| fields).copied().collect();
    all.sort();
    all.dedup();
    all
}

/// The names of events and streams in a pattern.
fn names_in(sequence: &tree::Sequence, add: &mut impl FnMut(&str)) {
    names_in_element(&sequence.first, add);
    for part in &sequence.rest {
        match part {
            Part::Step { element, .. } => names_in_element(element, add),
            Part::Absence(absence) => add(&absence.name.node),
        }
    }
}

fn names_in_element(element: &Element, add: &mut impl FnMut(&str)) {
    if let Some(until) = &element.until {
        add(&until.node);
    }
    match &element.atom {
        Atom::Name { name, .. } => add(&name.node),
        Atom::Group(group) => {
            let branches: &[Sequence] = &group.branches;
            branches.iter().for_each(|branch| names_in(branch, add));
        }
        Atom::Element(inner) => names_in_element(inner, add),
    }
}

/// All expressions of a rule.
fn expressions(rule: &tree::Rule) -> Vec<&tree::Expr> {
    let mut found = Vec::new();
    for clause in &rule.clauses {
        match &clause.kind {
            ClauseKind::Event(event) => found.extend(&event.condition),
            ClauseKind::Alert(alert) => alert_expressions(alert, &mut found),
            ClauseKind::OnTimeout(timeout) => alert_expressions(&timeout.alert, &mut found),
            ClauseKind::Limit(limit) => found.extend(&limit.for_each),
            _ => {}
        }
    }
    found
}

fn alert_expressions<'t>(alert: &'t tree::Alert, found: &mut Vec<&'t tree::Expr>) {
    found.extend(alert.title.parts.iter().filter_map(|part| match part {
        TemplatePart::Expr(expr) => Some(expr),
        TemplatePart::Text(_) => None,
    }));
    found.extend(alert.fields.iter().map(|field| &field.value));
}

/// The streams whose past an expression looks at.
fn past_streams(expr: &tree::Expr, add: &mut impl FnMut(&str)) {
    let mut rest = vec![expr];
    while let Some(expr) = rest.pop() {
        if let Some(name) = past_stream(expr) {
            add(name);
        }
        rest.extend(tree::operands(expr));
    }
}

/// The stream whose past an aggregate looks at; `None` for anything else.
pub(super) fn past_stream(expr: &tree::Expr) -> Option<&str> {
    let ExprKind::Call { arguments, condition, over, .. } = &expr.kind else { return None };
    if condition.is_none() && over.is_none() {
        return None;
    }
    match &arguments.first()?.kind {
        ExprKind::Name(name) => Some(name),
        ExprKind::Field(of, _) => match &of.kind {
            ExprKind::Name(name) => Some(name),
            _ => None,
        },
        _ => None,
    }
}
