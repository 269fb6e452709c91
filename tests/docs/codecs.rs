//! `docs/codecs.md`: each record gives the event, or the reason, that the page shows.

use serde_json::Value as Json;
use tripline::codec::{Format, csv, regex};
use tripline::event::{Event, FieldId, Kept, Position, StreamId, StreamSchema, Timestamp};
use tripline::program::Program;

use super::page::{Block, check, sections};

const PAGE: &str = "codecs.md";

/// When the records of the page arrive.
const ARRIVAL: &str = "2026-03-01T08:00:00Z";

#[test]
fn every_block_is_checked() {
    let known = ["toml", "trip", "records", "json", "refused", "values"];
    for section in sections(PAGE) {
        for block in section.blocks {
            assert!(known.contains(&block.language.as_str()), "line {}: {}", block.line, block.language);
        }
    }
}

#[test]
fn records_give_what_the_page_says() {
    let mut wrong = String::new();
    let mut codecs = 0;
    for section in sections(PAGE) {
        let mut source = Source::default();
        for block in &section.blocks {
            wrong.push_str(&source.complaints(block));
        }
        assert_eq!(source.given, source.shown, "{}: records without an answer", section.title);
        codecs += usize::from(source.shown > 0);
    }
    assert!(wrong.is_empty(), "{wrong}");
    assert_eq!(codecs, 5, "one section for each codec");
}

#[test]
fn texts_have_the_values_it_says() {
    let blocks = sections(PAGE).into_iter().flat_map(|section| section.blocks);
    let lines: Vec<String> = blocks
        .filter(|block| block.language == "values")
        .flat_map(|block| block.text.lines().map(str::to_owned).collect::<Vec<_>>())
        .collect();
    assert!(lines.len() > 15, "the examples are found");
    for line in lines {
        let (written, expected) = line.split_once(" → ").expect("text → value");
        let (ty, text) = written.split_once(' ').expect("a type and a text");
        let schema = schema(&format!("stream s {{ x {ty} }}\n"));
        let format = Format::Csv(csv::Settings::new(b'\t', Some(vec!["x".into()])).expect("it is right"));
        let found = match decode(&format, &schema, &[text]).pop().expect("one record") {
            Ok(event) => serde_json::to_string(event.expect("a row").value(FieldId(0))).expect("JSON"),
            Err(_) => "refused".to_owned(),
        };
        let expected: String = match serde_json::from_str::<Json>(expected) {
            Ok(value) if ty == "float" => serde_json::to_string(&value.as_f64()).expect("JSON"),
            _ => expected.to_owned(),
        };
        assert_eq!(found, expected, "{line}");
    }
}

/// What the blocks of a section have said so far.
#[derive(Default)]
struct Source {
    format: Option<Format>,
    schema: Option<StreamSchema>,
    records: Vec<String>,
    /// How many blocks of records there were, and how many of them were held against events.
    given: usize,
    shown: usize,
}

impl Source {
    /// Takes in a block; what is wrong with it.
    fn complaints(&mut self, block: &Block) -> String {
        let lines = || block.text.lines().map(str::to_owned);
        match block.language.as_str() {
            "toml" => self.format = Some(format(&block.text)),
            "trip" => self.schema = Some(schema(&block.text)),
            "records" => {
                self.records = lines().collect();
                self.given += 1;
            }
            "json" => {
                self.shown += 1;
                let records: Vec<&str> = self.records.iter().map(String::as_str).collect();
                let events = self.decode(&records).into_iter().filter_map(|result| result.expect("an event"));
                let found: Vec<String> =
                    events.map(|event| String::from_utf8(event.raw().to_vec()).expect("text")).collect();
                if found != lines().collect::<Vec<_>>() {
                    return format!("line {}: found\n{}\n", block.line, found.join("\n"));
                }
            }
            "refused" => {
                return lines().map(|line| self.refusal(&line, block.has("header"))).collect();
            }
            _ => {}
        }
        String::new()
    }

    /// What is wrong with a line `record → reason`. A row of CSV stands behind the header above it.
    fn refusal(&self, line: &str, is_header: bool) -> String {
        let (record, reason) = line.split_once(" → ").expect("record → reason");
        let is_row = matches!(&self.format, Some(Format::Csv(settings)) if settings.columns().is_none());
        let mut records = Vec::new();
        if is_row && !is_header {
            records.push(self.records[0].as_str());
        }
        records.push(record);
        match self.decode(&records).pop().expect("one record at least") {
            Err(found) if found == reason => String::new(),
            Err(found) => format!("{record}\n  found: {found}\n"),
            Ok(_) => format!("{record}\n  is not refused\n"),
        }
    }

    fn decode(&self, records: &[&str]) -> Vec<Result<Option<Event>, String>> {
        let format = self.format.as_ref().expect("the settings stand before the records");
        let schema = self.schema.as_ref().expect("the stream stands before the records");
        assert_eq!(format.misfit(schema), None);
        decode(format, schema, records)
    }
}

fn decode(format: &Format, schema: &StreamSchema, records: &[&str]) -> Vec<Result<Option<Event>, String>> {
    let mut decoder = format.decoder(StreamId(0), schema, Kept::ALL);
    let arrival = Timestamp::parse(ARRIVAL).expect("a time");
    let mut decode = |record: &&str| {
        let event = decoder.decode(record.as_bytes(), Position::default(), arrival);
        event.map_err(|why| why.to_string())
    };
    records.iter().map(&mut decode).collect()
}

fn schema(text: &str) -> StreamSchema {
    let (program, _, shown) = check(&[("codecs.trip", text)]);
    let program: Program = program.unwrap_or_else(|| panic!("{shown}"));
    program.streams()[0].clone()
}

/// The format that lines `key = value` of a configuration set.
fn format(settings: &str) -> Format {
    let value = |key: &str| -> Option<Json> {
        let text = settings.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(" = "))?;
        // Text in single quotes has no escapes.
        let literal = text.strip_prefix('\'').and_then(|text| text.strip_suffix('\''));
        Some(literal.map_or_else(|| serde_json::from_str(text).expect(text), Json::from))
    };
    let text = |key: &str| value(key).and_then(|value| Some(value.as_str()?.to_owned()));
    match text("codec").expect("the codec").as_str() {
        "json" => Format::Json,
        "logfmt" => Format::Logfmt,
        "syslog" => Format::Syslog,
        "regex" => {
            Format::Regex(regex::Settings::new(&text("pattern").expect("a pattern")).expect("it is right"))
        }
        "csv" => {
            let columns = value("columns").map(|columns| {
                let columns = columns.as_array().expect("a list").iter();
                columns.map(|name| name.as_str().expect("a name").into()).collect()
            });
            let delimiter = text("delimiter").map_or(b',', |text| text.as_bytes()[0]);
            Format::Csv(csv::Settings::new(delimiter, columns).expect("they are right"))
        }
        other => panic!("there is no codec `{other}`"),
    }
}
