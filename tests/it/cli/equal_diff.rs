//! `npc equal` and `npc diff` through the binary.

use crate::support::program::npc;
use crate::support::repository::repository;
use std::path::Path;
use std::process::Command;

/// Returns the exit code and the standard output.
fn code_and_stdout(args: &[&str]) -> (i32, String) {
    let output = npc(&repository(""), args);
    (output.code, output.stdout)
}

#[test]
fn attention_variants_of_the_paper_are_one_function() {
    let (code, text) = code_and_stdout(&["equal", "models/npnet.model:NPNet_SE", "NPNet", "--on", "cvc"]);
    assert_eq!(code, 0);
    assert_snapshot!("it", "it__compare_cli__attention_variants_of_the_paper_are_one_function", text);
    let (code, text) = code_and_stdout(&["equal", "models/npnet.model:NPNet", "NPNet_Plain", "--on", "cvc"]);
    assert_eq!(code, 1);
    assert_snapshot!("it", "it__compare_cli__attention_variants_of_the_paper_are_one_function-2", text);
}

#[test]
fn differences_of_the_paper_networks_are_listed() {
    let (code, text) = code_and_stdout(&["diff", "models/npnet.model:NPNet", "NPNet_Plain", "--on", "cvc"]);
    assert_eq!(code, 0);
    assert_snapshot!("it", "it__compare_cli__differences_of_the_paper_networks", text);
    assert_snapshot!(
        "it",
        "it__compare_cli__differences_of_the_paper_networks-2",
        code_and_stdout(&["diff", "models/unet.model", "models/attention_unet.model"]).1
    );
    let wider = "models/npnet.model:NPNet(classes = 5, width = [32, 64, 96])";
    assert_snapshot!(
        "it",
        "it__compare_cli__differences_of_the_paper_networks-3",
        code_and_stdout(&["diff", "models/npnet.model:NPNet", wider, "--on", "cvc"]).1
    );
}

/// The same function under another name is no difference.
#[test]
fn no_difference_prints_nothing() {
    for pair in [["models/unet.model", "models/unet.model"], ["models/npnet.model:NPNet_SE", "NPNet"]] {
        assert_eq!(code_and_stdout(&["diff", pair[0], pair[1], "--size", "64x64"]), (0, String::new()));
    }
    let (_, json) = code_and_stdout(&["diff", "models/unet.model", "models/unet.model", "--format", "json"]);
    let json: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(json["equal"], true);
}

#[test]
fn json_has_the_same_numbers() {
    let (_, json) =
        code_and_stdout(&["diff", "models/npnet.model:NPNet", "NPNet_Plain", "--on", "cvc", "--format", "json"]);
    let json: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(json["params"], serde_json::json!([707330, 685826]));
    let removed = json["removed"].as_array().expect("a list");
    assert_eq!(removed.iter().map(|n| n["params"].as_u64().expect("a count")).sum::<u64>(), 707330 - 685826);
    assert_eq!(json["added"], serde_json::json!([]));
}

fn git(folder: &Path, args: &[&str]) -> bool {
    let who = ["-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false"];
    let run = Command::new("git").arg("-C").arg(folder).args(who).args(args).output();
    run.is_ok_and(|output| output.status.success())
}

