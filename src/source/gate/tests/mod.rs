//! Records through a journal that loses power, and clients that want to know.

mod bodies;
mod restart;
mod sockets;
mod trouble;

use std::path::Path;
use std::sync::Arc;

use crate::codec::Format;
use crate::diagnostic::Sources;
use crate::disk::{Disk, SimulatedDisk};
use crate::event::{PartitionId, StreamId, Timestamp};
use crate::journal::{Committer, Journal, Limits, Options};
use crate::program::Program;
use crate::source::compression::Compression;
use crate::source::framing::Framing;
use crate::source::positions::{Keeper, Positions, Resume};
use crate::source::queue::{QueueLimits, Receiver, queue};
use crate::source::reader::{BatchLimits, Checks};
use crate::source::{
    Clock, Decoding, Identity, Inlet, Input, LastThings, PartitionNumbers, SourceLimits, Stop, Surroundings,
    Troubles,
};
use crate::telemetry::catalogue::{JournalMetrics, SourceMetrics};
use crate::watch;

use super::*;

struct Still;

impl Clock for Still {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(7)
    }
}

/// Sources of a stream `s { id int }`, a journal and the queue of the engine, from a start to a stop.
struct Life {
    around: Surroundings,
    /// The engine's end.
    queue: Receiver,
    /// How far everything has come when the journal had been worked off.
    positions: Positions,
    recovered: Recovered,
    stop: watch::Sender<bool>,
}

/// What the sources of these tests are, by name.
const SOURCES: [(&str, Partitions); 3] =
    [("conn", Partitions::Connections), ("lasting", Partitions::Source), ("file", Partitions::Files)];

fn identity(name: &str, format: Format) -> Identity {
    let (program, problems) = Program::compile(&Sources::new([("a.trip", "stream s { id int }")]));
    let program = program.unwrap_or_else(|| panic!("{problems:?}"));
    let stream = program.input("s").expect("it is declared");
    Identity {
        name: name.into(),
        index: SOURCES.iter().position(|(known, _)| *known == name).expect("one of them"),
        stream,
        schema: Arc::new(program.schema(stream).clone()),
        kept: program.kept(stream),
        decoding: Decoding { format, framing: Framing::Lines, compression: Compression::None },
        checks: Checks::default(),
        metrics: Arc::new(SourceMetrics::new(name)),
    }
}

fn csv() -> Format {
    Format::Csv(crate::codec::csv::Settings::default())
}

/// Opens a journal whose committer is asked by hand.
fn journal(disk: &SimulatedDisk, known: u64, limits: Limits) -> (Journal, Committer, Listening) {
    let listening = Listening::new(Arc::new(JournalMetrics::new("")));
    let options = Options { limits, known, on_change: Some(listening.listener()), ..Options::default() };
    let disk: Arc<dyn Disk> = Arc::new(disk.clone());
    let (journal, committer) = Journal::open(disk, Path::new("/state/journal"), options).expect("opened");
    (journal, committer, listening)
}

impl Life {
    /// Works off the journal behind `positions` and goes on. What it was goes to `taken`.
    async fn begin(
        journal: Journal,
        listening: &Listening,
        mut positions: Positions,
        format: &Format,
        mut taken: impl FnMut(&Input),
    ) -> Life {
        let (sender, mut receiver) = queue(QueueLimits { inputs: 1_000, bytes: 1 << 20 });
        let (stop, stopped) = watch::channel(false);
        let mut around = Surroundings {
            limits: SourceLimits { max_line: 1000, batch: BatchLimits { events: 4, bytes: 1 << 16 } },
            numbers: Arc::new(PartitionNumbers::new(1)),
            queue: sender.clone(),
            gate: None,
            resume: Resume::default(),
            quarantine: None,
            flow: Arc::default(),
            settled: watch::channel(Arc::default()).1,
            last: LastThings::default(),
            troubles: Troubles::default(),
            stop: Stop::new(stopped),
            clock: Arc::new(Still),
        };
        let wanted: Vec<Wanted> = SOURCES
            .map(|(name, has)| Wanted {
                inlet: Inlet::new(identity(name, format.clone()), around.clone()),
                has,
            })
            .into();
        let streams = |name: &str| (name == "s").then_some(StreamId(0));
        let recovered = {
            let recovering = recover(&journal, &mut positions, &wanted, streams, &sender);
            let mut recovering = std::pin::pin!(recovering);
            loop {
                tokio::select! {
                    biased;
                    queued = receiver.recv() => taken(&queued.expect("the sender is here").input),
                    done = &mut recovering => break done.expect("the journal can be worked off"),
                }
            }
        };
        while let Ok(queued) = receiver.try_recv() {
            taken(&queued.input);
        }
        let (gate, forwarder) = super::gate(journal, listening, sender, 1 << 20);
        tokio::spawn(forwarder.run());
        around.gate = Some(gate);
        around.numbers = Arc::new(PartitionNumbers::after(&positions, ["s"]));
        around.resume = Resume::at(positions.clone());
        Life { around, queue: receiver, positions, recovered, stop }
    }

    /// A life without a past.
    async fn new(journal: Journal, listening: &Listening) -> Life {
        Life::begin(journal, listening, Positions::default(), &Format::Json, |_| {}).await
    }

    fn inlet(&self, name: &str, format: &Format) -> Inlet {
        Inlet::new(identity(name, format.clone()), self.around.clone())
    }

    /// What the engine would get now.
    async fn arrived(&mut self) -> Vec<Input> {
        // All who can go on do so.
        for _ in 0..20 {
            tokio::task::yield_now().await;
        }
        std::iter::from_fn(|| self.queue.try_recv().ok()).map(|queued| queued.input).collect()
    }
}

/// The positions and records of the events.
fn events(inputs: &[Input]) -> Vec<(u32, u64, String)> {
    let batches = inputs.iter().filter_map(|input| match input {
        Input::Events { batch, .. } => Some(&batch.events),
        _ => None,
    });
    let event = |event: &crate::event::Event| {
        let raw = String::from_utf8_lossy(event.raw()).into_owned();
        (event.position().partition.0, event.position().offset, raw)
    };
    batches.flatten().map(event).collect()
}

fn connection() -> crate::source::positions::Kind {
    crate::source::positions::Kind::Connection("peer".into())
}
