//! The keys against a plain map of what is held, whatever comes, and whatever hints are outdated.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::automaton::Answers;
use crate::cases::cases;
use crate::diagnostic::Sources;
use crate::event::{Duration, Event, Position, StreamId, Value};
use crate::expression::Faults;
use crate::matcher::Matcher;
use crate::program::Program;
use crate::shard::legend::Legend;
use crate::stored::{Rows, Writer};
use crate::table::Tables;

const RULES: u32 = 5;

/// What happens to the key of a number.
#[derive(Clone, Debug)]
enum Step {
    /// This and those after it are looked up together.
    LookUp(usize),
    /// A run of the rule begins.
    Begin(usize, u32),
    /// The runs of the rule end.
    End(usize, u32),
    /// An alert of the rule counts for its limit.
    Pass(usize, u32),
    /// What counted is forgotten.
    Forget(usize, u32),
    /// What has changed is stored.
    Store,
}

fn step(keys: usize) -> impl Strategy<Value = Step> {
    let place = move || (0..keys, 0..RULES);
    prop_oneof![
        1 => (0..keys).prop_map(Step::LookUp),
        4 => place().prop_map(|(key, rule)| Step::Begin(key, rule)),
        4 => place().prop_map(|(key, rule)| Step::End(key, rule)),
        1 => place().prop_map(|(key, rule)| Step::Pass(key, rule)),
        1 => place().prop_map(|(key, rule)| Step::Forget(key, rule)),
        1 => Just(Step::Store),
    ]
}

/// Keys of all sorts, some of which are equal but for their type.
fn sorts_of_keys() -> Vec<Vec<Value>> {
    let texts = (0..10).map(|number| vec![Value::text(format!("key {number}"))]);
    let long = (0..5).map(|number| vec![Value::text(format!("a key that is not held in place: {number}"))]);
    let ints = (0..5).map(|number| vec![Value::Int(number)]);
    let floats = (0..5).map(|number| vec![Value::Float(number as f64)]);
    let pairs = (0..5).map(|number| vec![Value::Int(number), Value::text("x")]);
    texts.chain(long).chain(ints).chain(floats).chain(pairs).chain([Vec::new()]).collect()
}

fn key_of(values: &[Value]) -> KeyRef<'_> {
    KeyRef::new(values).expect("no part is null")
}

/// Rules with a limit.
fn program() -> Program {
    let rule =
        |number| format!("rule r{number} {{ match s as a then s as b alert low \"x\" limit 1 per 1ms }}\n");
    let rules: String = (0..RULES).map(rule).collect();
    let text = format!("stream s time at {{ at timestamp(s) }}\n{rules}");
    let (program, diagnostics) = Program::compile(&Sources::new([("r.trip", text)]));
    program.unwrap_or_else(|| panic!("{diagnostics:?}"))
}

/// A run of one of them that has begun.
fn one_run(program: &Program) -> RunSet {
    let matcher = Matcher {
        rule: &program.compiled()[0],
        tables: &Tables::unread(program.tables()),
        history: None,
        faults: &Faults::default(),
    };
    let time = Timestamp::FIRST;
    let event = Event::new(StreamId(0), time, Position::default(), [Value::Timestamp(time)], []);
    let mut runs = RunSet::default();
    matcher.event(&mut runs, &event, &Answers::new(program.predicates()), &mut Vec::new());
    assert_eq!(runs.len(), 1);
    runs
}

fn limit() -> Limit {
    let per = Duration::from_micros(10);
    Limit { count: 1, per, for_each: vec![], meaning: "".into(), registers: vec![], histories: vec![] }
}

/// Whether a rule has runs and whether something has passed, for each key and rule that has either.
type Model = BTreeMap<usize, BTreeMap<u32, (bool, bool)>>;

/// The keys with what ought to be in them.
struct Both<'a> {
    values: &'a [Vec<Value>],
    /// What is known of each key from when it was last looked up.
    sought: Vec<Sought<'a>>,
    keys: Keys,
    timers: Timers,
    model: Model,
    run: RunSet,
    legend: Legend,
    /// The rows that are stored.
    stored: BTreeMap<Vec<u8>, Vec<u8>>,
}