/// A file against an earlier revision of itself, imports included; a comment is no change.
#[test]
fn a_file_is_compared_with_its_revision() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("net.model");
    let part = folder.path().join("part.model");
    let write = |path: &Path, text: &str| std::fs::write(path, text).expect("written");
    write(&part, "npc 1\nblock body(x: [c, h, w]) -> [8, h, w] = x |> conv(8) |> relu\n");
    let net = "npc 1\nimport \"part.model\"\nmodel Net(x: [3, H, W]) -> [2, H, W] = x |> body |> conv(2, k = 1)\n";
    write(&file, net);
    if !git(folder.path(), &["init", "-q"]) {
        eprintln!("skipped: no git");
        return;
    }
    assert!(git(folder.path(), &["add", "."]) && git(folder.path(), &["commit", "-q", "-m", "first"]));
    let name = file.to_str().expect("text");
    let old = format!("{name}@HEAD");
    write(&file, &net.replace("model Net", "// Another comment.\nmodel Net"));
    assert_eq!(code_and_stdout(&["diff", &old, name, "--size", "16x16"]), (0, String::new()));
    write(&part, "npc 1\nblock body(x: [c, h, w]) -> [8, h, w] = x |> conv(8) |> bn |> relu\n");
    let (code, text) = code_and_stdout(&["diff", &old, name, "--size", "16x16"]);
    assert_eq!(code, 0);
    assert_snapshot!("it", "it__compare_cli__against_a_revision", text);
    let (code, _) = code_and_stdout(&["diff", &format!("{name}@nonesuch"), name]);
    assert_eq!(code, 1);
}

/// Git stores any text as the name of a file. A revision is from whoever made it, and its files are written nowhere else.
#[test]
fn a_revision_writes_nothing_outside() {
    let folder = tempfile::tempdir().expect("a folder");
    let (repository, outside) = (folder.path().join("repository"), folder.path().join("outside.model"));
    std::fs::create_dir(&repository).expect("created");
    let file = repository.join("net.model");
    std::fs::write(&file, "npc 1\nmodel Net(x: [3, H, W]) -> [3, H, W] = x |> relu\n").expect("written");
    if !git(&repository, &["init", "-q"]) {
        eprintln!("skipped: no git");
        return;
    }
    assert!(git(&repository, &["add", "."]) && git(&repository, &["commit", "-q", "-m", "first"]));
    let output = |script: &str| {
        let run = Command::new("sh").args(["-ec", script]).current_dir(&repository).output().expect("a shell");
        assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
        String::from_utf8(run.stdout).expect("text").trim().to_string()
    };
    // A tree with the file and an entry whose name is a path.
    for name in [outside.to_str().expect("text"), "../outside.model"] {
        let blob = output("git rev-parse HEAD:net.model");
        let digit = |i: usize| u8::from_str_radix(&blob[2 * i..2 * i + 2], 16).expect("hexadecimal");
        let id: Vec<u8> = (0..blob.len() / 2).map(digit).collect();
        let entry = |name: &str| [format!("100644 {name}\0").as_bytes(), &id].concat();
        std::fs::write(repository.join("tree.bin"), [entry(name), entry("net.model")].concat()).expect("written");
        let tree = output("git hash-object -t tree --literally -w tree.bin");
        let commit = output(&format!("git -c user.name=a -c user.email=a@b commit-tree {tree} -m evil"));
        let name = file.to_str().expect("text");
        let old = format!("{name}@{commit}");
        let found = npc(&repository, &["diff", &old, name, "--size", "8x8"]);
        assert_eq!(found.code, 1, "{}", found.stderr);
        assert!(found.stderr.contains("leads out of it"), "{}", found.stderr);
        assert!(!outside.exists());
    }
}

const HOLES: [&str; 6] = [
    "--hole",
    "fem_out=[48,56,64,72,80,88,96]",
    "--hole",
    "fem_last=[16,24,32,40,48]",
    "--hole",
    "reduction=[1,2,4,8,16]",
];
const PRINTED: [&str; 10] = [
    "--convention",
    "thop",
    "--params",
    "0.71M",
    "--macs",
    "2.17G@288x384",
    "--macs",
    "0.99G@skin",
    "--macs",
    "5.15G@luna",
];

/// The paper leaves out the settings of NPNet: two fit the figures that it prints, the rounder one is listed first.
#[test]
fn printed_figures_determine_the_settings() {
    let mut args = vec!["fit", "models/npnet.model", "--model", "NPNet"];
    args.extend(HOLES);
    args.extend(PRINTED);
    let (code, text) = code_and_stdout(&args);
    assert_eq!(code, 0);
    assert_snapshot!("it", "it__compare_cli__figures_of_the_paper_find_its_settings", text);
    args.extend(["--format", "json"]);
    let json: serde_json::Value = serde_json::from_str(&code_and_stdout(&args).1).expect("JSON");
    assert_eq!(json["fitting"][0]["args"], serde_json::json!({"fem_out": "80", "fem_last": "32", "reduction": "2"}));
    assert_eq!(json["tried"], 7 * 5 * 5);
}

