//! Alerts that make others needless: who knows that the house is on fire need not hear that the kitchen is warm.
//!
//! As in Alertmanager, an alert that is on both sides is not held back by others for which the same is true, and what
//! both sides do not have counts as equal. Unlike there, an alert is a moment and not a state: so it is said how long
//! one holds back others, unless it is over before.

use serde::{Deserialize, Serialize};

use crate::event::{Timestamp, digest};

use super::MOST_SOURCES;
use super::decision::{Crowd, Decision};
use super::facts::Facts;
use super::kept::Row;
use super::router::{Offered, Router};
use super::settings::Inhibit;

/// The last alert that holds back others for some equal values.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Source {
    /// Its id.
    pub alert: String,
    /// What is equal for alerts of its rule and key.
    pub subject: String,
    /// How long it counts.
    pub until: Timestamp,
}

impl Row for Source {
    const TABLE: u8 = b'i';

    fn due(&self) -> Option<Timestamp> {
        Some(self.until)
    }

    fn names(&self) -> Vec<String> {
        vec![self.subject.clone()]
    }
}

/// What sources are kept by.
fn key(inhibit: &Inhibit, facts: &Facts, is_target: bool) -> String {
    let equal: Vec<_> = inhibit.equal.iter().map(|name| facts.value(name)).collect();
    let equal = serde_json::to_string(&equal).expect("values can be written as JSON");
    format!("{}\u{1f}{}\u{1f}{}", inhibit.name, u8::from(is_target), digest(&equal))
}

impl Router {
    /// What holds an alert back, if something does.
    pub(super) fn inhibited(&self, facts: &Facts, now: Timestamp) -> Option<Decision> {
        let targets = self.settings.inhibit.iter().filter(|inhibit| inhibit.target.check(facts).is_ok());
        for inhibit in targets {
            let is_source = inhibit.source.check(facts).is_ok();
            let source = |is_target| self.sources.get(&key(inhibit, facts, is_target));
            let sources = [source(false), source(true).filter(|_| !is_source)];
            if let Some(source) = sources.into_iter().flatten().find(|source| now < source.until) {
                let (inhibition, by) = (inhibit.name.clone(), source.alert.clone());
                return Some(Decision::Inhibited { inhibition, by, until: source.until });
            }
        }
        None
    }

    /// Remembers an alert that may hold back others from now on.
    pub(super) fn note_source(&mut self, offered: &Offered<'_>, now: Timestamp) {
        let settings = self.settings.clone();
        let sources = settings.inhibit.iter().filter(|inhibit| inhibit.source.check(&offered.facts).is_ok());
        for inhibit in sources {
            let key = key(inhibit, &offered.facts, inhibit.target.check(&offered.facts).is_ok());
            if self.sources.get(&key).is_none() && self.sources.len() >= MOST_SOURCES {
                let crowded = Decision::Crowded { what: Crowd::Sources, most: MOST_SOURCES };
                self.note(&offered.alert.id, now, crowded);
                continue;
            }
            let (alert, subject) = (offered.alert.id.clone(), offered.subject.clone());
            self.sources.put(key, Source { alert, subject, until: now.saturating_add(inhibit.lasts) });
        }
    }

    /// What is over holds back nothing any more.
    pub(super) fn drop_sources_of(&mut self, subject: &str) {
        self.sources.take_named(subject);
    }
}
