//! Pictures of graphs: nothing overlaps, lines run down and cross no box, and equal graphs give equal pictures.

use crate::support::compile::{compile_file, compile_text};
use crate::support::random_model;
use crate::support::repository::repository;
use crate::support::tape::Tape;
use npc::graph::check::CheckedGraph;
use npc::internals::show::picture;
use npc::internals::show::picture::{
    Direction, Flow, FoldState, PictureLayout, Position, Scene, ShapeNotation, TreeItemKind,
};
use npc::study::cost::{Convention, count};
use proptest::prelude::*;

pub fn scene(checked: &CheckedGraph) -> Scene {
    Scene::new(checked, Convention::Conv).unwrap()
}

/// The same, drawn down even if it is a U.
pub fn scene_down(checked: &CheckedGraph) -> Scene {
    scene(checked).in_direction(Direction::Down).unwrap()
}

/// A model of `models/` at the size of the polyp data.
pub fn repository_model(file: &str, model: &str) -> CheckedGraph {
    compile_file(&repository(&format!("models/{file}.model")), Some([288, 384]), &[]).model(model)
}

pub fn all_open(scene: &Scene) -> FoldState {
    FoldState::to_depth(&scene.tree, usize::MAX)
}

#[derive(Debug, Clone, Copy)]
struct Rect {
    left: f64,
    top: f64,
    right: f64,
    bottom: f64,
}

impl Rect {
    fn overlaps(&self, o: &Rect) -> bool {
        let e = 0.01;
        self.left < o.right - e && o.left < self.right - e && self.top < o.bottom - e && o.top < self.bottom - e
    }

    fn holds(&self, p: Position) -> bool {
        let e = 0.5;
        p.x > self.left + e && p.x < self.right - e && p.y > self.top + e && p.y < self.bottom - e
    }

    fn within(&self, o: &Rect) -> bool {
        self.left >= o.left && self.right <= o.right && self.top >= o.top && self.bottom <= o.bottom
    }
}

/// Returns a label of ten-pixel letters, as wide as in a wide font.
fn label(text: &str, at: Position) -> Rect {
    let width: f64 = text.chars().map(|c| if c == ' ' { 3.2 } else { 6.4 }).sum();
    Rect { left: at.x - width / 2.0, right: at.x + width / 2.0, top: at.y - 8.0, bottom: at.y + 2.0 }
}

/// Checks the properties of every picture of any graph.
pub fn check_picture(scene: &Scene, fold: &FoldState) -> Result<(), TestCaseError> {
    let placed = picture::place(scene, fold, ShapeNotation::Numbers);
    let items = &scene.tree.items;
    let rect = |i: usize| placed.boxes[i].map(|s| Rect { left: s.x, top: s.y, right: s.x + s.w, bottom: s.y + s.h });
    let paper = Rect { left: 0.0, top: 0.0, right: placed.size[0], bottom: placed.size[1] };
    let boxes: Vec<(usize, Rect)> = (1..items.len()).filter_map(|i| Some((i, rect(i)?))).collect();
    for (i, a) in &boxes {
        let around = items[*i].parent.and_then(rect).unwrap_or(paper);
        prop_assert!(a.within(&around), "{} leaves what is around it: {a:?} {around:?}", items[*i].path);
        for (j, b) in boxes.iter().filter(|(j, _)| j > i && items[*j].parent == items[*i].parent) {
            prop_assert!(!a.overlaps(b), "{} and {} overlap", items[*i].path, items[*j].path);
        }
    }
    let labels = labels(scene, &placed);
    for (k, (owner, a)) in labels.iter().enumerate() {
        prop_assert!(a.within(&paper), "label {k} leaves the paper");
        for (i, b) in boxes.iter().filter(|(i, _)| !fold.is_open(*i)) {
            prop_assert!(!a.overlaps(b), "the label below {} lies on {}", items[*owner].path, items[*i].path);
        }
        for (other, b) in &labels[k + 1..] {
            prop_assert!(!a.overlaps(b), "labels below {} and {}", items[*owner].path, items[*other].path);
        }
    }
    let mut arrows = 0;
    for line in picture::routes(scene, &placed) {
        arrows += line.arrow_tips.len();
        let level = scene.layered[line.block].as_ref().expect("lines are in open blocks");
        let inside = scene.tree.ancestors(line.block);
        let up = placed.blocks[line.block].as_ref().is_some_and(|block| block.flow == Flow::Up);
        for [a, b, c, d] in &line.bends {
            let [e, f, g, h] = [a.y, b.y, c.y, d.y].map(|y| if up { -y } else { y });
            // Arrows that point up end below the sheet of a closed block.
            prop_assert!(e <= f && f < g && g <= h + 3.0, "a line runs back in {}", items[line.block].path);
            prop_assert!(level.layers.len() > 1);
        }
        if let (Some(block), Some(frame)) = (&placed.blocks[line.block], rect(line.block)) {
            let (entry, exit) = if up { (frame.bottom, frame.top) } else { (frame.top, frame.bottom) };
            let at_border = |node: usize| block.nodes[node].width == 0.0 && line.block != 0;
            for (segment, [start, .., end]) in level.hyperedges[line.hyperedge].segments.iter().zip(&line.bends) {
                if level.layers[0].contains(&segment.from) && at_border(segment.from) {
                    prop_assert!((start.y - entry).abs() < 0.01, "a line begins inside {}", items[line.block].path);
                }
                if level.layers[level.layers.len() - 1].contains(&segment.to) && at_border(segment.to) {
                    prop_assert!((end.y - exit).abs() < 0.01, "a line ends inside {}", items[line.block].path);
                }
            }
        }
        let on_bends = line.bends.iter().map(|[a, b, c, d]| points(*a, *b, *c, *d));
        for p in on_bends.chain(line.corners.iter().map(|corners| points_between(corners))) {
            for p in p {
                for (i, r) in boxes.iter().filter(|(i, _)| !inside.contains(i)) {
                    prop_assert!(!r.holds(p), "a line in {:?} runs through {}", items[line.block].path, items[*i].path);
                }
                for (owner, r) in &labels {
                    prop_assert!(!r.holds(p), "a line runs through the label below {}", items[*owner].path);
                }
            }
        }
    }
    // The number of arrows is the number of edges between boxes.
    prop_assert_eq!(arrows, picture::box_edges(scene, fold).len());
    Ok(())
}

