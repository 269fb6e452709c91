//! Reads the sources of a configuration.

use std::path::Path;

use toml::de::DeTable;

use crate::codec::Format;
use crate::diagnostic::Diagnostic;
use crate::diagnostic::codes::{E0603, E0610, E0613};
use crate::source::{http, tcp};

use super::document::{Report, Table};
use super::read::kind;
use super::reference::{HTTP, SOURCE_TYPES, STDIN, TCP};
use super::{Located, Source, SourceKind};

/// Reads a source. Relative paths begin at `folder`.
pub fn source(
    name: Located<String>,
    values: &DeTable<'_>,
    folder: &Path,
    report: &mut Report,
) -> Option<Source> {
    let kind = kind(&name, values, SOURCE_TYPES, &TCP, report)?;
    let section = match kind {
        "tcp" => &TCP,
        "http" => &HTTP,
        _ => &STDIN,
    };
    let table = Table::new(values, section, name.span, report);
    let streams = match kind {
        "http" => streams(&table, values, report)?,
        _ => table.text("stream", report).map(|stream| vec![stream]),
    };
    let settings = match kind {
        "tcp" => tcp(&table, report).map(SourceKind::Tcp),
        "http" => http(&table, folder, report).map(SourceKind::Http),
        _ => Some(SourceKind::Stdin),
    };
    // Without a stream only a source may be that can feed several.
    if kind != "http" && streams.is_none() {
        return None;
    }
    Some(Source { name, streams, format: Format::Json, kind: settings? })
}

fn tcp(table: &Table<'_>, report: &mut Report) -> Option<tcp::Settings> {
    let listen = table.address("listen", report);
    let max_connections = table.count("max_connections", report);
    Some(tcp::Settings { listen: listen?.value, max_connections: max_connections? })
}

fn http(table: &Table<'_>, folder: &Path, report: &mut Report) -> Option<http::Settings> {
    let listen = table.address("listen", report);
    let token_file = table.text("token_file", report);
    let max_connections = table.count("max_connections", report);
    let max_body = table.size("max_body", report);
    let max_bodies = table.size("max_bodies", report);
    let max_records = table.count("max_records", report);
    let wait = table.wait("wait", report);
    let read_timeout = table.wait("read_timeout", report);
    let (max_body, max_bodies) = (max_body?, max_bodies?);
    if max_bodies < 2 * max_body {
        let message = "`max_bodies` is less than twice `max_body`";
        let help = "a compressed body and what is in it are held at the same time";
        report.push(Diagnostic::new(E0613, table.heading(), message).help(help));
    }
    Some(http::Settings {
        listen: listen?.value,
        token_file: token_file.map(|path| folder.join(path.value)),
        max_connections: max_connections?,
        max_body: usize::try_from(max_body).ok()?,
        max_bodies: usize::try_from(max_bodies).ok()?,
        max_records: max_records?,
        wait: wait?,
        read_timeout: read_timeout?,
    })
}

/// The streams of a source that can feed several: those it names or, if it names none, all. `None` when
/// what it says is wrong.
fn streams(
    table: &Table<'_>,
    values: &DeTable<'_>,
    report: &mut Report,
) -> Option<Option<Vec<Located<String>>>> {
    let Some(given) = values.get("streams") else { return Some(None) };
    let streams = table.names("streams", report);
    if given.get_ref().as_array().is_some_and(|array| array.is_empty()) {
        let message = "there is no stream in the list";
        let help = "name one, or leave `streams` out to feed all";
        report.push(Diagnostic::new(E0603, report.span(given), message).help(help));
    }
    for (index, stream) in streams.iter().enumerate() {
        if let Some(first) = streams[..index].iter().find(|other| other.value == stream.value) {
            let message = format!("`{}` is given twice", stream.value);
            let diagnostic = Diagnostic::new(E0610, stream.span, message);
            report.push(diagnostic.also(first.span, "the other one is here").help("keep one of the two"));
        }
    }
    (!streams.is_empty()).then_some(Some(streams))
}

/// Reports sources that cannot exist beside each other.
pub fn twice(sources: &[Source], report: &mut Report) {
    for (index, source) in sources.iter().enumerate() {
        let same = sources[..index].iter().find(|other| match (&source.kind, &other.kind) {
            (SourceKind::Stdin, SourceKind::Stdin) => true,
            (one, other) => address(one).is_some_and(|address_of_one| {
                !address_of_one.ends_with(":0") && Some(address_of_one) == address(other)
            }),
        });
        let Some(same) = same else { continue };
        let (message, help) = match address(&source.kind) {
            Some(listen) => (format!("two sources listen at `{listen}`"), "give one of them another port"),
            None => ("standard input can be read by one source only".to_string(), "keep one of the two"),
        };
        let diagnostic = Diagnostic::new(E0610, source.name.span, message);
        report.push(diagnostic.also(same.name.span, "the other one is here").help(help));
    }
}

/// The TCP address at which a source listens.
fn address(kind: &SourceKind) -> Option<&str> {
    match kind {
        SourceKind::Tcp(settings) => Some(&settings.listen),
        SourceKind::Http(settings) => Some(&settings.listen),
        SourceKind::Stdin => None,
    }
}
