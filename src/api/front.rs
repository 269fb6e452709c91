//! From a request to its answer: what looks at requests, and what leads them to handlers.

use std::convert::Infallible;
use std::sync::{Arc, PoisonError, RwLock};

use axum::Router;
use axum::body::Body;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{Request, Response};
use axum::response::IntoResponse;
use hyper::service::Service as _;
use hyper_util::service::TowerToHyperService;

use crate::watch;

use super::gate::{Gate, Peer};
use super::handler::Taken;
use super::problem::Problem;

/// Answers requests. Clones are the same.
#[derive(Clone)]
pub struct Front {
    gate: Arc<Gate>,
    /// It is another one when another service has taken the place of the one before.
    router: Arc<RwLock<Router>>,
    ending: Ending,
}

impl Front {
    /// Leads those whom `gate` lets in by what `router` is then. Answers without an end are over when `ending` is.
    pub fn new(gate: Gate, router: Arc<RwLock<Router>>, ending: Ending) -> Front {
        Front { gate: Arc::new(gate), router, ending }
    }

    /// Answers a request.
    pub async fn answer(&self, peer: &Peer, mut request: Request<Body>) -> Response<Body> {
        let asker = match self.gate.admit(peer, &request) {
            Ok(asker) => asker,
            Err(problem) => return problem.into_response(),
        };
        request.extensions_mut().insert(asker);
        request.extensions_mut().insert(self.ending.clone());
        let router = self.router.read().unwrap_or_else(PoisonError::into_inner).clone();
        let answer: Result<_, Infallible> = TowerToHyperService::new(router).call(request).await;
        answer.unwrap_or_else(|never| match never {})
    }
}

/// When the service stops: whoever answers without an end ends then.
#[derive(Clone, Debug)]
pub struct Ending(watch::Receiver<bool>);

impl Ending {
    /// When that is set, or whoever could set it is gone.
    pub fn new(stop: watch::Receiver<bool>) -> Ending {
        Ending(stop)
    }

    /// Until the service stops.
    pub async fn wanted(&mut self) {
        // Whoever stops it has gone, too.
        let _ = self.0.wait_for(|stop| *stop).await;
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Ending {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Ending, Problem> {
        let ending = parts.extensions.get::<Ending>().cloned();
        Ok(ending.expect("`Front` gives one to every request"))
    }
}

impl Taken for Ending {}
