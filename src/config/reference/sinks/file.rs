//! The keys of a sink for a file.

use super::{DELIVERY, Missing, SINK_TYPE, Section, Takes, key};

/// `[sinks.NAME]` with `type = "file"`.
pub static FILE: Section = Section {
    title: "`[sinks.NAME]`, `type = \"file\"`",
    about: "A file, to which one JSON object a line is appended.",
    keys: &[SINK_TYPE, key("path", Takes::Path, Missing::Mistake, "The file; it is made if there is none.")],
    shared: &[&DELIVERY],
};
