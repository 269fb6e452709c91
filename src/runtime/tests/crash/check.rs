//! The end of a world: everything works again, and what came out is held against what came in.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration as Wait;

use crate::alert::Alert;
use crate::event::{PartitionId, StreamId, Timestamp};
use crate::outbox::{OrderKey, Outgoing};
use crate::routing::Settings;
use crate::source::gate::Partitions;
use crate::store::Snapshot;

use super::book::{Entry, How, Record};
use super::engines::{in_order, uninterrupted};
use super::life::{Lasting, Life};
use super::log::Log;
use super::rules::Rules;
use super::sinks::{Receipt, SINKS};
use super::sources::{FEED, SOURCES};
use super::world::{Trouble, World};

/// So many rounds it may take until everything is done, when nothing fails.
const ROUNDS: usize = 400;

impl World {
    /// Nothing fails any more: everything that was sent arrives, and everything that is decided is
    /// delivered. Then it is held against an engine that was never stopped.
    pub async fn settle(&mut self) {
        self.calm();
        if matches!(self.trouble, Trouble::Any) {
            if self.lasting.disk.is_down() {
                self.lasting.disk.crash();
            }
            self.trouble = Trouble::None;
        }
        self.lasting.outside.open(true);
        self.change_rules();
        self.wait();
        self.write_meanwhile();
        let mut life = self.begin().await.expect("nothing fails");
        self.say_last(&mut life);
        let mut quiet = 0;
        for _ in 0..ROUNDS {
            // So that what is quiet is known to be so, where that matters.
            let (pause, rounds) = if self.lasting.rules.idle() { (1_000, 8) } else { (100, 1) };
            life.pass(Wait::from_millis(pause)).await;
            let done = self.round(&mut life).await;
            if !done && self.lasting.disk.is_down() {
                // The one operation at which the power was to go.
                self.end_at_once(life).await;
                life = self.begin().await.expect("nothing fails any more");
                self.say_last(&mut life);
                self.lasting.outside.open(true);
            }
            quiet = if done { quiet + 1 } else { 0 };
            if quiet > rounds {
                break;
            }
        }
        assert!(quiet > 1, "stuck: {}", self.what_is_open(&mut life));
        assert_eq!(life.health.reasons(), [], "all is well again");
        let snapshot = life.current.get();
        self.check(&snapshot);
        drop(snapshot);
        if !self.lasting.rules.idle() {
            self.check_saved();
        }
        let stopped = life.stop(true, &mut self.log).await;
        assert!(stopped.is_ok() || self.lasting.disk.is_down(), "{stopped:?}");
    }

    /// The last records, with which time passes all that rules wait for.
    fn say_last(&mut self, life: &mut Life) {
        self.time += 200_000;
        for place in 0..self.files.len() {
            let record = self.record();
            let record = Record {
                is_event: true,
                rest: format!("\"k\":\"k9\",\"m\":\"m9\",\"v\":0,\"at\":{}", self.time),
                ..record
            };
            if !self.files[place].has_ended {
                self.append(Some(life), place, vec![record]);
            }
        }
        while let Some(place) = self.connections.iter().position(|(source, _)| *source != FEED) {
            self.disconnect(life, place);
        }
        if self.connections.is_empty() && self.lasting.settings.sources.contains(&FEED) {
            self.connect(life, FEED);
        }
        let record = self.record();
        let record = Record {
            is_event: true,
            rest: format!("\"k\":\"k9\",\"m\":\"m9\",\"v\":0,\"at\":{}", self.time),
            ..record
        };
        if let Some((source, parcel)) = self.connections.first().copied() {
            self.say(life, source, parcel, vec![record]);
        }
    }

    /// Every part does what it can. Returns whether there is nothing left to do.
    async fn round(&mut self, life: &mut Life) -> bool {
        let mut round = async || {
            life.round()?;
            life.settle().await;
            life.work(usize::MAX, &mut self.log);
            life.keep(&mut self.log)?;
            life.store(&mut self.log)?;
            life.settle().await;
            life.store(&mut self.log)?;
            life.rest();
            life.is_done(&mut self.log)
        };
        let is_done = round().await.unwrap_or(false);
        is_done && self.open_parcels().is_empty()
    }

    /// What was sent and has not come, or not been answered.
    fn open_parcels(&self) -> Vec<usize> {
        let book = self.lasting.book.lock().expect("no panic");
        let open: BTreeSet<usize> = self.connections.iter().map(|(_, parcel)| *parcel).collect();
        let waits = |(place, parcel): (usize, &super::book::Parcel)| {
            let waits = match parcel.how {
                How::File => false,
                How::Connection => open.contains(&place) && parcel.promised < parcel.sent.len(),
                How::Body => parcel.is_open,
            };
            waits.then_some(place)
        };
        book.parcels.iter().enumerate().filter_map(waits).collect()
    }

