//! Sinks that do what a seed says, and remember what they were sent.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

use crate::outbox::{OrderKey, Outgoing};
use crate::sink::{Attempt, DeliveryError, Sink};

/// The sinks there are; alerts whose rule names none go to the last.
pub const SINKS: [&str; 3] = ["out", "audit", "desk"];

/// What a sink does with what it is sent next.
#[derive(Clone, Copy, Debug)]
pub enum Answer {
    /// It takes so many.
    Take(usize),
    /// It takes so many, and then fails like that.
    Fail(usize, Failure),
    /// It takes so many, and nobody hears of it.
    Lose(usize),
}

/// How a sink fails.
#[derive(Clone, Copy, Debug)]
pub enum Failure {
    Unreachable,
    Overloaded,
    Broken,
    /// The alert is no good, it says.
    Refused,
}

impl Failure {
    fn error(self) -> DeliveryError {
        let status =
            |status, retry_after| DeliveryError::Status { status, retry_after, answer: String::new() };
        match self {
            Failure::Unreachable => DeliveryError::Unreachable("nobody is there".into()),
            Failure::Overloaded => status(503, Some(Duration::from_secs(1))),
            Failure::Broken => status(500, None),
            Failure::Refused => status(404, None),
        }
    }
}

/// An alert that a sink has taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    pub id: String,
    pub key: OrderKey,
    pub body: String,
}

/// The world outside, which remembers whatever becomes of the service.
#[derive(Clone, Debug, Default)]
pub struct Outside(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    answers: BTreeMap<&'static str, VecDeque<Answer>>,
    taken: BTreeMap<&'static str, Vec<Receipt>>,
    /// The sinks and ids of which the service that runs knows that they were taken.
    known: BTreeSet<(&'static str, String)>,
    /// How often alerts have failed, by sink and id; one that was refused need not come again.
    failed: BTreeMap<(&'static str, String), u32>,
    /// From now on everything is taken.
    is_open: bool,
    news: Arc<Notify>,
}

impl Outside {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What a sink is to do with what it is sent next.
    pub fn answer(&self, sink: &'static str, answer: Answer) {
        let mut state = self.state();
        state.answers.entry(sink).or_default().push_back(answer);
        state.news.notify_waiters();
    }

    /// From now on everything is taken, or not any more.
    pub fn open(&self, is_open: bool) {
        let mut state = self.state();
        state.is_open = is_open;
        state.answers.clear();
        state.news.notify_waiters();
    }

    /// Another service runs.
    pub fn forget(&self) {
        self.state().known.clear();
    }

    /// What a sink has taken, in order.
    pub fn taken(&self, sink: &str) -> Vec<Receipt> {
        self.state().taken.get(sink).cloned().unwrap_or_default()
    }

    /// How many deliveries there were.
    pub fn deliveries(&self) -> usize {
        self.state().taken.values().map(Vec::len).sum()
    }

    /// Whether an alert may have been given up by a service that makes so many attempts.
    pub fn may_be_given_up(&self, sink: &'static str, id: &str, tries: u32) -> bool {
        self.state().failed.get(&(sink, id.to_owned())).is_some_and(|failed| *failed >= tries)
    }

    /// A sink of this world.
    pub fn sink(&self, name: &'static str) -> FakeSink {
        FakeSink { name, outside: self.clone() }
    }
}

/// A sink.
pub struct FakeSink {
    name: &'static str,
    outside: Outside,
}

impl Sink for FakeSink {
    fn most(&self) -> usize {
        4
    }

    async fn deliver(&self, alerts: &[Arc<Outgoing>]) -> Attempt {
        loop {
            let news = Arc::clone(&self.outside.state().news);
            let notified = news.notified();
            if let Some(attempt) = self.attempt(alerts) {
                return attempt;
            }
            notified.await;
        }
    }
}

impl FakeSink {
    fn attempt(&self, alerts: &[Arc<Outgoing>]) -> Option<Attempt> {
        let mut state = self.outside.state();
        let answer = state.answers.get_mut(self.name).and_then(VecDeque::pop_front);
        let answer = match answer {
            Some(answer) => answer,
            None if state.is_open => Answer::Take(usize::MAX),
            None => return None,
        };
        let (Answer::Take(count) | Answer::Fail(count, _) | Answer::Lose(count)) = answer;
        let count = count.min(alerts.len());
        let receipts = alerts[..count].iter().map(|alert| Receipt {
            id: alert.id.clone(),
            key: alert.key,
            body: alert.body.clone(),
        });
        state.taken.entry(self.name).or_default().extend(receipts);
        let (delivered, failure) = match answer {
            Answer::Take(_) => (count, None),
            Answer::Fail(_, failure) => (count, Some(failure)),
            Answer::Lose(_) => (0, Some(Failure::Unreachable)),
        };
        for alert in &alerts[..delivered] {
            let is_new = state.known.insert((self.name, alert.id.clone()));
            assert!(is_new, "`{}` got again what it had taken: {}", self.name, alert.body);
        }
        if let (Some(failure), Some(failed)) = (failure, alerts.get(delivered)) {
            let count = state.failed.entry((self.name, failed.id.clone())).or_default();
            *count = match failure {
                Failure::Refused => u32::MAX,
                _ => count.saturating_add(1),
            };
        }
        Some(Attempt { delivered, failure: failure.map(Failure::error) })
    }
}
