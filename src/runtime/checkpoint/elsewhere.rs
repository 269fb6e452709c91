//! Stores the state of partitions where it can move with them: in the state topic, together with the alerts for sinks
//! that take part in the transaction.

use std::sync::Arc;

use crate::moving::{Ledger, LedgerError, Message, Share};
use crate::outbox::Outgoing;
use crate::routing::Settings as Routing;
use crate::sink::kafka::Output;
use crate::source::positions::Positions;

use super::super::engines::Part;
use super::Checkpoint;

/// Stores the state of partitions.
pub struct Elsewhere {
    ledger: Ledger,
    /// The sinks that take part in its transactions, by their names.
    outputs: Vec<(String, Output)>,
    routing: Arc<Routing>,
}

impl Elsewhere {
    /// By this ledger, with these sinks.
    pub fn new(ledger: Ledger, outputs: Vec<(String, Output)>, routing: Arc<Routing>) -> Elsewhere {
        Elsewhere { ledger, outputs, routing }
    }

    /// Stores what a checkpoint has of partitions that are held here.
    ///
    /// # Errors
    /// When it was not stored; it is to be tried again.
    pub fn store(&mut self, checkpoint: &Checkpoint) -> Result<(), LedgerError> {
        let shares = checkpoint.parts.iter().filter_map(|part| self.share(part, &checkpoint.positions));
        let shares: Vec<Share<'_>> = shares.collect();
        self.ledger.commit(&shares)
    }

    fn share<'a>(&self, part: &'a Part, positions: &Positions) -> Option<Share<'a>> {
        let holding = part.holding.as_ref()?;
        let mut of_streams = positions.streams.values();
        let position = of_streams.find_map(|stream| stream.partitions.get(&holding.partition))?;
        let messages = part.alerts.iter().flat_map(|alert| {
            let sinks = self.routing.sinks_by_routes(alert);
            let outputs = self.outputs.iter().filter(move |(name, _)| sinks.contains(name));
            outputs.filter_map(|(_, output)| output.message(&Outgoing::new(alert)).ok())
        });
        let messages: Vec<Message> = messages.collect();
        Some(Share { holding, changes: &part.changes, next: position.reached.offset, messages })
    }
}
