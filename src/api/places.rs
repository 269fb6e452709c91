//! Places for answers without an end.
//!
//! There is a bound on them, so that they leave room for others. They are over when the service stops, and when whoever reads
//! is not let in any more: their token was revoked or has expired.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at};

use super::front::Ending;
use super::gate::Pass;
use super::handler::Taken;
use super::problem::{Kind, Problem};

/// How often it is looked whether those who read are still let in.
const EVERY: Duration = Duration::from_secs(15);

/// Places for answers without an end. Clones are the same.
#[derive(Clone, Debug)]
pub struct Places {
    slots: Arc<Semaphore>,
    most: usize,
    ending: Ending,
}

impl Places {
    /// So many at a time, until the service stops.
    pub fn new(most: usize, ending: Ending) -> Places {
        Places { slots: Arc::new(Semaphore::new(most)), most, ending }
    }
}

/// A place for an answer without an end, from when it begins until it is dropped.
pub struct Place {
    ending: Ending,
    pass: Pass,
    looks: Interval,
    _slot: OwnedSemaphorePermit,
}

/// Why an answer without an end is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Over {
    /// The service stops.
    Stopping,
    /// Whoever reads is not let in any more.
    NotLetIn,
}

impl Place {
    /// Until the answer is over.
    pub async fn over(&mut self) -> Over {
        loop {
            tokio::select! {
                () = self.ending.wanted() => return Over::Stopping,
                _ = self.looks.tick() => {}
            }
            if !self.pass.counts() {
                return Over::NotLetIn;
            }
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Place {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Place, Problem> {
        let places = parts.extensions.get::<Places>().expect("`Front` gives them to every request");
        let pass = parts.extensions.get::<Pass>().cloned().expect("`Front` gives one to every request");
        let slot = Arc::clone(&places.slots).try_acquire_owned().map_err(|_| {
            let most = places.most;
            let detail =
                format!("{most} others read streams, and there is no place left (`api.limits.streams`); come again later");
            Problem::new(Kind::Busy, detail)
        })?;
        let mut looks = interval_at(Instant::now() + EVERY, EVERY);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Ok(Place { ending: places.ending.clone(), pass, looks, _slot: slot })
    }
}

impl Taken for Place {}
