//! The keys of what is set aside.

use super::{Key, Missing, Section, Takes, key};

const ENABLED: Key = key(
    "enabled",
    Takes::Flag,
    Missing::Is("true"),
    "With `false` they are only counted and logged, and cannot be looked at or fed again.",
);
const MAX_SIZE: Key = key(
    "max_size",
    Takes::Size("64KiB", "1024GiB"),
    Missing::Is("1GiB"),
    "The file does not grow beyond this. What comes when it is full is counted and not kept, and the log says so.",
);

/// `[quarantine]`.
pub static QUARANTINE: Section = Section {
    title: "`[quarantine]`",
    about: "Where records are kept that are no events of their stream. It is there even if this table is not. \
            [quarantine.md](quarantine.md) says what goes there, how to look at it and how to feed it again.",
    shared: &[],
    keys: &[
        ENABLED,
        key(
            "file",
            Takes::Path,
            Missing::Is("quarantine.jsonl"),
            "The file. It is made, for its owner's eyes only, when the first record is to be kept.",
        ),
        MAX_SIZE,
    ],
};

/// `[late]`.
pub static LATE: Section = Section {
    title: "`[late]`",
    about: "Where events are kept that came too late to be put in order. Without this table they are only counted and \
            logged. [quarantine.md](quarantine.md#late-events) has the format.",
    shared: &[],
    keys: &[
        ENABLED,
        key(
            "file",
            Takes::Path,
            Missing::Mistake,
            "The file. It is made, for its owner's eyes only, when the first event is to be kept.",
        ),
        MAX_SIZE,
    ],
};
