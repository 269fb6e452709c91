//! Alerts on their way to sinks: those that wait, and those that have been given up.
//!
//! An alert enters with the commit that decided it and leaves when its sink has accepted it; whatever
//! happens to it in between is a change that goes with the next commit, or with one of its own. So an
//! alert that a sink has accepted can come again after a crash, with the same id; none is ever lost.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use crate::event::Timestamp;

use super::DeadLimits;
use super::error::StoreError;
use super::format::{Reader, Writer};
use super::record::Record;
use super::tables::{Edit, Name, STRANGE, TableEdit, View};

/// How many bytes are kept of what went wrong.
const LONGEST_ERROR: usize = 1_000;

/// An alert for one sink, as it enters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Alert<'a> {
    /// The sink that is to get it.
    pub sink: &'a str,
    /// Its id. One that is remembered is not put in again; for several sinks it comes in one commit.
    pub id: &'a str,
    /// The rule that made it, for listings.
    pub rule: &'a str,
    /// What its order is kept by: alerts of a sink for which this is equal are sent in order.
    pub key: &'a [u8],
    /// Its time, by which ids are forgotten.
    pub time: Timestamp,
    /// What is sent.
    pub body: &'a [u8],
}

/// An alert that its sink has not accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// Its number. Those of later commits are larger.
    pub number: u64,
    /// The sink that is to get it.
    pub sink: String,
    /// Its id.
    pub id: String,
    /// The rule that made it.
    pub rule: String,
    /// What its order is kept by.
    pub key: Vec<u8>,
    /// Its time.
    pub time: Timestamp,
    /// What is sent.
    pub body: Vec<u8>,
    /// What has come of sending it.
    pub tries: Tries,
}

/// What has come of trying to send an alert.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tries {
    /// How often it has failed.
    pub failed: u32,
    /// When it is to be tried again; the earliest time if it may be at once.
    pub again: Timestamp,
    /// What went wrong last, or the beginning of it.
    pub error: String,
}

impl Default for Tries {
    fn default() -> Tries {
        Tries { failed: 0, again: Timestamp::MIN, error: String::new() }
    }
}

/// An alert that has been given up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadLetter {
    /// Its number among these; later ones have larger numbers.
    pub letter: u64,
    /// When it was given up.
    pub time: Timestamp,
    /// The alert, with what went wrong last.
    pub alert: Waiting,
}

/// Something that happens to an alert. What is said of one that is not there has no effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutboxChange<'a> {
    /// The sink has accepted it.
    Accepted {
        /// The sink.
        sink: &'a str,
        /// The number of the alert.
        number: u64,
    },
    /// It could not be sent.
    Failed {
        /// The sink.
        sink: &'a str,
        /// The number of the alert.
        number: u64,
        /// How often it has failed by now: said twice, this counts once.
        failed: u32,
        /// When it is to be tried again.
        again: Timestamp,
        /// What went wrong.
        error: &'a str,
    },
    /// It is given up. It may make older ones vanish that have been given up before.
    GivenUp {
        /// The sink.
        sink: &'a str,
        /// The number of the alert.
        number: u64,
        /// When.
        time: Timestamp,
        /// What went wrong.
        error: &'a str,
    },
    /// It is given up for this sink and put behind all others of another, under its id.
    Forwarded {
        /// The sink.
        sink: &'a str,
        /// The number of the alert.
        number: u64,
        /// The other sink.
        to: &'a str,
        /// When.
        time: Timestamp,
    },
    /// It is to be tried again at once, whatever has come of it before.
    Hurried {
        /// The sink.
        sink: &'a str,
        /// The number of the alert.
        number: u64,
    },
    /// It is not needed any more, although no sink has accepted it.
    Discarded {
        /// The sink.
        sink: &'a str,
        /// The number of the alert.
        number: u64,
    },
    /// One that was given up is to be sent again, behind all others.
    Retried {
        /// The number among those that were given up.
        letter: u64,
        /// When: it counts as new from then on.
        time: Timestamp,
    },
    /// One that was given up is not needed any more.
    Dropped {
        /// The number among those that were given up.
        letter: u64,
    },
    /// The receiver of a sink has said that it wants nothing any more.
    Disabled {
        /// The sink.
        sink: &'a str,
        /// When, and what was said by whom.
        why: &'a Disabled,
    },
    /// A sink is used again.
    Enabled {
        /// The sink.
        sink: &'a str,
    },
}

/// That a sink is not used any more, because its receiver has said so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Disabled {
    /// Since when.
    pub since: Timestamp,
    /// What tells the receiver from others, such as a hash of its address: another one has said nothing yet.
    pub receiver: Vec<u8>,
    /// What was said.
    pub error: String,
}

