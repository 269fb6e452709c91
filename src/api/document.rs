//! `GET /v1/openapi.json`: the API, described for machines (OpenAPI 3.1). `/api` shows it to people ([`super::page`]), and
//! `docs/openapi.json` is the same.
//!
//! It is made of the table of routes, and so of the types that handlers take and answer. Problems are added here: a route
//! has those of its kind and those that the table names.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use axum::body::{Body, Bytes};
use axum::http::{Response, StatusCode, header};
use utoipa::openapi::content::ContentBuilder;
use utoipa::openapi::path::{HttpMethod, Operation};
use utoipa::openapi::response::{Response as Described, ResponseBuilder};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme};
use utoipa::openapi::tag::TagBuilder;
use utoipa::openapi::{
    ComponentsBuilder, InfoBuilder, LicenseBuilder, OpenApi, OpenApiBuilder, Paths, Ref, RefOr,
};
use utoipa::{PartialSchema, ToSchema};

use super::answer;
use super::problem::{self, Kind};
use super::routes::{ROUTES, Route};
use super::server::MAX_HEAD;

/// What the routes are about, in the order of the page.
const TAGS: &[(&str, &str)] = &[
    ("alerts", "What was decided of alerts, and what people say of them."),
    ("events", "Events in."),
    ("rules", "The rules, what they do, and whether they run."),
    ("silences", "For a time, nobody is told of some alerts."),
    ("state", "Live partial matches."),
    ("savepoints", "The state kept under a name."),
    ("outbox", "Alerts that wait for sinks or were given up."),
    ("health", "Whether the service is alive and takes events, and what it counts."),
    ("service", "What the service is made of, and who asks."),
    ("document", "This document."),
];

/// The name of the way to show who one is by a token.
const TOKEN: &str = "token";

/// The document as it is answered.
static DOCUMENT: LazyLock<Bytes> = LazyLock::new(|| text().into());

/// The document as text.
pub fn text() -> String {
    let mut text = document().to_pretty_json().expect("plain data can be written as JSON");
    text.push('\n');
    text
}

/// Shows the API itself, described for machines (OpenAPI 3.1).
#[utoipa::path(
    get,
    path = "/v1/openapi.json",
    tag = "document",
    responses((status = 200, description = "The document.", body = Object))
)]
pub async fn show() -> Response<Body> {
    let answer = Response::builder()
        .header(header::CONTENT_TYPE, answer::JSON)
        .header(header::CACHE_CONTROL, "no-cache")
        .header(header::X_CONTENT_TYPE_OPTIONS, "nosniff")
        .body(Body::from(DOCUMENT.clone()));
    answer.expect("these headers are well formed")
}

/// The document of all routes.
pub fn document() -> OpenApi {
    let mut paths = Paths::new();
    let mut components = ComponentsBuilder::new()
        .schema(problem::Sent::name(), problem::Sent::schema())
        .security_scheme(TOKEN, token());
    for route in ROUTES.iter() {
        paths.add_path_operation(&route.path, vec![method(route)], operation(route));
        components = components.schemas_from_iter(route.described.schemas.iter().cloned());
    }
    let info = InfoBuilder::new()
        .title("Tripline")
        .description(Some("Rules and alerts over streams of events."))
        .version(env!("CARGO_PKG_VERSION"))
        .license(Some(LicenseBuilder::new().name("Apache-2.0").identifier(Some("Apache-2.0")).build()));
    let tags =
        TAGS.iter().map(|(name, about)| TagBuilder::new().name(*name).description(Some(*about)).build());
    let document = OpenApiBuilder::new().info(info.build()).paths(paths).components(Some(components.build()));
    document.tags(Some(tags)).build()
}

fn token() -> SecurityScheme {
    let about = "`Authorization: Bearer TOKEN`, of a token that `tripline token new` has made. A service that listens on an \
                 address of its machine alone needs none until there are some.";
    let scheme = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).description(Some(about)).build();
    SecurityScheme::Http(scheme)
}

fn method(route: &Route) -> HttpMethod {
    match route.method.as_str() {
        "POST" => HttpMethod::Post,
        "PUT" => HttpMethod::Put,
        "PATCH" => HttpMethod::Patch,
        "DELETE" => HttpMethod::Delete,
        _ => HttpMethod::Get,
    }
}

/// What is said of a route: what its handler says, who may use it, and its problems.
fn operation(route: &Route) -> Operation {
    let mut operation = route.described.operation.clone();
    let tag = operation.tags.iter().flatten().next().cloned().unwrap_or_default();
    let handler = operation.operation_id.unwrap_or_default();
    // Those of handlers are alike in several files.
    operation.operation_id = Some(format!("{tag}_{handler}"));
    let (security, who) = match route.role {
        Some(role) => {
            let needed = SecurityRequirement::new(TOKEN, [role.name()]);
            (vec![needed], Some(format!("Needs the role `{role}`.")))
        }
        None => (Vec::new(), None),
    };
    operation.security = Some(security);
    let parts: Vec<String> =
        operation.description.into_iter().chain(who).filter(|part| !part.is_empty()).collect();
    operation.description = Some(parts.join("\n\n")).filter(|text| !text.is_empty());
    let own = &mut operation.responses.responses;
    for (status, response) in problems(route).into_iter().chain([too_large_a_head()]) {
        own.entry(status).or_insert(RefOr::T(response));
    }
    operation
}

/// What is answered before it is known who is asked for what.
fn too_large_a_head() -> (String, Described) {
    let about = format!(
        "The address and the headers have more than {} KiB together. There is no body.",
        MAX_HEAD >> 10
    );
    (
        StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE.as_str().to_owned(),
        ResponseBuilder::new().description(about).build(),
    )
}

/// The problems of a route, by status.
fn problems(route: &Route) -> BTreeMap<String, Described> {
    let mut kinds: BTreeMap<String, Vec<Kind>> = BTreeMap::new();
    for kind in &route.problems {
        kinds.entry(kind.status().as_str().to_owned()).or_default().push(*kind);
    }
    let described = |kinds: Vec<Kind>| {
        let lines: Vec<String> =
            kinds.iter().map(|kind| format!("`{}`: {}", kind.name(), kind.means())).collect();
        let content =
            ContentBuilder::new().schema(Some(Ref::from_schema_name(problem::Sent::name()))).build();
        ResponseBuilder::new().description(lines.join("\n\n")).content(problem::MEDIA_TYPE, content).build()
    };
    kinds.into_iter().map(|(status, kinds)| (status, described(kinds))).collect()
}
