//! The engine's convolutions and batch norm against plain loops in 64 bits, over random shapes.

use npc::internals::compute::engine::kernel::conv_region::Epilogue;
use npc::internals::compute::engine::kernel::prologue::ConvInput;
use npc::internals::compute::engine::memory_layout::{FeatureMap, MapLayout, WriteMode};
use npc::internals::compute::engine::operators::batch_norm;
use npc::internals::compute::engine::operators::batch_norm::{BatchNormBackward, NormAffine};
use npc::internals::compute::engine::operators::conv::{
    ConvKernel, correlate, correlate_transposed, halo, weight_gradient,
};
use npc::internals::compute::fused::{ConvRegion, ConvWindow};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

/// Numbers in NCHW order.
#[derive(Clone)]
struct Plain {
    dims: [usize; 4],
    x: Vec<f64>,
}

impl Plain {
    fn random(dims: [usize; 4], rng: &mut StdRng) -> Self {
        // The numbers are representable in 32 bits, so that both sides start from the same.
        Self { dims, x: (0..dims.iter().product()).map(|_| f64::from(rng.random_range(-1.0..1.0f32))).collect() }
    }

    fn zeros(dims: [usize; 4]) -> Self {
        Self { dims, x: vec![0.0; dims.iter().product()] }
    }

    fn at(&self, [n, c, y, x]: [usize; 4]) -> usize {
        let [_, cs, h, w] = self.dims;
        ((n * cs + c) * h + y) * w + x
    }

    fn floats(&self) -> Vec<f32> {
        self.x.iter().map(|&x| x as f32).collect()
    }
}

/// `[a, b, kh, kw]`, where `a` are the channels of the smaller map.
struct Case {
    window: ConvWindow,
    larger: Plain,
    smaller: Plain,
    weight: Vec<f64>,
}

impl Case {
    fn random(rng: &mut StdRng) -> Self {
        loop {
            let mut two = |most: usize| [rng.random_range(1..=most), rng.random_range(1..=most)];
            let window = ConvWindow { kernel: two(4), stride: two(3), dilation: two(6), pad: two(7).map(|p| p - 1) };
            let [n, _] = two(3);
            let [h, w] = two(40);
            let [a, b] = two(50);
            let size = |axis: usize, size: usize| {
                let reach = window.dilation[axis] * (window.kernel[axis] - 1) + 1;
                Some((size + 2 * window.pad[axis]).checked_sub(reach)? / window.stride[axis] + 1)
            };
            let (Some(sh), Some(sw)) = (size(0, h), size(1, w)) else { continue };
            let larger = Plain::random([n, b, h, w], rng);
            let smaller = Plain::random([n, a, sh, sw], rng);
            let weight = Plain::random([a, b, window.kernel[0], window.kernel[1]], rng).x;
            return Self { window, larger, smaller, weight };
        }
    }

    /// Returns a convolution that uses Winograd's transforms.
    fn three_by_three(rng: &mut StdRng) -> Self {
        let pad = [rng.random_range(0..3), rng.random_range(0..3)];
        let window = ConvWindow { kernel: [3, 3], stride: [1, 1], dilation: [1, 1], pad };
        let [n, h, w] = [rng.random_range(2..4), rng.random_range(20..34), rng.random_range(20..34)];
        let [a, b] = [rng.random_range(24..60), rng.random_range(24..60)];
        let larger = Plain::random([n, b, h, w], rng);
        let smaller = Plain::random([n, a, h + 2 * pad[0] - 2, w + 2 * pad[1] - 2], rng);
        let weight = Plain::random([a, b, 3, 3], rng).x;
        Self { window, larger, smaller, weight }
    }

