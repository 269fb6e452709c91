//! The keys of sources.

use super::state::ACK;
use super::{Key, Missing, Section, Takes, key};

/// The kinds of sources.
pub const SOURCE_TYPES: &[&str] = &["tcp", "tcp_client", "udp", "unix", "http", "stdin", "file", "kafka"];
/// How records can be written.
pub const CODECS: &[&str] = &["json", "csv", "logfmt", "syslog", "regex", "avro", "protobuf", "json_schema"];
/// How records can be told from each other.
const FRAMINGS: &[&str] = &["lines", "csv", "octet_counting", "length_prefixed", "datagram"];

pub const STREAM: Key =
    key("stream", Takes::Text, Missing::Mistake, "The stream of the rules that its events belong to.");
pub const SOURCE_TYPE: Key = key("type", Takes::Word(SOURCE_TYPES), Missing::Mistake, "The kind of source.");

const COMPRESSION: Key = key(
    "compression",
    Takes::Word(&["none", "gzip", "zstd"]),
    Missing::Is("none"),
    "How the bytes are compressed, all the way from the beginning of the connection.",
);

/// What sources of records share.
pub static RECORDS: Section = Section {
    title: "Records of sources",
    about: "How the bytes that a source reads are made into events. These keys stand beside the source's own. What is \
            no record, or no event of the stream, is counted and set aside.",
    keys: &[
        key(
            "codec",
            Takes::Word(CODECS),
            Missing::Is("json"),
            "How a record is written. `json`: an object, whose members are the fields of the stream. `csv`: a row; the \
             columns are the fields. `logfmt`: `name=value` pairs. `syslog`: a message of RFC 5424 or RFC 3164; the fields \
             are `priority`, `facility`, `facility_name`, `severity`, `severity_name`, `timestamp`, `host`, `app`, \
             `procid`, `msgid`, `message` and `sd.ID.PARAM`. `regex`: text that `pattern` matches. `avro`, `protobuf`: bytes \
             that a `schema` or a `registry` explains. `json_schema`: an object that has to fit one.",
        ),
        key(
            "framing",
            Takes::Word(FRAMINGS),
            Missing::Nothing,
            "How records are told from each other. `lines`: a record a line. `csv`: the same, but a line end in \
             quotation marks is part of the row. `octet_counting`: the length in digits and a space stand before each \
             record (RFC 6587), and what does not begin with a digit is a line. `length_prefixed`: four bytes, the most \
             significant first, give the length of the record after them. `datagram`: each datagram is a record. \
             Without it: `csv` for CSV; for syslog, `octet_counting` in connections and `datagram` in datagrams; \
             for Avro and Protobuf, `datagram` in datagrams and otherwise `length_prefixed`; else `lines`.",
        ),
        key(
            "delimiter",
            Takes::Text,
            Missing::Nothing,
            "With `codec = \"csv\"`: the character between two columns. Without it, a comma.",
        )
        .like("\";\""),
        key(
            "columns",
            Takes::Names,
            Missing::Nothing,
            "With `codec = \"csv\"`: the names of the columns. Without it, the first record of each partition names them.",
        )
        .like("[\"id\", \"amount\"]"),
        key(
            "pattern",
            Takes::Text,
            Missing::Nothing,
            "With `codec = \"regex\"`, and required there: a regular expression. Its named groups, `(?<name>…)`, are the \
             fields.",
        )
        .like("'^(?<host>\\S+) (?<status>\\d+)$'"),
        key(
            "schema",
            Takes::Path,
            Missing::Nothing,
            "With `codec = \"avro\"`, `\"protobuf\"` or `\"json_schema\"`: a file with the schema of the records: Avro's in JSON \
             (`.avsc`); a `.proto` file, or the set that `protoc --include_imports --descriptor_set_out` makes of some; a JSON \
             Schema. With Avro and a `registry`, it is the schema that records are read with, whichever they were written with.",
        )
        .like("\"payments.avsc\""),
        key(
            "message",
            Takes::Text,
            Missing::Nothing,
            "With `codec = \"protobuf\"` and a `schema`: the full name of the message that a record is. It may be left out where \
             the schema has only one.",
        )
        .like("\"shop.Payment\""),
        key(
            "registry",
            Takes::Text,
            Missing::Nothing,
            "With the same codecs: the name of a `[registries.NAME]`. Records begin with the id of their schema, as those of \
             Kafka do; other sources have no records that can wait for a registry.",
        )
        .like("\"main\""),
        key(
            "validate",
            Takes::Flag,
            Missing::Is("true"),
            "With `codec = \"json_schema\"` and a `registry`: whether records have to fit their schema. Without, the registry is \
             not asked.",
        ),
    ],
    shared: &[],
};

