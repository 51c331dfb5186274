//! What training would refuse, reported by `npc data check` where the data block and its runs show it.

use crate::support::data_sets::small_set;
use crate::support::program::npc;
use std::fs;

/// Runs `npc data check` on six pairs of grey images with a network of `channels` inputs, and returns exit code and text.
fn check(channels: usize, keys: &str, train: &str) -> (i32, String) {
    let dir = small_set(6);
    let model = format!(
        "npc 1\nmodel Net(x: [{channels}, H, W]) -> [2, H, W] = x |> conv(2)\n\
         data d {{ images = \"images/*\" masks = \"masks/*\" size = [8, 8] classes = [\"a\", \"b\"] labels = [0, 255] \
         empty = one {keys} }}\ntrain t = Net on d {{ epochs = 1 {train} }}\n"
    );
    fs::write(dir.path().join("d.model"), model).unwrap();
    let output = npc(dir.path(), &["data", "check", "d.model"]);
    (output.code, output.stdout + &output.stderr)
}

#[track_caller]
fn told(found: (i32, String), wanted: &str) {
    assert!(found.0 == 1 && found.1.contains(wanted), "{wanted}\n{}", found.1);
}

#[test]
fn channels_of_the_network_and_lengths_of_mean_and_std() {
    assert_eq!(check(1, "", "").0, 0);
    assert_eq!(check(3, "mean = [0.5, 0.4, 0.3] std = 0.2", "").0, 0);
    for channels in [2, 4] {
        told(
            check(channels, "", ""),
            &format!("error[E0716, model]: `Net` has {channels} input channels, but images have 1 or 3"),
        );
    }
    told(check(1, "mean = [0.5, 0.4, 0.3]", ""), "`mean` of data `d` has 3 values, but `Net` has 1 input channel\n");
    told(check(1, "std = [0.5, 0.4, 0.3]", ""), "`std` of data `d` has 3 values, but `Net` has 1 input channel\n");
}

#[test]
fn a_split_that_leaves_nothing_to_score() {
    let wanted = "error[E0715, files]: the validation and test splits are empty, so no best epoch can be found";
    told(check(1, "split = random(test = 0)", ""), wanted);
    assert_eq!(check(1, "split = random(test = 0)", "keep = [last]").0, 0);
    assert_eq!(check(1, "split = random(test = 0, val = 0.2)", "").0, 0);
}
