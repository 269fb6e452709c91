//! What the engine does.

use super::super::metric::{Counter, Gauge, Histogram};
use super::group::group;

group! {
    /// What is on its way through the engine, and what it holds.
    "Engine": EngineMetrics by "" {
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
