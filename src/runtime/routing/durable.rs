//! Routing beside the store.
//!
//! What was decided is *unsaved* until the transaction that holds it is durable; then it is given up, and those who
//! have asked for it are told. When a transaction fails, what was decided since goes with the next one.

use std::sync::Arc;
use std::time::Duration as Wait;

use crate::alert::Alert;
use crate::archive::{Batch, Item};
use crate::event::Timestamp;
use crate::routing::{Change, Round, Router, Sending, Settings, Unreadable};
use crate::store::{self, RoutingRow, Snapshot};
use crate::telemetry::catalogue::RoutingMetrics;

use super::desk::{Answer, Desk};

/// What the writer of the store holds of routing.
pub struct Routing {
    router: Router,
    desk: Desk,
    metrics: Arc<RoutingMetrics>,
    unsaved: Unsaved,
    /// Sinks that get their alerts in another way.
    elsewhere: Vec<String>,
    /// Whether something of it will never be stored, so that nothing more may be.
    is_over: bool,
}

/// What was decided and is not durable.
#[derive(Default)]
pub struct Unsaved {
    sendings: Vec<Sending>,
    changes: Vec<Change>,
    ids: Vec<String>,
    archived: Batch,
    answers: Vec<Answer>,
}

/// Routing cannot go on from the state.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// It cannot be read.
    #[error(transparent)]
    Store(#[from] store::StoreError),
    /// It is not understood.
    #[error(transparent)]
    Rows(#[from] Unreadable),
}

impl Routing {
    /// Routing that goes on from what a state has.
    ///
    /// # Errors
    /// When that cannot be read.
    pub fn open(
        settings: Arc<Settings>,
        snapshot: &Snapshot,
        desk: Desk,
        metrics: Arc<RoutingMetrics>,
    ) -> Result<Routing, OpenError> {
        let rows = snapshot.routing()?;
        let router = Router::new(settings, rows.iter().map(|(key, value)| (&**key, &**value)))?;
        Ok(Routing {
            router,
            desk,
            metrics,
            unsaved: Unsaved::default(),
            elsewhere: Vec::new(),
            is_over: false,
        })
    }

    /// The same, with nothing to be sent to these sinks, which get alerts in another way.
    pub fn without(self, elsewhere: Vec<String>) -> Routing {
        Routing { elsewhere, ..self }
    }

    /// Takes the alerts of a checkpoint, and those that limits have held back. `is_known`: whether one has been dealt
    /// with before.
    pub fn take<'a>(
        &mut self,
        alerts: impl IntoIterator<Item = &'a Alert>,
        limited: &[(Alert, u64)],
        is_known: impl Fn(&str) -> bool,
        now: Timestamp,
    ) {
        if self.is_over {
            return;
        }
        alerts.into_iter().for_each(|alert| self.router.offer(alert, is_known(&alert.id), now));
        limited.iter().for_each(|(alert, before)| self.router.note_limited(alert, *before, now));
        self.end_round(now);
    }

    /// Does what is due, and what is asked.
    pub fn attend(&mut self, now: Timestamp) {
        if self.is_over {
            return;
        }
        self.router.tick(now);
        for request in self.desk.take() {
            self.unsaved.answers.extend(request.serve(&mut self.router, now));
        }
        self.end_round(now);
    }

    fn end_round(&mut self, now: Timestamp) {
        let Round { mut sendings, changes, ids, noted, counts } = self.router.take_round(now);
        for Sending { sinks, .. } in &mut sendings {
            sinks.retain(|sink| !self.elsewhere.contains(sink));
        }
        self.unsaved.sendings.extend(sendings);
        self.unsaved.changes.extend(changes);
        self.unsaved.ids.extend(ids);
        self.unsaved.archived.extend(Item::of_round(noted));
        for (reason, count) in counts {
            self.metrics.decisions.of(reason).add(count);
        }
        super::measure(&self.router, &self.metrics, now);
    }

    /// How long to wait until something is due, if anything is.
    pub fn wait(&self, now: Timestamp) -> Option<Wait> {
        if self.is_over { None } else { super::wait_for(&self.router, now) }
    }

    /// The checkpoint that it was decided for can never be stored: what was decided counts for nothing, and nothing is
    /// decided any more. The next start goes on from what is stored.
    pub fn abandon(&mut self) {
        self.is_over = true;
        self.unsaved = Unsaved::default();
    }

    /// What is to be stored.
    pub fn unsaved(&self) -> &Unsaved {
        &self.unsaved
    }

    /// It is durable: tells those who have asked for it.
    pub fn saved(&mut self) {
        let Unsaved { answers, .. } = std::mem::take(&mut self.unsaved);
        answers.into_iter().for_each(|answer| answer());
    }
}

impl Unsaved {
    /// Whether there is nothing.
    pub fn is_empty(&self) -> bool {
        let Unsaved { sendings, changes, ids, archived, answers } = self;
        let has_nothing = sendings.is_empty() && changes.is_empty() && ids.is_empty() && archived.is_empty();
        has_nothing && answers.is_empty()
    }

    /// What is to be sent, for each sink, as the store takes it.
    pub fn alerts(&self, time: Timestamp) -> Vec<store::Alert<'_>> {
        let of_sinks = self.sendings.iter().flat_map(|Sending { outgoing, sinks }| {
            sinks.iter().map(move |sink| store::Alert {
                sink,
                id: &outgoing.id,
                rule: &outgoing.rule,
                key: &outgoing.key,
                time,
                body: outgoing.body.as_bytes(),
            })
        });
        of_sinks.collect()
    }

    /// What has changed of what is kept.
    pub fn rows(&self) -> Vec<RoutingRow<'_>> {
        let Unsaved { changes, .. } = self;
        changes.iter().map(|Change { key, value }| RoutingRow { key, value: value.as_deref() }).collect()
    }

    /// What is to be kept for people to look at.
    pub fn archived(&self) -> &Batch {
        &self.archived
    }

    /// The alerts that were dealt with.
    pub fn ids(&self) -> Vec<&str> {
        self.ids.iter().map(String::as_str).collect()
    }
}
