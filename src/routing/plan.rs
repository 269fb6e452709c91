//! What would become of an alert, step by step. Nothing is changed by it.

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::alert::Severity;
use crate::alert::notification::Named;
use crate::event::{Duration, Timestamp, digest};

use super::decision::{Decision, Group};
use super::facts::Facts;
use super::matcher::Mismatch;
use super::quiet::quiet_until;
use super::router::Router;
use super::settings::{GroupName, Grouping, REST, Route};

/// How many alerts of a group are listed that is one because of quiet hours only.
const LISTED_AFTER_QUIET: usize = 100;

/// What would become of an alert.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Trace {
    /// What holds it back before it takes any route, if something does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held: Option<Decision>,
    /// The routes that it comes to, in order.
    pub steps: Vec<Step>,
}

/// A route that an alert comes to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// The route.
    pub route: String,
    /// Why it does not take it, if it does not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mismatch: Option<Mismatch>,
    /// What it does there, if it takes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<Plan>,
    /// Whether it comes to the next one too.
    pub goes_on: bool,
}

/// What a route does with an alert.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "plan", rename_all = "snake_case")]
pub enum Plan {
    /// Nothing: the route has no sinks.
    Nowhere,
    /// Nothing: its rule has no sinks, and there are none for such rules.
    Unrouted,
    /// Nothing: an earlier route has given it to these.
    Already {
        /// The sinks.
        sinks: Vec<String>,
    },
    /// It hands it to sinks, by itself.
    Send {
        /// The sinks.
        sinks: Vec<String>,
    },
    /// It hands it to others, as it is quiet.
    Lower {
        /// The hours.
        quiet: String,
        /// Until when they last.
        until: Timestamp,
        /// The sinks.
        sinks: Vec<String>,
    },
    /// It puts it to a group.
    Group(Joining),
}

/// How an alert joins a group.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Joining {
    /// What the group is kept by, and its subject.
    pub id: String,
    /// What its alerts have in common.
    pub group: Named<Json>,
    /// When it will be sent.
    pub due: Timestamp,
    /// The sinks.
    pub sinks: Vec<String>,
    /// The quiet hours that hold it, if some do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quiet: Option<String>,
    /// Whether it goes out in quiet hours too.
    pub urgent: bool,
    /// How many alerts it lists.
    pub most: usize,
    /// How long it stays after it was sent.
    pub interval: Duration,
}

impl Router {
    /// What would become of an alert whose rule names these sinks. Nothing is changed.
    pub fn trace(&self, facts: &Facts, named: &[String], now: Timestamp) -> Trace {
        let rest = Route { name: REST.to_owned(), ..Route::default() };
        let (mut steps, mut sent) = (Vec::new(), BTreeSet::new());
        let mut is_taken = false;
        for route in &self.settings.routes {
            let step = self.step(route, facts, named, now, &mut sent);
            let (takes, goes_on) = (step.plan.is_some(), step.goes_on);
            is_taken |= takes;
            steps.push(step);
            if takes && !goes_on {
                break;
            }
        }
        if !is_taken {
            steps.push(self.step(&rest, facts, named, now, &mut sent));
        }
        Trace { held: self.held(facts, now), steps }
    }

    /// What holds an alert back before it takes any route.
    pub(super) fn held(&self, facts: &Facts, now: Timestamp) -> Option<Decision> {
        let silenced = self.silences.about(facts, now).map(|silence| Decision::Silenced {
            silence: silence.id.clone(),
            until: silence.ends,
            comment: silence.comment.clone(),
        });
        silenced.or_else(|| self.inhibited(facts, now))
    }

    fn step(
        &self,
        route: &Route,
        facts: &Facts,
        named: &[String],
        now: Timestamp,
        sent: &mut BTreeSet<String>,
    ) -> Step {
        let mismatch = route.matcher.check(facts).err();
        let plan = match mismatch {
            None => Some(self.plan(route, facts, named, now, sent)),
            Some(_) => None,
        };
        let goes_on = route.goes_on || mismatch.is_some();
        Step { route: route.name.clone(), mismatch, plan, goes_on }
    }

