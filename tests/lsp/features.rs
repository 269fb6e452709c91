//! Hover, definitions, uses, the outline.

use serde_json::{Value, json};

use crate::client::{Editor, edited, inside, place};

const STREAMS: &str = "\
# Card authorisations.
stream auth time at {
  card    string          # a token, never the number
  amount  float
  device  string? from \"client.device.id\"
  at      timestamp(ms)
}
stream logins { card string, ip ip }
let big_ticket = 500.00
# How many times b is in a.
def ratio(a float, b float) = a / b
";

const RULE: &str = "\
# 🙂🙂
rule testing {
  by card
  event small = auth where amount < 2
  event big   = auth where amount > big_ticket and ratio(amount, avg(small.amount)) > 20 and lower(device) == \"x\"
  match 3+ small then big as large then logins within 10m
  alert low \"🙂 {card}: {count(small)}, then {large.amount} {logins.ip}\" { tries = count(small) }
}
";

fn editor() -> Editor {
    let mut editor = Editor::new(&[("streams.trip", STREAMS)]);
    editor.open("rule.trip", RULE);
    assert_eq!(editor.codes("rule.trip"), Vec::<String>::new());
    editor
}

fn hover(editor: &mut Editor, at: (usize, usize)) -> String {
    let found = editor.at("textDocument/hover", "rule.trip", at).expect("an answer");
    found["contents"]["value"].as_str().unwrap_or_default().to_owned()
}

#[test]
fn hovering_tells_what_a_name_means() {
    let mut editor = editor();
    for (at, wanted) in [
        (place(RULE, "amount <"), &["amount float", "Field of `auth`, read from `amount`"][..]),
        (place(RULE, "device)"), &["device string?", "`client.device.id`", "May be missing"]),
        (place(RULE, "big_ticket"), &["let big_ticket = 500.00"]),
        (place(RULE, "ratio("), &["def ratio(a float, b float) = a / b", "How many times b is in a."]),
        (place(RULE, "lower("), &["lower(text string) → string"]),
        (place(RULE, "avg("), &["avg(v.f)", "mean"]),
        (place(RULE, "auth where"), &["stream auth", "amount  float", "Card authorisations."]),
        (place(RULE, "small.amount"), &["event small = auth where amount < 2"]),
        (inside(RULE, "{large.amount", 1), &["big as large", "Captured events of `auth`"]),
        (inside(RULE, "{card}", 2), &["card string", "a token, never the number", "Field of `logins`"]),
        (
            place(RULE, "testing"),
            &["rule testing", "For each `card`", "three or more `small` events", "partial matches"],
        ),
        (place(RULE, "3+ small"), &["Three or more"]),
        (inside(RULE, "3+ small", 4), &["small", "event small = auth where amount < 2"]),
        (place(RULE, "within 10m"), &["10 minutes"]),
        (place(RULE, "tries"), &["tries = count(small)", "alerts of `testing`"]),
    ] {
        let found = hover(&mut editor, at);
        for wanted in wanted {
            assert!(found.contains(wanted), "no `{wanted}` at {at:?}: {found}");
        }
    }
    // Nothing is said twice.
    let step = hover(&mut editor, inside(RULE, "3+ small", 4));
    assert_eq!(step.matches("is less than 2").count(), 1, "{step}");
    assert_eq!(hover(&mut editor, (0, 1)), "");
    // The place of what is told of is exact, behind characters that take two units.
    let at = inside(RULE, "large.amount", 1);
    let found = editor.at("textDocument/hover", "rule.trip", at).expect("an answer");
    let (line, start) = place(RULE, "large.amount");
    assert_eq!(found["range"]["start"], json!({"line": line, "character": start}));
    assert_eq!(found["range"]["end"], json!({"line": line, "character": start + 5}));
}

#[test]
fn an_editor_without_markdown_gets_plain_text() {
    let mut editor = Editor::with(&[("streams.trip", STREAMS)], json!({}));
    editor.open("rule.trip", RULE);
    let found = editor.at("textDocument/hover", "rule.trip", place(RULE, "amount <")).expect("an answer");
    assert_eq!(found["contents"]["kind"], "plaintext");
    assert!(!found["contents"]["value"].as_str().expect("a text").contains('`'), "{found}");
}

/// File name, line and character of locations.
fn places(locations: &Value) -> Vec<(String, u64, u64)> {
    let place = |location: &Value| {
        let name = location["uri"].as_str().expect("a name").rsplit('/').next().expect("a file").to_owned();
        let start = &location["range"]["start"];
        (name, start["line"].as_u64().expect("a line"), start["character"].as_u64().expect("a character"))
    };
    locations.as_array().expect("a list").iter().map(place).collect()
}

fn expected(name: &str, text: &str, part: &str) -> (String, u64, u64) {
    let (line, character) = place(text, part);
    (name.to_owned(), line as u64, character as u64)
}

