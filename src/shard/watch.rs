//! Looking on while rules are run.

use std::any::Any;
use std::borrow::Cow;
use std::fmt::Debug;

use crate::event::{Event, Key, Timestamp};
use crate::expression::{Faults, History};
use crate::history::Moment;
use crate::matcher::{Matcher, Report, Run, RunSet};
use crate::program::{Program, Route, RuleId};

use super::{Shard, past};

/// Looks on while rules are run, to tell afterwards what became of their runs. It changes nothing,
/// and costs nothing where there is none.
pub trait Watcher: Any + Debug + Send {
    /// The rule that it looks at.
    fn rule(&self) -> RuleId;

    /// An event is offered to the runs that a rule has for its key, perhaps none.
    fn event(&mut self, seen: &Seen<'_>, event: &Event);

    /// Event time decides about the runs that a rule has for a key.
    fn time(&mut self, seen: &Seen<'_>, now: Timestamp);

    /// What has become of the runs that were shown last. Not called where nothing could change.
    fn after(&mut self, seen: &Seen<'_>, reports: &[Report]);

    /// An event belongs to no group of the rule, because a part of the key is null.
    fn keyless(&mut self, event: &Event);
}

/// The runs that a rule has for a key.
#[derive(Debug)]
pub struct Seen<'a> {
    /// The key.
    pub key: &'a Key,
    /// Its runs.
    runs: &'a RunSet,
    /// What moves them, for asking what an event is to them.
    pub matcher: Matcher<'a>,
    /// All times before this have passed.
    pub passed: Timestamp,
}

impl<'a> Seen<'a> {
    /// The runs one by one.
    pub fn runs(&self) -> Vec<Cow<'a, Run>> {
        self.runs.runs(self.matcher.rule, self.passed)
    }
}

impl Shard {
    /// Lets someone look on, in place of who did before.
    pub fn set_watcher(&mut self, watcher: Option<Box<dyn Watcher>>) -> Option<Box<dyn Watcher>> {
        std::mem::replace(&mut self.watcher, watcher)
    }

    /// The rule that someone looks at.
    pub(super) fn watched_rule(&self) -> Option<RuleId> {
        self.watcher.as_ref().map(|watcher| watcher.rule())
    }

    /// Whether someone looks at the rule.
    pub(super) fn is_watched(&self, rule: RuleId) -> bool {
        self.watched_rule() == Some(rule)
    }

    /// Shows the runs of a rule for a key.
    pub(super) fn show(
        &mut self,
        program: &Program,
        rule: RuleId,
        key: &Key,
        moment: Moment,
        show: impl FnOnce(&mut dyn Watcher, &Seen<'_>),
    ) {
        let Some(mut watcher) = self.watcher.take() else { return };
        let none = RunSet::default();
        let slot = self.keys.find(&self.keys.seek(key.as_ref()));
        let runs = slot.and_then(|slot| self.keys.runs(slot, rule)).unwrap_or(&none);
        let readings = &program.readings(rule).pattern;
        let history = past(program, readings, key.values(), moment, &self.histories);
        // What cannot be computed here has been, or will be, counted elsewhere.
        let faults = Faults::default();
        let matcher = Matcher {
            rule: &program.compiled()[rule.0 as usize],
            tables: &self.tables,
            history: history.as_ref().map(|history| history as &dyn History),
            faults: &faults,
        };
        show(watcher.as_mut(), &Seen { key, runs, matcher, passed: moment.now });
        self.watcher = Some(watcher);
    }

    /// Tells that an event belongs to no group.
    pub(super) fn show_keyless(&mut self, route: &Route, event: &Event) {
        if let Some(watcher) = &mut self.watcher
            && route.rules.contains(&watcher.rule())
        {
            watcher.keyless(event);
        }
    }
}
