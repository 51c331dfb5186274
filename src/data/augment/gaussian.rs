//! Gaussian filter of a plane, separable: rows first, then columns.
//!
//! The kernel is truncated at four standard deviations and sums to 1, as in `scipy.ndimage.gaussian_filter`.

/// How a plane is extended beyond its edges.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EdgeMode {
    /// `d c b a | a b c d | d c b a`
    Reflect,
    /// `a b c d | a b c d | a b c d`
    Wrap,
}

impl EdgeMode {
    /// Maps an index outside `0..n` to the index inside that has its value.
    pub fn fold(self, index: i64, n: usize) -> usize {
        let n = n as i64;
        let folded = match self {
            EdgeMode::Wrap => index.rem_euclid(n),
            EdgeMode::Reflect => {
                let i = index.rem_euclid(2 * n);
                i.min(2 * n - 1 - i)
            }
        };
        folded as usize
    }
}

/// Returns the central weight of the kernel and the weights of one of its two equal halves, from the centre outwards.
fn kernel(sigma: f64) -> (f32, Vec<f32>) {
    let radius = (4.0 * sigma + 0.5) as usize;
    let wing: Vec<f64> = (1..=radius).map(|i| (-0.5 * (i as f64 / sigma).powi(2)).exp()).collect();
    let total = 1.0 + 2.0 * wing.iter().sum::<f64>();
    ((1.0 / total) as f32, wing.iter().map(|w| (w / total) as f32).collect())
}

/// Filters a plane of `size` (height, width) in place. A `sigma` below 1/8 has no effect.
pub fn gaussian(values: &mut [f32], size: [usize; 2], sigma: f64, edge: EdgeMode) {
    let [height, width] = size;
    debug_assert_eq!(values.len(), height * width);
    let (middle, wing) = kernel(sigma.max(f64::MIN_POSITIVE));
    if wing.is_empty() || values.is_empty() {
        return;
    }
    let radius = wing.len();
    // The row with its extension on both sides: the inner loop has no special cases and is vectorised.
    let mut wide = vec![0.0; width + 2 * radius];
    let from: Vec<usize> = (0..wide.len()).map(|i| edge.fold(i as i64 - radius as i64, width)).collect();
    for row in values.chunks_exact_mut(width) {
        wide.iter_mut().zip(&from).for_each(|(w, &i)| *w = row[i]);
        scale_into(row, middle, &wide[radius..radius + width]);
        let pair_at = |distance: usize| {
            let (left, right) = (radius - distance, radius + distance);
            (&wide[left..left + width], &wide[right..right + width])
        };
        add_wings(row, &wing, pair_at);
    }
    let source = values.to_vec();
    let line = |y: i64| &source[edge.fold(y, height) * width..][..width];
    for (y, row) in values.chunks_exact_mut(width).enumerate() {
        let y = y as i64;
        scale_into(row, middle, line(y));
        add_wings(row, &wing, |distance| (line(y - distance as i64), line(y + distance as i64)));
    }
}

fn scale_into(output: &mut [f32], weight: f32, values: &[f32]) {
    output.iter_mut().zip(values).for_each(|(o, v)| *o = weight * v);
}

/// Adds the weighted pairs of rows at each distance from 1. Two distances are added at a time, which halves the loads and
/// stores of the output.
fn add_wings<'a>(output: &mut [f32], wing: &[f32], at: impl Fn(usize) -> (&'a [f32], &'a [f32])) {
    let mut distance = 1;
    for pair in wing.chunks(2) {
        let (l, r) = at(distance);
        match pair {
            [near, far] => {
                let (ll, rr) = at(distance + 1);
                for ((((o, l), r), ll), rr) in output.iter_mut().zip(l).zip(r).zip(ll).zip(rr) {
                    *o += near * (l + r) + far * (ll + rr);
                }
            }
            _ => output.iter_mut().zip(l).zip(r).for_each(|((o, l), r)| *o += pair[0] * (l + r)),
        }
        distance += 2;
    }
}
