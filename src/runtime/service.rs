//! The service: sources, engine and sinks, from start to a clean stop.
//!
//! Stopping goes with the stream, so that nothing received is lost: sources stop accepting and read
//! what has arrived, the engine works off its queue, sinks deliver what is in theirs. What is not done
//! when the time is up is left and named in the log.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Context as _;
use tokio::runtime::Handle;
use tokio::sync::{oneshot, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout_at};
use tracing::{error, info};

use crate::config::tables::Loaded;
use crate::config::{Config, SourceKind};
use crate::engine::EngineOptions;
use crate::outbox::{Left, Outbox};
use crate::program::Program;
use crate::source::positions::Resume;
use crate::source::queue::queue;
use crate::source::{self, Clock, PartitionNumbers, Stop, Surroundings};
use crate::store::Store;
use crate::table::TableId;
use crate::telemetry::Metrics;

use super::LAST_GRACE;
use super::control::{Health, Requests};
use super::driver::{Driver, Exit};
use super::keeping::Keeping;
use super::kept::Kept;
use super::reload::{self, Watch};
use super::shelf::Memory;
use super::{recovery, sinks, sources, workers};

/// How many undelivered alerts of one sink are named in the log.
const NAMED: usize = 100;

/// What a service is started with.
pub struct Start {
    /// What it is to do.
    pub config: Config,
    /// Its rules.
    pub program: Arc<Program>,
    /// What their lists and tables hold.
    pub tables: Loaded,
    /// The store of its state, if it keeps one: that of its configuration.
    pub store: Option<Store>,
    /// Told how it does.
    pub health: Health,
    /// What it is asked.
    pub requests: Requests,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
}

/// A service that runs.
pub struct Service {
    config: Config,
    health: Health,
    metrics: Arc<Metrics>,
    stop: watch::Sender<bool>,
    halt_sinks: watch::Sender<bool>,
    halt_engine: Arc<AtomicBool>,
    sources: JoinSet<()>,
    sinks: sinks::Workers,
    engine: oneshot::Receiver<anyhow::Result<usize>>,
    /// What keeps state, if some is kept.
    keeping: Option<Keeping>,
    kept: Kept,
    /// Watches the files of lists and tables.
    _watch: Watch,
}

/// How a service ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Whether everything received was worked on and every alert was delivered or given up.
    pub complete: bool,
}

impl Service {
    /// Starts a service: opens the sinks, takes the addresses, and only then lets events in.
    ///
    /// # Errors
    /// When a sink cannot be opened or an address cannot be taken.
    pub async fn start(start: Start) -> anyhow::Result<Service> {
        let Start { config, program, tables, store, health, requests, clock } = start;
        let metrics = metrics(&config, &program);
        let opened = match (&config.state, store) {
            (Some(state), Some(store)) => Some(recovery::open(state, store, &metrics)?),
            _ => None,
        };
        let positions = opened.as_ref().map(|opened| opened.positions.clone()).unwrap_or_default();
        // What is to be opened is opened before anything happens, so that what is wrong is said at once.
        let sources = sources::open(&config, &program, &metrics, &Resume::at(positions.clone())).await?;
        let kept = Kept::start(&config, &metrics)?;
        let shards = config.shards.unwrap_or_else(workers::cores);
        // The sources ask how far ahead of the clock an event is, so that they can set it aside as it came.
        let options = EngineOptions { max_ahead: None, shards, ..EngineOptions::LIVE };
        let news = Arc::default();
        let mut engine = match &opened {
            Some(recovery::Opened { store, state, .. }) => {
                let memory = state.memory.map(|limit| Memory::new(limit, store.current()));
                recovery::engine(store.snapshot(), &program, options, memory, &news)?
            }
            None => workers::engine(program.clone(), options, &news).context("cannot start the shards")?,
        };
        engine.set_tables(Arc::clone(&tables.tables));
        log_tables(&program, &tables);
        let (watch, replacements) = reload::start(program.clone(), tables, metrics.clone())?;

        let (halt_sinks, halted) = watch::channel(false);
        let mut workers = JoinSet::new();
        let flow = Arc::default();
        let (exit, keeping) = match opened {
            None => (Exit::Outbox(sinks::start(&config, &metrics, &halted, &mut workers)?), None),
            Some(opened) => {
                let (checkpoints, keeping) =
                    Keeping::start(opened, &config, &metrics, &clock, &health, &halted, &mut workers)?;
                (Exit::Checkpoints(checkpoints), Some(keeping))
            }
        };
        let mut driver = Driver::new(engine, exit, clock.clone(), metrics.clone())
            .with_replacements(replacements)
            .with_reorder_bound(config.reorder_bytes, Arc::clone(&flow))
            .with_news(news)
            .answering(requests)
            .keeping_late(kept.late.clone());
        if let Some(keeping) = &keeping {
            driver = driver.resuming(positions.clone()).behind(keeping.backlog());
        }
        let (queue, inputs) = queue(config.queue);
        let halt_engine = Arc::new(AtomicBool::new(false));
        let engine = start_engine(driver, inputs, Arc::clone(&halt_engine))?;

        let (stop, stopped) = watch::channel(false);
        let mut around = Surroundings {
            limits: config.limits,
            numbers: Arc::default(),
            queue,
            gate: None,
            resume: Resume::default(),
            quarantine: kept.quarantine.clone(),
            flow,
            stop: Stop::new(stopped),
            clock,
        };
        let mut readers = JoinSet::new();
        let positions = match &keeping {
            Some(keeping) => {
                let wanted = sources::wanted(&config, &program, &metrics, &around)?;
                let positions = keeping.recover(positions, &wanted, &program, &around.queue).await?;
                let (gate, forwarder) = keeping.gate(around.queue.clone(), config.queue.bytes);
                readers.spawn(forwarder.run());
                around.gate = Some(gate);
                positions
            }
            None => positions,
        };
        let names = program.streams().iter().map(|stream| stream.name.as_str());
        around.numbers = Arc::new(PartitionNumbers::after(&positions, names));
        around.resume = Resume::at(positions);
        sources::start(&config, &program, &metrics, &around, sources, &mut readers)?;
        // What holds the gate and the queue from now on are the sources, with whom they end.
        drop(around);
        health.started();
        info!(
            rules = program.rules().len(),
            streams = program.streams().len(),
            sources = config.sources.len(),
            sinks = config.sinks.len(),
            shards,
            "ready"
        );
        let (sources, sinks) = (readers, workers);
        Ok(Service {
            config,
            health,
            metrics,
            stop,
            halt_sinks,
            halt_engine,
            sources,
            sinks,
            engine,
            keeping,
            kept,
            _watch: watch,
        })
    }

