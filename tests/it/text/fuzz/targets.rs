//! Fuzz targets: each function accepts any text and must return.
//!
//! Shared by the tests and by the targets of `fuzz/`, so it names nothing of either.

use npc::graph::check::{CheckedGraph, check};
use npc::graph::elaborate::{ModelArgument, elaborate};
use npc::graph::ir;
use npc::graph::resolve::{ResolvedProgram, resolve_bundle};
use npc::internals::show::picture;
use npc::internals::show::picture::{FoldState, Scene, ShapeNotation};
use npc::study::claim::{MeasuredModel, PeakBytes, judge_claim};
use npc::study::cost::{Convention, count};
use npc::study::explore::{FilterQuery, count_variants, fit_holes, open_holes, sweep_bounds};
use npc::text::config::{schema, settings};
use npc::text::diag::{Problems, json, render};
use npc::text::import::{Bundle, STD};
use npc::text::source::{SourceMap, Span, Spanned};
use npc::text::syntax;
use npc::text::syntax::ast;
use std::collections::BTreeMap;

const SIZE: Option<[usize; 2]> = Some([48, 64]);

/// Runs `work` with the stack that the program itself uses.
pub fn deep<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(256 << 20).spawn_scoped(scope, work);
        thread.expect("a thread").join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

/// Renders the problems in both forms, and checks that every place is inside its text.
fn render_problems(sources: &SourceMap, problems: &Problems) {
    for d in problems.iter() {
        for label in d.primary.iter().chain(&d.others) {
            let text = &sources.file(label.span.source).text;
            assert!(text.get(label.span.range()).is_some(), "{} points outside: {label:?}", d.code.id());
        }
    }
    render::to_text(sources, problems, true);
    let json = serde_json::Value::Array(json(sources, problems)).to_string();
    serde_json::from_str::<serde_json::Value>(&json).expect("problems are JSON");
}

/// Computes every analysis of a checked model that does not run it.
fn analyze_model(checked: &CheckedGraph) {
    for convention in Convention::ALL {
        count(checked, convention);
    }
    if checked.graph().len() < 5000 {
        ir::to_text(checked.graph());
        let json = ir::to_json(checked.graph()).to_string();
        serde_json::from_str::<serde_json::Value>(&json).expect("a graph is JSON");
    }
    let scene = (checked.graph().len() < 500).then(|| Scene::new(checked, Convention::Conv).ok()).flatten();
    if let Some(scene) = scene {
        for fold in [FoldState::readable(&scene.tree), FoldState::to_depth(&scene.tree, usize::MAX)] {
            picture::svg(&scene, &fold, ShapeNotation::Formulas);
            picture::mermaid(&scene, &fold, ShapeNotation::Numbers);
        }
    }
}

fn bundle(sources: &mut SourceMap, text: &str) -> (Bundle, Problems) {
    let source = sources.add("fuzz.model", text);
    let (root, mut problems) = syntax::parse(sources, source);
    let is_std = |item: &ast::FileItem| matches!(item.kind, ast::ItemKind::Import(ast::Import::Std(_)));
    let std = root.items.iter().any(is_std).then(|| {
        let id = sources.add("<std>", STD);
        let (file, found) = syntax::parse(sources, id);
        problems.extend(found);
        file
    });
    // Other files do not exist.
    let incomplete = root
        .items
        .iter()
        .any(|item| matches!(item.kind, ast::ItemKind::Import(ast::Import::Path(_) | ast::Import::StdModel(_))));
    (Bundle { source, root, std, incomplete, ..Bundle::default() }, problems)
}

/// Runs the whole front, as `npc check` does.
pub fn front(text: &str) {
    let mut sources = SourceMap::new();
    let (bundle, mut problems) = bundle(&mut sources, text);
    let (program, found) = resolve_bundle(&bundle);
    problems.extend(found);
    for entry in program.entries() {
        if program.is_broken(&entry.node) || !open_holes(&program, &entry.node, &[]).is_empty() {
            continue;
        }
        match elaborate(&program, entry, &[], SIZE).and_then(check) {
            Ok(checked) => {
                problems.extend(checked.warnings().clone());
                analyze_model(&checked);
            }
            Err(found) => problems.extend(found),
        }
    }
    for item in &program.file.items {
        problems.extend(recipe_item(&program, item));
    }
    render_problems(&sources, &problems.sorted());
}

