//! Interpolation, as `torch.nn.functional.interpolate`: the same source coordinates, in the same 32-bit arithmetic.
//!
//! Burn's operator is not used: its gradient of bilinear interpolation exists only on the CPU, and its nearest mode
//! computes coordinates in a different precision on each device. Both modes are separable, so each axis is one linear
//! map. Bilinear interpolation multiplies by a small matrix on the CPU and mixes two selected neighbours on a GPU;
//! nearest interpolation repeats or selects rows and columns. The gradients are deterministic on all devices.

use crate::compute::device::is_cpu;
use crate::graph::op::Interpolation;
use burn::tensor::{Device, Int, Tensor, TensorData};

/// Resizes `[n, c, h, w]` to `[n, c, size]`.
pub(super) fn resize(x: Tensor<4>, size: [usize; 2], mode: Interpolation, align_corners: bool) -> Tensor<4> {
    let [_, _, h, w] = x.dims();
    if size == [h, w] {
        return x;
    }
    match mode {
        Interpolation::Nearest => nearest(x, size),
        Interpolation::Bilinear => bilinear(x, size, align_corners),
    }
}

fn nearest(x: Tensor<4>, [height, width]: [usize; 2]) -> Tensor<4> {
    let [n, c, h, w] = x.dims();
    if height.is_multiple_of(h) && width.is_multiple_of(w) {
        let [fh, fw] = [height / h, width / w];
        let repeated = x.reshape([n, c, h, 1, w, 1]).expand([n, c, h, fh, w, fw]);
        return repeated.reshape([n, c, height, width]);
    }
    let device = x.device();
    x.select(2, nearest_sources(h, height, &device)).select(3, nearest_sources(w, width, &device))
}

/// Returns `min(floor(i * from / to), from - 1)` for each output position `i`.
fn nearest_sources(from: usize, to: usize, device: &Device) -> Tensor<1, Int> {
    let scale = from as f32 / to as f32;
    let at: Vec<i64> = (0..to).map(|i| ((i as f32 * scale).floor() as i64).min(from as i64 - 1)).collect();
    Tensor::from_data(TensorData::new(at, [to]), device)
}

fn bilinear(x: Tensor<4>, [height, width]: [usize; 2], align_corners: bool) -> Tensor<4> {
    let [_, _, h, w] = x.dims();
    let across = (width != w).then(|| interpolation_taps(w, width, align_corners));
    let down = (height != h).then(|| interpolation_taps(h, height, align_corners));
    // A GPU multiplies matrices with a 10-bit mantissa (TF32), which is visible at the borders of a mask.
    if is_cpu(&x.device()) { by_matrices(x, across, down) } else { by_neighbours(x, across, down) }
}

fn by_matrices(x: Tensor<4>, across: Option<InterpolationTaps>, down: Option<InterpolationTaps>) -> Tensor<4> {
    let device = x.device();
    let mut x = x;
    if let Some(taps) = across {
        let [n, c, h, w] = x.dims();
        let to = taps.low.len();
        let matrix = Tensor::<2>::from_data(taps.matrix(w), &device).transpose();
        x = x.reshape([n * c * h, w]).matmul(matrix).reshape([n, c, h, to]);
    }
    if let Some(taps) = down {
        let h = x.dims()[2];
        let matrix = Tensor::<2>::from_data(taps.matrix(h), &device);
        x = matrix.reshape([1, 1, taps.low.len(), h]).matmul(x);
    }
    x
}

fn by_neighbours(x: Tensor<4>, across: Option<InterpolationTaps>, down: Option<InterpolationTaps>) -> Tensor<4> {
    let device = x.device();
    let mut x = x;
    for (axis, taps) in [(3, across), (2, down)] {
        let Some(taps) = taps else { continue };
        let to = taps.low.len();
        let at = |places: &[usize]| {
            let places: Vec<i64> = places.iter().map(|&p| p as i64).collect();
            Tensor::<1, Int>::from_data(TensorData::new(places, [to]), &device)
        };
        let mut shape = [1; 4];
        shape[axis] = to;
        let part = Tensor::<1>::from_data(TensorData::new(taps.part.clone(), [to]), &device).reshape(shape);
        let low = x.clone().select(axis, at(&taps.low));
        let high = x.select(axis, at(&taps.high));
        x = low.clone().add(high.sub(low).mul(part));
    }
    x
}

/// The sources of each output position of one axis: `(1 - part) * x[low] + part * x[high]`, clamped at the border.
struct InterpolationTaps {
    low: Vec<usize>,
    high: Vec<usize>,
    part: Vec<f32>,
}

fn interpolation_taps(from: usize, to: usize, align_corners: bool) -> InterpolationTaps {
    let scale = match align_corners {
        true if to > 1 => (from - 1) as f32 / (to - 1) as f32,
        true => 0.0,
        false => from as f32 / to as f32,
    };
    let mut taps = InterpolationTaps { low: Vec::new(), high: Vec::new(), part: Vec::new() };
    for i in 0..to {
        let source = if align_corners { i as f32 * scale } else { ((i as f32 + 0.5) * scale - 0.5).max(0.0) };
        let low = (source as usize).min(from - 1);
        taps.low.push(low);
        taps.high.push((low + 1).min(from - 1));
        taps.part.push((source - low as f32).clamp(0.0, 1.0));
    }
    taps
}

impl InterpolationTaps {
    /// Returns the taps as a matrix `[to, from]`.
    fn matrix(&self, from: usize) -> TensorData {
        let to = self.low.len();
        let mut matrix = vec![0.0f32; to * from];
        for (i, row) in matrix.chunks_exact_mut(from).enumerate() {
            row[self.low[i]] += 1.0 - self.part[i];
            row[self.high[i]] += self.part[i];
        }
        TensorData::new(matrix, [to, from])
    }
}