const LISTEN: Key = key(
    "listen",
    Takes::Address,
    Missing::Mistake,
    "Where to listen, as `host:port`. Port 0 takes a free one; the log says which.",
);
const MAX_CONNECTIONS: Key = key(
    "max_connections",
    Takes::Count(1, 1_000_000),
    Missing::Is("1024"),
    "The most connections at a time. What comes beyond is closed at once, counted and logged.",
);
const READ_TIMEOUT: Key = key(
    "read_timeout",
    Takes::Duration("1ms", "365d"),
    Missing::Nothing,
    "A connection on which nothing has come for this long is closed. Without it, a connection may be silent for \
     ever; whether the other side is still there is asked of the system all the same.",
);

const SERVER_CERT: Key = key(
    "tls_cert",
    Takes::Path,
    Missing::Nothing,
    "A PEM file: the server's certificate, and after it those between it and its authority.",
)
.like("\"server.pem\"");
const SERVER_KEY: Key =
    key("tls_key", Takes::Path, Missing::Nothing, "A PEM file: the private key, without a password.")
        .like("\"server.key\"");
const CLIENT_CA: Key = key(
    "tls_client_ca",
    Takes::Path,
    Missing::Nothing,
    "A PEM file of authorities. Clients must then show a certificate of one of them.",
)
.like("\"clients-ca.pem\"");

/// `[sources.NAME]` with `type = "tcp"`.
pub static TCP: Section = Section {
    title: "`[sources.NAME]`, `type = \"tcp\"`",
    about: "A server: clients connect and send records. Each connection is a partition of the stream, which ends with \
            the connection. With `tls_cert` and `tls_key`, connections are encrypted (TLS 1.2 or 1.3).",
    keys: &[
        SOURCE_TYPE,
        STREAM,
        LISTEN,
        MAX_CONNECTIONS,
        READ_TIMEOUT,
        ACK,
        COMPRESSION,
        SERVER_CERT,
        SERVER_KEY,
        CLIENT_CA,
    ],
    shared: &[&RECORDS],
};

/// `[sources.NAME]` with `type = "tcp_client"`.
pub static TCP_CLIENT: Section = Section {
    title: "`[sources.NAME]`, `type = \"tcp_client\"`",
    about: "A client: connects to a server that sends records, and again whenever the connection ends. It is one \
            partition of the stream, which holds event time back while there is no connection.",
    keys: &[
        SOURCE_TYPE,
        STREAM,
        key("address", Takes::Address, Missing::Mistake, "Where the server is, as `host:port`."),
        key(
            "backoff",
            Takes::Duration("1ms", "1h"),
            Missing::Is("500ms"),
            "The longest wait before the second attempt to connect. It doubles from attempt to attempt that brings \
             nothing; the wait itself is random, from half of this.",
        ),
        key(
            "max_backoff",
            Takes::Duration("1ms", "1d"),
            Missing::Is("30s"),
            "The longest wait between two attempts.",
        ),
        READ_TIMEOUT,
        COMPRESSION,
        key("tls", Takes::Flag, Missing::Is("false"), "Whether the connection is encrypted (TLS 1.2 or 1.3)."),
        key(
            "tls_ca",
            Takes::Path,
            Missing::Nothing,
            "A PEM file of the authorities that may vouch for the server. Without it, those of the system.",
        )
        .like("\"ca.pem\""),
        key(
            "tls_name",
            Takes::Text,
            Missing::Nothing,
            "The name that the server's certificate must have. Without it, the host of `address`.",
        )
        .like("\"events.example.com\""),
        key(
            "tls_cert",
            Takes::Path,
            Missing::Nothing,
            "A PEM file: the certificate to show when the server asks for one, with those up to its authority.",
        )
        .like("\"client.pem\""),
        key("tls_key", Takes::Path, Missing::Nothing, "A PEM file: the private key to it, without a password.")
            .like("\"client.key\""),
    ],
    shared: &[&RECORDS],
};

/// `[sources.NAME]` with `type = "udp"`.
pub static UDP: Section = Section {
    title: "`[sources.NAME]`, `type = \"udp\"`",
    about: "A UDP socket, which is one partition of the stream. A datagram holds whole records, one or several. \
            Senders cannot be slowed down: what comes while the system's buffer is full is dropped and counted.",
    keys: &[
        SOURCE_TYPE,
        STREAM,
        LISTEN,
        key(
            "receive_buffer",
            Takes::Size("4KiB", "1GiB"),
            Missing::Is("4MiB"),
            "How much the system is asked to keep until it is read. Linux gives at most what `net.core.rmem_max` \
             says; the log tells when that is less.",
        ),
    ],
    shared: &[&RECORDS],
};

