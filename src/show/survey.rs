//! Formats the findings of a data survey as text and as JSON.

use super::table::{Cell, Column, Table};
use crate::base::code::Code;
use crate::base::count::counted;
use crate::base::number::thousands;
use crate::base::severity::Severity;
use crate::data::survey::{
    self, MAX_HASH_DISTANCE, MIN_CORRELATION, SplitBalance, Survey, SurveyFinding, SurveyTopic, VolumeSpan,
};
use crate::text::config::DataSpec;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::PathBuf;

/// The most findings of one kind that the text shows. JSON has all.
const SHOWN: usize = 8;

/// The most near-duplicate pairs within the splits that are named.
const NAMED_PAIRS: usize = 3;

/// Returns the content of the data, its splits and the findings as text. `written` are the pictures that were drawn of it.
pub(crate) fn to_text(spec: &DataSpec, survey: &Survey, written: &[PathBuf]) -> String {
    let mut out = format!("{}: {}\n", spec.name, summary(survey));
    out += &survey.volumes.as_ref().map_or(String::new(), |volumes| format!("{}\n", volume_text(spec, volumes)));
    let balances = survey::balance(spec, &survey.facts);
    if !balances.is_empty() {
        let _ = write!(out, "\n{}", balance(spec, &balances).to_text());
    }
    out.push('\n');
    findings(&mut out, &survey.findings);
    out += &near_within(survey);
    for path in written {
        let _ = writeln!(out, "wrote {}", path.display());
    }
    let count = |severity| survey.findings.iter().filter(|f| f.severity == severity).count();
    let (errors, warnings) = (count(Severity::Error), count(Severity::Warning));
    let _ = writeln!(out, "{}, {}\n", counted(errors, "error"), counted(warnings, "warning"));
    out
}

/// Returns number, slices and voxel sizes of the volumes.
fn volume_text(spec: &DataSpec, v: &VolumeSpan) -> String {
    let each = match v.slices_each {
        [least, most] if least == most => format!("{least}"),
        [least, most] => format!("{least} to {most}"),
    };
    let mm = |[least, most]: [f64; 2]| {
        let [least, most] = [least, most].map(|mm| format!("{mm:.2}"));
        if least == most { least } else { format!("{least} to {most}") }
    };
    let (axis, all) = (spec.slicing.axis.name(), thousands(v.slices as u64));
    format!(
        "{} of {each} {axis} slices, {all} in all; {} mm between pixels, {} mm between slices",
        counted(v.volumes, "volume"),
        mm(v.pixel_mm),
        mm(v.slice_mm)
    )
}

/// Returns how many near-duplicates are within the splits, and the names of the first; an empty text if there are none.
fn near_within(survey: &Survey) -> String {
    let name = |i: usize| &survey.facts[i];
    let within = survey.near.iter().map(|pair| (name(pair.a), name(pair.b))).filter(|(a, b)| a.role == b.role);
    let named: Vec<String> =
        within.take(NAMED_PAIRS).map(|(a, b)| format!("`{}` and `{}` in {}", a.stem, b.stem, a.role.name())).collect();
    let n = survey.near_within;
    if n == 0 {
        return String::new();
    }
    let more = n.saturating_sub(named.len() as u64);
    let names = match (named.is_empty(), more) {
        (true, _) => String::new(),
        (false, 0) => format!(": {}", named.join("; ")),
        (false, more) => format!(": {}; and {} more", named.join("; "), thousands(more)),
    };
    format!("{} within the splits{names}\n", counted(n, "near-duplicate pair"))
}

/// Returns a table with a row for each split: its images, and share and presence of each class.
fn balance(spec: &DataSpec, balances: &[SplitBalance]) -> Table {
    let grouped = balances.iter().any(|b| b.groups > 0);
    let mut columns = vec![Column::words("split"), Column::numbers("images")];
    columns.extend(grouped.then(|| Column::numbers("groups")));
    columns.extend(spec.classes.iter().map(|c| Column::numbers(format!("{c} %"))));
    columns.extend(spec.classes.iter().skip(1).map(|c| Column::numbers(format!("with {c}"))));
    columns.push(Column::numbers("empty"));
    let ignores = !spec.ignore.is_empty();
    columns.extend(ignores.then(|| Column::numbers("ignored %")));
    let row = |b: &SplitBalance| {
        let mut cells = vec![b.role.name().into(), Cell::Count(b.images as u64)];
        cells.extend(grouped.then_some(Cell::Count(b.groups as u64)));
        cells.extend(b.share.iter().map(|s| Cell::decimal(100.0 * s, 2)));
        cells.extend(b.present.iter().skip(1).map(|n| Cell::Count(*n as u64)));
        cells.push(Cell::Count(b.empty as u64));
        cells.extend(ignores.then(|| Cell::decimal(100.0 * b.ignored, 2)));
        cells
    };
    Table::new(columns, balances.iter().map(row).collect())
}

