//! The memory that keys and partial matches take is what `tripline check --cost` says: an allocator that
//! counts is compared with the estimate. What they have taken is used again.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tripline::codec::Decoder;
use tripline::codec::json::JsonDecoder;
use tripline::diagnostic::Sources;
use tripline::engine::{Engine, EngineOptions, Shelf};
use tripline::event::{Event, PartitionId, Position, Timestamp, Value};
use tripline::program::Program;
use tripline::program::cost::{DISTINCT_BYTES, RECORD_BYTES};
use tripline::stored::Space;

/// Counts the bytes that are in use.
struct Counting;

static IN_USE: AtomicUsize = AtomicUsize::new(0);
static MOST: AtomicUsize = AtomicUsize::new(0);

// SAFETY: every call goes on to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let before = IN_USE.fetch_add(layout.size(), Ordering::Relaxed);
        MOST.fetch_max(before + layout.size(), Ordering::Relaxed);
        // SAFETY: as the caller of this function warrants.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        IN_USE.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: as the caller of this function warrants.
        unsafe { System.dealloc(memory, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

/// Held while something is measured: what other tests take would be counted.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn in_use() -> usize {
    IN_USE.load(Ordering::Relaxed)
}

/// How many events each key is sent: a power of two, so that lists have no room to spare.
const EVENTS: usize = 1_024;

/// What the rule with these clauses really takes, and what its cost says, after [`EVENTS`] events that
/// each begin a match; a run holds all events since it began if `keeps`.
fn compare(clauses: &str, keeps: bool) -> (usize, usize) {
    let text = format!(
        "stream s time at idle 30s {{ k string, t string, v int, at timestamp(ms) }}\n\
         rule r {{\n  by k\n  event a = s where t == \"a\"\n{clauses}\n  alert low \"x\"\n}}\n"
    );
    let (program, diagnostics) = Program::compile(&Sources::new([("r.trip", text.as_str())]));
    let program = Arc::new(program.unwrap_or_else(|| panic!("{diagnostics:?}")));
    let cost = program.cost("r").expect("the rule is there").memory;
    let stream = program.stream("s").expect("it is declared");
    let mut decoder = JsonDecoder::keeping(program.kept(stream), stream, program.schema(stream));
    let mut engine = Engine::new(Arc::clone(&program), EngineOptions::RECORDED);
    engine.open(stream, PartitionId(0), Timestamp::from_micros(0));
    let mut record = 0;
    let before = in_use();
    for number in 0..EVENTS {
        let raw = format!(r#"{{"k":"k","t":"a","v":{:04},"at":{}}}"#, 1_000 + number % 8_000, 1_000 + number);
        record = raw.len();
        let position = Position { partition: PartitionId(0), offset: number as u64 };
        let now = Timestamp::from_millis(1_000 + number as i64).expect("a small number");
        let event =
            decoder.decode(raw.as_bytes(), position, now).expect("it is well formed").expect("an event");
        engine.push(event, now).expect("it is not late");
    }
    let taken = in_use() - before;
    assert_eq!(engine.stats().live_runs, EVENTS, "{clauses}");
    let captured = if keeps { EVENTS * (EVENTS + 1) / 2 } else { EVENTS };
    let event = cost.event - RECORD_BYTES + record;
    let distinct = if keeps { cost.distinct * captured * DISTINCT_BYTES } else { 0 };
    (taken, EVENTS * (cost.run + event) + captured * cost.capture + distinct)
}

#[test]
fn partial_matches_take_what_their_cost_says() {
    let _alone = alone();
    let sums = "event b = s where t == \"b\" and v > avg(a.v) + sum(a.v) + max(a.v)";
    let distinct = "event b = s where t == \"b\" and v > count_distinct(a.v)";
    for (clauses, keeps, exact) in [
        ("match a then s as b within 1h".to_owned(), false, true),
        (format!("{sums}\n  match a then b within 1h"), false, true),
        ("match (a then (s as b then s as c within 1m) within 5m) then s as d".to_owned(), false, true),
        ("event b = s where t == \"b\"\n  match 1+ a then b".to_owned(), true, true),
        // Held together: what they have in common is held once.
        ("event b = s where t == \"b\"\n  match 1+ a then b within 1h".to_owned(), true, false),
        (format!("{distinct}\n  match 1+ a then b within 1h\n  max events 10_000_000"), true, false),
    ] {
        // What follows never comes, so that every event begins a run that stays.
        let clauses = clauses.replace("s as", "x as");
        let clauses = if clauses.contains("x as") {
            format!("event x = s where t == \"x\"\n  {clauses}")
        } else {
            clauses
        };
        let clauses = if clauses.contains("max events") {
            clauses
        } else {
            format!("{clauses}\n  max events 10_000_000")
        };
        let (taken, told) = compare(&clauses, keeps);
        println!("{taken} taken, {told} told: {clauses}");
        assert!(taken <= told + told / 20, "{taken} bytes, not {told}: {clauses}");
        if exact {
            assert!(taken >= told - told / 10, "{taken} bytes, not {told}: {clauses}");
        }
    }
}

/// An engine with a rule of which each key has at most one partial match, which ends after an hour.
fn many_keys(b: &str) -> (Arc<Program>, Engine) {
    let rule = format!(
        "stream s time at {{ k string, t string, at timestamp(ms) }}
         rule r {{ by k  event b = s where {b}  match s as a then b within 1h  max runs 1  alert low \"x\" }}"
    );
    let (program, diagnostics) = Program::compile(&Sources::new([("r.trip", rule)]));
    let program = Arc::new(program.unwrap_or_else(|| panic!("{diagnostics:?}")));
    let mut engine = Engine::new(Arc::clone(&program), EngineOptions::RECORDED);
    engine.open(program.stream("s").expect("it is declared"), PartitionId(0), Timestamp::from_micros(0));
    (program, engine)
}

/// Runs that are held one by one, and runs that are held together.
const BOTH_KINDS: [&str; 2] = ["t == a.t", "t == \"b\""];

/// Sends each of so many keys an event from a time on, all within a minute.
fn send_each(program: &Program, engine: &mut Engine, keys: usize, from: i64) {
    let stream = program.stream("s").expect("it is declared");
    for number in 0..keys as i64 {
        let now = Timestamp::from_millis(from + number * 60_000 / keys as i64).expect("a small number");
        let position = Position { partition: PartitionId(0), offset: (from + number) as u64 };
        let values = [Value::text(format!("key {from} {number}")), Value::Null, Value::Timestamp(now)];
        engine.push(Event::new(stream, now, position, values, []), now).expect("it is not late");
    }
}

#[test]
fn a_key_takes_what_its_cost_says() {
    let _alone = alone();
    for (b, exact) in BOTH_KINDS.into_iter().zip([true, false]) {
        let (program, mut engine) = many_keys(b);
        // Its events are given all three values, of which the rule reads two.
        let more = size_of::<Value>();
        let told = program.cost("r").expect("the rule is there").memory.key - RECORD_BYTES + more;
        // Between two sizes of the index.
        let keys = 40_000;
        let before = in_use();
        send_each(&program, &mut engine, keys, 0);
        assert_eq!(engine.stats().live_keys, keys);
        let taken = (in_use() - before) / keys;
        println!("{taken} bytes a key taken, {told} told: {b}");
        assert!(taken <= told + told / 20, "{taken} bytes a key, not {told}: {b}");
        if exact {
            assert!(taken >= told - told / 10, "{taken} bytes a key, not {told}: {b}");
        }
    }
}

/// What a burst of keys has taken is given back or used again.
#[test]
fn keys_that_come_again_take_no_more() {
    /// More than the records' first piece has.
    const KEYS: usize = 40_000;
    let _alone = alone();
    for b in BOTH_KINDS {
        let (program, mut engine) = many_keys(b);
        let before = in_use();
        let mut most = Vec::new();
        for round in 0..3 {
            MOST.store(0, Ordering::Relaxed);
            let from = round * 10_000_000;
            send_each(&program, &mut engine, KEYS, from);
            assert!(engine.stats().live_keys >= KEYS);
            most.push(MOST.load(Ordering::Relaxed) - before);
            // Of another key, so that time passes: two hours later only that one is there.
            send_each(&program, &mut engine, 1, from + 7_200_000);
            assert_eq!(engine.stats().live_keys, 1);
            let left = in_use() - before;
            println!("{} bytes at most, {left} left", most[round as usize]);
            // Places for some thousand keys stay, to be used again.
            assert!(left < most[0] / 8, "{left} bytes of {} are left", most[0]);
        }
        assert!(most.iter().all(|bytes| *bytes <= most[0] + most[0] / 100), "{most:?}: {b}");
    }
}

/// Has nothing: what leaves memory is not needed again.
struct Nothing;

impl Shelf for Nothing {
    fn row(&self, _: Space, _: u16, key: &[u8]) -> Option<Vec<u8>> {
        panic!("{key:?} is asked for")
    }
}

/// Rules of which a key holds runs one by one, runs together, and several of both with a past and what a limit
/// counts.
const KINDS: [&str; 3] = [
    "rule r { by k  event b = s where t == a.t  match s as a then b within 9h  max runs 4  alert low \"x\" }",
    "rule r { by k  event b = s where t == \"b\"  match s as a then b within 9h  overlap all alert low \"x\" }",
    "rule r { by k  event b = s where t == a.t  match s as a then b within 9h  max runs 4  alert low \"x\" }
     rule o { by k  event a = s where n > 1 + avg(s.n) over 2h  match a then a as b within 9h  alert low \"x\" }
     rule l { by k  match s as a  alert low \"x\"  limit 1 per 9h for each a.n }",
];

/// An engine with such rules that keeps to a limit, whose events have 300 bytes.
struct Limited {
    engine: Engine,
    decoder: JsonDecoder,
    offset: u64,
}

impl Limited {
    fn new(rules: &str, limit: usize) -> Limited {
        let text =
            format!("stream s time at idle 30s {{ k string, t string?, n int, at timestamp(ms) }}\n{rules}");
        let (program, diagnostics) = Program::compile(&Sources::new([("r.trip", text.as_str())]));
        let program = Arc::new(program.unwrap_or_else(|| panic!("{diagnostics:?}")));
        let stream = program.stream("s").expect("it is declared");
        let decoder = JsonDecoder::keeping(program.kept(stream), stream, program.schema(stream));
        let mut engine = Engine::new(program, EngineOptions::RECORDED);
        engine.open(stream, PartitionId(0), Timestamp::from_micros(0));
        engine.shelve(limit, Arc::new(Nothing));
        Limited { engine, decoder, offset: 0 }
    }

    fn send(&mut self, key: usize) {
        let now = Timestamp::from_micros(0);
        let (n, more) = (self.offset % 3, "x".repeat(230));
        let raw = format!(r#"{{"k":"customer-{key:06}","n":{n},"at":0,"more":"{more}"}}"#);
        let position = Position { offset: self.offset, ..Position::default() };
        self.offset += 1;
        let event = self.decoder.decode(raw.as_bytes(), position, now).expect("well formed");
        self.engine.push(event.expect("an event"), now).expect("it is not late");
        self.engine.take_alerts();
    }

    fn store(&mut self) {
        let changes = self.engine.changes();
        self.engine.stored(changes.generation());
    }
}

#[test]
fn what_keys_are_said_to_take_is_what_they_take() {
    let _alone = alone();
    for (rules, events) in KINDS.into_iter().flat_map(|rules| [(rules, 1), (rules, 6)]) {
        let before = in_use();
        let mut limited = Limited::new(rules, usize::MAX);
        for key in 0..40_000 / events {
            (0..events).for_each(|_| limited.send(key));
        }
        limited.store();
        let (taken, said) = (in_use() - before, limited.engine.stats().held_bytes);
        println!(
            "{} bytes a key taken, {} said, {events} events: {rules}",
            taken * events / 40_000,
            said * events / 40_000
        );
        assert!(said > taken * 5 / 6 && said < taken * 6 / 5, "{taken} bytes taken, {said} said: {rules}");
    }
}

/// What remains of a key, or of its past, that is not in memory.
const COLD_KEY: usize = 88;
const COLD_PAST: usize = 150;

#[test]
fn keys_take_no_more_than_they_may() {
    let _alone = alone();
    for rules in KINDS {
        const LIMIT: usize = 1 << 20;
        let before = in_use();
        let mut limited = Limited::new(rules, LIMIT);
        for key in 0..50_000 {
            (0..2).for_each(|_| limited.send(key));
            if key % 200 == 199 {
                limited.store();
            }
        }
        // What was stored last may leave with what comes next.
        limited.store();
        (0..40).for_each(|_| limited.send(50_000));
        let stats = limited.engine.stats();
        let (cold, held, taken) = (stats.cold_keys, stats.held_bytes, in_use() - before);
        println!("{cold} cold, {held} said, {taken} taken: {rules}");
        assert_eq!(stats.live_keys, 50_001);
        let remains = cold * if rules.contains("avg") { (COLD_KEY + COLD_PAST) / 2 } else { COLD_KEY };
        assert!(held <= LIMIT + remains, "{held} bytes said with {cold} cold: {rules}");
        assert!(taken <= held + held / 4, "{taken} bytes taken with {cold} cold: {rules}");
    }
}
