//! The commands that need no run, `check`, `graph`, `fmt` and `explain`: exit codes and output.

use crate::support::program::{ProgramOutput, npc};
use crate::support::repository::repository;
use serde_json::Value;

const NET: &str = "npc 1

enum Act { relu, gelu }

model Net(x: [3, H, W], classes: int = 2, width: int[] = [4, 8], act: Act = relu, p: float = 0.5) -> [classes, H, W] {
  let y = x |> conv(width[0]) |> match act { relu => relu, gelu => gelu } |> dropout(p)
  return y |> conv(width[len(width) - 1]) |> conv(classes, k = 1)
}

variant Gelu = Net(act = gelu)

data cells {
  source = phantoms(count = 8)
  size = [32, 48]
  classes = [\"background\", \"cell\"]
  labels = [0, 255]
  empty = one
}
";

/// Runs npc in a folder that holds `net.model` with the text [`NET`].
fn run(args: &[&str]) -> ProgramOutput {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("net.model"), NET).unwrap();
    npc(folder.path(), args)
}

fn check(args: &[&str]) -> ProgramOutput {
    run(&[&["check", "net.model"], args].concat())
}

fn json(args: &[&str]) -> Value {
    let output = check(&[&["--format", "json"], args].concat());
    serde_json::from_str(&output.stdout).unwrap_or_else(|e| panic!("{e}: {}{}", output.stdout, output.stderr))
}

fn refused(args: &[&str], code: i32, part: &str) {
    let output = run(args);
    assert_eq!(output.code, code, "{args:?}: {}", output.stderr);
    assert!(output.stderr.contains(part), "{args:?}: {}", output.stderr);
}

#[test]
fn sizes_come_from_the_command_line_or_the_data() {
    assert_eq!(json(&["--model", "Net"])["models"][0]["input"], serde_json::json!([3, 32, 48]));
    assert_eq!(json(&["--on", "cells"])["models"][1]["name"], "Gelu");
    assert_eq!(json(&["--size", "7x9"])["models"][0]["output"], serde_json::json!([2, 7, 9]));
    refused(&["check", "net.model", "--size", "7"], 2, "write height x width");
    refused(&["check", "net.model", "--size", "0x9"], 2, "write height x width");
    refused(&["check", "net.model", "--on", "cels"], 2, "did you mean `cells`?");
    refused(&["check", "net.model", "--model", "net"], 1, "did you mean `Net`?");
    refused(&["check", "net.model", "--on", "cells", "--size", "7x9"], 2, "cannot be used with");
}

#[test]
fn frozen_parameters_are_listed_separately() {
    let first = |args: &[&str]| json(&[&["--model", "Net"], args].concat())["models"][0].clone();
    let counts = |m: &Value| ["params", "trainable", "frozen", "buffers"].map(|key| m[key].as_u64().unwrap());
    // conv: 3 * 4 * 9 + 4, 4 * 8 * 9 + 8, 8 * 2 + 2.
    assert_eq!(counts(&first(&[])), [426, 426, 0, 0]);
    let model = first(&["--freeze", "y,conv2"]);
    assert_eq!(counts(&model), [426, 296, 130, 0]);
    let frozen: Vec<_> = model["nodes"].as_array().unwrap().iter().filter(|n| n["frozen"] == true).collect();
    assert_eq!(frozen.iter().map(|n| n["params"].as_u64().unwrap()).sum::<u64>(), 130);
    assert_eq!(model["nodes"][0].get("frozen"), None);
    assert_eq!(model["memory"]["gradients"], 4 * 296);
    assert!(check(&["--model", "Net", "--freeze", "y"]).stdout.contains("314 trainable (314), 112 frozen, 0 running"));
    assert!(!check(&["--model", "Net"]).stdout.contains("frozen"));
    refused(&["check", "net.model", "--freeze", "z.conv"], 2, "`Net` has no node or block `z.conv`");
    refused(&["check", "net.model", "--freeze", "y,conv,conv2"], 2, "`Net` has no trainable parameters left");
}

