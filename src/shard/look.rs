//! Looking at partial matches: those of a rule, those of a key, those that end soonest.
//!
//! Enters: a question ([`Look`]). Leaves: how many there are of each rule that was asked for, and as many of
//! them as are wanted, those first of which something is decided soonest ([`Found`]). Nothing is changed. One
//! key is found at once; looking at all keys takes time by how many there are, and no memory. Of those that are
//! not in memory, a bounded number is read.

use std::borrow::Cow;
use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;

use smallvec::SmallVec;

use super::keys::{Record, Slot};
use super::misses::NearMiss;
use super::{Restore, Shard};
use crate::automaton::CompiledRule;
use crate::event::stored::Events;
use crate::event::{Duration, Key, StreamSchema, Timestamp, Type, Value};
use crate::language::checked::KeySpec;
use crate::matcher::view::{Looking, RunView};
use crate::matcher::{Run, RunSet};
use crate::program::{Program, RuleId};
use crate::stored::{Damaged, Reader};

/// Where several keys are asked for, so many runs of each are shown.
const OF_KEY: usize = 5;

/// So many keys that are not in memory are read at most to look at what is held for them.
const MOST_READ: usize = 10_000;

/// Which partial matches to look at.
#[derive(Clone, Debug)]
pub struct Look {
    /// For each rule, of which keys; none of those that are not asked for.
    rules: Vec<Option<Wanted>>,
    /// How many to show.
    most: usize,
    /// How many of one rule and key.
    of_key: usize,
    /// The rule of which the runs in each state are counted, if one is.
    counted: Option<RuleId>,
}

/// Which keys of a rule.
#[derive(Clone, Debug)]
enum Wanted {
    Every,
    /// This one.
    One(Key),
    /// Those with all of these.
    With(Vec<Part>),
}

/// Something that a key must have.
#[derive(Clone, Debug)]
struct Part {
    /// In this place; none: in any.
    at: Option<usize>,
    /// The value, as it would be in each place; none where it cannot be.
    values: SmallVec<[Option<Value>; 3]>,
}

impl Part {
    fn new(program: &Program, key: &KeySpec, text: &str) -> Part {
        let named = text.split_once('=').and_then(|(name, rest)| {
            let at = key.names.iter().position(|known| known == name)?;
            Some((at, rest))
        });
        let (at, text) = named.map_or((None, text), |(at, rest)| (Some(at), rest));
        let values = types(program, key).map(|ty| value(text, ty)).collect();
        Part { at, values }
    }

    fn fits(&self, key: &[Value]) -> bool {
        let mut places = key.iter().zip(&self.values).enumerate();
        places.any(|(place, (value, wanted))| {
            self.at.is_none_or(|at| at == place) && wanted.as_ref().is_some_and(|wanted| value == wanted)
        })
    }

    /// The place that it is for, if there is only one.
    fn place(&self) -> Option<usize> {
        self.at.or((self.values.len() == 1).then_some(0))
    }
}

/// The types of the parts of a key.
fn types(program: &Program, key: &KeySpec) -> impl Iterator<Item = Type> {
    let first = key.fields.iter().next();
    let types = first.map(|(stream, fields)| {
        let schema: &StreamSchema = program.schema(*stream);
        fields.iter().map(|field| schema.fields[field.0 as usize].ty.value_type()).collect::<Vec<_>>()
    });
    types.unwrap_or_default().into_iter()
}

/// What a text stands for as a value of a type.
fn value(text: &str, ty: Type) -> Option<Value> {
    match ty {
        Type::Bool => text.parse().ok().map(Value::Bool),
        Type::Int => text.parse().ok().map(Value::Int),
        Type::Float => text.parse().ok().map(Value::float).filter(|value| !value.is_null()),
        Type::Str => Some(Value::text(text)),
        Type::Timestamp => Timestamp::parse(text).map(Value::Timestamp),
        Type::Duration => Duration::parse(text).map(Value::Duration),
        Type::Ip => text.parse().ok().map(Value::Ip),
        Type::Null => None,
    }
}

