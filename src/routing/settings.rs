//! What routing is told to do, as the configuration says it.

use std::collections::BTreeSet;

use crate::alert::Alert;
use crate::event::Duration;

use super::facts::Facts;
use super::matcher::{Glob, Matcher};
use super::quiet::QuietHours;

/// What the route is called that takes what no other takes.
pub const REST: &str = "default";

/// What routing is told to do.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// The sinks that there are.
    pub sinks: Vec<String>,
    /// Those for alerts of rules that name none.
    pub default_sinks: Vec<String>,
    /// The routes, in order.
    pub routes: Vec<Route>,
    /// Which alerts hold back which others.
    pub inhibit: Vec<Inhibit>,
}

/// Where some alerts go, and how.
#[derive(Clone, Debug, Default)]
pub struct Route {
    /// What it is called.
    pub name: String,
    /// The alerts that take it.
    pub matcher: Matcher,
    /// Their sinks; `None`: those of their rule.
    pub sinks: Option<Vec<String>>,
    /// Whether alerts that take it take a later one too.
    pub goes_on: bool,
    /// How they are put together; `None`: each goes out by itself.
    pub group: Option<Grouping>,
    /// When they are not to disturb.
    pub quiet: Option<Quiet>,
    /// What happens when nobody acknowledges them.
    pub escalate: Option<Escalate>,
    /// When they are over.
    pub resolve: Option<Resolve>,
}

/// How alerts are put together.
#[derive(Clone, Debug, PartialEq)]
pub struct Grouping {
    /// Alerts that are equal in these are one group.
    pub by: Vec<GroupName>,
    /// So long after its first alert a group is sent.
    pub wait: Duration,
    /// So long after that the next alerts of the group are.
    pub interval: Duration,
    /// How many alerts of it are listed.
    pub most: usize,
}

/// What alerts of a group have in common.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GroupName {
    /// The rule.
    Rule,
    /// The severity.
    Severity,
    /// Why they were made.
    Kind,
    /// The whole key.
    Key,
    /// A part of the key, or a field.
    Field(String),
}

/// When alerts are not to disturb.
#[derive(Clone, Debug, PartialEq)]
pub struct Quiet {
    /// The hours.
    pub hours: Vec<QuietHours>,
    /// Where alerts go then; `None`: they wait for the end.
    pub instead: Option<Vec<String>>,
    /// Whether this is also for alerts that are `critical`.
    pub even_critical: bool,
}

/// What happens when nobody acknowledges.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Escalate {
    /// So long after it was handed to its sinks,
    pub after: Duration,
    /// it goes to these.
    pub to: Vec<String>,
}

/// When what alerts tell of is over; by hand in any case.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Resolve {
    /// When so long no other alert of the rule and key has come.
    pub after: Option<Duration>,
    /// When one of these rules has an alert of the same key.
    pub by: Vec<Glob>,
}

/// Alerts that hold back others.
#[derive(Clone, Debug, Default)]
pub struct Inhibit {
    /// What it is called.
    pub name: String,
    /// The alerts that hold back.
    pub source: Matcher,
    /// Those that are held back,
    pub target: Matcher,
    /// if these are equal,
    pub equal: Vec<String>,
    /// for so long after the last source.
    pub lasts: Duration,
}

impl Settings {
    /// The sinks that an alert goes to by its routes alone: whatever the time is, and whatever has happened before.
    pub fn sinks_by_routes(&self, alert: &Alert) -> BTreeSet<String> {
        let facts = Facts::of(alert);
        let mut sinks = BTreeSet::new();
        let mut is_taken = false;
        for route in self.routes.iter().filter(|route| route.matcher.check(&facts).is_ok()) {
            is_taken = true;
            sinks.extend(match &route.sinks {
                Some(sinks) => sinks.clone(),
                None => self.sinks_of_rule(&alert.sinks),
            });
            if !route.goes_on {
                break;
            }
        }
        if !is_taken {
            sinks.extend(self.sinks_of_rule(&alert.sinks));
        }
        sinks
    }
}

impl GroupName {
    /// The name as it is written.
    pub fn name(&self) -> &str {
        match self {
            GroupName::Rule => "rule",
            GroupName::Severity => "severity",
            GroupName::Kind => "kind",
            GroupName::Key => "key",
            GroupName::Field(name) => name,
        }
    }

    /// What a name stands for.
    pub fn of(name: &str) -> GroupName {
        match name {
            "rule" => GroupName::Rule,
            "severity" => GroupName::Severity,
            "kind" => GroupName::Kind,
            "key" => GroupName::Key,
            field => GroupName::Field(field.to_owned()),
        }
    }
}

impl Settings {
    /// The route of that name.
    pub fn route(&self, name: &str) -> Option<&Route> {
        self.routes.iter().find(|route| route.name == name)
    }

    /// The sinks for alerts of a rule that names these. One that is gone is left out, and when none is left, the
    /// alerts go where those of rules go that name none.
    pub fn sinks_of_rule(&self, named: &[String]) -> Vec<String> {
        let known: Vec<String> = named.iter().filter(|sink| self.sinks.contains(sink)).cloned().collect();
        if known.is_empty() { self.default_sinks.clone() } else { known }
    }
}
