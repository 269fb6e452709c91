//! Which shard has which key, and so which events a shard must see.

use std::sync::Arc;

use smallvec::SmallVec;

use crate::event::{Event, Key, KeyGroup};
use crate::program::{Program, Route};
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

    /// Takes these events apart: what each shard of a stage gets of them.
    pub fn split(&self, stratum: usize, items: &mut Vec<Item>, parts: &mut [Vec<Item>]) {
        for item in items.drain(..) {
            match self.program.routes(stratum, item.event.stream()) {
                [only] => parts[self.shard_of(only, &item.event)].push(item),
                routes => self.send(routes, item, parts),
            }
        }
    }

    /// Rules with different keys may send one event to several shards; each gets it once.
    fn send(&self, routes: &[Route], item: Item, parts: &mut [Vec<Item>]) {
        let shards: SmallVec<[usize; 8]> =
            routes.iter().map(|route| self.shard_of(route, &item.event)).collect();
        let is_known = |place: usize| shards[..place].contains(&shards[place]);
        let mut firsts = (0..shards.len()).filter(|place| !is_known(*place)).peekable();
        while let Some(first) = firsts.next() {
            let shard = shards[first];
            if first == 0 && firsts.peek().is_none() {
                parts[shard].push(item);
                return;
            }
            let places = (0..).zip(&shards).filter(|(_, of)| **of == shard).map(|(place, _)| place);
            let places: SmallVec<[u32; 8]> = places.collect();
            let routes = match *places {
                [only] => Routes::One(only),
                _ => Routes::Some(places.as_slice().into()),
            };
            parts[shard].push(Item { event: item.event.clone(), origin: item.origin.clone(), routes });
        }
    }

    /// The shard that has the key of an event by a route: each has as many groups of keys, give or
    /// take one. What has no key, because a part of it is null, is counted by the first.
    fn shard_of(&self, route: &Route, event: &Event) -> usize {
        let group = Key::group_of(route.key.iter().map(|field| event.value(*field)));
        group.map_or(0, |KeyGroup(group)| usize::from(group) * self.shards / KeyGroup::COUNT)
    }
}
