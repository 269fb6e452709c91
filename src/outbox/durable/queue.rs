//! The alerts for one sink, read from the store.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinError;
use tokio::time::{Instant, sleep_until};
use tracing::{error, info};

use crate::event::{self, Timestamp};
use crate::store::{StoreError, Waiting};
use crate::watch;

use super::super::window::Window;
use super::super::{Left, Outgoing, Pending, Queue, shortened};
use super::Reads;
use super::feed::{Change, News, Shared, What};

/// So long it takes until what could not be read from the store is read again.
const READ_AGAIN: Duration = Duration::from_secs(1);

/// One sink's queue.
pub struct DurableQueue {
    shared: Arc<Shared>,
    place: usize,
    sink: Arc<str>,
    pub(super) window: Window,
    /// The number of the last alert that was read.
    last: u64,
    news: watch::Receiver<News>,
    /// What was known when it was last looked at the store.
    seen: News,
    /// Whether the store may have alerts behind the last one that was read.
    is_behind: bool,
    /// When it can be read again after trouble.
    trouble: Option<Instant>,
}

impl DurableQueue {
    pub(super) fn new(shared: Arc<Shared>, place: usize, news: watch::Receiver<News>) -> DurableQueue {
        let sink = Arc::from(&*shared.lanes[place].name);
        let window = Window::default();
        let seen = News::default();
        DurableQueue { shared, place, sink, window, last: 0, news, seen, is_behind: true, trouble: None }
    }

    /// Fills the window from the store, if it is time for that.
    async fn fill(&mut self) {
        while self.is_behind && self.needs_more() && self.trouble.is_none_or(|until| until <= Instant::now())
        {
            let limits = self.shared.lanes[self.place].limits;
            let most = limits.alerts - self.window.len();
            let bytes = u64::from(limits.bytes) - self.window.bytes();
            let (snapshot, sink) = (self.shared.around.current.get(), Arc::clone(&self.sink));
            if !snapshot.lanes().contains_key(&*sink) {
                self.is_behind = false;
                return;
            }
            let last = self.last;
            let read = move || snapshot.waiting(&sink, last, most, bytes);
            let read = match self.shared.around.reads {
                Reads::Aside => tokio::task::spawn_blocking(read).await,
                #[cfg(test)]
                Reads::Here => Ok(read()),
            };
            match read.map_err(JoinError::try_into_panic) {
                Ok(Ok(read)) => self.take(read),
                Ok(Err(error)) => self.wait_out(&error),
                Err(Ok(panic)) => std::panic::resume_unwind(panic),
                // The process ends.
                Err(Err(_)) => std::future::pending().await,
            }
        }
    }

    /// Whether there is room in the window, and so much that it is worth to read, or nothing else to do.
    fn needs_more(&self) -> bool {
        let limits = self.shared.lanes[self.place].limits;
        let (alerts, bytes) = (self.window.len(), self.window.bytes());
        let has_room =
            |part: usize| alerts < limits.alerts / part && bytes < u64::from(limits.bytes) / part as u64;
        has_room(2) || has_room(1) && self.window.is_idle()
    }

    fn take(&mut self, read: Vec<Waiting>) {
        if self.trouble.take().is_some() {
            info!(sink = %self.sink, "alerts can be read from the store again");
        }
        self.is_behind = !read.is_empty();
        let now = Instant::now();
        let wall = (self.shared.around.now)();
        for waiting in read {
            self.last = waiting.number;
            let until = self.wait(waiting.tries.again, wall).map(|wait| now + wait);
            self.window.put(pending(waiting), until);
        }
    }

    /// How long an alert has to wait that is to be tried again then.
    fn wait(&self, again: Timestamp, now: Timestamp) -> Option<Duration> {
        let wait = again.as_micros().saturating_sub(now.as_micros());
        let wait = u64::try_from(wait).ok().filter(|wait| *wait > 0)?;
        Some(Duration::from_micros(wait).min(self.shared.lanes[self.place].longest_wait))
    }

    fn wait_out(&mut self, failure: &StoreError) {
        if self.trouble.is_none() {
            error!(sink = %self.sink, %failure, "alerts cannot be read from the store; they are not lost, and this is tried again each second");
        }
        self.trouble = Some(Instant::now() + READ_AGAIN);
    }

    fn gather(&self, number: u64, what: What) {
        let change = Change { sink: Arc::clone(&self.sink), number, what };
        self.shared.gather(self.place, std::iter::once(change));
    }

    /// Waits until something can be different.
    async fn wait_for_news(&mut self) {
        let read_again = self.trouble.filter(|_| self.is_behind && self.needs_more());
        let until = [self.window.next_time(), read_again].into_iter().flatten().min();
        let time = async {
            match until {
                Some(until) => sleep_until(until).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            // That it fails is seen at the next look.
            _ = self.news.changed() => {}
            () = time => {}
        }
    }
}

impl Queue for DurableQueue {
    const IS_DURABLE: bool = true;

    async fn next(&mut self, most: usize) -> Vec<Pending> {
        // Without one who writes the store, what is delivered would be delivered again.
        while self.news.has_changed().is_ok() {
            let news = *self.news.borrow_and_update();
            self.is_behind |= std::mem::replace(&mut self.seen, news) != news;
            self.fill().await;
            let ready = self.window.ready(Instant::now(), most);
            if !ready.is_empty() && self.shared.has_room(self.place) {
                return ready;
            }
            let is_empty = self.window.len() == 0 && !self.is_behind;
            if news.is_over && is_empty {
                break;
            }
            self.wait_for_news().await;
        }
        Vec::new()
    }

    fn accept(&mut self, accepted: &[Pending]) {
        accepted.iter().for_each(|pending| self.window.settle(pending.number));
        let change = |pending: &Pending| Change {
            sink: Arc::clone(&self.sink),
            number: pending.number,
            what: What::Accepted,
        };
        self.shared.gather(self.place, accepted.iter().map(change));
    }

    fn fail(&mut self, pending: &Pending, wait: Duration, error: &str) {
        self.window.fail(pending.number, Instant::now() + wait);
        let wait = event::Duration::from_micros(i64::try_from(wait.as_micros()).unwrap_or(i64::MAX));
        let again = (self.shared.around.now)().saturating_add(wait);
        let failed = pending.failed.saturating_add(1);
        self.gather(pending.number, What::Failed { failed, again, error: error.to_owned() });
    }

    fn give_up(&mut self, pending: &Pending, error: &str) {
        self.window.settle(pending.number);
        let time = (self.shared.around.now)();
        self.gather(pending.number, What::GivenUp { time, error: error.to_owned() });
    }

    fn leave(&mut self) -> Left {
        Left { lost: Vec::new(), kept: self.shared.waiting(self.place) }
    }
}

fn pending(waiting: Waiting) -> Pending {
    let Waiting { number, id, rule, key, body, tries, .. } = waiting;
    // One from another version has another kind of key: what it is does not matter.
    let key = (*key).try_into().unwrap_or_else(|_| shortened(&key));
    let body = String::from_utf8(body)
        .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned());
    let alert = Outgoing { id, rule: rule.into(), key, body };
    Pending { number, failed: tries.failed, alert: Arc::new(alert) }
}
