//! Alerts that are kept for people to look at: what they say, what was decided of them and what has come of sending
//! them.
//!
//! Enters: what each round of routing has brought and what sinks have done, written with the transaction that makes it
//! durable. Leaves: alerts that are looked for, one with all that is known of it, and alerts as they come.
//! [`Archive`] is held by those who ask; [`Item`]s are made by those who write.
//!
//! - It is only for looking at: nothing that is decided depends on it, so that what is old can go.
//! - An entry is never changed. What happens to an alert later is an entry of its own, found by the alert's id.
//! - A search looks at a bounded number of alerts and then gives what it has, and where to go on.
//! - Without a state, the last of it is kept in memory.

mod follower;
mod item;
mod live;
mod memory;
mod search;
#[cfg(test)]
mod tests;
mod view;

use std::sync::{Arc, Mutex, PoisonError};

use tracing::warn;

use crate::event::Timestamp;
use crate::store::{Current, Kept, Snapshot, StoreError, Term, Way};

use item::{ALERTS, HAPPENINGS, Unreadable};
use live::Live;
use memory::Memory;

pub use follower::Follower;
pub use item::{Batch, Delivery, Happening, Item, Outcome};
pub use live::{News, What};
pub use search::{Bucket, Found, Page, Query, Status, Summary, Whole};
pub use view::AlertView;

/// So much is looked at, or given to who follows, at once.
const PORTION: usize = 100;

/// Where entries are looked at.
pub trait Rows {
    /// Looks at entries of a list, one after the other, as long as `each` wants more: all, or those that have a term.
    ///
    /// # Errors
    /// When they cannot be read.
    fn look(
        &self,
        list: u8,
        term: Option<Term>,
        way: Way,
        each: &mut dyn FnMut(Kept) -> bool,
    ) -> Result<(), StoreError>;
}

impl Rows for Snapshot {
    fn look(
        &self,
        list: u8,
        term: Option<Term>,
        way: Way,
        each: &mut dyn FnMut(Kept) -> bool,
    ) -> Result<(), StoreError> {
        self.archive(list, term, way, each)
    }
}

impl Rows for Mutex<Memory> {
    fn look(
        &self,
        list: u8,
        term: Option<Term>,
        way: Way,
        each: &mut dyn FnMut(Kept) -> bool,
    ) -> Result<(), StoreError> {
        // Whoever looks may look again for each that he finds: so a few are taken out at a time.
        let mut way = way;
        loop {
            let mut found = Vec::new();
            self.lock().unwrap_or_else(PoisonError::into_inner).look(list, term, way, |kept| {
                found.push(kept);
                found.len() < PORTION
            });
            let Some(last) = found.last().map(|kept| kept.number) else { return Ok(()) };
            if !found.into_iter().all(&mut *each) {
                return Ok(());
            }
            way = way.from(last);
        }
    }
}

/// What is said of an entry that cannot be shown: it is left out.
fn unreadable<T>(kept: &Kept, read: Result<T, Unreadable>) -> Option<T> {
    read.inspect_err(|error| warn!(number = kept.number, %error, "an alert that is kept cannot be shown"))
        .ok()
}

/// Why an alert was not found.
#[derive(Debug, thiserror::Error)]
pub enum FindError {
    /// There is none.
    #[error(
        "there is no alert whose id begins with `{0}`; `state.keep_alerts` says how long alerts are kept"
    )]
    Unknown(String),
    /// There are several.
    #[error("several alerts have ids that begin with `{beginning}`: `{one}`, `{other}` and perhaps others")]
    Several {
        /// The beginning.
        beginning: String,
        /// The id of one.
        one: String,
        /// The id of another.
        other: String,
    },
    /// What is kept cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Where alerts are looked at. Clones show the same.
#[derive(Clone, Debug, Default)]
pub struct Archive(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    place: Mutex<Option<Place>>,
    live: Live,
    /// Every follower has one of these.
    followers: Arc<()>,
}

/// Where it is kept.
#[derive(Clone, Debug)]
enum Place {
    Store(Current),
    Snapshot(Arc<Snapshot>),
    Memory(Arc<Mutex<Memory>>),
}

impl Archive {
    /// What is kept in a store that nobody uses.
    pub fn of(snapshot: Arc<Snapshot>) -> Archive {
        let archive = Archive::default();
        archive.set(Place::Snapshot(snapshot));
        archive
    }

