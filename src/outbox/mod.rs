//! Alerts on their way from the engine to the sinks.
//!
//! Enters: alerts, rendered, with their sinks. Leaves: for each sink a queue of its alerts, from which its worker takes what may be
//! attempted and to which it says what has come of that.
//!
//! - [`memory`] keeps alerts in memory and forgets what is left when the process ends. A queue that is
//!   full makes the engine wait, and thereby the sources; nothing is dropped.
//! - [`durable`] reads them from the store, where they are since the checkpoint that decided them, and
//!   where what has come of attempts goes too. What is left is sent after the next start.
//! - Which sinks get what is decided before (see [`crate::routing`]). Both keep order by a [`window`]: alerts of a sink that
//!   are of one rule and one key are attempted in the order decided, each when the one before has been
//!   accepted or given up. Others do not wait for them.
//! - What is given up for a sink may go to another, its fallback: in the same step and with the same id.

pub mod durable;
pub mod memory;
mod window;

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use compact_str::CompactString;
use sha2::{Digest, Sha256};

use crate::alert::Alert;
use crate::alert::notification::{Notification, Unreadable};
use crate::event::Value;
use crate::event::stored::write_key;
use crate::stored::Writer;
use crate::telemetry::catalogue::SinkMetrics;

/// What the order of alerts is kept by: the first half of a SHA-256 of the rule's name and the values
/// of the key. Two that are equal by chance only wait for each other.
pub type OrderKey = [u8; 16];

/// An alert as sinks send it: rendered once for all of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outgoing {
    /// The alert's id, by which receivers can drop repeats.
    pub id: String,
    /// The rule that made it.
    pub rule: Arc<str>,
    /// Alerts of a sink for which this is equal are sent in order.
    pub key: OrderKey,
    /// The JSON object, without a line end.
    pub body: String,
}

impl Outgoing {
    /// Renders an alert.
    pub fn new(alert: &Alert) -> Outgoing {
        let body = serde_json::to_string(alert)
            .expect("an alert has text for keys and is written to memory, so that nothing can fail");
        let key = order_key(&alert.rule, &alert.key);
        Outgoing { id: alert.id.clone(), rule: Arc::clone(&alert.rule), key, body }
    }

    /// The same as sinks read it that do not send it as it is.
    ///
    /// # Errors
    /// When the body is not what was written.
    pub fn notification(&self) -> Result<Notification, Unreadable> {
        let subject: String = self.key.iter().map(|byte| format!("{byte:02x}")).collect();
        Notification::read(&self.body, &subject)
    }
}

fn order_key(rule: &str, key: &[(CompactString, Value)]) -> OrderKey {
    let mut writer = Writer::default();
    writer.text(rule);
    // Their names may change without a change of what they mean.
    key.iter().for_each(|(_, value)| write_key(std::slice::from_ref(value), &mut writer));
    shortened(writer.as_slice())
}

fn shortened(bytes: &[u8]) -> OrderKey {
    let digest = Sha256::digest(bytes);
    std::array::from_fn(|index| digest[index])
}

/// How much a sink's queue holds in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueueLimits {
    /// Most alerts.
    pub alerts: usize,
    /// Most bytes of rendered alerts; a single larger one is still taken.
    pub bytes: u32,
}

/// A sink as an outbox sees it.
#[derive(Clone, Debug)]
pub struct Lane {
    /// The name that rules send to.
    pub name: String,
    /// How much of what waits for it is held in memory.
    pub limits: QueueLimits,
    /// The longest time that passes between two attempts, so that a clock that was set back makes no
    /// alert wait longer.
    pub longest_wait: Duration,
    /// The place among all lanes of the one that gets what is given up in this one.
    pub fallback: Option<usize>,
    /// What is counted.
    pub metrics: Arc<SinkMetrics>,
}

/// An alert that may be attempted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pending {
    /// Its number in its queue; later alerts have larger ones.
    pub number: u64,
    /// How often it has failed.
    pub failed: u32,
    /// How long it had waited for the sink when it was taken from the queue.
    pub waited: Duration,
    /// What is sent.
    pub alert: Arc<Outgoing>,
}

