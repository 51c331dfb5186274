//! Blocks that no model uses: the shapes that they declare are checked at the definition.

#[cfg(feature = "cli")]
use crate::support::program::npc;
use crate::support::repository::{model_files, repository};
use npc::graph::elaborate::{StandaloneCheck, check_unused_block, check_unused_blocks};
use npc::graph::resolve::resolve_bundle;
use npc::text::files::{Disk, Overlay};
use npc::text::import::load;
use npc::text::source::SourceMap;
use npc::text::syntax::ast::ItemKind;
use std::path::Path;

const ENUM: &str = "enum Kind { none, half, swap }";

/// Returns the messages and notes about the unused blocks of a text.
fn messages_of(text: &str) -> Vec<String> {
    let mut sources = SourceMap::new();
    let mut files = Overlay::new(Disk);
    files.set("test.model", format!("npc 1\nimport std\n{text}\n"));
    let (bundle, problems) = load(&files, &mut sources, Path::new("test.model")).unwrap();
    assert!(problems.is_empty(), "{text}: {:?}", problems.iter().map(|d| &d.message).collect::<Vec<_>>());
    let (program, found) = resolve_bundle(&bundle);
    assert!(!found.has_errors(), "{text}: {:?}", found.iter().map(|d| &d.message).collect::<Vec<_>>());
    check_unused_blocks(&program)
        .iter()
        .map(|d| format!("{} {} ({})", d.code.id(), d.message, d.notes.join("; ")))
        .collect()
}

/// Returns the outcome of the check of each block of a file that declares a result, by name.
fn checked_blocks(path: &Path) -> Vec<(String, StandaloneCheck)> {
    let mut sources = SourceMap::new();
    let (bundle, _) = load(&Disk, &mut sources, path).unwrap();
    let (program, found) = resolve_bundle(&bundle);
    assert!(!found.has_errors(), "{}", path.display());
    let blocks = bundle.root.items.iter().filter_map(|item| match &item.kind {
        ItemKind::Block(block) if block.result.is_some() => Some(block),
        _ => None,
    });
    blocks.map(|block| (block.name.node.clone(), check_unused_block(&program, block))).collect()
}

#[test]
fn a_wrong_promise_is_reported_without_a_use() {
    assert_eq!(
        messages_of("block wide(x: [c, h, w], out: int) -> [out, h, w] = x |> conv(2 * out)"),
        [
            "E0302 `wide` declares the result [16, 64, 64], but its body returns [32, 64, 64] (tried with out = 16, x = [24, 64, 64]; no \
             model uses this block)"
        ]
    );
    for (text, promised, given) in [
        ("block f(x: [c, h, w]) -> [c, h, w] = x |> maxpool(2)", "[24, 64, 64]", "[24, 32, 32]"),
        ("block f(x: [c, h, w], out: int) -> [out, h, w] = x |> relu", "[16, 64, 64]", "[24, 64, 64]"),
        ("block f(x: [n], m: int) -> [n] = x |> linear(m)", "[24]", "[16]"),
        ("block f(x: [c, h, w]) -> [c, h + 1, w] = x", "[24, 65, 64]", "[24, 64, 64]"),
        ("block f(x: [c, h, w], y: [d, h, w]) -> [c, h, w] = x |> concat(y)", "[24, 64, 64]", "[64, 64, 64]"),
        ("block f(x: [c, h, w], y: [d, i, j]) -> [c, h, w] = x |> resize(to = y)", "[24, 64, 64]", "[24, 128, 128]"),
    ] {
        let found = messages_of(text);
        let wanted = format!("E0302 `f` declares the result {promised}, but its body returns {given} (");
        assert!(matches!(&found[..], [message] if message.starts_with(&wanted)), "{text}: {found:?}");
    }
}

#[test]
fn every_case_and_both_booleans_are_tried() {
    let text = format!(
        "{ENUM}\nblock f(x: [c, h, w], kind: Kind = none) -> [c, h, w]\n  = match kind {{ none | swap => x, half => x |> conv(c / 2) }}"
    );
    let found = messages_of(&text);
    assert!(
        matches!(&found[..], [message] if message.contains("tried with kind = half, x = [24, 64, 64]")),
        "{found:?}"
    );
    assert!(messages_of(&text.replace("c / 2", "c")).is_empty());
    let found = messages_of("block f(x: [c, h, w], up: bool) -> [c, h, w] = if up { x } else { x |> resize(2) }");
    assert!(matches!(&found[..], [message] if message.contains("tried with up = false")), "{found:?}");
}

