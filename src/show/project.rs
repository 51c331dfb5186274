//! What `npc new` found and guessed, as text and as JSON.

use super::table::{Cell, Column, Table};
use crate::base::count::counted;
use crate::base::number::{rough_bytes, thousands, with_prefix};
use crate::base::path::or_working_folder;
use crate::base::shell::quoted;
use crate::base::shorten::beginning_of;
use crate::data::image_facts::ImageFacts;
use crate::data::inspection::{FileSummary, Inspection};
use crate::text::config::case_rules::MaskLabel;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// A project that was written, as far as it is shown.
pub(crate) struct ProjectSummary<'a> {
    /// Folder of the project.
    pub dir: &'a Path,
    /// Name of the model file in it.
    pub model: &'a str,
    /// Name of the run.
    pub run: &'a str,
    pub written: &'a [PathBuf],
    pub inspection: &'a Inspection,
    /// Line, entry and reason of each guess.
    pub guesses: Vec<(usize, &'a str, &'a str)>,
    /// Parameters, multiply-accumulates, bytes of a training step, and minutes of the training.
    pub costs: [u64; 4],
}

/// Returns tables of what was found and what was guessed, the files, and the next commands.
pub(crate) fn to_text(project: &ProjectSummary<'_>) -> String {
    let mut out = String::from("found\n");
    let facts = found(project.inspection);
    let width = facts.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    facts.iter().for_each(|(name, text)| out += &format!("  {name:width$}  {text}\n"));
    out += &format!("\n{}", classes(project.inspection).to_text());
    out += "\nguessed: change the line where it is wrong\n";
    for (line, entry, why) in &project.guesses {
        let place = format!("{}:{line}", project.model);
        let same = |(_, before, _): &&(usize, &str, &str)| before == entry;
        // Several reasons of one entry stand below it.
        if project.guesses.iter().find(same).is_some_and(|(_, _, first)| first == why) {
            out += &format!("  {place:width$}  {}\n", beginning_of(entry), width = project.model.len() + 4);
        }
        out += &format!("      {why}\n");
    }
    out.push('\n');
    let [params, macs, memory, minutes] = project.costs;
    out += &format!(
        "network: {}, {} MACs an image, {} a training step; run `{}`: about {} on two cores\n",
        counted(params, "parameter"),
        with_prefix(macs),
        rough_bytes(memory),
        project.run,
        counted(minutes, "minute")
    );
    project.written.iter().for_each(|path| out += &format!("wrote {}\n", path.display()));
    out += "\nnext\n";
    commands(project).iter().for_each(|command| out += &format!("  {command}\n"));
    out
}

/// Returns the commands to type next.
fn commands(project: &ProjectSummary<'_>) -> Vec<String> {
    let model = quoted(project.model);
    let dir = project.dir.to_string_lossy();
    let enter = (project.dir != Path::new(".")).then(|| format!("cd {}", quoted(&dir)));
    let rest =
        [format!("npc check {model}"), format!("npc data check {model}"), format!("npc train {model} {}", project.run)];
    enter.into_iter().chain(rest).collect()
}

fn found(inspection: &Inspection) -> Vec<(&'static str, String)> {
    let files = &inspection.files;
    let mut rows = vec![("images", place(files, 0)), ("masks", place(files, 1))];
    rows.extend(files.masks_by.iter().map(|how| ("", how.clone())));
    rows.push(("pairs", format!("{} {}", thousands(files.pairs as u64), files.paired_by)));
    rows.extend(files.unused.iter().map(|line| ("not used", line.clone())));
    let shown = files.left_out.iter().take(8);
    rows.extend(shown.map(|line| ("left out", line.clone())));
    if files.left_out.len() > 8 {
        rows.push(("", format!("and {} that cannot be used", counted(files.left_out.len() - 8, "more pair"))));
    }
    if files.volumes > 0 {
        let n = files.volumes;
        rows.push((
            "volumes",
            format!("{} with {} that are used", counted(n, "volume"), counted(files.cases, "slice")),
        ));
    }
    let images: Vec<&ImageFacts> = inspection.survey.facts.iter().filter_map(|facts| facts.image.as_ref()).collect();
    rows.push(("sizes", sizes(&images)));
    rows.push(("values", values(&images)));
    let parts = |parts: [usize; 3]| {
        let [train, val, test] = parts.map(|n| thousands(n as u64));
        format!("{train} train, {val} val, {test} test")
    };
    let what = if files.volumes == files.pairs { "slices" } else { "images" };
    rows.push(("split", format!("{} {what}", parts(inspection.parts))));
    if let Some(groups) = inspection.groups {
        let all = thousands(groups.iter().sum::<usize>() as u64);
        rows.push(("groups", format!("{} of {all} patients, recordings or volumes", parts(groups))));
    }
    if files.read < files.cases {
        let (read, cases) = (thousands(files.read), counted(files.cases, "image"));
        rows.push(("read", format!("{read} of {cases}, and all masks; `npc data check` reads all")));
    }
    rows
}

/// Returns the number of images or masks, the formats of those that are used, and their folder.
fn place(files: &FileSummary, side: usize) -> String {
    let formats = &files.formats[side];
    let n = thousands(files.found[side] as u64);
    let folder = or_working_folder(&files.folders[side]);
    let kinds: Vec<String> = match formats.len() {
        1 => formats.keys().cloned().collect(),
        _ => formats.iter().map(|(kind, n)| format!("{} {kind}", thousands(*n))).collect(),
    };
    format!("{n} ({}) in {}", kinds.join(", "), folder.display())
}

