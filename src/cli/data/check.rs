//! `npc data check`: everything that is wrong with a data set, in one run.

use super::super::table::{Align, columns};
use crate::base::number::thousands;
use crate::cli::outcome::{Done, Stop};
use crate::cli::progress::bar;
use crate::cli::terminal::{print, report};
use crate::data::survey::{self, Finding, Kind, Severity, Survey};
use crate::desk::{ModelFile, named_arguments, no_such, open, with_sizes_that_fit};
use crate::graph::check::{check, class_warning};
use crate::graph::elaborate::elaborate;
use crate::graph::resolve::{Program, resolve_bundle};
use crate::show::images::sheet;
use crate::text::config::{DataSpec, schema};
use crate::text::diag::Problems;
use crate::text::files::Disk;
use crate::text::syntax::ast::{self, ItemKind};
use clap::{Args, ValueEnum};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::PathBuf;

/// Read every image and mask of data blocks and tell all that is wrong or doubtful
#[derive(Args)]
#[command(after_help = "Without DATA every data block of the file is checked. A block's size is checked against the
models that the file's runs train on it, or against --model. docs/data.md lists what is told, and
says what counts as nearly the same image.

Examples:
  npc data check models/data.model phantoms
  npc data check models/data.model polyp_kvasir_256 --data-root ~/data --out worst
  npc data check models/npnet.model --data-root ~/data --format json
  npc data check models/npnet.model cvc --model NPNet --data-root ~/data