/// What is wanted of a queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// So many alerts at most, for one attempt; 0: none for now.
    pub most: usize,
    /// Whether a single one is wanted to probe the sink, for which its time need not have come.
    pub is_probe: bool,
    /// Alerts that have waited so long are wanted, to be given up or to go to another sink.
    pub overdue: Option<Duration>,
}

/// What there is in a queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// To be attempted, in order. Until it is said what has come of each, no others of their keys are given.
    Attempt(Vec<Pending>),
    /// They have waited for too long, and have left the queue but for [`Queue::give_up`] or [`Queue::forward`], of
    /// which one is to be called for each.
    Overdue(Vec<Pending>),
    /// Whether the sink is used has changed.
    Switched,
    /// Somebody wants to see at once whether the sink takes something.
    Hurried,
    /// Nothing will ever come again.
    Over,
}

/// That a receiver wants nothing any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Off {
    /// What tells the receiver from others: another one has said nothing yet.
    pub receiver: Vec<u8>,
    /// What was said.
    pub error: String,
}

/// What is left in a queue that was left.
#[derive(Debug, Default)]
pub struct Left {
    /// Alerts that end with the process.
    pub lost: Vec<Arc<Outgoing>>,
    /// How many wait in the store for the next start.
    pub kept: u64,
}

/// Takes alerts from the engine.
pub trait Outbox: Send {
    /// Takes alerts, in the order decided, and those that the limits of rules have held back, each with how many were
    /// before it. Waits while a queue is full; not to be called from asynchronous code.
    fn put(&mut self, alerts: Vec<Alert>, limited: Vec<(Alert, u64)>);
}

/// The alerts for one sink. An alert is in the queue until it is accepted or given up.
pub trait Queue: Send {
    /// Whether what is in the queue outlasts the process, and what is given up is kept for someone to
    /// look at.
    const IS_DURABLE: bool;

    /// What there is to do, of what is wanted. Waits while there is nothing; nothing is lost when it is not waited for
    /// to the end.
    fn next(&mut self, wanted: Wanted) -> impl Future<Output = Next> + Send;

    /// The sink has accepted these, which were the first ones of an attempt.
    fn accept(&mut self, accepted: &[Pending]);

    /// An attempt has failed: it is made again in so much time, and those behind it of its key wait.
    fn fail(&mut self, pending: &Pending, wait: Duration, error: &str);

    /// It was not attempted.
    fn put_back(&mut self, pending: &Pending);

    /// It will not be attempted again.
    fn give_up(&mut self, pending: &Pending, error: &str);

    /// It goes to the other sink that gets what is given up here. There must be one.
    fn forward(&mut self, pending: &Pending);

    /// Nothing waits for longer than this from now on for another attempt.
    fn hurry(&mut self, most: Duration);

    /// That the receiver wants nothing any more, if it has said so.
    fn off(&self) -> Option<&Off>;

    /// The receiver wants nothing any more, or does again.
    fn switch(&mut self, off: Option<Off>);

    /// Ends the queue, whatever it holds. What the engine still puts in is reported as undelivered.
    fn leave(&mut self) -> Left;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_is_kept_by_rule_and_values_of_the_key() {
        let key = |rule, values: &[Value]| {
            let named: Vec<_> = values.iter().map(|value| ("k".into(), value.clone())).collect();
            order_key(rule, &named)
        };
        let (a, b) = (Value::text("a"), Value::text("b"));
        assert_eq!(key("r", std::slice::from_ref(&a)), key("r", std::slice::from_ref(&a)));
        assert_ne!(key("r", std::slice::from_ref(&a)), key("r", std::slice::from_ref(&b)));
        assert_ne!(key("r", std::slice::from_ref(&a)), key("s", std::slice::from_ref(&a)));
        assert_ne!(key("r", &[a.clone(), b.clone()]), key("r", &[b, a]));
        assert_eq!(key("r", &[Value::Float(0.0)]), key("r", &[Value::Float(-0.0)]));
        assert_eq!(key("r", &[]), key("r", &[]));
    }
}
