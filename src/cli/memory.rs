//! Memory in the output of `npc check`: peaks, and the largest batch for a given amount of memory.

use crate::base::number::{bytes, thousands};
use crate::desk::{EntryMemory, MemoryRequest, ModelEntry};
use crate::graph::ir::Graph;
use crate::graph::op::BatchBytes;
use crate::study::cost::memory::MemoryTimeline;
use clap::Args;
use serde_json::{Value, json};
use std::fmt::Write;

#[derive(Args, Clone)]
#[command(next_help_heading = "Memory")]
pub(super) struct MemoryOptions {
    /// Batch size for memory figures [default: that of the run that trains the model, else 1]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=1 << 32))]
    batch: Option<u64>,
    /// Report the largest batch for this amount of memory, for example 8GB or 512MiB
    #[arg(long, value_name = "SIZE", value_parser = parse_bytes)]
    memory: Option<u64>,
    /// Number of compute threads; each has its own buffers
    #[arg(long, value_name = "N", default_value = "1", value_parser = clap::value_parser!(u64).range(1..=1 << 16))]
    threads: u64,
}

impl MemoryOptions {
    /// Converts the options for the workbench.
    pub(super) fn request(&self) -> MemoryRequest {
        MemoryRequest { batch: self.batch, limit: self.memory, threads: self.threads }
    }
}

/// Converts `8GB`, `512 MiB` or `1.5g` to bytes. Units are decimal or binary; case is ignored.
pub(super) fn parse_bytes(text: &str) -> Result<u64, String> {
    let text = text.trim();
    let split = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = (&text[..split], text[split..].trim());
    let scale: u128 = match unit.to_ascii_lowercase().as_str() {
        "" => {
            return Err(format!(
                "`{text}` has no unit; write for example {}GB or {}MiB",
                number_or_8(number),
                number_or_8(number)
            ));
        }
        "b" => 1,
        "k" | "kb" => 1_000,
        "m" | "mb" => 1_000_000,
        "g" | "gb" => 1_000_000_000,
        "t" | "tb" => 1_000_000_000_000,
        "kib" => 1 << 10,
        "mib" => 1 << 20,
        "gib" => 1 << 30,
        "tib" => 1 << 40,
        _ => return Err(format!("unknown unit `{unit}`; the units are B, kB, MB, GB, TB, KiB, MiB, GiB and TiB")),
    };
    let unreadable = || format!("`{text}` is not an amount of memory; write for example 8GB, 1.5GB or 512MiB");
    let (whole, part) = number.split_once('.').unwrap_or((number, "0"));
    if whole.len() > 18 || part.len() > 9 {
        return Err(unreadable());
    }
    let digits = |text: &str| text.parse::<u128>().map_err(|_| unreadable());
    let bytes = digits(whole)? * scale + digits(part)? * scale / 10u128.pow(part.len() as u32);
    match u64::try_from(bytes) {
        Ok(0) => Err(format!("`{text}` is zero, but the amount of memory must be positive")),
        Ok(bytes) => Ok(bytes),
        Err(_) => Err(format!("`{text}` is more than 2^64 bytes")),
    }
}

fn number_or_8(number: &str) -> &str {
    if number.is_empty() { "8" } else { number }
}

/// Returns two lines with the peaks, and one with the largest batches if `--memory` is given.
pub(super) fn memory_text(entry: &ModelEntry, request: &MemoryRequest) -> String {
    let EntryMemory { memory, batch } = EntryMemory::of(entry, request);
    let graph = entry.checked.graph();
    let line = |timeline: &MemoryTimeline| {
        let peak = timeline.peak(batch);
        format!("{}, most at {}", bytes(peak.bytes), peak.sample.place(graph))
    };
    let images = if batch == 1 { "one image".into() } else { format!("batch {}", thousands(batch)) };
    let mut out = String::new();
    let _ = writeln!(out, "memory   to run {}, {images}", line(&memory.inference));
    let _ = writeln!(out, "         to train {}, {images}", line(&memory.training));
    if let Some(limit) = request.limit {
        let [run, train] = [&memory.inference, &memory.training].map(|t| match t.largest_batch(limit) {
            0 => "none".to_string(),
            n => thousands(n),
        });
        let _ = writeln!(out, "         largest batch in {}: {run} to run, {train} to train", bytes(limit));
    }
    out
}

/// Returns the peaks and their parts as JSON, in bytes.
pub(super) fn memory_json(entry: &ModelEntry, request: &MemoryRequest) -> Value {
    let EntryMemory { memory, batch } = EntryMemory::of(entry, request);
    let graph = entry.checked.graph();
    let mut value = json!({
        "batch": batch,
        "threads": request.threads,
        "weights": memory.weights,
        "buffers": memory.buffers,
        "gradients": memory.gradients,
        "optimizer": memory.optimizer,
        "saved": linear_json(memory.saved),
        "inference": peak_json(&memory.inference, batch, graph),
        "training": peak_json(&memory.training, batch, graph),
    });
    if let Some(limit) = request.limit {
        let (run, train) = (memory.inference.largest_batch(limit), memory.training.largest_batch(limit));
        value["largest_batch"] = json!({"memory": limit, "inference": run, "training": train});
    }
    value
}

fn linear_json(bytes: BatchBytes) -> Value {
    json!({"fixed": bytes.fixed, "per_image": bytes.per_image})
}

fn peak_json(timeline: &MemoryTimeline, batch: u64, graph: &Graph) -> Value {
    let peak = timeline.peak(batch);
    json!({
        "peak": peak.bytes,
        "workspace": peak.workspace,
        "phase": peak.sample.phase.name(),
        "node": peak.sample.node.map(|id| graph.node(id).path.clone()),
        "at_node": linear_json(peak.sample.total()),
    })
}
