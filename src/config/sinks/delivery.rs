//! Reads what all kinds of sinks have: how much may wait, when what has failed is tried again, and what becomes of what
//! is given up.

use std::time::Duration;

use crate::config::Located;
use crate::diagnostic::codes::{E0607, E0614};
use crate::diagnostic::{Diagnostic, did_you_mean};
use crate::outbox::QueueLimits;
use crate::sink::retry::RetryPolicy;
use crate::sink::worker::Policy;

use super::{Report, Sink, Table};

/// A receiver that asks for a longer wait than this is tried again sooner.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(3600);
/// How long alerts are tried that wait in the store, if nothing is said.
const STORED: Duration = Duration::from_secs(3 * 24 * 3600);
/// The same for those in memory, where a full queue stops the sources.
const IN_MEMORY: Duration = Duration::from_secs(5 * 60);

/// How alerts are brought to a sink.
#[derive(Clone, Debug, PartialEq)]
pub struct Delivery {
    /// How much may wait for it.
    pub queue: QueueLimits,
    /// How it is sent.
    pub policy: Policy,
    /// The sink that gets what is given up.
    pub fallback: Option<Located<String>>,
}

/// What is so if nothing is said.
#[derive(Clone, Copy, Debug)]
pub struct Defaults {
    /// Attempts at a time.
    pub concurrency: usize,
    /// Whether alerts wait in the store.
    pub is_stored: bool,
}

/// Reads it.
pub fn read(table: &Table<'_>, defaults: Defaults, report: &mut Report) -> Option<Delivery> {
    let alerts = table.count("queue", report);
    let bytes = table.size("queue_bytes", report);
    let concurrency = table.count("concurrency", report);
    let rate = table.rate("rate", report);
    let retry = retry(table, defaults, report);
    let fallback = table.text("fallback", report);
    let fallback_after = table.wait("fallback_after", report);
    if let (None, Some(place)) = (&fallback, table.place("fallback_after", report)) {
        let message = "`fallback_after` says when alerts go to another sink, and none is named";
        report.contradiction(place, message, "add `fallback` with the name of another sink");
    }
    let queue = QueueLimits { alerts: alerts?, bytes: u32::try_from(bytes?).ok()? };
    let policy = Policy {
        retry: retry?,
        concurrency: concurrency.unwrap_or(defaults.concurrency),
        rate,
        has_fallback: fallback.is_some(),
        fallback_after,
    };
    Some(Delivery { queue, policy, fallback })
}

fn retry(table: &Table<'_>, defaults: Defaults, report: &mut Report) -> Option<RetryPolicy> {
    let tries = table.count("tries", report);
    let give_up_after = table.wait("give_up_after", report);
    let backoff = table.wait("backoff", report);
    let max_backoff = table.wait("max_backoff", report);
    let max_pause = table.wait("max_pause", report);
    Some(RetryPolicy {
        tries: tries.map(u32::try_from).transpose().ok()?,
        give_up_after: give_up_after.unwrap_or(if defaults.is_stored { STORED } else { IN_MEMORY }),
        backoff: backoff?,
        max_backoff: max_backoff?,
        max_pause: max_pause?,
        max_retry_after: MAX_RETRY_AFTER,
    })
}

/// Reports fallbacks that are no sinks, or lead back to where they began.
pub fn check_fallbacks(sinks: &[Sink], report: &mut Report) {
    let find = |name: &str| sinks.iter().find(|sink| sink.name.value == name);
    let next = |sink: &Sink| sink.delivery.fallback.as_ref().and_then(|name| find(&name.value));
    for sink in sinks {
        let Some(fallback) = &sink.delivery.fallback else { continue };
        if find(&fallback.value).is_none() {
            let names = sinks.iter().map(|sink| sink.name.value.as_str());
            let hint = did_you_mean(&fallback.value, names.filter(|name| *name != sink.name.value));
            let message = format!("there is no sink `{}`{hint}", fallback.value);
            report.push(Diagnostic::new(E0607, fallback.span, message));
            continue;
        }
        // No way is longer than there are sinks.
        let mut way = std::iter::successors(next(sink), |sink| next(sink)).take(sinks.len());
        if way.any(|other| other.name.value == sink.name.value) {
            let message = format!("what `{}` gives up would come back to it", sink.name.value);
            let help =
                "the last sink of such a way has no `fallback`: what it gives up is kept as dead letters";
            report.push(Diagnostic::new(E0614, fallback.span, message).help(help));
        }
    }
}
