//! What decides, with all that it keeps.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::alert::Alert;
use crate::alert::notification::{Notification, Told};
use crate::event::Timestamp;
use crate::outbox::{OrderKey, Outgoing};

use super::decision::Decision;
use super::facts::Facts;
use super::follow::Followed;
use super::groups::{Batch, Listed};
use super::inhibition::Source;
use super::kept::{Change, Kept, Unreadable};
use super::log::{Entry, Log, Record};
use super::noted::{Came, Noted};
use super::plan::{Plan, Step};
use super::settings::{Route, Settings};
use super::silences::Silences;
use super::waiting::Escalation;

/// Decides where alerts go.
#[derive(Debug)]
pub struct Router {
    pub(super) settings: Arc<Settings>,
    pub(super) silences: Silences,
    pub(super) log: Log,
    /// The groups that are open.
    pub(super) batches: Kept<Batch>,
    /// The alerts that these list, by the group's id and their place.
    pub(super) listed: Kept<Listed>,
    /// Alerts that hold back others.
    pub(super) sources: Kept<Source>,
    /// What waits for somebody to acknowledge it.
    pub(super) escalations: Kept<Escalation>,
    /// What sinks will be told the end of.
    pub(super) followed: Followed,
    pub(super) round: Round,
}

/// What has come of everything since the last round.
#[derive(Debug, Default)]
pub struct Round {
    /// What is to be sent, in order.
    pub sendings: Vec<Sending>,
    /// What has changed of what is kept.
    pub changes: Vec<Change>,
    /// The ids of alerts that were dealt with: none of them is to be dealt with again.
    pub ids: Vec<String>,
    /// What there is to keep for people to look at.
    pub noted: Noted,
    /// How often something was decided, by reason.
    pub counts: BTreeMap<&'static str, u64>,
}

/// How much a router holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Held {
    /// Groups that are open.
    pub groups: usize,
    /// Notifications that wait for somebody.
    pub waiting: usize,
    /// Alerts that are followed until they are over.
    pub followed: usize,
    /// Silences that hold.
    pub silences: usize,
}

/// Something that is to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sending {
    /// What.
    pub outgoing: Arc<Outgoing>,
    /// The sinks that are to get it.
    pub sinks: Vec<String>,
}

/// An alert on its way through the routes.
pub(super) struct Offered<'a> {
    pub alert: &'a Alert,
    pub facts: Facts,
    pub outgoing: Arc<Outgoing>,
    /// What is equal for alerts of its rule and key.
    pub subject: String,
}

