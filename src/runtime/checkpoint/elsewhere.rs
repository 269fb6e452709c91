//! Stores the state of partitions where it can move with them: in the state topic, together with the alerts for sinks
//! that take part in the transaction.

use std::sync::Arc;

use crate::moving::{Ledger, LedgerError, Message, Share};
use crate::outbox::Outgoing;
use crate::routing::Settings as Routing;
use crate::sink::kafka::Output;
use crate::source::positions::Positions;
use crate::telemetry::catalogue::SinkMetrics;

use super::super::engines::Part;
use super::Checkpoint;

/// Stores the state of partitions.
pub struct Elsewhere {
    ledger: Ledger,
    participants: Vec<Participant>,
    routing: Arc<Routing>,
}

/// A sink that takes part in transactions.
pub struct Participant {
    /// Its name.
    pub name: String,
    /// Makes messages of alerts.
    pub output: Output,
    /// What it has delivered.
    pub metrics: Arc<SinkMetrics>,
}

impl Elsewhere {
    /// By this ledger, with these sinks.
    pub fn new(ledger: Ledger, participants: Vec<Participant>, routing: Arc<Routing>) -> Elsewhere {
        Elsewhere { ledger, participants, routing }
    }

    /// Ends what an instance of the same name has left behind.
    pub fn begin(&mut self) {
        self.ledger.begin();
    }

    /// Stores what a checkpoint has of partitions that are held here.
    ///
    /// # Errors
    /// When it was not stored; it is to be tried again.
    pub fn store(&mut self, checkpoint: &Checkpoint) -> Result<(), LedgerError> {
        let mut sent = vec![0_u64; self.participants.len()];
        let parts = checkpoint.parts.iter();
        let shares = parts.filter_map(|part| self.share(part, &checkpoint.positions, &mut sent));
        let shares: Vec<Share<'_>> = shares.collect();
        self.ledger.commit(&shares)?;
        let counts = self.participants.iter().zip(sent);
        counts.for_each(|(participant, sent)| participant.metrics.delivered.add(sent));
        Ok(())
    }

    /// What is stored of a part. Messages are counted for those who send them.
    fn share<'a>(&self, part: &'a Part, positions: &Positions, sent: &mut [u64]) -> Option<Share<'a>> {
        let holding = part.holding.as_ref().filter(|holding| self.ledger.holds(holding))?;
        let mut of_streams = positions.streams.values();
        let position = of_streams.find_map(|stream| stream.partitions.get(&holding.partition))?;
        let mut messages: Vec<Message> = Vec::new();
        for alert in &part.alerts {
            let (sinks, outgoing) = (self.routing.sinks_by_routes(alert), Outgoing::new(alert));
            for (participant, sent) in self.participants.iter().zip(&mut *sent) {
                if sinks.contains(&participant.name)
                    && let Ok(message) = participant.output.message(&outgoing)
                {
                    messages.push(message);
                    *sent += 1;
                }
            }
        }
        Some(Share { holding, changes: &part.changes, next: position.reached.offset, messages })
    }
}
