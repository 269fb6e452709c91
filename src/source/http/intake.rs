//! The way of bodies into one stream: each is taken as a whole or not at all.
//!
//! Enters: a body that has been received. Leaves: its events, in the queue to the engine; its bad records,
//! in the answer or, if the sender wants that, in the quarantine.
//!
//! - All bodies of a source for one stream are one partition, which begins with the first body that is
//!   taken: before that it would hold event time back for nothing. It goes on after a restart.
//! - With a journal, a body is taken when it is durable.
//! - Who decodes and queues a body holds a lock, so that positions grow in the order of the queue and
//!   the time of arrival never goes back. The offset of a record counts the bytes of all bodies taken.
//! - Decoding begins anew for each body: what a header says ends with it.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Mutex, Semaphore};
use tokio::time::{Instant, timeout_at};
use tracing::error;

use crate::event::{PartitionId, Timestamp};
use crate::source::framing::{Content, Frame, Framing};
use crate::source::gate::{Gate, Load, Outcome, Refused};
use crate::source::positions::{Kind, Origin, Reached};
use crate::source::queue::EngineGone;
use crate::source::reader::{self, Batch, Events, Quarantine, Records, Rejection};
use crate::source::{Decoding, Inlet, Input};

use super::answer::{Bad, Place, Refusal, Taken};
use super::elements::{Elements, is_whole};

/// Decoding pauses after so many bytes, so that others get their turn.
const STEP: usize = 64 << 10;

/// What happens with the bad records of a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnBad {
    /// Because of them nothing is taken.
    Refuse,
    /// They are set aside, and the others are taken.
    Quarantine,
}

/// How a body is cut into records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// As the records of other sources are.
    Framed(Framing),
    /// It is a list of JSON values, which begins at this byte.
    List(usize),
    /// All of it is one record.
    Whole,
}

impl Shape {
    /// The shape of a body for a source. `lines`: the sender says that it has a JSON object a line.
    pub fn of(body: &[u8], decoding: &Decoding, lines: bool) -> Shape {
        match (&decoding.format, decoding.framing) {
            (format, Framing::Lines) if format.is_json() && !lines => Shape::of_json(body),
            (_, framing) => Shape::Framed(framing),
        }
    }

    fn of_json(body: &[u8]) -> Shape {
        let mark = if body.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
        let start = mark + body[mark..].iter().take_while(|byte| byte.is_ascii_whitespace()).count();
        match body.get(start) {
            Some(b'[') => Shape::List(start),
            Some(b'{') if !is_whole(first_line(&body[start..])) => Shape::Whole,
            _ => Shape::Framed(Framing::Lines),
        }
    }
}

fn first_line(text: &[u8]) -> &[u8] {
    text.split(|byte| *byte == b'\n').next().unwrap_or_default()
}

/// Takes the bodies for one stream.
pub struct Intake {
    inlet: Inlet,
    max_records: usize,
    origin: Arc<Origin>,
    partition: Mutex<Partition>,
}

/// The partition of all bodies.
struct Partition {
    id: Option<PartitionId>,
    /// Whether the engine knows of it.
    opened: bool,
    /// Whether something of it is in the journal.
    is_kept: bool,
    /// How many bytes have been taken.
    offset: u64,
    arrival: Timestamp,
}

/// The records of a body.
struct Decoded {
    batches: Vec<Batch>,
    bad: Bad,
    /// The bad ones as they are to be set aside.
    kept: Vec<Kept>,
    /// The record without which some of them cannot be read.
    header: Option<Box<[u8]>>,
}

/// A bad record that is to be set aside.
struct Kept {
    place: reader::Place,
    why: Rejection,
    record: Box<[u8]>,
    /// Whether it cannot be read without the header.
    is_row: bool,
}

