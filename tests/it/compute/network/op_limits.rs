//! The limits of operators: an operator that `infer` accepts runs forward and returns the inferred shape, and a refusal
//! names the fix.

use crate::support::device::device;
use burn::tensor::{Distribution, Tensor, TensorData};
use npc::graph::check::{CheckedGraph, check};
use npc::graph::ir::{Graph, Node, Outlet};
use npc::graph::op::*;
use npc::graph::ty::{Shape, TensorType};
use npc::internals::compute::lower::lower;

/// Returns a model of one operator.
fn single_operator_model(op: Op, image: TensorType) -> CheckedGraph {
    let outputs = op.infer(std::slice::from_ref(&image)).unwrap();
    let mut graph = Graph::new("One");
    let node = |path: &str, op, outputs| Node { path: path.into(), op, outputs, span: Default::default() };
    let x = graph.add(node("x", Op::Input(image.shape().clone()), vec![image]), &[]);
    let y = graph.add(node("y", op, outputs), &[Outlet { node: x, slot: 0 }]);
    graph.results.push(("out".into(), Outlet { node: y, slot: 0 }));
    check(graph).unwrap_or_else(|p| panic!("{p:?}"))
}

/// Runs `op` on a map if the operator accepts it, and returns whether it did.
#[track_caller]
fn accepts_and_runs(op: impl Into<Op>, [c, h, w]: [usize; 3]) -> bool {
    let op = op.into();
    let image = TensorType::Tensor(Shape::map(c, h, w));
    let Ok(outputs) = op.infer(std::slice::from_ref(&image)) else { return false };
    let expected = outputs[0].shape().dims().to_vec();
    let checked = single_operator_model(op.clone(), image);
    for device in [device(), device().autodiff()] {
        let x = Tensor::<4>::random([2, c, h, w], Distribution::Uniform(-1.0, 1.0), &device);
        let y = lower(&checked, &device, 0).forward(x).remove(0);
        assert_eq!(y.dims()[1..], expected, "{op:?} of [{c}, {h}, {w}]");
        let numbers: Vec<f32> = y.without_autodiff().into_data().try_into_vec().unwrap();
        assert!(numbers.iter().all(|v| v.is_finite()), "{op:?} of [{c}, {h}, {w}]: {numbers:?}");
    }
    true
}

/// Returns every combination of `n` numbers below `end`.
fn combinations(n: u32, end: usize) -> impl Iterator<Item = Vec<usize>> {
    (0..end.pow(n)).map(move |i| (0..n).map(|d| i / end.pow(d) % end).collect())
}

#[test]
fn borders_run_or_are_refused() {
    for mode in [PaddingMode::Constant, PaddingMode::Reflect, PaddingMode::Replicate] {
        for sides in combinations(4, 4) {
            let sides: [usize; 4] = sides.try_into().unwrap();
            let fits =
                mode != PaddingMode::Reflect || sides[..2].iter().all(|&s| s < 2) && sides[2..].iter().all(|&s| s < 3);
            assert_eq!(accepts_and_runs(Padding { sides, mode }, [1, 2, 3]), fits, "{sides:?} {mode:?}");
        }
    }
    for v in combinations(4, 5) {
        let (size, at) = ([v[0], v[1]], [v[2], v[3]]);
        let whole = v[0] > 0 && v[1] > 0;
        let middle = whole && v[0] <= 3 && v[1] <= 4;
        assert_eq!(accepts_and_runs(Crop { size: Some(size), at: None }, [2, 3, 4]), middle, "{size:?}");
        let inside = whole && v[0] + v[2] <= 3 && v[1] + v[3] <= 4;
        assert_eq!(accepts_and_runs(Crop { size: Some(size), at: Some(at) }, [2, 3, 4]), inside, "{size:?} at {at:?}");
    }
}

#[test]
fn channels_run_or_are_refused() {
    for from in 0..6 {
        assert_eq!(accepts_and_runs(Slice { from, to: None }, [4, 2, 1]), from < 4);
        for to in 0..6 {
            assert_eq!(accepts_and_runs(Slice { from, to: Some(to) }, [4, 1, 2]), from < to && to <= 4);
        }
    }
    for c in 1..13 {
        for n in 0..14 {
            let divides = n > 0 && c % n == 0;
            assert_eq!(accepts_and_runs(ChannelShuffle { groups: n }, [c, 2, 1]), divides, "{n} of {c}");
            assert_eq!(
                accepts_and_runs(PixelShuffle { factor: n }, [c, 1, 2]),
                n > 0 && c % (n * n) == 0,
                "{n} of {c}"
            );
            let norm = |epsilon, affine| GroupNorm { groups: n, epsilon, affine };
            assert_eq!(accepts_and_runs(norm(1e-5, true), [c, 2, 1]), divides, "{n} of {c}");
            assert_eq!(accepts_and_runs(norm(1e-5, false), [c, 1, 1]), divides && c > n, "{n} of {c}");
        }
        assert_eq!(accepts_and_runs(LayerNorm { epsilon: 1e-5, affine: c % 2 == 0 }, [c, 1, 2]), c > 1);
        assert!(accepts_and_runs(PRelu { per_channel: c % 2 == 0 }, [c, 2, 2]));
        assert!(accepts_and_runs(ChannelReduce { function: Reduction::Mean }, [c, 2, 1]));
        assert!(accepts_and_runs(ChannelReduce { function: Reduction::Max }, [c, 1, 2]));
    }
    for v in combinations(2, 4) {
        let size = [v[0] + 1, v[1] + 1];
        let norm = InstanceNorm { epsilon: 1e-5, affine: v[0] == 0 };
        assert_eq!(accepts_and_runs(norm, [2, size[0], size[1]]), size != [1, 1]);
    }
    for epsilon in [0.0, -1e-5, 1e-60, f64::NAN, f64::INFINITY] {
        assert!(!accepts_and_runs(InstanceNorm { epsilon, affine: false }, [2, 3, 3]), "{epsilon}");
        assert!(!accepts_and_runs(GroupNorm { groups: 1, epsilon, affine: false }, [2, 3, 3]), "{epsilon}");
        assert!(!accepts_and_runs(LayerNorm { epsilon, affine: false }, [2, 3, 3]), "{epsilon}");
        assert!(!accepts_and_runs(BatchNorm { epsilon, momentum: 0.1 }, [2, 3, 3]), "{epsilon}");
    }
}