impl Wanted {
    fn new(program: &Program, key: &KeySpec, texts: &[String]) -> Wanted {
        if texts.is_empty() {
            return Wanted::Every;
        }
        let parts: Vec<Part> = texts.iter().map(|text| Part::new(program, key, text)).collect();
        let value_at = |place: usize| {
            let part = parts.iter().find(|part| part.place() == Some(place))?;
            part.values[place].clone()
        };
        let values: Option<SmallVec<[Value; 3]>> = (0..key.names.len()).map(value_at).collect();
        let whole = values.filter(|values| parts.iter().all(|part| part.fits(values)));
        match whole.filter(|values| !values.is_empty()).and_then(|values| Key::new(&values)) {
            Some(key) => Wanted::One(key),
            None => Wanted::With(parts),
        }
    }

    fn fits(&self, key: &Key) -> bool {
        match self {
            Wanted::Every => true,
            Wanted::One(one) => one == key,
            Wanted::With(parts) => parts.iter().all(|part| part.fits(key.values())),
        }
    }
}

impl Look {
    /// At the partial matches of a rule and its old versions, or of all, for keys that have these parts: each a value, or
    /// `name=value` where the name is that of a part of the key. Old versions of a rule are asked for with it. Shows so
    /// many at most. None when there is no such
    /// rule.
    pub fn new(program: &Program, rule: Option<&str>, key: &[String], most: usize) -> Option<Look> {
        let rule = match rule {
            Some(name) => Some(program.rule(name)?),
            None => None,
        };
        let ids = (0..).map(RuleId).zip(program.compiled());
        let of_rule = |(id, compiled): (RuleId, &CompiledRule)| {
            let is_asked = rule.is_none_or(|rule| rule == program.now(id));
            is_asked.then(|| Wanted::new(program, &compiled.rule.key, key))
        };
        let mut look = Look { rules: ids.map(of_rule).collect(), most, of_key: most, counted: None };
        if look.only().is_none() {
            // Many that began one after the other would hide the other keys.
            look.of_key = OF_KEY;
        }
        Some(look)
    }

    /// At how many partial matches of a rule stand in each state, whatever their key. None when there is no such rule.
    pub fn at_states(program: &Program, rule: &str) -> Option<Look> {
        let counted = program.rule(rule)?;
        let rules = (0..).map(RuleId).zip(program.compiled());
        let rules = rules.map(|(id, _)| (id == counted).then_some(Wanted::Every)).collect();
        Some(Look { rules, most: 0, of_key: 0, counted: Some(counted) })
    }

    /// The same without a bound on how many are shown of one rule and key.
    pub fn all_of_a_key(self) -> Look {
        Look { of_key: self.most, ..self }
    }

    /// Whether all keys have to be looked at, as those that are asked for are not asked for as a whole.
    pub fn is_at_all_keys(&self) -> bool {
        self.only().is_none()
    }

    /// How many it shows at most.
    pub fn most(&self) -> usize {
        self.most
    }

    /// Whether it asks for a rule's runs for a key.
    pub(crate) fn wants(&self, rule: RuleId, key: &Key) -> bool {
        self.rules.get(rule.0 as usize).and_then(Option::as_ref).is_some_and(|wanted| wanted.fits(key))
    }

    /// Whether it asks for any rule's runs for a key.
    pub(crate) fn wants_any(&self, key: &Key) -> bool {
        self.rules.iter().flatten().any(|wanted| wanted.fits(key))
    }

    /// The keys that it asks for, each once, if it asks for no others.
    pub(crate) fn only(&self) -> Option<Vec<&Key>> {
        let mut only: Vec<&Key> = Vec::new();
        for wanted in self.rules.iter().flatten() {
            match wanted {
                // It has no part that fits: no key of the rule is wanted.
                Wanted::With(parts) if parts.iter().any(|part| part.values.iter().all(Option::is_none)) => {}
                Wanted::One(key) if only.contains(&key) => {}
                Wanted::One(key) => only.push(key),
                _ => return None,
            }
        }
        Some(only)
    }
}

