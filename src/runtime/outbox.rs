//! What waits for sinks and what was given up: looked at, sent again, dropped.
//!
//! Enters: a state of the store, and what is wanted. Leaves: what can be shown of it, or the changes that do what is wanted.
//! The same for a service that runs, whose thread that has the store carries it out, and for one that is stopped.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::{OnceLock, mpsc};

use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;
use utoipa::ToSchema;

use crate::alert::notification::Notification;
use crate::event::Timestamp;
use crate::store::{Current, DeadLetter, OutboxChange, Snapshot, Waiting};

use super::checkpoint::writer::Job;
use super::control::{ControlError, MOST_SHOWN};

/// So many are read of the store at a time.
const PORTION: usize = 1_000;
const PORTION_BYTES: u64 = 16 << 20;

/// Of which alerts something is wanted: those for which all of this is so.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
#[schema(examples(json!({"sink": "desk"})))]
pub struct Which {
    /// They are for this sink.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sink: Option<String>,
    /// They are of this rule.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    /// They began to wait, or were given up, before this time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<Timestamp>,
    /// They have these ids; any if there are none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ids: Vec<String>,
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Order {
    /// These are sent again that were given up.
    Retry(Which),
    /// These are not kept any longer that were given up.
    Drop(Which),
    /// These are tried at once that wait.
    Hurry(Which),
    /// These are not sent any more that wait.
    Discard(Which),
    /// A sink is used again whose receiver has said that it wants nothing any more.
    Enable(String),
}

/// What was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Done {
    /// To how many alerts, or sinks.
    pub count: u64,
}

/// What waits and what was given up.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct OutboxView {
    /// The sinks for which something waits, or was given up, or that are disabled.
    pub sinks: Vec<SinkView>,
    /// Alerts that wait, by sink and in order; the first ones.
    pub waiting: Vec<AlertView>,
    /// Alerts that were given up; the last ones.
    pub dead: Vec<AlertView>,
}

/// What there is of a sink.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = OutboxSink)]
pub struct SinkView {
    /// Its name.
    pub sink: String,
    /// How many alerts wait of those that are looked for.
    pub waiting: u64,
    /// Their bytes.
    pub bytes: u64,
    /// How many of them were given up.
    pub dead: u64,
    /// Why it is not used, if it is not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disabled: Option<String>,
}

/// An alert that waits or was given up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = OutboxAlert)]
pub struct AlertView {
    /// Its id.
    pub id: String,
    /// The sink.
    pub sink: String,
    /// The rule.
    pub rule: String,
    /// Its title; of several as one, the first one's.
    pub title: String,
    /// Since when it waits, or when it was given up.
    pub time: String,
    /// How often it has failed.
    pub tries: u32,
    /// When it is tried again at the latest, if it has failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub again: Option<String>,
    /// What went wrong last.
    #[serde(skip_serializing_if = "String::is_empty", default)]
    pub error: String,
}

impl Which {
    fn takes(&self, alert: &Waiting, time: Timestamp) -> bool {
        self.sink.as_ref().is_none_or(|sink| *sink == alert.sink)
            && self.rule.as_ref().is_none_or(|rule| *rule == alert.rule)
            && self.before.is_none_or(|before| time < before)
            && (self.ids.is_empty() || self.ids.contains(&alert.id))
    }

    /// The alerts that were given up.
    fn letters(&self, snapshot: &Snapshot) -> Result<Vec<DeadLetter>, ControlError> {
        let (mut found, mut after) = (Vec::new(), 0);
        loop {
            let portion = snapshot.dead_letters(after, PORTION)?;
            let Some(last) = portion.last() else { return Ok(found) };
            after = last.letter;
            found.extend(portion.into_iter().filter(|letter| self.takes(&letter.alert, letter.time)));
        }
    }

