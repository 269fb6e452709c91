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
        key(
            "private_addresses",
            Takes::Word(&["allow", "deny"]),
            Missing::Is("allow"),
            "Whether receivers may have private addresses: those of this machine, of private networks (RFC 1918, RFC 4193, RFC 6598) and \
             reserved ones. It is asked of the addresses that are connected to, after the name was resolved. Link-local addresses (such as \
             169.254.169.254, where clouds tell machines their secrets), multicast and unspecified ones are never sent to, unless \
             `allow_networks` has them. With `deny`, and with `deny_networks`, proxies that the environment names are not used, as they \
             would resolve names by themselves.",
        ),
        key(
            "allow_networks",
            Takes::Names,
            Missing::Nothing,
            "Networks that may be sent to, whatever `private_addresses` says.",
        )
        .like("[\"10.1.0.0/16\", \"fd00::/8\"]"),
        key(
            "deny_networks",
            Takes::Names,
            Missing::Nothing,
            "Networks that may not be sent to, even if `allow_networks` has them.",
        )
        .like("[\"203.0.113.0/24\"]"),
    ],
};
