//! The parts of a report: figures, costs, settings, data, commands.

use crate::base::error::Result;
use crate::base::number::{bytes, duration, thousands, with_prefix};
use crate::base::shell::quoted;
use crate::cli::field;
use crate::data::{Dataset, Role};
use crate::desk::ResolvedRun;
use crate::graph::check::Frozen;
use crate::learn::folder::Folder;
use crate::learn::history::History;
use crate::show::images::gallery::Shown;
use crate::show::report::{Balance, Fact, Picture, SIDE, value_text};
use crate::show::table::{Cell, Column, Table};
use crate::study::cost::{Convention, count, memory_with};
use rayon::prelude::*;
use serde_json::Value;
use std::path::Path;

/// Masks that are read for the class balance of a split, and images that are shown.
const MASKS: usize = 100;
const EXAMPLES: usize = 4;

/// What a JSON file holds; nothing where it cannot be read.
pub(super) fn json(path: &Path) -> Option<Value> {
    serde_json::from_str(&std::fs::read_to_string(path).ok()?).ok()
}

/// `eval.json`, with what it may hold under `summary` beside the rest.
pub(super) fn evaluation(path: &Path) -> Option<Value> {
    let mut value = json(path)?;
    if let Some(Value::Object(summary)) = value.get_mut("summary").map(Value::take) {
        value.as_object_mut()?.extend(summary);
    }
    Some(value)
}

/// The split that each epoch was scored on.
pub(super) fn scored_on(folder: &Folder) -> String {
    let summary = json(&folder.root().join("summary.json"));
    summary.and_then(|s| s["scored_on"].as_str().map(str::to_string)).unwrap_or_else(|| "test".into())
}

const SPLITS: [(Role, &str); 3] = [(Role::Train, "train"), (Role::Val, "val"), (Role::Test, "test")];

fn images(folder: &Folder, role: Role) -> usize {
    std::fs::read_to_string(folder.split(role)).map_or(0, |text| text.lines().count())
}

/// `NPNet on lungs at 128x128: 48 train, 12 test images; cpu, seed 0`.
pub(super) fn subtitle(ready: &ResolvedRun, folder: &Folder) -> String {
    let settings = &ready.settings;
    let [h, w] = settings.data.size;
    let sizes = SPLITS.map(|(role, name)| (images(folder, role), name));
    let sizes: Vec<_> = sizes.iter().filter(|(n, _)| *n > 0).map(|(n, name)| format!("{n} {name}")).collect();
    format!(
        "{} on {} at {h}x{w}: {} images; {}, seed {}",
        settings.train.model,
        settings.data.name,
        sizes.join(", "),
        settings.device,
        settings.train.seed
    )
}

pub(super) fn facts(
    ready: &ResolvedRun,
    folder: &Folder,
    evaluation: Option<&Value>,
    split: &str,
    history: &History,
) -> Vec<Fact> {
    let summary = json(&folder.root().join("summary.json"));
    let mut facts = Vec::new();
    for (key, label) in [("dice", "Dice"), ("iou", "IoU")] {
        if let Some(value) = evaluation.and_then(|e| e[key].as_f64()) {
            let interval = evaluation.map(|e| &e["intervals"]["mean"][key]);
            let ends = interval.and_then(|i| i["low"].as_f64().zip(i["high"].as_f64()));
            let note = ends.map_or_else(String::new, |(low, high)| format!("95 %: {low:.4} to {high:.4}"));
            facts.push(Fact::new(&format!("{label}, {split}"), format!("{value:.4}"), note));
        } else if let Some(value) = summary.as_ref().and_then(|s| s[key].as_f64()) {
            let split = scored_on(folder);
            facts.push(Fact::new(&format!("{label}, {split}"), format!("{value:.4}"), "of the best epoch"));
        }
    }
    let report = count(&ready.checked, Convention::Conv);
    facts.push(Fact::new("Parameters", with_prefix(report.params), thousands(report.params)));
    let [h, w] = ready.settings.data.size;
    facts.push(Fact::new("MACs", with_prefix(report.macs), format!("convolutions, one image of {h}x{w}")));
    let epochs = history.epochs().len();
    if let Some(best) = history.best("dice") {
        facts.push(Fact::new(
            "Best epoch",
            best.to_string(),
            format!("of {epochs} done, {} planned", ready.settings.train.epochs),
        ));
    }
    if let Some(seconds) = summary.as_ref().and_then(|s| s["seconds"].as_f64()) {
        let per_second = history.epochs().last().and_then(|e| e.get("images_per_second"));
        let note = per_second.map_or_else(String::new, |n| format!("{n:.1} images/s in training"));
        facts.push(Fact::new("Time", duration(seconds), note));
    }
    facts
}

