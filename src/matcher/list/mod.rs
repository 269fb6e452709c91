//! Runs held one by one.
//!
//! What any rule can be run with: each run has its own captured events, registers and deadlines, and is
//! offered every event that concerns the rule.
//!
//! Invariant: runs stand in the order of their first events, those of one beginning in the order of
//! preference.

mod captures;
mod offer;
mod report;
mod run;
mod time;

use crate::event::Timestamp;

#[cfg(test)]
pub(in crate::matcher) use offer::Offered;
pub use run::Run;

/// The runs of one rule for one key, in the order of their first events.
#[derive(Clone, Debug)]
pub struct RunList {
    runs: Vec<Run>,
    /// Whether the limit has been reported since the set was last empty.
    limit_reported: bool,
    due: Timestamp,
}

impl Default for RunList {
    fn default() -> RunList {
        RunList { runs: Vec::new(), limit_reported: false, due: Timestamp::MAX }
    }
}

impl RunList {
    /// How many runs are alive.
    pub fn len(&self) -> usize {
        self.runs.len()
    }

    /// Whether no run is alive.
    pub fn is_empty(&self) -> bool {
        self.runs.is_empty()
    }

    /// The next moment at which the passing of time decides something; [`Timestamp::MAX`] when
    /// nothing waits for time.
    pub fn due(&self) -> Timestamp {
        self.due
    }

    /// The runs.
    pub fn runs(&self) -> &[Run] {
        &self.runs
    }

    /// Brings [`RunList::due`] up to date.
    fn settle(&mut self) {
        self.due = self.runs.iter().map(|run| run.due).min().unwrap_or(Timestamp::MAX);
        if self.runs.is_empty() {
            self.limit_reported = false;
        }
    }
}
