//! The engine's units against plain loops in 64 bits, and their gradients against central differences of these loops.
//!
//! Maps come in every layout that an engine may choose: blocks and planes, halos of several widths, channels with gaps.
//! Gaps hold numbers that would show in a result.

mod activation;
mod combine;
mod norm;
mod pool;
mod resize;
mod shape;

use npc::internals::compute::engine::LayerWeights;
use npc::internals::compute::engine::memory_layout::{FeatureMap, MapLayout, MapView, WriteMode};
use npc::internals::compute::engine::operators::{BackwardArgs, ForwardArgs, OperatorKernel};

/// The value of the gaps of inputs.
const GAP: f32 = 3.5;
/// The value of outputs before they are written.
const OLD: f32 = -2.25;

/// A map `[n, c, h, w]` in 64 bits.
#[derive(Debug, Clone)]
pub struct Tensor {
    pub dims: [usize; 4],
    pub values: Vec<f64>,
}

impl Tensor {
    pub fn zeros(dims: [usize; 4]) -> Self {
        Self { dims, values: vec![0.0; dims.iter().product()] }
    }

    /// Returns numbers in -1 to 1 that 32 bits represent exactly.
    pub fn noise(seed: u64, dims: [usize; 4]) -> Self {
        let number = |i: u64| {
            let mut z = (seed << 32 | (i + 1)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
            z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
            ((z >> 41) as f64 - f64::from(1 << 22)) / f64::from(1 << 22)
        };
        let count = dims.iter().product::<usize>() as u64;
        Self { dims, values: (0..count).map(number).collect() }
    }

    pub fn scaled(mut self, factor: f64, summand: f64) -> Self {
        self.values.iter_mut().for_each(|v| *v = f64::from((*v * factor + summand) as f32));
        self
    }

    pub fn index(&self, [n, c, y, x]: [usize; 4]) -> usize {
        let [_, channels, h, w] = self.dims;
        ((n * channels + c) * h + y) * w + x
    }

    pub fn at(&self, place: [usize; 4]) -> f64 {
        self.values[self.index(place)]
    }

    /// Returns a map whose number at each place is `f(place)`.
    pub fn from_fn(dims: [usize; 4], mut f: impl FnMut([usize; 4]) -> f64) -> Self {
        let mut all = Self::zeros(dims);
        let [n, c, h, w] = dims;
        let places = (0..n)
            .flat_map(move |n| (0..c).flat_map(move |c| (0..h).flat_map(move |y| (0..w).map(move |x| [n, c, y, x]))));
        for (value, place) in all.values.iter_mut().zip(places) {
            *value = f(place);
        }
        all
    }

    pub fn map(&self, layout: &MapLayout) -> FeatureMap {
        assert_eq!(layout.dims(), self.dims);
        let values: Vec<f32> = self.values.iter().map(|&v| v as f32).collect();
        let mut map = FeatureMap::from_nchw(layout.clone(), &values);
        fill_gaps(&mut map, GAP);
        map
    }
}

fn gaps(layout: &MapLayout) -> Vec<usize> {
    let slots = layout.slot_of_channel();
    (0..layout.slots()).filter(|slot| !slots.contains(slot)).collect()
}

fn fill_gaps(map: &mut FeatureMap, value: f32) {
    let layout = map.layout.clone();
    for slot in gaps(&layout) {
        for (plane, y) in rows(&layout).filter(|(plane, _)| plane % layout.blocks() == slot / layout.lanes) {
            map.view_mut()
                .row(plane, y)
                .iter_mut()
                .skip(slot % layout.lanes)
                .step_by(layout.lanes)
                .for_each(|x| *x = value);
        }
    }
}

fn rows(layout: &MapLayout) -> impl Iterator<Item = (usize, usize)> {
    let h = layout.h;
    (0..layout.n * layout.blocks()).flat_map(move |plane| (0..h).map(move |y| (plane, y)))
}

/// Returns a map with [`OLD`] everywhere but in the halos.
pub fn stale_map(layout: &MapLayout) -> FeatureMap {
    let mut map = FeatureMap::zeros(layout.clone());
    rows(layout).for_each(|(plane, y)| map.view_mut().row(plane, y).fill(OLD));
    map
}

/// Asserts that a map holds the reference's numbers, zeros in its halos and finite numbers in its gaps.
pub fn assert_close(map: &FeatureMap, expected: &Tensor, tolerance: f64, what: &str) {
    assert_eq!(map.layout.dims(), expected.dims, "{what}");
    let found = map.to_nchw();
    for (i, (&found, &expected)) in found.iter().zip(&expected.values).enumerate() {
        let difference = (f64::from(found) - expected).abs();
        assert!(difference <= tolerance * expected.abs().max(1.0), "{what}: number {i} is {found} and not {expected}");
    }
    let layout = &map.layout;
    let mut inner = vec![false; layout.buffer_len()];
    rows(layout).for_each(|(plane, y)| inner[layout.row_start(plane, y)..][..layout.inner_len()].fill(true));
    for (value, inner) in map.data.iter().zip(inner) {
        assert!(if inner { value.is_finite() } else { *value == 0.0 }, "{what}: {value} in a gap or halo");
    }
}

/// Layouts of these dims.
pub fn layouts(dims: [usize; 4]) -> Vec<MapLayout> {
    let c = dims[1];
    let mut all =
        vec![MapLayout::blocked(dims), MapLayout::planar(dims).with_halo(1), MapLayout::blocked(dims).with_halo(2)];
    if c > 3 {
        all.push(MapLayout { segments: vec![3, c - 3], halo: 1, ..MapLayout::blocked(dims) });
    }
    if c > 20 {
        all.push(MapLayout { segments: vec![19, 1, c - 20], ..MapLayout::blocked(dims) });
    }
    all
}

/// A unit and its definition in 64 bits.
pub struct KernelCase<'a> {
    pub op: &'a dyn OperatorKernel,
    pub layer: Option<&'a LayerWeights>,
    pub name: String,
    pub reference: &'a dyn Fn(&[Tensor]) -> Tensor,
    /// Number of inputs that have a gradient.
    pub slots: usize,
}