    fn plan(
        &self,
        route: &Route,
        facts: &Facts,
        named: &[String],
        now: Timestamp,
        sent: &mut BTreeSet<String>,
    ) -> Plan {
        let sinks = match &route.sinks {
            Some(sinks) if sinks.is_empty() => return Plan::Nowhere,
            Some(sinks) => sinks.clone(),
            None => self.settings.sinks_of_rule(named),
        };
        if sinks.is_empty() {
            return Plan::Unrouted;
        }
        let urgent = route
            .quiet
            .as_ref()
            .is_none_or(|quiet| !quiet.even_critical && facts.severity == Severity::Critical);
        let quiet = route.quiet.as_ref().filter(|_| !urgent);
        let held = quiet.and_then(|quiet| Some((quiet, quiet_until(&quiet.hours, now)?)));
        let mut by_itself = |sinks: Vec<String>, plan: fn(Vec<String>) -> Plan| {
            let new: Vec<String> = sinks.iter().filter(|sink| !sent.contains(*sink)).cloned().collect();
            sent.extend(new.iter().cloned());
            if new.is_empty() { Plan::Already { sinks } } else { plan(new) }
        };
        match (&route.group, held) {
            (_, Some((quiet, (hours, until)))) if quiet.instead.is_some() => {
                let instead = quiet.instead.clone().unwrap_or_default();
                match by_itself(instead, |sinks| Plan::Send { sinks }) {
                    Plan::Send { sinks } => Plan::Lower { quiet: hours.name.clone(), until, sinks },
                    already => already,
                }
            }
            (None, None) => by_itself(sinks, |sinks| Plan::Send { sinks }),
            (group, held) => {
                let held = held.map(|(_, (hours, until))| (hours.name.as_str(), until));
                Plan::Group(self.joining(route, group.as_ref(), facts, sinks, urgent, held, now))
            }
        }
    }

    #[expect(clippy::too_many_arguments, reason = "each is a fact of its own that decides")]
    fn joining(
        &self,
        route: &Route,
        grouping: Option<&Grouping>,
        facts: &Facts,
        sinks: Vec<String>,
        urgent: bool,
        held: Option<(&str, Timestamp)>,
        now: Timestamp,
    ) -> Joining {
        let group = match (grouping, held) {
            (Some(grouping), _) => labels(&grouping.by, facts),
            (None, held) => {
                let hours = held.map_or("", |(hours, _)| hours);
                Named(vec![("quiet_hours".to_owned(), Json::from(hours))])
            }
        };
        let id = group_id(&route.name, &group, &sinks);
        let (wait, interval, most) = match grouping {
            Some(Grouping { wait, interval, most, .. }) => (*wait, *interval, *most),
            None => (Duration::ZERO, Duration::ZERO, LISTED_AFTER_QUIET),
        };
        let due = self.due(&id, now.saturating_add(wait), interval, urgent, held.map(|(_, until)| until));
        let quiet = held.map(|(hours, _)| hours.to_owned()).filter(|_| due.1);
        Joining { id, group, due: due.0, sinks, quiet, urgent, most, interval }
    }

    /// When a group is due that an alert joins, which by itself would be so `soon`, and whether that is because it is
    /// quiet until then.
    fn due(
        &self,
        id: &str,
        soon: Timestamp,
        interval: Duration,
        urgent: bool,
        until: Option<Timestamp>,
    ) -> (Timestamp, bool) {
        let batch = self.batches.get(id);
        if let Some(waiting) = batch.and_then(|batch| batch.waiting.as_ref()) {
            return match until {
                // Others that disturb nobody wait already.
                Some(until) if !waiting.urgent => (waiting.due.max(until), until >= waiting.due),
                _ if urgent && waiting.quiet.is_some() => (waiting.due.min(soon), false),
                _ => (waiting.due, false),
            };
        }
        let since = batch.and_then(|batch| batch.last_sent);
        let next = since.map_or(soon, |sent| sent.saturating_add(interval));
        match until {
            Some(until) => (next.max(until), until >= next),
            None => (next, false),
        }
    }
}

/// What alerts that are equal to this one in these names have in common.
fn labels(by: &[GroupName], facts: &Facts) -> Named<Json> {
    let value = |name: &GroupName| match name {
        GroupName::Rule => Json::from(facts.rule.as_str()),
        GroupName::Severity => Json::from(facts.severity.name()),
        GroupName::Kind => Json::from(facts.kind.name()),
        GroupName::Key => Json::Object(facts.key.iter().cloned().collect()),
        GroupName::Field(name) => facts.value(name).cloned().unwrap_or(Json::Null),
    };
    Named(by.iter().map(|name| (name.name().to_owned(), value(name))).collect())
}

fn group_id(route: &str, group: &Named<Json>, sinks: &[String]) -> String {
    let meaning = serde_json::to_string(&(route, group, sinks));
    digest(&meaning.expect("names and values can be written as JSON"))
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Plan::Nowhere => f.write_str("nowhere: it has no sinks"),
            Plan::Unrouted => f.write_str("nowhere: the rule has no `to`, and there are no `default_sinks`"),
            Plan::Already { sinks } => write!(f, "not again to {}", sinks.join(", ")),
            Plan::Send { sinks } => write!(f, "to {}", sinks.join(", ")),
            Plan::Lower { quiet, until, sinks } => {
                write!(f, "to {}, as it is quiet until {until} (`{quiet}`)", sinks.join(", "))
            }
            Plan::Group(Joining { group, due, sinks, quiet, .. }) => {
                write!(f, "to {}, grouped {}, ", sinks.join(", "), Group(group))?;
                match quiet {
                    Some(quiet) => write!(f, "held until {due} by the quiet hours `{quiet}`"),
                    None => write!(f, "at {due}"),
                }
            }
        }
    }
}