/// The run that trains a model defines the frozen parameters; a variant without that part keeps the rest.
#[test]
fn a_run_defines_the_frozen_parameters() {
    let folder = tempfile::tempdir().unwrap();
    let run = "\ntrain fit = Net on cells {\n  epochs = 1\n  freeze = [\"y\", \"conv\"]\n}\n";
    let text = NET.replace("variant Gelu = Net(act = gelu)", "variant Short = Net(width = [4])") + run;
    std::fs::write(folder.path().join("net.model"), text).unwrap();
    let output = npc(folder.path(), &["check", "net.model", "--format", "json"]);
    let document: Value = serde_json::from_str(&output.stdout).unwrap();
    assert_eq!(document["models"][0]["frozen"], 112 + 296);
    assert_eq!(document["models"][1]["frozen"], 112 + 148);
    let given = npc(folder.path(), &["check", "net.model", "--format", "json", "--freeze", "conv2"]);
    let document: Value = serde_json::from_str(&given.stdout).unwrap();
    assert_eq!(document["models"][0]["frozen"], 18);
}

#[test]
fn with_overrides_hyper_parameters() {
    let params = |with: &[&str]| json(&[&["--model", "Net"], with].concat())["models"][0]["params"].clone();
    // conv: in * out * 9 + out, thrice; the last is 1x1.
    assert_eq!(params(&[]), 3 * 4 * 9 + 4 + 4 * 8 * 9 + 8 + 8 * 2 + 2);
    assert_eq!(params(&["--with", "width=[5, 6]"]), 3 * 5 * 9 + 5 + 5 * 6 * 9 + 6 + 6 * 2 + 2);
    assert_eq!(params(&["--with", "classes=3,width=[4],act=gelu"]), 3 * 4 * 9 + 4 + 4 * 4 * 9 + 4 + 4 * 3 + 3);
    assert_eq!(params(&["--with", "classes=1", "--with", "p=0"]), 3 * 4 * 9 + 4 + 4 * 8 * 9 + 8 + 8 + 1);
    for (with, code, part) in [
        ("classses=3", 2, "did you mean `classes`?"),
        ("act=gelo", 2, "did you mean `gelu`?"),
        ("width=3", 2, "a list `int[]`"),
        ("width=[3, \"a\"]", 2, "`width` takes an integer"),
        ("classes=2.5", 2, "`classes` takes an integer, found the number 2.5"),
        ("p=1", 1, "below 1"),
        ("classes", 2, "is not `key=value`"),
        ("classes=", 2, "expected a value"),
        ("classes=[1", 2, "E0101"),
        ("=3", 2, "no hyper-parameter"),
    ] {
        refused(&["check", "net.model", "--model", "Net", "--with", with], code, part);
        refused(&["graph", "net.model", "--model", "Net", "--with", with], code, part);
    }
}

/// The sum over the nodes of a model.
fn sum_of(model: &Value, key: &str) -> u64 {
    model["nodes"].as_array().unwrap().iter().map(|n| n[key].as_u64().unwrap()).sum()
}

#[test]
fn the_json_of_check_is_stable() {
    let document = json(&["--model", "Net"]);
    let keys = |v: &Value| v.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(keys(&document), ["schema", "models", "problems"]);
    assert_eq!(document["schema"], 1);
    let model = &document["models"][0];
    let counts = ["params", "trainable", "frozen", "buffers", "macs", "convention"];
    let head = [&["name", "input", "output", "results"][..], &counts].concat();
    assert_eq!(keys(model), [&head[..], &["nodes", "blocks", "effective_macs", "memory", "sizes"]].concat());
    assert_eq!(model["convention"], "conv");
    let node = ["path", "op", "output", "params", "macs", "receptive_field", "effective_macs"];
    assert_eq!(keys(&model["nodes"][0]), node);
    assert_eq!(sum_of(model, "effective_macs"), model["effective_macs"].as_u64().unwrap());
    assert_eq!(
        (sum_of(model, "params"), sum_of(model, "macs")),
        (model["params"].as_u64().unwrap(), model["macs"].as_u64().unwrap())
    );
    let problems = json(&["--with", "clases=3"])["problems"].clone();
    let short = ["code", "severity", "message", "file", "line", "column", "help"];
    assert_eq!(keys(&problems[0]), [&short[..], &["lint", "spans", "children", "rendered"]].concat());
    assert_eq!((&problems[0]["code"], &problems[0]["severity"]), (&"E0204".into(), &"error".into()));
    let place = (&problems[0]["file"], &problems[0]["line"], &problems[0]["column"]);
    assert_eq!(place, (&"--with".into(), &1.into(), &1.into()));
    let missing = run(&["check", "none.model", "--format", "json"]);
    let document: Value = serde_json::from_str(&missing.stdout).unwrap();
    assert_eq!((missing.code, &document["problems"][0]["code"]), (1, &"E0106".into()));
    assert_eq!(document["problems"][0]["line"], Value::Null);
}

