//! Freezing: tensors that training leaves as they are.
//!
//! A frozen tensor asks for no gradient, so backward computes none for it, and nothing at all before the first tensor that
//! is trained; the optimiser moves what has a gradient. Running statistics are no parameters: those of a frozen batch norm
//! go on with the batches, as in PyTorch with `requires_grad = False`.

use crate::base::error::{Result, RunError};
use crate::compute::network::Network;
use crate::graph::check::{CheckedGraph, FrozenPaths};
use crate::text::config::TrainSpec;
use crate::text::source::{Span, Spanned};
use burn::module::{Module, ModuleMapper, Param};
use burn::tensor::Tensor;

/// What the run freezes. Errors: a path leads to no parameters of the model, or none is left to train.
pub(crate) fn frozen_parameters(checked: &CheckedGraph, spec: &TrainSpec) -> Result<FrozenPaths> {
    let paths: Vec<_> = spec.freeze.iter().map(|path| Spanned::new(path.clone(), Span::default())).collect();
    let problems = FrozenPaths::problems(checked, &paths, &checked.supervised_results(&spec.supervise));
    match problems.iter().next() {
        Some(d) => Err(RunError::new(d.message.clone()).help("`freeze` lists paths of nodes and blocks")),
        None => Ok(FrozenPaths::new(spec.freeze.iter().cloned())),
    }
}

/// The network with the frozen tensors asking for no gradient.
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
