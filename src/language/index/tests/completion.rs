//! Completion: a place in a rule set, marked with `|`, and what is offered there.

use crate::cases::size;
use crate::diagnostic::{FileId, Sources};
use crate::language::index::{Completion, Index};
use crate::language::{parse, tree};

/// Streams and names that the texts of the tests can use.
const SHARED: &str = "\
stream auth time at { id string, card string, amount float, device string? from \"client.device.id\", ok bool, at timestamp }
stream logins { user string, card string, ok bool }
table merchants from \"m.csv\" { key id string, risk float }
list known string from \"known.txt\"
let big = 500.0
def ratio(a float, b float) = a / b
rule other { by card match auth as one then logins alert low \"x\" { n = 1 } to desk, audit }
stream risky from other
";

fn offers(text: &str) -> Vec<String> {
    completion(text).offers.into_iter().map(|offer| offer.label).collect()
}

fn completion(text: &str) -> Completion {
    let byte = text.find('|').expect("a mark");
    let text = text.replacen('|', "", 1);
    let sources = Sources::new([("a.trip", SHARED), ("b.trip", &*text)]);
    let trees: Vec<tree::File> = sources.iter().map(|(id, file)| parse(id, &file.text).0).collect();
    Index::new(&sources, &trees).complete(FileId(1), &text, byte as u32)
}

/// In a rule with a key, two events and a pattern.
fn in_rule(clause: &str) -> String {
    format!(
        "rule r {{\n  by card\n  event small = auth where amount < 2\n  event login = logins\n  match 3+ small then login as l within 1h\n  {clause}\n  alert low \"t\" {{ n = count(small) }}\n}}\n"
    )
}

#[track_caller]
fn has(text: &str, wanted: &[&str], unwanted: &[&str]) {
    let offers = offers(text);
    for wanted in wanted {
        assert!(offers.iter().any(|offer| offer == wanted), "no `{wanted}` in {text}\n{offers:?}");
    }
    for unwanted in unwanted {
        assert!(!offers.iter().any(|offer| offer == unwanted), "`{unwanted}` in {text}\n{offers:?}");
    }
}

#[test]
fn between_declarations_declarations_begin() {
    for text in ["|", "let x = 1\n|", "ru|", "stream s { a int }\n\nr|\n\nlet y = 2\n", "rule r {\n}\n|"] {
        has(text, &["stream", "rule", "test", "let", "def", "list", "table"], &["match", "amount"]);
    }
}

#[test]
fn streams_and_definitions_have_types() {
    has("stream s time |", &["arrival"], &["stream"]);
    has("stream s time | { a int, at timestamp }", &["arrival", "at"], &[]);
    has("stream s | {", &["time", "late", "idle", "from"], &[]);
    has("stream s from |", &["other"], &["auth"]);
    has("stream s { a | }", &["int", "timestamp(ms)", "string"], &["from"]);
    has("stream s {\n  a int |\n}", &["from"], &["int"]);
    has("stream s {\n  a int\n  |\n}", &[], &["from", "int"]);
    has("def f(x |", &["int", "ip"], &[]);
    has("def f(x int, y float) = x + |", &["x", "y", "big", "lower"], &["card", "count"]);
    has("let x = |", &["big", "ratio", "round"], &["card", "count"]);
    has("table t from \"t.csv\" { | }", &["key"], &[]);
    has("table t from \"t.csv\" { key id | }", &["string"], &[]);
}

#[test]
fn clauses_begin_where_clauses_can() {
    has(
        &in_rule("|"),
        &["event", "match", "alert", "on timeout", "overlap", "max runs"],
        &["rule", "amount"],
    );
    has(&in_rule("ov|"), &["overlap"], &["amount"]);
    has(&in_rule("event x = auth where amount > 1\n  |"), &["event", "and", "or"], &["amount"]);
    has("rule r { | }", &["by", "event"], &["rule"]);
    has("rule r {\n  event a = auth\n  |", &["match", "where"], &[]);
}

#[test]
fn events_are_of_streams_and_conditions_see_fields() {
    has(&in_rule("event x = |"), &["auth", "logins", "risky"], &["small", "amount"]);
    has(&in_rule("event x = auth |"), &["where"], &["auth"]);
    has(
        &in_rule("event x = auth where |"),
        &["amount", "device", "time", "small", "l", "big", "ratio", "lower", "avg", "if", "not", "known"],
        &["user", "auth", "and", "match"],
    );
    has(&in_rule("event x = auth where amount |"), &["and", "in", "is missing", "like"], &["amount"]);
    has(&in_rule("event x = auth where device is |"), &["missing", "present"], &["and"]);
    has(&in_rule("event x = auth where card not |"), &["in"], &["card"]);
    has(&in_rule("event x = logins where ok and (us|"), &["user", "card"], &["amount"]);
    has(&in_rule("event x = risky where |"), &["n", "card", "kind", "time"], &["amount"]);
}

#[test]
fn what_stands_behind_a_point_is_of_that_event() {
    let fields: &[&str] = &["amount", "device", "time"];
    for clause in [
        "event x = auth where small.|",
        "event x = auth where amount > avg(small.|",
        "event x = auth where amount > avg(small.am| and ok",
        "event x = auth where last(small).|",
        "event x = auth where amount > 3 * max(first(small).|, 2",
        "alert low \"a {small.|} b\"",
        "alert low \"a {round(sum(small.am|",
        "alert low \"t\" { x = small.|",
        "limit 1 per 1h for each small.|",
        "event x = logins where sum(auth.|) over 1h > 2",
        "event x = auth where count(auth where this.|",
    ] {
        has(&in_rule(clause), fields, &["user", "big", "lower", "and"]);
    }
    has(&in_rule("event x = auth where l.|"), &["user", "ok"], &["amount"]);
    has(&in_rule("event x = auth where merchants[card].|"), &["risk", "id"], &["amount"]);
    has(&in_rule("event x = auth where nothing.|"), &[], &["amount", "user"]);
}

#[test]
fn aggregates_take_captures_and_the_past() {
    has(&in_rule("event x = auth where count(|"), &["small", "l", "auth"], &["amount", "login"]);
    has(&in_rule("event x = auth where min(|"), &["small", "amount"], &[]);
    has(&in_rule("event x = logins where count(auth |"), &["where"], &["amount"]);
    has(&in_rule("event x = logins where count(auth where |"), &["amount", "this"], &["user"]);
    has(&in_rule("event x = auth where count(small) |"), &["over", "and"], &[]);
    has(&in_rule("event x = auth where count(small) over |"), &["previous"], &[]);
    has(&in_rule("event x = auth where lower(|"), &["card", "small"], &["where"]);
}

#[test]
fn patterns_name_events_and_streams() {
    for clause in
        ["match |", "match small then |", "match (small or |", "match 2+ |", "match small then within 5m |"]
    {
        has(&in_rule(clause), &["small", "login", "auth"], &["amount", "r"]);
    }
    has(&in_rule("match small then |"), &["any", "not", "within", "optional"], &["until"]);
    has(&in_rule("match small then not |"), &["login", "auth"], &["then"]);
    has(&in_rule("match 3+ |"), &["lazy", "consecutive", "any"], &["optional"]);
    has(&in_rule("match small |"), &["then", "next", "within", "as", "until"], &["small"]);
    has(&in_rule("match small then not login |"), &["for", "then"], &[]);
    has(&in_rule("match small as |"), &[], &["small", "then"]);
}

#[test]
fn other_clauses_know_their_words() {
    has(&in_rule("by |"), &["card", "amount", "auth", "logins"], &["small"]);
    has(&in_rule("by auth.|"), &["card", "amount"], &["user", "auth"]);
    has(&in_rule("by auth.card = logins.|"), &["user", "card"], &["amount"]);
    has(&in_rule("overlap |"), &["none", "per start", "resume at first"], &["small"]);
    has(&in_rule("overlap resume at last |"), &["small", "l"], &["login", "none"]);
    has(&in_rule("alert |"), &["info", "low", "medium", "high", "critical"], &["card"]);
    has(&in_rule("on timeout |"), &["after", "alert"], &[]);
    has(&in_rule("on timeout after |"), &["small", "l"], &["alert"]);
    has(&in_rule("to |"), &["audit", "desk"], &["small"]);
    has(&in_rule("to audit, |"), &["desk"], &[]);
    has(&in_rule("max |"), &["runs", "events"], &[]);
    has(&in_rule("mode |"), &["shadow", "off"], &[]);
    has(&in_rule("limit 1 per 1h |"), &["for each"], &[]);
    has(&in_rule("limit 1 per 1h for each |"), &["card", "small"], &["amount"]);
}

#[test]
fn alerts_see_the_key_and_captures() {
    has(&in_rule("alert low \"{|"), &["card", "small", "l", "count", "big"], &["amount", "user"]);
    has(&in_rule("alert low \"{card} {|} x\""), &["card", "small"], &["amount"]);
    has(&in_rule("alert low \"t\" {\n    x = |\n  }"), &["card", "small", "count"], &["amount"]);
    has(&in_rule("alert low \"t\" {\n    x = 1\n    y = |\n  }"), &["card"], &["and"]);
    has(&in_rule("alert low \"t\" {\n    |\n  }"), &[], &["card", "event"]);
    has(&in_rule("alert low \"ca|\""), &[], &["card"]);
    has(&in_rule("alert low \"{card} ca|\""), &[], &["card"]);
}

#[test]
fn tests_know_streams_rules_and_their_fields() {
    let test = |line: &str| format!("test \"t\" {{\n  {line}\n}}\n");
    has(&test("|"), &["at", "expect", "restart", "stop"], &["rule"]);
    has(&test("at 5s |"), &["auth", "logins"], &["other"]);
    has(&test("at 5s auth { |"), &["id", "amount", "device"], &["user", "from"]);
    has(&test("at 5s auth { id: \"1\", |"), &["amount"], &["user"]);
    has(&test("at 5s auth { id: \"1\", ok: |"), &["true", "big"], &["amount"]);
    has(&test("at 5s auth { id: \"1\" }\n  |"), &["expect", "at"], &["amount"]);
    has(&test("expect |"), &["other", "nothing", "nothing else", "late"], &["auth"]);
    has(&test("expect other { |"), &["n", "card", "events"], &["amount"]);
    has(&test("expect other { events.|"), &["one", "logins"], &["n"]);
    has(&test("expect other { events.one[0].|"), &["amount", "client.device.id"], &["device", "user"]);
}

#[test]
fn nothing_is_offered_in_comments_and_texts() {
    for text in ["# st|", "let x = 1 # a|", "let x = \"a|\"", "let x = \"a|", "# a\n# |\n"] {
        assert!(offers(text).is_empty(), "{text}");
    }
}

#[test]
fn the_word_that_is_being_typed_is_replaced() {
    let text = in_rule("event x = auth where amo|unt > 1");
    let found = completion(&text);
    let start = text.find("amo|").expect("there") as u32;
    assert_eq!((found.word.start, found.word.end), (start, start + 6));
}

#[test]
fn a_cursor_may_stand_anywhere() {
    let text = include_str!("sample.trip").replace('|', " ");
    let sources = Sources::new([("a.trip", text.as_str())]);
    let trees: Vec<tree::File> = sources.iter().map(|(id, file)| parse(id, &file.text).0).collect();
    let index = Index::new(&sources, &trees);
    for byte in (0..=text.len() as u32 + 3).step_by(size(7, 1)) {
        // Cut off behind the cursor as well, as while it is being written.
        let cut = text.get(..byte as usize).unwrap_or(&text);
        let text = if byte % 2 == 0 { &*text } else { cut };
        let found = index.complete(FileId(0), text, byte);
        assert!(found.word.start <= byte && byte <= found.word.end);
    }
}
