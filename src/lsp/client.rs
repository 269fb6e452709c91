//! What the client can do. Read leniently: a client that says something odd about a capability that
//! does not matter here is served all the same.

use gen_lsp_types::Uri;
use serde_json::Value;

use super::position::Encoding;

/// What the client can do.
#[derive(Clone, Debug, Default)]
pub struct Client {
    /// What positions count.
    pub encoding: Encoding,
    /// Whether it fills in the gaps of snippets.
    pub snippets: bool,
    /// Whether it shows Markdown.
    pub markdown: bool,
    /// Whether it takes changes together with the versions of documents.
    pub versioned_edits: bool,
    /// Whether it can be asked to watch files.
    pub watches_files: bool,
    /// The folders that are open.
    pub folders: Vec<Uri>,
}

impl Client {
    /// From the parameters of `initialize`.
    pub fn new(params: &Value) -> Client {
        let capability = |path: &str| params.pointer(&format!("/capabilities{path}"));
        let can = |path: &str| capability(path).and_then(Value::as_bool) == Some(true);
        let has = |path: &str, wanted: &str| {
            capability(path).and_then(Value::as_array).is_some_and(|all| all.iter().any(|one| one == wanted))
        };
        let utf8 = has("/general/positionEncodings", "utf-8");
        Client {
            encoding: if utf8 { Encoding::Utf8 } else { Encoding::Utf16 },
            snippets: can("/textDocument/completion/completionItem/snippetSupport"),
            markdown: has("/textDocument/hover/contentFormat", "markdown"),
            versioned_edits: can("/workspace/workspaceEdit/documentChanges"),
            watches_files: can("/workspace/didChangeWatchedFiles/dynamicRegistration"),
            folders: folders(params),
        }
    }
}

/// The folders that are open, by whichever of the protocol's three ways says so.
fn folders(params: &Value) -> Vec<Uri> {
    if let Some(folders) = params.get("workspaceFolders").and_then(Value::as_array) {
        return folders.iter().filter_map(|folder| folder.get("uri")?.as_str()).map(Uri::from).collect();
    }
    if let Some(uri) = params.get("rootUri").and_then(Value::as_str) {
        return vec![Uri::from(uri)];
    }
    let path = params.get("rootPath").and_then(Value::as_str).map(std::path::Path::new);
    path.and_then(super::documents::uri_of).into_iter().collect()
}
