//! Engines that come and go with partitions.

use super::*;
use crate::codec::Decoder;
use crate::codec::json::JsonDecoder;
use crate::diagnostic::Sources;
use crate::event::Position;
use crate::moving::Holdings;
use crate::runtime::control;

/// A match takes two uses of a card, an absence one.
const RULES: &str = "\
stream uses time at { card string, at timestamp }
rule twice {
  by card
  event use = uses
  match use as first then use as second within 1h
  overlap none
  alert high \"x\"
}
";
const ONE: PartitionId = PartitionId(1);
const TWO: PartitionId = PartitionId(2);

struct Bench {
    engines: Engines,
    holdings: Holdings,
    stream: StreamId,
    /// What is stored of each partition, as the state topic has it.
    stored: BTreeMap<PartitionId, State>,
    offset: u64,
}

impl Bench {
    fn new() -> Bench {
        let (program, problems) = Program::compile(&Sources::new([("rules.trip", RULES)]));
        let program = Arc::new(program.unwrap_or_else(|| panic!("{problems:?}")));
        let stream = program.input("uses").expect("it is fed");
        let engines = Engines::by_partition(program, EngineOptions::RECORDED);
        Bench { engines, holdings: Holdings::default(), stream, stored: BTreeMap::new(), offset: 0 }
    }

    /// A partition comes, with what is stored of it.
    fn bring(&mut self, partition: PartitionId) {
        let holding = self.holdings.take(partition, "t", partition.0 as i32, &"m".into());
        let state = self.stored.get(&partition).cloned().unwrap_or_default();
        self.engines.bring(holding, &state).expect("it is ours");
        self.engines.open(self.stream, partition, Timestamp::default());
        self.engines.reached(partition);
    }

    fn push(&mut self, partition: PartitionId, card: &str, second: i64) {
        let program = Arc::clone(self.engines.program());
        let mut decoder =
            JsonDecoder::keeping(program.kept(self.stream), self.stream, program.schema(self.stream));
        let at = Timestamp::from_micros(second * 1_000_000);
        let record = format!("{{\"card\":\"{card}\",\"at\":\"{at}\"}}");
        self.offset += 1;
        let position = Position { partition, offset: self.offset };
        let event = decoder.decode(record.as_bytes(), position, at).expect("well formed").expect("an event");
        self.engines.of(partition).expect("it is here").push(event, at).expect("it is in time");
    }

    /// Makes a checkpoint, and gives how many alerts it has of each partition.
    fn store(&mut self) -> BTreeMap<PartitionId, usize> {
        let parts = self.engines.changes();
        let mut alerts = BTreeMap::new();
        for part in &parts {
            let partition = part.holding.as_ref().expect("each is of a partition").partition;
            alerts.insert(partition, part.alerts.len());
            let state = self.stored.entry(partition).or_default();
            state.head = Some(part.changes.head.clone());
            for Row { space, group, key, value } in part.changes.rows() {
                let key: Box<[u8]> = [&[space.number()], key].concat().into();
                match value {
                    Some(value) => drop(state.rows.insert(key, (group, value.into()))),
                    None => drop(state.rows.remove(&key)),
                }
            }
        }
        self.engines.stored(parts);
        alerts
    }
}

#[test]
fn what_was_begun_here_is_completed_there() {
    let mut here = Bench::new();
    here.bring(ONE);
    here.push(ONE, "a", 10);
    here.engines.close(here.stream, ONE);
    assert!(here.engines.of(ONE).is_none(), "it stands still");
    here.store();
    assert_eq!(here.engines.open_partitions().count(), 0, "it is gone when it is stored");
    let mut there = Bench { stored: here.stored, ..Bench::new() };
    there.bring(ONE);
    there.push(ONE, "a", 20);
    // It waits for event time, which a later event moves.
    there.push(ONE, "b", 30);
    assert_eq!(there.store(), BTreeMap::from([(ONE, 1)]));
    let (here, there) = (here.engines.stats().rules, there.engines.stats().rules);
    assert_eq!((here.events[0], there.events[0]), (1, 2), "each counts what it has seen itself");
}

