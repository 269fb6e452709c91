//! Reads the sources of a configuration.

use std::path::Path;

use toml::de::DeTable;

use crate::diagnostic::Diagnostic;
use crate::diagnostic::codes::{E0603, E0610, E0613};
use crate::source::{http, tcp, tcp_client, udp, unix};
use crate::tls;

use super::decoding::{Carrier, decoding};
use super::document::{Report, Table};
use super::read::kind;
use super::reference::{FILES, HTTP, KAFKA, SOURCE_TYPES, STDIN, TCP, TCP_CLIENT, UDP, UNIX};
use super::{Located, Source, SourceKind, files, kafka};

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
        "tcp_client" => &TCP_CLIENT,
        "udp" => &UDP,
        "unix" => &UNIX,
        "http" => &HTTP,
        "file" => &FILES,
        "kafka" => &KAFKA,
        _ => &STDIN,
    };
    let table = Table::new(values, section, name.span, report);
    let streams = match kind {
        "http" => streams(&table, values, report),
        _ => table.text("stream", report).map(|stream| Some(vec![stream])),
    };
    let carrier = match kind {
        "udp" => Carrier::Datagrams,
        "unix" if is_datagram(values) => Carrier::Datagrams,
        "kafka" => Carrier::Messages,
        "tcp" | "tcp_client" | "unix" => Carrier::Connections,
        _ => Carrier::Files,
    };
    let decoding = decoding(&table, folder, carrier, report);
    let registry = table.text("registry", report);
    let kind = match kind {
        "tcp" => tcp(&table, folder, report).map(SourceKind::Tcp),
        "tcp_client" => tcp_client(&table, folder, report).map(SourceKind::TcpClient),
        "udp" => udp(&table, report).map(SourceKind::Udp),
        "unix" => unix(&table, folder, report).map(SourceKind::Unix),
        "http" => http(&table, folder, report).map(SourceKind::Http),
        "file" => files::settings(&table, folder, decoding.as_ref(), report).map(SourceKind::File),
        "kafka" => {
            kafka::source(&table, folder, report).map(|settings| SourceKind::Kafka(Box::new(settings)))
        }
        _ => Some(SourceKind::Stdin),
    };
    Some(Source { name, streams: streams?, decoding: decoding?, registry, kind: kind? })
}

fn tcp(table: &Table<'_>, folder: &Path, report: &mut Report) -> Option<tcp::Settings> {
    let listen = table.address("listen", report);
    let max_connections = table.count("max_connections", report);
    let read_timeout = table.wait("read_timeout", report);
    let ack = table.flag("ack", report);
    let tls = server_tls(table, folder, report);
    let (listen, max_connections, ack) = (listen?.value, max_connections?, ack?);
    Some(tcp::Settings { listen, max_connections, read_timeout, tls, ack })
}

/// Reads the keys of TLS of a server.
fn server_tls(table: &Table<'_>, folder: &Path, report: &mut Report) -> Option<tls::ServerSettings> {
    let identity = identity(table, folder, report);
    let client_ca = table.path("tls_client_ca", folder, report);
    if identity.is_none()
        && let Some(place) = table.place("tls_client_ca", report)
        && ["tls_cert", "tls_key"].iter().all(|key| table.place(key, report).is_none())
    {
        let message = "`tls_client_ca` is of use only with `tls_cert` and `tls_key`";
        report.contradiction(place, message, "add the certificate of the server and the key to it");
    }
    let clients = client_ca.map(|authority| tls::ClientAuthority { authority, are_required: true });
    identity.map(|identity| tls::ServerSettings { identity, clients })
}

fn tcp_client(table: &Table<'_>, folder: &Path, report: &mut Report) -> Option<tcp_client::Settings> {
    let address = table.address("address", report);
    let first = table.wait("backoff", report);
    let most = table.wait("max_backoff", report);
    let read_timeout = table.wait("read_timeout", report);
    let tls = client_tls(table, folder, report);
    let address = address?.value;
    let host = address.rsplit_once(':').map_or("", |(host, _)| host);
    let host = host.trim_start_matches('[').trim_end_matches(']').to_string();
    Some(tcp_client::Settings {
        backoff: tcp_client::Backoff { first: first?, most: most? },
        read_timeout,
        tls: tls?.map(|(settings, name)| tls::ClientSettings { name: name.unwrap_or(host), ..settings }),
        address,
    })
}

/// Reads the keys of TLS of a client: the settings, in which the name is missing, and the name.
#[expect(clippy::option_option, reason = "none is a mistake, which has been reported")]
fn client_tls(
    table: &Table<'_>,
    folder: &Path,
    report: &mut Report,
) -> Option<Option<(tls::ClientSettings, Option<String>)>> {
    let wanted = table.flag("tls", report);
    let ca = table.path("tls_ca", folder, report);
    let name = table.text("tls_name", report).map(|name| name.value);
    let identity = identity(table, folder, report);
    if wanted? {
        return Some(Some((tls::ClientSettings { ca, name: String::new(), identity }, name)));
    }
    for key in ["tls_ca", "tls_name", "tls_cert", "tls_key"] {
        if let Some(place) = table.place(key, report) {
            let message = format!("`{key}` is of use only with `tls = true`");
            report.contradiction(place, message, "add `tls = true`, or take this key out");
        }
    }
    Some(None)
}

