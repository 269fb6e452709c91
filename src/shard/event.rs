//! What an event does to the keys of a shard.
//!
//! The predicates that hold of the event say which rules it concerns; only these are looked at, in the
//! order of routes and rules. Besides them, rules whose steps must follow directly see every event of a
//! key for which they have runs: as long as there are such runs, they are looked for among the rules of
//! the key. A key is made only if a run begins.
//!
//! With thousands of rules, a rule is not in the processor's caches when an event concerns it. So a run
//! begins, and ends if nothing comes of it, without a look at its rule, where the rule allows it
//! ([`RunSet::Lone`]).

use super::ahead::Known;
use super::keys::{Slot, Sought};
use super::{Decided, Decision, Item, Order, Shard, past};
use crate::automaton::Place;
use crate::event::{Event, KeyRef};
use crate::expression::History;
use crate::history::{LogId, Moment};
use crate::matcher::{Matcher, RunSet};
use crate::program::{Audience, Interest, Program, Route, RouteId, RuleId};

/// An event on its way through a route.
struct Passing<'a> {
    program: &'a Program,
    item: &'a Item,
    key: Sought<'a>,
    /// Where the record of the key is, if it has one.
    slot: Option<Slot>,
}

/// The moment of an event.
fn moment(event: &Event) -> Moment {
    Moment { now: event.time(), current: Some(event.point()) }
}

