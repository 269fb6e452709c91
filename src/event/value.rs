//! Values: what a field holds and an expression yields.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::net::IpAddr;

use compact_str::CompactString;

use super::time::{Duration, Timestamp};

/// A value. `Null` stands for "missing or unknown" and is a member of every type.
#[derive(Clone, Debug, Default)]
pub enum Value {
    /// Missing or unknown.
    #[default]
    Null,
    /// True or false.
    Bool(bool),
    /// A 64-bit integer.
    Int(i64),
    /// A 64-bit float; never NaN, which arithmetic turns into null.
    Float(f64),
    /// Text; up to 24 bytes are held in place.
    Str(CompactString),
    /// A point in time.
    Timestamp(Timestamp),
    /// A span of time.
    Duration(Duration),
    /// An IPv4 or IPv6 address.
    Ip(IpAddr),
}

/// The static type of an expression or field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Type {
    /// The type of the literal `null` alone; fits every other type.
    Null,
    /// `bool`
    Bool,
    /// `int`, 64 bits; widens to `float`.
    Int,
    /// `float`, 64 bits.
    Float,
    /// `string`
    Str,
    /// `timestamp`
    Timestamp,
    /// `duration`
    Duration,
    /// `ip`
    Ip,
}

impl Type {
    /// The name the language uses.
    pub const fn name(self) -> &'static str {
        match self {
            Type::Null => "null",
            Type::Bool => "bool",
            Type::Int => "int",
            Type::Float => "float",
            Type::Str => "string",
            Type::Timestamp => "timestamp",
            Type::Duration => "duration",
            Type::Ip => "ip",
        }
    }

    /// Whether the type is `int` or `float`.
    pub const fn is_number(self) -> bool {
        matches!(self, Type::Int | Type::Float)
    }
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Value {
    /// Text.
    pub fn text(text: impl AsRef<str>) -> Value {
        Value::Str(CompactString::new(text))
    }

    /// A float; NaN becomes null, so that every float a rule sees can be ordered.
    pub fn float(value: f64) -> Value {
        if value.is_nan() { Value::Null } else { Value::Float(value) }
    }

    /// The type; `Type::Null` for null.
    pub fn ty(&self) -> Type {
        match self {
            Value::Null => Type::Null,
            Value::Bool(_) => Type::Bool,
            Value::Int(_) => Type::Int,
            Value::Float(_) => Type::Float,
            Value::Str(_) => Type::Str,
            Value::Timestamp(_) => Type::Timestamp,
            Value::Duration(_) => Type::Duration,
            Value::Ip(_) => Type::Ip,
        }
    }

    /// Whether the value is null.
    pub fn is_null(&self) -> bool {
        matches!(self, Value::Null)
    }

    /// The number as a float, when it is one.
    pub fn as_f64(&self) -> Option<f64> {
        match self {
            Value::Int(i) => Some(*i as f64),
            Value::Float(x) => Some(*x),
            _ => None,
        }
    }

    /// The truth value; `None` for null (unknown) and for what is not a bool.
    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Value::Bool(b) => Some(*b),
            _ => None,
        }
    }

    /// Compares two values as the language does: numbers by value whatever their type, text by
    /// bytes; `None` when either is null or they have no common type.
    pub fn compare(&self, other: &Value) -> Option<Ordering> {
        match (self, other) {
            (Value::Int(a), Value::Int(b)) => Some(a.cmp(b)),
            (Value::Float(a), Value::Float(b)) => a.partial_cmp(b),
            (Value::Int(a), Value::Float(b)) => compare_int_float(*a, *b),
            (Value::Float(a), Value::Int(b)) => compare_int_float(*b, *a).map(Ordering::reverse),
            (Value::Str(a), Value::Str(b)) => Some(a.as_bytes().cmp(b.as_bytes())),
            (Value::Bool(a), Value::Bool(b)) => Some(a.cmp(b)),
            (Value::Timestamp(a), Value::Timestamp(b)) => Some(a.cmp(b)),
            (Value::Duration(a), Value::Duration(b)) => Some(a.cmp(b)),
            (Value::Ip(a), Value::Ip(b)) => Some(a.cmp(b)),
            _ => None,
        }
    }
}

/// The floats whose whole part is a 64-bit integer: 2^63 is a float, the greatest integer is none.
const INTEGERS: std::ops::Range<f64> = -9_223_372_036_854_775_808.0..9_223_372_036_854_775_808.0;

