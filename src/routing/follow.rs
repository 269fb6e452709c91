//! What sinks were told of, until it is over.
//!
//! On a route with `resolve`, what was sent stays *open*: an alert by itself, or a group as a whole. It is about
//! *members*, one a rule and key. A member is over when no other alert of it has come for so long, when another rule
//! says so of the same key, or when somebody does. When all members are over, and no alert of the group waits, the
//! sinks that were told are told so.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::alert::notification::{Named, Notification, Status, Told};
use crate::event::{Duration, Timestamp, digest};

use super::MOST_FOLLOWED;
use super::decision::{Crowd, Decision, Why};
use super::facts::Facts;
use super::groups::open_key;
use super::kept::{Change, Kept, Row, Unreadable};
use super::router::{Offered, Router};
use super::settings::Resolve;

/// How many alerts are listed when they are over.
const LISTED: usize = 100;

/// Something that sinks were told of, or are about to be.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Open {
    /// The route.
    pub route: String,
    /// What it is about, as sinks know it.
    pub subject: String,
    /// What its alerts have in common.
    pub group: Named<Json>,
    /// The sinks that have been told.
    pub sinks: Vec<String>,
    /// Whether they have been.
    pub told: bool,
}

/// The last alert of a rule and key.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Member {
    /// What is open.
    pub open: String,
    /// What is equal for alerts of its rule and key.
    pub subject: String,
    /// The alert, without its events.
    pub alert: Told,
    /// What is equal for alerts of its key, whatever their rule.
    pub key: String,
    /// The rules that say that it is over are found in the route by this.
    pub route: String,
    /// When it is over if nothing comes, and how long that is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due: Option<(Timestamp, Duration)>,
    /// Why it is over, if it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub over: Option<Why>,
}

impl Row for Open {
    const TABLE: u8 = b'o';
}

impl Row for Member {
    const TABLE: u8 = b'm';

    fn due(&self) -> Option<Timestamp> {
        self.due.map(|(due, _)| due).filter(|_| self.over.is_none())
    }

    fn names(&self) -> Vec<String> {
        let mut names = vec![of_key(&self.key), of_subject(&self.subject), of_alert(&self.alert.id)];
        names.extend(self.over.is_none().then(|| not_over(&self.open)));
        names
    }
}

/// The name of members by their key,
fn of_key(key: &str) -> String {
    format!("key {key}")
}

/// by their rule and key,
fn of_subject(subject: &str) -> String {
    format!("subject {subject}")
}

/// by their alert,
fn of_alert(alert: &str) -> String {
    format!("alert {alert}")
}

/// and of those of something open that are not over.
fn not_over(open: &str) -> String {
    format!("not over {open}")
}

/// All that is open.
#[derive(Debug, Default)]
pub struct Followed {
    open: Kept<Open>,
    members: Kept<Member>,
    /// What may be over.
    touched: BTreeSet<String>,
}

impl Followed {
    /// Takes a stored row, if it is one of these.
    pub fn load(&mut self, key: &[u8], value: &[u8]) -> Result<bool, Unreadable> {
        Ok(self.members.load(key, value)? || self.open.load(key, value)?)
    }

    /// How many alerts are followed.
    pub fn len(&self) -> usize {
        self.members.len()
    }

    /// What has changed since the last time.
    pub fn take_changes(&mut self, changes: &mut Vec<Change>) {
        self.open.take_changes(changes);
        self.members.take_changes(changes);
    }

    /// The members that time has ended, with when it did.
    pub fn due(&self, now: Timestamp) -> impl Iterator<Item = (Timestamp, &String)> {
        self.members.due(now)
    }

    /// When time ends the next one.
    pub fn next_due(&self) -> Option<Timestamp> {
        self.members.next_due()
    }

    /// The sinks have been told. Gives what it is kept by, if it is followed.
    pub fn told(&mut self, key: &str, sinks: Vec<String>) -> Option<String> {
        self.open.change(key, |open| {
            open.told = true;
            for sink in sinks {
                if !open.sinks.contains(&sink) {
                    open.sinks.push(sink);
                }
            }
        })?;
        self.touched.insert(key.to_owned());
        Some(key.to_owned())
    }

    /// Nobody will be told of what waited, as all of it is silenced.
    pub fn untold(&mut self, key: &str) {
        if self.open.get(key).is_some_and(|open| !open.told) {
            self.take(key);
        }
        self.touched.insert(key.to_owned());
    }

    /// Nobody will be told of an alert by what is open there: if it is the only one of its rule and key, there is no
    /// end to tell of. What another route has told of it, or will, has its own end.
    pub fn drop_untold(&mut self, open: &str, alert: &str) {
        if self.open.get(open).is_none_or(|open| open.told) {
            return;
        }
        let name = of_alert(alert);
        let of_it = self.members.named(&name).filter(|(_, member)| member.open == open);
        let found: Vec<String> = of_it.map(|(key, _)| key.clone()).collect();
        found.iter().for_each(|key| drop(self.members.take(key)));
    }

    /// Takes out what is open, with its members.
    fn take(&mut self, key: &str) -> Option<(Open, Vec<Member>)> {
        let open = self.open.take(key)?;
        let members: Vec<String> = self.members.beginning(key).map(|(key, _)| key.clone()).collect();
        Some((open, members.iter().filter_map(|key| self.members.take(key)).collect()))
    }
}