fn labels(scene: &Scene, placed: &PictureLayout) -> Vec<(usize, Rect)> {
    let numbers = |&(item, port, at): &(usize, usize, Position)| {
        (item, label(scene.label(item, port, ShapeNotation::Numbers), at))
    };
    placed.labels.iter().map(numbers).collect()
}

/// Returns points along a line with corners.
fn points_between(corners: &[Position]) -> Vec<Position> {
    let mut all = Vec::new();
    for pair in corners.windows(2) {
        let steps = ((pair[0].x - pair[1].x).abs().max((pair[0].y - pair[1].y).abs()) / 4.0).ceil().max(1.0) as usize;
        all.extend((0..=steps).map(|k| {
            let t = k as f64 / steps as f64;
            Position { x: pair[0].x + t * (pair[1].x - pair[0].x), y: pair[0].y + t * (pair[1].y - pair[0].y) }
        }));
    }
    all
}

/// Returns points along a piece of a line: down, across in a cubic curve with vertical ends, down.
fn points(a: Position, b: Position, c: Position, d: Position) -> Vec<Position> {
    let mut all = Vec::new();
    for k in 0..=10 {
        let t = f64::from(k) / 10.0;
        all.push(Position { x: a.x, y: a.y + t * (b.y - a.y) });
        all.push(Position { x: d.x, y: c.y + t * (d.y - c.y) });
        let (s, m) = (1.0 - t, (b.y + c.y) / 2.0);
        let mix =
            |p: f64, q: f64, r: f64, u: f64| s.powi(3) * p + 3.0 * s * s * t * q + 3.0 * s * t * t * r + t.powi(3) * u;
        all.push(Position { x: mix(b.x, b.x, c.x, c.x), y: mix(b.y, m, m, c.y) });
    }
    all
}

pub fn check(scene: &Scene, fold: &FoldState) {
    if let Err(e) = check_picture(scene, fold) {
        panic!("{}: {e}", scene.name);
    }
}

#[test]
fn pictures_of_the_models_are_well_formed() {
    for (file, model) in [
        ("npnet", "NPNet"),
        ("unet", "UNet"),
        ("unetpp", "UNetPlusPlus"),
        ("unetpp_supervised", "UNetPlusPlusSupervised"),
        ("segnet", "SegNet"),
        ("attention_unet", "AttentionUNet"),
        ("pspnet", "PSPNet"),
        ("fcn8s", "FCN8s"),
    ] {
        let scene = scene(&repository_model(file, model));
        let readable = FoldState::readable(&scene.tree);
        assert!(
            readable.box_count(&scene.tree) <= picture::MAX_BOXES || readable == FoldState::to_depth(&scene.tree, 1),
            "{model}"
        );
        let down = scene.clone().in_direction(Direction::Down).unwrap();
        for fold in
            [FoldState::to_depth(&scene.tree, 1), FoldState::to_depth(&scene.tree, 2), readable, all_open(&scene)]
        {
            check(&scene, &fold);
            check(&down, &fold);
        }
    }
}

