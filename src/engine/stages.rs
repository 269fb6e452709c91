//! From one round of events to its alerts, stratum by stratum.
//!
//! Enters: rounds, each the next events in their order and how far event time has come then; and the
//! outcomes of tasks, of each shard in order. Leaves: tasks for the shards, and the alerts of each
//! round in the one order of all reports.
//!
//! A *stage* has the shards of the rules of one stratum. Rules of the first read no alerts, so that
//! their stage can do a whole round at once. With their alerts known, the next stage has all that
//! its rules read, and so on. Stages share nothing, so that one may be rounds ahead of the next, and
//! no shard waits for another within a round.
//!
//! Events made of alerts follow all source events of their time. An alert of the moment that event
//! time stands at waits until that moment has passed, because more events of it may come.

mod stored;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use compact_str::CompactString;

use super::executor::{Executor, Outcome, Place, Task};
use super::router::Router;
use crate::alert::{Alert, AlertKind, AsEvent, Severity};
use crate::event::{Event, StreamId, Timestamp, Value, digest};
use crate::language::checked::{AlertStream, Mode};
use crate::program::{Program, RuleId};
use crate::shard::{Decision, Item, Order, Sent, Work};

/// Most alerts of one moment and one stratum that other rules can read.
const MAX_READ: usize = 100_000;

/// So many alerts that limits have held back are kept until they are taken.
const MAX_LIMITED: usize = 1_000;

/// How many events the lists that are used again have room for; what is longer was an exception.
const KEPT: usize = 1 << 14;

/// The next events in their order.
#[derive(Debug)]
pub struct Round {
    /// The events, all from sources.
    pub items: Vec<Item>,
    /// All times before this have passed once they have been looked at.
    pub passed: Timestamp,
}

/// All stages, and the rounds that are under way in them.
#[derive(Debug)]
pub struct Stages {
    program: Arc<Program>,
    router: Router,
    stages: Vec<Stage>,
    /// The rounds that are not complete, oldest first.
    rounds: VecDeque<Open>,
    /// How many rounds there were before these.
    complete: u64,
    pending: Pending,
    /// Alerts that limits have held back, without their events, each with how many before it.
    limited: Vec<(Alert, u64)>,
    /// Empty lists: each round uses those of the rounds before.
    lists: Vec<Vec<Item>>,
}

/// Alerts that wait until they can be read, and what was counted of them.
#[derive(Clone, Debug, Default)]
pub struct Pending {
    /// For each stratum of rules.
    inboxes: Vec<Inbox>,
    /// For each rule: how often alerts were left out of streams.
    left_out: Vec<u64>,
}

/// What waits for the rules of one stratum.
#[derive(Clone, Debug, Default)]
struct Inbox {
    /// By their place and, of one alert, by stream.
    alerts: BTreeMap<(Order, StreamId), Arc<Read>>,
    /// How many there have been, which gives each event its place in the order.
    count: u64,
    /// The moment of the last alert of this stratum that rules read, and how many it has had.
    moment: Option<(Timestamp, usize)>,
    /// The rules whose alerts of that moment were left out.
    left_out: BTreeSet<RuleId>,
}

/// What an event is made of.
#[derive(Debug)]
struct Read {
    id: String,
    values: Vec<Value>,
    raw: Vec<u8>,
}

#[derive(Debug)]
struct Stage {
    /// The number of the next round that it begins.
    next: u64,
    /// For each shard, what it has made of the rounds that others have not done.
    done: Vec<VecDeque<Vec<Decision>>>,
}

/// A round under way.
#[derive(Debug)]
struct Open {
    /// The events, as long as a stage needs them.
    round: Round,
    /// What has come of it, each stage in order.
    alerts: Vec<(Order, Alert)>,
    /// How many stages are through with it.
    stages: usize,
}

impl Stages {
    /// Stages of so many shards each.
    pub fn new(program: Arc<Program>, shards: usize, mut pending: Pending) -> Stages {
        pending.inboxes.resize_with(program.strata(), Inbox::default);
        pending.left_out.resize(program.compiled().len(), 0);
        let stage = |_| Stage { next: 0, done: (0..shards).map(|_| VecDeque::new()).collect() };
        Stages {
            router: Router::new(Arc::clone(&program), shards),
            stages: (0..program.strata()).map(stage).collect(),
            rounds: VecDeque::new(),
            complete: 0,
            pending,
            limited: Vec::new(),
            lists: Vec::new(),
            program,
        }
    }

    /// How many rounds are under way.
    pub fn under_way(&self) -> usize {
        self.rounds.len()
    }

