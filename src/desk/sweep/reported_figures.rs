//! The figures that a paper reports for a point of a sweep, from the `expect` block about it.

use crate::graph::elaborate::ModelArgument;
use crate::graph::resolve::ResolvedProgram;
use crate::study::claim::{ReportedFigure, reported_figure};
use crate::study::explore::SweepModel;
use crate::text::source::SourceMap;
use crate::text::syntax::ast::{self, ExprKind, ItemKind, ParamTypeKind, ResultTypeKind};
use std::collections::BTreeMap;

/// Returns the figures of the `expect` block about a point on a data block.
///
/// The block must name the same model, and all hyper-parameters must have the same values except for the number of classes,
/// because a paper may count one output channel where training uses two. If there are several such blocks, the one that
/// writes the hyper-parameters of the sweep's axes is chosen, because different tables of a paper may disagree.
pub(super) fn reported_figures(
    program: &ResolvedProgram<'_>,
    sources: &SourceMap,
    point: &SweepModel<'_>,
    data: &str,
) -> Vec<ReportedFigure> {
    let Some(here) = HyperParameters::of(program, sources, &point.model.node, &point.args) else { return Vec::new() };
    let varied = || point.args.iter().zip(&point.varied).filter(|(_, varied)| **varied).map(|(a, _)| &a.name.node);
    let mut best: Option<(usize, &ast::Expect)> = None;
    for item in &program.items {
        let ItemKind::Expect(expect) = &item.kind else { continue };
        let args: Option<Vec<ModelArgument>> = (expect.args.iter())
            .map(|a| Some(ModelArgument { name: a.name.clone()?, value: a.value.clone() }))
            .collect();
        let on = expect.on.as_ref().is_some_and(|on| on.node == data);
        let Some(args) = args.filter(|_| on) else { continue };
        if HyperParameters::of(program, sources, &expect.model.node, &args).as_ref() != Some(&here) {
            continue;
        }
        let written = |name: &String| args.iter().any(|a| a.name.node == *name);
        let odd = args.iter().filter(|a| !varied().any(|v| *v == a.name.node)).count();
        let far = odd + varied().filter(|name| !written(name)).count();
        if best.is_none_or(|(least, _)| far < least) {
            best = Some((far, expect));
        }
    }
    best.map_or_else(Vec::new, |(_, expect)| expect.claims.iter().filter_map(reported_figure).collect())
}

/// A model with the texts of its hyper-parameters, without the number of classes.
#[derive(PartialEq, Eq)]
struct HyperParameters {
    model: String,
    values: BTreeMap<String, String>,
}

impl HyperParameters {
    fn of(
        program: &ResolvedProgram<'_>,
        sources: &SourceMap,
        name: &str,
        args: &[ModelArgument],
    ) -> Option<HyperParameters> {
        let (model, fixed) = program.entry(name)?;
        let text = |value: &ast::Expr| {
            let written = sources.snippet(value.span);
            written.chars().filter(|c| !c.is_whitespace()).collect::<String>()
        };
        let classes = class_count_parameter(model);
        let mut values = BTreeMap::new();
        for param in &model.params {
            let name = &param.name.node;
            let fixed = fixed.iter().find(|a| a.name.as_ref().is_some_and(|n| n.node == *name)).map(|a| &a.value);
            let given = args.iter().find(|a| a.name.node == *name).map(|a| &a.value);
            if let Some(value) = given.or(fixed).or(param.default.as_ref()).filter(|_| classes != Some(name)) {
                values.insert(name.clone(), text(value));
            }
        }
        Some(HyperParameters { model: model.name.node.clone(), values })
    }
}

/// Returns the hyper-parameter that is the number of channels of the model's first result.
fn class_count_parameter(model: &ast::Block) -> Option<&String> {
    let first = match &model.result.as_ref()?.kind {
        ResultTypeKind::One(one) => one,
        ResultTypeKind::Tuple(many) => many.first()?,
        ResultTypeKind::Record(fields) => &fields.first()?.1,
    };
    match &first.kind {
        ParamTypeKind::Tensor(dims) => match &dims.first()?.kind {
            ExprKind::Name(name) => Some(name),
            _ => None,
        },
        ParamTypeKind::Index(_) | ParamTypeKind::Scalar(_) | ParamTypeKind::List(_) => None,
    }
}
