//! What the server says is wrong, and where.

use serde_json::json;

use crate::client::{Editor, capabilities, place};

const STREAMS: &str =
    "stream auth time at late 5s idle 30s {\n  card string\n  amount float\n  at timestamp\n}\n";

fn rule(condition: &str) -> String {
    format!(
        "# 🙂 a rule\nrule r {{\n  by card\n  event big = auth where {condition}\n  match big\n  alert low \"{{card}}\"\n}}\n"
    )
}

#[test]
fn mistakes_are_shown_as_they_are_typed_and_go_when_they_are_gone() {
    let mut editor = Editor::new(&[("streams.trip", STREAMS)]);
    let text = rule("/* 🙂 */ ammount > 1").replace("/* 🙂 */ ", "");
    editor.open("a.trip", &text);
    let found = editor.diagnostics("a.trip");
    assert_eq!(found.len(), 1, "{found:?}");
    let one = &found[0];
    assert_eq!(
        (&one["code"], &one["severity"], &one["source"]),
        (&json!("E0102"), &json!(1), &json!("tripline"))
    );
    let message = one["message"].as_str().expect("a message");
    assert!(message.contains("has no field `ammount`") && message.contains("help: did you mean `amount`?"));
    let (line, character) = place(&text, "ammount");
    let at = |character: usize| json!({"line": line, "character": character});
    assert_eq!(one["range"], json!({"start": at(character), "end": at(character + 7)}));

    // One letter is taken away.
    let change = json!([{"range": {"start": at(character + 1), "end": at(character + 2)}, "text": ""}]);
    editor.change_part("a.trip", change);
    assert_eq!(editor.codes("a.trip"), Vec::<String>::new());
    assert!(editor.shut_down().success());
}

#[test]
fn positions_count_units_of_utf16_unless_the_editor_offers_bytes() {
    for (encoding, units) in [("utf-16", 2), ("utf-8", 4)] {
        let mut capabilities = capabilities();
        capabilities["general"] = json!({"positionEncodings": [encoding, "utf-16"]});
        let mut editor = Editor::with(&[("streams.trip", STREAMS)], capabilities);
        let line = "  match big alert low \"🙂 {nothing}\"";
        editor.open("a.trip", &format!("rule r {{\n  by card\n  event big = auth\n{line}\n}}\n"));
        let found = editor.diagnostics("a.trip");
        let before = line.split('🙂').next().expect("a beginning").len() + 2;
        let start = &found[0]["range"]["start"];
        assert_eq!(*start, json!({"line": 3, "character": before + units}), "{encoding}: {found:?}");
    }
}

#[test]
fn files_of_a_set_share_what_is_not_saved_yet() {
    let mut editor = Editor::new(&[("streams.trip", STREAMS), ("sub/a.trip", &rule("amount > limit"))]);
    // Of a file that nobody has open, too.
    editor.open("streams.trip", STREAMS);
    assert_eq!(editor.codes("sub/a.trip"), ["E0102"]);
    assert_eq!(editor.codes("streams.trip"), Vec::<String>::new());
    editor.change("streams.trip", &format!("{STREAMS}let limit = 5.0\n"));
    assert_eq!(editor.codes("sub/a.trip"), Vec::<String>::new());
    assert_eq!(editor.codes("streams.trip"), Vec::<String>::new());
    // Closed without saving, the disk counts again: with it, no document is open.
    editor.open("sub/a.trip", &rule("amount > limit"));
    assert_eq!(editor.codes("sub/a.trip"), Vec::<String>::new());
    editor.close("streams.trip");
    assert_eq!(editor.codes("sub/a.trip"), ["E0102"]);
    editor.close("sub/a.trip");
    assert_eq!(editor.codes("sub/a.trip"), Vec::<String>::new());
}

#[test]
fn other_places_that_matter_are_told() {
    let mut editor = Editor::new(&[("a.trip", "let x = 1\n")]);
    editor.open("b.trip", "let x = 2\n");
    let found = editor.diagnostics("b.trip");
    let related = &found[0]["relatedInformation"][0];
    assert_eq!(found[0]["code"], "E0106");
    assert_eq!(related["location"]["uri"], json!(editor.uri("a.trip")));
    assert_eq!(related["message"], "first declared here");
}

#[test]
fn what_could_be_left_out_is_marked() {
    let mut editor = Editor::new(&[("streams.trip", STREAMS)]);
    let text = rule("amount > 1").replace("  match big", "  event other = auth\n  match big");
    editor.open("a.trip", &text);
    let found = editor.diagnostics("a.trip");
    assert_eq!((&found[0]["code"], &found[0]["severity"]), (&json!("W0507"), &json!(2)));
    assert_eq!(found[0]["tags"], json!([1]));
}

#[test]
fn a_file_that_changes_on_the_disk_is_read_again() {
    let mut editor = Editor::new(&[("streams.trip", STREAMS)]);
    editor.open("a.trip", &rule("amount > limit"));
    assert_eq!(editor.codes("a.trip"), ["E0102"]);
    editor.write("limits.trip", "let limit = 5.0\n");
    let changed = json!({"uri": editor.uri("limits.trip"), "type": 1});
    editor.notify("workspace/didChangeWatchedFiles", json!({"changes": [changed]}));
    assert_eq!(editor.codes("a.trip"), Vec::<String>::new());
    std::fs::remove_file(editor.path().join("limits.trip")).expect("it is there");
    editor.notify("textDocument/didSave", json!({"textDocument": {"uri": editor.uri("a.trip")}}));
    assert_eq!(editor.codes("a.trip"), ["E0102"]);
}

