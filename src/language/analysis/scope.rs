//! The names that all files share: streams, constants, definitions and rules.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};

use crate::diagnostic::codes::{E0101, E0102, E0106, E0107};
use crate::diagnostic::{Diagnostic, Diagnostics, Span, nearest};
use crate::event::{StreamId, StreamSchema};
use crate::expression::{Aggregate, functions};
use crate::language::tree;

use super::chain::Derived;
use super::expression::Typed;
use super::matching::Regexes;
use super::tables::TableNames;

/// The declarations of a rule set.
pub(super) struct Globals<'a> {
    /// The streams: those of sources sorted by name, then those of alerts sorted by name.
    pub streams: Vec<StreamSchema>,
    /// How many of them are of sources.
    pub sources: usize,
    /// What is known of the streams of alerts, once their rules have been checked.
    pub derived: BTreeMap<StreamId, Derived>,
    /// The fields of each stream that have no type that exists, in the same order.
    pub unread_fields: Vec<BTreeSet<&'a str>>,
    /// Where each stream's name stands, in the same order.
    pub stream_spans: Vec<Span>,
    /// The lists and tables.
    pub tables: TableNames,
    /// Values of the constants that could be computed; `None` where that failed.
    pub constants: BTreeMap<&'a str, Option<Typed>>,
    /// The definitions.
    pub definitions: BTreeMap<&'a str, &'a tree::Def>,
    /// Definitions that are wrong in themselves and were reported there.
    pub broken: BTreeSet<&'a str>,
    /// The events of all rules by name: the rule and the place.
    pub events: BTreeMap<&'a str, (&'a str, Span)>,
    /// What has been reported where it is declared.
    pub reported: Reported<'a>,
    /// The regular expressions of all rules.
    pub regexes: Regexes,
    /// How many operations the expressions of all rules may still hold.
    pub operations: Allowance,
    /// How many operations of conditions may still be looked at for always or never being true.
    pub judged: Allowance,
    /// Whether conditions are kept in pieces, to tell why an event did not fit.
    pub for_tests: bool,
}

/// How much of something is still allowed.
pub(super) struct Allowance(Cell<usize>);

impl Allowance {
    pub fn new(most: usize) -> Allowance {
        Allowance(Cell::new(most))
    }

    /// Whether so much of it is left.
    pub fn has(&self, count: usize) -> bool {
        self.0.get() >= count
    }

    /// Takes so much of it; whether there was enough.
    pub fn take(&self, count: usize) -> bool {
        let left = self.0.get().checked_sub(count);
        self.0.set(left.unwrap_or(0));
        left.is_some()
    }
}

/// What has been reported where it is declared, so that nobody is told that it is unknown.
pub(super) struct Reported<'a> {
    /// Names that stand in text that could not be read, or in declarations with mistakes.
    names: BTreeSet<&'a str>,
    /// Places of types that do not exist.
    types: BTreeSet<Span>,
}

impl<'a> Reported<'a> {
    /// Of all files.
    pub fn of(files: &'a [tree::File]) -> Reported<'a> {
        let unread = files.iter().flat_map(|file| &file.unread.names).map(String::as_str);
        Reported {
            names: unread.collect(),
            types: files.iter().flat_map(|file| &file.unread.types).copied().collect(),
        }
    }

    /// Notes a name whose declaration has a mistake.
    pub fn add(&mut self, name: &'a str) {
        self.names.insert(name);
    }

    /// Whether the name has been reported.
    pub fn contains(&self, name: &str) -> bool {
        self.names.contains(name)
    }

    /// Whether what is written there is no type.
    pub fn is_no_type(&self, ty: &tree::Spanned<crate::event::FieldType>) -> bool {
        self.types.contains(&ty.span)
    }

    /// The fields of a stream whose type does not exist.
    pub fn fields(&self, stream: &'a tree::Stream) -> BTreeSet<&'a str> {
        let tree::StreamBody::Fields(fields) = &stream.body else { return BTreeSet::new() };
        let unread = fields.iter().filter(|field| self.is_no_type(&field.ty));
        unread.map(|field| field.name.node.as_str()).collect()
    }
}

/// All declarations by kind, each name once.
#[derive(Default)]
pub(super) struct Declarations<'a> {
    /// Those that sources feed.
    pub streams: Vec<&'a tree::Stream>,
    pub lists: Vec<&'a tree::List>,
    pub tables: Vec<&'a tree::Table>,
    /// Those that carry the alerts of rules.
    pub derived: Vec<&'a tree::Stream>,
    /// The same by rule.
    streams_of: BTreeMap<&'a str, Vec<&'a tree::Stream>>,
    pub constants: Vec<&'a tree::Let>,
    pub definitions: Vec<&'a tree::Def>,
    pub rules: Vec<&'a tree::Rule>,
    pub tests: Vec<&'a tree::Test>,
}

impl<'a> Declarations<'a> {
    /// The streams that carry the alerts of a rule.
    pub fn streams_of(&self, rule: &str) -> &[&'a tree::Stream] {
        self.streams_of.get(rule).map_or(&[], Vec::as_slice)
    }