impl Intake {
    /// The way into the stream of an inlet, for bodies of at most `max_records` records.
    pub fn new(inlet: Inlet, max_records: usize) -> Intake {
        let identity = &inlet.identity;
        let origin = Origin { source: Arc::clone(&identity.name), kind: Kind::Source };
        let stored = inlet.around.resume.lasting(&identity.name, &identity.schema.name);
        let partition = Partition {
            id: stored.as_ref().map(|stored| stored.partition),
            opened: stored.is_some(),
            is_kept: stored.is_some(),
            offset: stored.map_or(0, |stored| stored.position.reached.offset),
            arrival: Timestamp::MIN,
        };
        Intake { inlet, max_records, origin: Arc::new(origin), partition: Mutex::new(partition) }
    }

    /// Where the next body begins.
    #[cfg(test)]
    pub async fn next_offset(&self) -> u64 {
        self.partition.lock().await.offset
    }

    /// The inlet.
    pub fn inlet(&self) -> &Inlet {
        &self.inlet
    }

    /// Takes a body, waiting at most `wait` for those before it and for room. `turns` bounds how many
    /// bodies of the source are held as events, which takes more memory than their bytes.
    ///
    /// # Errors
    /// When nothing of it is taken.
    pub async fn take(
        &self,
        body: &[u8],
        shape: Shape,
        on_bad: OnBad,
        turns: &Semaphore,
        wait: Duration,
    ) -> Result<Taken, Refusal> {
        let deadline = Instant::now() + wait;
        let behind = |_| Refusal::Behind { retry: wait };
        let mut partition = timeout_at(deadline, self.partition.lock()).await.map_err(behind)?;
        let id = self.number(&mut partition)?;
        let flow = self.inlet.around.flow.wait((self.inlet.identity.stream, id));
        timeout_at(deadline, flow).await.map_err(behind)?;
        let turn = timeout_at(deadline, turns.acquire()).await.map_err(behind)?;
        let arrival = partition.arrival.max(self.inlet.around.clock.now());

        let mut work = Work::new(self, id, partition.offset, arrival, on_bad);
        work.decode(body, shape).await?;
        // What the rest of the body means when a part of it has been taken.
        let learnt: Option<Arc<[u8]>> = work.events.learnt().map(Arc::from);
        let Decoded { mut batches, bad, kept: set_aside, header } = work.decoded;
        let accepted: u64 = batches.iter().map(|batch| batch.events.len() as u64).sum();
        if accepted + bad.count == 0 {
            return Err(Refusal::Empty);
        }
        if bad.count > 0 && on_bad == OnBad::Refuse {
            return Err(Refusal::Bad(bad));
        }
        // A header alone is nothing that anybody wants.
        batches.retain(|_| accepted > 0);
        let end = partition.offset + body.len() as u64;
        let kept = match &self.inlet.around.gate {
            Some(gate) => {
                let batches = reached(batches, end, learnt.as_ref());
                self.keep(gate, &mut partition, id, arrival, batches, (deadline, wait)).await?
            }
            None => {
                // They have to fit into the queue at once, and should leave room for others.
                let batches = at_most((self.inlet.around.queue.places() / 4).max(1), batches);
                let batches = reached(batches, end, learnt.as_ref());
                let sent = timeout_at(deadline, self.send(&mut partition, id, arrival, batches)).await;
                sent.map_err(behind)?.map_err(|EngineGone| stopping())?;
                None
            }
        };
        partition.offset = end;
        partition.arrival = arrival;
        drop(partition);
        // While the disk works, others decode.
        drop(turn);

        self.inlet.identity.metrics.took(accepted, arrival);
        self.set_aside(set_aside, header).await;
        if let (Some(gate), Some(last)) = (&self.inlet.around.gate, kept) {
            match gate.outcome(last).await {
                Outcome::Durable => {}
                Outcome::Uncertain(trouble) => return Err(Refusal::Uncertain(trouble.cause)),
                Outcome::Ended => return Err(stopping()),
            }
        }
        Ok(Taken { accepted, bad })
    }

