//! Wilcoxon's signed-rank test.

/// Largest number of differences without ties for which the exact distribution is computed.
const EXACT_DIFFERENCES: usize = 50;

/// Returns the two-sided p of the signed-rank test (Wilcoxon 1945) on paired differences. Differences of 0 and NaN are left
/// out. The distribution is exact for up to 50 differences of distinct size, none of them 0; otherwise the normal
/// approximation with tie correction and without continuity correction is used, as in `scipy.stats.wilcoxon`. `None` if
/// every difference is 0.
///
/// The test assumes independent images; for groups of images use the p of
/// [`paired_difference`](super::paired_difference).
pub fn wilcoxon(differences: &[f64]) -> Option<f64> {
    let known: Vec<f64> = differences.iter().copied().filter(|d| !d.is_nan()).collect();
    let mut sorted: Vec<f64> = known.iter().copied().filter(|d| *d != 0.0).collect();
    sorted.sort_by(|a, b| a.abs().total_cmp(&b.abs()));
    let n = sorted.len();
    if n == 0 {
        return None;
    }
    // Tied differences share the mean of their ranks.
    let (mut plus, mut ties, mut tied) = (0.0, 0.0, false);
    let mut start = 0;
    for equal in sorted.chunk_by(|a, b| a.abs() == b.abs()) {
        let t = equal.len() as f64;
        let rank = start as f64 + (t + 1.0) / 2.0;
        plus += rank * equal.iter().filter(|d| **d > 0.0).count() as f64;
        ties += t * t * t - t;
        tied |= equal.len() > 1;
        start += equal.len();
    }
    let all = (n * (n + 1)) as f64 / 2.0;
    if n <= EXACT_DIFFERENCES && !tied && n == known.len() {
        // The sum is an integer, since there are no ties.
        return Some(exact_p_value(n, plus.min(all - plus) as usize));
    }
    let variance = (n * (n + 1)) as f64 * (2 * n + 1) as f64 / 24.0 - ties / 48.0;
    let z = (plus - all / 2.0) / variance.sqrt();
    Some(libm::erfc(z.abs() / std::f64::consts::SQRT_2).min(1.0))
}

/// Returns twice the probability that the smaller rank sum is at most `least`.
fn exact_p_value(n: usize, least: usize) -> f64 {
    // Fraction of the sign choices whose positive ranks sum to s.
    let mut share = vec![0.0; n * (n + 1) / 2 + 1];
    share[0] = 1.0;
    for rank in 1..=n {
        for s in (0..share.len()).rev() {
            share[s] = (share[s] + if s >= rank { share[s - rank] } else { 0.0 }) / 2.0;
        }
    }
    (2.0 * share[..=least].iter().sum::<f64>()).min(1.0)
}
