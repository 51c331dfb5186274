//! `npc check`: checks model files and reports shapes, costs, claims and problems.

use super::details::{ModelFiles, StageClock};
use super::error::{CommandError, CommandResult};
use super::global_options::writes_json;
use super::memory::MemoryOptions;
use super::node_columns::{ExtraColumn, extra_columns};
use super::option_words::{Formats, convention_parser, format_parser};
use super::options::{LintLevelOptions, SelectionOptions};
use super::terminal::{print, print_problems};
use crate::base::number::{thousands, with_prefix};
use crate::desk::{
    AnalysisRequest, ClaimChoice, ClaimList, FileAnalysis, ModelEntry, Selection, analyze_file, check_document,
    claims_text, contract_text, data_table, exploration_text, formulas_text, macs_by, memory_text, overview_table,
};
use crate::show::costs::cost_table;
use crate::show::field::summary;
use crate::show::table::OutputFormat;
use crate::study::cost::{Convention, CostReport};
use crate::text::config::DataSpec;
use crate::text::diag::{Code, Problems};
use clap::Args;
use std::fmt::Write;
use std::path::PathBuf;

/// Check model files: shapes, parameters, MACs, claims, problems
#[derive(Args)]
#[command(
    after_help = "Without --model all models and variants are checked; of a file with data blocks and runs alone the models
of the runs, and the data blocks are listed. Without --on or --size the input size is that
of the first run that trains the model, else of the first data block. MACs are for one image;
without --convention they are the multiply-accumulates of convolutions and linear layers.
docs/counting.md describes each convention. Memory is that of a run on the CPU with 32-bit
floats (docs/memory.md).

