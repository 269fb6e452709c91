//! What goes into a shard and what comes out.

use super::order::{Cause, Order};
use crate::alert::Alert;
use crate::event::{Event, Timestamp};
use crate::program::{RouteId, RuleId};

/// What a shard is to look at next: events in their order, and how far event time has come then.
#[derive(Debug)]
pub struct Work {
    /// The events, each after all that precede it.
    pub items: Vec<Item>,
    /// All times before this have passed.
    pub passed: Timestamp,
}

/// An event for a shard.
#[derive(Debug)]
pub struct Item {
    /// The event.
    pub event: Event,
    /// The place of the alert that it was made of, if it was.
    pub origin: Option<Box<Order>>,
    /// By which of the routes of its stream it belongs to keys of the shard.
    pub routes: Routes,
}

/// Routes of a stream, by their places.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Routes {
    /// Every one.
    All,
    /// This one.
    One(u32),
    /// These.
    Some(Box<[u32]>),
}

/// Whether an alert is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sent {
    /// It is.
    Yes {
        /// How many the rule's limit has held back since the one before.
        suppressed: u64,
    },
    /// The rule's limit holds it back, and that is told.
    Limited {
        /// How many it has held back before.
        before: u64,
    },
    /// It is not.
    No,
}

/// An alert that a shard has made.
#[derive(Debug)]
pub struct Decision {
    /// Its place among all of them.
    pub order: Order,
    /// The rule.
    pub rule: RuleId,
    /// The alert.
    pub alert: Alert,
    /// Whether it is sent.
    pub sent: Sent,
    /// Whether rules read it.
    pub read: bool,
}

impl Routes {
    /// Whether a route is one of them.
    pub fn has(&self, route: RouteId) -> bool {
        match self {
            Routes::All => true,
            Routes::One(place) => *place == route.0,
            Routes::Some(places) => places.binary_search(&route.0).is_ok(),
        }
    }
}

impl Item {
    /// An event that a source sent, for every key.
    pub fn new(event: Event) -> Item {
        Item { event, origin: None, routes: Routes::All }
    }

    /// What orders the reports on it.
    pub fn cause(&self) -> Cause<'_> {
        match &self.origin {
            None => Cause::Event(self.event.point()),
            Some(order) => Cause::Alert { stream: self.event.stream(), order },
        }
    }
}
