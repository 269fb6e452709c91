//! What must not change what is reported: how declarations are spread over files, what else the
//! program holds, which other keys there are, when alerts are taken out, and in which order events
//! arrive as long as they are not late.

use std::collections::BTreeSet;

use super::case::Event;
use super::engine::{self, Arrival, Restarts, Then};
use super::generate::{Shape, events, rule};
use super::pattern::{Rule, stream};
use super::random::Random;
use super::{are_enough, naive, seeds, tree};

const SHAPE: Shape = Shape { depth: 2, keys: 3 };

/// Some rules that compile and keep few runs, named `r0`, `r1`, …, and a stream for them.
pub struct RuleSet {
    pub random: Random,
    rules: Vec<(String, Rule)>,
    pub events: Vec<Event>,
}

impl RuleSet {
    pub fn new(seed: u64) -> RuleSet {
        let mut random = Random::new(seed);
        let mut rules = vec![];
        for _ in 0..20 {
            let mut rule = rule(&mut random, SHAPE, 3);
            rule.optional_v = false;
            if rules.len() < 4 && engine::compile_text(&rule.file()).is_ok() {
                rules.push((format!("r{}", rules.len()), rule));
            }
        }
        let all: Vec<&Rule> = rules.iter().map(|(_, rule)| rule).collect();
        let events = events(&mut random, &all, 3, 3);
        rules.retain(|(_, rule)| naive::reports_by_key(&tree(&rule.file()), &events).is_some());
        assert!(!rules.is_empty(), "seed {seed}: none of 20 random rules can be used");
        RuleSet { random, rules, events }
    }

    /// One declaration each: the stream first, then the rules.
    fn declarations(&self) -> Vec<String> {
        let rules = self.rules.iter().map(|(name, rule)| rule.declaration(name));
        std::iter::once(stream(false)).chain(rules).collect()
    }

    pub fn text(&self) -> String {
        self.declarations().join("\n")
    }

    /// The rules and events, for messages.
    pub fn show(&self) -> String {
        format!("{}\n{}", self.text(), super::case::show_events(&self.events))
    }

    fn on_one_partition(&self) -> Vec<Arrival> {
        self.events.iter().map(|event| (0, event.clone())).collect()
    }
}

pub fn program(text: &str) -> std::sync::Arc<tripline::program::Program> {
    engine::compile_text(text).unwrap_or_else(|diagnostics| panic!("{text}\n{diagnostics}"))
}

#[test]
fn order_of_declarations_and_files_is_without_effect() {
    for seed in seeds(150) {
        let mut set = RuleSet::new(seed);
        let expected = engine::as_json(&engine::alerts(&program(&set.text()), &set.events));
        let mut declarations = set.declarations();
        set.random.shuffle(&mut declarations);
        let mut names = ["a.trip", "b.trip", "c/d.trip"];
        set.random.shuffle(&mut names);
        let mut files: Vec<(String, String)> =
            names.iter().map(|name| ((*name).to_string(), String::new())).collect();
        for declaration in declarations {
            let file = set.random.number(0, 2) as usize;
            files[file].1 += &declaration;
        }
        let spread = engine::compile(&files).unwrap_or_else(|why| panic!("seed {seed}: {files:?}\n{why}"));
        let actual = engine::as_json(&engine::alerts(&spread, &set.events));
        assert_eq!(expected, actual, "seed {seed}, files {files:?}\n{}", set.show());
    }
}

#[test]
fn when_alerts_are_taken_out_is_without_effect() {
    for seed in seeds(150) {
        let mut set = RuleSet::new(seed);
        let program = program(&set.text());
        let expected = engine::as_json(&engine::alerts(&program, &set.events));
        let batch = set.random.number(1, 4) as usize;
        let alerts = engine::alerts_in_batches(&program, &set.on_one_partition(), batch);
        assert_eq!(expected, engine::as_json(&alerts), "seed {seed}, batches of {batch}\n{}", set.show());
    }
}