    /// Goes through the alerts that wait, by sink and in order, until `each` wants no more.
    fn each_waiting<'s>(
        &self,
        snapshot: &'s Snapshot,
        mut each: impl FnMut(&'s str, Waiting) -> ControlFlow<()>,
    ) -> Result<(), ControlError> {
        for sink in snapshot.lanes().keys().filter(|name| self.sink.as_ref().is_none_or(|sink| sink == *name))
        {
            let mut after = 0;
            loop {
                let portion = snapshot.waiting(sink, after, PORTION, PORTION_BYTES)?;
                let Some(last) = portion.last() else { break };
                after = last.number;
                for alert in portion.into_iter().filter(|alert| self.takes(alert, alert.time)) {
                    if each(sink, alert).is_break() {
                        return Ok(());
                    }
                }
            }
        }
        Ok(())
    }

    /// The first alerts that wait, so many at most.
    fn waiting(&self, snapshot: &Snapshot, most: usize) -> Result<Vec<Waiting>, ControlError> {
        let mut found = Vec::new();
        self.each_waiting(snapshot, |_, alert| {
            if found.len() >= most {
                return ControlFlow::Break(());
            }
            found.push(alert);
            ControlFlow::Continue(())
        })?;
        Ok(found)
    }

    /// The sinks and numbers of all that wait.
    fn numbers<'s>(&self, snapshot: &'s Snapshot) -> Result<Vec<(&'s str, u64)>, ControlError> {
        let mut found = Vec::new();
        self.each_waiting(snapshot, |sink, alert| {
            found.push((sink, alert.number));
            ControlFlow::Continue(())
        })?;
        Ok(found)
    }

    /// How many alerts wait for each sink, and their bytes.
    fn count<'s>(&self, snapshot: &'s Snapshot) -> Result<BTreeMap<&'s str, (u64, u64)>, ControlError> {
        let names_sinks_only = Which { sink: None, ..self.clone() } == Which::default();
        let mut counts: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
        for (name, lane) in snapshot.lanes() {
            let all = if names_sinks_only { (lane.alerts, lane.bytes) } else { (0, 0) };
            counts.insert(name, all);
        }
        if !names_sinks_only {
            self.each_waiting(snapshot, |sink, alert| {
                let (alerts, bytes) = counts.entry(sink).or_default();
                (*alerts, *bytes) = (*alerts + 1, *bytes + alert.size());
                ControlFlow::Continue(())
            })?;
        }
        Ok(counts)
    }
}

/// Shows what waits and what was given up, so many of each at most.
///
/// # Errors
/// When the store cannot be read, or what is asked makes no sense.
pub fn look(snapshot: &Snapshot, which: &Which, most: usize) -> Result<OutboxView, ControlError> {
    let most = most.min(MOST_SHOWN);
    let letters = which.letters(snapshot)?;
    let sinks = sinks(snapshot, which, &letters)?;
    let waiting =
        which.waiting(snapshot, most)?.iter().map(|alert| AlertView::new(alert, alert.time)).collect();
    let last = &letters[letters.len().saturating_sub(most)..];
    let dead = last.iter().map(|letter| AlertView::new(&letter.alert, letter.time)).collect();
    Ok(OutboxView { sinks, waiting, dead })
}

fn sinks(snapshot: &Snapshot, which: &Which, letters: &[DeadLetter]) -> Result<Vec<SinkView>, ControlError> {
    let mut sinks: Vec<SinkView> = Vec::new();
    for (name, (waiting, bytes)) in which.count(snapshot)? {
        let disabled = snapshot.lanes().get(name).and_then(|lane| lane.disabled.as_ref());
        let disabled = disabled.map(|disabled| format!("since {}: {}", disabled.since, disabled.error));
        sinks.push(SinkView { sink: name.to_owned(), waiting, bytes, dead: 0, disabled });
    }
    for letter in letters {
        let name = &letter.alert.sink;
        match sinks.iter_mut().find(|sink| sink.sink == *name) {
            Some(sink) => sink.dead += 1,
            None => sinks.push(SinkView { sink: name.clone(), dead: 1, ..SinkView::default() }),
        }
    }
    sinks.retain(|sink| which.sink.as_ref().is_none_or(|name| *name == sink.sink));
    sinks.sort_by(|one, other| one.sink.cmp(&other.sink));
    Ok(sinks)
}