    /// What is kept is in this store.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn in_store(&self, current: Current) -> Result<(), StoreError> {
        let mut last = 0;
        for list in [ALERTS, HAPPENINGS] {
            current.get().archive(list, None, Way::Before(u64::MAX), |kept| {
                last = last.max(kept.number);
                false
            })?;
        }
        self.0.live.begin(last);
        self.set(Place::Store(current));
        Ok(())
    }

    /// What is kept is kept in memory.
    pub fn in_memory(&self) {
        self.set(Place::Memory(Arc::default()));
    }

    fn set(&self, place: Place) {
        *self.0.place.lock().unwrap_or_else(PoisonError::into_inner) = Some(place);
    }

    fn rows(&self) -> Arc<dyn Rows + Send + Sync> {
        match self.0.place.lock().unwrap_or_else(PoisonError::into_inner).clone() {
            Some(Place::Store(current)) => current.get(),
            Some(Place::Snapshot(snapshot)) => snapshot,
            Some(Place::Memory(memory)) => memory,
            // Before the service has begun there is nothing.
            None => Arc::<Mutex<Memory>>::default(),
        }
    }

    /// Keeps in memory what is new, and tells it. For a service without a store.
    pub fn keep(&self, batch: &Batch) {
        let Some(Place::Memory(memory)) = self.0.place.lock().unwrap_or_else(PoisonError::into_inner).clone()
        else {
            return;
        };
        let numbers = memory.lock().unwrap_or_else(PoisonError::into_inner).keep(batch.entries());
        self.tell(batch, numbers);
    }

    /// Tells what is durable by now: items with their numbers, none for what was left out.
    pub fn tell(&self, batch: &Batch, numbers: impl IntoIterator<Item = Option<u64>>) {
        let numbered = batch.items().iter().zip(numbers).filter_map(|(item, number)| Some((item, number?)));
        self.0.live.tell(numbered.filter_map(|(item, number)| item.news(number)));
    }

    /// Finds alerts. It reads the disk.
    ///
    /// # Errors
    /// When what is kept cannot be read.
    pub fn search(&self, query: &Query, page: Page) -> Result<Found, StoreError> {
        search::search(&*self.rows(), query, page)
    }

    /// All of an alert, by its whole id. It reads the disk.
    ///
    /// # Errors
    /// When what is kept cannot be read.
    pub fn whole(&self, id: &str) -> Result<Option<Whole>, StoreError> {
        search::whole(&*self.rows(), id)
    }

    /// The whole id of the alert whose id begins so. It reads the disk.
    ///
    /// # Errors
    /// When there is none, there are several, or what is kept cannot be read.
    pub fn find(&self, beginning: &str) -> Result<String, FindError> {
        let mut ids = search::ids(&*self.rows(), beginning, 2)?.into_iter();
        match (ids.next(), ids.next()) {
            (None, _) => Err(FindError::Unknown(beginning.to_owned())),
            (Some(only), None) => Ok(only),
            (Some(one), Some(other)) => {
                Err(FindError::Several { beginning: beginning.to_owned(), one, other })
            }
        }
    }

    /// Counts the alerts that came in stretches of time. It reads the disk.
    ///
    /// # Errors
    /// When what is kept cannot be read.
    pub fn counts(&self, since: Timestamp, until: Timestamp, step: i64) -> Result<Vec<Bucket>, StoreError> {
        search::counts(&*self.rows(), since, until, step)
    }
}

impl Item {
    /// What is told of it.
    fn news(&self, number: u64) -> Option<News> {
        let what = match self {
            Item::Alert(header, evidence) => {
                let summary = Summary::new(number, (**header).clone());
                let json = serde_json::to_string(&AlertView::from(summary.clone())).ok()?;
                What::Alert { summary: Box::new(summary), text: evidence.alert.get().into(), json }
            }
            Item::Happening(Happening::Decided { alert, entries }) => {
                // Without a look at what was before: only what changes it is told.
                let (status, by) =
                    Some(Status::after(entries)).filter(|(status, _)| *status != Status::Open)?;
                What::Changed { id: alert.clone(), status, by }
            }
            Item::Happening(Happening::Delivered(_)) => return None,
        };
        Some(News { number, what })
    }
}
