//! What a file says about a model besides the model itself: the run that trains it, its data, its open hyper-parameters.

use super::memory_settings::MemorySettings;
use crate::graph::elaborate::ModelArgument;
use crate::graph::resolve::ResolvedProgram;
use crate::study::explore::holes;
use crate::text::config::{DataSpec, schema};
use crate::text::syntax::ast;
use std::collections::BTreeMap;

/// The first run of this model, else the first run of its base.
fn default_run<'a>(program: &ResolvedProgram<'a>, name: &str) -> Option<&'a ast::Train> {
    let base = program.entry(name).map(|(model, _)| model.name.node.as_str());
    program.first_train.get(name).or_else(|| program.first_train.get(base?)).copied()
}

/// The data of the run that trains the model, else the first data block.
pub(crate) fn default_data(program: &ResolvedProgram<'_>, name: &str) -> Option<(String, DataSpec)> {
    let data = default_run(program, name).and_then(|t| program.data.get(t.data.node.as_str())).copied();
    let data = data.or(program.first_data)?;
    // A block with mistakes is reported by itself.
    schema::data_spec(data).ok().map(|spec| (data.name.node.clone(), spec))
}

/// Batch, optimiser and loss of the run that trains the model; `None` where there is no such run.
pub(crate) fn memory_settings(program: &ResolvedProgram<'_>, name: &str) -> Option<MemorySettings> {
    // A run with mistakes is reported by itself.
    let (spec, _) = default_run(program, name).and_then(|t| schema::train_spec(t, BTreeMap::new()).ok())?;
    Some(spec.into())
}

/// Those of the first run that trains a model of the sweep: its models are compared with the same settings.
pub(crate) fn sweep_memory_settings(program: &ResolvedProgram<'_>, sweep: &ast::Sweep) -> MemorySettings {
    sweep.models.grids.iter().find_map(|g| memory_settings(program, &g.base.node)).unwrap_or_default()
}

/// Whether the model has a hole, a hyper-parameter without a value, that `args` does not fill.
pub(crate) fn has_hole(program: &ResolvedProgram<'_>, name: &str, args: &[ModelArgument]) -> bool {
    !holes(program, name, args).is_empty()
}