#[test]
fn unreadable_files_are_reported() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("latin.model"), b"npc 1 // gr\xf6\xdfe").unwrap();
    std::fs::write(folder.path().join("empty.model"), "").unwrap();
    std::fs::write(folder.path().join("bare.model"), "npc 1\n").unwrap();
    std::fs::create_dir(folder.path().join("dir.model")).unwrap();
    for (file, part) in [
        ("none.model", "No such file"),
        ("latin.model", "byte 11 is not UTF-8"),
        ("dir.model", "it is a folder"),
        ("empty.model", "E0103"),
        ("bare.model", "the file holds no model"),
    ] {
        for verb in ["check", "graph"] {
            let output = npc(folder.path(), &[verb, file]);
            assert_eq!(output.code, 1, "{verb} {file}: {}", output.stderr);
            assert!(
                output.stderr.contains(part) && !output.stderr.contains("panic"),
                "{verb} {file}: {}",
                output.stderr
            );
        }
    }
    for file in ["none.model", "latin.model", "dir.model", "empty.model"] {
        assert_eq!(npc(folder.path(), &["fmt", file]).code, 1, "{file}");
    }
}

#[test]
fn usage_errors_exit_with_2() {
    for args in [&[][..], &["chek"], &["check"], &["check", "net.model", "--nope"], &["graph", "net.model", "--format"]]
    {
        assert_eq!(run(args).code, 2, "{args:?}");
    }
    let of_options = [
        &["check", "models/unet.model", "--with", "foo=1"][..],
        &["check", "models/unet.model", "--with", "foo"],
        &["check", "models/unet.model", "--set", "model.base=many"],
        &["check", "models/unet.model", "--set", "epochs=1"],
        &["check", "models/unet.model:UNet", "--model", "Other"],
        &["graph", "models/unet.model", "--with", "foo=1"],
        &["graph", "models/unet.model", "--size", "64x64", "--format", "png"],
        &["fit", "models/unet.model", "--params", "many"],
        &["fmt", "--check"],
        &["fix", "models/unet.model", "--allow", "nothing"],
    ];
    for args in of_options {
        let output = npc(&repository("."), args);
        assert_eq!(output.code, 2, "{args:?}: {}", output.stderr);
    }
    for args in [&["--help"][..], &["check", "--help"], &["--version"], &["fmt", "--help"]] {
        assert_eq!(run(args).code, 0, "{args:?}");
    }
}

#[test]
fn graph_prints_every_format() {
    let graph = |format| run(&["graph", "net.model", "--model", "Net", "--size", "8x8", "--format", format]);
    assert!(graph("text").stdout.starts_with("graph Net\n  with classes = 2\n"));
    assert!(graph("dot").stdout.starts_with("digraph \"Net\" {"));
    let json: Value = serde_json::from_str(&graph("json").stdout).unwrap();
    assert_eq!(json["schema"], 1);
    assert_eq!(json["graphs"][0]["nodes"][0]["op"], "input");
    assert_eq!(json["graphs"][0]["settings"]["width"], "[4, 8]");
    assert!(graph("svg").stdout.starts_with("<svg "));
    assert!(graph("html").stdout.starts_with("<!doctype html>"));
    assert!(graph("mermaid").stdout.starts_with("flowchart TB\n"));
    assert_eq!(graph("png").code, 2);
    assert!(run(&["graph", "net.model"]).stdout.contains("\ngraph Gelu\n"));
}

#[test]
fn explain_knows_every_code() {
    let all = run(&["explain"]).stdout;
    for code in npc::text::diag::Code::ALL {
        assert!(all.contains(code.id()), "{}", code.id());
        let output = run(&["explain", &code.id().to_lowercase()]);
        assert!(output.stdout.starts_with(&format!("{}: {}", code.id(), code.title())), "{}", output.stdout);
    }
    refused(&["explain", "E0399"], 2, "did you mean");
}

#[test]
fn fmt_changes_only_what_is_not_formatted() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.model");
    let fmt = |args: &[&str]| npc(folder.path(), &[&["fmt"], args].concat());
    std::fs::write(&path, "npc 1\nmodel   M(x:[3,H,W])->[2,H,W]=x|>conv(2) // two\n").unwrap();
    let output = fmt(&["--check", "a.model"]);
    assert_eq!(output.code, 1);
    assert!(output.stdout.contains("not formatted"), "{}", output.stdout);
    assert_eq!(fmt(&["a.model"]).code, 0);
    let first = std::fs::read_to_string(&path).unwrap();
    assert_eq!(first, "npc 1\nmodel M(x: [3, H, W]) -> [2, H, W] = x |> conv(2)  // two\n");
    assert_eq!(fmt(&["--check", "a.model"]).code, 0);
    assert_eq!(fmt(&["a.model"]).stdout, "");
    std::fs::write(&path, "npc 1\nmodel M(\n").unwrap();
    assert_eq!(fmt(&["a.model"]).code, 1);
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "npc 1\nmodel M(\n", "a file with mistakes is not changed");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "no other file is left");
}

