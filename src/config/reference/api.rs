//! The keys of the API.

use super::{Missing, Section, Takes, key};

/// `[api]`.
pub static API: Section = Section {
    title: "`[api]`",
    about: "Where and by whom the service can be asked over HTTP. [The API](api.md) says what it can be asked, and how it is \
            kept safe. Commands do not need it: they use the socket `control.sock` in the folder of `[state]`.",
    keys: &[
        key(
            "listen",
            Takes::Address,
            Missing::Mistake,
            "The address. One that other machines can reach needs `tokens`, and TLS or `plaintext = true`. Port 0 takes a \
             free one.",
        )
        .like("\"127.0.0.1:7070\""),
        key(
            "tokens",
            Takes::Path,
            Missing::Nothing,
            "A file of tokens, of which a request has to have one; it is read again when it changes. `tripline token new` makes \
             it. Without it, everybody on this machine may do everything.",
        )
        .like("\"tokens.toml\""),
        key(
            "hosts",
            Takes::Names,
            Missing::Nothing,
            "Names by which it may be asked (header `Host`), besides `localhost` and addresses. A request for another name is \
             refused, so that no web page can make a browser ask for it.",
        )
        .like("[\"tripline.example.com\"]"),
        key(
            "plaintext",
            Takes::Flag,
            Missing::Is("false"),
            "With `true`, it may listen without TLS where other machines can reach it: because a proxy in front of it speaks \
             TLS, or the network is closed.",
        ),
        key("tls", Takes::Table, Missing::Nothing, "See below."),
        key("limits", Takes::Table, Missing::Nothing, "See below."),
        key("audit", Takes::Table, Missing::Nothing, "See below."),
    ],
    shared: &[],
};

/// `[api.tls]`.
pub static API_TLS: Section = Section {
    title: "`[api.tls]`",
    about: "With this table, the API speaks TLS (1.2 or 1.3) at its address, and nothing else. The files are read again when they \
            change; a certificate whose key has not come yet leaves what there was before.",
    keys: &[
        key(
            "certificate",
            Takes::Path,
            Missing::Mistake,
            "A PEM file: the certificate, followed by those between it and its authority.",
        )
        .like("\"cert.pem\""),
        key("key", Takes::Path, Missing::Mistake, "A PEM file: the private key, without a password.")
            .like("\"key.pem\""),
        key(
            "client_ca",
            Takes::Path,
            Missing::Nothing,
            "A PEM file of authorities: clients show a certificate of one of them (mutual TLS).",
        )
        .like("\"clients.pem\""),
        key(
            "client_certificate",
            Takes::Word(&["required", "optional"]),
            Missing::Is("required"),
            "Whether a client without a certificate is turned away at once, or may come with a token. Health checks that cannot \
             show one need `optional`.",
        ),
        key(
            "clients",
            Takes::Tables,
            Missing::Nothing,
            "Who has which role by a certificate. Who has none needs a token as well.",
        )
        .like("[{ subject = \"CN=grafana\", role = \"read\" }]"),
    ],
    shared: &[],
};

/// A client of `[api.tls]`.
pub static API_CLIENT: Section = Section {
    title: "`clients` of `[api.tls]`",
    about: "One of `subject`, `dns` and `uri`, and the role.",
    keys: &[
        key(
            "subject",
            Takes::Text,
            Missing::Nothing,
            "The whole subject of the certificate, its parts in any order: `CN=grafana,O=Example`. A comma in a value is written \
             `\\,`.",
        )
        .like("\"CN=grafana\""),
        key("dns", Takes::Text, Missing::Nothing, "A DNS name that the certificate is for.").like("\"grafana.example.com\""),
        key("uri", Takes::Text, Missing::Nothing, "A URI that the certificate is for.")
            .like("\"spiffe://example.com/grafana\""),
        key(
            "role",
            Takes::Word(&["read", "operate", "admin"]),
            Missing::Mistake,
            "What they may do. [The API](api.md#roles) has the roles.",
        )
        .like("\"read\""),
    ],
    shared: &[],
};

/// `[api.limits]`.
pub static API_LIMITS: Section = Section {
    title: "`[api.limits]`",
    about: "Bounds on what those may do who ask, at the address and over the socket. [The API](api.md#limits) says what they hear who go beyond.",
    keys: &[
        key("body", Takes::Size("1KiB", "1GiB"), Missing::Is("1MiB"), "The largest body of a request."),
        key(
            "rate",
            Takes::Text,
            Missing::Is("2000/10s"),
            "How many requests may come in a time, on average, of each token, certificate, or address of somebody who is not \
             known; as many may come at once after a quiet time. The socket has no such bound.",
        )
        .like("\"100/s\""),
        key(
            "connections",
            Takes::Count(2, 100_000),
            Missing::Is("2000"),
            "How many connections there may be at a time. Further ones wait until one ends; one that is silent ends after 15 \
             seconds. The system has to allow as many open files, and as many again as there are `streams` (`LimitNOFILE=` of systemd).",
        ),
        key(
            "streams",
            Takes::Count(1, 100_000),
            Missing::Is("1500"),
            "How many may read alerts as they come (`/v1/alerts/stream`, `/v1/alerts/ws`) at a time. It is less than \
             `connections`, so that others can still ask.",
        ),
        key(
            "time",
            Takes::Duration("1s", "1h"),
            Missing::Is("30s"),
            "How long an answer may take to be made. Also how long whoever asked may take nothing of it: then the connection is \
             closed, that of a stream, too.",
        ),
    ],
    shared: &[],
};

/// `[api.audit]`.
pub static API_AUDIT: Section = Section {
    title: "`[api.audit]`",
    about: "With this table, each change that somebody makes over the API or its socket, by SIGHUP or in the file of tokens is recorded in a file, as a line of \
            JSON: who, from where, what, and how it was before and after. [The API](api.md#audit) shows one. Without it, the \
            log has them (target `audit`).",
    keys: &[
        key("file", Takes::Path, Missing::Mistake, "The file; it is made if there is none.")
            .like("\"audit.jsonl\""),
        key(
            "rotate_size",
            Takes::Size("64KiB", "1024GiB"),
            Missing::Is("16MiB"),
            "The file is put aside before it is larger than this.",
        ),
        key("keep", Takes::Count(1, 100_000), Missing::Is("10"), "How many files put aside are kept."),
    ],
    shared: &[],
};
