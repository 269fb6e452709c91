//! A small editor: starts the server, speaks the protocol, keeps what the server tells.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;

/// How long a test waits for something that should come.
const PATIENCE: Duration = Duration::from_secs(60);

/// A server and the folder that is open.
pub struct Editor {
    child: Child,
    input: Option<ChildStdin>,
    messages: Receiver<Value>,
    /// Notifications that nobody has asked for yet.
    told: VecDeque<Value>,
    folder: TempDir,
    next_id: i64,
    version: i64,
}

/// What most editors can do.
pub fn capabilities() -> Value {
    json!({
        "textDocument": {
            "completion": {"completionItem": {"snippetSupport": true}},
            "hover": {"contentFormat": ["markdown", "plaintext"]},
        },
        "workspace": {"workspaceEdit": {"documentChanges": true}},
    })
}

impl Editor {
    /// A server for a folder with these files.
    pub fn new(files: &[(&str, &str)]) -> Editor {
        Editor::with(files, capabilities())
    }

    /// The same for an editor that can do this.
    pub fn with(files: &[(&str, &str)], capabilities: Value) -> Editor {
        let mut editor = Editor::begin(files);
        let folder = editor.uri("");
        let params = json!({
            "processId": null,
            "rootUri": null,
            "capabilities": capabilities,
            "workspaceFolders": [{"uri": folder.trim_end_matches('/'), "name": "rules"}],
        });
        editor.request("initialize", params).expect("it begins");
        editor.notify("initialized", json!({}));
        editor
    }

