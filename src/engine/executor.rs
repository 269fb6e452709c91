//! Who runs the shards: in turn where the engine is, or elsewhere.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::shard::{Decision, Item, Shard, Work};

/// Which shard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The stratum of its rules.
    pub stratum: usize,
    /// Its number among those of the stratum: it has the keys of these groups.
    pub shard: usize,
}

/// Work for a shard.
#[derive(Debug)]
pub struct Task {
    /// Which one.
    pub place: Place,
    /// What it is to do.
    pub work: Work,
}

/// What a task has come to.
#[derive(Debug)]
pub struct Outcome {
    /// The shard.
    pub place: Place,
    /// The alerts that it made, in order.
    pub decisions: Vec<Decision>,
    /// The list of its events, empty, to be used again.
    pub list: Vec<Item>,
}

impl Outcome {
    /// Has a shard do its work.
    pub fn of(shard: &mut Shard, place: Place, work: Work) -> Outcome {
        let mut decisions = Vec::new();
        shard.run(&work, &mut decisions);
        // Who ran the shard frees the events.
        let mut list = work.items;
        list.clear();
        Outcome { place, decisions, list }
    }
}

/// What is done to each shard once it has done what was submitted before.
pub type Visit = Arc<dyn Fn(Place, &mut Shard) + Send + Sync>;

/// Runs shards. Each does its tasks one after another, in the order in which they were submitted.
pub trait Executor: Send {
    /// Takes a task.
    fn submit(&mut self, task: Task);

    /// The outcome of a task; of one shard in the order of its tasks. `None` when there is none yet,
    /// or, when `wait` is true, when all have been given out.
    fn outcome(&mut self, wait: bool) -> Option<Outcome>;

    /// Visits every shard, and waits until that is done.
    fn visit(&mut self, visit: Visit);
}

/// Runs tasks as they are submitted.
pub struct Inline {
    shards: Vec<Vec<Shard>>,
    outcomes: VecDeque<Outcome>,
}

impl Inline {
    /// Runs these shards; by stratum.
    pub fn new(shards: Vec<Vec<Shard>>) -> Inline {
        Inline { shards, outcomes: VecDeque::new() }
    }
}

impl Executor for Inline {
    fn submit(&mut self, Task { place, work }: Task) {
        let shard = &mut self.shards[place.stratum][place.shard];
        self.outcomes.push_back(Outcome::of(shard, place, work));
    }

    fn outcome(&mut self, _: bool) -> Option<Outcome> {
        self.outcomes.pop_front()
    }

    fn visit(&mut self, visit: Visit) {
        for (stratum, shards) in self.shards.iter_mut().enumerate() {
            for (shard, it) in shards.iter_mut().enumerate() {
                visit(Place { stratum, shard }, it);
            }
        }
    }
}
