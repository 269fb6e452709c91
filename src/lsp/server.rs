//! The conversation with one client, from `initialize` to `exit`.
//!
//! A thread reads messages; all else happens on one thread, in the order in which they came. What is
//! wrong with the rules is told when no message waits, so that it is worked out once for many keys.

use std::collections::{BTreeMap, VecDeque};
use std::io::{self, BufReader, Read, Write};
use std::sync::mpsc::{Receiver, RecvError, SyncSender, sync_channel};
use std::thread;

use gen_lsp_types::{
    CompletionOptions, FileChangeType, PositionEncodingKind, PublishDiagnosticsParams, RenameOptions,
    SaveOptions, ServerCapabilities, TextDocumentSyncKind, TextDocumentSyncOptions, Uri,
    VersionedTextDocumentIdentifier, WorkspaceFoldersServerCapabilities, WorkspaceOptions,
};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::client::Client;
use super::diagnostics::{Page, pages};
use super::documents::Change;
use super::position::Encoding;
use super::transport::{self, Failure, Incoming};
use super::workspace::{CONFIGURATION, Workspace};

/// Most messages that wait to be handled; the client waits when there are more.
const QUEUE: usize = 256;
/// After so many messages, what is wrong is told even while more wait.
const MOST_UNTOLD: usize = 500;

/// How the names of files of lists and tables usually end.
const TABLES: [&str; 2] = [".txt", ".csv"];

/// How the conversation stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Nothing has been agreed on.
    Begun,
    /// Everything is possible.
    Open,
    /// The client has asked for the end.
    ShutDown,
}

/// Serves one client until it says `exit` or its output ends. Whether it had asked for the end before, as
/// the protocol wants.
///
/// # Errors
/// When a message has no length, or the answers cannot be written.
pub fn serve(input: impl Read + Send + 'static, output: impl Write) -> io::Result<bool> {
    let (sender, receiver) = sync_channel(QUEUE);
    // Not joined: it may wait for input that never comes.
    thread::Builder::new().name("lsp-reader".to_owned()).spawn(move || read_all(input, &sender))?;
    let mut server = Server {
        output,
        phase: Phase::Begun,
        client: Client::default(),
        workspace: Workspace::default(),
        told: BTreeMap::new(),
        is_untold: false,
    };
    server.run(&receiver)?;
    Ok(server.phase == Phase::ShutDown)
}

/// Reads messages until there are no more, and hands them on.
fn read_all(input: impl Read, messages: &SyncSender<io::Result<Incoming>>) {
    let mut input = BufReader::new(input);
    loop {
        let message = match transport::read(&mut input) {
            Ok(None) => return,
            Ok(Some(message)) => Ok(message),
            Err(error) => Err(error),
        };
        let ends = message.is_err();
        if messages.send(message).is_err() || ends {
            return;
        }
    }
}

struct Server<W> {
    output: W,
    phase: Phase,
    client: Client,
    workspace: Workspace,
    /// What the client was last told of each file.
    told: BTreeMap<String, Page>,
    /// Whether something has changed that it has not been told of.
    is_untold: bool,
}

impl<W: Write> Server<W> {
    fn run(&mut self, messages: &Receiver<io::Result<Incoming>>) -> io::Result<()> {
        let mut waiting: VecDeque<Incoming> = VecDeque::new();
        loop {
            match messages.recv() {
                Ok(message) => waiting.push_back(message?),
                Err(RecvError) => return Ok(()),
            }
            let mut handled = 0;
            while let Some(message) = waiting.pop_front() {
                while let Ok(message) = messages.try_recv() {
                    waiting.push_back(message?);
                }
                if !self.handle(message, &waiting)? {
                    return Ok(());
                }
                handled += 1;
                if handled % MOST_UNTOLD == 0 {
                    self.tell()?;
                }
            }
            self.tell()?;
        }
    }

    /// Handles one message; `waiting` came after it. Whether the conversation goes on.
    fn handle(&mut self, message: Incoming, waiting: &VecDeque<Incoming>) -> io::Result<bool> {
        match message {
            Incoming::Request { id, method, params } => {
                let result = match is_cancelled(&id, waiting) {
                    true => Err(Failure::new(Failure::CANCELLED, "cancelled by the client")),
                    false => self.request(&method, params),
                };
                transport::respond(&mut self.output, id, result)?;
            }
            Incoming::Notification { method, .. } if method == "exit" => return Ok(false),
            Incoming::Notification { method, params } if self.phase == Phase::Open => {
                if let Err(failure) = self.notification(&method, params) {
                    tracing::warn!("{method}: {}", failure.message);
                }
                if method == "initialized" {
                    self.watch_files()?;
                }
            }
            Incoming::Notification { .. } | Incoming::Response => {}
            Incoming::Malformed(failure) => {
                tracing::warn!("{}", failure.message);
                transport::respond(&mut self.output, Value::Null, Err(failure))?;
            }
        }
        Ok(true)
    }

