//! The keys of what outlasts the service.

use super::{Key, Missing, Section, Takes, key};

/// What can become of what a rule has begun when it is changed.
const CHANGED_RULES: &[&str] = &["drain", "reset"];

/// `[state]`.
pub static STATE: Section = Section {
    title: "`[state]`",
    about: "Where the service keeps what outlasts it: how far its sources have come, partial matches, alerts that sinks \
            have not taken. After a stop, a crash or a loss of power it goes on from there. Without this table, it begins \
            anew each time.",
    keys: &[
        key(
            "path",
            Takes::Path,
            Missing::Mistake,
            "A folder for it alone. It is made if it is not there, for its owner's eyes only.",
        )
        .like("\"/var/lib/tripline\""),
        key(
            "checkpoint",
            Takes::Duration("100ms", "1h"),
            Missing::Is("1s"),
            "How often what has changed is stored. After a crash, so much is worked through again at most. Alerts do not \
             wait for it: when there are some, it is stored after 100 ms, or later if storing would take more than an \
             eighth of the time.",
        ),
        key(
            "memory",
            Takes::Size("16MiB", "1024GiB"),
            Missing::Nothing,
            "About how much memory partial matches and the past of keys may take. Keys that have been quiet for longest are \
             left on the disk then, and come back with their next event or when their time has come. Without it, all are held \
             in memory.",
        )
        .like("\"2GB\""),
        key(
            "max_outbox",
            Takes::Size("1MiB", "1024GiB"),
            Missing::Is("1GiB"),
            "Alerts that sinks have not accepted do not take more on the disk, but for those of a last checkpoint. When \
             they do, no events are taken until sinks have accepted some, and the service is not ready.",
        ),
        key(
            "keep_alerts",
            Takes::Duration("1h", "3650d"),
            Missing::Is("30d"),
            "How long alerts can be looked at, with the events that they have captured, what was decided of them and what has \
             come of sending them.",
        ),
        key(
            "max_alerts",
            Takes::Size("1MiB", "1024GiB"),
            Missing::Is("1GiB"),
            "What is kept of alerts to be looked at does not take more on the disk; then the oldest are removed before \
             `keep_alerts` is over.",
        ),
        key(
            "changed_rules",
            Takes::Word(CHANGED_RULES),
            Missing::Is("drain"),
            "What becomes, at a restart, of the partial matches of a rule that means something else now. With `drain` the old \
             version completes them, or lets them end, while the new one begins with nothing; `reset` drops them. The log says \
             which rules that were. Those of a rule that is gone or off are dropped in any case.",
        ),
        key(
            "topic",
            Takes::Text,
            Missing::Nothing,
            "A topic of Kafka for partial matches and the past of keys, on the cluster of the only source: they move with its \
             partitions, so that several instances of one group share the work and one takes over from another. Output and \
             consumed positions become one transaction. The topic is made if it is not there. \
             [Sources](sources.md#several-instances) has the rest.",
        )
        .like("\"tripline-state\""),
        key(
            "partitioned_by",
            Takes::Names,
            Missing::Nothing,
            "With `topic`: the fields of the stream that decide which partition an event is in, because the keys of its \
             messages are made of them. Each rule has to be grouped by them, and may be by more.",
        )
        .like("[\"card\"]"),
    ],
    shared: &[],
};

/// `[journal]`.
pub static JOURNAL: Section = Section {
    title: "`[journal]`",
    about: "Records of sources that cannot be asked for them again (all but `file`) stand in a journal in the folder of \
            `[state]` until a checkpoint has taken them in. [Sources](sources.md#what-is-kept) says what that means for senders.",
    keys: &[key(
        "max_size",
        Takes::Size("16MiB", "1024GiB"),
        Missing::Is("1GiB"),
        "The journal does not grow beyond this. When it is full, sources wait, and HTTP answers 503. It has to have room \
         for some of the largest records and bodies.",
    )],
    shared: &[],
};

/// For sources of connections.
pub(super) const ACK: Key = key(
    "ack",
    Takes::Flag,
    Missing::Is("false"),
    "Whether clients are told how many of their records are kept: a line with the count so far, each time it grows. \
     Needs `[state]`. [Sources](sources.md#acknowledgements) has the details.",
);
