//! What a seed decides of how a service is run.

use std::path::Path;

use crate::config::{ChangedRules, State};
use crate::disk::simulated::Random;
use crate::event::Duration;
use crate::journal::Limits;
use crate::source::SourceLimits;
use crate::source::queue::QueueLimits;
use crate::source::reader::BatchLimits;
use crate::{outbox, store};

use super::sources::SOURCES;

/// How a service is run.
#[derive(Debug)]
pub struct Settings {
    /// Which sources there are.
    pub sources: Vec<usize>,
    pub limits: SourceLimits,
    pub queue: QueueLimits,
    pub lane: outbox::QueueLimits,
    pub store: store::Options,
    journal: Limits,
    memory: Option<u64>,
    max_outbox: u64,
    /// How often an alert is attempted.
    pub tries: u32,
    /// What waits between attempts are made of.
    pub chance: u64,
    /// Whether checkpoints are made while the journal is worked off.
    pub stores_while_recovering: bool,
}

impl Settings {
    pub fn new(random: &mut Random) -> Settings {
        let mut sources: Vec<usize> = (0..SOURCES.len()).filter(|_| random.percent(60)).collect();
        if sources.is_empty() {
            sources.push(random.size(SOURCES.len()));
        }
        let sizes = [(300, 600), (1_000, 3_000), (16_000, 64_000)];
        let (blob, portion) = sizes[random.size(3)];
        let journal = match random.size(3) {
            0 => Limits { disk: 32 << 10, waiting: 8 << 10, entry: 2 << 10, segment: 2 << 10 },
            1 => Limits { disk: 128 << 10, waiting: 8 << 10, entry: 2 << 10, segment: 1 << 10 },
            _ => Limits { disk: 1 << 20, waiting: 64 << 10, entry: 4 << 10, segment: 64 << 10 },
        };
        Settings {
            sources,
            limits: SourceLimits {
                max_line: 1_000,
                batch: BatchLimits { events: 1 + random.size(6), bytes: 1 << 16 },
            },
            queue: QueueLimits {
                inputs: [2, 8, 1_000][random.size(3)],
                bytes: [2_000, 1 << 20][random.size(2)],
            },
            lane: outbox::QueueLimits { alerts: [1, 3, 100][random.size(3)], bytes: 1 << 16 },
            store: store::Options {
                // What does not fit would be written in an order that is no part of the seed.
                cache: 8 << 20,
                sizes: store::Sizes { blob, portion },
                ..store::Options::default()
            },
            journal,
            memory: [None, None, Some(1), Some(20_000)][random.size(4)],
            max_outbox: [1_000, 10_000, 1 << 30][random.size(3)],
            tries: [2, 4, 100][random.size(3)],
            chance: random.bits(),
            stores_while_recovering: random.percent(50),
        }
    }

    /// The same for a run that is to have few operations of the disk: much goes into each checkpoint.
    pub fn in_large_steps(self) -> Settings {
        Settings {
            queue: QueueLimits { inputs: 1_000, bytes: 1 << 20 },
            lane: outbox::QueueLimits { alerts: 100, bytes: 1 << 16 },
            ..self
        }
    }

    /// Where the service keeps its state.
    pub fn state(&self, every: Duration, resets: bool) -> State {
        State {
            moving: None,
            path: Path::new("/state").to_path_buf(),
            checkpoint: every,
            changed_rules: if resets { ChangedRules::Reset } else { ChangedRules::Drain },
            memory: self.memory,
            max_outbox: self.max_outbox,
            keep_alerts: Duration::DAY,
            max_alerts: self.store.archive,
            journal: self.journal,
        }
    }
}
