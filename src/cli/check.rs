//! `npc check`: everything that is known before a tensor exists.

use super::load::{self, Entry, Select};
use super::table::{cost_table, short, thousands};
use super::{Done, Stop, print, report};
use crate::cost::{Convention, CostReport, count};
use crate::diag::{Code, Diagnostic, Problems, render};
use crate::recipe::schema;
use crate::resolve::{Program, resolve_bundle};
use crate::source::SourceMap;
use crate::syntax::ast::ItemKind;
use clap::{Args, ValueEnum};
use serde_json::json;
use std::collections::BTreeMap;
use std::fmt::Write;

/// Check a model file: shapes, parameters, MACs, problems
#[derive(Args)]
#[command(after_help = "Without --model every model and variant is checked. Without --on or --size the input size is
that of the first run that trains the model, else of the first data block.
MACs are for one image; without --convention they are the multiplications of convolutions and linear layers.
docs/counting.md says what each convention counts.

Examples:
  npc check models/npnet.model
  npc check models/npnet.model --model NPNet --on cvc
  npc check models/npnet.model --convention conv,thop --on cvc
  npc check models/npnet.model --with attention=se,reduction=4 --size 288x384 --format json

Exit codes: 0 no errors, 1 problems found, 2 wrong usage")]
pub struct Opts {
    #[command(flatten)]
    select: Select,
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
    /// What counts as an operation: conv, thop, thop-0.1, fvcore, torchinfo, flop-counter; several with commas show side
    /// by side
    #[arg(long, value_name = "NAME,...", value_delimiter = ',', default_value = "conv")]
    convention: Vec<Convention>,
    /// How many levels of blocks the table shows
    #[arg(long, value_name = "N", default_value = "8")]
    depth: usize,
}

#[derive(Clone, Copy, PartialEq, ValueEnum)]
enum Format {
    Text,
    Json,
}

pub fn run(opts: &Opts) -> Done {
    let load::Source { mut sources, bundle, mut problems } = match load::read(&opts.select.file) {
        Ok(source) => source,
        // The JSON form holds every problem, the unreadable file included; the text form has said it.
        Err(stop) => {
            if opts.format == Format::Json {
                let mut sources = SourceMap::new();
                if let Err(d) = crate::syntax::read_file(&mut sources, &opts.select.file) {
                    print(&format!("{:#}\n", document(&sources, &[], &[], &d.into())))?;
                }
            }
            return Err(stop);
        }
    };
    let args = match load::arguments(&mut sources, "--with", &opts.select.with) {
        Ok(args) => args,
        Err(p) => {
            report(&sources, &p);
            return Err(Stop::Usage("the value of --with cannot be read".into()));
        }
    };
    let (program, found) = resolve_bundle(&bundle);
    problems.extend(found);
    check_recipes(&program, &sources, &mut problems);
    let mut entries: Vec<Entry> = Vec::new();
    match load::plan(&program, &opts.select) {
        Ok(plans) => {
            for plan in &plans {
                if program.is_broken(&plan.name.node) {
                    continue;
                }
                if load::has_hole(&program, &plan.name.node, &args) {
                    let message = format!("`{}` has a hole and is not evaluated yet", plan.name);
                    let d = Diagnostic::new(Code::N0901, plan.name.span, message);
                    problems.push(d.help("give it a value with `--with`"));
                    continue;
                }
                match load::compile(&program, plan, &args) {
                    Ok(entry) => {
                        problems.extend(entry.checked.warnings().clone());
                        entries.push(entry);
                    }
                    Err(p) => problems.extend(p),
                }
            }
        }
        Err(p) => problems.extend(p),
    }
    let problems = problems.sorted();
    let first = opts.convention[0];
    let reports: Vec<CostReport> = entries.iter().map(|e| count(&e.checked, first)).collect();
    match opts.format {
        Format::Json => {
            let pairs: Vec<_> = entries.iter().zip(&reports).collect();
            print(&format!("{:#}\n", document(&sources, &pairs, &opts.convention, &problems)))?;
        }
        Format::Text => {
            let mut text = String::new();
            for (entry, report) in entries.iter().zip(&reports) {
                text.push_str(&entry_text(entry, report, opts));
            }
            if entries.len() > 1 {
                text.push_str(&overview(&entries, &reports));
            }
            print(&text)?;
            let (later, rest) = split_notes(&problems);
            report(&sources, &rest);
            for d in later.iter() {
                let place = d.primary.as_ref().map(|l| sources.place(l.span)).unwrap_or_default();
                eprintln!("note[{}]: {place}: {}", d.code.id(), d.message);
            }
        }
    }
    if problems.has_errors() { Err(Stop::Problems) } else { Ok(()) }
}

