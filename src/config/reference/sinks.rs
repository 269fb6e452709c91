//! The keys of sinks.

use super::{Key, Missing, Section, Takes, key};

/// The kinds of sinks.
pub const SINK_TYPES: &[&str] = &["stdout", "file", "webhook"];

const SINK_TYPE: Key = key("type", Takes::Word(SINK_TYPES), Missing::Mistake, "The kind of sink.");
const QUEUE: Key = key(
    "queue",
    Takes::Count(1, 1_000_000),
    Missing::Is("1000"),
    "How many alerts may wait for the sink. When it is full, the engine waits, and thereby the sources. With `[state]`, \
     so many are held in memory, and the others wait in the store.",
);
const QUEUE_BYTES: Key = key(
    "queue_bytes",
    Takes::Size("64KiB", "2GiB"),
    Missing::Is("64MiB"),
    "How many bytes of alerts may wait for the sink, or, with `[state]`, are held in memory.",
);
const TRIES: Key = key(
    "tries",
    Takes::Count(1, 1_000_000),
    Missing::Is("10"),
    "How often an alert is attempted; then it is counted and logged as failed, with its id. With `[state]`, tries are \
     counted over restarts, and an alert that has failed is kept as a dead letter.",
);
const BACKOFF: Key = key(
    "backoff",
    Takes::Duration("1ms", "1h"),
    Missing::Is("500ms"),
    "The longest wait before the second try. It doubles from try to try; the wait itself is random, from nothing to this. \
     Later alerts of the same rule and key wait too; while the sink is down, all do.",
);
const MAX_BACKOFF: Key = key(
    "max_backoff",
    Takes::Duration("1ms", "1d"),
    Missing::Is("1m"),
    "The longest wait between two tries.",
);

/// `[sinks.NAME]` with `type = "stdout"`.
pub static STDOUT: Section = Section {
    title: "`[sinks.NAME]`, `type = \"stdout\"`",
    about: "Standard output, one JSON object a line. The log goes to standard error.",
    keys: &[SINK_TYPE, QUEUE, QUEUE_BYTES, TRIES, BACKOFF, MAX_BACKOFF],
    shared: &[],
};

/// `[sinks.NAME]` with `type = "file"`.
pub static FILE: Section = Section {
    title: "`[sinks.NAME]`, `type = \"file\"`",
    about: "A file, to which one JSON object a line is appended.",
    keys: &[
        SINK_TYPE,
        key("path", Takes::Path, Missing::Mistake, "The file; it is made if there is none."),
        QUEUE,
        QUEUE_BYTES,
        TRIES,
        BACKOFF,
        MAX_BACKOFF,
    ],
    shared: &[],
};

/// `[sinks.NAME]` with `type = "webhook"`.
pub static WEBHOOK: Section = Section {
    title: "`[sinks.NAME]`, `type = \"webhook\"`",
    about: "An HTTP POST for each alert, with its JSON object as the body and its id as `Idempotency-Key`. An answer \
            of 2xx is success. 408, 425, 429, 5xx, a broken connection and no answer in time are tried again; \
            `Retry-After` of 429 and 503 is respected, up to an hour. Any other answer fails at once, redirects included.",
    keys: &[
        SINK_TYPE,
        key(
            "url",
            Takes::Url,
            Missing::Mistake,
            "Where to send to. It is never logged, because it may hold a secret.",
        ),
        key("timeout", Takes::Duration("1ms", "1h"), Missing::Is("10s"), "The longest time for one try."),
        QUEUE,
        QUEUE_BYTES,
        TRIES,
        BACKOFF,
        MAX_BACKOFF,
    ],
    shared: &[],
};