    /// The events of all rules by name, each with its rule and place.
    pub fn events(&self) -> BTreeMap<&'a str, (&'a str, Span)> {
        let rules = self.rules.iter().rev();
        rules
            .flat_map(|rule| rule.clauses.iter().map(move |clause| (rule, clause)))
            .filter_map(|(rule, clause)| match &clause.kind {
                tree::ClauseKind::Event(event) => {
                    Some((event.name.node.as_str(), (rule.name.node.as_str(), event.name.span)))
                }
                _ => None,
            })
            .collect()
    }
}

/// Collects the declarations of all files; reports names declared twice and what this version does
/// not run yet.
pub(super) fn collect<'a>(
    files: impl IntoIterator<Item = &'a tree::File>,
    diagnostics: &mut Diagnostics,
) -> Declarations<'a> {
    let mut found = Declarations::default();
    let mut names: BTreeMap<&str, Span> = BTreeMap::new();
    for item in files.into_iter().flat_map(|file| &file.items) {
        let name = match item {
            tree::Item::Stream(stream) => &stream.name,
            tree::Item::List(list) => &list.name,
            tree::Item::Table(table) => &table.name,
            tree::Item::Let(constant) => &constant.name,
            tree::Item::Def(definition) => &definition.name,
            tree::Item::Rule(rule) => &rule.name,
            tree::Item::Test(test) => {
                found.tests.push(test);
                continue;
            }
        };
        if let Some(first) = names.get(name.node.as_str()) {
            diagnostics.push(
                Diagnostic::new(E0106, name.span, format!("`{}` is declared twice", name.node))
                    .label("declared again here")
                    .also(*first, "first declared here")
                    .help("all files of a rule set share their names; rename one of the two"),
            );
            continue;
        }
        names.insert(&name.node, name.span);
        if let Some(diagnostic) = taken(item, name) {
            diagnostics.push(diagnostic);
        }
        match item {
            tree::Item::Stream(stream) => match &stream.body {
                tree::StreamBody::Fields(_) => found.streams.push(stream),
                tree::StreamBody::Rule(rule) => {
                    found.derived.push(stream);
                    found.streams_of.entry(&rule.node).or_default().push(stream);
                }
            },
            tree::Item::List(list) => found.lists.push(list),
            tree::Item::Table(table) => found.tables.push(table),
            tree::Item::Let(constant) => found.constants.push(constant),
            tree::Item::Def(definition) => found.definitions.push(definition),
            tree::Item::Rule(rule) => found.rules.push(rule),
            tree::Item::Test(_) => {}
        }
    }
    found.streams.sort_by(|a, b| a.name.node.cmp(&b.name.node));
    found.derived.sort_by(|a, b| a.name.node.cmp(&b.name.node));
    found.rules.sort_by(|a, b| a.name.node.cmp(&b.name.node));
    found
}

/// The problem of a constant or a definition whose name has a meaning already.
fn taken(item: &tree::Item, name: &tree::Name) -> Option<Diagnostic> {
    match item {
        tree::Item::Let(_) if name.node == "time" => Some(
            Diagnostic::new(E0107, name.span, "`time` always means the event time")
                .help("give the constant another name"),
        ),
        tree::Item::Def(_) if is_function(&name.node) => Some(
            Diagnostic::new(E0107, name.span, format!("`{}` is a function of the language", name.node))
                .help("give the definition another name"),
        ),
        _ => None,
    }
}

