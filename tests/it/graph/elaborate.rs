//! Elaboration case by case: rules too small for a file of their own, and the limits that make every file safe to open.

use crate::support::compile::compile_text;
use npc::graph::ir;
use proptest::prelude::*;
use std::time::{Duration, Instant};

/// Returns a model `-> [3, H, W]` at 16x16 with this body, after `items`.
fn model(items: &str, body: &str) -> String {
    format!("npc 1\n// size: 16x16\n{items}\nmodel M(x: [3, H, W]) -> [3, H, W] {{\n{body}\n}}\n")
}

fn messages(items: &str, body: &str) -> Vec<String> {
    compile_text(&model(items, body), Some([16, 16]), &[]).messages()
}

/// Returns the paths of a model's nodes.
fn paths(items: &str, body: &str) -> Vec<String> {
    let model = compile_text(&model(items, body), Some([16, 16]), &[]).model("M");
    let graph = model.graph();
    graph.order().into_iter().map(|id| graph.node(id).path.clone()).collect()
}

#[test]
fn paths_follow_the_source() {
    let items = "block f(x: [c, h, w]) -> [c, h, w] { let y = x |> relu  return y |> tanh |> tanh }";
    assert_eq!(
        paths(items, "let a = x |> f |> f\nlet n[0, 2] = a |> relu\nreturn n[0, 2] |> repeat(2, relu)"),
        ["x", "a.f.y.relu", "a.f.tanh", "a.f.tanh2", "a.f2.y.relu", "a.f2.tanh", "a.f2.tanh2", "n.0.2.relu"]
            .into_iter()
            .chain(["relu", "relu2"])
            .collect::<Vec<_>>()
    );
    // A numbered repeat yields to a name in the source.
    assert_eq!(
        paths("", "let conv2 = x |> conv(3)\nreturn conv2 |> conv(3) |> conv(3)")[1..],
        ["conv2.conv", "conv", "conv2"]
    );
    let list = "let y = [x |> relu, x |> [tanh |> relu for i in 0..1][0]]";
    assert_problem!(model("", &format!("{list}\nreturn x")), "E0101");
    assert_eq!(
        paths("", "return concat([x |> conv(1, k = i) for i in [1, 3, 5]])")[1..4],
        ["0.conv", "1.conv", "2.conv"]
    );
}

#[test]
fn a_default_may_use_dims_of_the_image() {
    let text = "npc 1\nmodel M(x: [c, H, W], c: int = 2, half: int = W / 2) -> [half, H, W] = x |> conv(half)\n";
    let model = compile_text(text, Some([4, 6]), &[]).model("M");
    assert_eq!((model.input().dims(), model.output().dims()), (&[2, 4, 6][..], &[3, 4, 6][..]));
    let settings: Vec<_> = model.graph().settings.iter().map(|s| format!("{}={}", s.name, s.value)).collect();
    assert_eq!(settings, ["c=2", "half=3"]);
}

#[test]
fn rounding_takes_fractions_and_numbers() {
    for (expr, value) in [
        ("ceil(7 / 2)", 4),
        ("floor(-7 / 2)", -4),
        ("ceil(-7 / 2)", -3),
        ("ceil(2.1)", 3),
        ("floor(-0.5)", -1),
        ("ceil(3 * 0.5)", 2),
        ("floor(5 / 2 * 2)", 5),
        ("ceil(1 / 3 + 1 / 3 + 1 / 3)", 1),
        ("floor(-(7 / 2))", -4),
        ("ceil(7 % 4 / 2)", 2),
    ] {
        assert_problem!(model("", &format!("require {expr} == {value}\nreturn x")), "W0403");
    }
}

#[test]
fn one_problem_does_not_hide_another() {
    // A model that uses a block with a syntax error is not elaborated.
    let text = model(
        "block broken(x: [c, h, w]) = x conv(3)\nblock other(x: [c, h, w], out: int) -> [out, h, w] = x |> conv(7)",
        "let a = x |> conv(4, stride = 0)\nlet b = x |> other(5)\nlet c = a + b\nlet d = x |> broken\n\
         return x |> conv(3, goups = 3)",
    );
    assert_problem!(text, "E0101");
    let found = messages(
        "block other(x: [c, h, w], out: int) -> [out, h, w] = x |> conv(7)",
        "let a = x |> conv(4, stride = 0)\nlet b = x |> other(5)\nlet c = a + b\n\
         return x |> conv(3, goups = 3)",
    );
    let codes: Vec<_> = found.iter().map(|t| &t[..5]).collect();
    assert_eq!(codes, ["E0302", "E0206", "E0204"], "{found:?}");
    // The lines after a `require` were written for values that satisfy it.
    let text = model("", "require W == 2\nlet a = x |> maxpool(W, stride = W / 3)\nreturn a");
    assert_problem!(text, "E0306", "the requirement does not hold", at = "W == 2");
}

