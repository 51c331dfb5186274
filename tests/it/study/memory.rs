//! Memory: small graphs by hand, every model against a naive liveness, and properties of any graph.

use crate::support::compile::{compile_file, compile_text};
use crate::support::header::size_of;
use crate::support::repository::model_files;
use npc::graph::check::{CheckedGraph, FrozenPaths};
use npc::graph::ir::Outlet;
use npc::graph::op::{BatchBytes, OutputStorage, PassKind};
use npc::study::cost::memory::{MemoryTimeline, memory, memory_frozen};
use std::collections::HashMap;

/// Returns the only model of a text.
fn model(body: &str, size: [usize; 2]) -> CheckedGraph {
    let front = compile_text(&format!("npc 1\n\n{body}"), Some(size), &[]);
    assert!(!front.problems.has_errors(), "{}", front.rendered());
    front.checked.into_iter().next().unwrap()
}

/// Returns name, bytes of tensors and bytes of workspace of each step, for one image.
fn steps(checked: &CheckedGraph, timeline: &MemoryTimeline) -> Vec<(String, u64, u64)> {
    let row =
        |m: &npc::study::cost::memory::MemorySample| (m.place(checked.graph()), m.tensors.at(1), m.workspace.at(1));
    timeline.samples().iter().map(row).collect()
}

fn tensors(checked: &CheckedGraph) -> Vec<(String, u64)> {
    let all = memory(checked, 2, 1);
    let network = all.weights + all.buffers;
    steps(checked, &all.inference).into_iter().map(|(place, tensors, _)| (place, tensors - network)).collect()
}

fn with_names<T: Copy>(rows: &[(&str, T)]) -> Vec<(String, T)> {
    rows.iter().map(|&(name, value)| (name.to_string(), value)).collect()
}

const CHAIN: &str = "model Chain(x: [1, H, W]) -> [1, H, W] {
  return x |> conv(2) |> relu |> conv(1, k = 1)
}
";

/// The weights are 1 * 2 * 9 + 2 and 2 + 1 words: 92 bytes. The image has 64 bytes, the output of the first convolution
/// 128.
#[test]
fn a_chain_by_hand() {
    let checked = model(CHAIN, [4, 4]);
    let all = memory(&checked, 2, 1);
    assert_eq!((all.weights, all.buffers, all.optimizer), (92, 0, 184));
    // The relu overwrites its input, which no other node reads.
    assert_eq!(tensors(&checked), with_names(&[("x", 64), ("conv", 64 + 128), ("relu", 128), ("conv2", 128 + 64)]));
    // Both convolutions are small enough to need no workspace.
    assert!(all.inference.samples().iter().all(|m| m.workspace == BatchBytes::NONE));

    // In training the convolutions keep their inputs and the relu keeps its own, so nothing is overwritten.
    assert_eq!(all.saved, BatchBytes { fixed: 0, per_image: 64 + 128 + 128 + 64 });
    let base = 3 * 92;
    let row = |place: &str, tensors: u64, workspace: u64| (place.to_string(), base + tensors, workspace);
    let expected = [
        row("x", 64, 0),
        row("conv", 64 + 128, 0),
        row("relu", 64 + 128 + 128, 0),
        row("conv2", 64 + 128 + 128 + 64, 0),
        // The classes need a word a pixel; then follows the gradient of the logits.
        row("loss", 384 + 64, 64),
        row("loss", 384 + 64 + 64, 64),
        // Logits and classes are freed: 320 bytes are saved, plus gradients of output and input. Workspace: 16 pixels
        // by 2 columns.
        row("conv2 (backward)", 320 + 64 + 128, 4 * 32),
        // The gradient of 3 weights is computed. Workspace: 2 maps in and 1 out, twice, and a column as long as a map.
        row("conv2 (backward)", 320 + 64 + 128 + 12, 4 * (2 * 48 + 16)),
        // The gradient is computed in place.
        row("relu (backward)", 192 + 128 + 12, 0),
        row("relu (backward)", 192 + 128 + 12, 0),
        // The image has no gradient.
        row("conv (backward)", 64 + 128 + 12, 0),
        row("conv (backward)", 64 + 128 + 12 + 80, 4 * (2 * 48 + 9 * 16)),
        row("update", 92, 72),
    ];
    assert_eq!(steps(&checked, &all.training), expected);
    assert_eq!(all.training.peak(1).bytes, base + 284 + 4 * (96 + 144));
}

