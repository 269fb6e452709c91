//! Starts the sinks of a configuration.

use std::pin::Pin;
use std::sync::Arc;

use anyhow::Context as _;
use tokio::runtime::Handle;
use tokio::task::JoinSet;
use tracing::info;

use crate::config::{self, Config, Located, SinkKind};
use crate::outbox::durable::{self, Around, Feed};
use crate::outbox::memory::{self, MemoryOutbox};
use crate::outbox::{Lane, Left, Queue};
use crate::sink::alertmanager::AlertmanagerSink;
use crate::sink::email::EmailSink;
use crate::sink::file::FileSink;
use crate::sink::kafka::KafkaSink;
use crate::sink::pagerduty::PagerDutySink;
use crate::sink::slack::SlackSink;
use crate::sink::stdout::StdoutSink;
use crate::sink::syslog::SyslogSink;
use crate::sink::teams::TeamsSink;
use crate::sink::webhook::WebhookSink;
use crate::sink::worker::Worker;
use crate::sink::{DeliveryError, Sink, sample};
use crate::telemetry::Metrics;
use crate::watch;

use super::control::Trouble;

/// The workers of the sinks: each ends with the place of its sink and what it could not deliver.
pub type Workers = JoinSet<(usize, Left)>;

/// Opens the sinks and starts a worker for each. Gives the outbox in memory that feeds them.
///
/// # Errors
/// When a sink cannot be opened.
pub fn start(
    config: &Config,
    metrics: &Metrics,
    halted: &watch::Receiver<bool>,
    workers: &mut Workers,
) -> anyhow::Result<MemoryOutbox> {
    let (outbox, queues) = memory::outbox(lanes(config, metrics), Handle::current());
    start_workers(config, metrics, queues, halted, workers)?;
    Ok(outbox)
}

/// The same for alerts that wait in a store. Gives what the one who writes the store feeds them with; they
/// begin with what waits there already.
///
/// # Errors
/// When a sink cannot be opened.
pub fn start_durable(
    config: &Config,
    metrics: &Metrics,
    around: Around,
    halted: &watch::Receiver<bool>,
    workers: &mut Workers,
) -> anyhow::Result<Feed> {
    let (feed, queues) = durable::durable(around, lanes(config, metrics));
    start_workers(config, metrics, queues, halted, workers)?;
    Ok(feed)
}

/// Tells what does not work of the sinks, by what their workers have found.
pub fn notes(metrics: &Metrics) -> impl Fn() -> Vec<Trouble> + Send + 'static {
    let sinks = metrics.sinks.clone();
    move || {
        let notes = sinks.iter().filter_map(|sink| {
            let (is_disabled, is_down) = (sink.disabled.get() > 0, sink.breaker.get() > 0);
            note(is_disabled, is_down).map(|why| Trouble { part: format!("sink {}", sink.name), why })
        });
        notes.collect()
    }
}

/// What does not work of a sink, if something does not.
fn note(is_disabled: bool, is_down: bool) -> Option<String> {
    let why = match (is_disabled, is_down) {
        (true, _) => {
            "its receiver wants nothing any more: it is disabled until `tripline sink enable` or another address"
        }
        (_, true) => "it is down: its alerts wait, and a single one is tried from time to time",
        (false, false) => return None,
    };
    Some(why.to_owned())
}

fn lanes(config: &Config, metrics: &Metrics) -> Vec<Lane> {
    let place = |name: &Located<String>| config.sinks.iter().position(|sink| sink.name.value == name.value);
    let lanes = config.sinks.iter().zip(&metrics.sinks).map(|(sink, metrics)| Lane {
        name: sink.name.value.clone(),
        limits: sink.delivery.queue,
        longest_wait: sink.delivery.policy.retry.longest_wait(),
        fallback: sink.delivery.fallback.as_ref().and_then(place),
        metrics: Arc::clone(metrics),
    });
    lanes.collect()
}

fn start_workers<Q: Queue + 'static>(
    config: &Config,
    metrics: &Metrics,
    queues: Vec<Q>,
    halted: &watch::Receiver<bool>,
    workers: &mut Workers,
) -> anyhow::Result<()> {
    for (index, (sink, queue)) in config.sinks.iter().zip(queues).enumerate() {
        open(sink, Work { index, config, metrics, queue, halted: halted.clone(), workers: &mut *workers })?;
    }
    Ok(())
}

/// Does something with a sink, whatever its kind.
trait Use {
    type Output;

    fn take<S: Sink + 'static>(self, sink: S) -> Self::Output;
}

/// Opens a sink for a use.
fn open<U: Use>(sink: &config::Sink, user: U) -> anyhow::Result<U::Output> {
    let name = &sink.name.value;
    let context = || format!("the sink `{name}`");
    Ok(match &sink.kind {
        SinkKind::Stdout(settings) => user.take(StdoutSink::open(settings)),
        SinkKind::File(settings) => {
            let opened = FileSink::open(settings).with_context(context)?;
            info!(sink = %name, path = %settings.path.display(), "appending");
            user.take(opened)
        }
        SinkKind::Webhook(settings) => user.take(WebhookSink::open(settings).with_context(context)?),
        SinkKind::Slack(settings) => user.take(SlackSink::open(settings).with_context(context)?),
        SinkKind::Teams(settings) => user.take(TeamsSink::open(settings).with_context(context)?),
        SinkKind::PagerDuty(settings) => user.take(PagerDutySink::open(settings).with_context(context)?),
        SinkKind::Alertmanager(settings) => {
            user.take(AlertmanagerSink::open(settings).with_context(context)?)
        }
        SinkKind::Email(settings) => user.take(EmailSink::open(settings).with_context(context)?),
        SinkKind::Kafka(settings) => {
            let opened = KafkaSink::open(settings, name).with_context(context)?;
            info!(sink = %name, topic = %settings.topic, "sending to Kafka");
            user.take(opened)
        }
        SinkKind::Syslog(settings) => user.take(SyslogSink::open(settings).with_context(context)?),
    })
}

/// Sends a sample of that id through a sink. Gives why it was not accepted, if it was not.
///
/// # Errors
/// When the sink cannot be opened.
pub async fn try_out(sink: &config::Sink, id: &str) -> anyhow::Result<Option<DeliveryError>> {
    struct Sample<'a>(&'a str);

    impl Use for Sample<'_> {
        type Output = Pin<Box<dyn Future<Output = Option<DeliveryError>>>>;

        fn take<S: Sink + 'static>(self, sink: S) -> Self::Output {
            let alerts = [Arc::new(sample::outgoing(self.0))];
            Box::pin(async move { sink.deliver(&alerts).await.failure })
        }
    }

    Ok(open(sink, Sample(id))?.await)
}

/// What a sink's worker needs besides the sink.
struct Work<'a, Q> {
    index: usize,
    config: &'a Config,
    metrics: &'a Metrics,
    queue: Q,
    halted: watch::Receiver<bool>,
    workers: &'a mut Workers,
}

impl<Q: Queue + 'static> Use for Work<'_, Q> {
    type Output = ();

    fn take<S: Sink + 'static>(self, sink: S) {
        let Work { index, config, metrics, queue, mut halted, workers } = self;
        let (name, policy) = (config.sinks[index].name.value.clone(), config.sinks[index].delivery.policy);
        let worker = Worker::new(name, sink, queue, policy, Arc::clone(&metrics.sinks[index]));
        workers.spawn(async move {
            let halt = async move {
                // An error means that the service is gone.
                let _ = halted.wait_for(|halted| *halted).await;
            };
            (index, worker.run(halt).await)
        });
    }
}
