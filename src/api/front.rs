//! From a request to its answer: what looks at requests, and what leads them to handlers.

use std::convert::Infallible;
use std::sync::{Arc, PoisonError, RwLock};

use axum::Router;
use axum::body::Body;
use axum::http::{Request, Response};
use hyper::service::Service as _;
use hyper_util::service::TowerToHyperService;

use crate::config::ApiLimits;
use crate::watch;

use super::audit::Audit;
use super::extract::MostBytes;
use super::gate::{Gate, Pass, Peer};
use super::places::Places;
use super::work::Bench;

/// Answers requests. Clones are the same.
#[derive(Clone)]
pub struct Front {
    gate: Arc<Gate>,
    /// It is another one when another service has taken the place of the one before.
    router: Arc<RwLock<Router>>,
    places: Places,
    most_bytes: MostBytes,
    bench: Bench,
}

impl Front {
    /// Leads those whom `gate` lets in by what `router` is then, within these bounds, with a record of what they change.
    /// Answers without an end are over when `ending` is.
    pub fn new(
        gate: Gate,
        router: Arc<RwLock<Router>>,
        limits: &ApiLimits,
        audit: Audit,
        ending: Ending,
    ) -> Front {
        let bench = Bench { time: limits.time, audit, clock: gate.clock() };
        let places = Places::new(limits.streams, ending);
        Front { gate: Arc::new(gate), router, places, most_bytes: MostBytes(limits.body), bench }
    }

    /// Answers a request.
    pub async fn answer(&self, peer: &Peer, mut request: Request<Body>) -> Response<Body> {
        let admitted = self.gate.admit(peer, &request);
        let pass = Pass::new(&self.gate, peer, &request);
        let extensions = request.extensions_mut();
        match admitted {
            Ok(asker) => extensions.insert(asker).map(drop),
            Err(problem) => extensions.insert(problem).map(drop),
        };
        extensions.insert(pass);
        extensions.insert(self.places.clone());
        extensions.insert(self.most_bytes);
        extensions.insert(self.bench.clone());
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
