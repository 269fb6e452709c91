//! What waits for somebody: acknowledged in time, it goes no further; otherwise it goes to other sinks. And what
//! people say of alerts.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::alert::notification::Notification;
use crate::event::{Duration, Timestamp, digest};

use super::MOST_WAITING;
use super::decision::{Crowd, Decision, Why};
use super::kept::Row;
use super::router::Router;
use super::settings::Escalate;
use super::silences::{Refused, one_of};

/// What is said when an alert is not known.
const KEPT: &str = "; something can be said of alerts for a week, and of the last 10,000 of them";

/// A notification that waits for somebody.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Escalation {
    /// The route.
    pub route: String,
    /// What was sent.
    pub notification: Notification,
    /// The alerts that it is about.
    pub alerts: Vec<String>,
    /// When it goes further.
    pub due: Timestamp,
    /// How long it has waited then.
    pub after: Duration,
    /// Where it goes.
    pub sinks: Vec<String>,
    /// What is open by it, if something is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub opened: Option<String>,
}

impl Row for Escalation {
    const TABLE: u8 = b'e';

    fn due(&self) -> Option<Timestamp> {
        Some(self.due)
    }

    fn names(&self) -> Vec<String> {
        self.opened.iter().cloned().collect()
    }
}

/// What has come of what somebody said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Settled {
    /// The alert that was meant.
    pub alert: String,
    /// How many escalations were stopped by it.
    pub stopped: usize,
    /// The sinks that are told of the end.
    pub told: Vec<String>,
}

impl Router {
    /// Lets a notification wait for somebody.
    pub(super) fn wait_for_somebody(
        &mut self,
        route: &str,
        escalate: &Escalate,
        notification: Notification,
        alerts: Vec<String>,
        opened: Option<String>,
        now: Timestamp,
    ) {
        let Escalate { after, to } = escalate.clone();
        let due = now.saturating_add(after);
        let key = format!("{}\u{1f}{route}", notification.id);
        let is_crowded = self.escalations.len() >= MOST_WAITING;
        for alert in &alerts {
            self.note(
                alert,
                now,
                match is_crowded {
                    true => Decision::Crowded { what: Crowd::Waiting, most: MOST_WAITING },
                    false => Decision::Waits { route: route.to_owned(), until: due, sinks: to.clone() },
                },
            );
        }
        let route = route.to_owned();
        let escalation = Escalation { route, notification, alerts, due, after, sinks: to, opened };
        self.escalations.put(key.clone(), escalation);
        if is_crowded {
            self.escalate(&key, now);
        }
    }

    /// Nobody has come.
    pub(super) fn escalate(&mut self, key: &str, now: Timestamp) {
        let Some(escalation) = self.escalations.take(key) else { return };
        let Escalation { route, mut notification, alerts, after, sinks, opened, .. } = escalation;
        notification.id = digest(&format!("escalated {key}"));
        let said = format!("nobody came for {after}");
        notification.group.0.push(("escalated".to_owned(), said.into()));
        self.send_notification(&notification, sinks.clone());
        for alert in alerts {
            let (route, sinks) = (route.clone(), sinks.clone());
            let notification = Some(notification.id.clone());
            self.note(&alert, now, Decision::Escalated { route, after, sinks, notification });
        }
        if let Some(opened) = opened {
            self.followed.told(&opened, sinks);
        }
    }

    /// Forgets what waits and need not any more; how many that were. It looks at all of them, as somebody says so.
    fn drop_escalations(&mut self, is_done: impl Fn(&Escalation) -> bool) -> usize {
        let done: Vec<String> =
            self.escalations.iter().filter(|(_, one)| is_done(one)).map(|(key, _)| key.clone()).collect();
        done.iter().for_each(|key| drop(self.escalations.take(key)));
        done.len()
    }