impl<'a> Both<'a> {
    fn new(values: &'a [Vec<Value>]) -> Both<'a> {
        let keys = Keys::default();
        let sought = values.iter().map(|values| keys.seek(key_of(values))).collect();
        let (timers, model) = (Timers::default(), Model::new());
        let program = program();
        let (run, legend) = (one_run(&program), Legend::new(&program));
        Both { values, sought, keys, timers, model, run, legend, stored: BTreeMap::new() }
    }

    fn slot(&mut self, key: usize) -> Slot {
        let found = self.keys.find(&self.sought[key]);
        found.unwrap_or_else(|| self.keys.insert(&self.sought[key]))
    }

    fn take(&mut self, step: Step) {
        let moment = Timestamp::from_micros(0);
        match step {
            Step::LookUp(key) => {
                let end = self.sought.len().min(key + 16);
                self.keys.look_up(&mut self.sought[key..end]);
            }
            Step::Begin(key, rule) => {
                let slot = self.slot(key);
                let run = self.run.clone();
                let (held, state) = self.keys.runs_mut(slot, RuleId(rule));
                assert_eq!(*held, key_of(&self.values[key]).to_key());
                state.runs = run;
                self.model.entry(key).or_default().entry(rule).or_default().0 = true;
            }
            Step::End(key, rule) => {
                if let Some(slot) = self.keys.find(&self.sought[key]) {
                    self.keys.runs_mut(slot, RuleId(rule)).1.runs = RunSet::default();
                    self.keys.remove_idle(slot);
                }
                self.forget(key, rule, |(runs, _)| *runs = false);
            }
            Step::Pass(key, rule) => {
                let slot = self.slot(key);
                self.keys.offer(slot, RuleId(rule), &limit(), Group::new(), moment, &mut self.timers);
                self.model.entry(key).or_default().entry(rule).or_default().1 = true;
            }
            Step::Forget(key, rule) => {
                if let Some(slot) = self.keys.find(&self.sought[key]) {
                    // The timer that was set; those of more alerts are set later, by what is forgotten.
                    for due in [10, 10 + super::super::limit::KEPT.as_micros()] {
                        let due = Timestamp::from_micros(due);
                        self.keys.forget(slot, RuleId(rule), &limit(), due, &mut self.timers);
                    }
                    self.keys.remove_idle(slot);
                }
                self.forget(key, rule, |(_, passed)| *passed = false);
            }
            Step::Store => self.store(),
        }
    }

    /// Stores what has changed: the rows are those that would be written of all.
    fn store(&mut self) {
        let mut rows = Rows::default();
        assert!(!self.keys.changes(&self.legend, b"prefix", &mut rows), "nothing is outdated");
        for row in rows.iter() {
            match row.value {
                Some(value) => drop(self.stored.insert(row.key.to_vec(), value.to_vec())),
                None => assert!(self.stored.remove(row.key).is_some(), "only what was stored is removed"),
            }
        }
        let row = |record: &Record| {
            let (mut key, mut value, mut events) = Default::default();
            Writer::plain(&mut key, b"prefix");
            record.key().write(&mut key);
            record.store(&self.legend, &mut events);
            events.finish(&mut value);
            (key.into_bytes(), value.into_bytes())
        };
        let all: BTreeMap<Vec<u8>, Vec<u8>> = self.keys.records().map(row).collect();
        assert_eq!(self.stored, all);
        let again = &mut Rows::default();
        self.keys.changes(&self.legend, b"prefix", again);
        assert!(again.is_empty(), "nothing has changed since");
    }

    fn forget(&mut self, key: usize, rule: u32, change: impl Fn(&mut (bool, bool))) {
        if let Some(rules) = self.model.get_mut(&key) {
            rules.entry(rule).and_modify(change);
            rules.retain(|_, (runs, passed)| *runs || *passed);
            if rules.is_empty() {
                self.model.remove(&key);
            }
        }
    }

    fn compare(&self) {
        assert_eq!(self.keys.len(), self.model.len());
        assert_eq!(self.keys.records().count(), self.model.len());
        let runs = self.model.values().flat_map(BTreeMap::values).filter(|(runs, _)| *runs).count();
        assert_eq!(self.keys.live_runs().map(|(_, runs)| runs).sum::<usize>(), runs);
        for (key, sought) in self.sought.iter().enumerate() {
            let slot = self.keys.find(sought);
            assert_eq!(
                slot,
                self.keys.find(&self.keys.seek(key_of(&self.values[key]))),
                "with or without a hint"
            );
            assert_eq!(slot.is_some(), self.model.contains_key(&key), "{:?}", self.values[key]);
            let Some(slot) = slot else { continue };
            for rule in 0..RULES {
                let has = self.model[&key].get(&rule).is_some_and(|(runs, _)| *runs);
                assert_eq!(self.keys.has_runs(slot, RuleId(rule)), has);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(cases(12, 48)))]
    #[test]
    fn keys_hold_what_a_plain_map_would(steps in prop::collection::vec(step(31), 1..400)) {
        let values = sorts_of_keys();
        let mut both = Both::new(&values);
        for step in steps {
            both.take(step);
            both.compare();
        }
        both.store();
    }
}

/// More keys than one piece has, which go in another order than they came.
#[test]
fn places_are_used_again_and_given_back() {
    let values: Vec<Vec<Value>> = (0..50_000).map(|number| vec![Value::Int(number)]).collect();
    let mut keys = Keys::default();
    let run = one_run(&program());
    let fill = |keys: &mut Keys| -> Vec<Slot> {
        let insert = |values: &Vec<Value>| {
            let sought = keys.seek(key_of(values));
            assert_eq!(keys.find(&sought), None);
            let slot = keys.insert(&sought);
            keys.runs_mut(slot, RuleId(0)).1.runs = run.clone();
            slot
        };
        values.iter().map(insert).collect()
    };
    let end = |keys: &mut Keys, slot: Slot| {
        keys.runs_mut(slot, RuleId(0)).1.runs = RunSet::default();
        keys.remove_idle(slot);
    };
    let first = fill(&mut keys);
    let most = keys.records.places();
    assert_eq!(first.iter().max(), Some(&Slot(49_999)));
    for slot in first.iter().step_by(3).chain(first.iter().skip(1).step_by(3)) {
        end(&mut keys, *slot);
    }
    for (values, slot) in values.iter().zip(&first).skip(2).step_by(3) {
        assert_eq!(keys.find(&keys.seek(key_of(values))), Some(*slot));
    }
    assert_eq!(keys.records.places(), most, "every piece has some left");
    first.iter().skip(2).step_by(3).for_each(|slot| end(&mut keys, *slot));
    assert_eq!(keys.len(), 0);
    assert!(keys.records.places() <= most / 3, "{} of {most} places", keys.records.places());
    let second = fill(&mut keys);
    assert_eq!(second.iter().max(), Some(&Slot(49_999)), "no more places than before");
    assert_eq!(keys.records.places(), most);
}

/// There are as many as keys.
#[test]
fn a_record_is_small() {
    assert_eq!(size_of::<Record>(), 64);
}
