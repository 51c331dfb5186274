//! Convolutions with every tile, over strides, dilations, paddings and channels that fill no tile, against loops in 64 bits.

use super::emulator::{BufferMemory, EmulatedProgram, Numbers, compiler};
use crate::support::toy_graphs::Build;
use npc::graph::op::{Conv, ConvPadding, ConvTranspose, Op};
use npc::graph::plan::plan;
use npc::internals::compute::cuda::{BufferRole, ConvTile, CudaOptions, ProductPrecision, lower, place};
use npc::internals::compute::fused::PassMode;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

/// A convolution from `[n, c, h, w]`; a transposed one has its map `[n, out, ..]` on the side of the taps.
#[derive(Debug, Clone, Copy)]
struct Case {
    dims: [usize; 4],
    out: usize,
    kernel: [usize; 2],
    stride: [usize; 2],
    dilation: [usize; 2],
    pad: [usize; 2],
    transposed: bool,
}

/// Strides, dilations, paddings, kernels that are not square, few and odd channels, more channels than a tile.
const CASES: [Case; 6] = [
    Case {
        dims: [2, 3, 9, 7],
        out: 32,
        kernel: [3, 3],
        stride: [1, 1],
        dilation: [1, 1],
        pad: [1, 1],
        transposed: false,
    },
    Case {
        dims: [1, 64, 7, 8],
        out: 40,
        kernel: [3, 3],
        stride: [1, 1],
        dilation: [5, 3],
        pad: [5, 3],
        transposed: false,
    },
    Case {
        dims: [2, 20, 11, 9],
        out: 37,
        kernel: [3, 2],
        stride: [2, 3],
        dilation: [1, 2],
        pad: [1, 0],
        transposed: false,
    },
    Case {
        dims: [1, 132, 5, 6],
        out: 70,
        kernel: [1, 1],
        stride: [1, 1],
        dilation: [1, 1],
        pad: [0, 0],
        transposed: false,
    },
    Case {
        dims: [2, 18, 5, 4],
        out: 9,
        kernel: [2, 2],
        stride: [2, 2],
        dilation: [1, 1],
        pad: [0, 0],
        transposed: true,
    },
    Case {
        dims: [1, 5, 6, 4],
        out: 33,
        kernel: [3, 4],
        stride: [2, 1],
        dilation: [1, 2],
        pad: [1, 2],
        transposed: true,
    },
];

impl Case {
    fn op(&self) -> Op {
        let Case { out, kernel, stride, dilation, pad, .. } = *self;
        match self.transposed {
            true => ConvTranspose { out, kernel, stride, dilation, pad, out_pad: [0, 0], groups: 1, bias: true }.into(),
            false => {
                Conv { out, kernel, stride, dilation, pad: ConvPadding::Explicit(pad), groups: 1, bias: true }.into()
            }
        }
    }

    /// Calls `f` with the pixels of the smaller and of the larger map and the tap that joins them.
    fn pairs(&self, smaller: [usize; 2], larger: [usize; 2], mut f: impl FnMut(usize, usize, usize)) {
        for (y, x) in (0..smaller[0]).flat_map(|y| (0..smaller[1]).map(move |x| (y, x))) {
            for (ky, kx) in (0..self.kernel[0]).flat_map(|y| (0..self.kernel[1]).map(move |x| (y, x))) {
                let at = |i: usize, k: usize, axis: usize| {
                    (i * self.stride[axis] + k * self.dilation[axis]).checked_sub(self.pad[axis])
                };
                let (Some(h), Some(w)) = (at(y, ky, 0), at(x, kx, 1)) else { continue };
                if h < larger[0] && w < larger[1] {
                    f(y * smaller[1] + x, h * larger[1] + w, ky * self.kernel[1] + kx);
                }
            }
        }
    }
}

/// Fails if a number is further from the exact one than a share of the largest.
fn assert_near(what: &str, found: &[f32], exact: &[f64], bound: f64) {
    let largest = exact.iter().fold(0.0, |most: f64, x| most.max(x.abs()));
    for (i, (found, exact)) in found.iter().zip(exact).enumerate() {
        let away = (f64::from(*found) - exact).abs();
        assert!(away <= bound * largest, "{what}, number {i}: {found} instead of {exact}");
    }
    assert_eq!(found.len(), exact.len());
}