/// Frozen tensors have no gradient and no moments, and nothing is kept before the first trained weight.
#[test]
fn a_frozen_chain_by_hand() {
    let checked = model(CHAIN, [4, 4]);
    let frozen = |path: &str| memory_frozen(&checked, &FrozenPaths::new([path.to_string()]), 2, 1);

    let all = frozen("conv");
    assert_eq!((all.weights, all.gradients, all.optimizer), (92, 12, 24));
    // Kept are the input of the second convolution and the result.
    assert_eq!(all.saved, BatchBytes { fixed: 0, per_image: 128 + 64 });
    let base = 92 + 24;
    let row = |place: &str, tensors: u64, workspace: u64| (place.to_string(), base + tensors, workspace);
    let expected = [
        row("x", 64, 0),
        row("conv", 64 + 128, 0),
        row("relu", 128, 0),
        row("conv2", 128 + 64, 0),
        row("loss", 128 + 64 + 64, 64),
        row("loss", 128 + 64 + 64 + 64, 64),
        // Its input has no gradient.
        row("conv2 (backward)", 128 + 64, 0),
        row("conv2 (backward)", 128 + 64 + 12, 4 * (2 * 48 + 16)),
        row("update", 12, 8),
    ];
    assert_eq!(steps(&checked, &all.training), expected);
    assert_eq!(all.inference, memory(&checked, 2, 1).inference);

    // After the trained convolution everything is kept as without freezing, except the gradient of its weights.
    let all = frozen("conv2");
    assert_eq!((all.weights, all.gradients, all.optimizer), (92, 80, 160));
    assert_eq!(all.saved, memory(&checked, 2, 1).saved);
    let base = 92 + 160;
    let row = |place: &str, tensors: u64, workspace: u64| (place.to_string(), base + tensors, workspace);
    let expected = [
        row("conv2 (backward)", 320 + 64 + 128, 4 * 32),
        row("conv2 (backward)", 320 + 64 + 128, 0),
        row("relu (backward)", 192 + 128, 0),
        row("relu (backward)", 192 + 128, 0),
        row("conv (backward)", 64 + 128, 0),
        row("conv (backward)", 64 + 128 + 80, 4 * (2 * 48 + 9 * 16)),
        row("update", 80, 72),
    ];
    assert_eq!(steps(&checked, &all.training)[6..], expected);
}

/// The first map stays until it is added; the sum overwrites it.
#[test]
fn a_skip_by_hand() {
    let checked = model(
        "model Skip(x: [4, H, W]) -> [4, H, W] {
  let y = x |> conv(4, k = 1)
  return y + (y |> conv(4, k = 1) |> relu)
}
",
        [2, 2],
    );
    let map = 64;
    let expected = [("x", map), ("y.conv", 2 * map), ("conv", 2 * map), ("relu", 2 * map), ("add", 2 * map)];
    assert_eq!(tensors(&checked), with_names(&expected));
    // Kept are the image, the first map (read twice, counted once) and the input of the relu. The sum keeps nothing and
    // overwrites the relu's output, since the first map is kept.
    assert_eq!(memory(&checked, 2, 1).saved.at(1), 4 * map);
}

/// The upper level stays while the lower one is computed; the joint map exists together with both of its parts.
#[test]
fn a_u_by_hand() {
    let checked = model(
        "model U(x: [2, H, W]) -> [1, H, W] {
  let top = x |> conv(4)
  let low = top |> maxpool(2) |> conv(8)
  return concat(top, low |> up(2, mode = nearest)) |> conv(1, k = 1)
}
",
        [4, 4],
    );
    let (top, pooled, low, up) = (256, 64, 128, 512);
    let expected = [
        ("x", 128),
        ("top.conv", 128 + top),
        ("low.maxpool", top + pooled),
        ("low.conv", top + pooled + low),
        ("up", top + low + up),
        ("concat", 2 * (top + up)),
        ("conv", top + up + 64),
    ];
    assert_eq!(tensors(&checked), with_names(&expected));
    let all = memory(&checked, 2, 1);
    assert_eq!(all.inference.peak(1).sample.place(checked.graph()), "concat");
    // Kept are the image, top, a word for each pooled number, pooled, the joint map and the result. Not `low`: nearest
    // needs no input.
    assert_eq!(all.saved.at(1), 128 + top + pooled + pooled + (top + up) + 64);
}

