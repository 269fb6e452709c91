//! What rules do, and what they look things up in.

use super::super::metric::{Counter, Gauge, Info};
use super::group::group;

group! {
    /// What each rule sees and says.
    "Rules": RuleMetrics by "rule" {
        info: Info = Info::default(), "tripline_rule_info", "rules",
            "1; its labels say how severe its alerts are, and whether it is `live`, in `shadow` (counted, and nothing is sent) or `off`.";
        events: Counter = Counter::default(), "tripline_rule_events_total", "events",
            "Events that fit one of the events that the rule names, for a key that is known.";
        alerts: Counter = Counter::default(), "tripline_rule_alerts_total", "alerts",
            "Alerts made, also of a rule in shadow and those that `limit` held back.";
        runs: Gauge = Gauge::default(), "tripline_rule_partial_matches", "runs",
            "Partial matches that are held, those of old versions of the rule included.";
        held_back: Counter = Counter::default(), "tripline_rule_held_back_total", "alerts",
            "Alerts that the rule's `limit` held back.";
        groups_forgotten: Counter = Counter::default(), "tripline_rule_limit_groups_forgotten_total", "groups",
            "Groups of `limit … for each` forgotten because there were too many, so that an alert too many may pass.";
        limits: Counter = Counter::default(), "tripline_rule_limits_total", "limits",
            "Times that `max runs` or `max events` was reached for a key, or that too many alerts of one moment waited to be read, so that a match can be missing.";
        forgotten: Counter = Counter::default(), "tripline_rule_forgotten_total", "events",
            "Past events left out of an aggregate because too many are kept for a key, so that it is too small.";
        faults: Counter = Counter::default(), "tripline_rule_faults_total", "values",
            "Values that could not be computed and are null: overflow, division by zero.";
    }
}

group! {
    /// What rules look things up in.
    "Lists and tables": TableMetrics by "table" {
        entries: Gauge = Gauge::default(), "tripline_table_entries", "entries",
            "Values of the list, or rows of the table, that are in use.";
        bytes: Gauge = Gauge::default(), "tripline_table_bytes", "bytes",
            "Memory that they take.";
        reloads: Counter = Counter::default(), "tripline_table_reloads_total", "files",
            "Times that a changed file was taken into use.";
        failures: Counter = Counter::default(), "tripline_table_reload_failures_total", "files",
            "Times that a changed file could not be used, so that the older content stayed.";
        stale: Gauge = Gauge::default(), "tripline_table_stale", "files",
            "1 while the file cannot be used and the content is an older one, otherwise 0.";
    }
}
