//! What is kept, and how it is written.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;

use crate::alert::{AlertKind, Severity};
use crate::event::Timestamp;
use crate::routing::{Came, Captured, Decision, Entry, Noted, Record, plain};
use crate::store::{self, Kept, OutboxChange, Term};
use crate::stored::{Damaged, Reader, Writer};

/// The list of alerts.
pub const ALERTS: u8 = b'a';
/// The list of what has happened to them.
pub const HAPPENINGS: u8 = b'h';

/// The format of what is kept.
const FORMAT: u8 = 1;

/// Something to be kept.
#[derive(Clone, Debug)]
pub enum Item {
    /// An alert has come.
    Alert(Box<Header>, Evidence),
    /// Something has happened to one.
    Happening(Happening),
}

/// What can be listed of an alert.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Header {
    /// What routing knows of it, with what was decided when it came.
    #[serde(flatten)]
    pub record: Record,
    /// What its rule says of itself.
    pub about: Option<String>,
    /// Time of the first captured event.
    pub first_time: Timestamp,
    /// Time of the last captured event.
    pub last_time: Timestamp,
    /// How many the rule's limit had held back before it.
    pub suppressed: u64,
    /// How many events it has captured.
    pub events: usize,
}

/// The rest of an alert.
#[derive(Clone, Debug)]
pub struct Evidence {
    /// The alert as sinks get it.
    pub alert: Box<RawValue>,
    /// What was captured, in the order of the evidence.
    pub captured: Vec<Captured>,
}

/// Something that has happened to an alert after it came.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "snake_case")]
pub enum Happening {
    /// Something was decided of it.
    Decided {
        /// Its id.
        alert: String,
        /// What, in order.
        entries: Vec<Entry>,
    },
    /// Something has come of sending it.
    Delivered(Delivery),
}

/// What has come of sending an alert, or what it was put to, to a sink.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Delivery {
    /// The id that it was sent under.
    pub notification: String,
    /// The sink.
    pub sink: String,
    /// When.
    pub at: Timestamp,
    /// What has come of it.
    pub outcome: Outcome,
    /// What went wrong, if something did.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub error: String,
    /// The sink that gets it instead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
}

/// What has come of sending something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The sink has accepted it.
    Accepted,
    /// An attempt has failed; it is made again.
    Failed,
    /// It is not attempted any more.
    GivenUp,
    /// It goes to another sink.
    Forwarded,
}

impl Delivery {
    /// What a change in the outbox tells of what was sent under an id, if it tells anything.
    pub fn of(change: &OutboxChange<'_>, id: &str, now: Timestamp) -> Option<Delivery> {
        let (sink, outcome, at, error, to) = match *change {
            OutboxChange::Accepted { sink, .. } => (sink, Outcome::Accepted, now, "", None),
            OutboxChange::Failed { sink, error, .. } => (sink, Outcome::Failed, now, error, None),
            OutboxChange::GivenUp { sink, time, error, .. } => (sink, Outcome::GivenUp, time, error, None),
            OutboxChange::Forwarded { sink, to, time, .. } => {
                (sink, Outcome::Forwarded, time, "", Some(to.to_owned()))
            }
            _ => return None,
        };
        // Some receivers answer at length.
        let error = error[..error.floor_char_boundary(LONGEST_ERROR)].to_owned();
        Some(Delivery { notification: id.to_owned(), sink: sink.to_owned(), at, outcome, error, to })
    }
}

/// How many bytes are kept of what went wrong.
const LONGEST_ERROR: usize = 300;

/// Why something that is kept cannot be shown.
#[derive(Debug, thiserror::Error)]
pub enum Unreadable {
    /// A newer version has written it.
    #[error("it has format {0}, and this program knows {FORMAT}")]
    Newer(u8),
    /// It is not what was written.
    #[error(transparent)]
    Damaged(#[from] Damaged),
    /// The same.
    #[error(transparent)]
    Json(#[from] serde_json::Error),
}

/// Something to be kept, as bytes.
#[derive(Debug)]
struct Encoded {
    list: u8,
    id: Option<String>,
    time: Timestamp,
    terms: Vec<Term>,
    body: Vec<u8>,
}

impl Encoded {
    fn as_entry(&self) -> store::Entry<'_> {
        let Encoded { list, id, time, terms, body } = self;
        store::Entry { list: *list, id: id.as_deref(), time: *time, terms, body }
    }
}

/// Items to be kept together, with their bytes.
#[derive(Debug, Default)]
pub struct Batch {
    items: Vec<Item>,
    encoded: Vec<Encoded>,
}

impl Batch {
    /// The items, in order.
    pub fn items(&self) -> &[Item] {
        &self.items
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// The same as the store takes them.
    pub fn entries(&self) -> impl Iterator<Item = store::Entry<'_>> {
        self.encoded.iter().map(Encoded::as_entry)
    }
}

impl Extend<Item> for Batch {
    fn extend<T: IntoIterator<Item = Item>>(&mut self, items: T) {
        for item in items {
            self.encoded.push(item.encode());
            self.items.push(item);
        }
    }
}

impl FromIterator<Item> for Batch {
    fn from_iter<T: IntoIterator<Item = Item>>(items: T) -> Batch {
        let mut batch = Batch::default();
        batch.extend(items);
        batch
    }
}

/// What alerts are looked for by: their id,
pub fn of_id(id: &str) -> Term {
    Term::new("id", id)
}

/// their rule,
pub fn of_rule(rule: &str) -> Term {
    Term::new("rule", rule)
}

/// or a value of their key; and what has happened by what it has happened to.
pub fn of_key(value: &str) -> Term {
    Term::new("key", value)
}

impl Item {
    /// What a round of routing has brought.
    pub fn of_round(noted: Noted) -> impl Iterator<Item = Item> {
        let Noted { came, entries } = noted;
        let mut alerts: Vec<Item> = Vec::with_capacity(came.len());
        let mut places = std::collections::HashMap::new();
        for came in came {
            places.insert(came.record.id.clone(), alerts.len());
            alerts.push(Item::came(came));
        }
        let mut happenings: Vec<Happening> = Vec::new();
        for (alert, entry) in entries {
            if let Some(Item::Alert(header, _)) = places.get(&alert).and_then(|place| alerts.get_mut(*place))
            {
                header.record.decisions.push(entry);
                continue;
            }
            match happenings.last_mut() {
                Some(Happening::Decided { alert: last, entries }) if *last == alert => entries.push(entry),
                _ => happenings.push(Happening::Decided { alert, entries: vec![entry] }),
            }
        }
        alerts.into_iter().chain(happenings.into_iter().map(Item::Happening))
    }

