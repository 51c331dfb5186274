//! `npc init`: the weights that a run would start from.

use super::error::CommandResult;
use super::option_words::{TEXT_OR_JSON, format_parser};
use super::options::ModelOptions;
use super::terminal::print;
use crate::compute::device::{self, DeviceChoice};
use crate::compute::lower::lower;
use crate::compute::weights::{tensors, write_safetensors};
use crate::learn::init::{InitReport, init};
use crate::show::table::OutputFormat;
use clap::Args;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// Write a model's initial weights as safetensors, drawn or taken from another file
#[derive(Args)]
#[command(
    after_help = "Names are dotted paths with PyTorch's last part (weight, bias, running_mean, running_var), layouts are
PyTorch's. The same seed gives the same bytes. With --from, what fits of the other file or run is
taken, by name and shape, or by order where no name fits; the rest is drawn.

Examples:
  npc init models/npnet.model --model NPNet --seed 0 --out npnet.safetensors
  npc init models/npnet.model --model NPNet_SE --from runs/npnet_lung --out se.safetensors
  npc init models/unet.model --from unet.pt --out unet.safetensors --format json

Exit codes: 0 done, 1 problems found, 2 wrong usage"
)]
pub(super) struct InitOptions {
    #[command(flatten)]
    select: ModelOptions,
    #[arg(long, default_value = "0")]
    seed: u64,
    /// Take what fits of safetensors, a PyTorch file (.pt, .pth) or a run folder
    #[arg(long, value_name = "PATH")]
    from: Option<PathBuf>,
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// How to tell what became of each tensor
    #[arg(long, value_name = "FORMAT", value_parser = format_parser(TEXT_OR_JSON), default_value = "text")]
    format: OutputFormat,
}

pub(super) fn run(opts: &InitOptions) -> CommandResult {
    let checked = opts.select.build()?;
    let mut network = lower(&checked, &device::open(DeviceChoice::Cpu)?, opts.seed);
    let mut report = None;
    if let Some(from) = &opts.from {
        let (begun, told) = init(network, from)?;
        (network, report) = (begun, Some(told));
    }
    let tensors = tensors(&network);
    let about = BTreeMap::from([("model".to_string(), checked.graph().name.clone())]);
    write_safetensors(&opts.out, &tensors, &about)?;
    let n: usize = tensors.iter().map(|t| t.values.len()).sum();
    let written = format!("{}: {} tensors, {n} numbers\n", opts.out.display(), tensors.len());
    match (opts.format, report) {
        (OutputFormat::Json, report) => {
            let value = serde_json::json!({
                "out": opts.out,
                "tensors": tensors.len(),
                "numbers": n,
                "from": report,
            });
            print(&format!("{value:#}\n"))
        }
        (_, None) => print(&written),
        (_, Some(report)) => print(&format!("{}{}\n{written}", tensor_table(&report), report.summary())),
    }
}

/// One line for each tensor of the model, then those of the file that nothing took.
fn tensor_table(report: &InitReport) -> String {
    let rows = report.tensors.iter().map(|row| (format!("{} {:?}", row.name, row.shape), row.fate.text()));
    let unused = report.unused.iter().map(|name| (name.clone(), "unused".to_string()));
    let rows: Vec<_> = rows.chain(unused).collect();
    let width = rows.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    rows.iter().map(|(name, fate)| format!("{name:width$}  {fate}\n")).collect()
}
