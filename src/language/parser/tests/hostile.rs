//! Inputs that nobody means well; larger ones are in `tests/robustness`.

use proptest::prelude::*;

use super::super::{MAX_FILE_BYTES, parse};
use crate::cases::cases;
use crate::diagnostic::{FileId, Sources, Style, codes, render_all};

#[test]
fn larger_files_are_not_read() {
    let (tree, diagnostics) = parse(FileId(0), &" ".repeat(MAX_FILE_BYTES + 1));
    assert!(tree.items.is_empty());
    assert_eq!(diagnostics.iter().map(|problem| problem.code).collect::<Vec<_>>(), [codes::E0010]);
    assert!(parse(FileId(0), &" ".repeat(MAX_FILE_BYTES)).1.is_empty());
}

#[test]
fn nesting_up_to_the_limit_is_allowed() {
    let problems = |text: String| parse(FileId(0), &text).1.len();
    let nested = |open: &str, depth: usize, close: &str| {
        problems(format!("let x = {}a{}", open.repeat(depth), close.repeat(depth)))
    };
    for (open, close) in [("(", ")"), ("f(", ")"), ("not ", ""), ("- ", ""), ("1 + (", ")"), ("a and (", ")")]
    {
        assert_eq!(nested(open, 63, close), 0, "{open}");
        assert_eq!(nested(open, 65, close), 1, "{open}");
    }
    assert_eq!(problems(format!("let x = a{}", " + a".repeat(63))), 0);
    assert_eq!(problems(format!("let x = a{}", " + a".repeat(64))), 1);
    assert_eq!(problems(format!("rule r {{ match {}a{} }}", "(".repeat(64), ")".repeat(64))), 0);
    assert_eq!(problems(format!("rule r {{ match {}a{} }}", "(".repeat(65), ")".repeat(65))), 1);
}

/// All problems point into the text, at whole characters, and can be shown.
fn check(text: &str) {
    let (_, diagnostics) = parse(FileId(0), text);
    for problem in &diagnostics {
        for label in std::iter::once(&problem.primary).chain(&problem.secondary) {
            let (start, end) = (label.span.start as usize, label.span.end as usize);
            assert!(text.get(start..end).is_some(), "{problem:?} lies outside of the text");
        }
    }
    render_all(&diagnostics, &Sources::new([("a.trip", text)]), Style::Plain);
}

/// The words and symbols of the language, and some that are not.
fn pieces() -> impl Strategy<Value = &'static str> {
    const PIECES: &str = "stream list table let def rule test about tags runbook by event match overlap alert on \
        to limit max mode at expect restart stop and or not in like matches is true false null then next any \
        until within as optional for over where previous timeout after none per start resume first last each \
        late idle time arrival from key nothing else x × { } ( ) [ ] , : . .. = == != < <= > >= + - * / % ? ?? \
        ! && || <> -> ; $ a b count int string timestamp ms 1 2.5 5s 1h30m \"t\" \"{a}\" \"{ \" ' “ lazy consecutive";
    let all: Vec<&'static str> = PIECES.split_whitespace().chain(["\n", "\n", "\n", "# c\n", "é"]).collect();
    proptest::sample::select(all)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(64, 256), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_are_survived(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        check(&String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn any_text_is_survived(text in "\\PC{0,200}") {
        check(&text);
    }

    #[test]
    fn any_tokens_are_survived(pieces in proptest::collection::vec(pieces(), 0..120)) {
        check(&pieces.join(" "));
        check(&format!("rule r {{ {} }}", pieces.join(" ")));
    }

    #[test]
    fn any_damage_to_a_file_is_survived(at in 0usize..1400, len in 0usize..40, piece in pieces()) {
        let text = super::whole::EXAMPLE;
        let edge = |at: usize| (0..=at.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
        let (start, end) = (edge(at), edge(at + len));
        check(&format!("{}{piece}{}", &text[..start], &text[end..]));
    }
}