    /// Calls `f` with the places in the smaller map, the larger map and the weights for each product of the
    /// convolution.
    fn products(&self, mut f: impl FnMut(usize, usize, usize)) {
        let [n, a, sh, sw] = self.smaller.dims;
        let [_, b, h, w] = self.larger.dims;
        let ConvWindow { kernel: [kh, kw], stride, dilation, pad } = self.window;
        for (image, y, x) in (0..n).flat_map(|n| (0..sh).flat_map(move |y| (0..sw).map(move |x| (n, y, x)))) {
            for (ky, kx) in (0..kh).flat_map(|ky| (0..kw).map(move |kx| (ky, kx))) {
                let (fy, fx) = (y * stride[0] + ky * dilation[0], x * stride[1] + kx * dilation[1]);
                let (Some(fy), Some(fx)) = (fy.checked_sub(pad[0]), fx.checked_sub(pad[1])) else { continue };
                if fy >= h || fx >= w {
                    continue;
                }
                for (o, i) in (0..a).flat_map(|o| (0..b).map(move |i| (o, i))) {
                    let tap = ((o * b + i) * kh + ky) * kw + kx;
                    f(self.smaller.at([image, o, y, x]), self.larger.at([image, i, fy, fx]), tap);
                }
            }
        }
    }

    fn weights(&self) -> Vec<f32> {
        self.weight.iter().map(|&w| w as f32).collect()
    }
}

fn blocked(plain: &Plain, halo: usize, planar: bool, rng: &mut StdRng) -> FeatureMap {
    let layout = if planar { MapLayout::planar(plain.dims) } else { MapLayout::blocked(plain.dims) };
    // The gaps are in the middle, as after concatenations.
    let channels = plain.dims[1];
    let segments = match (planar, channels) {
        (false, 2..) if rng.random_bool(0.3) => {
            let first = rng.random_range(1..channels);
            vec![first, channels - first]
        }
        _ => vec![channels],
    };
    FeatureMap::from_nchw(MapLayout { segments, ..layout }.with_halo(halo), &plain.floats())
}

fn assert_close(what: &str, found: &[f32], expected: &[f64], case: &Case, bound: f64) {
    let scale = expected.iter().fold(1e-3, |most: f64, x| most.max(x.abs()));
    for (i, (found, expected)) in found.iter().zip(expected).enumerate() {
        let off = (f64::from(*found) - expected).abs() / scale;
        let (larger, smaller) = (case.larger.dims, case.smaller.dims);
        assert!(off < bound, "{what}, number {i}: {found} for {expected}; {:?} {larger:?} {smaller:?}", case.window);
    }
    assert_eq!(found.len(), expected.len(), "{what}");
}

/// Largest difference to 64 bits relative to the largest number: directly, and by Winograd's transforms.
const DIRECT: f64 = 2e-5;
const WINOGRAD: f64 = 2e-5;

#[test]
fn convolutions_agree_with_plain_loops() {
    let mut rng = StdRng::seed_from_u64(5);
    for round in 0..60 {
        assert_agrees_with_loops(&Case::random(&mut rng), round, DIRECT, &mut rng);
    }
}

#[test]
fn winograd_agrees_with_plain_loops() {
    let mut rng = StdRng::seed_from_u64(7);
    for round in 1..8 {
        let case = Case::three_by_three(&mut rng);
        // Every fourth map is planar, which is convolved directly.
        assert_agrees_with_loops(&case, round, WINOGRAD, &mut rng);
    }
}

