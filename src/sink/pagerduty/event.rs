//! Alerts as incidents of PagerDuty, by its Events API v2.
//!
//! What PagerDuty knows an incident by is the subject of the notification: alerts of one rule and key are one
//! incident, and what is over resolves it.

use serde_json::{Map, Value, json};

use crate::alert::Severity;
use crate::alert::notification::{Named, Notification, Status, Told};

use crate::sink::words;

/// The limits of the API.
const SUMMARY: usize = 1_024;
const DEDUP_KEY: usize = 255;
/// 512 KB for the whole; the rest is for what is not in the details.
const DETAILS: usize = 400 << 10;
const SOURCE: usize = 255;
const LINK: usize = 2_000;
/// Alerts of a group that are told by themselves.
const LISTED: usize = 50;

/// The event for the integration with this key. `source` says where it comes from.
pub fn event(notification: &Notification, routing_key: &str, source: &str) -> Value {
    let dedup_key = words::cut(&notification.subject, DEDUP_KEY);
    let action = match notification.status {
        Status::Firing => "trigger",
        Status::Resolved => "resolve",
    };
    let mut event = json!({"routing_key": routing_key, "event_action": action, "dedup_key": dedup_key});
    if notification.status == Status::Firing {
        event["payload"] = payload(notification, source);
        event["links"] = links(notification).into();
        event["client"] = "Tripline".into();
    }
    event
}

fn payload(notification: &Notification, source: &str) -> Value {
    let mut payload = json!({
        "summary": words::cut(&words::headline(notification), SUMMARY),
        "source": words::cut(source, SOURCE),
        "severity": severity(words::highest(notification)),
        "custom_details": details(notification),
    });
    if let Some(alert) = notification.alerts.first() {
        payload["timestamp"] = alert.decided_time.as_str().into();
        payload["component"] = words::cut(&alert.rule, SOURCE).into();
        payload["class"] = alert.kind.as_str().into();
    }
    if !notification.group.0.is_empty() {
        payload["group"] = words::cut(&words::inline(&notification.group), SOURCE).into();
    }
    payload
}

/// PagerDuty has four.
const fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Info | Severity::Low => "info",
        Severity::Medium => "warning",
        Severity::High => "error",
        Severity::Critical => "critical",
    }
}

fn links(notification: &Notification) -> Vec<Value> {
    let url = words::runbook(notification).filter(|url| url.as_str().len() <= LINK);
    url.map(|url| json!({"href": url.as_str(), "text": "Runbook"})).into_iter().collect()
}

/// What the alert says, with its events as long as there is room for them.
fn details(notification: &Notification) -> Value {
    let several = words::several(notification);
    let with = |events| match (&notification.alerts[..], several) {
        ([alert], []) => told(alert, events),
        _ => json!({
            "count": notification.count,
            "group": object(&notification.group),
            "alerts": several.iter().take(LISTED).map(|alert| told(alert, events)).collect::<Vec<_>>(),
        }),
    };
    let whole = with(true);
    if whole.to_string().len() <= DETAILS {
        return whole;
    }
    let mut short = with(false);
    short["left_out"] = "the events: there would have been too many".into();
    if short.to_string().len() <= DETAILS {
        return short;
    }
    json!({"count": notification.count, "left_out": "the alert: it is too long for PagerDuty"})
}

fn told(alert: &Told, events: bool) -> Value {
    let mut told = json!({
        "id": alert.id,
        "rule": alert.rule,
        "title": alert.title,
        "severity": alert.severity,
        "key": object(&alert.key),
        "fields": object(&alert.fields),
        "tags": alert.tags,
        "first_time": alert.first_time,
        "last_time": alert.last_time,
        "suppressed": alert.suppressed,
    });
    if let Some(about) = &alert.about {
        told["about"] = about.as_str().into();
    }
    if let Some(runbook) = &alert.runbook {
        told["runbook"] = runbook.as_str().into();
    }
    if events {
        told["events"] = serde_json::to_value(&alert.events).unwrap_or_default();
    }
    told
}

fn object(named: &Named<Value>) -> Value {
    Value::Object(named.0.iter().cloned().collect::<Map<_, _>>())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sink::examples::{assert_fits, firing, group, huge, resolved};

    const SCHEMA: &str = include_str!("../../../tests/sinks/schemas/pagerduty.json");
    const KEY: &str = "0123456789abcdef0123456789abcdef";

    #[test]
    fn an_alert_triggers_and_what_is_over_resolves() {
        let trigger = event(&firing(), KEY, "host");
        assert_fits(SCHEMA, &trigger);
        assert_eq!(
            (&trigger["event_action"], &trigger["dedup_key"]),
            (&"trigger".into(), &firing().subject.into())
        );
        assert_eq!(trigger["payload"]["severity"], "error");
        assert_eq!(trigger["payload"]["custom_details"]["events"]["small"][0]["amount"], 1.1);
        assert_eq!(trigger["links"][0]["href"], "https://wiki.example.com/cards?a=1&b=2");
        let resolve = event(&resolved(), KEY, "host");
        assert_fits(SCHEMA, &resolve);
        assert_eq!(resolve["event_action"], "resolve");
        assert_eq!(resolve["dedup_key"], trigger["dedup_key"]);
    }

    #[test]
    fn every_severity_is_one_of_theirs() {
        let theirs = Severity::ALL.map(severity);
        assert_eq!(theirs, ["info", "info", "warning", "error", "critical"]);
    }

    #[test]
    fn several_alerts_are_one_incident() {
        let event = event(&group(120, 100), KEY, "host");
        assert_fits(SCHEMA, &event);
        let details = &event["payload"]["custom_details"];
        assert_eq!((&details["count"], &details["group"]["rule"]), (&120.into(), &"card_testing".into()));
        assert_eq!(details["alerts"].as_array().map(Vec::len), Some(LISTED));
    }

    #[test]
    fn what_is_too_long_is_cut_or_left_out() {
        let mut many = group(5_000, 5_000);
        many.alerts.iter_mut().for_each(|alert| {
            let event = serde_json::value::to_raw_value(&"x".repeat(20_000)).expect("text");
            alert.events = Named(vec![("e".into(), vec![event])]);
        });
        let without_events = event(&many, KEY, "host");
        assert_eq!(without_events["payload"]["custom_details"]["alerts"][0]["key"]["card"], "4711");
        for event in [without_events, event(&huge(), KEY, &"h".repeat(1_000))] {
            assert_fits(SCHEMA, &event);
            assert!(event.to_string().len() <= 512 << 10);
            assert!(event["payload"]["custom_details"]["left_out"].is_string());
        }
    }
}
