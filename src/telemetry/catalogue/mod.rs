//! Every metric of the service: name, unit, meaning.
//!
//! A group is a struct with a field for each of its metrics, declared by the macro of `group`; one file for what belongs
//! together. `docs/metrics.md` is made from it, and what is scraped.

mod api;
mod engine;
mod group;
mod kept;
mod rules;
mod service;
mod sinks;
mod sources;

use std::sync::Arc;

use super::metric::{Kind, Label, Value};

pub use api::{ApiMetrics, STREAM_PROTOCOLS};
pub use engine::{EngineMetrics, StreamMetrics};
pub use group::Group;
pub use kept::{CheckpointMetrics, JournalMetrics, KeptMetrics};
pub use rules::{RuleMetrics, TableMetrics};
pub use service::{LOG_LEVELS, ProcessMetrics, ServiceMetrics, TROUBLE_PARTS};
pub use sinks::{DECISION_REASONS, RoutingMetrics, SinkMetrics};
pub use sources::{
    HttpMetrics, KafkaMetrics, REJECTION_REASONS, REQUEST_STATUSES, RegistryMetrics, SourceMetrics,
};

/// What a metric is, for those who read it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Descriptor {
    /// Its name, in the manner of Prometheus.
    pub name: &'static str,
    /// Counter, gauge or histogram.
    pub kind: Kind,
    /// What is counted.
    pub unit: &'static str,
    /// What it means.
    pub help: &'static str,
}

/// Takes a metric's value with its labels.
pub type Visitor<'a> = dyn FnMut(&'static Descriptor, &[Label<'_>], Value<'_>) + 'a;

/// Every group, in the order in which they are given.
pub const GROUPS: &[Group] = &[
    ServiceMetrics::GROUP,
    ProcessMetrics::GROUP,
    EngineMetrics::GROUP,
    StreamMetrics::GROUP,
    SourceMetrics::GROUP,
    HttpMetrics::GROUP,
    KafkaMetrics::GROUP,
    RegistryMetrics::GROUP,
    RuleMetrics::GROUP,
    TableMetrics::GROUP,
    RoutingMetrics::GROUP,
    SinkMetrics::GROUP,
    CheckpointMetrics::GROUP,
    JournalMetrics::GROUP,
    KeptMetrics::GROUP,
    ApiMetrics::GROUP,
];

/// All metrics of a service.
#[derive(Debug)]
pub struct Metrics {
    /// Those of the service as a whole.
    pub service: ServiceMetrics,
    /// Those of its process.
    pub process: ProcessMetrics,
    /// One for each stream that sources can feed.
    pub streams: Vec<Arc<StreamMetrics>>,
    /// One for each source, in the order of the configuration.
    pub sources: Vec<Arc<SourceMetrics>>,
    /// One for each HTTP source, in the order of the configuration.
    pub http: Vec<Arc<HttpMetrics>>,
    /// One for each schema registry, in the order of the configuration.
    pub registries: Vec<Arc<RegistryMetrics>>,
    /// One for each Kafka source, in the order of the configuration.
    pub kafka: Vec<Arc<KafkaMetrics>>,
    /// One for each rule, in the order of the program.
    pub rules: Vec<Arc<RuleMetrics>>,
    /// One for each sink, in the order of the configuration.
    pub sinks: Vec<Arc<SinkMetrics>>,
    /// One for each list and table, in the order of the program.
    pub tables: Vec<Arc<TableMetrics>>,
    /// Records that are no events, and where they are kept.
    pub quarantine: Arc<KeptMetrics>,
    /// The same for events that came too late.
    pub late: Arc<KeptMetrics>,
    /// Those of routing.
    pub routing: Arc<RoutingMetrics>,
    /// Those of the engine.
    pub engine: EngineMetrics,
    /// Those of the journal, if there is one.
    pub journal: Option<Arc<JournalMetrics>>,
    /// Those of checkpoints, if some are made.
    pub checkpoints: Option<Arc<CheckpointMetrics>>,
    /// Those of the API.
    pub api: Arc<ApiMetrics>,
}

