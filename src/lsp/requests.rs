//! What a client may ask about a document.

use std::rc::Rc;

use gen_lsp_types::{
    CompletionParams, DefinitionParams, DocumentFormattingParams, DocumentHighlightParams,
    DocumentSymbolParams, HoverParams, PrepareRenameParams, ReferenceParams, RenameParams,
    TextDocumentPositionParams, Uri, WorkspaceSymbolParams,
};
use serde::Serialize;
use serde_json::Value;

use crate::diagnostic::FileId;

use super::client::Client;
use super::ruleset::RuleSet;
use super::server::parameters;
use super::transport::Failure;
use super::workspace::Workspace;
use super::{completion, edits, hover, navigation};

/// Answers a request.
///
/// # Errors
/// When it is not known, about nothing that is known, or cannot be done.
pub fn answer(
    workspace: &mut Workspace,
    client: &Client,
    method: &str,
    params: Value,
) -> Result<Value, Failure> {
    let mut at = |place: TextDocumentPositionParams| Place::new(workspace, &place);
    match method {
        "textDocument/hover" => {
            let place = at(parameters::<HoverParams>(params)?.text_document_position_params)?;
            json(hover::hover(&place.set, place.file, place.byte, client.markdown))
        }
        "textDocument/definition" => {
            let place = at(parameters::<DefinitionParams>(params)?.text_document_position_params)?;
            json(navigation::definition(&place.set, place.file, place.byte))
        }
        "textDocument/references" => {
            let params: ReferenceParams = parameters(params)?;
            let place = at(params.text_document_position_params)?;
            let declarations = params.context.include_declaration;
            json(navigation::references(&place.set, place.file, place.byte, declarations))
        }
        "textDocument/documentHighlight" => {
            let place = at(parameters::<DocumentHighlightParams>(params)?.text_document_position_params)?;
            json(navigation::highlights(&place.set, place.file, place.byte))
        }
        "textDocument/completion" => {
            let place = at(parameters::<CompletionParams>(params)?.text_document_position_params)?;
            json(completion::completion(&place.set, place.file, place.byte, client.snippets))
        }
        "textDocument/prepareRename" => {
            let place = at(parameters::<PrepareRenameParams>(params)?.text_document_position_params)?;
            json(edits::prepare_rename(&place.set, place.file, place.byte).map_err(refused)?)
        }
        "textDocument/rename" => {
            let params: RenameParams = parameters(params)?;
            let place = at(params.text_document_position_params)?;
            let versioned = client.versioned_edits;
            let edit = edits::rename(&place.set, place.file, place.byte, &params.new_name, versioned);
            json(edit.map_err(refused)?)
        }
        "textDocument/formatting" => {
            let params: DocumentFormattingParams = parameters(params)?;
            let (set, file) = document(workspace, &params.text_document.uri)?;
            json(edits::formatting(&set, file))
        }
        "textDocument/documentSymbol" => {
            let params: DocumentSymbolParams = parameters(params)?;
            let (set, file) = document(workspace, &params.text_document.uri)?;
            json(navigation::outline(&set, file))
        }
        "workspace/symbol" => {
            let WorkspaceSymbolParams { query, .. } = parameters(params)?;
            let sets = workspace.all_sets();
            json(sets.iter().flat_map(|set| navigation::search(set, &query)).collect::<Vec<_>>())
        }
        _ => Err(Failure::new(Failure::METHOD_NOT_FOUND, format!("`{method}` is not known here"))),
    }
}

/// A place that a request is about.
struct Place {
    set: Rc<RuleSet>,
    file: FileId,
    byte: u32,
}

impl Place {
    fn new(workspace: &mut Workspace, params: &TextDocumentPositionParams) -> Result<Place, Failure> {
        let (set, file) = document(workspace, &params.text_document.uri)?;
        let byte = set.byte(file, params.position);
        Ok(Place { set, file, byte })
    }
}

fn document(workspace: &mut Workspace, uri: &Uri) -> Result<(Rc<RuleSet>, FileId), Failure> {
    let set = workspace.set_of(uri);
    let found = set.and_then(|set| {
        let file = set.find(uri)?;
        Some((set, file))
    });
    found.ok_or_else(|| Failure::new(Failure::INVALID_PARAMS, format!("`{uri}` is not open")))
}

fn refused(reason: String) -> Failure {
    Failure::new(Failure::REQUEST_FAILED, reason)
}

fn json(result: impl Serialize) -> Result<Value, Failure> {
    serde_json::to_value(result).map_err(|error| refused(format!("the answer cannot be written: {error}")))
}