/// A figure that no setting fits is named, together with the nearest ones.
#[test]
fn the_contradictory_figure_is_named() {
    let mut args = vec!["fit", "models/npnet.model", "--model", "NPNet"];
    args.extend(HOLES);
    args.extend(["--convention", "thop", "--params", "0.71M", "--macs", "3.5G@288x384", "--macs", "0.99G@skin"]);
    let (code, text) = code_and_stdout(&args);
    assert_eq!(code, 1);
    assert_snapshot!("it", "it__compare_cli__the_figure_that_excludes_the_rest_is_named", text);
}

/// Parameters alone need no size on the command line: that of the data which the model is trained on, or of the model.
#[test]
fn a_number_of_parameters_alone_names_the_nearest_settings() {
    let args = ["fit", "models/npnet.model", "--model", "NPNet", "--hole", "fem_out=[64,80]", "--params"];
    let (code, text) = code_and_stdout(&[&args[..], &["9M"]].concat());
    assert_eq!(code, 1);
    let (_, nearest) = text.split_once("params 9M excludes what was left; nearest to it:\n").expect("a list");
    assert_eq!(nearest.lines().count(), 2, "{text}");
    assert!(nearest.contains("fem_out = 80"), "{text}");
    let (code, text) = code_and_stdout(&[&args[..], &["0.71M"]].concat());
    assert_eq!(code, 0, "{text}");
}

/// What `npc fit` cannot try is an error that names its own options, also with `--quiet`.
#[test]
fn fit_says_what_it_cannot_try() {
    let folder = tempfile::tempdir().unwrap();
    let net = "npc 1\n\nmodel Net(x: [3, H, W], a: int = 8) -> [2, H, W] = x |> conv(a) |> conv(2)\n";
    std::fs::write(folder.path().join("net.model"), net).unwrap();
    let size = ["--macs", "0.1M@16x16"];
    for (args, code, parts) in [
        (&["--params", "400"][..], 1, &["`Net` has no hole to fill", "--hole"][..]),
        (&["--params", "400", "--hole", "a=4..8"], 1, &["E0502", "`--macs 2.17G@256x256`", "`data` block"]),
        (
            &["--hole", "a=1..100000"],
            2,
            &["the range 1..100000 of `a` has 99,999 values, and the most is 4,096", "a=1..4097`"],
        ),
        (&["--hole", "a=8..8"], 2, &["the range 8..8 has no value"]),
        (&["--hole", "a=8"], 2, &["are a list or a range of integers"]),
        (&["--hole", "a=[]"], 2, &["are a list or a range of integers"]),
        (&["--hole", "b=4..8"], 2, &["`Net` has no hyper-parameter `b`"]),
    ] {
        let figure = if args[0] == "--params" { &[][..] } else { &size[..] };
        for quiet in [&[][..], &["-q"]] {
            let output = npc(folder.path(), &[&["fit", "net.model"], args, figure, quiet].concat());
            assert_eq!((output.code, output.stdout.as_str()), (code, ""), "{args:?}: {}", output.stderr);
            for part in parts {
                assert!(output.stderr.contains(part), "{args:?} lacks {part}: {}", output.stderr);
            }
            assert!(!output.stderr.contains("--size"), "{args:?}: {}", output.stderr);
        }
    }
    let found = ["fit", "net.model", "--hole", "a=[4,8]", "--macs", "92160@16x16"];
    let plain = npc(folder.path(), &found);
    assert_eq!((plain.code, plain.stdout), (0, npc(folder.path(), &[&found[..], &["-q"]].concat()).stdout));
}
