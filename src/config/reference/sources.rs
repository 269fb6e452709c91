//! The keys of sources.

use super::{Key, Missing, Section, Takes, key};

/// The kinds of sources.
pub const SOURCE_TYPES: &[&str] = &["tcp", "http", "stdin"];

const STREAM: Key =
    key("stream", Takes::Text, Missing::Mistake, "The stream of the rules that its events belong to.");
const SOURCE_TYPE: Key = key("type", Takes::Word(SOURCE_TYPES), Missing::Mistake, "The kind of source.");

/// `[sources.NAME]` with `type = "tcp"`.
pub static TCP: Section = Section {
    title: "`[sources.NAME]`, `type = \"tcp\"`",
    about: "A server: clients connect and send one JSON object a line. Each connection is a partition of the \
            stream. An empty line is passed over; a last line without a line end counts if it is complete.",
    keys: &[
        SOURCE_TYPE,
        STREAM,
        key(
            "listen",
            Takes::Address,
            Missing::Mistake,
            "Where to listen, as `host:port`. Port 0 takes a free one; the log says which.",
        ),
        key(
            "max_connections",
            Takes::Count(1, 1_000_000),
            Missing::Is("1024"),
            "The most connections at a time. What comes beyond is closed at once, counted and logged.",
        ),
    ],
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
        ),
        key(
            "listen",
            Takes::Address,
            Missing::Mistake,
            "Where to listen, as `host:port`. Port 0 takes a free one; the log says which.",
        ),
        key(
            "token_file",
            Takes::Path,
            Missing::Nothing,
            "A file with a token a line; a request needs one of them, as `Authorization: Bearer TOKEN`. It is read at the \
             start. Without it, every request may pass.",
        ),
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
        key(
            "max_connections",
            Takes::Count(1, 1_000_000),
            Missing::Is("1024"),
            "The most connections at a time. What comes beyond is closed at once, counted and logged.",
        ),
    ],
};

/// `[sources.NAME]` with `type = "stdin"`.
pub static STDIN: Section = Section {
    title: "`[sources.NAME]`, `type = \"stdin\"`",
    about: "Standard input, one JSON object a line; one source only can be of this type. When it ends and there is no \
            other source, the service finishes its work and stops.",
    keys: &[SOURCE_TYPE, STREAM],
};
