//! Reads a sink for a topic of Kafka.

use std::path::Path;

use crate::config::kafka::{client, is_topic};
use crate::diagnostic::Diagnostic;
use crate::diagnostic::codes::E0612;
use crate::sink::kafka::{KeyOf, Settings};

use super::{Report, SinkKind, Table};

/// Reads it.
pub fn read(table: &Table<'_>, folder: &Path, report: &mut Report) -> Option<SinkKind> {
    let client = client(table, folder, report);
    let topic = table.text("topic", report);
    if let Some(topic) = topic.as_ref().filter(|topic| !is_topic(&topic.value)) {
        let message = format!("`{}` cannot be a topic", topic.value);
        let help = "the names of topics have letters, digits, `.`, `_` and `-`, at most 249";
        report.push(Diagnostic::new(E0612, topic.span, message).help(help));
        return None;
    }
    let timeout = table.wait("timeout", report);
    let key = match table.word("key", report)? {
        "alert" => KeyOf::Alert,
        "id" => KeyOf::Id,
        "rule" => KeyOf::Rule,
        _ => KeyOf::None,
    };
    let transactions = table.flag("transactions", report);
    let settings = Settings {
        client: client?,
        topic: topic?.value,
        key,
        timeout: timeout?,
        transactions: transactions?,
    };
    Some(SinkKind::Kafka(Box::new(settings)))
}
