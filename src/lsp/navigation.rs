//! Where things are: definitions, uses, the outline of a file.

use gen_lsp_types::{
    DocumentHighlight, DocumentHighlightKind, DocumentSymbol, Location, SymbolInformation,
    SymbolKind as ShownKind,
};

use crate::diagnostic::{FileId, Span};
use crate::language::index::{Role, Symbol, SymbolId, SymbolKind};

use super::ruleset::RuleSet;

/// Where what a name means is declared; several places when it means several things.
pub fn definition(set: &RuleSet, file: FileId, byte: u32) -> Vec<Location> {
    let index = set.index();
    let symbols = index.at(file, byte).map_or(&[][..], |occurrence| occurrence.symbols());
    symbols.iter().map(|id| set.location(index.symbol(*id).span)).collect()
}

fn uses(set: &RuleSet, file: FileId, byte: u32) -> Vec<(Span, bool)> {
    let index = set.index();
    let Some(occurrence) = index.at(file, byte) else { return Vec::new() };
    let meant = occurrence.symbols();
    let same = |symbols: &[SymbolId]| symbols.iter().any(|id| meant.contains(id));
    let found = index.occurrences().iter().filter(|other| same(other.symbols()));
    found.map(|other| (other.span, other.role == Role::Declaration)).collect()
}

/// Every place that names the same, with or without those that declare it.
pub fn references(set: &RuleSet, file: FileId, byte: u32, declarations: bool) -> Vec<Location> {
    let found = uses(set, file, byte).into_iter().filter(|(_, declares)| declarations || !declares);
    found.map(|(span, _)| set.location(span)).collect()
}

/// The same within the file.
pub fn highlights(set: &RuleSet, file: FileId, byte: u32) -> Vec<DocumentHighlight> {
    let found = uses(set, file, byte).into_iter().filter(|(span, _)| span.file == file);
    found
        .map(|(span, declares)| DocumentHighlight {
            range: set.range(span),
            kind: Some(if declares { DocumentHighlightKind::Write } else { DocumentHighlightKind::Read }),
        })
        .collect()
}

/// The outline of a file: its declarations, with fields and events within them.
pub fn outline(set: &RuleSet, file: FileId) -> Vec<DocumentSymbol> {
    let index = set.index();
    let own = index.symbols().filter(|(_, symbol)| symbol.span.file == file && symbol.owner.is_none());
    own.map(|(id, symbol)| {
        let shown = |id: &SymbolId| {
            let member = index.symbol(*id);
            let is_shown = !matches!(member.kind, SymbolKind::Parameter | SymbolKind::Variable);
            // A second declaration of the same name owns nothing of the first.
            is_shown && within(member.span, symbol.extent)
        };
        let members = index.members(id).iter().filter(|id| shown(id));
        let children = members.map(|id| entry(set, index.symbol(*id), Vec::new())).collect();
        entry(set, symbol, children)
    })
    .collect()
}

/// Most declarations that a search gives.
const MAX_FOUND: usize = 1_000;

/// The declarations of a rule set whose names hold the letters of `query` in their order.
pub fn search(set: &RuleSet, query: &str) -> Vec<SymbolInformation> {
    let index = set.index();
    let found = index.symbols().filter(|(_, symbol)| symbol.owner.is_none() && holds(&symbol.name, query));
    let shown = found.take(MAX_FOUND).map(|(_, symbol)| {
        #[expect(deprecated, reason = "the protocol keeps the field, and so does the type")]
        SymbolInformation {
            deprecated: None,
            location: set.location(symbol.span),
            base_symbol_information: gen_lsp_types::BaseSymbolInformation {
                name: symbol.name.clone(),
                kind: kind(symbol.kind),
                tags: None,
                container_name: None,
            },
        }
    });
    shown.collect()
}

/// Whether a name has all letters of the query in their order, perhaps with others between them.
fn holds(name: &str, query: &str) -> bool {
    let mut letters = name.chars().flat_map(char::to_lowercase);
    query.chars().flat_map(char::to_lowercase).all(|wanted| letters.any(|letter| letter == wanted))
}

fn within(inner: Span, outer: Span) -> bool {
    inner.file == outer.file && outer.start <= inner.start && inner.end <= outer.end
}

fn entry(set: &RuleSet, symbol: &Symbol, children: Vec<DocumentSymbol>) -> DocumentSymbol {
    // The whole must hold the name, and editors refuse an outline in which it does not.
    let whole = if within(symbol.span, symbol.extent) { symbol.extent } else { symbol.span };
    let detail = match symbol.kind {
        SymbolKind::Field | SymbolKind::Column | SymbolKind::List | SymbolKind::Def => symbol.detail.clone(),
        _ => String::new(),
    };
    #[expect(deprecated, reason = "the protocol keeps the field, and so does the type")]
    DocumentSymbol {
        name: symbol.name.clone(),
        detail: Some(detail).filter(|detail| !detail.is_empty()),
        kind: kind(symbol.kind),
        tags: None,
        deprecated: None,
        range: set.range(whole),
        selection_range: set.range(symbol.span),
        children: Some(children).filter(|children: &Vec<_>| !children.is_empty()),
    }
}

fn kind(kind: SymbolKind) -> ShownKind {
    match kind {
        SymbolKind::Stream => ShownKind::Interface,
        SymbolKind::Field | SymbolKind::Column | SymbolKind::AlertField => ShownKind::Field,
        SymbolKind::List => ShownKind::Array,
        SymbolKind::Table => ShownKind::Object,
        SymbolKind::Let => ShownKind::Constant,
        SymbolKind::Def => ShownKind::Function,
        SymbolKind::Parameter | SymbolKind::Variable => ShownKind::Variable,
        SymbolKind::Rule => ShownKind::Class,
        SymbolKind::Event => ShownKind::Event,
        SymbolKind::Test => ShownKind::Method,
    }
}
