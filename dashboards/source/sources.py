"""What comes in, how event time stands, and what waits for its turn."""

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
    Variable,
    lines,
    number,
    per_second,
    states,
)


def by_source(title: str, about: str, metric: str, width: int = 8, unit: str = PER_SECOND):
    """How much a counter of sources grows."""
    return lines(title, about, unit, Query(per_second(metric, "source"), "{{source}}"), width=width)


SOURCES = [
    by_source("Events", "Records of each source that were decoded to events, in a second.", "tripline_source_events_total", 12),
    by_source(
        "Bytes", "Bytes read from each source in a second.", "tripline_source_bytes_total", 12, unit=BYTES_PER_SECOND
    ),
    states(
        "Connected",
        "Whether each source is connected to the server or cluster that it reads from, and can go on.",
        Query("min by (source) (tripline_source_connected)", "{{source}}"),
        {0: ("not connected", RED), 1: ("connected", "green")},
    ),
    lines(
        "Since the last event",
        "How long ago the last event of each source came; nothing before the first.",
        SECONDS,
        Query("time() - max by (source) (tripline_source_last_event_timestamp_seconds > 0)", "{{source}}"),
    ),
]

NOT_TAKEN = [
    lines(
        "Rejected",
        "Records in a second that did not become events, by reason. They are in the quarantine.",
        PER_SECOND,
        Query(per_second("tripline_source_rejected_total", "reason"), "{{reason}}"),
        width=8,
    ),
    lines(
        "Share rejected",
        "The share of the records of each source that did not become events.",
        SHARE,
        Query(
            "sum by (source) (rate(tripline_source_rejected_total[$__rate_interval])) / (sum by (source) "
            "(rate(tripline_source_rejected_total[$__rate_interval])) + sum by (source) "
            "(rate(tripline_source_events_total[$__rate_interval])) > 0)",
            "{{source}}",
        ),
        width=8,
    ),
    by_source("Late", "Events in a second that came too late to be put in order.", "tripline_source_late_total"),
    lines(
        "Set aside",
        "Records in a second that were written to the quarantine or the file of late events, and that could not be kept there.",
        PER_SECOND,
        Query(per_second("tripline_quarantine_written_total", "file"), "{{file}} kept"),
        Query(per_second("tripline_quarantine_lost_total", "file"), "{{file}} lost"),
        width=8,
    ),
    lines(
        "Files of what was set aside",
        "Their size when they were last written, as a share of what they may be.",
        SHARE,
        Query("max by (file) (tripline_quarantine_file_bytes / (tripline_quarantine_limit_bytes > 0))", "{{file}}"),
        width=8,
    ),
    lines(
        "Written to these files",
        "Bytes a second that are written to the quarantine and the file of late events.",
        BYTES_PER_SECOND,
        Query(per_second("tripline_quarantine_written_bytes_total", "file"), "{{file}}"),
        width=8,
    ),
]

EVENT_TIME = [
    lines(
        "Event time by stream",
        "How far the slowest partition of each stream is behind the clock. The stream that is furthest behind holds event time "
        "back for all.",
        SECONDS,
        Query("max by (stream) (tripline_stream_watermark_lag_seconds)", "{{stream}}"),
    ),
    lines(
        "Partitions by stream",
        "Partitions that are open: connections, files, partitions of topics.",
        COUNT,
        Query("sum by (stream) (tripline_stream_partitions)", "{{stream}}"),
    ),
    lines(
        "Events that wait for their turn",
        "The depth of the reorder buffer: events that wait until their turn in event time is certain.",
        COUNT,
        Query("tripline_engine_waiting", "{{instance}}"),
        width=8,
    ),
    lines(
        "Reorder buffer",
        "How full it is, of `limits.reorder_bytes`. When it is half full, partitions that are ahead are paused.",
        SHARE,
        Query("tripline_engine_waiting_bytes / (tripline_engine_waiting_limit_bytes > 0)", "{{instance}}"),
        width=8,
        most=1,
    ),
    lines(
        "Paused and stuck",
        "Partitions that are not read because what they have sent waits for others; and whether nothing is read at all.",
        COUNT,
        Query("tripline_engine_paused_partitions", "{{instance}} paused"),
        Query("tripline_engine_stuck", "{{instance}} stuck"),
        width=8,
    ),
    lines(
        "Queue to the engine",
        "Batches from sources that wait for the engine.",
        COUNT,
        Query("tripline_engine_queue", "{{instance}}"),
        width=8,
    ),
    lines(
        "Room in that queue",
        "How full it is, of `limits.queue_bytes`. When it is full, sources wait.",
        SHARE,
        Query("tripline_engine_queue_bytes / (tripline_engine_queue_limit_bytes > 0)", "{{instance}}"),
        width=8,
        most=1,
    ),
    lines(
        "Rounds",
        "Rounds of events that the shards are working on.",
        COUNT,
        Query("tripline_engine_rounds", "{{instance}}"),
        width=8,
    ),
]

