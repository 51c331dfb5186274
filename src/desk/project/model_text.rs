//! Writes the model file of a project.

use super::network_text::{MODEL, RUN, comment, network_text};
use super::run_plan::RunPlan;
use crate::data::inspection::{DataGuess, Inspection};
use crate::text::config::case_rules::MaskLabel;
use crate::text::config::split_text::quoted;
use crate::text::config::{DataSource, DataSpec, MaskRule, OrientationRule, SliceAxis, SliceSelection};
use std::fmt::Write;

/// An entry of the model file that is a guess.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct GuessedEntry {
    /// Line of the model file, from 1.
    pub line: usize,
    /// The entry as written.
    pub entry: String,
    pub why: String,
}

/// Returns the text of the model file. Comments name the guesses.
pub(super) fn model_text(spec: &DataSpec, inspection: &Inspection, plan: &RunPlan) -> String {
    let all: Vec<&DataGuess> = inspection.guesses.iter().chain(&plan.guesses).collect();
    let mut out = String::from("npc 1\n\n");
    out += &comment(
        "",
        "Written by `npc new` from a look at the images. A comment with `guess` stands above each line that may be wrong; change \
         the line, and `npc data check` reads all images by it. Paths start at the folder of this file: run npc there, or with \
         `--data-root`.",
    );
    let _ = write!(out, "\ndata {} {{\n", spec.name);
    for (key, value) in data_entries(spec) {
        for (i, guess) in all.iter().filter(|guess| guess.key == key).enumerate() {
            let word = if i == 0 { "guess" } else { "note" };
            out += &comment("  ", &format!("{word}: {}", guess.why));
        }
        if key == "empty" {
            out += &comment("  ", "an object that is neither in the mask nor predicted counts as right");
        }
        let _ = writeln!(out, "  {key} = {value}");
    }
    out += "}\n\n";
    let of_width = all.iter().find(|guess| guess.key == "width").map_or("", |guess| guess.why.as_str());
    out += &network_text(plan.channels, plan.classes, &plan.width, of_width);
    let _ = write!(out, "\ntrain {} = {} on {} {{\n", RUN, MODEL, spec.name);
    for guess in all.iter().filter(|guess| guess.key == "epochs") {
        out += &comment("  ", &format!("guess: {}", guess.why));
    }
    let flip = if plan.flip { "flip(horizontal = 0.5), " } else { "" };
    let _ = write!(
        out,
        "  epochs = {}\n  batch = {}\n  loss = cross_entropy + dice\n  optimizer = adam(lr = 1e-3)\n  schedule = cosine\n  \
         augment = [{flip}rotate(degrees = 15, p = 0.5)]\n}}\n",
        plan.epochs, plan.batch
    );
    out
}

/// Returns each guess with the line of the file that changes it.
pub(super) fn guessed_entries(text: &str, data: &[DataGuess], plan: &RunPlan) -> Vec<GuessedEntry> {
    let line_of = |key: &str| -> Option<(usize, String)> {
        let start = format!("  {key} = ");
        let at = text
            .lines()
            .position(|line| line.starts_with(&start) || key == "width" && line.contains("width: int[] = "))?;
        let line = text.lines().nth(at)?.trim();
        let entry = match line.split_once("width: int[] = ") {
            Some((_, rest)) => format!("width = {}", rest.split_once(']').map_or(rest, |(list, _)| list)) + "]",
            None if line.ends_with('(') || line.ends_with('[') => one_line(text.lines().skip(at)),
            None => line.to_string(),
        };
        Some((at + 1, entry))
    };
    let mut all: Vec<GuessedEntry> = data
        .iter()
        .chain(&plan.guesses)
        .filter_map(|guess| {
            line_of(guess.key).map(|(line, entry)| GuessedEntry { line, entry, why: guess.why.clone() })
        })
        .collect();
    all.sort_by_key(|guess| guess.line);
    all
}

/// Joins the lines of an entry that the formatter has broken.
fn one_line<'a>(lines: impl Iterator<Item = &'a str>) -> String {
    let mut joined = String::new();
    for line in lines.map(str::trim) {
        if [")", "]"].contains(&line) {
            return joined.trim_end_matches([',', ' ']).to_string() + line;
        }
        joined += line;
        if !joined.ends_with(['(', '[']) {
            joined.push(' ');
        }
    }
    joined
}

/// Returns the keys of the block with their values, as the language writes them.
fn data_entries(spec: &DataSpec) -> Vec<(&'static str, String)> {
    let mut entries = match &spec.source {
        DataSource::Files { images, masks } => vec![("images", quoted(images)), ("masks", quoted(masks))],
        DataSource::List { list } => vec![("list", quoted(list))],
        DataSource::Phantoms { count, seed } => vec![("source", format!("phantoms(count = {count}, seed = {seed})"))],
    };
    let [height, width] = spec.size;
    entries.push(("size", format!("[{height}, {width}]")));
    let names: Vec<String> = spec.classes.iter().map(|name| quoted(name)).collect();
    entries.push(("classes", format!("[{}]", names.join(", "))));
    let labels: Vec<String> = spec.labels.iter().map(|label| MaskLabel(*label).written()).collect();
    entries.push(("labels", format!("[{}]", labels.join(", "))));
    match &spec.ignore[..] {
        [] => {}
        [one] => entries.push(("ignore", MaskLabel(*one).written())),
        several => {
            let several: Vec<String> = several.iter().map(|label| MaskLabel(*label).written()).collect();
            entries.push(("ignore", format!("[{}]", several.join(", "))));
        }
    }
    match spec.mask_rule {
        MaskRule::Exact => {}
        MaskRule::Colour => entries.push(("mask", "colour".into())),
        MaskRule::Threshold => entries.push(("mask", "threshold".into())),
        MaskRule::ThresholdAt(value) => entries.push(("mask", format!("threshold({value})"))),
        MaskRule::Alpha => entries.push(("mask", "alpha".into())),
    }
    entries.push(("empty", "one".into()));
    if let Some([low, high]) = spec.window {
        entries.push(("window", format!("[{low}, {high}]")));
    }
    if let Some(rule) = spec.orientation {
        let word = match rule {
            OrientationRule::Apply => "apply",
            OrientationRule::Stored => "stored",
        };
        entries.push(("orientation", word.into()));
    }
    if spec.slicing.axis != SliceAxis::default() {
        entries.push(("axis", spec.slicing.axis.name().into()));
    }
    match spec.slicing.slices {
        SliceSelection::All => {}
        SliceSelection::Labelled => entries.push(("slices", "labelled".into())),
        SliceSelection::Every(n) => entries.push(("slices", format!("every({n})"))),
    }
    entries.push(("split", spec.split_text()));
    entries
}
