//! What a rule costs is an upper bound: random rules never have more partial matches than their cost says,
//! and none of them lives longer.

use std::sync::Arc;

use tripline::codec::{Decoder, json::JsonDecoder};
use tripline::engine::{Engine, EngineOptions};
use tripline::event::{PartitionId, Position, Timestamp};
use tripline::program::Program;
use tripline::program::cost::{Bound, Growth, Lifetime};

use super::case::Event;
use super::generate::{Shape, rule_and_events};
use super::{are_enough, engine, seeds};

/// An engine that is given one event after the other.
struct Run {
    engine: Engine,
    decoder: JsonDecoder,
    pushed: u64,
}

impl Run {
    fn new(program: &Arc<Program>) -> Run {
        let stream = program.stream("s").expect("the rules declare stream s");
        let decoder = JsonDecoder::keeping(program.kept(stream), stream, program.schema(stream));
        let mut engine = Engine::new(program.clone(), EngineOptions::RECORDED);
        engine.open(stream, PartitionId(0), Timestamp::from_micros(0));
        Run { engine, decoder, pushed: 0 }
    }

    /// How many partial matches there are after the event.
    fn push(&mut self, event: &Event) -> usize {
        let now = Timestamp::from_millis(event.at).expect("test times are small");
        let position = Position { partition: PartitionId(0), offset: self.pushed };
        let raw = serde_json::to_vec(event).expect("an event serialises");
        let event =
            self.decoder.decode(&raw, position, now).expect("a test event is well formed").expect("an event");
        self.engine.push(event, now).expect("a test event is never late");
        self.engine.take_alerts();
        self.pushed += 1;
        self.engine.stats().live_runs
    }
}

#[test]
fn costs_are_upper_bounds() {
    let (mut steady, mut limited) = (0, 0);
    for seed in seeds(1_500) {
        let (rule, events) = rule_and_events(seed, Shape { depth: 2, keys: 1 });
        let text = rule.file();
        let Ok(program) = engine::compile_text(&text) else { continue };
        let cost = program.costs().remove(0);
        let mut run = Run::new(&program);
        for event in &events {
            let live = run.push(event);
            let most = match cost.runs.growth {
                Growth::Steady { runs } => runs as u64,
                Growth::Linear => run.pushed,
                // One event may be tried at several places.
                Growth::Power { power } => (4 * run.pushed).saturating_pow(power),
                Growth::Doubling => u64::MAX,
            };
            let most = most.min(cost.runs.most as u64);
            assert!(live as u64 <= most, "seed {seed}: {live} after {}\n{cost:?}\n{text}", run.pushed);
        }
        steady += u64::from(cost.runs.bound == Bound::Pattern && cost.runs.most > 0);
        let (Lifetime::Limited(span), Some(last), true) = (cost.lifetime, events.last(), rule.by) else {
            continue;
        };
        // An event of another key, once all that came before it must be over.
        let other =
            Event { k: "other".to_owned(), at: last.at + span.as_micros() / 1_000 + 1, ..last.clone() };
        let of_its_own = Run::new(&program).push(&other);
        assert_eq!(run.push(&other), of_its_own, "seed {seed}\n{cost:?}\n{text}");
        limited += 1;
    }
    println!("{steady} bound by their pattern, {limited} limited in time");
    let enough = are_enough(&seeds(1_500), 1_500);
    assert!(!enough || steady > 20 && limited > 300, "{steady}, {limited}");
}