/// A block need not accept every number, and some declared shapes hold for certain sizes only.
#[test]
fn blocks_that_depend_on_their_use_are_not_reported() {
    for text in [
        "block f(x: [c, h, w], out: int) -> [out, h, w] { require out == c  return x |> relu }",
        "block f(x: [c, h, w], n: int) -> [c, h, w] { require n < 4, \"few\"  return x |> conv(c + n / 8) }",
        "block f(x: [c, h, w]) -> [c, h, w] { require c == 7  return x |> conv(5) }",
        "block f(x: [c, h, w]) -> [c, 7, 7] = x |> avgpool(32)",
        "block f(x: [c, h, w]) -> [c, h, w] = x |> maxpool(2) |> resize(2)",
        "block f(x: [c, h, w]) -> [c, w, h] = x",
        "block f(x: [c, h, w], k: int) -> [c, h, w] = x |> conv(c, k = k, pad = 1)",
        "block f(x: [c, h, w], at: index[c, i, j]) -> [c, h, w] = x |> unpool(at)",
        "block f(x: [c, h, w], mode: string) -> [c, h, w] = x |> conv(5)",
        "block f(x: [c, h, w]) = x |> conv(5)",
        "block f(x: [c, h, w]) -> [c, h, w] = x |> conv(5, groups = 7)",
    ] {
        assert!(messages_of(text).is_empty(), "{text}: {:?}", messages_of(text));
    }
}

/// The block with the mistake is reported, not those that use it.
#[test]
fn one_wrong_promise_is_reported_once() {
    let inner = "block inner(x: [c, h, w]) -> [c, h, w] = x |> conv(5)";
    let outer = "block outer(x: [c, h, w]) -> [c, h, w] = x |> inner";
    for text in [format!("{inner}\n{outer}"), format!("{outer}\n{inner}")] {
        let found = messages_of(&text);
        assert!(matches!(&found[..], [message] if message.starts_with("E0302 `inner`")), "{found:?}");
    }
}

#[test]
fn blocks_of_the_library_pass_the_check() {
    let std = checked_blocks(&repository("src/text/import/std.model"));
    assert!(std.len() > 10);
    for (name, outcome) in std {
        assert!(matches!(outcome, StandaloneCheck::Holds), "{name}: {outcome:?}");
    }
}

#[test]
fn blocks_of_the_models_pass_the_check() {
    let mut held = 0;
    for path in model_files("models") {
        for (name, outcome) in checked_blocks(&path) {
            assert!(matches!(outcome, StandaloneCheck::Holds), "{}: {name}: {outcome:?}", path.display());
            held += 1;
        }
    }
    assert!(held >= 5, "{held}");
}

/// A body that needs many steps is not evaluated once for each sample.
#[test]
fn long_bodies_are_not_evaluated_repeatedly() {
    let text = |i: usize| {
        format!(
            "block b{i}(x: [c, h, w], n: int) -> [c, h, w] {{\n  let l = [[i * j for j in 0..500] for i in 0..500]\n  \
             return x |> conv(5, groups = 7)\n}}"
        )
    };
    let blocks: Vec<String> = (0..4).map(text).collect();
    let began = std::time::Instant::now();
    assert!(messages_of(&blocks.join("\n")).is_empty());
    // One evaluation of each of the four takes well below a second; all samples would be 192 evaluations.
    assert!(began.elapsed() < std::time::Duration::from_secs(20), "{:?}", began.elapsed());
}

/// If one model is chosen, the blocks of the others are not reported as unused.
#[cfg(feature = "cli")]
#[test]
fn blocks_of_models_that_are_not_chosen_are_not_checked() {
    let folder = repository("tests/diagnostics");
    let all = ["check", "E0302_unused.model", "--size", "64x64"];
    let one_model = [&all[..], &["--model", "Net"]].concat();
    assert_eq!((npc(&folder, &all).code, npc(&folder, &one_model).code), (1, 0));
}