/// Checks the `data`, `train`, `sweep` and `expect` blocks.
fn recipe_item(program: &ResolvedProgram<'_>, item: &ast::FileItem) -> Problems {
    let mut problems = Problems::new();
    match &item.kind {
        ast::ItemKind::Data(data) => problems.extend(schema::data_spec(data).err().unwrap_or_default()),
        ast::ItemKind::Train(train) => match schema::train_spec(train, BTreeMap::new()) {
            Ok((_, later)) => problems.extend(later),
            Err(found) => problems.extend(found),
        },
        ast::ItemKind::Sweep(sweep) if !program.is_broken(&sweep.name.node) => {
            let peaks = |_: &CheckedGraph| PeakBytes::default();
            let thinned = sweep_bounds(&sweep.models.keep, Convention::Conv).and_then(|bounds| {
                let asked = FilterQuery { sizes: &[SIZE], bounds: &bounds, peaks: &peaks };
                Ok(count_variants(program, sweep, &asked, Convention::Conv)?)
            });
            problems.extend(thinned.map_or_else(|found| found, |thinned| thinned.problems));
        }
        ast::ItemKind::Expect(expect) if !program.is_broken(&expect.model.node) => {
            let Some(name) = program.find(&expect.model.node) else { return problems };
            if open_holes(program, &name.node, &[]).is_empty() {
                let Ok(checked) = elaborate(program, name, &[], SIZE).and_then(check) else { return problems };
                let model = MeasuredModel::new(&checked, &PeakBytes::default);
                for claim in &expect.claims {
                    problems.extend(judge_claim(claim, &model).err().map(|d| Problems::from(*d)).unwrap_or_default());
                }
            } else if let Err(d) = fit_holes(program, name, &[(expect, SIZE)]) {
                problems.push(d);
            }
        }
        ast::ItemKind::Import(_)
        | ast::ItemKind::Enum(_)
        | ast::ItemKind::Block(_)
        | ast::ItemKind::Model(_)
        | ast::ItemKind::Variant(_)
        | ast::ItemKind::Sweep(_)
        | ast::ItemKind::Expect(_)
        | ast::ItemKind::Allow(_) => {}
    }
    problems
}

/// Comments of a text, as sorted lines. A quote opens a string and ends with its line.
fn comments(text: &str) -> Vec<&str> {
    let comment = |line: &'_ str| {
        let (mut string, mut escaped) = (false, false);
        line.char_indices().find_map(|(i, c)| {
            let start = !string && line[i..].starts_with("//");
            string ^= c == '"' && !escaped;
            escaped = string && c == '\\' && !escaped;
            start.then_some(i)
        })
    };
    let mut found: Vec<_> = text.split('\n').filter_map(|l| comment(l).map(|i| l[i..].trim_end())).collect();
    found.sort_unstable();
    found
}

/// Formats a text that parses: the result parses, keeps every comment, and does not change when formatted again.
pub fn format(text: &str) {
    let formatted = |text: &str| {
        let mut sources = SourceMap::new();
        let id = sources.add("fuzz.model", text);
        let (file, problems) = syntax::parse(&sources, id);
        let printed = syntax::print(&sources, id, &file);
        (!problems.has_errors()).then_some(printed)
    };
    let Some(once) = formatted(text) else { return };
    let Some(twice) = formatted(&once) else { panic!("what is formatted does not parse:\n{text}\n---\n{once}") };
    assert!(once == twice, "formatting twice differs:\n{text}\n---\n{once}\n---\n{twice}");
    assert!(comments(text) == comments(&once), "comments are lost:\n{text}\n---\n{once}");
}

/// Reads a value of `--with width=VALUE`, for a model with a parameter of each type.
pub fn value(text: &str) {
    const MODEL: &str = "npc 1\nenum E { a, b }\n\
        model M(x: [3, H, W], n: int = 3, list: int[] = [1, 2], e: E = a, f: float = 0.1, yes: bool = true) \
        -> [n, H, W] {\n  let y[0] = x\n  for i in 0..len(list) { let y[i + 1] = y[i] |> conv(list[i]) }\n  \
        return y[len(list)] |> conv(n) |> match e { a => relu, b => leaky_relu(slope = f) }\n}\n";
    let mut sources = SourceMap::new();
    let (bundle, mut problems) = bundle(&mut sources, MODEL);
    let (program, _) = resolve_bundle(&bundle);
    let id = sources.add("--with", text);
    match syntax::parse_value(&sources, id) {
        Ok(value) => {
            let entry = program.entries()[0];
            for name in ["n", "list", "e", "f", "yes", "none"] {
                let name = Spanned::new(name.to_string(), Span::default());
                let args = [ModelArgument { name, value: value.clone() }];
                match elaborate(&program, entry, &args, SIZE).and_then(check) {
                    Ok(checked) => analyze_model(&checked),
                    Err(found) => problems.extend(found),
                }
            }
        }
        Err(found) => problems.extend(found),
    }
    render_problems(&sources, &problems.sorted());
}

/// Reads a settings file: the settings can be written, and are the same when read again.
pub fn settings_file(text: &str) {
    if let Ok(read) = settings::from_yaml(text)
        && let Ok(written) = settings::to_yaml(&read)
    {
        let again = settings::from_yaml(&written);
        // A NaN is not equal to itself.
        assert!(again.is_ok_and(|s| format!("{s:?}") == format!("{read:?}")), "{text}\n---\n{written}");
    }
}