    fn came(came: Came) -> Item {
        let Came { record, about, first_time, last_time, suppressed, captured, outgoing } = came;
        let events = captured.len();
        let header = Header { record, about, first_time, last_time, suppressed, events };
        // What was rendered a moment ago is JSON.
        let alert = RawValue::from_string(outgoing.body.clone()).unwrap_or_default();
        Item::Alert(Box::new(header), Evidence { alert, captured })
    }

    fn encode(&self) -> Encoded {
        let mut body = Writer::default();
        body.byte(FORMAT);
        match self {
            Item::Alert(header, Evidence { alert, captured }) => {
                let record = &header.record;
                body.byte(record.severity as u8);
                body.byte(record.kind as u8);
                body.bytes(&json(&**header));
                body.bytes(&json(captured));
                body.bytes(alert.get().as_bytes());
                let keys = record.key.0.iter().map(|(_, value)| of_key(&plain(value)));
                let mut terms: Vec<Term> =
                    [of_id(&record.id), of_rule(&record.rule)].into_iter().chain(keys).collect();
                terms.sort_unstable();
                terms.dedup();
                let is_limited =
                    record.decisions.iter().any(|entry| matches!(entry.decision, Decision::Limited { .. }));
                // Of those that a limit has held back nobody remembers the id.
                let id = (!is_limited).then(|| record.id.clone());
                Encoded { list: ALERTS, id, time: record.time, terms, body: body.into_bytes() }
            }
            Item::Happening(happening) => {
                body.bytes(&json(happening));
                let time = match happening {
                    Happening::Decided { entries, .. } => {
                        entries.last().map(|entry| entry.at).unwrap_or_default()
                    }
                    Happening::Delivered(delivery) => delivery.at,
                };
                let terms = vec![of_id(happening.of())];
                Encoded { list: HAPPENINGS, id: None, time, terms, body: body.into_bytes() }
            }
        }
    }
}

/// An alert as it is kept, of which as much is read as is asked for.
pub struct KeptAlert<'a> {
    /// How much it matters.
    pub severity: Severity,
    /// Why it was made.
    pub kind: AlertKind,
    header: &'a [u8],
    captured: &'a [u8],
    alert: &'a str,
}

impl<'a> KeptAlert<'a> {
    /// Of what is kept.
    ///
    /// # Errors
    /// When it is not what was written.
    pub fn read(kept: &'a Kept) -> Result<KeptAlert<'a>, Unreadable> {
        let mut reader = begin(kept)?;
        Ok(KeptAlert {
            severity: Severity::ALL[reader.place(Severity::ALL.len())?],
            kind: AlertKind::ALL[reader.place(AlertKind::ALL.len())?],
            header: reader.bytes()?,
            captured: reader.bytes()?,
            alert: reader.text()?,
        })
    }

    /// What can be listed of it.
    ///
    /// # Errors
    /// When it is not what was written.
    pub fn header(&self) -> Result<Header, Unreadable> {
        Ok(serde_json::from_slice(self.header)?)
    }

    /// The alert as sinks get it, as text.
    pub const fn text(&self) -> &'a str {
        self.alert
    }

    /// The rest of it.
    ///
    /// # Errors
    /// When it is not what was written.
    pub fn evidence(&self) -> Result<Evidence, Unreadable> {
        let alert = RawValue::from_string(self.alert.to_owned())?;
        Ok(Evidence { alert, captured: serde_json::from_slice(self.captured)? })
    }
}

impl Happening {
    /// The id of what it has happened to.
    pub fn of(&self) -> &str {
        match self {
            Happening::Decided { alert, .. } => alert,
            Happening::Delivered(delivery) => &delivery.notification,
        }
    }

    /// Of what is kept.
    ///
    /// # Errors
    /// When it is not what was written.
    pub fn read(kept: &Kept) -> Result<Happening, Unreadable> {
        Ok(serde_json::from_slice(begin(kept)?.bytes()?)?)
    }
}

fn begin(kept: &Kept) -> Result<Reader<'_>, Unreadable> {
    let mut reader = Reader::new(&kept.body);
    match reader.byte()? {
        FORMAT => Ok(reader),
        newer => Err(Unreadable::Newer(newer)),
    }
}

fn json(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value).expect("what is kept has text for keys")
}
