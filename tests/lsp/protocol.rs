//! The conversation itself: beginning, end, and messages that are wrong or come at the wrong time.

use serde_json::{Value, json};

use crate::client::Editor;

fn code(error: &Value) -> i64 {
    error["code"].as_i64().expect("a code")
}

#[test]
fn it_begins_and_ends_as_the_protocol_wants() {
    let mut editor = Editor::begin(&[]);
    let begun =
        editor.request("initialize", json!({"processId": null, "capabilities": {}})).expect("it begins");
    let can = &begun["capabilities"];
    assert_eq!(can["positionEncoding"], "utf-16");
    assert_eq!(can["textDocumentSync"]["change"], 2);
    for provider in ["hoverProvider", "definitionProvider", "referencesProvider", "documentSymbolProvider"] {
        assert_eq!(can[provider], true, "{provider}");
    }
    assert_eq!(can["renameProvider"]["prepareProvider"], true);
    assert_eq!(begun["serverInfo"]["name"], "tripline");
    editor.notify("initialized", json!({}));
    assert!(editor.shut_down().success());
}

#[test]
fn an_end_that_was_not_asked_for_is_a_failure() {
    let mut editor = Editor::new(&[]);
    editor.notify("exit", Value::Null);
    assert_eq!(editor.end().code(), Some(1));
    // So is the end of its input.
    assert_eq!(Editor::new(&[]).end().code(), Some(1));
    assert_eq!(Editor::begin(&[]).end().code(), Some(1));
}

#[test]
fn requests_at_the_wrong_time_are_refused() {
    let mut editor = Editor::begin(&[]);
    let error = editor.request("textDocument/hover", json!({})).expect_err("too early");
    assert_eq!(code(&error), -32002);
    editor.open("a.trip", "let x = y\n");
    editor.request("initialize", json!({"capabilities": {}})).expect("it begins");
    let error = editor.request("initialize", json!({"capabilities": {}})).expect_err("twice");
    assert_eq!(code(&error), -32600);
    editor.request("shutdown", Value::Null).expect("it shuts down");
    let error = editor.request("shutdown", Value::Null).expect_err("twice");
    assert_eq!(code(&error), -32600);
    editor.notify("exit", Value::Null);
    assert!(editor.end().success());
}

#[test]
fn unknown_and_wrong_messages_do_no_harm() {
    let mut editor = Editor::new(&[("a.trip", "let x = 1\n")]);
    let error = editor.request("textDocument/unheardOf", json!({})).expect_err("unknown");
    assert_eq!(code(&error), -32601);
    editor.notify("$/unheardOf", json!([1, 2]));
    editor.notify(
        "textDocument/didChange",
        json!({"textDocument": {"uri": "file:///nowhere", "version": 1}, "contentChanges": []}),
    );
    for params in [
        json!(null),
        json!([]),
        json!(3),
        json!({}),
        json!({"textDocument": 1}),
        json!({"textDocument": {"uri": 5}}),
    ] {
        for method in [
            "textDocument/didOpen",
            "textDocument/didChange",
            "textDocument/didClose",
            "textDocument/didSave",
            "workspace/didChangeWatchedFiles",
            "workspace/didChangeWorkspaceFolders",
            "$/cancelRequest",
            "initialized",
        ] {
            editor.notify(method, params.clone());
        }
        for method in [
            "hover",
            "definition",
            "references",
            "rename",
            "prepareRename",
            "completion",
            "documentSymbol",
            "documentHighlight",
            "formatting",
        ] {
            let error = editor.request(&format!("textDocument/{method}"), params.clone()).expect_err(method);
            assert!([-32602, -32601].contains(&code(&error)), "{method} {params}: {error}");
        }
    }
    let error = editor.at("textDocument/hover", "a.trip", (0, 0)).expect_err("not open");
    assert_eq!(code(&error), -32602);
    editor.open("a.trip", "let x = 1\n");
    for position in [(0, 0), (0, 4), (0, 999), (999, 0), (4_000_000_000, 4_000_000_000)] {
        for method in ["hover", "definition", "completion", "documentHighlight"] {
            editor.at(&format!("textDocument/{method}"), "a.trip", position).expect(method);
        }
    }
    let range = json!({"start": {"line": 9, "character": 9}, "end": {"line": 0, "character": 4}});
    editor.change_part("a.trip", json!([{"range": range, "text": "# end"}]));
    editor.at("textDocument/hover", "a.trip", (0, 4)).expect("it still answers");
    assert!(editor.shut_down().success());
}

#[test]
fn what_is_no_message_is_answered_without_an_id() {
    let mut editor = Editor::new(&[]);
    for (body, wanted) in [("{", -32700), ("\u{0}\u{1}", -32700), ("[]", -32600), ("{\"id\": {}}", -32600)] {
        editor.send_raw(format!("Content-Length: {}\r\n\r\n{body}", body.len()).as_bytes());
        if body == "{\"id\": {}}" {
            // Taken for an answer to something.
            continue;
        }
        let error = editor.answer(&Value::Null).expect_err("no message");
        assert_eq!(code(&error), wanted, "{body}");
    }
    editor.send_raw(
        b"Content-Length: 2\r\nContent-Type: application/vscode-jsonrpc; charset=utf-8\r\n\r\n\xff\xfe",
    );
    assert_eq!(code(&editor.answer(&Value::Null).expect_err("not UTF-8")), -32700);
    assert!(editor.shut_down().success());
}

#[test]
fn a_message_without_a_length_ends_the_conversation() {
    let mut editor = Editor::new(&[]);
    editor.send_raw(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
    assert_eq!(editor.end().code(), Some(1));
}

#[test]
fn a_request_that_was_cancelled_in_time_is_not_worked_on() {
    let mut editor = Editor::new(&[]);
    // Both in one piece, so that the second waits while the first is looked at.
    let mut bytes = Vec::new();
    for message in [
        json!({"jsonrpc": "2.0", "id": "x", "method": "textDocument/hover", "params": {}}),
        json!({"jsonrpc": "2.0", "method": "$/cancelRequest", "params": {"id": "x"}}),
    ] {
        let body = message.to_string();
        bytes.extend(format!("Content-Length: {}\r\n\r\n{body}", body.len()).into_bytes());
    }
    editor.send_raw(&bytes);
    let error = editor.answer(&json!("x")).expect_err("cancelled, or without parameters");
    assert!([-32800, -32602].contains(&code(&error)), "{error}");
}

#[test]
fn an_editor_that_can_watch_files_is_asked_to() {
    let mut editor =
        Editor::with(&[], json!({"workspace": {"didChangeWatchedFiles": {"dynamicRegistration": true}}}));
    let asked = editor.wait(|message| message["method"] == "client/registerCapability");
    assert_eq!(asked["params"]["registrations"][0]["method"], "workspace/didChangeWatchedFiles");
    editor.send(&json!({"jsonrpc": "2.0", "id": asked["id"], "result": null}));
    assert!(editor.shut_down().success());
}
