//! Which alerts are looked for, and how they are found.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;

use crate::alert::{AlertKind, Severity};
use crate::event::Timestamp;
use crate::routing::{Captured, Decision, Entry, plain};
use crate::store::{Kept, StoreError, Term, Way};

use super::item::{self, ALERTS, Delivery, HAPPENINGS, Happening, Header, KeptAlert};
use super::{Rows, unreadable};

/// So many alerts are looked at for one answer.
const MOST_LOOKED_AT: usize = 50_000;

/// Which alerts are looked for: those for which all of this is so.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query {
    /// Their rule is one of these; any if there are none.
    pub rules: Vec<String>,
    /// They matter so much, one of these; any if there are none.
    pub severities: Vec<Severity>,
    /// They were made for one of these reasons; any if there are none.
    pub kinds: Vec<AlertKind>,
    /// Their key has each of these: a value, or `name=value`.
    pub keys: Vec<String>,
    /// This is somewhere in their title or in what is sent of them, in capitals or not.
    pub text: Option<String>,
    /// They came then or later.
    pub since: Option<Timestamp>,
    /// They came before.
    pub until: Option<Timestamp>,
    /// Something was decided of them for this reason.
    pub reason: Option<String>,
    /// They are in one of these conditions; any if there are none.
    pub statuses: Vec<Status>,
}

/// Which part of what is found is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page {
    /// What comes before the entry of this number; none: the last.
    pub before: Option<u64>,
    /// So many at most.
    pub limit: usize,
}

/// What was found.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Found {
    /// The alerts, the last one first.
    pub alerts: Vec<Summary>,
    /// Behind which there may be more, if so.
    pub next: Option<u64>,
    /// How far back it was looked, if not to the end.
    pub searched_to: Option<Timestamp>,
}

/// An alert in a list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// Its number; alerts that came later have larger ones.
    pub number: u64,
    /// What there is to list.
    #[serde(flatten)]
    pub header: Header,
    /// The condition that it is in.
    pub status: Status,
    /// Who has brought it there, if somebody has.
    pub status_by: Option<String>,
}

/// The condition that an alert is in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = AlertStatus)]
pub enum Status {
    /// Nobody has said anything of it.
    #[default]
    Open,
    /// Somebody has seen it.
    Acknowledged,
    /// It is over.
    Resolved,
    /// Nobody was told of it: a limit, a silence or another alert has held it back.
    Held,
}

/// All of an alert.
#[derive(Clone, Debug)]
pub struct Whole {
    /// What is listed of it, with everything that was decided of it since.
    pub summary: Summary,
    /// The alert as sinks get it.
    pub alert: Box<RawValue>,
    /// What was captured, in the order of the evidence.
    pub captured: Vec<Captured>,
    /// What has come of sending it, in order.
    pub deliveries: Vec<Delivery>,
}

impl Status {
    /// Every one.
    pub const ALL: [Status; 4] = [Status::Open, Status::Acknowledged, Status::Resolved, Status::Held];

    /// The word for it.
    pub const fn name(self) -> &'static str {
        match self {
            Status::Open => "open",
            Status::Acknowledged => "acknowledged",
            Status::Resolved => "resolved",
            Status::Held => "held",
        }
    }

    /// The one of that name.
    pub fn of_name(name: &str) -> Option<Status> {
        Status::ALL.into_iter().find(|status| status.name() == name)
    }

    /// What comes of decisions, in order, and who has said so.
    pub fn after<'a>(entries: impl IntoIterator<Item = &'a Entry>) -> (Status, Option<String>) {
        entries.into_iter().fold((Status::Open, None), |before, entry| match &entry.decision {
            Decision::Limited { .. } | Decision::Silenced { .. } | Decision::Inhibited { .. } => {
                (Status::Held, None)
            }
            Decision::Acknowledged { by, .. } => (Status::Acknowledged, Some(by.clone())),
            Decision::Resolved { why, .. } => (Status::Resolved, why.who().map(str::to_owned)),
            _ => before,
        })
    }
}

impl Query {
    /// What all that fits has in common and can be looked for by, if there is anything.
    fn term(&self) -> Option<Term> {
        let of_key = |key: &String| item::of_key(key.split_once('=').map_or(&**key, |(_, value)| value));
        let of_rule = || match &*self.rules {
            [only] => Some(item::of_rule(only)),
            _ => None,
        };
        self.keys.first().map(of_key).or_else(of_rule)
    }

    fn fits_header(&self, header: &Header) -> bool {
        let record = &header.record;
        let has = |wanted: &String| {
            let key = &record.key.0;
            match wanted.split_once('=') {
                Some((name, value)) => key.iter().any(|(known, has)| known == name && plain(has) == value),
                None => key.iter().any(|(_, has)| plain(has) == *wanted),
            }
        };
        (self.rules.is_empty() || self.rules.contains(&record.rule))
            && (self.severities.is_empty() || self.severities.contains(&record.severity))
            && (self.kinds.is_empty() || self.kinds.contains(&record.kind))
            && self.keys.iter().all(has)
    }

