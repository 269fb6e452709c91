"""What becomes of alerts: routing, and what goes out by each sink."""

from parts import (
    BYTES,
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
    quantiles,
    states,
)

NOW = [
    number(
        "Oldest alert that waits",
        "How long the oldest alert has waited for its sink.",
        SECONDS,
        Query("max(tripline_sink_oldest_waiting_seconds)", "oldest"),
        (300, YELLOW),
        (900, RED),
        width=6,
    ),
    number(
        "Alerts that wait",
        "Alerts that wait for a sink or are being attempted.",
        COUNT,
        Query("sum(tripline_sink_waiting)", "waiting"),
        width=6,
    ),
    number(
        "Given up",
        "Alerts given up in the range shown. With a state they are dead letters: `tripline outbox list`.",
        COUNT,
        Query("sum(increase(tripline_sink_failed_total[$__range]))", "given up"),
        (1, RED),
        width=6,
    ),
    number(
        "Dead letters",
        "Stored alerts that were given up: `tripline outbox list` shows them, `tripline outbox retry` sends them again.",
        COUNT,
        Query("sum(tripline_outbox_dead_letters)", "dead letters"),
        (1, YELLOW),
        width=6,
    ),
]

SINKS = [
    lines(
        "Accepted",
        "Alerts that each sink accepts in a second.",
        PER_SECOND,
        Query(per_second("tripline_sink_delivered_total", "sink"), "{{sink}}"),
    ),
    lines(
        "Waiting",
        "Alerts that wait for each sink or are being attempted.",
        COUNT,
        Query("sum by (sink) (tripline_sink_waiting)", "{{sink}}"),
    ),
    lines(
        "Time until accepted",
        "Time for which accepted alerts had waited for the sink, until it had accepted them.",
        SECONDS,
        *quantiles("tripline_sink_delivery_seconds", "sink", "{{sink}}"),
    ),
    lines(
        "How long the oldest has waited",
        "How long the oldest of the alerts that wait for each sink has waited.",
        SECONDS,
        Query("max by (sink) (tripline_sink_oldest_waiting_seconds)", "{{sink}}"),
    ),
    states(
        "Left alone",
        "Whether each sink is left alone because it is down.",
        Query("max by (sink) (tripline_sink_breaker)", "{{sink}}"),
        {0: ("works", "green"), 1: ("is probed", YELLOW), 2: ("down", RED)},
    ),
    states(
        "Disabled",
        "Whether nothing is sent because the receiver has answered that it wants nothing any more: `tripline sink enable`.",
        Query("max by (sink) (tripline_sink_disabled)", "{{sink}}"),
        {0: ("in use", "green"), 1: ("disabled", RED)},
    ),
]

ATTEMPTS = [
    lines(
        "Attempts",
        "Attempts to deliver in a second, and those that failed and were made again.",
        PER_SECOND,
        Query(per_second("tripline_sink_attempts_total", "sink"), "{{sink}} all"),
        Query(per_second("tripline_sink_retries_total", "sink"), "{{sink}} again"),
        width=8,
    ),
    lines(
        "Time for an attempt",
        "Time that attempts take, whatever comes of them.",
        SECONDS,
        *quantiles("tripline_sink_attempt_seconds", "sink", "{{sink}}"),
        width=8,
    ),
    lines(
        "Under way",
        "Attempts that are under way.",
        COUNT,
        Query("sum by (sink) (tripline_sink_under_way)", "{{sink}}"),
        width=8,
    ),
    lines(
        "Not delivered",
        "Alerts a second that were given up, that went to the sink's fallback, and that were still waiting when a service without "
        "a state stopped.",
        PER_SECOND,
        Query(per_second("tripline_sink_failed_total", "sink"), "{{sink}} given up"),
        Query(per_second("tripline_sink_forwarded_total", "sink"), "{{sink}} to the fallback"),
        Query(per_second("tripline_sink_undelivered_total", "sink"), "{{sink}} left at the end"),
    ),
    lines(
        "Bytes that wait",
        "About how many bytes the alerts have that wait for each sink.",
        BYTES,
        Query("sum by (sink) (tripline_sink_waiting_bytes)", "{{sink}}"),
    ),
]

ROUTING = [
    lines(
        "Decisions",
        "What was decided of alerts in a second, by reason; of one alert there may be several.",
        PER_SECOND,
        Query(per_second("tripline_routing_decisions_total", "reason") + " > 0", "{{reason}}"),
        stacked=True,
    ),
    lines(
        "What is open",
        "Groups of alerts that are open, notifications that nobody has acknowledged yet, alerts of which sinks will be told when "
        "they are over, and silences that hold.",
        COUNT,
        Query("sum(tripline_routing_groups)", "groups"),
        Query("sum(tripline_routing_unacknowledged)", "not acknowledged"),
        Query("sum(tripline_routing_followed)", "followed"),
        Query("sum(tripline_routing_silences)", "silences"),
    ),
]

OUTBOX = [
    lines(
        "Outbox",
        "How full it is, of `state.max_outbox`. When it is full, no events are taken.",
        SHARE,
        Query("tripline_outbox_bytes / (tripline_outbox_limit_bytes > 0)", "{{instance}}"),
        width=8,
        most=1,
    ),
    lines(
        "Dead letters over time",
        "Stored alerts that were given up.",
        COUNT,
        Query("tripline_outbox_dead_letters", "{{instance}}"),
        width=8,
    ),
    lines(
        "Forgotten",
        "Dead letters that made room for later ones, and ids of alerts forgotten within a day, in the range shown.",
        COUNT,
        Query("increase(tripline_outbox_dead_letters_dropped_total[$__range])", "{{instance}} dead letters"),
        Query("increase(tripline_outbox_ids_forgotten_total[$__range])", "{{instance}} ids"),
        width=8,
    ),
]

DASHBOARD = Dashboard(
    uid="tripline-delivery",
    title="Tripline: delivery",
    about="What was decided of alerts, and whether sinks accept them in time.",
    variables=[Variable("sink", "tripline_sink_delivered_total", ("sink",))],
    rows=[
        ("Now", NOW),
        ("Sinks", SINKS),
        ("Attempts", ATTEMPTS),
        ("Routing", ROUTING),
        ("Outbox", OUTBOX),
    ],
)
