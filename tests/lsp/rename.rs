//! Renaming across files.

use serde_json::{Value, json};

use crate::client::{Editor, capabilities, edited, inside, place};

const STREAMS: &str =
    "stream auth { # 🙂\n  /* card */ card string, amount float, ok bool }\nlet floor = 2\n";
const RULE: &str = "# 🙂\nrule r {\n  by card\n  event small = auth where amount < floor and ok\n  match 3+ small within 1h\n  alert low \"🙂 {card} {sum(small.amount)} {max(small.amount)}\"\n}\n";

fn editor() -> (Editor, String) {
    let streams = STREAMS.replace("/* card */ ", "");
    let mut editor = Editor::new(&[("streams.trip", &streams)]);
    editor.open("rule.trip", RULE);
    (editor, streams)
}

fn rename(editor: &mut Editor, at: (usize, usize), name: &str) -> Result<Value, Value> {
    editor.at_with("textDocument/rename", "rule.trip", at, json!({"newName": name}))
}

fn edits_of<'a>(edit: &'a Value, uri: &str) -> &'a [Value] {
    let changes = edit["documentChanges"].as_array().expect("changes of documents");
    let own =
        changes.iter().find(|change| change["textDocument"]["uri"] == uri).expect("changes of the file");
    own["edits"].as_array().expect("edits")
}

#[test]
fn all_uses_change_in_all_files() {
    let (mut editor, streams) = editor();
    let edit = rename(&mut editor, inside(RULE, "{sum(small.amount", 12), "cents").expect("possible");
    let rule = edited(RULE, edits_of(&edit, &editor.uri("rule.trip")));
    assert_eq!(rule, RULE.replace("amount", "cents"));
    let changed = edited(&streams, edits_of(&edit, &editor.uri("streams.trip")));
    assert_eq!(changed, streams.replace("amount float", "cents float from \"amount\""));
    // The open document has its version, the other none.
    let versions: Vec<&Value> = edit["documentChanges"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|one| &one["textDocument"]["version"])
        .collect();
    assert_eq!(versions, [&json!(1), &Value::Null]);
    // What was changed has no mistakes.
    editor.change("rule.trip", &rule);
    editor.open("streams.trip", &changed);
    let told = editor.wait(|message| message["params"]["version"] == 3);
    assert_eq!(told["params"]["diagnostics"], json!([]));
}

#[test]
fn an_editor_without_versions_gets_changes_by_file() {
    let mut without = capabilities();
    without["workspace"] = json!({});
    let mut editor = Editor::with(&[], without);
    editor.open("a.trip", "let a = 1\nlet b = a\n");
    let edit =
        editor.at_with("textDocument/rename", "a.trip", (1, 8), json!({"newName": "c"})).expect("possible");
    let edits = edit["changes"][editor.uri("a.trip")].as_array().expect("edits").clone();
    assert_eq!(edited("let a = 1\nlet b = a\n", &edits), "let c = 1\nlet b = c\n");
}

#[test]
fn what_cannot_be_renamed_is_refused_with_the_reason() {
    let (mut editor, _) = editor();
    for (at, name, why) in [
        (place(RULE, "floor"), "two words", "cannot be a name"),
        (place(RULE, "floor"), "where", "word of the language"),
        (place(RULE, "floor"), "auth", "is the name of a stream"),
        (place(RULE, "floor"), "amount", "mistaken"),
        (place(RULE, "max("), "most", "not declared"),
        ((0, 0), "x", "no name here"),
    ] {
        let error = rename(&mut editor, at, name).expect_err(name);
        assert!(error["message"].as_str().expect("a reason").contains(why), "{name}: {error}");
        assert_eq!(error["code"], -32803);
    }
}

#[test]
fn the_editor_is_told_beforehand_what_can_be_renamed() {
    let (mut editor, _) = editor();
    let ready =
        editor.at("textDocument/prepareRename", "rule.trip", inside(RULE, "floor", 2)).expect("possible");
    assert_eq!(ready["placeholder"], "floor");
    let (line, character) = place(RULE, "floor");
    assert_eq!(ready["range"]["start"], json!({"line": line, "character": character}));
    editor.at("textDocument/prepareRename", "rule.trip", place(RULE, "where")).expect_err("a word");
}
