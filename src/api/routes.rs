//! The routes of the API: one table, from which are made what leads requests to handlers ([`router`]), the document that
//! describes them ([`super::document`]), who may use them, and the hints at what was probably meant.
//!
//! A handler says its method, path and types where it stands (`#[utoipa::path(…)]`); the table says which role it needs
//! and which problems it can answer beyond those that every route of its kind has. What a route answers is held against
//! that whenever the program is built for testing.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::{Method, Response, Uri};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::IntoResponse;
use axum::routing::MethodRouter;
use tracing::debug;
use utoipa::openapi::PathItem;
use utoipa::openapi::path::Operation;
use utoipa_axum::router::UtoipaMethodRouter;
use utoipa_axum::routes;

use crate::access::Role::{self, Admin, Operate, Read};
use crate::access::{self, Refused as NotLetIn, Who};
use crate::diagnostic::did_you_mean;
use crate::runtime::control::Control;

use super::answer::Change;
use super::gate::Asker;
use super::handler::{Described, Handler};
use super::problem::{Kind, Problem};
use super::work::perform;
use super::{
    alerts, counting, document, events, health, me, metrics, outbox, overview, page, playground, quarantine,
    rules, savepoints, service, silences, state,
};

/// A route: the role that it needs, if it needs one, and its handler.
macro_rules! route {
    ($handler:path) => {
        Route::new(None, routes!($handler), &$handler)
    };
    ($role:expr, $handler:path) => {
        Route::new(Some($role), routes!($handler), &$handler)
    };
}

/// All routes, in the order in which the document has them.
fn all() -> Vec<Route> {
    use Kind::{
        BadName, BadRecords, DiskFull, Exists, Failed, NoState, NoSuchId, NoSuchRule, NoSuchStream,
        NoWebSocket, Refused, Saving, WrongRules,
    };
    vec![
        route!(health::live),
        route!(health::ready),
        route!(Read, metrics::scrape).may(&[Failed]),
        route!(Read, me::who_asks),
        route!(document::show),
        route!(Operate, events::feed).may(&[NoSuchStream, BadRecords]).feeds(),
        route!(Read, alerts::list),
        route!(Read, alerts::counts),
        route!(Read, alerts::follow),
        route!(Read, alerts::talk).may(&[NoWebSocket]),
        route!(Read, alerts::show).may(&[NoSuchId, Refused]),
        route!(Operate, alerts::acknowledge).may(&[NoSuchId, Refused]),
        route!(Operate, alerts::resolve).may(&[NoSuchId, Refused]),
        route!(Read, rules::list),
        route!(Read, rules::validate).looks(),
        route!(Read, rules::show).may(&[NoSuchRule]),
        route!(Read, rules::runs).may(&[NoSuchRule]),
        route!(Read, playground::play).looks(),
        route!(Admin, rules::set_mode).may(&[NoSuchRule, NoState, WrongRules]),
        route!(Read, overview::show),
        route!(Read, overview::list_sinks),
        route!(Read, service::config),
        route!(Read, service::streams),
        route!(Admin, service::reload).may(&[NoState, WrongRules]),
        route!(Read, silences::list),
        route!(Operate, silences::add).may(&[Refused]),
        route!(Operate, silences::end).may(&[NoSuchId, Refused]),
        route!(Read, state::look).may(&[NoSuchRule]),
        route!(Read, quarantine::look),
        route!(Read, savepoints::list).may(&[NoState]),
        route!(Operate, savepoints::create).may(&[BadName, DiskFull, Exists, NoState, Saving]).patient(),
        route!(Read, outbox::look).may(&[NoState]),
        route!(Operate, outbox::retry).may(&[NoState, DiskFull]),
        route!(Admin, outbox::discard).may(&[NoState, DiskFull]),
        route!(Operate, outbox::hurry).may(&[NoState, DiskFull]),
        route!(Admin, outbox::discard_waiting).may(&[NoState, DiskFull]),
        route!(Operate, outbox::enable).may(&[NoState, DiskFull]),
    ]
}

/// All routes. They are made once.
pub static ROUTES: LazyLock<Vec<Route>> = LazyLock::new(all);

/// A route: a method of a path.
pub struct Route {
    /// The role that it needs; `None`: everybody may use it.
    pub role: Option<Role>,
    /// The method.
    pub method: Method,
    /// The path, with names in braces.
    pub path: String,
    /// What the document says of it.
    pub described: Described,
    /// The kinds of problems that it can answer.
    pub problems: BTreeSet<Kind>,
    /// Whether it is not recorded, although it is no `GET`.
    is_unrecorded: bool,
    /// Whether it may take longer than other answers.
    is_patient: bool,
    handler: MethodRouter<Control>,
}

impl Route {
    /// Changes nothing, although it is no `GET`: what it works on is too long for a URL.
    fn looks(mut self) -> Route {
        self.is_unrecorded = true;
        self
    }

    /// Feeds events, which sources count and nobody records.
    fn feeds(mut self) -> Route {
        self.is_unrecorded = true;
        self
    }

    /// Takes as long as it needs: whoever asks waits.
    fn patient(mut self) -> Route {
        self.is_patient = true;
        self
    }

    /// Can answer these problems as well.
    fn may(mut self, kinds: &[Kind]) -> Route {
        self.problems.extend(kinds);
        self
    }

