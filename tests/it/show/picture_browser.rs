//! Pictures in a real browser, with the letters that it sets: NPNet, U-Net++, SegNet and PSPNet, closed and open, light
//! and dark.
//!
//! Runs where a Chromium or Chrome is found; reports where it is not.

use crate::show::picture::{CHAIN, all_open, repository_model, scene};
use crate::support::browser::{browser, measured};
use crate::support::compile::compile_text;
use crate::support::random_model;
use crate::support::tape::Tape;
use npc::internals::show::picture;
use npc::internals::show::picture::{FoldState, Scene, ShapeNotation};
use serde_json::Value;
use tempfile::tempdir;

const MEASURE: &str = include_str!("picture/measure.js");
const USE: &str = include_str!("picture/page.js");

/// The last model has a block with two outputs.
const MODELS: [(&str, &str); 4] =
    [("npnet", "NPNet"), ("unetpp", "UNetPlusPlus"), ("segnet", "SegNet"), ("pspnet", "PSPNetSide")];

/// The page computes the same coordinates and lines as the picture in a file.
fn same_layout(scene: &Scene, fold: &FoldState, shapes: ShapeNotation, found: &Value) {
    let placed = picture::place(scene, fold, shapes);
    let near = |a: f64, b: &Value| (a - b.as_f64().unwrap()).abs() < 1e-6;
    assert!(near(placed.size[0], &found["size"][0]) && near(placed.size[1], &found["size"][1]), "{}", found["size"]);
    for (i, spot) in placed.boxes.iter().enumerate() {
        match spot {
            None => assert!(found["spots"][i].is_null()),
            Some(s) => {
                let there = &found["spots"][i];
                let same = [s.x, s.y, s.w, s.h].into_iter().enumerate().all(|(k, v)| near(v, &there[k]));
                assert!(same, "{}: {s:?}, in the page {there}", scene.tree.items[i].path);
            }
        }
    }
    let lines: Vec<[String; 2]> = picture::routes(scene, &placed).into_iter().map(|l| [l.solid, l.dashed]).collect();
    let numbers = |text: &str| -> Vec<f64> {
        text.split(|c: char| !c.is_ascii_digit() && c != '.' && c != '-').filter_map(|n| n.parse().ok()).collect()
    };
    for (line, there) in lines.iter().zip(found["lines"].as_array().unwrap()) {
        for (k, path) in line.iter().enumerate() {
            // A half may be rounded either way.
            let (a, b) = (numbers(path), numbers(there[k].as_str().unwrap()));
            assert!(a.len() == b.len() && a.iter().zip(&b).all(|(a, b)| (a - b).abs() < 0.11), "{path}\n{}", there[k]);
        }
    }
    assert_eq!(lines.len(), found["lines"].as_array().unwrap().len());
}

#[test]
fn pages_open_and_close() {
    let Some(browser) = browser() else {
        eprintln!("skipped: no chromium or google-chrome on this machine");
        return;
    };
    let dir = tempdir().unwrap();
    for (k, (file, model)) in MODELS.into_iter().enumerate() {
        let scene = scene(&repository_model(file, model));
        let (closed, open) = (FoldState::to_depth(&scene.tree, 1), all_open(&scene));
        let html = picture::page(&scene, &closed, ShapeNotation::Numbers, None);
        let page = dir.path().join(format!("{file}.html"));
        std::fs::write(&page, html.replace("</body>", &format!("<script>{MEASURE}{USE}</script></body>"))).unwrap();
        let dark = k % 2 == 1;
        let found = measured(&browser, &page, if k == 2 { 600 } else { 1300 }, dark);
        for (state, fold, shapes) in [
            ("first", &closed, ShapeNotation::Numbers),
            ("open", &open, ShapeNotation::Numbers),
            ("formulas", &open, ShapeNotation::Formulas),
            ("again", &closed, ShapeNotation::Numbers),
        ] {
            let there = &found["states"][state];
            assert_eq!(there["wrong"], serde_json::json!([]), "{model} {state}");
            assert_eq!(there["boxes"], fold.box_count(&scene.tree), "{model} {state}");
            assert!(there["labels"].as_u64() > Some(5), "{model} {state}");
            same_layout(&scene, fold, shapes, there);
        }
        let first = closed.box_count(&scene.tree);
        assert!(found["opened"]["boxes"].as_u64() > Some(first as u64), "{model}: {}", found["opened"]);
        assert_eq!((&found["opened"]["frame"], &found["opened"]["focus"]), (&true.into(), &true.into()), "{model}");
        assert_eq!((&found["closed"]["boxes"], &found["closed"]["focus"]), (&first.into(), &true.into()), "{model}");
        assert!(found["lit"].as_u64() >= Some(2), "{model}: {} lines of the box", found["lit"]);
        assert_eq!((&found["moved"], &found["stops"]), (&true.into(), &1.into()), "{model}");
        let relus = scene.facts.iter().filter(|f| f.op.contains("relu")).count();
        assert_eq!(found["search"]["said"], format!("{relus} found"), "{model}");
        assert!(found["search"]["holds"].as_u64() > Some(0), "{model}");
        assert_eq!(found["hit"]["now"], 1, "{model}");
        assert!(found["hit"]["told"].as_str().unwrap().contains("receptive field"), "{model}: {}", found["hit"]);
        assert_eq!(found["requests"], serde_json::json!([]), "{model}");
        assert!(found["wide"].as_f64() <= Some(0.0), "{model}: wider than the window");
        let (paper, ink) = (found["paper"].as_f64().unwrap(), found["ink"].as_f64().unwrap());
        assert!(if dark { paper < 60.0 } else { paper > 200.0 }, "{model}: {paper}");
        assert!((paper - ink).abs() > 100.0, "{model}: letters of {ink} on {paper}");
    }
}

