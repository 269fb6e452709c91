//! The standard deviation from exact sums.

use super::exact::{ExactSum, product};
use crate::event::Value;

/// A number as the sum of two floats, the second of which is what the first leaves out: about 106
/// bits (T. J. Dekker, "A floating-point technique for extending the available precision",
/// Numerische Mathematik 18, 1971).
#[derive(Clone, Copy)]
struct Pair(f64, f64);

impl Pair {
    fn sum(a: f64, b: f64) -> Pair {
        let sum = a + b;
        let part = sum - a;
        Pair(sum, (a - (sum - part)) + (b - part))
    }

    fn minus(self, other: Pair) -> Pair {
        let high = Pair::sum(self.0, -other.0);
        Pair::sum(high.0, high.1 + self.1 - other.1)
    }

    fn times(self, other: Pair) -> Pair {
        let (high, low) = product(self.0, other.0);
        Pair::sum(high, low + self.0 * other.1 + self.1 * other.0)
    }
}

/// The population standard deviation of `count` values from their sum and the sum of their squares:
/// the root of (n Σx² - (Σx)²) / n². The difference is taken with twice the precision of a float,
/// since its terms may be nearly equal. Null of no values.
pub(super) fn deviation(sum: &ExactSum, squares: &ExactSum, count: u64) -> Value {
    if count == 0 {
        return Value::Null;
    }
    let n = count as f64;
    let (sum, squares) = (sum.in_two(), squares.in_two());
    let sum = Pair(sum.0, sum.1);
    let difference = Pair(n, 0.0).times(Pair(squares.0, squares.1)).minus(sum.times(sum));
    // Less than nothing can only be what is left of rounding.
    let difference = difference.0 + difference.1;
    if difference.is_nan() {
        return Value::Null;
    }
    Value::float(difference.max(0.0).sqrt() / n)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(values: &[f64]) -> Value {
        let (mut sum, mut squares) = (ExactSum::default(), ExactSum::default());
        for x in values {
            sum.add(*x);
            let (high, low) = product(*x, *x);
            squares.add(high);
            squares.add(low);
        }
        deviation(&sum, &squares, values.len() as u64)
    }

    #[test]
    fn it_is_the_root_of_the_mean_squared_distance() {
        assert_eq!(of(&[2.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0, 9.0]), Value::Float(2.0));
        assert_eq!(of(&[]), Value::Null);
        assert_eq!(of(&[0.1]), Value::Float(0.0));
        assert_eq!(of(&[0.1; 3]), Value::Float(0.0));
    }

    #[test]
    fn large_values_that_differ_little_keep_their_difference() {
        assert_eq!(of(&[1e9 + 1.0, 1e9 - 1.0]), Value::Float(1.0));
        assert_eq!(of(&[1e15 + 2.0, 1e15 - 2.0]), Value::Float(2.0));
    }
}
