//! Receptive fields and effective MACs against brute force.
//!
//! The brute force follows each pixel through a graph, one axis at a time, by the documented definition of each
//! operator, and keeps the first and the last image pixel that are read. It accounts for borders; the closed form does
//! not. Both must be equal where no border takes part, and the brute force must be within the closed form everywhere.

mod random_graph;

use crate::support::compile::{compile_file, compile_text};
use crate::support::repository::{model_files, repository};
use npc::graph::ir::{Graph, Node, NodeId, Outlet};
use npc::graph::op::{
    AvgPool, BatchNorm, Conv, ConvPadding, ConvTranspose, InstanceNorm, Interpolation, KernelTaps, MaxPool,
    MaxPoolWithIndex, Op,
};
use npc::graph::ty::{Shape, TensorType};
use npc::study::cost::effective::{axis_pairs, count_pairs, effective_macs};
use npc::study::cost::field::{ReceptiveField, receptive_fields};
use npc::text::source::Span;
use proptest::prelude::*;
use random_graph::random_graph;
use std::collections::BTreeSet;

/// The image pixels that one pixel depends on.
#[derive(Clone, Copy, Default)]
struct Pixel {
    /// First and last pixel that are read through windows.
    near: Option<[i64; 2]>,
    /// Whether a global pool or norm reads the map.
    far: bool,
    /// Whether a border took part: a pixel outside the map was read.
    bordered: bool,
}

fn size(ty: &TensorType, axis: usize) -> usize {
    ty.shape().spatial().map_or(1, |s| s[axis])
}

/// Returns the pixels of each node of the graph.
fn brute_force_fields(graph: &Graph, axis: usize) -> Vec<Vec<Pixel>> {
    let mut all: Vec<Vec<Pixel>> = Vec::new();
    for id in graph.order() {
        let node = graph.node(id);
        let n = size(&node.outputs[0], axis);
        let mut pixels = vec![Pixel::default(); n];
        if let Op::Input(_) = node.op {
            pixels.iter_mut().enumerate().for_each(|(i, p)| p.near = Some([i as i64; 2]));
        }
        for (slot, input) in graph.inputs(id).into_iter().enumerate() {
            let from = &all[input.node.index()];
            for (i, pixel) in pixels.iter_mut().enumerate() {
                let (read, whole) = reads(graph, id, slot, axis, i as i64, from.len() as i64, n as i64);
                for at in read {
                    match usize::try_from(at).ok().and_then(|at| from.get(at)) {
                        Some(p) => {
                            pixel.near = match (pixel.near, p.near) {
                                (Some([a, b]), Some([c, d])) => Some([a.min(c), b.max(d)]),
                                (a, b) => a.or(b),
                            };
                            pixel.far |= p.far;
                            pixel.bordered |= p.bordered;
                        }
                        None => pixel.bordered = true,
                    }
                }
                if whole {
                    pixel.far |= from.iter().any(|p| p.near.is_some() || p.far);
                }
            }
        }
        all.push(pixels);
    }
    all
}

