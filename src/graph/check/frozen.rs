//! Freezing: the parameters that a run does not train.
//!
//! The module knows dotted paths and the graph. The savings of frozen parameters are computed with the costs.

use super::CheckedGraph;
use crate::base::problem::problem;
use crate::graph::ir::{Graph, NodeId, Outlet, Path};
use crate::graph::op::ParamKind;
use crate::text::diag::{Applicability, Diagnostic, Problems, did_you_mean, quoted_list};
use crate::text::source::Spanned;
use std::collections::BTreeSet;

/// Paths of nodes and blocks whose parameters are not trained. The default freezes nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FrozenPaths {
    paths: Vec<Path>,
}

impl FrozenPaths {
    /// Freezes the nodes and blocks at these dotted paths. Paths that do not exist have no effect.
    pub fn new(paths: impl IntoIterator<Item = Path>) -> Self {
        Self { paths: paths.into_iter().collect() }
    }

    /// Freezes those of the paths that have parameters in this graph. A variant uses the run of its base this way.
    pub fn existing_in(checked: &CheckedGraph, paths: &[Path]) -> Self {
        let leads = |path: &&Path| nodes_below(checked.graph(), path).any(|id| has_trainable(checked.graph(), id));
        Self::new(paths.iter().filter(leads).cloned())
    }

    /// Returns whether everything is trained.
    pub fn is_empty(&self) -> bool {
        self.paths.is_empty()
    }

    /// Returns whether the node or tensor of this dotted name is one of the paths or below one of them.
    pub fn contains(&self, name: &str) -> bool {
        self.paths.iter().any(|path| is_within(name, path))
    }

    /// Returns whether any of the results depends on a parameter that is trained.
    pub fn leaves_trainable(&self, graph: &Graph, results: &[Outlet]) -> bool {
        let mut needed = vec![false; graph.len()];
        results.iter().for_each(|r| needed[r.node.index()] = true);
        graph.order().into_iter().rev().any(|id| {
            if !needed[id.index()] {
                return false;
            }
            graph.inputs(id).iter().for_each(|o| needed[o.node.index()] = true);
            has_trainable(graph, id) && !self.contains(&graph.node(id).path)
        })
    }

    /// Returns the errors of freezing these paths: a path does not exist or has no parameters, or `results` depend on no
    /// trained parameter if all of them are frozen.
    pub fn problems(checked: &CheckedGraph, paths: &[Spanned<Path>], results: &[Outlet]) -> Problems {
        let graph = checked.graph();
        let mut problems = Problems::new();
        for path in paths {
            let mut inside = nodes_below(graph, &path.node).peekable();
            if inside.peek().is_none() {
                problems.push(unknown_path(graph, path));
            } else if !inside.any(|id| has_trainable(graph, id)) {
                problems.push(problem!(E0206, path.span, "`{path}` of `{}` has no parameters", graph.name;
                    label: "there is nothing to freeze"));
            }
        }
        let frozen = Self::new(paths.iter().map(|p| p.node.clone()));
        if let (Some(last), true) = (paths.last(), problems.is_empty() && !results.is_empty())
            && !frozen.leaves_trainable(graph, results)
        {
            problems.push(
                problem!(E0206, last.span, "with this frozen, `{}` has no trainable parameters left", graph.name;
                help: "leave a part of the network unfrozen"),
            );
        }
        problems
    }
}

fn is_within(name: &str, path: &str) -> bool {
    name.strip_prefix(path).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

fn nodes_below<'a>(graph: &'a Graph, path: &'a str) -> impl Iterator<Item = NodeId> + 'a {
    graph.order().into_iter().filter(move |id| is_within(&graph.node(*id).path, path))
}

fn has_trainable(graph: &Graph, id: NodeId) -> bool {
    graph.node(id).op.params(&graph.input_types(id)).iter().any(|p| p.kind == ParamKind::Trainable)
}

/// An error for a path that does not exist, with the nearest one.
fn unknown_path(graph: &Graph, path: &Spanned<Path>) -> Diagnostic {
    let with_parameters: Vec<&str> = graph
        .order()
        .into_iter()
        .filter(|&id| has_trainable(graph, id))
        .map(|id| graph.node(id).path.as_str())
        .collect();
    let mut known: BTreeSet<&str> = with_parameters.iter().copied().collect();
    known.extend(with_parameters.iter().flat_map(|p| p.match_indices('.').map(|(end, _)| &p[..end])));
    let d = problem!(E0201, path.span, "`{}` has no node or block `{path}`", graph.name);
    match did_you_mean(&path.node, known.iter().copied()) {
        Some(near) => d.renamed(path.span, near, Applicability::MaybeIncorrect),
        None => {
            let outermost: BTreeSet<&str> = known.iter().map(|p| p.split('.').next().unwrap_or(p)).collect();
            d.help(format!("parameters are under {}", quoted_list(outermost)))
        }
    }
}