pub(super) fn costs(ready: &ResolvedRun, folder: &Folder) -> Vec<(String, String)> {
    let checked = &ready.checked;
    let train = &ready.settings.train;
    let frozen = Frozen::known(checked, &train.freeze);
    let report = count(checked, Convention::Conv).with_frozen(&frozen);
    let mut rows = vec![
        ("image and result".to_string(), format!("{} to {}", checked.input(), checked.result_text())),
        ("parameters".into(), thousands(report.params)),
    ];
    if report.frozen > 0 {
        rows.push(("of them frozen".into(), thousands(report.frozen)));
    }
    for convention in Convention::ALL {
        let macs = count(checked, convention).macs;
        rows.push((format!("MACs, {}", convention.name()), format!("{} ({})", thousands(macs), with_prefix(macs))));
    }
    let memory = memory_with(checked, &frozen, train.optimizer.moments(), 1);
    let batch = train.batch as u64;
    let peak = |text: &str, timeline: &crate::study::cost::memory::Timeline, batch: u64| {
        let peak = timeline.peak(batch);
        (text.to_string(), format!("{}, most at {}", bytes(peak.bytes), peak.moment.place(checked.graph())))
    };
    rows.push(peak("memory to run one image", &memory.inference, 1));
    rows.push(peak(&format!("memory to train batch {batch}"), &memory.training, batch));
    for line in field::summary(checked).lines() {
        if let Some((name, text)) = line.split_once(' ') {
            let name = if name == "field" { "receptive field" } else { "effective MACs" };
            rows.push((name.into(), text.trim().to_string()));
        }
    }
    let weights = folder.checkpoint().ok().and_then(|path| std::fs::metadata(path).ok());
    rows.extend(weights.map(|m| ("checkpoint".to_string(), bytes(m.len()))));
    rows
}

/// The outermost blocks and the operators between them.
pub(super) fn blocks(ready: &ResolvedRun) -> Table {
    let report = count(&ready.checked, Convention::Conv);
    let mut rows = Vec::new();
    let mut shown: Option<&str> = None;
    for node in &report.nodes {
        // The outermost block is the shortest prefix that is one.
        let block = report
            .blocks
            .iter()
            .filter(|b| node.path.starts_with(&format!("{}.", b.path)))
            .min_by_key(|b| b.path.len());
        let (name, what, output, params, macs) = match block {
            Some(b) if shown == Some(&b.path) => continue,
            Some(b) => {
                shown = Some(&b.path);
                (&b.path, b.block.as_str(), &b.output, b.params, b.macs)
            }
            None => (&node.path, node.op, &node.output, node.params, node.macs),
        };
        let share = if report.macs == 0 { 0.0 } else { 100.0 * macs as f64 / report.macs as f64 };
        let dims: Vec<_> = output.iter().map(usize::to_string).collect();
        let mut row: Vec<Cell> = vec![name.as_str().into(), what.into(), dims.join(" × ").into()];
        row.extend([Cell::Count(params), Cell::Count(macs), Cell::Percent(share)]);
        rows.push(row);
    }
    let mut columns = ["path", "block", "output"].map(Column::words).to_vec();
    columns.extend(["parameters", "MACs", "share"].map(Column::numbers));
    Table::new(columns, rows)
}

