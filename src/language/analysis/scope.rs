//! The names that all files share: streams, constants, definitions and rules.

use std::collections::BTreeMap;

use crate::diagnostic::codes::{E0101, E0106, E0901};
use crate::diagnostic::{Diagnostic, Diagnostics, Span, nearest};
use crate::event::{StreamId, StreamSchema};
use crate::language::tree;

use super::expression::Typed;

/// The declarations of a rule set.
pub(super) struct Globals<'a> {
    /// The streams, sorted by name.
    pub streams: Vec<StreamSchema>,
    /// Where each stream's name stands, in the same order.
    pub stream_spans: Vec<Span>,
    /// Values of the constants that could be computed; `None` where that failed.
    pub constants: BTreeMap<&'a str, Option<Typed>>,
    /// The definitions.
    pub definitions: BTreeMap<&'a str, &'a tree::Def>,
    /// Definitions that are wrong in themselves and were reported there.
    pub broken: std::collections::BTreeSet<&'a str>,
}

/// All declarations by kind, each name once.
#[derive(Default)]
pub(super) struct Declarations<'a> {
    pub streams: Vec<&'a tree::Stream>,
    pub constants: Vec<&'a tree::Let>,
    pub definitions: Vec<&'a tree::Def>,
    pub rules: Vec<&'a tree::Rule>,
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
                diagnostics.push(not_yet(test.span, "`test` blocks"));
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
        match item {
            tree::Item::Stream(stream) => match &stream.body {
                tree::StreamBody::Fields(_) => found.streams.push(stream),
                tree::StreamBody::Rule(_) => {
                    diagnostics.push(not_yet(stream.span, "streams made of a rule's alerts"));
                }
            },
            tree::Item::List(list) => diagnostics.push(not_yet(list.name.span, "lists")),
            tree::Item::Table(table) => diagnostics.push(not_yet(table.name.span, "tables")),
            tree::Item::Let(constant) => found.constants.push(constant),
            tree::Item::Def(definition) => found.definitions.push(definition),
            tree::Item::Rule(rule) => found.rules.push(rule),
            tree::Item::Test(_) => {}
        }
    }
    found.streams.sort_by(|a, b| a.name.node.cmp(&b.name.node));
    found.rules.sort_by(|a, b| a.name.node.cmp(&b.name.node));
    found
}

/// A part of the language that parses but does not run yet.
pub(super) fn not_yet(span: Span, what: &str) -> Diagnostic {
    Diagnostic::new(E0901, span, format!("{what} are not supported by this version"))
        .help("take it out for now; nothing is silently ignored")
}

impl Globals<'_> {
    /// The schema of a stream.
    pub fn schema(&self, stream: StreamId) -> &StreamSchema {
        &self.streams[stream.0 as usize]
    }

    /// The stream with that name.
    pub fn stream(&self, name: &str) -> Option<StreamId> {
        self.streams
            .binary_search_by(|stream| stream.name.as_str().cmp(name))
            .ok()
            .map(|index| StreamId(index as u32))
    }

    /// The stream with that name, or a diagnostic that suggests the nearest.
    pub fn expect_stream(&self, name: &tree::Name) -> Result<StreamId, Box<Diagnostic>> {
        self.stream(&name.node).ok_or_else(|| {
            let known = self.streams.iter().map(|stream| stream.name.as_str());
            let diagnostic = Diagnostic::new(E0101, name.span, format!("there is no stream `{}`", name.node));
            Box::new(match nearest(&name.node, known) {
                Some(near) => diagnostic.help(format!("did you mean `{near}`?")),
                None => diagnostic.help(format!("declare it: `stream {} time at {{ … }}`", name.node)),
            })
        })
    }
}
