//! A record that is no event, as a line of the quarantine file.
//!
//! A line is one JSON object with these keys, in this order; others are a mistake.
//!
//! | key | type | meaning |
//! |---|---|---|
//! | `time` | text | when it was rejected, by the wall clock, in RFC 3339 |
//! | `source`, `stream` | text | where it came in, and what for |
//! | `partition`, `offset`, `number` | numbers | where it stood: the partition of the stream, the byte, the line or record (from 1) |
//! | `reason` | text | the kind of mistake, as metrics count it |
//! | `detail` | text | the mistake, for people |
//! | `header` | text | the record that stood before it and without which it cannot be read, if there is one |
//! | `length` | number | the record's length in bytes, if what follows is not all of it |
//! | `text` or `base64` | text | its bytes: as text if they are UTF-8, otherwise in Base64 (RFC 4648, with padding) |

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use crate::event::Timestamp;

/// A record that was rejected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// When it was rejected.
    pub time: Timestamp,
    /// The source it came through.
    pub source: String,
    /// The stream it was meant for.
    pub stream: String,
    /// The partition of the stream.
    pub partition: u32,
    /// Offset in bytes of its first byte in the partition.
    pub offset: u64,
    /// Its line in the partition, or its number where records are not lines; from 1.
    pub number: u64,
    /// The word for the mistake, as metrics count it.
    pub reason: String,
    /// The mistake, for people.
    pub detail: String,
    /// The record without which it cannot be read: the header of its rows of CSV.
    pub header: Option<String>,
    /// Its bytes, or as many of the first ones as were kept.
    pub bytes: Vec<u8>,
    /// Its length in bytes; `None` when `bytes` is all of it.
    pub length: Option<u64>,
}

/// Why a line is no record.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unreadable(String);

/// The line.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line<'a> {
    time: Cow<'a, str>,
    source: Cow<'a, str>,
    stream: Cow<'a, str>,
    partition: u32,
    offset: u64,
    number: u64,
    reason: Cow<'a, str>,
    detail: Cow<'a, str>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    header: Option<Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    length: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    text: Option<Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    base64: Option<String>,
}

impl Record {
    /// The line for it, without a line end.
    pub fn to_line(&self) -> Vec<u8> {
        let text = std::str::from_utf8(&self.bytes).ok();
        // Nothing was kept of a record that is passed over.
        let nothing = self.bytes.is_empty() && self.length.is_some();
        let line = Line {
            time: self.time.to_string().into(),
            source: self.source.as_str().into(),
            stream: self.stream.as_str().into(),
            partition: self.partition,
            offset: self.offset,
            number: self.number,
            reason: self.reason.as_str().into(),
            detail: self.detail.as_str().into(),
            header: self.header.as_deref().map(Cow::Borrowed),
            length: self.length,
            text: text.filter(|_| !nothing).map(Cow::Borrowed),
            base64: text.is_none().then(|| STANDARD.encode(&self.bytes)),
        };
        serde_json::to_vec(&line).expect("it has text for keys and is written to memory")
    }

    /// The record of a line, which may have white space around it.
    ///
    /// # Errors
    /// When it is no such line: what is wrong with it.
    pub fn from_line(line: &[u8]) -> Result<Record, Unreadable> {
        let line: Line<'_> = serde_json::from_slice(line).map_err(|error| describe(&error))?;
        let Some(time) = Timestamp::parse(&line.time) else {
            return Err(Unreadable(format!("`time` is no time in RFC 3339: {:?}", line.time)));
        };
        let bytes = match (line.text, line.base64) {
            (Some(text), None) => text.into_owned().into_bytes(),
            (None, Some(base64)) => STANDARD
                .decode(base64)
                .map_err(|error| Unreadable(format!("`base64` cannot be read: {error}")))?,
            (None, None) if line.length.is_some() => Vec::new(),
            (None, None) => return Err(Unreadable("it has neither `text` nor `base64`".into())),
            (Some(_), Some(_)) => return Err(Unreadable("it has both `text` and `base64`".into())),
        };
        Ok(Record {
            time,
            source: line.source.into_owned(),
            stream: line.stream.into_owned(),
            partition: line.partition,
            offset: line.offset,
            number: line.number,
            reason: line.reason.into_owned(),
            detail: line.detail.into_owned(),
            header: line.header.map(Cow::into_owned),
            bytes,
            length: line.length,
        })
    }

    /// Whether all of its bytes are there.
    pub fn is_whole(&self) -> bool {
        self.length.is_none()
    }
}

/// The parser's error without the line that it counts, which is always the first.
fn describe(error: &serde_json::Error) -> Unreadable {
    let message = error.to_string();
    let reason = message.rsplit_once(" at line ").map_or(message.as_str(), |(reason, _)| reason);
    Unreadable(format!("{reason} at column {}", error.column()))
}

#[cfg(test)]
pub mod tests {
    use super::*;
    use proptest::prelude::*;