/// Returns a summary of the images: `100 images, 512 x 512 (height x width), grey, signed 16-bit, values -2048 to 3071`.
fn summary(survey: &Survey) -> String {
    let images: Vec<_> = survey.facts.iter().filter_map(|f| f.image.as_ref()).collect();
    let n = survey.facts.len();
    let mut text = counted(n, "image");
    let Some(first) = images.first() else { return text };
    let span = |axis: usize| {
        let sizes = images.iter().map(|i| i.size[axis]);
        let (least, most) = (sizes.clone().min().unwrap_or(0), sizes.max().unwrap_or(0));
        if least == most { least.to_string() } else { format!("{least}..{most}") }
    };
    let _ = write!(text, ", {} x {} (height x width)", span(0), span(1));
    let channels = |n: usize| images.iter().any(|i| i.channels == n);
    text += match (channels(1), channels(3)) {
        (true, true) => ", grey and RGB",
        (_, true) => ", RGB",
        (_, false) => ", grey",
    };
    let same = images.iter().all(|i| i.samples == first.samples);
    let _ = write!(text, ", {}", if same { first.samples } else { "samples of several types" });
    let least = images.iter().map(|i| i.least).fold(f64::INFINITY, f64::min);
    let most = images.iter().map(|i| i.most).fold(f64::NEG_INFINITY, f64::max);
    let _ = write!(text, ", values {least} to {most}");
    text
}

/// Writes the first findings of each kind.
fn findings(out: &mut String, findings: &[SurveyFinding]) {
    let mut shown: BTreeMap<(Severity, SurveyTopic), usize> = BTreeMap::new();
    for (i, finding) in findings.iter().enumerate() {
        let key = (finding.severity, finding.kind);
        let n = shown.entry(key).or_default();
        *n += 1;
        if *n <= SHOWN {
            let _ = writeln!(out, "{}: {}", finding.heading(), finding.message);
            for help in &finding.help {
                let _ = writeln!(out, "  help: {help}");
            }
        }
        let last = findings.get(i + 1).is_none_or(|next| (next.severity, next.kind) != key);
        if last && *n > SHOWN {
            let _ = writeln!(out, "  and {} more of this kind; --format json has all", thousands(*n - SHOWN));
        }
    }
}

/// Returns all facts about the data and each of its images as JSON. `written` are the pictures that were drawn of it.
pub(crate) fn to_json(spec: &DataSpec, survey: &Survey, written: &[PathBuf]) -> Value {
    let split = |b: &SplitBalance| {
        json!({
            "split": b.role.name(), "images": b.images, "groups": b.groups, "share": b.share, "present": b.present,
            "empty": b.empty, "ignored": b.ignored,
        })
    };
    let finding = |f: &SurveyFinding| {
        json!({
            "severity": f.severity.as_str(), "kind": f.kind.name(), "code": f.code.map(Code::id), "message": f.message,
            "help": f.help, "stems": f.stems,
        })
    };
    let image = |f: &survey::CaseFacts| {
        let image = f.image.as_ref();
        json!({
            "stem": f.stem, "split": f.role.name(), "group": f.group, "size": image.map(|i| i.size),
            "channels": image.map(|i| i.channels), "samples": image.map(|i| i.samples),
            "least": image.map(|i| i.least), "most": image.map(|i| i.most),
            "below_window": image.map(|i| i.outside[0]), "above_window": image.map(|i| i.outside[1]),
            "class_pixels": f.classes, "ignored_pixels": f.classes.as_ref().map(|_| f.ignored),
        })
    };
    let near = |p: &survey::NearDuplicate| {
        let (a, b) = (&survey.facts[p.a], &survey.facts[p.b]);
        json!({ "a": a.stem, "b": b.stem, "split_a": a.role.name(), "split_b": b.role.name(), "correlation": p.alike })
    };
    let splits = survey::balance(spec, &survey.facts);
    let volumes = |v: &VolumeSpan| {
        json!({
            "volumes": v.volumes, "slices": v.slices, "slices_each": v.slices_each,
            "pixel_mm": v.pixel_mm, "slice_mm": v.slice_mm, "axis": spec.slicing.axis.name(),
        })
    };
    json!({
        "name": spec.name, "classes": spec.classes,
        "splits": splits.iter().map(split).collect::<Vec<_>>(),
        "findings": survey.findings.iter().map(finding).collect::<Vec<_>>(),
        "near_duplicates": survey.near.iter().map(near).collect::<Vec<_>>(),
        "near_duplicates_within": survey.near_within,
        "volumes": survey.volumes.as_ref().map(volumes),
        "near_duplicate_rule": { "hash_bits": MAX_HASH_DISTANCE, "correlation": MIN_CORRELATION },
        "images": survey.facts.iter().map(image).collect::<Vec<_>>(),
        "written": written.iter().map(|path| path.display().to_string()).collect::<Vec<_>>(),
    })
}
