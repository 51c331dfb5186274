//! The number of threads changes no bit of loss and weights, in three steps of networks of the repository.

use super::*;

/// Products other than a convolution: transposed, in a linear layer, and with groups, which make Burn compute `Mixed`.
/// `Own` has none of these and is computed by the engine.
const MIXED: &str = "
model Own(x: [1, H, W], classes: int = 2) -> [classes, H, W] {
  let a = x |> conv(24) |> group_norm(4) |> gelu |> dropout(p = 0.1)
  let b = a |> conv(48, stride = 2) |> instance_norm |> silu |> conv_transpose(24, k = 2, stride = 2)
  let gate = b |> avgpool_to([1, 1]) |> flatten |> linear(24) |> sigmoid |> unflatten
  return b * gate |> concat(a) |> bn |> conv(classes, k = 1)
}

model Mixed(x: [1, H, W], classes: int = 2) -> [classes, H, W] {
  let a = x |> conv(24) |> group_norm(4) |> gelu |> dropout(p = 0.1)
  let b = a |> conv(48, stride = 2, groups = 3) |> instance_norm |> silu |> conv_transpose(24, k = 2, stride = 2)
  let gate = b |> avgpool_to([1, 1]) |> flatten |> linear(24) |> sigmoid |> unflatten
  return b * gate |> concat(a) |> bn |> conv(classes, k = 1)
}
";

fn weights(path: &Path) -> Vec<Vec<u32>> {
    let (tensors, _) = read_safetensors(path).unwrap();
    tensors.iter().map(|t| t.values.iter().map(|v| v.to_bits()).collect()).collect()
}

/// Trains with this many threads and returns the bits of the last checkpoint and of the epoch's loss.
fn bits(folder: &TestFolder, model: &str, threads: &str, set: &str) -> (Vec<Vec<u32>>, String) {
    let out = format!("{model}_{threads}");
    let args = ["train", "all.model", &format!("t_{model}"), "--out", &out, "--threads", threads, "--set", set];
    folder.npc(&args).expect_success();
    let loss = folder.metrics(&out).remove(0)[1].clone();
    (weights(&folder.path(&out).join("last.safetensors")), loss)
}

fn compare(models: &[&str], counts: &[&str], set: &str) {
    let folder = TestFolder::new();
    let mut text = String::new();
    for name in ["npnet", "unet", "segnet", "pspnet", "data"] {
        let file = format!("{name}.model");
        fs::copy(crate::support::repository::repository(&format!("models/{file}")), folder.path(&file)).unwrap();
        text += &format!("import \"{file}\"\n");
    }
    let data = MODEL.split("data slices").nth(1).unwrap().split("train tiny").next().unwrap();
    let mut all = format!("npc 1\n{text}\n{MIXED}\ndata slices{data}\n");
    for model in models {
        all += &format!(
            "train t_{model} = {model}(classes = 2) on slices {{ epochs = 1 batch = 4 clip = 1 loss = cross_entropy + dice }}\n"
        );
    }
    fs::write(folder.path("all.model"), all).unwrap();
    for model in models {
        let expected = bits(&folder, model, counts[0], set);
        assert!(!expected.0.is_empty());
        for threads in &counts[1..] {
            assert!(
                bits(&folder, model, threads, set) == expected,
                "{model}: {threads} threads and {} differ",
                counts[0]
            );
        }
    }
}

#[test]
fn the_number_of_threads_changes_no_bit() {
    compare(&["Mixed", "Own"], &["1", "2", "5"], "data.size=[48,64]");
}

/// Larger products are cut into more parts.
#[test]
fn the_number_of_threads_changes_no_bit_of_the_models() {
    if std::env::var_os("NPC_LONG").is_none() {
        return;
    }
    compare(&["Mixed", "Own", "NPNet", "UNet", "SegNet", "PSPNet"], &["1", "2", "4"], "data.size=[64,64]");
}
