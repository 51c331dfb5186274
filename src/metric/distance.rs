//! Exact Euclidean distance transform (Felzenszwalb and Huttenlocher, Distance Transforms of Sampled Functions, 2012) with
//! anisotropic spacing.

/// Returns the squared distance of each pixel to the nearest set pixel, `[height, width]`, in the squared unit of `spacing`
/// (height then width). All distances are infinite if no pixel is set. The time is linear in the number of pixels.
pub fn squared_distances(set: &[bool], size: [usize; 2], spacing: [f64; 2]) -> Vec<f64> {
    let [height, width] = size;
    let mut out = vec![f64::INFINITY; set.len()];
    // Along columns the distance is counted from the last set pixel, downwards and upwards.
    for x in 0..width {
        for (upward, start) in [(false, None), (true, None)] {
            let mut since: Option<usize> = start;
            for i in 0..height {
                let y = if upward { height - 1 - i } else { i };
                since = if set[y * width + x] { Some(0) } else { since.map(|s| s + 1) };
                if let Some(steps) = since {
                    let place = &mut out[y * width + x];
                    *place = place.min((steps as f64 * spacing[0]).powi(2));
                }
            }
        }
    }
    let mut envelope = LowerEnvelope::default();
    for row in out.chunks_exact_mut(width.max(1)) {
        envelope.transform_row(row, spacing[1]);
    }
    out
}

/// Lower envelope of one parabola per pixel of a row.
#[derive(Default)]
pub(super) struct LowerEnvelope {
    /// Pixels whose parabola is part of the envelope, from left to right.
    vertices: Vec<usize>,
    /// Position where each of these parabolas becomes the lowest.
    begins: Vec<f64>,
    /// Values of the row before the transform.
    values: Vec<f64>,
}

impl LowerEnvelope {
    /// Replaces each value f(p) of the row by the minimum over q of f(q) + (step (p - q))^2.
    pub(super) fn transform_row(&mut self, row: &mut [f64], step: f64) {
        self.vertices.clear();
        self.begins.clear();
        self.values.clear();
        self.values.extend_from_slice(row);
        let f = &self.values;
        for q in (0..row.len()).filter(|&q| f[q].is_finite()) {
            // The parabolas of p and q meet where f(p) + (s (x - p))^2 = f(q) + (s (x - q))^2.
            let meet = |p: usize| {
                let (a, b) = (p as f64, q as f64);
                ((f[q] - f[p]) / (step * step) + b * b - a * a) / (2.0 * (b - a))
            };
            let mut begin = f64::NEG_INFINITY;
            while let (Some(&p), Some(&from)) = (self.vertices.last(), self.begins.last()) {
                begin = meet(p);
                if begin > from {
                    break;
                }
                self.vertices.pop();
                self.begins.pop();
                begin = f64::NEG_INFINITY;
            }
            self.vertices.push(q);
            self.begins.push(begin);
        }
        let mut k = 0;
        for (x, value) in row.iter_mut().enumerate() {
            while self.begins.get(k + 1).is_some_and(|&b| b < x as f64) {
                k += 1;
            }
            if let Some(&q) = self.vertices.get(k) {
                *value = f[q] + (step * x.abs_diff(q) as f64).powi(2);
            }
        }
    }
}