/// Finds every live value at every step by searching the whole graph each time.
fn naive_liveness(checked: &CheckedGraph) -> Vec<BatchBytes> {
    let graph = checked.graph();
    let order = graph.order();
    let reads: Vec<Vec<Outlet>> = order.iter().map(|&id| graph.inputs(id)).collect();
    let results: Vec<Outlet> = graph.results.iter().map(|(_, o)| *o).collect();
    let read_from = |o: &Outlet, from: usize| results.contains(o) || reads[from..].iter().any(|r| r.contains(o));
    // The outlet whose buffer holds a value, and whether the value fills it.
    let mut home: HashMap<Outlet, (Outlet, bool)> = HashMap::new();
    let mut found = Vec::new();
    for (at, &id) in order.iter().enumerate() {
        let types: Vec<_> = reads[at].iter().map(|&o| graph.ty(o).clone()).collect();
        let node = graph.node(id);
        for slot in 0..node.outputs.len() {
            let own = Outlet { node: id, slot };
            let storage = node.op.memory(PassKind::Inference, &types, &node.outputs).output;
            let place = match storage {
                _ if slot > 0 => (own, true),
                OutputStorage::New => (own, true),
                OutputStorage::Alias(s) => home[&reads[at][s]],
                OutputStorage::Part(s) => (home[&reads[at][s]].0, false),
                OutputStorage::InPlace(slots) => {
                    let free = |s: &&usize| {
                        let (buffer, whole) = home[&reads[at][**s]];
                        let later = home.iter().any(|(o, (b, _))| *b == buffer && read_from(o, at + 1));
                        let others = reads[at].iter().filter(|o| home[*o].0 == buffer).count();
                        whole && !later && others == 1
                    };
                    slots.iter().find(free).map_or((own, true), |&s| home[&reads[at][s]])
                }
            };
            home.insert(own, place);
        }
        let alive = |o: &Outlet| o.node == id || read_from(o, at);
        let mut buffers: Vec<Outlet> = home.iter().filter(|(o, _)| alive(o)).map(|(_, (buffer, _))| *buffer).collect();
        buffers.sort_unstable();
        buffers.dedup();
        found.push(buffers.into_iter().fold(BatchBytes::NONE, |sum, o| sum + BatchBytes::of(graph.ty(o))));
    }
    found
}

/// Returns every model and variant of the repository and of the test graphs.
fn all_models() -> Vec<(String, CheckedGraph)> {
    let mut all = Vec::new();
    for file in model_files("models").into_iter().chain(model_files("tests/graphs")) {
        let text = std::fs::read_to_string(&file).unwrap();
        for checked in compile_file(&file, size_of(&text), &[]).checked {
            all.push((format!("{} of {}", checked.graph().name, file.display()), checked));
        }
    }
    assert!(all.len() > 40, "{}", all.len());
    all
}

#[test]
fn inference_is_naive_liveness() {
    for (name, checked) in all_models() {
        let all = memory(&checked, 2, 1);
        let network = BatchBytes { fixed: all.weights + all.buffers, per_image: 0 };
        let played: Vec<BatchBytes> = all.inference.samples().iter().map(|m| m.tensors.minus(network)).collect();
        assert_eq!(played, naive_liveness(&checked), "{name}");
    }
}

#[test]
fn a_peak_is_at_least_what_any_operator_reads_and_writes() {
    for (name, checked) in all_models() {
        let (all, graph) = (memory(&checked, 2, 1), checked.graph());
        for id in graph.order() {
            let inputs = graph.inputs(id);
            let node = graph.node(id);
            let reads = inputs.iter().enumerate().filter(|(i, o)| !inputs[..*i].contains(o));
            let reads = reads.fold(0, |sum, (_, &o)| sum + BatchBytes::of(graph.ty(o)).at(3));
            let writes: u64 = node.outputs.iter().map(|ty| BatchBytes::of(ty).at(3)).sum();
            let new =
                node.op.memory(PassKind::Inference, &graph.input_types(id), &node.outputs).output == OutputStorage::New;
            let least = all.weights + if new { reads + writes } else { writes };
            // Two inputs may share one buffer; no operator of the fixtures reads two views and makes a third.
            assert!(all.inference.peak(3).bytes >= least, "{name}: {}", node.path);
            assert!(all.training.peak(3).bytes >= least, "{name}: {}", node.path);
        }
    }
}

