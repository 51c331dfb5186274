//! Networks drawn as a U: which are one, and what such a picture looks like.

use super::picture::{all_open, check, check_picture, repository_model, scene};
use crate::support::compile::compile_text;
use npc::graph::check::CheckedGraph;
use npc::internals::show::picture;
use npc::internals::show::picture::{Direction, FoldState, NotUShaped, Position, Scene, ShapeNotation};
use proptest::prelude::*;

fn model(text: &str, size: [usize; 2]) -> CheckedGraph {
    let text = format!("npc 1\nimport std\n{text}");
    compile_text(&text, Some(size), &[]).model("M")
}

fn u_scene(checked: &CheckedGraph) -> Result<Scene, NotUShaped> {
    scene(checked).in_direction(Direction::U)
}

/// Row and column of the part whose path starts with a text.
fn place(scene: &Scene, path: &str) -> (usize, usize) {
    let plan = scene.u_plan().expect("a U");
    let part = plan.parts.iter().find(|part| scene.tree.items[part.item].path.starts_with(path));
    let part = part.unwrap_or_else(|| panic!("no {path}"));
    (part.row, part.column)
}

/// Returns the lines between two parts of different columns, each with its corners.
fn crossing_lines(scene: &Scene) -> Vec<Vec<Position>> {
    let placed = picture::place(scene, &FoldState::to_depth(&scene.tree, 1), ShapeNotation::Numbers);
    let plan = scene.u_plan().expect("a U");
    let across = |number: usize| {
        let [from, to] = plan.lines[number].edge;
        plan.parts[from].column != plan.parts[to].column
    };
    let lines = placed.u_routes.iter().filter(|route| across(route.hyperedge));
    lines.flat_map(|route| route.corners.clone()).collect()
}

#[test]
fn encoders_run_down_and_decoders_up() {
    let unet = scene(&repository_model("unet", "UNet"));
    for level in 0..4 {
        assert_eq!(place(&unet, &format!("down.{level}.double")), (level, 0));
        assert_eq!(place(&unet, &format!("up.{level}.double")), (level, 2));
    }
    assert_eq!(place(&unet, "down.4.double"), (4, 1), "the bottom is between the two");
    let segnet = scene(&repository_model("segnet", "SegNet"));
    assert_eq!((place(&segnet, "s.5.cbr3"), place(&segnet, "u.4")), ((4, 0), (4, 2)), "its decoder reaches the bottom");
    let attention = scene(&repository_model("attention_unet", "AttentionUNet"));
    assert_eq!(
        (place(&attention, "skip.0.gate"), place(&attention, "g.0.cbr")),
        ((0, 1), (0, 2)),
        "gates are on skips"
    );
}

/// The rows of U-Net++ are levels, its columns the second index of its nodes.
#[test]
fn nodes_of_unetpp_are_a_triangle() {
    let scene = scene(&repository_model("unetpp", "UNetPlusPlus"));
    for level in 0..5 {
        for column in 0..5 - level {
            assert_eq!(place(&scene, &format!("n.{level}.{column}.double")), (level, column));
        }
    }
}

#[test]
fn skips_are_level() {
    for (file, model, skips) in [("unet", "UNet", 4), ("segnet", "SegNet", 4)] {
        let lines = crossing_lines(&scene(&repository_model(file, model)));
        let level = |corners: &&Vec<Position>| {
            let long = corners.windows(2).filter(|p| (p[0].x - p[1].x).abs() > 100.0).count();
            corners.len() == 4 && long == 1
        };
        assert!(lines.iter().filter(level).count() >= skips, "{model}: {lines:?}");
    }
}