CONNECTIONS = [
    lines(
        "Open connections",
        "Connections of each source that are open.",
        COUNT,
        Query("sum by (source) (tripline_source_connections)", "{{source}}"),
        width=8,
    ),
    by_source(
        "New connections",
        "Connections in a second that each source has accepted, or made.",
        "tripline_source_connections_total",
    ),
    lines(
        "Connections that failed",
        "Connections in a second that were closed at once because too many were open, that could not be made, and on which the "
        "two sides could not agree on TLS.",
        PER_SECOND,
        Query("sum(rate(tripline_source_connections_refused_total[$__rate_interval]))", "refused"),
        Query("sum(rate(tripline_source_connect_failures_total[$__rate_interval]))", "not made"),
        Query("sum(rate(tripline_source_tls_failures_total[$__rate_interval]))", "no TLS"),
        width=8,
    ),
    lines(
        "Datagrams",
        "Datagrams in a second that were received, and that the system dropped because they came faster than they could be taken.",
        PER_SECOND,
        Query("sum(rate(tripline_source_datagrams_total[$__rate_interval]))", "received"),
        Query("sum(rate(tripline_source_dropped_total[$__rate_interval]))", "dropped"),
        width=8,
    ),
    lines(
        "Requests of HTTP sources",
        "Requests in a second, by the status of the answer. 429 and 503 mean that the sender has to come again.",
        PER_SECOND,
        Query(per_second("tripline_http_requests_total", "status"), "{{status}}"),
        width=8,
    ),
    lines(
        "Followed files",
        "Files that each source follows and has open.",
        COUNT,
        Query("sum by (source) (tripline_source_files)", "{{source}}"),
        width=8,
    ),
    lines(
        "Not read of followed files",
        "Bytes of followed files that have not been read yet.",
        BYTES,
        Query("sum by (source) (tripline_source_unread_bytes)", "{{source}}"),
        width=8,
    ),
]

KAFKA = [
    lines(
        "Lag",
        "Messages that have not been read yet, in the partitions that are read here.",
        COUNT,
        Query("sum by (source) (tripline_kafka_lag)", "{{source}}"),
        width=8,
    ),
    lines(
        "Partitions",
        "Partitions of topics that each instance reads.",
        COUNT,
        Query("sum by (instance, source) (tripline_kafka_partitions)", "{{instance}} {{source}}"),
        width=8,
    ),
    lines(
        "Changes of the group",
        "How often partitions were given to an instance or taken from it, in the range shown.",
        COUNT,
        Query("sum by (instance, source) (increase(tripline_kafka_rebalances_total[$__range]))", "{{instance}} {{source}}"),
        width=8,
    ),
    number(
        "Lost before they were read",
        "Messages that the cluster had thrown away before they were read, in the range shown.",
        COUNT,
        Query("sum(increase(tripline_kafka_lost_total[$__range]))", "lost"),
        (1, RED),
        width=8,
        height=8,
    ),
    by_source(
        "Messages without a value",
        "Tombstones in a second, which are passed over.",
        "tripline_kafka_tombstones_total",
    ),
]

REGISTRIES = [
    lines(
        "Requests to schema registries",
        "How often each registry is asked for a schema in a second, and how often in vain.",
        PER_SECOND,
        Query(per_second("tripline_registry_requests_total", "registry"), "{{registry}} asked"),
        Query(per_second("tripline_registry_failures_total", "registry"), "{{registry}} in vain"),
        width=8,
    ),
    number(
        "Schemas that are waited for",
        "Schemas that sources wait for because the registry does not answer. Records with them hold event time back.",
        COUNT,
        Query("sum(tripline_registry_waiting)", "waited for"),
        (1, YELLOW),
        width=8,
        height=8,
    ),
    lines(
        "Schemas that are known",
        "Ids of which it is known what schema they have, or that they have none.",
        COUNT,
        Query("max by (registry) (tripline_registry_schemas)", "{{registry}}"),
        width=8,
    ),
]

DASHBOARD = Dashboard(
    uid="tripline-sources",
    title="Tripline: sources and lag",
    about="What every source brings, what is not taken and why, and what holds event time back.",
    variables=[Variable("source", "tripline_source_events_total", ("source", "http", "kafka"))],
    rows=[
        ("Sources", SOURCES),
        ("What is not taken", NOT_TAKEN),
        ("Event time", EVENT_TIME),
        ("Connections, datagrams, files", CONNECTIONS),
        ("Kafka", KAFKA),
        ("Schema registries", REGISTRIES),
    ],
)
