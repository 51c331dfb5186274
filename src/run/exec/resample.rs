//! Interpolation, as `torch.nn.functional.interpolate`: the same source coordinates, in the same 32-bit arithmetic.
//!
//! Burn's operator is not used: its gradient for bilinear exists on the CPU only, and its nearest mode computes
//! coordinates in another precision on each device. Both modes are separable, so each axis is one linear map: bilinear
//! multiplies by a small matrix, nearest repeats or picks rows and columns. The gradients are deterministic everywhere.

use crate::op::Mode;
use burn::tensor::{Device, Int, Tensor, TensorData};

/// `[n, c, h, w]` to `[n, c, size]`.
pub fn resize(x: Tensor<4>, size: [usize; 2], mode: Mode, align_corners: bool) -> Tensor<4> {
    let [_, _, h, w] = x.dims();
    if size == [h, w] {
        return x;
    }
    match mode {
        Mode::Nearest => nearest(x, size),
        Mode::Bilinear => bilinear(x, size, align_corners),
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
    x.select(2, sources(h, height, &device)).select(3, sources(w, width, &device))
}

/// `min(floor(i * from / to), from - 1)` for each output position `i`.
fn sources(from: usize, to: usize, device: &Device) -> Tensor<1, Int> {
    let scale = from as f32 / to as f32;
    let at: Vec<i64> = (0..to).map(|i| ((i as f32 * scale).floor() as i64).min(from as i64 - 1)).collect();
    Tensor::from_data(TensorData::new(at, [to]), device)
}

fn bilinear(x: Tensor<4>, [height, width]: [usize; 2], align_corners: bool) -> Tensor<4> {
    let [n, c, h, w] = x.dims();
    let device = x.device();
    let mut x = x;
    if width != w {
        let across = Tensor::<2>::from_data(weights(w, width, align_corners), &device).transpose();
        x = x.reshape([n * c * h, w]).matmul(across).reshape([n, c, h, width]);
    }
    if height != h {
        let down = Tensor::<2>::from_data(weights(h, height, align_corners), &device);
        x = down.reshape([1, 1, height, h]).matmul(x);
    }
    x
}

/// The matrix `[to, from]` of one axis: each output is a mix of two neighbours, clamped at the border.
fn weights(from: usize, to: usize, align_corners: bool) -> TensorData {
    let mut matrix = vec![0.0f32; to * from];
    let scale = match align_corners {
        true if to > 1 => (from - 1) as f32 / (to - 1) as f32,
        true => 0.0,
        false => from as f32 / to as f32,
    };
    for (i, row) in matrix.chunks_exact_mut(from).enumerate() {
        let source = if align_corners { i as f32 * scale } else { ((i as f32 + 0.5) * scale - 0.5).max(0.0) };
        let low = (source as usize).min(from - 1);
        let high = (low + 1).min(from - 1);
        let part = (source - low as f32).clamp(0.0, 1.0);
        row[low] += 1.0 - part;
        row[high] += part;
    }
    TensorData::new(matrix, [to, from])
}