    /// How many events will be made of alerts that wait.
    pub fn waiting(&self) -> usize {
        self.pending.inboxes.iter().map(|inbox| inbox.alerts.len()).sum()
    }

    /// The alerts that wait until they can be read. No round may be under way.
    pub fn pending(&self) -> &Pending {
        debug_assert!(self.rounds.is_empty(), "rounds are under way");
        &self.pending
    }

    /// For each rule, and each old version of one: how often alerts were left out of streams, once for a moment.
    pub fn left_out(&self) -> &[u64] {
        &self.pending.left_out
    }

    /// The alerts that limits have held back since the last call, or the first of them.
    pub fn take_limited(&mut self) -> Vec<(Alert, u64)> {
        std::mem::take(&mut self.limited)
    }

    /// An empty list for the events of a round.
    pub fn list(&mut self) -> Vec<Item> {
        self.lists.pop().unwrap_or_default()
    }

    /// Keeps an empty list to be used again.
    pub fn keep(&mut self, list: Vec<Item>) {
        if list.capacity() <= KEPT {
            self.lists.push(list);
        }
    }

    /// Begins a round.
    pub fn begin(&mut self, round: Round, executor: &mut dyn Executor) {
        self.rounds.push_back(Open { round, alerts: Vec::new(), stages: 0 });
        self.start(0, executor);
    }

    /// A task has been done. Submits those that can be begun now, and gives the alerts of rounds that
    /// are complete, in order.
    pub fn done(&mut self, outcome: Outcome, executor: &mut dyn Executor, alerts: &mut Vec<Alert>) {
        self.keep(outcome.list);
        let Place { stratum, shard } = outcome.place;
        let stage = &mut self.stages[stratum];
        stage.done[shard].push_back(outcome.decisions);
        if stage.done.iter().any(VecDeque::is_empty) {
            return;
        }
        let parts = stage.done.iter_mut().filter_map(VecDeque::pop_front);
        let mut decisions: Vec<Decision> = parts.flatten().collect();
        if self.router.shards() > 1 {
            decisions.sort_by(|one, other| one.order.cmp(&other.order));
        }
        self.finish(stratum, decisions);
        if stratum + 1 < self.stages.len() {
            self.start(stratum + 1, executor);
        }
        while self.rounds.front().is_some_and(|open| open.stages == self.stages.len()) {
            self.complete += 1;
            let Some(Open { alerts: mut decided, .. }) = self.rounds.pop_front() else { break };
            if self.stages.len() > 1 {
                decided.sort_by(|(one, _), (other, _)| one.cmp(other));
            }
            alerts.extend(decided.into_iter().map(|(_, alert)| alert));
        }
    }

    /// Begins the next round of a stage.
    fn start(&mut self, stratum: usize, executor: &mut dyn Executor) {
        let stage = &mut self.stages[stratum];
        let round = (stage.next - self.complete) as usize;
        stage.next += 1;
        let mut items = self.sources(stratum, round);
        let passed = self.rounds[round].round.passed;
        if stratum > 0 {
            let derived = self.pending.inboxes[stratum].take(passed);
            items = merge(items, derived);
        }
        let mut submit = |shard, items| {
            executor.submit(Task { place: Place { stratum, shard }, work: Work { items, passed } });
        };
        if self.router.shards() == 1 {
            return submit(0, items);
        }
        let mut parts: Vec<Vec<Item>> = (0..self.router.shards()).map(|_| self.list()).collect();
        self.router.split(stratum, &mut items, &mut parts);
        self.keep(items);
        parts.into_iter().enumerate().for_each(|(shard, items)| submit(shard, items));
    }

    /// The events of sources that the rules of a stage read, of the round at that place. Most rules
    /// that read alerts read little else.
    fn sources(&mut self, stratum: usize, round: usize) -> Vec<Item> {
        let is_read = |item: &Item| !self.program.routes(stratum, item.event.stream()).is_empty();
        let all = &mut self.rounds[round].round.items;
        if stratum + 1 == self.stages.len() {
            let mut items = std::mem::take(all);
            items.retain(is_read);
            return items;
        }
        let mut items = self.lists.pop().unwrap_or_default();
        items.extend(all.iter().filter(|item| is_read(item)).map(|item| Item::new(item.event.clone())));
        items
    }

