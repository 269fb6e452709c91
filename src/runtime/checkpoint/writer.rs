//! Stores checkpoints, on a thread of its own.
//!
//! Enters: checkpoints from the engine's thread, what sinks have done with alerts, and what people say of them. Leaves: transactions
//! of the store, each followed by what it allows: alerts for sinks, entries that the journal may forget,
//! room for the engine to use again. What cannot be stored is kept and tried again until it can.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration as Wait, Instant};

use tracing::{error, info, warn};

use crate::archive::{Archive, Batch, Delivery, Happening, Item};
use crate::disk::Disk;
use crate::event::Duration;
use crate::journal::Journal;
use crate::outbox::durable::{Change, Feed};
use crate::source::Clock;
use crate::source::positions::Positions;
use crate::store::{self, Commit, Committed, OutboxChange, Row, Store};
use crate::telemetry::Metrics;
use crate::telemetry::catalogue::CheckpointMetrics;
use crate::telemetry::limit::{RateLimit, Verdict};
use crate::watch;

use super::super::control::{ControlError, Health, ServicePart};
use super::super::engines::Part;
use super::super::outbox::{Done, Order, OrderRequest};
use super::super::routing::durable::{Routing, Unsaved};
use super::elsewhere::Elsewhere;
use super::{Checkpoint, KeepError, Reply};

/// So long the writer waits before it tries again what could not be stored.
const AGAIN: Wait = Wait::from_secs(1);
/// What sinks have done goes with the next checkpoint, if that comes within so long.
const SETTLE: Wait = Wait::from_millis(500);
/// While nothing can be stored, this is said so often.
const TROUBLE_LOGGED: Duration = Duration::from_micros(60_000_000);
/// So long the ids of alerts are remembered, so that none enters the outbox twice.
const REMEMBERED: Duration = Duration::DAY;

/// What there is to do.
#[derive(Debug)]
pub enum Job {
    /// Store this.
    Checkpoint(Box<Checkpoint>),
    /// Sinks have done something.
    Settled,
    /// Someone wants something done with alerts that wait or were given up, or with a sink.
    Order(OrderRequest),
    /// Somebody asks something of routing.
    Asked,
    /// The engine has ended: no alert will come any more.
    LastAlert,
    /// Nothing will come any more: store what there is, and end.
    End,
}

/// Stores checkpoints.
pub struct Writer {
    store: Store,
    around: Surroundings,
    counted: Arc<CheckpointMetrics>,
    reply: Reply,
    /// What sinks have done and is not stored.
    settled: Vec<Change>,
    pending: Option<Checkpoint>,
    /// Whether nothing can be stored.
    is_stuck: bool,
    /// Whether as many alerts wait for sinks as may.
    is_outbox_full: bool,
    /// How many dead letters had made room for others before the start.
    dropped_before: u64,
    complaints: RateLimit,
}

/// What a writer needs to know of the service.
pub struct Surroundings {
    /// What decides where alerts go.
    pub routing: Routing,
    /// Where the state of engines is kept that moves; `None`: here.
    pub elsewhere: Option<Elsewhere>,
    /// What sinks take alerts from, and say what has become of them.
    pub feed: Feed,
    /// What is trimmed.
    pub journal: Journal,
    /// Told how far sources have come for good.
    pub settled: watch::Sender<Arc<Positions>>,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// What is counted.
    pub metrics: Arc<Metrics>,
    /// Told when nothing can be stored.
    pub health: Health,
    /// How many bytes of alerts may wait for sinks.
    pub max_outbox: u64,
    /// Told which alerts are durable.
    pub archive: Archive,
    /// So long alerts are kept for people to look at.
    pub keep_alerts: Duration,
    /// Where savepoints are written.
    pub disk: Arc<dyn Disk>,
}

impl Writer {
    /// Writes to a store, and tells the engine's thread.
    pub fn new(store: Store, around: Surroundings, reply: Reply) -> Writer {
        let counted = around.metrics.checkpoints.clone();
        let (_, _, dropped_before) = store.snapshot().dead();
        let mut writer = Writer {
            store,
            around,
            counted: counted.expect("a service with a store counts its checkpoints"),
            reply,
            settled: Vec::new(),
            pending: None,
            is_stuck: false,
            is_outbox_full: false,
            dropped_before,
            complaints: RateLimit::new(1, TROUBLE_LOGGED),
        };
        writer.measure();
        writer
    }