#[test]
fn a_mistake_in_one_block_does_not_affect_other_models() {
    let text = "npc 1\nblock bad(x: [c, h, w]) = x bn\nblock good(x: [c, h, w]) = x |> conv(2)\n\
                model A(x: [3, H, W]) -> [3, H, W] = x |> bad\nmodel B(x: [3, H, W]) -> [9, H, W] = x |> good\n";
    let made = compile_text(text, Some([8, 8]), &[]);
    assert_eq!((made.problems.iter().count(), made.codes()), (2, vec!["E0101", "E0302"]), "{}", made.rendered());
}

/// Asserts that elaboration ends in time, with one of these codes first, or without a problem where `codes` is empty.
fn assert_ends_with(items: &str, body: &str, codes: &[&str]) {
    let start = Instant::now();
    let found = messages(items, body);
    let took = start.elapsed();
    let errors: Vec<_> = found.iter().filter(|t| t.starts_with('E')).collect();
    match errors.first() {
        None => assert!(codes.is_empty(), "no error in {body:.80}"),
        Some(first) => assert!(codes.contains(&&first[..5]), "{first} in {body:.80}"),
    }
    // The limit is for a debug build on a busy machine; npc itself is ten times as fast.
    assert!(took < Duration::from_secs(20), "{took:?} for {body:.80}");
}

#[test]
fn work_without_end_is_refused() {
    assert_ends_with("", "for i in 0..1000000000 { let s[i] = x }\nreturn x", &["E0311"]);
    assert_ends_with("", "for i in 0..1999999 { for j in 0..1999999 { require true } }\nreturn x", &["E0311"]);
    assert_ends_with("", "return x |> repeat(1000000000, relu)", &["E0311"]);
    assert_ends_with("", "return x |> repeat(1000000000, identity)", &["E0311"]);
    assert_ends_with("", &format!("return x |> {}relu{}", "repeat(9, ".repeat(40), ")".repeat(40)), &["E0311"]);
    assert_ends_with("", "return x |> conv(3, k = len([1 for i in 0..9223372036854775807]))", &["E0311"]);
    assert_ends_with("", "return concat([[x for i in 0..2000] for j in 0..2000]) |> conv(3)", &["E0311"]);
    // Lists double in length, and lists contain lists.
    assert_ends_with("", "let l[0] = [1]\nfor i in 0..64 { let l[i + 1] = l[i] ++ l[i] }\nreturn x", &["E0311"]);
    assert_ends_with("", "let l[0] = 1\nfor i in 0..200000 { let l[i + 1] = [l[i]] }\nreturn x", &["E0311"]);
    assert_ends_with("", "let l[0] = 1\nfor i in 0..64 { let l[i + 1] = l }\nreturn x", &["E0311"]);
    // The same mistake occurs two million times.
    assert_ends_with("", "for i in 0..1000000 { let s[i] = x + 1 }\nreturn x", &["E0304"]);
}

#[test]
fn recursive_blocks_are_refused() {
    let selfish = "block f(x: [c, h, w]) = x |> f";
    assert_ends_with(selfish, "return x |> f", &["E0203"]);
    let ring = "block f(x: [c, h, w]) = x |> g\nblock g(x: [c, h, w]) = x |> repeat(2, h)\n\
                block h(x: [c, h, w]) = match c { 3 => x |> f, _ => x }";
    assert_ends_with(ring, "return x |> g", &["E0203"]);
    assert_ends_with("block f(x: [c, h, w]) { require f(x) == x  return x }", "return x |> f", &["E0203"]);
    let chain: Vec<String> = (0..100).map(|i| format!("block b{i}(x: [c, h, w]) = x |> b{}", i + 1)).collect();
    let chain = format!("{}\nblock b100(x: [c, h, w]) = x |> relu", chain.join("\n"));
    assert_ends_with(&chain, "return x |> b0", &["E0311"]);
    assert_ends_with(&chain, "return x |> b40", &[]);
}

