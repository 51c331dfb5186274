//! The codes of problems, their order in a file, and the names suggested for misspelled ones. Every file of
//! `tests/diagnostics` is a test of `tests/files`.

use crate::support::compile::{compile_file, compile_text};
use crate::support::program::npc;
use crate::support::repository::{model_files, stem};
use npc::text::diag::Code;

/// Codes that no file can raise on every machine, and why. The list may only become shorter.
const WITHOUT_FIXTURE: &[(&str, &str)] = &[
    ("E0733", "two devices have to compute different results"),
    ("E0751", "the operating system has to refuse a thread"),
    ("E0752", "Ctrl-C has to end the command while it computes"),
    ("E0799", "only an error in npc itself raises it"),
];

#[test]
fn every_code_has_a_fixture() {
    let names: Vec<String> = model_files("tests/diagnostics").iter().map(|path| stem(path)).collect();
    for code in Code::ALL {
        let found = names.iter().any(|n| n.starts_with(code.id()));
        let exempt = WITHOUT_FIXTURE.iter().any(|(id, _)| *id == code.id());
        assert!(
            found != exempt,
            "tests/diagnostics/{}_*.model: exists: {found}, listed as missing: {exempt}",
            code.id()
        );
    }
    for name in names {
        assert!(Code::ALL.iter().any(|c| name.starts_with(c.id())), "{name} is named after no code");
    }
}

#[test]
fn messages_are_one_line() {
    for path in model_files("tests/diagnostics") {
        for problem in compile_file(&path, Some([64, 64]), &[]).problems.iter() {
            assert!(!problem.message.contains('\n'), "{}: {}", path.display(), problem.message);
        }
    }
}

#[test]
fn explanations_are_sentences() {
    for code in Code::ALL {
        assert!(code.explanation().ends_with('.'), "{}", code.id());
        assert!(!code.title().ends_with('.') && !code.title().is_empty(), "{}", code.id());
    }
}

/// Each warning has one name that silences it, and other problems have none.
#[test]
fn warnings_are_lints() {
    let mut names = std::collections::HashSet::new();
    for code in Code::ALL {
        assert_eq!(code.lint().is_some(), code.severity() == npc::text::diag::Severity::Warning, "{}", code.id());
        assert!(code.lint().is_none_or(|name| names.insert(name)), "{}: its name is taken", code.id());
    }
}

#[test]
fn problems_come_in_the_order_of_the_file() {
    let text = "npc 1\nmodel B(x: [3, H, W]) -> [3, H, W] = x |> convv(3)\nblock a(x: [c]) = x bn\n\
                model C(x: [3, H, W]) -> [4, H, W] = x |> conv(3)\nvariant D = E\n";
    let made = compile_text(text, Some([8, 8]), &[]);
    let place = |d: &npc::text::diag::Diagnostic| d.primary.as_ref().map(|l| made.sources.line_column(l.span).0);
    let lines: Vec<_> = made.problems.iter().map(|d| (place(d), d.code.id())).collect();
    assert_eq!(lines, [(Some(2), "E0201"), (Some(3), "E0101"), (Some(4), "E0302"), (Some(5), "E0201")]);
}

#[test]
fn a_problem_of_many_instances_is_reported_once() {
    let text = "block f(x: [c, h, w]) -> [c, h, w] = x |> conv(c, groups = 7)\n\
                model M(x: [3, H, W]) -> [3, H, W] {\n  for i in 0..100 { let s[i] = x |> f }\n  return x\n}\n";
    assert_problem!(text, "E0303");
}

/// A misspelling of each kind of name, and the name suggested for it.
#[test]
fn every_kind_of_name_has_a_suggestion() {
    let text = "npc 1

import \"blocs.model\"

enum Act { relu, gelu, swish }

block wide(x: [c, h, w], out: int, act: Act = geul) -> [out, h, w] = x |> conv(out)

block deep(x: [c, h, w], out: int) -> [out, h, wd] = x |> conv(outt, kernl = 3) |> maxpol(2)

model Net(x: [3, H, W], classes: imt = 2) -> [classes, H, W] {
  let stem = x |> wode(cel(7 / 2))
  return stmm
}

model Two(x: [3, H, W], act: Act = relu) -> { main = [8, H, W], auxx = [8, H, W] } {
  let y = x |> conv(8, bia = false) |> up(2, mode = bilinaer)
  let z = x |> match act { relu => relu, gelo => gelu, _ => identity }
  return { main = y, aux = y }
}

variant Swish = Two(act = swosh)

variant Other = Twoo

data cells {
  source = phantms(count = 8, sed = 1)
  sise = [64, 64]
  classes = [\"a\", \"b\"]
  labels = [0, 255]
  empty = one
  mask = treshold
  split = randm(train = 0.8)
}

train run = Two on cels { epochs = 1  optimiser = adam(lrr = 1)  loss = cross_entropi  metrics = [dicee]  keep = [lst] }

expect Tow { parms ~= 1 }
";
    let offered = |text: &str| {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("net.model"), text).unwrap();
        std::fs::write(folder.path().join("blocks.model"), "npc 1\n").unwrap();
        let output = npc(folder.path(), &["check", "net.model", "--size", "8x8", "--format", "json"]);
        let document: serde_json::Value = serde_json::from_str(&output.stdout).unwrap();
        let list = |v: &serde_json::Value, key: &str| v[key].as_array().unwrap().clone();
        let children = list(&document, "problems").into_iter().flat_map(|p| list(&p, "children"));
        let edits = children.flat_map(|c| list(&c, "spans"));
        edits.map(|e| e["suggested_replacement"].as_str().unwrap().to_string()).collect::<Vec<_>>()
    };
    let check = |names: &[String], wanted: &[&str]| {
        for name in wanted {
            assert!(names.iter().any(|n| n == name), "{name} is not offered: {names:?}");
        }
    };
    // A missing import may explain an unknown block; other unknown names are reported all the same.
    let incomplete = offered(text);
    check(&incomplete, &["\"blocks.model\"", "bias", "swish", "gelu", "size", "phantoms"]);
    assert!(!incomplete.iter().any(|n| n == "wide"));
    let whole = offered(&text.replace("import \"blocs.model\"\n\n", ""));
    check(&whole, &["gelu", "out", "maxpool", "int", "wide", "ceil", "stem", "swish", "Two", "cells", "bias"]);
    check(&whole, &["phantoms", "size", "threshold", "random", "optimizer", "cross_entropy", "dice", "last"]);
}