    /// Works off jobs until the last of them, and closes the store. For a thread of its own.
    pub fn run(mut self, jobs: &Receiver<Job>) {
        if let Some(elsewhere) = &mut self.around.elsewhere {
            elsewhere.begin();
        }
        // When to go on without a job: to try again, or to store what sinks have done.
        let mut due: Option<Instant> = None;
        loop {
            let job = match self.wake(due) {
                Some(due) => jobs.recv_timeout(due.saturating_duration_since(Instant::now())),
                None => jobs.recv().map_err(|_| RecvTimeoutError::Disconnected),
            };
            match job {
                Ok(Job::Checkpoint(checkpoint)) => self.take(*checkpoint),
                Ok(Job::Settled) => {
                    due.get_or_insert_with(|| Instant::now() + SETTLE);
                    continue;
                }
                Ok(Job::Order(request)) => {
                    self.order(request);
                    continue;
                }
                Ok(Job::LastAlert) => {
                    self.last_alert();
                    continue;
                }
                Ok(Job::End) | Err(RecvTimeoutError::Disconnected) => break,
                Ok(Job::Asked) | Err(RecvTimeoutError::Timeout) => {}
            }
            due = if self.work() { None } else { Some(Instant::now() + AGAIN) };
        }
        self.end();
    }

    /// When to go on without a job: at `due`, or when routing has something to do. While nothing can be stored, that
    /// waits as well.
    fn wake(&self, due: Option<Instant>) -> Option<Instant> {
        let wait = self.around.routing.wait(self.around.clock.now()).filter(|_| !self.is_stuck);
        due.into_iter().chain(wait.map(|wait| Instant::now() + wait)).min()
    }

    /// Takes a checkpoint; there may be none that is not stored.
    pub fn take(&mut self, mut checkpoint: Checkpoint) {
        assert!(self.pending.is_none(), "one checkpoint is under way at a time");
        let Surroundings { routing, clock, elsewhere, .. } = &mut self.around;
        if let Some(elsewhere) = elsewhere {
            elsewhere.leave_out_lost(&mut checkpoint);
        }
        let is_known = |id: &str| self.store.knows(id);
        routing.take(checkpoint.alerts(), &checkpoint.limited, is_known, clock.now());
        self.pending = Some(checkpoint);
    }

    /// Stores what there is to store. Returns whether that is done; otherwise it is to be tried again.
    pub fn work(&mut self) -> bool {
        self.settled.append(&mut self.around.feed.take_changes());
        self.around.routing.attend(self.around.clock.now());
        let begun = Instant::now();
        let delivered = self.delivered();
        let stored = match self.pending.take() {
            Some(pending) => match self.store(&pending, &delivered) {
                Ok(committed) => {
                    self.count(&pending, &committed, begun.elapsed());
                    self.tell(&delivered, &committed);
                    self.let_go(pending);
                    Ok(())
                }
                Err(error) => {
                    self.pending = Some(pending);
                    Err(error)
                }
            },
            None if self.settled.is_empty() && self.around.routing.unsaved().is_empty() => Ok(()),
            None => self.store_beside(&delivered).map(|committed| {
                self.tell(&delivered, &committed);
                self.published();
            }),
        };
        self.measure();
        match stored {
            Ok(()) => {
                self.say_unstuck();
                true
            }
            Err(error) if error.is_temporary() => {
                self.say_stuck(&error);
                false
            }
            Err(error) => {
                error!(%error, "the state cannot be stored: the service cannot go on");
                self.pending = None;
                self.around.routing.abandon();
                self.reply.stored(Err(error));
                true
            }
        }
    }

    /// Does what is wanted, together with what sinks have done.
    fn order(&mut self, request: OrderRequest) {
        self.settled.append(&mut self.around.feed.take_changes());
        let done = self.carry_out(&request.order);
        request.reply(done);
    }