fn same_as_loops(case: Case, options: &CudaOptions, bound: f64) {
    let Some(compiler) = compiler() else { return };
    let [n, c, h, w] = case.dims;
    let mut build = Build::new(c, h, w);
    let image = build.image;
    let result = build.op(case.op(), &[image]);
    let plan = plan(&build.done(result));
    let program = lower(&plan, case.dims, PassMode::Train { to_image: true }, options).unwrap();
    let out = plan.steps.last().unwrap().outputs[0].1.shape().dims().to_vec();
    let [from, to] = [[h, w], [out[1], out[2]]];

    let mut random = StdRng::seed_from_u64(3);
    let mut numbers = |len: usize| -> Vec<f32> { (0..len).map(|_| random.random_range(-1.0..1.0)).collect() };
    let taps = case.kernel[0] * case.kernel[1];
    let (x, weight) = (numbers(n * c * h * w), numbers(c * case.out * taps));
    let (bias, g) = (numbers(case.out), numbers(n * case.out * to[0] * to[1]));
    let role = |name| BufferRole::Weight { layer: 0, name };
    let given = Numbers::from([
        (BufferRole::Image, x.clone()),
        (role("weight"), weight.clone()),
        (role("bias"), bias.clone()),
        (BufferRole::ResultGradient(0), g.clone()),
    ]);
    let emulated = EmulatedProgram::compile(compiler, &program, &place(&program));
    let found = emulated.run(&given, BufferMemory::Guarded, 5);

    let (area, area_to) = (h * w, to[0] * to[1]);
    let mut y: Vec<f64> = (0..n * case.out * area_to).map(|i| f64::from(bias[i / area_to % case.out])).collect();
    let (mut dx, mut dw) = (vec![0.0; x.len()], vec![0.0; weight.len()]);
    let (smaller, larger) = if case.transposed { (from, to) } else { (to, from) };
    case.pairs(smaller, larger, |small, large, tap| {
        let (pixel, pixel_to) = if case.transposed { (small, large) } else { (large, small) };
        for (image, i, o) in (0..n * c * case.out).map(|k| (k / (c * case.out), k / case.out % c, k % case.out)) {
            let at_weight = if case.transposed { (i * case.out + o) * taps + tap } else { (o * c + i) * taps + tap };
            let (at, at_to) = ((image * c + i) * area + pixel, (image * case.out + o) * area_to + pixel_to);
            let [x, weight, g] = [x[at], weight[at_weight], g[at_to]].map(f64::from);
            y[at_to] += x * weight;
            dx[at] += g * weight;
            dw[at_weight] += g * x;
        }
    });
    let sums = (0..case.out).map(|o| {
        (0..n)
            .map(|image| g[(image * case.out + o) * area_to..][..area_to].iter().map(|g| f64::from(*g)).sum::<f64>())
            .sum()
    });
    let what = |name: &str| format!("{name} of {case:?} with {options:?}");
    assert_near(&what("result"), &found[&BufferRole::Result(0)], &y, bound);
    assert_near(&what("gradient of the image"), &found[&BufferRole::ImageGradient], &dx, bound);
    let gradient = |name| &found[&BufferRole::WeightGradient { layer: 0, name }][..];
    assert_near(&what("gradient of the weights"), gradient("weight"), &dw, bound);
    assert_near(&what("gradient of the bias"), gradient("bias"), &sums.collect::<Vec<f64>>(), 1e-6);
}

/// Three passes of TF32 lose at most two bits of 32-bit floats.
const F32_BOUND: f64 = 2e-6;
/// One pass keeps 10 bits of each factor.
const TF32_BOUND: f64 = 2e-3;

#[test]
fn convolutions_agree_with_loops() {
    for (i, case) in CASES.into_iter().enumerate() {
        let [precision, other] = [ProductPrecision::F32, ProductPrecision::Tf32];
        let (precision, bound) = if i % 2 == 0 { (precision, F32_BOUND) } else { (other, TF32_BOUND) };
        same_as_loops(case, &CudaOptions { precision, ..CudaOptions::default() }, bound);
    }
}

/// Every tile, forward and for gradients, with every case, in one precision and the other by turns. It takes minutes.
#[test]
fn every_tile_agrees_with_loops() {
    if std::env::var_os("NPC_LONG").is_none() {
        return;
    }
    let precisions = [(ProductPrecision::F32, F32_BOUND), (ProductPrecision::Tf32, TF32_BOUND)].into_iter().cycle();
    let gradient_tiles = ConvTile::GRADIENTS.into_iter().cycle();
    let tiles: Vec<_> = ConvTile::ALL.into_iter().zip(gradient_tiles).collect();
    let runs = CASES.into_iter().flat_map(|case| tiles.iter().map(move |tiles| (case, tiles)));
    for ((case, &(tile, gradient_tile)), (precision, bound)) in runs.zip(precisions) {
        let (tile, gradient_tile) = (Some(tile), Some(gradient_tile));
        same_as_loops(case, &CudaOptions { precision, tile, gradient_tile, ..CudaOptions::default() }, bound);
    }
}
