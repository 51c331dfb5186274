//! Pools over windows and to fixed sizes, with and without indices, and unpooling.

use super::{KernelCase, Tensor, assert_close, layouts, stale_map};
use npc::graph::op::{AvgPool, AvgPoolTo, MaxPool, MaxPoolTo, MaxPoolWithIndex, Operator, PoolWindow, Unpool};
use npc::graph::ty::{Shape, TensorType};
use npc::internals::compute::engine::memory_layout::{MapLayout, WriteMode};
use npc::internals::compute::engine::operators::{BackwardArgs, ForwardArgs, OperatorKernel};

fn windows() -> Vec<PoolWindow> {
    let window = |kernel, stride, pad, ceil| PoolWindow { kernel, stride, pad, ceil };
    vec![
        window([2, 2], [2, 2], [0, 0], false),
        window([2, 2], [2, 2], [0, 0], true),
        window([3, 3], [2, 2], [1, 1], false),
        window([3, 3], [2, 2], [1, 1], true),
        window([3, 2], [2, 3], [1, 0], true),
        window([5, 5], [1, 1], [2, 2], false),
        window([1, 1], [2, 2], [0, 0], false),
    ]
}

fn pooled(window: PoolWindow, dims: [usize; 4]) -> [usize; 4] {
    let [n, c, h, w] = dims;
    let out = MaxPool(window).infer(&[TensorType::Tensor(Shape::map(c, h, w))]).expect("the window fits");
    let [h, w] = out[0].shape().spatial().expect("a map");
    [n, c, h, w]
}

/// Returns the rows (or columns) of window `i` inside the map, and the divisor of a mean.
fn reach(window: PoolWindow, axis: usize, i: usize, size: usize) -> (Vec<usize>, f64) {
    let (k, s, p) = (window.kernel[axis] as i64, window.stride[axis] as i64, window.pad[axis] as i64);
    let start = i as i64 * s - p;
    let padded: Vec<i64> = (start..start + k).filter(|&y| y < size as i64 + p).collect();
    let real = padded.iter().filter(|&&y| y >= 0 && y < size as i64).map(|&y| y as usize).collect();
    (real, padded.len() as f64)
}

fn bin(i: usize, from: usize, to: usize) -> Vec<usize> {
    let start = (i as f64 * from as f64 / to as f64).floor() as usize;
    let end = ((i + 1) as f64 * from as f64 / to as f64).ceil() as usize;
    (start..end).collect()
}

/// Pools over the pixels that `reach` returns for an output row and column: rows, columns, divisor.
fn pool(
    x: &Tensor,
    size: [usize; 2],
    max: bool,
    reach: impl Fn(usize, usize) -> (Vec<usize>, Vec<usize>, f64),
) -> Tensor {
    let [n, c, _, _] = x.dims;
    Tensor::from_fn([n, c, size[0], size[1]], |[n, c, i, j]| {
        let (rows, columns, count) = reach(i, j);
        let all = rows.iter().flat_map(|&y| columns.iter().map(move |&k| [n, c, y, k])).map(|at| x.at(at));
        if max { all.fold(f64::NEG_INFINITY, f64::max) } else { all.sum::<f64>() / count }
    })
}

fn slide(window: PoolWindow, x: &Tensor, max: bool) -> Tensor {
    let [_, _, h, w] = x.dims;
    let [_, _, oh, ow] = pooled(window, x.dims);
    pool(x, [oh, ow], max, |i, j| {
        let ((rows, down), (columns, across)) = (reach(window, 0, i, h), reach(window, 1, j, w));
        (rows, columns, down * across)
    })
}

fn images() -> [Tensor; 2] {
    [Tensor::noise(1, [1, 17, 4, 3]), Tensor::noise(2, [2, 2, 5, 6])]
}

#[test]
fn pools_over_sliding_windows_agree() {
    for window in windows() {
        let (max, avg, index) = (MaxPool(window), AvgPool(window), MaxPoolWithIndex(window));
        for x in images() {
            let case = KernelCase {
                name: format!("{max:?}"),
                op: &max,
                layer: None,
                reference: &|x| slide(window, &x[0], true),
                slots: 1,
            };
            case.check_all(std::slice::from_ref(&x));
            let case = KernelCase {
                name: format!("{avg:?}"),
                op: &avg,
                layer: None,
                reference: &|x| slide(window, &x[0], false),
                slots: 1,
            };
            case.check_all(std::slice::from_ref(&x));
            let case = KernelCase {
                name: format!("{index:?}"),
                op: &index,
                layer: None,
                reference: &|x| slide(window, &x[0], true),
                slots: 1,
            };
            case.check_all(std::slice::from_ref(&x));
        }
    }
}

