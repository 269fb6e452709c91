"""What rules see and say."""

from parts import BYTES, COUNT, PER_SECOND, RED, Dashboard, Query, Variable, bars, lines, number, per_second, rows_of, states


def by_rule(title: str, about: str, metric: str, width: int = 12):
    """How much a counter of rules grows."""
    return lines(title, about, PER_SECOND, Query(per_second(metric, "rule"), "{{rule}}"), width=width)


RULES = [
    by_rule(
        "Alerts",
        "Alerts made by each rule in a second, also of a rule in shadow and those that `limit` held back.",
        "tripline_rule_alerts_total",
    ),
    by_rule(
        "Events",
        "Events a second that fit one of the events that the rule names, for a key that is known.",
        "tripline_rule_events_total",
    ),
    bars(
        "Alerts in the range shown",
        "Alerts made by each rule in the range of time that is shown, the most first.",
        COUNT,
        Query("sort_desc(sum by (rule) (increase(tripline_rule_alerts_total[$__range])))", "{{rule}}"),
    ),
    lines(
        "Partial matches",
        "Partial matches that each rule holds, those of old versions of it included.",
        COUNT,
        Query("sum by (rule) (tripline_rule_partial_matches)", "{{rule}}"),
    ),
    rows_of(
        "Modes",
        "Which rules are live, in shadow (counted, and nothing is sent) or off, and how severe their alerts are.",
        Query("group by (rule, severity, mode) (tripline_rule_info)", "{{rule}}"),
        {"rule": "Rule", "severity": "Severity", "mode": "Mode"},
    ),
    by_rule(
        "Held back",
        "Alerts in a second that the rule's `limit` held back.",
        "tripline_rule_held_back_total",
    ),
]

MISSING = [
    by_rule(
        "Bounds reached",
        "How often `max runs` or `max events` was reached for a key, in a second: matches can be missing.",
        "tripline_rule_limits_total",
    ),
    by_rule(
        "Past cut short",
        "Past events that were left out of an aggregate because too many are kept for a key, in a second: it is too small.",
        "tripline_rule_forgotten_total",
    ),
    by_rule(
        "Values that could not be computed",
        "Values a second that are null because of an overflow or a division by zero.",
        "tripline_rule_faults_total",
        width=8,
    ),
    by_rule(
        "Groups of limit forgotten",
        "Groups of `limit … for each` that were forgotten because there were too many: an alert too many may pass.",
        "tripline_rule_limit_groups_forgotten_total",
        width=8,
    ),
    lines(
        "Events without a key",
        "Events a second that a rule could not put into a group because a part of the key is null.",
        PER_SECOND,
        Query(per_second("tripline_engine_keyless_total", "instance"), "{{instance}}"),
        width=8,
    ),
]

HELD = [
    lines(
        "Partial matches, all rules",
        "Partial matches that each instance holds.",
        COUNT,
        Query("tripline_engine_runs", "{{instance}}"),
        width=8,
    ),
    lines(
        "Past events",
        "Events that each instance keeps for aggregates over the past.",
        COUNT,
        Query("tripline_engine_past_events", "{{instance}}"),
        width=8,
    ),
    lines(
        "Keys",
        "Keys for which each instance holds something.",
        COUNT,
        Query("tripline_engine_keys", "{{instance}}"),
        width=8,
    ),
]

TABLES = [
    lines(
        "Entries",
        "Values of each list, or rows of each table, that are in use.",
        COUNT,
        Query("max by (table) (tripline_table_entries)", "{{table}}"),
        width=8,
    ),
    lines(
        "Memory",
        "Memory that each list and table takes.",
        BYTES,
        Query("sum by (table) (tripline_table_bytes)", "{{table}}"),
        width=8,
    ),
    lines(
        "Files read again",
        "Changed files that were taken into use, and that could not be used, so that the older content stayed; in the range shown.",
        COUNT,
        Query("sum by (table) (increase(tripline_table_reloads_total[$__range]))", "{{table}} taken"),
        Query("sum by (table) (increase(tripline_table_reload_failures_total[$__range]))", "{{table}} refused"),
        width=8,
    ),
    number(
        "Stale",
        "Lists and tables whose file cannot be used, so that the content is an older one.",
        COUNT,
        Query("sum(tripline_table_stale)", "stale"),
        (1, RED),
        width=8,
        height=8,
    ),
    states(
        "Which are stale",
        "Lists and tables whose file could not be used at the time.",
        Query("max by (table) (tripline_table_stale)", "{{table}}"),
        {0: ("in order", "green"), 1: ("stale", RED)},
        width=16,
    ),
]

DASHBOARD = Dashboard(
    uid="tripline-rules",
    title="Tripline: rules",
    about="What each rule sees and says, what it holds, and whether matches can be missing.",
    variables=[Variable("rule", "tripline_rule_info", ("rule",))],
    rows=[
        ("Rules", RULES),
        ("What can be missing", MISSING),
        ("What is held", HELD),
        ("Lists and tables", TABLES),
    ],
)
