use crate::codec::Format;
use crate::codec::tests::{read, read_one, stream};

use super::*;

fn format(pattern: &str) -> Format {
    Format::Regex(Settings::new(pattern).unwrap())
}

#[test]
fn groups_are_fields() {
    let format =
        format(r#"^(?<ip>\S+) \S+ (?P<user>\S+) "(?<request>[^"]*)" (?<status>\d{3})(?: (?<size>\d+|-))?$"#);
    let schema = stream("ip ip, user string, status int, size string?");
    let rows = read(
        &format,
        &schema,
        &[
            r#"10.0.0.1 - ada "GET / HTTP/1.1" 200 512"#,
            r#"10.0.0.1 - ada "" 404"#,
            r#"10.0.0.x - ada "" 404"#,
            "hello",
        ],
    );
    assert_eq!(
        rows,
        [
            r#"{"ip":"10.0.0.1","user":"ada","request":"GET / HTTP/1.1","status":200,"size":"512"}"#,
            r#"{"ip":"10.0.0.1","user":"ada","request":"","status":404}"#,
            "the field `ip` should be an IP address as text, but is the text \"10.0.0.x\"",
            "the record does not match the pattern",
        ]
    );
}

#[test]
fn a_group_without_a_match_is_missing() {
    let format = format("a(?<x>b)?(?<n>[0-9]*)");
    assert_eq!(read_one(&format, &stream("x string?, n int?"), "a"), r#"{"n":null}"#);
    assert_eq!(read_one(&format, &stream("x string, n int?"), "a1"), "the required field `x` is missing");
    assert_eq!(read_one(&format, &stream("x string, n string"), "ab"), r#"{"x":"b","n":""}"#);
}

#[test]
fn the_pattern_is_found_anywhere_unless_bound() {
    let schema = stream("n int");
    assert_eq!(read_one(&format(r"n=(?<n>\d+)"), &schema, "x n=1 n=2"), r#"{"n":1}"#, "the first match");
    assert_eq!(
        read_one(&format(r"^(?<n>\d+)$"), &schema, "1\n2"),
        "the record does not match the pattern",
        "a record may have several lines"
    );
    assert_eq!(
        read_one(&format(r"(?<n>\d+)"), &schema, b"1 \xc3"),
        "not text: invalid UTF-8 at byte offset 2"
    );
}

#[test]
fn patterns_are_checked_and_bounded() {
    let refusal = |pattern: &str| Settings::new(pattern).unwrap_err();
    assert_eq!(refusal("(?<a>"), "unclosed group");
    assert_eq!(refusal("(?<a>.)(?<a>.)"), "duplicate capture group name");
    assert!(refusal(r"(\d+)").starts_with("it has no named group"), "{}", refusal(r"(\d+)"));
    assert!(refusal(r"(?<a>\w{1000}{1000})").starts_with("it needs more than 1048576 bytes"));
    assert!(refusal("(?<a>x)(?=y)").contains("look-around"), "{}", refusal("(?<a>x)(?=y)"));
    assert_eq!(Settings::new("(?<a>.)").unwrap().pattern(), "(?<a>.)");
}
