//! A value that one side sets and others wait for.
//!
//! As `tokio::sync::watch`, but for one thing: those who wait go on in the order in which they began to wait,
//! and not in one that is drawn anew each time. So nobody is passed over, and a simulation that is played
//! again from its seed is the same.

use std::ops::Deref;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

use tokio::sync::Notify;

/// Sets the value. When it is dropped, nothing more will come.
#[derive(Debug)]
pub struct Sender<T>(Arc<Shared<T>>);

/// Sees the value. A clone has seen what the one has that it was made of.
#[derive(Debug)]
pub struct Receiver<T> {
    shared: Arc<Shared<T>>,
    /// The version that it has seen.
    seen: u64,
}

#[derive(Debug)]
struct Shared<T> {
    value: RwLock<Versioned<T>>,
    news: Notify,
    has_ended: AtomicBool,
}

#[derive(Debug)]
struct Versioned<T> {
    value: T,
    version: u64,
}

/// The value, which cannot be set as long as this is held.
#[derive(Debug)]
pub struct Ref<'a, T>(RwLockReadGuard<'a, Versioned<T>>);

/// The sender is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ended;

/// Both sides of a value, which the receiver has seen.
pub fn channel<T>(value: T) -> (Sender<T>, Receiver<T>) {
    let sender = Sender::new(value);
    let receiver = sender.subscribe();
    (sender, receiver)
}

impl<T> Sender<T> {
    /// A value that nobody sees yet.
    pub fn new(value: T) -> Sender<T> {
        let value = RwLock::new(Versioned { value, version: 0 });
        Sender(Arc::new(Shared { value, news: Notify::new(), has_ended: AtomicBool::new(false) }))
    }

    /// One more who sees it, and has seen it as it is now.
    pub fn subscribe(&self) -> Receiver<T> {
        Receiver { shared: Arc::clone(&self.0), seen: self.0.read().version }
    }

    /// The value.
    pub fn borrow(&self) -> Ref<'_, T> {
        Ref(self.0.read())
    }

    /// Sets the value.
    pub fn send_replace(&self, value: T) {
        self.send_modify(|held| *held = value);
    }

    /// Changes the value.
    pub fn send_modify(&self, change: impl FnOnce(&mut T)) {
        let mut held = self.0.value.write().unwrap_or_else(PoisonError::into_inner);
        change(&mut held.value);
        held.version += 1;
        drop(held);
        self.0.news.notify_waiters();
    }
}

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        self.0.has_ended.store(true, Ordering::Release);
        self.0.news.notify_waiters();
    }
}

impl<T> Shared<T> {
    fn read(&self) -> RwLockReadGuard<'_, Versioned<T>> {
        self.value.read().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Receiver<T> {
    /// The value.
    pub fn borrow(&self) -> Ref<'_, T> {
        Ref(self.shared.read())
    }

    /// The value, which it has seen now.
    pub fn borrow_and_update(&mut self) -> Ref<'_, T> {
        let held = self.shared.read();
        self.seen = held.version;
        Ref(held)
    }

    /// It has seen the value as it is now.
    pub fn mark_unchanged(&mut self) {
        self.seen = self.shared.read().version;
    }

    /// Whether the value was set since it has seen it.
    ///
    /// # Errors
    /// When the sender is gone.
    pub fn has_changed(&self) -> Result<bool, Ended> {
        match self.shared.has_ended.load(Ordering::Acquire) {
            true => Err(Ended),
            false => Ok(self.shared.read().version != self.seen),
        }
    }

    /// Waits until the value has been set since it has seen it, and has seen it then.
    ///
    /// # Errors
    /// When the sender is gone and it was not.
    pub async fn changed(&mut self) -> Result<(), Ended> {
        let seen = self.seen;
        self.wait_until(|held| held.version != seen).await.map(drop)
    }

    /// Waits until something holds for the value, which it has seen then.
    ///
    /// # Errors
    /// When the sender is gone and it does not.
    pub async fn wait_for(&mut self, mut holds: impl FnMut(&T) -> bool) -> Result<Ref<'_, T>, Ended> {
        self.wait_until(|held| holds(&held.value)).await
    }

    async fn wait_until(
        &mut self,
        mut holds: impl FnMut(&Versioned<T>) -> bool,
    ) -> Result<Ref<'_, T>, Ended> {
        loop {
            let mut news = pin!(self.shared.news.notified());
            // From here on nothing is missed.
            news.as_mut().enable();
            let has_ended = self.shared.has_ended.load(Ordering::Acquire);
            {
                let held = self.shared.read();
                self.seen = held.version;
                if holds(&held) {
                    return Ok(Ref(held));
                }
            }
            if has_ended {
                return Err(Ended);
            }
            news.await;
        }
    }
}

impl<T> Clone for Receiver<T> {
    fn clone(&self) -> Receiver<T> {
        Receiver { shared: Arc::clone(&self.shared), seen: self.seen }
    }
}

impl<T> Deref for Ref<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0.value
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use tokio::task::JoinSet;

    use super::*;

    #[tokio::test]
    async fn those_who_wait_go_on_in_the_order_in_which_they_began() {
        for _ in 0..20 {
            let (sender, receiver) = channel(0);
            let seen = Arc::new(Mutex::new(Vec::new()));
            let mut tasks = JoinSet::new();
            for number in 0..50 {
                let (mut receiver, seen) = (receiver.clone(), Arc::clone(&seen));
                tasks.spawn(async move {
                    let value = receiver.wait_for(|value| *value > 1).await.map(|value| *value);
                    seen.lock().expect("no panic").push((number, value));
                });
            }
            for value in 1..3 {
                tokio::task::yield_now().await;
                sender.send_replace(value);
            }
            tasks.join_all().await;
            assert!(
                *seen.lock().expect("no panic") == (0..50).map(|number| (number, Ok(2))).collect::<Vec<_>>()
            );
        }
    }

    #[tokio::test]
    async fn what_was_set_is_seen_once_and_the_end_after_it() {
        let (sender, mut receiver) = channel(1);
        assert_eq!((*receiver.borrow(), receiver.has_changed()), (1, Ok(false)));
        sender.send_modify(|value| *value += 1);
        assert_eq!((receiver.has_changed(), receiver.clone().has_changed()), (Ok(true), Ok(true)));
        assert_eq!(receiver.changed().await, Ok(()));
        assert_eq!((*receiver.borrow(), receiver.has_changed()), (2, Ok(false)));
        sender.send_replace(3);
        receiver.mark_unchanged();
        assert_eq!(sender.subscribe().has_changed(), Ok(false));
        sender.send_replace(4);
        drop(sender);
        assert_eq!((receiver.changed().await, receiver.changed().await), (Ok(()), Err(Ended)));
        assert_eq!(receiver.wait_for(|value| *value == 4).await.map(|value| *value), Ok(4));
        assert!(receiver.wait_for(|value| *value == 5).await.is_err());
        assert_eq!(*receiver.borrow_and_update(), 4);
        assert_eq!(receiver.has_changed(), Err(Ended));
    }

    /// Whoever begins to wait while the value is set does not wait for ever.
    #[test]
    fn nothing_is_missed_between_threads() {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().expect("threads");
        runtime.block_on(async {
            for _ in 0..2_000 {
                let (sender, mut receiver) = channel(0);
                let waiting = tokio::spawn(async move {
                    for value in 1..4 {
                        let seen = receiver.wait_for(|held| *held >= value).await.map(|held| *held);
                        assert!(seen.is_ok(), "{value}");
                    }
                });
                (1..4).for_each(|value| sender.send_replace(value));
                waiting.await.expect("no panic");
            }
        });
    }
}
