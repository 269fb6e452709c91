//! Messages of the syslog protocols: RFC 5424, and the older ways of writing that RFC 3164 collects.
//!
//! Enters: the bytes of a message, without what the transport puts around it. Leaves: an event with the
//! message's parts under the names [`NAMES`], or why the record is no message.
//!
//! - What begins with a priority, a version and a time (or `-`) is read as RFC 5424 says (`rfc5424`),
//!   everything else as widely as senders write it (`rfc3164`).
//! - A part that a message does not have, or has as `-`, is missing.
//! - Parameters of structured data have the name `sd.ID.PARAM`; an element without parameters is true
//!   under `sd.ID`.
//! - Line ends and zero bytes behind the message, which some senders add, are no part of it.
//! - Nothing here reads a clock: a time without a year lies in the year that brings it closest to the
//!   arrival of the message.
//!
//! Written out rather than taken from a library: those that read both protocols either give in and return
//! a damaged message as plain text, or lose what stands in brackets at its beginning; both would make
//! events of what belongs in quarantine.

mod rfc3164;
mod rfc5424;
#[cfg(test)]
mod tests;

use std::borrow::Cow;

use compact_str::{CompactString, ToCompactString};

use crate::event::{Event, Field, FieldType, Kept, Position, StreamId, StreamSchema, Timestamp};

use super::convert::Found;
use super::text::{Column, Texts, lacking, malformed, name, utf8};
use super::{Decoder, Fields, Malformed};

/// The names of a message's parts, beside those of structured data: `sd.ID.PARAM`.
pub const NAMES: [&str; 11] = [
    "priority",
    "facility",
    "facility_name",
    "severity",
    "severity_name",
    "timestamp",
    "host",
    "app",
    "procid",
    "msgid",
    "message",
];

/// A part of a message, in the order of [`NAMES`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Priority,
    Facility,
    FacilityName,
    Severity,
    SeverityName,
    Timestamp,
    Host,
    App,
    ProcId,
    MsgId,
    Message,
}

/// The names of facilities by their numbers, as most programs write them.
const FACILITIES: [&str; 24] = [
    "kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "authpriv", "ftp",
    "ntp", "audit", "alert", "clock", "local0", "local1", "local2", "local3", "local4", "local5", "local6",
    "local7",
];

/// The names of severities by their numbers.
const SEVERITIES: [&str; 8] = ["emerg", "alert", "crit", "err", "warning", "notice", "info", "debug"];

/// What stands before the text of a message. `None`: it is not there.
#[derive(Clone, Debug, Default, PartialEq)]
struct Header<'a> {
    /// RFC 3339 text.
    timestamp: Option<Cow<'a, str>>,
    host: Option<&'a str>,
    app: Option<&'a str>,
    procid: Option<&'a str>,
    msgid: Option<&'a str>,
}

/// Which stream cannot be read.
pub(super) fn misfit(schema: &StreamSchema) -> Option<String> {
    let has = |name: &str| NAMES.contains(&name) || name.starts_with("sd.");
    if let Some(lacking) = lacking(schema, ("a syslog message", "part"), has) {
        return Some(format!("{lacking}; its parts are {}, and `sd.ID.PARAM`", NAMES.join(", ")));
    }
    let wrong = schema.fields.iter().find(|field| !can_be(field))?;
    let ty = wrong.ty.value_type();
    Some(format!(
        "the {} of a syslog message is never `{ty}`, as the field `{}` declares",
        name(wrong),
        wrong.name
    ))
}

/// Whether a part can be of the type that the field has.
fn can_be(field: &Field) -> bool {
    match name(field).as_str() {
        "timestamp" => matches!(field.ty, FieldType::Timestamp(_) | FieldType::Str),
        "priority" | "facility" | "severity" => {
            matches!(field.ty, FieldType::Int | FieldType::Float | FieldType::Str)
        }
        "facility_name" | "severity_name" => field.ty == FieldType::Str,
        _ => true,
    }
}

/// Decodes messages.
#[derive(Debug)]
pub struct SyslogDecoder {
    columns: [Column; NAMES.len()],
    texts: Texts,
    /// The name of the parameter in hand.
    parameter: String,
}