/// Returns the pixels that pixel `i` of `n` reads of an input of `m`, including those beyond the border, and whether it
/// reads all.
fn reads(graph: &Graph, id: NodeId, slot: usize, axis: usize, i: i64, m: i64, n: i64) -> (Vec<i64>, bool) {
    let int = |x: usize| x as i64;
    let window =
        |k: usize, s: usize, d: usize, p: usize| (0..int(k)).map(|t| i * int(s) + t * int(d) - int(p)).collect();
    let turned = |k: usize, s: usize, d: usize, p: usize| {
        let hits = |j: &i64| (0..int(k)).any(|t| j * int(s) + t * int(d) - int(p) == i);
        (-60..m + 60).filter(hits).collect::<Vec<_>>()
    };
    let (near, whole) = match &graph.node(id).op {
        Op::Conv(c) => {
            let pad = c.pad.amount(c.kernel, c.dilation);
            (window(c.kernel[axis], c.stride[axis], c.dilation[axis], pad[axis]), false)
        }
        Op::ConvTranspose(c) => (turned(c.kernel[axis], c.stride[axis], c.dilation[axis], c.pad[axis]), false),
        Op::MaxPool(MaxPool(w)) | Op::AvgPool(AvgPool(w)) | Op::MaxPoolWithIndex(MaxPoolWithIndex(w)) => {
            (window(w.kernel[axis], w.stride[axis], 1, w.pad[axis]), false)
        }
        Op::Unpool(_) => {
            let Op::MaxPoolWithIndex(MaxPoolWithIndex(w)) = &graph.node(graph.inputs(id)[1].node).op else { panic!() };
            (turned(w.kernel[axis], w.stride[axis], 1, w.pad[axis]), false)
        }
        Op::AvgPoolTo(_) | Op::MaxPoolTo(_) if n == 1 && m > 1 => (vec![], true),
        Op::AvgPoolTo(_) | Op::MaxPoolTo(_) => ((i * m / n..((i + 1) * m + n - 1) / n).collect(), false),
        Op::Resize(_) if slot == 1 => (vec![], false),
        Op::Resize(_) if m == n => (vec![i], false),
        Op::Resize(r) if r.mode == Interpolation::Nearest => {
            (vec![(i as f64 * (m as f64 / n as f64) + 1e-9).floor() as i64], false)
        }
        Op::Resize(r) => {
            let place = match r.align_corners {
                true if n == 1 => 0.0,
                true => i as f64 * (m - 1) as f64 / (n - 1) as f64,
                false => (i as f64 + 0.5) * m as f64 / n as f64 - 0.5,
            };
            let below = (place + 1e-9).floor();
            let mut read = vec![below as i64];
            if place - below > 1e-9 {
                read.push(below as i64 + 1);
            }
            (read, false)
        }
        // Beyond the border a padding mode repeats pixels: they are no part of the field.
        Op::Padding(p) => (vec![i - int(p.sides[2 * axis])], false),
        Op::Crop(_) if slot == 1 => (vec![], false),
        Op::Crop(c) => {
            let room = m - n;
            (vec![i + c.at.map_or(room / 2, |at| int(at[axis]))], false)
        }
        Op::PixelShuffle(p) => (vec![i / int(p.factor)], false),
        Op::GroupNorm(_) | Op::InstanceNorm(_) => (vec![i], m > 1),
        Op::Flatten(_) => {
            if m > 1 {
                (vec![], true)
            } else {
                (vec![0], false)
            }
        }
        // For operators that move pixels to other places the closed form returns "all", a bound; here no graph has one.
        Op::Reshape(_) if m != n => (vec![], m > 1),
        Op::Reshape(_) => (vec![i], false),
        Op::Combine(_) if m != n => (vec![], true),
        Op::Combine(_)
        | Op::Concat(_)
        | Op::Linear(_)
        | Op::BatchNorm(_)
        | Op::LayerNorm(_)
        | Op::Activation(_)
        | Op::PRelu(_)
        | Op::Slice(_)
        | Op::ChannelReduce(_)
        | Op::ChannelShuffle(_)
        | Op::ChannelPad(_)
        | Op::Unflatten(_)
        | Op::Dropout(_) => (vec![i], false),
        Op::Input(_) => unreachable!("the image has no inputs"),
    };
    (near, whole)
}

/// Compares every pixel and returns the number of those without a border.
fn compare(graph: &Graph, what: &str) -> usize {
    let closed: Vec<ReceptiveField> = receptive_fields(graph);
    let mut clean = 0;
    for axis in [0, 1] {
        let found = brute_force_fields(graph, axis);
        for id in graph.order() {
            let field = &closed[id.index()][axis];
            let at = format!("{what}: {} `{}` axis {axis}", id, graph.node(id).path);
            for (i, pixel) in found[id.index()].iter().enumerate() {
                let interval = field.intervals().and_then(|w| w.interval(i as i64));
                if !pixel.bordered {
                    assert_eq!(interval, pixel.near, "{at}, pixel {i}: {field:?}");
                    clean += 1;
                } else if let Some([first, last]) = pixel.near {
                    let [from, to] = interval.unwrap_or_else(|| panic!("{at}, pixel {i} sees {first}..={last}"));
                    assert!(from <= first && last <= to, "{at}, pixel {i}: {first}..={last} in {from}..={to}");
                }
                assert!(!pixel.far || field.sees_whole_axis, "{at}, pixel {i} sees all");
            }
        }
    }
    clean
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]
    #[test]
    fn random_fields_equal_brute_force(tape in prop::collection::vec(any::<u8>(), 20..300)) {
        compare(&random_graph(&tape), "random");
    }
}

