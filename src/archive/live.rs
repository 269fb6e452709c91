//! Alerts as they come, for those who read along.
//!
//! What is durable is told to all who listen. The last of it is held in memory, rendered once for all; who has fallen
//! behind further reads what he has missed from what is kept, so that nobody is waited for and nobody misses
//! anything that is still there.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::watch;

use super::search::{Status, Summary};

/// So much is held in memory.
const TAIL: usize = 1_024;

/// Something that is told.
#[derive(Debug)]
pub struct News {
    /// Its number.
    pub number: u64,
    /// What it is.
    pub what: What,
}

/// What is told.
#[derive(Debug)]
pub enum What {
    /// An alert has come.
    Alert {
        /// What is listed of it.
        summary: Box<Summary>,
        /// The alert as sinks get it, for those who look for a text.
        text: Arc<str>,
        /// The summary as JSON.
        json: String,
    },
    /// An alert is in another condition.
    Changed {
        /// Its id.
        id: String,
        /// The condition.
        status: Status,
        /// Who says so, if somebody does.
        by: Option<String>,
    },
}

/// Tells all who listen.
#[derive(Debug)]
pub struct Live {
    tail: Mutex<Tail>,
    last: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct Tail {
    news: VecDeque<Arc<News>>,
    /// All that was told behind this number is here.
    from: u64,
}

impl Default for Live {
    fn default() -> Live {
        Live { tail: Mutex::default(), last: watch::Sender::new(0) }
    }
}

impl Live {
    /// Tells what has the next numbers.
    pub fn tell(&self, news: impl IntoIterator<Item = News>) {
        let last = {
            let mut tail = self.tail();
            tail.news.extend(news.into_iter().map(Arc::new));
            while tail.news.len() > TAIL {
                tail.from = tail.news.pop_front().map_or(tail.from, |gone| gone.number);
            }
            tail.news.back().map(|news| news.number)
        };
        if let Some(last) = last {
            self.last.send_replace(last);
        }
    }

    /// Begins behind what is kept by now.
    pub fn begin(&self, last: u64) {
        self.tail().from = last;
        self.last.send_replace(last);
    }

    /// The number of the last that was told.
    pub fn last(&self) -> u64 {
        let tail = self.tail();
        tail.news.back().map_or(tail.from, |news| news.number)
    }

    /// All that was told behind this number is in memory.
    pub fn from(&self) -> u64 {
        self.tail().from
    }

    /// Sees the number of the last that was told.
    pub fn subscribe(&self) -> watch::Receiver<u64> {
        self.last.subscribe()
    }

    /// What was told behind a number, so many at most; `None` when some of it is not in memory any more.
    pub fn behind(&self, number: u64, most: usize) -> Option<Vec<Arc<News>>> {
        let tail = self.tail();
        if number < tail.from {
            return None;
        }
        let first = tail.news.partition_point(|news| news.number <= number);
        Some(tail.news.range(first..).take(most).map(Arc::clone).collect())
    }

    fn tail(&self) -> MutexGuard<'_, Tail> {
        self.tail.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