#[test]
fn long_lists_of_problems_are_truncated() {
    let folder = tempfile::tempdir().unwrap();
    let lets: String = (0..50_000).map(|i| format!("let a{i} = b{i}\n")).collect();
    let text = format!("npc 1\nmodel M(x: [3, H, W]) -> [3, H, W] {{\n{lets}return x\n}}\n");
    std::fs::write(folder.path().join("a.model"), text).unwrap();
    let start = std::time::Instant::now();
    let output = npc(folder.path(), &["check", "a.model", "--size", "8x8"]);
    assert_eq!(output.code, 1);
    assert!(
        output.stderr.ends_with("and at least 900 more problems\n"),
        "{}",
        &output.stderr[output.stderr.len() - 200..]
    );
    assert!(start.elapsed().as_secs() < 20, "{:?}", start.elapsed());
}

/// The paper leaves out two widths of NPNet; ten pairs fit its printed totals.
#[test]
fn holes_are_fitted_to_claims_and_sweeps_are_counted() {
    let dir = tempfile::tempdir().unwrap();
    let text = std::fs::read_to_string(repository("models/npnet.model")).unwrap();
    std::fs::copy(repository("models/data.model"), dir.path().join("data.model")).unwrap();
    let open = text
        .replace("fem_out: int = 80", "fem_out: int = ? in [64, 72, 80, 88, 96]")
        .replace("fem_last: int = 32", "fem_last: int = ? in 16..64")
        .replace("  output == [2, 288, 384]\n", "");
    assert_ne!(open, text);
    // A variant with holes has no claims, and a run of one cannot be trained.
    let keep = |line: &&str| !line.starts_with("variant ") && !line.starts_with("sweep ");
    let mut open = open.lines().filter(keep).collect::<Vec<_>>().join("\n");
    open.push_str(
        "\n\nvariant Fixed = NPNet(fem_out = 80, fem_last = 32)\n\nsweep reductions = Fixed(reduction = 2 | 4)\n",
    );
    std::fs::write(dir.path().join("open.model"), open).unwrap();
    let output = npc(dir.path(), &["check", "open.model", "--table", "--format", "json"]);
    let document: serde_json::Value = serde_json::from_str(&output.stdout).unwrap();
    let hole = &document["holes"][0];
    assert_eq!((&hole["tried"], hole["fitting"].as_array().unwrap().len()), (&serde_json::json!(240), 10), "{hole}");
    assert_eq!(hole["fitting"][1], serde_json::json!({"fem_out": "80", "fem_last": "32"}));
    let points = document["sweeps"][0]["points"].as_array().unwrap();
    let params: Vec<_> = points.iter().map(|p| p["params"].as_u64().unwrap()).collect();
    assert_eq!(params, [707_330, 707_330 - 43_008 / 2 + 43_008 / 4]);
}

#[test]
fn tables_come_as_csv_and_markdown() {
    let table = |format: &str| {
        let args = ["check", "models/unet.model", "--on", "cvc", "--convention", "conv,thop", "--format", format];
        npc(&repository("."), &args).stdout
    };
    let row = "UNet,cvc,\"[3, 288, 384]\",\"[1, 288, 384]\",34526081,110273495040,110462054400\n";
    assert_eq!(table("csv"), format!("model,on,input,output,params,\"MACs, conv\",\"MACs, thop\"\n{row}"));
    let markdown = table("markdown");
    let lines: Vec<&str> = markdown.lines().collect();
    assert_eq!(lines[1], "| --- | --- | --- | --- | ---: | ---: | ---: |");
    assert!(lines[2].ends_with("| 34,526,081 | 110,273,495,040 | 110,462,054,400 |"), "{markdown}");
}

