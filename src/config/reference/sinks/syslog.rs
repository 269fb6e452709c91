//! The keys of a sink for syslog.

use super::{DELIVERY, Missing, SINK_TYPE, Section, Takes, key};
use crate::sink::syslog::message::FACILITIES;

/// How messages can be brought.
pub const TRANSPORTS: &[&str] = &["udp", "tcp", "tls", "unix"];
/// How messages can be written.
pub const FORMATS: &[&str] = &["rfc5424", "rfc3164"];

/// `[sinks.NAME]` with `type = "syslog"`.
pub static SYSLOG: Section = Section {
    title: "`[sinks.NAME]`, `type = \"syslog\"`",
    about: "Messages for a syslog server, with the alert as structured data. Syslog has no answers: what a datagram or a connection that breaks has \
            lost is not noticed.",
    keys: &[
        SINK_TYPE,
        key(
            "transport",
            Takes::Word(TRANSPORTS),
            Missing::Mistake,
            "`udp`: a datagram each (RFC 5426). `tcp`: by octet counting (RFC 6587). `tls`: the same, encrypted (RFC 5425). \
             `unix`: a datagram each, to a socket of this machine.",
        ),
        key("address", Takes::Address, Missing::Nothing, "The server, with `udp`, `tcp` and `tls`.")
            .like("\"logs.example.com:6514\""),
        key("path", Takes::Path, Missing::Nothing, "With `unix`: the socket. Without it, `/dev/log`.").like("\"/dev/log\""),
        key(
            "format",
            Takes::Word(FORMATS),
            Missing::Is("rfc5424"),
            "`rfc5424` has structured data and whole times; `rfc3164` is for those who know nothing else. Its times are in UTC.",
        ),
        key("facility", Takes::Word(&FACILITIES), Missing::Is("local0"), "The facility."),
        key("host_name", Takes::Text, Missing::Nothing, "The machine that messages name. Without it, this one.").like("\"tripline-1\""),
        key("app_name", Takes::Text, Missing::Nothing, "The program that messages name. Without it, `tripline`.").like("\"tripline\""),
        key(
            "enterprise",
            Takes::Count(0, 4_294_967_295),
            Missing::Is("32473"),
            "The enterprise number that the names of structured data end with (`alert@32473`). The default is the one for examples.",
        ),
        key(
            "max_message",
            Takes::Size("480B", "65507B"),
            Missing::Is("8KiB"),
            "The most bytes of a message; fields and text that are too much are left out. With `rfc3164`, 1024 at most.",
        ),
        key("timeout", Takes::Duration("1ms", "1h"), Missing::Is("10s"), "The longest time for one try."),
        key(
            "tls_ca",
            Takes::Path,
            Missing::Nothing,
            "With `tls`: a PEM file of the authorities that may vouch for the server. Without it, those of the system.",
        )
        .like("\"ca.pem\""),
        key(
            "tls_name",
            Takes::Text,
            Missing::Nothing,
            "With `tls`: the name that the server's certificate must have. Without it, that in `address`.",
        )
        .like("\"logs.example.com\""),
        key("tls_cert", Takes::Path, Missing::Nothing, "With `tls`: a PEM file with the certificate to show.").like("\"client.pem\""),
        key("tls_key", Takes::Path, Missing::Nothing, "The private key to `tls_cert`.").like("\"client.key\""),
    ],
    shared: &[&DELIVERY],
};