/// The property above has content: every operator occurs, most pixels touch no border, most fields are known.
#[test]
fn random_graphs_are_worth_comparing() {
    use proptest::strategy::ValueTree;
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let tapes = prop::collection::vec(any::<u8>(), 20..300);
    let (mut names, mut clean, mut several) = (BTreeSet::new(), 0, 0);
    for _ in 0..200 {
        let graph = random_graph(&tapes.new_tree(&mut runner).unwrap().current());
        names.extend(graph.order().into_iter().map(|id| graph.node(id).op.name()));
        clean += compare(&graph, "random");
        let varied = |f: &ReceptiveField| f.iter().any(|a| a.intervals().is_some_and(|w| w.stride().den() > 1));
        several += usize::from(receptive_fields(&graph).iter().any(varied));
    }
    for name in
        ["conv", "conv_transpose", "maxpool_with_index", "unpool", "avgpool_to", "resize", "pad", "crop", "concat"]
    {
        assert!(names.contains(name), "never drawn: {name}");
    }
    assert!(clean > 20_000, "{clean} pixels without a border");
    assert!(several > 50, "{several} graphs with a stride that is no integer");
}

/// Every model file is compared at a size that its fields fit into, within the limits of brute force.
#[test]
fn fields_of_all_networks_equal_brute_force() {
    let mut seen = 0;
    for file in model_files("models").into_iter().chain(model_files("tests/graphs")) {
        for checked in compile_file(&file, Some([96, 208]), &[]).checked {
            let name = checked.graph().name.clone();
            assert!(compare(checked.graph(), &name) > 0, "{name}");
            seen += 1;
        }
    }
    assert!(seen > 30, "{seen} models");
}

/// If every layer sees the whole map, a field at the border is the same field clipped to the image.
#[test]
fn border_fields_are_cut_off() {
    for (file, name) in [("unet", "UNet"), ("fcn8s", "FCN8s"), ("segnet", "SegNet")] {
        let checked = compile_file(&repository(&format!("models/{file}.model")), Some([64, 96]), &[]).model(name);
        let graph = checked.graph();
        let closed = receptive_fields(graph);
        for (axis, n) in [(0, 64), (1, 96)] {
            let found = brute_force_fields(graph, axis);
            for id in graph.order() {
                for (i, pixel) in found[id.index()].iter().enumerate() {
                    let [first, last] = closed[id.index()][axis].intervals().unwrap().interval(i as i64).unwrap();
                    assert_eq!(
                        Some([first.max(0), last.min(n - 1)]),
                        pixel.near,
                        "{name} {} pixel {i}",
                        graph.node(id).path
                    );
                }
            }
        }
    }
}

/// Returns size, stride and offset of the result, vertically and horizontally.
fn result(text: &str, size: [usize; 2]) -> [(u64, String, f64); 2] {
    let checked = compile_text(text, Some(size), &[]).model("M");
    let node = checked.graph().results[0].1.node.index();
    let field = &receptive_fields(checked.graph())[node];
    [0, 1].map(|i| field[i].intervals().map(|w| (w.size(), w.stride().to_string(), w.offset())).unwrap())
}