    fn carry_out(&mut self, order: &Order) -> Result<Done, ControlError> {
        // What sinks have done comes first: the order may be about just that. What routing has decided may be of a
        // checkpoint that is not stored yet: it goes with that.
        if !self.settled.is_empty() {
            let delivered = self.delivered();
            let (outbox, archive) = (changes(&self.settled), delivered.entries().collect::<Vec<_>>());
            self.store.commit_beside(&Commit { outbox: &outbox, archive: &archive, ..Commit::default() })?;
            self.settled.clear();
            self.around.feed.published();
        }
        let snapshot = self.store.snapshot().clone();
        let wanted = order.changes(&snapshot, self.around.clock.now())?;
        self.store.change_outbox(&wanted)?;
        self.around.feed.asked(&wanted);
        self.around.feed.published();
        self.measure();
        Ok(Done { count: wanted.len() as u64 })
    }

    /// The engine has ended: no alert will come any more.
    pub fn last_alert(&mut self) {
        self.around.feed.end();
    }

    /// Stores a checkpoint: all of it here, or what moves with partitions in their topic.
    fn store(&mut self, checkpoint: &Checkpoint, delivered: &Batch) -> Result<Committed, KeepError> {
        let [Part { holding: None, changes: state, .. }] = &*checkpoint.parts else {
            return self.store_elsewhere(checkpoint, delivered);
        };
        let rows: Vec<Row<'_>> = state.rows().map(as_stored).collect();
        let (time, unsaved) = (checkpoint.time, self.around.routing.unsaved());
        let committed = self.store.commit(&Commit {
            time,
            head: &state.head,
            rows: &rows,
            positions: &checkpoint.positions.encode(),
            journal: checkpoint.positions.journal,
            alerts: &unsaved.alerts(time),
            outbox: &changes(&self.settled),
            dealt_with: &unsaved.ids(),
            routing: &unsaved.rows(),
            archive: &kept(unsaved, delivered),
            archive_before: Some(time.saturating_sub(self.around.keep_alerts)),
            forget: Some(time.saturating_sub(REMEMBERED)),
        });
        Ok(committed?)
    }

    /// Stores here what is to be sent, and in the topic of the state what the engines have decided it by. When only the
    /// first has happened, it is decided anew, and is sent again with the same id at most.
    fn store_elsewhere(
        &mut self,
        checkpoint: &Checkpoint,
        delivered: &Batch,
    ) -> Result<Committed, KeepError> {
        let (time, unsaved) = (checkpoint.time, self.around.routing.unsaved());
        let committed = self.store.commit(&Commit {
            time,
            positions: &Positions::default().encode(),
            alerts: &unsaved.alerts(time),
            outbox: &changes(&self.settled),
            dealt_with: &unsaved.ids(),
            routing: &unsaved.rows(),
            archive: &kept(unsaved, delivered),
            archive_before: Some(time.saturating_sub(self.around.keep_alerts)),
            forget: Some(time.saturating_sub(REMEMBERED)),
            ..Commit::default()
        })?;
        if let Some(elsewhere) = &mut self.around.elsewhere {
            elsewhere.store(checkpoint)?;
        }
        Ok(committed)
    }

    /// Stores what sinks have done and routing has decided since the last checkpoint.
    fn store_beside(&mut self, delivered: &Batch) -> Result<Committed, KeepError> {
        let (time, unsaved) = (self.around.clock.now(), self.around.routing.unsaved());
        let stored = self.store.commit_beside(&Commit {
            time,
            alerts: &unsaved.alerts(time),
            outbox: &changes(&self.settled),
            dealt_with: &unsaved.ids(),
            routing: &unsaved.rows(),
            archive: &kept(unsaved, delivered),
            ..Commit::default()
        });
        Ok(stored?)
    }

    /// What sinks have done, as it is kept for people to look at.
    fn delivered(&self) -> Batch {
        let now = self.around.clock.now();
        let of = |change: &Change| Delivery::of(&change.as_outbox_change(), change.id(), now);
        self.settled
            .iter()
            .filter_map(of)
            .map(|delivery| Item::Happening(Happening::Delivered(delivery)))
            .collect()
    }

    /// What is kept is durable: tells those who look on.
    fn tell(&self, delivered: &Batch, committed: &Committed) {
        let mut numbers = committed.archived.iter().copied();
        self.around.archive.tell(self.around.routing.unsaved().archived(), &mut numbers);
        self.around.archive.tell(delivered, &mut numbers);
    }

