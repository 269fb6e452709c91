//! Reads how the records of a source are written: the keys of `RECORDS`, and `compression` where
//! there is one.

use std::path::Path;

use crate::codec::{Format, csv, regex};
use crate::source::Decoding;
use crate::source::compression::Compression;
use crate::source::framing::Framing;

use super::document::{Report, Table};
use super::{Located, schemas};

/// How the bytes of a source come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Carrier {
    /// In connections, of programs that send.
    Connections,
    /// In datagrams.
    Datagrams,
    /// In messages, each of which is a record.
    Messages,
    /// As files have them.
    Files,
}

/// Reads how the records of a source are written. Keys that do not go together are reported.
/// Relative paths begin at `folder`.
pub fn decoding(table: &Table<'_>, folder: &Path, carrier: Carrier, report: &mut Report) -> Option<Decoding> {
    let codec = table.word("codec", report);
    let framing = table.word("framing", report);
    let compression = if table.has("compression") { table.word("compression", report) } else { Some("none") };
    let codec = codec?;
    only_with(table, &["delimiter", "columns"], codec, &["csv"], report);
    only_with(table, &["pattern"], codec, &["regex"], report);
    only_with(table, &["schema", "registry"], codec, SCHEMAS, report);
    only_with(table, &["message"], codec, &["protobuf"], report);
    only_with(table, &["validate"], codec, &["json_schema"], report);
    let format = match codec {
        "json" => Format::Json,
        "csv" => Format::Csv(csv(table, carrier, report)?),
        "logfmt" => Format::Logfmt,
        "syslog" => Format::Syslog,
        codec if SCHEMAS.contains(&codec) => schemas::format(codec, table, folder, carrier, report)?,
        _ => Format::Regex(pattern(table, report)?),
    };
    let framing = self::framing(framing, &format, carrier, table, report)?;
    let compression = match compression? {
        "gzip" => Compression::Gzip,
        "zstd" => Compression::Zstd,
        _ => Compression::None,
    };
    Some(Decoding { format, framing, compression })
}

/// The codecs whose records a schema explains.
const SCHEMAS: &[&str] = &["avro", "protobuf", "json_schema"];

/// Reports keys that are about other codecs.
fn only_with(table: &Table<'_>, keys: &[&str], codec: &str, of: &[&str], report: &mut Report) {
    for key in keys.iter().filter(|_| !of.contains(&codec)) {
        if let Some(place) = table.place(key, report) {
            let words: Vec<String> = of.iter().map(|of| format!("\"{of}\"")).collect();
            let about = format!("`codec = {}`", words.join(" or "));
            let message = format!("`{key}` is about {about}, and this source has `codec = \"{codec}\"`");
            report.contradiction(place, message, format!("set {about}, or take `{key}` out"));
        }
    }
}

fn csv(table: &Table<'_>, carrier: Carrier, report: &mut Report) -> Option<csv::Settings> {
    let delimiter = table.text("delimiter", report);
    let byte = match delimiter.as_ref().map(|delimiter| delimiter.value.as_bytes()) {
        None => b',',
        Some([byte]) => *byte,
        // Not possible; what is possible says the codec.
        Some(_) => 0,
    };
    if let (Err(why), Some(delimiter)) = (csv::Settings::new(byte, None), &delimiter) {
        report.unreadable("delimiter", delimiter, &why);
        return None;
    }
    let columns = table.names("columns", report);
    let given = table.place("columns", report);
    if given.is_none() && matches!(carrier, Carrier::Datagrams | Carrier::Messages) {
        let place = table.place("codec", report)?;
        let message = "what comes in datagrams or messages has no first line that names the columns";
        report.contradiction(place, message, "name them here: `columns = [\"id\", \"amount\"]`");
        return None;
    }
    let names = columns.into_iter().map(|column| column.value.into()).collect();
    match csv::Settings::new(byte, given.map(|_| names)) {
        Ok(settings) => Some(settings),
        Err(why) => {
            let shown = Located { value: String::new(), span: given.unwrap_or_default() };
            report.unreadable("columns", &shown, &why);
            None
        }
    }
}

fn pattern(table: &Table<'_>, report: &mut Report) -> Option<regex::Settings> {
    let pattern = table.required("pattern", report)?;
    match regex::Settings::new(&pattern.value) {
        Ok(settings) => Some(settings),
        Err(why) => {
            report.unreadable("pattern", &pattern, &why);
            None
        }
    }
}

/// How records are told from each other; unless that is said, it follows from how they are written
/// and how they come.
fn framing(
    given: Option<&'static str>,
    format: &Format,
    carrier: Carrier,
    table: &Table<'_>,
    report: &mut Report,
) -> Option<Framing> {
    let place = table.place("framing", report);
    if carrier == Carrier::Messages {
        if let Some(place) = place {
            let message = "`framing` tells records from each other, and here each message is one";
            report.contradiction(place, message, "take `framing` out");
            return None;
        }
        return Some(Framing::Datagram);
    }
    Some(match (given, format, carrier) {
        (None, _, _) if place.is_some() => return None,
        (None | Some("csv"), Format::Csv(settings), _) => Framing::Csv { delimiter: settings.delimiter() },
        (Some("csv"), _, _) => {
            let message = "`framing = \"csv\"` knows the quotation marks of CSV, and these records are none";
            report.contradiction(place?, message, "set `codec = \"csv\"`, or take `framing` out");
            return None;
        }
        (Some("lines"), Format::Avro(_) | Format::Protobuf(_), _) => {
            let message =
                "`framing = \"lines\"` ends a record at a line end, which these records may have in them";
            report.contradiction(
                place?,
                message,
                "take `framing` out, or set `framing = \"length_prefixed\"`",
            );
            return None;
        }
        (Some("datagram"), _, Carrier::Connections | Carrier::Files) => {
            let message = "`framing = \"datagram\"` takes each datagram for a record, and here are none";
            report.contradiction(place?, message, "take `framing` out, or say how records end");
            return None;
        }
        (None, Format::Syslog | Format::Avro(_) | Format::Protobuf(_), Carrier::Datagrams)
        | (Some("datagram"), _, _) => Framing::Datagram,
        (None, Format::Avro(_) | Format::Protobuf(_), _) => Framing::LengthPrefixed,
        (None, Format::Syslog, Carrier::Connections) | (Some("octet_counting"), _, _) => {
            Framing::OctetCounting
        }
        (Some("length_prefixed"), _, _) => Framing::LengthPrefixed,
        (None | Some(_), _, _) => Framing::Lines,
    })
}
