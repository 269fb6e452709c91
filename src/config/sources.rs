//! Reads the sources of a configuration.

use std::path::Path;

use toml::de::DeTable;

use crate::codec::Format;
use crate::diagnostic::Diagnostic;
use crate::diagnostic::codes::E0610;
use crate::source::{Decoding, tcp};

use super::document::{Report, Table};
use super::read::kind;
use super::reference::{FILES, SOURCE_TYPES, STDIN, TCP};
use super::{Located, Source, SourceKind, files};

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
        "file" => &FILES,
        _ => &STDIN,
    };
    let table = Table::new(values, section, name.span, report);
    let stream = table.text("stream", report);
    let decoding = decoding(&table, report);
    let kind = match kind {
        "tcp" => {
            let listen = table.address("listen", report);
            let max_connections = table.count("max_connections", report);
            SourceKind::Tcp(tcp::Settings { listen: listen?.value, max_connections: max_connections? })
        }
        "file" => SourceKind::File(files::settings(&table, folder, report)?),
        _ => SourceKind::Stdin,
    };
    Some(Source { name, streams: Some(vec![stream?]), decoding: decoding?, kind })
}

/// Reads how the records of a source are written: the keys of `RECORDS`.
fn decoding(table: &Table<'_>, report: &mut Report) -> Option<Decoding> {
    let format = match table.word("codec", report)? {
        "json" => Format::Json,
        other => unreachable!("`{other}` is no codec of the catalogue"),
    };
    Some(Decoding { format })
}

/// Reports sources that cannot exist beside each other.
pub fn twice(sources: &[Source], report: &mut Report) {
    for (index, source) in sources.iter().enumerate() {
        let same = sources[..index].iter().find(|other| match (&source.kind, &other.kind) {
            (SourceKind::Stdin, SourceKind::Stdin) => true,
            (SourceKind::Tcp(one), SourceKind::Tcp(other)) => {
                one.listen == other.listen && !one.listen.ends_with(":0")
            }
            _ => false,
        });
        if let Some(same) = same {
            let message = match &source.kind {
                SourceKind::Stdin => "standard input can be read by one source only".to_string(),
                SourceKind::Tcp(settings) => format!("two sources listen at `{}`", settings.listen),
                SourceKind::File(_) => unreachable!("files can be read by several sources"),
            };
            report.push(
                Diagnostic::new(E0610, source.name.span, message)
                    .also(same.name.span, "the other one is here")
                    .help(match &source.kind {
                        SourceKind::Stdin => "keep one of the two",
                        SourceKind::Tcp(_) => "give one of them another port",
                        SourceKind::File(_) => unreachable!("files can be read by several sources"),
                    }),
            );
        }
    }
}