/// What was found.
#[derive(Clone, Debug, Default)]
pub struct Found {
    /// For each rule, and behind these for each old version of one, how many keys were found, and how many runs they
    /// have.
    pub counts: Vec<(u64, u64)>,
    /// For each state of the rule of which that is counted, how many runs stand in it; nothing if it is of none.
    pub states: Vec<u64>,
    /// Some of the runs.
    pub runs: Vec<FoundRun>,
    /// The last near misses of the rule of which states are counted, the last ones first.
    pub misses: Vec<NearMiss>,
    /// For how many keys more that are not in memory something is held of which nobody has looked whether it is
    /// asked for: to read them all would keep events waiting for too long.
    pub not_read: u64,
}

/// A run that was found.
#[derive(Clone, Debug)]
pub struct FoundRun {
    /// The moment at which something is decided next for the runs of its rule and key.
    pub due: Timestamp,
    /// How many runs of its rule and key there are.
    pub of_key: u64,
    /// The run.
    pub run: RunView,
}

impl Found {
    /// Nothing, for so many rules.
    pub(crate) fn nothing(rules: usize) -> Found {
        Found { counts: vec![(0, 0); rules], ..Found::default() }
    }

    /// What was found here and there; of the runs those that come first, so many.
    pub(crate) fn and(mut self, other: Found, most: usize) -> Found {
        for (own, more) in self.counts.iter_mut().zip(other.counts) {
            *own = (own.0 + more.0, own.1 + more.1);
        }
        self.states.resize(self.states.len().max(other.states.len()), 0);
        self.states.iter_mut().zip(other.states).for_each(|(own, more)| *own += more);
        self.not_read += other.not_read;
        self.misses.extend(other.misses);
        self.misses.sort_by_key(|miss| Reverse(miss.ended));
        self.runs.extend(other.runs);
        // Those of one key stay together and in their order.
        self.runs.sort_by_key(|found| found.due);
        self.runs.truncate(most);
        self
    }

    /// How many runs there are.
    pub fn total(&self) -> u64 {
        self.counts.iter().map(|(_, runs)| runs).sum()
    }
}

/// What is looked through.
pub(crate) struct Search<'a, T> {
    program: &'a Program,
    look: &'a Look,
    passed: Timestamp,
    counts: Vec<(u64, u64)>,
    states: Vec<u64>,
    nearest: BinaryHeap<Near<T>>,
}

/// The runs of a rule for a key.
struct Near<T> {
    due: Timestamp,
    rule: RuleId,
    what: T,
}

impl<T> PartialEq for Near<T> {
    fn eq(&self, other: &Near<T>) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl<T> Eq for Near<T> {}

impl<T> PartialOrd for Near<T> {
    fn partial_cmp(&self, other: &Near<T>) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<T> Ord for Near<T> {
    fn cmp(&self, other: &Near<T>) -> Ordering {
        (self.due, self.rule).cmp(&(other.due, other.rule))
    }
}

impl<'a, T> Search<'a, T> {
    /// Nothing has been found yet; all times before `passed` have passed.
    pub fn new(program: &'a Program, look: &'a Look, passed: Timestamp) -> Search<'a, T> {
        let counts = vec![(0, 0); program.compiled().len()];
        let counted = look.counted.map(|rule| &program.compiled()[rule.0 as usize]);
        let states = vec![0; counted.map_or(0, |rule| rule.automaton.states.len())];
        Search { program, look, passed, counts, states, nearest: BinaryHeap::new() }
    }

    /// Offers the runs of a rule for a key; `what` finds them again.
    pub fn offer(&mut self, rule: RuleId, key: &Key, runs: &RunSet, what: impl FnOnce() -> T) {
        if runs.is_empty() || !self.look.wants(rule, key) {
            return;
        }
        let count = &mut self.counts[rule.0 as usize];
        *count = (count.0 + 1, count.1 + runs.len() as u64);
        if self.look.counted == Some(rule) {
            let compiled = &self.program.compiled()[rule.0 as usize];
            runs.states(compiled, &mut |state, count| self.states[state.0 as usize] += count);
        }
        let due = runs.due();
        if self.nearest.len() < self.look.most {
            self.nearest.push(Near { due, rule, what: what() });
        } else if let Some(mut last) = self.nearest.peek_mut()
            && (due, rule) < (last.due, last.rule)
        {
            *last = Near { due, rule, what: what() };
        }
    }

