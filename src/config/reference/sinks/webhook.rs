//! The keys of a sink for a webhook.

use super::{DELIVERY, HTTP_CLIENT, Missing, SINK_TYPE, Section, secret};

/// `[sinks.NAME]` with `type = "webhook"`.
pub static WEBHOOK: Section = Section {
    title: "`[sinks.NAME]`, `type = \"webhook\"`",
    about: "An HTTP POST for each alert, with its JSON object as the body and its id as `Idempotency-Key`. An answer \
            of 2xx is success. 408, 425, 429, 5xx, a broken connection and no answer in time are tried again; \
            `Retry-After` of 429 and 503 is respected, up to an hour. Any other answer fails at once, redirects included.",
    keys: &[
        SINK_TYPE,
        secret!(
            "url",
            Missing::Mistake,
            "Where to send to: an `https` or `http` URL. It is never logged, because it may hold a secret.",
        )
        .like("\"https://example.com/alerts\""),
    ],
    shared: &[&HTTP_CLIENT, &DELIVERY],
};
