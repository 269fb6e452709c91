//! What the tests of sources share.

use std::sync::Arc;

use super::queue::{QueueLimits, Receiver, queue};
use super::*;
use crate::diagnostic::Sources;
use crate::program::Program;
use crate::watch;

struct Still;

impl Clock for Still {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(0)
    }
}

/// The way into a stream `s { id int }`, and what comes out at its end.
pub struct Bench {
    inlet: Inlet,
    stop: watch::Sender<bool>,
    /// The engine's end.
    pub queue: Receiver,
    /// What is counted.
    pub metrics: Arc<SourceMetrics>,
}

impl Bench {
    /// With batches of at most so many events.
    pub fn new(events: usize) -> Bench {
        Bench::after(events, &Positions::default())
    }

    /// The same for sources that had come so far.
    pub fn after(events: usize, positions: &Positions) -> Bench {
        let (program, problems) = Program::compile(&Sources::new([("a.trip", "stream s { id int }")]));
        let program = program.unwrap_or_else(|| panic!("{problems:?}"));
        let stream = program.input("s").expect("it is declared");
        let (sender, queue) = queue(QueueLimits { inputs: 100, bytes: 1 << 20 });
        let (stop, stopped) = watch::channel(false);
        let around = Surroundings {
            limits: SourceLimits { max_line: 1000, batch: BatchLimits { events, bytes: 1 << 20 } },
            numbers: Arc::new(PartitionNumbers::after(positions, ["s"])),
            queue: sender,
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
        let metrics = Arc::new(SourceMetrics::new("source"));
        let identity = Identity {
            name: "source".into(),
            index: 0,
            stream,
            schema: Arc::new(program.schema(stream).clone()),
            kept: program.kept(stream),
            decoding: Decoding {
                format: Format::Json,
                framing: Framing::Lines,
                compression: Compression::None,
            },
            checks: Checks::default(),
            metrics: Arc::clone(&metrics),
        };
        Bench { inlet: Inlet::new(identity, around), stop, queue, metrics }
    }

    /// The way in.
    pub fn inlet(&self) -> Inlet {
        self.inlet.clone()
    }

    /// Asks the source to stop.
    pub fn stop(&self) {
        self.stop.send_replace(true);
    }
}