impl Shard {
    /// Looks at the next event in the order, of which this is known; event time has passed all that was
    /// due before it.
    pub(super) fn event<'a>(
        &mut self,
        program: &'a Program,
        item: &'a Item,
        known: Known<'_, 'a>,
        decisions: &mut Vec<Decision>,
    ) {
        let event = &item.event;
        let Some(audience) = program.audience(self.stratum, event.stream()) else { return };
        self.answers.recall(audience.index(), known.true_ones);
        self.count_keyless(audience, item);
        self.count_failed(program, audience, item, known.failed);
        self.remember(program, audience, item, known.true_ones);
        let mut decided = Vec::new();
        self.visit(program, audience, known, item, &mut decided);
        self.timers.throw_out(|timer| self.keys.wants(timer));
        self.emit(program, decided, moment(event), decisions);
        self.drop_idle_keys();
    }

    /// Counts the routes by which the event belongs to no group.
    fn count_keyless(&mut self, audience: &Audience, item: &Item) {
        for id in audience.nullable() {
            let route = audience.route(*id);
            if item.routes.has(*id) && has_no_key(route, &item.event) {
                self.counters.keyless += 1;
                self.show_keyless(route, &item.event);
            }
        }
    }

    /// Counts what could not be computed of what is asked of the event alone: a rule asks all its
    /// predicates of each event of its streams, and counts what all rules ask alike for itself.
    fn count_failed(&mut self, program: &Program, audience: &Audience, item: &Item, failed: &[(Place, u64)]) {
        for (predicate, count) in failed {
            let rules = audience.rules(*predicate).iter();
            let rules = rules.filter(|interest| is_taken(audience, item, interest.route));
            let logs = audience.logs(*predicate).iter().filter(|via| is_taken(audience, item, via.0));
            let readers = logs.flat_map(|(_, log)| self.own_readers(program, *log));
            let mut asking: Vec<RuleId> = rules.map(|interest| interest.rule).chain(readers).collect();
            asking.sort_unstable();
            asking.dedup();
            for rule in asking {
                self.counters.faults[rule.0 as usize] += count;
            }
        }
    }

    /// The rules of the shard that read a log. Those of other strata have a log of their own, which
    /// counts for them.
    fn own_readers<'p>(&self, program: &'p Program, log: LogId) -> impl Iterator<Item = RuleId> + use<'p> {
        let stratum = self.stratum;
        let is_own =
            move |rule: &RuleId| program.compiled()[rule.0 as usize].rule.stratum as usize == stratum;
        program.readers(log).iter().copied().filter(is_own)
    }

    /// Adds the event to the logs that keep something of it: before it is matched, since an
    /// aggregate over the past counts the current event unless it says `previous`.
    fn remember(&mut self, program: &Program, audience: &Audience, item: &Item, true_ones: &[Place]) {
        let always = &audience.always().logs;
        let logs = always.iter().chain(true_ones.iter().flat_map(|predicate| audience.logs(*predicate)));
        for &(_, log) in logs.filter(|via| is_taken(audience, item, via.0)) {
            let spec = program.logs().get(log);
            let forgot = self.histories.get_mut().push(log, spec, &item.event, &self.tables, &self.faults);
            let faults = self.faults.take();
            if !forgot && faults == 0 {
                continue;
            }
            for rule in self.own_readers(program, log) {
                self.counters.forgotten[rule.0 as usize] += u64::from(forgot);
                self.counters.faults[rule.0 as usize] += faults;
            }
        }
    }

    /// Offers the event to the rules that it concerns, and to those that see every event.
    fn visit<'a>(
        &mut self,
        program: &'a Program,
        audience: &Audience,
        known: Known<'_, 'a>,
        item: &'a Item,
        decided: &mut Vec<Decided>,
    ) {
        let concerned = known.concerned;
        if self.live.seeing_all == 0 && self.watcher.is_none() {
            for rules in concerned.chunk_by(|one, other| one.route == other.route) {
                self.route(program, audience, (rules[0].route, rules), known, item, decided);
            }
            return;
        }
        let mut rest = concerned;
        for route in (0..audience.routes().len() as u32).map(RouteId) {
            let (rules, others) = rest.split_at(rest.partition_point(|interest| interest.route == route));
            rest = others;
            self.route(program, audience, (route, rules), known, item, decided);
        }
    }

    /// Offers the event to the rules of a route.
    fn route<'a>(
        &mut self,
        program: &'a Program,
        audience: &Audience,
        (id, concerned): (RouteId, &[Interest]),
        known: Known<'_, 'a>,
        item: &'a Item,
        decided: &mut Vec<Decided>,
    ) {
        let route = audience.route(id);
        let sees_all = self.live.seeing_all > 0 && !route.seeing_all.is_empty();
        let watched = self.watched_rule().filter(|rule| route.rules.binary_search(rule).is_ok());
        if !item.routes.has(id) || (concerned.is_empty() && !sees_all && watched.is_none()) {
            return;
        }
        let seek = || {
            let values = route.key.iter().map(|field| item.event.value(*field));
            Some(self.keys.seek(KeyRef::new(values)?))
        };
        let Some(key) = known.key(id).or_else(seek) else { return };
        let slot = self.find(&key, item.event.time());
        let mut passing = Passing { program, item, key, slot };
        let mut others: Vec<RuleId> = watched.into_iter().collect();
        if let Some(slot) = slot.filter(|_| sees_all) {
            // A key may be that of several routes.
            let is_of_route = |rule: &RuleId| route.seeing_all.binary_search(rule).is_ok();
            others.extend(self.keys.active(slot).filter(is_of_route));
        }
        if others.is_empty() {
            for interest in concerned {
                self.offer(&mut passing, interest.rule, Some(interest), decided);
            }
        } else {
            // Of a rule that is there twice, the first counts.
            let concerned = concerned.iter().map(|interest| (interest.rule, Some(interest)));
            let mut all: Vec<(RuleId, Option<&Interest>)> =
                concerned.chain(others.into_iter().map(|rule| (rule, None))).collect();
            all.sort_by_key(|(rule, _)| *rule);
            all.dedup_by_key(|(rule, _)| *rule);
            for (rule, interest) in all {
                self.offer(&mut passing, rule, interest, decided);
            }
        }
        self.touched.extend(passing.slot);
    }

    /// Offers the event to a rule; with the interest, if it fits a test of the rule as far as that looks at
    /// the event alone.
    fn offer(
        &mut self,
        passing: &mut Passing<'_>,
        rule: RuleId,
        interest: Option<&Interest>,
        decided: &mut Vec<Decided>,
    ) {
        let Passing { program, item, key, slot } = passing;
        let (event, moment) = (&item.event, moment(&item.event));
        let compiled = &program.compiled()[rule.0 as usize];
        let is_watched = self.is_watched(rule);
        if is_watched {
            let key = key.key.to_key();
            self.show(program, rule, &key, moment, |watcher, seen| watcher.event(seen, event));
        }
        self.counters.events[rule.0 as usize] += u64::from(interest.is_some());
        let is_active = slot.is_some_and(|slot| self.keys.has_runs(slot, rule))
            && (interest.is_some() || compiled.automaton.sees_every_event);
        if !is_active && !interest.is_some_and(|interest| interest.begins) {
            return;
        }
        let slot = *slot.get_or_insert_with(|| self.keys.insert(key));
        let (held, state) = self.keys.runs_mut(slot, rule);
        if let Some(within) = program.lone(rule).filter(|_| !is_active && !is_watched) {
            state.runs = RunSet::lone(event, within);
            self.live.begin(rule);
            state.schedule(slot, &mut self.timers);
            return;
        }
        let before = state.runs.len();
        let readings = &program.readings(rule).pattern;
        let history = past(program, readings, held.values(), moment, &self.histories);
        let matcher = Matcher {
            rule: compiled,
            tables: &self.tables,
            history: history.as_ref().map(|history| history as &dyn History),
            faults: &self.faults,
        };
        matcher.event(&mut state.runs, event, &self.answers, &mut self.reports);
        self.live.change(rule, compiled, before, state.runs.len());
        state.schedule(slot, &mut self.timers);
        self.count_faults(rule);
        if is_watched {
            let reports = self.reports.clone();
            let key = key.key.to_key();
            self.show(program, rule, &key, moment, |watcher, seen| watcher.after(seen, &reports));
        }
        decided.extend((0..).zip(self.reports.drain(..)).map(|(number, report)| Decided {
            order: Order::of_event(item.cause(), rule, number),
            rule,
            slot,
            report,
        }));
    }

    /// Counts what a rule could not compute by itself.
    pub(super) fn count_faults(&mut self, rule: RuleId) {
        let faults = self.faults.take();
        if faults > 0 {
            self.counters.faults[rule.0 as usize] += faults;
        }
    }
}

/// Whether an event belongs to no group, because a part of the key is null.
fn has_no_key(route: &Route, event: &Event) -> bool {
    route.key.iter().any(|field| event.value(*field).is_null())
}

/// Whether an event comes to the shard by a route, and belongs to a group.
fn is_taken(audience: &Audience, item: &Item, route: RouteId) -> bool {
    item.routes.has(route) && !has_no_key(audience.route(route), &item.event)
}
