//! Lists and tables through the library: what conditions and alerts see of them, what changes when
//! they are replaced, and what does not.

use std::sync::Arc;

use tripline::alert::Alert;
use tripline::codec::Decoder;
use tripline::codec::json::JsonDecoder;
use tripline::diagnostic::{Sources, Style, render_all};
use tripline::engine::{Engine, EngineOptions};
use tripline::event::{PartitionId, Position, StreamId, Timestamp};
use tripline::program::Program;
use tripline::table::{TableId, Tables};

const DECLARED: &str = r#"
stream s time at { id int, k string, device string?, ip ip?, n int?, at timestamp(s) }

list devices string from "devices.txt"
list nets ip from "nets.txt"
list numbers float from "numbers.txt"
table merchants from "merchants.csv" { key k string, risk int?, country string? }
table pairs from "pairs.csv" { key k string, key n int, x float }
"#;

/// The files of the lists and tables above, by name.
const FILES: [(&str, &str); 5] = [
    ("devices", "d1\nd2\n"),
    ("merchants", "k,risk,country\na,3,DE\nb,,FR\n"),
    ("nets", "10.0.0.0/8\n2001:db8::1\n"),
    ("numbers", "1\n2.5\n"),
    ("pairs", "n,k,x\n1,a,0.5\n2,a,1.5\n"),
];

fn compile(rules: &str) -> Program {
    let sources = Sources::new([("rules.trip", format!("{DECLARED}{rules}"))]);
    let (program, diagnostics) = Program::compile(&sources);
    program.unwrap_or_else(|| panic!("{}", render_all(&diagnostics, &sources, Style::Plain)))
}

/// The set with one file of a list or table put in.
fn with(mut tables: Tables, program: &Program, name: &str, file: &str) -> Tables {
    let index = program.tables().iter().position(|spec| spec.name == name).expect("a list or table");
    let (content, problems) = program.tables()[index].parse(file.as_bytes());
    tables.set(TableId(index as u32), Arc::new(content.unwrap_or_else(|| panic!("{problems:?}"))));
    tables
}

fn all_files(program: &Program) -> Tables {
    let unread = Tables::unread(program.tables());
    FILES.iter().fold(unread, |tables, (name, file)| with(tables, program, name, file))
}

struct Feed {
    engine: Engine,
    decoder: JsonDecoder,
    pushed: u64,
}

impl Feed {
    /// An engine whose lists and tables have not been read.
    fn unread(rules: &str) -> Feed {
        let program = Arc::new(compile(rules));
        let decoder =
            JsonDecoder::keeping(program.kept(StreamId(0)), StreamId(0), program.schema(StreamId(0)));
        let mut engine = Engine::new(program, EngineOptions::RECORDED);
        engine.open(StreamId(0), PartitionId(0), Timestamp::from_micros(0));
        Feed { engine, decoder, pushed: 0 }
    }

    fn new(rules: &str) -> Feed {
        let mut feed = Feed::unread(rules);
        let tables = all_files(feed.engine.program());
        feed.engine.set_tables(Arc::new(tables));
        feed
    }

    fn replace(&mut self, name: &str, file: &str) {
        let program = Arc::clone(self.engine.program());
        let tables = with(Tables::clone(self.engine.tables()), &program, name, file);
        self.engine.set_tables(Arc::new(tables));
    }

    /// Pushes an event with these fields, a second after the one before; gives the alerts.
    fn push(&mut self, fields: &str) -> Vec<Alert> {
        self.pushed += 1;
        let (at, now) = (self.pushed, Timestamp::from_micros(0));
        let record = format!("{{\"id\":{at},\"at\":{at},{fields}}}");
        let position = Position { partition: PartitionId(0), offset: at };
        let event =
            self.decoder.decode(record.as_bytes(), position, now).expect("well-formed").expect("an event");
        self.engine.push(event, now).expect("in order");
        self.engine.take_alerts()
    }

    /// The titles of the alerts of an event.
    fn titles(&mut self, fields: &str) -> Vec<String> {
        self.push(fields).into_iter().map(|alert| alert.title).collect()
    }
}

