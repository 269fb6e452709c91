//! The keys of sinks that speak HTTP as clients.

use super::{Missing, Section, Takes, key};

/// What sinks share that send by HTTP.
pub static HTTP_CLIENT: Section = Section {
    title: "Sinks over HTTP",
    about: "How sinks send that speak HTTP. These keys stand beside the sink's own. Redirects are not followed.",
    shared: &[],
    keys: &[
        key(
            "timeout",
            Takes::Duration("1ms", "1h"),
            Missing::Is("10s"),
            "The longest time for one try, from the connection to the end of the answer.",
        ),
        key(
            "tls_ca",
            Takes::Path,
            Missing::Nothing,
            "A PEM file of the authorities that may vouch for the receiver. Without it, those of the system.",
        )
        .like("\"ca.pem\""),
    ],
};
