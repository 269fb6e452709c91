//! Alerts for Prometheus Alertmanager, by its API v2.
//!
//! Alertmanager knows an alert by its labels: the rule, the severity and the key, so that alerts of one rule and key
//! are one there. It holds that an alert which nobody repeats is over after its own `resolve_timeout`; an alert of
//! a rule is a moment rather than a state, so each is sent with its end: so long after it was sent as the
//! configuration says, or now, when the notification says that it is over.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;

use crate::alert::notification::{Notification, Status, Told};

use crate::sink::words;

/// What shows these values cuts them anyway, and Alertmanager keeps them in memory.
const LABEL: usize = 1_024;
const ANNOTATION: usize = 8_192;
/// Fields that become annotations.
const FIELDS: usize = 100;

/// What the configuration says of alerts for Alertmanager.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Labelling {
    /// Labels that every alert gets, for the routes of Alertmanager.
    pub labels: Vec<(String, String)>,
    /// How long after it was sent an alert is over, unless it is sent again.
    pub resolve_after: Duration,
}

/// An alert as the API takes it (`postableAlert`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PostableAlert {
    labels: BTreeMap<String, String>,
    annotations: BTreeMap<String, String>,
    starts_at: String,
    ends_at: String,
    #[serde(rename = "generatorURL", skip_serializing_if = "Option::is_none")]
    generator_url: Option<String>,
}

/// The alerts of a notification that is sent `now`.
pub fn alerts(notification: &Notification, labelling: &Labelling, now: Timestamp) -> Vec<PostableAlert> {
    let one = |alert: &Told| {
        let ends = match notification.status {
            Status::Firing => now.checked_add(labelling.resolve_after).unwrap_or(Timestamp::MAX),
            Status::Resolved => now,
        };
        // What events are ahead of the clock cannot begin after it has ended.
        let starts = alert.decided_time.parse().map_or(now, |decided: Timestamp| decided.min(now));
        PostableAlert {
            labels: labels(alert, labelling),
            annotations: annotations(notification, alert),
            starts_at: starts.to_string(),
            ends_at: ends.to_string(),
            generator_url: words::link(alert.runbook.as_deref()).map(String::from),
        }
    };
    notification.alerts.iter().map(one).collect()
}

fn labels(alert: &Told, labelling: &Labelling) -> BTreeMap<String, String> {
    let mut labels: BTreeMap<_, _> = labelling.labels.iter().cloned().collect();
    let mut own = vec![("alertname", &*alert.rule), ("severity", &*alert.severity), ("kind", &*alert.kind)];
    let tags = alert.tags.join(",");
    if !tags.is_empty() {
        own.push(("tags", &tags));
    }
    for (name, value) in words::pairs(&alert.key) {
        let mut name = label_name(name);
        if own.iter().any(|(taken, _)| *taken == name) {
            name = format!("key_{name}");
        }
        labels.insert(name, words::cut(&value, LABEL).into_owned());
    }
    for (name, value) in own {
        labels.insert(name.to_owned(), words::cut(value, LABEL).into_owned());
    }
    labels
}

fn annotations(notification: &Notification, alert: &Told) -> BTreeMap<String, String> {
    let mut annotations = BTreeMap::new();
    let mut put = |name: String, value: &str| {
        annotations.insert(name, words::cut(value, ANNOTATION).into_owned());
    };
    for (name, value) in words::pairs(&alert.fields).take(FIELDS) {
        put(format!("field_{}", label_name(name)), &value);
    }
    put("summary".into(), &alert.title);
    put("id".into(), &alert.id);
    put("first_time".into(), &alert.first_time);
    put("last_time".into(), &alert.last_time);
    if let Some(about) = &alert.about {
        put("description".into(), about);
    }
    if let Some(runbook) = &alert.runbook {
        put("runbook_url".into(), runbook);
    }
    if alert.suppressed > 0 {
        put("suppressed".into(), &alert.suppressed.to_string());
    }
    if notification.count > notification.alerts.len() as u64 {
        put("count".into(), &notification.count.to_string());
    }
    annotations
}