#[test]
fn pools_to_a_fixed_size_agree() {
    for size in [[1, 1], [2, 3], [3, 2], [8, 9]] {
        let (max, avg) = (MaxPoolTo { size }, AvgPoolTo { size });
        let reference = |x: &Tensor, max: bool| {
            let [_, _, h, w] = x.dims;
            pool(x, size, max, |i, j| {
                let (rows, columns) = (bin(i, h, size[0]), bin(j, w, size[1]));
                let count = (rows.len() * columns.len()) as f64;
                (rows, columns, count)
            })
        };
        for x in images() {
            let case = KernelCase {
                name: format!("{max:?}"),
                op: &max,
                layer: None,
                reference: &|x| reference(&x[0], true),
                slots: 1,
            };
            case.check_all(std::slice::from_ref(&x));
            let case = KernelCase {
                name: format!("{avg:?}"),
                op: &avg,
                layer: None,
                reference: &|x| reference(&x[0], false),
                slots: 1,
            };
            case.check_all(std::slice::from_ref(&x));
        }
    }
}

/// The first of equal numbers, row by row, has the index (as in PyTorch's `return_indices`) and receives the gradient.
#[test]
fn the_first_maximum_counts() {
    for window in windows() {
        // Three values, so that windows are full of ties.
        let x = Tensor::noise(9, [1, 17, 6, 7]);
        let x = Tensor::from_fn(x.dims, |at| (x.at(at) * 1.5).round());
        let dims = pooled(window, x.dims);
        let [_, _, h, w] = x.dims;
        let place = |[n, c, i, j]: [usize; 4]| {
            let (rows, columns) = (reach(window, 0, i, h).0, reach(window, 1, j, w).0);
            let all: Vec<[usize; 2]> = rows.iter().flat_map(|&y| columns.iter().map(move |&k| [y, k])).collect();
            let largest = all.iter().map(|&[y, k]| x.at([n, c, y, k])).fold(f64::NEG_INFINITY, f64::max);
            *all.iter().find(|&&[y, k]| x.at([n, c, y, k]) == largest).expect("one is the largest")
        };
        let places = Tensor::from_fn(dims, |at| {
            let [y, k] = place(at);
            (y * w + k) as f64
        });
        let grad = Tensor::noise(4, dims);
        let mut given = Tensor::zeros(x.dims);
        Tensor::from_fn(dims, |at| {
            let [y, k] = place(at);
            let to = given.index([at[0], at[1], y, k]);
            given.values[to] += grad.at(at);
            0.0
        });
        for layout in layouts(x.dims) {
            let small = layout.with_size([dims[2], dims[3]]);
            let op = MaxPoolWithIndex(window);
            let map = x.map(&layout);
            let (mut y, mut index) = (stale_map(&small), stale_map(&small));
            let inputs = [map.view()];
            let start = ForwardArgs { inputs: &inputs, layer: None, seed: None };
            op.forward(start, &mut y.view_mut(), &mut [index.view_mut()]);
            assert_close(&index, &places, 0.0, "places");
            let mut into = stale_map(&layout);
            let g = grad.map(&small);
            let from = BackwardArgs { inputs: &inputs, output: y.view(), gradient: g.view(), layer: None, seed: None };
            MaxPool(window).backward(from, 0, &mut into.view_mut(), WriteMode::Overwrite);
            assert_close(&into, &given, 1e-6, "gradient of ties");
        }
    }
}

#[test]
fn a_pool_keeps_a_nan() {
    let mut x = Tensor::noise(9, [1, 16, 4, 4]);
    x.values[5] = f64::NAN;
    for window in [windows()[0], windows()[2]] {
        let dims = pooled(window, x.dims);
        let mut y = stale_map(&MapLayout::blocked(dims));
        let map = x.map(&MapLayout::blocked(x.dims));
        let given = ForwardArgs { inputs: &[map.view()], layer: None, seed: None };
        MaxPool(window).forward(given, &mut y.view_mut(), &mut []);
        assert!(y.to_nchw()[0].is_nan());
    }
}

#[test]
fn unpooling_restores_positions() {
    // Windows that overlap select a number twice.
    for window in [windows()[0], windows()[2]] {
        let image = Tensor::noise(12, [2, 21, 5, 6]);
        let dims = pooled(window, image.dims);
        let places = {
            let layout = MapLayout::planar(image.dims);
            let small = MapLayout::planar(dims);
            let (mut y, mut index) = (stale_map(&small), stale_map(&small));
            let op = MaxPoolWithIndex(window);
            let map = image.map(&layout);
            let given = ForwardArgs { inputs: &[map.view()], layer: None, seed: None };
            op.forward(given, &mut y.view_mut(), &mut [index.view_mut()]);
            Tensor { dims, values: index.to_nchw().iter().map(|&v| f64::from(v)).collect() }
        };
        let case = KernelCase {
            name: "unpool".into(),
            op: &Unpool,
            layer: None,
            reference: &|x| {
                let mut all = Tensor::zeros(image.dims);
                let [_, _, _, w] = image.dims;
                Tensor::from_fn(dims, |at| {
                    let place = x[1].at(at) as usize;
                    let to = all.index([at[0], at[1], place / w, place % w]);
                    all.values[to] += x[0].at(at);
                    0.0
                });
                all
            },
            slots: 1,
        };
        let inputs = [Tensor::noise(13, dims), places];
        case.check_all(&inputs);
        let gaps = MapLayout { segments: vec![4, 17], ..MapLayout::blocked(dims) };
        case.check(&inputs, &[(vec![gaps.clone(), MapLayout::blocked(dims)], gaps.with_size([5, 6]))]);
    }
}
