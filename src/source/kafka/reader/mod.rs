//! The thread that has a consumer: it reads, follows the group, and tells it how far it has come.

mod cluster;
mod membership;
mod moving;
mod places;
mod states;

use std::collections::VecDeque;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rdkafka::consumer::Consumer as _;
use rdkafka::error::KafkaError;
use rdkafka::message::{Message, OwnedMessage};
use rdkafka::{Offset, TopicPartitionList};
use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tracing::warn;

use crate::event::Timestamp;
use crate::source::queue::EngineGone;
use crate::source::reader::Quarantine as _;
use crate::source::registry::Registry;
use crate::source::{Inlet, Input};
use crate::telemetry::catalogue::KafkaMetrics;

use super::dead_letters::DeadLetters;
use super::group::{self, Consumer, Name};
use super::leave::Leaving;
use super::metadata::Wanted;
use super::partition::{Making, Partition, Taken, with_schema_id};
use super::start::Start;
use super::{Settings, Tombstones};
use membership::Beginning;
use moving::MovingState;

/// So long the thread waits for a message before it looks at everything else again.
const PAUSE: Duration = Duration::from_millis(50);
/// So many messages are read at most before it does.
const BURST: usize = 8_192;
/// So long something may take before the group is to hear of us meanwhile.
const BEAT: Duration = Duration::from_secs(1);
/// So long the library has to say the next thing.
const WORD: Duration = Duration::from_millis(10);
/// How often the group is told how far we have come.
const COMMIT: Duration = Duration::from_secs(1);
/// So long a partition may take to be settled before it is given up without.
const GIVING_UP: Duration = Duration::from_secs(60);
/// How often something is tried again that the cluster has not answered.
const AGAIN: Duration = Duration::from_secs(1);
/// An error that goes on is logged so often.
const LOGGED: Duration = Duration::from_secs(30);

/// How a reader is talked to.
pub struct Signals {
    /// Ends when it is known for the first time which partitions are ours.
    pub begun: oneshot::Receiver<()>,
    /// Lets it read.
    pub go: oneshot::Sender<()>,
    /// Ends when it has ended.
    pub ended: oneshot::Receiver<()>,
}

/// Reads until it is to stop.
pub struct Reader {
    consumer: Arc<Consumer>,
    inlet: Inlet,
    runtime: Handle,
    start: Start,
    tombstones: Tombstones,
    metadata: Option<Wanted>,
    dead_letters: Option<DeadLetters>,
    metrics: Arc<KafkaMetrics>,
    /// The partitions that are read, in no order.
    partitions: Vec<Partition>,
    /// The place of the one that the last message was of.
    last: usize,
    /// What came while something was waited for, in its order.
    stash: VecDeque<Result<OwnedMessage, KafkaError>>,
    /// What has the schemas of values, if they have some.
    registry: Option<Arc<Registry>>,
    /// How state moves with the partitions, if it does.
    moving: Option<MovingState>,
    /// Whether nothing more is taken: the service stops, and a message could not be read.
    is_over: bool,
    /// Room for records.
    record: Vec<u8>,
    arrival: Timestamp,
    begun: Option<oneshot::Sender<()>>,
    /// Comes when it may read; `None`: it may.
    go: Option<oneshot::Receiver<()>>,
    ended: Option<oneshot::Sender<()>>,
    /// Partitions that are to be read and could not be begun yet.
    beginning: Option<Beginning>,
    /// Whether the cluster does not have what comes next of some partition, and when to look for something else.
    misplaced: Option<Instant>,
    /// Partitions that are to be given up, and when that is done whether they are settled or not.
    giving_up: Option<(Vec<Name>, Instant)>,
    /// Partitions that were given up while something was waited for, and are still open at the engine.
    given_up: Vec<Name>,
    committed: Instant,
    logged: Option<Instant>,
}

