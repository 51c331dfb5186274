//! The lints: none on the usual networks, and true where they occur.

use crate::support::compile::{CompiledFile, compile_file, compile_text};
use crate::support::repository::{for_each_file, model_files, repository, stem};
use npc::text::diag::Code;
use proptest::prelude::*;
use std::collections::BTreeSet;

/// Compiles a text that uses the library of blocks, at a size.
fn with_std(text: &str, size: [usize; 2]) -> CompiledFile {
    compile_text(&format!("npc 1\nimport std\n{text}"), Some(size), &[])
}

/// Networks as their authors built them, at the sizes that they are used at.
#[test]
fn the_usual_networks_have_no_warning() {
    let unet = "model M(x: [3, H, W], width: int[] = [8, 16, 32, 64, 128]) -> [2, H, W] {
  let down[0] = x |> double(width[0])
  for i in 1..5 { let down[i] = down[i - 1] |> maxpool(2) |> double(width[i]) }
  let up[4] = down[4]
  for i in [3, 2, 1, 0] {
    let up[i] = (down[i] ++ (up[i + 1] |> conv_transpose(width[i], k = 2, stride = 2))) |> double(width[i])
  }
  return up[0] |> conv(2, k = 1)
}
";
    let resnet = "block stem(x: [c, h, w]) = x |> conv(8, k = 7, stride = 2, bias = false) |> bn |> relu |> maxpool(3, stride = 2, pad = 1)\n";
    let resnet50 = "model M(x: [3, H, W]) -> [4] = x |> stem
  |> repeat(3, bottleneck(8))
  |> bottleneck(16, stride = 2) |> repeat(3, bottleneck(16))
  |> bottleneck(32, stride = 2) |> repeat(5, bottleneck(32))
  |> bottleneck(64, stride = 2) |> repeat(2, bottleneck(64))
  |> avgpool_to(1) |> flatten |> linear(4)
";
    let deeplab = "model M(x: [3, H, W]) -> [2, H, W] = x |> stem
  |> repeat(3, bottleneck(8))
  |> bottleneck(16, stride = 2) |> repeat(3, bottleneck(16))
  |> bottleneck(32, stride = 2) |> repeat(22, bottleneck(32))
  |> repeat(3, bottleneck(64, dilation = 2))
  |> aspp(32) |> conv(2, k = 1) |> resize(to = x)
";
    let mobilenet = "model M(x: [3, H, W]) -> [4] = x |> cbr(8, stride = 2) |> inverted(8, expand = 1)
  |> inverted(16, stride = 2) |> inverted(16) |> inverted(24, stride = 2) |> inverted(24)
  |> inverted(32, stride = 2) |> inverted(48) |> inverted(64, stride = 2) |> inverted(96)
  |> conv(128, k = 1, bias = false) |> bn |> relu6 |> avgpool_to(1) |> flatten |> linear(4)
";
    let patches = "model M(x: [3, H, W]) -> [8, H / 16, W / 16] = x |> conv(8, k = 4, stride = 4, pad = 0) |> gelu
  |> conv(8, k = 2, stride = 2, pad = 0) |> gelu |> conv(8, k = 7, groups = 8) |> layer_norm |> conv(8, k = 2, stride = 2, pad = 0)
";
    let deep_supervision = "model M(x: [3, H, W]) -> { a = [1, H, W], b = [2, H, W] } {
  let y = x |> double(8)
  return { a = y |> conv(1, k = 1) |> sigmoid, b = y |> double(8) |> conv(2, k = 1) |> softmax }
}
";
    for (name, text, sizes) in [
        ("unet", unet.to_string(), [[64, 64], [512, 512]]),
        ("resnet", format!("{resnet}{resnet50}"), [[64, 96], [224, 224]]),
        ("deeplab", format!("{resnet}{deeplab}"), [[768, 1024], [1025, 1025]]),
        ("mobilenet", mobilenet.to_string(), [[96, 96], [224, 224]]),
        ("patches", patches.to_string(), [[64, 64], [224, 224]]),
        ("heads", deep_supervision.to_string(), [[32, 32], [128, 128]]),
    ] {
        for size in sizes {
            let import = if name == "patches" { "" } else { "import std\n" };
            let compiled = compile_text(&format!("npc 1\n{import}{text}"), Some(size), &[]);
            // The image pooling of ASPP normalises one value a channel, which W0402 reports for every such network.
            let messages: Vec<_> = compiled.messages().into_iter().filter(|t| !t.starts_with("W0402")).collect();
            assert!(messages.is_empty() && compiled.checked.len() == 1, "{name} {size:?}: {messages:?}");
        }
    }
}

