//! A router as a whole: what people see of it, and that it goes on after a stop at any moment.

mod cases;
mod naive;
mod simulation;

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::alert::{Alert, AlertKind, Notes, Severity};
use crate::event::{Duration, Timestamp, Value};

use super::*;

/// A second of the clock on the wall, of 4 January 1970, which is a Sunday.
pub fn at(second: i64) -> Timestamp {
    Timestamp::from_micros((3 * 86_400 + second) * 1_000_000)
}

pub fn seconds(seconds: i64) -> Duration {
    Duration::from_micros(seconds * 1_000_000)
}

/// An alert of a rule for a key.
pub fn alert(id: &str, rule: &str, severity: Severity, key: &str) -> Alert {
    Alert {
        id: id.into(),
        rule: rule.into(),
        fingerprint: "f".into(),
        severity,
        title: format!("{rule} for {key}"),
        kind: AlertKind::Match,
        notes: Arc::new(Notes::default()),
        key: vec![("k".into(), Value::text(key))],
        first_time: at(0),
        last_time: at(0),
        decided_time: at(0),
        suppressed: 0,
        fields: vec![("site".into(), Value::text(&key[..1]))],
        events: Vec::new(),
        tables: Vec::new(),
        sinks: Arc::from(["own".to_owned()]),
    }
}

pub fn matcher(json: serde_json::Value) -> Matcher {
    serde_json::from_value(json).expect("it is a matcher")
}

/// A router, with the rows that it has stored.
pub struct Kept {
    settings: Arc<Settings>,
    pub router: Router,
    pub rows: BTreeMap<Vec<u8>, Vec<u8>>,
    /// What was sent: the id, the sinks, and the body.
    pub sent: Vec<(String, Vec<String>, String)>,
}

impl Kept {
    pub fn new(routes: Vec<Route>) -> Kept {
        Kept::with(Settings { routes, ..Settings::default() })
    }

    pub fn with(settings: Settings) -> Kept {
        let sinks = ["own", "a", "b", "c"].map(String::from).to_vec();
        let settings = Arc::new(Settings { sinks, ..settings });
        let router = Router::new(Arc::clone(&settings), []).expect("there are no rows");
        Kept { settings, router, rows: BTreeMap::new(), sent: Vec::new() }
    }

    /// What has come since the last time is stored, and sent.
    pub fn store(&mut self, now: Timestamp) {
        let Round { sendings, changes, .. } = self.router.take_round(now);
        for Change { key, value } in changes {
            match value {
                Some(value) => drop(self.rows.insert(key, value)),
                None => drop(self.rows.remove(&key)),
            }
        }
        let sent = |Sending { outgoing, sinks }| (outgoing.id.clone(), sinks, outgoing.body.clone());
        self.sent.extend(sendings.into_iter().map(sent));
    }

    /// The process is gone, with what was not stored, and another one goes on.
    pub fn restart(&mut self) {
        let rows = self.rows.iter().map(|(key, value)| (&**key, &**value));
        self.router = Router::new(Arc::clone(&self.settings), rows).expect("they were written");
    }

    pub fn offer(&mut self, alert: &Alert, now: Timestamp) {
        self.router.tick(now);
        self.router.offer(alert, false, now);
        self.store(now);
    }

    pub fn tick(&mut self, now: Timestamp) {
        self.router.tick(now);
        self.store(now);
    }

    /// What was sent since the last time, in short: the status, how many, the sinks.
    pub fn told(&mut self) -> Vec<String> {
        let short = |(_, sinks, body): (String, Vec<String>, String)| {
            let read = crate::alert::notification::Notification::read(&body, "").expect("it was written");
            let mut ids: Vec<&str> = read.alerts.iter().map(|told| told.id.as_str()).collect();
            if read.status == crate::alert::notification::Status::Resolved {
                ids.sort_unstable();
            }
            let status = serde_json::to_value(read.status).expect("it is plain");
            let status = status.as_str().unwrap_or_default().to_owned();
            format!("{status} {}: {} to {}", read.count, ids.join(" "), sinks.join(" "))
        };
        self.sent.drain(..).map(short).collect()
    }

    /// What was decided of an alert, by reason.
    pub fn reasons(&self, alert: &str) -> Vec<&'static str> {
        let record = self.router.log().get(alert);
        record
            .map(|record| record.decisions.iter().map(|entry| entry.decision.reason()).collect())
            .unwrap_or_default()
    }
}

/// A route that sends to a sink.
pub fn route(name: &str, sink: &str) -> Route {
    Route { name: name.into(), sinks: Some(vec![sink.into()]), ..Route::default() }
}

pub fn grouping(by: &[&str], wait: i64, interval: i64, most: usize) -> Option<Grouping> {
    let by = by.iter().map(|name| GroupName::of(name)).collect();
    Some(Grouping { by, wait: seconds(wait), interval: seconds(interval), most })
}
