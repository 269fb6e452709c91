//! How types of the core are described in the document of the API (`GET /v1/openapi.json`): the core itself knows
//! nothing of it.

use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{KnownFormat, ObjectBuilder, Schema, SchemaFormat, Type};
use utoipa::{PartialSchema, ToSchema};

use crate::alert::{AlertKind, Severity};
use crate::event::{Duration, Timestamp};
use crate::language::PartKind;
use crate::program::Mode;

impl PartialSchema for Timestamp {
    fn schema() -> RefOr<Schema> {
        let time = ObjectBuilder::new()
            .schema_type(Type::String)
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)))
            .description(Some("A time of RFC 3339, to the microsecond."))
            .examples(["2026-03-01T08:00:00Z"]);
        time.into()
    }
}

impl ToSchema for Timestamp {}

impl PartialSchema for Duration {
    fn schema() -> RefOr<Schema> {
        let duration = ObjectBuilder::new()
            .schema_type(Type::String)
            .description(Some("A duration, as rules write it."))
            .examples(["1h30m"]);
        duration.into()
    }
}

impl ToSchema for Duration {}

impl PartialSchema for Severity {
    fn schema() -> RefOr<Schema> {
        let names = Severity::ALL.iter().map(|severity| severity.name());
        let severity = ObjectBuilder::new()
            .schema_type(Type::String)
            .enum_values(Some(names))
            .description(Some("How much an alert matters, from the least on."));
        severity.into()
    }
}

impl ToSchema for Severity {}

impl PartialSchema for Mode {
    fn schema() -> RefOr<Schema> {
        words(
            Mode::ALL.map(Mode::name),
            "Whether the alerts of a rule are sent (`live`), only counted (`shadow`), or it does not run (`off`).",
        )
    }
}

impl ToSchema for Mode {}

impl PartialSchema for PartKind {
    fn schema() -> RefOr<Schema> {
        words(PartKind::ALL.map(PartKind::name), "What a part of a text of rules is.")
    }
}

impl ToSchema for PartKind {}

/// A text that is one of these words.
fn words<const N: usize>(words: [&'static str; N], about: &'static str) -> RefOr<Schema> {
    ObjectBuilder::new().schema_type(Type::String).enum_values(Some(words)).description(Some(about)).into()
}

impl PartialSchema for AlertKind {
    fn schema() -> RefOr<Schema> {
        let names = AlertKind::ALL.iter().map(|kind| kind.name());
        let kind = ObjectBuilder::new().schema_type(Type::String).enum_values(Some(names)).description(Some(
            "Why an alert was made: the pattern matched, ran out of time, or a limit of the rule dropped a run.",
        ));
        kind.into()
    }
}

impl ToSchema for AlertKind {}