    fn fits_summary(&self, summary: &Summary) -> bool {
        let is_for = |reason: &String| {
            summary.header.record.decisions.iter().any(|entry| entry.decision.reason() == reason)
        };
        (self.statuses.is_empty() || self.statuses.contains(&summary.status))
            && self.reason.as_ref().is_none_or(is_for)
    }

    /// Whether an alert fits, without its time.
    pub fn fits(&self, summary: &Summary, text: &str) -> bool {
        self.fits_header(&summary.header)
            && self.fits_text(&summary.header, text)
            && self.fits_summary(summary)
    }

    fn fits_text(&self, header: &Header, text: &str) -> bool {
        let has = |wanted: &String| {
            let wanted = wanted.to_lowercase();
            header.record.title.to_lowercase().contains(&wanted) || text.to_lowercase().contains(&wanted)
        };
        self.text.as_ref().is_none_or(has)
    }

    /// The summary of an alert, if it fits.
    fn pick(&self, rows: &dyn Rows, kept: &Kept) -> Result<Option<Summary>, StoreError> {
        let Some(alert) = unreadable(kept, KeptAlert::read(kept)) else { return Ok(None) };
        // What can be said without a look at the rest.
        if !self.severities.is_empty() && !self.severities.contains(&alert.severity)
            || !self.kinds.is_empty() && !self.kinds.contains(&alert.kind)
        {
            return Ok(None);
        }
        let Some(header) = unreadable(kept, alert.header()) else { return Ok(None) };
        if !self.fits_header(&header) || !self.fits_text(&header, alert.text()) {
            return Ok(None);
        }
        let summary = Summary::now(rows, kept.number, header)?;
        Ok(Some(summary).filter(|summary| self.fits_summary(summary)))
    }
}

impl Summary {
    /// Of an alert that has just come.
    pub fn new(number: u64, header: Header) -> Summary {
        let (status, status_by) = Status::after(&header.record.decisions);
        Summary { number, header, status, status_by }
    }

    /// Of an alert, with what was decided of it since.
    fn now(rows: &dyn Rows, number: u64, mut header: Header) -> Result<Summary, StoreError> {
        for happening in happenings(rows, &header.record.id)? {
            if let Happening::Decided { entries, .. } = happening {
                for entry in entries {
                    // A commit that was made although it seemed to have failed is made twice.
                    if !header.record.decisions.contains(&entry) {
                        header.record.decisions.push(entry);
                    }
                }
            }
        }
        Ok(Summary::new(number, header))
    }
}

/// What has happened to what has that id, in order.
fn happenings(rows: &dyn Rows, id: &str) -> Result<Vec<Happening>, StoreError> {
    let mut found = Vec::new();
    rows.look(HAPPENINGS, Some(item::of_id(id)), Way::After(0), &mut |kept| {
        let happening = unreadable(&kept, Happening::read(&kept));
        found.extend(happening.filter(|happening| happening.of() == id));
        true
    })?;
    Ok(found)
}

/// Finds alerts, the last ones first. When it has looked at many it gives what it has by then.
///
/// # Errors
/// When what is kept cannot be read.
pub fn search(rows: &dyn Rows, query: &Query, page: Page) -> Result<Found, StoreError> {
    let (mut alerts, mut looked_at, mut next, mut searched_to) = (Vec::new(), 0, None, None);
    let mut trouble = None;
    let from = page.before.unwrap_or(u64::MAX);
    rows.look(ALERTS, query.term(), Way::Before(from), &mut |kept| {
        // They are in the order in which they came.
        if query.since.is_some_and(|since| kept.time < since) {
            return false;
        }
        if alerts.len() >= page.limit || looked_at >= MOST_LOOKED_AT {
            next = Some(kept.number + 1);
            searched_to = (alerts.len() < page.limit).then_some(kept.time);
            return false;
        }
        looked_at += 1;
        if query.until.is_some_and(|until| kept.time >= until) {
            return true;
        }
        match query.pick(rows, &kept) {
            Ok(summary) => alerts.extend(summary),
            Err(error) => trouble = Some(error),
        }
        trouble.is_none()
    })?;
    trouble.map_or(Ok(Found { alerts, next, searched_to }), Err)
}

/// The alerts that have come behind a number and fit, the first ones first, and how far it was looked.
///
/// # Errors
/// When what is kept cannot be read.
pub fn following(
    rows: &dyn Rows,
    query: &Query,
    after: u64,
    limit: usize,
) -> Result<(Vec<Summary>, u64), StoreError> {
    let (mut alerts, mut last, mut looked_at, mut trouble) = (Vec::new(), after, 0, None);
    rows.look(ALERTS, query.term(), Way::After(after), &mut |kept| {
        looked_at += 1;
        match query.pick(rows, &kept) {
            Ok(summary) => alerts.extend(summary),
            Err(error) => trouble = Some(error),
        }
        last = kept.number;
        trouble.is_none() && alerts.len() < limit && looked_at < MOST_LOOKED_AT
    })?;
    trouble.map_or(Ok((alerts, last)), Err)
}

