//! Networks that the language was not designed for, against the public PyTorch code that they follow.
//!
//! `tests/graphs/foreign/` holds the networks; `tests/reference/foreign_networks.py` documents the source of the
//! numbers. The claims in the files repeat them, so that `npc check` verifies them as well.

use crate::support::compile::compile_file;
use crate::support::repository::repository;
use npc::graph::check::CheckedGraph;
use npc::study::cost::{Convention, count};
use serde::Deserialize;

const FOLDER: &str = "tests/graphs/foreign";

#[derive(Deserialize)]
struct Reference {
    networks: Vec<Network>,
}

#[derive(Deserialize)]
struct Network {
    model: String,
    params: u64,
    buffers: u64,
    at: Vec<At>,
    #[cfg(feature = "run")]
    logits: Option<Logits>,
}

#[derive(Deserialize)]
struct At {
    size: [usize; 2],
    macs: u64,
    outputs: Vec<Vec<usize>>,
}

fn networks() -> Vec<Network> {
    let text = std::fs::read_to_string(repository("tests/reference/foreign.json")).unwrap();
    serde_json::from_str::<Reference>(&text).unwrap().networks
}

/// The file is named after its model: `MobileNetV2UNet` is in `mobilenetv2_unet.model`.
fn model(name: &str, size: [usize; 2]) -> CheckedGraph {
    let stem = name.to_lowercase();
    let stem = if stem.ends_with("unet") { stem.replace("unet", "_unet") } else { stem };
    compile_file(&repository(&format!("{FOLDER}/{stem}.model")), Some(size), &[]).model(name)
}

#[test]
fn counts_and_shapes_agree_with_pytorch() {
    let networks = networks();
    assert!(networks.len() >= 6);
    for network in networks {
        for at in &network.at {
            let checked = model(&network.model, at.size);
            let report = count(&checked, Convention::Conv);
            let shapes: Vec<Vec<usize>> = checked.results().map(|(_, shape)| shape.dims().to_vec()).collect();
            let found = (report.params, report.buffers, report.macs, &shapes);
            assert_eq!(
                found,
                (network.params, network.buffers, at.macs, &at.outputs),
                "{} {:?}",
                network.model,
                at.size
            );
        }
    }
}

#[cfg(feature = "cli")]
#[test]
fn their_claims_hold() {
    use crate::support::program::npc;
    use crate::support::repository::model_files;
    let files: Vec<String> = model_files(FOLDER).iter().map(|p| p.display().to_string()).collect();
    let args: Vec<&str> = ["check", "--table"].into_iter().chain(files.iter().map(String::as_str)).collect();
    let output = npc(&repository("."), &args);
    assert_eq!(output.code, 0, "{}", output.stderr);
    for network in networks() {
        let claim = format!("params == {}", network.params);
        let held = output
            .stdout
            .lines()
            .filter(|l| l.starts_with(&network.model) && l.contains(&claim) && l.ends_with("holds"));
        assert_eq!(held.count(), 2, "{}\n{}", network.model, output.stdout);
    }
}

#[cfg(feature = "run")]
#[derive(Deserialize)]
struct Logits {
    size: [usize; 2],
    tensors: usize,
    root_mean_square: f64,
    step: usize,
    sample: Vec<f64>,
}

#[cfg(feature = "run")]
mod logits {
    use super::*;
    use crate::support::device::device;
    use burn::tensor::{Tensor, TensorData};
    use npc::internals::compute::lower::lower;
    use npc::internals::compute::weights;
    use npc::internals::compute::weights::NamedTensor;

    /// Relative to the root mean square of the logits; PyTorch computed in 64 bits.
    const FAR: f64 = 1e-4;

    /// Numbers in [-1, 1): the top 23 bits of splitmix64.
    fn noise(seed: u64, n: usize) -> impl Iterator<Item = f64> {
        (0..n as u64).map(move |i| {
            let mut z = seed.wrapping_add((i + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15));
            z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
            let top = (z ^ (z >> 31)) >> 41;
            (top as f64 - f64::from(1 << 22)) / f64::from(1 << 22)
        })
    }

    fn value(seed: u64, name: &str, shape: &[usize]) -> Vec<f32> {
        let fan_in: usize = shape[1..].iter().product();
        let scale = |x: f64| match name {
            _ if shape.len() > 1 => x * (6.0 / fan_in as f64).sqrt(),
            "bias" | "running_mean" => x * 0.1,
            _ => (3.0 + x) / 4.0,
        };
        noise(seed, shape.iter().product()).map(|x| scale(x) as f32).collect()
    }

    #[test]
    fn logits_agree_with_pytorch() {
        let mut compared = 0;
        for network in networks() {
            let Some(expected) = &network.logits else { continue };
            let [h, w] = expected.size;
            let lowered = lower(&model(&network.model, [h, w]), &device(), 0);
            let layout = weights::layout(&lowered);
            assert_eq!(layout.len(), expected.tensors, "{}", network.model);
            let tensors = (1..).zip(layout).map(|(seed, (name, shape))| {
                let values = value(seed, name.rsplit('.').next().unwrap_or_default(), &shape);
                NamedTensor { name, shape, values }
            });
            let lowered = weights::load(lowered, tensors.collect()).unwrap();
            let image: Vec<f32> = noise(0, 3 * h * w).map(|x| x as f32).collect();
            let logits = lowered.forward(Tensor::from_data(TensorData::new(image, [1, 3, h, w]), &device())).remove(0);
            let logits: Vec<f32> = logits.into_data().try_into_vec().unwrap();
            let sample: Vec<f64> = logits.iter().step_by(expected.step).map(|&v| f64::from(v)).collect();
            assert_eq!(sample.len(), expected.sample.len(), "{}", network.model);
            let square: f64 = logits.iter().map(|&v| f64::from(v) * f64::from(v)).sum::<f64>() / logits.len() as f64;
            let pairs = sample.iter().zip(&expected.sample).map(|(a, b)| (a - b).abs());
            let whole = (square.sqrt() - expected.root_mean_square).abs();
            let worst = pairs.fold(whole, |m, d| if d.is_nan() || d > m { d } else { m }) / expected.root_mean_square;
            println!("{:<16} {worst:.1e}", network.model);
            assert!(worst < FAR, "{}: {worst:.1e}", network.model);
            compared += 1;
        }
        assert_eq!(compared, 6);
    }
}