    /// Of what the handler says of itself, and what its types say.
    fn new<Takes>(
        role: Option<Role>,
        (schemas, paths, handler): UtoipaMethodRouter<Control>,
        types: &impl Handler<Takes>,
    ) -> Route {
        let (path, item) = paths.paths.into_iter().next().expect("a handler has a path");
        let (method, operation) = operation(item).expect("a handler has a method");
        let mut described = Described { operation, schemas };
        types.describe(&mut described);
        let problems = usual_problems(role, &path, &described.operation);
        Route { role, method, path, described, problems, is_unrecorded: false, is_patient: false, handler }
    }

    /// Whether it changes something, so that it has to be recorded.
    pub fn changes(&self) -> bool {
        !self.is_unrecorded && !matches!(self.method, Method::GET | Method::HEAD)
    }

    /// Whether it may take longer than other answers.
    pub fn is_patient(&self) -> bool {
        self.is_patient
    }

    /// Who sends a request, if they may use it; `None`: it does not matter who.
    fn permit(&self, request: &Request) -> Result<Option<Who>, NotLetIn> {
        let Some(needed) = self.role else { return Ok(None) };
        // Without an asker nobody has looked who it is, which lets nobody in.
        let who =
            request.extensions().get::<Asker>().map_or(Err(NotLetIn::Nothing), |asker| asker.who.clone());
        let who = who?;
        access::permit(&who, needed)?;
        Ok(Some(who))
    }

    /// Answers a request, if whoever sends it may use it.
    async fn answer(&'static self, request: Request, next: Next) -> Response<Body> {
        let answer = match self.permit(&request) {
            Ok(who) => perform(self, who, request, next).await,
            Err(refused) => {
                let from = request.extensions().get::<Asker>().and_then(|asker| asker.from.as_deref());
                let (method, path) = (&self.method, &self.path);
                debug!(from, %method, path, why = %refused, "the API does not let somebody do this");
                Problem::from(refused).into_response()
            }
        };
        self.check(&answer);
        answer
    }

    /// Holds an answer against what the route says of itself.
    fn check(&self, answer: &Response<Body>) {
        let status = answer.status();
        match answer.extensions().get::<Problem>().map(Problem::kind) {
            Some(kind) => {
                debug_assert!(self.problems.contains(&kind), "{} {}: {kind:?}", self.method, self.path);
            }
            None => debug_assert!(
                self.described.operation.responses.responses.contains_key(status.as_str()),
                "{} {}: {status}",
                self.method,
                self.path
            ),
        }
        debug_assert!(
            !(self.changes() && status.is_success()) || answer.extensions().get::<Change>().is_some(),
            "{} {} does not say what it has changed: it has to answer `Changed`",
            self.method,
            self.path
        );
    }
}

fn operation(item: PathItem) -> Option<(Method, Operation)> {
    let PathItem { get, put, post, delete, patch, .. } = item;
    let all = [
        (Method::GET, get),
        (Method::PUT, put),
        (Method::POST, post),
        (Method::DELETE, delete),
        (Method::PATCH, patch),
    ];
    all.into_iter().find_map(|(method, operation)| Some((method, operation?)))
}

/// The problems that every route can answer that is like this one.
fn usual_problems(role: Option<Role>, path: &str, operation: &Operation) -> BTreeSet<Kind> {
    let mut problems = BTreeSet::from([Kind::OtherHost, Kind::OtherOrigin]);
    if !health::PATHS.contains(&path) {
        problems.insert(Kind::TooMany);
    }
    if role.is_some() {
        problems.extend([Kind::Unauthorized, Kind::InvalidToken, Kind::Forbidden]);
        problems.extend([Kind::Busy, Kind::Stopping, Kind::Disk]);
    }
    if operation.parameters.as_ref().is_some_and(|parameters| !parameters.is_empty()) {
        problems.insert(Kind::BadRequest);
    }
    if operation.request_body.is_some() {
        problems.extend([Kind::BadRequest, Kind::Slow, Kind::TooLarge, Kind::MediaType]);
    }
    problems
}

/// What leads requests to their handlers.
pub fn router(control: Control) -> Router {
    let mut router = Router::new();
    for route in ROUTES.iter() {
        let lead = from_fn(move |request: Request, next: Next| route.answer(request, next));
        let handler = route.handler.clone().layer(lead);
        router = router.route(&route.path, handler);
    }
    router
        .merge(page::router())
        .fallback(nothing)
        .method_not_allowed_fallback(other_method)
        .layer(from_fn(turn_away))
        .layer(from_fn_with_state(control.clone(), counting::count))
        .with_state(control)
}

/// Answers what has not passed the gate, here, where answers are counted. Without an [`Asker`], which only
/// the gate gives, no route would let it in.
async fn turn_away(mut request: Request, next: Next) -> Response<Body> {
    match request.extensions_mut().remove::<Problem>() {
        Some(problem) => problem.into_response(),
        None => next.run(request).await,
    }
}

async fn nothing(uri: Uri) -> Problem {
    let whole = ROUTES.iter().map(|route| route.path.as_str()).filter(|path| !path.contains('{'));
    let hint = did_you_mean(uri.path(), whole);
    Problem::new(Kind::NoSuchPath, format!("there is nothing here{hint}"))
}

async fn other_method(method: Method, uri: Uri) -> Problem {
    let detail = format!("`{}` cannot be asked with {method}", uri.path());
    Problem::new(Kind::MethodNotAllowed, detail)
}