    fn what_is_open(&self, life: &mut Life) -> String {
        let (status, lanes) = (life.journal.status(), life.current.get().lanes().clone());
        format!("parcels {:?}, full {}, {lanes:?}, {status:?}", self.open_parcels(), life.driver.is_full())
    }

    fn check(&mut self, snapshot: &Arc<Snapshot>) {
        let log = &self.log.entries;
        self.lasting.book.lock().expect("no panic").check(log);
        self.check_open(log);
        let shards = 1 + self.random.size(3);
        let alerts = match self.lasting.rules.idle() {
            true => in_order(log, self.lasting.rules, shards),
            false => uninterrupted(log, &self.log.rules, shards),
        };
        let passed = self.passed();
        let decided = alerts.iter().filter(|alert| alert.decided_time < passed);
        let decided: BTreeSet<String> = decided.map(|alert| alert.id.clone()).collect();
        let late = |entry: &&Entry| matches!(entry, Entry::Late(_));
        self.counts.late = log.iter().filter(late).count() as u64;
        let changes = self.log.rules.windows(2).filter(|pair| pair[0].1 != pair[1].1);
        self.counts.changes = changes.count() as u64;
        if !self.lasting.rules.idle() {
            self.check_unchanged(&alerts);
        }
        self.counts.alerts = alerts.len() as u64;
        self.counts.events = log.iter().map(|entry| entry.events().len() as u64).sum();
        self.counts.deliveries = self.lasting.outside.deliveries() as u64;
        let letters = snapshot.dead_letters(0, usize::MAX).expect("they can be read");
        self.counts.dead = letters.len() as u64;
        for sink in SINKS {
            let expected = routed(&alerts, sink);
            let dead = letters.iter().filter(|letter| letter.alert.sink == sink);
            let dead = dead.map(|letter| (letter.alert.id.clone(), letter.alert.body.clone()));
            self.check_sink(sink, &expected, &decided, &dead.collect());
        }
    }

    /// How far event time has come at least.
    fn passed(&self) -> Timestamp {
        let millis = |millis: u64| Timestamp::from_micros(1_000 * millis.cast_signed());
        let (last, now) = (millis(self.time), self.lasting.clock.millis());
        let taken = |entry: &Entry| matches!(entry, Entry::Events(events) if events[0].time() == last);
        match self.lasting.rules.idle() {
            true if self.log.entries.iter().any(taken) => last,
            // It follows the clock, after `late` and what rounds take.
            true => millis(now - 6_000),
            false => Timestamp::MAX,
        }
    }

    /// Rules that have never changed do not notice that others did.
    fn check_unchanged(&self, alerts: &[Alert]) {
        let Log { entries, rules, .. } = &self.log;
        let changed: BTreeSet<&str> = rules.iter().flat_map(|(_, rules)| rules.changed()).copied().collect();
        let unchanged = |alerts: &[Alert]| -> Vec<Outgoing> {
            let of_others = alerts.iter().filter(|alert| !changed.contains(&*alert.rule));
            of_others.map(Outgoing::new).collect()
        };
        if !changed.is_empty() {
            let first = Rules { version: 0, ..rules[0].1 };
            assert_eq!(unchanged(alerts), unchanged(&uninterrupted(entries, &[(0, first)], 1)));
        }
    }

    /// Files and lasting sources are open, and no connection is.
    fn check_open(&self, log: &[Entry]) {
        let mut open: BTreeSet<(StreamId, PartitionId)> = BTreeSet::new();
        for entry in log {
            match entry {
                Entry::Opened(stream, partition) => {
                    assert!(open.insert((*stream, *partition)), "{partition:?} was opened twice");
                }
                Entry::Closed(stream, partition) => {
                    assert!(open.remove(&(*stream, *partition)), "{partition:?} was not open");
                }
                Entry::Events(events) | Entry::Late(events) => {
                    let all = |event: &crate::event::Event| {
                        open.contains(&(event.stream(), event.position().partition))
                    };
                    assert!(events.iter().all(all), "events of a partition that is not open: {events:?}");
                }
                Entry::Other => {}
            }
        }
        let files = self.files.iter().filter(|file| !file.has_ended).count();
        let sources = &self.lasting.settings.sources;
        let lasting = sources.iter().filter(|source| SOURCES[**source].2 == Partitions::Source).count();
        // Nobody may have sent a body.
        let possible = [files + lasting, (files + lasting).saturating_sub(1)];
        assert!(possible.contains(&open.len()), "{open:?} are open, and {possible:?} should be");
    }

