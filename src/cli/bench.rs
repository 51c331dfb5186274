//! `npc bench`: measures the time and memory of a network on a device.

use super::error::CommandResult;
use super::option_words::{PRECISIONS, TEXT_OR_JSON, device_parser, format_parser, word_parser};
use super::options::ModelOptions;
use super::terminal::{print, say_written};
use crate::base::atomic;
use crate::compute::device::{DeviceChoice, set_threads};
use crate::desk::check_outputs_of_model;
use crate::learn::bench::{Backend, BenchSettings, TimeBudget, bench};
use crate::show::bench::{bench_json, bench_text, bench_title};
use crate::show::profile;
use crate::show::table::OutputFormat;
use crate::text::config::ProductPrecision;
use crate::text::config::check::MAX_THREADS;
use clap::Args;
use std::path::PathBuf;
use std::time::Duration;

/// Time forward passes and training steps of a model
#[derive(Args)]
#[command(
    after_help = "A training step consists of the forward pass, cross entropy, the backward pass and Adam. Times are
milliseconds per batch after a warm-up: median, minimum and maximum. GFLOP/s and the percentage of
the measured peak of the processor count two operations per multiply-accumulate of convolutions
and linear layers, and count a training step as three forward passes. Memory is the peak of the
process. On a shared machine only ratios measured side by side are meaningful
(benches/peers/run.py). docs/performance.md has the details.

Examples:
  npc bench models/npnet.model --model NPNet --size 224x224 --batch 4
  npc bench models/npnet.model --model NPNet --size 224x224 --batch 4 --train --threads 1
  npc bench models/npnet.model --model NPNet --size 96x96 --format json
  npc bench models/npnet.model --model NPNet --size 96x96 --profile profile.svg

Exit codes: 0 success, 1 problems found, 2 wrong usage"
)]
pub(super) struct BenchOptions {
    #[command(flatten)]
    select: ModelOptions,
    /// Batch size
    #[arg(long, default_value = "1", value_parser = clap::value_parser!(u16).range(1..))]
    batch: u16,
    /// Time training steps too
    #[arg(long)]
    train: bool,
    /// Number of compute threads [default: all cores]
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..=MAX_THREADS as i64))]
    threads: Option<u16>,
    /// cpu, cuda or cuda:N
    #[arg(long, value_parser = device_parser(), hide_possible_values = true, default_value = "cpu")]
    device: DeviceChoice,
    /// How a GPU multiplies
    #[arg(long, value_parser = word_parser(PRECISIONS, ProductPrecision::name), default_value = "tf32")]
    precision: ProductPrecision,
    /// Implementation of the operators [default: as in training and prediction]
    #[arg(long, value_name = "NAME", value_parser = word_parser(BACKENDS, Backend::name))]
    backend: Option<Backend>,
    /// Seconds for which each phase is measured
    #[arg(long, default_value = "5", value_parser = parse_seconds)]
    seconds: Duration,
    /// Minimum number of calls in each phase
    #[arg(long, default_value = "3", value_parser = clap::value_parser!(u16).range(1..))]
    calls: u16,
    /// Print a table with the time of each node; with FILE.svg also draw it
    #[arg(long, value_name = "FILE.svg", num_args = 0..=1, value_parser = parse_svg_path)]
    profile: Option<Option<PathBuf>>,
    #[arg(long, value_parser = format_parser(TEXT_OR_JSON), default_value = "text")]
    format: OutputFormat,
    /// The same as `--format json`
    #[arg(long, hide = true)]
    json: bool,
}

const BACKENDS: &[(Backend, &str)] =
    &[(Backend::Engine, "npc's own operators, on the CPU"), (Backend::Burn, "Those of Burn, on any device")];

fn parse_seconds(text: &str) -> Result<Duration, String> {
    let refused = || format!("`{text}` is not a number of seconds from 0 to 86400");
    let seconds: f64 = text.parse().map_err(|_| refused())?;
    if (0.0..=86400.0).contains(&seconds) { Ok(Duration::from_secs_f64(seconds)) } else { Err(refused()) }
}

/// Parses the path of a picture. It must end in .svg, so that a model file after a bare `--profile` is not overwritten.
fn parse_svg_path(text: &str) -> Result<PathBuf, String> {
    let path = PathBuf::from(text);
    if path.extension().is_some_and(|e| e.eq_ignore_ascii_case("svg")) {
        return Ok(path);
    }
    Err(format!(
        "the picture is an SVG file and `{text}` does not end in .svg; without a picture, write `--profile` last"
    ))
}

pub(super) fn run(opts: &BenchOptions) -> CommandResult {
    let checked = opts.select.build()?;
    let (file, _) = opts.select.chosen()?;
    check_outputs_of_model(opts.profile.clone().flatten(), &file, None)?;
    if let Some(threads) = opts.threads {
        set_threads(threads.into())?;
    }
    let settings = BenchSettings {
        device: opts.device,
        precision: opts.precision,
        backend: opts.backend,
        batch: opts.batch.into(),
        train: opts.train,
        budget: TimeBudget { time: opts.seconds, calls: opts.calls.into() },
        profile: opts.profile.is_some(),
    };
    let bench = bench(&checked, &settings)?;
    if let (Some(Some(path)), Some(profile)) = (&opts.profile, &bench.profile) {
        let picture = profile::profile_picture(&bench_title(&bench), profile);
        atomic::write_named_file(path, picture.as_bytes())?;
        say_written(path, None);
    }
    if opts.json || opts.format == OutputFormat::Json {
        return print(&format!("{:#}\n", bench_json(&bench)));
    }
    print(&bench_text(&bench))
}