/// Class balance of each split and a few training images with their masks.
pub(super) fn data(data: &Dataset, ready: &ResolvedRun) -> Result<(Vec<Balance>, Vec<Picture>)> {
    let classes = data.spec().classes.len();
    let mut balance = Vec::new();
    for (role, name) in SPLITS.into_iter().filter(|(role, _)| !data.is_empty(*role)) {
        let chosen = spread(data.len(role), MASKS);
        let counts: Vec<Vec<u64>> = chosen
            .par_iter()
            .map(|&index| {
                let (mask, _, _) = data.truth(role, index)?;
                let mut counts = vec![0u64; classes];
                for class in mask {
                    if let Some(n) = counts.get_mut(usize::from(class)) {
                        *n += 1;
                    }
                }
                Ok(counts)
            })
            .collect::<Result<_>>()?;
        let sums: Vec<u64> = (0..classes).map(|k| counts.iter().map(|c| c[k]).sum()).collect();
        let total = sums.iter().sum::<u64>().max(1) as f64;
        balance.push(Balance {
            split: name.into(),
            images: data.len(role),
            read: chosen.len(),
            shares: sums.iter().map(|&n| n as f64 / total).collect(),
        });
    }
    let channels = ready.checked.input().channels();
    let examples = spread(data.len(Role::Train), EXAMPLES)
        .into_iter()
        .map(|index| {
            let image = data.picture(Role::Train, index, channels)?;
            let (mask, size, _) = data.truth(Role::Train, index)?;
            let mask = crate::data::resize::nearest(&mask, size, image.original);
            let stem = data.cases(Role::Train)[index].stem.clone();
            let [h, w] = image.original;
            let shown = Shown {
                stem: stem.clone(),
                score: String::new(),
                rgb: image.rgb,
                size: image.original,
                predicted: mask,
                truth: None,
            };
            Picture::new(stem, format!("{w} × {h}"), &shown.draw(SIDE)?)
        })
        .collect::<Result<_>>()?;
    Ok((balance, examples))
}

/// At most `most` of `n` indices, evenly spread.
fn spread(n: usize, most: usize) -> Vec<usize> {
    (0..n.min(most)).map(|i| i * n / n.min(most)).collect()
}

/// Model, training, data and the rest, with every default filled in.
pub(super) fn settings(ready: &ResolvedRun) -> Vec<(String, Vec<(String, String)>)> {
    let graph = ready.checked.graph();
    let settings = &ready.settings;
    let mut model = vec![("model".to_string(), settings.train.model.clone())];
    model.extend(graph.settings.iter().map(|s| (s.name.clone(), s.value.clone())));
    let fields = |value: Result<Value, serde_json::Error>, without: &[&str]| -> Vec<(String, String)> {
        let Ok(Value::Object(fields)) = value else { return Vec::new() };
        let kept = fields.into_iter().filter(|(name, _)| !without.contains(&name.as_str()));
        kept.map(|(name, value)| (name.replace('_', " "), value_text(&value))).collect()
    };
    let mut machine =
        vec![("device".to_string(), settings.device.clone()), ("data root".into(), settings.data_root.clone())];
    machine.extend(settings.versions.iter().map(|(name, version)| (name.clone(), version.clone())));
    vec![
        ("Model".into(), model),
        ("Training".into(), fields(serde_json::to_value(&settings.train), &["model", "args"])),
        ("Data".into(), fields(serde_json::to_value(&settings.data), &[])),
        ("Machine and versions".into(), machine),
    ]
}

/// What to type for the same run again, its scores, this page, and masks of other images.
pub(super) fn commands(root: &Path) -> String {
    let run = quoted(&root.display().to_string());
    let settings = quoted(&root.join("settings.yaml").display().to_string());
    format!(
        "# the same run again, its scores and its page; on the CPU the same bits\n\
         npc train {settings} --out runs/again\n\
         npc eval runs/again\n\
         npc report runs/again\n\n\
         # masks for other images\n\
         npc predict {run} FOLDER --out masks --overlay\n"
    )
}