    fn request(&mut self, method: &str, params: Value) -> Result<Value, Failure> {
        match (self.phase, method) {
            (Phase::Begun, "initialize") => {
                self.client = Client::new(&params);
                self.workspace.encoding = self.client.encoding;
                for folder in std::mem::take(&mut self.client.folders) {
                    self.workspace.add_folder(&folder);
                }
                self.phase = Phase::Open;
                let server = json!({"name": "tripline", "version": env!("CARGO_PKG_VERSION")});
                Ok(json!({"capabilities": capabilities(self.client.encoding), "serverInfo": server}))
            }
            (Phase::Begun, _) => Err(Failure::new(Failure::NOT_INITIALIZED, "`initialize` comes first")),
            (Phase::Open, "initialize") => {
                Err(Failure::new(Failure::INVALID_REQUEST, "`initialize` comes only once"))
            }
            (Phase::Open, "shutdown") => {
                self.phase = Phase::ShutDown;
                Ok(Value::Null)
            }
            (Phase::Open, _) => super::requests::answer(&mut self.workspace, &self.client, method, params),
            (Phase::ShutDown, _) => {
                Err(Failure::new(Failure::INVALID_REQUEST, "the server is shutting down"))
            }
        }
    }

    fn notification(&mut self, method: &str, params: Value) -> Result<(), Failure> {
        match method {
            "textDocument/didOpen" => {
                let Opened { text_document: document } = parameters(params)?;
                self.workspace.documents.open(document.uri.clone(), document.version, document.text);
                self.workspace.forget_sets_of(&document.uri);
                if self.workspace.is_new(&document.uri) {
                    self.workspace.forget_disk();
                }
            }
            "textDocument/didChange" => {
                let changed: Changed = parameters(params)?;
                let VersionedTextDocumentIdentifier { version, text_document_identifier } =
                    changed.text_document;
                let uri = text_document_identifier.uri;
                let encoding = self.client.encoding;
                if !self.workspace.documents.change(&uri, version, changed.content_changes, encoding) {
                    return Err(Failure::new(Failure::INVALID_PARAMS, format!("`{uri}` is not open")));
                }
                self.workspace.forget_sets_of(&uri);
            }
            "textDocument/didClose" => {
                let closed: About = parameters(params)?;
                self.workspace.documents.close(&closed.text_document.uri);
                self.workspace.forget_disk();
            }
            "textDocument/didSave" => self.workspace.forget_disk(),
            "workspace/didChangeWatchedFiles" => {
                let changed: Watched = parameters(params)?;
                // What is open is the editor's: that it was saved changes nothing else.
                let documents = &self.workspace.documents;
                let is_open = |event: &FileEvent| {
                    let is_rules = event.uri.0.ends_with(".trip");
                    event.kind == FileChangeType::Changed && is_rules && documents.get(&event.uri).is_some()
                };
                let is_table = |event: &FileEvent| TABLES.iter().any(|end| event.uri.0.ends_with(end));
                if changed.changes.iter().all(is_open) {
                    return Ok(());
                }
                match changed.changes.iter().all(is_table) {
                    true => self.workspace.forget_sets(),
                    false => self.workspace.forget_disk(),
                }
            }
            "workspace/didChangeWorkspaceFolders" => {
                let Folders { event } = parameters(params)?;
                event.removed.iter().for_each(|folder| self.workspace.remove_folder(&folder.uri));
                event.added.iter().for_each(|folder| self.workspace.add_folder(&folder.uri));
            }
            _ => return Ok(()),
        }
        self.is_untold = true;
        Ok(())
    }

    /// Asks the client to say when rule files or configurations change.
    fn watch_files(&mut self) -> io::Result<()> {
        if !self.client.watches_files {
            return Ok(());
        }
        let names = [".trip"].iter().chain(&TABLES).map(|end| format!("**/*{end}"));
        let names = names.chain([format!("**/{CONFIGURATION}")]);
        let watchers: Vec<Value> = names.map(|pattern| json!({"globPattern": pattern})).collect();
        let registration = json!({
            "id": "files",
            "method": "workspace/didChangeWatchedFiles",
            "registerOptions": {"watchers": watchers},
        });
        let params = json!({"registrations": [registration]});
        transport::ask(&mut self.output, "watch-files", "client/registerCapability", params)
    }

