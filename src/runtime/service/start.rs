//! How a service starts: the state of before is opened, what is in the way is said, and only then do sources
//! read.

use std::sync::atomic::AtomicBool;
use std::sync::{Arc, mpsc};

use anyhow::Context as _;
use tokio::runtime::Handle;
use tokio::sync::{Notify, oneshot};
use tokio::task::JoinSet;
use tracing::info;

use crate::config::tables::Loaded;
use crate::config::{Config, SourceKind};
use crate::engine::EngineOptions;
use crate::event::Duration;
use crate::moving::{Holdings, Ledger, Reading};
use crate::outbox::Outbox;
use crate::program::Program;
use crate::source::flow::Flow;
use crate::source::kafka::Moving;
use crate::source::positions::{Positions, Resume};
use crate::source::queue::{self, queue};
use crate::source::{Clock, LastThings, PartitionNumbers, Source, Stop, Surroundings, Troubles};
use crate::store::Store;
use crate::table::TableId;
use crate::telemetry::Metrics;

use super::Service;
use crate::runtime::control::{Control, Pulse, Requests, ServicePart};
use crate::runtime::driver::{Driver, Exit};
use crate::runtime::engines::Engines;
use crate::runtime::keeping::Keeping;
use crate::runtime::kept::Kept;
use crate::runtime::recovery::{self, Opened};
use crate::runtime::reload::{self, Replacement, Watch};
use crate::runtime::routing::memory::{self, Post};
use crate::runtime::shelf::Memory;
use crate::runtime::{routing, sinks, sources, workers};
use crate::watch;

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
    /// Told how it does, and how its outbox can be reached. It has its [`metrics`].
    pub control: Control,
    /// What it is asked.
    pub requests: Requests,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
}

/// What all parts of a service have to do with.
struct Parts {
    config: Config,
    program: Arc<Program>,
    metrics: Arc<Metrics>,
    control: Control,
    clock: Arc<dyn Clock>,
    kept: Kept,
    /// Which partitions are paused, because they are ahead of event time.
    flow: Arc<Flow>,
}

impl Service {
    /// Starts a service: opens the sinks, takes the addresses, and only then lets events in.
    ///
    /// # Errors
    /// When a sink cannot be opened or an address cannot be taken.
    pub async fn start(start: Start) -> anyhow::Result<Service> {
        let Start { config, program, tables, store, control, requests, clock } = start;
        let metrics = Arc::clone(control.metrics());
        let opened = config.state.as_ref().zip(store);
        let opened = opened.map(|(state, store)| recovery::open(state, store, &metrics)).transpose()?;
        let positions = opened.as_ref().map(|opened| opened.positions.clone()).unwrap_or_default();
        // What is to be opened is opened before anything happens, so that what is wrong is said at once.
        let (moving, ledger) = moving(&config);
        let resume = Resume::at(positions.clone());
        let sources =
            sources::open(&config, &program, &metrics, (&resume, moving.as_ref()), control.doors()).await?;
        let kept = Kept::start(&config, &metrics)?;
        let parts = Parts { config, program, metrics, control, clock, kept, flow: Arc::default() };

        let news = Arc::default();
        let mut engines = parts.engines(opened.as_ref(), &news)?;
        let (watch, replacements) = parts.tables(&mut engines, tables)?;
        let (halt_sinks, halted) = watch::channel(false);
        let (settled, settling) = match &opened {
            Some(opened) => (None, opened.settled.subscribe()),
            None => {
                let (settled, settling) = watch::channel(Arc::default());
                (Some(settled), settling)
            }
        };
        let (exit, keeping, sinks) = parts.sinks(opened, ledger, &halted)?;
        let driver = parts.driver(engines, exit, keeping.as_ref().map(|keeping| (keeping, &positions)));
        let driver = driver.settling(settled);
        let driver = driver.with_news(news).with_replacements(replacements).answering(requests);
        let pulse = parts.control.health().pulse().clone();
        let driver = driver.beating(pulse.clone());
        let (queue, inputs) = queue(parts.config.queue);
        let halt_engine = Arc::new(AtomicBool::new(false));
        let engine = start_engine(driver, inputs, Arc::clone(&halt_engine), pulse)?;

        let (stop, stopped) = watch::channel(false);
        let (last, troubles) = (LastThings::default(), Troubles::default());
        let ending = (last.clone(), troubles.clone());
        let around = parts.surroundings(queue, settling, ending, Stop::new(stopped));
        let sources = parts.sources(sources, around, keeping.as_ref(), positions).await?;
        let wrong = troubles.clone();
        parts.control.health().ask(ServicePart::Sources, move || wrong.shown());
        if let Some(most) = parts.config.behind {
            let metrics = Arc::clone(&parts.metrics);
            parts.control.health().ask(ServicePart::Lag, move || too_far(metrics.engine.behind.get(), most));
        }
        parts.control.health().ask_for_notes(sinks::notes(&parts.metrics));
        parts.control.health().started();
        parts.log_ready();
        let Parts { config, metrics, control, kept, .. } = parts;
        let health = control.health().clone();
        Ok(Service {
            config,
            health,
            metrics,
            stop,
            halt_sinks,
            halt_engine,
            sources,
            last,
            troubles,
            sinks,
            engine,
            keeping,
            kept,
            _watch: watch,
        })
    }
}

