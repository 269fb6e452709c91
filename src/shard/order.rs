//! The one order of all that rules report, whichever shard found it.

mod stored;

use smallvec::SmallVec;

use crate::event::{SequencePoint, StreamId, Timestamp};
use crate::matcher::ReportKind;
use crate::program::RuleId;

/// The place of a report among all reports of all rules: by the moment at which it was decided; of
/// one moment first what its events decided, in their order, and then what the passing of time did,
/// stratum by stratum; what follows from the event made of an alert comes behind all that does not;
/// and then by rule.
///
/// It depends on the events and rules alone, so that the order is the same for any number of shards
/// and however the events are cut into rounds.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Order {
    /// The moment at which it was decided.
    pub time: Timestamp,
    /// 0: decided by an event, or following from that. Otherwise one more than the stratum of rules
    /// for which time decided something.
    turn: u32,
    /// How many alerts lie between what decided first and this report.
    hops: usize,
    root: Root,
    /// The reports that lead here, this one being the last.
    path: SmallVec<[Step; 1]>,
}

/// What decided first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Root {
    /// An event of a source.
    Event(SequencePoint),
    /// The passing of time, about a run that this event began.
    Time(ReportKind, SequencePoint),
}

/// A report on the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Step {
    /// The stream of the event that the rule looked at.
    stream: StreamId,
    rule: RuleId,
    /// Counts the reports of the rule on that event or moment.
    number: u32,
}

/// What is being looked at, which orders the reports that come of it.
#[derive(Clone, Copy, Debug)]
pub enum Cause<'a> {
    /// An event of a source.
    Event(SequencePoint),
    /// An event made of an alert.
    Alert {
        /// Of this stream.
        stream: StreamId,
        /// The place of the alert.
        order: &'a Order,
    },
}

impl Order {
    /// The rules that made it and the reports that led to it.
    pub fn rules(&self) -> impl Iterator<Item = RuleId> {
        self.path.iter().map(|step| step.rule)
    }

    /// The place of the report with that number of a rule that looks at an event.
    pub fn of_event(cause: Cause<'_>, rule: RuleId, number: u32) -> Order {
        match cause {
            Cause::Event(point) => Order {
                time: point.time,
                turn: 0,
                hops: 0,
                root: Root::Event(point),
                path: [Step { stream: point.stream, rule, number }].into_iter().collect(),
            },
            Cause::Alert { stream, order } => {
                let step = Step { stream, rule, number };
                let path = order.path.iter().copied().chain([step]).collect();
                Order { hops: order.hops + 1, path, ..order.clone() }
            }
        }
    }

    /// The place of the report with that number of a rule for which time has decided at `time` about
    /// a run that began with `first`.
    pub fn of_time(
        time: Timestamp,
        stratum: u32,
        kind: ReportKind,
        first: SequencePoint,
        rule: RuleId,
        number: u32,
    ) -> Order {
        let step = Step { stream: first.stream, rule, number };
        Order {
            time,
            turn: stratum + 1,
            hops: 0,
            root: Root::Time(kind, first),
            path: [step].into_iter().collect(),
        }
    }
}
