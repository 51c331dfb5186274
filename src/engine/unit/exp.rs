//! The exponential as a plain loop body, which the compiler can vectorise and which gives the same bits everywhere.

/// `e^x` to two units in the last place, for `x` in -87 to 88; beyond, that of the nearer end.
///
/// `x = n ln 2 + r` with a whole `n` and `|r| <= ln 2 / 2`; `e^r` is the Taylor polynomial of degree 7.
#[inline(always)]
#[allow(clippy::excessive_precision, reason = "the halves of ln 2 are written as they are stored")]
pub fn exp(x: f32) -> f32 {
    // 1.5 * 2^23: added to a small number, the sum's last bit is worth 1.
    const ROUND: f32 = 12_582_912.0;
    // The upper half of ln 2 has few enough bits that its product with `n` is exact.
    const LN_2_HIGH: f32 = 0.693_359_375;
    const LN_2_LOW: f32 = -2.121_944_4e-4;
    // In this order a NaN stays one.
    let x = if x < -87.0 { -87.0 } else { x };
    let x = if x > 88.0 { 88.0 } else { x };
    let rounded = x * std::f32::consts::LOG2_E + ROUND;
    let n = rounded - ROUND;
    let r = (x - n * LN_2_HIGH) - n * LN_2_LOW;
    let mut power = 1.0 / 5040.0;
    for factor in [1.0 / 720.0, 1.0 / 120.0, 1.0 / 24.0, 1.0 / 6.0, 0.5, 1.0, 1.0] {
        power = power * r + factor;
    }
    // `n` stands in the low bits of `rounded`; as an exponent it makes 2^n.
    let exponent = rounded.to_bits().wrapping_sub(ROUND.to_bits()).wrapping_add(127);
    power * f32::from_bits(exponent << 23)
}

/// `1 / (1 + e^-x)`.
#[inline(always)]
pub fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + exp(-x))
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
}
