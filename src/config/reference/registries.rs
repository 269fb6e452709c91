//! The keys of schema registries.

use super::{Missing, Section, Takes, key, secret};

/// `[registries.NAME]`.
pub static REGISTRY: Section = Section {
    title: "`[registries.NAME]`",
    about: "A schema registry, as Confluent's or one that speaks the same. Sources name it with `registry`. While it does not \
            answer, what needs a schema that is not known yet waits; schemas that are known need no registry.",
    keys: &[
        key(
            "urls",
            Takes::Names,
            Missing::Mistake,
            "Where it is: `https` or `http` URLs. When one does not answer, the next is asked.",
        )
        .like("[\"https://registry.example.com\"]"),
        key("user", Takes::Text, Missing::Nothing, "Who asks, with a `password`.").like("\"tripline\""),
        secret!("password", Missing::Nothing, "The password of `user`."),
        secret!("token", Missing::Nothing, "Who asks, by a token (`Authorization: Bearer`)."),
        key(
            "tls_ca",
            Takes::Path,
            Missing::Nothing,
            "A PEM file of the authorities that may vouch for the registry. Without it, those of the system.",
        )
        .like("\"ca.pem\""),
        key(
            "timeout",
            Takes::Duration("10ms", "5m"),
            Missing::Is("10s"),
            "How long one request may take, from the connection to the end of the answer.",
        ),
        key(
            "backoff",
            Takes::Duration("1ms", "1h"),
            Missing::Is("500ms"),
            "The longest wait before it is asked again when no URL has answered. It doubles from time to time; the wait \
             itself is random, from half of this.",
        ),
        key(
            "max_backoff",
            Takes::Duration("1ms", "1h"),
            Missing::Is("30s"),
            "The longest wait between two requests.",
        ),
        key(
            "absent_for",
            Takes::Duration("0s", "1d"),
            Missing::Is("30s"),
            "For how long it is believed that there is no schema with an id, before the registry is asked for it again. \
             Records with it are set aside meanwhile.",
        ),
    ],
    shared: &[],
};
