//! Keys: the values by which a rule groups events.

use std::fmt;
use std::hash::{BuildHasher, Hash, Hasher};

use smallvec::SmallVec;

use super::value::Value;

/// The key of a group of events: the values of the rule's `by` fields, none of them null. A rule
/// without `by` has one group, whose key is empty.
#[derive(Clone, Debug)]
pub struct Key {
    values: SmallVec<[Value; 1]>,
}

impl Key {
    /// The key made of `values`; `None` when one of them is null, because such an event belongs to
    /// no group.
    pub fn new<'a>(values: impl IntoIterator<Item = &'a Value>) -> Option<Key> {
        let mut own = SmallVec::new();
        for value in values {
            if value.is_null() {
                return None;
            }
            own.push(match value {
                // One zero: otherwise the sign shown would be that of whichever event came first.
                Value::Float(x) if *x == 0.0 => Value::Float(0.0),
                other => other.clone(),
            });
        }
        Some(Key { values: own })
    }

    /// The group of the key made of `values`; `None` when one of them is null.
    pub fn group_of<'a>(values: impl Iterator<Item = &'a Value> + Clone) -> Option<KeyGroup> {
        if values.clone().any(Value::is_null) {
            return None;
        }
        Some(KeyGroup::of(values))
    }

    /// The group that the key belongs to.
    pub fn group(&self) -> KeyGroup {
        KeyGroup::of(self.values.iter())
    }

    /// The values, in the order of `by`.
    pub fn values(&self) -> &[Value] {
        &self.values
    }
}

/// A part of all keys: what is moved when keys change their owner. Which keys it has depends on their
/// values alone, and is the same on every machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyGroup(pub u16);

impl KeyGroup {
    /// How many there are.
    pub const COUNT: usize = 1_024;

    fn of<'a>(values: impl Iterator<Item = &'a Value>) -> KeyGroup {
        // The seed is fixed: the group is the same everywhere.
        let mut hasher = foldhash::quality::FixedState::with_seed(0).build_hasher();
        for value in values {
            value.hash(&mut hasher);
        }
        KeyGroup((hasher.finish() >> (64 - Self::COUNT.trailing_zeros())) as u16)
    }
}

/// Keys of different types are different even where the numbers are equal: rules that group by an
/// integer and rules that group by a float share the records of a shard.
impl PartialEq for Key {
    fn eq(&self, other: &Key) -> bool {
        let pairs = || self.values.iter().zip(&other.values);
        self.values == other.values && pairs().all(|(one, another)| one.ty() == another.ty())
    }
}

impl Eq for Key {}

impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.values.hash(state);
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, value) in self.values.iter().enumerate() {
            if index > 0 {
                f.write_str(", ")?;
            }
            value.fmt(f)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_null_part_makes_no_key() {
        assert!(Key::new([&Value::Int(1), &Value::Null]).is_none());
        assert!(Key::new([]).is_some(), "no parts: the one group of a rule without `by`");
    }

    #[test]
    fn groups_have_about_as_many_keys_each_and_are_those_of_the_values() {
        let mut counts = vec![0; KeyGroup::COUNT];
        for number in 0..100 * KeyGroup::COUNT as i64 {
            let value = Value::text(format!("user-{number}"));
            let group = Key::group_of([&value].into_iter()).expect("not null");
            assert_eq!(Key::new([&value]).map(|key| key.group()), Some(group));
            counts[usize::from(group.0)] += 1;
        }
        assert!(counts.iter().all(|count| (40..200).contains(count)), "{counts:?}");
        assert_eq!(Key::group_of([&Value::Int(1), &Value::Null].into_iter()), None);
        let zero = |x| Key::group_of([&Value::Float(x)].into_iter());
        assert_eq!(zero(0.0), zero(-0.0));
    }

    #[test]
    fn equal_values_make_equal_keys() {
        let key = |value| Key::new([&value]).expect("not null");
        assert_eq!(key(Value::Int(3)), key(Value::Int(3)));
        assert_ne!(key(Value::Int(3)), key(Value::Float(3.0)));
        assert_eq!(key(Value::Float(-0.0)).to_string(), "0");
        assert_eq!(key(Value::Float(-0.0)), key(Value::Float(0.0)));
        assert_ne!(key(Value::text("3")), key(Value::text("4")));
    }
}
