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
            "concurrency",
            Takes::Count(1, 1_000),
            Missing::Nothing,
            "How many attempts may be under way at a time. Alerts of one rule and key are never attempted side by side, and stay in \
             order. Without it, 4 for sinks that send over the network, otherwise 1.",
        )
        .like("4"),
        key(
            "rate",
            Takes::Text,
            Missing::Nothing,
            "The most alerts that are sent in a time, failed attempts included: `\"10/s\"`, `\"30/m\"`, `\"5/10s\"`. After a quiet time \
             as many may go at once. Without it, there is no bound.",
        )
        .like("\"10/s\""),
        key(
            "give_up_after",
            Takes::Duration("1ms", "30d"),
            Missing::Nothing,
            "How long an alert is tried. Then it is counted and logged as failed, with its id, and goes to the `fallback`; if there \
             is none, it is kept as a dead letter with `[state]`, and lost without. Without this key, `3d` with `[state]`, so that a weekend's \
             outage of a receiver loses nothing, and `5m` without, as a full queue stops the sources then.",
        )
        .like("\"3d\""),
        key(
            "tries",
            Takes::Count(1, 1_000_000),
            Missing::Nothing,
            "How often an alert is attempted at most; then it is given up even before `give_up_after`. With `[state]`, tries are \
             counted over restarts. Without it, as often as there is time for.",
        )
        .like("10"),
        key(
            "backoff",
            Takes::Duration("1ms", "1h"),
            Missing::Is("500ms"),
            "The longest wait before the second try. It doubles from try to try; the wait itself is random, from nothing to this. \
             Later alerts of the same rule and key wait too.",
        ),
        key(
            "max_backoff",
            Takes::Duration("1ms", "1d"),
            Missing::Is("1h"),
            "The longest wait between two tries of an alert that the receiver does not take while it takes others.",
        ),
        key(
            "max_pause",
            Takes::Duration("1ms", "1h"),
            Missing::Is("1m"),
            "The longest time for which a sink that is down is left alone. It begins with `backoff` and doubles; then a single alert finds \
             out whether the sink still is. When it works again, what has failed meanwhile waits no longer than this.",
        ),
        key(
            "fallback",
            Takes::Text,
            Missing::Nothing,
            "The name of another sink, to which alerts go that are given up here, with the same id.",
        )
        .like("\"pager\""),
        key(
            "fallback_after",
            Takes::Duration("1ms", "30d"),
            Missing::Nothing,
            "Alerts that have waited so long go to the `fallback` although they are not given up yet.",
        )
        .like("\"10m\""),
    ],
};