/// Exact comparison of an integer with a float: going through `f64` alone would call 2^53 + 1 and
/// 2^53 equal.
fn compare_int_float(int: i64, float: f64) -> Option<Ordering> {
    if float.is_nan() {
        return None;
    }
    if !INTEGERS.contains(&float) {
        return Some(if float > 0.0 { Ordering::Less } else { Ordering::Greater });
    }
    let whole = float.trunc();
    Some(
        int.cmp(&(whole as i64))
            .then_with(|| 0.0_f64.partial_cmp(&(float - whole)).unwrap_or(Ordering::Equal)),
    )
}

/// Identity, as `count_distinct` and keys need it: null equals null, and an integer equals the
/// float of the same value. For the language's `==`, see [`Value::compare`].
impl PartialEq for Value {
    fn eq(&self, other: &Value) -> bool {
        match (self, other) {
            (Value::Null, Value::Null) => true,
            _ => self.compare(other) == Some(Ordering::Equal),
        }
    }
}

impl Eq for Value {}

impl Hash for Value {
    fn hash<H: Hasher>(&self, state: &mut H) {
        match self {
            Value::Null => 0u8.hash(state),
            Value::Bool(b) => b.hash(state),
            Value::Int(i) => i.hash(state),
            // A float that is a whole number hashes like the equal integer.
            Value::Float(x) if *x == x.trunc() && INTEGERS.contains(x) => (*x as i64).hash(state),
            Value::Float(x) => x.to_bits().hash(state),
            Value::Str(s) => s.as_bytes().hash(state),
            Value::Timestamp(t) => t.hash(state),
            Value::Duration(d) => d.hash(state),
            Value::Ip(ip) => ip.hash(state),
        }
    }
}

impl fmt::Display for Value {
    /// As an alert's title shows it: text without quotes, null as `null`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Null => f.write_str("null"),
            Value::Bool(b) => b.fmt(f),
            Value::Int(i) => i.fmt(f),
            Value::Float(x) => x.fmt(f),
            Value::Str(s) => f.write_str(s),
            Value::Timestamp(t) => t.fmt(f),
            Value::Duration(d) => d.fmt(f),
            Value::Ip(ip) => ip.fmt(f),
        }
    }
}

impl serde::Serialize for Value {
    /// JSON: times as RFC 3339 text, durations as the language writes them, addresses as text; an
    /// infinite float as text, because JSON has none.
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Value::Null => serializer.serialize_unit(),
            Value::Bool(b) => serializer.serialize_bool(*b),
            Value::Int(i) => serializer.serialize_i64(*i),
            Value::Float(x) if x.is_finite() => serializer.serialize_f64(*x),
            Value::Str(s) => serializer.serialize_str(s),
            other => serializer.collect_str(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hash(value: &Value) -> u64 {
        use std::hash::BuildHasher;
        foldhash::fast::FixedState::default().hash_one(value)
    }

    #[test]
    fn integers_and_floats_compare_exactly() {
        let big = Value::Int((1 << 53) + 1);
        let float = Value::Float(9_007_199_254_740_992.0);
        assert_eq!(big.compare(&float), Some(Ordering::Greater));
        assert_eq!(float.compare(&big), Some(Ordering::Less));
        assert_eq!(Value::Int(i64::MAX).compare(&Value::Float(9.3e18)), Some(Ordering::Less));
        assert_eq!(Value::Int(-1).compare(&Value::Float(-1.5)), Some(Ordering::Greater));
        assert_eq!(Value::Int(1).compare(&Value::Float(1.5)), Some(Ordering::Less));
    }

    #[test]
    fn equal_numbers_hash_alike() {
        assert_eq!(Value::Int(3), Value::Float(3.0));
        assert_eq!(hash(&Value::Int(3)), hash(&Value::Float(3.0)));
        for int in [i64::MIN, i64::MAX - 1_023, 9_100_000_000_000_000_000, -9_100_000_000_000_000_000] {
            let float = Value::Float(int as f64);
            assert_eq!((Value::Int(int), hash(&Value::Int(int))), (float.clone(), hash(&float)));
        }
        assert_ne!(Value::Int(i64::MAX), Value::Float(i64::MAX as f64), "2^63 is one more");
        assert_eq!(Value::Float(0.0), Value::Float(-0.0));
        assert_eq!(hash(&Value::Float(0.0)), hash(&Value::Float(-0.0)));
    }

    #[test]
    fn null_compares_with_nothing_but_is_identical_to_itself() {
        assert_eq!(Value::Null.compare(&Value::Null), None);
        assert_eq!(Value::Null, Value::Null);
    }

    #[test]
    fn values_stay_small() {
        assert_eq!(size_of::<Value>(), 24);
    }
}