impl Parts {
    fn shards(&self) -> usize {
        self.config.shards.unwrap_or_else(workers::cores)
    }

    /// The engines: one that goes on from the state, if there is one, or those of partitions, which come later. Shards
    /// tell `news` of what they have done.
    fn engines(&self, opened: Option<&Opened>, news: &Arc<Notify>) -> anyhow::Result<Engines> {
        // The sources ask how far ahead of the clock an event is, so that they can set it aside as it came.
        let options = EngineOptions { max_ahead: None, shards: self.shards(), ..EngineOptions::LIVE };
        let engine = match opened {
            Some(Opened { store, state, .. }) if state.moving.is_some() => {
                recovery::no_engine(store.snapshot())?;
                return Ok(Engines::by_partition(Arc::clone(&self.program), options));
            }
            Some(Opened { store, state, .. }) => {
                let memory = state.memory.map(|limit| Memory::new(limit, store.current()));
                recovery::engine(store.snapshot(), &self.program, options, memory, news)?
            }
            None => {
                workers::engine(self.program.clone(), options, news).context("cannot start the shards")?
            }
        };
        Ok(engine.into())
    }

    /// Gives the engine the lists and tables, and watches their files from now on.
    fn tables(
        &self,
        engines: &mut Engines,
        tables: Loaded,
    ) -> anyhow::Result<(Watch, mpsc::Receiver<Replacement>)> {
        for ((id, spec), file) in (0..).map(TableId).zip(self.program.tables()).zip(&tables.files) {
            if let Some(content) = tables.tables.get(id) {
                let (version, entries) = (content.version(), content.entries());
                info!(table = %spec.name, file = %file.path.display(), %version, entries, "read");
            }
        }
        engines.set_tables(Arc::clone(&tables.tables));
        reload::start(Arc::clone(&self.program), tables, Arc::clone(&self.metrics))
    }

    /// Starts the sinks, and with them what keeps state, if some is kept. Gives the way of alerts out of the
    /// engine.
    fn sinks(
        &self,
        opened: Option<Opened>,
        ledger: Option<Ledger>,
        halted: &watch::Receiver<bool>,
    ) -> anyhow::Result<(Exit<Post>, Option<Keeping>, sinks::Workers)> {
        let Parts { config, metrics, clock, control, .. } = self;
        let mut workers = JoinSet::new();
        let Some(opened) = opened else {
            let outbox = sinks::start(config, metrics, halted, &mut workers)?;
            let (clock, metrics) = (Arc::clone(clock), Arc::clone(&metrics.routing));
            let (desk, archive) = (control.desk().clone(), control.archive().clone());
            archive.in_memory();
            let around = memory::Around { clock, desk, archive, metrics };
            let post = memory::start(routing::settings(config), outbox, around)?;
            return Ok((Exit::Outbox(post), None, workers));
        };
        let (checkpoints, keeping) =
            Keeping::start((opened, ledger), config, metrics, clock, control, halted, &mut workers)?;
        Ok((Exit::Checkpoints(checkpoints), Some(keeping), workers))
    }

