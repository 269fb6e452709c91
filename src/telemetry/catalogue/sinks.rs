//! What goes out.

use super::super::metric::{Age, Counter, Family, Gauge, Histogram};
use super::group::group;

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
    /// What becomes of alerts between rules and sinks.
    "Routing": RoutingMetrics by "" {
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
    /// What goes out by each sink.
    "Sinks": SinkMetrics by "sink" {
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
        attempt: Histogram = Histogram::default(), "tripline_sink_attempt_seconds", "seconds",
            "Time that attempts took, whatever came of them.";
        delivery: Histogram = Histogram::default(), "tripline_sink_delivery_seconds", "seconds",
            "Time for which accepted alerts had waited for the sink, until it had accepted them.";
        under_way: Gauge = Gauge::default(), "tripline_sink_under_way", "attempts",
            "Attempts that are under way.";
        breaker: Gauge = Gauge::default(), "tripline_sink_breaker", "state",
            "Whether the sink is left alone because it is down: 0 if not, 1 while a single alert probes it, 2 if it is.";
        disabled: Gauge = Gauge::default(), "tripline_sink_disabled", "sinks",
            "1 while nothing is sent because the receiver has answered that it wants nothing any more, otherwise 0.";
        undelivered: Counter = Counter::default(), "tripline_sink_undelivered_total", "alerts",
            "Alerts that were still waiting when the service stopped.";
        waiting: Gauge = Gauge::default(), "tripline_sink_waiting", "alerts",
            "Alerts that wait for the sink or are being attempted.";
        waiting_bytes: Gauge = Gauge::default(), "tripline_sink_waiting_bytes", "bytes",
            "About how many bytes they have.";
        oldest: Age = Age::default(), "tripline_sink_oldest_waiting_seconds", "seconds",
            "How long the oldest of them has waited; 0 if there is none.";
    }
}
