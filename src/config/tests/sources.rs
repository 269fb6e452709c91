//! The keys of sources, and how their records are written.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use insta::assert_snapshot;

use crate::config::{Source, SourceKind, parse};
use crate::source::compression::Compression;
use crate::source::framing::Framing;
use crate::source::unix;
use crate::tls;

use super::{folder, misfits, show, shown};

case!(
    keys_that_do_not_go_together,
    shown,
    "rules = \"rules\"

[sources.a]
type = \"tcp\"
stream = \"cards\"
listen = \"127.0.0.1:7001\"
tls_cert = \"server.pem\"
tls_client_ca = \"clients.pem\"

[sources.b]
type = \"tcp\"
stream = \"cards\"
listen = \"127.0.0.1:7002\"
tls_client_ca = \"clients.pem\"
delimiter = \";\"

[sources.c]
type = \"tcp_client\"
stream = \"cards\"
address = \"events.example.com:7003\"
tls_ca = \"ca.pem\"
codec = \"regex\"
columns = [\"card\"]

[sources.d]
type = \"unix\"
stream = \"cards\"
path = \"in.sock\"
mode = \"datagram\"
max_connections = 3
compression = \"gzip\"
codec = \"csv\"

[sources.e]
type = \"udp\"
stream = \"cards\"
listen = \"127.0.0.1:7001\"
codec = \"syslog\"
framing = \"csv\"
pattern = \"x\"

[sources.f]
type = \"stdin\"
stream = \"cards\"
framing = \"datagram\"
"
);

case!(
    codecs_that_cannot_be_set_up_so,
    shown,
    "rules = \"rules\"

[sources.a]
type = \"stdin\"
stream = \"cards\"
codec = \"csv\"
delimiter = \"::\"

[sources.b]
type = \"unix\"
stream = \"cards\"
path = \"b.sock\"
permissions = \"rw-rw----\"
codec = \"csv\"
columns = [\"card\", \"card\"]

[sources.c]
type = \"unix\"
stream = \"cards\"
path = \"c.sock\"
permissions = \"1777\"
codec = \"regex\"
pattern = \"(?<card>\"

[sources.d]
type = \"unix\"
stream = \"cards\"
path = \"d.sock\"
mode = \"seqpacket\"
codec = \"jsonl\"
"
);

case!(
    http_sources_that_cannot_be,
    shown,
    "rules = \"rules\"

[sources.a]
type = \"http\"
stream = \"cards\"
listen = \"127.0.0.1:7001\"

[sources.b]
type = \"http\"
streams = []
listen = \"127.0.0.1:7001\"

[sources.c]
type = \"http\"
streams = [\"cards\", \"logins\", \"cards\"]
max_body = \"16MiB\"
max_bodies = \"20MiB\"

[sources.d]
type = \"http\"
listen = \"127.0.0.1:7002\"

[sources.e]
type = \"tcp\"
stream = \"cards\"
listen = \"127.0.0.1:7002\"
"
);

case!(
    names_and_places_given_twice,
    shown,
    "rules = \"rules\"

[sources.a]
type = \"tcp\"
stream = \"cards\"
listen = \"127.0.0.1:7001\"

[sources.b]
type = \"tcp\"
stream = \"logins\"
listen = \"127.0.0.1:7001\"

[sources.c]
type = \"stdin\"
stream = \"cards\"

[sources.d]
type = \"stdin\"
stream = \"cards\"

[sources.f]
type = \"udp\"
stream = \"cards\"
listen = \"127.0.0.1:7001\"

[sources.g]
type = \"udp\"
stream = \"cards\"
listen = \"127.0.0.1:7001\"

[sources.h]
type = \"unix\"
stream = \"cards\"
path = \"in.sock\"

[sources.i]
type = \"unix\"
stream = \"logins\"
path = \"in.sock\"
mode = \"datagram\"

[sinks.e]
type = \"stdout\"

[sinks.e]
type = \"stdout\"

[sinks.\"fraud-desk\"]
type = \"stdout\"
"
);

case!(
    a_codec_that_cannot_fill_its_stream,
    misfits,
    "rules = \"rules\"
default_sinks = [\"audit\"]

[sources.a]
type = \"tcp\"
stream = \"cards\"
listen = \"127.0.0.1:0\"
codec = \"csv\"
columns = [\"id\", \"amount\"]

[sources.b]
type = \"udp\"
stream = \"logins\"
listen = \"127.0.0.1:0\"
codec = \"syslog\"

[sinks.audit]
type = \"stdout\"

[sinks.fraud_desk]
type = \"stdout\"
"
);

/// The sources of a configuration that is right, by their names.
fn sources(text: &str) -> BTreeMap<String, Source> {
    let folder = folder();
    let loaded = parse("tripline.toml", &format!("rules = \"rules\"\n{text}"), folder.path());
    assert!(loaded.diagnostics.is_empty(), "{}", show(&loaded.diagnostics, &loaded.sources));
    let sources = loaded.config.expect("it is right").sources;
    sources.into_iter().map(|source| (source.name.value.clone(), source)).collect()
}

#[test]
fn the_framing_follows_from_the_codec_and_how_the_bytes_come() {
    let kinds = [
        "type = \"tcp\"\nlisten = \"127.0.0.1:0\"",
        "type = \"unix\"\npath = \"s.sock\"\nmode = \"datagram\"",
        "type = \"stdin\"",
    ];
    let codecs = ["json", "csv", "logfmt", "syslog", "regex"];
    let mut framings = Vec::new();
    for kind in kinds {
        for codec in codecs {
            let more = match codec {
                "csv" => "columns = [\"card\"]\ndelimiter = \"\\t\"\n",
                "regex" => "pattern = '(?<card>.+)'\n",
                _ => "",
            };
            let text = format!("[sources.s]\nstream = \"cards\"\n{kind}\ncodec = \"{codec}\"\n{more}");
            framings.push(sources(&text)["s"].decoding.framing);
        }
    }
    let tabs = Framing::Csv { delimiter: b'\t' };
    assert_eq!(
        framings.as_chunks::<5>().0,
        [
            [Framing::Lines, tabs, Framing::Lines, Framing::OctetCounting, Framing::Lines],
            [Framing::Lines, tabs, Framing::Lines, Framing::Datagram, Framing::Lines],
            [Framing::Lines, tabs, Framing::Lines, Framing::Lines, Framing::Lines],
        ]
    );
}

#[test]
fn the_settings_of_sources_over_sockets_are_taken_over() {
    let sources = sources(
        r#"
[sources.server]
type = "tcp"
stream = "cards"
listen = "127.0.0.1:0"
read_timeout = "90s"
compression = "zstd"
framing = "length_prefixed"
tls_cert = "/etc/server.pem"
tls_key = "/etc/server.key"
tls_client_ca = "/etc/clients.pem"
[sources.client]
type = "tcp_client"
stream = "cards"
address = "[::1]:7001"
backoff = "1s"
max_backoff = "2s"
tls = true
tls_ca = "/etc/ca.pem"
[sources.named]
type = "tcp_client"
stream = "cards"
address = "10.0.0.1:7001"
tls = true
tls_name = "events.example.com"
[sources.datagrams]
type = "udp"
stream = "cards"
listen = "127.0.0.1:0"
receive_buffer = "8MiB"
[sources.local]
type = "unix"
stream = "cards"
path = "/run/events.sock"
permissions = "0660"
"#,
    );
    let server = &sources["server"];
    assert_eq!(
        (server.decoding.framing, server.decoding.compression),
        (Framing::LengthPrefixed, Compression::Zstd)
    );
    let SourceKind::Tcp(tcp) = &server.kind else { panic!("a server") };
    assert_eq!(tcp.read_timeout, Some(Duration::from_secs(90)));
    let identity = tls::Identity { certificate: "/etc/server.pem".into(), key: "/etc/server.key".into() };
    let clients = tls::ClientAuthority { authority: "/etc/clients.pem".into(), are_required: true };
    assert_eq!(tcp.tls, Some(tls::ServerSettings { identity, clients: Some(clients) }));
    let SourceKind::TcpClient(client) = &sources["client"].kind else { panic!("a client") };
    assert_eq!((client.backoff.first, client.backoff.most), (Duration::from_secs(1), Duration::from_secs(2)));
    let ca = Some(PathBuf::from("/etc/ca.pem"));
    assert_eq!(client.tls, Some(tls::ClientSettings { ca, name: "::1".into(), identity: None }));
    let SourceKind::TcpClient(named) = &sources["named"].kind else { panic!("a client") };
    let name = "events.example.com".to_string();
    assert_eq!(named.tls, Some(tls::ClientSettings { ca: None, name, identity: None }));
    let SourceKind::Udp(udp) = &sources["datagrams"].kind else { panic!("a socket") };
    assert_eq!(udp.receive_buffer, 8 << 20);
    let SourceKind::Unix(unix) = &sources["local"].kind else { panic!("a socket") };
    assert_eq!((unix.path.as_path(), unix.permissions), (Path::new("/run/events.sock"), Some(0o660)));
    assert!(matches!(
        unix.mode,
        unix::Mode::Stream { max_connections: 1024, read_timeout: None, ack: false }
    ));
}
