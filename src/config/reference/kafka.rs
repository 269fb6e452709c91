//! The keys of what has to do with Kafka.

use super::sources::{RECORDS, SOURCE_TYPE, STREAM};
use super::{Missing, Section, Takes, key, secret};

/// How brokers can be told who asks.
pub const SASL: &[&str] = &["none", "plain", "scram-sha-256", "scram-sha-512", "oauthbearer"];

/// What everything shares that speaks to Kafka.
pub static KAFKA_CLIENT: Section = Section {
    title: "How Kafka is reached",
    about: "These keys stand beside those of a source or sink with `type = \"kafka\"`.",
    keys: &[
        key(
            "brokers",
            Takes::Names,
            Missing::Mistake,
            "Some brokers of the cluster, as `host:port`. They name the others.",
        )
        .like("[\"kafka-1:9092\", \"kafka-2:9092\"]"),
        key(
            "client_id",
            Takes::Text,
            Missing::Is("tripline"),
            "What the logs and quotas of the brokers call this client.",
        ),
        key("tls", Takes::Flag, Missing::Is("false"), "Whether connections are encrypted (TLS 1.2 or 1.3)."),
        key(
            "tls_ca",
            Takes::Path,
            Missing::Nothing,
            "A PEM file of the authorities that may vouch for brokers. Without it, those of the system.",
        )
        .like("\"ca.pem\""),
        key(
            "tls_cert",
            Takes::Path,
            Missing::Nothing,
            "A PEM file: the certificate to show to brokers that ask for one.",
        )
        .like("\"client.pem\""),
        key("tls_key", Takes::Path, Missing::Nothing, "A PEM file: the private key to it.")
            .like("\"client.key\""),
        secret!("tls_key_password", Missing::Nothing, "The password of that key, if it has one."),
        key(
            "sasl",
            Takes::Word(SASL),
            Missing::Is("none"),
            "How this side says who it is: `plain` and `scram-…` by `username` and `password`, `oauthbearer` by a token that \
             an OAuth 2 server gives for `token_client_id` and `token_client_secret` (client credentials).",
        ),
        key(
            "username",
            Takes::Text,
            Missing::Nothing,
            "With `plain` and `scram-…`, and required there: the name.",
        )
        .like("\"tripline\""),
        secret!(
            "password",
            Missing::Nothing,
            "With `plain` and `scram-…`, and required there: the password."
        ),
        key(
            "token_url",
            Takes::Text,
            Missing::Nothing,
            "With `oauthbearer`, and required there: the token endpoint of the OAuth 2 server.",
        )
        .like("\"https://id.example.com/oauth2/token\""),
        key(
            "token_client_id",
            Takes::Text,
            Missing::Nothing,
            "With `oauthbearer`, and required there: who asks for a token.",
        )
        .like("\"tripline\""),
        secret!(
            "token_client_secret",
            Missing::Nothing,
            "With `oauthbearer`, and required there: the secret of who asks."
        ),
        key(
            "token_scope",
            Takes::Text,
            Missing::Nothing,
            "With `oauthbearer`: what the token is to be good for.",
        )
        .like("\"kafka\""),
        key(
            "properties",
            Takes::Table,
            Missing::Nothing,
            "Further properties of librdkafka, for example `{ \"fetch.min.bytes\" = 65536 }`. Those cannot be set that have \
             keys of their own here, or on which it depends that nothing is lost.",
        ),
    ],
    shared: &[],
};

/// `[sources.NAME]` with `type = "kafka"`.
pub static KAFKA: Section = Section {
    title: "`[sources.NAME]`, `type = \"kafka\"`",
    about: "Topics of Kafka, read as a member of a consumer group. Each partition of a topic is a partition of the stream, \
            and each message is a record. [Kafka](sources.md#kafka) says where reading goes on after a restart, what \
            happens when partitions go to another member, and how keys and headers are read.",
    keys: &[
        SOURCE_TYPE,
        STREAM,
        key("topics", Takes::Names, Missing::Nothing, "The topics. Either these or `topic_pattern` must be given.")
            .like("[\"payments\"]"),
        key(
            "topic_pattern",
            Takes::Text,
            Missing::Nothing,
            "A regular expression: all topics are read whose whole names match, also those that are made later.",
        )
        .like("'payments\\..*'"),
        key(
            "group",
            Takes::Text,
            Missing::Is("tripline"),
            "The consumer group. Its members divide the partitions among each other.",
        ),
        key(
            "instance",
            Takes::Text,
            Missing::Nothing,
            "A name of this member that no other has. With it, a member that is restarted within `session_timeout` gets \
             its partitions back and no other member notices (static membership).",
        )
        .like("\"tripline-1\""),
        key(
            "instance_env",
            Takes::Text,
            Missing::Nothing,
            "The name of an environment variable that holds `instance`, for example `HOSTNAME`.",
        )
        .like("\"HOSTNAME\""),
        key(
            "session_timeout",
            Takes::Duration("1s", "30m"),
            Missing::Is("45s"),
            "So long a member may not be heard of before its partitions are given to others. Brokers have bounds for it.",
        ),
        key(
            "start",
            Takes::Text,
            Missing::Is("earliest"),
            "Where a partition begins of which neither the state nor the group knows how far it has come: `earliest`, \
             `latest`, a time such as `2026-11-01T00:00:00Z`, or `stored`: then it is not read, and that is an error.",
        ),
        key(
            "tombstones",
            Takes::Word(&["skip", "event", "reject"]),
            Missing::Is("skip"),
            "What a message without a value is. `skip`: it is counted and passed over. `event`: an event that has only what \
             is not in the value, such as `_kafka.key`. `reject`: it is set aside.",
        ),
        key(
            "dead_letter_topic",
            Takes::Text,
            Missing::Nothing,
            "A topic that gets, besides the quarantine, the messages that are no events of the stream, as they came, with \
             headers that say why and from where.",
        )
        .like("\"payments.dead\""),
    ],
    shared: &[&KAFKA_CLIENT, &RECORDS],
};
