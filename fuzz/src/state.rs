//! A stored state that has something of everything, and what holds of it however it is damaged.

use std::sync::Arc;

use tripline::codec::{Decoder, json::JsonDecoder};
use tripline::diagnostic::Sources;
use tripline::engine::{Engine, EngineOptions, StateInMemory};
use tripline::event::{PartitionId, Position, Timestamp};
use tripline::program::Program;
use tripline::stored::{Row, Space};

/// Rules that hold runs in every way, limits, logs of the past, and alerts that others read.
const RULES: &str = r#"
stream s time at late 2s {
  k  string
  t  string
  v  int?
  x  float?
  ip ip?
  d  duration?
  at timestamp(ms)
}

rule lone { by k event a = s where t == "a" event b = s where t == "b" match a then b within 1h alert low "{k}" }

rule together {
  by k
  event a = s where t == "a"
  event b = s where t == "b"
  event c = s where t == "c"
  match a then 2+ any b then c within 1h
  overlap all
  alert low "{k}"
  limit 1 per 1h
}

rule one_by_one {
  by k, t
  event a = s where v > 0
  event b = s where v > avg(a.v) and x < max(a.x) and count_distinct(a.ip) < 9 and v != last(a).v and stddev(a.v) < 99 and sum(a.d) < 1h
  match 2+ any a then b within 1h
  overlap per start
  max runs 30
  alert low "{k} {t}"
  limit 2 per 1h for each last(a).v
}

rule keeps_one {
  by k
  event a = s where t == "a"
  event b = s where t == "b" and v > a.v
  match a then 1+ b
  overlap all
  alert low "{a.v}"
}

rule waits {
  by k
  event a = s where t == "a"
  event b = s where t == "b"
  event x = s where t == "x" and v == a.v
  match (a then b within 30s) then within 5m s as c then not x for 1h
  overlap all
  alert low "{k}"
  on timeout alert info "{k}"
}

rule everyone { event a = s where t == "a" match a next not a then s as b within 1h overlap all alert low "x" }

rule habit {
  by k
  event a = s where x > 2 * avg(s.x where t == this.t) over previous 1h and count(s.ip) over 30m > 0
  match a
  alert low "{k}" { most = max(s.d) over 1h, ways = count_distinct(s.t) over 1d, spread = stddev(s.v where v > this_or_less) over 1d }
}

let this_or_less = 0

stream found from together
stream also from lone

rule reads {
  by k
  match found as f then also as l then not found for 10s within 1h
  overlap all
  alert low "{k}"
}
"#;

/// A row with its space, group, key and value.
pub type Owned = (Space, u16, Vec<u8>, Vec<u8>);

/// A state with the program that it belongs to.
pub struct Stored {
    /// The program.
    pub program: Arc<Program>,
    /// The head.
    pub head: Vec<u8>,
    /// The rows.
    pub rows: Vec<Owned>,
}

/// Records before the state was stored, and after that.
const BEFORE: i64 = 150;
const AFTER: i64 = 60;

/// Something of everything.
///
/// # Panics
/// When the rules above are wrong.
pub fn sample() -> Stored {
    let sources = Sources::new([("state.trip", RULES)]);
    let (program, diagnostics) = Program::compile(&sources);
    let program = Arc::new(program.unwrap_or_else(|| panic!("{diagnostics:?}")));
    let options = EngineOptions { shards: 2, ..EngineOptions::RECORDED };
    let mut engine = Engine::new(Arc::clone(&program), options);
    feed(&mut engine, 0..BEFORE);
    let mut state = StateInMemory::default();
    state.take(&engine.changes());
    let rows = state.rows();
    let rows =
        rows.map(|row| (row.space, row.group, row.key.to_vec(), row.value.unwrap_or_default().to_vec()));
    Stored { head: state.head().to_vec(), rows: rows.collect(), program }
}

/// Gives the engine the records of these numbers.
fn feed(engine: &mut Engine, numbers: std::ops::Range<i64>) {
    let program = Arc::clone(engine.program());
    let stream = program.stream("s").expect("it is declared");
    let mut decoder = JsonDecoder::keeping(program.kept(stream), stream, program.schema(stream));
    let now = Timestamp::from_micros(0);
    for number in numbers {
        let kind = ["a", "b", "a", "c", "b", "x", "d"][(number * 5 % 7) as usize];
        let record = format!(
            r#"{{"k":"key {}","t":"{kind}","v":{},"x":{}.5,"ip":"10.0.0.{}","d":"{}s","at":{}}}"#,
            number * 7 % 4,
            number % 5,
            number * 3 % 17,
            number % 3,
            number % 40,
            number * 300 + number * 7 % 5 * 200,
        );
        let position = Position { partition: PartitionId((number % 2) as u32), offset: number as u64 };
        let event = decoder.decode(record.as_bytes(), position, now).expect("a record").expect("an event");
        // A damaged state may think that it is later.
        let _ = engine.push(event, now);
    }
}

impl Stored {
    /// Restores the state with another head or other rows. If that is a state, an engine goes on from it and
    /// can be stored and restored again. Gives whether it was.
    ///
    /// # Panics
    /// When that does not hold.
    pub fn go_on(&self, head: &[u8], rows: &[Owned]) -> bool {
        let rows = rows.iter().map(|(space, group, key, value)| Row {
            space: *space,
            group: *group,
            key,
            value: Some(value),
        });
        let options = EngineOptions { shards: 3, ..EngineOptions::RECORDED };
        let mut state = StateInMemory::new(head, rows);
        let mut engine = match state.restore(Arc::clone(&self.program), options) {
            Ok(restored) => restored.engine,
            Err(error) => {
                assert!(!error.to_string().is_empty(), "a reason is given");
                return false;
            }
        };
        for half in [BEFORE..BEFORE + AFTER / 2, BEFORE + AFTER / 2..BEFORE + AFTER] {
            feed(&mut engine, half);
            state.take(&engine.changes());
            let again = state.restore(Arc::clone(&self.program), options);
            engine = again.expect("what an engine has written is a state").engine;
        }
        engine.stats();
        engine.finish();
        for alert in engine.take_alerts() {
            serde_json::to_string(&alert).expect("an alert is JSON");
        }
        true
    }
}
