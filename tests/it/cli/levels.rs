//! `@allow`, `allow`, `--allow`, `--deny`: warnings that are silenced, warnings that fail, and warnings that an allow
//! must not hide.

use crate::support::program::npc;

const NET: &str = "block pool(x: [c, h, w]) -> [8, h, w]
  = x |> avgpool_to(1) |> conv(8, k = 1, bias = false) |> bn |> resize(to = x)

ATTRIBUTE
model Net(x: [3, H, W]) -> [8, H, W] {
  let spare = x |> relu
  return x |> pool
}

model Other(x: [3, H, W]) -> [8, H, W] = x |> conv(4) |> pool
";

/// Returns the exit code and the lints that `npc check` reports.
fn reported_lints(head: &str, attribute: &str, args: &[&str]) -> (i32, Vec<String>) {
    let folder = tempfile::tempdir().unwrap();
    let text = format!("npc 1\n\n{head}\n\n{}", NET.replace("ATTRIBUTE", attribute));
    std::fs::write(folder.path().join("net.model"), text).unwrap();
    let output = npc(folder.path(), &[&["check", "net.model", "--size", "32x32", "--format", "json"], args].concat());
    assert!(output.code < 2, "{}", output.stderr);
    let document: serde_json::Value = serde_json::from_str(&output.stdout).unwrap();
    let problems = document["problems"].as_array().unwrap().iter();
    (
        output.code,
        problems.map(|p| format!("{} {}", p["severity"].as_str().unwrap(), p["lint"].as_str().unwrap())).collect(),
    )
}

#[test]
fn an_allow_covers_the_item_and_its_calls() {
    let (norm_warning, binding_warning) = ("warning norm_of_one".to_string(), "warning unused_binding".to_string());
    assert_eq!(reported_lints("", "", &[]), (0, vec![norm_warning.clone(), binding_warning.clone()]));
    assert_eq!(reported_lints("", "@allow(unused_binding)", &[]), (0, vec![norm_warning.clone()]));
    // The norm is in `pool`. `Other` uses that block as well and is not silenced.
    assert_eq!(reported_lints("", "@allow(norm_of_one, unused_binding)", &[]), (0, vec![norm_warning.clone()]));
    assert_eq!(reported_lints("", "@allow(norm_of_one)\n@allow(unused_binding)", &["--model", "Net"]), (0, vec![]));
}

#[test]
fn an_allow_of_a_file_or_the_command_line_covers_all_items() {
    assert_eq!(reported_lints("allow norm_of_one, unused_binding", "", &[]), (0, vec![]));
    assert_eq!(reported_lints("", "", &["--allow", "norm_of_one,unused_binding"]), (0, vec![]));
}

#[test]
fn denied_warnings_are_errors() {
    let (norm_error, unused_binding) = ("error norm_of_one".to_string(), "error unused_binding".to_string());
    let problems = |args: &[&str]| {
        let (code, problems) = reported_lints("allow unused_binding", "", args);
        (code, problems)
    };
    assert_eq!(problems(&["--deny", "warnings"]), (1, vec![norm_error.clone()]));
    assert_eq!(problems(&["--deny", "warnings", "--allow", "norm_of_one"]), (0, vec![]));
    assert_eq!(
        reported_lints("", "", &["--deny", "unused_binding"]).1,
        ["warning norm_of_one".to_string(), unused_binding]
    );
}

#[test]
fn an_unneeded_allow_is_reported_when_the_whole_file_is_checked() {
    let unused_allow = "warning unused_allow".to_string();
    let rest = "allow norm_of_one, unused_binding, class_count";
    assert_eq!(reported_lints(rest, "", &[]), (0, vec![unused_allow.clone()]));
    assert_eq!(reported_lints(rest, "", &["--model", "Net"]), (0, vec![]));
    assert_eq!(reported_lints(&format!("{rest}, unused_allow"), "", &[]), (0, vec![]));
    assert_eq!(reported_lints(rest, "", &["--deny", "unused_allow"]), (1, vec!["error unused_allow".into()]));
}

#[test]
fn unknown_lints_are_usage_errors() {
    let folder = tempfile::tempdir().unwrap();
    let output = npc(folder.path(), &["check", "net.model", "--allow", "norm_of_on"]);
    assert_eq!(output.code, 2);
    assert!(output.stderr.contains("did you mean `norm_of_one`?"), "{}", output.stderr);
    assert_eq!(npc(folder.path(), &["check", "net.model", "--allow", "warnings"]).code, 2);
}

/// Lints on networks show the call in the model's file; the blocks between that call and the node count as well.
#[test]
fn an_allow_on_an_intermediate_block_covers_lints_on_networks() {
    let net = |attribute: &str| {
        format!(
            "npc 1\n\nblock inner(x: [c, h, w]) -> [8, h, w] = x |> conv(8) |> bn\n\n{attribute}\n\
             block outer(x: [c, h, w]) -> [8, h, w] = x |> inner\n\n\
             model Net(x: [3, H, W]) -> [8, H, W] = x |> outer\n"
        )
    };
    let stderr_with = |attribute: &str| {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("net.model"), net(attribute)).unwrap();
        npc(folder.path(), &["check", "net.model", "--size", "32x32"]).stderr
    };
    assert!(stderr_with("").contains("W0407"), "{}", stderr_with(""));
    assert_eq!(stderr_with("@allow(dead_bias)"), "");
}
