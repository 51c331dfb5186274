//! `npc bench` and `npc selftest`: what a device takes, and whether it computes what the CPU does.

use super::load::Select;
use super::table::{Align, columns};
use super::{Done, Stop, graph, print};
use crate::check::Checked;
use crate::run::agree::agree;
use crate::run::bench::{Timing, bench};
use crate::run::device::DeviceChoice;
use clap::Args;

/// Time forward passes and training steps of a model
#[derive(Args)]
#[command(
    after_help = "A training step is forward, cross entropy, backward and Adam. Times are milliseconds for a batch. On a
shared machine only ratios measured side by side mean anything.

Example:
  npc bench models/npnet.model --model NPNet --size 224x224 --batch 4

Exit codes: 0 done, 1 problems found, 2 wrong usage"
)]
pub struct Opts {
    #[command(flatten)]
    select: Select,
    #[arg(long, default_value = "1", value_parser = clap::value_parser!(u16).range(1..))]
    batch: u16,
    /// cpu, cuda or cuda:N
    #[arg(long, default_value = "cpu")]
    device: DeviceChoice,
    /// For each of the two parts
    #[arg(long, default_value = "5")]
    seconds: u16,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// The one model that was chosen.
pub fn one(select: &Select) -> Result<Checked, Stop> {
    let mut checked = graph::compile_all(select)?;
    match checked.len() {
        1 => Ok(checked.remove(0)),
        _ => Err(Stop::Usage("the file has several models; choose one with --model".into())),
    }
}

pub fn run(opts: &Opts) -> Done {
    let checked = one(&opts.select)?;
    let b = bench(&checked, opts.device, opts.batch.into(), opts.seconds.into())?;
    if opts.json {
        return print(&format!("{:#}\n", serde_json::json!(b)));
    }
    let row = |name: &str, t: &Timing| {
        let per_second = f64::from(opts.batch) * 1e3 / t.median;
        let mut row = vec![name.to_string(), t.calls.to_string()];
        row.extend([t.median, t.min, t.max, per_second].map(|x| format!("{x:.2}")));
        row
    };
    use Align::{Left, Right};
    let rows = [row("forward", &b.forward), row("train step", &b.train_step)];
    print(&format!(
        "{} {:?}, batch {}, {}, ms per batch\n\n{}",
        b.model,
        b.input,
        b.batch,
        b.device,
        columns(&["", "calls", "median", "min", "max", "images/s"], &[Left, Right, Right, Right, Right, Right], &rows)
    ))
}

/// Compare a device with the CPU: outputs and gradients of a model
#[derive(Args)]
#[command(
    after_help = "The same weights and the same batch on both; differences are max |a - b| / max |a| per tensor. Fails where
an output differs by more than 1e-3 or a gradient by more than 1e-2.

Example:
  npc selftest models/npnet.model --model NPNet --size 96x96 --device cuda

Exit codes: 0 they agree, 1 they do not, 2 wrong usage"
)]
pub struct SelfTest {
    #[command(flatten)]
    select: Select,
    /// cpu, cuda or cuda:N
    #[arg(long)]
    device: DeviceChoice,
    #[arg(long, default_value = "2", value_parser = clap::value_parser!(u16).range(1..))]
    batch: u16,
    #[arg(long, default_value = "0")]
    seed: u64,
}

const OUTPUT_LIMIT: f64 = 1e-3;
const GRADIENT_LIMIT: f64 = 1e-2;
/// Rows of gradients that are shown.
const SHOWN: usize = 8;

pub fn selftest(opts: &SelfTest) -> Done {
    let checked = one(&opts.select)?;
    let a = agree(&checked, opts.device, opts.batch.into(), opts.seed)?;
    let outputs = [&a.output, &a.training_output, &a.loss];
    let rows: Vec<Vec<String>> = (outputs.into_iter())
        .map(|d| vec![d.name.clone(), format!("{:.1e}", d.relative)])
        .chain(
            a.gradients
                .iter()
                .take(SHOWN)
                .map(|d| vec![format!("gradient of {}", d.name), format!("{:.1e}", d.relative)]),
        )
        .collect();
    print(&format!(
        "{} {} with batch {}: {} against cpu, {} gradients, worst first\n\n{}",
        checked.graph().name,
        checked.input(),
        opts.batch,
        opts.device,
        a.gradients.len(),
        columns(&["tensor", "difference"], &[Align::Left, Align::Right], &rows)
    ))?;
    let bad =
        outputs.iter().any(|d| d.relative > OUTPUT_LIMIT) || a.gradients.iter().any(|d| d.relative > GRADIENT_LIMIT);
    if bad { Err(Stop::Message(format!("{} and cpu differ by more than rounding", opts.device))) } else { Ok(()) }
}
