//! The keys of a sink for Prometheus Alertmanager.

use super::{DELIVERY, HTTP_CLIENT, Missing, SINK_TYPE, Section, Takes, key, secret};

/// `[sinks.NAME]` with `type = "alertmanager"`.
pub static ALERTMANAGER: Section = Section {
    title: "`[sinks.NAME]`, `type = \"alertmanager\"`",
    about: "Prometheus Alertmanager, by its API v2, several alerts in a request. The labels of an alert are `alertname` (the rule), `severity`, \
            `kind`, `tags` and the fields of the key.",
    keys: &[
        SINK_TYPE,
        key("url", Takes::Url, Missing::Mistake, "The address of Alertmanager, without `/api/v2`.")
            .like("\"http://127.0.0.1:9093\""),
        key(
            "resolve_after",
            Takes::Duration("1s", "30d"),
            Missing::Is("1h"),
            "An alert is over so long after it was sent, unless it comes again or a notification says so sooner. Alertmanager's own \
             `resolve_timeout` has no effect, since every alert is sent with its end.",
        ),
        key(
            "labels",
            Takes::Table,
            Missing::Nothing,
            "Labels that every alert gets, for the routes of Alertmanager.",
        )
        .like("{ env = \"production\" }"),
        secret!(
            "token",
            Missing::Nothing,
            "A token to send as `Authorization: Bearer`, for a proxy in front of it."
        ),
        key("username", Takes::Text, Missing::Nothing, "A name to log in with; `password` belongs to it."),
        secret!("password", Missing::Nothing, "The password of `username`."),
    ],
    shared: &[&HTTP_CLIENT, &DELIVERY],
};
