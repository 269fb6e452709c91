//! The keys of a sink for a webhook.

use super::{DELIVERY, HTTP_CLIENT, Missing, SINK_TYPE, Section, Takes, key, secret};

/// `[sinks.NAME]` with `type = "webhook"`.
pub static WEBHOOK: Section = Section {
    title: "`[sinks.NAME]`, `type = \"webhook\"`",
    about: "An HTTP POST for each alert, after the [Standard Webhooks](https://www.standardwebhooks.com) specification: `webhook-id` is the \
            alert's id, the same at every attempt, `webhook-timestamp` the time of the attempt, `webhook-signature` says who has sent it. An answer \
            of 2xx is success. 401, 403, 407, 408, 425, 429, 5xx, a broken connection and no answer in time are tried again; \
            `Retry-After` of 429 and 503 is respected, up to an hour. After 410 nothing more is sent until another URL is configured or \
            `tripline sink enable` says so. Any other answer fails at once, redirects included. [Sinks](sinks.md#webhooks) has the details.",
    keys: &[
        SINK_TYPE,
        secret!(
            "url",
            Missing::Mistake,
            "Where to send to: an `https` or `http` URL. It is never logged, because it may hold a secret.",
        )
        .like("\"https://example.com/alerts\""),
        secret!(
            "secret",
            Missing::Nothing,
            "What to sign with: `whsec_` and 24 to 64 bytes in base64. Several with a space between each sign, so that one can be replaced by \
             another. Without it, nothing is signed.",
        )
        .like("\"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\""),
        key(
            "headers",
            Takes::Table,
            Missing::Nothing,
            "More headers: `{ X-Team = \"fraud\", Authorization = { env = \"DESK_AUTHORIZATION\" } }`. A value is a secret: the text itself, \
             or `{ env = \"…\" }` or `{ file = \"…\" }`.",
        )
        .like("{ X-Team = \"fraud\" }"),
        key(
            "template",
            Takes::Text,
            Missing::Nothing,
            "What makes the body, in the language of [minijinja](https://docs.rs/minijinja/latest/minijinja/syntax/). Without it, the body is the \
             alert's JSON object. [Sinks](sinks.md#bodies-of-your-own) has examples.",
        )
        .like("'{\"text\": {{ alert.title }}}'"),
    ],
    shared: &[&HTTP_CLIENT, &DELIVERY],
};