    /// A server to which nothing has been said.
    pub fn begin(files: &[(&str, &str)]) -> Editor {
        let folder = tempfile::tempdir().expect("a folder");
        let mut child = Command::new(env!("CARGO_BIN_EXE_tripline"))
            .args(["lsp", "--stdio"])
            .env_remove("RUST_LOG")
            .current_dir(folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the binary starts");
        let output = BufReader::new(child.stdout.take().expect("it is piped"));
        let (sender, messages) = channel();
        thread::spawn(move || {
            let mut output = output;
            while let Some(message) = read(&mut output) {
                if sender.send(message).is_err() {
                    return;
                }
            }
        });
        let input = child.stdin.take();
        let editor = Editor { child, input, messages, told: VecDeque::new(), folder, next_id: 0, version: 0 };
        files.iter().for_each(|(name, text)| drop(editor.write(name, text)));
        editor
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Writes a file on the disk.
    pub fn write(&self, name: &str, text: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path().join(name);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        std::fs::write(&path, text).expect("a file");
        path
    }

    /// The name of a file of the folder.
    pub fn uri(&self, name: &str) -> String {
        format!("file://{}/{name}", self.path().display())
    }

    /// Sends bytes.
    pub fn send_raw(&mut self, bytes: &[u8]) {
        let input = self.input.as_mut().expect("it is open");
        // A server that has ended reads no more.
        let _ = input.write_all(bytes).and_then(|()| input.flush());
    }

    /// Sends a body with its header.
    pub fn send(&mut self, message: &Value) {
        let body = message.to_string();
        self.send_raw(format!("Content-Length: {}\r\n\r\n{body}", body.len()).as_bytes());
    }

    pub fn notify(&mut self, method: &str, params: Value) {
        self.send(&json!({"jsonrpc": "2.0", "method": method, "params": params}));
    }

    /// Sends a request and gives its number.
    pub fn ask(&mut self, method: &str, params: Value) -> i64 {
        self.next_id += 1;
        self.send(&json!({"jsonrpc": "2.0", "id": self.next_id, "method": method, "params": params}));
        self.next_id
    }

    /// Asks and waits for the answer: the result, or the error.
    pub fn request(&mut self, method: &str, params: Value) -> Result<Value, Value> {
        let id = self.ask(method, params);
        self.answer(&json!(id))
    }

    /// The answer to the request of that id.
    pub fn answer(&mut self, id: &Value) -> Result<Value, Value> {
        let mut message = self.wait(|message| message.get("method").is_none() && message["id"] == *id);
        match message.get_mut("error") {
            Some(error) => Err(error.take()),
            None => Ok(message["result"].take()),
        }
    }

    /// The first message that fits, told before or still to come.
    pub fn wait(&mut self, fits: impl Fn(&Value) -> bool) -> Value {
        if let Some(at) = self.told.iter().position(&fits) {
            return self.told.remove(at).expect("just found");
        }
        let deadline = Instant::now() + PATIENCE;
        loop {
            match self.messages.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(message) if fits(&message) => return message,
                Ok(message) => self.told.push_back(message),
                Err(RecvTimeoutError::Timeout) => panic!("it did not come; other messages: {:#?}", self.told),
                Err(RecvTimeoutError::Disconnected) => panic!("the server has ended: {:#?}", self.told),
            }
        }
    }

    /// Opens a document with this text.
    pub fn open(&mut self, name: &str, text: &str) {
        self.version += 1;
        let item =
            json!({"uri": self.uri(name), "languageId": "tripline", "version": self.version, "text": text});
        self.notify("textDocument/didOpen", json!({"textDocument": item}));
    }

    /// Replaces the text of a document.
    pub fn change(&mut self, name: &str, text: &str) {
        self.change_part(name, json!([{"text": text}]));
    }

    /// Makes these changes.
    pub fn change_part(&mut self, name: &str, changes: Value) {
        self.version += 1;
        let document = json!({"uri": self.uri(name), "version": self.version});
        self.notify("textDocument/didChange", json!({"textDocument": document, "contentChanges": changes}));
    }

    pub fn close(&mut self, name: &str) {
        let document = json!({"uri": self.uri(name)});
        self.notify("textDocument/didClose", json!({"textDocument": document}));
    }

    /// What is wrong with a file by the next message about it.
    pub fn diagnostics(&mut self, name: &str) -> Vec<Value> {
        let uri = self.uri(name);
        let message = self.wait(|message| {
            message["method"] == "textDocument/publishDiagnostics" && message["params"]["uri"] == *uri
        });
        message["params"]["diagnostics"].as_array().expect("a list").clone()
    }

    /// The codes of the same.
    pub fn codes(&mut self, name: &str) -> Vec<String> {
        let code = |one: &Value| one["code"].as_str().expect("a code").to_owned();
        self.diagnostics(name).iter().map(code).collect()
    }

    /// Asks about the place of the `^` in the line of `text` that holds it: `^` itself is left out.
    pub fn at(&mut self, method: &str, name: &str, place: (usize, usize)) -> Result<Value, Value> {
        self.at_with(method, name, place, json!({}))
    }

    /// The same with further parameters.
    pub fn at_with(
        &mut self,
        method: &str,
        name: &str,
        (line, character): (usize, usize),
        more: Value,
    ) -> Result<Value, Value> {
        let mut params = json!({
            "textDocument": {"uri": self.uri(name)},
            "position": {"line": line, "character": character},
        });
        for (name, value) in more.as_object().expect("an object") {
            params[name] = value.clone();
        }
        self.request(method, params)
    }

    /// Ends the conversation as the protocol wants.
    pub fn shut_down(mut self) -> ExitStatus {
        self.request("shutdown", Value::Null).expect("it shuts down");
        self.notify("exit", Value::Null);
        self.end()
    }

    /// Sends no more and waits for the end of the server.
    pub fn end(&mut self) -> ExitStatus {
        self.input.take();
        // Its output ends when it does.
        let deadline = Instant::now() + PATIENCE;
        while self.messages.recv_timeout(deadline.saturating_duration_since(Instant::now())).is_ok() {}
        assert!(Instant::now() < deadline, "it does not end");
        self.child.wait().expect("it has ended")
    }
}

impl Drop for Editor {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The next message of the server; `None` at the end.
fn read(output: &mut impl BufRead) -> Option<Value> {
    let mut length = None;
    loop {
        let mut line = String::new();
        if output.read_line(&mut line).ok()? == 0 {
            return None;
        }
        match line.trim_end().split_once(": ") {
            Some(("Content-Length", value)) => length = value.parse().ok(),
            Some(_) => {}
            None if line == "\r\n" => break,
            None => panic!("no header: {line:?}"),
        }
    }
    let mut body = vec![0; length.expect("a length")];
    output.read_exact(&mut body).ok()?;
    Some(serde_json::from_slice(&body).expect("JSON"))
}

/// Line and character (of UTF-16) of the first place of `part` in `text`.
pub fn place(text: &str, part: &str) -> (usize, usize) {
    let at = text.find(part).unwrap_or_else(|| panic!("no `{part}` in\n{text}"));
    let before = &text[..at];
    let line_start = before.rfind('\n').map_or(0, |end| end + 1);
    (before.matches('\n').count(), before[line_start..].encode_utf16().count())
}

/// The same, so many characters further on.
pub fn inside(text: &str, part: &str, characters: usize) -> (usize, usize) {
    let (line, character) = place(text, part);
    (line, character + characters)
}

/// The text after the edits of the protocol, which must not overlap.
pub fn edited(text: &str, edits: &[Value]) -> String {
    let byte = |position: &Value| {
        let number = |name: &str| position[name].as_u64().expect("a number") as usize;
        let start = text.split_inclusive('\n').take(number("line")).map(str::len).sum::<usize>();
        let mut units = 0;
        let rest = text[start..].char_indices().find(|(_, c)| {
            units += c.len_utf16();
            units > number("character")
        });
        rest.map_or(text.len(), |(at, _)| start + at)
    };
    let mut edits: Vec<(usize, usize, &str)> = edits
        .iter()
        .map(|edit| {
            let range = &edit["range"];
            (byte(&range["start"]), byte(&range["end"]), edit["newText"].as_str().expect("a text"))
        })
        .collect();
    edits.sort();
    let mut result = text.to_owned();
    for (start, end, new) in edits.into_iter().rev() {
        result.replace_range(start..end, new);
    }
    result
}
