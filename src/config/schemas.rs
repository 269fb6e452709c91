//! Reads how the records of codecs with schemas are explained: a file, a registry, or both.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::codec::{Format, avro, json_schema, protobuf};
use crate::diagnostic::Diagnostic;
use crate::diagnostic::codes::{E0603, E0611, E0622};

use super::Located;
use super::decoding::Carrier;
use super::document::{Report, Table};
use super::rules::{io_reason, read_limited};

/// The largest file of a schema, in bytes.
const MAX_FILE: u64 = 16 << 20;

/// Reads the format of one of these codecs. Relative paths begin at `folder`.
pub fn format(
    codec: &str,
    table: &Table<'_>,
    folder: &Path,
    carrier: Carrier,
    report: &mut Report,
) -> Option<Format> {
    let path = table.located_path("schema", folder, report);
    let registry = registry(table, carrier, report)?;
    let message = table.text("message", report);
    let validate = table.flag("validate", report)?;
    if path.is_none() && !registry {
        if table.place("schema", report).is_none() {
            let message = format!("`codec = \"{codec}\"` needs a `schema` or a `registry`");
            let help = "for example `schema = \"payments.avsc\"`; a `registry` is for sources of Kafka";
            report.push(Diagnostic::new(E0603, table.place("codec", report)?, message).help(help));
        }
        return None;
    }
    let only_file = |key: &str, report: &mut Report| {
        if let (Some(place), true) = (table.place(key, report), registry) {
            let message = format!("`{key}` and `registry` do not go together with `codec = \"{codec}\"`");
            report.contradiction(place, message, "the registry has the schemas; take one of the two out");
        }
    };
    match codec {
        "avro" => {
            let local = match &path {
                Some(path) => {
                    Some(Arc::new(read(path, report, |text, _| avro::Parsed::new(utf8(text)?, &[]))?))
                }
                None => None,
            };
            Some(Format::Avro(match (registry, local) {
                (true, reader) => avro::Settings::Registry(reader),
                (false, local) => avro::Settings::Local(local?),
            }))
        }
        "protobuf" => {
            only_file("schema", report);
            only_file("message", report);
            if registry {
                return Some(Format::Protobuf(protobuf::Settings::Registry));
            }
            let path = path?;
            let types = read(&path, report, types)?;
            let name = message.as_ref().map(|message| message.value.as_str());
            match types.message(name) {
                Ok(found) => Some(Format::Protobuf(protobuf::Settings::Local(found))),
                Err(why) => {
                    let place = message.map_or(path.span, |message| message.span);
                    unusable(place, &path.value, &why, report);
                    None
                }
            }
        }
        _ => {
            only_file("schema", report);
            if registry {
                return Some(Format::JsonSchema(json_schema::Settings::Registry { validate }));
            }
            let parsed = read(&path?, report, |text, _| json_schema::Parsed::new(utf8(text)?, &[]))?;
            Some(Format::JsonSchema(json_schema::Settings::Local(Arc::new(parsed))))
        }
    }
}

/// Whether records have their schemas in a registry.
fn registry(table: &Table<'_>, carrier: Carrier, report: &mut Report) -> Option<bool> {
    let Some(place) = table.place("registry", report) else { return Some(false) };
    if carrier != Carrier::Messages {
        let message = "only the records of Kafka can wait for a schema registry";
        report.contradiction(
            place,
            message,
            "name the file of the schema here: `schema = \"payments.avsc\"`",
        );
        return None;
    }
    table.text("registry", report).map(|_| true)
}

/// Reads a file of a schema.
fn read<T>(
    path: &Located<PathBuf>,
    report: &mut Report,
    parse: impl FnOnce(&[u8], &Path) -> Result<T, String>,
) -> Option<T> {
    let unreadable = |why: String, report: &mut Report| {
        let message = format!("`{}` cannot be read: {why}", path.value.display());
        let help = "a relative path begins at the folder of this file";
        report.push(Diagnostic::new(E0611, path.span, message).help(help));
        None
    };
    let bytes = match read_limited(&path.value, MAX_FILE) {
        Ok(bytes) if bytes.len() as u64 > MAX_FILE => {
            return unreadable(format!("it is larger than {} MiB", MAX_FILE >> 20), report);
        }
        Ok(bytes) => bytes,
        Err(error) => return unreadable(io_reason(&error), report),
    };
    match parse(&bytes, &path.value) {
        Ok(parsed) => Some(parsed),
        Err(why) => {
            unusable(path.span, &path.value, &why, report);
            None
        }
    }
}

fn unusable(place: crate::diagnostic::Span, path: &Path, why: &str, report: &mut Report) {
    let message = format!("the schema in `{}` cannot be used: {why}", path.display());
    report.push(Diagnostic::new(E0622, place, message));
}

/// The types of a `.proto` file, with what it imports from its folder, or of a compiled set.
fn types(bytes: &[u8], path: &Path) -> Result<protobuf::Parsed, String> {
    if path.extension().is_none_or(|extension| extension != "proto") {
        return protobuf::Parsed::compiled(bytes);
    }
    let folder = path.parent().unwrap_or(Path::new("")).to_path_buf();
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let import = move |name: &str| {
        let bytes = read_limited(&folder.join(name), MAX_FILE).ok()?;
        String::from_utf8(bytes).ok().filter(|text| text.len() as u64 <= MAX_FILE)
    };
    protobuf::Parsed::new(&name, utf8(bytes)?, Box::new(import))
}

fn utf8(bytes: &[u8]) -> Result<&str, String> {
    std::str::from_utf8(bytes).map_err(|_| "it is not UTF-8".to_owned())
}