/// Araujo, Norris and Sim (2019) print these sizes: VGG-16 before its classifier sees 212 pixels at stride 32,
/// ResNet-50 with the strides at the end of its stages 483.
#[test]
fn published_sizes() {
    let vgg = "npc 1\nblock cbr(x: [c, h, w], out: int) = x |> conv(out) |> relu\n\
               block group(x: [c, h, w], n: int) = x |> repeat(n, cbr(4)) |> maxpool(2)\n\
               model M(x: [3, H, W]) -> [4, H / 32, W / 32]\n  = x |> group(2) |> group(2) |> group(3) |> group(3) |> group(3)\n";
    assert_eq!(result(vgg, [224, 224])[0], (212, "32".into(), 15.5));
    let resnet = "npc 1\nblock unit(x: [c, h, w], stride: int = 1)\n  = x |> conv(4, k = 1) |> conv(4, stride = stride) |> conv(4, k = 1)\n\
                  model M(x: [3, H, W]) -> [4, H / 32, W / 32]\n  = x |> conv(4, k = 7, stride = 2) |> maxpool(3, stride = 2, pad = 1)\n\
                  |> repeat(2, unit) |> unit(stride = 2)\n    |> repeat(3, unit) |> unit(stride = 2)\n    \
                  |> repeat(5, unit) |> unit(stride = 2)\n    |> repeat(3, unit)\n";
    assert_eq!(result(resnet, [224, 224])[0], (483, "32".into(), 0.0));
}

proptest! {
    #[test]
    fn pairs_equal_brute_force(
        count in 1usize..9, stride in 1usize..7, dilation in 1usize..23, pad in 0usize..40,
        windows in 1usize..50, pixels in 1usize..50,
    ) {
        let inside = |i: usize, t: usize| (pad..pad + pixels).contains(&(i * stride + t * dilation));
        let found = (0..windows).flat_map(|i| (0..count).map(move |t| (i, t))).filter(|&(i, t)| inside(i, t)).count();
        let pairs = count_pairs(KernelTaps { count, stride, dilation, pad }, windows, pixels);
        prop_assert_eq!((pairs.inside, pairs.all), (found as u64, (windows * count) as u64));
    }

    /// The multiplications of a convolution and its transpose are counted one by one.
    #[test]
    fn effective_macs_equal_brute_force(
        kernel in [1usize..5, 1..5], stride in [1usize..4, 1..4], dilation in [1usize..6, 1..6], pad in [0usize..7, 0..7],
        map in [1usize..12, 1..12], groups in 1usize..3, turned in any::<bool>(),
    ) {
        let (c, out) = (4, 6);
        let op: Op = if turned {
            ConvTranspose { out, kernel, stride, dilation, pad, out_pad: [0; 2], groups, bias: true }.into()
        } else {
            Conv { out, kernel, stride, dilation, pad: ConvPadding::Explicit(pad), groups, bias: true }.into()
        };
        let input = TensorType::Tensor(Shape::map(c, map[0], map[1]));
        let Ok(outputs) = op.infer(std::slice::from_ref(&input)) else { return Ok(()) };
        let [_, h, w] = outputs[0].shape().dims().try_into().unwrap();
        let (windows, limits) = if turned { (map, [h, w]) } else { ([h, w], map) };
        let mut found = 0;
        for (y, x) in (0..windows[0]).flat_map(|y| (0..windows[1]).map(move |x| (y, x))) {
            for (ky, kx) in (0..kernel[0]).flat_map(|a| (0..kernel[1]).map(move |b| (a, b))) {
                let at = [y * stride[0] + ky * dilation[0], x * stride[1] + kx * dilation[1]];
                if (0..2).all(|i| (pad[i]..pad[i] + limits[i]).contains(&at[i])) {
                    found += (c * out / groups) as u64;
                }
            }
        }
        let mut graph = Graph::new("One");
        let add = |graph: &mut Graph, path: &str, op, inputs: &[Outlet], outputs| {
            graph.add(Node { path: path.into(), op, outputs, span: Span::default() }, inputs)
        };
        let image = add(&mut graph, "image", Op::Input(input.shape().clone()), &[], vec![input]);
        let node = add(&mut graph, "conv", op, &[Outlet { node: image, slot: 0 }], outputs);
        prop_assert_eq!(effective_macs(&graph)[node.index()], found);
    }
}

