//! `npc init`: the weights that a run would start from.

use super::load::Select;
use super::{Done, bench, print};
use crate::run::device::{self, DeviceChoice};
use crate::run::lower::lower;
use crate::run::weights::{tensors, write_safetensors};
use clap::Args;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// Write a model's initial weights as safetensors
#[derive(Args)]
#[command(
    after_help = "Names are dotted paths with PyTorch's last part (weight, bias, running_mean, running_var), layouts are
PyTorch's. The same seed gives the same bytes.

Example:
  npc init models/npnet.model --model NPNet --seed 0 --out npnet.safetensors

Exit codes: 0 done, 1 problems found, 2 wrong usage"
)]
pub struct Opts {
    #[command(flatten)]
    select: Select,
    #[arg(long, default_value = "0")]
    seed: u64,
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

pub fn run(opts: &Opts) -> Done {
    let checked = bench::one(&opts.select)?;
    let network = lower(&checked, &device::open(DeviceChoice::Cpu)?, opts.seed);
    let tensors = tensors(&network);
    let about = BTreeMap::from([("model".to_string(), checked.graph().name.clone())]);
    write_safetensors(&opts.out, &tensors, &about)?;
    let n: usize = tensors.iter().map(|t| t.values.len()).sum();
    print(&format!("{}: {} tensors, {n} numbers\n", opts.out.display(), tensors.len()))
}
