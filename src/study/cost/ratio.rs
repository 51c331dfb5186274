//! Fractions.

use crate::base::integer::gcd;
use std::fmt;

/// A fraction in lowest terms, above 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Ratio {
    pub num: i64,
    pub den: i64,
}

impl Ratio {
    pub(super) fn new(num: i64, den: i64) -> Self {
        let g = gcd(num, den).max(1);
        Self { num: num / g, den: den / g }
    }

    pub(super) fn times(self, num: i64, den: i64) -> Option<Self> {
        // Reduced crosswise first, so that products stay as small as they can.
        let (a, b) = (Ratio::new(self.num, den), Ratio::new(num, self.den));
        Some(Self { num: a.num.checked_mul(b.num)?, den: a.den.checked_mul(b.den)? })
    }

    pub fn value(self) -> f64 {
        self.num as f64 / self.den as f64
    }
}

impl fmt::Display for Ratio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.den == 1 { write!(f, "{}", self.num) } else { write!(f, "{}/{}", self.num, self.den) }
    }
}
