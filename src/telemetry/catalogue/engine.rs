//! What the engine does.

use super::super::metric::{Age, Counter, Gauge, Histogram};
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
        waiting_limit: Gauge = Gauge::default(), "tripline_engine_waiting_limit_bytes", "bytes",
            "How much they may take: `limits.reorder_bytes`.";
        lag: Age = Age::default(), "tripline_engine_watermark_lag_seconds", "seconds",
            "How far event time is behind the clock; 0 before the first event. It grows when nothing happens, too.";
        behind: Age = Age::default(), "tripline_engine_behind_seconds", "seconds",
            "How old the oldest event is that waits for its turn; or how far event time is behind the clock, while messages of Kafka or parts of followed files have not been read. 0 while there is nothing of that.";
        behind_limit: Gauge = Gauge::default(), "tripline_engine_behind_limit_seconds", "seconds",
            "How far that may be while the service is ready: `limits.behind`; 0: however far.";
        queue: Gauge = Gauge::default(), "tripline_engine_queue", "batches",
            "Batches from sources that wait for the engine.";
        queue_bytes: Gauge = Gauge::default(), "tripline_engine_queue_bytes", "bytes",
            "About how much memory they take.";
        queue_limit: Gauge = Gauge::default(), "tripline_engine_queue_limit_bytes", "bytes",
            "How much they may take: `limits.queue_bytes`.";
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
        held_limit: Gauge = Gauge::default(), "tripline_engine_held_limit_bytes", "bytes",
            "How much they may take: `state.memory`; 0: as much as they need.";
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

group! {
    /// How event time stands in each stream that sources feed.
    "Streams": StreamMetrics by "stream" {
        partitions: Gauge = Gauge::default(), "tripline_stream_partitions", "partitions",
            "Partitions that are open: connections, files, partitions of topics.";
        lag: Age = Age::default(), "tripline_stream_watermark_lag_seconds", "seconds",
            "How far the slowest of them is behind the clock, but for those that are quiet for longer than `idle`. The stream that is furthest behind holds event time back for all. 0 if there is none, or it has sent nothing yet.";
    }
}