impl Router {
    /// A router that goes on from the rows of another; without any, from the beginning. Rows come in the order of
    /// their keys.
    ///
    /// # Errors
    /// When a row cannot be read.
    pub fn new<'r>(
        settings: Arc<Settings>,
        rows: impl IntoIterator<Item = (&'r [u8], &'r [u8])>,
    ) -> Result<Router, Unreadable> {
        let mut router = Router {
            settings,
            silences: Silences::default(),
            log: Log::default(),
            batches: Kept::default(),
            listed: Kept::default(),
            sources: Kept::default(),
            escalations: Kept::default(),
            followed: Followed::default(),
            round: Round::default(),
        };
        for (key, value) in rows {
            router.load(key, value)?;
        }
        Ok(router)
    }

    fn load(&mut self, key: &[u8], value: &[u8]) -> Result<(), Unreadable> {
        let is_known = self.silences.rows.load(key, value)?
            || self.log.load(key, value)?
            || self.batches.load(key, value)?
            || self.listed.load(key, value)?
            || self.sources.load(key, value)?
            || self.escalations.load(key, value)?
            || self.followed.load(key, value)?;
        match is_known {
            true => Ok(()),
            false => {
                let table = key.first().map_or('?', |byte| char::from(*byte));
                Err(Unreadable::Damaged { table, why: "there is no such table".into() })
            }
        }
    }

    /// Takes an alert, in the order decided. `is_known`: whether one of its id has been dealt with before.
    pub fn offer(&mut self, alert: &Alert, is_known: bool, now: Timestamp) {
        if is_known || self.log.knows(&alert.id) {
            return self.note(&alert.id, now, Decision::Repeat);
        }
        let offered = Offered::new(alert);
        let facts = &offered.facts;
        let record = Record::new(alert, facts.key.clone(), offered.subject.clone(), now);
        self.begin(alert, record, Arc::clone(&offered.outgoing));
        self.round.ids.push(alert.id.clone());
        if let Some(limit) = alert.notes.limit.filter(|_| alert.suppressed > 0) {
            let passed = Decision::Passed { limit: limit.to_string(), suppressed: alert.suppressed };
            self.note(&alert.id, now, passed);
        }
        self.settle_by_rule(&offered);
        let trace = self.trace(facts, &alert.sinks, now);
        self.note_source(&offered, now);
        match trace.held {
            Some(held) => self.note(&alert.id, now, held),
            None => trace.steps.into_iter().for_each(|step| self.take(step, &offered, now)),
        }
        self.settle_all(now);
    }

    /// Notes an alert that the rule's `limit` has held back, so that it came no further.
    pub fn note_limited(&mut self, alert: &Alert, before: u64, now: Timestamp) {
        if self.log.knows(&alert.id) {
            return;
        }
        // There may be very many of them, and what they would have shown is not needed.
        let alert = &Alert { events: Vec::new(), ..alert.clone() };
        let Offered { facts, subject, outgoing, .. } = Offered::new(alert);
        self.begin(alert, Record::new(alert, facts.key, subject, now), outgoing);
        let limit = alert.notes.limit.map(|limit| limit.to_string()).unwrap_or_default();
        self.note(&alert.id, now, Decision::Limited { limit, before });
    }

    /// An alert has come.
    fn begin(&mut self, alert: &Alert, record: Record, outgoing: Arc<Outgoing>) {
        self.round.noted.came.push(Came::new(alert, record.clone(), outgoing));
        self.log.begin(record);
    }

    /// Does what a route says.
    fn take(&mut self, step: Step, offered: &Offered<'_>, now: Timestamp) {
        let Step { route, plan, .. } = step;
        let id = &offered.alert.id;
        match plan {
            None => {}
            Some(Plan::Nowhere) => self.note(id, now, Decision::Nowhere { route }),
            Some(Plan::Unrouted) => self.note(id, now, Decision::Unrouted),
            Some(Plan::Already { sinks }) => self.note(id, now, Decision::Already { route, sinks }),
            Some(Plan::Send { sinks }) => {
                let decision = Decision::Sent { route: route.clone(), sinks: sinks.clone() };
                self.send_alone(&route, offered, sinks, decision, now);
            }
            Some(Plan::Lower { quiet, until, sinks }) => {
                let sent = sinks.clone();
                let decision = Decision::Lowered { route: route.clone(), quiet, until, sinks };
                self.send_alone(&route, offered, sent, decision, now);
            }
            Some(Plan::Group(joining)) => self.join(route, offered, joining, now),
        }
    }

    /// Hands an alert to sinks by itself.
    pub(super) fn send_alone(
        &mut self,
        route: &str,
        offered: &Offered<'_>,
        sinks: Vec<String>,
        decision: Decision,
        now: Timestamp,
    ) {
        let id = &offered.alert.id;
        self.send(Arc::clone(&offered.outgoing), sinks.clone());
        self.note(id, now, decision);
        let Some(Route { escalate, resolve, .. }) = self.settings.route(route).cloned() else { return };
        let opened = resolve.and_then(|resolve| self.follow(route, &resolve, offered, None, sinks, now));
        if let Some(escalate) = escalate {
            let notification = offered.outgoing.notification();
            // It was rendered a moment ago.
            let Ok(notification) = notification else { return };
            self.wait_for_somebody(route, &escalate, notification, vec![id.clone()], opened, now);
        }
    }

    /// Puts something to what is to be sent.
    pub(super) fn send(&mut self, outgoing: Arc<Outgoing>, sinks: Vec<String>) {
        self.round.sendings.push(Sending { outgoing, sinks });
    }

    /// The same for a notification that is no alert by itself.
    pub(super) fn send_notification(&mut self, notification: &Notification, sinks: Vec<String>) {
        let rule = notification.alerts.first().map_or("", |told| &told.rule);
        let outgoing = Outgoing {
            id: notification.id.clone(),
            rule: rule.into(),
            key: order_key(&notification.subject),
            body: serde_json::to_string(notification).expect("a notification has text for keys"),
        };
        self.send(Arc::new(outgoing), sinks);
    }

    /// Notes what was decided of an alert, and counts it.
    pub(super) fn note(&mut self, alert: &str, now: Timestamp, decision: Decision) {
        *self.round.counts.entry(decision.reason()).or_default() += 1;
        let entry = Entry { at: now, decision };
        if self.log.note(alert, entry.clone()) {
            self.round.noted.entries.push((alert.to_owned(), entry));
        }
    }

    /// Does what is due.
    pub fn tick(&mut self, now: Timestamp) {
        // What is done for one thing may make another due at once, and nothing is made due again by itself.
        while let Some(due) = self.all_due(now) {
            for (_, what) in due {
                match what {
                    Due::Over(member) => self.over_by_time(&member),
                    Due::Group(group) => self.flush(&group, now),
                    Due::Escalation(waiting) => self.escalate(&waiting, now),
                }
            }
            self.settle_all(now);
        }
        self.close_groups(now);
        self.sources.take_due(now);
        self.silences.forget(now);
    }

    /// What is due, in the order of time.
    fn all_due(&self, now: Timestamp) -> Option<Vec<(Timestamp, Due)>> {
        let members = self.followed.due(now).map(|(due, member)| (due, Due::Over(member.clone())));
        let waits = |id: &str| self.batches.get(id).is_some_and(|batch| batch.waiting.is_some());
        let groups = self.batches.due(now).filter(|(_, id)| waits(id));
        let groups = groups.map(|(due, id)| (due, Due::Group(id.clone())));
        let waiting = self.escalations.due(now).map(|(due, key)| (due, Due::Escalation(key.clone())));
        let mut due: Vec<(Timestamp, Due)> = members.chain(groups).chain(waiting).collect();
        due.sort();
        Some(due).filter(|due| !due.is_empty())
    }

    /// When something is due next, if anything is.
    pub fn next_due(&self) -> Option<Timestamp> {
        let due = [self.followed.next_due(), self.batches.next_due(), self.escalations.next_due()];
        due.into_iter().flatten().min()
    }

    /// Ends the round: gives what has come of everything since the last one.
    pub fn take_round(&mut self, now: Timestamp) -> Round {
        let mut round = std::mem::take(&mut self.round);
        let changes = &mut round.changes;
        self.log.take_changes(now, changes);
        self.silences.rows.take_changes(changes);
        self.batches.take_changes(changes);
        self.listed.take_changes(changes);
        self.sources.take_changes(changes);
        self.escalations.take_changes(changes);
        self.followed.take_changes(changes);
        round
    }

    /// Sends all groups at once, whatever they wait for: when nothing outlasts the process.
    pub fn flush_all(&mut self, now: Timestamp) {
        let groups: Vec<String> = self.batches.iter().map(|(id, _)| id.clone()).collect();
        for group in groups {
            self.batches.change(&group, |batch| {
                batch.waiting.iter_mut().for_each(|waiting| waiting.urgent = true);
            });
            self.flush(&group, now);
        }
        self.settle_all(now);
    }

    /// How much is held.
    pub fn held_now(&self, now: Timestamp) -> Held {
        Held {
            groups: self.batches.len(),
            waiting: self.escalations.len(),
            followed: self.followed.len(),
            silences: self.silences.holding(now),
        }
    }

    /// The silences, the one that ends first before the others.
    pub fn silences(&mut self) -> &mut Silences {
        &mut self.silences
    }

    /// What was decided of alerts.
    #[cfg(test)]
    pub fn log(&self) -> &Log {
        &self.log
    }
}

/// Something whose time comes. Of one moment, what is over comes first, so that nobody is woken for it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Due {
    Over(String),
    Group(String),
    Escalation(String),
}

impl<'a> Offered<'a> {
    fn new(alert: &'a Alert) -> Offered<'a> {
        let outgoing = Arc::new(Outgoing::new(alert));
        Offered { alert, facts: Facts::of(alert), subject: subject(&outgoing.key), outgoing }
    }

    /// The alert without its events, as it is kept until it is over.
    pub fn in_short(&self) -> Option<Told> {
        let told: Told = serde_json::from_str(&self.outgoing.body).ok()?;
        Some(Told { events: Default::default(), ..told })
    }
}

/// What an order is kept by, as text.
pub(super) fn subject(key: &OrderKey) -> String {
    key.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The same from its text.
pub(super) fn order_key(subject: &str) -> OrderKey {
    let byte =
        |place: usize| subject.get(2 * place..2 * place + 2).and_then(|hex| u8::from_str_radix(hex, 16).ok());
    std::array::from_fn(|place| byte(place).unwrap_or_default())
}
