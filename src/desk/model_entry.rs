//! A model that is checked at one size, with the settings of its run.

use super::defaults::memory_settings;
use super::memory_settings::MemorySettings;
use super::selection::SelectedModel;
use super::size_suggestions::with_size_suggestions;
use crate::graph::check::{CheckedGraph, FrozenPaths, check, class_warning};
use crate::graph::elaborate::{ModelArgument, elaborate};
use crate::graph::ir::Outlet;
use crate::graph::resolve::ResolvedProgram;
use crate::study::cost::{Convention, CostReport, count};
use crate::text::diag::{Diagnostic, Problems};
use crate::text::source::{SourceMap, Span, Spanned};

/// A model with the size it was checked at.
#[derive(Debug, Clone)]
pub struct ModelEntry {
    /// The model's graph, checked at that size.
    pub checked: CheckedGraph,
    /// Warning that the output channels differ from the number of classes of the requested data block.
    pub class_warning: Option<Diagnostic>,
    /// Name of the data block that defines the size.
    pub on: Option<String>,
    /// Batch, optimiser and loss of the run that trains it.
    pub memory: Option<MemorySettings>,
    /// Parameters that this run does not train.
    pub frozen: FrozenPaths,
}

/// Elaborates and checks one model. If it fails at this size, the problems suggest sizes that it supports.
pub fn build(
    program: &ResolvedProgram<'_>,
    selected: &SelectedModel,
    args: &[ModelArgument],
) -> Result<ModelEntry, Problems> {
    let SelectedModel { name, size, on, data_named, run: _ } = selected;
    let args = &selected.arguments(args)?;
    let built = elaborate(program, name, args, *size).and_then(check);
    let checked = built.map_err(|p| with_size_suggestions(program, name, args, *size, p))?;
    let named = on.as_ref().filter(|_| *data_named);
    let class_warning = named.and_then(|(on, spec)| class_warning(&checked, name, on, spec.classes.len()));
    let memory = memory_settings(program, &name.node);
    let frozen = memory.as_ref().map(|run| FrozenPaths::existing_in(&checked, &run.freeze)).unwrap_or_default();
    Ok(ModelEntry { checked, class_warning, on: on.as_ref().map(|(name, _)| name.clone()), memory, frozen })
}

impl ModelEntry {
    /// Checks whether the entry is the same model as an earlier one: equal in name, hyper-parameters, image and data.
    pub(super) fn repeats(&self, earlier: &ModelEntry) -> bool {
        let (a, b) = (self.checked.graph(), earlier.checked.graph());
        let same = (&a.name, &a.settings, &self.on) == (&b.name, &b.settings, &earlier.on);
        same && self.checked.input() == earlier.checked.input()
    }
}

/// Freezes the parameters of these nodes and blocks, instead of those that the model's run freezes. The paths are
/// added to `sources` as `--freeze`. Without paths, nothing changes.
///
/// Returns the problems of the paths: those without parameters, and those that leave no parameter to train. The entry
/// takes the paths even then.
pub fn freeze(sources: &mut SourceMap, entry: &mut ModelEntry, paths: &[String]) -> Problems {
    if paths.is_empty() {
        return Problems::new();
    }
    let mut spanned_paths = Vec::new();
    for path in paths {
        let span = Span::new(sources.add("--freeze", path.clone()), 0, path.len());
        spanned_paths.push(Spanned::new(path.clone(), span));
    }
    let results: Vec<Outlet> = entry.checked.graph().results.iter().map(|(_, outlet)| *outlet).collect();
    entry.frozen = FrozenPaths::new(paths.iter().cloned());
    FrozenPaths::problems(&entry.checked, &spanned_paths, &results)
}

/// Returns the multiply-accumulates of one image by a convention. `report` is reused where it has the same convention.
pub fn macs_by(entry: &ModelEntry, report: &CostReport, convention: Convention) -> u64 {
    if convention == report.convention { report.macs } else { count(&entry.checked, convention).macs }
}
