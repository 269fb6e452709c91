//! What a store should hold, kept in the simplest way.

use std::collections::{BTreeMap, BTreeSet};

use super::*;
use crate::disk::simulated::Random;

pub type Key = (u16, u8, Vec<u8>);

/// An alert with how often it has failed.
type Sent = (String, Vec<u8>, u32);

/// What can be seen of a store.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Content {
    pub number: u64,
    time: i64,
    journal: u64,
    pub head: Vec<u8>,
    pub rows: BTreeMap<Key, Vec<u8>>,
    positions: Vec<u8>,
    waiting: BTreeMap<(String, u64), Sent>,
    dead: BTreeMap<u64, (String, Sent)>,
    archive: BTreeMap<u64, Archived>,
}

/// An entry of the archive: its list, its time, its term if it has one, and what it says.
type Archived = (u8, i64, Option<&'static str>, Vec<u8>);

/// What a store should hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Model {
    pub content: Content,
    next_alert: u64,
    next_letter: u64,
    next_archived: u64,
    ids: BTreeSet<String>,
}

/// What a commit brings.
#[derive(Clone, Debug, Default)]
pub struct Change {
    time: i64,
    journal: u64,
    head: Vec<u8>,
    rows: Vec<(Key, Option<Vec<u8>>)>,
    positions: Vec<u8>,
    alerts: Vec<(String, String, Vec<u8>)>,
    outbox: Vec<Event>,
    archive: Vec<Archived>,
    archive_before: Option<i64>,
}

#[derive(Clone, Debug)]
enum Event {
    Accepted(String, u64),
    Failed(String, u64, u32),
    GivenUp(String, u64),
    Forwarded(String, u64, String),
    Hurried(String, u64),
    Discarded(String, u64),
    Retried(u64),
    Dropped(u64),
}

fn bytes(random: &mut Random, most: usize) -> Vec<u8> {
    let byte = random.bits().to_le_bytes()[0];
    let mut bytes = vec![byte; random.size(most)];
    bytes.extend(random.bits().to_le_bytes());
    bytes
}

fn key(random: &mut Random) -> Key {
    let group = [0, 1, 2, 300, 1_023][random.size(5)];
    let text = format!("key-{}", random.size(30));
    let length = 1 + random.size(text.len());
    (group, u8::from(random.percent(20)), text.as_bytes()[text.len() - length..].to_vec())
}

fn sink(random: &mut Random) -> String {
    ["hook", "file", "h"][random.size(3)].to_owned()
}

impl Change {
    /// Something that may follow on that.
    pub fn random(random: &mut Random, model: &Model) -> Change {
        let mut change = Change {
            time: i64::try_from(random.below(1_000)).expect("small"),
            journal: model.content.journal + random.below(5),
            head: bytes(random, 400),
            positions: match random.percent(50) {
                true => model.content.positions.clone(),
                false => bytes(random, 40),
            },
            ..Change::default()
        };
        let rows = if random.percent(10) { 200 } else { 12 };
        for _ in 0..random.size(rows) {
            let most = if random.percent(1) { 6_000 } else { 60 };
            let value = random.percent(75).then(|| bytes(random, most));
            change.rows.push((key(random), value));
        }
        for _ in 0..random.size(4) {
            let id = random.size(60).to_string();
            change.alerts.push((sink(random), id, bytes(random, 40)));
        }
        for _ in 0..random.size(3) {
            let term = [None, Some("a"), Some("b")][random.size(3)];
            change.archive.push(([7, 8][random.size(2)], change.time, term, bytes(random, 60)));
        }
        change.archive_before = random.percent(30).then(|| i64::try_from(random.below(300)).expect("small"));
        for _ in 0..random.size(5) {
            let number = 1 + random.below(model.next_alert + 2);
            let letter = 1 + random.below(model.next_letter + 2);
            let (sink, other) = (sink(random), sink(random));
            change.outbox.push(match random.size(11) {
                0..3 => Event::Accepted(sink, number),
                3 | 4 => Event::Failed(sink, number, 1 + u32::from(random.percent(50))),
                5 => Event::GivenUp(sink, number),
                6 => Event::Retried(letter),
                7 => Event::Forwarded(sink, number, other),
                8 => Event::Hurried(sink, number),
                9 => Event::Discarded(sink, number),
                _ => Event::Dropped(letter),
            });
        }
        change
    }