/// Remarks on what is not evaluated yet take a line each; everything else is shown in full.
fn split_notes(problems: &Problems) -> (Problems, Problems) {
    let (mut later, mut rest) = (Problems::new(), Problems::new());
    for d in problems.iter() {
        if d.code == Code::N0901 { later.push(d.clone()) } else { rest.push(d.clone()) }
    }
    (later, rest)
}

/// `data` and `train` blocks against their schemas.
fn check_recipes(program: &Program<'_>, sources: &SourceMap, problems: &mut Problems) {
    for item in &program.file.items {
        match &item.kind {
            ItemKind::Data(data) => {
                if let Err(p) = schema::data_spec(data) {
                    problems.extend(p);
                }
            }
            ItemKind::Train(train) => {
                let args: BTreeMap<String, String> = (train.args.iter())
                    .filter_map(|a| Some((a.name.as_ref()?.node.clone(), sources.snippet(a.value.span).to_string())))
                    .collect();
                match schema::train_spec(train, args) {
                    Ok((_, later)) => problems.extend(later),
                    Err(p) => problems.extend(p),
                }
            }
            ItemKind::Import(_)
            | ItemKind::Enum(_)
            | ItemKind::Block(_)
            | ItemKind::Model(_)
            | ItemKind::Variant(_)
            | ItemKind::Sweep(_)
            | ItemKind::Expect(_) => {}
        }
    }
}

fn entry_text(entry: &Entry, report: &CostReport, opts: &Opts) -> String {
    let graph = entry.checked.graph();
    let mut out = format!("{}  {} -> {}", graph.name, entry.checked.input(), entry.checked.output());
    if let Some(on) = &entry.on {
        let _ = write!(out, "  on {on}");
    }
    out.push('\n');
    if !graph.settings.is_empty() {
        let settings: Vec<_> = graph.settings.iter().map(|s| format!("{} = {}", s.name, s.value)).collect();
        let _ = writeln!(out, "  {}", settings.join(", "));
    }
    out.push('\n');
    out.push_str(&cost_table(report, opts.depth.max(1)));
    // 4 bytes a number; kB is 10^3 bytes, MB 10^6.
    let bytes = (report.params + report.buffers) as f64 * 4.0;
    let (size, unit) = if bytes < 1e5 { (bytes * 1e-3, "kB") } else { (bytes * 1e-6, "MB") };
    let _ = writeln!(
        out,
        "\nparams   {} trainable ({}), {} running statistics",
        thousands(report.params),
        short(report.params),
        thousands(report.buffers),
    );
    let many = opts.convention.len() > 1;
    for convention in &opts.convention {
        let macs = if *convention == report.convention { report.macs } else { count(&entry.checked, *convention).macs };
        let (name, unit) = if many { (convention.name().to_string(), "") } else { ("MACs".into(), ", convention ") };
        let tail = if many { "" } else { convention.name() };
        let _ = writeln!(out, "{name:8} {} ({}){unit}{tail}, one image", thousands(macs), short(macs));
    }
    let _ = writeln!(out, "weights  {size:.2} {unit} as 32-bit floats\n");
    out
}

/// One line a model.
fn overview(entries: &[Entry], reports: &[CostReport]) -> String {
    use super::table::Align::{Left, Right};
    let rows: Vec<Vec<String>> = (entries.iter().zip(reports))
        .map(|(e, r)| {
            vec![
                e.checked.graph().name.clone(),
                e.checked.input().to_string(),
                e.checked.output().to_string(),
                thousands(r.params),
                thousands(r.macs),
            ]
        })
        .collect();
    super::table::columns(&["model", "input", "output", "params", "MACs"], &[Left, Left, Left, Right, Right], &rows)
}

fn document(
    sources: &SourceMap,
    entries: &[(&Entry, &CostReport)],
    conventions: &[Convention],
    problems: &Problems,
) -> serde_json::Value {
    let models: Vec<_> = entries
        .iter()
        .map(|(entry, report)| {
            let nodes: Vec<_> = (report.nodes.iter())
                .map(|n| json!({"path": n.path, "op": n.op, "output": n.output, "params": n.params, "macs": n.macs}))
                .collect();
            let mut model = json!({
                "name": entry.checked.graph().name,
                "input": entry.checked.input().dims(),
                "output": entry.checked.output().dims(),
                "params": report.params,
                "macs": report.macs,
                "convention": report.convention.name(),
                "nodes": nodes,
            });
            if conventions.len() > 1 {
                let by = conventions.iter().map(|&c| (c.name().to_string(), json!(count(&entry.checked, c).macs)));
                model["macs_by_convention"] = serde_json::Value::Object(by.collect());
            }
            model
        })
        .collect();
    json!({"schema": 1, "models": models, "problems": render::json(sources, problems)})
}
