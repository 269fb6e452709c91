//! Who wants to know when entries are durable.

use std::sync::Arc;

use super::trouble::Trouble;

/// What has become of entries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// They are on the disk.
    Durable,
    /// The journal is in trouble. They are kept and may still become durable, so that whoever sends
    /// them again may send them twice.
    Uncertain(Arc<Trouble>),
    /// The journal has been closed, or its thread has ended, before they were durable.
    Ended,
}

/// What is called, once, with the outcome.
type Call = Box<dyn FnOnce(Outcome) + Send>;

/// One that waits.
struct Waiter {
    /// The last of its entries.
    last: u64,
    /// Whether it goes on waiting when there is trouble.
    is_patient: bool,
    call: Call,
}

/// All that wait, in no order.
#[derive(Default)]
pub struct Waiters(Vec<Waiter>);

/// What is to be called, when no lock is held.
#[must_use = "who waits must be told"]
pub struct Calls(Vec<(Call, Outcome)>);

impl Waiters {
    /// Adds one who waits for the entry `last` and those before it.
    pub fn add(&mut self, last: u64, is_patient: bool, call: Call) {
        self.0.push(Waiter { last, is_patient, call });
    }

    /// Takes out those who need not wait any longer: for entries up to `durable`, or because of trouble.
    pub fn settled(&mut self, durable: u64, trouble: Option<&Arc<Trouble>>) -> Calls {
        let is_settled =
            |waiter: &mut Waiter| waiter.last <= durable || trouble.is_some() && !waiter.is_patient;
        let calls = self.0.extract_if(.., is_settled).map(|waiter| {
            let outcome = match trouble {
                Some(trouble) if waiter.last > durable => Outcome::Uncertain(Arc::clone(trouble)),
                _ => Outcome::Durable,
            };
            (waiter.call, outcome)
        });
        Calls(calls.collect())
    }

    /// Takes out all, because nothing more will become durable.
    pub fn ended(&mut self) -> Calls {
        Calls(self.0.drain(..).map(|waiter| (waiter.call, Outcome::Ended)).collect())
    }
}

impl Calls {
    /// Tells them.
    pub fn call(self) {
        self.0.into_iter().for_each(|(call, outcome)| call(outcome));
    }
}
