//! Old versions of rules, which go on with the partial matches that they have and begin no new ones.

use std::sync::Arc;

/// A rule as it was when a state was stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OldRule {
    /// Its name.
    pub name: Arc<str>,
    /// Hash of its meaning.
    pub fingerprint: Arc<str>,
    /// Its text, with that of the constants and definitions that it names; empty where that was too long.
    pub text: Arc<str>,
}

/// A rule of a stored state that has changed since, and of which the old version does not go on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotOld {
    /// Its name.
    pub name: Arc<str>,
    /// Hash of its meaning.
    pub fingerprint: Arc<str>,
    /// Why, in words.
    pub why: Arc<str>,
}