    /// The driver of the engine; of one that keeps its state, with how far sources had come.
    fn driver<O: Outbox>(
        &self,
        engines: Engines,
        exit: Exit<O>,
        keeping: Option<(&Keeping, &Positions)>,
    ) -> Driver<O> {
        let driver = Driver::new(engines, exit, Arc::clone(&self.clock), Arc::clone(&self.metrics))
            .with_reorder_bound(self.config.reorder_bytes, Arc::clone(&self.flow))
            .keeping_late(self.kept.late.clone());
        match keeping {
            Some((keeping, positions)) => driver.resuming(positions.clone()).behind(keeping.backlog()),
            None => driver,
        }
    }

    /// What sources have to do with, before it is known where they go on.
    fn surroundings(
        &self,
        queue: queue::Sender,
        settled: watch::Receiver<Arc<Positions>>,
        (last, troubles): (LastThings, Troubles),
        stop: Stop,
    ) -> Surroundings {
        Surroundings {
            limits: self.config.limits,
            numbers: Arc::default(),
            queue,
            gate: None,
            resume: Resume::default(),
            quarantine: self.kept.quarantine.clone(),
            flow: Arc::clone(&self.flow),
            settled,
            last,
            troubles,
            stop,
            clock: Arc::clone(&self.clock),
        }
    }

    /// Gives the engine what is in the journal, if there is one, and starts the sources behind that.
    /// What holds the gate and the queue from then on are the sources, with whom they end.
    async fn sources(
        &self,
        opened: Vec<Box<dyn Source>>,
        mut around: Surroundings,
        keeping: Option<&Keeping>,
        mut positions: Positions,
    ) -> anyhow::Result<JoinSet<()>> {
        let Parts { config, program, metrics, .. } = self;
        let mut tasks = JoinSet::new();
        if let Some(keeping) = keeping {
            let wanted = sources::wanted(config, program, metrics, &around)?;
            positions = keeping.recover(positions, &wanted, program, &around.queue).await?;
            let (gate, forwarder) = keeping.gate(around.queue.clone(), config.queue.bytes);
            tasks.spawn(forwarder.run());
            around.gate = Some(gate);
        }
        let names = program.streams().iter().map(|stream| stream.name.as_str());
        around.numbers = Arc::new(PartitionNumbers::after(&positions, names));
        around.resume = Resume::at(positions);
        sources::start(config, program, metrics, &around, opened, &mut tasks)?;
        Ok(tasks)
    }

    fn log_ready(&self) {
        info!(
            rules = self.program.rules().len(),
            streams = self.program.streams().len(),
            sources = self.config.sources.len(),
            sinks = self.config.sinks.len(),
            shards = self.shards(),
            "ready"
        );
    }
}

/// Starts a thread for the engine. It says how many inputs it left when it ends, and nothing when it
/// panics.
fn start_engine<O: Outbox + 'static>(
    driver: Driver<O>,
    inputs: queue::Receiver,
    halt: Arc<AtomicBool>,
    pulse: Pulse,
) -> anyhow::Result<oneshot::Receiver<anyhow::Result<usize>>> {
    let (ended, end) = oneshot::channel();
    let runtime = Handle::current();
    std::thread::Builder::new()
        .name("engine".into())
        .spawn(move || {
            let left = driver.run(inputs, &runtime, &halt);
            pulse.end();
            // Nobody listens when the process is being stopped at once.
            let _ = ended.send(left);
        })
        .context("cannot start the engine's thread")?;
    Ok(end)
}