    /// Runs until all sources have ended or `stop` is over, and then finishes what has been received.
    ///
    /// # Errors
    /// When the engine fails.
    pub async fn run(mut self, stop: impl Future<Output = ()>) -> anyhow::Result<Outcome> {
        // How the engine ended, if it did before it was waited for.
        let mut ended = None;
        tokio::select! {
            () = stop => info!("stopping: reading what has arrived"),
            () = join_all(&mut self.sources) => info!("all sources have ended"),
            // With the last source its queue ends, and it may be through before that is noticed here.
            // Otherwise it ends by itself only when it panics.
            done = &mut self.engine => ended = Some(how_it_ended(done)),
        }
        let deadline = Instant::now() + self.config.shutdown_timeout;
        match &ended {
            Some(Err(error)) => self.health.failed(format!("{error:#}")),
            _ => self.health.stopping(),
        }
        self.stop.send_replace(true);
        if timeout_at(deadline, join_all(&mut self.sources)).await.is_err() {
            error!("the time to stop was up before the sources had handed over what they read");
        }
        // With the sources goes the last sender of the engine's queue, which thereby ends.
        self.sources.abort_all();
        join_all(&mut self.sources).await;
        let mut complete = true;
        let ended = match ended {
            Some(ended) => ended,
            None => {
                info!("the sources have stopped; finishing");
                self.finish_engine(deadline).await
            }
        };
        complete &= matches!(ended, Ok(true));
        if let Some(keeping) = &self.keeping {
            keeping.last_alert();
        }
        complete &= self.finish_sinks(deadline).await;
        if let Some(keeping) = self.keeping.take() {
            complete &= keeping.finish(deadline).await;
        }
        self.kept.finish(deadline).await;
        self.log_summary();
        ended?;
        Ok(Outcome { complete })
    }

    /// Waits for the engine to work off its queue. Returns whether it did so in time.
    async fn finish_engine(&mut self, deadline: Instant) -> anyhow::Result<bool> {
        if let Ok(done) = timeout_at(deadline, &mut self.engine).await {
            return how_it_ended(done);
        }
        self.halt_engine.store(true, Ordering::Relaxed);
        // It may be waiting for room in the queue of a sink, which leaving the queues makes.
        self.halt_sinks.send_replace(true);
        match tokio::time::timeout(LAST_GRACE, &mut self.engine).await {
            Ok(done) => return how_it_ended(done),
            Err(_) => error!("the engine does not stop; left as it is"),
        }
        Ok(false)
    }

    /// Waits for the sinks to deliver. Returns whether everything was delivered or given up.
    async fn finish_sinks(&mut self, deadline: Instant) -> bool {
        let mut complete = true;
        let mut halted = *self.halt_sinks.borrow();
        let mut until = if halted { Instant::now() + LAST_GRACE } else { deadline };
        loop {
            match timeout_at(until, self.sinks.join_next()).await {
                Ok(None) => return complete,
                Ok(Some(Ok((sink, left)))) => {
                    complete &= left.lost.is_empty();
                    self.name_undelivered(sink, &left);
                }
                Ok(Some(Err(failure))) => {
                    error!(%failure, "a sink has failed");
                    complete = false;
                }
                Err(_) if halted => {
                    error!("a sink does not stop; left as it is");
                    return false;
                }
                Err(_) => {
                    halted = true;
                    self.halt_sinks.send_replace(true);
                    until = Instant::now() + LAST_GRACE;
                }
            }
        }
    }

