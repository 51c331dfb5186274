//! `npc selftest`: checks that a device computes the same results as the CPU.

use super::error::CommandResult;
use super::option_words::{PRECISIONS, device_parser, word_parser};
use super::options::ModelOptions;
use super::terminal::print;
use crate::base::problem::problem;
use crate::compute::device::DeviceChoice;
use crate::learn::device_parity::compare_devices;
use crate::show::parity::parity_text;
use crate::text::config::ProductPrecision;
use clap::Args;

/// Compare a device with the CPU: outputs and gradients of a model
#[derive(Args)]
#[command(
    after_help = "Both devices get the same weights and the same batch. Differences are max |a - b| / max |a| per
tensor. The test fails if an output differs by more than 1e-3 or a gradient by more than 1e-2.

Example:
  npc selftest models/npnet.model --model NPNet --size 96x96 --device cuda

Exit codes: 0 results agree, 1 results differ, 2 wrong usage"
)]
pub(super) struct SelftestOptions {
    #[command(flatten)]
    select: ModelOptions,
    /// cpu, cuda or cuda:N
    #[arg(long, value_parser = device_parser(), hide_possible_values = true)]
    device: DeviceChoice,
    /// How a GPU multiplies; differences of TF32 are not those of 32 bits
    #[arg(long, value_parser = word_parser(PRECISIONS, ProductPrecision::name), default_value = "f32")]
    precision: ProductPrecision,
    /// Batch size
    #[arg(long, default_value = "2", value_parser = clap::value_parser!(u16).range(1..))]
    batch: u16,
    /// Seed of weights and images
    #[arg(long, default_value = "0")]
    seed: u64,
}

pub(super) fn run(opts: &SelftestOptions) -> CommandResult {
    let checked = opts.select.build()?;
    let found = compare_devices(&checked, (opts.device, opts.precision), opts.batch.into(), opts.seed)?;
    let title = format!("{} {} with batch {}: {}", checked.graph().name, checked.input(), opts.batch, opts.device);
    print(&parity_text(&title, &found))?;
    match found.wrong(opts.precision)[..] {
        [] => Ok(()),
        _ => Err(problem!(E0733, "{} and cpu differ by more than rounding", opts.device).into()),
    }
}