#[test]
fn rows_follow_each_other_and_are_named_by_size() {
    for (file, model) in [("unet", "UNet"), ("unetpp", "UNetPlusPlus"), ("segnet", "SegNet")] {
        let scene = scene(&repository_model(file, model));
        let plan = scene.u_plan().unwrap();
        for fold in [FoldState::to_depth(&scene.tree, 1), all_open(&scene)] {
            let placed = picture::place(&scene, &fold, ShapeNotation::Numbers);
            for part in &plan.parts {
                let bounds = placed.boxes[part.item].unwrap();
                let end = placed.rows.get(part.row + 1).map_or(placed.size[1], |row| row.top);
                assert!(bounds.y > placed.rows[part.row].top && bounds.y + bounds.h < end, "{model}");
            }
        }
        let svg = picture::svg(&scene, &FoldState::to_depth(&scene.tree, 1), ShapeNotation::Formulas);
        let sizes = ["H × W", "H/2 × W/2", "H/4 × W/4", "H/8 × W/8", "H/16 × W/16"];
        assert!(sizes.iter().all(|size| svg.contains(&format!(">{size}</text>"))), "{model}");
        let svg = picture::svg(&scene, &FoldState::to_depth(&scene.tree, 1), ShapeNotation::Numbers);
        assert!(svg.contains("class=\"level\"") && svg.contains(">144 × 192</text>"), "{model}");
    }
}

fn refusal(checked: &CheckedGraph) -> String {
    u_scene(checked).expect_err("not a U").0
}

#[test]
fn other_networks_say_why_they_are_no_u() {
    let why = refusal(&repository_model("fcn8s", "FCN8s"));
    assert_eq!(why, "its maps grow from 36 × 48 to 288 × 384 in one step, at `resize`, and not level by level");
    assert!(refusal(&repository_model("npnet", "NPNet")).contains("in one step, at `resize`"));
    let why = refusal(&repository_model("pspnet", "PSPNet"));
    assert_eq!(why, "its maps shrink from 288 × 384 to 36 × 48 within one part, `three.dilated_resnet18`");
    let one = model("model M(x: [3, H, W]) -> [2, H, W] = x |> conv(8) |> relu |> conv(2)", [32, 32]);
    assert!(refusal(&one).contains("one size"));
    let encoder = model("model M(x: [3, H, W]) -> [8, H/2, W/2] = x |> conv(8) |> maxpool(2) |> conv(8)", [32, 32]);
    assert!(refusal(&encoder).contains("no decoder"));
    // Two U-Nets one after the other: the maps shrink a second time.
    let w = "model M(x: [3, H, W]) -> [8, H, W] {
  let a = x |> conv(8) |> maxpool(2) |> conv(8) |> up(2)
  return a |> maxpool(2) |> conv(8) |> up(2)
}";
    assert!(refusal(&model(w, [32, 32])).contains("shrink again"));
    for checked in [one, encoder] {
        assert!(scene(&checked).u_plan().is_none(), "auto draws it down");
    }
}

