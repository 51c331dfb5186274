//! Integer arithmetic.

use std::ops::{Rem, Sub};

/// Returns the greatest common divisor by Euclid's algorithm; never negative, and 0 for two zeros.
pub(crate) fn gcd<N>(mut a: N, mut b: N) -> N
where
    N: Copy + Default + Ord + Rem<Output = N> + Sub<Output = N>,
{
    let zero = N::default();
    while b != zero {
        (a, b) = (b, a % b);
    }
    if a < zero { zero - a } else { a }
}

#[cfg(test)]
mod tests {
    use super::gcd;

    #[test]
    fn common_divisors() {
        assert_eq!([gcd(12u64, 18), gcd(0, 5), gcd(5, 0), gcd(0, 0), gcd(7, 9)], [6, 5, 5, 0, 1]);
        assert_eq!([gcd(-12i64, 18), gcd(12, -18), gcd(-12, -18), gcd(-5, 0)], [6, 6, 6, 5]);
    }
}