/// The networks of `models` have no warning at the sizes of their data, except for the rates of NPNet where the map is
/// small.
#[test]
fn models_have_no_warning_at_the_sizes_of_their_data() {
    for_each_file(model_files("models"), |path| {
        for (size, small) in [([128, 128], true), ([224, 224], true), ([288, 384], true), ([512, 512], false)] {
            let compiled = compile_file(path, Some(size), &[]);
            // The runs of `paper` train NPNet.
            let rates = small && ["npnet", "paper"].contains(&stem(path).as_str());
            let expected: &[&str] = if rates { &["W0404"] } else { &[] };
            assert_eq!(compiled.codes(), expected, "{} {size:?}\n{}", path.display(), compiled.rendered());
        }
    });
}

/// Chen et al. 2017 on DeepLabV3 (section 3.3): a rate near the size of the map leaves little but the centre.
#[test]
fn aspp_on_a_small_map_is_reported() {
    let text = "model M(x: [3, H, W]) -> [8, H / 16, W / 16] = x |> maxpool(16) |> aspp(8)\n";
    let dilation_warnings =
        |size| with_std(text, size).messages().into_iter().filter(|t| t.starts_with("W0404")).collect::<Vec<_>>();
    assert_eq!(
        dilation_warnings([512, 512]),
        ["W0404 `conv` with dilation 18 on a map of 32x32 reads padding with 61 % of its taps"]
    );
    assert_eq!(dilation_warnings([1024, 1024]), Vec::<String>::new());
}

/// The paper's case in figures: 44 of 84 pairs on each axis touch pixels at rate 20, 54 at rate 15.
#[test]
fn npnet_at_224() {
    let path = repository("models/npnet.model");
    let messages = compile_file(&path, Some([224, 224]), &[]).messages();
    assert_eq!(
        messages,
        ["W0404 `conv` with dilation 20 on a map of 28x28 reads padding with 73 % of its taps (2 nodes)"]
    );
    assert_eq!((100.0 * (1.0 - (44.0f64 / 84.0).powi(2))).round(), 73.0);
    assert!(100.0 * (1.0 - (54.0f64 / 84.0).powi(2)) > 50.0);
    let messages = compile_file(&path, Some([288, 384]), &[]).messages();
    assert_eq!(messages, ["W0404 `conv` with dilation 20 on a map of 36x48 reads padding with 55 % of its taps"]);
}

/// Returns the finding of W0405 on a chain of 3x3 convolutions with these rates after a strided one.
fn chain(rates: &[usize]) -> Option<(usize, usize)> {
    let convs: String = rates.iter().map(|r| format!(" |> conv(4, dilation = {r})")).collect();
    let text = format!(
        "npc 1\nmodel M(x: [3, H, W]) -> [4, H / 2, W / 2] = x |> conv(4, k = 2, stride = 2, pad = 0){convs}\n"
    );
    let compiled = compile_text(&text, Some([256, 256]), &[]);
    assert_eq!(compiled.checked.len(), 1, "{}", compiled.rendered());
    let d = compiled.problems.iter().find(|d| d.code.id() == "W0405")?;
    let numbers: Vec<usize> = d.primary.as_ref()?.text.split(' ').filter_map(|w| w.parse().ok()).collect();
    Some((numbers[0], numbers[1]))
}

/// Returns every offset that a chain reads along an axis, by adding taps one by one.
fn offsets(rates: &[usize]) -> BTreeSet<i64> {
    rates.iter().fold([0].into(), |seen: BTreeSet<i64>, &r| {
        let r = r as i64;
        seen.iter().flat_map(|at| [at - r, *at, at + r]).collect()
    })
}

fn gcd(a: usize, b: usize) -> usize {
    if b == 0 { a } else { gcd(b, a % b) }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]
    #[test]
    fn gridding_is_reported_where_pixels_are_unread(rates in prop::collection::vec(1usize..9, 1..6)) {
        let seen = offsets(&rates);
        let finding = chain(&rates);
        let classes = |n: usize| seen.iter().map(|at| at.rem_euclid(n as i64)).collect::<BTreeSet<_>>().len();
        if let Some((read, all)) = finding {
            prop_assert_eq!(classes(all), read, "{:?}", rates);
            prop_assert!(read < all);
        }
        let dilated: Vec<usize> = rates.iter().copied().filter(|&r| r > 1).collect();
        let factor = dilated.iter().copied().reduce(gcd).unwrap_or(1);
        if dilated.len() < 2 {
            prop_assert_eq!(finding, None, "{:?}", rates);
        } else if factor > 1 && classes(factor) < factor {
            prop_assert!(finding.is_some(), "{:?} reads {} of {} classes", rates, classes(factor), factor);
        }
    }
}

