//! The queue from the sources to the engine, bounded in batches and in bytes.
//!
//! Who finds it full waits, and thereby its sender: nothing is dropped. Batches keep their order for
//! each sender.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

use super::Input;

/// How much may wait for the engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueueLimits {
    /// Most inputs; at least 1.
    pub inputs: usize,
    /// Most bytes of memory that events take; a batch that alone is larger waits until the queue is empty.
    pub bytes: usize,
}

/// The sources' end.
#[derive(Clone, Debug)]
pub struct Sender {
    inputs: mpsc::Sender<Queued>,
    room: Arc<Semaphore>,
    bytes: u32,
}

/// The engine's end.
#[derive(Debug)]
pub struct Receiver {
    inputs: mpsc::Receiver<Queued>,
    room: Arc<Semaphore>,
    bytes: u32,
}

/// An input that takes up room in the queue until it is dropped.
#[derive(Debug)]
pub struct Queued {
    /// The input.
    pub input: Input,
    _room: OwnedSemaphorePermit,
}

/// The engine takes nothing any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the engine has stopped")]
pub struct EngineGone;

/// A queue with nothing in it.
pub fn queue(limits: QueueLimits) -> (Sender, Receiver) {
    let (sender, receiver) = mpsc::channel(limits.inputs.max(1));
    let bytes = u32::try_from(limits.bytes.max(1)).unwrap_or(u32::MAX);
    let room = Arc::new(Semaphore::new(bytes as usize));
    (Sender { inputs: sender, room: Arc::clone(&room), bytes }, Receiver { inputs: receiver, room, bytes })
}

impl Sender {
    /// Puts an input into the queue, as soon as there is room.
    ///
    /// # Errors
    /// When the engine takes nothing any more.
    pub async fn send(&self, input: Input) -> Result<(), EngineGone> {
        let room = Arc::clone(&self.room).acquire_many_owned(self.room_for(&input)).await;
        let room = room.map_err(|_| EngineGone)?;
        self.inputs.send(Queued { input, _room: room }).await.map_err(|_| EngineGone)
    }

    /// Puts all of these into the queue, as soon as there is room for all of them; none if this is given
    /// up before.
    ///
    /// # Errors
    /// When the engine takes nothing any more.
    ///
    /// # Panics
    /// When they are more than the queue has places.
    pub async fn send_all(&self, inputs: Vec<Input>) -> Result<(), EngineGone> {
        assert!(inputs.len() <= self.places(), "there will never be so many places");
        // First the bytes, then the places, as in `send`: who had some of both in another order could
        // wait for each other.
        let all = self.room_for_all(&inputs);
        let mut room = Arc::clone(&self.room).acquire_many_owned(all).await.map_err(|_| EngineGone)?;
        let places = self.inputs.reserve_many(inputs.len()).await.map_err(|_| EngineGone)?;
        for (place, input) in places.zip(inputs) {
            let own = (self.room_for(&input) as usize).min(room.num_permits());
            let own = room.split(own).expect("no more is split off than there is");
            place.send(Queued { input, _room: own });
        }
        Ok(())
    }

    /// How many inputs can wait at most.
    pub fn places(&self) -> usize {
        self.inputs.max_capacity()
    }

    /// More than all the room there is gets all of it.
    fn room_for_all(&self, inputs: &[Input]) -> u32 {
        let all: u64 = inputs.iter().map(|input| u64::from(self.room_for(input))).sum();
        u32::try_from(all).unwrap_or(u32::MAX).min(self.bytes)
    }

    fn room_for(&self, input: &Input) -> u32 {
        u32::try_from(input.bytes()).unwrap_or(u32::MAX).min(self.bytes)
    }
}

impl Receiver {
    /// The next input, once there is one; `None` when there will never be one again.
    pub async fn recv(&mut self) -> Option<Queued> {
        self.inputs.recv().await
    }

    /// The next input, if there is one.
    ///
    /// # Errors
    /// When there is none now, or will never be one again.
    pub fn try_recv(&mut self) -> Result<Queued, mpsc::error::TryRecvError> {
        self.inputs.try_recv()
    }

    /// Takes no more: senders learn that the engine is gone. What is in the queue can still be received.
    pub fn close(&mut self) {
        self.inputs.close();
        self.room.close();
    }

    /// How many inputs wait.
    pub fn inputs(&self) -> usize {
        self.inputs.len()
    }

    /// How many bytes of events wait.
    pub fn bytes(&self) -> usize {
        self.bytes as usize - self.room.available_permits()
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.close();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{PartitionId, StreamId, Timestamp};
    use crate::source::positions::Reached;
    use crate::source::reader::Batch;

    fn input(bytes: usize) -> Input {
        let batch = Batch { bytes, ..Batch::default() };
        let (stream, partition) = (StreamId(0), PartitionId(0));
        let (arrival, reached) = (Timestamp::MIN, Reached::default());
        Input::Events { source: 0, stream, partition, batch, arrival, reached }
    }

    fn other() -> Input {
        Input::Closed { stream: StreamId(0), partition: PartitionId(0), journal: 0 }
    }

    #[tokio::test]
    async fn a_sender_waits_for_bytes_until_an_input_has_been_worked_off() {
        let (sender, mut receiver) = queue(QueueLimits { inputs: 10, bytes: 100 });
        sender.send(input(1_000)).await.expect("larger than all the room, and alone");
        let mut next = Box::pin(sender.send(input(1)));
        assert!(futures_poll(&mut next).await.is_none(), "no room");
        let taken = receiver.recv().await.expect("it was sent");
        assert!(futures_poll(&mut next).await.is_none(), "taken, but still in work");
        drop(taken);
        next.await.expect("there is room now");
        drop(receiver);
        assert_eq!(sender.send(input(1)).await, Err(EngineGone));
    }

    #[tokio::test]
    async fn what_is_sent_together_waits_for_room_for_all_of_it() {
        let (sender, mut receiver) = queue(QueueLimits { inputs: 3, bytes: 100 });
        sender.send_all(vec![input(60), other()]).await.expect("there is room");
        for too_many in [vec![input(1), other()], vec![input(41)]] {
            let mut waiting = Box::pin(sender.send_all(too_many));
            assert!(futures_poll(&mut waiting).await.is_none(), "one place and 40 bytes are left");
        }
        assert_eq!((receiver.inputs(), receiver.bytes()), (2, 60), "who gave up has left nothing");
        drop((receiver.try_recv(), receiver.try_recv()));
        sender.send_all(vec![input(70), input(70), other()]).await.expect("larger than all, but alone");
        assert_eq!((receiver.inputs(), receiver.bytes()), (3, 100));
        drop(receiver.try_recv());
        assert_eq!(receiver.bytes(), 30);
        receiver.close();
        assert_eq!(sender.send_all(vec![other()]).await, Err(EngineGone));
    }

    /// The result of a future if it is ready now.
    async fn futures_poll<F: Future + Unpin>(future: &mut F) -> Option<F::Output> {
        tokio::select! {
            biased;
            done = future => Some(done),
            () = std::future::ready(()) => None,
        }
    }
}
