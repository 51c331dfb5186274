//! One file for each code, and what `npc check` says about it.
//!
//! `tests/diagnostics/E0301_channel_mismatch.model` must raise E0301. A first comment `// args: --model X` is added to
//! the command line, `// args: graph --model X` calls another command. Snapshots hold the source and the message, so that both are read together.

use crate::support::front::{front, models_in, npc, repository};
use npc::text::diag::Code;

const FOLDER: &str = "tests/diagnostics";

/// Name, source and the arguments of its first lines.
fn fixtures() -> Vec<(String, String, Vec<String>)> {
    let one = |path: std::path::PathBuf| {
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        let text = String::from_utf8_lossy(&std::fs::read(&path).unwrap()).into_owned();
        let args = text.lines().take(3).find_map(|l| l.strip_prefix("// args: ")).unwrap_or("--size 64x64");
        let args = args.split_whitespace().map(str::to_string).collect();
        (name, text, args)
    };
    models_in(FOLDER).into_iter().map(one).collect()
}

#[test]
fn every_fixture_raises_its_code() {
    for (name, text, args) in fixtures() {
        let file = format!("{name}.model");
        let mut args: Vec<&str> = args.iter().map(String::as_str).collect();
        let verb = if args[0].starts_with("--") { "check" } else { args.remove(0) };
        let command = [&[verb, file.as_str()], &args[..]].concat();
        let said = npc(&repository(FOLDER), &command);
        let code = &name[..5];
        assert!(said.err.contains(&format!("[{code}]")), "{name} does not raise {code}:\n{}{}", said.out, said.err);
        let expected = if code == "E0503" { 2 } else { i32::from(said.err.contains("error[")) };
        assert_eq!(said.code, expected, "{name}: exit code\n{}", said.err);
        assert_snapshot!("diagnostics", name, format!("{}\n\n{}", text.trim_end(), said.err.trim_end()));
    }
}

#[test]
fn every_code_has_a_fixture() {
    let names: Vec<String> = fixtures().into_iter().map(|(name, ..)| name).collect();
    for code in Code::ALL {
        assert!(names.iter().any(|n| n.starts_with(code.id())), "no tests/diagnostics/{}_*.model", code.id());
    }
    for name in names {
        assert!(Code::ALL.iter().any(|c| name.starts_with(c.id())), "{name} is named after no code");
    }
}

#[test]
fn explanations_are_sentences() {
    for code in Code::ALL {
        assert!(code.explanation().ends_with('.'), "{}", code.id());
        assert!(!code.title().ends_with('.') && !code.title().is_empty(), "{}", code.id());
    }
}

/// Each warning can be silenced by a name of its own, and nothing else can.
#[test]
fn warnings_are_lints() {
    let mut names = std::collections::HashSet::new();
    for code in Code::ALL {
        assert_eq!(code.lint().is_some(), code.severity() == npc::text::diag::Severity::Warning, "{}", code.id());
        assert!(code.lint().is_none_or(|name| names.insert(name)), "{}: its name is taken", code.id());
    }
}

/// Messages follow one style: one line, no full stop, no "you".
#[test]
fn messages_keep_the_style() {
    for (name, text, _) in fixtures() {
        for d in front(&text, Some([64, 64]), &[]).problems {
            let message = &d.message;
            assert!(!message.contains('\n') && !message.ends_with('.'), "{name}: {message}");
            assert!(!message.split(' ').any(|w| w.eq_ignore_ascii_case("you")), "{name}: {message}");
        }
    }
}

#[test]
fn problems_come_in_the_order_of_the_file() {
    let text = "npc 1\nmodel B(x: [3, H, W]) -> [3, H, W] = x |> convv(3)\nblock a(x: [c]) = x bn\n\
                model C(x: [3, H, W]) -> [4, H, W] = x |> conv(3)\nvariant D = E\n";
    let made = front(text, Some([8, 8]), &[]);
    let place = |d: &npc::text::diag::Diagnostic| d.primary.as_ref().map(|l| made.sources.line_column(l.span).0);
    let lines: Vec<_> = made.problems.iter().map(|d| (place(d), d.code.id())).collect();
    assert_eq!(lines, [(Some(2), "E0201"), (Some(3), "E0101"), (Some(4), "E0302"), (Some(5), "E0201")]);
}

#[test]
fn a_problem_is_told_once() {
    // The same call fails in each of a hundred instances.
    let text = "npc 1\nblock f(x: [c, h, w]) -> [c, h, w] = x |> conv(c, groups = 7)\n\
                model M(x: [3, H, W]) -> [3, H, W] {\n  for i in 0..100 { let s[i] = x |> f }\n  return x\n}\n";
    let told = front(text, Some([8, 8]), &[]).told();
    assert_eq!(told.iter().filter(|t| t.starts_with("E0303")).count(), 1, "{told:?}");
}

/// A slip in each kind of name, and the name that is offered for it.
#[test]
fn every_kind_of_name_has_a_nearest() {
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
        let said = npc(folder.path(), &["check", "net.model", "--size", "8x8", "--format", "json"]);
        let document: serde_json::Value = serde_json::from_str(&said.out).unwrap();
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
    // With an import missing, an unknown block may be the fault of that; what is no block is told all the same.
    let incomplete = offered(text);
    check(&incomplete, &["\"blocks.model\"", "bias", "swish", "gelu", "size", "phantoms"]);
    assert!(!incomplete.iter().any(|n| n == "wide"));
    let whole = offered(&text.replace("import \"blocs.model\"\n\n", ""));
    check(&whole, &["gelu", "out", "maxpool", "int", "wide", "ceil", "stem", "swish", "Two", "cells", "bias"]);
    check(&whole, &["phantoms", "size", "threshold", "random", "optimizer", "cross_entropy", "dice", "last"]);
}
