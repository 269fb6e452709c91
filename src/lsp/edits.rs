//! Changes that the server works out and the editor makes: renaming, formatting.

use std::collections::HashMap;

use gen_lsp_types::{
    DocumentChange, Edit as ShownEdit, OptionalVersionedTextDocumentIdentifier, PrepareRenamePlaceholder,
    TextDocumentEdit, TextDocumentIdentifier, TextEdit, Uri, WorkspaceEdit,
};

use crate::diagnostic::{FileId, Span};
use crate::language;
use crate::language::index::{CannotRename, Edit, Role, SymbolId};

use super::ruleset::RuleSet;

/// The one thing that a name means, if it can have another name.
fn renamed(set: &RuleSet, file: FileId, byte: u32) -> Result<SymbolId, String> {
    let occurrence = set.index().at(file, byte).ok_or("there is no name here")?;
    match occurrence.symbols() {
        [] => Err(format!("`{}` is not declared in these rules", set.sources().text(occurrence.span))),
        [_] if occurrence.role == Role::Member => {
            Err("this is the name that the JSON has; rename the field where it is declared".to_owned())
        }
        [one] => Ok(*one),
        several => {
            let index = set.index();
            let owner = |id: &SymbolId| Some(index.symbol(index.symbol(*id).owner?).name.as_str());
            let owners: Vec<String> =
                several.iter().filter_map(owner).map(|name| format!("`{name}`")).collect();
            Err(format!(
                "`{}` stands for a field of each of {}: rename it where it is declared",
                set.sources().text(occurrence.span),
                owners.join(", ")
            ))
        }
    }
}

/// The name at a byte of a file and its place, if it can be changed.
///
/// # Errors
/// When it cannot, with the reason.
pub fn prepare_rename(set: &RuleSet, file: FileId, byte: u32) -> Result<PrepareRenamePlaceholder, String> {
    let symbol = renamed(set, file, byte)?;
    let index = set.index();
    let occurrence = index.at(file, byte).ok_or("there is no name here")?;
    // Tells whether there is any name that it could have.
    let declared = index.symbol(symbol);
    if let Err(error @ CannotRename::NoName(_)) = index.rename(set.sources(), set.trees(), symbol, "") {
        return Err(error.to_string());
    }
    Ok(PrepareRenamePlaceholder { range: set.range(occurrence.span), placeholder: declared.name.clone() })
}

/// The changes that give what a name means another name; with the versions of open documents if the
/// client understands them.
///
/// # Errors
/// When there is no such name here, or it cannot be called so.
pub fn rename(
    set: &RuleSet,
    file: FileId,
    byte: u32,
    name: &str,
    versioned: bool,
) -> Result<WorkspaceEdit, String> {
    let symbol = renamed(set, file, byte)?;
    let edits = set.index().rename(set.sources(), set.trees(), symbol, name);
    let edits = edits.map_err(|error| error.to_string())?;
    let own = |file: FileId| edits.iter().filter(move |edit| edit.span.file == file);
    let shown = |edit: &Edit| TextEdit { range: set.range(edit.span), new_text: edit.text.clone() };
    let files = set.files().filter(|(file, ..)| own(*file).next().is_some());
    if !versioned {
        let changes: HashMap<Uri, Vec<TextEdit>> =
            files.map(|(file, uri, _)| (uri.clone(), own(file).map(shown).collect())).collect();
        return Ok(WorkspaceEdit { changes: Some(changes), ..WorkspaceEdit::default() });
    }
    let changes = files.map(|(file, uri, version)| {
        let text_document_identifier = TextDocumentIdentifier { uri: uri.clone() };
        let text_document = OptionalVersionedTextDocumentIdentifier { version, text_document_identifier };
        let edits = own(file).map(shown).map(ShownEdit::TextEdit).collect();
        DocumentChange::TextDocumentEdit(TextDocumentEdit { text_document, edits })
    });
    Ok(WorkspaceEdit { document_changes: Some(changes.collect()), ..WorkspaceEdit::default() })
}

/// The changes that bring a file into its canonical form: none when it has it, or cannot be read, which
/// its diagnostics tell. Lines at its beginning and its end that stay are not touched.
pub fn formatting(set: &RuleSet, file: FileId) -> Vec<TextEdit> {
    let old = &set.file(file).text;
    let Ok(new) = language::format(file, old) else { return Vec::new() };
    if *old == new {
        return Vec::new();
    }
    let pairs = old.split_inclusive('\n').zip(new.split_inclusive('\n'));
    let before: usize = pairs.take_while(|(old, new)| old == new).map(|(line, _)| line.len()).sum();
    let (old_rest, new_rest) = (&old[before..], &new[before..]);
    let pairs = old_rest.split_inclusive('\n').rev().zip(new_rest.split_inclusive('\n').rev());
    let after: usize = pairs.take_while(|(old, new)| old == new).map(|(line, _)| line.len()).sum();
    let span = Span::new(file, before, old.len() - after);
    let new_text = new_rest[..new_rest.len() - after].to_owned();
    vec![TextEdit { range: set.range(span), new_text }]
}