/// Larger maps are farther to the left: the columns of a U-Net are its resolutions, in their order.
#[test]
fn columns_are_sizes_of_maps() {
    let checked = repository_model("unet", "UNet");
    let scene = scene(&checked);
    let level = scene.layered[0].as_ref().unwrap();
    let mut widths: Vec<(usize, usize)> = Vec::new();
    for (at, item) in level.items() {
        if let Some(outlet) = scene.tree.items[item].outputs.first() {
            let width = checked.graph().ty(*outlet).shape().dims()[2];
            widths.push((level.nodes[at].column, width));
        }
    }
    widths.sort();
    widths.dedup();
    assert_eq!(widths, [(0, 384), (1, 192), (2, 96), (3, 48), (4, 24)]);
}

/// A skip connection is one straight line.
#[test]
fn skips_are_straight() {
    let scene = scene_down(&repository_model("unet", "UNet"));
    let fold = FoldState::to_depth(&scene.tree, 1);
    let placed = picture::place(&scene, &fold, ShapeNotation::Numbers);
    let long = |l: &&picture::Route| l.bends.len() > 4;
    let lines = picture::routes(&scene, &placed);
    let skips: Vec<_> = lines.iter().filter(long).collect();
    assert_eq!(skips.len(), 4);
    for line in skips {
        let dummies =
            scene.layered[0].as_ref().unwrap().hyperedges[line.hyperedge].segments.iter().filter(|h| h.port.is_none());
        let xs: Vec<f64> = dummies.map(|h| placed.blocks[0].as_ref().unwrap().nodes[h.to].x).collect();
        assert!(xs.windows(2).all(|w| (w[0] - w[1]).abs() < 0.01), "{xs:?}");
    }
}

#[test]
fn costs_of_shown_boxes_add_up() {
    let checked = repository_model("npnet", "NPNet");
    let (scene, report) = (scene(&checked), count(&checked, Convention::Conv));
    for depth in 1..5 {
        let shown = FoldState::to_depth(&scene.tree, depth).visible_boxes(&scene.tree);
        assert_eq!(shown.iter().map(|&i| scene.facts[i].params).sum::<u64>(), report.params);
        assert_eq!(shown.iter().map(|&i| scene.facts[i].macs).sum::<u64>(), report.macs);
    }
}

/// An input of which only the size is used is drawn dashed: `resize(to = x)`.
#[test]
fn sizes_that_are_read_are_dashed() {
    let scene = scene(&repository_model("npnet", "NPNet"));
    let edges = picture::box_edges(&scene, &FoldState::to_depth(&scene.tree, 1));
    let ends = |e: &picture::BoxEdge| (scene.tree.items[e.from].path.clone(), scene.tree.items[e.to].path.clone());
    let dashed: Vec<_> = edges.iter().filter(|e| e.size_only).map(ends).collect();
    assert_eq!(dashed, [("x".to_string(), "resize".to_string())]);
}

pub const CHAIN: &str = "npc 1
block step(x: [c, h, w]) -> [c, h, w] = x |> conv(c) |> relu
model M(x: [3, H, W], n: int = 60) -> [3, H, W] {
  let s[0] = x
  for i in 0..n { let s[i + 1] = s[i] |> step }
  return s[n] + s[0] |> conv(3)
}
";

/// A long chain of equal blocks is one box that shows their number, unless another node reads from its middle.
#[test]
fn equal_blocks_in_a_row_are_one_box() {
    let scene_of = |text: &str| scene(&compile_text(text, Some([8, 8]), &[]).model("M"));
    let count = |s: &Scene| {
        s.tree
            .items
            .iter()
            .filter_map(|i| if let TreeItemKind::Run { count, .. } = i.kind { Some(count) } else { None })
            .collect::<Vec<_>>()
    };
    let whole = scene_of(CHAIN);
    assert_eq!(count(&whole), [60]);
    assert!(FoldState::readable(&whole.tree).box_count(&whole.tree) < 8);
    check(&whole, &all_open(&whole));
    let tapped = scene_of(&CHAIN.replace("s[n] + s[0]", "s[n] + s[20]"));
    assert_eq!(count(&tapped), [20, 40]);
    check(&tapped, &all_open(&tapped));
    let short = scene_of(&CHAIN.replace("n: int = 60", "n: int = 12"));
    assert!(count(&short).is_empty());
}

