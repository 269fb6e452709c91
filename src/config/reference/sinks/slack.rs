//! The keys of a sink for Slack.

use super::{DELIVERY, HTTP_CLIENT, Missing, SINK_TYPE, Section, Takes, key, secret};

/// `[sinks.NAME]` with `type = "slack"`.
pub static SLACK: Section = Section {
    title: "`[sinks.NAME]`, `type = \"slack\"`",
    about: "Messages in a channel of Slack: by an incoming webhook (`url`), or as a bot (`token` and `channel`).",
    keys: &[
        SINK_TYPE,
        secret!(
            "url",
            Missing::Nothing,
            "The URL of an incoming webhook. Who knows it may post, so it is never logged."
        )
        .like("\"https://hooks.slack.com/services/…\""),
        secret!("token", Missing::Nothing, "The token of a bot that may use `chat.postMessage`.")
            .like("\"xoxb-…\""),
        key("channel", Takes::Text, Missing::Nothing, "With `token`: the channel, best by its id.")
            .like("\"C0123456789\""),
        key(
            "api_url",
            Takes::Url,
            Missing::Nothing,
            "With `token`: where messages are sent to. Without it, `https://slack.com/api/chat.postMessage`.",
        ),
    ],
    shared: &[&HTTP_CLIENT, &DELIVERY],
};
