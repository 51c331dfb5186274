//! Exact fractions.

use super::integer::gcd;
use std::fmt;

/// The largest numerator, in absolute value, and the largest denominator of a [`Rational`].
const MAX_PART: u128 = 1 << 63;

/// A fraction in lowest terms. The numerator has at most 63 bits and a sign (or is 2^63), the denominator is from 1
/// to 2^63 - 1, so that products of two of them fit in 128 bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rational {
    num: i128,
    den: i128,
}

impl Rational {
    /// Returns an integer as a fraction.
    pub(crate) fn integer(n: i64) -> Self {
        Self { num: n.into(), den: 1 }
    }

    /// Returns `num / den` in lowest terms; `None` for a denominator of 0 and beyond the limits of the type.
    pub(crate) fn new(num: i128, den: i128) -> Option<Self> {
        if den == 0 {
            return None;
        }
        let common = gcd(num.unsigned_abs(), den.unsigned_abs()) as i128 * den.signum();
        let (num, den) = (num / common, den / common);
        (num.unsigned_abs() <= MAX_PART && den.unsigned_abs() < MAX_PART).then_some(Self { num, den })
    }

    /// Returns the numerator, which has the sign of the fraction.
    pub fn num(self) -> i128 {
        self.num
    }

    /// Returns the denominator, which is above 0.
    pub fn den(self) -> i128 {
        self.den
    }

    /// Returns the nearest 64-bit floating-point number to the quotient of numerator and denominator.
    pub fn to_f64(self) -> f64 {
        self.num as f64 / self.den as f64
    }

    pub(crate) fn checked_add(self, other: Self) -> Option<Self> {
        Self::new((self.num * other.den).checked_add(other.num * self.den)?, self.den * other.den)
    }

    pub(crate) fn checked_sub(self, other: Self) -> Option<Self> {
        Self::new((self.num * other.den).checked_sub(other.num * self.den)?, self.den * other.den)
    }

    pub(crate) fn checked_mul(self, other: Self) -> Option<Self> {
        Self::new(self.num * other.num, self.den * other.den)
    }

    /// Divides; `None` for a divisor of 0 and beyond the limits of the type.
    pub(crate) fn checked_div(self, other: Self) -> Option<Self> {
        Self::new(self.num * other.den, self.den * other.num)
    }

    pub(crate) fn checked_neg(self) -> Option<Self> {
        Self::new(-self.num, self.den)
    }

    /// Returns the largest integer that is not above the fraction.
    pub(crate) fn floor(self) -> i128 {
        self.num.div_euclid(self.den)
    }

    /// Returns the smallest integer that is not below the fraction.
    pub(crate) fn ceil(self) -> i128 {
        self.floor() + i128::from(self.num.rem_euclid(self.den) != 0)
    }
}

impl fmt::Display for Rational {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.den == 1 { write!(f, "{}", self.num) } else { write!(f, "{}/{}", self.num, self.den) }
    }
}

#[cfg(test)]
mod tests {
    use super::Rational;

    fn of(num: i128, den: i128) -> Rational {
        Rational::new(num, den).expect("within the limits")
    }

    #[test]
    fn lowest_terms_with_a_positive_denominator() {
        assert_eq!((of(6, -4).num(), of(6, -4).den()), (-3, 2));
        assert_eq!((of(0, -7).num(), of(0, -7).den()), (0, 1));
        assert_eq!(Rational::new(1, 0), None);
    }

    #[test]
    fn arithmetic_is_exact() {
        let (a, b) = (of(1, 6), of(3, 4));
        assert_eq!(a.checked_add(b), Some(of(11, 12)));
        assert_eq!(a.checked_sub(b), Some(of(-7, 12)));
        assert_eq!(a.checked_mul(b), Some(of(1, 8)));
        assert_eq!(a.checked_div(b), Some(of(2, 9)));
        assert_eq!(a.checked_div(of(0, 1)), None);
        assert_eq!(a.checked_neg(), Some(of(-1, 6)));
        assert_eq!(
            [of(-7, 2).floor(), of(-7, 2).ceil(), of(7, 2).floor(), of(7, 2).ceil(), of(4, 2).ceil()],
            [-4, -3, 3, 4, 2]
        );
    }

    #[test]
    fn limits() {
        let least = Rational::integer(i64::MIN);
        assert_eq!(least.checked_neg().map(Rational::num), Some(1 << 63));
        assert_eq!(least.checked_add(Rational::integer(-1)), None);
        assert_eq!(of(1, i64::MAX.into()).checked_mul(of(1, 2)), None);
        // The largest products that occur stay within 128 bits.
        assert_eq!(least.checked_div(of(1, i64::MAX.into())), None);
    }
}
