//! What a sink tells: of an alert, of several together, or that what was told of is over.
//!
//! Enters and leaves: the text that waits in the outbox. An alert that goes out by itself is its own JSON object,
//! as [`Alert`](super::Alert) writes it; everything else is the JSON object of a [`Notification`]. Sinks read both
//! as a `Notification`, so that one form serves them all.

use serde::de::{MapAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

/// What is sent to a sink.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Notification {
    /// The same at every attempt, so that receivers can drop repeats. Of an alert that goes out by itself, the
    /// alert's.
    pub id: String,
    /// Whether something is the matter, or is over.
    pub status: Status,
    /// What it is about: what resolves has the subject of what it resolves, and alerts of one rule and key have
    /// the same.
    pub subject: String,
    /// What the alerts have in common by which they were put together; empty for an alert by itself.
    #[serde(default)]
    pub group: Named<serde_json::Value>,
    /// How many alerts it stands for: more than there are in `alerts` where these would have been too many.
    pub count: u64,
    /// The alerts, in the order decided; at least one.
    pub alerts: Vec<Told>,
}

/// Whether something is the matter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// It is.
    Firing,
    /// It is over.
    Resolved,
}

/// An alert as its JSON object tells of it. Times are as written there.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Told {
    /// The alert's id.
    pub id: String,
    /// The rule's name.
    pub rule: String,
    /// The hash of the rule's meaning.
    pub fingerprint: String,
    /// How much it matters.
    pub severity: String,
    /// The title.
    pub title: String,
    /// Why it was made: `match`, `timeout` or `limit`.
    pub kind: String,
    /// What the rule is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub about: Option<String>,
    /// The words that the rule is to be found by.
    #[serde(default)]
    pub tags: Vec<String>,
    /// Where it is written what to do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub runbook: Option<String>,
    /// How many of its alerts pass, as `1 per 1h`, if the rule has a `limit`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<String>,
    /// The key's fields.
    pub key: Named<serde_json::Value>,
    /// When the first captured event was.
    pub first_time: String,
    /// When the last one was.
    pub last_time: String,
    /// When it was certain.
    pub decided_time: String,
    /// How many alerts `limit` has held back since the one before.
    pub suppressed: u64,
    /// The rule's own fields.
    pub fields: Named<serde_json::Value>,
    /// The captured events by variable, as they came in.
    #[serde(default)]
    pub events: Named<Vec<Box<RawValue>>>,
    /// The versions of the lists and tables that were used.
    #[serde(default)]
    pub tables: Named<String>,
}

/// The text is no notification.
#[derive(Debug, thiserror::Error)]
#[error("what waits in the outbox is no notification: {0}")]
pub struct Unreadable(#[from] serde_json::Error);

impl Notification {
    /// Reads what waits in the outbox. `subject` is that of an alert which goes out by itself.
    ///
    /// # Errors
    /// When it is not what was written.
    pub fn read(body: &str, subject: &str) -> Result<Notification, Unreadable> {
        /// Only a notification has it at the top.
        #[derive(Deserialize)]
        struct Form {
            status: Option<Status>,
        }
        let Form { status } = serde_json::from_str(body)?;
        if status.is_some() {
            return Ok(serde_json::from_str(body)?);
        }
        let alert: Told = serde_json::from_str(body)?;
        Ok(Notification {
            id: alert.id.clone(),
            status: Status::Firing,
            subject: subject.to_owned(),
            group: Named::default(),
            count: 1,
            alerts: vec![alert],
        })
    }
}

/// Pairs of names and values in their order, as the object that they are in JSON.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named<T>(pub Vec<(String, T)>);

impl<T> Default for Named<T> {
    fn default() -> Named<T> {
        Named(Vec::new())
    }
}

impl<T> Named<T> {
    /// The value of that name.
    pub fn get(&self, name: &str) -> Option<&T> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value)
    }
}

impl<T: Serialize> Serialize for Named<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        self.0.iter().try_for_each(|(name, value)| map.serialize_entry(name, value))?;
        map.end()
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Named<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Named<T>, D::Error> {
        struct Pairs<T>(std::marker::PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for Pairs<T> {
            type Value = Named<T>;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Named<T>, A::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(Named(pairs))
            }
        }

        deserializer.deserialize_map(Pairs(std::marker::PhantomData))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALERT: &str = r#"{"id":"i","rule":"r","fingerprint":"f","severity":"high","title":"t","kind":"match",
        "key":{"z":1,"a":"x"},"first_time":"2026-01-01T00:00:00Z","last_time":"2026-01-01T00:00:01Z",
        "decided_time":"2026-01-01T00:00:01Z","suppressed":3,"fields":{"sum":1.10,"n":2},
        "events":{"e":[{"amount":1.10}]},"tables":{}}"#;

    #[test]
    fn an_alert_by_itself_is_a_notification_of_one() {
        let read = Notification::read(ALERT, "s").expect("it is an alert");
        assert_eq!((&*read.id, read.status, &*read.subject, read.count), ("i", Status::Firing, "s", 1));
        let [alert] = &read.alerts[..] else { panic!("{read:?}") };
        let names: Vec<&str> = alert.key.0.iter().map(|(name, _)| &**name).collect();
        assert_eq!(names, ["z", "a"], "in their order");
        assert_eq!(alert.events.get("e").expect("it was captured")[0].get(), r#"{"amount":1.10}"#);
        assert_eq!(alert.suppressed, 3);
    }

    #[test]
    fn what_was_written_is_read_again() {
        let alert = Notification::read(ALERT, "s").expect("it is an alert");
        let group = Named(vec![("rule".to_owned(), "r".into())]);
        let over = Notification { status: Status::Resolved, group, count: 7, ..alert };
        let text = serde_json::to_string(&over).expect("it is plain");
        let read = Notification::read(&text, "another").expect("it was written");
        assert_eq!((read.status, &*read.subject, read.count), (Status::Resolved, "s", 7));
        assert_eq!(serde_json::to_string(&read).expect("it is plain"), text);
    }

    #[test]
    fn what_is_none_is_refused() {
        for text in ["", "{}", "[]", r#"{"status":"firing"}"#, r#"{"id":"i"}"#] {
            assert!(Notification::read(text, "s").is_err(), "{text}");
        }
    }
}
