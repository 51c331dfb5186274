//! Checks the `data` and `train` blocks of a file against their schemas and against the models that they train.

use super::arguments::named_arguments;
use super::defaults::has_hole;
use super::size_suggestions::with_size_suggestions;
use crate::base::problem::problem;
use crate::graph::check::{CheckedGraph, FrozenPaths, check, class_warning, unknown_result};
use crate::graph::elaborate::elaborate;
use crate::graph::resolve::ResolvedProgram;
use crate::text::config::value_units::value_unit_doubt;
use crate::text::config::{DataSpec, schema};
use crate::text::diag::{Diagnostic, Problems};
use crate::text::syntax::ast;
use std::collections::BTreeMap;

/// Checks the `data` and `train` blocks of the root file against their schemas.
pub(super) fn schema_problems(program: &ResolvedProgram<'_>) -> Problems {
    let mut problems = Problems::new();
    for item in &program.file.items {
        match &item.kind {
            ast::ItemKind::Data(data) => match schema::data_spec(data) {
                Ok(spec) => check_value_units(data, &spec).into_iter().for_each(|d| problems.push(d)),
                Err(p) => problems.extend(p),
            },
            ast::ItemKind::Train(train) => {
                // `run_problems` checks the arguments together with the model.
                match schema::train_spec(train, BTreeMap::new()) {
                    Ok((_, later)) => problems.extend(later),
                    Err(p) => problems.extend(p),
                }
            }
            ast::ItemKind::Import(_)
            | ast::ItemKind::Enum(_)
            | ast::ItemKind::Block(_)
            | ast::ItemKind::Model(_)
            | ast::ItemKind::Variant(_)
            | ast::ItemKind::Sweep(_)
            | ast::ItemKind::Expect(_)
            | ast::ItemKind::Allow(_) => {}
        }
    }
    problems
}

/// Returns a warning about `mean` and `std` in other units than the values.
fn check_value_units(data: &ast::Data, spec: &DataSpec) -> Option<Diagnostic> {
    let doubt = value_unit_doubt(spec)?;
    let entry = data.entries.iter().find(|entry| entry.key.node == doubt.key)?;
    Some(problem!(W0420, entry.value.span, "{}", doubt.message; help: "{}", doubt.help))
}

/// Checks the runs of the root file: builds each model with the arguments of its run at the size of its data.
pub(super) fn run_problems(program: &ResolvedProgram<'_>) -> Problems {
    let mut problems = Problems::new();
    for item in &program.file.items {
        let ast::ItemKind::Train(train) = &item.kind else { continue };
        let entry = program.find(&train.model.node);
        let data = program.data.get(train.data.node.as_str()).and_then(|d| schema::data_spec(d).ok());
        let (Some(name), Some(spec)) = (entry, data) else { continue };
        if program.is_broken(&name.node) || (train.args.is_empty() && has_hole(program, &name.node, &[])) {
            continue;
        }
        let found = match named_arguments(&train.args) {
            Ok(args) => elaborate(program, name, &args, Some(spec.size))
                .and_then(check)
                .map_err(|p| with_size_suggestions(program, name, &args, Some(spec.size), p)),
            Err(p) => Err(p),
        };
        match found {
            // Warnings of the model itself are reported with the model.
            Ok(checked) => {
                let warning = class_warning(&checked, &train.model, &spec.name, spec.classes.len());
                warning.into_iter().for_each(|d| problems.push(d));
                schema::loss_problem(&train.entries, spec.classes.len()).into_iter().for_each(|d| problems.push(d));
                check_norms(train, &checked).into_iter().for_each(|d| problems.push(d));
                check_supervised(train, &checked, &mut problems);
                problems.extend(check_frozen(train, &checked));
            }
            Err(p) => problems.extend(p),
        }
    }
    problems
}

/// Returns a warning for a run whose batches of one image give a batch norm one value a channel; training refuses it.
fn check_norms(train: &ast::Train, checked: &CheckedGraph) -> Option<Diagnostic> {
    let norm = checked.norms_of_one().next()?;
    let (spec, _) = schema::train_spec(train, BTreeMap::new()).ok()?;
    if spec.batch != 1 {
        return None;
    }
    let entry = train.entries.iter().find(|e| e.key.node == "batch")?;
    let node = checked.graph().node(norm);
    Some(problem!(W0402, entry.value.span, "`{}` cannot train `{}` on one image at a time", train.name, train.model;
        label: "the batch norm `{}` sees one value a channel", node.path;
        other[node.span]: "on a map of 1x1";
        help: "use batches of 2 or more; or leave the norm out after the global pool, or use `group_norm` or `layer_norm`"))
}

/// Reports supervised results that the model does not have.
fn check_supervised(train: &ast::Train, checked: &CheckedGraph, problems: &mut Problems) {
    let entry = train.entries.iter().find(|e| e.key.node == "supervise").map(|e| &e.value.kind);
    let Some(ast::ExprKind::Call(call)) = entry else { return };
    for name in call.args.iter().filter_map(|a| a.name.as_ref()) {
        if let Some(d) = unknown_result(checked, name) {
            problems.push(d);
        }
    }
}

/// Reports frozen paths without parameters, and runs that freeze all parameters.
fn check_frozen(train: &ast::Train, checked: &CheckedGraph) -> Problems {
    let paths = schema::freeze_paths(&train.entries).unwrap_or_default();
    // Errors of the run are reported by `schema_problems`.
    let weights = schema::train_spec(train, BTreeMap::new()).map(|(spec, _)| spec.supervise).unwrap_or_default();
    FrozenPaths::problems(checked, &paths, &checked.supervised_results(&weights))
}
