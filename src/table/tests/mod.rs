//! What the files of lists and tables mean, what is wrong with them, and how much memory they take.

mod large;
mod property;

use std::borrow::Cow;

use super::*;
use crate::event::{Duration, TimeUnit, Timestamp};

/// A list of that type.
pub fn list(ty: FieldType) -> TableSpec {
    TableSpec {
        name: "names".into(),
        name_span: Span::default(),
        file: "names.txt".into(),
        file_span: Span::default(),
        shape: Shape::List(ty),
    }
}

/// A table with these columns, written as in rules.
pub fn table(columns: &[&str]) -> TableSpec {
    let column = |written: &&str| {
        let words: Vec<&str> = written.split(' ').collect();
        let (key, name, ty) = match words.as_slice() {
            ["key", name, ty] => (true, *name, *ty),
            [name, ty] => (false, *name, *ty),
            _ => panic!("{written}"),
        };
        let ty_of = |name: &str| match name {
            "bool" => FieldType::Bool,
            "int" => FieldType::Int,
            "float" => FieldType::Float,
            "string" => FieldType::Str,
            "timestamp(ms)" => FieldType::Timestamp(Some(TimeUnit::Millis)),
            "duration" => FieldType::Duration,
            "ip" => FieldType::Ip,
            _ => panic!("{name}"),
        };
        Column {
            name: name.into(),
            header: name.into(),
            ty: ty_of(ty.trim_end_matches('?')),
            key,
            optional: ty.ends_with('?'),
            span: Span::default(),
        }
    };
    TableSpec { shape: Shape::Table(columns.iter().map(column).collect()), ..list(FieldType::Str) }
}

/// The content of a file without a mistake.
pub fn read(spec: &TableSpec, text: &str) -> Content {
    let (content, problems) = spec.parse(text.as_bytes());
    assert_eq!(shown(&problems), [] as [String; 0]);
    content.expect("there is no problem")
}

/// The problems as a log shows them, with their codes.
fn shown(problems: &Problems) -> Vec<String> {
    problems.iter().map(|problem| format!("{} {problem}", problem.code)).collect()
}

/// What is wrong with a file.
fn problems(spec: &TableSpec, text: &str) -> Vec<String> {
    let (content, problems) = spec.parse(text.as_bytes());
    assert_eq!(content.is_none(), problems.has_errors());
    shown(&problems)
}

fn ip(text: &str) -> Value {
    Value::Ip(text.parse().expect("an address"))
}

#[test]
fn a_list_holds_its_lines_without_comments_and_space() {
    let text = "\u{feff}# test devices\r\nd-1\r\n\r\n  d 2\t\r\n\"#3\"\r\n\" \"\r\n\"say \"\"x\"\"\"\nd#4";
    let content = read(&list(FieldType::Str), text);
    assert_eq!(content.entries(), 6);
    for held in ["d-1", "d 2", "#3", " ", "say \"x\"", "d#4"] {
        assert!(content.contains(&Value::text(held)), "{held}");
    }
    for other in ["", "d", "# test devices", "\"#3\"", "D-1", "d-1\r"] {
        assert!(!content.contains(&Value::text(other)), "{other}");
    }
}

#[test]
fn a_version_is_the_hash_of_the_bytes() {
    let known = "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    assert_eq!(&**read(&list(FieldType::Str), "abc").version(), known);
    assert_ne!(&**read(&list(FieldType::Str), "abc\n").version(), known, "it is the file that is named");
}

#[test]
fn numbers_are_found_by_value_whatever_their_type() {
    let integers = read(&list(FieldType::Int), "3\n-4 # a reason\n9007199254740993\n-9223372036854775808\n");
    for (value, held) in [
        (Value::Int(3), true),
        (Value::Float(3.0), true),
        (Value::Float(-4.0), true),
        (Value::Float(3.5), false),
        (Value::Int(9_007_199_254_740_993), true),
        (Value::Float(9_007_199_254_740_992.0), false),
        (Value::Int(i64::MIN), true),
        (Value::Float(i64::MIN as f64), true),
        (Value::Float(f64::INFINITY), false),
    ] {
        assert_eq!(integers.contains(&value), held, "{value:?}");
    }
    let floats = read(&list(FieldType::Float), "0.5\n-0\n1e3\n9007199254740992\n");
    for (value, held) in [
        (Value::Float(0.5), true),
        (Value::Float(0.0), true),
        (Value::Int(0), true),
        (Value::Int(1_000), true),
        (Value::Int(9_007_199_254_740_992), true),
        (Value::Int(9_007_199_254_740_993), false),
    ] {
        assert_eq!(floats.contains(&value), held, "{value:?}");
    }
}

