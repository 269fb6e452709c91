//! Stores the state of partitions where it can move with them: in the state topic, together with the alerts for sinks
//! that take part in the transaction.

use std::sync::Arc;

use tracing::error;

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

    /// Takes from a checkpoint what is of partitions that are not held here any more: it is decided where they are.
    pub fn leave_out_lost(&self, checkpoint: &mut Checkpoint) {
        let is_lost = |part: &&mut Part| part.holding.as_ref().is_some_and(|one| !self.ledger.holds(one));
        checkpoint.parts.iter_mut().filter(is_lost).for_each(|part| part.alerts.clear());
    }

    /// Stores what a checkpoint has of partitions that are held here.
    ///
    /// # Errors
    /// When it was not stored; it is to be tried again.
    pub fn store(&mut self, checkpoint: &Checkpoint) -> Result<(), LedgerError> {
        let parts = checkpoint.parts.iter();
        let shares = parts.filter_map(|part| self.share(part, &checkpoint.positions));
        let (shares, sent): (Vec<Share<'_>>, Vec<Vec<u64>>) = shares.unzip();
        let stored = self.ledger.commit(&shares)?;
        for (share, sent) in shares.iter().zip(sent) {
            if stored.contains(&share.holding.partition) {
                let counts = self.participants.iter().zip(sent);
                counts.for_each(|(participant, sent)| participant.metrics.delivered.add(sent));
            }
        }
        Ok(())
    }

    /// What is stored of a part, with how many alerts each participant sends.
    fn share<'a>(&self, part: &'a Part, positions: &Positions) -> Option<(Share<'a>, Vec<u64>)> {
        let holding = part.holding.as_ref().filter(|holding| self.ledger.holds(holding))?;
        let mut of_streams = positions.streams.values();
        let position = of_streams.find_map(|stream| stream.partitions.get(&holding.partition))?;
        let (mut messages, mut sent) = (Vec::<Message>::new(), vec![0; self.participants.len()]);
        for alert in &part.alerts {
            let (sinks, outgoing) = (self.routing.sinks_by_routes(alert), Outgoing::new(alert));
            for (Participant { name, output, .. }, sent) in self.participants.iter().zip(&mut sent) {
                if !sinks.contains(name) {
                    continue;
                }
                match output.message(&outgoing) {
                    Ok(message) => {
                        messages.push(message);
                        *sent += 1;
                    }
                    Err(error) => {
                        error!(sink = %name, id = %outgoing.id, %error, "an alert cannot be sent: this is a mistake of the program");
                    }
                }
            }
        }
        let next = position.reached.offset;
        Some((Share { holding, changes: &part.changes, next, messages }, sent))
    }
}
