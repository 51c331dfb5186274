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
fn told(head: &str, attribute: &str, args: &[&str]) -> (i32, Vec<String>) {
    let folder = tempfile::tempdir().unwrap();
    let text = format!("npc 1\n\n{head}\n\n{}", NET.replace("ATTRIBUTE", attribute));
    std::fs::write(folder.path().join("net.model"), text).unwrap();
    let said = npc(folder.path(), &[&["check", "net.model", "--size", "32x32", "--format", "json"], args].concat());
    assert!(said.code < 2, "{}", said.err);
    let document: serde_json::Value = serde_json::from_str(&said.out).unwrap();
    let problems = document["problems"].as_array().unwrap().iter();
    (
        said.code,
        problems.map(|p| format!("{} {}", p["severity"].as_str().unwrap(), p["lint"].as_str().unwrap())).collect(),
    )
}

#[test]
fn an_item_silences_what_it_holds_and_what_it_calls() {
    let (warn, both) = ("warning norm_of_one".to_string(), "warning unused_binding".to_string());
    assert_eq!(told("", "", &[]), (0, vec![warn.clone(), both.clone()]));
    assert_eq!(told("", "@allow(unused_binding)", &[]), (0, vec![warn.clone()]));
    // The norm is in `pool`. `Other` uses that block as well and is not silenced.
    assert_eq!(told("", "@allow(norm_of_one, unused_binding)", &[]), (0, vec![warn.clone()]));
    assert_eq!(told("", "@allow(norm_of_one)\n@allow(unused_binding)", &["--model", "Net"]), (0, vec![]));
}

#[test]
fn a_file_or_the_command_line_silences_all() {
    assert_eq!(told("allow norm_of_one, unused_binding", "", &[]), (0, vec![]));
    assert_eq!(told("", "", &["--allow", "norm_of_one,unused_binding"]), (0, vec![]));
}

#[test]
fn denied_warnings_are_errors() {
    let (norm, spare) = ("error norm_of_one".to_string(), "error unused_binding".to_string());
    let problems = |args: &[&str]| {
        let (code, problems) = told("allow unused_binding", "", args);
        (code, problems)
    };
    assert_eq!(problems(&["--deny", "warnings"]), (1, vec![norm.clone()]));
    assert_eq!(problems(&["--deny", "warnings", "--allow", "norm_of_one"]), (0, vec![]));
    assert_eq!(told("", "", &["--deny", "unused_binding"]).1, ["warning norm_of_one".to_string(), spare]);
}

#[test]
fn an_unneeded_allow_is_reported_when_the_whole_file_is_checked() {
    let idle = "warning unused_allow".to_string();
    let rest = "allow norm_of_one, unused_binding, class_count";
    assert_eq!(told(rest, "", &[]), (0, vec![idle.clone()]));
    assert_eq!(told(rest, "", &["--model", "Net"]), (0, vec![]));
    assert_eq!(told(&format!("{rest}, unused_allow"), "", &[]), (0, vec![]));
    assert_eq!(told(rest, "", &["--deny", "unused_allow"]), (1, vec!["error unused_allow".into()]));
}

#[test]
fn unknown_lints_are_usage_errors() {
    let folder = tempfile::tempdir().unwrap();
    let said = npc(folder.path(), &["check", "net.model", "--allow", "norm_of_on"]);
    assert_eq!(said.code, 2);
    assert!(said.err.contains("did you mean `norm_of_one`?"), "{}", said.err);
    assert_eq!(npc(folder.path(), &["check", "net.model", "--allow", "warnings"]).code, 2);
}

/// Lints on networks show the call in the model's file; the blocks between that call and the node count as well.
#[test]
fn a_block_between_speaks_for_lints_on_networks() {
    let net = |attribute: &str| {
        format!(
            "npc 1\n\nblock inner(x: [c, h, w]) -> [8, h, w] = x |> conv(8) |> bn\n\n{attribute}\n\
             block outer(x: [c, h, w]) -> [8, h, w] = x |> inner\n\n\
             model Net(x: [3, H, W]) -> [8, H, W] = x |> outer\n"
        )
    };
    let told = |attribute: &str| {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("net.model"), net(attribute)).unwrap();
        npc(folder.path(), &["check", "net.model", "--size", "32x32"]).err
    };
    assert!(told("").contains("W0407"), "{}", told(""));
    assert_eq!(told("@allow(dead_bias)"), "");
}
