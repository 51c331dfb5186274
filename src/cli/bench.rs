//! `npc bench`: measures the time and memory of a network on a device.

mod profile;

use super::error::CommandResult;
use super::option_words::{TEXT_OR_JSON, format_parser};
use super::options::ModelOptions;
use super::terminal::print;
use crate::base::atomic;
use crate::base::number::with_prefix;
use crate::compute::device::{DeviceChoice, set_threads};
use crate::learn::bench::{Backend, BenchPhase, BenchReport, BenchSettings, TimeBudget, bench};
use crate::show::table::{Cell, Column, OutputFormat, Table};
use crate::text::config::check::MAX_THREADS;
use clap::Args;
use serde_json::{Value, json};
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
    #[arg(long, default_value = "cpu")]
    device: DeviceChoice,
    /// engine (npc's own, on the CPU) or burn [default: as in training and prediction]
    #[arg(long)]
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
    if let Some(threads) = opts.threads {
        set_threads(threads.into())?;
    }
    let settings = BenchSettings {
        device: opts.device,
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
        eprintln_lossy!("wrote {}", path.display());
    }
    if opts.json || opts.format == OutputFormat::Json {
        return print(&format!("{:#}\n", bench_json(&bench)));
    }
    print(&bench_text(&bench))
}

/// Returns the report as JSON. The keys of the requested phase, the training step with `--train`, are repeated at the top
/// level.
fn bench_json(bench: &BenchReport) -> Value {
    let asked = bench.train_step.as_ref().unwrap_or(&bench.forward);
    let mut all = json!({"schema": 1});
    for part in [json!(asked), json!(bench)] {
        if let (Value::Object(all), Value::Object(part)) = (&mut all, part) {
            all.extend(part);
        }
    }
    if let Some(profile) = &bench.profile {
        all["profile"] = profile::profile_json(profile);
    }
    all
}

fn bench_title(bench: &BenchReport) -> String {
    let input = bench.input.iter().map(usize::to_string).collect::<Vec<_>>().join("x");
    let threads = if bench.threads == 1 { "1 thread".into() } else { format!("{} threads", bench.threads) };
    let place = if bench.peak_gflops.is_some() { format!("{}, {threads}", bench.device) } else { bench.device.clone() };
    let backend = match bench.train_step.as_ref().map(|phase| phase.backend) {
        Some(train) if train != bench.forward.backend => format!("forward {}, training {train}", bench.forward.backend),
        Some(_) | None => bench.forward.backend.to_string(),
    };
    format!("{} {input}, batch {}, {backend} on {place}", bench.model, bench.batch)
}

fn bench_text(bench: &BenchReport) -> String {
    let row = |name: &str, phase: &BenchPhase| {
        let mut row = vec![name.into(), Cell::decimal(phase.calls as f64, 0)];
        row.extend([phase.median_ms, phase.min_ms, phase.max_ms].map(|x| Cell::decimal(x, 2)));
        row.extend([phase.images_per_s, phase.achieved_gflops].map(|x| Cell::decimal(x, 1)));
        row.push(phase.share_of_peak.map(|x| Cell::Percent(100.0 * x)).into());
        row.push(phase.peak_rss_mb.map(|x| Cell::decimal(x, 0)).into());
        row
    };
    let mut rows = vec![row("forward", &bench.forward)];
    rows.extend(bench.train_step.as_ref().map(|phase| row("train step", phase)));
    let numbers = ["calls", "median ms", "min ms", "max ms", "images/s", "GFLOP/s", "of peak", "memory MB"];
    let columns = std::iter::once(Column::words("")).chain(numbers.map(Column::numbers)).collect();
    let mut out = format!("{}\n\n{}\n", bench_title(bench), Table::new(columns, rows).to_text());
    out += &format!("{} multiply-accumulates an image", with_prefix(bench.macs));
    if let Some(peak) = bench.peak_gflops {
        out += &format!("; peak of the processor {peak:.0} GFLOP/s ({})", bench.simd);
    }
    out += if cfg!(debug_assertions) { "; this npc was built without optimisation\n" } else { "\n" };
    if let Some(profile) = &bench.profile {
        out += &format!("\n{}", profile::profile_table(profile));
    }
    out
}