/// A name as Prometheus allows it: letters, digits and `_`, not beginning with a digit.
pub fn label_name(name: &str) -> String {
    let mut out: String = name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
    if out.is_empty() || out.starts_with(|c: char| c.is_ascii_digit()) {
        out.insert(0, '_');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sink::examples::{firing, group, huge, resolved};

    fn labelling() -> Labelling {
        let labels = vec![("env".to_owned(), "test".to_owned()), ("card".to_owned(), "none".to_owned())];
        Labelling { labels, resolve_after: Duration::from_secs(3600) }
    }

    fn at(time: &str) -> Timestamp {
        time.parse().expect("a time")
    }

    #[test]
    fn an_alert_has_its_rule_and_key_as_labels_and_an_end() {
        let now = at("2026-01-01T00:05:00Z");
        let alerts = alerts(&firing(), &labelling(), now);
        let json = serde_json::to_value(&alerts).expect("it is plain");
        let expected = serde_json::json!([{
            "labels": {
                "alertname": "card_testing",
                "card": "4711",
                "env": "test",
                "kind": "match",
                "severity": "high",
                "tags": "fraud,cards",
            },
            "annotations": {
                "summary": "Card 4711 <tested> & used",
                "description": "Small payments, then <a> large one",
                "id": "3f2a9c0d5e6b7a81",
                "first_time": "2026-01-01T00:00:00Z",
                "last_time": "2026-01-01T00:00:01.25Z",
                "runbook_url": "https://wiki.example.com/cards?a=1&b=2",
                "suppressed": "3",
                "field_sum": "12.5",
                "field_shop": "A \"b\" ]\\ <c> & d",
                "field_gone": "null",
            },
            "startsAt": "2026-01-01T00:00:01.25Z",
            "endsAt": "2026-01-01T01:05:00Z",
            "generatorURL": "https://wiki.example.com/cards?a=1&b=2",
        }]);
        assert_eq!(json, expected);
    }

    #[test]
    fn what_is_over_ends_now_with_the_same_labels() {
        let now = at("2026-01-01T00:05:00Z");
        let (begun, over) = (alerts(&firing(), &labelling(), now), alerts(&resolved(), &labelling(), now));
        assert_eq!(over[0].ends_at, "2026-01-01T00:05:00Z");
        assert_eq!(over[0].labels, begun[0].labels);
    }

    #[test]
    fn nothing_begins_after_it_ends_or_in_the_future() {
        let now = at("2025-12-31T23:00:00Z");
        for alert in alerts(&resolved(), &labelling(), now) {
            assert_eq!(
                (&*alert.starts_at, &*alert.ends_at),
                ("2025-12-31T23:00:00Z", "2025-12-31T23:00:00Z")
            );
        }
    }

    #[test]
    fn every_alert_of_a_group_is_one_of_its_own() {
        let alerts = alerts(&group(5, 3), &labelling(), at("2026-01-01T00:05:00Z"));
        let cards: Vec<&str> = alerts.iter().map(|alert| &*alert.labels["card"]).collect();
        assert_eq!(cards, ["4711", "4712", "4713"]);
        assert_eq!(alerts[0].annotations["count"], "5");
    }

    #[test]
    fn names_are_those_that_prometheus_allows() {
        let mut alert = firing();
        alert.alerts[0].key = crate::alert::notification::Named(vec![
            ("severity".into(), "x".into()),
            ("0 ä.b".into(), 1.into()),
        ]);
        let alerts = alerts(&alert, &labelling(), at("2026-01-01T00:05:00Z"));
        assert_eq!((&*alerts[0].labels["severity"], &*alerts[0].labels["key_severity"]), ("high", "x"));
        assert_eq!(alerts[0].labels["_0___b"], "1");
        assert_eq!(label_name(""), "_");
    }

    #[test]
    fn what_is_too_long_is_cut() {
        let alerts = alerts(&huge(), &labelling(), at("2026-01-01T00:05:00Z"));
        let values = alerts[0].labels.values().chain(alerts[0].annotations.values());
        assert!(values.into_iter().all(|value| value.chars().count() <= ANNOTATION));
        assert!(alerts[0].annotations.len() < FIELDS + 20);
    }
}