/// A rule that shows the value of an expression for each event.
fn show(expression: &str) -> String {
    let condition = format!("if({expression}, 1, 0) == 1");
    format!(
        "rule yes {{ by k  event e = s where {condition} match e alert low \"yes\" }}
         rule no {{ by k  event e = s where not ({expression}) match e alert low \"no\" }}"
    )
}

/// `yes`, `no`, or nothing where it is unknown.
fn truth(expression: &str, fields: &str) -> String {
    Feed::new(&show(expression)).titles(fields).concat()
}

#[test]
fn membership_follows_the_three_truth_values() {
    for (expression, fields, expected) in [
        ("device in devices", r#""k":"a","device":"d1""#, "yes"),
        ("device in devices", r#""k":"a","device":"d3""#, "no"),
        ("device in devices", r#""k":"a""#, ""),
        ("device not in devices", r#""k":"a","device":"d3""#, "yes"),
        ("device not in devices", r#""k":"a""#, ""),
        ("ip in nets", r#""k":"a","ip":"10.9.8.7""#, "yes"),
        ("ip in nets", r#""k":"a","ip":"::ffff:10.9.8.7""#, "yes"),
        ("ip in nets", r#""k":"a","ip":"2001:db8::1""#, "yes"),
        ("ip in nets", r#""k":"a","ip":"2001:db8::2""#, "no"),
        ("\"10.0.0.1\" in nets", r#""k":"a""#, "yes"),
        ("n in numbers", r#""k":"a","n":1"#, "yes"),
        ("n in numbers", r#""k":"a","n":2"#, "no"),
        ("n + 0.5 in numbers", r#""k":"a","n":2"#, "yes"),
        ("n / 0 in numbers", r#""k":"a","n":2"#, ""),
        ("lower(k) in devices or upper(k) in devices", r#""k":"D1""#, "yes"),
    ] {
        assert_eq!(truth(expression, fields), expected, "{expression} {fields}");
    }
}

#[test]
fn a_missing_row_and_an_empty_cell_are_null() {
    for (expression, k, expected) in [
        ("merchants[k].risk == 3", "a", "yes"),
        ("merchants[k].risk == 3", "b", ""),
        ("merchants[k].risk == 3", "c", ""),
        ("merchants[k].risk is missing", "b", "yes"),
        ("merchants[k].risk is missing", "c", "yes"),
        ("merchants[k].k is present", "b", "yes"),
        ("merchants[k].k is present", "c", "no"),
        ("merchants[k].country in (\"FR\", \"DE\")", "b", "yes"),
        ("merchants[\"a\"].risk > (merchants[k].risk ?? 0)", "b", "yes"),
        ("pairs[k, 1 + 1].x == 1.5", "a", "yes"),
        ("pairs[k, n].x > 0", "a", ""),
        ("merchants[device].risk > 0", "a", ""),
    ] {
        assert_eq!(truth(expression, &format!("\"k\":\"{k}\"")), expected, "{expression} of {k}");
    }
}

#[test]
fn conditions_on_captures_and_the_past_alerts_and_definitions_see_them() {
    let mut feed = Feed::new(
        r#"
        def risk(k string) = merchants[k].risk ?? 0
        def known(device string) = device in devices
        rule r {
          by k
          event first_one = s where known(device)
          event second_one = s where risk(first_one.k) == 3 and first_one.device in devices and not known(device)
                                 and count(s where known(device)) over 1h == 1
          match first_one then second_one within 1h
          alert low "{merchants[k].country} {first_one.device in devices} {risk(second_one.k)}" {
            x = pairs[k, second_one.n].x
            risky = max(first_one.n, second_one.n) in numbers
          }
        }"#,
    );
    assert!(feed.push(r#""k":"a","device":"d1","n":0"#).is_empty());
    let alerts = feed.push(r#""k":"a","device":"other","n":1"#);
    assert_eq!(alerts[0].title, "DE true 3");
    let fields: Vec<String> =
        alerts[0].fields.iter().map(|(name, value)| format!("{name}={value}")).collect();
    assert_eq!(fields, ["x=0.5", "risky=true"]);
}

#[test]
fn new_contents_count_from_the_next_event_on() {
    let mut feed =
        Feed::new("rule r { by k  event e = s where device in devices match e alert low \"{k}\" }");
    let first = feed.push(r#""k":"a","device":"d1""#);
    assert_eq!(first.len(), 1);
    assert!(feed.push(r#""k":"a","device":"d9""#).is_empty());
    feed.replace("devices", "d9\n");
    assert!(feed.push(r#""k":"a","device":"d1""#).is_empty());
    let second = feed.push(r#""k":"a","device":"d9""#);
    let version = |alerts: &[Alert]| {
        let [(name, version)] = alerts[0].tables.as_slice() else { panic!("{:?}", alerts[0].tables) };
        assert_eq!(name, "devices");
        version.to_string()
    };
    // What `sha256sum` says of the files.
    assert_eq!(version(&first), format!("sha256:{D1_D2}"));
    assert_eq!(version(&second), format!("sha256:{D9}"));
    assert_eq!(first[0].fingerprint, second[0].fingerprint);
}

/// The SHA-256 of `d1` and `d2` on lines of their own.
const D1_D2: &str = "58b4e659870a35e0bd2d2562fbec02f7d3d41429d63c27dba88e4b5f4fd74dbf";
/// The same of `d9` alone.
const D9: &str = "d5ed0e6ffd5e41372c2adc1a77e6ed05c739ec887c7537d04a4bb5fe72156c4f";

#[test]
fn what_a_past_event_was_stays_as_it_was() {
    let mut feed = Feed::new(
        "rule r { by k  event e = s where count(s where device in devices) over 1h == 2 match e alert low \"{k}\" }",
    );
    assert!(feed.push(r#""k":"a","device":"d1""#).is_empty());
    feed.replace("devices", "d9\n");
    assert!(feed.push(r#""k":"a","device":"d1""#).is_empty(), "not in the list any more");
    assert_eq!(feed.push(r#""k":"a","device":"d9""#).len(), 1, "the first was, when it came");
}

#[test]
fn past_events_are_compared_by_what_tables_say_of_them() {
    let like_this = "merchants[device].country == merchants[this.device].country";
    let riskier = "merchants[device].risk > (merchants[this.device].risk ?? 0)";
    let mut feed = Feed::new(&format!(
        "rule r {{
           by k
           match s as e
           alert low \"{{e.device}}\"
         }}
         rule same {{ by k  event e = s where count(s where {like_this}) over 1h == 2  match e  alert low \"same\" }}
         rule risk {{ by k  event e = s where count(s where {riskier}) over 1h == 1  match e  alert low \"risk\" }}"
    ));
    assert_eq!(feed.titles(r#""k":"x","device":"a""#), ["a"]);
    assert_eq!(feed.titles(r#""k":"x","device":"b""#), ["b", "risk"]);
    assert_eq!(feed.titles(r#""k":"x","device":"a""#), ["a", "same"]);
    assert_eq!(feed.titles(r#""k":"x","device":"not in the table""#), ["not in the table"]);
}

#[test]
fn a_list_that_was_not_read_is_unknown() {
    let mut feed = Feed::unread(&show("device in devices or merchants[k].risk > 1"));
    assert!(feed.titles(r#""k":"a","device":"d1""#).is_empty());
    assert!(feed.titles(r#""k":"a","device":"d3""#).is_empty());
}

#[test]
fn every_alert_names_what_its_rule_reads_and_nothing_else() {
    let mut feed = Feed::new(
        r#"
        rule in_a_title { by k match s as e alert low "{merchants[k].risk}" }
        rule in_conditions {
          by k
          event e = s where device in devices or pairs[k, 1].x > 0
          event unseen = s where merchants[k].risk > 100
          match e then not unseen for 1s
          alert low "x"
        }
        rule in_nothing { by k match s as e alert low "x" }
        rule on_a_timeout {
          by k
          match s as e then s as f within 1s
          alert low "x"
          on timeout alert low "{e.n in numbers}"
        }
        rule at_a_limit {
          by k
          event e = s where ip not in nets or true
          match s as e2 then s as f then e within 1h
          overlap all
          max runs 1
          alert low "x"
        }"#,
    );
    let mut alerts = feed.push(r#""k":"a","device":"d1""#);
    alerts.extend(feed.push(r#""k":"a""#));
    feed.engine.finish();
    alerts.extend(feed.engine.take_alerts());
    let of = |rule: &str| {
        let alert = alerts.iter().find(|alert| *alert.rule == *rule).unwrap_or_else(|| panic!("no {rule}"));
        alert.tables.iter().map(|(name, _)| name.to_string()).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(of("in_a_title"), "merchants");
    assert_eq!(of("in_conditions"), "devices merchants pairs");
    assert_eq!(of("in_nothing"), "");
    assert_eq!(of("on_a_timeout"), "numbers");
    assert_eq!(of("at_a_limit"), "nets");
    let json = serde_json::to_value(&alerts[0]).expect("JSON");
    assert!(json["tables"].as_object().expect("an object").values().all(|version| version.is_string()));
}

#[test]
fn the_fingerprint_is_of_names_and_types_not_of_files() {
    let fingerprint = |text: &str| {
        let (program, diagnostics) = Program::compile(&Sources::new([("rules.trip", text)]));
        let program = program.unwrap_or_else(|| panic!("{diagnostics:?}"));
        program.rules()[0].fingerprint.to_string()
    };
    let text = |list: &str, table: &str, condition: &str| {
        format!(
            "stream s {{ k string, n int }}\nlist l {list}\ntable t from {table}\n
             rule r {{ by k event e = s where {condition} match e alert low \"x\" }}"
        )
    };
    let (list, table) = ("int from \"l.txt\"", "\"t.csv\" { key k string, x int, y int }");
    let first = fingerprint(&text(list, table, "n in l and t[k].x > 0"));
    for (list, table, condition, is_same) in [
        (
            "int from \"elsewhere/m.txt\"",
            "\"u.csv\" { y int?, x int?, key k string }",
            "n in l and t[k].x > 0",
            true,
        ),
        ("float from \"l.txt\"", table, "n in l and t[k].x > 0", false),
        (list, "\"t.csv\" { key k string, x float }", "n in l and t[k].x > 0", false),
        (list, table, "n in l and t[k].y > 0", false),
        (list, table, "n not in l and t[k].x > 0", false),
    ] {
        assert_eq!(
            first == fingerprint(&text(list, table, condition)),
            is_same,
            "{list} {table} {condition}"
        );
    }
}

#[test]
#[should_panic(expected = "the tables are of another program")]
fn tables_of_another_program_are_refused() {
    let mut feed = Feed::unread("");
    feed.engine.set_tables(Arc::new(Tables::default()));
}
