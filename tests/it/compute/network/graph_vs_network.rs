//! The graph against the network: for every model file, and for random graphs.

use crate::support::compile::{compile_file, compile_text};
use crate::support::device::device;
use crate::support::header::size_of;
use crate::support::random_model::model;
use crate::support::repository::model_files;
use crate::support::tape::Tape;
use burn::module::{Module, ModuleVisitor, Param};
use burn::tensor::{Device, Tensor, TensorData};
use npc::graph::check::{CheckedGraph, check};
use npc::graph::ir::{Graph, Node, Outlet};
use npc::graph::op::{Arity, Op, SIGNATURES};
use npc::graph::ty::{Shape, TensorType};
use npc::internals::compute::lower::lower;
use npc::internals::compute::network::Network;
use npc::internals::compute::weights::tensors;
use npc::text::source::Span;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use std::collections::{BTreeMap, BTreeSet};

/// Size that is tried after that of the file.
const SIZES: [[usize; 2]; 6] = [[48, 80], [33, 47], [64, 96], [96, 64], [64, 64], [32, 32]];

/// Returns every model and variant that compiles, at the first two sizes that it accepts, or at its only one.
fn models() -> Vec<(String, Vec<CheckedGraph>)> {
    let mut all = Vec::new();
    for file in model_files("models").into_iter().chain(model_files("tests/graphs")) {
        let text = std::fs::read_to_string(&file).unwrap();
        if !text.lines().any(|line| line.starts_with("model ")) {
            continue;
        }
        let stem = file.file_stem().unwrap().to_string_lossy();
        let mut found: BTreeMap<String, Vec<CheckedGraph>> = BTreeMap::new();
        for size in std::iter::once(size_of(&text)).chain(SIZES.map(Some)) {
            for checked in compile_file(&file, size, &[]).checked {
                let sizes = found.entry(format!("{stem}/{}", checked.graph().name)).or_default();
                if sizes.len() < 2 && sizes.iter().all(|other| other.input() != checked.input()) {
                    sizes.push(checked);
                }
            }
        }
        assert!(!found.is_empty(), "{stem} holds no model that compiles");
        all.extend(found);
    }
    all
}

/// Whether operators and shapes of weights are equal, so that only the size of the image differs.
fn one_network_serves(a: &CheckedGraph, b: &CheckedGraph) -> bool {
    let ops =
        |c: &CheckedGraph| c.graph().order().into_iter().skip(1).map(|id| c.graph().node(id).op.clone()).collect();
    let (a_ops, b_ops): (Vec<Op>, Vec<Op>) = (ops(a), ops(b));
    a_ops == b_ops && declared_tensors(a) == declared_tensors(b)
}

/// Returns the dotted names and shapes of the graph's tensors.
fn declared_tensors(checked: &CheckedGraph) -> Vec<(String, Vec<usize>)> {
    let graph = checked.graph();
    let tensors_of = |id| {
        let node = graph.node(id);
        let params = node.op.params(&graph.input_types(id));
        params.into_iter().map(move |p| (format!("{}.{}", node.path, p.name), p.shape))
    };
    graph.order().into_iter().flat_map(tensors_of).collect()
}

/// Returns the tensors that Burn's visitor finds, with a linear layer's matrix transposed to PyTorch's `[out, in]`.
fn module_tensors(network: &Network) -> Vec<(String, Vec<usize>)> {
    #[derive(Default)]
    struct Seen(Vec<String>, Vec<(String, Vec<usize>)>);
    impl ModuleVisitor for Seen {
        fn enter_module(&mut self, name: &str, _: &str) {
            self.0.push(name.to_string());
        }
        fn exit_module(&mut self, name: &str, _: &str) {
            assert_eq!(self.0.pop().as_deref(), Some(name));
        }
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            let mut dims = param.val().dims().to_vec();
            if D == 2 {
                dims.reverse();
            }
            self.1.push((self.0.join("."), dims));
        }
    }
    let mut visitor = Seen::default();
    network.visit(&mut visitor);
    visitor.1
}