impl KernelCase<'_> {
    /// Checks forward and backward on inputs in the given layouts. `cases` are layouts of the inputs and one of the
    /// output.
    pub fn check(&self, inputs: &[Tensor], cases: &[(Vec<MapLayout>, MapLayout)]) {
        let expected = (self.reference)(inputs);
        let grad = Tensor::noise(77, expected.dims);
        let gradients: Vec<Tensor> =
            (0..self.slots).map(|slot| numerical_gradient(self.reference, inputs, &grad, slot)).collect();
        for (layouts, layout) in cases {
            let what = format!("{} of {layouts:?} to {layout:?}", self.name);
            let maps: Vec<FeatureMap> = inputs.iter().zip(layouts).map(|(x, layout)| x.map(layout)).collect();
            let views: Vec<MapView> = maps.iter().map(FeatureMap::view).collect();
            let mut output = stale_map(layout);
            let given = ForwardArgs { inputs: &views, layer: self.layer, seed: None };
            // The indices of a pool.
            let mut other = stale_map(layout);
            self.op.forward(given, &mut output.view_mut(), &mut [other.view_mut()]);
            assert_close(&output, &expected, 3e-6, &what);
            // The gradient has another halo than the output.
            let grad = grad.map(&layout.clone().with_halo(1));
            let needs = self.op.properties().needs;
            let inputs: Vec<MapView> =
                views.iter().map(|v| if needs.inputs { *v } else { MapView { data: &[], ..*v } }).collect();
            let y = if needs.output { output.view() } else { MapView { data: &[], ..output.view() } };
            let (grad, layer) = (grad.view(), self.layer);
            let from = BackwardArgs { inputs: &inputs, output: y, gradient: grad, layer, seed: None };
            for (slot, gradient) in gradients.iter().enumerate() {
                for write in [WriteMode::Overwrite, WriteMode::Accumulate] {
                    let into = layouts[slot].clone().with_halo(3 - layouts[slot].halo);
                    let mut into = stale_map(&into);
                    self.op.backward(from, slot, &mut into.view_mut(), write);
                    let old = f64::from(write.old(OLD));
                    let expected = Tensor::from_fn(gradient.dims, |place| gradient.at(place) + old);
                    assert_close(&into, &expected, 1e-5, &format!("gradient {slot}, {write:?}, of {what}"));
                }
            }
        }
    }

    /// Runs [`KernelCase::check`] in every layout, where all inputs and the output have equal channels.
    pub fn check_all(&self, inputs: &[Tensor]) {
        let [_, _, h, w] = (self.reference)(inputs).dims;
        let cases: Vec<_> = layouts(inputs[0].dims)
            .into_iter()
            .map(|layout| {
                let resized = |x: &Tensor| layout.with_size([x.dims[2], x.dims[3]]);
                (inputs.iter().map(resized).collect(), layout.with_size([h, w]).with_halo(2 - layout.halo))
            })
            .collect();
        self.check(inputs, &cases);
    }
}

/// Returns the gradient of `sum(grad * reference(inputs))` by central differences.
fn numerical_gradient(
    reference: &dyn Fn(&[Tensor]) -> Tensor,
    inputs: &[Tensor],
    grad: &Tensor,
    slot: usize,
) -> Tensor {
    const STEP: f64 = 1e-6;
    let mut inputs = inputs.to_vec();
    let mut gradient = Tensor::zeros(inputs[slot].dims);
    let loss = |y: Tensor| -> f64 { y.values.iter().zip(&grad.values).map(|(y, g)| y * g).sum() };
    for i in 0..gradient.values.len() {
        let x = inputs[slot].values[i];
        inputs[slot].values[i] = x + STEP;
        let above = loss(reference(&inputs));
        inputs[slot].values[i] = x - STEP;
        gradient.values[i] = (above - loss(reference(&inputs))) / (2.0 * STEP);
        inputs[slot].values[i] = x;
    }
    gradient
}
