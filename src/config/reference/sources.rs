//! The keys of sources.

use super::{Key, Missing, Section, Takes, key};

/// The kinds of sources.
pub const SOURCE_TYPES: &[&str] = &["tcp", "stdin", "file"];
/// How records can be written.
pub const CODECS: &[&str] = &["json"];

const STREAM: Key =
    key("stream", Takes::Text, Missing::Mistake, "The stream of the rules that its events belong to.");
const SOURCE_TYPE: Key = key("type", Takes::Word(SOURCE_TYPES), Missing::Mistake, "The kind of source.");

/// What sources of records share.
pub static RECORDS: Section = Section {
    title: "Records of sources",
    about: "How the bytes that a source reads are made into events. The keys stand beside the source's own.",
    keys: &[key(
        "codec",
        Takes::Word(CODECS),
        Missing::Is("json"),
        "How a record is written. `json`: an object, whose members are the fields of the stream.",
    )],
    shared: &[],
};

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
    shared: &[&RECORDS],
};

/// `[sources.NAME]` with `type = "stdin"`.
pub static STDIN: Section = Section {
    title: "`[sources.NAME]`, `type = \"stdin\"`",
    about: "Standard input, one JSON object a line; one source only can be of this type. When it ends and there is no \
            other source, the service finishes its work and stops.",
    keys: &[SOURCE_TYPE, STREAM],
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
