//! What the overlap policy of a rule drops when matches are reported.

use std::cmp::Ordering;

use super::Report;
use crate::event::{Event, SequencePoint, Timestamp};
use crate::language::checked::{Overlap, VariableId};

/// Which runs the reports of one moment drop, by their first events.
#[derive(Debug, Default)]
pub(super) struct Dropped {
    /// Those that began at or before this.
    through: Option<SequencePoint>,
    /// Those that began before this.
    before: Option<SequencePoint>,
    /// Those that began with one of these, which are sorted.
    starts: Vec<SequencePoint>,
}

impl Dropped {
    /// Adds what a report drops. Reports come in the order of their first events.
    pub fn add(&mut self, overlap: Overlap, report: &Report) {
        let is = |wanted: VariableId| move |captured: &&(VariableId, Event)| captured.0 == wanted;
        let mut captures = report.captures.iter();
        let point = |captured: Option<&(VariableId, Event)>| captured.map(|(_, event)| event.point());
        match overlap {
            Overlap::None => self.through = self.through.max(point(captures.last())),
            Overlap::PerStart => self.starts.push(report.first),
            Overlap::All => {}
            Overlap::ResumeAtFirst(variable) => {
                self.before = self.before.max(point(captures.find(is(variable))));
            }
            Overlap::ResumeAtLast(variable) => {
                self.before = self.before.max(point(captures.rev().find(is(variable))));
            }
        }
    }

    /// Whether a run is dropped that began at `time`; `first`, asked only where the time does not settle
    /// it, is the event with which it began.
    pub fn includes(&self, time: Timestamp, first: impl Fn() -> SequencePoint) -> bool {
        let comes = |limit: SequencePoint, allowed: fn(Ordering) -> bool| {
            allowed(time.cmp(&limit.time).then_with(|| first().cmp(&limit)))
        };
        self.through.is_some_and(|through| comes(through, Ordering::is_le))
            || self.before.is_some_and(|before| comes(before, Ordering::is_lt))
            || self
                .starts
                .binary_search_by(|start| start.time.cmp(&time).then_with(|| start.cmp(&first())))
                .is_ok()
    }
}