/// What moves state with partitions, if the configuration says that it moves: for the source, and for who stores it.
fn moving(config: &Config) -> (Option<Moving>, Option<Ledger>) {
    let Some(moving) = config.state.as_ref().and_then(|state| state.moving.as_ref()) else {
        return (None, None);
    };
    let holdings = Arc::<Holdings>::default();
    let ledger = Ledger::new(moving.settings.clone(), Arc::clone(&holdings));
    (Some(Moving { holdings, reading: Reading::new(moving.settings.clone()) }), Some(ledger))
}

/// Why a service that is so far behind is not ready, if it may be behind by `most` at most.
fn too_far(behind: std::time::Duration, most: Duration) -> Option<String> {
    let behind =
        Duration::from_micros(i64::try_from(behind.as_secs()).unwrap_or(i64::MAX).saturating_mul(1_000_000));
    (behind > most).then(|| {
        format!("what waits to be decided is {behind} old, and `limits.behind` is {most}: alerts come late by as much")
    })
}

/// The metrics of a service with this configuration and these rules, all at 0.
pub fn metrics(config: &Config, program: &Program) -> Metrics {
    let of_kind = |is_it: fn(&SourceKind) -> bool| {
        let those = config.sources.iter().filter(move |source| is_it(&source.kind));
        those.map(|source| source.name.value.as_str())
    };
    let metrics = Metrics::new(
        config.sources.iter().map(|source| source.name.value.as_str()),
        program.rules().iter().map(|rule| &*rule.name),
        config.sinks.iter().map(|sink| sink.name.value.as_str()),
    )
    .with_streams(program.inputs())
    .with_tables(program.tables().iter().map(|table| table.name.as_str()))
    .with_registries(config.registries.iter().map(|registry| registry.name.value.as_str()))
    .with_http(of_kind(|kind| matches!(kind, SourceKind::Http(_))))
    .with_kafka(of_kind(|kind| matches!(kind, SourceKind::Kafka(_))));
    let metrics = if config.state.is_some() { metrics.with_state() } else { metrics };
    say_limits(&metrics, config);
    for (metrics, rule) in metrics.rules.iter().zip(program.rules()) {
        metrics.info.set([("severity", rule.severity.name()), ("mode", rule.mode.name())]);
    }
    metrics
}

/// What may not be exceeded is told beside what there is.
fn say_limits(metrics: &Metrics, config: &Config) {
    let engine = &metrics.engine;
    engine.waiting_limit.set(config.reorder_bytes as u64);
    engine.queue_limit.set(config.queue.bytes as u64);
    engine.behind_limit.set(config.behind.map_or(0, |behind| behind.as_micros().unsigned_abs() / 1_000_000));
    for (kept, settings) in [(&metrics.quarantine, &config.quarantine), (&metrics.late, &config.late)] {
        kept.limit.set(settings.as_ref().map_or(0, |settings| settings.max_size));
    }
    if let Some(state) = &config.state {
        engine.held_limit.set(state.memory.unwrap_or(0));
        metrics.checkpoints.iter().for_each(|checkpoints| checkpoints.outbox_limit.set(state.max_outbox));
        metrics.journal.iter().for_each(|journal| journal.limit.set(state.journal.disk));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration as Wait;

    #[test]
    fn a_service_that_is_further_behind_than_it_may_be_is_not_ready() {
        let most = Duration::parse("15m").expect("a duration");
        assert_eq!(too_far(Wait::ZERO, most), None);
        assert_eq!(too_far(Wait::from_secs(900), most), None);
        let why = too_far(Wait::from_secs(901), most).expect("it is too far");
        assert_eq!(
            why,
            "what waits to be decided is 15m1s old, and `limits.behind` is 15m: alerts come late by as much"
        );
        assert!(too_far(Wait::MAX, most).is_some());
    }
}
