//! Flattening, shuffles, crops and other changes of shape, padding, and dropout.

use super::{KernelCase, Tensor, assert_close, layouts, stale_map};
use npc::graph::op::{
    ChannelPad, ChannelReduce, ChannelShuffle, Crop, Dropout, Flatten, Op, Padding, PaddingMode, PixelShuffle,
    Reduction, Reshape, Slice,
};
use npc::internals::compute::engine::memory_layout::{MapLayout, MapView, WriteMode};
use npc::internals::compute::engine::operators::{BackwardArgs, ForwardArgs, OperatorKernel, expect_kernel};

/// Checks an operator without weights whose output may have other channels than its input.
fn check(op: impl Into<Op>, inputs: &[Tensor], reference: &dyn Fn(&[Tensor]) -> Tensor) {
    let op = op.into();
    // A second input only sets a size.
    let case = KernelCase { name: format!("{op:?}"), op: expect_kernel(&op), layer: None, reference, slots: 1 };
    let output = reference(inputs).dims;
    let mut cases = Vec::new();
    for (i, layout) in layouts(inputs[0].dims).into_iter().enumerate() {
        let all = layouts(output);
        let like = |x: &Tensor| match x.dims[1] == inputs[0].dims[1] {
            true => layout.with_size([x.dims[2], x.dims[3]]),
            false => MapLayout::blocked(x.dims),
        };
        // Channels that do not move keep their segments.
        let same = output[1] == inputs[0].dims[1] && matches!(op, Op::Padding(_) | Op::Crop(_));
        let to = if same { layout.with_size([output[2], output[3]]) } else { all[i % all.len()].clone() };
        cases.push((inputs.iter().map(like).collect(), to));
    }
    case.check(inputs, &cases);
}

fn image() -> Tensor {
    Tensor::noise(1, [2, 20, 3, 4])
}

#[test]
fn other_dims() {
    let to = |dims: [usize; 3], x: &Tensor| Tensor {
        dims: [x.dims[0], dims[0], dims[1], dims[2]],
        values: x.values.clone(),
    };
    check(Flatten, &[image()], &|x| to([240, 1, 1], &x[0]));
    for dims in [[5, 6, 8], [40, 2, 3], [1, 1, 240]] {
        check(Reshape { to: dims.map(Some).to_vec() }, &[image()], &|x| to(dims, &x[0]));
    }
    let vector = Tensor::noise(2, [2, 36, 1, 1]);
    check(Reshape { to: vec![Some(4), Some(3), Some(3)] }, &[vector], &|x| to([4, 3, 3], &x[0]));
}

#[test]
fn channels_in_other_places() {
    let moved = |x: &Tensor, out: usize, source: &dyn Fn(usize) -> Option<usize>| {
        let [n, _, h, w] = x.dims;
        Tensor::from_fn([n, out, h, w], |[n, c, i, j]| source(c).map_or(0.0, |c| x.at([n, c, i, j])))
    };
    let wide = Tensor::noise(3, [1, 53, 2, 3]);
    for (from, to, x) in [(3, Some(7), image()), (16, None, image()), (16, Some(48), wide.clone()), (5, Some(40), wide)]
    {
        let out = to.unwrap_or(x.dims[1]) - from;
        check(Slice { from, to }, &[x], &|x| moved(&x[0], out, &|c| Some(c + from)));
    }
    for out in [20, 23, 40] {
        check(ChannelPad { out }, &[image()], &|x| moved(&x[0], out, &|c| (c < 20).then_some(c)));
    }
    for groups in [2, 5] {
        let per = 20 / groups;
        check(ChannelShuffle { groups }, &[image()], &|x| moved(&x[0], 20, &|c| Some(c % groups * per + c / groups)));
    }
}

#[test]
fn pixels_out_of_channels() {
    for (factor, c) in [(2, 20), (3, 18)] {
        let x = Tensor::noise(5, [2, c, 2, 3]);
        check(PixelShuffle { factor: factor as usize }, &[x], &|x| {
            let [n, c, h, w] = x[0].dims;
            let f = factor as usize;
            Tensor::from_fn([n, c / (f * f), h * f, w * f], |[n, c, i, j]| {
                x[0].at([n, c * f * f + i % f * f + j % f, i / f, j / f])
            })
        });
    }
}

