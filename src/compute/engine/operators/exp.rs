//! The exponential and the logarithm in plain arithmetic, which the compiler can vectorise and which returns the same
//! bits on every processor.

/// Returns `e^x` to two units in the last place for `x` in -87 to 88, and the value at the nearer end outside.
///
/// `x = n ln 2 + r` with an integer `n` and `
/// r
/// <= ln 2 / 2`; `e^r` is the Taylor polynomial of degree 7.
#[inline(always)]
#[allow(clippy::excessive_precision, reason = "the halves of ln 2 are written as they are stored")]
pub(crate) fn exp(x: f32) -> f32 {
    // 1.5 * 2^23: when it is added to a small number, the last bit of the sum has the value 1.
    const ROUND: f32 = 12_582_912.0;
    // The upper half of ln 2 has so few bits that its product with `n` is exact.
    const LN_2_HIGH: f32 = 0.693_359_375;
    const LN_2_LOW: f32 = -2.121_944_4e-4;
    // These comparisons keep a NaN.
    let x = if x < -87.0 { -87.0 } else { x };
    let x = if x > 88.0 { 88.0 } else { x };
    let rounded = x * std::f32::consts::LOG2_E + ROUND;
    let n = rounded - ROUND;
    let r = (x - n * LN_2_HIGH) - n * LN_2_LOW;
    let mut power = 1.0 / 5040.0;
    for factor in [1.0 / 720.0, 1.0 / 120.0, 1.0 / 24.0, 1.0 / 6.0, 0.5, 1.0, 1.0] {
        power = power * r + factor;
    }
    // `n` is in the low bits of `rounded`; as an exponent it is 2^n.
    let exponent = rounded.to_bits().wrapping_sub(ROUND.to_bits()).wrapping_add(127);
    power * f32::from_bits(exponent << 23)
}

/// Returns `1 / (1 + e^-x)`.
#[inline(always)]
pub(crate) fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + exp(-x))
}

#[cfg(any(feature = "run", test))]
/// Returns `log x` to two units in the last place, or to 1e-7 near 1, for `x` from `f32::MIN_POSITIVE` to 1e38.
///
/// `x = 2^n m` with `m` between `sqrt(1/2)` and `sqrt(2)`, and `log m = 2 artanh s` with `s = (m - 1) / (m + 1)`, whose
/// series is truncated after `s^9`.
#[inline(always)]
#[allow(clippy::excessive_precision, reason = "the halves of ln 2 are written as they are stored")]
pub(crate) fn ln(x: f32) -> f32 {
    const LN_2_HIGH: f32 = 0.693_359_375;
    const LN_2_LOW: f32 = -2.121_944_4e-4;
    // `m` starts at sqrt(1/2): counted from its bits, the exponent is `n`.
    let n = (x.to_bits().wrapping_sub(std::f32::consts::FRAC_1_SQRT_2.to_bits()) as i32) >> 23;
    // A product instead of a change of bits keeps a NaN.
    let m = x * f32::from_bits(((127 - n) as u32) << 23);
    let s = (m - 1.0) / (m + 1.0);
    let square = s * s;
    let mut series = 1.0 / 9.0;
    for factor in [1.0 / 7.0, 1.0 / 5.0, 1.0 / 3.0] {
        series = series * square + factor;
    }
    let n = n as f32;
    n * LN_2_HIGH + (n * LN_2_LOW + (2.0 * s + 2.0 * s * square * series))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_in_double_precision() {
        for i in -87_000..=88_000 {
            let x = i as f32 / 1000.0;
            let right = f64::from(x).exp();
            assert!((f64::from(exp(x)) / right - 1.0).abs() < 2.4e-7, "exp({x}) is {} and not {right}", exp(x));
        }
        assert_eq!(exp(0.0), 1.0);
        assert!(exp(f32::NAN).is_nan());
        assert!(exp(f32::NEG_INFINITY) < 1.7e-38 && exp(f32::INFINITY) > 1.6e38);
    }

    #[test]
    fn the_logarithm_is_as_in_double_precision() {
        let exponents = (-126..=125).map(|n| 2f32.powi(n));
        let numbers = exponents.flat_map(|power| (0..512).map(move |i| power * (1.0 + i as f32 / 512.0)));
        for x in numbers.chain((0..100_000).map(|i| 0.5 + i as f32 / 10_000.0)) {
            let right = f64::from(x).ln();
            let error = (f64::from(ln(x)) - right).abs();
            assert!(error <= 2.4e-7 * right.abs().max(0.4), "ln({x}) is {} and not {right}", ln(x));
        }
        assert_eq!(ln(1.0), 0.0);
        assert!(ln(f32::NAN).is_nan());
    }
}