#[test]
fn what_events_keep_beyond_what_rules_read_is_without_effect() {
    for seed in seeds(150) {
        let set = RuleSet::new(seed);
        for text in [set.text(), format!("{}\n{HOLDING_MORE}", set.text())] {
            let program = program(&text);
            let expected = engine::as_json(&engine::alerts(&program, &set.events));
            let alerts = engine::alerts_of_whole_events(&program, &set.events);
            assert_eq!(expected, engine::as_json(&alerts), "seed {seed}\n{}", set.show());
        }
    }
}

/// Rules that hold more than runs: what a limit counts, a past, and events made of alerts.
pub const HOLDING_MORE: &str = r#"
rule base {
  by k
  event a = s where t == "a"
  match a then s as b within 3s
  overlap all
  alert low "{k}" { v = a.v }
  on timeout alert low "{k}" { v = a.v }
  limit 1 per 2s for each a.v % 3
}

stream made from base

rule upper {
  by k
  match 2 made then not made for 1s
  alert low "{count(s where t == \"b\") over 4s}" { sum = sum(s.v) over previous 3s }
  limit 2 per 3s
}

rule habit {
  by k
  event high = s where v > avg(s.v) over previous 3s
  match high then s as next_one within 2s
  alert low "{k}" { distinct = count_distinct(s.t) over 5s }
}
"#;

#[test]
fn stopping_and_restoring_is_without_effect() {
    let mut reported = BTreeSet::new();
    for seed in seeds(150) {
        let mut set = RuleSet::new(seed);
        // Some events wait for their turn when the engine is stopped.
        let text = set.text().replace("time at {", "time at late 2s {") + HOLDING_MORE;
        let program = program(&text);
        let arrivals: Vec<Arrival> =
            set.events.iter().map(|event| (set.random.number(0, 1), event.clone())).collect();
        let alerts = engine::alerts_in_batches(&program, &arrivals, usize::MAX);
        reported.extend(alerts.iter().map(|alert| alert.rule.to_string()));
        let expected = engine::as_json(&alerts);
        let after_each = engine::alerts_with_restarts(&program, &arrivals, |_| true);
        assert_eq!(expected, engine::as_json(&after_each), "seed {seed}, after each\n{}", set.show());
        for once in 0..arrivals.len() {
            let alerts = engine::alerts_with_restarts(&program, &arrivals, |offset| offset == once);
            assert_eq!(expected, engine::as_json(&alerts), "seed {seed}, after {once}\n{}", set.show());
        }
    }
    for rule in ["base", "upper", "habit"] {
        let is_missing = are_enough(&seeds(150), 150) && !reported.contains(rule);
        assert!(!is_missing, "`{rule}` never reports anything");
    }
}

#[test]
fn a_rule_reports_the_same_alone() {
    for seed in seeds(150) {
        let set = RuleSet::new(seed);
        let together = engine::alerts(&program(&set.text()), &set.events);
        for (name, rule) in &set.rules {
            let of_rule: Vec<_> = together.iter().filter(|alert| *alert.rule == **name).cloned().collect();
            let text = format!("{}\n{}", stream(false), rule.declaration(name));
            let alone = engine::alerts(&program(&text), &set.events);
            let (together, alone) = (engine::as_json(&of_rule), engine::as_json(&alone));
            assert_eq!(alone, together, "seed {seed}, rule {name}\n{}", set.show());
        }
    }
}

#[test]
fn a_key_reports_the_same_alone() {
    for seed in seeds(150) {
        let mut set = RuleSet::new(seed);
        set.rules.retain(|(_, rule)| rule.by);
        let program = program(&set.text());
        let together = engine::reports_by_rule_and_key(&engine::alerts(&program, &set.events));
        let keys: BTreeSet<&String> = set.events.iter().map(|event| &event.k).collect();
        for key in keys {
            let of_key: Vec<Event> = set.events.iter().filter(|event| event.k == *key).cloned().collect();
            let alone = engine::reports_by_rule_and_key(&engine::alerts(&program, &of_key));
            let mut of_key = together.clone();
            of_key.retain(|(_, other), _| other == key);
            assert_eq!(alone, of_key, "seed {seed}, key {key}\n{}", set.show());
        }
    }
}

