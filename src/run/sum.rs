//! Sums over a whole tensor that do not depend on the number of threads.
//!
//! Burn's CPU backend splits the sum of more than 2^22 numbers over threads as they come free, so that equal calls round
//! differently (`burn-flex`, `sum_f32_parallel`). Sums along an axis are computed in one order: rows first, then the rows'
//! sums.

use burn::tensor::Tensor;

/// Numbers in a row.
const ROW: usize = 1 << 12;

/// The sum of all numbers, `[1]`.
pub fn sum_all<const D: usize>(x: Tensor<D>) -> Tensor<1> {
    let count = x.dims().iter().product::<usize>();
    let rows = count / ROW;
    if rows < 2 {
        return x.sum();
    }
    let flat: Tensor<1> = x.reshape([count]);
    let whole: Tensor<2> = flat.clone().narrow(0, 0, rows * ROW).reshape([rows, ROW]);
    let sum = sum_all::<1>(whole.sum_dim(1).reshape([rows]));
    match count - rows * ROW {
        0 => sum,
        rest => sum.add(flat.narrow(0, rows * ROW, rest).sum()),
    }
}

/// The mean of all numbers, `[1]`.
pub fn mean<const D: usize>(x: Tensor<D>) -> Tensor<1> {
    let count = x.dims().iter().product::<usize>();
    sum_all(x).div_scalar(count as f64)
}