#[test]
fn definitions_are_found_in_other_files() {
    let mut editor = editor();
    let mut definition =
        |at| places(&editor.at("textDocument/definition", "rule.trip", at).expect("an answer"));
    assert_eq!(definition(place(RULE, "amount <")), [expected("streams.trip", STREAMS, "amount")]);
    assert_eq!(definition(place(RULE, "big_ticket")), [expected("streams.trip", STREAMS, "big_ticket")]);
    assert_eq!(definition(inside(RULE, "{count(small)", 8)), [expected("rule.trip", RULE, "small =")]);
    assert_eq!(definition(inside(RULE, "{large", 1)), [expected("rule.trip", RULE, "large then")]);
    assert_eq!(definition(inside(RULE, "{card", 1)).len(), 2);
    assert!(definition(place(RULE, "lower")).is_empty());
    assert!(definition((0, 0)).is_empty());
}

#[test]
fn uses_are_found_in_other_files() {
    let mut editor = editor();
    let mut uses = |at, declaration| {
        let more = json!({"context": {"includeDeclaration": declaration}});
        let found = editor.at_with("textDocument/references", "rule.trip", at, more);
        places(&found.expect("an answer"))
    };
    let all = uses(place(RULE, "amount <"), true);
    assert_eq!(all.len(), 6, "{all:?}");
    assert!(all.contains(&expected("streams.trip", STREAMS, "amount")));
    assert_eq!(uses(place(RULE, "amount <"), false).len(), 5);
    assert_eq!(uses(place(RULE, "small ="), true).len(), 5);
    let marks =
        editor.at("textDocument/documentHighlight", "rule.trip", place(RULE, "small =")).expect("marks");
    assert_eq!(marks.as_array().map(Vec::len), Some(5));
}

#[test]
fn the_outline_has_declarations_and_what_is_in_them() {
    let mut editor = editor();
    let uri = editor.uri("rule.trip");
    let outline = editor.request("textDocument/documentSymbol", json!({"textDocument": {"uri": uri}}));
    let outline = outline.expect("an outline");
    let names = |symbols: &Value| -> Vec<String> {
        let all = symbols.as_array().expect("a list").iter();
        all.map(|one| one["name"].as_str().expect("a name").to_owned()).collect()
    };
    assert_eq!(names(&outline), ["testing"]);
    assert_eq!(names(&outline[0]["children"]), ["small", "big", "tries"]);
}

#[test]
fn declarations_are_found_by_their_letters() {
    let mut editor = editor();
    let mut names = |query: &str| -> Vec<String> {
        let found = editor.request("workspace/symbol", json!({"query": query})).expect("an answer");
        let all = found.as_array().expect("a list").iter();
        all.map(|one| one["name"].as_str().expect("a name").to_owned()).collect()
    };
    assert_eq!(names("BigT"), ["big_ticket"]);
    assert_eq!(names("ti"), ["testing", "big_ticket", "ratio"]);
    assert_eq!(names("").len(), 5);
}

#[test]
fn a_rule_with_mistakes_is_still_understood() {
    let mut editor = editor();
    let broken = RULE.replace("amount < 2", "amount < avg(small.").replace("within 10m", "within");
    editor.change("rule.trip", &broken);
    assert!(!editor.codes("rule.trip").is_empty());
    let found = editor.at("textDocument/definition", "rule.trip", inside(&broken, "small.amount", 7));
    assert_eq!(places(&found.expect("an answer")), [expected("streams.trip", STREAMS, "amount")]);
}

#[test]
fn formatting_changes_only_what_is_not_as_it_should_be() {
    let mut editor = Editor::new(&[]);
    let text = "# 🙂\nlet a = 1\n\nstream s {a int,   b string}\n\nlet c = 2\n";
    editor.open("a.trip", text);
    let format = |editor: &mut Editor| {
        let options = json!({"tabSize": 2, "insertSpaces": true});
        let uri = editor.uri("a.trip");
        let edits = editor
            .request("textDocument/formatting", json!({"textDocument": {"uri": uri}, "options": options}));
        edits.expect("an answer").as_array().expect("a list").clone()
    };
    let edits = format(&mut editor);
    assert_eq!(edits.len(), 1, "{edits:?}");
    assert_eq!(edits[0]["range"]["start"], json!({"line": 3, "character": 0}));
    assert_eq!(edits[0]["range"]["end"], json!({"line": 4, "character": 0}));
    let formatted = edited(text, &edits);
    assert_eq!(formatted, "# 🙂\nlet a = 1\n\nstream s {\n  a int\n  b string\n}\n\nlet c = 2\n");
    editor.change("a.trip", &formatted);
    assert_eq!(format(&mut editor), Vec::<Value>::new());
    // What cannot be read stays as it is; its mistakes are shown.
    editor.change("a.trip", "let   a = \n");
    assert_eq!(format(&mut editor), Vec::<Value>::new());
    for text in ["let  a=1", "\u{feff}let a = 1\r\n\r\n\r\n", "", "\n\n"] {
        editor.change("a.trip", text);
        let formatted = edited(text, &format(&mut editor));
        editor.change("a.trip", &formatted);
        assert_eq!(format(&mut editor), Vec::<Value>::new(), "{text:?} became {formatted:?}");
    }
}