impl AlertView {
    fn new(alert: &Waiting, time: Timestamp) -> AlertView {
        let told = std::str::from_utf8(&alert.body).ok().and_then(|body| Notification::read(body, "").ok());
        let title = told.and_then(|told| told.alerts.into_iter().next()).map(|first| first.title);
        let again =
            (alert.tries.failed > 0 && alert.tries.again != Timestamp::MIN).then_some(alert.tries.again);
        AlertView {
            id: alert.id.clone(),
            sink: alert.sink.clone(),
            rule: alert.rule.clone(),
            title: title.unwrap_or_default(),
            time: time.to_string(),
            tries: alert.tries.failed,
            again: again.map(|again| again.to_string()),
            error: alert.tries.error.clone(),
        }
    }
}

impl Order {
    /// What is to be changed for it, at this time.
    ///
    /// # Errors
    /// When the store cannot be read, or what is asked makes no sense.
    pub fn changes<'a>(
        &'a self,
        snapshot: &'a Snapshot,
        time: Timestamp,
    ) -> Result<Vec<OutboxChange<'a>>, ControlError> {
        Ok(match self {
            Order::Retry(which) => {
                let letters = which.letters(snapshot)?.into_iter();
                letters.map(|DeadLetter { letter, .. }| OutboxChange::Retried { letter, time }).collect()
            }
            Order::Drop(which) => {
                let letters = which.letters(snapshot)?.into_iter();
                letters.map(|DeadLetter { letter, .. }| OutboxChange::Dropped { letter }).collect()
            }
            Order::Hurry(which) => {
                let numbers = which.numbers(snapshot)?.into_iter();
                numbers.map(|(sink, number)| OutboxChange::Hurried { sink, number }).collect()
            }
            Order::Discard(which) => {
                let numbers = which.numbers(snapshot)?.into_iter();
                numbers.map(|(sink, number)| OutboxChange::Discarded { sink, number }).collect()
            }
            Order::Enable(sink) => {
                let lane = snapshot.lanes().get(sink).filter(|lane| lane.disabled.is_some());
                lane.map(|_| OutboxChange::Enabled { sink }).into_iter().collect()
            }
        })
    }
}

/// An order for the thread that has the store.
#[derive(Debug)]
pub struct OrderRequest {
    /// What is to be done.
    pub order: Order,
    reply: oneshot::Sender<Result<Done, ControlError>>,
}

impl OrderRequest {
    /// Says what has become of it. Who has gone needs no answer.
    pub fn reply(self, done: Result<Done, ControlError>) {
        let _ = self.reply.send(done);
    }
}

/// The way to the outbox of a service, once it runs and if it has one.
#[derive(Debug, Default)]
pub struct Desk(OnceLock<(mpsc::Sender<Job>, Current)>);

impl Desk {
    /// The service runs: these are its store and the thread that has it.
    pub fn open(&self, jobs: mpsc::Sender<Job>, current: Current) {
        // A service starts once.
        let _ = self.0.set((jobs, current));
    }

    /// Shows what waits and what was given up. Reads from the disk.
    ///
    /// # Errors
    /// When the service has not started, the store cannot be read, or what is asked makes no sense.
    pub fn look(&self, which: &Which, most: usize) -> Result<OutboxView, ControlError> {
        let (_, current) = self.0.get().ok_or(ControlError::Busy)?;
        look(&current.get(), which, most)
    }

    /// Has something done.
    ///
    /// # Errors
    /// When it cannot be done.
    pub async fn order(&self, order: Order) -> Result<Done, ControlError> {
        let (jobs, _) = self.0.get().ok_or(ControlError::Busy)?;
        let (reply, answer) = oneshot::channel();
        jobs.send(Job::Order(OrderRequest { order, reply })).map_err(|_| ControlError::Gone)?;
        answer.await.unwrap_or(Err(ControlError::Gone))
    }
}