/// The ids of alerts that begin so, of those that came last: some of them, if there are many.
///
/// # Errors
/// When what is kept cannot be read.
pub fn ids(rows: &dyn Rows, beginning: &str, most: usize) -> Result<BTreeSet<String>, StoreError> {
    let (mut found, mut looked_at) = (BTreeSet::new(), 0);
    let mut take = |kept: &Kept| {
        let header = unreadable(kept, KeptAlert::read(kept).and_then(|alert| alert.header()));
        found.extend(header.map(|header| header.record.id).filter(|id| id.starts_with(beginning)));
        found.len() < most
    };
    // Whole ids are found at once.
    let mut is_whole = false;
    rows.look(ALERTS, Some(item::of_id(beginning)), Way::Before(u64::MAX), &mut |kept| {
        is_whole = true;
        take(&kept)
    })?;
    if !is_whole {
        rows.look(ALERTS, None, Way::Before(u64::MAX), &mut |kept| {
            looked_at += 1;
            take(&kept) && looked_at < MOST_LOOKED_AT
        })?;
    }
    Ok(found)
}

/// All of an alert, by its whole id.
///
/// # Errors
/// When what is kept cannot be read.
pub fn whole(rows: &dyn Rows, id: &str) -> Result<Option<Whole>, StoreError> {
    let mut found = None;
    rows.look(ALERTS, Some(item::of_id(id)), Way::Before(u64::MAX), &mut |kept| {
        let parts = unreadable(
            &kept,
            KeptAlert::read(&kept).and_then(|alert| Ok((alert.header()?, alert.evidence()?))),
        );
        found = parts.filter(|(header, _)| header.record.id == id).map(|parts| (kept.number, parts));
        found.is_none()
    })?;
    let Some((number, (header, evidence))) = found else { return Ok(None) };
    let summary = Summary::now(rows, number, header)?;
    let mut notifications = vec![id.to_owned()];
    for entry in &summary.header.record.decisions {
        notifications.extend(entry.decision.notification().map(str::to_owned));
    }
    notifications.dedup();
    let mut deliveries: Vec<Delivery> = Vec::new();
    for notification in notifications {
        let delivered =
            happenings(rows, &notification)?.into_iter().filter_map(|happening| match happening {
                Happening::Delivered(delivery) => Some(delivery),
                Happening::Decided { .. } => None,
            });
        for delivery in delivered {
            if !deliveries.contains(&delivery) {
                deliveries.push(delivery);
            }
        }
    }
    deliveries.sort_by_key(|delivery| delivery.at);
    Ok(Some(Whole { summary, alert: evidence.alert, captured: evidence.captured, deliveries }))
}

/// How many alerts came in a stretch of time, by how much they matter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Bucket {
    /// When the stretch begins.
    pub time: Timestamp,
    /// How many of severity `info`.
    pub info: u64,
    /// How many of severity `low`.
    pub low: u64,
    /// How many of severity `medium`.
    pub medium: u64,
    /// How many of severity `high`.
    pub high: u64,
    /// How many of severity `critical`.
    pub critical: u64,
}

impl Bucket {
    fn new(time: Timestamp) -> Bucket {
        Bucket { time, info: 0, low: 0, medium: 0, high: 0, critical: 0 }
    }

    fn count(&mut self, severity: Severity) {
        *match severity {
            Severity::Info => &mut self.info,
            Severity::Low => &mut self.low,
            Severity::Medium => &mut self.medium,
            Severity::High => &mut self.high,
            Severity::Critical => &mut self.critical,
        } += 1;
    }
}

/// Counts the alerts that came since a time, in stretches of so many microseconds. When it has looked at many it gives
/// what it has by then, the last ones.
///
/// # Errors
/// When what is kept cannot be read.
pub fn counts(
    rows: &dyn Rows,
    since: Timestamp,
    until: Timestamp,
    step: i64,
) -> Result<Vec<Bucket>, StoreError> {
    let stretches = (until.as_micros() - since.as_micros()).max(0) / step + 1;
    let time = |place: i64| Timestamp::from_micros(since.as_micros() + place * step);
    let mut buckets: Vec<Bucket> =
        (0..stretches).map(time).filter(|time| *time < until).map(Bucket::new).collect();
    let mut looked_at = 0;
    rows.look(ALERTS, None, Way::Before(u64::MAX), &mut |kept| {
        looked_at += 1;
        let place = (kept.time.as_micros() - since.as_micros()).div_euclid(step);
        let bucket = usize::try_from(place).ok().and_then(|place| buckets.get_mut(place));
        if let (Some(bucket), Some(alert)) = (bucket, unreadable(&kept, KeptAlert::read(&kept))) {
            bucket.count(alert.severity);
        }
        kept.time >= since && looked_at < 4 * MOST_LOOKED_AT
    })?;
    Ok(buckets)
}