    /// The alert that an id or its beginning means.
    ///
    /// # Errors
    /// When none does, or several do.
    pub fn find(&self, id: &str) -> Result<String, Refused> {
        one_of("alert", KEPT, id, self.log.records().map(|record| record.id.as_str())).map(str::to_owned)
    }

    /// Somebody has seen an alert: what it was sent with goes no further.
    ///
    /// # Errors
    /// When there is no such alert.
    pub fn acknowledge(
        &mut self,
        id: &str,
        by: &str,
        comment: &str,
        now: Timestamp,
    ) -> Result<Settled, Refused> {
        let alert = self.find(id)?;
        let notifications = self.notifications_of(&alert);
        let concerns = |escalation: &Escalation| {
            notifications.contains(&escalation.notification.id) || escalation.alerts.contains(&alert)
        };
        let waiting = self.escalations.iter().filter(|(_, escalation)| concerns(escalation));
        let mut seen: Vec<String> = waiting.flat_map(|(_, escalation)| escalation.alerts.clone()).collect();
        let mut stopped = self.drop_escalations(concerns);
        stopped += self.acknowledge_groups(&notifications);
        seen.push(alert.clone());
        seen.sort();
        seen.dedup();
        for alert in seen {
            let (by, comment) = (by.to_owned(), comment.to_owned());
            self.note(&alert, now, Decision::Acknowledged { by, comment });
        }
        Ok(Settled { alert, stopped, told: Vec::new() })
    }

    /// The ids that an alert is or will be sent under.
    fn notifications_of(&self, alert: &str) -> Vec<String> {
        let decisions = self.log.get(alert).into_iter().flat_map(|record| &record.decisions);
        let grouped = decisions.filter_map(|entry| match &entry.decision {
            Decision::Grouped { notification, .. } => Some(notification.clone()),
            _ => None,
        });
        grouped.chain([alert.to_owned()]).collect()
    }

    /// Those that are not sent yet will not be escalated either.
    fn acknowledge_groups(&mut self, notifications: &[String]) -> usize {
        let is_meant = |notification: &String| notifications.contains(notification);
        let waiting = self.batches.iter().filter(|(_, batch)| {
            batch
                .waiting
                .as_ref()
                .is_some_and(|waiting| is_meant(&waiting.notification) && !waiting.acknowledged)
        });
        let groups: Vec<String> = waiting.map(|(id, _)| id.clone()).collect();
        let escalates =
            |route: &str| self.settings.route(route).is_some_and(|route| route.escalate.is_some());
        let mut stopped = 0;
        for group in groups {
            stopped += usize::from(self.batches.get(&group).is_some_and(|batch| escalates(&batch.route)));
            self.batches.change(&group, |batch| {
                batch.waiting.iter_mut().for_each(|waiting| waiting.acknowledged = true);
            });
        }
        stopped
    }

    /// Somebody says that what an alert tells of is over: sinks are told, where the route says so, nobody is waited
    /// for, and it holds back no others.
    ///
    /// # Errors
    /// When there is no such alert.
    pub fn resolve(&mut self, id: &str, by: &str, comment: &str, now: Timestamp) -> Result<Settled, Refused> {
        let alert = self.find(id)?;
        let notifications = self.notifications_of(&alert);
        let subject = self.log.get(&alert).map(|record| record.subject.clone()).unwrap_or_default();
        let stopped = self.drop_escalations(|escalation| notifications.contains(&escalation.notification.id));
        let why = Why::Hand { who: by.to_owned(), comment: comment.to_owned() };
        let before = self.round.sendings.len();
        let followed = self.settle_by_hand(&subject, &why);
        self.drop_sources_of(&subject);
        self.settle_all(now);
        let told = self.round.sendings[before..].iter().flat_map(|sending| sending.sinks.clone()).collect();
        if followed == 0 {
            self.note(&alert, now, Decision::Resolved { why, sinks: Vec::new(), notification: None });
        }
        Ok(Settled { alert, stopped, told })
    }
}