/// A U-Net whose decoder stops one level early, one without skips, one with residual blocks in its levels, one with convolutions
/// without padding, one with a convolution on its skip, one with strides instead of pools, and two heads.
const ODD: [(&str, &str); 7] = [
    (
        "asymmetric",
        "model M(x: [3, H, W]) -> [8, H/2, W/2] {
  let a = x |> conv(8) |> maxpool(2) |> conv(8)
  let b = a |> maxpool(2) |> conv(8)
  return concat(a, b |> maxpool(2) |> conv(8) |> up(2) |> conv(8) |> up(2)) |> conv(8)
}",
    ),
    ("no skips", "model M(x: [3, H, W]) -> [2, H, W] = x |> conv(8) |> maxpool(2) |> conv(8) |> up(2) |> conv(2)"),
    (
        "residual",
        "block res(x: [c, h, w]) -> [c, h, w] = x + (x |> conv(c) |> relu |> conv(c))
model M(x: [3, H, W]) -> [2, H, W] {
  let a = x |> conv(8)
  let b = a + (a |> conv(8) |> relu |> conv(8))
  let c = b |> maxpool(2) |> res
  let d = c + (c |> conv(8) |> relu)
  let e = d |> up(2) |> res
  return concat(b, e) |> conv(2)
}",
    ),
    (
        "no padding",
        "model M(x: [3, H, W]) -> [2, H - 16, W - 16] {
  let a = x |> conv(8, pad = 0) |> conv(8, pad = 0)
  let b = a |> maxpool(2) |> conv(8, pad = 0) |> conv(8, pad = 0) |> up(2)
  return concat(a |> crop(to = b), b) |> conv(8, pad = 0) |> conv(2, pad = 0)
}",
    ),
    (
        "convolution on the skip",
        "model M(x: [3, H, W]) -> [2, H, W] {
  let a = x |> conv(8) |> relu
  let b = a |> maxpool(2) |> conv(8)
  return concat(a |> conv(4) |> relu, b |> up(2)) |> conv(2)
}",
    ),
    (
        "strides",
        "model M(x: [3, H, W]) -> [2, H, W] {
  let a = x |> conv(8, stride = 2) |> relu
  let b = a |> conv(16, stride = 2) |> relu
  let c = concat(a, b |> conv_transpose(8, k = 2, stride = 2)) |> conv(8)
  return c |> conv_transpose(8, k = 2, stride = 2) |> conv(2)
}",
    ),
    (
        "two heads",
        "model M(x: [3, H, W]) -> { main = [2, H, W], aux = [2, H, W] } {
  let a = x |> conv(8)
  let b = a |> maxpool(2) |> conv(8)
  let c = b |> maxpool(2) |> conv(8) |> up(2)
  let d = concat(b, c) |> conv(8)
  return { main = concat(a, d |> up(2)) |> conv(2), aux = d |> conv(2) |> resize(to = x, mode = bilinear) }
}",
    ),
];

#[test]
fn odd_us_are_drawn_well() {
    for (name, text) in ODD {
        let checked = model(text, [64, 64]);
        let scene = u_scene(&checked).unwrap_or_else(|NotUShaped(why)| panic!("{name}: {why}"));
        for fold in [FoldState::to_depth(&scene.tree, 1), all_open(&scene)] {
            if let Err(e) = check_picture(&scene, &fold) {
                panic!("{name}: {e}");
            }
        }
    }
    let skip = u_scene(&model(ODD[4].1, [64, 64])).unwrap();
    let plan = skip.u_plan().unwrap();
    assert_eq!(plan.columns[1].len(), 3, "the convolution and its relu, and the bottom");
}

