//! The keys of sources.

use super::{Key, Missing, Section, Takes, key};

/// The kinds of sources.
pub const SOURCE_TYPES: &[&str] = &["tcp", "stdin"];

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

/// `[sources.NAME]` with `type = "stdin"`.
pub static STDIN: Section = Section {
    title: "`[sources.NAME]`, `type = \"stdin\"`",
    about: "Standard input, one JSON object a line; one source only can be of this type. When it ends and there is no \
            other source, the service finishes its work and stops.",
    keys: &[SOURCE_TYPE, STREAM],
};