/// Reads the certificate of this side and the key to it, which are given both or neither.
pub(super) fn identity(table: &Table<'_>, folder: &Path, report: &mut Report) -> Option<tls::Identity> {
    let certificate = table.path("tls_cert", folder, report);
    let key = table.path("tls_key", folder, report);
    let places = ["tls_cert", "tls_key"].map(|key| table.place(key, report));
    let (place, message) = match places {
        [Some(place), None] => {
            (place, "`tls_cert` is a certificate, and `tls_key`, the key to it, is missing")
        }
        [None, Some(place)] => {
            (place, "`tls_key` is a key, and `tls_cert`, the certificate to it, is missing")
        }
        _ => return Some(tls::Identity { certificate: certificate?, key: key? }),
    };
    report.contradiction(place, message, "give both or neither");
    None
}

fn udp(table: &Table<'_>, report: &mut Report) -> Option<udp::Settings> {
    let listen = table.address("listen", report);
    let receive_buffer = table.size("receive_buffer", report);
    Some(udp::Settings { listen: listen?.value, receive_buffer: usize::try_from(receive_buffer?).ok()? })
}

/// Whether a Unix socket takes datagrams; what is wrong with the key is reported elsewhere.
fn is_datagram(values: &DeTable<'_>) -> bool {
    values.get("mode").is_some_and(|mode| mode.get_ref().as_str() == Some("datagram"))
}

fn unix(table: &Table<'_>, folder: &Path, report: &mut Report) -> Option<unix::Settings> {
    let path = table.path("path", folder, report);
    let mode = table.word("mode", report);
    let permissions = table.permissions("permissions", report);
    let max_connections = table.count("max_connections", report);
    let read_timeout = table.wait("read_timeout", report);
    let ack = table.flag("ack", report);
    let mode = match mode? {
        "stream" => unix::Mode::Stream { max_connections: max_connections?, read_timeout, ack: ack? },
        _ => {
            for key in ["max_connections", "read_timeout", "ack", "compression"] {
                if let Some(place) = table.place(key, report) {
                    let message = format!("`{key}` is about connections, and a datagram socket has none");
                    report.contradiction(place, message, "take this key out, or use `mode = \"stream\"`");
                }
            }
            unix::Mode::Datagram
        }
    };
    Some(unix::Settings { path: path?, permissions, mode })
}

fn http(table: &Table<'_>, folder: &Path, report: &mut Report) -> Option<http::Settings> {
    let listen = table.address("listen", report);
    let token_file = table.path("token_file", folder, report);
    let max_connections = table.count("max_connections", report);
    let max_body = table.size("max_body", report);
    let max_bodies = table.size("max_bodies", report);
    let max_records = table.count("max_records", report);
    let wait = table.wait("wait", report);
    let read_timeout = table.wait("read_timeout", report);
    let tls = server_tls(table, folder, report);
    let (max_body, max_bodies) = (max_body?, max_bodies?);
    if max_bodies < 2 * max_body {
        let place = table.place("max_bodies", report).or(table.place("max_body", report))?;
        let message = "`max_bodies` is less than twice `max_body`";
        let help = "a compressed body and what is in it are held at the same time";
        report.push(Diagnostic::new(E0613, place, message).help(help));
    }
    Some(http::Settings {
        listen: listen?.value,
        token_file,
        max_connections: max_connections?,
        max_body: usize::try_from(max_body).ok()?,
        max_bodies: usize::try_from(max_bodies).ok()?,
        max_records: max_records?,
        wait: wait?,
        read_timeout: read_timeout?,
        tls,
    })
}

/// The streams of a source that can feed several: those it names or, if it names none, all. `None` when
/// what it says is wrong.
#[expect(clippy::option_option, reason = "none is a mistake, which has been reported")]
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
        let Some(place) = place(&source.kind) else { continue };
        let same = sources[..index].iter().find(|other| self::place(&other.kind).as_ref() == Some(&place));
        if let Some(same) = same {
            let (message, help) = match &place {
                Place::Stdin => {
                    ("standard input can be read by one source only".to_string(), "keep one of the two")
                }
                Place::Tcp(address) | Place::Udp(address) => {
                    (format!("two sources listen at `{address}`"), "give one of them another port")
                }
                Place::Path(path) => {
                    (format!("two sources listen at `{}`", path.display()), "give one of them another path")
                }
            };
            report.push(
                Diagnostic::new(E0610, source.name.span, message)
                    .also(same.name.span, "the other one is here")
                    .help(help),
            );
        }
    }
}

/// What only one source can have.
#[derive(PartialEq, Eq)]
enum Place<'a> {
    Tcp(&'a str),
    Udp(&'a str),
    Path(&'a Path),
    Stdin,
}

fn place(kind: &SourceKind) -> Option<Place<'_>> {
    // A free port is another one each time.
    let fixed = |address: &'_ str| !address.ends_with(":0");
    match kind {
        SourceKind::Tcp(settings) => fixed(&settings.listen).then_some(Place::Tcp(&settings.listen)),
        SourceKind::Http(settings) => fixed(&settings.listen).then_some(Place::Tcp(&settings.listen)),
        SourceKind::Udp(settings) => fixed(&settings.listen).then_some(Place::Udp(&settings.listen)),
        SourceKind::Unix(settings) => Some(Place::Path(&settings.path)),
        SourceKind::Stdin => Some(Place::Stdin),
        SourceKind::TcpClient(_) | SourceKind::File(_) | SourceKind::Kafka(_) => None,
    }
}
