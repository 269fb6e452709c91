//! What is kept on the disk.

use super::super::metric::{Age, Counter, Gauge, Histogram, Moment};
use super::group::group;

group! {
    /// Checkpoints, and the store that they are kept in, where the service keeps state.
    "Store": CheckpointMetrics by "" {
        stored: Counter = Counter::default(), "tripline_checkpoints_total", "checkpoints",
            "Checkpoints stored.";
        failed: Counter = Counter::default(), "tripline_checkpoint_failures_total", "attempts",
            "Attempts to store a checkpoint that failed and were made again.";
        stuck: Gauge = Gauge::default(), "tripline_checkpoint_stuck", "stores",
            "1 while nothing can be stored, so that the engine takes no events, otherwise 0.";
        under_way: Age = Age::default(), "tripline_checkpoint_under_way_seconds", "seconds",
            "For how long the last checkpoint has been being stored; 0 when it is.";
        time: Moment = Moment::default(), "tripline_checkpoint_timestamp_seconds", "seconds",
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
        disk_free: Gauge = Gauge::default(), "tripline_store_disk_free_bytes", "bytes",
            "Room on the disk that it is on.";
        disk_size: Gauge = Gauge::default(), "tripline_store_disk_size_bytes", "bytes",
            "Size of that disk.";
        outbox: Gauge = Gauge::default(), "tripline_outbox_bytes", "bytes",
            "Bytes of stored alerts that sinks have not accepted.";
        outbox_limit: Gauge = Gauge::default(), "tripline_outbox_limit_bytes", "bytes",
            "How many they may have: `state.max_outbox`.";
        dead: Gauge = Gauge::default(), "tripline_outbox_dead_letters", "alerts",
            "Stored alerts that were given up.";
        dropped: Counter = Counter::default(), "tripline_outbox_dead_letters_dropped_total", "alerts",
            "Alerts that were given up and made room for others that were given up later.";
        forgotten: Counter = Counter::default(), "tripline_outbox_ids_forgotten_total", "alerts",
            "Ids of alerts forgotten within a day because there were too many: one of these alerts may be sent twice if it is decided again.";
    }
}

group! {
    /// The journal of records that cannot be asked for again, where the service keeps state.
    "Journal": JournalMetrics by "" {
        stuck: Gauge = Gauge::default(), "tripline_journal_stuck", "journals",
            "1 while sources have to wait because the journal takes no records: the disk is full, broken or too slow, or the journal is full; otherwise 0.";
        bytes: Gauge = Gauge::default(), "tripline_journal_bytes", "bytes",
            "Size of the files of the journal.";
        limit: Gauge = Gauge::default(), "tripline_journal_limit_bytes", "bytes",
            "How large they may be: `journal.max_size`.";
        waiting: Gauge = Gauge::default(), "tripline_journal_waiting_bytes", "bytes",
            "Bytes that wait to be written to the journal.";
        records: Counter = Counter::default(), "tripline_journal_records_total", "records",
            "Entries made durable: records, and where connections begin and end.";
        syncs: Counter = Counter::default(), "tripline_journal_syncs_total", "syncs",
            "Times that entries were made durable, together with all that had come since the last time.";
    }
}

group! {
    /// The files for records that are no events (`quarantine`) and for events that came too late (`late`).
    "What is set aside": KeptMetrics by "file" {
        written: Counter = Counter::default(), "tripline_quarantine_written_total", "records",
            "Records written to the file of what was set aside.";
        lost: Counter = Counter::default(), "tripline_quarantine_lost_total", "records",
            "Records that could not be kept, because the file was full or could not be written.";
        bytes: Counter = Counter::default(), "tripline_quarantine_written_bytes_total", "bytes",
            "Bytes written to the file.";
        size: Gauge = Gauge::default(), "tripline_quarantine_file_bytes", "bytes",
            "Size of the file when it was last written.";
        limit: Gauge = Gauge::default(), "tripline_quarantine_limit_bytes", "bytes",
            "How large it may be: `max_size`; 0: nothing is kept.";
    }
}