fn assert_agrees_with_loops(case: &Case, round: usize, bound: f64, rng: &mut StdRng) {
    let (window, weights) = (case.window, case.weights());
    let kernel = ConvKernel { window, weight: &weights };
    let (mut forward, mut back, mut of_weights) =
        (Plain::zeros(case.smaller.dims), Plain::zeros(case.larger.dims), vec![0.0; weights.len()]);
    case.products(|small, large, tap| {
        forward.x[small] += case.larger.x[large] * case.weight[tap];
        back.x[large] += case.smaller.x[small] * case.weight[tap];
        of_weights[tap] += case.larger.x[large] * case.smaller.x[small];
    });
    let size = |plain: &Plain| [plain.dims[2], plain.dims[3]];
    let with_halo = rng.random_bool(0.5);
    let reach = |regions: Vec<ConvRegion>, width| if with_halo { halo(&regions, width) } else { 0 };
    let planar = round.is_multiple_of(4);
    let larger =
        blocked(&case.larger, reach(vec![window.region(size(&case.smaller))], case.larger.dims[3]), planar, rng);
    let smaller =
        blocked(&case.smaller, reach(window.transposed_regions(size(&case.larger)), case.smaller.dims[3]), false, rng);

    // Bias, ReLU and sums are fused into the convolution.
    let bias = Plain::random([1, case.smaller.dims[1], 1, 1], rng);
    let relu = rng.random_bool(0.5);
    let mut to = FeatureMap::zeros(smaller.layout.clone());
    let packed = kernel.pack(&larger.layout, &to.layout, &[]);
    let slots = to.layout.to_slots(&bias.floats(), 0.0);
    let epilogue = Epilogue { accumulate: false, bias: Some(&slots), relu, sums: true };
    let sums = correlate(&window, &packed, larger.view(), &mut to.view_mut(), epilogue).expect("asked for");
    let [_, a, h, w] = case.smaller.dims;
    for (i, x) in forward.x.iter_mut().enumerate() {
        *x += bias.x[i / (h * w) % a];
        *x = if relu { x.max(0.0) } else { *x };
    }
    assert_close("forward", &to.to_nchw(), &forward.x, case, bound);
    for (channel, slot) in to.layout.slot_of_channel().into_iter().enumerate() {
        let of_channel = || forward.x.iter().enumerate().filter(|(i, _)| i / (h * w) % a == channel).map(|(_, x)| x);
        let (sum, square): (f64, f64) = (of_channel().sum(), of_channel().map(|x| x * x).sum());
        assert!((sums.sum[slot] - sum).abs() < 1e-4 * (1.0 + square), "sum {} for {sum}", sums.sum[slot]);
        assert!((sums.square[slot] - square).abs() < 1e-5 * (1.0 + square), "{} for {square}", sums.square[slot]);
    }

    if !planar {
        let start = Plain::random(case.larger.dims, rng);
        let mut to = FeatureMap::from_nchw(larger.layout.clone(), &start.floats());
        let packed = kernel.pack_transposed(&smaller.layout, &to.layout, &[]);
        let epilogue = Epilogue { accumulate: round.is_multiple_of(2), ..Epilogue::default() };
        correlate_transposed(&window, &packed, smaller.view(), &mut to.view_mut(), epilogue);
        if epilogue.accumulate {
            back.x.iter_mut().zip(&start.x).for_each(|(to, from)| *to += from);
        }
        assert_close("backward", &to.to_nchw(), &back.x, case, bound);
        halo_is_zero(&to);
    }
    halo_is_zero(&to);
    assert_close("weights", &weight_gradient(&window, larger.view(), smaller.view()), &of_weights, case, bound);
}

fn halo_is_zero(map: &FeatureMap) {
    let halo = map.layout.halo * map.layout.lanes;
    for row in map.data.chunks_exact(map.layout.row_len()) {
        assert!(row[..halo].iter().chain(&row[row.len() - halo..]).all(|&x| x == 0.0), "something wrote to the halo");
    }
}

#[test]
fn a_fused_norm_has_the_bits_of_a_stored_one() {
    let mut rng = StdRng::seed_from_u64(8);
    for _ in 0..12 {
        let case = Case::three_by_three(&mut rng);
        let (window, weights) = (case.window, case.weights());
        let with_halo = rng.random_range(0..3);
        let x = blocked(&case.larger, with_halo, false, &mut rng);
        let channels = [1, case.larger.dims[1], 1, 1];
        let [factor, summand] = [(); 2].map(|()| x.layout.to_slots(&Plain::random(channels, &mut rng).floats(), 0.0));
        let (affine, relu) = (NormAffine { factor, summand }, rng.random_bool(0.5));
        let source = ConvInput { view: x.view(), prologue: Some(affine.prologue(relu)) };
        let mut written = FeatureMap::zeros(x.layout.clone());
        batch_norm::forward(&affine, relu, x.view(), &mut written.view_mut());

        let smaller = blocked(&case.smaller, 0, false, &mut rng);
        assert!(window.can_fuse_input_norm(&x.layout, &smaller.layout));
        let packed = ConvKernel { window, weight: &weights }.pack(&x.layout, &smaller.layout, &[]);
        let run = |source: ConvInput| {
            let mut to = FeatureMap::zeros(smaller.layout.clone());
            let sums =
                correlate(&window, &packed, source, &mut to.view_mut(), Epilogue { sums: true, ..Epilogue::default() });
            (to.to_nchw(), sums, weight_gradient(&window, source, smaller.view()))
        };
        assert!(run(source) == run(written.view().into()), "{:?} {:?}", x.layout, case.window);
    }
}