/// `[sources.NAME]` with `type = "unix"`.
pub static UNIX: Section = Section {
    title: "`[sources.NAME]`, `type = \"unix\"`",
    about: "A Unix socket, for programs on the same machine. Each connection is a partition of the stream; a datagram \
            socket is one. The file of a socket that a process has left behind is replaced; it is removed at the end.",
    keys: &[
        SOURCE_TYPE,
        STREAM,
        key("path", Takes::Path, Missing::Mistake, "The file of the socket.").like("\"/run/tripline/events.sock\""),
        key(
            "mode",
            Takes::Word(&["stream", "datagram"]),
            Missing::Is("stream"),
            "`stream`: programs connect and send. `datagram`: they send datagrams of whole records, and wait when too \
             many have not been read.",
        ),
        key(
            "permissions",
            Takes::Text,
            Missing::Nothing,
            "Who may send, as permissions of the file in octal digits: `\"0660\"` lets the group. Without it, as the \
             umask of the service has it.",
        )
        .like("\"0660\""),
        MAX_CONNECTIONS,
        READ_TIMEOUT,
        ACK,
        COMPRESSION,
    ],
    shared: &[&RECORDS],
};

/// `[sources.NAME]` with `type = "http"`.
pub static HTTP: Section = Section {
    title: "`[sources.NAME]`, `type = \"http\"`",
    about: "A server to which clients post events: `POST /v1/events/STREAM`. The body is a JSON object, one a line, or a \
            list of them; it is taken as a whole or not at all. [Sources](sources.md#http) has the answers. All \
            bodies for one stream are one partition of it, which begins with the first.",
    keys: &[
        SOURCE_TYPE,
        key(
            "streams",
            Takes::Names,
            Missing::Nothing,
            "The streams that events can be sent to. Without it, all streams of the rules but those that carry alerts.",
        )
        .like("[\"payments\"]"),
        LISTEN,
        key(
            "token_file",
            Takes::Path,
            Missing::Nothing,
            "A file with a token a line; a request needs one of them, as `Authorization: Bearer TOKEN`. It is read at the \
             start. Without it, every request may pass.",
        )
        .like("\"tokens\""),
        key(
            "max_body",
            Takes::Size("1KiB", "1GiB"),
            Missing::Is("16MiB"),
            "The largest body, before and after decompression. A larger one is answered with 413.",
        ),
        key(
            "max_records",
            Takes::Count(1, 10_000_000),
            Missing::Is("100000"),
            "The most records of a body. More are answered with 413.",
        ),
        key(
            "max_bodies",
            Takes::Size("4KiB", "64GiB"),
            Missing::Is("256MiB"),
            "The most memory that the bodies of all requests take at a time; at least twice `max_body`.",
        ),
        key(
            "wait",
            Takes::Duration("0s", "5m"),
            Missing::Is("1s"),
            "How long a request waits for room, in the queue to the engine for example, before it is answered with 429.",
        ),
        key(
            "read_timeout",
            Takes::Duration("10ms", "1h"),
            Missing::Is("30s"),
            "How long the head of a request may take, and then its body. A connection on which nothing comes for so long is closed.",
        ),
        MAX_CONNECTIONS,
        SERVER_CERT,
        SERVER_KEY,
        CLIENT_CA,
    ],
    shared: &[&RECORDS],
};

/// `[sources.NAME]` with `type = "stdin"`.
pub static STDIN: Section = Section {
    title: "`[sources.NAME]`, `type = \"stdin\"`",
    about: "Standard input; one source only can be of this type. When it ends and there is no other source, the \
            service finishes its work and stops.",
    keys: &[SOURCE_TYPE, STREAM, COMPRESSION],
    shared: &[&RECORDS],
};

/// `[sources.NAME]` with `type = "file"`.
pub static FILES: Section = Section {
    title: "`[sources.NAME]`, `type = \"file\"`",
    about: "Files, read once or followed as they grow and rotate. Each file that is read once is a partition of the \
            stream, and so is each path that is followed, whichever files stand at it. When all files have been read \
            once and there is no other source, the service finishes its work and stops. [Files](sources.md#files) says \
            how rotation is dealt with.",
    keys: &[
        SOURCE_TYPE,
        STREAM,
        key(
            "path",
            Takes::Path,
            Missing::Mistake,
            "A file, or a pattern for several: `*` stands for any characters of a name, `?` for one, `[abc]` for one of \
             these. A relative one begins at the folder of the configuration file.",
        ),
        key(
            "follow",
            Takes::Flag,
            Missing::Is("false"),
            "`false`: each file is read to its end, and one that ends in `.gz` or `.zst` is decompressed. `true`: files \
             are waited for, read as they grow, and gone on from when they are replaced, as `tail -F` does it.",
        ),
        key(
            "start",
            Takes::Word(&["beginning", "end"]),
            Missing::Is("beginning"),
            "Where files are followed from that are there when the service starts. Files that come later are always \
             read from their beginning.",
        ),
        key(
            "poll",
            Takes::Duration("10ms", "1h"),
            Missing::Is("250ms"),
            "How often followed files are looked at. A file must not be replaced twice between two looks.",
        ),
        key(
            "max_files",
            Takes::Count(1, 100_000),
            Missing::Is("1024"),
            "The most files that are read at a time. More than that to read once are a mistake; more to follow are \
             left out, and a warning says so.",
        ),
    ],
    shared: &[&RECORDS],
};
