//! Many sources, delayed, paused, broken off and connected again by chance: what is reported is what
//! all events that were in time give, sorted at once.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use tripline::event::{Event, SequencePoint, Timestamp};
use tripline::program::Program;

use super::random::Random;
use super::seeds::seeds;
use super::world::{Fate, Source, World, as_json, compile, sorted_at_once};

const START: i64 = 86_400_000_000;
/// How far the clock goes on at each step, in milliseconds.
const STEP: i64 = 100;

/// Every way in which time decides: patterns over two streams, time-outs, absences, the past, and
/// alerts as events.
const RULES: &str = r#"
stream a time at late 2s idle 10s { at timestamp(ms), k string, v int }
stream b time at late 1s idle 4s { at timestamp(ms), k string, v int }

rule pair {
  by k
  event x = a where v < 60
  match x then b as y within 6s
  alert low "{k}" { x = x.v, y = y.v }
  on timeout alert low "{k} timed out" { x = x.v }
}

rule silence {
  by k
  event x = a where v > 50
  match x then not b for 3s
  overlap all
  alert low "{k}" { x = x.v }
}

rule burst {
  by k
  event x = b where v > count(a) over 5s * 10 and sum(b.v) over 8s > 100
  match 2 x within 9s
  alert low "{k}" { past = avg(a.v) over previous 20s }
  limit 1 per 2s
}

stream bursts from burst

rule twice {
  match bursts then a as x then bursts as again within 20s
  alert low "twice" { v = x.v }
}
"#;

/// An event that is to be sent: its offset, its time, its fields.
type Record = (u64, i64, String);

/// Something that sends, over one connection after another.
struct Sender {
    name: &'static str,
    late: i64,
    idle: i64,
    /// How far its clock is off.
    skew: i64,
    /// Whether it keeps its partition when it connects again, and sends its last events again.
    resumes: bool,
    source: Source,
    connected: bool,
    backlog: VecDeque<Record>,
    sent: VecDeque<Record>,
    offset: u64,
    /// Nothing is delivered, or it is not connected, before this time of the clock.
    back_at: i64,
    /// When the engine last heard of it.
    heard: i64,
    /// What it sends with a later time than this must be taken.
    sure: Timestamp,
}

impl Sender {
    fn new(world: &mut World, random: &mut Random) -> Sender {
        let (name, late, idle) = random.pick(&[("a", 2_000, 10_000), ("b", 1_000, 4_000)]);
        Sender {
            name,
            late,
            idle,
            skew: i64::from(random.number(0, 2_000)) - 1_000,
            resumes: random.chance(50),
            source: world.connects(name),
            connected: true,
            backlog: VecDeque::new(),
            sent: VecDeque::new(),
            offset: 0,
            back_at: world.now,
            heard: world.now,
            sure: Timestamp::MIN,
        }
    }

    /// An event no further behind its newest than `late`.
    fn make(&mut self, now: i64, random: &mut Random) {
        let at = now + self.skew - i64::from(random.number(0, self.late as u32));
        let fields = format!("\"k\":\"{}\",\"v\":{}", random.pick(&["x", "y"]), random.number(0, 99));
        self.offset += 1;
        self.backlog.push_back((self.offset, at, fields));
    }

    fn connect(&mut self, world: &mut World, random: &mut Random, sure: Timestamp) {
        if self.resumes {
            world.opens(self.source);
            for record in self.sent.drain(..).rev().take(random.number(0, 5) as usize) {
                self.backlog.push_front(record);
            }
        } else {
            self.source = world.connects(self.name);
        }
        self.connected = true;
        self.heard = world.now;
        self.sure = sure;
    }
}

/// A world, and what has come of it.
struct Play {
    random: Random,
    world: World,
    senders: Vec<Sender>,
    taken: BTreeMap<SequencePoint, Event>,
    late: usize,
    again: usize,
    /// The time of the last event that was matched when nobody held event time back: then all go.
    matched: Timestamp,
}

impl Play {
    fn new(program: &Arc<Program>, seed: u64) -> Play {
        let mut random = Random::new(seed);
        let shards = random.number(1, 4) as usize;
        let mut world = World::with_shards(Arc::clone(program), START, shards);
        let count = random.number(1, 6);
        let senders = (0..count).map(|_| Sender::new(&mut world, &mut random)).collect();
        Play { random, world, senders, taken: BTreeMap::new(), late: 0, again: 0, matched: Timestamp::MIN }
    }

    /// Some partitions may have let go of event time. When none holds it, all that waits is matched,
    /// and what comes then must be later.
    fn let_go(&mut self) {
        let now = self.world.now;
        if self.senders.iter().any(|sender| sender.connected && now < sender.heard + sender.idle) {
            return;
        }
        if let Some((last, _)) = self.taken.last_key_value() {
            self.matched = self.matched.max(last.time);
        }
    }