impl Reader {
    /// Reads with a consumer that has subscribed. To be made in asynchronous code.
    pub fn new(
        consumer: Arc<Consumer>,
        inlet: Inlet,
        settings: &Settings,
        metrics: Arc<KafkaMetrics>,
    ) -> Reader {
        Reader {
            consumer,
            inlet,
            runtime: Handle::current(),
            start: settings.start,
            tombstones: settings.tombstones,
            metadata: None,
            dead_letters: None,
            metrics,
            partitions: Vec::new(),
            last: 0,
            stash: VecDeque::new(),
            registry: None,
            moving: None,
            is_over: false,
            record: Vec::new(),
            arrival: Timestamp::MIN,
            begun: None,
            go: None,
            ended: None,
            beginning: None,
            misplaced: None,
            giving_up: None,
            given_up: Vec::new(),
            committed: Instant::now(),
            logged: None,
        }
    }

    /// The same with what belongs into records besides the values of messages.
    pub fn with_metadata(self, metadata: Option<Wanted>) -> Reader {
        Reader { metadata, ..self }
    }

    /// The same asking a registry for the schemas of values.
    pub fn with_registry(self, registry: Option<Arc<Registry>>) -> Reader {
        Reader { registry, ..self }
    }

    /// The same with state that moves with the partitions.
    pub fn with_moving(self, moving: Option<super::Moving>) -> Reader {
        let moving = moving.map(|moving| MovingState::new(moving, &self.inlet.identity.name, &self.runtime));
        Reader { moving, ..self }
    }

    /// The same with a place for messages that are no events.
    pub fn with_dead_letters(self, dead_letters: Option<DeadLetters>) -> Reader {
        Reader { dead_letters, ..self }
    }

    /// The same which tells when it has begun and ended, and reads when it may.
    pub fn telling(
        self,
        begun: oneshot::Sender<()>,
        go: oneshot::Receiver<()>,
        ended: oneshot::Sender<()>,
    ) -> Reader {
        Reader { begun: Some(begun), go: Some(go), ended: Some(ended), ..self }
    }

    /// Reads until it is to stop, and leaves what it had to be settled.
    pub fn run(mut self) {
        let mut stop = self.inlet.around.stop.clone();
        let runtime = self.runtime.clone();
        let is_stopping =
            || runtime.block_on(async { tokio::time::timeout(Duration::ZERO, stop.wanted()).await.is_ok() });
        let result = self.read_until(is_stopping);
        if result.is_ok() {
            // When the engine is gone, nobody wants it.
            let _ = self.flush();
        }
        let ended = self.ended.take();
        self.leave();
        drop(ended);
    }

    fn read_until(&mut self, mut is_stopping: impl FnMut() -> bool) -> Result<(), EngineGone> {
        while !is_stopping() {
            self.follow_group()?;
            self.begin_what_waits()?;
            self.begin_anew_what_was_lost()?;
            self.find_places_again()?;
            self.give_up_what_is_settled()?;
            self.pause_and_resume();
            self.look_at_the_cluster()?;
            self.tell_the_group();
            if !self.read()? {
                break;
            }
        }
        Ok(())
    }

    /// Leaves the partitions to be settled after everything else has ended.
    fn leave(self) {
        let Reader { consumer, inlet, mut partitions, moving, .. } = self;
        if moving.is_some() {
            // The group is told with the state.
            partitions.clear();
        }
        let leaving = Leaving {
            consumer,
            source: Arc::clone(&inlet.identity.name),
            stream: inlet.identity.schema.name.to_string(),
            partitions: partitions.into_iter().map(|one| (one.name, (one.id, one.committed))).collect(),
            settled: inlet.around.settled.clone(),
        };
        let _runtime = self.runtime.enter();
        inlet.around.last.add(leaving.run());
    }