#[test]
fn large_networks_are_elaborated() {
    assert_ends_with("", "let s[0] = x\nfor i in 0..100000 { let s[i + 1] = s[i] |> relu }\nreturn s[100000]", &[]);
    let lets: String = (0..10_000).map(|i| format!("let a{} = a{i} + a{i}\n", i + 1)).collect();
    assert_ends_with("", &format!("let a0 = x\n{lets}return a10000"), &[]);
    let deep = "block f(x: [c, h, w]) -> [c, h, w] = x |> repeat(300, relu)";
    assert_ends_with(deep, "return x |> repeat(300, f)", &[]);
    assert_ends_with("", "return x |> repeat(250000, relu)", &["E0311"]);
}

/// The source nests as deeply as the syntax allows: blocks in blocks, each with deep expressions around the next.
#[test]
fn the_deepest_file_fits_the_stack() {
    let (open, close) = ("(".repeat(60), ")".repeat(60));
    let mut items = String::from("block b0(x: [c, h, w]) = x |> relu\n");
    for i in 1..64 {
        let before = "x + ".repeat(190);
        items += &format!("block b{i}(x: [c, h, w]) = {open}(x |> b{}) + {before}x{close}\n", i - 1);
    }
    assert_ends_with(&items, "return x |> b63", &[]);
}

#[test]
fn arithmetic_never_overflows() {
    for stage in [
        "conv(1000000000000000)",
        "conv(9223372036854775807)",
        "conv(4294967295, k = 4294967295)",
        "conv(3, k = 4294967295)",
        "conv(3, k = 4294967294, pad = 4294967295)",
        "conv(3, k = 3, dilation = 4294967295)",
        "conv(3, k = 4294967295, dilation = 4294967295)",
        "conv(3, k = 1, pad = 4294967295)",
        "conv(3, k = 1, pad = 4294967295, stride = 4294967295)",
        "conv_transpose(3, stride = 4294967295, k = 4294967295)",
        "conv_transpose(3, k = 4294967295, dilation = 4294967295)",
        "conv_transpose(4294967295, k = 60000)",
        "conv_transpose(3, stride = 4294967295, out_pad = 4294967294)",
        "conv_transpose(3, pad = 4294967295)",
        "maxpool(4294967295)",
        "maxpool(4294967295, pad = 2147483647)",
        "avgpool(1, stride = 4294967295, ceil = true)",
        "maxpool_with_index(4294967295)",
        "avgpool_to(4294967295)",
        "up(4294967295)",
        "up(100000) |> up(100000) |> up(100000)",
        "resize(4294967295)",
        "resize(to = [4294967295, 4294967295])",
        "repeat(60, up(2))",
        "repeat(99, pad(4294967295))",
        "repeat(99, pad([4294967295, 0, 0, 4294967295], mode = replicate))",
        "pad(1, mode = reflect) |> pad(4294967295, mode = reflect)",
        "crop([4294967295, 1])",
        "crop([1, 1], at = [4294967295, 4294967295])",
        "slice(4294967295)",
        "slice(0, to = 4294967295)",
        "pixel_shuffle(4294967295)",
        "channel_shuffle(4294967295)",
        "group_norm(4294967295)",
        "maxpool_to(4294967295)",
        "repeat(9223372036854775807, conv(3))",
        "flatten |> linear(4294967295) |> linear(4294967295)",
        "conv(4294967295, k = 1) |> conv(4294967295, k = 1)",
        "dropout(9223372036854775807)",
        "conv(9223372036854775807 + 1)",
        "conv(-9223372036854775807 - 9)",
        "conv(ceil(9223372036854775807 / 1 + 1 / 2))",
        "conv(floor(1e300))",
        "conv(9223372036854775807 * 2)",
        "conv(1 % 0)",
        "conv(1 / 0)",
        "conv(3, k = [3, 3, 3])",
        "conv(3, k = -1)",
        "conv(3, groups = 0)",
    ] {
        assert_ends_with("", &format!("return x |> {stage}"), &["E0206", "E0303", "E0304", "E0310", "E0311", "E0302"]);
    }
    // The sum of the channels exceeds the limit of one tensor.
    assert_ends_with("", "let a = x |> conv(2147483647, k = 1)\nreturn concat([a for i in 0..1000])", &["E0311"]);
    // Each layer is within the limits, but their sum is not.
    let text = "npc 1\nmodel M(x: [1, H, W]) -> [4096, H, W] = x |> conv(4096) |> repeat(2000, conv(4096, k = 15))\n";
    let found = compile_text(text, Some([4096, 4096]), &[]).messages();
    assert!(found.iter().any(|t| t.starts_with("E0311")), "{found:?}");
    for dims in ["[3, 9223372036854775807, 2]", "[9223372036854775807, 9223372036854775807, 9223372036854775807]"] {
        let text = format!("npc 1\nmodel M(x: {dims}) -> [3, 4, 4] = x |> conv(3)\n");
        let found = compile_text(&text, None, &[]).messages();
        assert!(found[0].starts_with("E0311"), "{dims}: {found:?}");
    }
}

