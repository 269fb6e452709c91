use crate::codec::Format;
use crate::codec::tests::{read, stream};

use super::*;

fn with_header() -> Format {
    Format::Csv(Settings::default())
}

fn with_columns(delimiter: u8, columns: &[&str]) -> Format {
    let columns = columns.iter().map(|name| (*name).into()).collect();
    Format::Csv(Settings::new(delimiter, Some(columns)).unwrap())
}

#[test]
fn the_first_record_is_the_header() {
    let schema = stream("card string, amount float, ok bool?");
    let rows = read(
        &with_header(),
        &schema,
        &["amount,shop,card", "1.50,corner shop,c1", "2,,c2", "amount,shop,card"],
    );
    assert_eq!(
        rows,
        [
            "no event",
            r#"{"amount":1.50,"shop":"corner shop","card":"c1"}"#,
            r#"{"amount":2,"shop":"","card":"c2"}"#,
            "the field `amount` should be a number, but is the text \"amount\"",
        ]
    );
}

#[test]
fn columns_that_are_given_stand_for_the_header() {
    let schema = stream("card string, amount float");
    let rows = read(&with_columns(b'\t', &["card", "amount", "note"]), &schema, &["c1\t5\ta,b", "\t6\t"]);
    assert_eq!(rows, [r#"{"card":"c1","amount":5,"note":"a,b"}"#, r#"{"card":"","amount":6,"note":""}"#]);
}

#[test]
fn cells_in_quotation_marks_hold_anything() {
    let schema = stream("a string, b string");
    for (row, kept) in [
        (r#""x,y","say ""hi""""#, r#"{"a":"x,y","b":"say \"hi\""}"#),
        ("\"line\r\nend\",\"\"", r#"{"a":"line\r\nend","b":""}"#),
        (r#" "x" ,y"#, r#"{"a":" \"x\" ","b":"y"}"#),
        (r#"5" pipe,y"#, r#"{"a":"5\" pipe","b":"y"}"#),
        (r#""x"z,y"#, r#"{"a":"xz","b":"y"}"#),
        ("x,y\r\n", r#"{"a":"x","b":"y"}"#),
        ("\u{feff}x,y", "{\"a\":\"\u{feff}x\",\"b\":\"y\"}"),
        ("ä,\u{1}", r#"{"a":"ä","b":"\u0001"}"#),
    ] {
        assert_eq!(read(&with_header(), &schema, &["a,b", row])[1], kept, "{row}");
    }
}

#[test]
fn what_is_not_one_row_is_refused_and_the_next_is_read() {
    let schema = stream("a string, b string");
    for (row, reason) in [
        (&b""[..], "the record is empty"),
        (b"\r\n", "the record is empty"),
        (b"x", "it has one cell, but there are 2 columns"),
        (b"x,y,", "it has more cells than there are columns, which is 2"),
        (b"x,y,z,\"", "it has more cells than there are columns, which is 2"),
        (b"x,\"y", "a quotation mark is not closed"),
        (b"x,\"y\n", "a quotation mark is not closed"),
        (b"x,y\nz,z", "a second row begins at byte offset 4; a line end in a cell stands in quotation marks"),
        (b"x,\xff", "invalid UTF-8 at byte offset 2"),
    ] {
        let rows = read(&with_header(), &schema, &[b"a,b", row, b"\xef\xbb\xbfx,y"]);
        assert_eq!(rows[1], format!("not a row of CSV: {reason}"), "{row:?}");
        assert_eq!(rows[2], "{\"a\":\"\u{feff}x\",\"b\":\"y\"}", "after {row:?}");
    }
}

#[test]
fn a_header_that_cannot_be_used_spoils_every_row() {
    let schema = stream("a int, b int? from \"x.b\"");
    for (header, reason) in [
        (&b"b,c"[..], "it has no column `a`, which the required field `a` reads"),
        (b"a,b,a", "the column \"a\" is there twice"),
        (b"1,2", "it has no column `a`, which the required field `a` reads"),
        (b"a,\"b", "a quotation mark is not closed"),
        (b"a,\xff", "invalid UTF-8 at byte offset 2"),
        (b"", "the record is empty"),
        (b"a\nb", "a second row begins at byte offset 2; a line end in a cell stands in quotation marks"),
    ] {
        let rows = read(&with_header(), &schema, &[header, b"a,x.b", b"1,2"]);
        assert_eq!(rows[0], format!("this header cannot be used: {reason}"), "{header:?}");
        for row in &rows[1..] {
            assert_eq!(*row, format!("the header of this row cannot be used: {reason}"), "{header:?}");
        }
    }
}

#[test]
fn a_row_is_no_header_even_if_no_field_is_required() {
    let rows = read(&with_header(), &stream("a int?, b int?"), &["1,2", "3,4"]);
    assert_eq!(rows[0], "this header cannot be used: none of its columns is a field of the stream");
    assert!(rows[1].starts_with("the header of this row cannot be used"), "{}", rows[1]);
    assert_eq!(read(&with_header(), &stream("a int?, b int?"), &["z,b", "3,4"])[1], r#"{"z":"3","b":4}"#);
}

#[test]
fn a_header_may_have_blanks_around_names_and_a_byte_order_mark() {
    let rows = read(&with_header(), &stream("a int, b int"), &["\u{feff}a , \"b\"", " 1, 2"]);
    assert_eq!(
        rows[0],
        "this header cannot be used: it has no column `b`, which the required field `b` reads"
    );
    let rows = read(&with_header(), &stream("a int, b int"), &["\u{feff}a , b", " 1, 2"]);
    assert_eq!(rows, ["no event", r#"{"a":1,"b":2}"#]);
}

#[test]
fn headers_are_bounded() {
    let wide = |count: usize| (0..count).map(|index| format!("c{index}")).collect::<Vec<_>>().join(",");
    let schema = stream("c1 string");
    assert_eq!(read(&with_header(), &schema, &[wide(MAX_COLUMNS)]), ["no event"]);
    assert_eq!(
        read(&with_header(), &schema, &[wide(MAX_COLUMNS + 1)]),
        ["this header cannot be used: there are more than 10000 columns"]
    );
    let long = "x".repeat(100_000);
    let why = &read(&with_header(), &schema, &[format!("{long},{long}")])[0];
    assert!(why.len() < 200, "{why}");
}

#[test]
fn settings_are_checked() {
    for delimiter in [b'"', b'\n', b'\r', 0, 0x80, 0xff] {
        assert!(
            Settings::new(delimiter, None).unwrap_err().starts_with("the delimiter is one ASCII character")
        );
    }
    for delimiter in *b",;|\t \x1f" {
        assert_eq!(Settings::new(delimiter, None).unwrap().delimiter(), delimiter);
    }
    let columns =
        |names: &[&str]| Settings::new(b',', Some(names.iter().map(|name| (*name).into()).collect()));
    assert_eq!(columns(&[]).unwrap_err(), "there are no columns");
    assert_eq!(columns(&["a", "b", "a"]).unwrap_err(), "the column \"a\" is there twice");
    assert_eq!(columns(&["a", "b"]).unwrap().columns().unwrap(), ["a", "b"]);
}
