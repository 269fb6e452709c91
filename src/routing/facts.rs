//! What routing looks at of an alert.

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::alert::notification::Told;
use crate::alert::{Alert, AlertKind, Severity};

/// What matchers, groups and inhibition ask of an alert.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Facts {
    /// The rule's name.
    pub rule: String,
    /// How much it matters.
    pub severity: Severity,
    /// Why it was made.
    pub kind: AlertKind,
    /// The rule's tags.
    pub tags: Vec<String>,
    /// The key's fields.
    pub key: Vec<(String, Json)>,
    /// The rule's own fields.
    pub fields: Vec<(String, Json)>,
}

impl Facts {
    /// Those of an alert.
    pub fn of(alert: &Alert) -> Facts {
        let pairs = |named: &[(compact_str::CompactString, crate::event::Value)]| {
            let json = |value| serde_json::to_value(value).unwrap_or(Json::Null);
            named.iter().map(|(name, value)| (name.to_string(), json(value))).collect()
        };
        Facts {
            rule: alert.rule.to_string(),
            severity: alert.severity,
            kind: alert.kind,
            tags: alert.notes.tags.clone(),
            key: pairs(&alert.key),
            fields: pairs(&alert.fields),
        }
    }

    /// Those of an alert that is JSON; `None` when its severity or kind is none that there is.
    pub fn told(told: &Told) -> Option<Facts> {
        Some(Facts {
            rule: told.rule.clone(),
            severity: Severity::of_name(&told.severity)?,
            kind: AlertKind::of_name(&told.kind)?,
            tags: told.tags.clone(),
            key: told.key.0.clone(),
            fields: told.fields.0.clone(),
        })
    }

    /// What a name stands for: a part of the key, else a field of the alert; `key.x` and `fields.x` say which is
    /// meant.
    pub fn value(&self, name: &str) -> Option<&Json> {
        let find =
            |pairs: &'_ [(String, Json)], name: &str| pairs.iter().position(|(known, _)| known == name);
        let of_key = |name: &str| find(&self.key, name).map(|place| &self.key[place].1);
        let of_fields = |name: &str| find(&self.fields, name).map(|place| &self.fields[place].1);
        match (name.strip_prefix("key."), name.strip_prefix("fields.")) {
            (Some(name), _) => of_key(name),
            (_, Some(name)) => of_fields(name),
            _ => of_key(name).or_else(|| of_fields(name)),
        }
    }
}

/// A value in one line, for people: text as it is, everything else as in JSON.
pub fn plain(value: &Json) -> String {
    match value {
        Json::String(text) => text.clone(),
        other => other.to_string(),
    }
}