    /// Tells the client what is wrong with all files of the rule sets that it has documents of, as far
    /// as it has been told otherwise before.
    fn tell(&mut self) -> io::Result<()> {
        if !std::mem::take(&mut self.is_untold) {
            return Ok(());
        }
        let sets = self.workspace.all_sets();
        let mut found: BTreeMap<String, Page> = sets.iter().flat_map(|set| pages(set)).collect();
        // What was wrong with files that belong to nothing any more is gone.
        for (uri, page) in &self.told {
            if !page.diagnostics.is_empty() || page.version.is_some() {
                found.entry(uri.clone()).or_default();
            }
        }
        for (uri, page) in &found {
            let is_news = match self.told.get(uri) {
                Some(told) => told != page,
                // Nothing is wrong with a file that nobody has open: nothing to tell.
                None => page.version.is_some() || !page.diagnostics.is_empty(),
            };
            if is_news {
                let params = PublishDiagnosticsParams {
                    uri: Uri(uri.clone()),
                    version: page.version,
                    diagnostics: page.diagnostics.clone(),
                };
                transport::notify(&mut self.output, "textDocument/publishDiagnostics", params)?;
            }
        }
        self.told = found;
        Ok(())
    }
}

/// Whether the client no longer waits for the answer to a request.
fn is_cancelled(id: &Value, waiting: &VecDeque<Incoming>) -> bool {
    waiting.iter().any(|message| match message {
        Incoming::Notification { method, params } => {
            method == "$/cancelRequest" && params.get("id") == Some(id)
        }
        _ => false,
    })
}

/// The parameters of a message as the protocol wants them.
pub(super) fn parameters<P: DeserializeOwned>(params: Value) -> Result<P, Failure> {
    let wrong =
        |error| Failure::new(Failure::INVALID_PARAMS, format!("the parameters are not as expected: {error}"));
    serde_json::from_value(params).map_err(wrong)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Opened {
    text_document: Item,
}

/// A document that has been opened. Its language does not matter: the client chose who serves it.
#[derive(Deserialize)]
struct Item {
    uri: Uri,
    version: i32,
    text: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Changed {
    text_document: VersionedTextDocumentIdentifier,
    content_changes: Vec<Change>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct About {
    text_document: gen_lsp_types::TextDocumentIdentifier,
}

#[derive(Deserialize)]
struct Watched {
    changes: Vec<FileEvent>,
}

#[derive(Deserialize)]
struct FileEvent {
    uri: Uri,
    #[serde(rename = "type")]
    kind: FileChangeType,
}

#[derive(Deserialize)]
struct Folders {
    event: gen_lsp_types::WorkspaceFoldersChangeEvent,
}

fn capabilities(encoding: Encoding) -> ServerCapabilities {
    let sync = TextDocumentSyncOptions {
        open_close: Some(true),
        change: Some(TextDocumentSyncKind::Incremental),
        save: Some(SaveOptions { include_text: Some(false) }.into()),
        ..TextDocumentSyncOptions::default()
    };
    let triggers = [".", " ", "{"].map(str::to_owned).to_vec();
    let folders =
        WorkspaceFoldersServerCapabilities { supported: Some(true), change_notifications: Some(true.into()) };
    ServerCapabilities {
        position_encoding: Some(match encoding {
            Encoding::Utf8 => PositionEncodingKind::UTF8,
            Encoding::Utf16 => PositionEncodingKind::UTF16,
        }),
        text_document_sync: Some(sync.into()),
        completion_provider: Some(CompletionOptions {
            trigger_characters: Some(triggers),
            ..CompletionOptions::default()
        }),
        hover_provider: Some(true.into()),
        definition_provider: Some(true.into()),
        references_provider: Some(true.into()),
        document_highlight_provider: Some(true.into()),
        document_symbol_provider: Some(true.into()),
        workspace_symbol_provider: Some(true.into()),
        document_formatting_provider: Some(true.into()),
        rename_provider: Some(
            RenameOptions { prepare_provider: Some(true), ..RenameOptions::default() }.into(),
        ),
        workspace: Some(WorkspaceOptions { workspace_folders: Some(folders), ..WorkspaceOptions::default() }),
        ..ServerCapabilities::default()
    }
}
