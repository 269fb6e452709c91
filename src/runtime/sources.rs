//! Opens and starts the sources of a configuration.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tracing::warn;

use crate::config::{self, Config, SourceKind};
use crate::event::StreamId;
use crate::program::{NoInput, Program};
use crate::source::file::{Following, Mode, Once};
use crate::source::gate::{Partitions, Wanted};
use crate::source::positions::{Resume, Stored};
use crate::source::reader::Checks;
use crate::source::registry::Registry;
use crate::source::stdin::Stdin;
use crate::source::together::together;
use crate::source::{Identity, Inlet, Source, Surroundings, file, http, kafka, tcp, tcp_client, udp, unix};
use crate::telemetry::Metrics;
use crate::telemetry::catalogue::SourceMetrics;

/// Sources that take longer to begin are logged.
const SLOW: Duration = Duration::from_secs(30);

/// Opens all sources, in the order of the configuration: takes their addresses and files. Files go on
/// where they had come before a restart.
///
/// # Errors
/// When one cannot be opened.
pub async fn open(
    config: &Config,
    program: &Program,
    metrics: &Metrics,
    (resume, moving): (&Resume, Option<&kafka::Moving>),
    doors: &http::Doors,
) -> anyhow::Result<Vec<Box<dyn Source>>> {
    let registries = registries(config, metrics)?;
    let mut opened = Vec::new();
    for source in &config.sources {
        let name = &source.name.value;
        let registry = source.registry.as_ref().and_then(|name| registries.get(name.value.as_str()).cloned());
        let source = open_one(source, program, metrics, (resume, registry, moving), doors).await;
        opened.push(source.with_context(|| format!("the source `{name}`"))?);
    }
    Ok(opened)
}

/// What has schemas, by name. Nothing is connected to yet.
fn registries<'c>(config: &'c Config, metrics: &Metrics) -> anyhow::Result<BTreeMap<&'c str, Arc<Registry>>> {
    let made = config.registries.iter().zip(&metrics.registries).map(|(registry, metrics)| {
        let name = registry.name.value.as_str();
        let made = Registry::new(name, &registry.settings, Arc::clone(metrics));
        Ok((name, Arc::new(made.with_context(|| format!("the registry `{name}`"))?)))
    });
    made.collect()
}

async fn open_one(
    source: &config::Source,
    program: &Program,
    metrics: &Metrics,
    (resume, registry, moving): (&Resume, Option<Arc<Registry>>, Option<&kafka::Moving>),
    doors: &http::Doors,
) -> anyhow::Result<Box<dyn Source>> {
    Ok(match &source.kind {
        SourceKind::Tcp(settings) => Box::new(tcp::Server::bind(settings).await?),
        SourceKind::TcpClient(settings) => Box::new(tcp_client::Client::new(settings)?),
        SourceKind::Udp(settings) => Box::new(udp::Receiver::bind(settings).await?),
        SourceKind::Unix(settings) => Box::new(unix::Server::bind(settings)?),
        SourceKind::Http(settings) => {
            let metrics = metrics.http.iter().find(|group| group.name == source.name.value);
            let metrics = Arc::clone(metrics.expect("every HTTP source has its metrics"));
            let known = http::Known { alert_streams: alert_streams(program), metrics, doors: doors.clone() };
            Box::new(http::Server::bind(settings, known).await?)
        }
        SourceKind::Stdin => Box::new(Stdin),
        SourceKind::Kafka(settings) => {
            let name = &source.name.value;
            let metrics = metrics.kafka.iter().find(|group| group.name == *name);
            let metrics = Arc::clone(metrics.expect("every source of topics has its metrics"));
            Box::new(kafka::Topic::open(settings, name, (registry, moving.cloned()), metrics)?)
        }
        SourceKind::File(settings) => {
            let streams = source.streams.iter().flatten();
            let stored = streams.flat_map(|stream| resume.files(&source.name.value, &stream.value));
            open_files(settings, stored.collect()).await?
        }
    })
}

