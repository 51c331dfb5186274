//! Resizing: intensities and scores by a triangle filter, classes by nearest neighbour. Everywhere pixel `i` of `n` covers
//! `[i, i + 1) / n` of the picture.
//!
//! Enlarging is PyTorch's `interpolate(mode="bilinear", align_corners=False)`. Shrinking widens the triangle to the source pixels
//! that an output pixel covers, as with `antialias=True` there and in Pillow's `BILINEAR`, so that no source pixel is skipped.

use std::ops::Range;

/// Number of pixels whose classes are found at a time.
const BAND: usize = 1 << 20;

/// Weights of the source pixels `first..` of one output pixel. They sum to 1.
struct FilterTap {
    first: usize,
    weights: Vec<f32>,
}

fn taps(from: usize, to: usize) -> Vec<FilterTap> {
    let scale = from as f64 / to as f64;
    let radius = scale.max(1.0);
    (0..to)
        .map(|i| {
            let centre = (i as f64 + 0.5) * scale;
            let first = (centre - radius).floor().max(0.0) as usize;
            let end = ((centre + radius).ceil() as usize).min(from);
            let mut weights: Vec<f64> =
                (first..end).map(|j| (1.0 - ((j as f64 + 0.5 - centre) / radius).abs()).max(0.0)).collect();
            let total: f64 = weights.iter().sum();
            weights.iter_mut().for_each(|w| *w /= total);
            FilterTap { first, weights: weights.into_iter().map(|w| w as f32).collect() }
        })
        .collect()
}

/// The filters from one size to another.
struct ResizeFilter {
    from: [usize; 2],
    to: [usize; 2],
    across: Vec<FilterTap>,
    down: Vec<FilterTap>,
}

impl ResizeFilter {
    fn new(from: [usize; 2], to: [usize; 2]) -> ResizeFilter {
        ResizeFilter { from, to, across: taps(from[1], to[1]), down: taps(from[0], to[0]) }
    }

    /// Computes the output rows `wanted` of planes whose source rows are produced on demand. Returns planes x rows x width.
    fn rows(&self, planes: usize, wanted: Range<usize>, mut row: impl FnMut(usize, &mut [f32])) -> Vec<f32> {
        let ([_, in_w], [_, out_w]) = (self.from, self.to);
        let down = &self.down[wanted];
        let mut output = vec![0.0; planes * down.len() * out_w];
        let (Some(top), Some(bottom)) = (down.first(), down.last()) else { return output };
        let mut source = vec![0.0; planes * in_w];
        // Output rows are accumulated while their source rows come by, so no copy at the full source height is needed.
        let mut open = 0;
        let mut narrow = vec![0.0; planes * out_w];
        for y in top.first..bottom.first + bottom.weights.len() {
            row(y, &mut source);
            if in_w == out_w {
                narrow.copy_from_slice(&source);
            } else {
                for p in 0..planes {
                    let line = &source[p * in_w..(p + 1) * in_w];
                    for (out, tap) in narrow[p * out_w..(p + 1) * out_w].iter_mut().zip(&self.across) {
                        *out = line[tap.first..].iter().zip(&tap.weights).map(|(v, w)| v * w).sum();
                    }
                }
            }
            while open < down.len() && down[open].first + down[open].weights.len() <= y {
                open += 1;
            }
            for (i, tap) in down.iter().enumerate().skip(open).take_while(|(_, tap)| tap.first <= y) {
                let Some(&weight) = tap.weights.get(y - tap.first) else { continue };
                for p in 0..planes {
                    let out = &mut output[(p * down.len() + i) * out_w..][..out_w];
                    for (o, v) in out.iter_mut().zip(&narrow[p * out_w..(p + 1) * out_w]) {
                        *o += v * weight;
                    }
                }
            }
        }
        output
    }
}

/// Resizes planes of a picture whose rows are produced on demand: `row(y, buffer)` writes `planes * width` values, plane by
/// plane. Returns planes x height x width.
pub(crate) fn planes(planes: usize, from: [usize; 2], to: [usize; 2], row: impl FnMut(usize, &mut [f32])) -> Vec<f32> {
    ResizeFilter::new(from, to).rows(planes, 0..to[0], row)
}

/// Resizes one plane.
pub fn plane(values: &[f32], from: [usize; 2], to: [usize; 2]) -> Vec<f32> {
    if from == to {
        return values.to_vec();
    }
    planes(1, from, to, |y, row| row.copy_from_slice(&values[y * from[1]..(y + 1) * from[1]]))
}

/// Resizes scores (`k` x height x width, logits or probabilities) bilinearly and returns the class with the highest score of
/// each pixel; ties go to the lower class. NaN is never the highest.
pub fn argmax(scores: &[f32], k: usize, from: [usize; 2], to: [usize; 2]) -> Vec<u8> {
    debug_assert_eq!(scores.len(), k * from[0] * from[1]);
    let filter = ResizeFilter::new(from, to);
    let mut class = vec![0; to[0] * to[1]];
    // Scores at the size of a large picture take more memory than the picture, so some rows are resized at a time.
    let rows = (BAND / to[1].max(1)).clamp(1, to[0].max(1));
    for (band, class) in class.chunks_mut(rows * to[1]).enumerate() {
        let wanted = band * rows..band * rows + class.len() / to[1];
        let mut best = vec![f32::NEG_INFINITY; class.len()];
        for (index, values) in scores.chunks_exact(from[0] * from[1]).enumerate().take(k) {
            let copy_row = |y: usize, row: &mut [f32]| row.copy_from_slice(&values[y * from[1]..(y + 1) * from[1]]);
            let resized = match from == to {
                true => values[wanted.start * to[1]..wanted.end * to[1]].to_vec(),
                false => filter.rows(1, wanted.clone(), copy_row),
            };
            for ((value, best), class) in resized.into_iter().zip(&mut best).zip(&mut *class) {
                if value > *best {
                    *best = value;
                    *class = index as u8;
                }
            }
        }
    }
    class
}

/// Resizes a class map by nearest neighbour: the source pixel under the centre of the output pixel,
/// `floor((i + 0.5) * from / to)`. This is PyTorch's `nearest-exact`; its `nearest` and OpenCV use `floor(i * from / to)`, half a
/// pixel to the upper left.
pub fn nearest(values: &[u8], from: [usize; 2], to: [usize; 2]) -> Vec<u8> {
    if from == to {
        return values.to_vec();
    }
    let columns: Vec<usize> = (0..to[1]).map(|x| nearest_source(x, from[1], to[1])).collect();
    let mut output = Vec::with_capacity(to[0] * to[1]);
    for y in 0..to[0] {
        let line = &values[nearest_source(y, from[0], to[0]) * from[1]..][..from[1]];
        output.extend(columns.iter().map(|&x| line[x]));
    }
    output
}

/// Computes `floor((i + 0.5) * from / to)` in integers.
fn nearest_source(i: usize, from: usize, to: usize) -> usize {
    ((2 * i + 1) * from / (2 * to)).min(from - 1)
}
