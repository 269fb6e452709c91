"""What is kept: checkpoints, the disk, the journal, and keys that memory has no room for."""

from parts import (
    BYTES,
    BYTES_PER_SECOND,
    COUNT,
    PER_SECOND,
    RED,
    SECONDS,
    SHARE,
    YELLOW,
    Dashboard,
    Query,
    lines,
    number,
    per_second,
    quantiles,
)

NOW = [
    number(
        "Last checkpoint",
        "How long ago the last checkpoint was made. Nothing leaves before one holds it.",
        SECONDS,
        Query("time() - min(tripline_checkpoint_timestamp_seconds > 0)", "ago"),
        (60, YELLOW),
        (300, RED),
        width=6,
    ),
    number(
        "Disk left",
        "The share of the disk of the state that is free.",
        SHARE,
        Query("min(tripline_store_disk_free_bytes / tripline_store_disk_size_bytes)", "free"),
        width=6,
    ),
    number(
        "Store",
        "Whether something can be stored. While it cannot, the engine takes no events.",
        COUNT,
        Query("max(tripline_checkpoint_stuck)", "stuck"),
        width=6,
        words={0: ("works", "green"), 1: ("stuck", RED)},
    ),
    number(
        "Journal",
        "Whether the journal takes records. While it does not, sources other than files and Kafka wait.",
        COUNT,
        Query("max(tripline_journal_stuck)", "stuck"),
        width=6,
        words={0: ("works", "green"), 1: ("stuck", RED)},
    ),
]

CHECKPOINTS = [
    lines(
        "Time to store a checkpoint",
        "Time that it takes to store a checkpoint and make it durable. Alerts wait for it.",
        SECONDS,
        *quantiles("tripline_checkpoint_commit_seconds"),
        width=8,
    ),
    lines(
        "Pauses of the engine",
        "Time for which the engine stands still to copy what has changed.",
        SECONDS,
        *quantiles("tripline_checkpoint_pause_seconds"),
        width=8,
    ),
    lines(
        "Under way",
        "For how long the last checkpoint has been being stored; 0 when it is.",
        SECONDS,
        Query("tripline_checkpoint_under_way_seconds", "{{instance}}"),
        width=8,
    ),
    lines(
        "Checkpoints",
        "Checkpoints stored in a second, and attempts that failed and were made again.",
        PER_SECOND,
        Query(per_second("tripline_checkpoints_total", "instance"), "{{instance}} stored"),
        Query(per_second("tripline_checkpoint_failures_total", "instance"), "{{instance}} failed"),
        width=8,
    ),
    lines(
        "Rows",
        "Rows of state in a second that had changed and were stored.",
        PER_SECOND,
        Query(per_second("tripline_checkpoint_rows_total", "instance"), "{{instance}}"),
        width=8,
    ),
    lines(
        "Written",
        "Bytes a second that checkpoints write to the disk, with what is merged for them.",
        BYTES_PER_SECOND,
        Query(per_second("tripline_checkpoint_bytes_total", "instance"), "{{instance}}"),
        width=8,
    ),
]

DISK = [
    lines(
        "What takes room",
        "The sizes of the store, the journal, the alerts that wait, and what was set aside.",
        BYTES,
        Query("tripline_store_bytes", "{{instance}} store"),
        Query("tripline_journal_bytes", "{{instance}} journal"),
        Query("tripline_outbox_bytes", "{{instance}} outbox"),
        Query("tripline_quarantine_file_bytes", "{{instance}} {{file}}"),
    ),
    lines(
        "Disk",
        "Room that is left on the disk of the state, and what there will be in a day if it goes on as in the last six hours.",
        BYTES,
        Query("tripline_store_disk_free_bytes", "{{instance}} left"),
        Query("predict_linear(tripline_store_disk_free_bytes[6h], 86400)", "{{instance}} in a day"),
        Query("tripline_store_disk_size_bytes", "{{instance}} all"),
    ),
]

JOURNAL = [
    lines(
        "How full it is",
        "How full the journal is, of `journal.max_size`. When it is full, sources wait.",
        SHARE,
        Query("tripline_journal_bytes / (tripline_journal_limit_bytes > 0)", "{{instance}}"),
        width=8,
        most=1,
    ),
    lines(
        "Entries and syncs",
        "Entries made durable in a second, and how often that was done, each time for all that had come.",
        PER_SECOND,
        Query(per_second("tripline_journal_records_total", "instance"), "{{instance}} entries"),
        Query(per_second("tripline_journal_syncs_total", "instance"), "{{instance}} syncs"),
        width=8,
    ),
    lines(
        "Waiting to be written",
        "Bytes that wait to be written to the journal.",
        BYTES,
        Query("tripline_journal_waiting_bytes", "{{instance}}"),
        width=8,
    ),
]

KEYS = [
    lines(
        "Keys",
        "Keys for which something is held, and those of them that are on the disk only.",
        COUNT,
        Query("tripline_engine_keys", "{{instance}} held"),
        Query("tripline_engine_cold_keys", "{{instance}} on the disk only"),
        width=8,
    ),
    lines(
        "Brought back",
        "Keys a second that were brought back from the disk because an event needed them. Much of it slows the engine: give it "
        "more memory (`state.memory`).",
        PER_SECOND,
        Query(per_second("tripline_engine_brought_back_total", "instance"), "{{instance}}"),
        width=8,
    ),
    lines(
        "Memory of keys",
        "About how much memory keys take, and how much they may take, while that is limited by `state.memory`.",
        BYTES,
        Query("tripline_engine_held_bytes", "{{instance}} taken"),
        Query("tripline_engine_held_limit_bytes > 0", "{{instance}} at most"),
        width=8,
    ),
]

DASHBOARD = Dashboard(
    uid="tripline-store",
    title="Tripline: store",
    about="Whether what was decided becomes durable in time, and how much room there is for it.",
    rows=[
        ("Now", NOW),
        ("Checkpoints", CHECKPOINTS),
        ("Disk", DISK),
        ("Journal", JOURNAL),
        ("Keys on the disk", KEYS),
    ],
)
