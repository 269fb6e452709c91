//! However many shards there are, however events are cut into rounds, split over partitions and
//! shuffled on their way: the alerts are the same, in the same order, byte for byte.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::Value as Json;
use tripline::codec::{Decoder, json::JsonDecoder};
use tripline::engine::{Engine, EngineOptions, ShardCounters};
use tripline::event::{PartitionId, Position, Timestamp};
use tripline::program::Program;

use super::case::Event;
use super::engine;
use super::invariance::{HOLDING_MORE, RuleSet, program};
use super::random::Random;
use super::{are_enough, seeds};

/// Rules with other keys than the random ones have, over events of sources and of alerts: an event
/// goes to several shards, and alerts of one shard are read by others.
const OTHER_KEYS: &str = r#"
rule by_letter {
  by t
  event b = s where v >= a.v
  match s as a then b within 4s
  overlap all
  alert low "{t} {a.k}{b.k}"
  on timeout alert info "{t}"
}

stream letters from by_letter

rule everyone {
  event e = s where v > 0
  match letters as l then e within 3s
  overlap all
  alert low "{l.t} {e.k}" { ratio = 1 / (e.v - 1), mean = avg(s.v) over 5s }
}

stream all_of_them from everyone

rule last {
  by kind
  match all_of_them as a then all_of_them as b then not letters for 1s
  alert low "{kind}"
}

stream of_base from base

rule crossed {
  match of_base as a then letters as b within 3s
  overlap all
  alert low "{a.k} {b.t}"
}
"#;

/// An event at its place.
type Placed = (Position, Event);

/// How events are given to an engine.
#[derive(Debug)]
struct Way {
    shards: usize,
    /// So many events are offered before what is ready is matched.
    round: usize,
    /// So many rounds are made before alerts are taken out.
    take: usize,
}

/// The alerts for events that arrive in this order, and what was counted.
fn run(program: &Arc<Program>, arrivals: &[Placed], way: &Way) -> (Vec<String>, ShardCounters) {
    let stream = program.stream("s").expect("the rules declare stream s");
    let mut decoder = JsonDecoder::keeping(program.kept(stream), stream, program.schema(stream));
    let options = EngineOptions { shards: way.shards, ..EngineOptions::RECORDED };
    let mut engine = Engine::new(program.clone(), options);
    let now = Timestamp::from_micros(0);
    let partitions: BTreeSet<PartitionId> = arrivals.iter().map(|(position, _)| position.partition).collect();
    partitions.iter().for_each(|partition| engine.open(stream, *partition, now));
    let mut alerts = Vec::new();
    for (round, events) in arrivals.chunks(way.round).enumerate() {
        for (position, event) in events {
            let record = serde_json::to_vec(event).expect("an event serialises");
            let event = decoder.decode(&record, *position, now).expect("well formed").expect("an event");
            engine.offer(event, now).expect("no event of a test is late");
        }
        engine.run();
        if round % way.take == 0 {
            alerts.append(&mut engine.take_alerts());
        }
    }
    engine.finish();
    assert_eq!(engine.waiting(), 0);
    alerts.append(&mut engine.take_alerts());
    (engine::as_json(&alerts), engine.stats().rules)
}

/// The events spread over partitions. Those of one moment stay together and in order, since their
/// positions settle their order.
fn spread(events: &[Event], partitions: u32, random: &mut Random) -> Vec<Placed> {
    let mut of_moment: BTreeMap<i64, u32> = BTreeMap::new();
    let placed = events.iter().zip(0..).map(|(event, offset)| {
        let partition = *of_moment.entry(event.at).or_insert_with(|| random.number(0, partitions - 1));
        (Position { partition: PartitionId(partition), offset }, event.clone())
    });
    placed.collect()
}

