//! Keys: the values by which a rule groups events.
//!
//! A key is held for as long as something is held for it, and millions are: one of one value takes no
//! more than the value. An event's own key is only looked at ([`KeyRef`]) until something must be held.

use std::fmt;
use std::hash::{BuildHasher, Hash, Hasher};

use memchr::arch::all::is_equal;
use smallvec::SmallVec;

use super::value::Value;

/// The key of a group of events: the values of the rule's `by` fields, none of them null. A rule
/// without `by` has one group, whose key is empty.
#[derive(Clone, Debug)]
pub struct Key(Parts);

/// Most keys have one value.
#[derive(Clone, Debug)]
enum Parts {
    One(Value),
    Other(Box<[Value]>),
}

/// A key as an event has it: nothing is copied.
#[derive(Clone, Debug)]
pub struct KeyRef<'a>(SmallVec<[&'a Value; 3]>);

impl<'a> KeyRef<'a> {
    /// The key made of `values`; `None` when one of them is null, because such an event belongs to no
    /// group.
    pub fn new(values: impl IntoIterator<Item = &'a Value>) -> Option<KeyRef<'a>> {
        let mut own = SmallVec::new();
        for value in values {
            if value.is_null() {
                return None;
            }
            own.push(value);
        }
        Some(KeyRef(own))
    }

    /// The key with values of its own.
    pub fn to_key(&self) -> Key {
        let own = |value: &&Value| match value {
            // One zero: otherwise the sign shown would be that of whichever event came first.
            Value::Float(x) if *x == 0.0 => Value::Float(0.0),
            other => (*other).clone(),
        };
        Key(match &*self.0 {
            [value] => Parts::One(own(value)),
            values => Parts::Other(values.iter().map(own).collect()),
        })
    }

    /// Whether it is this key.
    pub fn is(&self, key: &Key) -> bool {
        let values = key.values();
        self.0.len() == values.len() && self.0.iter().zip(values).all(|(one, other)| identical(one, other))
    }
}

impl Key {
    /// The key made of `values`; `None` when one of them is null.
    pub fn new<'a>(values: impl IntoIterator<Item = &'a Value>) -> Option<Key> {
        Some(KeyRef::new(values)?.to_key())
    }

    /// The key to look at.
    pub fn as_ref(&self) -> KeyRef<'_> {
        KeyRef(self.values().iter().collect())
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
        KeyGroup::of(self.values().iter())
    }

    /// The values, in the order of `by`.
    pub fn values(&self) -> &[Value] {
        match &self.0 {
            Parts::One(value) => std::slice::from_ref(value),
            Parts::Other(values) => values,
        }
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

/// Values of different types are different even where the numbers are equal: rules that group by an
/// integer and rules that group by a float share the records of a shard.
fn identical(one: &Value, other: &Value) -> bool {
    match (one, other) {
        // What most keys are, compared without the question which comes first, and in place: texts are short.
        (Value::Str(one), Value::Str(other)) => is_equal(one.as_bytes(), other.as_bytes()),
        (Value::Int(one), Value::Int(other)) => one == other,
        _ => one.ty() == other.ty() && one == other,
    }
}

impl PartialEq for Key {
    fn eq(&self, other: &Key) -> bool {
        let (own, others) = (self.values(), other.values());
        own.len() == others.len() && own.iter().zip(others).all(|(one, other)| identical(one, other))
    }
}

impl Eq for Key {}

/// Like that of the [`KeyRef`] of the same values.
impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.values().iter().for_each(|value| value.hash(state));
    }
}

/// Like that of the [`Key`] of the same values.
impl Hash for KeyRef<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.iter().for_each(|value| value.hash(state));
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, value) in self.values().iter().enumerate() {
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

    /// There are as many keys in memory as something is held for.
    #[test]
    fn a_key_of_one_value_takes_no_more_than_the_value() {
        assert_eq!(size_of::<Key>(), size_of::<Value>());
    }

    #[test]
    fn the_key_of_an_event_is_found_as_the_one_that_is_held() {
        let hash = |key: &dyn Fn(&mut foldhash::fast::FoldHasher<'_>)| {
            let mut hasher = foldhash::fast::FixedState::default().build_hasher();
            key(&mut hasher);
            hasher.finish()
        };
        let values = [
            Value::text("a"),
            Value::text("a text that is too long to be held in place"),
            Value::Int(0),
            Value::Float(0.0),
            Value::Float(-0.0),
            Value::Bool(false),
        ];
        let pairs = values.iter().flat_map(|one| values.iter().map(move |other| vec![one, other]));
        let sets = pairs.chain(values.iter().map(|value| vec![value])).chain([Vec::new()]);
        let sets: Vec<Vec<&Value>> = sets.collect();
        for set in &sets {
            let found = KeyRef::new(set.iter().copied()).expect("not null");
            let held = found.to_key();
            assert!(found.is(&held));
            assert_eq!(hash(&|hasher| found.hash(hasher)), hash(&|hasher| held.hash(hasher)));
            for other in &sets {
                let other = Key::new(other.iter().copied()).expect("not null");
                assert_eq!(found.is(&other), held == other, "{held:?}, {other:?}");
            }
        }
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