#[test]
fn more_images_need_more_and_the_largest_batch_is_exact() {
    for (name, checked) in all_models() {
        let all = memory(&checked, 2, 1);
        for timeline in [&all.inference, &all.training] {
            let peaks: Vec<u64> = (1..=9).map(|n| timeline.peak(n).bytes).collect();
            // The update of the weights needs the same memory for any batch.
            assert!(peaks.windows(2).all(|w| w[0] <= w[1]), "{name}: {peaks:?}");
            assert!(timeline.peak(1000).bytes < timeline.peak(1001).bytes, "{name}");
            for batch in [1, 7, 1000] {
                let exact = timeline.peak(batch).bytes;
                let n = timeline.largest_batch(exact);
                assert!(n >= batch && timeline.peak(n).bytes == exact, "{name}: {n}");
                assert!(timeline.largest_batch(exact - 1) < batch, "{name}");
            }
            for limit in [0, 1, 1 << 20, 1_000_000_007, 1 << 40] {
                let n = timeline.largest_batch(limit);
                assert!(n == 0 || timeline.peak(n).bytes <= limit, "{name}: {n} in {limit}");
                assert!(timeline.peak(n + 1).bytes > limit, "{name}: {} in {limit}", n + 1);
            }
        }
    }
}

/// The memory of a training step is freed, except for the gradients of the weights.
#[test]
fn nothing_is_left_after_backward() {
    for (name, checked) in all_models() {
        let all = memory(&checked, 2, 1);
        let last = all.training.samples().last().unwrap();
        // The loss of a run does not read results that no weight leads to; this test uses all of them.
        assert_eq!(last.tensors.per_image, 0, "{name}");
        assert_eq!(last.tensors.fixed, 4 * all.weights + all.buffers, "{name}");
    }
}

#[cfg(feature = "cli")]
mod cli {
    use crate::support::program::npc;
    use crate::support::repository::repository;
    use serde_json::Value;

    fn check(args: &[&str]) -> crate::support::program::ProgramOutput {
        let unet = ["check", "models/unet.model", "--model", "UNet", "--size", "64x96"];
        npc(&repository("."), &[&unet, args].concat())
    }

    fn json(args: &[&str]) -> Value {
        let output = check(&[&["--format", "json"], args].concat());
        let document: Value = serde_json::from_str(&output.stdout).unwrap_or_else(|e| panic!("{e}: {}", output.stderr));
        assert_eq!(document["schema"], 1);
        document["models"][0]["memory"].clone()
    }

    #[test]
    fn check_reports_batch_and_memory() {
        let one = json(&["--batch", "1"]);
        assert_eq!((&one["batch"], &one["weights"]), (&1.into(), &(34_526_081 * 4).into()));
        assert_eq!(one["optimizer"], 2 * 34_526_081 * 4);
        assert!(one.get("largest_batch").is_none());
        // Equal amounts of memory in different spellings.
        let largest = |memory: &str| json(&["--memory", memory])["largest_batch"].clone();
        let gib = largest("2GiB");
        assert_eq!(gib["memory"], 2u64 << 30);
        for spelled in ["2048 MiB", "2147483648b", "2gib", "2.0GiB"] {
            assert_eq!(largest(spelled), gib, "{spelled}");
        }
        assert_eq!(largest("1.5 kB")["memory"], 1_500);
        let n = gib["training"].as_u64().unwrap();
        let needs = |n: u64| json(&["--batch", &n.to_string()])["training"]["peak"].as_u64().unwrap();
        assert!(n > 0 && needs(n) <= 2 << 30 && needs(n + 1) > 2 << 30, "{n}");
        let output = check(&["--batch", "4", "--memory", "100MB"]);
        assert!(output.stdout.contains("largest batch in 100.00 MB: none to run, none to train"), "{}", output.stdout);
    }

    #[test]
    fn invalid_amounts_are_refused() {
        let refused = |args: &[&str], part: &str| {
            let output = check(args);
            assert_eq!(output.code, 2, "{args:?}: {}", output.stderr);
            assert!(output.stderr.contains(part), "{args:?}: {}", output.stderr);
        };
        refused(&["--memory", "8"], "`8` has no unit; write for example 8GB or 8MiB");
        refused(&["--memory", "8 bananas"], "unknown unit `bananas`");
        refused(&["--memory", "GB"], "is not an amount of memory");
        refused(&["--memory", "1.2.3GB"], "is not an amount of memory");
        refused(&["--memory", "0MB"], "must be positive");
        refused(&["--memory", "99999999999TB"], "more than 2^64");
        refused(&["--batch", "0"], "0 is not in 1..=4294967296");
        refused(&["--batch", "four"], "invalid digit");
    }
}
