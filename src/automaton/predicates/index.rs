//! The index: which of many conditions may hold of an event, without asking each of them.
//!
//! Enters: the distinct conditions on events of one stream. Leaves: for an event, those of which a way is
//! open (`ways.rs` says what that means), with what must still be asked of each.
//!
//! A node of the index looks at each field by which one of its conditions is found: a table by hash for
//! equality, in which an integer is equal to the float of the same value; `intervals.rs` for comparisons;
//! `texts.rs` for patterns. What cannot be found is asked of every event. Where many conditions are found
//! by the same value, because rules ask of few kinds of events, what they ask besides is a node of its
//! own, so that the next field is looked at. The index is made once and does not change.

use std::collections::BTreeMap;
use std::sync::Arc;

use hashbrown::HashMap;

use super::intervals::{Interval, Intervals};
use super::texts::Texts;
use super::ways::{Ask, Probe, Sought, Spread, Way, ways};
use super::{PredicateId, Predicates};
use crate::event::{Event, Value};
use crate::expression::Expr;

/// A predicate of an index, by its place in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place(pub u32);

/// So many conditions found by the same value are asked one by one; more are a node of their own.
const CROWD: usize = 8;
/// Deeper, conditions are asked one by one.
const MAX_DEPTH: usize = 8;

/// An index of predicates on events of one stream.
#[derive(Debug)]
pub struct Index {
    /// The predicates, in order.
    predicates: Vec<PredicateId>,
    /// What is asked of events.
    asked: Vec<Arc<Expr>>,
    root: Node,
}

/// A condition that was found.
#[derive(Clone, Copy, Debug)]
pub(super) struct Found {
    /// The predicate.
    pub place: Place,
    /// What is to be asked, by its place among all that is; otherwise it holds.
    pub ask: Option<AskId>,
}

/// Something that is asked, by its place in the index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct AskId(std::num::NonZeroU32);

impl AskId {
    fn new(place: usize) -> Option<AskId> {
        std::num::NonZeroU32::new(place as u32 + 1).map(AskId)
    }

    pub fn place(self) -> usize {
        self.0.get() as usize - 1
    }
}

#[derive(Debug, Default)]
struct Node {
    fields: Vec<Field>,
    /// What cannot be found.
    each: Vec<Found>,
}

/// What is found by the value of a field.
#[derive(Debug)]
struct Field {
    probe: Probe,
    equal: HashMap<Value, Group, foldhash::fast::FixedState>,
    between: Option<Box<Intervals<Found>>>,
    containing: Option<Box<Texts<Found>>>,
    missing: Vec<Found>,
}

/// What is found by one value.
#[derive(Debug, Default)]
struct Group {
    found: Vec<Found>,
    /// What asks more than that value, if many do.
    crowd: Option<Box<Node>>,
}

impl Index {
    /// An index of these predicates.
    pub fn new(all: &Predicates, mut predicates: Vec<PredicateId>) -> Index {
        predicates.sort_unstable();
        predicates.dedup();
        let conditions = predicates.iter().map(|id| Arc::new(all.get(*id).clone()));
        let conditions: Vec<Condition> = (0..).map(Place).zip(conditions).collect();
        // A condition may be found by each of many values, and by each of others behind each of those.
        let room = 1_000 + 8 * predicates.len();
        let mut builder = Builder { asked: Vec::new(), known: HashMap::default(), room };
        let root = builder.node(&conditions, 0);
        Index { predicates, asked: builder.asked, root }
    }

    /// How many predicates there are.
    pub fn len(&self) -> usize {
        self.predicates.len()
    }

    /// The predicate at a place.
    pub fn predicate(&self, place: Place) -> PredicateId {
        self.predicates[place.0 as usize]
    }

    /// How many things are asked.
    pub(super) fn asks(&self) -> usize {
        self.asked.len()
    }

    pub(super) fn ask(&self, id: AskId) -> &Expr {
        &self.asked[id.place()]
    }

    /// The predicates that may hold of an event; one may be found several times.
    pub(super) fn find(&self, event: &Event, mut found: impl FnMut(Found)) {
        self.root.find(event, &mut found);
    }
}

impl Node {
    /// Goes as deep as the index was built.
    fn find(&self, event: &Event, found: &mut impl FnMut(Found)) {
        self.each.iter().for_each(|one| found(*one));
        for field in &self.fields {
            let value = field.probe.read(event);
            if value.is_null() {
                field.missing.iter().for_each(|one| found(*one));
                continue;
            }
            if let Some(group) = field.equal.get(&*value) {
                group.found.iter().for_each(|one| found(*one));
                if let Some(crowd) = &group.crowd {
                    crowd.find(event, found);
                }
            }
            if let Some(intervals) = &field.between {
                intervals.find(&value, &mut *found);
            }
            if let (Some(texts), Value::Str(text)) = (&field.containing, &*value) {
                texts.find(text, &mut *found);
            }
        }
    }
}