#[test]
fn other_types_are_read_as_in_records() {
    let times =
        read(&list(FieldType::Timestamp(Some(TimeUnit::Millis))), "1000\n1500.5\n1970-01-01T00:00:02Z\n");
    for us in [1_000_000, 1_500_500, 2_000_000] {
        assert!(times.contains(&Value::Timestamp(Timestamp::from_micros(us))), "{us}");
    }
    let spans = read(&list(FieldType::Duration), "1h30m\n");
    assert!(spans.contains(&Value::Duration(Duration::parse("90m").expect("a duration"))));
    let truths = read(&list(FieldType::Bool), "TRUE\n");
    assert!(truths.contains(&Value::Bool(true)) && !truths.contains(&Value::Bool(false)));
}

#[test]
fn networks_hold_their_addresses() {
    let text = "10.0.0.0/8 # office\n192.0.2.7\n::ffff:198.51.100.0/120\n2001:db8::/32\n10.1.2.3/16\n";
    let content = read(&list(FieldType::Ip), text);
    assert_eq!(content.entries(), 5);
    for held in ["10.0.0.0", "10.255.255.255", "192.0.2.7", "198.51.100.200", "2001:db8::1"] {
        assert!(content.contains(&ip(held)), "{held}");
    }
    for other in ["9.255.255.255", "11.0.0.0", "192.0.2.8", "198.51.101.0", "2001:db9::", "::a00:1"] {
        assert!(!content.contains(&ip(other)), "{other}");
    }
    let all = read(&list(FieldType::Ip), "0.0.0.0/0\n::/0\n");
    assert!(all.contains(&ip("255.255.255.255")) && all.contains(&ip("ffff::")));
}

#[test]
fn what_a_list_cannot_take_is_named_line_by_line() {
    assert_eq!(
        problems(&list(FieldType::Int), "1\nx\n2.0\n9223372036854775808\n1_000\n"),
        [
            "E0421 line 2: this must be an integer of 64 bits, but it is `x`",
            "E0421 line 3: this must be an integer of 64 bits, but it is `2.0`",
            "E0421 line 4: this must be an integer of 64 bits, but it is `9223372036854775808`",
            "E0421 line 5: this must be an integer of 64 bits, but it is `1_000`",
        ]
    );
    for (ty, wrong) in [
        (FieldType::Float, "nan"),
        (FieldType::Float, "inf"),
        (FieldType::Float, "1,5"),
        (FieldType::Float, "1e999"),
        (FieldType::Bool, "yes"),
        (FieldType::Ip, "10.0.0.0/33"),
        (FieldType::Ip, "10.0.0"),
        (FieldType::Timestamp(None), "1000"),
        (FieldType::Duration, "90"),
        (FieldType::Str, "\"x"),
        (FieldType::Str, "\"x\"y\""),
        (FieldType::Str, "\""),
    ] {
        let found = problems(&list(ty), wrong);
        assert!(matches!(found.as_slice(), [one] if one.starts_with("E0421 line 1: ")), "{wrong}: {found:?}");
    }
}

#[test]
fn repeated_values_of_a_list_are_warned_about_with_their_first_line() {
    assert_eq!(
        problems(&list(FieldType::Str), "a\nb\n a \nb\n"),
        [
            "W0530 line 3: this value stands on line 1 already",
            "W0530 line 4: this value stands on line 2 already",
        ]
    );
    let again = "10.0.0.0/8\n10.1.0.0/16\n::ffff:10.0.0.0/104\n9.0.0.1\n10.200.0.0/8\n9.0.0.1/32\n";
    let (content, found) = list(FieldType::Ip).parse(again.as_bytes());
    assert_eq!(
        shown(&found),
        [
            "W0530 line 3: this value stands on line 1 already",
            "W0530 line 5: this value stands on line 1 already",
            "W0530 line 6: this value stands on line 4 already",
        ]
    );
    let lines: Vec<_> =
        found.iter().filter_map(|problem| Some(problem.line.as_ref()?.text.as_str())).collect();
    assert_eq!(lines, ["::ffff:10.0.0.0/104", "10.200.0.0/8", "9.0.0.1/32"]);
    assert_eq!(content.expect("only warnings").entries(), 3);
}

