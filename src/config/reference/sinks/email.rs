//! The keys of a sink for mail.

use super::{DELIVERY, Missing, SINK_TYPE, Section, Takes, key, secret};

/// From when on a connection can be encrypted.
pub const ENCRYPTIONS: &[&str] = &["starttls", "tls", "none"];

/// `[sinks.NAME]` with `type = "email"`.
pub static EMAIL: Section = Section {
    title: "`[sinks.NAME]`, `type = \"email\"`",
    about: "Mails over SMTP, as plain text and as HTML. The `Message-ID` is made of the alert's id, so that a mail which comes again can be \
            recognised. Answers of 4xx are tried again, 5xx fail at once; a recipient that is refused is logged, and \
            the others get the mail.",
    keys: &[
        SINK_TYPE,
        key("server", Takes::Text, Missing::Mistake, "The server; its certificate must have this name.")
            .like("\"smtp.example.com\""),
        key(
            "port",
            Takes::Count(1, 65_535),
            Missing::Nothing,
            "Its port. Without it, 587 with `starttls`, 465 with `tls`, and 25 with `none`.",
        )
        .like("587"),
        key(
            "encryption",
            Takes::Word(ENCRYPTIONS),
            Missing::Is("starttls"),
            "`starttls`: the connection is encrypted before anything is said. `tls`: from the beginning. `none`: for a server on \
             this machine.",
        ),
        key(
            "tls_ca",
            Takes::Path,
            Missing::Nothing,
            "A PEM file of the authority that may vouch for the server. Without it, those of the system.",
        )
        .like("\"ca.pem\""),
        key("username", Takes::Text, Missing::Nothing, "A name to log in with; `password` belongs to it.")
            .like("\"alerts\""),
        secret!("password", Missing::Nothing, "The password of `username`."),
        key("from", Takes::Text, Missing::Mistake, "Who sends.").like("\"Tripline <alerts@example.com>\""),
        key("to", Takes::Names, Missing::Mistake, "Who gets it: one address or more.")
            .like("[\"Fraud Desk <desk@example.com>\"]"),
        key(
            "subject",
            Takes::Text,
            Missing::Nothing,
            "The subject line, a template: `{{ severity }}`, `{{ headline }}`, `{{ rule }}`, `{{ key.card }}`, `{{ fields.sum }}` and \
             more, see [E-mail](sinks/email.md). Without it, `[{{ severity|upper }}] {{ headline }}`.",
        )
        .like("\"{{ rule }}: {{ headline }}\""),
        key("timeout", Takes::Duration("1ms", "1h"), Missing::Is("30s"), "The longest time to connect and for one mail."),
    ],
    shared: &[&DELIVERY],
};
