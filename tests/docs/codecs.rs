//! `docs/codecs.md`: each record gives the event, or the reason, that the page shows.

use std::sync::Arc;

use serde_json::Value as Json;
use tripline::codec::{Format, avro, csv, json_schema, protobuf, regex};
use tripline::event::{Event, FieldId, Kept, Position, StreamId, StreamSchema, Timestamp};
use tripline::program::Program;

use super::page::{Block, check, sections};

const PAGE: &str = "codecs.md";

/// The languages of schemas.
const SCHEMAS: [&str; 3] = ["avsc", "proto", "json-schema"];

/// When the records of the page arrive.
const ARRIVAL: &str = "2026-03-01T08:00:00Z";

#[test]
fn every_block_is_checked() {
    let known = ["toml", "trip", "records", "json", "refused", "values", "text"];
    for section in sections(PAGE) {
        for block in section.blocks {
            let is_known = [&known[..], &SCHEMAS].concat().contains(&block.language.as_str());
            assert!(is_known, "line {}: {}", block.line, block.language);
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
    assert_eq!(codecs, 8, "one section for each codec");
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
        let found = match decode(&format, &schema, &[text.as_bytes().to_vec()]).pop().expect("one record") {
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
    /// The text of the schema of records.
    written: String,
    records: Vec<Vec<u8>>,
    /// How many blocks of records there were, and how many of them were held against events.
    given: usize,
    shown: usize,
}

impl Source {
    /// Takes in a block; what is wrong with it.
    fn complaints(&mut self, block: &Block) -> String {
        let lines = || block.text.lines().map(str::to_owned);
        match block.language.as_str() {
            language if SCHEMAS.contains(&language) => self.written = block.text.clone(),
            "toml" => self.format = Some(format(&block.text, &self.written)),
            "trip" => self.schema = Some(schema(&block.text)),
            "records" => {
                self.records = lines().map(|line| bytes(&line, block)).collect();
                self.given += 1;
            }
            "json" => {
                self.shown += 1;
                let events =
                    self.decode(&self.records).into_iter().filter_map(|result| result.expect("an event"));
                let found: Vec<String> =
                    events.map(|event| String::from_utf8(event.raw().to_vec()).expect("text")).collect();
                if found != lines().collect::<Vec<_>>() {
                    return format!("line {}: found\n{}\n", block.line, found.join("\n"));
                }
            }
            "refused" => {
                return lines().map(|line| self.refusal(&line, block)).collect();
            }
            _ => {}
        }
        String::new()
    }

    /// What is wrong with a line `record → reason`. A row of CSV stands behind the header above it.
    fn refusal(&self, line: &str, block: &Block) -> String {
        let (record, reason) = line.split_once(" → ").expect("record → reason");
        let is_row = matches!(&self.format, Some(Format::Csv(settings)) if settings.columns().is_none());
        let mut records = Vec::new();
        if is_row && !block.has("header") {
            records.push(self.records[0].clone());
        }
        records.push(bytes(record, block));
        match self.decode(&records).pop().expect("one record at least") {
            Err(found) if found == reason => String::new(),
            Err(found) => format!("{record}\n  found: {found}\n"),
            Ok(_) => format!("{record}\n  is not refused\n"),
        }
    }

    fn decode(&self, records: &[Vec<u8>]) -> Vec<Result<Option<Event>, String>> {
        let format = self.format.as_ref().expect("the settings stand before the records");
        let schema = self.schema.as_ref().expect("the stream stands before the records");
        assert_eq!(format.misfit(schema), None);
        decode(format, schema, records)
    }
}

/// A record as a line of the page shows it.
fn bytes(line: &str, block: &Block) -> Vec<u8> {
    if !block.has("hex") {
        return line.as_bytes().to_vec();
    }
    let byte = |pair| u8::from_str_radix(pair, 16).expect("two hexadecimal digits");
    line.split(' ').map(byte).collect()
}

fn decode(format: &Format, schema: &StreamSchema, records: &[Vec<u8>]) -> Vec<Result<Option<Event>, String>> {
    let mut decoder = format.decoder(StreamId(0), schema, Kept::ALL);
    let arrival = Timestamp::parse(ARRIVAL).expect("a time");
    let mut decode = |record: &Vec<u8>| {
        let event = decoder.decode(record, Position::default(), arrival);
        event.map_err(|why| why.to_string())
    };
    records.iter().map(&mut decode).collect()
}

fn schema(text: &str) -> StreamSchema {
    let (program, _, shown) = check(&[("codecs.trip", text)]);
    let program: Program = program.unwrap_or_else(|| panic!("{shown}"));
    program.streams()[0].clone()
}

/// The format that lines `key = value` of a configuration set. `schema` is what is in the file of a schema.
fn format(settings: &str, schema: &str) -> Format {
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
        "avro" => {
            let parsed = avro::Parsed::new(schema, &[]).expect("a schema of Avro");
            Format::Avro(avro::Settings::Local(Arc::new(parsed)))
        }
        "protobuf" => {
            let types = protobuf::Parsed::registered(schema, &[]).expect("a file of types");
            let message = types.message(text("message").as_deref()).expect("it is defined");
            Format::Protobuf(protobuf::Settings::Local(message))
        }
        "json_schema" => {
            let parsed = json_schema::Parsed::new(schema, &[]).expect("a JSON Schema");
            Format::JsonSchema(json_schema::Settings::Local(Arc::new(parsed)))
        }
        other => panic!("there is no codec `{other}`"),
    }
}
