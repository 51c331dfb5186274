//! The JSON document of `npc check --format json`, one for all files.
//!
//! Nodes are serialized one by one: the JSON tree of a graph with 100,000 nodes would take half a gigabyte.

use super::analysis::FileAnalysis;
use super::claims::JudgedClaim;
use super::exploration_text::exploration_json;
use super::memory::MemoryRequest;
use super::memory_text::memory_json;
use super::model_entry::{ModelEntry, macs_by};
use super::size_text::{contract_json, formulas_json};
use crate::show::field;
use crate::study::claim::Verdict;
use crate::study::cost::field::ReceptiveField;
use crate::study::cost::{BlockCost, Convention, CostReport, NodeCost};
use crate::text::config::DataSpec;
use crate::text::diag;
use serde::ser::{Serialize, Serializer};
use serde_json::{Map, Value, json};

#[derive(serde::Serialize)]
struct CheckDocument<'a> {
    schema: u32,
    models: Vec<ModelDocument<'a>>,
    problems: Vec<Value>,
    #[serde(flatten)]
    rest: Map<String, Value>,
}

#[derive(serde::Serialize)]
struct ModelDocument<'a> {
    #[serde(flatten)]
    head: Map<String, Value>,
    nodes: NodeDocuments<'a>,
    blocks: BlockDocuments<'a>,
    #[serde(flatten)]
    tail: Map<String, Value>,
}

struct NodeDocuments<'a> {
    report: &'a CostReport,
    fields: Vec<ReceptiveField>,
    effective: Vec<u64>,
}

#[derive(serde::Serialize)]
struct NodeDocument<'a> {
    path: &'a str,
    op: &'a str,
    output: &'a [usize],
    params: u64,
    macs: u64,
    receptive_field: Value,
    effective_macs: u64,
    /// Written only if true.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    frozen: bool,
}

/// Costs of each block, serialized one by one.
struct BlockDocuments<'a>(&'a [BlockCost]);

#[derive(serde::Serialize)]
struct BlockDocument<'a> {
    path: &'a str,
    block: &'a str,
    params: u64,
    frozen: u64,
    buffers: u64,
    macs: u64,
}

impl Serialize for BlockDocuments<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(|b| BlockDocument {
            path: &b.path,
            block: &b.block,
            params: b.params,
            frozen: b.frozen,
            buffers: b.buffers,
            macs: b.macs,
        }))
    }
}

impl Serialize for NodeDocuments<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let extra = self.fields.iter().zip(&self.effective);
        serializer.collect_seq(self.report.nodes.iter().zip(extra).map(|(n, (f, real))| node_document(n, f, *real)))
    }
}

fn node_document<'a>(n: &'a NodeCost, f: &ReceptiveField, real: u64) -> NodeDocument<'a> {
    let (output, receptive_field) = (&n.output[..], field::json(f));
    let (params, macs, frozen) = (n.params, n.macs, n.frozen);
    NodeDocument { path: &n.path, op: n.op, output, params, macs, receptive_field, effective_macs: real, frozen }
}

/// Returns the document with the models, problems, claims, sweeps and holes of all files.
pub(crate) fn check_document(
    analyses: &[FileAnalysis],
    conventions: &[Convention],
    symbolic: bool,
    options: &MemoryRequest,
) -> String {
    let mut document = CheckDocument { schema: 1, models: Vec::new(), problems: Vec::new(), rest: Map::new() };
    for analysis in analyses {
        for (entry, report) in &analysis.entries {
            document.models.push(model_document(analysis, entry, report, conventions, symbolic, options));
        }
        document.problems.extend(diag::json(&analysis.sources, &analysis.problems));
        if !analysis.claims.is_empty() {
            append_list(&mut document.rest, "claims", analysis.claims.iter().map(claim_json).collect());
        }
        if !analysis.data.is_empty() {
            append_list(&mut document.rest, "data", analysis.data.iter().map(data_json).collect());
        }
        for (key, list) in exploration_json(&analysis.exploration) {
            append_list(&mut document.rest, key, list);
        }
    }
    // Numbers, strings and lists always serialize.
    serde_json::to_string_pretty(&document).unwrap_or_default() + "\n"
}

/// Appends to a list of the document; creates the list if it does not exist.
fn append_list(rest: &mut Map<String, Value>, key: &str, more: Vec<Value>) {
    match rest.get_mut(key).and_then(Value::as_array_mut) {
        Some(list) => list.extend(more),
        None => drop(rest.insert(key.to_string(), more.into())),
    }
}

fn model_document<'a>(
    analysis: &FileAnalysis,
    entry: &ModelEntry,
    report: &'a CostReport,
    conventions: &[Convention],
    symbolic: bool,
    options: &MemoryRequest,
) -> ModelDocument<'a> {
    let results = entry.checked.results().map(|(name, shape)| json!({"name": name, "shape": shape.dims()}));
    let head = [
        ("name", json!(entry.checked.graph().name)),
        ("input", json!(entry.checked.input().dims())),
        ("output", json!(entry.checked.output().dims())),
        ("results", results.collect()),
        ("params", json!(report.params)),
        ("trainable", json!(report.trainable())),
        ("frozen", json!(report.frozen)),
        ("buffers", json!(report.buffers)),
        ("macs", json!(report.macs)),
        ("convention", json!(report.convention.name())),
    ];
    let (fields, effective) = field::of_nodes(&entry.checked);
    let mut tail = vec![
        ("effective_macs", json!(effective.iter().sum::<u64>())),
        ("memory", memory_json(entry, options)),
        ("sizes", contract_json(entry, &analysis.sources)),
    ];
    if symbolic {
        tail.push(("formulas", formulas_json(entry, conventions[0])));
    }
    if conventions.len() > 1 {
        let by = conventions.iter().map(|&c| (c.name().to_string(), json!(macs_by(entry, report, c))));
        tail.push(("macs_by_convention", Value::Object(by.collect())));
    }
    let object = |pairs: Vec<(&str, Value)>| pairs.into_iter().map(|(key, value)| (key.to_string(), value)).collect();
    let (nodes, blocks) = (NodeDocuments { report, fields, effective }, BlockDocuments(&report.blocks));
    ModelDocument { head: object(head.into()), nodes, blocks, tail: object(tail) }
}

fn data_json(spec: &DataSpec) -> Value {
    json!({"name": spec.name, "size": spec.size, "classes": spec.classes, "split": spec.split_text()})
}

fn claim_json(c: &JudgedClaim) -> Value {
    let found = c.judged.value.to_string();
    match &c.judged.verdict {
        Verdict::Holds => json!({"about": c.about, "claim": c.claim, "found": found, "refuted": null}),
        Verdict::Refuted { reason } => json!({"about": c.about, "claim": c.claim, "found": found, "refuted": reason}),
        Verdict::Reported => json!({"about": c.about, "claim": c.claim, "found": null, "refuted": null}),
    }
}
