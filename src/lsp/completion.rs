//! Completion as the protocol has it.

use gen_lsp_types::{
    CompletionItem, CompletionItemKind, CompletionItemTextEdit, CompletionList, Documentation,
    InsertTextFormat, TextEdit,
};

use crate::diagnostic::FileId;
use crate::language::index::{Index, Offer, OfferKind, SymbolKind};

use super::ruleset::RuleSet;

/// What could be written at a byte of a file, with gaps to fill in if the client knows snippets.
pub fn completion(set: &RuleSet, file: FileId, byte: u32, snippets: bool) -> CompletionList {
    let index = set.index();
    let found = index.complete(file, &set.file(file).text, byte);
    let range = set.range(found.word);
    let items = found.offers.into_iter().enumerate().map(|(order, offer)| {
        let snippet = offer.snippet.as_ref().filter(|_| snippets);
        let new_text = snippet.unwrap_or(&offer.label).clone();
        CompletionItem {
            kind: Some(kind(index, &offer)),
            // What is nearest comes first.
            sort_text: Some(format!("{order:05}")),
            insert_text_format: snippet.map(|_| InsertTextFormat::Snippet),
            text_edit: Some(CompletionItemTextEdit::TextEdit(TextEdit { range, new_text })),
            documentation: documentation(&offer).map(Documentation::String),
            detail: detail(&offer),
            label: offer.label,
            ..CompletionItem::default()
        }
    });
    CompletionList { is_incomplete: false, items: items.collect(), ..CompletionList::default() }
}

/// Beside the label there is room for a few words; sentences go below.
fn detail(offer: &Offer) -> Option<String> {
    Some(offer.detail.clone()).filter(|detail| !detail.is_empty() && offer.kind != OfferKind::Function)
}

fn documentation(offer: &Offer) -> Option<String> {
    (offer.kind == OfferKind::Function).then(|| offer.detail.clone())
}

fn kind(index: &Index, offer: &Offer) -> CompletionItemKind {
    match offer.kind {
        OfferKind::Word => CompletionItemKind::Keyword,
        OfferKind::Type => CompletionItemKind::TypeParameter,
        OfferKind::Function => CompletionItemKind::Function,
        OfferKind::Skeleton => CompletionItemKind::Snippet,
        OfferKind::Label => CompletionItemKind::Value,
        OfferKind::Symbol(id) => match index.symbol(id).kind {
            SymbolKind::Stream => CompletionItemKind::Interface,
            SymbolKind::Field | SymbolKind::Column | SymbolKind::AlertField => CompletionItemKind::Field,
            SymbolKind::List | SymbolKind::Table => CompletionItemKind::Struct,
            SymbolKind::Let => CompletionItemKind::Constant,
            SymbolKind::Def => CompletionItemKind::Function,
            SymbolKind::Rule => CompletionItemKind::Class,
            SymbolKind::Event => CompletionItemKind::Event,
            SymbolKind::Parameter | SymbolKind::Variable | SymbolKind::Test => CompletionItemKind::Variable,
        },
    }
}