/// What is known of a sink.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lane {
    /// How many alerts wait for it.
    pub alerts: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Whether it is not used, and why.
    pub disabled: Option<Disabled>,
}

impl Lane {
    fn encode(&self) -> Writer {
        let writer = Writer::default().u64(self.alerts).u64(self.bytes);
        // At the end, as it is not there in what older versions have written.
        self.disabled.iter().fold(writer, |writer, Disabled { since, receiver, error }| {
            writer.i64(since.as_micros()).bytes(receiver).bytes(error.as_bytes())
        })
    }

    fn decode(mut reader: Reader<'_>) -> Option<Lane> {
        let (alerts, bytes) = (reader.u64()?, reader.u64()?);
        let disabled = match reader.rest() {
            [] => None,
            _ => Some(Disabled {
                since: Timestamp::from_micros(reader.i64()?),
                receiver: reader.bytes()?.to_vec(),
                error: reader.text()?.to_owned(),
            }),
        };
        Some(Lane { alerts, bytes, disabled })
    }
}

/// What is known of sinks, by name: of those for which something waits, or that are not used.
pub type Lanes = BTreeMap<String, Lane>;

/// The keys of the alerts of a sink begin so.
fn lane_key(sink: &str) -> Vec<u8> {
    // The length comes first, so that no sink's keys lie among those of another.
    let length = u32::try_from(sink.len()).unwrap_or(u32::MAX);
    [&length.to_be_bytes(), sink.as_bytes()].concat()
}

fn alert_key(sink: &str, number: u64) -> Vec<u8> {
    [&lane_key(sink)[..], &number.to_be_bytes()].concat()
}

impl Waiting {
    fn encode(alert: &Alert<'_>) -> Writer {
        let writer = Writer::default().i64(alert.time.as_micros()).bytes(alert.id.as_bytes());
        writer.bytes(alert.rule.as_bytes()).bytes(alert.key).bytes(alert.body)
    }

    fn decode(sink: &str, number: u64, reader: &mut Reader<'_>) -> Option<Waiting> {
        Some(Waiting {
            number,
            sink: sink.to_owned(),
            time: Timestamp::from_micros(reader.i64()?),
            id: reader.text()?.to_owned(),
            rule: reader.text()?.to_owned(),
            key: reader.bytes()?.to_vec(),
            body: reader.bytes()?.to_vec(),
            tries: Tries::default(),
        })
    }

    fn as_alert(&self) -> Alert<'_> {
        let Waiting { sink, id, rule, key, time, body, .. } = self;
        Alert { sink, id, rule, key, time: *time, body }
    }

    /// How many bytes count for the bounds of an outbox.
    pub fn size(&self) -> u64 {
        self.as_alert().size()
    }
}

impl Alert<'_> {
    fn size(&self) -> u64 {
        (self.sink.len() + self.id.len() + self.rule.len() + self.key.len() + self.body.len()) as u64
    }
}

impl Tries {
    fn encode(&self) -> Writer {
        let writer = Writer::default().u32(self.failed).i64(self.again.as_micros());
        writer.bytes(self.error.as_bytes())
    }

    fn decode(reader: &mut Reader<'_>) -> Option<Tries> {
        let (failed, again) = (reader.u32()?, Timestamp::from_micros(reader.i64()?));
        Some(Tries { failed, again, error: reader.text()?.to_owned() })
    }
}

impl DeadLetter {
    fn encode(&self) -> Writer {
        let writer = Writer::default().i64(self.time.as_micros()).u64(self.alert.number);
        let writer = writer.bytes(self.alert.sink.as_bytes());
        let tries = self.alert.tries.encode().done();
        writer.bytes(&tries).rest(&Waiting::encode(&self.alert.as_alert()).done())
    }

    fn decode(letter: u64, reader: &mut Reader<'_>) -> Option<DeadLetter> {
        let (time, number) = (Timestamp::from_micros(reader.i64()?), reader.u64()?);
        let sink = reader.text()?;
        let tries = Tries::decode(&mut Reader::new(reader.bytes()?))?;
        let alert = Waiting { tries, ..Waiting::decode(sink, number, reader)? };
        Some(DeadLetter { letter, time, alert })
    }
}

impl View {
    /// What is known of sinks, by name.
    pub fn lanes(&self) -> Result<Lanes, StoreError> {
        let mut lanes = Lanes::new();
        self.scan(Name::LANES, Bound::Unbounded, |key, value| {
            let sink = std::str::from_utf8(key).ok().map(ToOwned::to_owned);
            let lane = Lane::decode(Name::LANES.unseal(self.file(), key, value)?);
            let damaged = || Name::LANES.damaged(self.file(), key, STRANGE);
            let (sink, lane) = sink.zip(lane).ok_or_else(damaged)?;
            lanes.insert(sink, lane);
            Ok(true)
        })?;
        Ok(lanes)
    }