#[test]
fn a_flood_of_problems_is_counted_but_not_kept() {
    let text: String = (0..1_000).map(|line| format!("x{line}\n")).collect();
    let (content, found) = list(FieldType::Int).parse(text.as_bytes());
    assert!(content.is_none());
    assert_eq!((found.counts(), found.iter().count()), ((1_000, 0), 10));
    assert_eq!(found.first_error().expect("one").line.as_ref().expect("a line").number, 1);
}

#[test]
fn an_empty_file_is_warned_about() {
    let warning = ["W0531 this list holds nothing"];
    assert_eq!(problems(&list(FieldType::Str), "# nobody\n"), warning);
    assert_eq!(problems(&list(FieldType::Ip), ""), warning);
    assert_eq!(problems(&table(&["key id string"]), "id\n"), ["W0531 this table holds nothing"]);
}

const MERCHANTS: [&str; 5] =
    ["key id string", "risk float?", "country string?", "since timestamp(ms)?", "vip bool?"];

/// The cell of a row as text.
fn cell(spec: &TableSpec, content: &Content, key: &[Value], column: &str) -> String {
    let (id, _) = spec.column(column).expect("a column");
    content.cell(key, id).map_or("no row".to_owned(), |value| value.to_string())
}

#[test]
fn a_table_finds_rows_by_their_keys() {
    let spec = table(&MERCHANTS);
    let text = "\u{feff}country, note ,id,vip,since,risk\r\n\
                DE,x,m1,true,1000,0.5\r\n\
                ,\"a \"\"note\"\", with a comma\nand a line end\",\"m, 2\",,,\r\n\
                \r\n\
                ,,,,,\r\n\
                FR,,m3,False,1970-01-01T00:00:02Z,1e3";
    let content = read(&spec, text);
    assert_eq!(content.entries(), 3);
    let of = |id: &str| {
        let key = [Value::text(id)];
        ["id", "country", "vip", "since", "risk"].map(|column| cell(&spec, &content, &key, column))
    };
    assert_eq!(of("m1"), ["m1", "DE", "true", "1970-01-01T00:00:01Z", "0.5"]);
    assert_eq!(of("m, 2"), ["m, 2", "null", "null", "null", "null"]);
    assert_eq!(of("m3"), ["m3", "FR", "false", "1970-01-01T00:00:02Z", "1000"]);
    assert_eq!(of("m4"), ["no row"; 5]);
    assert_eq!(of(""), ["no row"; 5]);
}

#[test]
fn a_table_may_have_several_keys_of_any_type() {
    let spec = table(&["key a string", "key b string", "key n int", "key net ip", "x int"]);
    let content = read(&spec, "a,b,n,net,x\na,bc,1,10.0.0.1,10\nab,c,1,10.0.0.1,20\nab,c,2,::1,30\n");
    for (a, b, n, net, x) in [
        ("a", "bc", 1, "10.0.0.1", "10"),
        ("ab", "c", 1, "10.0.0.1", "20"),
        ("ab", "c", 2, "::1", "30"),
        ("ab", "c", 2, "10.0.0.1", "no row"),
        ("abc", "", 1, "10.0.0.1", "no row"),
    ] {
        let key = [Value::text(a), Value::text(b), Value::Int(n), ip(net)];
        assert_eq!(cell(&spec, &content, &key, "x"), x, "{a} {b} {n} {net}");
    }
    let spec = table(&["key x float", "key t bool"]);
    let content = read(&spec, "x,t\n0.5,true\n-0,false\n");
    assert_eq!(cell(&spec, &content, &[Value::Float(0.0), Value::Bool(false)], "x"), "0");
    assert_eq!(cell(&spec, &content, &[Value::Float(0.5), Value::Bool(false)], "x"), "no row");
}