    /// What was found; `show` gives the runs that were offered.
    pub fn finish(self, mut show: impl FnMut(&T, &mut dyn FnMut(&Key, &RunSet), RuleId)) -> Found {
        let mut found = Found { counts: self.counts, states: self.states, ..Found::default() };
        let (program, most, passed) = (self.program, self.look.most, self.passed);
        let of_key = self.look.of_key;
        let mut looking: Option<(RuleId, Looking<'_>)> = None;
        for near in self.nearest.into_sorted_vec() {
            let room = (most - found.runs.len()).min(of_key);
            if room == 0 {
                break;
            }
            let compiled = &program.compiled()[near.rule.0 as usize];
            if looking.as_ref().is_none_or(|(rule, _)| *rule != near.rule) {
                looking = Some((near.rule, Looking::new(compiled)));
            }
            let Some((_, by)) = &looking else { continue };
            let mut view = |key: &Key, runs: &RunSet| {
                let runs = runs.runs(compiled, passed);
                let (due, of_key) = (near.due, runs.len() as u64);
                let view = |run: &Cow<'_, Run>| FoundRun { due, of_key, run: run.view(by, key.values()) };
                found.runs.extend(runs.iter().take(room).map(view));
            };
            show(&near.what, &mut view, near.rule);
        }
        found
    }
}

/// The runs in a row that has been read up to what refers to its events, and the key again.
///
/// # Errors
/// When it is damaged.
pub(crate) fn runs_of_row(
    key: Key,
    value: &mut Reader<'_>,
    events: &Events,
    restore: &mut Restore<'_>,
) -> Result<(Key, Vec<(RuleId, RunSet)>), Damaged> {
    let (mut record, _) = Record::restore(key, value, events, restore)?;
    let runs = record.take_runs();
    Ok((record.into_key(), runs))
}

impl Shard {
    /// The partial matches of a rule.
    #[cfg(test)]
    pub fn runs(&self, rule: RuleId) -> Vec<RunView> {
        let name = &self.program.compiled()[rule.0 as usize].rule.name;
        let look = Look::new(&self.program, Some(&**name), &[], usize::MAX).expect("it is one of the rules");
        self.look(&look.all_of_a_key()).runs.into_iter().map(|found| found.run).collect()
    }

    /// Looks at partial matches.
    pub fn look(&self, look: &Look) -> Found {
        let mut search = Search::new(&self.program, look, self.passed);
        let mut offer = |slot, record: &Record| {
            for (rule, runs) in record.all_runs() {
                search.offer(rule, record.key(), runs, || slot);
            }
        };
        let mut not_read = 0;
        match look.only() {
            Some(keys) => {
                for sought in keys.iter().map(|key| self.keys.seek(key.as_ref())) {
                    match self.keys.find(&sought) {
                        Some(slot) => offer(slot, self.keys.record(slot)),
                        None => {
                            let cold = self.keys.find_cold(&sought).into_iter();
                            self.look_at_cold(cold, |slot, record| offer(slot, record));
                        }
                    }
                }
            }
            None => {
                self.keys.slots().for_each(|slot| offer(slot, self.keys.record(slot)));
                let is_wanted =
                    |slot: &Slot| self.keys.cold_key(*slot).is_some_and(|key| look.wants_any(&key));
                let mut cold = self.keys.cold_slots().filter(is_wanted);
                self.look_at_cold(cold.by_ref().take(MOST_READ), |slot, record| offer(slot, record));
                not_read = cold.count() as u64;
            }
        }
        let mut found = search.finish(|slot, view, rule| {
            let mut show = |record: &Record| {
                record.runs(rule).into_iter().for_each(|runs| view(record.key(), runs));
            };
            match slot.cold() {
                None => show(self.keys.record(*slot)),
                Some(_) => self.look_at_cold(std::iter::once(*slot), |_, record| show(record)),
            }
        });
        found.not_read = not_read;
        found.misses = look.counted.map(|rule| self.misses(rule)).unwrap_or_default();
        found
    }
}