/// The hybrid rates that Wang et al. recommend, and the rates that they warn of.
#[test]
fn rates_of_the_literature_are_judged_as_published() {
    assert_eq!(chain(&[2, 2, 2]), Some((1, 2)));
    assert_eq!(chain(&[2, 4, 8]), Some((1, 2)));
    assert_eq!(chain(&[1, 2, 3]), None);
    assert_eq!(chain(&[1, 2, 5, 9]), None);
    assert_eq!(chain(&[5, 9, 17]), None);
}

#[test]
fn parallel_branches_close_gaps() {
    let text = |other: &str| {
        format!(
            "npc 1\nblock two(x: [c, h, w]) -> [c, h, w] = (x |> conv(c, dilation = 2)) {other}\n\
             model M(x: [3, H, W]) -> [4, H, W] = x |> conv(4, k = 1) |> two |> two\n"
        )
    };
    assert_problem!(text(""), "W0405");
    // A shortcut reads the pixel itself, as a dilated kernel does.
    assert_problem!(text("+ x"), "W0405");
    assert_no_problem!(text("+ (x |> conv(c))"));
}

/// A bias is reported as dead only before norms of each channel, and not where another node reads it.
#[test]
fn biases_with_an_effect_are_not_reported() {
    let model = |body: &str| {
        format!("// size: 16x16\nmodel M(x: [3, H, W]) -> [8, H, W] {{\n  let y = x |> conv(8)\n  {body}\n}}\n")
    };
    for body in ["return y |> bn", "return y |> group_norm(8)"] {
        assert_problem!(model(body), "W0407", "the bias of `conv` has no effect", at = "conv");
    }
    for body in [
        "return y + (x |> conv(8, bias = false) |> bn)",
        "return y |> group_norm(4)",
        "return y |> layer_norm",
        "return y |> relu |> bn",
        "return y + (y |> bn)",
    ] {
        assert_no_problem!(model(body));
    }
}

#[test]
fn transposed_kernels_with_uneven_overlap_are_reported() {
    let text = |settings: &str, h: usize| {
        format!("// size: 8x8\nmodel M(x: [3, H, W]) -> [4, {h}, {h}] = x |> conv_transpose(4, {settings})\n")
    };
    for (settings, h) in [
        ("k = 2, stride = 2", 16),
        ("k = 4, stride = 2, pad = 1", 16),
        ("k = 3, stride = 1", 10),
        ("k = 6, stride = 3", 27),
    ] {
        assert_no_problem!(text(settings, h));
    }
    for (settings, h) in
        [("k = 3, stride = 2, pad = 1, out_pad = 1", 16), ("k = 2, stride = 3", 23), ("k = 5, stride = 2", 19)]
    {
        assert_problem!(text(settings, h), "W0408");
    }
}

/// A loop, and a block that is called again, are one place each.
#[test]
fn a_place_is_reported_once() {
    let text = "model M(x: [3, H, W]) -> [4, H, W] {
  let s[0] = x
  for i in 0..50 { let s[i + 1] = s[i] |> cbr(4, bias = true) }
  return s[50] |> cbr(4, bias = true)
}
";
    let messages = with_std(text, [16, 16]).messages();
    let dead: Vec<_> = messages.iter().filter(|t| t.starts_with("W0407")).collect();
    assert_eq!(
        dead,
        [
            "W0407 the bias of `conv` has no effect: `bn` follows (50 nodes)",
            "W0407 the bias of `conv` has no effect: `bn` follows"
        ]
    );
}

#[test]
fn every_lint_is_documented() {
    let page = std::fs::read_to_string(repository("docs/lints.md")).unwrap();
    for (code, name) in Code::ALL.iter().filter_map(|c| Some((c, c.lint()?))) {
        assert!(page.contains(&format!("| `{name}` | {} |", code.id())), "docs/lints.md has no row for {name}");
    }
}

const VALID: &str = "block two(x: [c, h, w], out: int) -> [out, h - 4, w - 4]
  = x |> conv(out, pad = 0) |> relu |> conv(out, pad = 0) |> relu

model Valid(x: [1, H, W]) -> [2, H, W] {
  let a = x |> two(8)
  let b = a |> maxpool(2) |> two(16)
  let c = b |> maxpool(2) |> two(32)
  let d = c |> conv_transpose(16)
  let e = concat(b |> JOIN, d) |> two(16)
  let f = e |> conv_transpose(8)
  let g = concat(a |> crop(to = f), f) |> two(8)
  return g |> conv(2, k = 1) |> END
}
";