/// NPNet's branches at rates 1, 5, 15 and 20 on the 28x28 map of a 224x224 image. The figures are counted by hand: along
/// one axis a rate r leaves 28 + 2 (28 - r) of 84 pairs.
#[test]
fn npnet_on_a_small_map() {
    let checked = compile_file(&repository("models/npnet.model"), Some([224, 224]), &[]).model("NPNet");
    let graph = checked.graph();
    let mut found = Vec::new();
    for id in graph.order() {
        let node = graph.node(id);
        if let Op::Conv(conv) = &node.op
            && node.outputs[0].shape().spatial() == Some([28, 28])
            && conv.out == 40
        {
            let [down, across] = axis_pairs(&node.op, &graph.input_types(id), &node.outputs);
            assert_eq!(down, across);
            assert_eq!(down.all, 84);
            found.push((conv.dilation[0], down.inside));
            let macs = 128 * 40 * down.inside * across.inside;
            assert_eq!(effective_macs(graph)[id.index()], macs);
        }
    }
    assert_eq!(found, [(1, 82), (5, 74), (15, 54), (20, 44)]);
}

/// Batch norm reads one pixel, and a norm over the map reads all of them; both keep the field of their input.
#[test]
fn norms_over_the_map_see_all() {
    let field = |op: Op| {
        let mut graph = Graph::new("Norm");
        let image = TensorType::Tensor(Shape::map(2, 9, 9));
        let node = |path: &str, op| Node { path: path.into(), op, outputs: vec![image.clone()], span: Span::default() };
        let x = graph.add(node("image", Op::Input(image.shape().clone())), &[]);
        let y = graph.add(node("norm", op), &[Outlet { node: x, slot: 0 }]);
        receptive_fields(&graph).swap_remove(y.index())
    };
    let batch = field(BatchNorm { epsilon: 1e-5, momentum: 0.1 }.into());
    let instance = field(InstanceNorm { epsilon: 1e-5, affine: false }.into());
    assert_eq!((batch[0].sees_whole_axis, instance[0].sees_whole_axis), (false, true));
    assert_eq!([&batch, &instance].map(|f| f[0].intervals().unwrap().size()), [1, 1]);
}

/// The brute force, and through it the closed form, agrees with the gradients of PyTorch
/// (`tests/reference/torch_field.py`).
#[test]
fn brute_force_equals_gradients() {
    let text = std::fs::read_to_string(repository("tests/reference/fields.json")).unwrap();
    let fixture: serde_json::Value = serde_json::from_str(&text).unwrap();
    let cases = fixture["cases"].as_array().unwrap();
    assert!(cases.len() >= 15);
    for case in cases {
        let text = case["model"].as_str().unwrap();
        let checked = compile_text(text, None, &[]).model("M");
        let graph = checked.graph();
        compare(graph, text);
        let node = graph.results[0].1.node;
        let found: Vec<Option<[i64; 2]>> = brute_force_fields(graph, 1)[node.index()].iter().map(|p| p.near).collect();
        let gradients: Vec<Option<[i64; 2]>> = serde_json::from_value(case["columns"].clone()).unwrap();
        assert_eq!(found, gradients, "{text}");
    }
}

/// The table of docs/counting.md.
#[test]
fn documented_totals() {
    let page = std::fs::read_to_string(repository("docs/counting.md")).unwrap();
    let digits = |n: u64| {
        let text = n.to_string();
        let groups: Vec<&str> = text.as_bytes().rchunks(3).rev().map(|g| std::str::from_utf8(g).unwrap()).collect();
        groups.join(",")
    };
    for size in [[224, 224], [288, 384], [512, 512]] {
        let checked = compile_file(&repository("models/npnet.model"), Some(size), &[]).model("NPNet");
        let graph = checked.graph();
        let macs: u64 = graph
            .order()
            .iter()
            .map(|&id| graph.node(id).op.macs(&graph.input_types(id), &graph.node(id).outputs))
            .sum();
        let real: u64 = effective_macs(graph).iter().sum();
        let row = format!("| {} of {} ({:.1} %) |", digits(real), digits(macs), 100.0 * real as f64 / macs as f64);
        assert!(page.contains(&row), "docs/counting.md lacks {row}");
    }
}