/// Whether the language has a function or an aggregate of that name.
pub(super) fn is_function(name: &str) -> bool {
    functions::find(name).is_some()
        || Aggregate::FUNCTIONS.iter().any(|(aggregate, _)| *aggregate == name)
        || matches!(name, "if" | "coalesce" | "first" | "last")
}

/// Most names that a message lists.
const MAX_LISTED: usize = 20;

/// `a`, `b` and `c`, each in backquotes; of very many the first.
pub(super) fn listed<'n>(names: impl IntoIterator<Item = &'n str>) -> String {
    let mut quoted: Vec<String> =
        names.into_iter().take(MAX_LISTED + 1).map(|name| format!("`{name}`")).collect();
    if quoted.len() > MAX_LISTED {
        quoted[MAX_LISTED] = "others".to_owned();
    }
    match quoted.split_last() {
        Some((last, others)) if !others.is_empty() => format!("{} and {last}", others.join(", ")),
        _ => quoted.concat(),
    }
}

impl Globals<'_> {
    /// Whether the stream has, or may have, such a field that could not be read.
    pub fn is_unread_field(&self, stream: StreamId, name: &str) -> bool {
        let is_unknown = self.is_derived(stream) && !self.derived.contains_key(&stream);
        is_unknown || self.reported.contains(name) || self.unread_fields[stream.0 as usize].contains(name)
    }

    /// Whether the stream carries the alerts of a rule.
    pub fn is_derived(&self, stream: StreamId) -> bool {
        stream.0 as usize >= self.sources
    }

    /// The streams of sources that the events of a stream come from: itself or, of alerts, those that
    /// their rule reads, as far as that is known.
    pub fn sources_of(&self, stream: StreamId) -> BTreeSet<StreamId> {
        match self.derived.get(&stream) {
            Some(derived) => derived.sources.clone(),
            None if self.is_derived(stream) => BTreeSet::new(),
            None => BTreeSet::from([stream]),
        }
    }

    /// The schema of a stream.
    pub fn schema(&self, stream: StreamId) -> &StreamSchema {
        &self.streams[stream.0 as usize]
    }

    /// The stream with that name.
    pub fn stream(&self, name: &str) -> Option<StreamId> {
        let (sources, derived) = self.streams.split_at(self.sources);
        let find =
            |list: &[StreamSchema]| list.binary_search_by(|stream| stream.name.as_str().cmp(name)).ok();
        let place = find(sources).or_else(|| Some(find(derived)? + self.sources));
        place.map(|index| StreamId(index as u32))
    }

    /// What is wrong with the name of a stream; `None` when it is one, or when the reason why it is
    /// not has been reported.
    pub fn unknown_stream(&self, name: &tree::Name) -> Option<Diagnostic> {
        if self.stream(&name.node).is_some() || self.reported.contains(&name.node) {
            return None;
        }
        let known = self.streams.iter().map(|stream| stream.name.as_str());
        let diagnostic = Diagnostic::new(E0101, name.span, format!("there is no stream `{}`", name.node));
        Some(match nearest(&name.node, known) {
            Some(near) => diagnostic.help(format!("did you mean `{near}`?")),
            None => diagnostic.help(format!("declare it: `stream {} time at {{ … }}`", name.node)),
        })
    }

    /// What is wrong with the name of a field of `stream`, in the words of `message`; `None` when the
    /// field's declaration has been reported.
    pub fn unknown_field(
        &self,
        stream: StreamId,
        name: &str,
        span: Span,
        message: String,
    ) -> Option<Diagnostic> {
        if self.is_unread_field(stream, name) {
            return None;
        }
        let fields = || self.schema(stream).fields.iter().map(|field| field.name.as_str());
        let diagnostic = Diagnostic::new(E0102, span, message);
        Some(match nearest(name, fields()) {
            Some(near) => diagnostic.help(format!("did you mean `{near}`?")),
            None => diagnostic.help(format!("its fields are {}", listed(fields()))),
        })
    }

    /// A field of `stream` to put into an example: one that holds a number, if there is any.
    pub fn example_field(&self, stream: StreamId) -> &str {
        let fields = &self.schema(stream).fields;
        let number = fields.iter().find(|field| field.ty.value_type().is_number());
        number.or(fields.first()).map_or("time", |field| field.name.as_str())
    }
}
