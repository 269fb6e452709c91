//! What is wrong with sources, for those who want to know whether events come.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tracing::error;

use super::Identity;

/// Which sources cannot go on, and which are not connected to what they read. Clones are the same.
#[derive(Clone, Debug, Default)]
pub struct Troubles(Arc<Mutex<Known>>);

#[derive(Debug, Default)]
struct Known {
    /// Those that cannot go on: the service has to be started again when that has been put right.
    failed: Vec<String>,
    /// Why others are not connected, by their names. They go on by themselves.
    away: BTreeMap<Arc<str>, String>,
}

impl Troubles {
    /// A source cannot go on: says so.
    pub fn fail(&self, source: &Identity, why: impl Display) {
        let name = &source.name;
        error!(source = %name, error = %why, "the source cannot go on");
        let mut known = self.lock();
        known.away.remove(name);
        known.failed.push(format!("`{name}` cannot go on: {why}"));
        source.metrics.connected.set(0);
    }

    /// A source is not connected, and tries to be.
    pub fn away(&self, source: &Identity, why: impl Display) {
        self.lock().away.insert(Arc::clone(&source.name), why.to_string());
        source.metrics.connected.set(0);
    }

    /// A source is connected.
    pub fn back(&self, source: &Identity) {
        self.lock().away.remove(&source.name);
        source.metrics.connected.set(1);
    }

    /// Whether there is a source that cannot go on.
    pub fn has_failed(&self) -> bool {
        !self.lock().failed.is_empty()
    }

    /// What to tell people; `None` when all is well.
    pub fn shown(&self) -> Option<String> {
        let known = self.lock();
        let away = known.away.iter().map(|(name, why)| format!("`{name}` is not connected: {why}"));
        let all: Vec<String> = known.failed.iter().cloned().chain(away).collect();
        (!all.is_empty()).then(|| all.join("; "))
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::tests::Bench;

    #[test]
    fn who_is_away_comes_back_and_who_has_failed_does_not() {
        let bench = Bench::new(1);
        let (troubles, inlet) = (Troubles::default(), bench.inlet());
        let source = &inlet.identity;
        let connected = || source.metrics.connected.get();
        assert_eq!((troubles.shown(), connected()), (None, 1));
        troubles.away(source, "nobody answers");
        troubles.away(source, "no agreement on TLS");
        let shown = "`source` is not connected: no agreement on TLS";
        assert_eq!((troubles.shown().as_deref(), connected()), (Some(shown), 0));
        troubles.back(source);
        assert_eq!((troubles.shown(), troubles.has_failed(), connected()), (None, false, 1));
        troubles.away(source, "nobody answers");
        troubles.fail(source, "it was fenced");
        let shown = "`source` cannot go on: it was fenced";
        assert_eq!((troubles.shown().as_deref(), connected()), (Some(shown), 0));
        assert!(troubles.has_failed());
    }
}