    /// The alerts that wait for a sink, in order from the number behind `after` on: so many, or fewer
    /// that have so many bytes, but at least one if there is one.
    pub fn waiting(
        &self,
        sink: &str,
        after: u64,
        most: usize,
        most_bytes: u64,
    ) -> Result<Vec<Waiting>, StoreError> {
        let (mut found, mut bytes) = (Vec::new(), 0);
        let (prefix, from) = (lane_key(sink), alert_key(sink, after));
        self.scan(Name::OUTBOX, Bound::Excluded(&from), |key, value| {
            let Some(number) = key.strip_prefix(&*prefix) else { return Ok(false) };
            let damaged = || Name::OUTBOX.damaged(self.file(), key, STRANGE);
            let number = number.try_into().map(u64::from_be_bytes).map_err(|_| damaged())?;
            let mut reader = Name::OUTBOX.unseal(self.file(), key, value)?;
            let alert = Waiting::decode(sink, number, &mut reader).ok_or_else(damaged)?;
            bytes += alert.size();
            if found.len() >= most || bytes > most_bytes && !found.is_empty() {
                return Ok(false);
            }
            found.push(alert);
            Ok(true)
        })?;
        for alert in &mut found {
            let key = alert_key(sink, alert.number);
            let tries = self.get(Name::TRIES, &key, |value| {
                let mut reader = Name::TRIES.unseal(self.file(), &key, value)?;
                Tries::decode(&mut reader).ok_or_else(|| Name::TRIES.damaged(self.file(), &key, STRANGE))
            })?;
            alert.tries = tries.unwrap_or_default();
        }
        Ok(found)
    }

    /// The alerts that have been given up, in order from the number behind `after` on, so many at most.
    pub fn dead_letters(&self, after: u64, most: usize) -> Result<Vec<DeadLetter>, StoreError> {
        let mut found = Vec::new();
        self.scan(Name::DEAD, Bound::Excluded(&after.to_be_bytes()), |key, value| {
            if found.len() >= most {
                return Ok(false);
            }
            let damaged = || Name::DEAD.damaged(self.file(), key, STRANGE);
            let letter = key.try_into().map(u64::from_be_bytes).map_err(|_| damaged())?;
            let mut reader = Name::DEAD.unseal(self.file(), key, value)?;
            found.push(DeadLetter::decode(letter, &mut reader).ok_or_else(damaged)?);
            Ok(true)
        })?;
        Ok(found)
    }
}

/// The beginning of what went wrong: some servers answer at length.
fn shortened(error: &str) -> String {
    error[..error.floor_char_boundary(LONGEST_ERROR)].to_owned()
}

/// An outbox that is being changed.
pub struct OutboxEdit<'t> {
    outbox: TableEdit<'t>,
    tries: TableEdit<'t>,
    dead: TableEdit<'t>,
    lane_rows: TableEdit<'t>,
    limits: DeadLimits,
    lanes: Lanes,
    /// The lanes that have changed.
    touched: BTreeSet<String>,
}