    /// `decided`: those that had to be by now.
    fn check_sink(
        &self,
        sink: &'static str,
        expected: &[Outgoing],
        decided: &BTreeSet<String>,
        dead: &BTreeMap<String, Vec<u8>>,
    ) {
        let by_id: HashMap<&str, &Outgoing> =
            expected.iter().map(|alert| (alert.id.as_str(), alert)).collect();
        let taken = self.lasting.outside.taken(sink);
        for Receipt { id, key, body } in &taken {
            let Some(alert) = by_id.get(id.as_str()) else {
                panic!("`{sink}` got an alert too many: {body}")
            };
            assert_eq!((&alert.body, &alert.key), (body, key), "`{sink}` got another alert of the same id");
        }
        let ids: BTreeSet<&str> = taken.iter().map(|receipt| receipt.id.as_str()).collect();
        for (id, body) in dead {
            let alert = by_id
                .get(id.as_str())
                .unwrap_or_else(|| panic!("`{sink}`: {id} was given up and never decided"));
            assert_eq!(alert.body.as_bytes(), body, "{id}");
            assert!(self.may_be_given_up(sink, id), "{id} was given up and has not failed so often");
        }
        for alert in expected {
            let is_there = ids.contains(alert.id.as_str()) || dead.contains_key(&alert.id);
            assert!(
                is_there || !decided.contains(&alert.id),
                "`{sink}` did not get an alert: {}",
                alert.body
            );
        }
        self.check_order(sink, expected, &taken);
    }

    fn may_be_given_up(&self, sink: &'static str, id: &str) -> bool {
        self.lasting.outside.may_be_given_up(sink, id, self.lasting.settings.tries)
    }

    /// What a sink got first of each alert came in the order decided, for each key. One that was given up may
    /// come all the same after a crash.
    fn check_order(&self, sink: &'static str, expected: &[Outgoing], taken: &[Receipt]) {
        let place: HashMap<&str, usize> =
            expected.iter().enumerate().map(|(place, alert)| (alert.id.as_str(), place)).collect();
        let mut seen: BTreeSet<&str> = BTreeSet::new();
        let mut last: BTreeMap<OrderKey, usize> = BTreeMap::new();
        for Receipt { id, key, body } in taken {
            if !seen.insert(id) || self.may_be_given_up(sink, id) {
                continue;
            }
            let before = last.insert(*key, place[id.as_str()]);
            assert!(
                before.is_none_or(|before| before < place[id.as_str()]),
                "`{sink}` got this too late: {body}"
            );
        }
    }
}

/// Of what the engine had decided by the checkpoint from which a service goes on, everything has been
/// sent, waits in the outbox or was given up, and nothing else; and it waits once.
pub fn check_outbox(lasting: &Lasting, log: &Log, snapshot: &Snapshot) {
    if lasting.rules.idle() {
        // How far the clock had brought time by then is not known.
        return;
    }
    let alerts = uninterrupted(&log.entries, &log.rules, 1);
    let letters = snapshot.dead_letters(0, usize::MAX).expect("they can be read");
    for sink in SINKS {
        let waiting = match snapshot.lanes().contains_key(sink) {
            true => snapshot.waiting(sink, 0, usize::MAX, u64::MAX).expect("they can be read"),
            false => Vec::new(),
        };
        let dead = letters.iter().filter(|letter| letter.alert.sink == sink);
        let left: BTreeSet<&str> = waiting.iter().map(|waiting| &*waiting.id).collect();
        assert_eq!(left.len(), waiting.len(), "`{sink}` has an alert twice");
        let taken = lasting.outside.taken(sink);
        let mut found: BTreeSet<&str> = taken.iter().map(|receipt| &*receipt.id).collect();
        found.extend(left);
        found.extend(dead.map(|letter| &*letter.alert.id));
        let expected = routed(&alerts, sink);
        let expected: BTreeSet<&str> = expected.iter().map(|alert| &*alert.id).collect();
        assert_eq!(found, expected, "what `{sink}` got or will get, and what was decided");
    }
}

/// What routing is told: alerts go where their rules say.
pub fn to_sinks() -> Settings {
    let (sinks, default_sinks) = (SINKS.map(String::from).to_vec(), vec![SINKS[2].to_owned()]);
    Settings { sinks, default_sinks, ..Settings::default() }
}

/// The alerts that a sink is to get.
fn routed(alerts: &[Alert], sink: &str) -> Vec<Outgoing> {
    let settings = to_sinks();
    let goes_there = |alert: &&Alert| settings.sinks_of_rule(&alert.sinks).iter().any(|name| name == sink);
    alerts.iter().filter(goes_there).map(Outgoing::new).collect()
}