#[test]
fn folds_are_named_by_path() {
    let scene = scene(&repository_model("npnet", "NPNet"));
    let mut fold = FoldState::to_depth(&scene.tree, 1);
    assert_eq!(fold.box_count(&scene.tree), 11);
    // Three blocks replace one; the path of a wrapper selects the block inside it.
    assert!(fold.set_open(&scene.tree, "s.1.basic", true));
    assert_eq!(fold.box_count(&scene.tree), 13);
    assert!(fold.set_open(&scene.tree, "s.1.basic.cbr2", true));
    assert_eq!(fold.box_count(&scene.tree), 15);
    assert!(fold.set_open(&scene.tree, "s.2.attend", true));
    assert_eq!(fold.box_count(&scene.tree), 20);
    assert!(fold.set_open(&scene.tree, "s.1.basic", false));
    assert_eq!(fold.box_count(&scene.tree), 16);
    assert!(!fold.set_open(&scene.tree, "s.9", true));
    assert!(!fold.set_open(&scene.tree, "s.1.bas", true), "a path ends between two names");
}

/// Returns the paths of the operators of U-Net, as they are printed.
fn checked_nodes() -> Vec<String> {
    let checked = repository_model("unet", "UNet");
    let graph = checked.graph();
    let nodes = graph.order().into_iter().map(|id| graph.node(id).path.clone());
    nodes.filter(|path| path != "x").collect()
}

/// Names as `npc check` and `npc lower` print them, and the instances of a list.
#[test]
fn folds_are_named_by_instances_and_operators() {
    let scene = scene(&repository_model("unet", "UNet"));
    let open = |path: &str| {
        let mut fold = FoldState::to_depth(&scene.tree, 1);
        assert!(fold.set_open(&scene.tree, path, true), "{path}");
        let is_open = |i: &usize| *i > 0 && fold.is_open(*i);
        (0..scene.tree.items.len()).filter(is_open).map(|i| scene.tree.items[i].path.as_str()).collect::<Vec<_>>()
    };
    assert_eq!(open("down.0"), ["down.0.double"]);
    assert_eq!(open("up.0"), ["up.0.cbr", "up.0.double"]);
    assert_eq!(open("down").len(), 5);
    assert_eq!(open("down.0.double.cbr2.conv"), ["down.0.double", "down.0.double.cbr2"]);
    let mut fold = all_open(&scene);
    assert!(fold.set_open(&scene.tree, "down.0", false));
    assert!(!fold.set_open(&scene.tree, "down.0.double.cbr2.conv", false), "an operator cannot be closed");
    for node in checked_nodes() {
        assert!(fold.set_open(&scene.tree, &node, true), "{node}");
    }
}

/// Draws every form of a scene.
pub fn draw_all_forms(checked: &CheckedGraph) {
    let scene = scene(checked);
    for fold in [FoldState::readable(&scene.tree), all_open(&scene)] {
        picture::svg(&scene, &fold, ShapeNotation::Formulas);
        picture::page(&scene, &fold, ShapeNotation::Numbers, None);
        picture::mermaid(&scene, &fold, ShapeNotation::Numbers);
        picture::dot(&scene, &fold, ShapeNotation::Numbers);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if std::env::var_os("NPC_LONG").is_some() { 3000 } else { 48 }))]

    #[test]
    fn random_pictures_are_well_formed(choices in proptest::collection::vec(any::<u32>(), 0..400), depth in 1usize..4) {
        let text = random_model::model(&mut Tape::new(&choices));
        let size = text.lines().nth(1).unwrap().trim_start_matches("// size: ").split_once('x').unwrap();
        let size = [size.0.parse().unwrap(), size.1.parse().unwrap()];
        for checked in &compile_text(&text, Some(size), &[]).checked {
            let scene = scene(checked);
            for fold in [FoldState::to_depth(&scene.tree, depth), all_open(&scene)] {
                check_picture(&scene, &fold)?;
                check_picture(&scene.clone().in_direction(Direction::Down).unwrap(), &fold)?;
                let again = Scene::new(checked, Convention::Conv).unwrap();
                prop_assert_eq!(picture::svg(&scene, &fold, ShapeNotation::Numbers), picture::svg(&again, &fold, ShapeNotation::Numbers));
            }
        }
    }
}
