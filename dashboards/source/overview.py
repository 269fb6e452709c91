"""How the service does, at a glance."""

from parts import (
    BYTES,
    COUNT,
    PER_SECOND,
    RED,
    SECONDS,
    SHARE,
    TIME,
    YELLOW,
    Dashboard,
    Query,
    lines,
    number,
    per_second,
    quantiles,
    rows_of,
    states,
)

# By what alerts of a rule are as severe as the rule says.
BY_SEVERITY = "* on (job, instance, rule) group_left (severity) tripline_rule_info"

NOW = [
    number(
        "Ready",
        "Whether every instance takes events, as `/readyz` says. What is in the way is below, under *What is in the way*.",
        COUNT,
        Query("min(tripline_ready)", "ready"),
        words={0: ("not ready", RED), 1: ("ready", "green")},
    ),
    number(
        "Events",
        "Events that the engines take in a second.",
        PER_SECOND,
        Query("sum(rate(tripline_engine_events_total[$__rate_interval]))", "events"),
    ),
    number(
        "Behind",
        "How old the oldest event is that waits for its turn, or how far event time is behind while something has not been read. "
        "Alerts come late by as much.",
        SECONDS,
        Query("max(tripline_engine_behind_seconds)", "behind"),
        (300, YELLOW),
        (900, RED),
    ),
    number(
        "Alerts found",
        "Alerts that rules made in the range of time that is shown, those in shadow and those that `limit` held back included.",
        COUNT,
        Query("sum(increase(tripline_rule_alerts_total[$__range]))", "alerts"),
    ),
    number(
        "Alerts that wait",
        "How long the oldest alert has waited for its sink: people do not hear of what was found.",
        SECONDS,
        Query("max(tripline_sink_oldest_waiting_seconds)", "oldest"),
        (300, YELLOW),
        (900, RED),
    ),
    number(
        "Alerts about the service",
        "Alerts of dashboards/alerts.yaml that fire. Prometheus has to have that file among its rules.",
        COUNT,
        Query('count(ALERTS{alertname=~"Tripline.+", alertstate="firing"}) or vector(0)', "firing"),
        (1, RED),
    ),
]

FLOW = [
    lines(
        "Events by instance",
        "Events that each engine takes in a second.",
        PER_SECOND,
        Query(per_second("tripline_engine_events_total", "instance"), "{{instance}}"),
    ),
    lines(
        "How far behind",
        "*Behind* is how late alerts come. *Event time* is how far event time is behind the clock; it grows when nothing happens, "
        "too. *Not ready* is where an instance says that it is not ready, if `api.ready_lag` is set.",
        SECONDS,
        Query("max by (instance) (tripline_engine_behind_seconds)", "{{instance}} behind"),
        Query("max by (instance) (tripline_engine_watermark_lag_seconds)", "{{instance}} event time"),
        Query("max by (instance) (tripline_engine_behind_limit_seconds) > 0", "{{instance}} not ready"),
    ),
    lines(
        "Alerts by severity",
        "Alerts that rules make in a second, by the severity of the rule.",
        PER_SECOND,
        Query(
            f"sum by (severity) (rate(tripline_rule_alerts_total[$__rate_interval]) {BY_SEVERITY})",
            "{{severity}}",
        ),
        stacked=True,
    ),
    lines(
        "Delay of detection",
        "Time from the arrival of the event that decided an alert until the alert is handed to the sinks' queues.",
        SECONDS,
        *quantiles("tripline_engine_detection_delay_seconds"),
    ),
    lines(
        "Busiest rules",
        "The ten rules that most events concern, in events a second.",
        PER_SECOND,
        Query(f"topk(10, {per_second('tripline_rule_events_total', 'rule')}) > 0", "{{rule}}"),
    ),
    lines(
        "Delivery",
        "Alerts that sinks accept, that go to a fallback, and that are given up, in a second.",
        PER_SECOND,
        Query("sum(rate(tripline_sink_delivered_total[$__rate_interval]))", "accepted"),
        Query("sum(rate(tripline_sink_forwarded_total[$__rate_interval]))", "to a fallback"),
        Query("sum(rate(tripline_sink_failed_total[$__rate_interval]))", "given up"),
    ),
]

TROUBLE = [
    states(
        "What is in the way",
        "The parts of each instance for which it is not ready; `/readyz` and the log say the reason in words.",
        Query("max by (instance, part) (tripline_trouble)", "{{instance}} {{part}}"),
        {0: ("in order", "green"), 1: ("trouble", RED)},
    ),
    lines(
        "Log",
        "Messages written to the log in a second, by level.",
        PER_SECOND,
        Query(per_second("tripline_log_messages_total", "level"), "{{level}}"),
        stacked=True,
    ),
]

PROCESS = [
    lines(
        "Processors",
        "How many processors each instance keeps busy.",
        COUNT,
        Query("rate(process_cpu_seconds_total[$__rate_interval])", "{{instance}}"),
        width=8,
    ),
    lines(
        "Memory",
        "Memory that each instance takes, and addresses that it has reserved, be there memory behind them or not.",
        BYTES,
        Query("process_resident_memory_bytes", "{{instance}} taken"),
        Query("process_virtual_memory_bytes", "{{instance}} reserved"),
        width=8,
    ),
    lines(
        "File descriptors",
        "The share of its file descriptors that each instance has open: files and connections.",
        SHARE,
        Query("process_open_fds / process_max_fds", "{{instance}}"),
        width=8,
        most=1,
    ),
    rows_of(
        "Instances",
        "Which version runs where.",
        Query("tripline_build_info", "{{instance}}"),
        {"instance": "Instance", "version": "Version"},
        width=8,
    ),
    number(
        "Started",
        "When the instance that was started last was started.",
        TIME,
        Query("max(process_start_time_seconds) * 1000", "started"),
        width=8,
        height=8,
    ),
    lines(
        "Threads",
        "Threads of each instance.",
        COUNT,
        Query("process_threads", "{{instance}}"),
        width=8,
    ),
]

API = [
    lines(
        "Requests to the API",
        "Requests in a second, by the class of the status of the answer. 5xx is never right.",
        PER_SECOND,
        Query(per_second("tripline_api_requests_total", "status"), "{{status}}"),
        stacked=True,
        width=8,
    ),
    lines(
        "Busiest routes",
        "The ten routes of the API that are asked most, in requests a second.",
        PER_SECOND,
        Query(f"topk(10, {per_second('tripline_api_requests_total', 'method, route')}) > 0", "{{method}} {{route}}"),
        width=8,
    ),
    lines(
        "Time for an answer",
        "Time that the API takes for an answer; streams, which have no end, are not in it.",
        SECONDS,
        *quantiles("tripline_api_request_seconds"),
        width=8,
    ),
    lines(
        "Live readers",
        "Who reads alerts as they come: over WebSocket, as the web page does, or as server-sent events.",
        COUNT,
        Query("sum by (instance, protocol) (tripline_api_stream_readers)", "{{instance}} {{protocol}}"),
        width=8,
    ),
]

DASHBOARD = Dashboard(
    uid="tripline-overview",
    title="Tripline: overview",
    about="Whether Tripline takes events, finds what it should, and tells people in time.",
    rows=[
        ("Now", NOW),
        ("Flow", FLOW),
        ("Trouble", TROUBLE),
        ("Process", PROCESS),
        ("API and web page", API),
    ],
)
