//! The keys of a sink for Microsoft Teams.

use super::{DELIVERY, HTTP_CLIENT, Missing, SINK_TYPE, Section, secret};

/// `[sinks.NAME]` with `type = "teams"`.
pub static TEAMS: Section = Section {
    title: "`[sinks.NAME]`, `type = \"teams\"`",
    about: "Cards in a channel or chat of Microsoft Teams, by the webhook of a workflow.",
    keys: &[
        SINK_TYPE,
        secret!(
            "url",
            Missing::Mistake,
            "The URL of the workflow. Who knows it may post, so it is never logged."
        )
        .like("\"https://example.com/workflows/…\""),
    ],
    shared: &[&HTTP_CLIENT, &DELIVERY],
};
