//! Whom the events of a stream concern among the rules of a stratum.
//!
//! Enters: the compiled rules and the logs that they read. Leaves: for each stream an [`Audience`], which
//! says how its events are grouped, and leads from the predicates that hold of an event to the rules that
//! it fits and the logs that it enters. Rules that an event does not concern are not touched, however many
//! there are, and neither are their keys.

use std::collections::{BTreeSet, HashMap};

use super::{Readings, RuleId, running};
use crate::automaton::{CompiledRule, Index, Place, PredicateId, Predicates};
use crate::event::{FieldId, StreamId, StreamSchema};
use crate::history::{LogId, Logs};

/// Where the events of a stream go that are grouped by the same fields.
#[derive(Debug)]
pub(crate) struct Route {
    /// The fields that make the key.
    pub key: Vec<FieldId>,
    /// The rules whose sequences the events belong to, in order.
    pub rules: Vec<RuleId>,
    /// Those of them that see every event of a key, whether it fits anything or not.
    pub seeing_all: Vec<RuleId>,
}

/// A route of a stream, by its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct RouteId(pub u32);

/// A rule or a log, with the route by which events go to it.
pub(crate) type Via<T> = (RouteId, T);

/// Rules and logs.
#[derive(Debug, Default)]
pub(crate) struct Concerned {
    /// Rules of which an event fits a test.
    pub rules: Vec<Via<RuleId>>,
    /// Logs that an event enters.
    pub logs: Vec<Via<LogId>>,
}

/// Whom the events of a stream concern.
#[derive(Debug)]
pub(crate) struct Audience {
    routes: Vec<Route>,
    /// The routes whose key may have a part that is null.
    nullable: Vec<RouteId>,
    index: Index,
    /// For each predicate of the index, who asks it.
    by_predicate: Vec<Concerned>,
    /// Who asks nothing.
    always: Concerned,
}

impl Audience {
    /// The ways in which the events are grouped.
    pub fn routes(&self) -> &[Route] {
        &self.routes
    }

    /// One of them.
    pub fn route(&self, id: RouteId) -> &Route {
        &self.routes[id.0 as usize]
    }

    /// The routes by which an event may go nowhere because a part of the key is null.
    pub fn nullable(&self) -> &[RouteId] {
        &self.nullable
    }

    /// What finds the predicates that hold of an event.
    pub fn index(&self) -> &Index {
        &self.index
    }

    /// Whom an event concerns of which the predicate holds.
    pub fn of(&self, predicate: Place) -> &Concerned {
        &self.by_predicate[predicate.0 as usize]
    }

    /// Whom every event concerns.
    pub fn always(&self) -> &Concerned {
        &self.always
    }
}

/// For each stream, whom its events concern among the rules of a stratum, if anyone.
pub(super) fn audiences(
    stratum: u32,
    streams: &[StreamSchema],
    (rules, readings): (&[CompiledRule], &[Readings]),
    logs: &Logs,
    predicates: &Predicates,
) -> Vec<Option<Box<Audience>>> {
    let mut found: HashMap<StreamId, Found<'_>> = HashMap::new();
    for (id, compiled) in running(rules).filter(|(_, compiled)| compiled.rule.stratum == stratum) {
        let rule = &compiled.rule;
        let sequence: BTreeSet<StreamId> = rule.tests.iter().map(|test| test.stream).collect();
        for stream in sequence {
            found.entry(stream).or_default().add_rule(id, compiled, stream);
        }
        for log in readings[id.0 as usize].logs() {
            let spec = logs.get(log);
            found.entry(spec.stream).or_default().add_log(log, &spec.key, spec.filter);
        }
    }
    let audience = |(stream, schema)| Some(Box::new(found.remove(&stream)?.audience(schema, predicates)));
    (0..).map(StreamId).zip(streams).map(audience).collect()
}

/// What has been found of a stream.
#[derive(Default)]
struct Found<'r> {
    routes: Vec<Route>,
    /// The routes by their fields.
    known: HashMap<&'r [FieldId], RouteId>,
    logs: BTreeSet<LogId>,
    by_predicate: HashMap<Option<PredicateId>, Concerned>,
}

impl<'r> Found<'r> {
    /// The route by these fields, made if it is new.
    fn route(&mut self, key: &'r [FieldId]) -> RouteId {
        *self.known.entry(key).or_insert_with(|| {
            self.routes.push(Route { key: key.to_vec(), rules: Vec::new(), seeing_all: Vec::new() });
            RouteId(self.routes.len() as u32 - 1)
        })
    }

    fn add_rule(&mut self, id: RuleId, compiled: &'r CompiledRule, stream: StreamId) {
        let place = self.route(&compiled.rule.key.fields[&stream]);
        let route = &mut self.routes[place.0 as usize];
        route.rules.push(id);
        if compiled.automaton.sees_every_event {
            route.seeing_all.push(id);
        }
        let tests = compiled.rule.tests.iter().zip(&compiled.predicates);
        let asked: BTreeSet<_> =
            tests.filter(|(test, _)| test.stream == stream).map(|(_, predicate)| *predicate).collect();
        for predicate in asked {
            self.by_predicate.entry(predicate).or_default().rules.push((place, id));
        }
    }

    fn add_log(&mut self, id: LogId, key: &'r [FieldId], filter: Option<PredicateId>) {
        let place = self.route(key);
        if self.logs.insert(id) {
            self.by_predicate.entry(filter).or_default().logs.push((place, id));
        }
    }

    fn audience(mut self, schema: &StreamSchema, predicates: &Predicates) -> Audience {
        let always = self.by_predicate.remove(&None).unwrap_or_default();
        let index = Index::new(predicates, self.by_predicate.keys().flatten().copied().collect());
        let places = (0..index.len() as u32).map(Place);
        let concerned = places.map(|place| self.by_predicate.remove(&Some(index.predicate(place))));
        let is_nullable =
            |route: &Route| route.key.iter().any(|field| schema.fields[field.0 as usize].optional);
        let places = (0..).map(RouteId).zip(&self.routes);
        Audience {
            nullable: places.filter(|(_, route)| is_nullable(route)).map(|(place, _)| place).collect(),
            by_predicate: concerned.map(Option::unwrap_or_default).collect(),
            routes: self.routes,
            index,
            always,
        }
    }
}
