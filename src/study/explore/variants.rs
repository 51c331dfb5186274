//! The models of a sweep with their counts, without training, and groups of models that compute the same function.

use super::filter::{FilterQuery, FilteredSweep, filter_variants};
use crate::graph::canon::CanonicalGraph;
use crate::graph::elaborate::ModelArgument;
use crate::graph::resolve::ResolvedProgram;
use crate::graph::ty::Shape;
use crate::study::claim::PeakBytes;
use crate::study::cost::field::{ReceptiveField, narrower_side, receptive_fields};
use crate::study::cost::{Convention, count};
use crate::text::diag::Diagnostic;
use crate::text::syntax::ast;
use std::collections::HashMap;
use std::fmt;
use std::str::FromStr;

/// A model of a sweep with its counts.
#[derive(Debug, Clone)]
pub struct CountedVariant {
    /// Name of the model or variant that the sweep varies.
    pub model: String,
    /// Arguments in the order of the sweep.
    pub args: Vec<ModelArgument>,
    /// Trainable parameters.
    pub params: u64,
    /// Numbers in buffers (running statistics).
    pub buffers: u64,
    /// Measures at each image size.
    pub at: Vec<SizeMeasures>,
    /// Hash at each image size, equal for models that compute the same function ([`CanonicalGraph::hash`]).
    pub hashes: Vec<u64>,
}

/// Measures of a model at one image size.
#[derive(Debug, Clone)]
pub struct SizeMeasures {
    /// Shape of one image, `[c, h, w]`.
    pub input: Shape,
    /// Shape of the first result.
    pub output: Shape,
    /// Operations of one image.
    pub macs: u64,
    /// Peak memory of a run in inference and training, in bytes.
    pub peaks: PeakBytes,
    /// Receptive field of the first result.
    pub field: ReceptiveField,
    /// Smaller side of the receptive field in pixels; see [`narrower_side`].
    pub field_pixels: Option<u64>,
}

/// A measure that tables are sorted by and plots have as axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MeasureKey {
    /// Trainable parameters.
    Params,
    /// Operations of one image.
    Macs,
    /// Peak memory of inference, in bytes.
    Inference,
    /// Peak memory of a training step, in bytes.
    Training,
    /// Smaller side of the receptive field in image pixels.
    Field,
}

impl MeasureKey {
    /// Every key, in the order of tables and messages.
    pub const ALL: [MeasureKey; 5] =
        [MeasureKey::Params, MeasureKey::Macs, MeasureKey::Inference, MeasureKey::Training, MeasureKey::Field];

    /// Returns the name on the command line and in tables.
    pub fn name(self) -> &'static str {
        match self {
            MeasureKey::Params => "params",
            MeasureKey::Macs => "macs",
            MeasureKey::Inference => "inference",
            MeasureKey::Training => "training",
            MeasureKey::Field => "field",
        }
    }

    /// Checks whether larger values are better.
    pub fn more_is_better(self) -> bool {
        match self {
            MeasureKey::Field => true,
            MeasureKey::Params | MeasureKey::Macs | MeasureKey::Inference | MeasureKey::Training => false,
        }
    }

    /// Returns the value of a variant at the first size; an unknown receptive field counts as 0.
    pub fn of(self, variant: &CountedVariant) -> u64 {
        let first = &variant.at[0];
        match self {
            MeasureKey::Params => variant.params,
            MeasureKey::Macs => first.macs,
            MeasureKey::Inference => first.peaks.inference,
            MeasureKey::Training => first.peaks.training,
            MeasureKey::Field => first.field_pixels.unwrap_or(0),
        }
    }

    /// Returns the value with a sign such that less is better.
    pub fn cost(self, variant: &CountedVariant) -> i128 {
        let n = i128::from(self.of(variant));
        if self.more_is_better() { -n } else { n }
    }
}

impl FromStr for MeasureKey {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let names = || MeasureKey::ALL.map(MeasureKey::name).join(", ");
        MeasureKey::ALL
            .into_iter()
            .find(|k| k.name() == text)
            .ok_or_else(|| format!("no key `{text}`; there is {}", names()))
    }
}

impl fmt::Display for MeasureKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Counts every model of a sweep that satisfies the bounds at every size.
pub fn count_variants(
    program: &ResolvedProgram<'_>,
    sweep: &ast::Sweep,
    query: &FilterQuery<'_>,
    convention: Convention,
) -> Result<FilteredSweep<CountedVariant>, Diagnostic> {
    let seen = filter_variants(program, sweep, query, |checked, peaks| {
        let report = count(checked, convention);
        let graph = checked.graph();
        let mut all = receptive_fields(graph);
        let field = all.swap_remove(graph.results[0].1.node.index());
        let measures = SizeMeasures {
            input: checked.input().clone(),
            output: checked.output().clone(),
            macs: report.macs,
            peaks: peaks(),
            field_pixels: narrower_side(&field, checked.input().spatial().unwrap_or_default()),
            field,
        };
        // Sizes are formulas in the canonical form, but the nodes of a model may depend on the size.
        (report.params, report.buffers, CanonicalGraph::new(graph).hash(), measures)
    })?;
    Ok(seen.map(|point, seen| CountedVariant {
        model: point.model.node.clone(),
        args: point.args,
        params: seen[0].0,
        buffers: seen[0].1,
        hashes: seen.iter().map(|s| s.2).collect(),
        at: seen.into_iter().map(|s| s.3).collect(),
    }))
}

/// Groups the indices of variants that compute the same function, in the order of the sweep.
pub fn group_same_functions(variants: &[CountedVariant]) -> Vec<Vec<usize>> {
    let mut groups: Vec<Vec<usize>> = Vec::new();
    let mut known: HashMap<&[u64], usize> = HashMap::new();
    for (i, variant) in variants.iter().enumerate() {
        match known.get(&variant.hashes[..]) {
            Some(&group) => groups[group].push(i),
            None => {
                known.insert(&variant.hashes, groups.len());
                groups.push(vec![i]);
            }
        }
    }
    groups
}
