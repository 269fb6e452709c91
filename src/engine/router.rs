//! Which shard has which key, and so which events a shard must see.

use std::sync::Arc;

use smallvec::SmallVec;

use crate::event::{Key, KeyGroup};
use crate::program::Program;
use crate::shard::{Item, Routes};

/// Sends events to the shards that have their keys.
#[derive(Debug)]
pub struct Router {
    program: Arc<Program>,
    shards: usize,
}

impl Router {
    /// For stages of so many shards.
    pub fn new(program: Arc<Program>, shards: usize) -> Router {
        Router { program, shards }
    }

    /// How many shards each stage has.
    pub fn shards(&self) -> usize {
        self.shards
    }

    /// What each shard of a stage gets of these events. Rules with different keys may send one event
    /// to several.
    pub fn split(&self, stratum: usize, items: Vec<Item>) -> Vec<Vec<Item>> {
        if self.shards == 1 {
            return vec![items];
        }
        let mut parts: Vec<Vec<Item>> = (0..self.shards).map(|_| Vec::new()).collect();
        for item in items {
            let event = &item.event;
            let mut wanted: SmallVec<[(usize, SmallVec<[u32; 6]>); 4]> = SmallVec::new();
            for (place, route) in (0..).zip(self.program.routes(stratum, event.stream())) {
                let group = Key::group_of(route.key.iter().map(|field| event.value(*field)));
                let shard = self.shard_of(group);
                match wanted.iter_mut().find(|(known, _)| *known == shard) {
                    Some((_, places)) => places.push(place),
                    None => wanted.push((shard, [place].into_iter().collect())),
                }
            }
            for (shard, places) in wanted {
                parts[shard].push(Item {
                    event: item.event.clone(),
                    origin: item.origin.clone(),
                    routes: Routes::Some(places),
                });
            }
        }
        parts
    }

    /// The shard that has a group of keys: each has as many, give or take one. What has no key, because
    /// a part of it is null, is counted by the first.
    fn shard_of(&self, group: Option<KeyGroup>) -> usize {
        group.map_or(0, |KeyGroup(group)| usize::from(group) * self.shards / KeyGroup::COUNT)
    }
}
