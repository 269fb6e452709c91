//! What a run has captured: a list that copies of a run share.
//!
//! Most runs that wait have one event, and there are as many of them as keys: that one is held in place.

mod stored;

use triomphe::Arc;

use crate::event::Event;
use crate::language::checked::VariableId;

pub use stored::Nodes;

/// Captured events, newest first. Copying shares all of it; adding to one copy leaves the others
/// as they are.
#[derive(Clone, Debug, Default)]
pub struct Captures(List);

#[derive(Clone, Debug, Default)]
enum List {
    #[default]
    None,
    /// One that no copy shares.
    One { variable: VariableId, choice: u8, event: Event },
    /// As many as `len`.
    Some { newest: Arc<Captured>, len: u32 },
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
        self.share();
        self.0 = match std::mem::take(&mut self.0) {
            List::Some { newest, len } => {
                let newest = Captured { variable, choice, event, before: Some(newest) };
                List::Some { newest: Arc::new(newest), len: len + 1 }
            }
            List::None | List::One { .. } => List::One { variable, choice, event },
        };
    }

    /// Makes sure that copies share what there is: to be called before copies are made that will grow.
    pub fn share(&mut self) {
        if let List::One { variable, choice, ref event } = self.0 {
            let newest = Captured { variable, choice, event: event.clone(), before: None };
            self.0 = List::Some { newest: Arc::new(newest), len: 1 };
        }
    }

    /// How many events there are.
    pub fn len(&self) -> usize {
        match self.0 {
            List::None => 0,
            List::One { .. } => 1,
            List::Some { len, .. } => len as usize,
        }
    }

    /// The events from the newest to the oldest.
    pub fn newest_first(&self) -> impl Iterator<Item = (VariableId, &Event)> {
        self.list().map(|(variable, _, event)| (variable, event))
    }

    /// By which transitions they were taken, from the newest to the oldest.
    pub fn choices_newest_first(&self) -> impl Iterator<Item = u8> {
        self.list().map(|(_, choice, _)| choice)
    }

    fn list(&self) -> impl Iterator<Item = (VariableId, u8, &Event)> {
        let (one, newest) = match &self.0 {
            List::None => (None, None),
            List::One { variable, choice, event } => (Some((*variable, *choice, event)), None),
            List::Some { newest, .. } => (None, Some(&**newest)),
        };
        let shared = std::iter::successors(newest, |captured| captured.before.as_deref());
        one.into_iter().chain(shared.map(|captured| (captured.variable, captured.choice, &captured.event)))
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
        let mut next = match std::mem::take(&mut self.0) {
            List::Some { newest, .. } => Some(newest),
            List::None | List::One { .. } => return,
        };
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
        assert_eq!(size_of::<Captures>(), 16, "one is held in place");
    }

    #[test]
    fn copies_share_what_they_have_in_common() {
        let event = |number: i64| {
            let time = Timestamp::from_micros(number);
            Event::new(StreamId(0), time, Position::default(), [], [])
        };
        let mut captures = Captures::default();
        captures.push(VariableId(0), 7, event(1));
        captures.share();
        let mut copy = captures.clone();
        copy.push(VariableId(1), 8, event(2));
        captures.push(VariableId(2), 9, event(3));
        let first = |captures: &Captures| match &captures.0 {
            List::Some { newest, .. } => newest.before.clone(),
            List::None | List::One { .. } => None,
        };
        let shared = first(&copy).zip(first(&captures));
        assert!(shared.is_some_and(|(one, other)| Arc::ptr_eq(&one, &other)));
        let told = |captures: &Captures| -> Vec<_> {
            let events = captures.newest_first().zip(captures.choices_newest_first());
            events.map(|((variable, event), choice)| (variable.0, choice, event.time().as_micros())).collect()
        };
        assert_eq!((told(&copy), copy.len()), (vec![(1, 8, 2), (0, 7, 1)], 2));
        assert_eq!((told(&captures), captures.len()), (vec![(2, 9, 3), (0, 7, 1)], 2));
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
