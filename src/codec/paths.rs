//! The paths of a stream's fields as a trie of names, for codecs whose records have objects inside of
//! each other.
//!
//! A record has mostly the same names in the same order as the one before it. So each place of the trie
//! remembers the names that stood there last time, and a name is first compared with the one expected;
//! only when that fails it is looked up.

use compact_str::CompactString;
use foldhash::fast::FixedState;
use hashbrown::HashMap;
use memchr::arch::all::is_equal;

use crate::event::Field;

use super::convert::Found;
use super::fields::Fields;

/// How many names of an object are expected in their order. Those behind them are looked up.
const MAX_EXPECTED: usize = 64;
/// The longest name that is remembered: so long a text is held in place.
const MAX_NAME: usize = size_of::<CompactString>();

/// Where the fields of a stream stand in its records.
#[derive(Debug)]
pub(super) struct Paths(Vec<Place>);

/// A place in the record that a path leads to or through, by its number in the trie.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct PlaceId(usize);

#[derive(Debug, Default)]
struct Place {
    /// The fields that read the value at this place.
    here: Vec<usize>,
    /// The fields that read something inside of the value at this place.
    below: Vec<usize>,
    /// By name, the places one step further. Names come from the schema, so that no sender can choose
    /// them to collide.
    next: HashMap<CompactString, PlaceId, FixedState>,
    /// The names that an object at this place had last time, in their order, each with where it leads.
    expected: Vec<(CompactString, Option<PlaceId>)>,
}

impl Paths {
    /// The record itself.
    pub(super) const ROOT: PlaceId = PlaceId(0);

    pub(super) fn new(fields: &[Field]) -> Paths {
        let mut places = vec![Place::default()];
        for (index, field) in fields.iter().enumerate() {
            let mut place = Paths::ROOT;
            for name in &field.path {
                places[place.0].below.push(index);
                let fresh = PlaceId(places.len());
                place = *places[place.0].next.entry(name.clone()).or_insert(fresh);
                if place == fresh {
                    places.push(Place::default());
                }
            }
            places[place.0].here.push(index);
        }
        Paths(places)
    }

    /// The fields that read the value at a place.
    #[cfg(feature = "codecs")]
    pub(super) fn here(&self, place: PlaceId) -> &[usize] {
        &self.0[place.0].here
    }

    /// The fields that read something inside of the value at a place.
    pub(super) fn below(&self, place: PlaceId) -> &[usize] {
        &self.0[place.0].below
    }

    /// The names that lead further from a place, each with where it leads.
    #[cfg(feature = "codecs")]
    pub(super) fn names(&self, place: PlaceId) -> impl Iterator<Item = (&str, PlaceId)> {
        self.0[place.0].next.iter().map(|(name, next)| (name.as_str(), *next))
    }

    /// Something stands at a place. It replaces what stood there before, with all that was inside: the
    /// last of several equal names counts.
    pub(super) fn found(&self, place: PlaceId, found: &Found<'_>, fields: &mut Fields) {
        let place = &self.0[place.0];
        for field in &place.here {
            fields.put(*field, found);
        }
        for field in &place.below {
            fields.forget(*field);
        }
    }

    /// Where a name in the object at a place leads, if a path goes there.
    pub(super) fn step(&self, place: PlaceId, name: &str) -> Option<PlaceId> {
        self.0[place.0].next.get(name).copied()
    }

    /// The same for a name that is the `number`th of its object, counted from 0.
    pub(super) fn step_in_order(&mut self, place: PlaceId, number: usize, name: &str) -> Option<PlaceId> {
        let place = &mut self.0[place.0];
        if let Some((expected, next)) = place.expected.get(number)
            && is_equal(expected.as_bytes(), name.as_bytes())
        {
            return *next;
        }
        let next = place.next.get(name).copied();
        if name.len() <= MAX_NAME {
            let (known, count) = ((CompactString::new(name), next), place.expected.len());
            if number < count {
                place.expected[number] = known;
            } else if number == count && count < MAX_EXPECTED {
                place.expected.push(known);
            }
        }
        next
    }
}