#[test]
fn each_partition_has_its_own_time() {
    let mut bench = Bench::new();
    bench.bring(ONE);
    bench.bring(TWO);
    bench.push(ONE, "a", 5_000);
    bench.push(TWO, "b", 10);
    bench.push(TWO, "b", 20);
    bench.push(TWO, "c", 30);
    assert_eq!(bench.engines.held_alerts(), 1, "what one partition is at holds no other up");
    assert!(bench.engines.take_alerts().is_empty(), "nothing leaves before it is stored");
    assert_eq!(bench.store(), BTreeMap::from([(ONE, 0), (TWO, 1)]));
    assert_eq!((bench.engines.held_alerts(), bench.engines.events()), (0, 4));
}

#[test]
fn what_is_stored_while_a_partition_leaves_is_not_its_last_state() {
    let mut bench = Bench::new();
    bench.bring(ONE);
    bench.push(ONE, "a", 10);
    let under_way = bench.engines.changes();
    bench.push(ONE, "a", 20);
    bench.engines.close(bench.stream, ONE);
    bench.engines.stored(under_way);
    assert_eq!(bench.engines.open_partitions().count(), 1, "there is more to store");
    bench.store();
    assert_eq!(bench.engines.open_partitions().count(), 0);
    assert_eq!(bench.engines.events(), 2, "what was counted stays");
}

#[test]
fn a_partition_that_was_lost_and_comes_back_begins_with_what_is_stored() {
    let mut bench = Bench::new();
    bench.bring(ONE);
    bench.push(ONE, "a", 10);
    bench.store();
    bench.push(ONE, "a", 20);
    // Another instance had it meanwhile, and it is back before anything of it was stored here.
    bench.engines.close(bench.stream, ONE);
    let late = bench.engines.changes();
    bench.bring(ONE);
    bench.engines.stored(late);
    assert!(bench.engines.of(ONE).is_some(), "what is stored of before is not of now");
    bench.push(ONE, "b", 30);
    assert_eq!(bench.store(), BTreeMap::from([(ONE, 0)]), "the second use was decided elsewhere");
}

#[test]
fn a_state_that_is_none_is_refused() {
    let mut bench = Bench::new();
    let holding = bench.holdings.take(ONE, "t", 1, &"m".into());
    let state = State { head: Some(b"something else".to_vec()), ..State::default() };
    assert!(bench.engines.bring(holding, &state).is_err());
}

#[test]
fn what_was_counted_before_the_start_is_not_counted_again() {
    let mut engine =
        control::tests::engine_with(&[r#"{"card": "c1", "amount": 1.0, "at": "2026-03-01T08:00:00Z"}"#]);
    assert_eq!((engine.counters().events, engine.stats().rules.events[0]), (1, 1));
    let mut engines = Engines::from(engine);
    let stats = engines.stats();
    assert_eq!(
        (engines.events(), stats.rules.events[0]),
        (0, 0),
        "it would look like a start in the midst of it"
    );
    assert_eq!((stats.live_runs, stats.live_by_rule), (1, vec![1]), "what is held is held");
}

#[test]
fn the_slowest_partition_says_how_time_stands_in_a_stream() {
    let mut bench = Bench::new();
    assert_eq!(bench.engines.stream_times(), [StreamTime::default()]);
    bench.bring(ONE);
    bench.bring(TWO);
    bench.push(ONE, "a", 50);
    assert_eq!(bench.engines.stream_times()[0].watermark, Some(Timestamp::MIN), "one has sent nothing yet");
    bench.push(TWO, "b", 20);
    let slowest = Some(Timestamp::from_micros(20_000_000));
    assert_eq!(bench.engines.stream_times(), [StreamTime { partitions: 2, watermark: slowest }]);
    assert_eq!(bench.engines.first_waiting(), None, "each has its own time");
}
