//! Every metric of the service: name, unit, meaning.

use std::sync::Arc;

use super::metric::{Counter, Family, Gauge, Histogram, Kind, Metric};

/// The reasons by which rejected records are counted, in the order shown.
pub const REJECTION_REASONS: [&str; 8] =
    ["syntax", "missing_field", "wrong_type", "incomplete", "oversized", "framing", "future", "keyless"];

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
pub type Visitor<'a> = dyn FnMut(&Descriptor, &[(&str, &str)], u64) + 'a;

/// Declares a group of metrics that share a label (or none): a struct with a field for each, and
/// its part of the catalogue.
macro_rules! group {
    (
        $(#[$about:meta])*
        $group:ident by $label:literal {
            $( $field:ident: $kind:ty = $make:expr, $name:literal, $unit:literal, $help:literal; )*
        }
    ) => {
        $(#[$about])*
        #[derive(Debug)]
        pub struct $group {
            /// The value of the label that tells this group from its siblings.
            pub name: String,
            $(#[doc = $help] pub $field: $kind,)*
        }

        impl $group {
            /// What each metric is.
            pub const DESCRIPTORS: &[Descriptor] = &[
                $(Descriptor { name: $name, kind: <$kind as Metric>::KIND, unit: $unit, help: $help },)*
            ];

            /// All numbers at 0.
            pub fn new(name: impl Into<String>) -> Self {
                $group { name: name.into(), $($field: $make,)* }
            }

            fn visit(&self, visitor: &mut Visitor<'_>) {
                let mut index = 0;
                $(
                    self.$field.each(&mut |more, value| {
                        let own = ($label, self.name.as_str());
                        let labels = [own, more.unwrap_or_default()];
                        let first = usize::from($label.is_empty());
                        let last = 1 + usize::from(more.is_some());
                        visitor(&Self::DESCRIPTORS[index], &labels[first..last], value);
                    });
                    index += 1;
                )*
                let _ = index;
            }
        }
    };
}

group! {
    /// Metrics of one source.
    SourceMetrics by "source" {
        events: Counter = Counter::default(), "tripline_source_events_total", "events",
            "Records decoded to events.";
        bytes: Counter = Counter::default(), "tripline_source_bytes_total", "bytes",
            "Bytes read.";
        rejected: Family = Family::new("reason", REJECTION_REASONS), "tripline_source_rejected_total", "records",
            "Records that did not become events: malformed, too long, too far ahead of the clock, or without a key for any rule.";
        late: Counter = Counter::default(), "tripline_source_late_total", "events",
            "Events that came too late to be put in order.";
        connections: Gauge = Gauge::default(), "tripline_source_connections", "connections",
            "Connections that are open.";
        opened: Counter = Counter::default(), "tripline_source_connections_total", "connections",
            "Connections that were accepted, or made.";
        refused: Counter = Counter::default(), "tripline_source_connections_refused_total", "connections",
            "Connections that were closed at once because too many were open.";
        connect_failures: Counter = Counter::default(), "tripline_source_connect_failures_total", "attempts",
            "Attempts to connect to a server that failed.";
        tls_failures: Counter = Counter::default(), "tripline_source_tls_failures_total", "connections",
            "Connections on which the two sides could not agree on TLS.";
        datagrams: Counter = Counter::default(), "tripline_source_datagrams_total", "datagrams",
            "Datagrams received.";
        dropped: Counter = Counter::default(), "tripline_source_dropped_total", "datagrams",
            "Datagrams that the system dropped because they came faster than they could be taken.";
        files: Gauge = Gauge::default(), "tripline_source_files", "files",
            "Followed files that are open.";
        unread: Gauge = Gauge::default(), "tripline_source_unread_bytes", "bytes",
            "Bytes of followed files that have not been read yet.";
    }
}

/// The statuses by which requests of an HTTP source are counted, in the order shown.
pub const REQUEST_STATUSES: [&str; 10] =
    ["202", "400", "401", "404", "405", "408", "413", "415", "429", "503"];

group! {
    /// Metrics of one HTTP source, besides those of every source.
    HttpMetrics by "source" {
        requests: Family = Family::new("status", REQUEST_STATUSES), "tripline_http_requests_total", "requests",
            "Requests, by the status of the answer.";
    }
}

group! {
    /// Metrics of one schema registry.
    RegistryMetrics by "registry" {
        requests: Counter = Counter::default(), "tripline_registry_requests_total", "requests",
            "Times that the registry was asked for a schema and all that it refers to.";
        failures: Counter = Counter::default(), "tripline_registry_failures_total", "requests",
            "Times that it was not there, was too slow or refused the request, so that it has to be asked again.";
        waiting: Gauge = Gauge::default(), "tripline_registry_waiting", "schemas",
            "Schemas that sources wait for because the registry does not answer.";
        schemas: Gauge = Gauge::default(), "tripline_registry_schemas", "schemas",
            "Ids of which it is known what schema they have, or that they have none.";
    }
}

group! {
    /// Metrics of one Kafka source, besides those of every source.
    KafkaMetrics by "source" {
        partitions: Gauge = Gauge::default(), "tripline_kafka_partitions", "partitions",
            "Partitions of topics that this instance reads.";
        lag: Gauge = Gauge::default(), "tripline_kafka_lag", "messages",
            "Messages in these partitions that have not been read yet.";
        rebalances: Counter = Counter::default(), "tripline_kafka_rebalances_total", "changes",
            "Times that partitions were given to this instance or taken from it.";
        lost: Counter = Counter::default(), "tripline_kafka_lost_total", "messages",
            "Messages that the cluster had thrown away before they were read.";
        tombstones: Counter = Counter::default(), "tripline_kafka_tombstones_total", "messages",
            "Messages without a value that were passed over.";
    }
}

group! {
    /// Metrics of one rule.
    RuleMetrics by "rule" {
        events: Counter = Counter::default(), "tripline_rule_events_total", "events",
            "Events that fit one of the events that the rule names, for a key that is known.";
        alerts: Counter = Counter::default(), "tripline_rule_alerts_total", "alerts",
            "Alerts made.";
        held_back: Counter = Counter::default(), "tripline_rule_held_back_total", "alerts",
            "Alerts that the rule's `limit` held back.";
        groups_forgotten: Counter = Counter::default(), "tripline_rule_limit_groups_forgotten_total", "groups",
            "Groups of `limit … for each` forgotten because there were too many, so that an alert too many may pass.";
        limits: Counter = Counter::default(), "tripline_rule_limits_total", "limits",
            "Times that `max runs` or `max events` was reached for a key, or that too many alerts of one moment waited to be read, so that a match can be missing.";
        forgotten: Counter = Counter::default(), "tripline_rule_forgotten_total", "events",
            "Past events left out of an aggregate because too many are kept for a key, so that it is too small.";
        faults: Counter = Counter::default(), "tripline_rule_faults_total", "values",
            "Values that could not be computed and are null: overflow, division by zero.";
    }
}

group! {
    /// Metrics of one sink.
    SinkMetrics by "sink" {
        delivered: Counter = Counter::default(), "tripline_sink_delivered_total", "alerts",
            "Alerts that the sink has accepted.";
        retried: Counter = Counter::default(), "tripline_sink_retries_total", "attempts",
            "Attempts to deliver that failed and were made again.";
        failed: Counter = Counter::default(), "tripline_sink_failed_total", "alerts",
            "Alerts given up after the last attempt, or after too long a wait.";
        forwarded: Counter = Counter::default(), "tripline_sink_forwarded_total", "alerts",
            "Alerts that went to the sink's fallback instead.";
        attempts: Counter = Counter::default(), "tripline_sink_attempts_total", "attempts",
            "Attempts to deliver, of one alert or several, whatever came of them.";
        under_way: Gauge = Gauge::default(), "tripline_sink_under_way", "attempts",
            "Attempts that are under way.";
        breaker: Gauge = Gauge::default(), "tripline_sink_breaker", "state",
            "Whether the sink is left alone because it is down: 0 if not, 1 while a single alert probes it, 2 if it is.";
        disabled: Gauge = Gauge::default(), "tripline_sink_disabled", "sinks",
            "1 while nothing is sent because the receiver has answered that it wants nothing any more, otherwise 0.";
        undelivered: Counter = Counter::default(), "tripline_sink_undelivered_total", "alerts",
            "Alerts that were still waiting when the service stopped.";
        waiting: Gauge = Gauge::default(), "tripline_sink_waiting", "alerts",
            "Alerts in the queue.";
    }
}

/// The reasons by which decisions of routing are counted, in the order shown.
pub const DECISION_REASONS: [&str; 19] = [
    "limited",
    "passed",
    "repeat",
    "silenced",
    "inhibited",
    "sent",
    "already",
    "grouped",
    "quiet",
    "postponed",
    "group_sent",
    "lowered",
    "nowhere",
    "unrouted",
    "crowded",
    "waits",
    "acknowledged",
    "escalated",
    "resolved",
];

group! {
    /// Metrics of routing.
    RoutingMetrics by "" {
        decisions: Family = Family::new("reason", DECISION_REASONS), "tripline_routing_decisions_total", "decisions",
            "Decisions of what becomes of alerts, by reason; of one alert there may be several.";
        groups: Gauge = Gauge::default(), "tripline_routing_groups", "groups",
            "Groups of alerts that are open.";
        waiting: Gauge = Gauge::default(), "tripline_routing_unacknowledged", "notifications",
            "Notifications that are escalated if nobody acknowledges them.";
        followed: Gauge = Gauge::default(), "tripline_routing_followed", "alerts",
            "Alerts of which sinks will be told when they are over.";
        silences: Gauge = Gauge::default(), "tripline_routing_silences", "silences",
            "Silences that hold.";
    }
}

group! {
    /// Metrics of one list or table.
    TableMetrics by "table" {
        entries: Gauge = Gauge::default(), "tripline_table_entries", "entries",
            "Values of the list, or rows of the table, that are in use.";
        bytes: Gauge = Gauge::default(), "tripline_table_bytes", "bytes",
            "Memory that they take.";
        reloads: Counter = Counter::default(), "tripline_table_reloads_total", "files",
            "Times that a changed file was taken into use.";
        failures: Counter = Counter::default(), "tripline_table_reload_failures_total", "files",
            "Times that a changed file could not be used, so that the older content stayed.";
        stale: Gauge = Gauge::default(), "tripline_table_stale", "files",
            "1 while the file cannot be used and the content is an older one, otherwise 0.";
    }
}

group! {
    /// Metrics of one file in which records are kept that were set aside: `quarantine` or `late`.
    KeptMetrics by "file" {
        written: Counter = Counter::default(), "tripline_quarantine_written_total", "records",
            "Records written to the file of what was set aside.";
        lost: Counter = Counter::default(), "tripline_quarantine_lost_total", "records",
            "Records that could not be kept, because the file was full or could not be written.";
        bytes: Counter = Counter::default(), "tripline_quarantine_bytes_total", "bytes",
            "Bytes written to the file.";
        size: Gauge = Gauge::default(), "tripline_quarantine_size", "bytes",
            "Size of the file when it was last written.";
    }
}

group! {
    /// Metrics of the journal of records that cannot be asked for again.
    JournalMetrics by "" {
        stuck: Gauge = Gauge::default(), "tripline_journal_stuck", "journals",
            "1 while sources have to wait because the journal takes no records: the disk is full, broken or too slow, or the journal is full; otherwise 0.";
        bytes: Gauge = Gauge::default(), "tripline_journal_bytes", "bytes",
            "Size of the files of the journal.";
        waiting: Gauge = Gauge::default(), "tripline_journal_waiting_bytes", "bytes",
            "Bytes that wait to be written to the journal.";
        records: Counter = Counter::default(), "tripline_journal_records_total", "records",
            "Entries made durable: records, and where connections begin and end.";
        syncs: Counter = Counter::default(), "tripline_journal_syncs_total", "syncs",
            "Times that entries were made durable, together with all that had come since the last time.";
    }
}

group! {
    /// Metrics of checkpoints, and of the store that they are kept in.
    CheckpointMetrics by "" {
        stored: Counter = Counter::default(), "tripline_checkpoints_total", "checkpoints",
            "Checkpoints stored.";
        failed: Counter = Counter::default(), "tripline_checkpoint_failures_total", "attempts",
            "Attempts to store a checkpoint that failed and were made again.";
        stuck: Gauge = Gauge::default(), "tripline_checkpoint_stuck", "stores",
            "1 while nothing can be stored, so that the engine takes no events, otherwise 0.";
        time: Gauge = Gauge::default(), "tripline_checkpoint_time_seconds", "seconds",
            "When the last checkpoint was made, in seconds since 1970; 0 before the first.";
        pause: Histogram = Histogram::default(), "tripline_checkpoint_pause_seconds", "seconds",
            "Time for which the engine stood still to copy what had changed.";
        commit: Histogram = Histogram::default(), "tripline_checkpoint_commit_seconds", "seconds",
            "Time that it took to store a checkpoint and make it durable.";
        rows: Counter = Counter::default(), "tripline_checkpoint_rows_total", "rows",
            "Rows of state that had changed and were stored.";
        bytes: Counter = Counter::default(), "tripline_checkpoint_bytes_total", "bytes",
            "Bytes that checkpoints have written to the disk, with what was merged for them.";
        size: Gauge = Gauge::default(), "tripline_store_bytes", "bytes",
            "Size of the file of the store.";
        outbox: Gauge = Gauge::default(), "tripline_outbox_bytes", "bytes",
            "Bytes of stored alerts that sinks have not accepted.";
        dead: Gauge = Gauge::default(), "tripline_outbox_dead_letters", "alerts",
            "Stored alerts that were given up.";
        dropped: Counter = Counter::default(), "tripline_outbox_dead_letters_dropped_total", "alerts",
            "Alerts that were given up and made room for others that were given up later.";
        forgotten: Counter = Counter::default(), "tripline_outbox_ids_forgotten_total", "alerts",
            "Ids of alerts forgotten within a day because there were too many: one of these alerts may be sent twice if it is decided again.";
    }
}

group! {
    /// Metrics of the engine.
    EngineMetrics by "" {
        events: Counter = Counter::default(), "tripline_engine_events_total", "events",
            "Events that the engine took.";
        waiting: Gauge = Gauge::default(), "tripline_engine_waiting", "events",
            "Events that wait until their turn in event time is certain: the depth of the reorder buffer.";
        waiting_bytes: Gauge = Gauge::default(), "tripline_engine_waiting_bytes", "bytes",
            "About how much memory they take.";
        paused: Gauge = Gauge::default(), "tripline_engine_paused_partitions", "partitions",
            "Partitions that are not read because what they have sent waits for others and the reorder buffer is full.";
        stuck: Gauge = Gauge::default(), "tripline_engine_stuck", "engines",
            "1 while the reorder buffer is so full that nothing is read, otherwise 0.";
        lag: Gauge = Gauge::default(), "tripline_engine_watermark_lag_seconds", "seconds",
            "How far event time is behind the clock; 0 before the first event.";
        queue: Gauge = Gauge::default(), "tripline_engine_queue", "batches",
            "Batches from sources that wait for the engine.";
        queue_bytes: Gauge = Gauge::default(), "tripline_engine_queue_bytes", "bytes",
            "About how much memory they take.";
        rounds: Gauge = Gauge::default(), "tripline_engine_rounds", "rounds",
            "Rounds of events that the shards are working on.";
        keys: Gauge = Gauge::default(), "tripline_engine_keys", "keys",
            "Keys for which something is held.";
        cold: Gauge = Gauge::default(), "tripline_engine_cold_keys", "keys",
            "Keys, and pasts of keys, that are on the disk only because memory has no room for them.";
        brought_back: Counter = Counter::default(), "tripline_engine_brought_back_total", "keys",
            "Times that one of these was brought back into memory.";
        held: Gauge = Gauge::default(), "tripline_engine_held_bytes", "bytes",
            "About how much memory keys take, while it is limited by `state.memory`.";
        delay: Histogram = Histogram::default(), "tripline_engine_detection_delay_seconds", "seconds",
            "Time from the arrival of the event that decided an alert until the alert is handed to the sinks' queues.";
        runs: Gauge = Gauge::default(), "tripline_engine_runs", "runs",
            "Partial matches that are held.";
        past: Gauge = Gauge::default(), "tripline_engine_past_events", "events",
            "Events kept for aggregates over the past.";
        keyless: Counter = Counter::default(), "tripline_engine_keyless_total", "events",
            "Events that a rule could not put into a group because a part of the key is null.";
    }
}

/// All metrics of a service.
#[derive(Debug)]
pub struct Metrics {
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
}

impl Metrics {
    /// All metrics at 0.
    pub fn new<'a>(
        sources: impl IntoIterator<Item = &'a str>,
        rules: impl IntoIterator<Item = &'a str>,
        sinks: impl IntoIterator<Item = &'a str>,
    ) -> Metrics {
        Metrics {
            sources: sources.into_iter().map(|name| Arc::new(SourceMetrics::new(name))).collect(),
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

    /// Gives every number with its labels, the numbers of one metric together.
    pub fn visit(&self, visitor: &mut Visitor<'_>) {
        self.engine.visit(visitor);
        self.checkpoints.iter().for_each(|group| group.visit(visitor));
        self.journal.iter().for_each(|group| group.visit(visitor));
        self.sources.iter().for_each(|group| group.visit(visitor));
        self.http.iter().for_each(|group| group.visit(visitor));
        self.kafka.iter().for_each(|group| group.visit(visitor));
        self.registries.iter().for_each(|group| group.visit(visitor));
        self.rules.iter().for_each(|group| group.visit(visitor));
        self.sinks.iter().for_each(|group| group.visit(visitor));
        self.routing.visit(visitor);
        self.tables.iter().for_each(|group| group.visit(visitor));
        self.quarantine.visit(visitor);
        self.late.visit(visitor);
    }

    /// Every metric there is.
    pub fn descriptors() -> impl Iterator<Item = &'static Descriptor> {
        [
            EngineMetrics::DESCRIPTORS,
            CheckpointMetrics::DESCRIPTORS,
            JournalMetrics::DESCRIPTORS,
            SourceMetrics::DESCRIPTORS,
            HttpMetrics::DESCRIPTORS,
            KafkaMetrics::DESCRIPTORS,
            RegistryMetrics::DESCRIPTORS,
            RuleMetrics::DESCRIPTORS,
            SinkMetrics::DESCRIPTORS,
            RoutingMetrics::DESCRIPTORS,
            TableMetrics::DESCRIPTORS,
            KeptMetrics::DESCRIPTORS,
        ]
        .into_iter()
        .flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_counters_end_in_total() {
        let mut seen = std::collections::BTreeSet::new();
        for metric in Metrics::descriptors() {
            assert!(seen.insert(metric.name), "{} is declared twice", metric.name);
            assert_eq!(metric.kind == Kind::Counter, metric.name.ends_with("_total"), "{}", metric.name);
            assert!(metric.help.ends_with('.') && !metric.unit.is_empty());
        }
    }

    #[test]
    fn every_number_is_shown_with_its_labels() {
        let metrics = Metrics::new(["tcp"], ["r"], ["out"]);
        metrics.sources[0].events.add(3);
        metrics.sources[0].rejected.of("syntax").add(2);
        metrics.engine.events.follow(9);
        let mut shown = Vec::new();
        metrics.visit(&mut |metric, labels, value| {
            if value > 0 {
                let labels: Vec<_> = labels.iter().map(|(name, value)| format!("{name}={value}")).collect();
                shown.push(format!("{}{{{}}} {value}", metric.name, labels.join(",")));
            }
        });
        assert_eq!(
            shown,
            [
                "tripline_engine_events_total{} 9",
                "tripline_source_events_total{source=tcp} 3",
                "tripline_source_rejected_total{source=tcp,reason=syntax} 2",
            ]
        );
    }
}
