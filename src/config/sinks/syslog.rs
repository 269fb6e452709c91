//! Reads a sink for syslog.

use std::path::{Path, PathBuf};

use crate::sink::host;
use crate::sink::syslog::message::{FACILITIES, Format, Style};
use crate::sink::syslog::{Settings, Transport};
use crate::tls;

use super::{Report, SinkKind, Table};
use crate::config::sources::identity;

/// Where programs of a machine send to.
const LOCAL: &str = "/dev/log";

/// Reads it.
pub fn read(table: &Table<'_>, folder: &Path, report: &mut Report) -> Option<SinkKind> {
    let transport = transport(table, folder, report);
    let style = style(table, report);
    let timeout = table.wait("timeout", report);
    Some(SinkKind::Syslog(Settings { transport: transport?, style: style?, timeout: timeout? }))
}

fn transport(table: &Table<'_>, folder: &Path, report: &mut Report) -> Option<Transport> {
    let word = table.word("transport", report);
    let path = table.path("path", folder, report);
    let ca = table.path("tls_ca", folder, report);
    let name = table.text("tls_name", report).map(|name| name.value);
    let identity = identity(table, folder, report);
    let word = word?;
    let useless: &[&str] = match word {
        "unix" => &["address", "tls_ca", "tls_name", "tls_cert", "tls_key"],
        "tls" => &["path"],
        _ => &["path", "tls_ca", "tls_name", "tls_cert", "tls_key"],
    };
    for key in useless {
        if let Some(place) = table.place(key, report) {
            let message = format!("`{key}` is of no use with `transport = \"{word}\"`");
            report.contradiction(place, message, "take this key out, or choose another `transport`");
        }
    }
    if word == "unix" {
        return Some(Transport::Unix(path.unwrap_or_else(|| PathBuf::from(LOCAL))));
    }
    if table.place("address", report).is_none() {
        table.missing("address", report);
    }
    let address = table.address("address", report)?.value;
    Some(match word {
        "udp" => Transport::Udp(address),
        "tcp" => Transport::Tcp(address),
        _ => {
            let host = address.rsplit_once(':').map_or(&*address, |(host, _)| host);
            let name = name.unwrap_or_else(|| host.trim_matches(['[', ']']).to_owned());
            Transport::Tls(address, tls::ClientSettings { ca, name, identity })
        }
    })
}

fn style(table: &Table<'_>, report: &mut Report) -> Option<Style> {
    let format = table.word("format", report);
    let facility = table.word("facility", report);
    let host = table.text("host_name", report).map_or_else(host::name, |host| host.value);
    let app = table.text("app_name", report).map_or_else(|| "tripline".to_owned(), |app| app.value);
    let enterprise = table.count("enterprise", report);
    let most = table.size("max_message", report);
    let facility = FACILITIES.iter().position(|known| Some(*known) == facility)?;
    Some(Style {
        format: if format? == "rfc3164" { Format::Rfc3164 } else { Format::Rfc5424 },
        facility: u8::try_from(facility).ok()?,
        host,
        app,
        process: std::process::id(),
        enterprise: u32::try_from(enterprise?).ok()?,
        most: usize::try_from(most?).ok()?,
    })
}
