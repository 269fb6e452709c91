//! Sums of floats that do not depend on the order of adding and taking away.
//!
//! A window adds what comes and takes away what leaves. With ordinary floats the rounding of every
//! step would stay in the sum for ever, and a sum carried through a restart would differ from one
//! made anew. Here the sum is held exactly, as a fixed-point number wide enough for every float, and
//! rounded once when it is read: a superaccumulator (Kulisch; R. M. Neal, "Fast Exact Summation Using
//! Small and Large Superaccumulators", arXiv 1505.05571). Only the digits that are in use are held:
//! amounts of money need three or four.

use smallvec::SmallVec;

/// Bits of a digit. A digit is held in 64 bits, so that many values can be added without a carry.
const DIGIT_BITS: i32 = 32;
/// The exponent of the lowest bit of any float.
const LOWEST_EXPONENT: i32 = -1074;
/// Carries are due after so many values: each adds less than 2^32 to a digit.
const MAX_ADDS: u32 = 1 << 30;

/// An exact sum of floats.
#[derive(Clone, Debug, Default)]
pub struct ExactSum {
    /// Which digit the first of `digits` is; digit 0 begins at the lowest bit of any float.
    first: i32,
    /// Digits of base 2^32 from the lowest, each with carries of its own sign still in it.
    digits: SmallVec<[i64; 5]>,
    adds: u32,
    /// How many positive and negative infinities are in the sum.
    infinities: (u32, u32),
}

impl ExactSum {
    /// Adds a value, which is not NaN.
    pub fn add(&mut self, x: f64) {
        if x.is_infinite() {
            let count = if x > 0.0 { &mut self.infinities.0 } else { &mut self.infinities.1 };
            *count += 1;
            return;
        }
        self.add_finite(x);
    }

    /// Takes away a value that has been added.
    pub fn remove(&mut self, x: f64) {
        if x.is_infinite() {
            let count = if x > 0.0 { &mut self.infinities.0 } else { &mut self.infinities.1 };
            *count -= 1;
            return;
        }
        self.add_finite(-x);
    }

    fn add_finite(&mut self, x: f64) {
        if x == 0.0 {
            return;
        }
        let bits = x.to_bits();
        let exponent = ((bits >> 52) & 0x7ff) as i32;
        let fraction = bits & ((1 << 52) - 1);
        // What is below the least normal number has no implicit bit, and the exponent of the next.
        let (mantissa, place) =
            if exponent == 0 { (fraction, 0) } else { (fraction | 1 << 52, exponent - 1) };
        let digit = place / DIGIT_BITS;
        let shifted = u128::from(mantissa) << (place % DIGIT_BITS);
        self.make_room(digit);
        let at = (digit - self.first) as usize;
        for (offset, digit) in self.digits[at..at + 3].iter_mut().enumerate() {
            let part = (shifted >> (DIGIT_BITS as usize * offset)) as u32;
            *digit += if x < 0.0 { -i64::from(part) } else { i64::from(part) };
        }
        self.adds += 1;
        if self.adds == MAX_ADDS {
            self.carry();
        }
    }

    /// Makes room for three digits from `digit` on.
    fn make_room(&mut self, digit: i32) {
        if self.digits.is_empty() {
            self.first = digit;
        }
        while self.first > digit {
            self.digits.insert(0, 0);
            self.first -= 1;
        }
        let wanted = (digit - self.first) as usize + 3;
        if self.digits.len() < wanted {
            self.digits.resize(wanted, 0);
        }
    }

    /// Brings every digit but the highest into the range of a digit.
    fn carry(&mut self) {
        self.adds = 0;
        let mut carry = 0;
        for digit in &mut self.digits {
            let sum = *digit + carry;
            *digit = sum & 0xffff_ffff;
            carry = sum >> DIGIT_BITS;
        }
        if carry != 0 {
            self.digits.push(carry);
        }
    }

    /// The sum, rounded once to the nearest float; NaN of infinities of both signs.
    pub fn value(&self) -> f64 {
        match self.infinities {
            (0, 0) => self.finite(),
            (_, 0) => f64::INFINITY,
            (0, _) => f64::NEG_INFINITY,
            _ => f64::NAN,
        }
    }

    fn finite(&self) -> f64 {
        let mut own = self.clone();
        own.carry();
        let negative = own.digits.last().is_some_and(|digit| *digit < 0);
        if negative {
            own.digits.iter_mut().for_each(|digit| *digit = -*digit);
            own.carry();
        }
        let Some(top) = own.digits.iter().rposition(|digit| *digit != 0) else { return 0.0 };
        // The highest digits that fit into 128 bits: at least 97 of them count, so that one bit can
        // stand for all that is left out.
        let lowest = (top + 1).saturating_sub(4);
        let kept = own.digits[lowest..=top].iter().rev();
        let mut magnitude = kept.fold(0u128, |sum, digit| sum << DIGIT_BITS | *digit as u128);
        if own.digits[..lowest].iter().any(|digit| *digit != 0) {
            magnitude |= 1;
        }
        // The conversion rounds to the nearest, ties to even; scaling by a power of two is exact,
        // because what lies below the least normal number has all its bits in `magnitude`.
        let scale = (own.first + lowest as i32) * DIGIT_BITS + LOWEST_EXPONENT;
        let value = scaled(magnitude as f64, scale);
        if negative { -value } else { value }
    }

