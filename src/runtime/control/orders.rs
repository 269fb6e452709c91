//! What a process is told that runs a service: to begin anew with what its files say now, or with a rule in another
//! mode. Whoever tells it is always answered.

use serde::{Deserialize, Serialize};
use tokio::sync::{mpsc, oneshot};
use utoipa::ToSchema;

use crate::event::Timestamp;
use crate::program::{Mode, Program};
use crate::runtime::modes::Wanted;

use super::ControlError;

/// How many orders may wait.
const WAITING: usize = 4;

/// Gives orders. Clones are the same.
#[derive(Clone, Debug)]
pub struct Giver(mpsc::Sender<Order>);

/// The orders that were given.
#[derive(Debug)]
pub struct Orders(mpsc::Receiver<Order>);

/// To begin anew.
#[derive(Debug)]
pub struct Order {
    /// With a rule in another mode, if so.
    pub mode: Option<ModeOrder>,
    reply: oneshot::Sender<Result<Renewed, ControlError>>,
}

/// That a rule is to be in another mode.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModeOrder {
    /// The rule.
    pub rule: String,
    /// The mode.
    pub mode: Mode,
    /// Who wants it so.
    pub by: String,
    /// Why.
    pub comment: String,
    /// Since when.
    pub since: Timestamp,
}

impl ModeOrder {
    /// The same as it is kept.
    pub fn wanted(&self) -> Wanted {
        let ModeOrder { mode, by, comment, since, .. } = self;
        Wanted { mode: *mode, by: by.clone(), comment: comment.clone(), since: *since }
    }
}

/// What is different in a service that has begun anew: names of rules.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Renewed {
    /// Rules that were not there before.
    pub added: Vec<String>,
    /// Rules that mean something else now.
    pub changed: Vec<String>,
    /// Rules that are gone.
    pub removed: Vec<String>,
    /// Rules that are in another mode now.
    pub modes: Vec<String>,
}

/// A way to give orders, and to get them.
pub fn orders() -> (Giver, Orders) {
    let (sender, receiver) = mpsc::channel(WAITING);
    (Giver(sender), Orders(receiver))
}

impl Giver {
    /// Gives an order, and waits until it is carried out.
    ///
    /// # Errors
    /// When it cannot be; then all is as it was.
    pub async fn give(&self, mode: Option<ModeOrder>) -> Result<Renewed, ControlError> {
        let (order, outcome) = Order::new(mode);
        self.0.try_send(order).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => ControlError::Busy,
            mpsc::error::TrySendError::Closed(_) => ControlError::Gone,
        })?;
        outcome.await
    }
}

impl Orders {
    /// The next order; waits for it, for ever if nobody gives any. Nothing is lost when it is not waited for to the end.
    pub async fn next(&mut self) -> Order {
        match self.0.recv().await {
            Some(order) => order,
            None => std::future::pending().await,
        }
    }
}

impl Order {
    /// One, and what comes of it.
    pub fn new(mode: Option<ModeOrder>) -> (Order, impl Future<Output = Result<Renewed, ControlError>>) {
        let (reply, answer) = oneshot::channel();
        (Order { mode, reply }, async { answer.await.unwrap_or(Err(ControlError::Gone)) })
    }

    /// Says what has come of it.
    pub fn answer(self, outcome: Result<Renewed, ControlError>) {
        let _ = self.reply.send(outcome);
    }
}

impl Renewed {
    /// What is different between two programs.
    pub fn between(before: &Program, now: &Program) -> Renewed {
        let of =
            |program: &Program, name: &str| program.rules().iter().find(|rule| *rule.name == *name).cloned();
        let mut renewed = Renewed::default();
        for rule in now.rules() {
            let name = rule.name.to_string();
            match of(before, &name) {
                None => renewed.added.push(name),
                Some(old) => {
                    if old.fingerprint != rule.fingerprint {
                        renewed.changed.push(name.clone());
                    }
                    if old.mode != rule.mode {
                        renewed.modes.push(name);
                    }
                }
            }
        }
        let gone = before.rules().iter().filter(|rule| of(now, &rule.name).is_none());
        renewed.removed.extend(gone.map(|rule| rule.name.to_string()));
        renewed
    }
}