#[test]
fn what_is_decided_never_goes_back_in_time() {
    for seed in seeds(150) {
        let set = RuleSet::new(seed);
        for (name, rule) in &set.rules {
            let alerts = engine::alerts(&program(&rule.file()), &set.events);
            let decided: Vec<_> = alerts.iter().map(|alert| alert.decided_time).collect();
            assert!(decided.is_sorted(), "seed {seed}, rule {name}: {decided:?}\n{}", set.show());
        }
    }
}

/// Events keep their order among those of equal time, which their positions settle.
#[test]
fn order_of_arrival_within_lateness_is_without_effect() {
    for seed in seeds(150) {
        let mut set = RuleSet::new(seed);
        let text = set.text().replace("time at {", "time at late 2s {");
        let expected = engine::reports_by_rule_and_key(&engine::alerts(&program(&text), &set.events));
        let mut delay = std::collections::BTreeMap::new();
        for event in &set.events {
            delay.entry(event.at).or_insert_with(|| i64::from(set.random.number(0, 4)) * 500);
        }
        let mut arrivals = set.on_one_partition();
        arrivals.sort_by_key(|(_, event)| event.at + delay[&event.at]);
        let alerts = engine::alerts_in_batches(&program(&text), &arrivals, 3);
        let actual = engine::reports_by_rule_and_key(&alerts);
        assert_eq!(expected, actual, "seed {seed}\n{}{arrivals:?}", set.show());
    }
}

/// Events of equal time stay on one partition, so that their order does not depend on the split.
#[test]
fn how_partitions_interleave_is_without_effect() {
    for seed in seeds(150) {
        let mut set = RuleSet::new(seed);
        let program = program(&set.text());
        let expected = engine::reports_by_rule_and_key(&engine::alerts(&program, &set.events));
        let mut waiting: [Vec<Event>; 2] = [vec![], vec![]];
        let mut side = std::collections::BTreeMap::new();
        for event in &set.events {
            let side: usize = *side.entry(event.at).or_insert_with(|| set.random.number(0, 1) as usize);
            waiting[side].push(event.clone());
        }
        let mut arrivals: Vec<Arrival> = vec![];
        while waiting.iter().any(|events| !events.is_empty()) {
            let side = set.random.number(0, 1);
            if !waiting[side as usize].is_empty() {
                arrivals.push((side, waiting[side as usize].remove(0)));
            }
        }
        let actual = engine::reports_by_rule_and_key(&engine::alerts_in_batches(&program, &arrivals, 2));
        assert_eq!(expected, actual, "seed {seed}\n{}{arrivals:?}", set.show());
    }
}

/// With so little memory that most of what is stored leaves it and comes back when it is needed; also where
/// storing fails for a while, and with restarts.
#[test]
fn what_is_in_memory_is_without_effect() {
    let mut brought_back = 0;
    for seed in seeds(150) {
        let mut set = RuleSet::new(seed);
        let text = set.text().replace("time at {", "time at late 2s {") + HOLDING_MORE;
        let program = program(&text);
        let arrivals: Vec<Arrival> =
            set.events.iter().map(|event| (set.random.number(0, 1), event.clone())).collect();
        let mut usual = Restarts::default();
        let (alerts, counts, keys) =
            engine::everything_and(&program, &arrivals, &mut usual, |_| Then::GoesOn);
        for limit in [0, 1_000, 3_000] {
            let thens: Vec<Then> = (0..arrivals.len())
                .map(|_| match set.random.number(0, 9) {
                    0 => Then::Restarted,
                    1 => Then::GoesOn,
                    2 => Then::Fails,
                    _ => Then::Stored,
                })
                .collect();
            let mut stopped = Restarts::with_limit(limit);
            let (cold, cold_counts, cold_keys) =
                engine::everything_and(&program, &arrivals, &mut stopped, |offset| thens[offset]);
            let about = || format!("seed {seed}, limit {limit}, {thens:?}\n{}", set.show());
            assert_eq!(engine::as_json(&cold), engine::as_json(&alerts), "{}", about());
            assert_eq!((&cold_counts, &cold_keys), (&counts, &keys), "{}", about());
            brought_back += stopped.brought_back;
        }
    }
    assert!(!are_enough(&seeds(150), 150) || brought_back > 2_000, "only {brought_back} keys came back");
}
