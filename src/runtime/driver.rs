//! Drives the engine, or several, on a thread of its own.
//!
//! Enters: batches of events from the sources' queue. Leaves: alerts to the outbox, and to the sources
//! which partitions are to pause. Time comes from
//! the clock it is given. While nothing comes, the engine learns a few times a second what time it
//! is, so that quiet partitions can let go of event time. When the queue has ended, event time stays
//! where it is: this is a live stream, and what has not happened yet may still happen.

mod measure;
mod reorder;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::time::Duration as Wait;

use tokio::runtime::Handle;
use tokio::sync::Notify;
use tokio::sync::mpsc::error::TryRecvError;
use tokio::time::sleep;
use tracing::{info, warn};

use crate::engine::Refused;
use crate::event::{Duration, Event, PartitionId, SequencePoint, Timestamp};
use crate::moving::{Holding, State};
use crate::outbox::Outbox;
use crate::quarantine::late::Late;
use crate::quarantine::writer::{Burst, Writer};
use crate::source::flow::{Flow, Id};
use crate::source::gate::Backlog;
use crate::source::positions::{Keeper, Positions};
use crate::source::queue::{Queued, Receiver};
use crate::source::reader::Batch;
use crate::source::{Clock, Input};
use crate::table::Tables;
use crate::telemetry::Metrics;
use crate::telemetry::limit::{RateLimit, Verdict};
use crate::watch;

use super::checkpoint::Checkpoints;
use super::control::{ControlError, Pulse, Request, Requests};
use super::engines::Engines;
use super::reload::Replacement;
use reorder::Reorder;

/// How often the engine learns what time it is.
const TICK: Duration = Duration::from_micros(250_000);
/// How long the engine's thread waits at most for something to happen.
const PATIENCE: Wait = Wait::from_millis(250);
/// An input that has waited longer than this shows that the engine is behind.
const BEHIND: Duration = Duration::from_micros(1_000_000);
/// How many refused events are logged each second.
const LOGGED: u64 = 10;

/// Where alerts go.
#[expect(clippy::large_enum_variant, reason = "a service has one of it")]
pub enum Exit<O> {
    /// To sinks, at once.
    Outbox(O),
    /// Into checkpoints, from which sinks get them.
    Checkpoints(Checkpoints),
}

/// The engines with what they are connected to.
pub struct Driver<O> {
    engines: Engines,
    exit: Exit<O>,
    clock: Arc<dyn Clock>,
    metrics: Arc<Metrics>,
    ticked: Timestamp,
    measured: Timestamp,
    refusals: RateLimit,
    reorder: Reorder,
    /// Partitions that are open and not connected; they do not become idle.
    away: BTreeSet<Id>,
    /// Notified when shards on other threads have done something.
    news: Arc<Notify>,
    /// Contents of lists and tables that are to be put in the place of those in use.
    replacements: Option<mpsc::Receiver<Replacement>>,
    /// What people and machines ask, if that is answered.
    requests: Option<Requests>,
    /// Where late events are kept; `None`: they are not.
    late: Option<Writer>,
    /// How far every partition has come with what the engine has taken.
    keeper: Keeper,
    /// What waits until it is on the disk, if there is a journal.
    backlog: Option<Arc<Backlog>>,
    /// Told how far the engine has come, where no checkpoints do that.
    settled: Option<watch::Sender<Arc<Positions>>>,
    /// Whether that was behind when the time was looked at last.
    was_behind: bool,
    /// Whether nothing was to be taken when that was looked at last.
    was_full: bool,
    /// Why it cannot go on, if that is so.
    failure: Option<anyhow::Error>,
    /// Told that it moves.
    pulse: Pulse,
}