    /// Stores it.
    pub fn commit(&self, store: &mut Store) -> Result<Committed, StoreError> {
        let row = |((group, space, key), value): &'_ (Key, Option<Vec<u8>>)| -> (u16, u8, Vec<u8>, Option<Vec<u8>>) {
            (*group, *space, key.clone(), value.clone())
        };
        let rows: Vec<_> = self.rows.iter().map(row).collect();
        let rows: Vec<Row<'_>> = rows
            .iter()
            .map(|(group, space, key, value)| Row {
                space: *space,
                group: *group,
                key,
                value: value.as_deref(),
            })
            .collect();
        let alerts: Vec<Alert<'_>> = self
            .alerts
            .iter()
            .map(|(sink, id, body)| Alert { sink, id, rule: "rule", key: b"", time: at(0), body })
            .collect();
        let outbox: Vec<OutboxChange<'_>> = self.outbox.iter().map(Event::change).collect();
        let terms = self.archive.iter().map(|(.., term, _)| term.map(|text| Term::new("", text)));
        let terms: Vec<Option<Term>> = terms.collect();
        let entry = |((list, time, _, body), term): (&'_ Archived, &'_ Option<Term>)| -> (u8, i64, Vec<Term>, Vec<u8>) {
            (*list, *time, term.iter().copied().collect(), body.clone())
        };
        let archive: Vec<_> = self.archive.iter().zip(&terms).map(entry).collect();
        let archive: Vec<Entry<'_>> = archive
            .iter()
            .map(|(list, time, terms, body)| Entry { list: *list, id: None, time: at(*time), terms, body })
            .collect();
        store.commit(&Commit {
            time: at(self.time),
            head: &self.head,
            rows: &rows,
            positions: &self.positions,
            journal: self.journal,
            alerts: &alerts,
            outbox: &outbox,
            archive: &archive,
            archive_before: self.archive_before.map(at),
            ..Commit::default()
        })
    }
}

impl Event {
    fn change(&self) -> OutboxChange<'_> {
        match self {
            Event::Accepted(sink, number) => OutboxChange::Accepted { sink, number: *number },
            Event::Failed(sink, number, failed) => {
                OutboxChange::Failed { sink, number: *number, failed: *failed, again: at(7), error: "failed" }
            }
            Event::GivenUp(sink, number) => {
                OutboxChange::GivenUp { sink, number: *number, time: at(8), error: "given up" }
            }
            Event::Forwarded(sink, number, to) => {
                OutboxChange::Forwarded { sink, number: *number, to, time: at(9) }
            }
            Event::Hurried(sink, number) => OutboxChange::Hurried { sink, number: *number },
            Event::Discarded(sink, number) => OutboxChange::Discarded { sink, number: *number },
            Event::Retried(letter) => OutboxChange::Retried { letter: *letter, time: at(9) },
            Event::Dropped(letter) => OutboxChange::Dropped { letter: *letter },
        }
    }
}

impl Model {
    /// What there is after a commit.
    pub fn after(&self, change: &Change) -> Model {
        let mut model = self.clone();
        let content = &mut model.content;
        content.number += 1;
        (content.time, content.journal) = (change.time, change.journal);
        content.head.clone_from(&change.head);
        content.positions.clone_from(&change.positions);
        for (key, value) in &change.rows {
            match value {
                Some(value) => drop(content.rows.insert(key.clone(), value.clone())),
                None => drop(content.rows.remove(key)),
            }
        }
        change.outbox.iter().for_each(|event| model.happens(event));
        let mut new = BTreeSet::new();
        for (sink, id, body) in &change.alerts {
            if !model.ids.contains(id) && new.insert((sink, id)) {
                model.put(sink, (id.clone(), body.clone(), 0));
            }
        }
        model.archive(change);
        model.ids.extend(new.into_iter().map(|(_, id)| id.clone()));
        model
    }

    fn archive(&mut self, change: &Change) {
        let archive = &mut self.content.archive;
        for entry in &change.archive {
            self.next_archived += 1;
            archive.insert(self.next_archived, entry.clone());
        }
        let size = |(.., term, body): &Archived| body.len() + 16 * usize::from(term.is_some());
        while let Some((_, first)) = archive.first_key_value() {
            let is_old = change.archive_before.is_some_and(|before| first.1 < before);
            if !is_old && archive.values().map(size).sum::<usize>() <= 400 {
                break;
            }
            archive.pop_first();
        }
    }

    fn put(&mut self, sink: &str, alert: Sent) {
        self.next_alert += 1;
        self.content.waiting.insert((sink.to_owned(), self.next_alert), alert);
    }

