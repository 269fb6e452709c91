//! Alerts put together: one notification with a count.
//!
//! A group opens with its first alert and is sent `group_wait` later; what comes after that is sent `group_interval`
//! after the last time, and when nothing has come by then the group closes. What has been silenced or made needless
//! meanwhile is taken out before it is sent. Unlike in Alertmanager, a notification has only alerts that are new: an
//! alert is a moment, and has been told once it was told.

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::alert::notification::{Named, Notification, Status, Told};
use crate::event::{Duration, Timestamp, digest};

use super::decision::{Crowd, Decision};
use super::facts::Facts;
use super::kept::Row;
use super::plan::Joining;
use super::quiet::quiet_until;
use super::router::{Offered, Router};
use super::settings::Route;
use super::{MOST_GROUPS, MOST_LISTED};

/// A group that is open.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Batch {
    /// The route.
    pub route: String,
    /// What its alerts have in common.
    pub group: Named<Json>,
    /// The sinks.
    pub sinks: Vec<String>,
    /// The alerts that wait, if some do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waiting: Option<Waiting>,
    /// When it was last sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_sent: Option<Timestamp>,
    /// How long after that it stays open.
    pub interval: Duration,
}

/// The alerts of a group that wait.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Waiting {
    /// The id that they will be sent under.
    pub notification: String,
    /// When they will be.
    pub due: Timestamp,
    /// How many they are.
    pub count: u64,
    /// How many of them are listed,
    pub listed: u64,
    /// and how many bytes these have.
    pub bytes: u64,
    /// Whether they go out in quiet hours too.
    pub urgent: bool,
    /// The quiet hours that hold them, if some do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quiet: Option<String>,
    /// Whether somebody has acknowledged one of them.
    #[serde(default)]
    pub acknowledged: bool,
}

/// An alert that a group lists.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listed {
    /// Its id.
    pub alert: String,
    /// Its JSON.
    pub body: String,
}

/// An alert of a group that is being sent.
struct Ready {
    key: String,
    told: Told,
}

impl Batch {
    /// When it closes, if nothing waits.
    fn closes(&self) -> Option<Timestamp> {
        Some(self.last_sent?.saturating_add(self.interval))
    }
}

impl Row for Batch {
    const TABLE: u8 = b'b';

    /// When it is sent, or closes.
    fn due(&self) -> Option<Timestamp> {
        self.waiting.as_ref().map_or_else(|| self.closes(), |waiting| Some(waiting.due))
    }
}

impl Row for Listed {
    const TABLE: u8 = b'a';
}

impl Router {
    /// Puts an alert to a group.
    pub(super) fn join(&mut self, route: String, offered: &Offered<'_>, joining: Joining, now: Timestamp) {
        let id = &offered.alert.id;
        if self.batches.get(&joining.id).is_none() && self.batches.len() >= MOST_GROUPS {
            self.note(id, now, Decision::Crowded { what: Crowd::Groups, most: MOST_GROUPS });
            let decision = Decision::Sent { route: route.clone(), sinks: joining.sinks.clone() };
            return self.send_alone(&route, offered, joining.sinks, decision, now);
        }
        let Joining { id: group, group: labels, due, sinks, quiet, urgent, most, interval } = joining;
        if let Some(resolve) = self.settings.route(&route).and_then(|route| route.resolve.clone()) {
            let told = Some((group.as_str(), &labels));
            self.follow(&route, &resolve, offered, told, sinks.clone(), now);
        }
        if self.batches.get(&group).is_none() {
            let (route, group_of, sinks) = (route.clone(), labels.clone(), sinks.clone());
            let batch = Batch { route, group: group_of, sinks, waiting: None, last_sent: None, interval };
            self.batches.put(group.clone(), batch);
        }
        let first = || Waiting {
            notification: digest(&format!("group {group}: {id}")),
            due,
            count: 0,
            listed: 0,
            bytes: 0,
            urgent: false,
            quiet: None,
            acknowledged: false,
        };
        let size = offered.outgoing.body.len() as u64;
        let add = |batch: &mut Batch| {
            let waiting = batch.waiting.get_or_insert_with(first);
            waiting.count += 1;
            waiting.urgent |= urgent;
            (waiting.due, waiting.quiet) = (due, quiet.clone());
            let has_room = waiting.listed < most as u64 && waiting.bytes + size <= MOST_LISTED;
            let listed = waiting.listed == 0 || has_room;
            if listed {
                (waiting.listed, waiting.bytes) = (waiting.listed + 1, waiting.bytes + size);
            }
            (waiting.notification.clone(), listed.then_some(waiting.count))
        };
        let added = self.batches.change(&group, add);
        let (notification, place) = added.expect("it was just made, if it was not there");
        let listed = place.is_some();
        if let Some(place) = place {
            let row = Listed { alert: id.clone(), body: offered.outgoing.body.clone() };
            self.listed.put(format!("{group}/{place:08}"), row);
        }
        let grouped = Decision::Grouped { route, group: labels, notification, due, listed, quiet };
        self.note(id, now, grouped);
    }

