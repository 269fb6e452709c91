//! Where people say what they want: of alerts, and of silences.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;
use utoipa::ToSchema;

use crate::event::Timestamp;
use crate::routing::{NewSilence, Refused, Router, Settled, Silence};

use crate::runtime::control::ControlError;

/// How many requests may wait.
const WAITING: usize = 64;

type Reply<T> = oneshot::Sender<Result<T, ControlError>>;

/// Something that was asked or said.
#[derive(Debug)]
pub enum Request {
    /// Which silences there are.
    Silences(Reply<Vec<Silence>>),
    /// To make one.
    Silence(NewSilence, Reply<Silence>),
    /// To end one.
    EndSilence(ById, Reply<Silence>),
    /// Somebody has seen an alert.
    Acknowledge(ById, Reply<Settled>),
    /// Somebody says that it is over.
    Resolve(ById, Reply<Settled>),
}

/// What somebody says of something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ById {
    /// Its id, or the beginning of it.
    pub id: String,
    /// What is said.
    pub said: Said,
}

/// What somebody says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(examples(json!({"by": "ana", "comment": "on it"})))]
pub struct Said {
    /// Who.
    #[schema(min_length = 1, max_length = 1_000, pattern = r"\S")]
    pub by: String,
    /// A remark.
    #[serde(default)]
    #[schema(max_length = 1_000)]
    pub comment: String,
}

/// Where requests wait. Clones are the same.
#[derive(Clone, Default)]
pub struct Desk(Arc<Shared>);

#[derive(Default)]
struct Shared {
    requests: Mutex<VecDeque<Request>>,
    waker: Mutex<Option<Waker>>,
}

/// Called, from any thread, when something is asked.
pub type Waker = Arc<dyn Fn() + Send + Sync>;

/// Answers somebody when what was asked for is durable.
pub type Answer = Box<dyn FnOnce() + Send>;

impl std::fmt::Debug for Desk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Desk")
    }
}

impl Desk {
    /// Asks, and waits for the answer.
    ///
    /// # Errors
    /// When too much is asked, or the service stops; what the answer says.
    pub async fn ask<T>(&self, request: impl FnOnce(Reply<T>) -> Request) -> Result<T, ControlError> {
        let (reply, answer) = oneshot::channel();
        {
            let mut requests = self.requests();
            if requests.len() >= WAITING {
                return Err(ControlError::Busy);
            }
            requests.push_back(request(reply));
        }
        let waker = self.0.waker.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(waker) = waker {
            waker();
        }
        answer.await.unwrap_or(Err(ControlError::Gone))
    }

    /// Whoever attends is woken so from now on.
    pub fn attend(&self, waker: Waker) {
        *self.0.waker.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&waker));
        if !self.requests().is_empty() {
            waker();
        }
    }

    /// The requests that wait.
    pub fn take(&self) -> VecDeque<Request> {
        std::mem::take(&mut self.requests())
    }

    fn requests(&self) -> MutexGuard<'_, VecDeque<Request>> {
        self.0.requests.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Request {
    /// Does what is asked. What only looks is answered at once; what changes something is answered by what this gives,
    /// when that is durable.
    pub fn serve(self, router: &mut Router, now: Timestamp) -> Option<Answer> {
        match self {
            Request::Silences(reply) => at_once(reply, Ok(router.silences().list())),
            Request::Silence(wanted, reply) => later(reply, router.silences().add(wanted, now)),
            Request::EndSilence(ById { id, said }, reply) => {
                later(reply, router.silences().end(&id, &said.by, now))
            }
            Request::Acknowledge(ById { id, said }, reply) => {
                later(reply, router.acknowledge(&id, &said.by, &said.comment, now))
            }
            Request::Resolve(ById { id, said }, reply) => {
                later(reply, router.resolve(&id, &said.by, &said.comment, now))
            }
        }
    }
}

/// Who has gone needs no answer.
fn at_once<T>(reply: Reply<T>, answer: Result<T, ControlError>) -> Option<Answer> {
    let _ = reply.send(answer);
    None
}

fn later<T: Send + 'static>(reply: Reply<T>, answer: Result<T, Refused>) -> Option<Answer> {
    match answer {
        Ok(done) => Some(Box::new(move || drop(reply.send(Ok(done))))),
        Err(refused) => at_once(reply, Err(refused.into())),
    }
}