/// Sums of a million numbers far from zero keep their digits.
#[test]
fn norms_of_large_maps_are_exact_enough() {
    let size = [1, 1024, 1024];
    let image = TensorType::Tensor(Shape::map(size[0], size[1], size[2]));
    let values: Vec<f32> = (0..1i64 << 20).map(|i| 100.0 + (i * 7919 % 1009) as f32 / 1009.0).collect();
    let x = Tensor::<4>::from_data(TensorData::new(values.clone(), [1, 1, 1024, 1024]), &device());
    let exact: Vec<f64> = values.iter().map(|&v| f64::from(v)).collect();
    let mean = exact.iter().sum::<f64>() / exact.len() as f64;
    let variance = exact.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / exact.len() as f64;
    let y = lower(&single_operator_model(InstanceNorm { epsilon: 1e-5, affine: false }.into(), image), &device(), 0)
        .forward(x);
    let found: Vec<f32> = y[0].clone().into_data().try_into_vec().unwrap();
    let worst = found.iter().zip(exact).map(|(f, v)| (f64::from(*f) - (v - mean) / (variance + 1e-5).sqrt()).abs());
    let worst = worst.fold(0.0, f64::max);
    assert!(worst < 1e-4, "{worst}");
}

#[test]
fn adaptive_pools_run_at_every_size() {
    for v in combinations(4, 5) {
        let size = [v[2], v[3]];
        let whole = !size.contains(&0);
        assert_eq!(accepts_and_runs(MaxPoolTo { size }, [1, v[0] + 1, v[1] + 1]), whole, "{size:?} of {v:?}");
        assert_eq!(accepts_and_runs(AvgPoolTo { size }, [1, v[0] + 1, v[1] + 1]), whole, "{size:?} of {v:?}");
    }
}

#[test]
fn refusals_are_one_error_with_a_help() {
    for (body, code, message) in [
        ("x |> group_norm(4)", "E0303", "`group_norm` with groups = 4 cannot divide 6 channels"),
        ("x |> group_norm(2, eps = 0)", "E0303", "`group_norm` with eps = 0; it must be above 0"),
        ("x |> avgpool_to(1) |> group_norm(6)", "E0303", "`group_norm` of [6, 1, 1] has one number per group"),
        ("x |> avgpool_to(1) |> instance_norm", "E0303", "`instance_norm` of [6, 1, 1] has one number per channel"),
        ("x |> flatten |> instance_norm", "E0304", "`instance_norm` needs a map [c, h, w], found [480]"),
        ("x |> conv(1) |> layer_norm", "E0303", "`layer_norm` of [1, 8, 10] has one number per pixel"),
        ("x |> pad(8, mode = reflect)", "E0303", "`pad` cannot reflect 8 pixels of a height of 8"),
        ("x |> pad([0, 0, 0, 4294967295])", "E0302", ""),
        ("x |> pad([1, 2, 3])", "E0206", "`sides` takes an integer, a pair or [top, bottom, left, right]"),
        ("x |> pad([1, 2, 3, -1])", "E0206", "`sides` takes an integer, a pair or [top, bottom, left, right]"),
        ("x |> pad(1, mode = mirror)", "E0206", "`mode` takes one of constant, reflect, replicate"),
        ("x |> crop(to = [9, 4])", "E0303", "`crop` cannot cut 9x4 out of a map of 8x10"),
        ("x |> crop(to = [4, 4], at = [5, 0])", "E0303", "`crop` cannot cut 4x4 at [5, 0] out of a map of 8x10"),
        ("x |> maxpool(2) |> crop(to = x)", "E0301", "`crop` cannot cut 8x10 out of a map of 4x5"),
        ("x |> slice(4, to = 4)", "E0303", "`slice` of channels 4..4 of 6"),
        ("x |> slice(0, to = 7)", "E0303", "`slice` of channels 0..7 of 6"),
        ("x |> channel_shuffle(5)", "E0303", "`channel_shuffle` with groups = 5 cannot divide 6 channels"),
        ("x |> pixel_shuffle(2)", "E0303", "`pixel_shuffle` with factor = 2 cannot divide 6 channels by 4"),
        ("x |> flatten |> channel_max", "E0304", "`channel_max` needs a map [c, h, w], found [480]"),
        ("x / (x |> slice(0, to = 2))", "E0301", "`/` cannot join [6, 8, 10] and [2, 8, 10]"),
    ] {
        assert_problem!(format!("// size: 8x10\nmodel T(x: [6, H, W]) -> [1, H, W] = {body}\n"), code, message);
    }
}
