//! Hostile texts: floods of what a parser may trip over.

use tripline::diagnostic::FileId;
use tripline::language::{MAX_FILE_BYTES, parse};

use super::STACK;

/// Parses in a thread with a small stack, shows what was found, and drops the tree there.
fn survives(text: String) {
    let thread = std::thread::Builder::new().stack_size(STACK).spawn(move || {
        let (tree, diagnostics) = parse(FileId(0), &text);
        let debug_len = format!("{tree:?}").len();
        drop(tree.clone());
        (debug_len, diagnostics.len())
    });
    let (_, problems) = thread.expect("a thread starts").join().expect("the parser does not panic");
    assert!((1..=101).contains(&problems), "{problems} problems");
}

/// `piece` as often as a file can hold it, behind `before`.
fn filled(before: &str, piece: &str) -> String {
    let mut text = before.to_owned();
    text.push_str(&piece.repeat((MAX_FILE_BYTES - before.len()) / piece.len()));
    text
}

#[test]
fn floods_of_one_piece_end_quickly() {
    let contexts = [
        "",
        "let x = ",
        "let x = a ",
        "def f(",
        "stream s {\n",
        "stream s ",
        "rule r {\n",
        "rule r { match ",
        "rule r { match a then ",
        "rule r { by ",
        "rule r { event e = s where a in (",
        "rule r { alert low \"{",
        "rule r { alert low \"x\" {",
        "test \"t\" {\n",
        "test \"t\" { at 1s s {",
        "test \"t\" { expect r {",
    ];
    let pieces = [
        "(",
        ")",
        "{",
        "}",
        "[",
        "a[",
        "f(",
        "a.",
        "not ",
        "!",
        "- ",
        "1+",
        "1 ",
        "a ",
        "\"",
        "'",
        "„",
        "$ ",
        "\\",
        "\"\\u{",
        "x in (",
        "a then (",
        "2 ",
        "optional ",
        "a,",
        "a\n",
        "a b\n",
        "mach a\n",
        "rule r {\n",
        "a = (\n",
        "let a 1\n",
        "\u{200b}",
        "{{",
        "1h",
        "9",
        "_",
        "a is ",
        "at 1s s {\n",
    ];
    for context in contexts {
        for piece in pieces {
            // Small floods, so that the test stays quick in debug builds.
            let mut text = filled(context, piece);
            text.truncate((0..=6_000).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0));
            let text = text + "\n$";
            survives(text);
        }
    }
}

#[test]
fn files_as_large_as_allowed_end_quickly() {
    for piece in ["(", "not ", "1+", "\"\\u{"] {
        survives(filled("let x = ", piece));
    }
    survives(filled("rule r {\n", "mach a\n"));
    survives(filled("rule r { alert low \"", "{x"));
}
