//! Sums over a whole tensor that do not depend on the number of threads.
//!
//! Burn's CPU backend splits the sum of more than 2^22 numbers among the threads that are free, so that equal calls
//! round differently (`burn-flex`, `sum_f32_parallel`). Sums along an axis have a fixed order: this module first sums
//! rows, then the rows' sums.

use burn::tensor::Tensor;

/// Length of a row.
const ROW: usize = 1 << 12;

/// Returns the sum of all numbers, `[1]`.
pub(crate) fn sum_all<const D: usize>(x: Tensor<D>) -> Tensor<1> {
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

/// Returns the mean of all numbers, `[1]`.
pub(crate) fn mean<const D: usize>(x: Tensor<D>) -> Tensor<1> {
    let count = x.dims().iter().product::<usize>();
    // The gradient of Burn's division by a scalar is rounded to 32 bits, whatever the type of the tensor.
    sum_all(x).mul_scalar((count as f64).recip())
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::{Device, TensorData};

    #[test]
    fn a_large_sum_has_the_same_bits_on_any_number_of_threads() {
        // More than Burn's own sum computes on one thread, and not a multiple of a row.
        let n = (5 << 20) + 777;
        let values: Vec<f32> = (0..n).map(|i: u32| (i.wrapping_mul(2_654_435_761) >> 8) as f32 / 1e7 - 0.4).collect();
        let exact: f64 = values.iter().map(|&v| f64::from(v)).sum();
        let x = Tensor::<1>::from_data(TensorData::from(&values[..]), &Device::flex());
        let on = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| sum_all(x.clone()).into_scalar::<f32>())
        };
        let one = on(1);
        assert!((f64::from(one) / exact - 1.0).abs() < 1e-5, "{one} and {exact}");
        for threads in [2, 3, 5, 5, 5] {
            assert_eq!(on(threads).to_bits(), one.to_bits(), "{threads} threads");
        }
        let m = mean(x.narrow(0, 0, 14000).reshape([2000, 7])).into_scalar::<f32>();
        let expected: f32 = values[..14000].iter().sum::<f32>() / 14000.0;
        assert!((m - expected).abs() < 1e-4, "{m} and {expected}");
    }
}
