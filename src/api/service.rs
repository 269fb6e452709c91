//! `/v1/config` and `/v1/reload`: what the service is made of.

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::event::{Field, StreamSchema};
use crate::runtime::control::Control;
use crate::runtime::control::orders::Renewed;

use super::answer::Changed;
use super::extract::Json;
use super::problem::Problem;
use super::rules::keeps_state_or;

/// That the service is to begin anew.
#[derive(Debug, Default, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
#[schema(examples(json!({})))]
pub struct Reload {
    /// Whether that is wanted although the service keeps no state, so that all partial matches are lost.
    force: bool,
}

/// Lets the service begin anew with what its files say now.
///
/// What is wrong with them is said, and then all stays as it is. Otherwise it finishes what it has received and goes on from its
/// state, with the configuration and the rules of now; who asks it meanwhile is told to come back in a moment.
#[utoipa::path(
    post,
    path = "/v1/reload",
    tag = "service",
    responses((status = 200, description = "What is different now."))
)]
pub async fn reload(
    State(control): State<Control>,
    Json(Reload { force }): Json<Reload>,
) -> Result<Changed<Renewed>, Problem> {
    keeps_state_or(force, &control)?;
    let renewed = control.order(None).await?;
    Ok(Changed::new("service", renewed))
}

/// The configuration of the service.
#[derive(Debug, Serialize, ToSchema)]
pub struct ConfigView {
    /// The file.
    file: String,
    /// Its text (TOML) as the service has read it, with `***` for secrets.
    text: String,
}

/// Shows the configuration, without its secrets.
#[utoipa::path(
    get,
    path = "/v1/config",
    tag = "service",
    responses((status = 200, description = "The configuration."))
)]
pub async fn config(State(control): State<Control>) -> Result<Json<ConfigView>, Problem> {
    let about = control.made_of()?;
    Ok(Json(ConfigView { file: about.file.display().to_string(), text: about.text.clone() }))
}

/// The streams that rules declare.
#[derive(Debug, Serialize, ToSchema)]
pub struct StreamList {
    /// The streams.
    streams: Vec<StreamView>,
}

/// A stream.
#[derive(Debug, Serialize, ToSchema)]
pub struct StreamView {
    /// Its name.
    name: String,
    /// The rule whose alerts it carries, if it does; then nothing else comes in by it.
    alerts_of: Option<String>,
    /// Its fields.
    fields: Vec<FieldView>,
    /// The sources that feed it.
    sources: Vec<String>,
}

/// A field of a stream.
#[derive(Debug, Serialize, ToSchema)]
pub struct FieldView {
    /// Its name.
    name: String,
    /// Its type, as rules write it.
    #[serde(rename = "type")]
    ty: String,
    /// Whether it may be missing.
    optional: bool,
}

/// Lists the streams with their fields, and the sources that feed them.
#[utoipa::path(
    get,
    path = "/v1/streams",
    tag = "service",
    responses((status = 200, description = "The streams."))
)]
pub async fn streams(State(control): State<Control>) -> Result<Json<StreamList>, Problem> {
    let about = control.made_of()?;
    let field = |field: &Field| FieldView {
        name: field.name.to_string(),
        ty: field.ty.value_type().to_string(),
        optional: field.optional,
    };
    let stream = |stream: &StreamSchema| {
        let name = stream.name.to_string();
        let feeding =
            about.config.sources.iter().filter(|source| stream.alerts_of.is_none() && source.feeds(&name));
        StreamView {
            alerts_of: stream.alerts_of.as_ref().map(ToString::to_string),
            fields: stream.fields.iter().map(field).collect(),
            sources: feeding.map(|source| source.name.value.clone()).collect(),
            name,
        }
    };
    Ok(Json(StreamList { streams: about.program.streams().iter().map(stream).collect() }))
}