/// A variant may leave a hole of its own; a claim with arguments belongs to another model.
#[test]
fn a_variants_hole_is_fitted_to_its_own_claims() {
    let dir = tempfile::tempdir().unwrap();
    let text = "npc 1

model Net(x: [3, 8, 8], width: int = 4) -> [2, 8, 8] = x |> conv(width, k = 1) |> conv(2, k = 1)

variant Open = Net(width = ? in 2..10)

expect Open {
  params == 32
}

expect Open(width = 2) {
  params == 14
}
";
    std::fs::write(dir.path().join("open.model"), text).unwrap();
    let output = npc(dir.path(), &["check", "open.model", "--format", "json"]);
    let document: Value = serde_json::from_str(&output.stdout).unwrap();
    assert_eq!(
        document["holes"][0]["fitting"],
        serde_json::json!([{"width": "5"}]),
        "{}{}",
        output.stdout,
        output.stderr
    );
    assert_eq!(document["claims"][0]["found"], "14");
    assert_eq!(output.code, 0, "{}", output.stderr);
}

/// Fields and effective MACs are shown for each node: a 3x3 convolution on 8x8 has 22 of 24 pairs a side on pixels.
#[test]
fn columns_can_be_added() {
    let folder = tempfile::tempdir().unwrap();
    let text = "npc 1\nmodel M(x: [1, H, W]) -> [1, H / 2, W / 2] {\n  let y = x |> conv(1) |> maxpool(2)\n  \
                return y * (y |> avgpool_to(1) |> sigmoid)\n}\n";
    std::fs::write(folder.path().join("m.model"), text).unwrap();
    let plain = npc(folder.path(), &["check", "m.model", "--size", "8x8"]);
    let wide = npc(folder.path(), &["check", "m.model", "--size", "8x8", "--columns", "field,effective"]);
    assert_eq!((plain.code, wide.code), (0, 0), "{}", wide.stderr);
    let row = |out: &str, name: &str| {
        let line =
            out.lines().find(|l| l.trim_start().starts_with(name)).unwrap_or_else(|| panic!("no {name} in {out}"));
        line.split("  ").filter(|c| !c.trim().is_empty()).map(|c| c.trim().to_string()).collect::<Vec<_>>()
    };
    assert_eq!(row(&plain.stdout, "path").last().unwrap(), "share");
    assert_eq!(row(&wide.stdout, "path")[6..], ["field", "effective"]);
    assert_eq!(row(&wide.stdout, "y.conv")[6..], ["3x3 /1", "484"]);
    assert_eq!(row(&wide.stdout, "y.maxpool")[6..], ["4x4 /2", "-"]);
    assert_eq!(row(&wide.stdout, "avgpool_to")[6..], ["all", "-"]);
    assert!(
        wide.stdout.contains("field    4x4 pixels at stride 2, and the whole image through pools"),
        "{}",
        wide.stdout
    );
    assert!(wide.stdout.contains("effective 484 MACs, 84.0 %: the rest multiply padding"), "{}", wide.stdout);
    let output = npc(folder.path(), &["check", "m.model", "--size", "8x8", "--format", "json"]);
    let document: Value = serde_json::from_str(&output.stdout).unwrap();
    let nodes = document["models"][0]["nodes"].as_array().unwrap();
    let field = |op: &str| nodes.iter().find(|n| n["op"] == op).unwrap()["receptive_field"].clone();
    assert_eq!(
        field("maxpool"),
        serde_json::json!({"size": [4, 4], "stride": [2.0, 2.0], "offset": [0.5, 0.5], "whole": [false, false]})
    );
    let none = Value::Null;
    assert_eq!(
        field("sigmoid"),
        serde_json::json!({"size": [none, none], "stride": [none, none], "offset": [none, none], "whole": [true, true]})
    );
}

/// A variable that changes how npc computes has one of its values, or npc says so.
#[test]
fn environment_variables_are_checked() {
    let folder = tempfile::tempdir().unwrap();
    let run = |name: &str, value: &str| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_npc"));
        let output = command.args(["explain", "E0101"]).current_dir(&folder).env(name, value).output().unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    for (name, value, part) in [
        ("NPC_SIMD", "garbage", "NPC_SIMD is `garbage`"),
        ("NPC_CPU", "engine", "its values are burn"),
        ("RAYON_NUM_THREADS", "100000000000", "a number of threads from 1 to 4096"),
        ("RAYON_NUM_THREADS", "-1", "RAYON_NUM_THREADS is `-1`"),
    ] {
        let (code, stderr) = run(name, value);
        assert_eq!(code, Some(2), "{stderr}");
        assert!(stderr.contains(part), "{stderr}");
    }
    for (name, value) in [("NPC_SIMD", "portable"), ("NPC_SIMD", ""), ("NPC_CPU", "burn"), ("RAYON_NUM_THREADS", "64")]
    {
        assert_eq!(run(name, value).0, Some(0), "{name}={value}");
    }
}
