//! Which fields of a stream an event keeps.
//!
//! Rules seldom read all the fields that a stream declares, and what no rule reads need not be held
//! with every event: the record itself is kept beside the values, and shows all of them. A set of
//! fields is one word, so that each event can carry its own and a value is found by counting bits.

use super::schema::FieldId;

/// A set of fields of a stream, each with a *slot*: its place among the values that an event keeps.
///
/// One bit for each of the first 64 fields. Those after them are always kept, because streams of so
/// many fields are rare.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kept(u64);

impl Kept {
    /// Every field.
    pub const ALL: Kept = Kept(u64::MAX);

    /// One bit for each of the first 64 fields, the first the lowest.
    pub fn bits(self) -> u64 {
        self.0
    }

    /// The set with these bits.
    pub fn from_bits(bits: u64) -> Kept {
        Kept(bits)
    }

    /// The set with a field more.
    pub fn insert(&mut self, field: FieldId) {
        if field.0 < u64::BITS {
            self.0 |= 1 << field.0;
        }
    }

    /// The slot of a field; `None` when it is not kept.
    pub fn slot(self, field: FieldId) -> Option<usize> {
        let Some(bit) = 1_u64.checked_shl(field.0) else {
            let after = field.0 - u64::BITS;
            return Some(self.0.count_ones() as usize + after as usize);
        };
        (self.0 & bit != 0).then(|| (self.0 & (bit - 1)).count_ones() as usize)
    }

    /// Whether a field is kept.
    pub fn contains(self, field: FieldId) -> bool {
        self.slot(field).is_some()
    }

    /// How many of the first `fields` fields are kept.
    pub fn count(self, fields: usize) -> usize {
        let first = u32::try_from(fields).unwrap_or(u32::MAX);
        match 1_u64.checked_shl(first) {
            Some(bit) => (self.0 & (bit - 1)).count_ones() as usize,
            None => self.0.count_ones() as usize + (fields - u64::BITS as usize),
        }
    }

    /// Whether all fields of the other set are in this one.
    pub fn covers(self, other: Kept) -> bool {
        other.0 & !self.0 == 0
    }
}

/// No field, but those that are always kept.
impl Default for Kept {
    fn default() -> Kept {
        Kept(0)
    }
}

impl FromIterator<FieldId> for Kept {
    fn from_iter<I: IntoIterator<Item = FieldId>>(fields: I) -> Kept {
        let mut kept = Kept::default();
        kept.extend(fields);
        kept
    }
}

impl Extend<FieldId> for Kept {
    fn extend<I: IntoIterator<Item = FieldId>>(&mut self, fields: I) {
        fields.into_iter().for_each(|field| self.insert(field));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_are_numbered_in_the_order_of_the_fields() {
        for kept in [0, 1, 0b1010_0110, 1 << 63, u64::MAX, 0x8000_0000_0000_0001] {
            let set: Kept = (0..64).filter(|bit| kept >> bit & 1 == 1).map(FieldId).collect();
            let mut slots = 0;
            for field in (0..200).map(FieldId) {
                assert_eq!(set.count(field.0 as usize), slots, "before {field:?}");
                let is_kept = field.0 >= 64 || kept >> field.0 & 1 == 1;
                assert_eq!(set.slot(field), is_kept.then_some(slots), "{field:?}");
                assert_eq!(set.contains(field), is_kept);
                slots += usize::from(is_kept);
            }
        }
        assert_eq!(Kept::ALL.slot(FieldId(u32::MAX)), Some(u32::MAX as usize));
    }

    #[test]
    fn a_set_covers_its_parts() {
        let some: Kept = [FieldId(1), FieldId(63), FieldId(70)].into_iter().collect();
        assert!(Kept::ALL.covers(some) && some.covers(some) && some.covers(Kept::default()));
        assert!(!some.covers(Kept::ALL) && !Kept::default().covers(some));
    }
}