    /// Takes all batches into the journal, or none. Gives the number of the last entry.
    async fn keep(
        &self,
        gate: &Gate,
        partition: &mut Partition,
        id: PartitionId,
        arrival: Timestamp,
        batches: Vec<(Batch, Reached)>,
        (deadline, wait): (Instant, Duration),
    ) -> Result<Option<u64>, Refusal> {
        if batches.is_empty() {
            return Ok(None);
        }
        let identity = &self.inlet.identity;
        let load = Load {
            name: &identity.schema.name,
            stream: identity.stream,
            partition: id,
            arrival,
            origin: Some(&self.origin).filter(|_| !partition.is_kept),
            opens: !partition.opened,
            source: identity.index,
            is_whole: true,
            batches,
        };
        let last = gate.keep(load, Some(deadline)).await.map_err(|why| match why {
            Refused::Behind => Refusal::Behind { retry: wait },
            Refused::Gone(EngineGone) => stopping(),
            Refused::Journal(why) => Refusal::NotKept { why, retry: wait },
        })?;
        (partition.opened, partition.is_kept) = (true, true);
        Ok(Some(last))
    }

    async fn set_aside(&self, kept: Vec<Kept>, header: Option<Box<[u8]>>) {
        let mut reports = &*self.inlet.reports;
        for Kept { place, why, record, is_row } in kept {
            match header.as_ref().filter(|_| is_row) {
                Some(header) => reports.reject_row(place, &why, &record, header),
                None => reports.reject(place, &why, &record),
            }
            if reports.is_full() {
                reports.flush().await;
            }
        }
        reports.flush().await;
    }

    /// The number of the partition.
    fn number(&self, partition: &mut Partition) -> Result<PartitionId, Refusal> {
        let id = partition.id.or_else(|| self.inlet.around.numbers.next(self.inlet.identity.stream));
        partition.id = id;
        id.ok_or_else(|| {
            error!(source = %self.inlet.identity.name, "the stream has no partition numbers left");
            Refusal::Unavailable("the stream has no partition numbers left")
        })
    }

    /// Sends all batches or, if this is given up before, none.
    async fn send(
        &self,
        partition: &mut Partition,
        id: PartitionId,
        arrival: Timestamp,
        batches: Vec<(Batch, Reached)>,
    ) -> Result<(), EngineGone> {
        if batches.is_empty() {
            return Ok(());
        }
        let (queue, stream) = (&self.inlet.around.queue, self.inlet.identity.stream);
        if !partition.opened {
            let origin = Arc::clone(&self.origin);
            queue.send(Input::Opened { stream, partition: id, origin }).await?;
            partition.opened = true;
        }
        let source = self.inlet.identity.index;
        let input =
            |(batch, reached)| Input::Events { source, stream, partition: id, batch, arrival, reached };
        queue.send_all(batches.into_iter().map(input).collect()).await
    }
}

fn stopping() -> Refusal {
    Refusal::Unavailable("the service is stopping")
}

/// The batches of a body that ends there and has that header, with how far the partition has come with
/// each.
fn reached(batches: Vec<Batch>, end: u64, header: Option<&Arc<[u8]>>) -> Vec<(Batch, Reached)> {
    let last = batches.len().saturating_sub(1);
    let reached = |(index, batch): (usize, Batch)| {
        let next = batch.events.last().map_or(0, |event| event.position().offset + 1);
        let offset = if index == last { end } else { next };
        (batch, Reached { offset, header: header.cloned(), ..Reached::default() })
    };
    batches.into_iter().enumerate().map(reached).collect()
}

/// The same events in at most so many batches.
fn at_most(most: usize, batches: Vec<Batch>) -> Vec<Batch> {
    let each = batches.len().div_ceil(most).max(1);
    let mut joined: Vec<Batch> = Vec::with_capacity(batches.len().div_ceil(each));
    for (index, batch) in batches.into_iter().enumerate() {
        match joined.last_mut() {
            Some(last) if index % each > 0 => {
                last.bytes += batch.bytes;
                last.events.extend(batch.events);
            }
            _ => joined.push(batch),
        }
    }
    joined
}

