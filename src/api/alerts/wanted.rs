//! Which alerts are asked for.

use serde::Deserialize;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};
use utoipa::{IntoParams, PartialSchema, ToSchema};

use crate::alert::{AlertKind, Severity};
use crate::archive::{Page, Query, Status};
use crate::event::Timestamp;
use crate::telemetry::catalogue::DECISION_REASONS;

use crate::api::extract::Limit;

/// Which alerts are shown: those for which all of this is so.
#[derive(Debug, Default, Deserialize, IntoParams)]
pub struct Wanted {
    /// Those of this rule. May be given several times.
    #[serde(default)]
    #[param(max_items = 100)]
    rule: Vec<String>,
    /// Those that matter so much. May be given several times.
    #[serde(default)]
    #[param(inline, max_items = 5)]
    severity: Vec<Severity>,
    /// Those that matter so much at least.
    #[param(inline)]
    min_severity: Option<Severity>,
    /// Those that were made for this reason. May be given several times.
    #[serde(default)]
    #[param(inline, max_items = 3)]
    kind: Vec<AlertKind>,
    /// Those whose key has this value, or this value of this name: `c1` or `card=c1`. May be given several times; all of them
    /// have to be there.
    #[serde(default)]
    #[param(max_items = 32)]
    key: Vec<String>,
    /// Those with this in their title or in what is sent of them, in capitals or not.
    #[param(max_length = 200)]
    text: Option<String>,
    /// Those that came then or later.
    #[param(inline)]
    since: Option<Timestamp>,
    /// Those that came before.
    #[param(inline)]
    until: Option<Timestamp>,
    /// Those of which something was decided for this reason.
    #[param(inline)]
    reason: Option<Reason>,
    /// Those in this condition. May be given several times.
    #[serde(default)]
    #[param(inline, max_items = 4)]
    status: Vec<Status>,
}

/// Which part of them.
#[derive(Debug, Deserialize, IntoParams)]
pub struct Part {
    /// So many at most, the last ones first.
    #[serde(default)]
    #[param(inline)]
    limit: Limit,
    /// Go on from here: the `next` of an answer.
    cursor: Option<u64>,
}

/// One of [`DECISION_REASONS`].
#[derive(Debug, Deserialize)]
struct Reason(String);

impl PartialSchema for Reason {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new().schema_type(Type::String).enum_values(Some(DECISION_REASONS)).into()
    }
}

impl ToSchema for Reason {}

impl Wanted {
    /// The same as alerts are looked for.
    pub fn query(self) -> Query {
        let Wanted { rule, severity, min_severity, kind, key, text, since, until, reason, status } = self;
        let severities = match min_severity {
            Some(least) => Severity::ALL
                .into_iter()
                .filter(|one| *one >= least && (severity.is_empty() || severity.contains(one)))
                .collect(),
            None => severity,
        };
        Query {
            rules: rule,
            severities,
            kinds: kind,
            keys: key,
            text: text.filter(|text| !text.is_empty()),
            since,
            until,
            reason: reason.map(|Reason(name)| name),
            statuses: status,
        }
    }
}

impl Part {
    /// The same as a page.
    pub fn page(&self) -> Page {
        let Limit(limit) = self.limit;
        Page { before: self.cursor, limit }
    }
}