    /// Reads a while. Returns whether there can be more.
    fn read(&mut self) -> Result<bool, EngineGone> {
        self.arrival = self.arrival.max(self.inlet.around.clock.now());
        let consumer = Arc::clone(&self.consumer);
        let mut wait = PAUSE;
        for _ in 0..BURST {
            // Taking a message may have to wait, and others come meanwhile: they are before those that are polled.
            match self.stash.pop_front() {
                Some(Ok(message)) => {
                    self.take(&message)?;
                    continue;
                }
                Some(Err(error)) => {
                    if !self.take_error(&error) {
                        return Ok(false);
                    }
                    continue;
                }
                None => {}
            }
            match consumer.poll(wait) {
                Some(Ok(message)) => self.take(&message)?,
                Some(Err(error)) => {
                    if !self.take_error(&error) {
                        return Ok(false);
                    }
                }
                None => break,
            }
            wait = Duration::ZERO;
        }
        self.flush()?;
        Ok(true)
    }

    fn take(&mut self, message: &impl Message) -> Result<(), EngineGone> {
        let Some(place) = self.place(message.topic(), message.partition()) else { return Ok(()) };
        let partition = &mut self.partitions[place];
        // One that was read before it was gone back to.
        if u64::try_from(message.offset()).is_ok_and(|offset| offset < partition.next) {
            return Ok(());
        }
        if self.registry.is_some() {
            self.get_schemas(place, message)?;
        }
        if self.is_over {
            return Ok(());
        }
        let partition = &mut self.partitions[place];
        let (inlet, limits) = (&self.inlet, self.inlet.around.limits);
        let size = message.payload().map_or(0, <[u8]>::len) + message.key().map_or(0, <[u8]>::len);
        inlet.identity.metrics.bytes.add(size as u64);
        let making = Making {
            record: &mut self.record,
            metadata: self.metadata.as_ref(),
            has_registry: self.registry.is_some(),
            tombstones: self.tombstones,
            longest: limits.max_line,
            arrival: self.arrival,
            dead_letters: self.dead_letters.as_mut(),
        };
        let mut reports = &*inlet.reports;
        if partition.take(message, making, &mut reports) == Taken::Tombstone {
            self.metrics.tombstones.add(1);
        }
        let is_full = partition.batch().is_full(limits.batch)
            || (&&*inlet.reports).is_full()
            || self.dead_letters.as_ref().is_some_and(DeadLetters::is_full);
        if is_full { self.flush_one(place) } else { Ok(()) }
    }

    /// Gets the schemas that a message cannot be read without. As long as the registry does not answer, nothing
    /// is taken; when the service stops meanwhile, nothing more is.
    fn get_schemas(&mut self, place: usize, message: &impl Message) -> Result<(), EngineGone> {
        let Some(registry) = self.registry.clone().filter(|_| !self.is_over) else { return Ok(()) };
        let mut record = std::mem::take(&mut self.record);
        let value = message.payload().unwrap_or_default();
        let value = with_schema_id(message, value, &mut record);
        while let Some(id) = self.partitions[place].needs(value) {
            // What was read before does not wait for it.
            self.flush()?;
            let mut stop = self.inlet.around.stop.clone();
            let answer = self.wait(async {
                tokio::select! {
                    biased;
                    answer = registry.fetch(id) => Some(answer),
                    () = stop.wanted() => None,
                }
            });
            match answer {
                Some(answer) => self.partitions[place].give(id, &answer),
                None => {
                    self.is_over = true;
                    break;
                }
            }
        }
        self.record = record;
        Ok(())
    }

    /// The place of a partition. Messages of one mostly follow each other.
    fn place(&mut self, topic: &str, partition: i32) -> Option<usize> {
        let is_it = |one: &Partition| one.name.partition == partition && one.name.topic == topic;
        if !self.partitions.get(self.last).is_some_and(is_it) {
            self.last = self.partitions.iter().position(is_it)?;
        }
        Some(self.last)
    }

    fn place_of(&self, name: &Name) -> Option<usize> {
        self.partitions.iter().position(|one| one.name == *name)
    }

    fn flush(&mut self) -> Result<(), EngineGone> {
        (0..self.partitions.len()).try_for_each(|place| self.flush_one(place))
    }

