//! Reads the sinks of a configuration.
//!
//! One file a kind, all of the same shape: `read` takes the keys of the kind and gives its settings. What all kinds
//! have is in [`delivery`], and what those have that speak HTTP as clients in [`http`].

mod alertmanager;
mod delivery;
mod email;
mod file;
mod http;
mod kafka;
mod login;
mod pagerduty;
mod slack;
mod stdout;
mod syslog;
mod teams;
mod webhook;

use std::path::Path;

use toml::de::DeTable;

use crate::sink;

use super::Located;
use super::document::{Report, Table};
use super::read::kind;
use super::reference::{self, SINK_TYPES, Section};

use delivery::Defaults;
pub use delivery::{Delivery, check_fallbacks};

/// A sink.
#[derive(Clone, Debug)]
pub struct Sink {
    /// Its name.
    pub name: Located<String>,
    /// How alerts are brought to it, whatever it is.
    pub delivery: Delivery,
    /// What it is.
    pub kind: SinkKind,
}

/// The kinds of sinks.
#[derive(Clone, Debug)]
pub enum SinkKind {
    /// Standard output.
    Stdout(sink::stdout::Settings),
    /// A file.
    File(sink::file::Settings),
    /// HTTP.
    Webhook(Box<sink::webhook::Settings>),
    /// Slack.
    Slack(sink::slack::Settings),
    /// Microsoft Teams.
    Teams(sink::teams::Settings),
    /// PagerDuty.
    PagerDuty(sink::pagerduty::Settings),
    /// Prometheus Alertmanager.
    Alertmanager(sink::alertmanager::Settings),
    /// Mail.
    Email(Box<sink::email::Settings>),
    /// Syslog.
    Syslog(sink::syslog::Settings),
    /// A topic of Kafka.
    Kafka(Box<sink::kafka::Settings>),
}

impl SinkKind {
    /// The word of its `type`.
    pub fn name(&self) -> &'static str {
        match self {
            SinkKind::Stdout(_) => "stdout",
            SinkKind::File(_) => "file",
            SinkKind::Webhook(_) => "webhook",
            SinkKind::Slack(_) => "slack",
            SinkKind::Teams(_) => "teams",
            SinkKind::PagerDuty(_) => "pagerduty",
            SinkKind::Alertmanager(_) => "alertmanager",
            SinkKind::Email(_) => "email",
            SinkKind::Kafka(_) => "kafka",
            SinkKind::Syslog(_) => "syslog",
        }
    }
}

/// How a kind is written.
struct Form {
    /// Its keys.
    keys: &'static Section,
    /// How many attempts are under way at a time if nothing is said: 1 where there is an order of all.
    concurrency: usize,
    /// Reads those that are its own. Relative paths begin at the folder.
    read: fn(&Table<'_>, &Path, &mut Report) -> Option<SinkKind>,
}

/// How the kind of that name is written, which is one of [`SINK_TYPES`].
fn form(kind: &str) -> Form {
    match kind {
        "stdout" => Form { keys: &reference::STDOUT, concurrency: 1, read: stdout::read },
        "file" => Form { keys: &reference::FILE, concurrency: 1, read: file::read },
        "webhook" => Form { keys: &reference::WEBHOOK, concurrency: 4, read: webhook::read },
        "slack" => Form { keys: &reference::SLACK, concurrency: 1, read: slack::read },
        "teams" => Form { keys: &reference::TEAMS, concurrency: 1, read: teams::read },
        "pagerduty" => Form { keys: &reference::PAGERDUTY, concurrency: 4, read: pagerduty::read },
        "alertmanager" => Form { keys: &reference::ALERTMANAGER, concurrency: 4, read: alertmanager::read },
        "email" => Form { keys: &reference::EMAIL, concurrency: 2, read: email::read },
        "kafka" => Form { keys: &reference::KAFKA_SINK, concurrency: 1, read: kafka::read },
        "syslog" => Form { keys: &reference::SYSLOG, concurrency: 1, read: syslog::read },
        other => unreachable!("there is no form for `{other}`"),
    }
}

/// Reads a sink. Relative paths begin at `folder`. `is_stored`: alerts wait for it in the store.
pub fn sink(
    name: Located<String>,
    values: &DeTable<'_>,
    folder: &Path,
    is_stored: bool,
    report: &mut Report,
) -> Option<Sink> {
    let kind = kind(&name, values, SINK_TYPES, &reference::STDOUT, report)?;
    let Form { keys, concurrency, read } = form(kind);
    let table = Table::new(values, keys, name.span, report);
    let delivery = delivery::read(&table, Defaults { concurrency, is_stored }, report);
    let kind = read(&table, folder, report);
    Some(Sink { name, delivery: delivery?, kind: kind? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_its_form_with_the_keys_of_all() {
        for kind in SINK_TYPES {
            let keys = form(kind).keys;
            assert!(keys.title.contains(kind), "{kind}: {}", keys.title);
            assert!(
                ["type", "queue", "tries"].iter().all(|name| keys.names().any(|key| key == *name)),
                "{kind}"
            );
        }
    }
}