    pub fn record(bytes: &[u8]) -> Record {
        Record {
            time: Timestamp::parse("2026-03-01T08:00:00.5Z").expect("a time"),
            source: "cards".into(),
            stream: "card_auths".into(),
            partition: 3,
            offset: 36,
            number: 6,
            reason: "syntax".into(),
            detail: "not a JSON object".into(),
            header: None,
            bytes: bytes.into(),
            length: None,
        }
    }

    fn line(record: &Record) -> String {
        String::from_utf8(record.to_line()).expect("JSON is text")
    }

    const HEAD: &str = r#""time":"2026-03-01T08:00:00.5Z","source":"cards","stream":"card_auths","partition":3,"offset":36,"number":6,"reason":"syntax","detail":"not a JSON object""#;

    #[test]
    fn text_is_kept_as_text_and_other_bytes_in_base64() {
        assert_eq!(line(&record(b"a \"b\"")), format!("{{{HEAD},\"text\":\"a \\\"b\\\"\"}}"));
        assert_eq!(line(&record(b"")), format!("{{{HEAD},\"text\":\"\"}}"));
        assert_eq!(line(&record(b"\xff\xfe")), format!("{{{HEAD},\"base64\":\"//4=\"}}"));
    }

    #[test]
    fn a_record_that_was_passed_over_has_a_length() {
        let passed = Record { length: Some(10 << 20), ..record(b"") };
        assert_eq!(line(&passed), format!("{{{HEAD},\"length\":10485760}}"));
        assert_eq!(Record::from_line(&passed.to_line()), Ok(passed.clone()));
        assert!(!passed.is_whole());
        let begun = Record { bytes: b"xx".into(), ..passed };
        assert_eq!(line(&begun), format!("{{{HEAD},\"length\":10485760,\"text\":\"xx\"}}"));
        assert_eq!(Record::from_line(&begun.to_line()), Ok(begun));
    }

    #[test]
    fn what_is_no_such_line_is_said() {
        let wrong = |text: &str| Record::from_line(text.as_bytes()).expect_err("it is wrong").to_string();
        assert_eq!(wrong("{\"time"), "EOF while parsing a string at column 6");
        assert!(wrong("[]").contains("missing field") || wrong("[]").contains("invalid length"));
        assert_eq!(wrong(&format!("{{{HEAD}}}")), "it has neither `text` nor `base64`");
        let both = wrong(&format!("{{{HEAD},\"text\":\"\",\"base64\":\"\"}}"));
        assert_eq!(both, "it has both `text` and `base64`");
        let unknown = wrong(&format!("{{{HEAD},\"txt\":\"a\"}}"));
        assert!(unknown.starts_with("unknown field `txt`, expected one of `time`, "), "{unknown}");
        let base64 = wrong(&format!("{{{HEAD},\"base64\":\"a\"}}"));
        assert!(base64.starts_with("`base64` cannot be read: "), "{base64}");
        let time = wrong(&format!("{{{HEAD},\"text\":\"\"}}").replace("2026-03-01T", "yesterday "));
        assert_eq!(time, "`time` is no time in RFC 3339: \"yesterday 08:00:00.5Z\"");
    }

    /// The page shows a line as it is, with every key, and every reason there is.
    #[test]
    fn the_page_is_right() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/quarantine.md");
        let page = std::fs::read_to_string(path).expect("the page");
        let line = page.split("```json\n").nth(1).and_then(|rest| rest.lines().next()).expect("a line");
        let shown = Record::from_line(line.as_bytes()).expect("a record");
        assert_eq!(String::from_utf8(shown.to_line()).expect("text"), line);
        for reason in crate::telemetry::catalogue::REJECTION_REASONS {
            assert!(page.contains(&format!("\n| `{reason}` | ")), "{reason}");
        }
        let example: serde_json::Value = serde_json::from_str(line).expect("JSON");
        let keys = example.as_object().expect("an object").keys().map(String::as_str);
        for key in keys.chain(["header", "length", "base64"]) {
            assert!(page.contains(&format!("\n| `{key}` | ")), "{key}");
        }
        for metric in crate::telemetry::catalogue::KeptMetrics::GROUP.metrics {
            assert!(page.contains(metric.name), "{}", metric.name);
        }
    }

    proptest! {
        #[test]
        fn every_record_is_read_back_as_it_was(
            bytes in prop_oneof![any::<Vec<u8>>(), ".*".prop_map(String::into_bytes)],
            length in any::<Option<u64>>(),
            detail in ".*",
            header in proptest::option::of(".*"),
        ) {
            let record = Record { detail, header, length, ..record(&bytes) };
            let line = record.to_line();
            prop_assert!(!line.contains(&b'\n'));
            prop_assert_eq!(Record::from_line(&line), Ok(record));
        }

        #[test]
        fn any_bytes_are_a_record_or_not(bytes in any::<Vec<u8>>()) {
            let _ = Record::from_line(&bytes);
        }
    }
}