    /// What comes with a later time is in time, if its partition has not said anything later.
    fn sure(&self) -> Timestamp {
        self.matched.max(self.world.engine.watermark())
    }

    fn step(&mut self) {
        self.world.wait_until(self.world.now + STEP);
        self.let_go();
        for index in 0..self.senders.len() {
            let sure = self.sure();
            let (random, world) = (&mut self.random, &mut self.world);
            let sender = &mut self.senders[index];
            if random.chance(20) {
                sender.make(world.now, random);
            }
            if world.now < sender.back_at {
                continue;
            }
            if !sender.connected {
                sender.connect(world, random, sure);
            } else if random.chance(1) {
                world.breaks_off(sender.source);
                sender.connected = false;
                sender.back_at = world.now + i64::from(random.number(0, 15_000));
                self.let_go();
                continue;
            } else if random.chance(1) {
                // Slow, while its connection stands: longer than `idle`, perhaps.
                sender.back_at = world.now + i64::from(random.number(100, 12_000));
                continue;
            }
            while self.random.chance(70) && self.deliver(index) {}
        }
    }

    /// Delivers the next event of a sender, if it has one.
    fn deliver(&mut self, index: usize) -> bool {
        let sure = self.sure();
        let sender = &mut self.senders[index];
        let Some(record) = sender.backlog.pop_front() else { return false };
        let (offset, at, fields) = &record;
        let event = self.world.event(sender.source, *offset, *at, fields);
        let (point, time) = (event.point(), event.time());
        if self.world.now >= sender.heard + sender.idle {
            // It was idle, and event time went on without it.
            sender.sure = sender.sure.max(sure);
        }
        sender.heard = self.world.now;
        let fate = self.world.push(event.clone());
        match fate {
            Fate::Taken => {
                let newest = Timestamp::from_millis(at - sender.late).expect("a small time");
                sender.sure = sender.sure.max(newest);
                self.again += usize::from(self.taken.insert(point, event).is_some());
            }
            Fate::Late(_) => {
                let before = self.taken.contains_key(&point);
                assert!(before || time <= sender.sure, "{point:?} is in time, as {} shows", sender.sure);
                self.again += usize::from(before);
                self.late += usize::from(!before);
            }
            Fate::Future(by) => panic!("{point:?} is {by} ms too far ahead"),
        }
        sender.sent.push_back(record);
        if sender.sent.len() > 5 {
            sender.sent.pop_front();
        }
        true
    }
}

/// Says which seed it was when a test panics.
struct Seed(u64);

impl Drop for Seed {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("the seed is {}: TRIPLINE_SEED={} TRIPLINE_CASES=1 plays it alone", self.0, self.0);
        }
    }
}

/// Shows the first difference, as the lists are long.
fn assert_same(played: &[String], at_once: &[String]) {
    let first = played.iter().zip(at_once).take_while(|(one, other)| one == other).count();
    let rest = |alerts: &[String]| alerts[first..].iter().take(4).cloned().collect::<Vec<_>>().join("\n");
    assert!(
        played == at_once,
        "after {first} equal alerts come, of {} and {},\n{}\nand at once\n{}",
        played.len(),
        at_once.len(),
        rest(played),
        rest(at_once)
    );
}

#[test]
fn what_is_reported_is_what_the_events_in_time_give_sorted_at_once() {
    let program = compile(RULES);
    let (mut taken, mut late, mut again) = (0, 0, 0);
    let mut reports: BTreeMap<String, usize> = BTreeMap::new();
    let seeds = seeds(150);
    let many = seeds.end - seeds.start >= 100;
    for seed in seeds {
        let _seed = Seed(seed);
        let mut play = Play::new(&program, seed);
        for _ in 0..play.random.number(50, 600) {
            play.step();
        }
        if play.random.chance(50) {
            // The clock decides what is left, where nobody holds event time back.
            play.senders.iter().for_each(|sender| play.world.breaks_off(sender.source));
            play.world.wait_until(play.world.now + 60_000);
        }
        play.world.ends();
        taken += play.taken.len();
        late += play.late;
        again += play.again;
        let expected = sorted_at_once(&program, play.taken);
        for alert in &expected {
            *reports.entry(alert.rule.to_string()).or_default() += 1;
        }
        assert_same(&as_json(&play.world.alerts), &as_json(&expected));
    }
    // Otherwise it would show little.
    if many {
        assert!(taken > 1_000 && late > 100 && again > 100, "{taken} taken, {late} late, {again} again");
        assert!(reports.len() == 4 && reports.values().all(|count| *count > 20), "{reports:?}");
    }
}
