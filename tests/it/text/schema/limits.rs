//! Every value that a person can put into `settings.yaml` is held to the limits of the model file.

use super::{FILES, data, messages_of, train};
use npc::text::config::settings::from_yaml;

const GOOD: &str = include_str!("../fuzz/settings.yaml");

/// Replaces one text of the settings, which occurs once, and returns why they are refused.
fn refused(old: &str, new: &str) -> String {
    assert_eq!(GOOD.matches(old).count(), 1, "{old}");
    from_yaml(&GOOD.replacen(old, new, 1)).map(|_| String::new()).unwrap_err()
}

#[test]
fn settings_of_a_run_have_limits() {
    let split = "lists:\n      train: skin/train.txt\n      val: null\n      test: skin/test.txt\n";
    let adam = "lr: 0.001\n      beta1: 0.9\n      beta2: 0.999\n      epsilon: 1e-8\n      weight_decay: 0.0\n";
    let source = "files:\n      images: skin/images/*.jpg\n      masks: skin/masks/*.png\n";
    for (old, new, wanted) in [
        ("epochs: 5", "epochs: 0", "`train.epochs`: `epochs` is 0, but must be from 1"),
        ("epochs: 5", "epochs: 18446744073709551615", "`train.epochs`"),
        ("batch: 4", "batch: 0", "`train.batch`: `batch` is 0"),
        ("batch: 4", "batch: 18446744073709551615", "`train.batch`"),
        ("seed: 0\n", "seed: 0\n  accumulate: 0\n", "`train.accumulate`"),
        ("seed: 0\n", "seed: 0\n  ema: 1.5\n", "`train.ema`"),
        ("seed: 0\n", "seed: 0\n  clip: .nan\n", "`train.clip`"),
        ("seed: 0\n", "seed: 0\n  patience: 0\n", "`train.patience`"),
        ("seed: 0\n", "seed: 0\n  save_every: -1\n", "`train.save_every`"),
        ("seed: 0\n", "seed: 0\n  supervise: {main: .nan}\n", "`train.supervise`"),
        ("seed: 0\n", "seed: 0\n  freeze: [a, a]\n", "`train.freeze`"),
        ("seed: 0\n", "seed: 0\n  augment: [{rot90: {p: 2.0}}]\n", "`train.augment`: `p` of `rot90`"),
        ("seed: 0\n", "seed: 0\n  augment: [{rot90: {p: 1.0}}, {rot90: {p: 0.5}}]\n", "lists `rot90` twice"),
        ("seed: 0\n", "seed: 0\n  schedule: {curve: constant, warmup: .nan}\n", "`train.schedule`: `warmup` is NaN"),
        ("seed: 0\n", "seed: 0\n  schedule: {curve: constant, warmup: -5.0}\n", "`train.schedule`"),
        ("seed: 0\n", "seed: 0\n  schedule: {curve: constant, warmup: 9.0}\n", "not shorter than the run"),
        ("seed: 0\n", "seed: 0\n  schedule: {curve: {poly: {power: 0.0}}, warmup: 0.0}\n", "`power` is 0"),
        (
            "seed: 0\n",
            "seed: 0\n  schedule: {curve: {cosine: {min: 0.0, restarts: 18446744073709551615}}, warmup: 0.0}\n",
            "`restarts`",
        ),
        ("lr: 0.001", "lr: -1.0", "`train.optimizer`: `lr` is -1"),
        ("lr: 0.001", "lr: .inf", "`train.optimizer`"),
        ("beta1: 0.9", "beta1: 2.0", "`beta1` is 2, but must be at least 0 and below 1"),
        ("epsilon: 1e-8", "epsilon: 0.0", "`eps` is 0"),
        ("weight_decay: 0.0", "weight_decay: .nan", "`weight_decay` is NaN"),
        (
            &format!("adam:\n      {adam}"),
            "sgd: {lr: 0.1, momentum: 0.0, nesterov: true, weight_decay: 0.0}\n",
            "momentum",
        ),
        ("loss: cross_entropy", "loss: []", "`loss` has no terms"),
        ("loss: cross_entropy", "loss: [{weight: -1.0, term: {cross_entropy: {}}}]", "`weight` is -1"),
        ("loss: cross_entropy", "loss: [{weight: 1.0, term: {cross_entropy: {smoothing: 2.0}}}]", "`smoothing`"),
        (
            "loss: cross_entropy",
            "loss: [{weight: 1.0, term: {focal: {gamma: 2.0, alpha: {foreground: 7.0}}}}]",
            "`alpha`",
        ),
        ("loss: cross_entropy", "loss: [{weight: 1.0, term: {cross_entropy: {weights: [0.0, 0.0]}}}]", "above 0"),
        ("device: cpu", "device: cpu\nthreads: 1000000", "`threads` is 1000000, but must be from 1 to 4096"),
        ("device: cpu", "device: cpu\nthreads: 0", "`threads` is 0"),
        ("size:\n  - 128\n", "size:\n  - 0\n", "`data.size`"),
        ("size:\n  - 128\n", "size:\n  - 99999\n", "`data.size`"),
        ("- lesion", "- background", "two classes have the same name"),
        ("  - lesion\n", "", "`data.classes` has 1 names"),
        ("- 255", "- 0", "two classes have the same label"),
        ("- 255", "- 16777215", "the label 16777215 is not a pixel value"),
        ("- 255", "- '#ff0000'", "some labels are colours"),
        ("mask_rule: threshold", "mask_rule: colour", "`data.mask`"),
        (split, "kfold: {k: 0, fold: 0, val: 0.0, seed: 0}\n", "`data.split`: `k` is 0, but must be from 2"),
        (split, "kfold: {k: 3, fold: 3, val: 0.0, seed: 0}\n", "`fold = 3` is out of range"),
        (split, "kfold: {k: 3, fold: 0, val: .nan, seed: 0}\n", "`val` is NaN"),
        (split, "random: {train: 0.8, val: 0.4, test: 0.2, seed: 0}\n", "shares must sum to 1"),
        (split, "random: {train: .nan, val: 0.0, test: 0.2, seed: 0}\n", "shares must sum to 1"),
        ("cache_mb: 2048", "cache_mb: 18446744073709551615", "`data.cache_mb`"),
        ("cache_mb: 2048", "cache_mb: 1\n  limit: 0", "`data.limit`"),
        ("cache_mb: 2048", "cache_mb: 1\n  spacing: [0.0, 1.0]", "`data.spacing`"),
        ("cache_mb: 2048", "cache_mb: 1\n  slicing: {axis: axial, slices: {every: 0}}", "`data.slices`"),
        ("cache_mb: 2048", "cache_mb: 1\n  grouping: {group: {pattern: 'a*'}}", "`{group}` once"),
        ("window: null", "window: [5.0, 1.0]", "`data.window`"),
        ("window: null", "window: [.nan, 1.0]", "`data.window`"),
        ("mean:\n  - 0.0", "mean: []", "`data.mean` is [], but must be one number"),
        ("mean:\n  - 0.0", "mean: [.nan]", "`data.mean`"),
        ("std:\n  - 1.0", "std: []", "`data.std`"),
        ("std:\n  - 1.0", "std: [0.0]", "`std` is 0, but must be a number above 0"),
        (
            source,
            "phantoms: {count: 1000000000000, seed: 0}\n",
            "`count` is 1000000000000, but must be from 1 to 1000000",
        ),
        (source, "phantoms: {count: 0, seed: 0}\n", "`count` is 0"),
    ] {
        let found = refused(old, new);
        // The key and the value are named, by either of them.
        let wanted = wanted.replace("`data.classes` has", "`classes` has").replace("`data.mean` is", "`mean` is");
        assert!(found.contains(&wanted), "{new}: {found}");
    }
}

/// The schema of the model file has the same limits where its readers have none of their own.
#[test]
fn model_files_have_the_same_limits() {
    let count = FILES.replace("images = \"a/*.png\"\nmasks = \"b/*.png\"", "source = phantoms(count = 2000000)");
    assert_eq!(messages_of(data(&count)), ["E0206 `count` is 2000000, but must be from 1 to 1000000; "]);
    let restarts = "epochs = 5 schedule = cosine(restarts = 9000000000000)";
    assert_eq!(
        messages_of(train(restarts)),
        ["E0206 `restarts` is 9000000000000, but must be at most 1099511627776; "]
    );
}
