//! How the work of a route is done: in the time that an answer may take; and what changes something is done to its end, whoever
//! goes away meanwhile, and leaves a record.

use std::panic::resume_unwind;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use axum::http::Response;
use axum::middleware::Next;
use axum::response::IntoResponse;
use tokio::time::timeout;

use crate::access::Who;
use crate::source::Clock;

use super::audit::{Audit, Begun, Record};
use super::gate::Asker;
use super::problem::{Kind, Problem};
use super::routes::Route;

/// What the work of routes needs besides what handlers take. `Front` gives it to every request.
#[derive(Clone)]
pub struct Bench {
    /// How long an answer may take.
    pub time: Duration,
    /// Where it is recorded what is changed.
    pub audit: Audit,
    /// When that was.
    pub clock: Arc<dyn Clock>,
}

/// Has the handler of a route answer a request of somebody who may use it.
pub async fn perform(
    route: &'static Route,
    who: Option<Who>,
    request: Request,
    next: Next,
) -> Response<Body> {
    let bench = request.extensions().get::<Bench>().cloned().expect("`Front` gives one to every request");
    let time = bench.time;
    let begun = who.filter(|_| route.changes()).map(|who| begin(route, who, &request));
    let answered = async move {
        match begun {
            None => next.run(request).await,
            // A task of its own goes on when nobody waits for it any more.
            Some(begun) => match tokio::spawn(change(bench, begun, request, next)).await {
                Ok(answer) => answer,
                Err(failed) => resume_unwind(failed.into_panic()),
            },
        }
    };
    if route.is_patient() {
        return answered.await;
    }
    let late = |_| late(route, time).into_response();
    timeout(time, answered).await.unwrap_or_else(late)
}

fn begin(route: &'static Route, who: Who, request: &Request) -> Begun {
    let from = request.extensions().get::<Asker>().and_then(|asker| asker.from.clone());
    let path = request.uri().path().to_owned();
    Begun { who, from, method: route.method.clone(), route: &route.path, path }
}

/// Changes something, and records it before anybody hears of it.
async fn change(bench: Bench, begun: Begun, request: Request, next: Next) -> Response<Body> {
    let answer = next.run(request).await;
    bench.audit.keep(Record::new(begun, &answer, bench.clock.now())).await;
    answer
}

fn late(route: &Route, time: Duration) -> Problem {
    let then = match route.changes() {
        true => "it goes on, and the audit log will say what came of it",
        false => "ask again later",
    };
    let detail = format!("the service did not come to it within {time:?} (`api.limits.time`); {then}");
    Problem::new(Kind::Busy, detail)
}