#[test]
fn the_configuration_says_which_files_belong_together() {
    let files = [
        (
            "tripline.toml",
            "rules = \"rules\"\n[sinks.out]\ntype = \"stdout\"\n[sources.in]\ntype = \"stdin\"\nstream = \"auth\"\n",
        ),
        ("rules/streams.trip", STREAMS),
        ("elsewhere/streams.trip", STREAMS),
    ];
    let mut editor = Editor::new(&files);
    // Otherwise the stream would be declared twice.
    editor.open("rules/deep/a.trip", &rule("amount > 1"));
    assert_eq!(editor.codes("rules/deep/a.trip"), Vec::<String>::new());
    editor.open("elsewhere/a.trip", &rule("amount > 1"));
    assert_eq!(editor.codes("elsewhere/a.trip"), Vec::<String>::new());
    editor.open("alone/a.trip", &rule("amount > 1"));
    assert_eq!(editor.codes("alone/a.trip")[0], "E0101");
}

#[test]
fn a_file_that_cannot_be_read_hides_no_mistakes_of_its_own_and_makes_none() {
    let mut editor = Editor::new(&[("a.trip", "let x = limit\n")]);
    editor.write("latin.trip", b"# caf\xe9\nlet limit = 1\n");
    editor.open("a.trip", "let x = limit\n");
    assert_eq!(editor.codes("latin.trip"), ["E0611"]);
    assert_eq!(editor.codes("a.trip"), Vec::<String>::new());
    // In the editor it can be read.
    editor.open("latin.trip", "# café\nlet limit = 1\n");
    assert_eq!(editor.codes("latin.trip"), Vec::<String>::new());
}

#[test]
fn a_document_on_no_disk_is_a_rule_set_by_itself() {
    let mut editor = Editor::new(&[("streams.trip", STREAMS)]);
    let item =
        json!({"uri": "untitled:Untitled-1", "languageId": "tripline", "version": 1, "text": "let x = y\n"});
    editor.notify("textDocument/didOpen", json!({"textDocument": item}));
    let told = editor.wait(|message| message["params"]["uri"] == "untitled:Untitled-1");
    assert_eq!(told["params"]["diagnostics"][0]["code"], "E0104");
    assert_eq!(told["params"]["version"], 1);
}

#[test]
fn a_large_document_is_refused_politely() {
    let mut editor = Editor::new(&[]);
    editor.open("a.trip", &"# a long comment\n".repeat(70_000));
    assert_eq!(editor.codes("a.trip"), ["E0010"]);
    let many = "let x = y\n".repeat(90_000);
    editor.change("a.trip", &many);
    let found = editor.diagnostics("a.trip");
    assert!(found.len() > 50, "{}", found.len());
    editor.change("a.trip", "let x = 1\n");
    assert_eq!(editor.codes("a.trip"), Vec::<String>::new());
}

#[test]
fn many_changes_are_told_of_at_the_end() {
    let mut editor = Editor::new(&[]);
    editor.open("a.trip", "");
    for n in 0..100 {
        editor.change_part("a.trip", json!([{"range": {"start": {"line": 0, "character": n}, "end": {"line": 0, "character": n}}, "text": "#"}]));
    }
    editor.change_part("a.trip", json!([{"range": {"start": {"line": 0, "character": 0}, "end": {"line": 0, "character": 100}}, "text": "let x = y"}]));
    let last =
        editor.wait(|message| message["params"]["diagnostics"].as_array().is_some_and(|all| !all.is_empty()));
    assert_eq!(last["params"]["version"], 102);
    assert_eq!(last["params"]["diagnostics"].as_array().map(Vec::len), Some(1));
}

#[test]
fn files_of_lists_and_tables_are_looked_at() {
    let mut editor = Editor::new(&[]);
    let rules = "list numbers int from \"lists/numbers.txt\"\n";
    editor.open("a.trip", rules);
    assert_eq!(editor.codes("a.trip"), ["E0420"]);
    editor.write("lists/numbers.txt", "# 🙂\n1\n  two\n");
    let changed = json!({"uri": editor.uri("lists/numbers.txt"), "type": 1});
    editor.notify("workspace/didChangeWatchedFiles", json!({"changes": [changed]}));
    let found = editor.diagnostics("lists/numbers.txt");
    assert_eq!(found[0]["range"]["start"]["line"], 2, "{found:?}");
    let related = &found[0]["relatedInformation"][0]["location"];
    assert_eq!(related["uri"], json!(editor.uri("a.trip")));
    assert_eq!(editor.codes("a.trip"), Vec::<String>::new());
    editor.write("lists/numbers.txt", "1\n2\n");
    editor.change("a.trip", &format!("{rules}# saved\n"));
    assert_eq!(editor.codes("lists/numbers.txt"), Vec::<String>::new());
}
