//! Memory of a model as text and JSON: peaks, and the largest batch for a given amount of memory.

use super::memory::{EntryMemory, MemoryRequest};
use super::model_entry::ModelEntry;
use crate::base::number::{bytes, thousands};
use crate::graph::ir::Graph;
use crate::graph::op::BatchBytes;
use crate::study::cost::memory::MemoryTimeline;
use serde_json::{Value, json};
use std::fmt::Write;

/// Returns two lines with the peaks, and one with the largest batches if the request has a limit.
pub(crate) fn memory_text(entry: &ModelEntry, request: &MemoryRequest) -> String {
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
    if let Some([run, train]) = gpu_bytes(entry, request, batch) {
        let _ = writeln!(out, "         on a GPU {} to run, {} to train, {images}", bytes(run), bytes(train));
    }
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
pub(crate) fn memory_json(entry: &ModelEntry, request: &MemoryRequest) -> Value {
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
    if let Some([run, train]) = gpu_bytes(entry, request, batch) {
        value["gpu"] = json!({"inference": run, "training": train});
    }
    if let Some(limit) = request.limit {
        let (run, train) = (memory.inference.largest_batch(limit), memory.training.largest_batch(limit));
        value["largest_batch"] = json!({"memory": limit, "inference": run, "training": train});
    }
    value
}

/// Returns the memory of a GPU to run and to train. It is computed for those who ask about memory: a batch or a limit is given.
#[cfg(feature = "data")]
fn gpu_bytes(entry: &ModelEntry, request: &MemoryRequest, batch: u64) -> Option<[u64; 2]> {
    if request.batch.is_none() && request.limit.is_none() {
        return None;
    }
    let memory = super::cuda_kernels::cuda_memory(&entry.checked, usize::try_from(batch).ok()?)?;
    Some([memory.inference, memory.training].map(|bytes| bytes as u64))
}

/// A build without networks that compute knows no kernels.
#[cfg(not(feature = "data"))]
fn gpu_bytes(_: &ModelEntry, _: &MemoryRequest, _: u64) -> Option<[u64; 2]> {
    None
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