/// Names have no part in it: the same network under other names has the same picture but for the names.
#[test]
fn names_do_not_matter() {
    let text = ODD[2].1;
    let other = text.replace("let a", "let decoder").replace("(a |>", "(decoder |>").replace("= a ", "= decoder ");
    assert_ne!(text, other);
    let layouts = [text, &other].map(|text| {
        let scene = u_scene(&model(text, [64, 64])).unwrap();
        picture::place(&scene, &FoldState::to_depth(&scene.tree, 1), ShapeNotation::Numbers)
    });
    assert_eq!(layouts[0], layouts[1]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// U-Nets of any depth, with any number of operators in a level, skips left out, and residual ways around operators.
    #[test]
    fn random_us_are_well_formed(
        levels in proptest::collection::vec((1usize..4, 0usize..4, any::<bool>(), any::<bool>()), 1..5),
    ) {
        let checked = model(&unet_text(&levels), [64, 96]);
        let scene = u_scene(&checked).map_err(|NotUShaped(why)| TestCaseError::fail(why))?;
        for fold in [FoldState::to_depth(&scene.tree, 1), all_open(&scene)] {
            check_picture(&scene, &fold)?;
            prop_assert_eq!(coinciding_lines(&scene, &fold), None);
        }
    }
}

/// Writes a U-Net: for each level the operators of the encoder and of the decoder, whether it has a skip, and whether a sum goes
/// around its operators.
fn unet_text(levels: &[(usize, usize, bool, bool)]) -> String {
    let mut text = String::from(
        "block two(x: [c, h, w]) -> [c, h, w] = x |> conv(c) |> relu
model M(x: [3, H, W]) -> [2, H, W] {
  let e[0] = x |> conv(4)\n",
    );
    for (k, (down, _, _, around)) in levels.iter().enumerate() {
        let parts = " |> two".repeat(*down);
        let sum = if *around { format!("e[{k}] + (e[{k}]{parts})") } else { format!("e[{k}]{parts}") };
        text += &format!("  let s[{k}] = {sum}\n  let e[{}] = s[{k}] |> maxpool(2) |> conv(4)\n", k + 1);
    }
    let n = levels.len();
    text += &format!("  let d[{n}] = e[{n}] |> relu\n");
    for (k, (_, up, skip, _)) in levels.iter().enumerate().rev() {
        let joined = format!("d[{}] |> up(2)", k + 1);
        let joined = if *skip { format!("concat(s[{k}], {joined}) |> conv(4)") } else { joined };
        text += &format!("  let d[{k}] = {joined}{}\n", " |> two".repeat(*up));
    }
    text + "  return d[0] |> conv(2)\n}"
}

/// Returns a message where lines of two tensors lie on each other, instead of crossing.
fn coinciding_lines(scene: &Scene, fold: &FoldState) -> Option<String> {
    let plan = scene.u_plan().expect("a U");
    let placed = picture::place(scene, fold, ShapeNotation::Numbers);
    let mut pieces: Vec<((usize, usize), Position, Position)> = Vec::new();
    for route in &placed.u_routes {
        let line = &plan.lines[route.hyperedge];
        let corners = route.corners.iter().flat_map(|corners| corners.windows(2));
        pieces.extend(corners.map(|pair| ((line.edge[0], line.port), pair[0], pair[1])));
    }
    let overlap = |a: [f64; 2], b: [f64; 2]| a[0].max(a[1]).min(b[0].max(b[1])) - a[0].min(a[1]).max(b[0].min(b[1]));
    let level = |a: Position, b: Position| (a.y - b.y).abs() < 0.1;
    for (i, (tensor, a, b)) in pieces.iter().enumerate() {
        for (other, c, d) in pieces[i + 1..].iter().filter(|(other, ..)| other != tensor) {
            let along = level(*a, *b) && level(*c, *d) && (a.y - c.y).abs() < 2.0;
            let up = !level(*a, *b) && !level(*c, *d) && (a.x - c.x).abs() < 2.0;
            let shared = match (along, up) {
                (true, _) => overlap([a.x, b.x], [c.x, d.x]),
                (_, true) => overlap([a.y, b.y], [c.y, d.y]),
                (false, false) => continue,
            };
            if shared > 1.0 {
                let path = |part: usize| &scene.tree.items[plan.parts[part].item].path;
                return Some(format!("lines of {} and {} coincide from {a:?} to {b:?}", path(tensor.0), path(other.0)));
            }
        }
    }
    None
}

#[test]
fn lines_of_two_tensors_never_coincide() {
    let models = ["unet UNet", "attention_unet AttentionUNet", "segnet SegNet", "unetpp UNetPlusPlus"];
    let models = models.map(|text| text.split_once(' ').unwrap());
    let mut scenes: Vec<Scene> = models.iter().map(|(file, name)| scene(&repository_model(file, name))).collect();
    scenes.extend(ODD.map(|(_, text)| u_scene(&model(text, [64, 64])).unwrap()));
    for scene in &scenes {
        for fold in [FoldState::to_depth(&scene.tree, 1), FoldState::to_depth(&scene.tree, 2), all_open(scene)] {
            assert_eq!(coinciding_lines(scene, &fold), None, "{}", scene.name);
        }
    }
}

#[test]
fn one_level_below_is_enough() {
    let checked = model(&unet_text(&[(1, 1, true, false)]), [64, 64]);
    check(&u_scene(&checked).unwrap(), &FoldState::readable(&scene(&checked).tree));
}
