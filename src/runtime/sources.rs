//! Opens and starts the sources of a configuration.

use std::sync::Arc;

use anyhow::Context as _;
use tokio::task::JoinSet;

use crate::config::{self, Config, SourceKind};
use crate::event::StreamId;
use crate::program::{NoInput, Program};
use crate::source::stdin::Stdin;
use crate::source::{Identity, Inlet, Source, Surroundings, http, tcp};
use crate::telemetry::Metrics;

/// Opens all sources, in the order of the configuration: takes their addresses and files.
///
/// # Errors
/// When one cannot be opened.
pub async fn open(
    config: &Config,
    program: &Program,
    metrics: &Metrics,
) -> anyhow::Result<Vec<Box<dyn Source>>> {
    let mut opened = Vec::new();
    for source in &config.sources {
        let name = &source.name.value;
        let source = open_one(source, program, metrics).await;
        opened.push(source.with_context(|| format!("the source `{name}`"))?);
    }
    Ok(opened)
}

async fn open_one(
    source: &config::Source,
    program: &Program,
    metrics: &Metrics,
) -> anyhow::Result<Box<dyn Source>> {
    Ok(match &source.kind {
        SourceKind::Tcp(settings) => Box::new(tcp::Server::bind(settings).await?),
        SourceKind::Http(settings) => {
            let metrics = metrics.http.iter().find(|group| group.name == source.name.value);
            let metrics = Arc::clone(metrics.expect("every HTTP source has its metrics"));
            let alert_streams = program.streams().iter().filter_map(|stream| {
                stream.alerts_of.as_ref().map(|rule| (stream.name.to_string(), rule.to_string()))
            });
            let known = http::Known { alert_streams: alert_streams.collect(), metrics };
            Box::new(http::Server::bind(settings, known).await?)
        }
        SourceKind::Stdin => Box::new(Stdin),
    })
}

/// Lets the sources read.
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
    for (index, (settings, source)) in config.sources.iter().zip(opened).enumerate() {
        let inlet = |stream: StreamId| {
            let identity = Identity {
                name: settings.name.value.as_str().into(),
                index,
                stream,
                schema: Arc::new(program.schema(stream).clone()),
                format: settings.format.clone(),
                metrics: Arc::clone(&metrics.sources[index]),
            };
            Inlet::new(identity, around.clone())
        };
        let inlets: Vec<Inlet> = streams(settings, program)?.into_iter().map(inlet).collect();
        source.announce(&inlets);
        tasks.spawn(source.run(inlets));
    }
    Ok(())
}

/// The streams that a source feeds.
fn streams(source: &config::Source, program: &Program) -> Result<Vec<StreamId>, NoInput> {
    match &source.streams {
        Some(streams) => streams.iter().map(|stream| program.input(&stream.value)).collect(),
        None => program.inputs().map(|name| program.input(name)).collect(),
    }
}
