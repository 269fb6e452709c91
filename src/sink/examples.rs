//! Notifications for the tests of sinks, with what receivers could stumble over.

use std::sync::Arc;

use crate::alert::notification::{Named, Notification, Status};
use crate::outbox::Outgoing;

use super::words;

const ALERT: &str = r#"{"id":"3f2a9c0d5e6b7a81","rule":"card_testing","fingerprint":"f00d","severity":"high",
"title":"Card 4711 <tested> & used","kind":"match","about":"Small payments, then <a> large one","tags":["fraud","cards"],"runbook":"https://wiki.example.com/cards?a=1&b=2",
"key":{"card":"4711"},"first_time":"2026-01-01T00:00:00Z","last_time":"2026-01-01T00:00:01.25Z",
"decided_time":"2026-01-01T00:00:01.25Z","suppressed":3,"fields":{"sum":12.50,"shop":"A \"b\" ]\\ <c> & d","gone":null},
"events":{"small":[{"id":"1","amount":1.10}]},"tables":{}}"#;

/// An alert by itself.
pub fn firing() -> Notification {
    Notification::read(ALERT, "9b1c2d3e4f5a6b7c8d9e0f1a2b3c4d5e").expect("it is an alert")
}

/// That it is over.
pub fn resolved() -> Notification {
    Notification { id: "resolved-1".into(), status: Status::Resolved, ..firing() }
}

/// Several alerts as one, of which `alerts` are there.
pub fn group(count: u64, alerts: usize) -> Notification {
    let alert = firing().alerts.remove(0);
    let alerts = (0..alerts).map(|number| {
        let mut alert = alert.clone();
        alert.id = format!("{number:016x}");
        alert.key = Named(vec![("card".into(), (4711 + number).to_string().into())]);
        alert
    });
    Notification {
        id: "group-1".into(),
        group: Named(vec![("rule".into(), "card_testing".into())]),
        count,
        alerts: alerts.collect(),
        ..firing()
    }
}

/// An alert that exceeds whatever can be exceeded, with two units of UTF-16 to a character.
pub fn huge() -> Notification {
    let mut huge = group(1, 1);
    let text = "<🔥&>".repeat(20_000);
    let alert = &mut huge.alerts[0];
    alert.title.clone_from(&text);
    alert.rule = "r".repeat(5_000);
    alert.fields = Named((0..500).map(|n| (format!("{n}{}", &text[..300]), text.as_str().into())).collect());
    alert.key = Named((0..100).map(|n| (format!("k{n}"), text.as_str().into())).collect());
    alert.runbook = Some(format!("https://example.com/{}", "x".repeat(5_000)));
    huge.subject = "s".repeat(1_000);
    huge
}

/// The same as it waits in the outbox.
pub fn outgoing(notification: &Notification) -> Arc<Outgoing> {
    Arc::new(Outgoing {
        id: notification.id.clone(),
        rule: notification.alerts[0].rule.as_str().into(),
        key: [7; 16],
        body: serde_json::to_string(notification).expect("it is plain"),
    })
}

/// Holds what is sent against what the receiver has published that it takes.
pub fn assert_fits(schema: &str, value: &serde_json::Value) {
    let schema = serde_json::from_str(schema).expect("the schema is JSON");
    let validator = jsonschema::validator_for(&schema).expect("it is a schema");
    let errors: Vec<String> = validator
        .iter_errors(value)
        .map(|error| format!("{}: {}", error.instance_path(), words::cut(&error.to_string(), 300)))
        .collect();
    assert_eq!(errors, [] as [String; 0]);
}
