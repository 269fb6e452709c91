//! What was decided of each alert, kept for a while.
//!
//! It grows at its end: what one round decides is one row, a *page*, with the alerts that are new in it and what has
//! happened to any. The oldest pages go when there are too many alerts or they are too old; what later pages say of
//! alerts that are gone is passed over.

use std::collections::{HashMap, VecDeque};

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use utoipa::ToSchema;

use crate::alert::notification::Named;
use crate::alert::{Alert, AlertKind, Severity};
use crate::event::{Duration, Timestamp};

use super::decision::Decision;
use super::kept::{Change, Kept, Row, Unreadable};

/// So many alerts are kept.
pub const MOST_ALERTS: usize = 10_000;
/// For so long.
pub const LONGEST: Duration = Duration::from_micros(7 * Duration::DAY.as_micros());
/// So much is kept of what happens to one alert.
const MOST_ENTRIES: usize = 64;
/// So many pages at most, so that a long row of small ones does not grow without end.
const MOST_PAGES: usize = 20_000;
/// So many letters of a title are kept.
const LONGEST_TITLE: usize = 300;
/// Keys longer than this as JSON are not kept.
const LONGEST_KEY: usize = 2_000;

/// An alert in the log.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Record {
    /// Its id.
    pub id: String,
    /// The rule's name.
    pub rule: String,
    /// How much it matters.
    pub severity: Severity,
    /// Why it was made.
    pub kind: AlertKind,
    /// The beginning of its title.
    pub title: String,
    /// The key; empty if it is very long.
    #[schema(value_type = Object)]
    pub key: Named<Json>,
    /// When it was certain, in event time.
    pub decided_time: Timestamp,
    /// When it came here.
    pub time: Timestamp,
    /// What is equal for alerts of a rule and key.
    pub subject: String,
    /// What was decided, in order.
    #[serde(default)]
    pub decisions: Vec<Entry>,
}

/// Something that was decided of an alert.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Entry {
    /// When.
    pub at: Timestamp,
    /// What.
    #[serde(flatten)]
    pub decision: Decision,
}

impl Record {
    /// An alert that has come.
    pub fn new(alert: &Alert, key: Vec<(String, Json)>, subject: String, now: Timestamp) -> Record {
        let key = Named(key);
        let is_long = serde_json::to_string(&key).is_ok_and(|text| text.len() > LONGEST_KEY);
        Record {
            id: alert.id.clone(),
            rule: alert.rule.to_string(),
            severity: alert.severity,
            kind: alert.kind,
            title: alert.title.chars().take(LONGEST_TITLE).collect(),
            key: if is_long { Named::default() } else { key },
            decided_time: alert.decided_time,
            time: now,
            subject,
            decisions: Vec::new(),
        }
    }
}

/// What one round has decided.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Page {
    /// When the last of it was.
    time: Timestamp,
    /// The alerts that are new.
    new: Vec<Record>,
    /// What has happened, by the alert's id.
    entries: Vec<(String, Entry)>,
}

impl Row for Page {
    const TABLE: u8 = b'l';
}

/// The log.
#[derive(Debug, Default)]
pub struct Log {
    pages: Kept<Page>,
    /// The pages in order, each with its time and the ids of the alerts that were new in it.
    order: VecDeque<(u64, Timestamp, Vec<String>)>,
    records: HashMap<String, Record>,
    /// The page of the round under way.
    open: Page,
    next: u64,
}

impl Log {
    /// Takes a stored row, if it is one of the log. Pages come in their order.
    pub fn load(&mut self, key: &[u8], value: &[u8]) -> Result<bool, Unreadable> {
        if !self.pages.load(key, value)? {
            return Ok(false);
        }
        let name = String::from_utf8_lossy(&key[1..]).into_owned();
        // What a page holds is in the records; it need not be held twice.
        let Some(Page { time, new, entries }) = self.pages.forget(&name) else { return Ok(true) };
        let number = u64::from_str_radix(&name, 16).unwrap_or(self.next);
        self.next = number + 1;
        self.order.push_back((number, time, new.iter().map(|record| record.id.clone()).collect()));
        self.records.extend(new.into_iter().map(|record| (record.id.clone(), record)));
        for (id, entry) in entries {
            self.add(&id, entry);
        }
        Ok(true)
    }

    /// Whether an alert is known.
    pub fn knows(&self, id: &str) -> bool {
        self.records.contains_key(id)
    }

    /// An alert.
    pub fn get(&self, id: &str) -> Option<&Record> {
        self.records.get(id)
    }

    /// All alerts, in no order.
    pub fn records(&self) -> impl Iterator<Item = &Record> {
        self.records.values()
    }

    /// An alert has come.
    pub fn begin(&mut self, record: Record) {
        if !self.knows(&record.id) {
            self.open.new.push(record.clone());
            self.records.insert(record.id.clone(), record);
        }
    }

