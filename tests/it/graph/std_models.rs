//! The networks that are built in: `import std.npnet`.

use crate::support::compile::{CompiledFile, compile_file, compile_text};
use crate::support::repository::repository;
use npc::study::cost::{Convention, count};

const SIZE: Option<[usize; 2]> = Some([64, 64]);

fn with_import(name: &str, rest: &str) -> CompiledFile {
    compile_text(&format!("npc 1\n\nimport std.{name}\n\n{rest}\n"), SIZE, &[])
}

/// Every network of the folder `models`, and none with other numbers.
#[test]
fn each_file_of_models_is_built_in() {
    let mut compared = 0;
    for entry in std::fs::read_dir(repository("models")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap();
        if ["data", "paper"].contains(&name) {
            continue;
        }
        for of_file in compile_file(&path, SIZE, &[]).checked {
            let model = of_file.graph().name.clone();
            let built_in = with_import(name, &format!("variant Mine = {model}")).model("Mine");
            for convention in [Convention::Conv, Convention::Thop] {
                let [ours, wanted] = [&built_in, &of_file].map(|checked| count(checked, convention));
                assert_eq!((ours.params, ours.macs), (wanted.params, wanted.macs), "{model} of {name}");
            }
            assert_eq!(built_in.results().count(), of_file.results().count(), "{model}");
            compared += 1;
        }
    }
    assert!(compared >= 10, "{compared} models");
}

#[test]
fn a_variant_changes_a_built_in_network() {
    let compiled = with_import("npnet", "variant Small = NPNet(width = [8, 16], rates = [1, 2], attention = se)");
    assert_eq!(compiled.messages(), [""; 0]);
    let small = compiled.model("Small");
    let whole = with_import("npnet", "variant Whole = NPNet").model("Whole");
    let params = |checked| count(checked, Convention::Conv).params;
    assert!(params(&small) < params(&whole) / 4, "{} and {}", params(&small), params(&whole));
    let wrong = with_import("npnet", "variant Wrong = NPNet(attention = sea)");
    assert!(wrong.rendered().contains("sea"), "{}", wrong.rendered());
}

/// Blocks of the file that have the names of library blocks, or of blocks inside of the network, change nothing there.
#[test]
fn blocks_of_the_file_do_not_reach_into_the_network() {
    let own = "block attend(x: [c, h, w]) -> [c, h, w] = x\nblock basic(x: [c, h, w]) -> [c, h, w] = x\n\
               model Own(x: [3, H, W]) -> [3, H, W] = x |> attend |> basic\nvariant Mine = NPNet";
    let compiled = with_import("npnet", own);
    assert!(!compiled.problems.has_errors(), "{}", compiled.rendered());
    let params: Vec<u64> = compiled.checked.iter().map(|checked| count(checked, Convention::Conv).params).collect();
    let whole = with_import("npnet", "variant Whole = NPNet").model("Whole");
    assert_eq!(params, [0, count(&whole, Convention::Conv).params]);
    // Blocks inside of the network are not those of the file.
    let reached = with_import("npnet", "model Own(x: [3, H, W]) -> [3, H, W] = x |> attend(se, 2)");
    assert!(reached.messages()[0].starts_with("E0201 unknown block or operator `attend`"), "{:?}", reached.messages());
}

/// Runs, claims and data of the folder `models` are left out, so names of the file do not clash with them.
#[test]
fn data_and_runs_are_not_built_in() {
    let data = "source = phantoms(count = 4) size = [32, 32] classes = [\"a\", \"b\"] labels = [0, 1] empty = one";
    let own = format!(
        "data phantoms {{ {data} }}\nvariant Mine = UNet(classes = 2, width = [4, 8])\n\
         train unet_phantoms = Mine on phantoms {{ epochs = 1 batch = 2 }}"
    );
    assert_eq!(with_import("unet", &own).messages(), [""; 0]);
    let named = with_import("unet", "train mine = UNet on phantoms { epochs = 1 batch = 2 }");
    assert!(named.rendered().contains("`phantoms`"), "{}", named.rendered());
    assert!(named.problems.has_errors());
}

#[test]
fn several_networks_and_one_twice() {
    let compiled = with_import("unet", "import std.npnet\nimport std.unet\nvariant A = UNet\nvariant B = NPNet");
    assert!(!compiled.problems.has_errors(), "{}", compiled.rendered());
    assert_eq!(compiled.checked.len(), 2);
    let clash = with_import("unet", "model UNet(x: [3, H, W]) -> [3, H, W] = x |> relu");
    assert_eq!(clash.messages(), ["E0202 `UNet` is also the name of a network that `import std.unet` brings"]);
}

#[test]
fn unknown_networks_are_refused() {
    let unknown = with_import("unte", "variant A = UNet");
    assert_eq!(unknown.messages()[0], "E0209 std has no network `unte`");
    assert!(unknown.rendered().contains("did you mean `unet`?"), "{}", unknown.rendered());
    let far = with_import("resnet50", "variant A = UNet");
    assert!(far.rendered().contains("it has `attention_unet`, `fcn8s`, `npnet`"), "{}", far.rendered());
}
