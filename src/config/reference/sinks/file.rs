//! The keys of a sink for a file.

use super::{DELIVERY, FORMAT, Missing, SINK_TYPE, Section, Takes, key};

/// `[sinks.NAME]` with `type = "file"`.
pub static FILE: Section = Section {
    title: "`[sinks.NAME]`, `type = \"file\"`",
    about: "A file, to which one JSON object a line is appended. An alert is accepted when it is on the disk. With `rotate_size` or \
            `rotate_every`, `alerts.jsonl` is put aside as `alerts.jsonl.2026-11-22T07-30-00Z`. When somebody else moves or \
            removes the file, `logrotate` for example, the next alert goes into a new one.",
    keys: &[
        SINK_TYPE,
        key("path", Takes::Path, Missing::Mistake, "The file; it is made if there is none."),
        FORMAT,
        key(
            "rotate_size",
            Takes::Size("1KiB", "1024GiB"),
            Missing::Nothing,
            "The file is put aside before it is larger than this.",
        ),
        key(
            "rotate_every",
            Takes::Duration("1m", "366d"),
            Missing::Nothing,
            "The file is put aside when the first alert comes after a span of this length, counted in UTC: with `\"1d\"` after \
             midnight, with `\"1h\"` after the full hour.",
        )
        .like("\"1d\""),
        key("keep", Takes::Count(1, 100_000), Missing::Is("10"), "How many files put aside are kept."),
        key(
            "compress",
            Takes::Flag,
            Missing::Is("false"),
            "Whether files put aside are compressed with gzip; their names end in `.gz` then.",
        ),
    ],
    shared: &[&DELIVERY],
};
