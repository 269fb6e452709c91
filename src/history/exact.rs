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
        let (negative, digits) = self.magnitude();
        let value = rounded(&digits, self.exponent());
        if negative { -value } else { value }
    }

    /// Whether the sum is negative, and its digits without a sign.
    fn magnitude(&self) -> (bool, SmallVec<[i64; 5]>) {
        let mut own = self.clone();
        own.carry();
        let negative = own.digits.last().is_some_and(|digit| *digit < 0);
        if negative {
            own.digits.iter_mut().for_each(|digit| *digit = -*digit);
            own.carry();
        }
        (negative, own.digits)
    }

    /// The power of two that the lowest bit of the first digit stands for.
    fn exponent(&self) -> i32 {
        self.first * DIGIT_BITS + LOWEST_EXPONENT
    }
}

/// The population standard deviation of `count` values from their sum and the sum of their squares:
/// the root of (n Σx² - (Σx)²) / n². The difference, whose terms may be nearly equal, is taken
/// without rounding. NaN where a sum is not finite, or `count` is 0.
pub fn deviation(sum: &ExactSum, squares: &ExactSum, count: u64) -> f64 {
    if sum.infinities != (0, 0) || squares.infinities != (0, 0) {
        return f64::NAN;
    }
    // Both terms as digits whose lowest bit stands for the same power of two, which is that of
    // the first digit of a square.
    let (_, of_sum) = sum.magnitude();
    let (_, of_squares) = squares.magnitude();
    let exponent = (2 * sum.exponent()).min(squares.exponent() - DIGIT_BITS);
    let place = |at: i32| ((at - exponent) / DIGIT_BITS, (at - exponent) % DIGIT_BITS);
    let mut difference: Vec<i128> = Vec::new();
    let mut add = |(digit, shift): (i32, i32), value: i128| {
        // At most 2^24 values of 2^32 shifted by less than a digit: far from what 128 bits hold.
        let digit = digit as usize;
        difference.resize(difference.len().max(digit + 1), 0);
        difference[digit] += value << shift;
    };
    for (at, digit) in (0..).zip(&of_squares) {
        add(place(squares.exponent() + at * DIGIT_BITS), i128::from(*digit) * i128::from(count));
    }
    for (i, a) in (0..).zip(&of_sum) {
        for (j, b) in (0..).zip(&of_sum) {
            add(place(2 * sum.exponent() + (i + j) * DIGIT_BITS), -i128::from(*a) * i128::from(*b));
        }
    }
    let mut digits: SmallVec<[i64; 5]> = SmallVec::new();
    let mut carry = 0;
    for digit in difference {
        let sum = digit + carry;
        digits.push((sum & 0xffff_ffff) as i64);
        carry = sum >> DIGIT_BITS;
    }
    while carry > 0 {
        digits.push((carry & 0xffff_ffff) as i64);
        carry >>= DIGIT_BITS;
    }
    // Squares of numbers below 1e-145 lose bits, so that the difference may be less than nothing.
    if carry < 0 { 0.0 } else { rounded(&digits, exponent).sqrt() / count as f64 }
}

/// The float nearest to a number given by its digits, each from 0 to 2^32 - 1, the lowest first;
/// the lowest bit stands for 2 to the `exponent`. Ties go to the even neighbour.
fn rounded(digits: &[i64], exponent: i32) -> f64 {
    let Some(top) = digits.iter().rposition(|digit| *digit != 0) else { return 0.0 };
    // The highest digits that fit into 128 bits: at least 97 of them count, so that one bit can
    // stand for all that is left out.
    let lowest = (top + 1).saturating_sub(4);
    let kept = digits[lowest..=top].iter().rev();
    let mut magnitude = kept.fold(0u128, |sum, digit| sum << DIGIT_BITS | *digit as u128);
    if digits[..lowest].iter().any(|digit| *digit != 0) {
        magnitude |= 1;
    }
    // The conversion rounds; scaling by a power of two is exact, because a sum of floats has no
    // bits below the lowest of any float.
    scaled(magnitude as f64, exponent + lowest as i32 * DIGIT_BITS)
}

/// `x` times 2 to the `exponent`, in steps that neither overflow nor vanish before the result does.
fn scaled(mut x: f64, mut exponent: i32) -> f64 {
    let power = |exponent: i32| f64::from_bits(((exponent + 1023) as u64) << 52);
    while exponent < -1022 && x != 0.0 {
        x *= power(-1022);
        exponent += 1022;
    }
    while exponent > 1023 && x.is_finite() {
        x *= power(1023);
        exponent -= 1023;
    }
    x * power(exponent.clamp(-1022, 1023))
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

    fn spread(values: &[f64]) -> f64 {
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
    fn the_deviation_is_the_root_of_the_mean_squared_distance() {
        assert_eq!(spread(&[2.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0, 9.0]), 2.0);
        assert!(spread(&[]).is_nan());
        for x in [0.1, -0.1, 1e150, 3e-100, 0.0] {
            assert_eq!(spread(&[x; 7]), 0.0, "equal values have none: {x}");
        }
        assert_eq!(spread(&[-1e150, 1e150]), 1e150);
        assert_eq!(spread(&[-1e-100, 1e-100]), 1e-100);
    }

    #[test]
    fn large_values_that_differ_little_keep_their_difference() {
        assert_eq!(spread(&[1e9 + 1.0, 1e9 - 1.0]), 1.0);
        assert_eq!(spread(&[1e15 + 2.0, 1e15 - 2.0]), 2.0);
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
    }
}
