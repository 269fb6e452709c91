//! Completion while a rule is being written.

use serde_json::{Value, json};

use crate::client::{Editor, edited, place};

const STREAMS: &str = "stream auth { card string, amount float }\nstream logins { card string, ip ip }\n";

/// The items at the `|` of a text, which is left out.
fn items(editor: &mut Editor, text: &str) -> Vec<Value> {
    let at = place(text, "|");
    let text = text.replacen('|', "", 1);
    editor.open("a.trip", &text);
    let found = editor.at("textDocument/completion", "a.trip", at).expect("an answer");
    found["items"].as_array().expect("a list").clone()
}

fn labels(items: &[Value]) -> Vec<&str> {
    items.iter().map(|item| item["label"].as_str().expect("a label")).collect()
}

fn in_rule(clause: &str) -> String {
    format!(
        "# 🙂\nrule r {{\n  by card\n  event small = auth where amount < 2\n  {clause}\n  match 3+ small\n}}\n"
    )
}

#[test]
fn fields_are_offered_where_the_text_cannot_be_read_yet() {
    let mut editor = Editor::new(&[("streams.trip", STREAMS)]);
    for clause in [
        "event big = auth where amount > avg(small.|",
        "alert low \"🙂 {small.|",
        "event big = auth where amount > avg(small.am|",
    ] {
        let found = items(&mut editor, &in_rule(clause));
        let labels = labels(&found);
        assert!(labels.contains(&"amount") && !labels.contains(&"ip"), "{clause}: {labels:?}");
    }
}

#[test]
fn what_is_chosen_takes_the_place_of_the_word() {
    let mut editor = Editor::new(&[("streams.trip", STREAMS)]);
    let text = in_rule("event big = lo|g where ip in \"10.0.0.0/8\"");
    let found = items(&mut editor, &text);
    let logins = found.iter().find(|item| item["label"] == "logins").expect("offered");
    let edit = logins["textEdit"].clone();
    assert_eq!(edited(&text.replace('|', ""), &[edit]), text.replace("lo|g", "logins"));
    assert_eq!(logins["kind"], 8);
}

#[test]
fn whole_rules_are_offered_as_snippets_to_editors_that_know_them() {
    let mut editor = Editor::new(&[]);
    let found = items(&mut editor, "|");
    let rule = found.iter().find(|item| item["label"] == "rule").expect("offered");
    assert_eq!(rule["insertTextFormat"], 2);
    assert!(rule["textEdit"]["newText"].as_str().expect("a text").contains("match $4"));
    let mut editor = Editor::with(&[], json!({}));
    let found = items(&mut editor, "|");
    let rule = found.iter().find(|item| item["label"] == "rule").expect("offered");
    assert_eq!((&rule["textEdit"]["newText"], &rule["insertTextFormat"]), (&json!("rule"), &Value::Null));
}