#[test]
fn svg_files_are_well_formed_in_a_browser() {
    let Some(browser) = browser() else {
        eprintln!("skipped: no chromium or google-chrome on this machine");
        return;
    };
    let dir = tempdir().unwrap();
    let mut pictures = String::new();
    let mut scenes = Vec::new();
    for (file, model) in MODELS {
        let scene = scene(&repository_model(file, model));
        pictures += &picture::svg(&scene, &FoldState::readable(&scene.tree), ShapeNotation::Formulas);
        scenes.push(scene);
    }
    let page = dir.path().join("pictures.html");
    let look = "addEventListener('load', () => leave([...document.querySelectorAll('svg')].map((svg) => {\
                const box = svg.getBoundingClientRect(), name = svg.querySelector('.keytext').getBBox();\
                const all = [...svg.children].filter((e) => e.getBBox).map((e) => e.getBoundingClientRect());\
                const inside = all.every((b) => b.left >= box.left && b.right <= box.right + .5 && b.bottom <= box.bottom + .5);\
                const paper = lightness(getComputedStyle(svg.querySelector('.paper')).fill);\
                return { ...looked(svg), inside, paper, key: name.width };\
                })));";
    let text = format!("<!doctype html><meta charset=utf-8><body>{pictures}<script>{MEASURE}{look}</script></body>");
    std::fs::write(&page, text).unwrap();
    for dark in [false, true] {
        let found = measured(&browser, &page, 1300, dark);
        for (scene, there) in scenes.iter().zip(found.as_array().unwrap()) {
            assert_eq!(there["wrong"], serde_json::json!([]), "{}", scene.name);
            assert_eq!(there["boxes"], FoldState::readable(&scene.tree).box_count(&scene.tree), "{}", scene.name);
            assert_eq!(there["inside"], true, "{}: something leaves the picture", scene.name);
            assert!(there["key"].as_f64() > Some(20.0));
            let paper = there["paper"].as_f64().unwrap();
            assert!(if dark { paper < 60.0 } else { paper > 200.0 }, "{}: {paper}", scene.name);
        }
    }
}

/// The same holds for random models and for a long chain, with `NPC_LONG=1`: a browser starts for each.
#[test]
fn random_pages_are_laid_out_as_files_are() {
    let (Some(browser), true) = (browser(), std::env::var_os("NPC_LONG").is_some()) else { return };
    let random = |seed| random_model::model(&mut Tape::seeded(seed));
    let look = "addEventListener('load', () => leave({ ...looked(document.getElementById('picture')),\
                spots: graph.placed().spots.map((s) => s && [s.x, s.y, s.w, s.h]), size: graph.placed().size,\
                lines: npc.lines(graph.scene, graph.placed()).map((l) => l.paths) }));";
    let dir = tempdir().unwrap();
    let page = dir.path().join("page.html");
    for text in std::iter::once(format!("{CHAIN}// size: 8x8\n")).chain((0..20).map(random)) {
        let size = text.lines().find_map(|l| l.strip_prefix("// size: ")?.split_once('x')).unwrap();
        let size = [size.0.parse().unwrap(), size.1.parse().unwrap()];
        for checked in &compile_text(&text, Some(size), &[]).checked {
            let scene = scene(checked);
            let html = picture::page(&scene, &all_open(&scene), ShapeNotation::Numbers, None);
            std::fs::write(&page, html.replace("</body>", &format!("<script>{MEASURE}{look}</script></body>")))
                .unwrap();
            let found = measured(&browser, &page, 1300, false);
            assert_eq!(found["wrong"], serde_json::json!([]), "{text}");
            same_layout(&scene, &all_open(&scene), ShapeNotation::Numbers, &found);
        }
    }
}
