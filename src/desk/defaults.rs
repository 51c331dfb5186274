//! What a file declares for a model: the run that trains it, its data, and hyper-parameters without a value.

use super::memory_settings::MemorySettings;
use crate::graph::elaborate::ModelArgument;
use crate::graph::resolve::ResolvedProgram;
use crate::study::explore::open_holes;
use crate::text::config::{DataSpec, schema};
use crate::text::syntax::ast;
use std::collections::BTreeMap;

/// Returns the first run of this model, or else the first run of its base.
fn default_run<'a>(program: &ResolvedProgram<'a>, name: &str) -> Option<&'a ast::Train> {
    let base = program.entry(name).map(|(model, _)| model.name.node.as_str());
    program.first_train.get(name).or_else(|| program.first_train.get(base?)).copied()
}

/// Returns the data of the run that trains the model, or else the first data block.
pub(crate) fn default_data(program: &ResolvedProgram<'_>, name: &str) -> Option<(String, DataSpec)> {
    let data = default_run(program, name).and_then(|t| program.data.get(t.data.node.as_str())).copied();
    let data = data.or(program.first_data)?;
    // Errors of the block are reported by `schema_problems`.
    schema::data_spec(data).ok().map(|spec| (data.name.node.clone(), spec))
}

/// Returns batch, optimiser and loss of the run that trains the model, or `None` without such a run.
pub(crate) fn memory_settings(program: &ResolvedProgram<'_>, name: &str) -> Option<MemorySettings> {
    // Errors of the run are reported by `schema_problems`.
    let (spec, _) = default_run(program, name).and_then(|t| schema::train_spec(t, BTreeMap::new()).ok())?;
    Some(spec.into())
}

/// Returns the settings of the first run that trains a model of the sweep, because all models of a sweep are compared with
/// the same settings.
pub(crate) fn sweep_memory_settings(program: &ResolvedProgram<'_>, sweep: &ast::Sweep) -> MemorySettings {
    sweep.models.grids.iter().find_map(|g| memory_settings(program, &g.base.node)).unwrap_or_default()
}

/// Checks whether the model has a hole (a hyper-parameter without a value) that `args` does not fill.
pub(crate) fn has_hole(program: &ResolvedProgram<'_>, name: &str, args: &[ModelArgument]) -> bool {
    !open_holes(program, name, args).is_empty()
}