    /// Something was decided. Returns whether the alert is known, and there is room for that.
    pub fn note(&mut self, id: &str, entry: Entry) -> bool {
        self.open.time = self.open.time.max(entry.at);
        let is_added = self.add(id, entry.clone());
        if is_added {
            self.open.entries.push((id.to_owned(), entry));
        }
        is_added
    }

    fn add(&mut self, id: &str, entry: Entry) -> bool {
        match self.records.get_mut(id) {
            // The first ones say most: where it went.
            Some(record) if record.decisions.len() < MOST_ENTRIES => {
                record.decisions.push(entry);
                true
            }
            _ => false,
        }
    }

    /// Ends the page of the round, drops old ones, and gives what has changed.
    pub fn take_changes(&mut self, now: Timestamp, changes: &mut Vec<Change>) {
        let mut page = std::mem::take(&mut self.open);
        if !page.new.is_empty() || !page.entries.is_empty() {
            // Of more than may be kept the last are.
            let over = page.new.len().saturating_sub(MOST_ALERTS);
            for record in page.new.drain(..over) {
                self.records.remove(&record.id);
            }
            let Log { records, .. } = self;
            page.entries.retain(|(id, _)| records.contains_key(id));
            let ids = page.new.iter().map(|record| record.id.clone()).collect();
            self.order.push_back((self.next, page.time, ids));
            self.pages.put(name(self.next), page);
            self.next += 1;
        }
        self.drop_old(now);
        self.pages.take_changes(changes);
        let written: Vec<String> = self.pages.iter().map(|(name, _)| name.clone()).collect();
        written.iter().for_each(|name| drop(self.pages.forget(name)));
    }

    fn drop_old(&mut self, now: Timestamp) {
        while let Some((number, time, _)) = self.order.front() {
            let is_old = time.saturating_add(LONGEST) < now;
            if !is_old && self.records.len() <= MOST_ALERTS && self.order.len() <= MOST_PAGES {
                break;
            }
            let number = *number;
            self.pages.remove(name(number));
            if let Some((_, _, ids)) = self.order.pop_front() {
                ids.iter().for_each(|id| drop(self.records.remove(id)));
            }
        }
    }
}

/// The names of pages, in the order of their numbers.
fn name(number: u64) -> String {
    format!("{number:016x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(id: &str) -> Record {
        Record {
            id: id.into(),
            rule: "r".into(),
            severity: Severity::Low,
            kind: AlertKind::Match,
            title: "t".into(),
            key: Named::default(),
            decided_time: Timestamp::from_micros(0),
            time: Timestamp::from_micros(0),
            subject: "s".into(),
            decisions: Vec::new(),
        }
    }

    fn at(days: i64) -> Timestamp {
        Timestamp::from_micros(days * Duration::DAY.as_micros())
    }

    #[test]
    fn it_is_read_again_page_by_page_and_forgets_what_is_old() {
        let mut log = Log::default();
        let mut rows = std::collections::BTreeMap::new();
        let mut keep = |log: &mut Log, now| {
            let mut changes = Vec::new();
            log.take_changes(now, &mut changes);
            for Change { key, value } in changes {
                match value {
                    Some(value) => drop(rows.insert(key, value)),
                    None => drop(rows.remove(&key)),
                }
            }
            rows.clone()
        };
        log.begin(record("a"));
        log.note("a", Entry { at: at(0), decision: Decision::Unrouted });
        keep(&mut log, at(0));
        log.begin(record("b"));
        log.note("a", Entry { at: at(5), decision: Decision::Repeat });
        log.note("b", Entry { at: at(5), decision: Decision::Unrouted });
        log.note("none", Entry { at: at(5), decision: Decision::Unrouted });
        let rows = keep(&mut log, at(5));
        assert_eq!(rows.len(), 2);
        let mut again = Log::default();
        for (key, value) in &rows {
            assert!(again.load(key, value).expect("it is right"));
        }
        for log in [&mut log, &mut again] {
            assert_eq!(log.get("a").map(|record| record.decisions.len()), Some(2));
            log.drop_old(at(8));
            assert!(!log.knows("a") && log.knows("b"));
        }
        assert_eq!(again.next, log.next);
    }

    #[test]
    fn it_is_bounded_however_much_comes_at_once() {
        let mut log = Log::default();
        for number in 0..MOST_ALERTS + 10 {
            log.begin(record(&number.to_string()));
        }
        log.take_changes(at(0), &mut Vec::new());
        assert_eq!((log.records.len(), log.knows("9"), log.knows("10")), (MOST_ALERTS, false, true));
        log.begin(record("x"));
        log.take_changes(at(0), &mut Vec::new());
        assert_eq!(log.records.len(), 1, "the page that made it too many is gone as a whole");
        for _ in 0..100 {
            log.note("x", Entry { at: at(0), decision: Decision::Repeat });
        }
        assert_eq!(log.get("x").map(|record| record.decisions.len()), Some(MOST_ENTRIES));
    }
}
