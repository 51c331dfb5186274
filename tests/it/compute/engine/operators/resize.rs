//! Resizing to given sizes and to the size of another map, by every mode.

use super::{KernelCase, Tensor};
use npc::graph::op::{Interpolation, Resize, ResizeTarget};

/// Returns the neighbours of position `i` of `to` on an axis of `from`, and their weights.
fn taps(mode: Interpolation, align_corners: bool, i: usize, from: usize, to: usize) -> Vec<(usize, f64)> {
    let (i, last, ratio) = (i as f64, from - 1, from as f64 / to as f64);
    match mode {
        Interpolation::Nearest => vec![(((i * ratio + 1e-9).floor() as usize).min(last), 1.0)],
        Interpolation::Bilinear => {
            let source = match align_corners {
                true if to == 1 => 0.0,
                true => i * last as f64 / (to - 1) as f64,
                false => ((i + 0.5) * ratio - 0.5).max(0.0),
            };
            let low = (source.floor() as usize).min(last);
            let part = source - low as f64;
            vec![(low, 1.0 - part), ((low + 1).min(last), part)]
        }
    }
}

fn reference(op: &Resize, x: &Tensor, [height, width]: [usize; 2]) -> Tensor {
    let [n, c, h, w] = x.dims;
    Tensor::from_fn([n, c, height, width], |[n, c, i, j]| {
        let down = taps(op.mode, op.align_corners, i, h, height);
        let across = taps(op.mode, op.align_corners, j, w, width);
        let mut sum = 0.0;
        for &(y, v) in &down {
            sum += across.iter().map(|&(k, u)| v * u * x.at([n, c, y, k])).sum::<f64>();
        }
        sum
    })
}

#[test]
fn resizing_to_larger_and_smaller_sizes_agrees() {
    let modes = [(Interpolation::Nearest, false), (Interpolation::Bilinear, false), (Interpolation::Bilinear, true)];
    let images = [Tensor::noise(1, [1, 2, 3, 5]), Tensor::noise(2, [1, 17, 3, 2]), Tensor::noise(3, [1, 1, 1, 4])];
    for (mode, align_corners) in modes {
        for x in &images {
            let [_, _, h, w] = x.dims;
            let sizes = [[2 * h, 2 * w], [4 * h, 4 * w], [3 * h, 8 * w], [h, w], [7, 4], [2, 2], [1, 1], [h, 9]];
            for size in sizes.into_iter().take(if x.dims[1] > 2 { 1 } else { 8 }) {
                let op = Resize { target: ResizeTarget::Size(size), mode, align_corners, module: false };
                let case = KernelCase {
                    name: format!("{op:?}"),
                    op: &op,
                    layer: None,
                    reference: &|x| reference(&op, &x[0], size),
                    slots: 1,
                };
                case.check_all(std::slice::from_ref(x));
            }
        }
    }
}

#[test]
fn resizing_to_the_size_of_another_map_agrees() {
    let op = Resize { target: ResizeTarget::Like, mode: Interpolation::Bilinear, align_corners: false, module: false };
    let like = Tensor::noise(2, [2, 3, 5, 7]);
    let case = KernelCase {
        name: "resize".into(),
        op: &op,
        layer: None,
        reference: &|x| reference(&op, &x[0], [5, 7]),
        slots: 1,
    };
    case.check_all(&[Tensor::noise(1, [2, 3, 4, 4]), like]);
}
