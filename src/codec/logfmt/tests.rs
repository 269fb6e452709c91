use crate::codec::Format;
use crate::codec::tests::{read_one, stream};

fn read(record: impl AsRef<[u8]>) -> String {
    read_one(&Format::Logfmt, &stream("n int?, msg string?, ok bool?"), record)
}

#[test]
fn keys_and_values() {
    for (record, kept) in [
        ("n=1 msg=hello ok", r#"{"n":1,"msg":"hello","ok":true}"#),
        (" \t n=1   msg=hello \r\n", r#"{"n":1,"msg":"hello"}"#),
        (r#"msg="a \"b\" c" n=2"#, r#"{"msg":"a \"b\" c","n":2}"#),
        (r#"msg="\u00e9\n\t\\ \ud83d\ude42""#, r#"{"msg":"é\n\t\\ 🙂"}"#),
        (r#"msg="" x="""#, r#"{"msg":null,"x":""}"#),
        ("msg=a=b&c=d url=http://x/?q=1", r#"{"msg":"a=b&c=d","url":"http://x/?q=1"}"#),
        ("msg= n=1", r#"{"msg":null,"n":1}"#),
        ("user.name=ä ключ=да", r#"{"user.name":"ä","ключ":"да"}"#),
        ("\u{feff}n=1", r#"{"n":1}"#),
        ("msg=C:\\dir", r#"{"msg":"C:\\dir"}"#),
        ("ok=true,", "the field `ok` should be true or false, but is the text \"true,\""),
        ("n=1\u{1}msg=x", r#"{"n":1,"msg":"x"}"#),
    ] {
        assert_eq!(read(record), kept, "{record}");
    }
}

#[test]
fn the_last_of_equal_keys_counts() {
    let schema = stream("n int");
    let read = |record: &str| read_one(&Format::Logfmt, &schema, record);
    assert_eq!(read("n=x n=2"), r#"{"n":"x","n":2}"#);
    assert_eq!(read("n=2 n=x"), "the field `n` should be an integer of 64 bits, but is the text \"x\"");
    assert_eq!(read("n=2 n="), "the required field `n` is missing");
}

#[test]
fn what_is_not_logfmt_is_refused_with_its_place() {
    for (record, reason) in [
        (&b""[..], "the record is empty"),
        (b" \t\r\n", "the record is empty"),
        (b"=1", "expected a key at column 1"),
        (b"n=1 =2", "expected a key at column 5"),
        (b"\"quoted\"=1", "expected a key at column 1"),
        (br#"{"n":1}"#, "unexpected '\"' at column 2"),
        ("ä=b\"c\"".as_bytes(), "unexpected '\"' at column 4"),
        (br#"msg="x"y"#, "unexpected 'y' at column 8"),
        (br#"n=1 msg="x"#, "the quotation mark is not closed at column 9"),
        (br#"msg="x\""#, "the quotation mark is not closed at column 5"),
        (br#"msg="C:\dir""#, "invalid escape in the text at column 5"),
        (br#"msg="\ud800""#, "unexpected end of hex escape in the text at column 5"),
        (b"n=1 msg=\xff", "invalid UTF-8 at byte offset 8"),
    ] {
        assert_eq!(read(record), format!("not logfmt: {reason}"), "{}", String::from_utf8_lossy(record));
    }
}