    /// A stage is through with its oldest round.
    fn finish(&mut self, stratum: usize, decisions: Vec<Decision>) {
        // Those before it are through with it, and it does its rounds one after another.
        let place = self.rounds.iter().position(|open| open.stages == stratum);
        let place = place.expect("a stage only works on rounds that have come to it");
        for decision in decisions {
            let told = if decision.read { self.read(stratum, &decision) } else { None };
            let open = &mut self.rounds[place];
            let Decision { order, alert, sent, .. } = decision;
            let told = told.map(|told| (order.clone(), told));
            match sent {
                Sent::Yes { .. } => open.alerts.push((order, alert)),
                Sent::Limited { before } if self.limited.len() < MAX_LIMITED => {
                    self.limited.push((Alert { events: Vec::new(), ..alert }, before));
                }
                Sent::Limited { .. } | Sent::No => {}
            }
            open.alerts.extend(told);
        }
        self.rounds[place].stages += 1;
    }

    /// Lets the rules that read the alert have it. Gives what is to be told when that cannot be.
    fn read(&mut self, stratum: usize, decision: &Decision) -> Option<Alert> {
        let Decision { order, rule, alert, .. } = decision;
        let own = &mut self.pending.inboxes[stratum];
        if own.moment.is_none_or(|(time, _)| time != order.time) {
            own.moment = Some((order.time, 0));
            own.left_out.clear();
        }
        let streams = self.program.alert_streams(*rule);
        let mut told = None;
        for stream in streams {
            let own = &mut self.pending.inboxes[stratum];
            let count = own.moment.as_mut().map_or(0, |(_, count)| {
                *count += 1;
                *count
            });
            if count > MAX_READ {
                if own.left_out.insert(*rule) {
                    self.pending.left_out[rule.0 as usize] += 1;
                    told = Some(stream);
                }
                continue;
            }
            let read = Arc::new(Read::new(stream, alert));
            for later in stratum + 1..self.stages.len() {
                if !self.program.routes(later, stream.stream).is_empty() {
                    let key = (order.clone(), stream.stream);
                    self.pending.inboxes[later].alerts.insert(key, Arc::clone(&read));
                }
            }
        }
        let mode = self.program.compiled()[rule.0 as usize].rule.mode;
        let stream = told.filter(|_| mode == Mode::Live)?;
        Some(left_out(alert, &self.program.schema(stream.stream).name))
    }
}

impl Inbox {
    /// The events made of the alerts whose time has passed, in order.
    fn take(&mut self, passed: Timestamp) -> Vec<Item> {
        let mut taken = Vec::new();
        while let Some(first) = self.alerts.first_entry()
            && first.key().0.time < passed
        {
            let ((order, stream), read) = first.remove_entry();
            let (values, raw) = (read.values.clone(), read.raw.clone());
            let event = Event::of_alert(stream, order.time, self.count, read.id.as_str(), values, raw);
            self.count += 1;
            taken.push(Item { origin: Some(Box::new(order)), ..Item::new(event) });
        }
        taken
    }
}

impl Read {
    fn new(stream: &AlertStream, alert: &Alert) -> Read {
        let filled = stream.filled.iter().map(|filled| {
            let place = if alert.kind == AlertKind::Timeout { filled.by_timeout } else { filled.by_match };
            place.map_or(Value::Null, |index| alert.fields[index].1.clone())
        });
        let key = alert.key.iter().map(|(_, value)| value.clone());
        Read {
            id: alert.id.clone(),
            // The key, the kind, and the fields that the alert fills.
            values: key.chain([Value::text(alert.kind.name())]).chain(filled).collect(),
            raw: serde_json::to_vec(&AsEvent(alert)).expect("an alert is JSON"),
        }
    }
}

/// Puts events made of alerts behind the source events of their time.
fn merge(sources: Vec<Item>, derived: Vec<Item>) -> Vec<Item> {
    if derived.is_empty() {
        return sources;
    }
    let mut merged = Vec::with_capacity(sources.len() + derived.len());
    let mut derived = derived.into_iter().peekable();
    for item in sources {
        while let Some(earlier) = derived.next_if(|next| next.event.time() < item.event.time()) {
            merged.push(earlier);
        }
        merged.push(item);
    }
    merged.extend(derived);
    merged
}

/// What is sent when this and other alerts of its rule are left out of a stream because there are too
/// many of one moment.
fn left_out(alert: &Alert, stream: &str) -> Alert {
    Alert {
        id: digest(&format!("left out of {stream}: {}", alert.id)),
        severity: Severity::Medium,
        title: format!(
            "{}: `{stream}` can take {MAX_READ} alerts of one moment; this one and others were left out",
            alert.rule
        ),
        kind: AlertKind::Limit,
        suppressed: 0,
        fields: vec![
            (CompactString::const_new("limit"), Value::text("alerts of one moment")),
            (CompactString::const_new("bound"), Value::Int(MAX_READ as i64)),
        ],
        ..alert.clone()
    }
}