/// A predicate and what must hold for it to be true.
type Condition = (Place, Arc<Expr>);

struct Builder {
    asked: Vec<Arc<Expr>>,
    /// The places of these: what is asked once an event is known by where it lies in memory, as equal
    /// expressions of two predicates are two questions.
    known: HashMap<*const Expr, AskId, foldhash::fast::FixedState>,
    /// How many conditions nodes below the first may still have.
    room: usize,
}

/// What goes into a [`Field`].
#[derive(Default)]
struct Collected {
    equal: HashMap<Value, Same, foldhash::fast::FixedState>,
    between: Vec<(Interval, Found)>,
    containing: Vec<(Vec<u8>, Found)>,
    missing: Vec<Found>,
}

/// What goes into a [`Group`].
#[derive(Default)]
struct Same {
    found: Vec<Found>,
    /// What is asked besides the value, and may be divided further.
    more: Vec<Condition>,
}

impl Builder {
    fn node(&mut self, conditions: &[Condition], depth: usize) -> Node {
        let spread = Spread::of(conditions.iter().map(|(_, condition)| &**condition));
        let mut fields: BTreeMap<Probe, Collected> = BTreeMap::new();
        let mut each = Vec::new();
        for (place, condition) in conditions {
            match ways(condition, &spread) {
                None => each.push(self.found(*place, Some(condition))),
                Some(ways) => self.enter(*place, condition, ways.list, &mut fields),
            }
        }
        let fields = fields.into_iter().map(|(probe, collected)| self.field(probe, collected, depth));
        Node { fields: fields.collect(), each }
    }

    /// Enters the ways of a condition.
    fn enter(
        &mut self,
        place: Place,
        condition: &Arc<Expr>,
        ways: Vec<Way>,
        fields: &mut BTreeMap<Probe, Collected>,
    ) {
        for Way { probe, sought, ask } in ways {
            let field = fields.entry(probe).or_default();
            let asked = match &ask {
                Ask::Nothing => None,
                Ask::Rest(rest) => Some(rest),
                Ask::Whole => Some(condition),
            };
            // Other ways to ask the whole may be open as well. Divided under each of them, it would be
            // asked by different parts, and what cannot be computed of it would count for each.
            let is_one = matches!(ask, Ask::Whole) && condition.can_fail();
            match (sought, asked) {
                (Sought::Equal(value), Some(asked)) if !is_one => {
                    field.equal.entry(value).or_default().more.push((place, Arc::clone(asked)));
                }
                (Sought::Equal(value), _) => {
                    field.equal.entry(value).or_default().found.push(self.found(place, asked));
                }
                (Sought::Between(interval), _) => field.between.push((interval, self.found(place, asked))),
                (Sought::Containing(text), _) => field.containing.push((text, self.found(place, asked))),
                (Sought::Missing, _) => field.missing.push(self.found(place, asked)),
            }
        }
    }

    fn field(&mut self, probe: Probe, collected: Collected, depth: usize) -> Field {
        let Collected { equal, between, containing, missing } = collected;
        let equal = equal.into_iter().map(|(value, same)| (value, self.group(same, depth)));
        Field {
            probe,
            equal: equal.collect(),
            between: (!between.is_empty()).then(|| Box::new(Intervals::new(&between))),
            containing: Texts::new(containing).map(Box::new),
            missing,
        }
    }

    fn group(&mut self, Same { mut found, more }: Same, depth: usize) -> Group {
        if more.len() <= CROWD || more.len() > self.room || depth == MAX_DEPTH {
            found.extend(more.iter().map(|(place, asked)| self.found(*place, Some(asked))));
            return Group { found, crowd: None };
        }
        self.room -= more.len();
        Group { found, crowd: Some(Box::new(self.node(&more, depth + 1))) }
    }

    fn found(&mut self, place: Place, asked: Option<&Arc<Expr>>) -> Found {
        let ask = asked.and_then(|asked| {
            let known = self.known.get(&Arc::as_ptr(asked)).copied();
            known.or_else(|| {
                let id = AskId::new(self.asked.len())?;
                self.known.insert(Arc::as_ptr(asked), id);
                self.asked.push(Arc::clone(asked));
                Some(id)
            })
        });
        Found { place, ask }
    }
}
