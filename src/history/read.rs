//! What a rule's expressions see of the past.

use std::cell::RefCell;

use smallvec::SmallVec;

use super::table::Place;
use super::{Histories, Logs, Reading, WindowSpec};
use crate::event::{SequencePoint, Timestamp, Value};
use crate::expression::{Aggregate, FieldSource, History, HistoryId, Scope};

/// The moment at which a rule looks at the past.
#[derive(Clone, Copy, Debug)]
pub struct Moment {
    /// Windows reach back from here.
    pub now: Timestamp,
    /// The event being looked at, which windows over `previous` leave out; none when the passing of
    /// time is what decides.
    pub current: Option<SequencePoint>,
}

/// The past as one rule sees it for one key at one moment.
#[derive(Debug)]
pub struct RuleHistory<'a> {
    logs: &'a Logs,
    readings: &'a [Reading],
    key: &'a [Value],
    moment: Moment,
    histories: &'a RefCell<Histories>,
    /// What has been read at this moment and does not depend on captures: many runs may ask for it.
    known: RefCell<SmallVec<[(HistoryId, Value); 2]>>,
}

impl<'a> RuleHistory<'a> {
    /// The past for the rule's `key`, as read by `readings`.
    pub fn new(
        logs: &'a Logs,
        readings: &'a [Reading],
        key: &'a [Value],
        moment: Moment,
        histories: &'a RefCell<Histories>,
    ) -> RuleHistory<'a> {
        RuleHistory { logs, readings, key, moment, histories, known: RefCell::default() }
    }

    fn read(&self, reading: &Reading, scope: &Scope<'_>) -> Value {
        let spec = self.logs.get(reading.log);
        let window = &spec.windows[reading.window];
        if reading.gate.as_ref().is_some_and(|gate| !gate.holds(scope)) {
            return window.nothing();
        }
        let same = reading.same.iter().map(|same| same.value(scope).into_owned());
        let key: SmallVec<[Value; 1]> = self.key.iter().cloned().chain(same).collect();
        if key.iter().any(Value::is_null) {
            return window.nothing();
        }
        let place = Place { log: reading.log, key };
        let moment = (self.moment.now, self.moment.current);
        let fits = |column: &dyn Fn(usize) -> Value| fits(window, scope, column);
        let value = self.histories.borrow_mut().read(&place, spec, reading.window, moment, fits);
        if value.is_null() && window.register.aggregate == Aggregate::Sum {
            // The sum of nothing is 0: this one does not fit into its type.
            scope.faults.add();
        }
        value
    }
}

/// Whether a past event counts beside the current one.
fn fits(window: &WindowSpec, scope: &Scope<'_>, column: &dyn Fn(usize) -> Value) -> bool {
    window.scan.as_ref().is_none_or(|scan| {
        let past: SmallVec<[(FieldSource, Value); 2]> =
            scan.reads.iter().map(|(source, at)| (*source, column(*at))).collect();
        scan.condition.holds(&Scope { past: &past, ..*scope })
    })
}

impl History for RuleHistory<'_> {
    fn value(&self, id: HistoryId, scope: &Scope<'_>) -> Value {
        let reading = &self.readings[id.0 as usize];
        if reading.reads_captures {
            return self.read(reading, scope);
        }
        let known =
            self.known.borrow().iter().find(|(known, _)| *known == id).map(|(_, value)| value.clone());
        known.unwrap_or_else(|| {
            let value = self.read(reading, scope);
            self.known.borrow_mut().push((id, value.clone()));
            value
        })
    }
}
