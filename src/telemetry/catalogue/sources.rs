//! What comes in.

use crate::event::Timestamp;

use super::super::metric::{Counter, Family, Gauge, Moment};
use super::group::group;

/// The reasons by which rejected records are counted, in the order shown.
pub const REJECTION_REASONS: [&str; 8] =
    ["syntax", "missing_field", "wrong_type", "incomplete", "oversized", "framing", "future", "keyless"];

group! {
    /// What every source brings.
    "Sources": SourceMetrics by "source" {
        events: Counter = Counter::default(), "tripline_source_events_total", "events",
            "Records decoded to events.";
        last_event: Moment = Moment::default(), "tripline_source_last_event_timestamp_seconds", "seconds",
            "When the last of them came, in seconds since 1970; 0 before the first.";
        connected: Gauge = Gauge::of(1), "tripline_source_connected", "sources",
            "0 while the source is not connected to the server or cluster that it reads from, or cannot go on; otherwise 1, also when it has come to its end.";
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

impl SourceMetrics {
    /// So many events have come at that time.
    pub fn took(&self, events: u64, arrival: Timestamp) {
        if events > 0 {
            self.events.add(events);
            self.last_event.advance(arrival);
        }
    }
}

/// The statuses by which requests of an HTTP source are counted, in the order shown.
pub const REQUEST_STATUSES: [&str; 10] =
    ["202", "400", "401", "404", "405", "408", "413", "415", "429", "503"];

group! {
    /// What HTTP sources have besides.
    "HTTP sources": HttpMetrics by "source" {
        requests: Family = Family::new("status", REQUEST_STATUSES), "tripline_http_requests_total", "requests",
            "Requests, by the status of the answer.";
    }
}

group! {
    /// What Kafka sources have besides.
    "Kafka sources": KafkaMetrics by "source" {
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
    /// The registries from which sources have the schemas of their records.
    "Schema registries": RegistryMetrics by "registry" {
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