    /// The sum as two floats, the second of which is what the first leaves out.
    pub fn in_two(&self) -> (f64, f64) {
        let high = self.value();
        if !high.is_finite() {
            return (high, 0.0);
        }
        let mut rest = self.clone();
        rest.add(-high);
        (high, rest.value())
    }
}

/// `x` times 2 to the `exponent`, in steps that neither overflow nor vanish before the result does.
fn scaled(x: f64, exponent: i32) -> f64 {
    // 2^-1074 itself cannot be made by `powi`, which goes through its reciprocal.
    let power = |exponent: i32| f64::from_bits(((exponent + 1023) as u64) << 52);
    if exponent < -1022 { x * power(-1022) * power(exponent + 1022) } else { x * power(exponent) }
}

/// A product of two floats without any loss: the rounded product and what rounding left out.
pub fn product(a: f64, b: f64) -> (f64, f64) {
    let high = a * b;
    let low = a.mul_add(b, -high);
    (high, if low.is_finite() { low } else { 0.0 })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sum(values: &[f64]) -> f64 {
        let mut sum = ExactSum::default();
        values.iter().for_each(|x| sum.add(*x));
        sum.value()
    }

    #[test]
    fn single_values_come_back_as_they_were() {
        for x in [0.0, 1.0, -1.0, 0.1, -0.1, f64::MAX, f64::MIN, f64::MIN_POSITIVE, 5e-324, -5e-324, 1e-310] {
            assert_eq!(sum(&[x]), x, "{x}");
        }
        assert_eq!(sum(&[f64::INFINITY, 1.0]), f64::INFINITY);
        assert!(sum(&[f64::INFINITY, f64::NEG_INFINITY]).is_nan());
    }

    #[test]
    fn nothing_is_lost_between_large_and_small() {
        assert_eq!(sum(&[1e300, 1.0, -1e300]), 1.0);
        assert_eq!(sum(&[1.0, 1e-30, -1.0]), 1e-30);
        assert_eq!(sum(&[f64::MAX, f64::MAX, -f64::MAX]), f64::MAX);
        assert_eq!(sum(&[f64::MAX, f64::MAX]), f64::INFINITY);
    }

    #[test]
    fn the_sum_is_rounded_once_to_even() {
        let ulp = f64::EPSILON;
        assert_eq!(sum(&[1.0, ulp / 2.0]), 1.0, "a tie goes to the even neighbour");
        assert_eq!(sum(&[1.0 + ulp, ulp / 2.0]), 1.0 + 2.0 * ulp);
        assert_eq!(sum(&[1.0, ulp / 2.0, 1e-300]), 1.0 + ulp, "the least bit decides the tie");
        assert_eq!(sum(&[-1.0, -ulp / 2.0, -1e-300]), -1.0 - ulp);
        assert_eq!(sum(&[0.1; 10]), 1.0);
    }

    #[test]
    fn what_is_added_and_removed_leaves_no_trace() {
        let mut sum = ExactSum::default();
        sum.add(0.1);
        for x in [1e200, -3.7e-200, f64::INFINITY, 12.5] {
            sum.add(x);
        }
        for x in [12.5, 1e200, f64::INFINITY, -3.7e-200] {
            sum.remove(x);
        }
        assert_eq!(sum.value(), 0.1);
    }

    #[test]
    fn carries_are_made_in_time() {
        let mut sum = ExactSum { adds: MAX_ADDS - 2, ..ExactSum::default() };
        for _ in 0..4 {
            sum.add(-1.5);
        }
        assert_eq!((sum.value(), sum.adds), (-6.0, 2));
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn sums_of_whole_numbers_are_those_of_integers(values in prop::collection::vec(-(1i64 << 53)..(1i64 << 53), 0..50), scale in -200i32..200) {
            let exact: i128 = values.iter().map(|x| i128::from(*x)).sum();
            let factor = 2f64.powi(scale);
            let floats: Vec<f64> = values.iter().map(|x| *x as f64 * factor).collect();
            prop_assert_eq!(sum(&floats), exact as f64 * factor);
        }

        #[test]
        fn the_order_does_not_matter(bits in prop::collection::vec(any::<u64>(), 0..30)) {
            let values: Vec<f64> = bits.iter().map(|bits| f64::from_bits(*bits)).filter(|x| x.is_finite()).collect();
            let mut other = values.clone();
            other.reverse();
            prop_assert_eq!(sum(&values).to_bits(), sum(&other).to_bits());
            let mut all = ExactSum::default();
            values.iter().for_each(|x| all.add(*x));
            values.iter().for_each(|x| all.remove(*x));
            prop_assert_eq!(all.value(), 0.0);
        }

        #[test]
        fn two_floats_hold_more_than_one(a in -1e10f64..1e10, b in -1e-10f64..1e-10) {
            let mut sum = ExactSum::default();
            sum.add(a);
            sum.add(b);
            let (high, low) = sum.in_two();
            prop_assert_eq!(high, a + b);
            let mut rest = sum.clone();
            rest.remove(high);
            rest.remove(low);
            prop_assert!(rest.value().abs() <= low.abs() * f64::EPSILON);
        }
    }
}
