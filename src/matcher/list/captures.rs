//! What a run has captured: a list that copies of a run share.

use triomphe::Arc;

use crate::event::Event;
use crate::language::checked::VariableId;

/// Captured events, newest first. Copying shares all of it; adding to one copy leaves the others
/// as they are.
#[derive(Clone, Debug, Default)]
pub struct Captures {
    newest: Option<Arc<Captured>>,
    len: u32,
}

#[derive(Debug)]
struct Captured {
    variable: VariableId,
    /// By which transition of the state in which the run stood.
    choice: u8,
    event: Event,
    before: Option<Arc<Captured>>,
}

impl Captures {
    /// Adds an event, taken by the transition with that place in its state.
    pub fn push(&mut self, variable: VariableId, choice: u8, event: Event) {
        self.newest = Some(Arc::new(Captured { variable, choice, event, before: self.newest.take() }));
        self.len += 1;
    }

    /// How many events there are.
    pub fn len(&self) -> usize {
        self.len as usize
    }

    /// The events from the newest to the oldest.
    pub fn newest_first(&self) -> impl Iterator<Item = (VariableId, &Event)> {
        self.list().map(|captured| (captured.variable, &captured.event))
    }

    /// By which transitions they were taken, from the newest to the oldest.
    pub fn choices_newest_first(&self) -> impl Iterator<Item = u8> {
        self.list().map(|captured| captured.choice)
    }

    fn list(&self) -> impl Iterator<Item = &Captured> {
        std::iter::successors(self.newest.as_deref(), |captured| captured.before.as_deref())
    }

    /// The events in the order taken.
    pub fn in_order(&self) -> Vec<(VariableId, Event)> {
        let mut events: Vec<_> =
            self.newest_first().map(|(variable, event)| (variable, event.clone())).collect();
        events.reverse();
        events
    }
}

impl Drop for Captures {
    /// Frees the list one by one: dropping it as a chain would recurse as deep as it is long.
    fn drop(&mut self) {
        let mut next = self.newest.take();
        while let Some(captured) = next {
            next = Arc::into_unique(captured).and_then(|mut captured| captured.before.take());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Position, StreamId, Timestamp};

    #[test]
    fn a_captured_event_takes_what_its_cost_says() {
        let count = size_of::<usize>();
        assert_eq!(count + size_of::<Captured>(), crate::automaton::cost::CAPTURE_BYTES);
    }

    #[test]
    fn a_long_list_is_dropped_without_recursion() {
        let event = Event::new(StreamId(0), Timestamp::MIN, Position::default(), [], []);
        let mut captures = Captures::default();
        for _ in 0..1_000_000 {
            captures.push(VariableId(0), 0, event.clone());
        }
        let copy = captures.clone();
        drop(captures);
        assert_eq!(copy.len(), 1_000_000);
        assert_eq!(copy.newest_first().count(), 1_000_000);
    }
}
