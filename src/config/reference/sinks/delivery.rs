//! The keys of all sinks.

use super::{Missing, Section, Takes, key};

/// What all sinks share.
pub static DELIVERY: Section = Section {
    title: "Delivery to sinks",
    about: "How alerts are brought to a sink, whatever it is. These keys stand beside the sink's own.",
    shared: &[],
    keys: &[
        key(
            "queue",
            Takes::Count(1, 1_000_000),
            Missing::Is("1000"),
            "How many alerts may wait for the sink. When it is full, the engine waits, and thereby the sources. With `[state]`, \
             so many are held in memory, and the others wait in the store.",
        ),
        key(
            "queue_bytes",
            Takes::Size("64KiB", "2GiB"),
            Missing::Is("64MiB"),
            "How many bytes of alerts may wait for the sink, or, with `[state]`, are held in memory.",
        ),
        key(
            "tries",
            Takes::Count(1, 1_000_000),
            Missing::Is("10"),
            "How often an alert is attempted; then it is counted and logged as failed, with its id. With `[state]`, tries are \
             counted over restarts, and an alert that has failed is kept as a dead letter.",
        ),
        key(
            "backoff",
            Takes::Duration("1ms", "1h"),
            Missing::Is("500ms"),
            "The longest wait before the second try. It doubles from try to try; the wait itself is random, from nothing to this. \
             Later alerts of the same rule and key wait too; while the sink is down, all do.",
        ),
        key(
            "max_backoff",
            Takes::Duration("1ms", "1d"),
            Missing::Is("1m"),
            "The longest wait between two tries.",
        ),
    ],
};
