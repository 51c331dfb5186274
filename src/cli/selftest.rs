//! `npc selftest`: checks that a device computes the same results as the CPU.

use super::error::CommandResult;
use super::option_words::{PRECISIONS, device_parser, word_parser};
use super::options::ModelOptions;
use super::terminal::print;
use crate::base::count::counted;
use crate::base::problem::problem;
use crate::compute::device::DeviceChoice;
use crate::learn::device_parity::compare_devices;
use crate::show::table::{Cell, Column, Table};
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

/// Number of gradients in the table.
const SHOWN: usize = 8;

pub(super) fn run(opts: &SelftestOptions) -> CommandResult {
    let checked = opts.select.build()?;
    let a = compare_devices(&checked, (opts.device, opts.precision), opts.batch.into(), opts.seed)?;
    let outputs: Vec<_> = [Some(&a.output), a.training_output.as_ref(), Some(&a.loss)].into_iter().flatten().collect();
    let row = |name: String, relative: f64| -> Vec<Cell> { vec![name.into(), format!("{relative:.1e}").into()] };
    let gradients = a.gradients.iter().take(SHOWN).map(|d| row(format!("gradient of {}", d.name), d.relative));
    let rows = outputs.iter().map(|d| row(d.name.clone(), d.relative)).chain(gradients).collect();
    print(&format!(
        "{} {} with batch {}: {} against cpu, {}, worst first\n\n{}",
        checked.graph().name,
        checked.input(),
        opts.batch,
        opts.device,
        counted(a.gradients.len(), "gradient"),
        Table::new(vec![Column::words("tensor"), Column::numbers("difference")], rows).to_text()
    ))?;
    let bad = !a.wrong(opts.precision).is_empty();
    if bad { Err(problem!(E0733, "{} and cpu differ by more than rounding", opts.device).into()) } else { Ok(()) }
}