    fn happens(&mut self, event: &Event) {
        let Content { waiting, dead, .. } = &mut self.content;
        match event {
            Event::Accepted(sink, number) | Event::Discarded(sink, number) => {
                drop(waiting.remove(&(sink.clone(), *number)));
            }
            // When it is tried is no part of what is compared here.
            Event::Hurried(..) => {}
            Event::Failed(sink, number, failed) => {
                if let Some(alert) = waiting.get_mut(&(sink.clone(), *number)) {
                    alert.2 = *failed;
                }
            }
            Event::GivenUp(sink, number) => {
                if let Some((id, body, failed)) = waiting.remove(&(sink.clone(), *number)) {
                    self.next_letter += 1;
                    dead.insert(self.next_letter, (sink.clone(), (id, body, failed + 1)));
                    while dead.len() > 5 || size(dead) > 200 && dead.len() > 1 {
                        dead.pop_first();
                    }
                }
            }
            Event::Forwarded(sink, number, to) => {
                if let Some((id, body, _)) = waiting.remove(&(sink.clone(), *number)) {
                    self.put(to, (id, body, 0));
                }
            }
            Event::Retried(letter) => {
                if let Some((sink, (id, body, _))) = dead.remove(letter) {
                    self.put(&sink, (id, body, 0));
                }
            }
            Event::Dropped(letter) => drop(dead.remove(letter)),
        }
    }

    /// How many ids are remembered.
    pub fn ids(&self) -> usize {
        self.ids.len()
    }
}

fn size(dead: &BTreeMap<u64, (String, Sent)>) -> usize {
    dead.values().map(|(sink, (id, body, _))| sink.len() + id.len() + body.len() + "rule".len()).sum()
}

impl Content {
    /// What there is in a snapshot that can be read.
    pub fn of(snapshot: &Arc<Snapshot>, random: &mut Random) -> Content {
        Content::read(snapshot, random).unwrap_or_else(|error| panic!("{error}"))
    }

    /// What there is in a snapshot.
    pub fn read(snapshot: &Arc<Snapshot>, random: &mut Random) -> Result<Content, StoreError> {
        let dead: BTreeMap<u64, (String, Sent)> = snapshot
            .dead_letters(0, usize::MAX)?
            .into_iter()
            .map(|DeadLetter { letter, alert, .. }| {
                (letter, (alert.sink, (alert.id, alert.body, alert.tries.failed)))
            })
            .collect();
        assert_eq!(snapshot.dead().0, dead.len() as u64);
        Ok(Content {
            number: snapshot.number(),
            time: snapshot.time().as_micros(),
            journal: snapshot.journal(),
            head: snapshot.head()?,
            rows: rows_of(snapshot, random)?,
            positions: snapshot.positions()?,
            waiting: waiting_of(snapshot)?,
            dead,
            archive: archive_of(snapshot)?,
        })
    }
}

/// The archive of a snapshot, found in every way in which it can be.
fn archive_of(snapshot: &Snapshot) -> Result<BTreeMap<u64, Archived>, StoreError> {
    let mut found = BTreeMap::new();
    for list in [7, 8] {
        snapshot.archive(list, None, Way::After(0), |kept| {
            found.insert(kept.number, (list, kept.time.as_micros(), None, kept.body));
            true
        })?;
        for term in ["a", "b"] {
            snapshot.archive(list, Some(Term::new("", term)), Way::Before(u64::MAX), |kept| {
                let entry = found.get_mut(&kept.number).expect("it is in its list");
                assert_eq!((entry.0, entry.2.replace(term), &entry.3), (list, None, &kept.body));
                true
            })?;
        }
    }
    assert_eq!(snapshot.archive_size().entries, found.len() as u64);
    Ok(found)
}

/// The rows of a snapshot.
fn rows_of(snapshot: &Arc<Snapshot>, random: &mut Random) -> Result<BTreeMap<Key, Vec<u8>>, StoreError> {
    let border = [0, 1, 2, 300, 1_023, 1_024][random.size(6)];
    let found = snapshot.rows(0..border).chain(snapshot.rows(border..1_024)).map(|row| {
        let row = row?;
        let key = (row.group(), row.space(), row.key().to_vec());
        Ok((key, row.value().expect("it is there").to_vec()))
    });
    let found: Vec<(Key, Vec<u8>)> = found.collect::<Result<_, StoreError>>()?;
    assert!(found.is_sorted_by(|one, other| one.0 < other.0), "each comes once, in order");
    let rows = found.into_iter().collect::<BTreeMap<_, _>>();
    for _ in 0..5 {
        let key = key(random);
        assert_eq!(snapshot.row(key.1, key.0, &key.2)?.as_ref(), rows.get(&key));
    }
    Ok(rows)
}

fn waiting_of(snapshot: &Snapshot) -> Result<BTreeMap<(String, u64), Sent>, StoreError> {
    let (mut lanes, mut found) = (Lanes::new(), BTreeMap::new());
    for sink in ["hook", "file", "h", "none"] {
        for alert in snapshot.waiting(sink, 0, usize::MAX, u64::MAX)? {
            let lane = lanes.entry(sink.to_owned()).or_default();
            lane.alerts += 1;
            lane.bytes += alert.size();
            let Waiting { sink, number, id, body, tries, .. } = alert;
            found.insert((sink, number), (id, body, tries.failed));
        }
    }
    assert_eq!(snapshot.lanes(), &lanes);
    Ok(found)
}