    /// Tells the engine what it does not know of a partition. What was set aside is kept before.
    fn flush_one(&mut self, place: usize) -> Result<(), EngineGone> {
        if !self.partitions[place].has_news() {
            return Ok(());
        }
        let reports = Arc::clone(&self.inlet.reports);
        self.wait(async { reports.flush().await });
        if let Some(mut dead_letters) = self.dead_letters.take_if(|letters| !letters.is_empty()) {
            self.wait(dead_letters.flush());
            self.dead_letters = Some(dead_letters);
        }
        let input = self.partitions[place].input(&self.inlet.identity, self.arrival);
        input.map_or(Ok(()), |input| self.send(input))
    }

    fn send(&mut self, input: Input) -> Result<(), EngineGone> {
        let queue = self.inlet.around.queue.clone();
        self.wait(queue.send(input))
    }

    /// Waits for something. If that takes long, the group hears of us meanwhile, and nothing more is fetched.
    fn wait<T>(&mut self, what: impl Future<Output = T>) -> T {
        let mut what = pin!(what);
        let runtime = self.runtime.clone();
        let mut is_held = false;
        loop {
            let turn = runtime.block_on(async { tokio::time::timeout(BEAT, what.as_mut()).await });
            match turn {
                Ok(done) => {
                    if is_held {
                        self.hold(false);
                    }
                    return done;
                }
                Err(_) if is_held => {}
                Err(_) => {
                    is_held = true;
                    self.hold(true);
                }
            }
            self.hear_of_the_group();
            self.give_up_what_is_overdue();
        }
    }

    /// Has the library say what it has to say. Messages that come meanwhile are kept for later.
    fn hear_of_the_group(&mut self) {
        let consumer = Arc::clone(&self.consumer);
        // Without waiting at all it would say one thing, and that would always be what it sees of the cluster.
        while let Some(polled) = consumer.poll(WORD) {
            self.stash.push_back(polled.map(|message| message.detach()));
        }
    }

    /// Holds back all partitions, or lets go those that are not to be paused anyway.
    fn hold(&mut self, is_held: bool) {
        let names =
            self.partitions.iter().filter(|one| !one.is_paused).map(|one| (&one.name, Offset::Invalid));
        let list = group::list(names);
        self.say(&list, is_held);
    }

    pub(super) fn say(&self, list: &TopicPartitionList, is_paused: bool) {
        let said = if is_paused { self.consumer.pause(list) } else { self.consumer.resume(list) };
        if let Err(error) = said {
            warn!(source = %self.inlet.identity.name, %error, "partitions cannot be paused or resumed");
        }
    }

    /// Pauses partitions that are ahead of event time, and all as long as others have not begun.
    fn pause_and_resume(&mut self) {
        if let Some(go) = &mut self.go
            && !matches!(go.try_recv(), Err(oneshot::error::TryRecvError::Empty))
        {
            self.go = None;
        }
        let (flow, stream) = (Arc::clone(&self.inlet.around.flow), self.inlet.identity.stream);
        let is_waiting = self.go.is_some();
        let giving_up = self.giving_up.as_ref().map_or(&[][..], |(names, _)| names);
        let mut changed: [Vec<Name>; 2] = Default::default();
        for one in &mut self.partitions {
            let is_paused = is_waiting || giving_up.contains(&one.name) || flow.is_paused((stream, one.id));
            if std::mem::replace(&mut one.is_paused, is_paused) != is_paused {
                changed[usize::from(is_paused)].push(one.name.clone());
            }
        }
        for (names, is_paused) in changed.iter().zip([false, true]).filter(|(names, _)| !names.is_empty()) {
            self.say(&group::list(names.iter().map(|name| (name, Offset::Invalid))), is_paused);
        }
    }

    /// Logs an error, unless one was just logged.
    fn complain(&mut self, error: &KafkaError, what: &str) {
        if self.logged.is_none_or(|logged| logged.elapsed() >= LOGGED) {
            self.logged = Some(Instant::now());
            warn!(source = %self.inlet.identity.name, %error, "{what}");
        }
    }
}
