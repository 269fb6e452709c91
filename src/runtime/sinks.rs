//! Starts the sinks of a configuration.

use std::sync::Arc;

use anyhow::Context as _;
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tracing::info;

use crate::config::{Config, SinkKind};
use crate::outbox::Outgoing;
use crate::outbox::memory::{self, Lane, MemoryOutbox, MemoryQueue};
use crate::sink::file::FileSink;
use crate::sink::stdout::StdoutSink;
use crate::sink::webhook::WebhookSink;
use crate::sink::worker::Worker;
use crate::telemetry::Metrics;

/// Opens the sinks and starts a worker for each, which ends with what it could not deliver. Gives the
/// outbox that feeds them.
///
/// # Errors
/// When a sink cannot be opened.
pub fn start(
    config: &Config,
    metrics: &Metrics,
    halted: watch::Receiver<bool>,
    tasks: &mut JoinSet<(usize, Vec<Arc<Outgoing>>)>,
) -> anyhow::Result<MemoryOutbox> {
    let lanes = config.sinks.iter().zip(&metrics.sinks).map(|(sink, metrics)| Lane {
        name: sink.name.value.clone(),
        limits: sink.queue,
        metrics: Arc::clone(metrics),
    });
    let default: Vec<_> = config.default_sinks.iter().map(|sink| sink.value.clone()).collect();
    let (outbox, queues) = memory::outbox(lanes.collect(), &default, Handle::current());
    for (index, (sink, queue)) in config.sinks.iter().zip(queues).enumerate() {
        let name = &sink.name.value;
        let context = || format!("the sink `{name}`");
        let work = Work { index, config, metrics, queue, halted: halted.clone() };
        match &sink.kind {
            SinkKind::Stdout => work.start(StdoutSink, tasks),
            SinkKind::File(path) => {
                work.start(FileSink::open(path).with_context(context)?, tasks);
                info!(sink = %name, path = %path.display(), "appending");
            }
            SinkKind::Webhook(settings) => {
                work.start(WebhookSink::new(settings).with_context(context)?, tasks);
            }
        }
    }
    Ok(outbox)
}

/// What a sink's worker needs besides the sink.
struct Work<'a> {
    index: usize,
    config: &'a Config,
    metrics: &'a Metrics,
    queue: MemoryQueue,
    halted: watch::Receiver<bool>,
}

impl Work<'_> {
    fn start<S: crate::sink::Sink + 'static>(
        self,
        sink: S,
        tasks: &mut JoinSet<(usize, Vec<Arc<Outgoing>>)>,
    ) {
        let worker = Worker {
            name: self.config.sinks[self.index].name.value.clone(),
            sink,
            queue: self.queue,
            policy: self.config.sinks[self.index].retry,
            metrics: Arc::clone(&self.metrics.sinks[self.index]),
        };
        let (index, mut halted) = (self.index, self.halted);
        tasks.spawn(async move {
            let halt = async move {
                // An error means that the service is gone.
                let _ = halted.wait_for(|halted| *halted).await;
            };
            (index, worker.run(halt).await)
        });
    }
}
