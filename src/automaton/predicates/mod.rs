//! Predicates: what tests ask of an event alone, each distinct question once for all rules.

use std::collections::HashMap;

use crate::event::{Event, FieldId, StreamId};
use crate::expression::{Expr, Faults, FieldSource, HistoryId, Leaves, RegisterId, Scope};
use crate::table::Tables;

/// A predicate of the rule set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PredicateId(pub u32);

/// The distinct predicates of a rule set.
#[derive(Debug, Default)]
pub struct Predicates {
    list: Vec<Expr>,
    known: HashMap<(StreamId, String), PredicateId>,
}

impl Predicates {
    /// The id of a condition on events of `stream`; equal conditions of different rules share it.
    pub fn intern(&mut self, stream: StreamId, condition: &Expr) -> PredicateId {
        let list = &mut self.list;
        *self.known.entry((stream, condition.describe(&FieldNumbers))).or_insert_with(|| {
            list.push(condition.clone());
            PredicateId(list.len() as u32 - 1)
        })
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.list.len()
    }
}

/// Fields by number: within one stream that is a name.
pub struct FieldNumbers;

impl Leaves for FieldNumbers {
    fn field(&self, field: FieldId) -> String {
        format!("#{}", field.0)
    }

    fn register(&self, _: RegisterId) -> String {
        unreachable!("a predicate looks at the event alone")
    }

    fn history(&self, _: HistoryId) -> String {
        unreachable!("a predicate looks at the event alone")
    }

    fn past(&self, _: FieldSource) -> String {
        unreachable!("a predicate looks at the event alone")
    }
}

/// The answers for the event being looked at. A predicate is asked when its answer is first wanted
/// and at most once an event.
#[derive(Debug, Default)]
pub struct Answers {
    /// Four times the number of the event for which the predicate was asked, plus two if it could not
    /// be computed in full, plus one if it held.
    answers: Vec<u64>,
    event: u64,
    /// The predicates that could not be computed for the event.
    faulty: Vec<Faulty>,
    /// Counts who asks; see [`Answers::next_asker`].
    asker: u64,
    /// What the asker was told that could not be computed.
    faults: u64,
}

/// A predicate that could not be computed for the event.
#[derive(Debug)]
struct Faulty {
    id: PredicateId,
    /// How many values of it.
    count: u64,
    /// Who was told last.
    told: u64,
}

impl Answers {
    /// Room for the answers to `predicates`.
    pub fn new(predicates: &Predicates) -> Answers {
        Answers { answers: vec![0; predicates.len()], ..Answers::default() }
    }

    /// Forgets the answers of the event before.
    pub fn next_event(&mut self) {
        self.event += 1;
        self.faulty.clear();
    }

    /// From now on another asks. What could not be computed is counted once for each who asks it of
    /// an event, however often: so the count of a rule does not depend on what others ask.
    pub fn next_asker(&mut self) {
        self.asker += 1;
    }

    /// How many values could not be computed for who asks, since the last call.
    pub fn take_faults(&mut self) -> u64 {
        std::mem::take(&mut self.faults)
    }

    /// Whether a predicate of the event's stream holds for it.
    pub fn holds(
        &mut self,
        predicates: &Predicates,
        id: PredicateId,
        event: &Event,
        tables: &Tables,
    ) -> bool {
        let answer = &mut self.answers[id.0 as usize];
        if *answer >> 2 != self.event {
            let faults = Faults::default();
            let scope = Scope { event: Some(event), tables, ..Scope::bare(&faults) };
            let holds = predicates.list[id.0 as usize].holds(&scope);
            let count = faults.take();
            *answer = self.event << 2 | u64::from(count > 0) << 1 | u64::from(holds);
            if count > 0 {
                self.faulty.push(Faulty { id, count, told: 0 });
            }
        }
        let answer = *answer;
        if answer & 2 != 0 {
            self.tell(id);
        }
        answer & 1 == 1
    }

    #[cold]
    fn tell(&mut self, id: PredicateId) {
        let faulty = self.faulty.iter_mut().find(|faulty| faulty.id == id && faulty.told != self.asker);
        if let Some(faulty) = faulty {
            faulty.told = self.asker;
            self.faults += faulty.count;
        }
    }
}