/// What is equal for alerts of a key, whatever their rule and the order of its fields.
fn key_of(facts: &Facts) -> String {
    let mut key: Vec<_> = facts.key.iter().collect();
    key.sort_by(|(one, _), (other, _)| one.cmp(other));
    digest(&serde_json::to_string(&key).expect("values can be written as JSON"))
}

impl Router {
    /// Follows an alert until it is over: by itself, or as one of a group with that id that is to be told of. Gives
    /// what is open by it.
    pub(super) fn follow(
        &mut self,
        route: &str,
        resolve: &Resolve,
        offered: &Offered<'_>,
        group: Option<(&str, &Named<Json>)>,
        sinks: Vec<String>,
        now: Timestamp,
    ) -> Option<String> {
        let subject = group.map_or(offered.subject.as_str(), |(id, _)| id);
        let open = open_key(route, subject);
        let key = format!("{open}{}", offered.subject);
        let id = &offered.alert.id;
        if self.followed.members.get(&key).is_none() && self.followed.members.len() >= MOST_FOLLOWED {
            self.note(id, now, Decision::Crowded { what: Crowd::Followed, most: MOST_FOLLOWED });
            return None;
        }
        let alert = offered.in_short()?;
        if self.followed.open.get(&open).is_none() {
            let group = group.map(|(_, labels)| labels.clone()).unwrap_or_default();
            let (route, subject) = (route.to_owned(), subject.to_owned());
            let new = Open { route, subject, group, sinks: Vec::new(), told: false };
            self.followed.open.put(open.clone(), new);
        }
        let member = Member {
            open: open.clone(),
            subject: offered.subject.clone(),
            alert,
            key: key_of(&offered.facts),
            route: route.to_owned(),
            due: resolve.after.map(|after| (now.saturating_add(after), after)),
            over: None,
        };
        self.followed.members.put(key, member);
        if group.is_none() {
            self.followed.told(&open, sinks);
        }
        Some(open)
    }

    /// Nothing has come of a member for long enough.
    pub(super) fn over_by_time(&mut self, member: &str) {
        let after = self.followed.members.get(member).and_then(|member| member.due);
        if let Some((_, after)) = after {
            self.over(member, Why::Time { after });
        }
    }

    fn over(&mut self, member: &str, why: Why) {
        let open = self.followed.members.change(member, |row| {
            row.over = Some(why);
            row.open.clone()
        });
        self.followed.touched.extend(open);
    }

    /// An alert may say that others are over.
    pub(super) fn settle_by_rule(&mut self, offered: &Offered<'_>) {
        let (rule, alert) = (&offered.facts.rule, &offered.alert.id);
        let says = |route: &super::Route| {
            route.resolve.as_ref().is_some_and(|resolve| resolve.by.iter().any(|by| by.fits(rule)))
        };
        let routes: BTreeSet<&str> = self
            .settings
            .routes
            .iter()
            .filter(|route| says(route))
            .map(|route| route.name.as_str())
            .collect();
        if routes.is_empty() {
            return;
        }
        // A rule that is followed itself does not end its own alerts.
        let is_meant = |member: &Member| routes.contains(&*member.route) && member.subject != offered.subject;
        let name = of_key(&key_of(&offered.facts));
        let same = self.followed.members.named(&name).filter(|(_, member)| is_meant(member));
        let members: Vec<String> = same.map(|(key, _)| key.clone()).collect();
        for member in members {
            self.over(&member, Why::Rule { rule: rule.clone(), alert: alert.clone() });
        }
    }

    /// Somebody says that what has this subject is over.
    pub(super) fn settle_by_hand(&mut self, subject: &str, why: &Why) -> usize {
        let name = of_subject(subject);
        let members: Vec<String> = self.followed.members.named(&name).map(|(key, _)| key.clone()).collect();
        members.iter().for_each(|member| self.over(member, why.clone()));
        members.len()
    }

    /// Tells the end of what is over.
    pub(super) fn settle_all(&mut self, now: Timestamp) {
        for key in std::mem::take(&mut self.followed.touched) {
            let Some(open) = self.followed.open.get(&key) else { continue };
            let waits = self.batches.get(&open.subject).is_some_and(|batch| batch.waiting.is_some());
            let is_over = self.followed.members.named(&not_over(&key)).next().is_none();
            if open.told && !waits && is_over {
                self.tell_end(&key, now);
            }
        }
    }

    fn tell_end(&mut self, key: &str, now: Timestamp) {
        let Some((open, members)) = self.followed.take(key) else { return };
        self.escalations.take_named(key);
        let ids: Vec<&str> = members.iter().take(LISTED).map(|member| member.alert.id.as_str()).collect();
        let id = digest(&format!("resolved {key}: {}", ids.join(" ")));
        for member in &members {
            let why = member.over.clone().unwrap_or(Why::Time { after: Duration::ZERO });
            let (sinks, notification) = (open.sinks.clone(), Some(id.clone()));
            self.note(&member.alert.id, now, Decision::Resolved { why, sinks, notification });
            self.drop_sources_of(&member.subject);
        }
        let count = members.len() as u64;
        let alerts: Vec<Told> = members.into_iter().take(LISTED).map(|member| member.alert).collect();
        if alerts.is_empty() {
            return;
        }
        let Open { subject, group, sinks, .. } = open;
        let notification = Notification { id, status: Status::Resolved, subject, group, count, alerts };
        self.send_notification(&notification, sinks);
    }
}