/// Returns least, median and largest height and width.
fn sizes(images: &[&ImageFacts]) -> String {
    let of = |axis: usize| {
        let mut sides: Vec<usize> = images.iter().map(|image| image.size[axis]).collect();
        sides.sort_unstable();
        sides
    };
    let (heights, widths) = (of(0), of(1));
    let at = |sides: &[usize], i: usize| sides.get(i).copied().unwrap_or(0);
    let (last, middle) = (images.len().saturating_sub(1), images.len() / 2);
    let pair = |i: usize| format!("{} x {}", at(&heights, i), at(&widths, i));
    match pair(0) == pair(last) {
        true => format!("{} (height x width), all", pair(0)),
        false => format!("{} to {}, median {} (height x width)", pair(0), pair(last), pair(middle)),
    }
}

/// Returns channels, sample types and range.
fn values(images: &[&ImageFacts]) -> String {
    let colours = images.iter().filter(|image| image.channels == 3).count();
    let channels = match colours {
        0 => "grey".to_string(),
        n if n == images.len() => "colours".into(),
        n => format!("{} in colours, {} grey", thousands(n), thousands(images.len() - n)),
    };
    let mut kinds: BTreeMap<&str, usize> = BTreeMap::new();
    images.iter().for_each(|image| *kinds.entry(image.samples).or_default() += 1);
    let kinds: Vec<String> = match kinds.len() {
        1 => kinds.keys().map(|kind| kind.to_string()).collect(),
        _ => kinds.iter().map(|(kind, n)| format!("{n} of {kind}")).collect(),
    };
    let least = images.iter().map(|image| image.least).fold(f64::INFINITY, f64::min);
    let most = images.iter().map(|image| image.most).fold(f64::NEG_INFINITY, f64::max);
    format!("{channels}, {}, {least} to {most}", kinds.join(", "))
}

/// Returns a table with a row for each class: its label, its share of the pixels, and the number of masks with it.
fn classes(inspection: &Inspection) -> Table {
    let spec = &inspection.spec;
    let (counts, ignored, masks) = class_pixels(inspection);
    let all: u64 = counts.iter().map(|(pixels, _)| pixels).sum::<u64>() + ignored;
    let share = |pixels: u64| Cell::decimal(100.0 * pixels as f64 / all.max(1) as f64, 2);
    let columns = vec![
        Column::words("label"),
        Column::words("class"),
        Column::numbers("pixels %"),
        Column::numbers(format!("of {}", counted(masks, "mask"))),
    ];
    let mut rows: Vec<Vec<Cell>> = Vec::new();
    for ((label, class), (pixels, with)) in spec.labels.iter().zip(&spec.classes).zip(&counts) {
        rows.push(vec![MaskLabel(*label).to_string().into(), class.clone().into(), share(*pixels), Cell::Count(*with)]);
    }
    if !spec.ignore.is_empty() {
        let values: Vec<String> = spec.ignore.iter().map(|value| MaskLabel(*value).to_string()).collect();
        rows.push(vec![values.join(", ").into(), "(ignored)".into(), share(ignored), Cell::Empty]);
    }
    Table::new(columns, rows)
}

/// Returns pixels and masks of each class, ignored pixels, and the number of masks.
fn class_pixels(inspection: &Inspection) -> (Vec<(u64, u64)>, u64, usize) {
    let mut counts = vec![(0, 0); inspection.spec.classes.len()];
    let (mut ignored, mut masks) = (0, 0);
    for facts in &inspection.survey.facts {
        let Some(classes) = &facts.classes else { continue };
        masks += 1;
        ignored += facts.ignored;
        for ((pixels, with), n) in counts.iter_mut().zip(classes) {
            *pixels += n;
            *with += u64::from(*n > 0);
        }
    }
    (counts, ignored, masks)
}

/// Returns the same as JSON.
pub(crate) fn to_json(project: &ProjectSummary<'_>) -> Value {
    let inspection = project.inspection;
    let files = &inspection.files;
    let text = |path: &PathBuf| path.to_string_lossy().into_owned();
    let [params, macs, memory, minutes] = project.costs;
    let (counts, ignored, masks) = class_pixels(inspection);
    let class = |((label, name), (pixels, with)): ((&u32, &String), &(u64, u64))| json!({ "label": MaskLabel(*label).to_string(), "name": name, "pixels": pixels, "masks": with });
    let spec = &inspection.spec;
    let split = |[train, val, test]: [usize; 3]| json!({ "train": train, "val": val, "test": test });
    let guess = |(line, entry, why): &(usize, &str, &str)| json!({ "line": line, "entry": entry, "why": why });
    let images: Vec<&ImageFacts> = inspection.survey.facts.iter().filter_map(|facts| facts.image.as_ref()).collect();
    json!({
        "model_file": project.dir.join(project.model).to_string_lossy(), "run": project.run,
        "images": files.found[0], "masks": files.found[1], "pairs": files.pairs, "volumes": files.volumes,
        "cases": files.cases, "read": files.read, "paired_by": files.paired_by, "masks_by": files.masks_by,
        "formats": { "images": files.formats[0], "masks": files.formats[1] },
        "not_used": files.unused, "left_out": files.left_out,
        "sizes": sizes(&images), "values": values(&images),
        "classes": spec.labels.iter().zip(&spec.classes).zip(&counts).map(class).collect::<Vec<_>>(),
        "ignored_pixels": ignored, "masks_read": masks, "groups": inspection.groups.map(|groups| groups.iter().sum::<usize>()),
        "split": split(inspection.parts), "split_of_groups": inspection.groups.map(split),
        "guesses": project.guesses.iter().map(guess).collect::<Vec<_>>(),
        "params": params, "macs": macs, "memory": memory, "minutes": minutes,
        "written": project.written.iter().map(text).collect::<Vec<_>>(),
        "next": commands(project),
    })
}