impl SyslogDecoder {
    /// A decoder for records of `stream`.
    ///
    /// # Panics
    /// When the schema's time field is not a timestamp of the schema: a mistake in the caller.
    pub fn new(stream: StreamId, schema: &StreamSchema, kept: Kept) -> SyslogDecoder {
        let texts = Texts::new(stream, schema, kept);
        let columns = NAMES.map(|name| texts.column(name));
        SyslogDecoder { columns, texts, parameter: String::new() }
    }

    fn read(&mut self, record: &[u8], arrival: Timestamp) -> Result<(), String> {
        let record = utf8(record)?.trim_end_matches(['\n', '\r', '\0']);
        if record.is_empty() {
            return Err("the record is empty".to_owned());
        }
        let (priority, rest) = priority(record)?;
        if let Some(priority) = priority {
            self.put_priority(priority);
        }
        let text = match rfc5424::version(rest) {
            Some(version) if priority.is_some() => {
                let rest = match version {
                    "1" => &rest[version.len() + 1..],
                    other => return Err(format!("the version {other} is not known")),
                };
                let (header, rest) = rfc5424::header(record, rest)?;
                self.put_header(&header);
                rfc5424::structured_data(record, rest, |id, parameter| self.put_parameter(id, parameter))?
            }
            _ => {
                let (header, rest) = rfc3164::header(rest, arrival)?;
                if priority.is_none() && header.timestamp.is_none() {
                    return Err("it begins neither with a priority such as <13> nor with a time".to_owned());
                }
                self.put_header(&header);
                rest
            }
        };
        self.put(Part::Message, text);
        Ok(())
    }

    fn put_priority(&mut self, priority: u8) {
        let (facility, severity) = (priority / 8, priority % 8);
        self.put_number(Part::Priority, priority);
        self.put_number(Part::Facility, facility);
        self.put(Part::FacilityName, FACILITIES[usize::from(facility)]);
        self.put_number(Part::Severity, severity);
        self.put(Part::SeverityName, SEVERITIES[usize::from(severity)]);
    }

    fn put_header(&mut self, header: &Header<'_>) {
        let parts = [
            (Part::Timestamp, header.timestamp.as_deref()),
            (Part::Host, header.host),
            (Part::App, header.app),
            (Part::ProcId, header.procid),
            (Part::MsgId, header.msgid),
        ];
        for (part, text) in parts {
            if let Some(text) = text {
                self.put(part, text);
            }
        }
    }

    fn put(&mut self, part: Part, text: &str) {
        self.texts.put_column(&self.columns[part as usize], text);
    }

    fn put_number(&mut self, part: Part, number: u8) {
        let text: CompactString = number.to_compact_string();
        self.texts.put_column_as(&self.columns[part as usize], &text, &Found::Int(number.into()));
    }

    /// A parameter with its value; `None` when an element has none.
    fn put_parameter(&mut self, id: &str, parameter: Option<(&str, &str)>) {
        self.parameter.clear();
        self.parameter.push_str("sd.");
        self.parameter.push_str(id);
        match parameter {
            None => self.texts.put_as(&self.parameter, "true", &Found::Bool(true)),
            Some((name, value)) => {
                self.parameter.push('.');
                self.parameter.push_str(name);
                self.texts.put(&self.parameter, value);
            }
        }
    }
}

impl Decoder for SyslogDecoder {
    fn decode(
        &mut self,
        record: &[u8],
        position: Position,
        arrival: Timestamp,
    ) -> Result<Option<Event>, Malformed> {
        self.texts.begin();
        self.read(record, arrival).map_err(|why| malformed("not a syslog message", &why))?;
        self.texts.finish(position, arrival).map(Some)
    }

    fn stream(&self) -> StreamId {
        self.texts.stream()
    }

    fn fields(&mut self) -> &mut Fields {
        self.texts.fields()
    }
}

/// The priority at the beginning, if there is one, and what follows it.
fn priority(record: &str) -> Result<(Option<u8>, &str), String> {
    /// Facility 23 with severity 7.
    const LARGEST: u16 = 191;
    let Some((digits, rest)) = record.strip_prefix('<').and_then(|inside| inside.split_once('>')) else {
        return Ok((None, record));
    };
    if digits.is_empty() || digits.len() > 3 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Ok((None, record));
    }
    match digits.parse::<u16>() {
        Ok(number) if number <= LARGEST => Ok((u8::try_from(number).ok(), rest)),
        _ => Err(format!("the priority {digits} is greater than {LARGEST}")),
    }
}
