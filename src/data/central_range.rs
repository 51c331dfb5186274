//! The range in which all but a few values of an image lie: one defective pixel says nothing about the others.

use super::pixels::SampleValues;

/// Number of values that are looked at: enough for a quantile of 0.5 %, and no noticeable time.
const SAMPLED: usize = 4096;
/// Share of the values on each side that is left out.
const LEFT_OUT: f64 = 0.005;

/// Returns the places of at most `most` of `n` values, spread by a fixed rule: no column of an image comes more often than another.
pub(super) fn spread(n: usize, most: usize) -> impl Iterator<Item = usize> {
    // Multiples of a prime, modulo the length, are each place once.
    const PRIME: usize = 0x9e37_79b1;
    (0..n.min(most)).map(move |i| i.wrapping_mul(PRIME) % n)
}

/// Returns the quantiles of 0.5 % and 99.5 % of the stored values, from some of them, which are spread over the image.
pub(super) fn central_range(values: &SampleValues) -> [f64; 2] {
    let mut sample: Vec<f64> = spread(values.len(), SAMPLED).map(|i| values.at(i)).collect();
    let Some(last) = sample.len().checked_sub(1) else { return [0.0; 2] };
    let skipped = (LEFT_OUT * last as f64).round() as usize;
    let low = *sample.select_nth_unstable_by(skipped, f64::total_cmp).1;
    let high = *sample.select_nth_unstable_by(last - skipped, f64::total_cmp).1;
    [low, high]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_few_values_do_not_count_and_small_images_have_their_whole_range() {
        assert_eq!(central_range(&SampleValues::U8(vec![3, 9, 4])), [3.0, 9.0]);
        assert_eq!(central_range(&SampleValues::U8(Vec::new())), [0.0, 0.0]);
        for width in [256, 300, 333] {
            let mut values: Vec<u16> = (0..width * width).map(|i| 1000 + (i % 51) as u16).collect();
            values[width * 7 + 3] = 65535;
            values[width * 9] = 0;
            assert_eq!(central_range(&SampleValues::U16(values)), [1000.0, 1050.0]);
        }
    }
}
