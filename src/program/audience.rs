//! Whom the events of a stream concern among the rules of a stratum.
//!
//! Enters: the compiled rules and the logs that they read. Leaves: for each stream an [`Audience`], which
//! says how its events are grouped, and leads from the predicates that hold of an event to the rules that
//! it fits and the logs that it enters. Rules that an event does not concern are not touched, however many
//! there are, and neither are their keys.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::{Readings, RuleId, running};
use crate::automaton::{CompiledRule, Index, Place, PredicateId, Predicates, StateId, Trigger};
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

/// A rule of which an event fits a test.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Interest {
    /// The route by which the event goes to it.
    pub route: RouteId,
    /// The rule.
    pub rule: RuleId,
    /// Whether the test is one with which a run can begin. Noted here, since most events of most keys are
    /// of no use to a rule that waits for another event to begin with, and a look at the rule costs more
    /// than all else when there are many.
    pub begins: bool,
}

/// A log that an event enters, with the route by which it goes there.
pub(crate) type ViaLog = (RouteId, LogId);

/// Rules and logs.
#[derive(Debug, Default)]
pub(crate) struct Concerned {
    /// Rules of which an event fits a test.
    pub rules: Vec<Interest>,
    /// Logs that an event enters.
    pub logs: Vec<ViaLog>,
}

/// A list for each predicate of an index, one behind the other.
#[derive(Debug)]
struct Lists<T> {
    all: Vec<T>,
    /// Where each list ends; it begins where the one before it does.
    ends: Vec<u32>,
}

impl<T> Lists<T> {
    fn new(lists: impl Iterator<Item = Vec<T>>) -> Lists<T> {
        let mut all = Vec::new();
        let end = |list| {
            all.extend(list);
            all.len() as u32
        };
        let ends = lists.map(end).collect();
        Lists { all, ends }
    }

    fn of(&self, place: Place) -> &[T] {
        let place = place.0 as usize;
        let begin = if place == 0 { 0 } else { self.ends[place - 1] };
        &self.all[begin as usize..self.ends[place] as usize]
    }
}

/// Whom the events of a stream concern.
#[derive(Debug)]
pub(crate) struct Audience {
    routes: Vec<Route>,
    /// The routes whose key may have a part that is null.
    nullable: Vec<RouteId>,
    index: Index,
    /// For each predicate of the index, the rules that ask it,
    rules: Lists<Interest>,
    /// and the logs.
    logs: Lists<ViaLog>,
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

    /// The rules that an event concerns of which the predicate holds.
    pub fn rules(&self, predicate: Place) -> &[Interest] {
        self.rules.of(predicate)
    }

    /// The logs that it enters.
    pub fn logs(&self, predicate: Place) -> &[ViaLog] {
        self.logs.of(predicate)
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
        let begins_with = |test: usize| {
            if !compiled.begins {
                return false;
            }
            let first = &compiled.automaton.state(StateId::START).transitions;
            first.iter().any(|transition| match transition.trigger {
                Trigger::Take { test: taken, .. } => taken.0 as usize == test,
                Trigger::Absence { .. } => false,
            })
        };
        let mut asked: BTreeMap<Option<PredicateId>, bool> = BTreeMap::new();
        for (test, (of, predicate)) in compiled.rule.tests.iter().zip(&compiled.predicates).enumerate() {
            if of.stream == stream {
                *asked.entry(*predicate).or_default() |= begins_with(test);
            }
        }
        for (predicate, begins) in asked {
            let interest = Interest { route: place, rule: id, begins };
            self.by_predicate.entry(predicate).or_default().rules.push(interest);
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
        let (rules, logs): (Vec<_>, Vec<_>) =
            concerned.map(Option::unwrap_or_default).map(|Concerned { rules, logs }| (rules, logs)).unzip();
        let is_nullable =
            |route: &Route| route.key.iter().any(|field| schema.fields[field.0 as usize].optional);
        let places = (0..).map(RouteId).zip(&self.routes);
        Audience {
            nullable: places.filter(|(_, route)| is_nullable(route)).map(|(place, _)| place).collect(),
            rules: Lists::new(rules.into_iter()),
            logs: Lists::new(logs.into_iter()),
            routes: self.routes,
            index,
            always,
        }
    }
}
