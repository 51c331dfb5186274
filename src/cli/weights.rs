//! `npc weights`: writes the initial weights of a model.

use super::error::CommandResult;
use super::file_format::check_ending;
use super::global_options::quiet;
use super::option_words::{TEXT_OR_JSON, format_parser};
use super::options::ModelOptions;
use super::terminal::print;
use crate::base::atomic::named_target;
use crate::base::count::counted;
use crate::compute::device::{self, DeviceChoice};
use crate::compute::lower::lower;
use crate::compute::weights::{tensors, write_safetensors};
use crate::desk::check_output_of_weights;
use crate::learn::init::init;
use crate::show::initial_weights::tensor_table;
use crate::show::table::OutputFormat;
use clap::Args;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// Write a model's initial weights as safetensors, random or loaded from another file
#[derive(Args)]
#[command(
    after_help = "Tensor names are dotted paths that end as in PyTorch (weight, bias, running_mean, running_var);
values are laid out as in PyTorch. The same seed gives the same bytes. --from loads the tensors of
another file or run that match by name and shape, or by order if no name matches and the last
words of the names agree everywhere; all other tensors are random.

Examples:
  npc weights models/npnet.model --model NPNet --seed 0 --out npnet.safetensors
  npc weights models/npnet.model --model NPNet_SE --from runs/npnet_lung --out se.safetensors
  npc weights models/unet.model --from unet.pt --out unet.safetensors --format json

Exit codes: 0 success, 1 problems found, 2 wrong usage"
)]
pub(super) struct WeightsOptions {
    #[command(flatten)]
    select: ModelOptions,
    /// Seed of the random weights
    #[arg(long, default_value = "0")]
    seed: u64,
    /// Load matching tensors from a safetensors file, a PyTorch file (.pt, .pth) or a run folder
    #[arg(long, value_name = "PATH")]
    from: Option<PathBuf>,
    /// Safetensors file to write
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Format of the report on each tensor
    #[arg(long, value_name = "FORMAT", value_parser = format_parser(TEXT_OR_JSON), default_value = "text")]
    format: OutputFormat,
}

/// What is said where the command is called by its former name.
pub(super) const FORMER_NAME: &str = "note: `npc init` is `npc weights` now; `npc new DIR` makes a project";

pub(super) fn run(opts: &WeightsOptions) -> CommandResult {
    check_ending(&opts.out, &["safetensors"])?;
    let checked = opts.select.build()?;
    check_output_of_weights(&opts.out, &opts.select.chosen()?.0, opts.from.as_deref())?;
    let mut network = lower(&checked, &device::open(DeviceChoice::Cpu)?, opts.seed);
    let mut report = None;
    if let Some(from) = &opts.from {
        let (initialized, initial_report) = init(network, from)?;
        (network, report) = (initialized, Some(initial_report));
    }
    let tensors = tensors(&network);
    let about = BTreeMap::from([("model".to_string(), checked.graph().name.clone())]);
    write_safetensors(&named_target(&opts.out)?, &tensors, &about)?;
    let n: usize = tensors.iter().map(|t| t.values.len()).sum();
    let written = format!("{}: {}, {}\n", opts.out.display(), counted(tensors.len(), "tensor"), counted(n, "number"));
    match (opts.format, report) {
        (OutputFormat::Json, report) => {
            let value = serde_json::json!({
                "out": opts.out.to_string_lossy(),
                "tensors": tensors.len(),
                "numbers": n,
                "from": report,
            });
            print(&format!("{value:#}\n"))
        }
        (_, None) => print(&written),
        (_, Some(report)) => {
            let doubts: Vec<String> = if quiet() { Vec::new() } else { report.doubts() };
            let doubts: String = doubts.iter().map(|doubt| format!("warning: {doubt}\n")).collect();
            print(&format!("{}{}\n{doubts}{written}", tensor_table(&report), report.summary()))
        }
    }
}
