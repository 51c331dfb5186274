//! Writes the model file of a project.

use super::GuessedEntry;
use super::run_plan::RunPlan;
use crate::data::inspection::{DataGuess, Inspection};
use crate::text::config::case_rules::{MaskLabel, label_colour};
use crate::text::config::{DataSource, DataSpec, GroupBy, MaskRule, OrientationRule, SliceAxis, SliceSelection, Split};
use std::fmt::Write;

/// Width of comments.
const WIDTH: usize = 98;

/// Returns the text of the model file. Comments name the guesses.
pub(super) fn model_text(spec: &DataSpec, inspection: &Inspection, plan: &RunPlan) -> String {
    let all: Vec<&DataGuess> = inspection.guesses.iter().chain(&plan.guesses).collect();
    let mut out = String::from("npc 1\n\n");
    out += &comment(
        "",
        "//",
        "Written by `npc new` from a look at the images. A comment with `guess` stands above each line that may be wrong; change \
         the line, and `npc data check` reads all images by it. Paths start at the folder of this file: run npc there, or with \
         `--data-root`.",
    );
    let _ = write!(out, "\ndata {} {{\n", spec.name);
    for (key, value) in data_entries(spec) {
        for (i, guess) in all.iter().filter(|guess| guess.key == key).enumerate() {
            let word = if i == 0 { "guess" } else { "note" };
            out += &comment("  ", "//", &format!("{word}: {}", guess.why));
        }
        if key == "empty" {
            out += &comment("  ", "//", "an object that is neither in the mask nor predicted counts as right");
        }
        let _ = writeln!(out, "  {key} = {value}");
    }
    out += "}\n\n";
    let of_width = all.iter().find(|guess| guess.key == "width").map_or("", |guess| guess.why.as_str());
    out += &network_text(plan.channels, plan.classes, &plan.width, of_width);
    let _ = write!(out, "\ntrain {} = {} on {} {{\n", RunPlan::NAME, RunPlan::MODEL, spec.name);
    for guess in all.iter().filter(|guess| guess.key == "epochs") {
        out += &comment("  ", "//", &format!("guess: {}", guess.why));
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

/// Returns the U-Net as text.
pub(super) fn network_text(channels: usize, classes: usize, width: &[usize], guess: &str) -> String {
    let note = if guess.is_empty() { String::new() } else { comment("", "//", &format!("guess of `width`: {guess}")) };
    format!(
        "/// Two 3x3 convolutions, each with batch norm and ReLU.
block double(x: [c, h, w], out: int) -> [out, h, w]
  = x |> conv(out, bias = false) |> bn |> relu |> conv(out, bias = false) |> bn |> relu

{note}
/// U-Net (Ronneberger, Fischer, Brox 2015) with batch norm: `width` has the channels of each level. Each level halves height and
/// width, and the way back joins the maps of the same size.
model {name}(x: [{channels}, H, W], classes: int = {classes}, width: int[] = {width:?}) -> [classes, H, W] {{
  let last = len(width) - 1
  let down[0] = x |> double(width[0])
  for i in 1..len(width) {{
    let down[i] = down[i - 1] |> maxpool(2) |> double(width[i])
  }}
  let up[last] = down[last]
  for k in 1..len(width) {{
    let up[last - k] = (down[last - k] ++ (up[last - k + 1] |> up(2))) |> double(width[last - k])
  }}
  return up[0] |> conv(classes, k = 1)
}}
",
        name = RunPlan::MODEL,
    )
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
    let labels: Vec<String> = spec.labels.iter().map(|label| label_text(*label)).collect();
    entries.push(("labels", format!("[{}]", labels.join(", "))));
    match &spec.ignore[..] {
        [] => {}
        [one] => entries.push(("ignore", label_text(*one))),
        several => {
            let several: Vec<String> = several.iter().map(|label| label_text(*label)).collect();
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
    entries.push(("split", split_text(spec)));
    entries
}

fn split_text(spec: &DataSpec) -> String {
    let group = match &spec.grouping.group {
        Some(GroupBy::Pattern(pattern)) => format!(", group = {}", quoted(pattern)),
        Some(GroupBy::CvcClinicdb) => ", group = cvc_clinicdb".into(),
        None => String::new(),
    };
    match &spec.split {
        Split::Random { val: 0.0, test, seed, .. } => format!("random(test = {test}, seed = {seed}{group})"),
        Split::Random { val, test, seed, .. } => format!("random(val = {val}, test = {test}, seed = {seed}{group})"),
        Split::Kfold { k, fold, seed, .. } => format!("kfold(k = {k}, fold = {fold}, seed = {seed}{group})"),
        Split::Lists { train, val, test } => {
            let val = val.as_ref().map(|val| format!(", val = {}", quoted(val))).unwrap_or_default();
            format!("lists(train = {}{val}, test = {}{group})", quoted(train), quoted(test))
        }
        Split::Column | Split::ColumnOrRandom => "column".into(),
    }
}

fn label_text(label: u32) -> String {
    match label_colour(label) {
        Some(_) => format!("\"{}\"", MaskLabel(label)),
        None => label.to_string(),
    }
}

/// Returns a string of the language.
fn quoted(text: &str) -> String {
    let text = text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n").replace('\t', "\\t");
    format!("\"{text}\"")
}

/// Returns a comment of several lines.
fn comment(indent: &str, mark: &str, text: &str) -> String {
    let mut out = String::new();
    let mut line = format!("{indent}{mark}");
    let mut words = 0;
    for word in text.split_whitespace() {
        if words > 0 && line.chars().count() + 1 + word.chars().count() > WIDTH {
            out += &line;
            out.push('\n');
            line = format!("{indent}{mark}");
        }
        line.push(' ');
        line += word;
        words += 1;
    }
    out += &line;
    out.push('\n');
    out
}
