//! The keys of a sink for standard output.

use super::{DELIVERY, FORMAT, SINK_TYPE, Section};

/// `[sinks.NAME]` with `type = "stdout"`.
pub static STDOUT: Section = Section {
    title: "`[sinks.NAME]`, `type = \"stdout\"`",
    about: "Standard output, one JSON object a line. The log goes to standard error.",
    keys: &[SINK_TYPE, FORMAT],
    shared: &[&DELIVERY],
};
