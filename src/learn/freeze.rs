//! Freezing: excludes tensors from training.
//!
//! A frozen tensor requires no gradient, so the backward pass computes none for it, and stops at the first trained tensor; the
//! optimiser updates only tensors with a gradient. Running statistics are not parameters: those of a frozen batch norm are still
//! updated, as in PyTorch with `requires_grad = False`.

use crate::base::error::Result;
use crate::base::problem::problem;
use crate::compute::network::Network;
use crate::graph::check::{CheckedGraph, FrozenPaths};
use crate::text::config::TrainSpec;
use crate::text::source::{Span, Spanned};
use burn::module::{Module, ModuleMapper, Param};
use burn::tensor::Tensor;

/// Returns the frozen parameters of a run. Errors: a path has no parameters, or no parameter is left to train.
pub(crate) fn frozen_parameters(checked: &CheckedGraph, spec: &TrainSpec) -> Result<FrozenPaths> {
    let paths: Vec<_> = spec.freeze.iter().map(|path| Spanned::new(path.clone(), Span::default())).collect();
    let problems = FrozenPaths::problems(checked, &paths, &checked.supervised_results(&spec.supervise));
    match problems.iter().next() {
        Some(d) => Err(problem!(E0717, "{}", d.message; help: "`freeze` lists paths of nodes and blocks")),
        None => Ok(FrozenPaths::new(spec.freeze.iter().cloned())),
    }
}

/// Returns the network in which the frozen tensors require no gradient.
pub fn freeze(network: Network, frozen: &FrozenPaths) -> Network {
    if frozen.is_empty() { network } else { network.map(&mut FreezeMapper { frozen, path: Vec::new() }) }
}

struct FreezeMapper<'a> {
    frozen: &'a FrozenPaths,
    path: Vec<String>,
}

impl ModuleMapper for FreezeMapper<'_> {
    fn enter_module(&mut self, name: &str, _: &str) {
        self.path.push(name.to_string());
    }

    fn exit_module(&mut self, _: &str, _: &str) {
        self.path.pop();
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        if self.frozen.contains(&self.path.join(".")) { param.set_require_grad(false) } else { param }
    }
}
