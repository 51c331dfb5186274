//! The timings of a network as a table and as JSON.

use super::profile;
use super::table::{Cell, Column, Table};
use crate::base::count::counted;
use crate::base::number::with_prefix;
use crate::learn::bench::{BenchPhase, BenchReport};
use serde_json::{Value, json};

/// Returns the report as JSON. The keys of the requested phase, the training step with `--train`, are repeated at the top
/// level.
pub(crate) fn bench_json(bench: &BenchReport) -> Value {
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

/// Returns `NPNet 3x224x224, batch 4, engine on cpu, 2 threads`.
pub(crate) fn bench_title(bench: &BenchReport) -> String {
    let input = bench.input.iter().map(usize::to_string).collect::<Vec<_>>().join("x");
    let threads = counted(bench.threads, "thread");
    let place = if bench.peak_gflops.is_some() { format!("{}, {threads}", bench.device) } else { bench.device.clone() };
    let backend = match bench.train_step.as_ref().map(|phase| phase.backend) {
        Some(train) if train != bench.forward.backend => format!("forward {}, training {train}", bench.forward.backend),
        Some(_) | None => bench.forward.backend.to_string(),
    };
    format!("{} {input}, batch {}, {backend} on {place}", bench.model, bench.batch)
}

/// Returns the timings as a table, with the operations of an image and the peak of the processor.
pub(crate) fn bench_text(bench: &BenchReport) -> String {
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