impl<O: Outbox> Driver<O> {
    /// Connects an engine, or several. `metrics` has the sources that inputs name.
    pub fn new(
        engines: impl Into<Engines>,
        exit: Exit<O>,
        clock: Arc<dyn Clock>,
        metrics: Arc<Metrics>,
    ) -> Driver<O> {
        let engines = engines.into();
        let names = engines.program().streams().iter().map(|stream| stream.name.as_str());
        let keeper = Keeper::new(Positions::default(), names);
        Driver {
            engines,
            exit,
            clock,
            metrics,
            ticked: Timestamp::MIN,
            measured: Timestamp::MIN,
            refusals: RateLimit::new(LOGGED, Duration::SECOND),
            reorder: Reorder::new(usize::MAX, Arc::default()),
            away: BTreeSet::new(),
            news: Arc::default(),
            replacements: None,
            requests: None,
            late: None,
            keeper,
            backlog: None,
            settled: None,
            was_behind: false,
            was_full: false,
            failure: None,
            pulse: Pulse::default(),
        }
    }

    /// The same after a restart, with an engine that has the state of these positions. Its partitions are
    /// not taken for quiet because nobody was there meanwhile.
    pub fn resuming(mut self, positions: Positions) -> Driver<O> {
        let names = self.engines.program().streams().iter().map(|stream| stream.name.as_str());
        self.keeper = Keeper::new(positions, names);
        self.hear_from_all(self.clock.now());
        self
    }

    /// The same with records that wait until they are on the disk before they come here.
    pub fn behind(mut self, backlog: Arc<Backlog>) -> Driver<O> {
        self.backlog = Some(backlog);
        self
    }

    /// The same telling somebody how far it has come: what it has taken is not asked for again.
    pub fn settling(self, settled: Option<watch::Sender<Arc<Positions>>>) -> Driver<O> {
        Driver { settled, ..self }
    }

    fn hear_from_all(&mut self, now: Timestamp) {
        for (stream, partition) in self.engines.open_partitions().collect::<Vec<_>>() {
            self.engines.keep_active(stream, partition, now);
        }
    }

    /// The same with a bound, in bytes, on the events that wait for their turn, which `flow` holds to.
    pub fn with_reorder_bound(mut self, bound: usize, flow: Arc<Flow>) -> Driver<O> {
        self.reorder = Reorder::new(bound, flow);
        self
    }

    /// The same with an engine whose shards run on other threads and tell `news` of what they have done.
    pub fn with_news(mut self, news: Arc<Notify>) -> Driver<O> {
        self.news = news;
        self
    }

    /// The same with a source of new contents for lists and tables. They are taken between two
    /// inputs.
    pub fn with_replacements(mut self, replacements: mpsc::Receiver<Replacement>) -> Driver<O> {
        self.replacements = Some(replacements);
        self
    }

    /// The same telling somebody that it moves.
    pub fn beating(self, pulse: Pulse) -> Driver<O> {
        Driver { pulse, ..self }
    }

    /// The same answering what it is asked, between two inputs.
    pub fn answering(mut self, requests: Requests) -> Driver<O> {
        self.requests = Some(requests);
        self
    }

    /// The same with a place for events that come too late.
    pub fn keeping_late(mut self, writer: Option<Writer>) -> Driver<O> {
        self.late = writer;
        self
    }

    /// Works off `queue` until it ends, or until `halt` is set. Returns how many inputs were left.
    /// Waits on `runtime`; for a thread of its own.
    ///
    /// # Errors
    /// When what has happened can never be stored.
    pub fn run(mut self, mut queue: Receiver, runtime: &Handle, halt: &AtomicBool) -> anyhow::Result<usize> {
        while !halt.load(Ordering::Relaxed) {
            self.pulse.beat();
            self.keep()?;
            while let Some(request) = self.requests.as_mut().and_then(Requests::try_next) {
                self.answer(request);
            }
            let next = if self.is_full() {
                runtime.block_on(self.room())
            } else {
                match queue.try_recv() {
                    Ok(queued) => Next::Input(queued),
                    Err(TryRecvError::Disconnected) => Next::End,
                    Err(TryRecvError::Empty) => runtime.block_on(self.next(&mut queue)),
                }
            };
            self.metrics.engine.queue.set(queue.inputs() as u64);
            self.metrics.engine.queue_bytes.set(queue.bytes() as u64);
            match next {
                Next::Input(Queued { input, .. }) => self.take(input),
                Next::Outcome => self.absorb(),
                Next::Nothing => self.rest(),
                Next::Asked(request) => self.answer(request),
                Next::Stored => {}
                Next::End => {
                    self.finish();
                    self.keep_all(runtime, halt)?;
                    return Ok(0);
                }
            }
        }
        queue.close();
        let mut left = 0;
        while queue.try_recv().is_ok() {
            left += 1;
        }
        Ok(left)
    }

