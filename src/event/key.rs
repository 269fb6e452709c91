//! Keys: the values by which a rule groups events.

use std::fmt;
use std::hash::{BuildHasher, Hash, Hasher};

use smallvec::SmallVec;

use super::value::Value;

/// The key of a group of events: the values of the rule's `by` fields, none of them null. A rule
/// without `by` has one group, whose key is empty. The hash is computed once.
#[derive(Clone, Debug)]
pub struct Key {
    hash: u64,
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
        // A fixed seed: the hash decides the key group, which must be the same on every machine.
        let hash = foldhash::quality::FixedState::with_seed(0).hash_one(own.as_slice());
        Some(Key { hash, values: own })
    }

    /// The values, in the order of `by`.
    pub fn values(&self) -> &[Value] {
        &self.values
    }

    /// The hash of the values, the same on every machine and in every run.
    pub fn hash_value(&self) -> u64 {
        self.hash
    }
}

/// Keys of different types are different even where the numbers are equal: rules that group by an
/// integer and rules that group by a float share the records of a shard.
impl PartialEq for Key {
    fn eq(&self, other: &Key) -> bool {
        let pairs = || self.values.iter().zip(&other.values);
        self.hash == other.hash
            && self.values == other.values
            && pairs().all(|(one, another)| one.ty() == another.ty())
    }
}

impl Eq for Key {}

impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.hash);
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
    fn equal_values_make_equal_keys() {
        let key = |value| Key::new([&value]).expect("not null");
        assert_eq!(key(Value::Int(3)), key(Value::Int(3)));
        assert_ne!(key(Value::Int(3)), key(Value::Float(3.0)));
        assert_eq!(key(Value::Float(-0.0)).to_string(), "0");
        assert_ne!(key(Value::text("3")), key(Value::text("4")));
    }
}
