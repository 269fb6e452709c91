//! The keys of a sink for a topic of Kafka.

use crate::config::reference::KAFKA_CLIENT;

use super::{DELIVERY, Missing, SINK_TYPE, Section, Takes, key};

/// `[sinks.NAME]` with `type = "kafka"`.
pub static KAFKA_SINK: Section = Section {
    title: "`[sinks.NAME]`, `type = \"kafka\"`",
    about: "A topic of Kafka: a message for each alert, with its JSON object as the value and the headers `tripline.id`, \
            `tripline.rule` and `tripline.severity`. The producer is idempotent: an attempt that the client repeats leaves no \
            second message. After a crash an alert may come again, with the same id.",
    keys: &[
        SINK_TYPE,
        key("topic", Takes::Text, Missing::Mistake, "The topic.").like("\"alerts\""),
        key(
            "key",
            Takes::Word(&["alert", "id", "rule", "none"]),
            Missing::Is("alert"),
            "The key of a message, which decides on its partition. `alert`: what the alert is grouped by: a single value as it \
             is, several as a list in JSON. `id`: the alert's id. `rule`: the rule's name.",
        ),
        key(
            "transactions",
            Takes::Flag,
            Missing::Is("false"),
            "Whether alerts go out in the transactions in which positions and state are stored, so that readers with \
             `isolation.level=read_committed` get each exactly once, whatever fails. Needs `state.topic`, and the cluster of the \
             source. Such a sink is a record of what was decided: it gets every alert of its rules and routes by itself and at \
             once, whether it is silenced, grouped or held back for others or not.",
        ),
        key("timeout", Takes::Duration("1s", "1h"), Missing::Is("30s"), "The longest time for one try."),
    ],
    shared: &[&KAFKA_CLIENT, &DELIVERY],
};