#[test]
fn what_a_table_cannot_take_is_named_line_by_line() {
    let spec = table(&["key id string", "risk float", "n int?"]);
    assert_eq!(
        problems(
            &spec,
            "id,risk,n\nm1,high,1\nm2,,\n\n,1,1\nm4,1\nm5,1,x\nm6,0.5,\nm6,0.6,3\nm7,\"1\n2\",\nm8,1,2,3\n"
        ),
        [
            "E0421 line 2: `risk` must be a number such as `1.5`, but it is `high`",
            "E0421 line 3: `risk` is empty",
            "E0421 line 5: `id` is empty",
            "E0421 line 6: this row has 2 values, but the first line names 3 columns",
            "E0421 line 7: `n` must be an integer of 64 bits, but it is `x`",
            "E0422 line 9: a row with the key `m6` stands on line 8 already",
            "E0421 line 10: `risk` must be a number such as `1.5`, but it is `1 2`",
            "E0421 line 12: this row has 4 values, but the first line names 3 columns",
        ]
    );
    assert_eq!(
        problems(&spec, "id,risk,n\nm1,1,2\n\"m2,1,2\nm3,1,2\n"),
        ["E0421 line 3: a quotation mark in this row is not closed"]
    );
}

#[test]
fn the_first_line_names_the_columns() {
    let spec = table(&["key id string", "risk float"]);
    let help = |text: &str| {
        let (_, found) = spec.parse(text.as_bytes());
        let problem = found.first_error().expect("an error").clone();
        assert_eq!(problem.code.as_str(), "E0423", "{text}");
        problem.help.unwrap_or_default()
    };
    assert_eq!(help(""), "a first line with all columns of this table is `id,risk`");
    assert_eq!(help("id;risk\nm1;2\n"), "values are separated by commas, not by semicolons");
    assert_eq!(help("id,Risk\nm1,2\n"), "it names `Risk`: write `risk … from \"Risk\"`, or rename one");
    assert_eq!(help("id,x\nm1,2\n"), "a first line with all columns of this table is `id,risk`");
    assert_eq!(
        problems(&spec, "id,risk,risk\nm1,2,3\n"),
        ["E0423 line 1: the column `risk` stands here twice"]
    );
    assert_eq!(read(&spec, "id,risk,x,x\nm1,2,3,4\n").entries(), 1, "others may");
}

#[test]
fn other_encodings_and_endless_lines_are_refused() {
    let (content, found) = list(FieldType::Str).parse(b"abc\ncaf\xe9\n");
    assert!(content.is_none());
    assert_eq!(shown(&found), ["E0014 line 2: this file is not UTF-8"]);
    let long = "x".repeat(MAX_LINE + 1);
    let found = problems(&list(FieldType::Str), &format!("a\n{long}\nb\n"));
    assert_eq!(found, ["E0424 line 2: this line is longer than 64 KiB"]);
    let fits = "é".repeat(MAX_LINE / 2);
    assert!(read(&list(FieldType::Str), &fits).contains(&Value::text(&fits)));
    let spec = table(&["key id string"]);
    for row in [long, "é".repeat(MAX_LINE), ",".repeat(MAX_LINE)] {
        let found = problems(&spec, &format!("id\nm1\n{row}\n"));
        assert_eq!(found, ["E0424 line 3: this line is longer than 64 KiB"]);
    }
}

#[test]
fn what_has_not_been_read_is_unknown() {
    let specs = [list(FieldType::Str), table(&["key id string", "risk float"])];
    let mut tables = Tables::unread(&specs);
    let (names, merchants) = (TableId(0), TableId(1));
    let key = [Cow::Owned(Value::text("m1"))];
    assert_eq!(tables.contains(names, &Value::text("a")), None);
    assert!(tables.cell(merchants, &key, ColumnId(1)).is_null());
    tables.set(names, Arc::new(read(&specs[0], "a")));
    tables.set(merchants, Arc::new(read(&specs[1], "id,risk\nm1,3\n")));
    assert_eq!(tables.contains(names, &Value::text("a")), Some(true));
    assert_eq!(tables.contains(names, &Value::text("b")), Some(false));
    assert_eq!(tables.contains(names, &Value::Null), None);
    assert_eq!(*tables.cell(merchants, &key, ColumnId(1)), Value::Float(3.0));
    assert!(NO_TABLES.cell(merchants, &key, ColumnId(1)).is_null());
}
