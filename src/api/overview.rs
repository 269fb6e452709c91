//! `/v1/overview`: how the service does, on one page.

use std::sync::Arc;

use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use crate::config;
use crate::event::Timestamp;
use crate::runtime::clock::SystemClock;
use crate::runtime::control::samples::Sample;
use crate::runtime::control::{About, Control};
use crate::runtime::outbox::Which;
use crate::source::Clock as _;
use crate::telemetry::Metrics;
use crate::telemetry::catalogue::{SinkMetrics, SourceMetrics};

use super::extract::Json;
use super::health::{self, Report};
use super::problem::Problem;
use super::rules::aside;

/// How the service does.
#[derive(Debug, Serialize, ToSchema)]
pub struct Overview {
    /// The version of the program.
    version: &'static str,
    /// When the service began, or began anew.
    started: Timestamp,
    /// What time it is.
    now: Timestamp,
    /// How far event time is behind the clock.
    lag_seconds: u64,
    /// Whether it takes events, and what is not in order.
    ready: Report,
    /// What it has done since it began, and what it holds.
    totals: Totals,
    /// How busy it was in the last hour, the oldest first.
    samples: Vec<Sample>,
    /// The sources.
    sources: Vec<SourceSummary>,
    /// The sinks.
    sinks: Vec<SinkSummary>,
}

/// What a service has done since it began, and what it holds.
#[derive(Debug, Serialize, ToSchema)]
pub struct Totals {
    /// Records decoded to events.
    events: u64,
    /// Records that are no events.
    rejected: u64,
    /// Events that came too late.
    late: u64,
    /// Alerts made.
    alerts: u64,
    /// Partial matches.
    partial_matches: u64,
    /// Keys for which something is held.
    keys: u64,
    /// Alerts that wait for sinks.
    waiting_alerts: u64,
    /// Alerts that were given up and are kept.
    dead_letters: u64,
}

/// A source.
#[derive(Debug, Serialize, ToSchema)]
pub struct SourceSummary {
    /// Its name.
    name: String,
    /// Its kind.
    #[serde(rename = "type")]
    kind: &'static str,
    /// The streams that it feeds.
    streams: Vec<String>,
    /// Records decoded to events.
    events: u64,
    /// Records that are no events.
    rejected: u64,
    /// Events that came too late.
    late: u64,
}

/// A sink.
#[derive(Debug, Serialize, ToSchema)]
pub struct SinkSummary {
    /// Its name.
    name: String,
    /// Its kind.
    #[serde(rename = "type")]
    kind: &'static str,
    /// Alerts that wait for it.
    waiting: u64,
    /// Alerts that it has accepted.
    sent: u64,
    /// Alerts that were given up for it.
    failed: u64,
    /// Of these, those that are kept.
    dead: u64,
    /// Why it is not used, if its receiver has said that it wants nothing.
    disabled: Option<String>,
}

/// Shows how the service does.
#[utoipa::path(
    get,
    path = "/v1/overview",
    tag = "service",
    responses((status = 200, description = "How it does."))
)]
pub async fn show(State(control): State<Control>) -> Result<Json<Overview>, Problem> {
    aside(&control, |control, about| {
        let (metrics, sinks) = (control.metrics(), sinks(control, about));
        Ok(Overview {
            version: env!("CARGO_PKG_VERSION"),
            started: about.started,
            now: SystemClock.now(),
            lag_seconds: metrics.engine.lag.get().as_secs(),
            ready: health::readiness(control),
            totals: totals(metrics, &sinks),
            samples: control.samples().all(),
            sources: sources(about, metrics),
            sinks,
        })
    })
    .await
    .map(Json)
}

/// The sinks of the service.
#[derive(Debug, Serialize, ToSchema)]
pub struct SinkList {
    /// The sinks, as in the configuration.
    sinks: Vec<SinkSummary>,
}

/// Lists the sinks, with what waits for them.
#[utoipa::path(
    get,
    path = "/v1/sinks",
    tag = "outbox",
    responses((status = 200, description = "The sinks."))
)]
pub async fn list_sinks(State(control): State<Control>) -> Result<Json<SinkList>, Problem> {
    aside(&control, |control, about| Ok(SinkList { sinks: sinks(control, about) })).await.map(Json)
}

fn sinks(control: &Control, about: &About) -> Vec<SinkSummary> {
    let of = |name: &str| {
        let which = Which { sink: Some(name.to_owned()), ..Which::default() };
        let outbox = control.outbox().ok()?.look(&which, 0).ok()?;
        outbox.sinks.into_iter().find(|sink| sink.sink == name)
    };
    let summary = |(sink, counted): (&config::Sink, &Arc<SinkMetrics>)| {
        let kept = of(&counted.name);
        SinkSummary {
            name: counted.name.clone(),
            kind: sink.kind.name(),
            waiting: counted.waiting.get(),
            sent: counted.delivered.get(),
            failed: counted.failed.get(),
            dead: kept.as_ref().map_or(0, |kept| kept.dead),
            disabled: kept.and_then(|kept| kept.disabled),
        }
    };
    about.config.sinks.iter().zip(&control.metrics().sinks).map(summary).collect()
}

fn totals(metrics: &Metrics, sinks: &[SinkSummary]) -> Totals {
    Totals {
        events: metrics.sources.iter().map(|source| source.events.get()).sum(),
        rejected: metrics.sources.iter().map(|source| source.rejected.total()).sum(),
        late: metrics.sources.iter().map(|source| source.late.get()).sum(),
        alerts: metrics.rules.iter().map(|rule| rule.alerts.get()).sum(),
        partial_matches: metrics.engine.runs.get(),
        keys: metrics.engine.keys.get(),
        waiting_alerts: sinks.iter().map(|sink| sink.waiting).sum(),
        dead_letters: sinks.iter().map(|sink| sink.dead).sum(),
    }
}

fn sources(about: &About, metrics: &Metrics) -> Vec<SourceSummary> {
    let summary = |(source, counted): (&config::Source, &Arc<SourceMetrics>)| {
        let fed = about.program.inputs().filter(|stream| source.feeds(stream));
        SourceSummary {
            name: counted.name.clone(),
            kind: source.kind.name(),
            streams: fed.map(str::to_owned).collect(),
            events: counted.events.get(),
            rejected: counted.rejected.total(),
            late: counted.late.get(),
        }
    };
    about.config.sources.iter().zip(&metrics.sources).map(summary).collect()
}