impl<'t> OutboxEdit<'t> {
    pub fn new(edit: &'t Edit, lanes: Lanes, limits: DeadLimits) -> Result<OutboxEdit<'t>, StoreError> {
        Ok(OutboxEdit {
            outbox: edit.table(Name::OUTBOX)?,
            tries: edit.table(Name::TRIES)?,
            dead: edit.table(Name::DEAD)?,
            lane_rows: edit.table(Name::LANES)?,
            limits,
            lanes,
            touched: BTreeSet::new(),
        })
    }

    /// What is known of sinks after all changes.
    pub fn finish(mut self) -> Result<Lanes, StoreError> {
        for sink in &self.touched {
            match self.lanes.get(sink) {
                Some(Lane { alerts: 0, disabled: None, .. }) | None => {
                    self.lanes.remove(sink);
                    self.lane_rows.remove(sink.as_bytes())?;
                }
                Some(lane) => self.lane_rows.seal(sink.as_bytes(), lane.encode())?,
            }
        }
        Ok(self.lanes)
    }

    /// Puts an alert behind all others; its number.
    pub fn put(&mut self, record: &mut Record, alert: &Alert<'_>) -> Result<u64, StoreError> {
        let number = record.next_alert;
        record.next_alert += 1;
        self.outbox.seal(&alert_key(alert.sink, number), Waiting::encode(alert))?;
        let lane = self.lane(alert.sink);
        lane.alerts += 1;
        lane.bytes += alert.size();
        Ok(number)
    }

    /// Does what has happened to an alert.
    pub fn change(&mut self, record: &mut Record, change: &OutboxChange<'_>) -> Result<(), StoreError> {
        match *change {
            OutboxChange::Accepted { sink, number } | OutboxChange::Discarded { sink, number } => {
                self.take(sink, number)?;
            }
            OutboxChange::Hurried { sink, number } => {
                let key = alert_key(sink, number);
                let tries = self.tries(&key)?;
                if tries.failed > 0 {
                    self.tries.seal(&key, Tries { again: Timestamp::MIN, ..tries }.encode())?;
                }
            }
            OutboxChange::Failed { sink, number, failed, again, error } => {
                let key = alert_key(sink, number);
                if self.outbox.unseal(&key, |_| Some(()))?.is_some() {
                    self.tries.seal(&key, Tries { failed, again, error: shortened(error) }.encode())?;
                }
            }
            OutboxChange::GivenUp { sink, number, time, error } => {
                if let Some(mut alert) = self.take(sink, number)? {
                    alert.tries.error = shortened(error);
                    alert.tries.failed = alert.tries.failed.saturating_add(1);
                    self.bury(record, time, alert)?;
                }
            }
            OutboxChange::Forwarded { sink, number, to, time } => {
                if let Some(alert) = self.take(sink, number)? {
                    self.put(record, &Alert { sink: to, time, ..alert.as_alert() })?;
                }
            }
            OutboxChange::Retried { letter, time } => {
                if let Some(letter) = self.dig_up(record, letter)? {
                    self.put(record, &Alert { time, ..letter.alert.as_alert() })?;
                }
            }
            OutboxChange::Dropped { letter } => {
                self.dig_up(record, letter)?;
            }
            OutboxChange::Disabled { sink, why } => {
                let error = shortened(&why.error);
                self.lane(sink).disabled = Some(Disabled { error, ..why.clone() });
            }
            OutboxChange::Enabled { sink } => self.lane(sink).disabled = None,
        }
        Ok(())
    }

    fn lane(&mut self, sink: &str) -> &mut Lane {
        if !self.touched.contains(sink) {
            self.touched.insert(sink.to_owned());
        }
        self.lanes.entry(sink.to_owned()).or_default()
    }

    fn tries(&self, key: &[u8]) -> Result<Tries, StoreError> {
        Ok(self.tries.unseal(key, |mut reader| Tries::decode(&mut reader))?.unwrap_or_default())
    }

    /// Takes an alert out.
    fn take(&mut self, sink: &str, number: u64) -> Result<Option<Waiting>, StoreError> {
        let key = alert_key(sink, number);
        let found = self.outbox.unseal(&key, |mut reader| Waiting::decode(sink, number, &mut reader))?;
        let Some(mut alert) = found else { return Ok(None) };
        alert.tries = self.tries(&key)?;
        self.outbox.remove(&key)?;
        self.tries.remove(&key)?;
        let lane = self.lane(sink);
        lane.alerts = lane.alerts.saturating_sub(1);
        lane.bytes = lane.bytes.saturating_sub(alert.size());
        Ok(Some(alert))
    }

    /// Puts an alert to those that were given up, and drops the oldest of these if they are too many.
    fn bury(&mut self, record: &mut Record, time: Timestamp, alert: Waiting) -> Result<(), StoreError> {
        record.dead += 1;
        record.dead_bytes += alert.size();
        let letter = DeadLetter { letter: record.next_letter, time, alert };
        self.dead.seal(&letter.letter.to_be_bytes(), letter.encode())?;
        record.next_letter += 1;
        while record.dead > self.limits.letters || record.dead_bytes > self.limits.bytes && record.dead > 1 {
            let Some(oldest) = self.dead.first()?.and_then(|key| key.try_into().ok()) else { break };
            self.dig_up(record, u64::from_be_bytes(oldest))?;
            record.dead_dropped += 1;
        }
        Ok(())
    }

    /// Takes one out of those that were given up.
    fn dig_up(&mut self, record: &mut Record, letter: u64) -> Result<Option<DeadLetter>, StoreError> {
        let key = letter.to_be_bytes();
        let found = self.dead.unseal(&key, |mut reader| DeadLetter::decode(letter, &mut reader))?;
        if let Some(letter) = &found {
            self.dead.remove(&key)?;
            record.dead = record.dead.saturating_sub(1);
            record.dead_bytes = record.dead_bytes.saturating_sub(letter.alert.size());
        }
        Ok(found)
    }
}
