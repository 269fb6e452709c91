//! What keeps the state of a service while it runs: the journal, and the thread that has the store.

use std::sync::{Arc, mpsc};

use anyhow::Context as _;
use tokio::sync::oneshot;
use tokio::time::{Instant, timeout_at};
use tracing::{error, warn};

use crate::config::{self, Config, SinkKind};
use crate::disk::RealDisk;
use crate::journal::Journal;
use crate::moving::Ledger;
use crate::outbox::durable;
use crate::program::Program;
use crate::sink::kafka::Output;
use crate::source::Clock;
use crate::source::gate::{Backlog, Forwarder, Gate, Listening, Wanted, gate, recover};
use crate::source::positions::Positions;
use crate::source::queue::Sender;
use crate::telemetry::Metrics;
use crate::telemetry::catalogue::SinkMetrics;
use crate::watch;

use super::LAST_GRACE;
use super::checkpoint::elsewhere::{Elsewhere, Participant};
use super::checkpoint::writer::{self, Job, Writer};
use super::checkpoint::{Checkpoints, checkpoints, slow};
use super::control::{Control, ServicePart};
use super::recovery::Opened;
use super::routing::durable::Routing;
use super::{routing, sinks};

/// What keeps the state of a service.
pub struct Keeping {
    jobs: mpsc::Sender<Job>,
    journal: Journal,
    listening: Listening,
    /// Told when the thread that has the store has ended.
    ended: oneshot::Receiver<()>,
}

impl Keeping {
    /// Starts the thread that has the store, and the sinks, which take alerts from it. Gives what the
    /// engine makes checkpoints with.
    ///
    /// # Errors
    /// When a sink cannot be opened or the thread cannot be started.
    pub fn start(
        (opened, ledger): (Opened, Option<Ledger>),
        config: &Config,
        metrics: &Arc<Metrics>,
        clock: &Arc<dyn Clock>,
        control: &Control,
        halted: &watch::Receiver<bool>,
        workers: &mut sinks::Workers,
    ) -> anyhow::Result<(Checkpoints, Keeping)> {
        let Opened { store, journal, listening, state, settled, .. } = opened;
        let health = control.health();
        let counted = metrics.checkpoints.clone().expect("a service with a store counts its checkpoints");
        let watched = Arc::clone(&counted);
        health.ask(ServicePart::Store, move || slow(&watched));
        let (checkpoints, jobs, work, reply) = checkpoints(state.checkpoint, counted);
        // The journal has to have room for what comes before it may forget what came before that. An event takes
        // more in memory than its record in the journal.
        let part = usize::try_from(state.journal.disk / 2).unwrap_or(usize::MAX);
        let checkpoints = checkpoints.keeping_at_most(part);
        if let Ok(outbox) = control.outbox() {
            outbox.open(jobs.clone(), store.current());
        }
        let (waker, time) = (jobs.clone(), Arc::clone(clock));
        let outbox = durable::Around {
            reads: durable::Reads::Aside,
            current: store.current(),
            // When the thread that stores has ended nothing is stored any more.
            waker: Arc::new(move || drop(waker.send(Job::Settled))),
            now: Arc::new(move || time.now()),
        };
        let archive = control.archive().clone();
        archive.in_store(store.current())?;
        let feed = sinks::start_durable(config, metrics, outbox, halted, workers)?;
        let backlog = Arc::clone(listening.backlog());
        health.ask(ServicePart::Journal, move || backlog.reason().map(|why| why.to_string()));
        let waker = jobs.clone();
        let desk = control.desk().clone();
        desk.attend(Arc::new(move || drop(waker.send(Job::Asked))));
        let (journal_too, clock) = (journal.clone(), Arc::clone(clock));
        let routing = routing::settings(config);
        let participants = ledger.as_ref().map(|_| participants(config, metrics)).unwrap_or_default();
        let names = participants.iter().map(|one| one.name.clone()).collect();
        let elsewhere = ledger.map(|ledger| Elsewhere::new(ledger, participants, Arc::clone(&routing)));
        let routing = Routing::open(routing, store.snapshot(), desk, Arc::clone(&metrics.routing))?;
        let around = writer::Surroundings {
            routing: routing.without(names),
            elsewhere,
            feed,
            journal: journal_too,
            settled,
            clock,
            metrics: Arc::clone(metrics),
            health: health.clone(),
            max_outbox: state.max_outbox,
            archive,
            keep_alerts: state.keep_alerts,
            disk: Arc::new(RealDisk),
        };
        let writer = Writer::new(store, around, reply);
        let (end, ended) = oneshot::channel();
        std::thread::Builder::new()
            .name("store".into())
            .spawn(move || {
                writer.run(&work);
                // Nobody listens when the process is being stopped at once.
                let _ = end.send(());
            })
            .context("cannot start the thread that stores the state")?;
        Ok((checkpoints, Keeping { jobs, journal, listening, ended }))
    }

    /// What waits until it is in the journal.
    pub fn backlog(&self) -> Arc<Backlog> {
        Arc::clone(self.listening.backlog())
    }

    /// Gives the engine what is in the journal and not in its state, of sources as they are now. Returns
    /// how far sources have come with that.
    ///
    /// # Errors
    /// When the journal cannot be read, or does not belong to the state.
    pub async fn recover(
        &self,
        mut positions: Positions,
        sources: &[Wanted],
        program: &Program,
        queue: &Sender,
    ) -> anyhow::Result<Positions> {
        let stream = |name: &str| program.input(name).ok();
        recover(&self.journal, &mut positions, sources, stream, queue).await?;
        Ok(positions)
    }

    /// The way of records through the journal to the engine. At most `bytes` of events wait on it.
    pub fn gate(&self, queue: Sender, bytes: usize) -> (Gate, Forwarder) {
        gate(self.journal.clone(), &self.listening, queue, bytes)
    }

    /// The engine has ended: no alert will come any more.
    pub fn last_alert(&self) {
        let _ = self.jobs.send(Job::LastAlert);
    }

    /// Stores what there is to store, and closes everything. Returns whether that was done in time.
    pub async fn finish(self, deadline: Instant) -> bool {
        let deadline = deadline.max(Instant::now() + LAST_GRACE);
        let _ = self.jobs.send(Job::End);
        let stored = timeout_at(deadline, self.ended).await;
        let is_stored = matches!(stored, Ok(Ok(())));
        if !is_stored {
            error!(
                "what has happened since the last checkpoint is not stored: after the next start it is worked through again"
            );
        }
        let journal = self.journal;
        let closed = tokio::task::spawn_blocking(move || journal.close());
        match timeout_at(deadline, closed).await {
            Ok(Ok(Ok(()))) => is_stored,
            Ok(Ok(Err(trouble))) => {
                warn!(%trouble, "the journal was not closed as it should be");
                false
            }
            Ok(Err(_)) | Err(_) => false,
        }
    }
}

/// The sinks that take part in the transactions in which state is stored.
fn participants(config: &Config, metrics: &Metrics) -> Vec<Participant> {
    let of = |(sink, metrics): (&config::Sink, &Arc<SinkMetrics>)| match &sink.kind {
        SinkKind::Kafka(settings) if settings.transactions => Some(Participant {
            name: sink.name.value.clone(),
            output: Output::of(settings),
            metrics: Arc::clone(metrics),
        }),
        _ => None,
    };
    config.sinks.iter().zip(&metrics.sinks).filter_map(of).collect()
}
