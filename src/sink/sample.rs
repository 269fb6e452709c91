//! An alert that can be sent to try a sink, and by which templates are tried.

use std::sync::Arc;

use crate::alert::notification::Notification;
use crate::outbox::Outgoing;

/// The rule that a sample says it is of.
const RULE: &str = "tripline_test";

/// A sample as it waits in an outbox. Each has an id of its own, so that receivers do not take it for a repeat.
pub fn outgoing(id: &str) -> Outgoing {
    let body = serde_json::json!({
        "id": id,
        "rule": RULE,
        "fingerprint": "0000000000000000",
        "severity": "info",
        "title": "A \"test\" from Tripline: nothing is the matter",
        "kind": "match",
        "about": "Somebody tries whether alerts arrive here.",
        "tags": ["test"],
        "runbook": "https://example.com/runbooks/test",
        "key": {"test": "sample"},
        "first_time": "2026-01-01T12:00:00Z",
        "last_time": "2026-01-01T12:00:05Z",
        "decided_time": "2026-01-01T12:00:05Z",
        "suppressed": 0,
        "fields": {"count": 2, "sum": 12.5},
        "events": {"first": [{"test": "sample", "amount": 2.5}], "second": [{"test": "sample", "amount": 10}]},
        "tables": {},
    });
    Outgoing { id: id.to_owned(), rule: Arc::from(RULE), key: [0; 16], body: body.to_string() }
}

/// The same as sinks read it that do not send it as it is.
pub fn notification(id: &str) -> Notification {
    outgoing(id).notification().expect("it is written as an alert is")
}
