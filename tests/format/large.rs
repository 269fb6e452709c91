//! Large files are formatted in time linear in their size and in a small stack.
//!
//! Nothing here measures time: what takes more than linear time would not end while anyone waits.

use tripline::language::MAX_FILE_BYTES;

use crate::fuzz::formatted;

/// The stack of the thread that formats: that of Rust's own threads.
const STACK: usize = 2 << 20;

/// Formats in a thread with a small stack.
fn survives(text: String) -> Option<String> {
    assert!(text.len() <= MAX_FILE_BYTES, "{} bytes", text.len());
    let thread = std::thread::Builder::new().stack_size(STACK).spawn(move || formatted(&text));
    thread.expect("a thread starts").join().expect("the formatter does not panic")
}

/// `pieces` with numbers in the place of `#`.
fn repeated(count: usize, piece: &str) -> String {
    (0..count).map(|number| piece.replace('#', &number.to_string())).collect()
}

#[test]
fn long_lists_and_chains() {
    let within =
        |before: &str, piece: &str, after: &str| format!("{before}{}{after}", repeated(5_000, piece));
    for text in [
        within("let x = a", " or b#", ""),
        within("let x = a", " and\n@ why\nb#", "").replace('@', "#"),
        within("let x = a in (0", ", #", ")"),
        within("let x = f(0", ", #", ")"),
        within("let x = f(0", ", stop", ")"),
        within("rule r { tags a", ", stop", " }"),
        within("rule r { by a", ", b# = c.d", " }"),
        within("rule r { by a", " = b#.stop", " }"),
        within("rule r { match a", " then b#", " }"),
        within("rule r { match (a", " or b#", ") }"),
        within("rule r {", "event e# = s\n", "}"),
        within("stream s {", "f# int,", "}"),
        within("stream s {", "f# int @ comment\n", "}").replace('@', "#"),
        within("rule r { alert low \"x\" {", "f# = 1,", "} }"),
        within("test \"t\" { at 0s s {", "f#: 1,", "} }"),
        within("test \"t\" {", "at 1s s { f#: 1 }\n", "}"),
        within("test \"t\" {", "expect r\n", "}"),
        within("", "let x# = 1\n", ""),
        within("", "@ comment\n", "").replace('@', "#"),
    ] {
        let beginning: String = text.chars().take(60).collect();
        assert!(survives(text).is_some(), "{beginning}");
    }
}

#[test]
fn nested_as_deeply_as_allowed() {
    let nested = |open: &str, inner: &str, close: &str, depth| {
        format!("{}{inner}{}", open.repeat(depth), close.repeat(depth))
    };
    for (depth, open, close) in [
        (62, "f(", ")"),
        (62, "(", ")"),
        (62, "- (", ")"),
        (62, "a[", "]"),
        (31, "1 + (a ?? ", ")"),
        (31, "a or b and (", ")"),
        (31, "a and (b or ", ")"),
        (20, "a in ((b or ", ") and c)"),
        (20, "1 + (a ?? f(", "))"),
        (31, "(a in (", ")) is missing"),
        (20, "f((1 + g(", ")) where b)"),
    ] {
        let text = format!("let x = {}", nested(open, "c", close, depth));
        assert!(survives(text).is_some(), "{open}");
    }
    let group = nested("(a then ", "b", ")", 62);
    assert!(survives(format!("rule r {{ match {group} }}")).is_some());
}

#[test]
fn names_and_texts_as_long_as_a_file() {
    let long = "a".repeat(100_000);
    let fields = repeated(5_000, "f# int\n");
    assert!(survives(format!("stream s {{\n{long} int\n{fields}}}")).is_some());
    let operands = repeated(5_000, " or b#");
    assert!(survives(format!("rule r {{ event {long} = s where a{operands} }}")).is_some());
    assert!(survives(format!("let x = {long}(a{})", repeated(5_000, ", b#"))).is_some());
    let deep = "f(".repeat(60) + "\"" + &long + "\"" + &")".repeat(60);
    assert!(survives(format!("let x = {deep} + {deep}")).is_some());
}

#[test]
fn a_file_that_would_become_too_large_is_refused() {
    let operands = repeated(100_000, " or b#");
    let text = format!("rule r {{ event a_name_of_some_length = s where a{operands} }}");
    let problems = tripline::language::format(tripline::diagnostic::FileId(0), &text).expect_err("too large");
    let problem = problems.iter().next().expect("a problem");
    assert_eq!(problem.code.as_str(), "E0010");
    assert!(problem.message.contains("when formatted"), "{}", problem.message);
    assert!(survives(text).is_none());
}