/// An order in which they may arrive: each partition is disordered by less than `late` milliseconds,
/// and the partitions interleave in any way.
fn shuffle(mut placed: Vec<Placed>, late: u32, random: &mut Random) -> Vec<Placed> {
    let mut delay: BTreeMap<i64, i64> = BTreeMap::new();
    for (_, event) in &placed {
        delay.entry(event.at).or_insert_with(|| random.number(0, late).into());
    }
    placed.sort_by_key(|(_, event)| event.at + delay[&event.at]);
    let mut partitions: BTreeMap<PartitionId, Vec<Placed>> = BTreeMap::new();
    placed.reverse();
    for one in placed {
        partitions.entry(one.0.partition).or_default().push(one);
    }
    let mut queues: Vec<Vec<Placed>> = partitions.into_values().collect();
    let mut arrivals = Vec::new();
    while !queues.is_empty() {
        let queue = random.number(0, queues.len() as u32 - 1) as usize;
        match queues[queue].pop() {
            Some(next) => arrivals.push(next),
            None => drop(queues.remove(queue)),
        }
    }
    arrivals
}

/// Alerts without what depends on positions.
fn without_positions(alerts: &[String]) -> Vec<Json> {
    let mut alerts: Vec<Json> =
        alerts.iter().map(|alert| serde_json::from_str(alert).expect("an alert is JSON")).collect();
    for alert in &mut alerts {
        drop_ids(alert);
    }
    alerts
}

/// Takes out the ids of alerts, also of those that an alert was made of.
fn drop_ids(json: &mut Json) {
    match json {
        Json::Object(object) => {
            // Those of events are numbers.
            if object.get("id").is_some_and(Json::is_string) {
                object.remove("id");
            }
            object.values_mut().for_each(drop_ids);
        }
        Json::Array(items) => items.iter_mut().for_each(drop_ids),
        _ => {}
    }
}

#[test]
fn shards_rounds_partitions_and_arrival_are_without_effect() {
    let more = format!("{HOLDING_MORE}{OTHER_KEYS}");
    let reported = check(&more);
    for rule in ["base", "upper", "habit", "by_letter", "everyone", "last", "crossed"] {
        let is_missing = are_enough(&seeds(60), 60) && !reported.contains_key(rule);
        assert!(!is_missing, "`{rule}` never reports anything: {reported:?}");
    }
}

/// Alerts are put in order twice where rules read those of others, and only once here.
#[test]
fn nor_where_no_rule_reads_alerts() {
    let reported = check(
        "rule letters { by t match s as a then s as b within 2s overlap all alert low \"{a.k}{b.k}\" }",
    );
    assert!(!are_enough(&seeds(60), 60) || reported.contains_key("letters"), "{reported:?}");
}

/// Runs random rules, and `more` beside them, over random events in every way. Gives how often each
/// rule has reported something.
fn check(more: &str) -> BTreeMap<String, usize> {
    let mut reported: BTreeMap<String, usize> = BTreeMap::new();
    for seed in seeds(60) {
        let mut set = RuleSet::new(seed);
        let text = set.text().replace("time at {", "time at late 2s {") + more;
        let program = program(&text);
        let one = Way { shards: 1, round: 1, take: 1 };
        let mut expected_anywhere = None;
        for partitions in [1, 3] {
            let placed = spread(&set.events, partitions, &mut set.random);
            let mut in_order = placed.clone();
            in_order.sort_by_key(|(_, event)| event.at);
            let (expected, counted) = run(&program, &in_order, &one);
            for alert in without_positions(&expected) {
                *reported.entry(alert["rule"].as_str().unwrap_or_default().to_owned()).or_default() += 1;
            }
            let anywhere = without_positions(&expected);
            let known = expected_anywhere.get_or_insert_with(|| anywhere.clone());
            let differ = known.iter().zip(&anywhere).find(|(one, other)| one != other);
            assert!(differ.is_none(), "seed {seed}, {partitions} partitions: {differ:#?}\n{}", set.show());
            assert_eq!(known.len(), anywhere.len(), "seed {seed}, {partitions} partitions\n{}", set.show());
            for shards in [1, 2, 3, 8] {
                let arrivals = shuffle(placed.clone(), 2_000, &mut set.random);
                let way = Way {
                    shards,
                    round: set.random.number(1, 7) as usize,
                    take: set.random.number(1, 3) as usize,
                };
                let (alerts, counters) = run(&program, &arrivals, &way);
                let about =
                    || format!("seed {seed}, {partitions} partitions, {way:?}\n{}{arrivals:?}", set.show());
                assert_eq!(expected, alerts, "{}", about());
                assert_eq!(counted, counters, "{}", about());
            }
        }
    }
    reported
}