    async fn next(&mut self, queue: &mut Receiver) -> Next {
        tokio::select! {
            biased;
            input = queue.recv() => input.map_or(Next::End, Next::Input),
            () = self.news.notified(), if self.engines.under_way() > 0 => Next::Outcome,
            () = stored(&self.exit) => Next::Stored,
            request = asked(&mut self.requests) => Next::Asked(request),
            () = sleep(PATIENCE) => Next::Nothing,
        }
    }

    /// Waits until the engine may take something again, or for a while.
    async fn room(&mut self) -> Next {
        tokio::select! {
            () = stored(&self.exit) => Next::Stored,
            request = asked(&mut self.requests) => Next::Asked(request),
            () = sleep(PATIENCE) => Next::Stored,
        }
    }

    /// Answers what was asked.
    fn answer(&mut self, request: Request) {
        match (request, &mut self.exit) {
            (Request::State(request), _) => {
                request.answer(&mut self.engines);
                self.hand_over();
            }
            (Request::Tables(reply), _) => drop(reply.send(Arc::clone(self.engines.tables()))),
            (Request::Standing(request), _) => {
                request.answer(&mut self.engines);
                self.hand_over();
            }
            (Request::Savepoint(request), _) if self.engines.are_by_partition() => {
                request.refuse(ControlError::Elsewhere);
            }
            (Request::Savepoint(request), Exit::Checkpoints(checkpoints)) => checkpoints.save(request),
            (Request::Savepoint(request), Exit::Outbox(_)) => request.refuse(ControlError::NoState),
        }
    }

    /// Makes a checkpoint if one is due.
    ///
    /// # Errors
    /// When one can never be stored, or something has happened after which nothing can go on.
    pub fn keep(&mut self) -> anyhow::Result<()> {
        if let Some(failure) = self.failure.take() {
            return Err(failure);
        }
        let Exit::Checkpoints(checkpoints) = &mut self.exit else { return Ok(()) };
        let now = self.clock.now();
        checkpoints.tend(&mut self.engines, self.keeper.positions(), now)?;
        // While nothing can be stored nothing is taken, and it is nobody's fault that nothing is heard of him.
        if std::mem::replace(&mut self.was_full, checkpoints.is_full()) && !self.was_full {
            self.hear_from_all(now);
        }
        Ok(())
    }

    /// Makes the last checkpoint and waits until it is stored, or until `halt` is set.
    fn keep_all(&mut self, runtime: &Handle, halt: &AtomicBool) -> anyhow::Result<()> {
        while !halt.load(Ordering::Relaxed) && !self.keep_last()? {
            self.pulse.beat();
            if let Next::Asked(request) = runtime.block_on(self.room()) {
                self.answer(request);
            }
        }
        Ok(())
    }

    /// Makes the last checkpoint as soon as that is possible. Returns whether everything is stored.
    ///
    /// # Errors
    /// When it can never be.
    pub fn keep_last(&mut self) -> anyhow::Result<bool> {
        let Exit::Checkpoints(checkpoints) = &mut self.exit else { return Ok(true) };
        checkpoints.tend_last(&mut self.engines, self.keeper.positions(), self.clock.now())?;
        Ok(checkpoints.is_done())
    }