/// The streams that carry alerts, with the rules of these.
fn alert_streams(program: &Program) -> BTreeMap<String, String> {
    let streams = program.streams().iter();
    streams
        .filter_map(|stream| Some((stream.name.to_string(), stream.alerts_of.as_ref()?.to_string())))
        .collect()
}

async fn open_files(settings: &file::Settings, stored: Vec<Stored>) -> anyhow::Result<Box<dyn Source>> {
    let (paths, max_files) = (settings.paths.clone(), settings.max_files);
    Ok(match settings.mode {
        Mode::Once => Box::new(Once::open(paths, max_files, stored).await?),
        Mode::Follow { start, poll } => Box::new(Following::new(paths, start, poll, max_files)),
    })
}

/// Lets the sources begin, each in its turn, and then read.
///
/// # Errors
/// When one feeds a stream that the rules do not have.
pub fn start(
    config: &Config,
    program: &Program,
    metrics: &Metrics,
    around: &Surroundings,
    opened: Vec<Box<dyn Source>>,
    tasks: &mut JoinSet<()>,
) -> anyhow::Result<()> {
    let (turns, mut together) = together(opened.len());
    for (index, ((settings, source), turn)) in config.sources.iter().zip(opened).zip(turns).enumerate() {
        let inlet = |stream: StreamId| {
            let metrics = Arc::clone(&metrics.sources[index]);
            Inlet::new(identity(config, program, index, stream, metrics), around.clone())
        };
        let inlets: Vec<Inlet> = streams(settings, program)?.into_iter().map(inlet).collect();
        source.announce(&inlets);
        tasks.spawn(source.run(inlets, turn));
    }
    tasks.spawn(async move {
        while timeout(SLOW, together.begun()).await.is_err() {
            warn!("a source has not begun yet, and none reads before all have: a file system may be slow, or a disk full");
        }
        together.go();
    });
    Ok(())
}

/// The sources as they are to be recovered: with each of their streams.
///
/// # Errors
/// When one feeds a stream that the rules do not have.
pub fn wanted(
    config: &Config,
    program: &Program,
    metrics: &Metrics,
    around: &Surroundings,
) -> anyhow::Result<Vec<Wanted>> {
    let mut wanted = Vec::new();
    for (index, settings) in config.sources.iter().enumerate() {
        let has = match &settings.kind {
            SourceKind::Tcp(_) => Partitions::Connections,
            SourceKind::Unix(settings) if matches!(settings.mode, unix::Mode::Stream { .. }) => {
                Partitions::Connections
            }
            SourceKind::File(_) => Partitions::Files,
            SourceKind::Kafka(_) => Partitions::Topics,
            SourceKind::TcpClient(_)
            | SourceKind::Udp(_)
            | SourceKind::Unix(_)
            | SourceKind::Http(_)
            | SourceKind::Stdin => Partitions::Source,
        };
        for stream in streams(settings, program)? {
            let metrics = Arc::clone(&metrics.sources[index]);
            let inlet = Inlet::new(identity(config, program, index, stream, metrics), around.clone());
            wanted.push(Wanted { inlet, has });
        }
    }
    Ok(wanted)
}

/// Which stream the source at that place of the configuration feeds, and how it makes events for it.
pub fn identity(
    config: &Config,
    program: &Program,
    index: usize,
    stream: StreamId,
    metrics: Arc<SourceMetrics>,
) -> Identity {
    let schema = program.schema(stream);
    let settings = &config.sources[index];
    Identity {
        name: settings.name.value.as_str().into(),
        index,
        stream,
        schema: Arc::new(schema.clone()),
        kept: program.kept(stream),
        decoding: settings.decoding.clone(),
        checks: Checks::new(Some(config.max_ahead), program.groupings(stream), schema),
        metrics,
    }
}

/// The streams that a source feeds.
pub fn streams(source: &config::Source, program: &Program) -> Result<Vec<StreamId>, NoInput> {
    match &source.streams {
        Some(streams) => streams.iter().map(|stream| program.input(&stream.value)).collect(),
        None => program.inputs().map(|name| program.input(name)).collect(),
    }
}