impl Metrics {
    /// All metrics at 0.
    pub fn new<'a>(
        sources: impl IntoIterator<Item = &'a str>,
        rules: impl IntoIterator<Item = &'a str>,
        sinks: impl IntoIterator<Item = &'a str>,
    ) -> Metrics {
        Metrics {
            service: ServiceMetrics::new(""),
            process: ProcessMetrics::new(""),
            sources: sources.into_iter().map(|name| Arc::new(SourceMetrics::new(name))).collect(),
            streams: Vec::new(),
            http: Vec::new(),
            kafka: Vec::new(),
            registries: Vec::new(),
            rules: rules.into_iter().map(|name| Arc::new(RuleMetrics::new(name))).collect(),
            sinks: sinks.into_iter().map(|name| Arc::new(SinkMetrics::new(name))).collect(),
            tables: Vec::new(),
            quarantine: Arc::new(KeptMetrics::new("quarantine")),
            late: Arc::new(KeptMetrics::new("late")),
            routing: Arc::new(RoutingMetrics::new("")),
            engine: EngineMetrics::new(""),
            journal: None,
            checkpoints: None,
            api: Arc::new(ApiMetrics::new("")),
        }
    }

    /// The same with metrics of what is kept: the journal and checkpoints.
    pub fn with_state(mut self) -> Metrics {
        self.journal = Some(Arc::new(JournalMetrics::new("")));
        self.checkpoints = Some(Arc::new(CheckpointMetrics::new("")));
        self
    }

    /// The same with metrics for lists and tables.
    pub fn with_tables<'a>(mut self, tables: impl IntoIterator<Item = &'a str>) -> Metrics {
        self.tables = tables.into_iter().map(|name| Arc::new(TableMetrics::new(name))).collect();
        self
    }

    /// The same with metrics for streams that sources can feed.
    pub fn with_streams<'a>(mut self, streams: impl IntoIterator<Item = &'a str>) -> Metrics {
        self.streams = streams.into_iter().map(|name| Arc::new(StreamMetrics::new(name))).collect();
        self
    }

    /// The same with metrics for HTTP sources.
    pub fn with_http<'a>(mut self, sources: impl IntoIterator<Item = &'a str>) -> Metrics {
        self.http = sources.into_iter().map(|name| Arc::new(HttpMetrics::new(name))).collect();
        self
    }

    /// The same with metrics for schema registries.
    pub fn with_registries<'a>(mut self, registries: impl IntoIterator<Item = &'a str>) -> Metrics {
        self.registries = registries.into_iter().map(|name| Arc::new(RegistryMetrics::new(name))).collect();
        self
    }

    /// The same with metrics for Kafka sources.
    pub fn with_kafka<'a>(mut self, sources: impl IntoIterator<Item = &'a str>) -> Metrics {
        self.kafka = sources.into_iter().map(|name| Arc::new(KafkaMetrics::new(name))).collect();
        self
    }

    /// The same with metrics of an API, which others may count with as well.
    pub fn with_api(self, api: Arc<ApiMetrics>) -> Metrics {
        Metrics { api, ..self }
    }

    /// Gives every number with its labels, group by group.
    pub fn visit(&self, visitor: &mut Visitor<'_>) {
        self.service.visit(visitor);
        self.process.visit(visitor);
        self.engine.visit(visitor);
        self.streams.iter().for_each(|group| group.visit(visitor));
        self.sources.iter().for_each(|group| group.visit(visitor));
        self.http.iter().for_each(|group| group.visit(visitor));
        self.kafka.iter().for_each(|group| group.visit(visitor));
        self.registries.iter().for_each(|group| group.visit(visitor));
        self.rules.iter().for_each(|group| group.visit(visitor));
        self.tables.iter().for_each(|group| group.visit(visitor));
        self.routing.visit(visitor);
        self.sinks.iter().for_each(|group| group.visit(visitor));
        self.checkpoints.iter().for_each(|group| group.visit(visitor));
        self.journal.iter().for_each(|group| group.visit(visitor));
        self.quarantine.visit(visitor);
        self.late.visit(visitor);
        self.api.visit(visitor);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_say_what_is_counted_in_base_units() {
        let mut seen = std::collections::BTreeSet::new();
        for metric in GROUPS.iter().flat_map(|group| group.metrics) {
            let Descriptor { name, kind, unit, help } = metric;
            assert!(seen.insert(name), "{name} is declared twice");
            assert_eq!(*kind == Kind::Counter, name.ends_with("_total"), "{name}");
            let stem = name.strip_suffix("_total").unwrap_or(name);
            for base in ["seconds", "bytes"] {
                assert_eq!(*unit == base, stem.ends_with(&format!("_{base}")), "{name}: {unit}");
            }
            assert!(*kind != Kind::Histogram || *unit == "seconds", "{name}");
            assert!(help.ends_with('.') && !unit.is_empty(), "{name}");
        }
    }

    #[test]
    fn every_number_is_shown_with_its_labels() {
        let metrics = Metrics::new(["tcp"], ["r"], ["out"]);
        metrics.sources[0].events.add(3);
        metrics.sources[0].rejected.of("syntax").add(2);
        metrics.engine.events.follow(9);
        metrics.engine.delay.record(std::time::Duration::from_millis(500));
        let mut shown = Vec::new();
        metrics.visit(&mut |metric, labels, value| {
            let labels: Vec<_> = labels.iter().map(|(name, value)| format!("{name}={value}")).collect();
            let labels = labels.join(",");
            match value {
                Value::Number(number) if number > 0.0 => {
                    shown.push(format!("{}{{{labels}}} {number}", metric.name));
                }
                Value::Times(times) if times.count() > 0 => {
                    shown.push(format!("{}{{{labels}}} {} µs", metric.name, times.sum()));
                }
                _ => {}
            }
        });
        assert_eq!(
            shown,
            [
                concat!("tripline_build_info{version=", env!("CARGO_PKG_VERSION"), "} 1"),
                "tripline_engine_events_total{} 9",
                "tripline_engine_detection_delay_seconds{} 500000 µs",
                "tripline_source_events_total{source=tcp} 3",
                "tripline_source_connected{source=tcp} 1",
                "tripline_source_rejected_total{source=tcp,reason=syntax} 2",
            ]
        );
    }
}