/// Returns the messages about misplaced maps.
fn misplaced(text: &str, size: [usize; 2]) -> Vec<String> {
    let compiled = compile_text(&format!("npc 1\n{text}"), Some(size), &[]);
    assert!(!compiled.checked.is_empty(), "{}", compiled.rendered());
    let about = |t: &String| t.starts_with("W0418") || t.starts_with("W0419");
    compiled.messages().into_iter().filter(about).collect()
}

/// The U-Net as first published loses a border of 20 pixels. Resizing its result displaces every mask; padding or cropping
/// does not.
#[test]
fn a_border_that_is_stretched_away_is_reported() {
    let with = |join: &str, end: &str| VALID.replace("JOIN", join).replace("END", end);
    let stretched = misplaced(&with("crop(to = d)", "resize(to = x)"), [100, 100]);
    assert_eq!(
        stretched,
        ["W0418 the result of `Valid` shows pixels 20 to 80 of a height of 100, and is laid over all of them"]
    );
    let padded = with("crop(to = d)", "pad([20, 20, 20, 20])");
    assert_eq!(misplaced(&padded, [100, 100]), Vec::<String>::new());
    let before = with("crop(to = d)", "identity")
        .replace("let a = x |>", "let a = x |> pad([20, 20, 20, 20], mode = reflect) |>");
    assert_eq!(misplaced(&before, [100, 100]), Vec::<String>::new());
    let resized = misplaced(&with("resize(to = d)", "pad([20, 20, 20, 20])"), [100, 100]);
    assert!(resized.iter().all(|t| t.starts_with("W0419")), "{resized:?}");
    assert_eq!(resized[0], "W0419 the inputs of this `concat` lie up to 8 pixels apart in the image, along the height");
    // The suggestion for the join keeps pixels in place.
    let compiled = compile_text(&format!("npc 1\n{}", with("identity", "resize(to = x)")), Some([100, 100]), &[]);
    let text = compiled.rendered();
    assert!(text.contains("crop(to = d)") && !text.contains("resize(to = d)"), "{text}");
}

/// What strides, rounded sizes, even kernels and aligned corners displace is no mistake.
#[test]
fn usual_strides_and_sizes_misplace_nothing() {
    let any = "block two(x: [c, h, w], out: int) -> [out, h, w] = x |> conv(out) |> relu |> conv(out) |> relu
model Any(x: [3, H, W]) -> [1, H, W] {
  let a = x |> two(8)
  let b = a |> maxpool(2) |> two(16)
  let c = b |> maxpool(2) |> two(32)
  let d = c |> maxpool(2) |> two(32)
  let e = concat(c, d |> resize(to = c)) |> two(32)
  let f = concat(b, e |> resize(to = b, align_corners = true)) |> two(16)
  return concat(a, f |> resize(to = a)) |> conv(1, k = 1)
}
";
    for size in [[31, 47], [64, 96], [100, 101], [127, 8]] {
        assert_eq!(misplaced(any, size), Vec::<String>::new(), "{size:?}");
    }
    let strided = "model Strided(x: [3, H, W]) -> [2, H, W] {
  let a = x |> conv(8, k = 7, stride = 2)
  let b = a |> maxpool(3, stride = 2, pad = 1) |> conv(8, stride = 2) |> conv(8, stride = 2) |> conv(8, stride = 2)
  let c = (a |> conv(8, k = 1, stride = 2)) + (a |> conv(8, k = 3, stride = 2))
  return concat(a, b |> resize(to = a), c |> resize(to = a)) |> conv(2, k = 4, pad = 1) |> resize(to = x)
}
";
    for size in [[64, 64], [97, 161], [224, 224]] {
        assert_eq!(misplaced(strided, size), Vec::<String>::new(), "{size:?}");
    }
    let transposed = "model Up(x: [3, H, W]) -> [2, H, W]
  = x |> conv(8, k = 4, stride = 4, pad = 0) |> conv_transpose(8, k = 4, stride = 2, pad = 1) |> conv_transpose(2) |> resize(to = x)
";
    assert_eq!(misplaced(transposed, [64, 64]), Vec::<String>::new());
}

/// A row that is cut off at one side displaces what is joined behind it.
#[test]
fn one_sided_borders_are_reported() {
    let text = "model Shifted(x: [3, H, W]) -> [3, H, W]
  = x |> pad([0, 6, 0, 0]) |> conv(3) |> resize(to = x)
";
    let found = misplaced(text, [32, 32]);
    assert_eq!(
        found,
        ["W0418 the result of `Shifted` shows pixels 0 to 38 of a height of 32, and is laid over all of them"]
    );
    let cropped = text.replace("resize(to = x)", "crop(to = x, at = [0, 0])");
    assert_eq!(misplaced(&cropped, [32, 32]), Vec::<String>::new());
}
