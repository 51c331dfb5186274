//! Memory that passes of the engine leave.

use crate::support::compile::compile_file;
use crate::support::device::device;
use burn::module::Module;
use burn::tensor::{Distribution, Int, Tensor};
use npc::internals::compute::engine_bridge::RecordedPass;
use npc::internals::compute::lower::lower;
use npc::internals::learn::loss::cross_entropy;
use npc::internals::learn::optim::AccumulatedGradients;
use std::path::Path;

/// Passes reuse the memory of the passes before them: nothing is lost, and nothing grows.
#[test]
fn a_repeated_pass_needs_no_new_memory() {
    let models = Path::new(env!("CARGO_MANIFEST_DIR")).join("models");
    let two: &[(&str, &str)] = &[("classes", "2")];
    for (file, name, with) in [("npnet.model", "NPNet", &[][..]), ("unetpp.model", "UNetPlusPlus", two)] {
        let checked = compile_file(&models.join(file), Some([48, 48]), with).model(name);
        let network = lower(&checked, &device(), 0);
        let [c, classes] = [checked.input().dims()[0], checked.output().dims()[0]];
        let image = || Tensor::<4>::random([2, c, 48, 48], Distribution::Default, &device());
        let mut made = Vec::new();
        for _ in 0..3 {
            drop(network.valid().forward(image()));
            made.push(network.engine().allocated_maps());
        }
        assert!(made[0] > 0 && made[1..] == [made[0]; 2], "{name}, inference: {made:?}");
        let network = network.train();
        let mut made = Vec::new();
        for seed in 0..6 {
            let RecordedPass { mut results, back } = network.record(image(), seed);
            let targets = Tensor::<3, Int>::zeros([2, 48, 48], network.device());
            let gradients = cross_entropy(results.remove(0), targets).backward();
            let gradients = AccumulatedGradients::of(&network, back, gradients);
            assert!(gradients.iter().count() > 10 && classes > 1);
            made.push(network.engine().allocated_maps());
        }
        // A buffer may first hold a smaller map than it could: the third step at the latest has all of them.
        assert!(made[3..] == [made[2]; 3], "{name}, training: {made:?}");
    }
}