    fn name_undelivered(&self, sink: usize, left: &Left) {
        let sink = &self.config.sinks[sink].name.value;
        let Left { lost: left, kept } = left;
        if *kept > 0 {
            info!(%sink, alerts = kept, "left: alerts that wait in the store for the next start");
        }
        for alert in left.iter().take(NAMED) {
            error!(%sink, alert = %alert.id, rule = %alert.rule, "not delivered: the time to stop was up");
        }
        if left.len() > NAMED {
            error!(%sink, alerts = left.len() - NAMED, "not delivered either: the time to stop was up");
        }
    }

    fn log_summary(&self) {
        let engine = &self.metrics.engine;
        let (events, runs) = (engine.waiting.get(), engine.runs.get());
        if events + runs > 0 && self.config.state.is_some() {
            info!(events, runs, "kept: events that wait for event time, and partial matches");
        } else if events + runs > 0 {
            // Without a place for it, so that a restart begins anew.
            info!(events, runs, "left: events that waited for event time, and partial matches");
        }
        if let Some(checkpoints) = &self.metrics.checkpoints {
            info!(
                checkpoints = checkpoints.stored.get(),
                failed_checkpoints = checkpoints.failed.get(),
                rows = checkpoints.rows.get(),
                bytes = checkpoints.bytes.get(),
                paused_ms = checkpoints.pause.sum() / 1_000,
                storing_ms = checkpoints.commit.sum() / 1_000,
                "total"
            );
        }
        for source in &self.metrics.sources {
            info!(
                source = %source.name,
                events = source.events.get(),
                rejected = source.rejected.total(),
                oversized = source.rejected.of("oversized").get(),
                late = source.late.get(),
                future = source.rejected.of("future").get(),
                connections = source.opened.get(),
                tls_failures = source.tls_failures.get(),
                datagrams = source.datagrams.get(),
                dropped = source.dropped.get(),
                "total"
            );
        }
        for rule in &self.metrics.rules {
            let (alerts, limits, faults) = (rule.alerts.get(), rule.limits.get(), rule.faults.get());
            if alerts + limits + faults > 0 {
                info!(rule = %rule.name, alerts, limits, faults, "total");
            }
        }
        for sink in &self.metrics.sinks {
            info!(
                sink = %sink.name,
                delivered = sink.delivered.get(),
                retried = sink.retried.get(),
                failed = sink.failed.get(),
                undelivered = sink.undelivered.get(),
                "total"
            );
        }
    }
}

/// Names what the rules begin with.
fn log_tables(program: &Program, loaded: &Loaded) {
    for ((id, spec), file) in (0..).map(TableId).zip(program.tables()).zip(&loaded.files) {
        if let Some(content) = loaded.tables.get(id) {
            let (version, entries) = (content.version(), content.entries());
            info!(table = %spec.name, file = %file.path.display(), %version, entries, "read");
        }
    }
}

async fn join_all<T: 'static>(tasks: &mut JoinSet<T>) {
    while let Some(done) = tasks.join_next().await {
        if let Err(failure) = done
            && failure.is_panic()
        {
            error!(%failure, "a source has failed");
        }
    }
}

/// Starts a thread for the engine. It says how many inputs it left when it ends, and nothing when it
/// panics.
fn start_engine<O: Outbox + 'static>(
    driver: Driver<O>,
    inputs: source::queue::Receiver,
    halt: Arc<AtomicBool>,
) -> anyhow::Result<oneshot::Receiver<anyhow::Result<usize>>> {
    let (ended, end) = oneshot::channel();
    let runtime = Handle::current();
    std::thread::Builder::new()
        .name("engine".into())
        .spawn(move || {
            let left = driver.run(inputs, &runtime, &halt);
            // Nobody listens when the process is being stopped at once.
            let _ = ended.send(left);
        })
        .context("cannot start the engine's thread")?;
    Ok(end)
}

/// Whether the engine has worked off its queue.
fn how_it_ended(done: Result<anyhow::Result<usize>, oneshot::error::RecvError>) -> anyhow::Result<bool> {
    let batches = done.context("the engine has failed")?.context("the engine has failed")?;
    if batches > 0 {
        error!(batches, "the time to stop was up before the engine had worked off its queue");
    }
    Ok(batches == 0)
}

/// The metrics of a service, all at 0.
fn metrics(config: &Config, program: &Program) -> Arc<Metrics> {
    let http = config.sources.iter().filter(|source| matches!(source.kind, SourceKind::Http(_)));
    let metrics = Metrics::new(
        config.sources.iter().map(|source| source.name.value.as_str()),
        program.rules().iter().map(|rule| &*rule.name),
        config.sinks.iter().map(|sink| sink.name.value.as_str()),
    )
    .with_tables(program.tables().iter().map(|table| table.name.as_str()))
    .with_http(http.map(|source| source.name.value.as_str()));
    Arc::new(if config.state.is_some() { metrics.with_state() } else { metrics })
}