Exit codes: 0 no errors (there may be warnings), 1 errors found, 2 wrong usage")]
pub(super) struct Opts {
    /// Model file
    file: PathBuf,
    /// Data blocks; all of the file when not given
    data: Vec<String>,
    /// Where the paths of the data blocks start
    #[arg(long, value_name = "DIR", default_value = ".")]
    data_root: PathBuf,
    /// Model or variant whose size contract, channels and classes the data must fit
    #[arg(long, value_name = "NAME")]
    model: Option<String>,
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
    /// Write pictures of the worst into this folder: near-duplicates side by side, doubtful masks
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

#[derive(Clone, Copy, PartialEq, ValueEnum)]
enum Format {
    Text,
    Json,
}

/// Findings of one kind that the text shows; JSON has all.
const SHOWN: usize = 8;

pub(super) fn run(opts: &Opts) -> Done {
    let ModelFile { sources, bundle, problems } = open(&Disk, &opts.file)?;
    let (program, found) = resolve_bundle(&bundle);
    let mut problems = problems;
    problems.extend(found);
    let stop = |problems: Problems| {
        report(&sources, &problems.sorted());
        Err(Stop::Problems)
    };
    if problems.has_errors() {
        return stop(problems);
    }
    let specs = match chosen(&program, opts) {
        Ok(specs) => specs,
        Err(problems) => return stop(problems),
    };
    let mut documents = Vec::new();
    let mut failed = false;
    for spec in &specs {
        let models = match Models::of(&program, spec, opts) {
            Ok(models) => models,
            Err(problems) => return stop(problems),
        };
        let bar = bar("{prefix} {bar:30} {pos}/{len}  {eta} left", 10).with_prefix(spec.name.clone());
        let progress = |done: usize, all: usize| {
            bar.set_length(all as u64);
            bar.set_position(done as u64);
        };
        let mut survey = survey::survey(spec, &opts.data_root, models.channels, &progress);
        bar.finish_and_clear();
        survey.extend(models.findings);
        failed |= survey.has_errors();
        let written = match &opts.out {
            Some(dir) => sheet::write(&survey, &if specs.len() > 1 { dir.join(&spec.name) } else { dir.clone() })?,
            None => Vec::new(),
        };
        match opts.format {
            Format::Text => print(&text(spec, &survey, &written))?,
            Format::Json => documents.push(document(spec, &survey, &written)),
        }
    }
    if opts.format == Format::Json {
        let text = serde_json::to_string_pretty(&json!({ "data": documents }));
        print(&(text.map_err(|e| Stop::Message(e.to_string()))? + "\n"))?;
    }
    if failed { Err(Stop::Problems) } else { Ok(()) }
}

fn chosen(program: &Program<'_>, opts: &Opts) -> Result<Vec<DataSpec>, Problems> {
    let names: Vec<&str> = match opts.data.is_empty() {
        false => opts.data.iter().map(String::as_str).collect(),
        true => {
            let blocks = program.file.items.iter().filter_map(|item| match &item.kind {
                ItemKind::Data(data) => Some(data.name.node.as_str()),
                _ => None,
            });
            let here: Vec<&str> = blocks.collect();
            if here.is_empty() { program.data.keys().copied().collect() } else { here }
        }
    };
    let mut specs = Vec::new();
    for name in names {
        match program.data.get(name) {
            Some(data) => specs.push(schema::data_spec(data)?),
            None => return Err(no_such("data block", name, program.data.keys().copied()).into()),
        }
    }
    if specs.is_empty() {
        return Err(no_such("data block", "", std::iter::empty()).into());
    }
    Ok(specs)
}

/// What the models that the data is for say of it.
struct Models {
    channels: Option<usize>,
    findings: Vec<Finding>,
}

impl Models {
    fn of(program: &Program<'_>, spec: &DataSpec, opts: &Opts) -> Result<Models, Problems> {
        let mut models = Models { channels: None, findings: Vec::new() };
        let mut wanted: Vec<(&ast::Ident, &[ast::Arg])> = Vec::new();
        match &opts.model {
            Some(name) => match program.find(name) {
                Some(entry) => wanted.push((entry, &[])),
                None => {
                    let names = program.names();
                    return Err(no_such("model or variant", name, names.iter().map(|e| e.node.as_str())).into());
                }
            },
            None => {
                for train in program.trains.values().filter(|train| train.data.node == spec.name) {
                    let known = |entry: &ast::Ident| {
                        wanted.iter().any(|(e, args)| e.node == entry.node && args.len() == train.args.len())
                    };
                    match program.find(&train.model.node) {
                        Some(entry) if !known(entry) => wanted.push((entry, &train.args)),
                        _ => {}
                    }
                }
            }
        }
        for (entry, args) in wanted {
            let args = named_arguments(args)?;
            let built = elaborate(program, entry, &args, Some(spec.size)).and_then(check);
            match built.map_err(|p| with_sizes_that_fit(program, entry, &args, Some(spec.size), p)) {
                Ok(checked) => {
                    let takes = checked.input().channels();
                    models.channels = models.channels.or(Some(takes));
                    if let Some(d) = class_warning(&checked, entry, &spec.name, spec.classes.len()) {
                        // A warning of `npc check`; training refuses it.
                        let finding = Finding::warning(Kind::Model, d.message);
                        models.findings.push(Finding { severity: Severity::Error, help: d.help, ..finding });
                    }
                }
                Err(problems) => {
                    if let Some(d) = problems.iter().find(|d| d.is_error()) {
                        let [h, w] = spec.size;
                        let message = format!("`{entry}` does not take {h} x {w} (height x width): {}", d.message);
                        let help = d.notes.iter().chain(&d.help).cloned().collect();
                        let finding = Finding::warning(Kind::Model, message);
                        models.findings.push(Finding { severity: Severity::Error, help, ..finding });
                    }
                }
            }
        }
        Ok(models)
    }
}

fn text(spec: &DataSpec, survey: &Survey, written: &[PathBuf]) -> String {
    let mut out = String::new();
    let _ = writeln!(out, "{}: {}", spec.name, summary(survey));
    let balances = survey::balance(spec, &survey.facts);
    if !balances.is_empty() {
        let grouped = balances.iter().any(|b| b.groups > 0);
        let mut header = vec!["split".to_string(), "images".to_string()];
        let mut align = vec![Align::Left, Align::Right];
        header.extend(grouped.then(|| "groups".to_string()));
        header.extend(spec.classes.iter().map(|c| format!("{c} %")));
        header.extend(spec.classes.iter().skip(1).map(|c| format!("with {c}")));
        header.push("empty".into());
        align.resize(header.len(), Align::Right);
        let row = |b: &survey::Balance| {
            let mut cells = vec![b.role.name().to_string(), thousands(b.images as u64)];
            cells.extend(grouped.then(|| thousands(b.groups as u64)));
            cells.extend(b.share.iter().map(|s| format!("{:.2}", 100.0 * s)));
            cells.extend(b.present.iter().skip(1).map(|n| thousands(*n as u64)));
            cells.push(thousands(b.empty as u64));
            cells
        };
        let rows: Vec<_> = balances.iter().map(row).collect();
        let header: Vec<&str> = header.iter().map(String::as_str).collect();
        out.push('\n');
        out.push_str(&columns(&header, &align, &rows));
    }
    out.push('\n');
    findings(&mut out, &survey.findings);
    let within = survey.near.iter().filter(|p| survey.facts[p.a].role == survey.facts[p.b].role).count();
    if within > 0 {
        let _ = writeln!(out, "{} near-duplicate pairs within the splits", thousands(within as u64));
    }
    for path in written {
        let _ = writeln!(out, "wrote {}", path.display());
    }
    let count = |severity| survey.findings.iter().filter(|f| f.severity == severity).count();
    let s = |n: usize| if n == 1 { "" } else { "s" };
    let (errors, warnings) = (count(Severity::Error), count(Severity::Warning));
    let _ = writeln!(out, "{errors} error{}, {warnings} warning{}\n", s(errors), s(warnings));
    out
}

/// `100 images, 512 x 512 (height x width), grey, signed 16-bit, -2048 to 3071`
fn summary(survey: &Survey) -> String {
    let images: Vec<_> = survey.facts.iter().filter_map(|f| f.image.as_ref()).collect();
    let n = survey.facts.len();
    let mut text = format!("{} image{}", thousands(n as u64), if n == 1 { "" } else { "s" });
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

fn findings(out: &mut String, findings: &[Finding]) {
    let mut shown: BTreeMap<(Severity, Kind), usize> = BTreeMap::new();
    for (i, finding) in findings.iter().enumerate() {
        let key = (finding.severity, finding.kind);
        let n = shown.entry(key).or_default();
        *n += 1;
        if *n <= SHOWN {
            let word = match finding.severity {
                Severity::Error => "error",
                Severity::Warning => "warning",
            };
            let _ = writeln!(out, "{word}[{}]: {}", finding.kind.name(), finding.message);
            for help in &finding.help {
                let _ = writeln!(out, "  help: {help}");
            }
        }
        let last = findings.get(i + 1).is_none_or(|next| (next.severity, next.kind) != key);
        if last && *n > SHOWN {
            let _ = writeln!(out, "  and {} more of this kind; --format json has all", *n - SHOWN);
        }
    }
}

fn document(spec: &DataSpec, survey: &Survey, written: &[PathBuf]) -> Value {
    let path = |path: &PathBuf| path.display().to_string();
    let splits: Vec<Value> = survey::balance(spec, &survey.facts)
        .iter()
        .map(|b| {
            json!({
                "split": b.role.name(), "images": b.images, "groups": b.groups, "share": b.share, "present": b.present,
                "empty": b.empty,
            })
        })
        .collect();
    let findings: Vec<Value> = survey
        .findings
        .iter()
        .map(|f| {
            let severity = match f.severity {
                Severity::Error => "error",
                Severity::Warning => "warning",
            };
            json!({
                "severity": severity, "kind": f.kind.name(), "message": f.message, "help": f.help, "stems": f.stems,
            })
        })
        .collect();
    let images: Vec<Value> = survey
        .facts
        .iter()
        .map(|f| {
            let image = f.image.as_ref();
            json!({
                "stem": f.stem, "split": f.role.name(), "group": f.group, "size": image.map(|i| i.size),
                "channels": image.map(|i| i.channels), "samples": image.map(|i| i.samples),
                "least": image.map(|i| i.least), "most": image.map(|i| i.most),
                "below_window": image.map(|i| i.outside[0]), "above_window": image.map(|i| i.outside[1]),
                "class_pixels": f.classes,
            })
        })
        .collect();
    let near: Vec<Value> = survey
        .near
        .iter()
        .map(|p| {
            let (a, b) = (&survey.facts[p.a], &survey.facts[p.b]);
            json!({ "a": a.stem, "b": b.stem, "split_a": a.role.name(), "split_b": b.role.name(), "correlation": p.alike })
        })
        .collect();
    json!({
        "name": spec.name, "classes": spec.classes, "splits": splits, "findings": findings, "near_duplicates": near,
        "near_duplicate_rule": { "hash_bits": survey::HAMMING, "correlation": survey::ALIKE },
        "images": images, "written": written.iter().map(path).collect::<Vec<_>>(),
    })
}