Examples:
  npc check models/npnet.model
  npc check models/npnet.model --model NPNet --on cvc
  npc check models/paper.model:UNet --on skin
  npc check models/*.model --table --on cvc,skin,luna --convention conv,thop
  npc check models/*.model --size 256x256 --format markdown
  npc check models/unet.model --symbolic
  npc check models/npnet.model --size 224x224 --columns field,effective
  npc check models/npnet.model --batch 16 --memory 8GB
  npc check models/unet.model --size 96x128 --freeze down --format json
  npc check models/*.model --deny warnings --allow norm_of_one
  npc check models/npnet.model --with attention=se,reduction=4 --size 288x384 --format json

Exit codes: 0 no errors, 1 problems found, 2 wrong usage"
)]
pub(super) struct CheckOptions {
    /// Model files; FILE:NAME is the same as FILE --model NAME
    #[arg(required = true)]
    files: Vec<PathBuf>,
    #[command(flatten)]
    choice: SelectionOptions,
    #[command(flatten)]
    levels: LintLevelOptions,
    #[arg(long, value_parser = format_parser(FORMATS), default_value = "text")]
    format: OutputFormat,
    /// Counting conventions; several are shown side by side
    #[arg(long, value_name = "NAME,...", value_delimiter = ',', value_parser = convention_parser(), default_value = "conv")]
    convention: Vec<Convention>,
    /// Print one line per model and size instead of the table of nodes
    #[arg(long)]
    table: bool,
    /// Print shapes, MACs and bytes as formulas in the image's height H and width W
    #[arg(long)]
    symbolic: bool,
    /// Number of block levels in the table
    #[arg(long, value_name = "N", default_value = "8")]
    depth: usize,
    /// Additional columns of the table of nodes
    #[arg(long, value_enum, value_name = "NAME,...", value_delimiter = ',')]
    columns: Vec<ExtraColumn>,
    /// List all claims: also those that only training can judge, and those about other data or sizes than --on and --size
    #[arg(long)]
    claims: bool,
    /// Nodes and blocks whose parameters are frozen, instead of those that the model's run freezes
    #[arg(long, value_name = "PATH,...", value_delimiter = ',')]
    freeze: Vec<String>,
    #[command(flatten)]
    memory: MemoryOptions,
}

const FORMATS: Formats = &[
    (OutputFormat::Text, ""),
    (OutputFormat::Json, ""),
    (OutputFormat::Csv, "The table of --table"),
    (OutputFormat::Markdown, "The table of --table"),
];

pub(super) fn run(opts: &CheckOptions) -> CommandResult {
    let mut analyses = Vec::new();
    let mut clock = StageClock::start();
    for path in &opts.files {
        let (file, selection) = opts.choice.of_file(path)?;
        let (freeze, levels, convention) = (opts.freeze.clone(), opts.levels.levels(), opts.convention[0]);
        analyses.push(analyze_file(&ModelFiles, &file, &AnalysisRequest { selection, freeze, levels, convention })?);
        clock.lap(&format!("read, built, checked and counted the models of {}", file.display()));
    }
    match opts.format {
        OutputFormat::Json => {
            print(&check_document(&analyses, &opts.convention, opts.symbolic, &opts.memory.request()))?;
        }
        OutputFormat::Text => print_text(&analyses, opts)?,
        format => print_table(&analyses, opts, format)?,
    }
    let failed = analyses.iter().filter(|analysis| analysis.problems.has_errors());
    let failure =
        failed.map(|found| CommandError::reported(&found.sources, &found.problems)).max_by_key(CommandError::code);
    // The process ends here, and freeing a large graph takes as long as counting it.
    std::mem::forget(analyses);
    failure.map_or(Ok(()), Err)
}

/// Prints one line per model and size to standard output, and the problems to standard error.
fn print_table(analyses: &[FileAnalysis], opts: &CheckOptions, format: OutputFormat) -> CommandResult {
    let all: Vec<&(ModelEntry, CostReport)> = analyses.iter().flat_map(|l| &l.entries).collect();
    print(&overview_table(&all, &opts.convention).print(format))?;
    analyses.iter().for_each(print_analysis_problems);
    Ok(())
}

fn print_text(analyses: &[FileAnalysis], opts: &CheckOptions) -> CommandResult {
    let mut text = String::new();
    if !opts.table {
        for (entry, report) in analyses.iter().flat_map(|l| &l.entries) {
            text.push_str(&entry_text(entry, report, opts));
        }
    }
    let all: Vec<&(ModelEntry, CostReport)> = analyses.iter().flat_map(|l| &l.entries).collect();
    if all.len() > 1 || opts.table {
        text.push_str(&overview_table(&all, &opts.convention).to_text());
    }
    let data: Vec<&DataSpec> = analyses.iter().flat_map(|l| &l.data).collect();
    if !data.is_empty() {
        let _ = write!(text, "{}{}", if all.len() > 1 || opts.table { "\n" } else { "" }, data_table(&data).to_text());
    }
    let choice = match opts.claims {
        true => ClaimChoice::All,
        false if analyses.iter().any(|analysis| analysis.problems.has_errors()) => ClaimChoice::AfterErrors,
        false => ClaimChoice::Judged,
    };
    let at = Selection { on: opts.choice.on.clone(), size: opts.choice.size.clone(), ..Selection::default() };
    let claims = claims_text(&ClaimList::new(analyses.iter().flat_map(|l| &l.claims), &at, choice));
    if !claims.is_empty() {
        let _ = write!(text, "{}{claims}", if all.len() > 1 || opts.table || !data.is_empty() { "\n" } else { "" });
    }
    for explored in analyses.iter().map(|analysis| exploration_text(&analysis.exploration)).filter(|t| !t.is_empty()) {
        text.push_str(if text.is_empty() { explored.trim_start() } else { &explored });
    }
    print(&text)?;
    analyses.iter().for_each(print_analysis_problems);
    Ok(())
}

/// Prints the problems of a file to standard error.
fn print_analysis_problems(FileAnalysis { sources, problems, .. }: &FileAnalysis) {
    if writes_json() {
        return print_problems(sources, problems);
    }
    let (later, rest) = split_notes(problems);
    print_problems(sources, &rest);
    for d in later.iter() {
        let place = d.primary.as_ref().map(|l| sources.place(l.span)).unwrap_or_default();
        notice!("note[{}]: {place}: {}", d.code.id(), d.message);
    }
}

/// Separates notes on features that are not evaluated yet, which are printed as one line each, from all other problems.
fn split_notes(problems: &Problems) -> (Problems, Problems) {
    let (mut later, mut rest) = (Problems::new(), Problems::new());
    for d in problems.iter() {
        if d.code == Code::N0901 { later.push(d.clone()) } else { rest.push(d.clone()) }
    }
    (later, rest)
}

fn entry_text(entry: &ModelEntry, report: &CostReport, opts: &CheckOptions) -> String {
    if opts.symbolic {
        return formulas_text(entry, &opts.convention);
    }
    let graph = entry.checked.graph();
    let mut out = format!("{}  {} -> {}", graph.name, entry.checked.input(), entry.checked.result_text());
    if let Some(on) = &entry.on {
        let _ = write!(out, "  on {on}");
    }
    out.push('\n');
    if !graph.settings.is_empty() {
        let settings: Vec<_> = graph.settings.iter().map(|s| format!("{} = {}", s.name, s.value)).collect();
        let _ = writeln!(out, "  {}", settings.join(", "));
    }
    out.push_str(&contract_text(entry));
    out.push('\n');
    let extra = extra_columns(&entry.checked, report, &opts.columns);
    out.push_str(&cost_table(report, opts.depth.max(1), extra).to_text());
    // 4 bytes per number; kB is 10^3 bytes, MB 10^6.
    let bytes = (report.params + report.buffers) as f64 * 4.0;
    let (size, unit) = if bytes < 1e5 { (bytes * 1e-3, "kB") } else { (bytes * 1e-6, "MB") };
    let frozen = if report.frozen > 0 { format!("{} frozen, ", thousands(report.frozen)) } else { String::new() };
    let _ = writeln!(
        out,
        "\nparams   {} trainable ({}), {frozen}{} running statistics",
        thousands(report.trainable()),
        with_prefix(report.trainable()),
        thousands(report.buffers),
    );
    let many = opts.convention.len() > 1;
    for convention in &opts.convention {
        let macs = macs_by(entry, report, *convention);
        let (name, unit) = if many { (convention.name().to_string(), "") } else { ("MACs".into(), ", convention ") };
        let tail = if many { "" } else { convention.name() };
        let _ = writeln!(out, "{name:8} {} ({}){unit}{tail}, one image", thousands(macs), with_prefix(macs));
    }
    out.push_str(&summary(&entry.checked));
    let _ = writeln!(out, "weights  {size:.2} {unit} as 32-bit floats");
    out.push_str(&memory_text(entry, &opts.memory.request()));
    out.push('\n');
    out
}
