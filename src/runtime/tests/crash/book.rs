//! What was sent, what senders were told of it, and what the engine has got.

use std::collections::{BTreeMap, BTreeSet};

use crate::event::{Event, PartitionId, StreamId};
use crate::source::Input;

/// A record as its sender knows it.
#[derive(Clone, Debug)]
pub struct Record {
    /// Its number; none is sent twice, so that one that is sent again has another.
    pub n: u64,
    /// What is in it besides.
    pub rest: String,
    /// Whether it is an event, and not something that is rejected.
    pub is_event: bool,
}

impl Record {
    /// The line that is sent.
    pub fn line(&self) -> String {
        format!("{{\"n\":{},{}}}\n", self.n, self.rest)
    }
}

/// What is promised of records that belong together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// They are in a file: all of them come.
    File,
    /// They come over a connection: so many of the first as were acknowledged, perhaps some more.
    Connection,
    /// They are a body: all if it was accepted, none if it was refused. Of one whose sender was not told
    /// because the service died, all or none.
    Body,
}

/// Records that belong together.
#[derive(Clone, Debug)]
pub struct Parcel {
    pub how: How,
    pub sent: Vec<Record>,
    /// How many of them are promised.
    pub promised: usize,
    /// Nothing of it was taken, its sender was told.
    pub is_refused: bool,
    /// Whether its sender still waits for an answer.
    pub is_open: bool,
}

/// Where an event stands.
pub type Place = (StreamId, PartitionId, u64);

/// What the engine has got.
#[derive(Clone, Debug)]
pub enum Entry {
    Opened(StreamId, PartitionId),
    Closed(StreamId, PartitionId),
    Events(Vec<Event>),
    /// They came too late.
    Late(Vec<Event>),
    /// What changes nothing of the alerts.
    Other,
}

impl Entry {
    pub fn of(input: &Input) -> Entry {
        match input {
            Input::Opened { stream, partition, .. } => Entry::Opened(*stream, *partition),
            Input::Closed { stream, partition, .. } => Entry::Closed(*stream, *partition),
            Input::Events { batch, .. } => Entry::Events(batch.events.clone()),
            Input::Reached { .. }
            | Input::Disconnected { .. }
            | Input::Connected { .. }
            | Input::Brought { .. }
            | Input::Forgotten { .. } => Entry::Other,
        }
    }
}

/// All that was sent, by parcel.
#[derive(Debug, Default)]
pub struct Book {
    pub parcels: Vec<Parcel>,
    /// Where each record stood when the engine first got it, if that cannot be lost any more.
    places: BTreeMap<u64, Place>,
}

impl Book {
    /// Begins a parcel.
    pub fn begin(&mut self, how: How) -> usize {
        let sent = Vec::new();
        self.parcels.push(Parcel { how, sent, promised: 0, is_refused: false, is_open: true });
        self.parcels.len() - 1
    }

    /// The engine gets something: each record has its place for ever.
    pub fn note(&mut self, entry: &Entry) {
        for event in entry.events() {
            let place = place(event);
            let known = *self.places.entry(number(event)).or_insert(place);
            assert_eq!(known, place, "a record has another place than before: {event:?}");
        }
    }

    /// The service goes on from what the engine had got by then. Of files nothing else was kept, and so they
    /// may be read as other partitions now.
    pub fn go_on(&mut self, log: &[Entry]) {
        let kept: BTreeSet<u64> = log.iter().flat_map(Entry::events).map(number).collect();
        let files = self.parcels.iter().filter(|parcel| parcel.how == How::File);
        let of_files: BTreeSet<u64> = files.flat_map(|parcel| &parcel.sent).map(|record| record.n).collect();
        self.places.retain(|n, _| kept.contains(n) || !of_files.contains(n));
    }

    /// Holds what the engine has got in the end against what was sent and promised.
    pub fn check(&self, log: &[Entry]) {
        let mut times: BTreeMap<u64, u32> = BTreeMap::new();
        let mut last: BTreeMap<(StreamId, PartitionId), u64> = BTreeMap::new();
        for event in log.iter().flat_map(Entry::events) {
            *times.entry(number(event)).or_default() += 1;
            let (stream, partition, offset) = place(event);
            let before = last.insert((stream, partition), offset);
            let is_behind = before.is_none_or(|before| before < offset);
            assert!(is_behind, "{event:?} after offset {before:?}: {:#?}", history(log, stream, partition));
        }
        let twice: Vec<_> = times.iter().filter(|(_, times)| **times > 1).collect();
        assert!(twice.is_empty(), "the engine got these twice: {twice:?}");
        let mut sent = 0;
        for parcel in &self.parcels {
            let events: Vec<u64> = parcel.events(parcel.sent.len()).collect();
            let came = events.iter().take_while(|n| times.contains_key(n)).count();
            let behind: Vec<_> = events[came..].iter().filter(|n| times.contains_key(n)).collect();
            assert!(behind.is_empty(), "{behind:?} came, and not what was before it: {parcel:?}");
            let promised = parcel.events(parcel.promised).count();
            assert!(came >= promised, "{came} came of {promised} that were promised: {parcel:?}");
            let is_whole = came == 0 || came == events.len();
            assert!(parcel.how != How::Body || is_whole, "{came} came of a body: {parcel:?}");
            assert!(!parcel.is_refused || came == 0, "it was refused, and came: {parcel:?}");
            sent += came;
        }
        assert_eq!(times.len(), sent, "something came that nobody sent");
    }
}

impl Entry {
    /// Its events.
    pub fn events(&self) -> &[Event] {
        match self {
            Entry::Events(events) | Entry::Late(events) => events,
            _ => &[],
        }
    }
}

impl Parcel {
    /// The numbers of those of the first so many records that are events.
    fn events(&self, first: usize) -> impl Iterator<Item = u64> {
        self.sent[..first].iter().filter(|record| record.is_event).map(|record| record.n)
    }
}

/// What the engine got of a partition, for people.
fn history(log: &[Entry], stream: StreamId, partition: PartitionId) -> Vec<String> {
    let of = |(index, entry): (usize, &Entry)| match entry {
        Entry::Opened(of, id) | Entry::Closed(of, id) => {
            ((*of, *id) == (stream, partition)).then(|| format!("{index}: {entry:?}"))
        }
        Entry::Events(events) | Entry::Late(events) => {
            let own = events.iter().filter(|event| (place(event).0, place(event).1) == (stream, partition));
            let shown: Vec<String> =
                own.map(|event| format!("{}@{}", number(event), place(event).2)).collect();
            (!shown.is_empty()).then(|| format!("{index}: {}", shown.join(" ")))
        }
        Entry::Other => None,
    };
    log.iter().enumerate().filter_map(of).collect()
}

fn place(event: &Event) -> Place {
    (event.stream(), event.position().partition, event.position().offset)
}

/// The number of the record that an event was made of.
fn number(event: &Event) -> u64 {
    let raw = std::str::from_utf8(event.raw()).expect("it is JSON");
    let digits = raw.strip_prefix("{\"n\":").and_then(|rest| rest.split(',').next());
    digits.and_then(|digits| digits.parse().ok()).unwrap_or_else(|| panic!("no record of ours: {raw}"))
}