#[test]
fn one_channel_of_many() {
    for function in [Reduction::Mean, Reduction::Max] {
        check(ChannelReduce { function }, &[image()], &|x| {
            let [n, c, h, w] = x[0].dims;
            Tensor::from_fn([n, 1, h, w], |[n, _, i, j]| {
                let all = (0..c).map(|c| x[0].at([n, c, i, j]));
                match function {
                    Reduction::Mean => all.sum::<f64>() / c as f64,
                    Reduction::Max => all.fold(f64::NEG_INFINITY, f64::max),
                }
            })
        });
    }
    // The first of equal numbers is selected.
    let op = ChannelReduce { function: Reduction::Max };
    let x = Tensor::from_fn([1, 21, 1, 2], |[_, c, _, j]| if c > 17 - 10 * j { 2.0 } else { 1.0 });
    let g = Tensor::from_fn([1, 1, 1, 2], |_| 1.0);
    let expected = Tensor::from_fn(x.dims, |[_, c, _, j]| f64::from(u8::from(c == 18 - 10 * j)));
    for layout in layouts(x.dims) {
        let mut into = stale_map(&layout);
        let (x, g) = (x.map(&layout), g.map(&MapLayout::blocked(g.dims)));
        let (inputs, g) = ([x.view()], g.view());
        let from = BackwardArgs { inputs: &inputs, output: g, gradient: g, layer: None, seed: None };
        op.backward(from, 0, &mut into.view_mut(), WriteMode::Overwrite);
        assert_close(&into, &expected, 0.0, "ties");
    }
}

#[test]
fn borders() {
    for mode in [PaddingMode::Constant, PaddingMode::Reflect, PaddingMode::Replicate] {
        for sides in [[1, 2, 3, 0], [0, 0, 2, 1], [2, 2, 0, 0]] {
            let [top, bottom, left, right] = sides;
            check(Padding { sides, mode }, &[image()], &|x| {
                let [n, c, h, w] = x[0].dims;
                Tensor::from_fn([n, c, h + top + bottom, w + left + right], |[n, c, i, j]| {
                    let (y, k) = (i as i64 - top as i64, j as i64 - left as i64);
                    let place = |y: i64, size: usize| {
                        let last = size as i64 - 1;
                        match mode {
                            PaddingMode::Constant => (0..=last).contains(&y).then_some(y),
                            PaddingMode::Replicate => Some(y.clamp(0, last)),
                            PaddingMode::Reflect => Some(last - (last - y.abs()).abs()),
                        }
                    };
                    match (place(y, h), place(k, w)) {
                        (Some(y), Some(k)) => x[0].at([n, c, y as usize, k as usize]),
                        _ => 0.0,
                    }
                })
            });
        }
    }
    let cut = |x: &Tensor, [top, left]: [usize; 2], [h, w]: [usize; 2]| {
        Tensor::from_fn([x.dims[0], x.dims[1], h, w], |[n, c, i, j]| x.at([n, c, i + top, j + left]))
    };
    check(Crop { size: Some([2, 2]), at: Some([1, 2]) }, &[image()], &|x| cut(&x[0], [1, 2], [2, 2]));
    let like = Tensor::noise(9, [2, 3, 2, 1]);
    check(Crop { size: None, at: None }, &[image(), like], &|x| cut(&x[0], [0, 1], [2, 1]));
}

#[test]
fn dropout_drops_its_share() {
    let (op, dims) = (Dropout { p: 0.3 }, [2, 21, 32, 33]);
    let run = |layout: &MapLayout, seed: Option<u64>| {
        let x = Tensor::from_fn(dims, |_| 1.0).map(layout);
        let mut y = stale_map(layout);
        op.forward(ForwardArgs { inputs: &[x.view()], layer: None, seed }, &mut y.view_mut(), &mut []);
        let mut into = stale_map(layout);
        let none = MapView { layout, data: &[] };
        let from = BackwardArgs { inputs: &[none], output: none, gradient: x.view(), layer: None, seed };
        op.backward(from, 0, &mut into.view_mut(), WriteMode::Overwrite);
        assert_eq!(y.to_nchw(), into.to_nchw(), "the gradient's mask is that of the output");
        y.to_nchw()
    };
    let all = layouts(dims);
    let mask = run(&all[0], Some(7));
    for layout in &all {
        assert!(run(layout, Some(7)) == mask, "{layout:?} drops others");
    }
    assert!(mask.iter().all(|&v| v == 0.0 || v == (1.0 / 0.7f64) as f32));
    let share = mask.iter().filter(|&&v| v == 0.0).count() as f64 / mask.len() as f64;
    // The bound is five standard deviations of the mean of 44352 trials.
    assert!((share - 0.3).abs() < 0.011, "{share}");
    // Neighbours, along each axis, are dropped independently.
    for step in [1, 33, 33 * 32] {
        let both = mask.iter().zip(&mask[step..]).filter(|(a, b)| **a == 0.0 && **b == 0.0).count();
        let share = both as f64 / (mask.len() - step) as f64;
        assert!((share - 0.09).abs() < 0.008, "{share} of neighbours {step} apart");
    }
    let other = run(&all[0], Some(8));
    let same = mask.iter().zip(&other).filter(|(a, b)| a == b).count() as f64 / mask.len() as f64;
    assert!((same - 0.58).abs() < 0.013, "another seed agrees in {same}");
    assert!(run(&all[1], None).iter().all(|&v| v == 1.0), "without a seed nothing is dropped");
}
