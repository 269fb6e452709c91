//! The keys of a sink for PagerDuty.

use super::{DELIVERY, HTTP_CLIENT, Missing, SINK_TYPE, Section, Takes, key, secret};

/// `[sinks.NAME]` with `type = "pagerduty"`.
pub static PAGERDUTY: Section = Section {
    title: "`[sinks.NAME]`, `type = \"pagerduty\"`",
    about: "Incidents of PagerDuty, by its Events API v2. Alerts of one rule and key are one incident; what is over resolves it.",
    keys: &[
        SINK_TYPE,
        secret!("routing_key", Missing::Mistake, "The integration key of a service: 32 letters and digits.")
            .like("\"0123456789abcdef0123456789abcdef\""),
        key(
            "source",
            Takes::Text,
            Missing::Nothing,
            "Where incidents say that they come from. Without it, the name of this machine.",
        )
        .like("\"fraud-detection\""),
        key(
            "url",
            Takes::Url,
            Missing::Nothing,
            "Where events are sent to. Without it, `https://events.pagerduty.com/v2/enqueue`; accounts in the European Union \
             have `https://events.eu.pagerduty.com/v2/enqueue`.",
        ),
    ],
    shared: &[&HTTP_CLIENT, &DELIVERY],
};
