//! Reads the sources of a configuration.

use toml::de::DeTable;

use crate::codec::Format;
use crate::diagnostic::Diagnostic;
use crate::diagnostic::codes::E0610;
use crate::source::tcp;

use super::document::{Report, Table};
use super::read::kind;
use super::reference::{SOURCE_TYPES, STDIN, TCP};
use super::{Located, Source, SourceKind};

/// Reads a source.
pub fn source(name: Located<String>, values: &DeTable<'_>, report: &mut Report) -> Option<Source> {
    let kind = kind(&name, values, SOURCE_TYPES, &TCP, report)?;
    let section = if kind == "tcp" { &TCP } else { &STDIN };
    let table = Table::new(values, section, name.span, report);
    let stream = table.text("stream", report);
    let kind = if kind == "tcp" {
        let listen = table.address("listen", report);
        let max_connections = table.count("max_connections", report);
        SourceKind::Tcp(tcp::Settings { listen: listen?.value, max_connections: max_connections? })
    } else {
        SourceKind::Stdin
    };
    Some(Source { name, streams: Some(vec![stream?]), format: Format::Json, kind })
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
            };
            report.push(
                Diagnostic::new(E0610, source.name.span, message)
                    .also(same.name.span, "the other one is here")
                    .help(match &source.kind {
                        SourceKind::Stdin => "keep one of the two",
                        SourceKind::Tcp(_) => "give one of them another port",
                    }),
            );
        }
    }
}
