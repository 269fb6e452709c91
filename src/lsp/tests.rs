//! Conversations in any order: whatever a client says, every request is answered once, and nothing
//! panics.

use std::io::Cursor;

use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::serve;
use crate::cases::cases;

const SAMPLE: &str = include_str!("../language/index/tests/sample.trip");

/// Pieces that rules are made of, and some that they are not.
const PIECES: [&str; 24] = [
    "",
    " ",
    "\n",
    "\r\n",
    "{",
    "}",
    "(",
    ")",
    "\"",
    "#",
    ".",
    "rule r {",
    "event e = auth where ",
    "match a then ",
    "avg(small.",
    "first(",
    "over 1h",
    "this.",
    "🙂",
    "é",
    "stream s from r",
    "test \"t\" { at 0s auth { ",
    "as x",
    "let time = 1",
];

const METHODS: [&str; 9] = [
    "textDocument/hover",
    "textDocument/definition",
    "textDocument/references",
    "textDocument/documentHighlight",
    "textDocument/completion",
    "textDocument/prepareRename",
    "textDocument/rename",
    "textDocument/documentSymbol",
    "textDocument/formatting",
];

/// A message; `None` as the version stands for one with which the number of the message is meant.
fn message() -> impl Strategy<Value = Value> {
    let uri =
        || prop_oneof![Just("untitled:a"), Just("untitled:b"), Just("file:///nowhere/c.trip"), Just("")];
    let position = || {
        let number = || prop_oneof![0u32..90, Just(u32::MAX)];
        (number(), number()).prop_map(|(line, character)| json!({"line": line, "character": character}))
    };
    let piece = || proptest::sample::select(PIECES.as_slice());
    let open = (uri(), any::<bool>()).prop_map(|(uri, empty)| {
        let text = if empty { "" } else { SAMPLE };
        json!({"method": "textDocument/didOpen", "params": {"textDocument": {"uri": uri, "version": 1, "text": text}}})
    });
    let change = (uri(), position(), position(), vec(piece(), 0..4)).prop_map(|(uri, start, end, pieces)| {
        let changes = [json!({"range": {"start": start, "end": end}, "text": pieces.concat()})];
        json!({"method": "textDocument/didChange", "params": {"textDocument": {"uri": uri, "version": 2}, "contentChanges": changes}})
    });
    let ask = (uri(), position(), proptest::sample::select(METHODS.as_slice()), piece()).prop_map(
        |(uri, position, method, name)| {
            let params = json!({
                "textDocument": {"uri": uri},
                "position": position,
                "newName": name,
                "context": {"includeDeclaration": true},
                "options": {"tabSize": 2, "insertSpaces": true},
            });
            json!({"id": 0, "method": method, "params": params})
        },
    );
    let other = (uri(), 0..8usize).prop_map(|(uri, which)| match which {
        0 => json!({"method": "textDocument/didClose", "params": {"textDocument": {"uri": uri}}}),
        1 => json!({"method": "workspace/didChangeWatchedFiles", "params": {"changes": [{"uri": uri, "type": 2}]}}),
        2 => json!({"method": "workspace/didChangeWorkspaceFolders", "params": {"event": {"added": [{"uri": uri, "name": "x"}], "removed": []}}}),
        3 => json!({"id": 0, "method": "initialize", "params": {"capabilities": 3}}),
        4 => json!({"method": "initialized", "params": {}}),
        5 => json!({"id": 0, "method": "workspace/symbol", "params": {"query": uri}}),
        6 => json!({"method": "$/cancelRequest", "params": {"id": 3}}),
        _ => json!({"id": "x", "result": 3}),
    });
    prop_oneof![2 => open, 5 => change, 6 => ask, 2 => other]
}

fn framed(message: &Value) -> Vec<u8> {
    let body = message.to_string();
    format!("Content-Length: {}\r\n\r\n{body}", body.len()).into_bytes()
}

/// The messages that the server sent.
fn sent(output: &[u8]) -> Vec<Value> {
    let text = std::str::from_utf8(output).expect("UTF-8");
    let mut rest = text;
    let mut found = Vec::new();
    while let Some((header, after)) = rest.split_once("\r\n\r\n") {
        let length: usize = header["Content-Length: ".len()..].parse().expect("a length");
        found.push(serde_json::from_str(&after[..length]).expect("JSON"));
        rest = &after[length..];
    }
    found
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(48, 256), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_request_is_answered_once(mut messages in vec(message(), 0..40), begin in 0..3usize) {
        let at = begin.min(messages.len());
        messages.insert(at, json!({"id": 0, "method": "initialize", "params": {"capabilities": {}}}));
        let mut asked = 0;
        let mut input = Vec::new();
        for message in &mut messages {
            if message["id"] == 0 {
                asked += 1;
                message["id"] = json!(asked);
            }
            input.extend(framed(message));
        }
        let mut output = Vec::new();
        let was_asked = serve(Cursor::new(input), &mut output).expect("nothing fails");
        prop_assert!(!was_asked);
        let answers = sent(&output).into_iter().filter(|one| one.get("method").is_none());
        let ids: Vec<Value> = answers.map(|one| one["id"].clone()).collect();
        prop_assert_eq!(ids, (1..=asked).map(|id| json!(id)).collect::<Vec<_>>());
    }
}