fn number() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => (0i64..6).prop_map(|n| n.to_string()),
        1 => (-3i64..300).prop_map(|n| n.to_string()),
        1 => Just("4294967295".to_string()),
        1 => Just("c".to_string()),
        1 => Just("ceil(h / 2)".to_string()),
        1 => Just("0.5".to_string()),
        1 => Just("[3, 1]".to_string()),
        1 => Just("[]".to_string()),
    ]
}

/// A call of any operator with its own arguments or those of others, valid or not.
fn stage() -> impl Strategy<Value = String> {
    let names: Vec<&str> =
        npc::graph::op::SIGNATURES.iter().map(|s| s.name).chain(["f", "repeat", "identity"]).collect();
    let args: Vec<&str> = npc::graph::op::SIGNATURES.iter().flat_map(|s| s.args).map(|a| a.name).collect();
    let value = prop_oneof![
        6 => number(),
        1 => proptest::sample::select(vec!["same", "nearest", "bilinear", "true", "false", "x", "y", "relu", "f(3)"])
            .prop_map(str::to_string),
    ];
    let arg = prop_oneof![
        2 => value.clone(),
        3 => (proptest::sample::select(args), value).prop_map(|(n, v)| format!("{n} = {v}")),
    ];
    (proptest::sample::select(names), proptest::collection::vec(arg, 0..4)).prop_map(|(name, args)| match args.len() {
        0 => name.to_string(),
        _ => format!("{name}({})", args.join(", ")),
    })
}

fn expression() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        4 => Just("x".to_string()),
        2 => Just("y".to_string()),
        1 => Just("n[0]".to_string()),
        1 => Just("n[0, 0..1]".to_string()),
        2 => number(),
    ];
    leaf.prop_recursive(4, 24, 3, |inner| {
        prop_oneof![
            5 => (inner.clone(), stage()).prop_map(|(x, s)| format!("({x} |> {s})")),
            2 => (inner.clone(), proptest::sample::select(vec!["+", "-", "*", "++", "==", "%", "/", ".."]), inner.clone())
                .prop_map(|(a, op, b)| format!("({a} {op} {b})")),
            1 => proptest::collection::vec(inner.clone(), 0..3).prop_map(|items| format!("[{}]", items.join(", "))),
            1 => (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a}, {b})")),
            1 => (inner.clone(), number()).prop_map(|(a, n)| format!("[{a} for i in 0..{n}]")),
            1 => (inner.clone(), inner.clone(), inner).prop_map(|(a, b, c)| format!("if {a} == {b} {{ {b} }} else {{ {c} }}")),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    /// Elaboration ends on any text, and every form of a graph that passes can be written.
    #[test]
    fn check_never_panics(
        lets in proptest::collection::vec(expression(), 1..5),
        result in expression(),
        size in (1usize..20, 1usize..20),
    ) {
        let mut text = String::from(
            "npc 1\nblock f(x: [c, h, w], out: int, k: int = 1) -> [out, h, w] = x |> conv(out, k = k) |> bn\n\
             block m(x: [c, h, w]) {\n  let y = x |> relu\n  let n[0] = y\n",
        );
        for (i, value) in lets.iter().enumerate() {
            text += &format!("  let v{i} = {value}\n");
        }
        text += &format!("  return {result}\n}}\n");
        text += "model M(x: [3, H, W]) -> [3, H, W] { let y = x |> m  return x |> conv(3) }\n";
        let made = compile_text(&text, Some([size.0, size.1]), &[]);
        made.rendered();
        for checked in &made.checked {
            ir::to_text(checked.graph());
            crate::show::picture::draw_all_forms(checked);
            ir::to_json(checked.graph());
            npc::study::cost::count(checked, npc::study::cost::Convention::Conv);
        }
    }
}