    /// Sends what waits of a group, or postpones it.
    pub(super) fn flush(&mut self, group: &str, now: Timestamp) {
        let Some(batch) = self.batches.get(group).cloned() else { return };
        let Batch { route: name, group: labels, mut sinks, waiting: Some(waiting), last_sent, .. } = batch
        else {
            return;
        };
        let route = self.settings.route(&name).cloned().unwrap_or_default();
        if let Some((hours, until)) = quiet_now(&route, &waiting, now) {
            match route.quiet.as_ref().and_then(|quiet| quiet.instead.clone()) {
                Some(instead) => sinks = instead,
                None => return self.postpone(group, &name, hours, until, now),
            }
        }
        let open = open_key(&name, group);
        let (listed, ready) = self.take_listed(group, &open, now);
        let silenced = listed - ready.len() as u64;
        // Of those that are not listed nothing is known: they are as those that are.
        let count = if ready.is_empty() { 0 } else { waiting.count - silenced };
        self.batches.change(group, |batch| {
            batch.waiting = None;
            batch.last_sent = if count == 0 { last_sent } else { Some(now) };
        });
        if count == 0 {
            if last_sent.is_none() {
                self.batches.take(group);
            }
            return self.followed.untold(&open);
        }
        let notification = Notification {
            id: waiting.notification,
            status: Status::Firing,
            subject: group.to_owned(),
            group: labels,
            count,
            alerts: ready.into_iter().map(|ready| ready.told).collect(),
        };
        self.send_group(&route, &name, notification, sinks, waiting.acknowledged, now);
    }

    fn send_group(
        &mut self,
        route: &Route,
        name: &str,
        notification: Notification,
        sinks: Vec<String>,
        is_acknowledged: bool,
        now: Timestamp,
    ) {
        self.send_notification(&notification, sinks.clone());
        let alerts: Vec<String> = notification.alerts.iter().map(|told| told.id.clone()).collect();
        for alert in &alerts {
            let (route, notification_id) = (name.to_owned(), notification.id.clone());
            let (count, sinks) = (notification.count, sinks.clone());
            let sent = Decision::GroupSent { route, notification: notification_id, count, sinks };
            self.note(alert, now, sent);
        }
        let opened = self.followed.told(&open_key(name, &notification.subject), sinks);
        if let Some(escalate) = route.escalate.clone().filter(|_| !is_acknowledged) {
            self.wait_for_somebody(name, &escalate, notification, alerts, opened, now);
        }
    }

    fn postpone(&mut self, group: &str, route: &str, hours: String, until: Timestamp, now: Timestamp) {
        self.batches.change(group, |batch| {
            let waiting = batch.waiting.iter_mut();
            waiting.for_each(|waiting| (waiting.due, waiting.quiet) = (until, Some(hours.clone())));
        });
        let start = format!("{group}/");
        let alerts: Vec<String> =
            self.listed.beginning(&start).map(|(_, listed)| listed.alert.clone()).collect();
        for alert in alerts {
            let (route, quiet) = (route.to_owned(), hours.clone());
            self.note(&alert, now, Decision::Postponed { route, quiet, until });
        }
    }

    /// Takes out the alerts that a group lists: how many they were, and those that are still to be told of. `open` is
    /// what the group is followed by.
    fn take_listed(&mut self, group: &str, open: &str, now: Timestamp) -> (u64, Vec<Ready>) {
        let start = format!("{group}/");
        let keys: Vec<String> = self.listed.beginning(&start).map(|(key, _)| key.clone()).collect();
        let count = keys.len() as u64;
        let mut ready = Vec::with_capacity(keys.len());
        for key in keys {
            let Some(listed) = self.listed.take(&key) else { continue };
            // What was written here can be read, or an older version wrote it: then it counts and is not shown.
            let Ok(told) = serde_json::from_str::<Told>(&listed.body) else { continue };
            let held = Facts::told(&told).and_then(|facts| self.held(&facts, now));
            match held {
                Some(held) => {
                    self.note(&listed.alert, now, held);
                    self.followed.drop_untold(open, &listed.alert);
                }
                None => ready.push(Ready { key, told }),
            }
        }
        ready.sort_by(|one, other| one.key.cmp(&other.key));
        (count, ready)
    }

    /// Forgets groups of which nothing has come for long enough.
    pub(super) fn close_groups(&mut self, now: Timestamp) {
        // What waits has been sent, or waits for longer.
        self.batches.take_due(now);
    }
}

/// The quiet hours that hold a group now, and until when.
fn quiet_now(route: &Route, waiting: &Waiting, now: Timestamp) -> Option<(String, Timestamp)> {
    let quiet = route.quiet.as_ref().filter(|_| !waiting.urgent)?;
    quiet_until(&quiet.hours, now).map(|(hours, until)| (hours.name.clone(), until))
}

/// What is followed of a route is kept by this.
pub(super) fn open_key(route: &str, subject: &str) -> String {
    format!("{route}\u{1f}{subject}\u{1f}")
}