/// Returns the same network with every value as a result, so that a forward pass returns all of them.
fn with_all_results(checked: &CheckedGraph) -> CheckedGraph {
    let mut graph = checked.graph().clone();
    let mut results = Vec::new();
    for node in graph.order() {
        for slot in 0..graph.node(node).outputs.len() {
            results.push((format!("{}:{slot}", graph.node(node).path), Outlet { node, slot }));
        }
    }
    graph.results = results;
    check(graph).expect("other results break nothing")
}

/// Returns `[n, c, h, w]`, where a vector is a map of 1 x 1.
fn dims(n: usize, ty: &TensorType) -> [usize; 4] {
    let shape = ty.shape();
    let [h, w] = shape.spatial().unwrap_or([1, 1]);
    [n, shape.channels(), h, w]
}

/// Returns an image `[n, c, h, w]` of smooth numbers in -1..1.
fn image(n: usize, shape: &Shape, device: &Device) -> Tensor<4> {
    let dims = dims(n, &TensorType::Tensor(shape.clone()));
    let values: Vec<f32> = (0..dims.iter().product()).map(|i: usize| (i as f32 * 0.37).sin()).collect();
    Tensor::from_data(TensorData::new(values, dims), device)
}

/// Runs a forward pass and compares the dims of every value with the inferred ones.
fn forward(checked: &CheckedGraph, network: &Network, n: usize) -> Result<Vec<Tensor<4>>, String> {
    let outputs = network.forward(image(n, checked.input(), network.device()));
    for ((name, outlet), output) in checked.graph().results.iter().zip(&outputs) {
        let (inferred, found) = (dims(n, checked.graph().ty(*outlet)), output.dims());
        if inferred != found {
            return Err(format!("{name}: inferred {inferred:?}, computed {found:?}"));
        }
    }
    Ok(outputs)
}

/// Names and shapes of weights and the dims of every value are those of the graph, at two sizes. If nothing in the network
/// depends on the size, the network of one size must run at the other.
#[test]
fn every_network_matches_its_graph() {
    for (name, sizes) in models() {
        let open: Vec<CheckedGraph> = sizes.iter().map(with_all_results).collect();
        let mut network = lower(&open[0], &device(), 0);
        for (i, checked) in open.iter().enumerate() {
            if i > 0 && !one_network_serves(&open[0], checked) {
                network = lower(checked, &device(), 0);
            }
            assert_eq!(module_tensors(&network), declared_tensors(checked), "{name} {}", checked.input());
            forward(checked, &network, 1).unwrap_or_else(|e| panic!("{name} {}: {e}", checked.input()));
        }
    }
}

/// Each tensor is initialized from its name, so small networks represent large ones, which take long.
const DRAWN: usize = 3_000_000;

#[test]
fn the_same_seed_gives_the_same_weights() {
    for (name, sizes) in models() {
        let elements: usize =
            declared_tensors(&sizes[0]).iter().map(|(_, shape)| shape.iter().product::<usize>()).sum();
        if elements > DRAWN {
            continue;
        }
        let [a, b, c] = [0, 0, 1].map(|seed| tensors(&lower(&sizes[0], &device(), seed)));
        assert!(a == b, "{name}: seed 0 twice");
        let drawn = a.iter().any(|t| t.name.ends_with("weight") && t.shape.len() > 1);
        assert_eq!(a != c, drawn, "{name}: seeds 0 and 1");
    }
}