    /// A checkpoint is durable: does what had to wait for that.
    fn let_go(&mut self, checkpoint: Checkpoint) {
        let now = self.around.clock.now();
        let delays = checkpoint.alerts().filter_map(|alert| alert.delay(now));
        delays.for_each(|delay| self.around.metrics.engine.delay.record(Wait::from_micros(delay)));
        self.published();
        self.around.journal.trim(checkpoint.positions.journal);
        self.around.settled.send_replace(checkpoint.positions);
        for savepoint in checkpoint.savepoints {
            savepoint.write(Arc::clone(&self.around.disk), Arc::clone(self.store.snapshot()));
        }
        self.reply.stored(Ok(checkpoint.parts));
    }

    /// What sinks have done is stored, and alerts that were with it may be sent.
    fn published(&mut self) {
        self.settled.clear();
        self.around.routing.saved();
        self.around.feed.published();
    }

    fn count(&self, checkpoint: &Checkpoint, committed: &Committed, time: Wait) {
        self.counted.stored.add(1);
        self.counted.commit.record(time);
        self.counted.rows.add(checkpoint.rows() as u64);
        self.counted.bytes.add(committed.bytes);
        self.counted.forgotten.add(committed.crowded_out);
        self.counted.time.set(checkpoint.time);
    }

    fn measure(&mut self) {
        let snapshot = Arc::clone(self.store.snapshot());
        if let Ok(size) = snapshot.file_size() {
            self.counted.size.set(size);
        }
        let outbox = snapshot.lanes().values().map(|lane| lane.bytes).sum();
        self.counted.outbox.set(outbox);
        self.say_outbox(outbox);
        let (letters, _, dropped) = snapshot.dead();
        self.counted.dead.set(letters);
        self.counted.dropped.follow(dropped - self.dropped_before);
    }

    /// Alerts that nobody takes must not fill the disk.
    fn say_outbox(&mut self, bytes: u64) {
        let (most, health) = (self.around.max_outbox, &self.around.health);
        let was_full = std::mem::replace(&mut self.is_outbox_full, bytes > most);
        if was_full == self.is_outbox_full {
            return;
        }
        self.reply.set_outbox_full(self.is_outbox_full);
        if was_full {
            health.fine(ServicePart::Outbox);
            info!(bytes, "sinks have accepted alerts: the service goes on");
        } else {
            let why = format!(
                "alerts of {bytes} bytes wait for sinks, and `state.max_outbox` is {most}: nothing is taken until sinks \
                 have accepted some; look why they do not, or set it higher"
            );
            error!("{why}");
            health.trouble(ServicePart::Outbox, why);
        }
    }

    fn say_stuck(&mut self, error: &KeepError) {
        self.counted.failed.add(1);
        self.counted.stuck.set(1);
        self.is_stuck = true;
        self.reply.set_stuck(true);
        self.around.health.trouble(ServicePart::Store, error.to_string());
        if let Verdict::Show { .. } = self.complaints.check(self.around.clock.now()) {
            error!(%error, "nothing is taken until the state can be stored; this is tried again each second");
        }
    }

    fn say_unstuck(&mut self) {
        if std::mem::take(&mut self.is_stuck) {
            self.counted.stuck.set(0);
            self.reply.set_stuck(false);
            self.around.health.fine(ServicePart::Store);
            self.complaints = RateLimit::new(1, TROUBLE_LOGGED);
            info!("the state can be stored again: the service goes on");
        }
    }

    /// Stores what is left, as far as that works, and closes the store.
    pub fn end(mut self) {
        if !self.work() {
            warn!(
                "the last checkpoint is not stored: after the next start, what came since the one before is worked through again"
            );
        }
        if let Err(error) = self.store.close() {
            warn!(%error, "the state was not closed as it should be; what was stored is kept");
        }
    }
}

/// What is kept for people to look at: what routing has noted, then what sinks have done.
fn kept<'a>(unsaved: &'a Unsaved, delivered: &'a Batch) -> Vec<store::Entry<'a>> {
    unsaved.archived().entries().chain(delivered.entries()).collect()
}

fn changes(settled: &[Change]) -> Vec<OutboxChange<'_>> {
    settled.iter().map(Change::as_outbox_change).collect()
}

/// A row of the engine as the store knows it.
fn as_stored(row: crate::stored::Row<'_>) -> Row<'_> {
    let crate::stored::Row { space, group, key, value } = row;
    Row { space: space.number(), group, key, value }
}