    /// How far event time has come.
    #[cfg(test)]
    pub fn watermark(&self) -> Timestamp {
        self.engines.watermark()
    }

    /// Whether nothing is to be taken for now.
    pub fn is_full(&self) -> bool {
        matches!(&self.exit, Exit::Checkpoints(checkpoints) if checkpoints.is_full())
    }

    /// Works on one input.
    pub fn take(&mut self, input: Input) {
        self.replace_tables();
        let now = self.clock.now();
        self.keeper.follow(&input);
        if let Exit::Checkpoints(checkpoints) = &mut self.exit {
            checkpoints.took(input.bytes(), input.is_kept());
        }
        match input {
            Input::Opened { stream, partition, .. } => self.engines.open(stream, partition, now),
            Input::Closed { stream, partition, .. } => {
                self.away.remove(&(stream, partition));
                self.engines.close(stream, partition);
            }
            Input::Disconnected { stream, partition } => {
                self.away.insert((stream, partition));
            }
            Input::Connected { stream, partition } => {
                self.away.remove(&(stream, partition));
                self.engines.keep_active(stream, partition, now);
            }
            Input::Reached { partition, .. } => self.engines.reached(partition),
            Input::Forgotten { .. } => {}
            Input::Brought { holding, state, .. } => self.bring(&holding, &state),
            Input::Events { source, partition, batch, arrival, .. } => {
                self.push(source, partition, batch, now);
                // While the engine is behind, partitions that seem quiet may have sent what still
                // waits for its turn; they must not let go of event time.
                if arrival.saturating_add(BEHIND) >= now {
                    self.tick_if_due(now);
                }
            }
        }
        self.reorder.hold(&self.engines, &self.metrics.engine, now);
        self.measure_if_due(now);
        self.hand_over();
    }

    /// Nothing has come for a while.
    pub fn rest(&mut self) {
        self.replace_tables();
        let now = self.clock.now();
        self.tick_if_due(now);
        self.reorder.hold(&self.engines, &self.metrics.engine, now);
        self.measure_if_due(now);
        self.hand_over();
    }

    /// Shards have done something.
    fn absorb(&mut self) {
        self.engines.run();
        self.hand_over();
    }

    /// The last input has been taken.
    pub fn finish(&mut self) {
        self.engines.settle();
        self.hand_over();
        self.measure(self.clock.now());
    }

    /// A partition comes with its state.
    fn bring(&mut self, holding: &Holding, state: &State) {
        if let Err(error) = self.engines.bring(holding.clone(), state) {
            let what = format!("the state of the partition {holding} cannot be gone on from");
            self.failure.get_or_insert(error.context(what));
        }
    }

    fn replace_tables(&mut self) {
        while let Some(Ok(replacement)) = self.replacements.as_ref().map(mpsc::Receiver::try_recv) {
            let mut tables = Tables::clone(self.engines.tables());
            for (id, content) in replacement {
                let index = id.0 as usize;
                if let Some(metrics) = self.metrics.tables.get(index) {
                    metrics.reloads.add(1);
                    metrics.entries.set(content.entries() as u64);
                    metrics.bytes.set(content.size() as u64);
                }
                let name = &self.engines.program().tables()[index].name;
                info!(table = %name, version = %content.version(), entries = content.entries(), "replaced");
                tables.set(id, content);
            }
            self.engines.set_tables(Arc::new(tables));
        }
    }

    fn push(&mut self, source: usize, partition: PartitionId, batch: Batch, now: Timestamp) {
        self.reorder.arrives(&batch);
        let mut late = Burst::default();
        let Some(engine) = self.engines.of(partition) else { return };
        let mut refusals = Vec::new();
        for event in batch.events {
            let point = event.point();
            let kept = self.late.is_some().then(|| event.clone());
            if let Err(refused) = engine.offer(event, now) {
                refusals.push((point, refused, kept));
            }
        }
        engine.run();
        for (point, refused, kept) in refusals {
            self.report(source, point, refused, now);
            if let (Some(event), Refused::Late(by)) = (kept, refused) {
                late.push(&self.late_line(source, &event, by, now));
            }
        }
        if let Some(writer) = &self.late {
            self.pulse.wait(|| writer.put_blocking(late));
        }
    }