/// The decoding of one body.
struct Work<'a> {
    intake: &'a Intake,
    events: Events,
    /// Where the body begins in the partition.
    base: u64,
    arrival: Timestamp,
    on_bad: OnBad,
    frames: usize,
    decoded: Decoded,
}

impl Work<'_> {
    fn new(intake: &Intake, id: PartitionId, base: u64, arrival: Timestamp, on_bad: OnBad) -> Work<'_> {
        let events = intake.inlet.identity.events(id);
        let decoded = Decoded { batches: Vec::new(), bad: Bad::default(), kept: Vec::new(), header: None };
        Work { intake, events, base, arrival, on_bad, frames: 0, decoded }
    }

    async fn decode(&mut self, body: &[u8], shape: Shape) -> Result<(), Refusal> {
        let max_record = self.intake.inlet.around.limits.max_line;
        match shape {
            Shape::Framed(framing) => self.framed(body, framing, max_record).await,
            Shape::List(start) => self.list(Elements::new(body, start, max_record)).await,
            Shape::Whole => {
                let length = body.len() as u64;
                let content = match body.len() > max_record {
                    true => Content::Oversized { length, limit: max_record },
                    false => Content::Record(body),
                };
                self.take(Frame { offset: 0, number: 1, content }, Place::Line)
            }
        }
    }

    async fn framed(&mut self, body: &[u8], framing: Framing, max_record: usize) -> Result<(), Refusal> {
        let mut frames = framing.frames(max_record);
        // The body has come whole: its last line has ended, even if nothing says so.
        let end: &[u8] = if framing == Framing::Lines { b"\n" } else { b"" };
        for step in body.chunks(STEP).chain([end]) {
            let mut rest = step;
            while !rest.is_empty() {
                let space = frames.space();
                let count = rest.len().min(space.len());
                space[..count].copy_from_slice(&rest[..count]);
                frames.filled(count);
                rest = &rest[count..];
                while let Some(frame) = frames.next() {
                    self.take(frame, Place::Line)?;
                }
            }
            tokio::task::yield_now().await;
        }
        match frames.last() {
            Some(frame) => self.take(frame, Place::Line),
            None => Ok(()),
        }
    }

    async fn list(&mut self, elements: Elements<'_>) -> Result<(), Refusal> {
        let mut paused = 0;
        for element in elements {
            let offset = element.offset as usize;
            self.take(element, Place::Element)?;
            if offset - paused >= STEP {
                paused = offset;
                tokio::task::yield_now().await;
            }
        }
        Ok(())
    }

    /// The batch that takes the next record.
    fn batch(&mut self) -> &mut Batch {
        let limits = self.intake.inlet.around.limits.batch;
        let is_kept = self.intake.inlet.around.gate.is_some();
        let batches = &mut self.decoded.batches;
        if batches.last().is_none_or(|batch| batch.is_full(limits)) {
            batches.push(match is_kept {
                true => Batch::keeping(Records::new(batches.is_empty())),
                false => Batch::default(),
            });
        }
        batches.last_mut().expect("one was just added, if there was none")
    }

    fn take(&mut self, mut frame: Frame<'_>, place: fn(u64) -> Place) -> Result<(), Refusal> {
        let limit = self.intake.max_records;
        if self.frames == limit {
            return Err(Refusal::TooMany { limit });
        }
        self.frames += 1;
        let shown = place(frame.number);
        frame.offset += self.base;
        let place = self.events.place(&frame);
        match self.events.event(&frame, self.arrival) {
            Ok(Some(event)) => {
                let batch = self.batch();
                batch.keep(&frame);
                batch.push(event);
            }
            Ok(None) => self.batch().keep(&frame),
            Err((why, record)) => {
                self.decoded.bad.add(shown, &why);
                if self.on_bad == OnBad::Quarantine {
                    let header = self.events.header();
                    let is_row = header.is_some();
                    if self.decoded.header.is_none() {
                        self.decoded.header = header.map(Into::into);
                    }
                    self.decoded.kept.push(Kept { place, why, record: record.into(), is_row });
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