/// Returns a graph of the calls of a tape that their operators accept, with every value as a result.
fn graph_of(tape: &[u32]) -> Graph {
    let mut tape = Tape::new(tape);
    let shape = Shape::map(1 + tape.below(4), 1 + tape.below(10), 1 + tape.below(10));
    let mut graph = Graph::new("Random");
    let add = |graph: &mut Graph, op: Op, inputs: &[Outlet], outputs: Vec<TensorType>| {
        let path = format!("op{}", graph.len());
        let slots = 0..outputs.len();
        let node = graph.add(Node { path: path.clone(), op, outputs, span: Span::default() }, inputs);
        graph.results.extend(slots.map(|slot| (format!("{path}:{slot}"), Outlet { node, slot })));
    };
    add(&mut graph, Op::Input(shape.clone()), &[], vec![TensorType::Tensor(shape)]);
    while !tape.ended() && graph.len() < 14 {
        let signature = &SIGNATURES[tape.below(SIGNATURES.len())];
        let Some((op, _)) = tape.operator(signature) else { continue };
        let count = match op.arity() {
            Arity::Exactly(n) => n,
            Arity::AtLeast(n) => n + tape.below(3),
        };
        // The newest values come first, so that graphs grow deep.
        let known = graph.results.len();
        let mut inputs: Vec<Outlet> = (0..count).map(|_| graph.results[known - 1 - tape.below(known)].1).collect();
        if let Op::Unpool(_) = op {
            // A random choice would hardly ever find a pool's indices and a map of their shape.
            let index = |outlet: &Outlet| graph.ty(*outlet).tensor().is_none();
            let Some(at) = graph.results.iter().map(|r| r.1).rfind(index) else { continue };
            let fits = |outlet: &Outlet| graph.ty(*outlet).tensor() == Some(graph.ty(at).shape());
            let maps: Vec<Outlet> = graph.results.iter().map(|r| r.1).filter(fits).collect();
            inputs = vec![maps[tape.below(maps.len())], at];
        }
        let types: Vec<TensorType> = inputs.iter().map(|&i| graph.ty(i).clone()).collect();
        if let Ok(outputs) = op.infer(&types)
            && outputs.iter().all(|ty| ty.shape().elements() < 20_000)
        {
            add(&mut graph, op, &inputs, outputs);
        }
    }
    graph
}

proptest! {
    /// A graph that passes `check` runs, as the documentation of `check` promises. Training steps are run as well.
    #[test]
    fn graphs_that_pass_check_run(tape in prop::collection::vec(any::<u32>(), 20..250)) {
        if let Ok(checked) = check(graph_of(&tape)) {
            let network = lower(&checked, &device(), 0);
            prop_assert_eq!(module_tensors(&network), declared_tensors(&checked));
            forward(&checked, &network, 1).map_err(TestCaseError::fail)?;
            let network = network.train();
            let outputs = forward(&checked, &network, 2).map_err(TestCaseError::fail)?;
            if !network.layers().is_empty() {
                let sum = outputs.into_iter().map(Tensor::mean).reduce(Tensor::add).expect("the image is a result");
                sum.backward();
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    /// The same for texts, at the size that a model was written for and at any other that it accepts.
    #[test]
    fn models_that_pass_check_run(seed in any::<u64>(), h in 5usize..40, w in 5usize..40) {
        let text = model(&mut Tape::seeded(seed));
        for size in [size_of(&text), Some([h, w])] {
            for checked in compile_text(&text, size, &[]).checked {
                let open = with_all_results(&checked);
                let network = lower(&open, &device(), 0);
                prop_assert_eq!(module_tensors(&network), declared_tensors(&open), "{}", text);
                forward(&open, &network, 1).map_err(|e| TestCaseError::fail(format!("{e}\n{text}")))?;
            }
        }
    }
}

/// Most random models run at a second size too.
#[test]
fn random_models_accept_other_sizes() {
    let accepted = |seed: &u64| {
        let text = model(&mut Tape::seeded(*seed));
        let [h, w] = [8 + seed % 29, 8 + seed % 31].map(|n| n as usize);
        !compile_text(&text, Some([h, w]), &[]).checked.is_empty()
    };
    let passed = (0..200).filter(accepted).count();
    assert!(passed > 100, "{passed} of 200 pass");
}

/// The property above has content: all operators occur, and most graphs pass.
#[test]
fn random_graphs_hold_every_operator() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let tapes = prop::collection::vec(any::<u32>(), 20..250);
    let (mut names, mut passed) = (BTreeSet::new(), 0);
    for _ in 0..300 {
        let graph = graph_of(&tapes.new_tree(&mut runner).unwrap().current());
        names.extend(graph.order().into_iter().map(|id| graph.node(id).op.name()));
        passed += usize::from(check(graph).is_ok());
    }
    let missing: Vec<_> = SIGNATURES.iter().map(|s| s.name).filter(|n| !names.contains(n)).collect();
    assert!(missing.is_empty(), "never drawn: {missing:?}");
    assert!(passed > 200, "{passed} of 300 pass");
}