    /// The line by which a late event is kept.
    fn late_line(&self, source: usize, event: &Event, by: Duration, now: Timestamp) -> Vec<u8> {
        let stream = &self.engines.program().schema(event.stream()).name;
        let source = &self.metrics.sources[source].name;
        Late { time: now, source, stream, event, by }.to_line()
    }

    fn report(&mut self, source: usize, point: SequencePoint, refused: Refused, now: Timestamp) {
        let metrics = &self.metrics.sources[source];
        let (kind, by) = match refused {
            Refused::Late(by) => {
                metrics.late.add(1);
                ("late", by)
            }
            // The readers have asked for that; an engine that asks as well is stricter.
            Refused::Future(by) => {
                metrics.rejected.of("future").add(1);
                ("too far ahead of the clock", by)
            }
        };
        if let Verdict::Show { held_back } = self.refusals.check(now) {
            warn!(
                source = %metrics.name,
                partition = point.position.partition.0,
                offset = point.position.offset,
                time = %point.time,
                by = %by,
                not_logged = held_back,
                "did not take an event: {kind}"
            );
        }
    }

    fn tick_if_due(&mut self, now: Timestamp) {
        if self.is_behind(now) {
            return;
        }
        // A clock that was set back must not stop the ticks until it has caught up.
        if now >= self.ticked.saturating_add(TICK) || now < self.ticked {
            self.ticked = now;
            // Who is not read or not connected cannot be said to be quiet.
            for (stream, partition) in self.reorder.paused().chain(&self.away) {
                self.engines.keep_active(*stream, *partition, now);
            }
            self.engines.tick(now);
        }
    }

    /// Whether what has come waits for the disk, so that partitions which seem quiet may have sent
    /// something. When that is over they are heard from anew: nobody read them meanwhile.
    fn is_behind(&mut self, now: Timestamp) -> bool {
        let is_behind = self.backlog.as_ref().is_some_and(|backlog| backlog.is_behind(now));
        if std::mem::replace(&mut self.was_behind, is_behind) && !is_behind {
            self.hear_from_all(now);
        }
        is_behind
    }

    fn hand_over(&mut self) {
        let (alerts, limited) = (self.engines.take_alerts(), self.engines.take_limited());
        if !alerts.is_empty() || !limited.is_empty() {
            let now = self.clock.now();
            match &mut self.exit {
                Exit::Outbox(outbox) => {
                    let delays = alerts.iter().filter_map(|alert| alert.delay(now));
                    delays.for_each(|delay| self.metrics.engine.delay.record(Wait::from_micros(delay)));
                    self.pulse.wait(|| outbox.put(alerts, limited));
                }
                Exit::Checkpoints(checkpoints) => checkpoints.put(alerts, limited, now),
            }
        }
        if let Exit::Checkpoints(checkpoints) = &mut self.exit {
            checkpoints.hold(self.engines.held_alerts(), || self.clock.now());
        }
        self.metrics.engine.events.follow(self.engines.events());
    }
}

/// Waits until there is something new of checkpoints.
async fn stored<O>(exit: &Exit<O>) {
    match exit {
        Exit::Checkpoints(checkpoints) => checkpoints.news().notified().await,
        Exit::Outbox(_) => std::future::pending().await,
    }
}

/// Waits until something is asked.
async fn asked(requests: &mut Option<Requests>) -> Request {
    match requests {
        Some(requests) => requests.next().await,
        None => std::future::pending().await,
    }
}

/// What the engine's thread goes on with.
enum Next {
    Input(Queued),
    Outcome,
    Nothing,
    Asked(Request),
    /// Something has come of a checkpoint.
    Stored,
    End,
}

#[cfg(test)]
mod tests;
