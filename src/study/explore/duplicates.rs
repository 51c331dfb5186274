//! Variants that build the same network as their base.

use crate::base::problem::problem;
use crate::graph::check::CheckedGraph;
use crate::graph::elaborate::elaborate;
use crate::graph::resolve::ResolvedProgram;
use crate::text::diag::{Diagnostic, Problems, quoted_list};
use crate::text::syntax::ast;
use std::collections::BTreeMap;

/// Warns about each variant that builds the same network as its base at the same image size. `all` contains the variants,
/// and their bases if those are built already.
pub fn warn_duplicate_variants(program: &ResolvedProgram<'_>, all: &[&CheckedGraph]) -> Problems {
    let key = |name: &'_ str, c: &CheckedGraph| (name.to_string(), c.input().dims().to_vec());
    let built: BTreeMap<_, &CheckedGraph> = all.iter().map(|c| (key(&c.graph().name, c), *c)).collect();
    let names: BTreeMap<&str, &ast::Ident> = program.names().into_iter().map(|n| (n.node.as_str(), n)).collect();
    let mut problems = Problems::new();
    for checked in all {
        let graph = checked.graph();
        let Some(variant) = program.variants.get(graph.name.as_str()) else { continue };
        let Some(base) = names.get(variant.base.node.as_str()) else { continue };
        let same = match built.get(&key(&base.node, checked)) {
            Some(base) => graph.computes_as(base.graph()),
            None => {
                let size = checked.input().spatial();
                elaborate(program, base, &[], size).is_ok_and(|base| graph.computes_as(&base))
            }
        };
        if same {
            problems.push(duplicate_warning(variant));
        }
    }
    problems
}

fn duplicate_warning(variant: &ast::Variant) -> Diagnostic {
    let (name, base) = (&variant.name, &variant.base);
    let given = quoted_list(variant.args.iter().filter_map(|a| a.name.as_ref()).map(|n| n.node.as_str()));
    let label = match variant.args.len() {
        0 => "it changes no hyper-parameter".to_string(),
        _ if given.is_empty() => "its argument makes no difference".to_string(),
        _ => format!("{given}: no difference"),
    };
    problem!(W0416, name.span, "`{name}` builds the same network as `{base}`";
        label: "{label}";
        help: "give it a value that differs from `{base}`'s, or use `{base}` itself")
}
