//! Those who follow alerts as they come, each at their own pace.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep, sleep_until};

use crate::store::StoreError;
use crate::watch;

use super::live::{News, What};
use super::search::{self, Query};
use super::view::AlertView;
use super::{Archive, PORTION};

/// So long a follower waits for a store to be opened again.
const AGAIN: Duration = Duration::from_millis(100);

/// So long every follower who was shown the newest does not look again, for each that there is. All together they look 4,000 times
/// a second, and each once more for every portion of alerts, however they come, and leave the processors to the engine.
const REST: Duration = Duration::from_micros(250);
/// But not longer than this.
const LONGEST_REST: Duration = Duration::from_secs(1);

impl Archive {
    /// Alerts as they come, from behind a number on; without one, from now on.
    pub fn follow(&self, query: Query, after: Option<u64>) -> Follower {
        let Archive(shared) = self;
        // What comes between these two lines is seen.
        let news = shared.live.subscribe();
        let after = after.unwrap_or_else(|| shared.live.last());
        let one = Arc::clone(&shared.followers);
        Follower { archive: self.clone(), query: Arc::new(query), after, news, rests_until: None, one }
    }
}

/// Follows alerts as they come.
#[derive(Debug)]
pub struct Follower {
    archive: Archive,
    query: Arc<Query>,
    /// All up to here was given.
    after: u64,
    news: watch::Receiver<u64>,
    /// It looks again then.
    rests_until: Option<Instant>,
    /// There are as many followers as there are of these, but for the archive's own.
    one: Arc<()>,
}

impl Follower {
    /// What has come next, at least one thing; waits for it. Nothing is lost when it is not waited for to the end.
    ///
    /// # Errors
    /// When what is kept cannot be read.
    pub async fn next(&mut self) -> Result<Vec<Arc<News>>, StoreError> {
        loop {
            if let Some(until) = self.rests_until {
                sleep_until(until).await;
                self.rests_until = None;
            }
            let (found, after) = match self.archive.0.live.behind(self.after, PORTION) {
                Some(told) => {
                    let after = told.last().map_or(self.after, |last| last.number);
                    let is_newest = (1..PORTION).contains(&told.len());
                    self.rests_until = is_newest.then(|| Instant::now() + self.rest());
                    let wanted = |news: &Arc<News>| match &news.what {
                        What::Alert { summary, text, .. } => self.query.fits(summary, text),
                        What::Changed { .. } => true,
                    };
                    (told.into_iter().filter(wanted).collect(), after)
                }
                None => match self.catch_up().await {
                    // The service begins anew, and opens it again in a moment.
                    Err(StoreError::Ended { .. }) => {
                        sleep(AGAIN).await;
                        continue;
                    }
                    caught_up => caught_up?,
                },
            };
            let has_moved = std::mem::replace(&mut self.after, after) != after;
            if !found.is_empty() {
                return Ok(found);
            }
            if !has_moved {
                // Nothing more is told when the service ends.
                let after = self.after;
                if self.news.wait_for(|last| *last > after).await.is_err() {
                    std::future::pending::<()>().await;
                }
            }
        }
    }

    /// How long it does not look again.
    fn rest(&self) -> Duration {
        let followers = Arc::strong_count(&self.one) - 1;
        REST.saturating_mul(u32::try_from(followers).unwrap_or(u32::MAX)).min(LONGEST_REST)
    }

    /// Reads what is not in memory any more.
    async fn catch_up(&self) -> Result<(Vec<Arc<News>>, u64), StoreError> {
        let (rows, query, after) = (self.archive.rows(), Arc::clone(&self.query), self.after);
        let from = self.archive.0.live.from();
        let read = move || search::following(&*rows, &query, after, PORTION);
        let read = tokio::task::spawn_blocking(read).await;
        // A task that is thrown away when the service ends gives nothing.
        let Ok(read) = read else { return Ok((Vec::new(), after)) };
        let (alerts, last) = read?;
        let news = alerts.into_iter().filter_map(|summary| {
            let (number, json) =
                (summary.number, serde_json::to_string(&AlertView::from(summary.clone())).ok()?);
            Some(Arc::new(News {
                number,
                what: What::Alert { summary: Box::new(summary), text: "".into(), json },
            }))
        });
        // Where nothing is left, the rest is in memory.
        let last = if last == after { from } else { last };
        Ok((news.collect(), last))
    }
}
