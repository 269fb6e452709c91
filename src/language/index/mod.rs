//! The names of a rule set: what each of them means, wherever it stands, for editors.
//!
//! Enters: the texts and trees of all files of a rule set, also with mistakes in them. Leaves: every
//! declaration, and every name with its place and what it means there; which edits rename a thing.
//! The rules of meaning are those of the analysis, in short: the analysis rejects what is wrong, the
//! index makes the best of it, so that an editor can help while a rule is being written. A test holds
//! the two together: in rules that compile, every name means something.
//!
//! Invariants: each place has one occurrence at most; time grows with the text, not with products of
//! its parts; nothing here fails.

mod complete;
mod declare;
mod names;
mod rename;
mod symbols;
mod walk;

#[cfg(test)]
mod tests;

use std::collections::{BTreeSet, HashMap};

use crate::diagnostic::{FileId, Sources};
use crate::language::tree::{self, ClauseKind};

pub use complete::{Completion, Offer, OfferKind};
pub use rename::{CannotRename, Edit, apply};
pub use symbols::{Means, Occurrence, Role, RuleNames, Symbol, SymbolId, SymbolKind};

/// The names of a rule set.
#[derive(Clone, Debug, Default)]
pub struct Index {
    symbols: Vec<Symbol>,
    /// By place.
    occurrences: Vec<Occurrence>,
    rules: Vec<RuleNames>,
    globals: HashMap<String, SymbolId>,
    members: HashMap<SymbolId, Vec<SymbolId>>,
    /// The rules whose alerts streams carry.
    chained: HashMap<SymbolId, SymbolId>,
    sinks: BTreeSet<String>,
    tags: BTreeSet<String>,
}

impl Index {
    /// The names of these files; `trees` holds the tree of each file of `sources`, in their order.
    pub fn new(sources: &Sources, trees: &[tree::File]) -> Index {
        let names = declare::declare(sources, trees);
        let occurrences = walk::occurrences(sources, trees, &names);
        let rules = names.rules.iter().map(|scope| names.rule_names(scope)).collect();
        let mut members: HashMap<SymbolId, Vec<SymbolId>> = HashMap::new();
        for (id, symbol) in (0..).map(SymbolId).zip(&names.symbols) {
            if let Some(owner) = symbol.owner {
                members.entry(owner).or_default().push(id);
            }
        }
        let rule_of = |rule: &tree::Name| names.rule(&rule.node);
        let chained = names.chained.iter().filter_map(|(stream, rule)| Some((*stream, rule_of(rule)?)));
        Index {
            occurrences,
            rules,
            globals: names.globals.iter().map(|(name, id)| ((*name).to_owned(), *id)).collect(),
            members,
            chained: chained.collect(),
            sinks: labels(trees, |kind| match kind {
                ClauseKind::To(sinks) => Some(sinks),
                _ => None,
            }),
            tags: labels(trees, |kind| match kind {
                ClauseKind::Tags(tags) => Some(tags),
                _ => None,
            }),
            symbols: names.symbols,
        }
    }

    /// What is declared by that id.
    ///
    /// # Panics
    /// When the id is of another index: a mistake in the caller.
    pub fn symbol(&self, id: SymbolId) -> &Symbol {
        &self.symbols[id.0 as usize]
    }

    /// Everything that is declared, in the order of the files.
    pub fn symbols(&self) -> impl Iterator<Item = (SymbolId, &Symbol)> {
        (0..).map(SymbolId).zip(&self.symbols)
    }

    /// Every name that declares or uses something, by place.
    pub fn occurrences(&self) -> &[Occurrence] {
        &self.occurrences
    }

    /// The name at a byte of a file, or the one that ends there.
    pub fn at(&self, file: FileId, byte: u32) -> Option<&Occurrence> {
        let after = self.occurrences.partition_point(|one| (one.span.file, one.span.start) <= (file, byte));
        let found = self.occurrences[..after].last()?;
        (found.span.file == file && byte <= found.span.end).then_some(found)
    }

    /// The places of everything that means this, and perhaps more.
    pub fn uses(&self, symbol: SymbolId) -> impl Iterator<Item = &Occurrence> {
        self.occurrences.iter().filter(move |one| one.symbols().contains(&symbol))
    }

    /// The stream, constant, definition, list, table or rule of that name.
    pub fn global(&self, name: &str) -> Option<SymbolId> {
        self.globals.get(name).copied()
    }

    /// What belongs to a symbol, in the order declared: the fields of a stream, the columns of a
    /// table, the parameters of a definition, the names of a rule.
    pub fn members(&self, owner: SymbolId) -> &[SymbolId] {
        self.members.get(&owner).map_or(&[], Vec::as_slice)
    }

    /// The names of a rule.
    pub fn rule(&self, rule: SymbolId) -> Option<&RuleNames> {
        self.rules.iter().find(|names| names.rule == rule)
    }

    /// The names of all rules.
    pub fn rules(&self) -> &[RuleNames] {
        &self.rules
    }

    /// The stream that a stream, event or variable stands for.
    pub fn stream_of(&self, symbol: SymbolId) -> Option<SymbolId> {
        match self.symbol(symbol).kind {
            SymbolKind::Stream => Some(symbol),
            _ => self.symbol(symbol).stream,
        }
    }

    /// The rule whose alerts a stream carries.
    pub fn alerts_of(&self, stream: SymbolId) -> Option<SymbolId> {
        self.chained.get(&stream).copied()
    }
}

/// The names in clauses that hold nothing but names.
fn labels<'t>(
    trees: &'t [tree::File],
    of: impl Fn(&'t ClauseKind) -> Option<&'t Vec<tree::Name>>,
) -> BTreeSet<String> {
    let items = trees.iter().flat_map(|tree| &tree.items);
    let rules = items.filter_map(|item| match item {
        tree::Item::Rule(rule) => Some(rule),
        _ => None,
    });
    let clauses = rules.flat_map(|rule| &rule.clauses);
    clauses.filter_map(|clause| of(&clause.kind)).flatten().map(|name| name.node.clone()).collect()
}
