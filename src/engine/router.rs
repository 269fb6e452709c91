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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::Sources;
    use crate::event::{Position, StreamId, Timestamp, Value};
    use crate::program::RouteId;

    /// A router of a program whose stream `s` is read by rules with so many keys of its fields `a`,
    /// `b` and `c`.
    fn router(keys: usize, shards: usize) -> (Arc<Program>, Router) {
        let rules = ["a", "b", "c"].into_iter().take(keys).map(|key| {
            format!("rule by_{key} {{\n by {key}\n event e = s\n match e\n alert low \"x\"\n}}\n")
        });
        let stream = "stream s time at { a int, b int, c int, at timestamp(s) }\n";
        let text: String = std::iter::once(stream.to_owned()).chain(rules).collect();
        let (program, diagnostics) = Program::compile(&Sources::new([("rules.trip", text)]));
        let program = Arc::new(program.unwrap_or_else(|| panic!("{diagnostics:?}")));
        (Arc::clone(&program), Router::new(program, shards))
    }

    #[test]
    fn each_route_of_an_event_is_taken_by_the_shard_of_its_key() {
        for (keys, shards) in [(1, 2), (1, 5), (2, 2), (3, 2), (3, 5)] {
            let (program, router) = router(keys, shards);
            let routes = program.routes(0, StreamId(0));
            for number in 0..100 {
                let values = [number, number / 2, number * 7].map(Value::Int);
                let time = Timestamp::from_micros(number);
                let values = values.into_iter().chain([Value::Timestamp(time)]).collect::<Vec<_>>();
                let event = Event::new(StreamId(0), time, Position::default(), values, []);
                let mut parts: Vec<Vec<Item>> = (0..shards).map(|_| Vec::new()).collect();
                router.split(0, &mut vec![Item::new(event.clone())], &mut parts);
                for (shard, items) in parts.iter().enumerate() {
                    let own: Vec<&Vec<_>> = routes
                        .iter()
                        .filter(|route| router.shard_of(route, &event) == shard)
                        .map(|route| &route.key)
                        .collect();
                    assert_eq!(items.len(), usize::from(!own.is_empty()), "an event comes once");
                    let places = (0..).map(RouteId).zip(routes);
                    let taken = places.filter(|(id, _)| items.iter().any(|item| item.routes.has(*id)));
                    assert_eq!(taken.map(|(_, route)| &route.key).collect::<Vec<_>>(), own);
                }
            }
        }
    }
}