#[test]
fn batch_norm_agrees_with_plain_loops() {
    let mut rng = StdRng::seed_from_u64(6);
    for _ in 0..20 {
        let dims @ [n, c, h, w] =
            [rng.random_range(1..4), rng.random_range(1..40), rng.random_range(1..9), rng.random_range(1..9)];
        let mut x = Plain::random(dims, &mut rng);
        // The numbers are far from zero: the variance must not lose its digits to the mean.
        x.x.iter_mut().for_each(|x| *x = f64::from((*x + 30.0) as f32));
        let [g, weight, bias] = [dims, [1, c, 1, 1], [1, c, 1, 1]].map(|dims| Plain::random(dims, &mut rng));
        let relu = rng.random_bool(0.5);
        let (map, gradient) = (blocked(&x, 1, false, &mut rng), g.clone());
        let gradient = FeatureMap::from_nchw(map.layout.clone().with_halo(2), &gradient.floats());
        let epsilon = 1e-5;
        let statistics = batch_norm::statistics(map.view(), epsilon);
        let slots = |plain: &Plain| map.layout.to_slots(&plain.floats(), 0.0);
        let affine = NormAffine::new(&statistics, &slots(&weight), &slots(&bias));
        let mut y = FeatureMap::zeros(map.layout.clone().with_halo(0));
        batch_norm::forward(&affine, relu, map.view(), &mut y.view_mut());

        let m = (n * h * w) as f64;
        let (mut out, mut dx) = (Plain::zeros(dims), Plain::zeros(dims));
        let (mut of_weight, mut of_bias) = (vec![0.0; c], vec![0.0; c]);
        for k in 0..c {
            let places: Vec<usize> = (0..x.x.len()).filter(|i| i / (h * w) % c == k).collect();
            let mean = places.iter().map(|&i| x.x[i]).sum::<f64>() / m;
            let variance = places.iter().map(|&i| (x.x[i] - mean).powi(2)).sum::<f64>() / m;
            let inverse = 1.0 / (variance + epsilon).sqrt();
            let hat = |i: usize| (x.x[i] - mean) * inverse;
            let flows = |i: usize| if relu && hat(i) * weight.x[k] + bias.x[k] <= 0.0 { 0.0 } else { g.x[i] };
            for &i in &places {
                let y = hat(i) * weight.x[k] + bias.x[k];
                out.x[i] = if relu { y.max(0.0) } else { y };
                of_weight[k] += flows(i) * hat(i);
                of_bias[k] += flows(i);
            }
            for &i in &places {
                dx.x[i] = weight.x[k] * inverse * (flows(i) - of_bias[k] / m - hat(i) * of_weight[k] / m);
            }
        }
        let near = |what: &str, found: &[f32], expected: &[f64], limit: f64| {
            let scale = expected.iter().fold(1.0, |most: f64, x| most.max(x.abs()));
            for (found, expected) in found.iter().zip(expected) {
                assert!(
                    (f64::from(*found) - expected).abs() < limit * scale,
                    "{what} {dims:?}: {found} for {expected}"
                );
            }
        };
        near("output", &y.to_nchw(), &out.x, 1e-4);
        let known = BatchNormBackward { statistics: &statistics, affine: &affine, relu, of_batch: true };
        let (dw, db) = batch_norm::weight_gradients(&known, map.view(), gradient.view());
        let channels = |sums: &[f64]| -> Vec<f32> {
            map.layout.slot_of_channel().into_iter().map(|slot| sums[slot] as f32).collect()
        };
        near("weight", &channels(&dw), &of_weight, 1e-4);
        near("bias", &channels(&db), &of_bias, 1e-4);
        let mut into = FeatureMap::zeros(map.layout.clone());
        batch_norm::input_gradient(
            &known,
            map.view(),
            gradient.view(),
            (&dw, &db),
            &mut into.view_mut(),
            WriteMode::Overwrite,
        );
        near("input", &into.to_nchw(), &dx.x, 2e-4);
        halo_is_zero(&into);
    }
}
