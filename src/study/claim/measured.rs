//! A model whose quantities are counted once, however many claims are about it.

use crate::graph::check::CheckedGraph;
use crate::study::cost::field::{narrower_side, receptive_fields};
use crate::study::cost::{Convention, count};
use std::cell::{OnceCell, RefCell};
use std::collections::HashMap;

/// Peak memory of inference and training.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PeakBytes {
    /// Peak of a forward pass without gradients, in bytes.
    pub inference: u64,
    /// Peak of a training step (forward, loss, backward, update), in bytes.
    pub training: u64,
}

/// Totals of a model by one convention.
#[derive(Debug, Clone, Copy)]
pub(super) struct CountedTotals {
    /// Trainable parameters.
    pub params: u64,
    /// Parameters as the tool of the convention totals them.
    pub counted_params: u64,
    /// Numbers in buffers.
    pub buffers: u64,
    /// Operations of one image.
    pub macs: u64,
}

/// A checked model and its quantities, each of which is counted when a claim or a bound first asks for it.
pub struct MeasuredModel<'a> {
    checked: &'a CheckedGraph,
    memory: &'a dyn Fn() -> PeakBytes,
    totals: RefCell<HashMap<Convention, CountedTotals>>,
    field: OnceCell<Option<u64>>,
    peaks: OnceCell<PeakBytes>,
}

impl<'a> MeasuredModel<'a> {
    /// Returns a model of which nothing is counted yet. `memory` is called at most once, for a quantity of memory.
    pub fn new(checked: &'a CheckedGraph, memory: &'a dyn Fn() -> PeakBytes) -> MeasuredModel<'a> {
        let (totals, field, peaks) = Default::default();
        MeasuredModel { checked, memory, totals, field, peaks }
    }

    /// Returns the model.
    pub fn checked(&self) -> &'a CheckedGraph {
        self.checked
    }

    /// Returns the peak memory.
    pub fn peaks(&self) -> PeakBytes {
        *self.peaks.get_or_init(self.memory)
    }

    pub(super) fn totals(&self, convention: Convention) -> CountedTotals {
        *self.totals.borrow_mut().entry(convention).or_insert_with(|| {
            let report = count(self.checked, convention);
            CountedTotals {
                params: report.params,
                counted_params: report.counted_params,
                buffers: report.buffers,
                macs: report.macs,
            }
        })
    }

    /// Returns the smaller side of the receptive field of the first result in pixels; `None` where it is unknown.
    pub(super) fn receptive_field(&self) -> Option<u64> {
        *self.field.get_or_init(|| {
            let graph = self.checked.graph();
            let field = &receptive_fields(graph)[graph.results[0].1.node.index()];
            narrower_side(field, self.checked.input().spatial().unwrap_or_default())
        })
    }
}
