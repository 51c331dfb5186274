//! Elementwise operators with operands of all sizes, and concatenation.

use super::{KernelCase, Tensor};
use npc::graph::op::{Combine, Concat, ElementwiseFunction};
use npc::internals::compute::engine::memory_layout::{MapLayout, WriteMode};
use npc::internals::compute::engine::operators::{BackwardArgs, ForwardArgs, OperatorKernel};

const ALL: [ElementwiseFunction; 4] =
    [ElementwiseFunction::Add, ElementwiseFunction::Sub, ElementwiseFunction::Mul, ElementwiseFunction::Div];

fn reference(function: ElementwiseFunction, a: &Tensor, b: &Tensor) -> Tensor {
    let dims = std::array::from_fn(|i| a.dims[i].max(b.dims[i]));
    Tensor::from_fn(dims, |at| {
        let broadcast = |x: &Tensor| x.at(std::array::from_fn(|i| at[i].min(x.dims[i] - 1)));
        let (a, b) = (broadcast(a), broadcast(b));
        match function {
            ElementwiseFunction::Add => a + b,
            ElementwiseFunction::Sub => a - b,
            ElementwiseFunction::Mul => a * b,
            ElementwiseFunction::Div => a / b,
        }
    })
}

#[test]
fn operands_of_all_sizes_are_broadcast() {
    for function in ALL {
        let op = Combine { function };
        let case = KernelCase {
            name: format!("{function:?}"),
            op: &op,
            layer: None,
            reference: &|x| reference(function, &x[0], &x[1]),
            slots: 2,
        };
        let (n, c, h, w) = (2, 18, 1, 3);
        let whole = Tensor::noise(1, [n, c, h, w]).scaled(1.0, 2.0);
        let same = Tensor::noise(2, [n, c, h, w]).scaled(1.0, -2.0);
        let vector = Tensor::noise(3, [n, c, 1, 1]).scaled(1.0, 2.0);
        let map = Tensor::noise(4, [n, 1, h, w]).scaled(1.0, 2.0);
        let one = Tensor::noise(5, [n, 1, 1, 1]).scaled(1.0, 2.0);
        for pair in
            [[&whole, &same], [&whole, &vector], [&vector, &whole], [&vector, &vector], [&map, &one], [&one, &map]]
        {
            case.check_all(&pair.map(Tensor::clone));
        }
        // A map of one channel keeps its own layout.
        let planar = |x: &Tensor| MapLayout::planar(x.dims);
        let blocked = |x: &Tensor| MapLayout::blocked(x.dims);
        let gaps = MapLayout { segments: vec![5, 13], ..blocked(&whole) };
        for result in [blocked(&whole), planar(&whole), gaps] {
            for layout in [planar(&map), blocked(&map)] {
                let layouts = (vec![result.clone(), layout.clone()], result.clone());
                case.check(&[whole.clone(), map.clone()], &[layouts]);
                case.check(&[map.clone(), whole.clone()], &[(vec![layout, result.clone()], result.clone())]);
            }
        }
    }
}

#[test]
fn a_quotient_has_finite_gaps() {
    let op = Combine { function: ElementwiseFunction::Div };
    let x = Tensor::noise(1, [1, 3, 2, 2]).scaled(1.0, 2.0);
    let values: Vec<f32> = x.values.iter().map(|&v| v as f32).collect();
    // The gaps hold zeros.
    let map =
        npc::internals::compute::engine::memory_layout::FeatureMap::from_nchw(MapLayout::blocked(x.dims), &values);
    let mut y = super::stale_map(&map.layout);
    let inputs = [map.view(), map.view()];
    op.forward(ForwardArgs { inputs: &inputs, layer: None, seed: None }, &mut y.view_mut(), &mut []);
    super::assert_close(&y, &Tensor::from_fn(x.dims, |_| 1.0), 0.0, "x / x");
    for slot in 0..2 {
        let mut into = super::stale_map(&map.layout);
        let from = BackwardArgs { inputs: &inputs, output: y.view(), gradient: y.view(), layer: None, seed: None };
        op.backward(from, slot, &mut into.view_mut(), WriteMode::Accumulate);
        assert!(into.data.iter().all(|v| v.is_finite()), "slot {slot}");
    }
}

#[test]
fn concatenations_agree() {
    let case = KernelCase {
        name: "concat".into(),
        op: &Concat,
        layer: None,
        reference: &|x| {
            let [n, _, h, w] = x[0].dims;
            let mut channels = x.iter().flat_map(|x| (0..x.dims[1]).map(move |c| (x, c)));
            let channels: Vec<_> = channels.by_ref().collect();
            Tensor::from_fn([n, channels.len(), h, w], |[n, c, i, j]| channels[c].0.at([n, channels[c].1, i, j]))
        },
        slots: 3,
    };
    let inputs = [5, 16, 19].map(|c| Tensor::noise(c as u64, [2, c, 3, 2]));
    let cases: Vec<_> = [false, true]
        .into_iter()
        .map(|planar| {
            let layout_of = |x: &Tensor| if planar { MapLayout::planar(x.dims) } else { MapLayout::blocked(x.dims) };
            let mut layouts: Vec<MapLayout> = inputs.iter().map(layout_of).collect();
            if !planar {
                layouts[2].segments = vec![2, 17];
            }
            layouts[1].halo = 2;
            let segments = MapLayout::join_segments(&layouts.iter().collect::<Vec<_>>());
            let output = MapLayout { segments, halo: 1, ..layouts[0].clone() };
            (layouts, output)
        })
        .collect();
    case.check(&inputs, &cases);
}
