//! Alerts on their way from the engine to the sinks.
//!
//! Enters: alerts, on the engine's thread. Leaves: for each sink a queue of its alerts, in the order
//! decided. A queue that is full makes the engine wait, and thereby the sources; nothing is dropped.
//! [`memory`] forgets what is left when the process ends; what replaces it by a durable store
//! implements the same two traits.

pub mod memory;

use std::future::Future;
use std::sync::Arc;

use crate::alert::Alert;

/// An alert as sinks send it: rendered once for all of them.
#[derive(Debug, PartialEq, Eq)]
pub struct Outgoing {
    /// The alert's id, by which receivers can drop repeats.
    pub id: String,
    /// The rule that made it.
    pub rule: Arc<str>,
    /// The JSON object, without a line end.
    pub body: String,
}

impl Outgoing {
    /// Renders an alert.
    pub fn new(alert: &Alert) -> Outgoing {
        let body = serde_json::to_string(alert)
            .expect("an alert has text for keys and is written to memory, so that nothing can fail");
        Outgoing { id: alert.id.clone(), rule: Arc::clone(&alert.rule), body }
    }
}

/// Takes alerts from the engine.
pub trait Outbox: Send {
    /// Takes alerts, in the order decided. Waits while a queue is full; not to be called from
    /// asynchronous code.
    fn put(&mut self, alerts: Vec<Alert>);
}

/// The alerts for one sink. An alert is in the queue until it is settled.
pub trait Queue: Send {
    /// The first alerts of the queue, at most `most`; the same again until they are settled. Waits
    /// while there is none; none at all means that there will never be one again.
    fn first(&mut self, most: usize) -> impl Future<Output = Vec<Arc<Outgoing>>> + Send;

    /// The first `count` alerts have been delivered or given up.
    fn settle(&mut self, count: usize);

    /// Ends the queue, whatever it holds: returns the alerts that are not settled. What the engine
    /// still puts in is reported as undelivered.
    fn abandon(&mut self) -> Vec<Arc<Outgoing>>;
}
