//! Checks of unused blocks at their definition.
//!
//! The declared result of a block is checked where the block is used, so an unused block would never be checked. Here it
//! gets sample tensors and hyper-parameters: sizes stay formulas in H and W, everything else is a number. A sample that the
//! body refuses proves nothing, since a block need not accept every number.

mod sample;

use super::elaborator::{CallFrame, Elaborator, ErrorReported, EvalResult, LIMITS};
use super::value::EvalValue;
use crate::graph::ir::{Node, Outlet};
use crate::graph::op::Op;
use crate::graph::resolve::ResolvedProgram;
use crate::graph::ty::{Dim, FormulaType, Shape, TensorType};
use crate::text::diag::{Code, Diagnostic, Problems};
use crate::text::syntax::ast::*;
use sample::{BlockSample, ParamChoice, SampleSizes, enumerate_choices};

/// The number of evaluation steps and nodes after which no further sample of a block is checked.
const MAX_FUEL: usize = 200_000;
/// Image sizes that are searched for one at which the result is the declared one.
const SEARCHED_SIZES: std::ops::RangeInclusive<usize> = 8..=1024;

/// The result of checking a block by itself.
#[derive(Debug)]
pub enum StandaloneCheck {
    /// The result is the declared one for every choice of cases that accepts one of the samples.
    Holds,
    /// A sample gives another result than the declared one; the diagnostic shows where.
    Broken(Box<Diagnostic>),
    /// The block declares no result or has another error, or every sample was refused.
    Skipped,
}

/// Checks the root file's blocks that no elaboration has used, and returns the errors in their declared results.
pub fn check_unused_blocks(program: &ResolvedProgram<'_>) -> Problems {
    // The list is complete before the first check, since a check marks the blocks that it uses.
    let blocks = program.file.items.iter().filter_map(|item| match &item.kind {
        ItemKind::Block(block) if !program.is_used(block) => Some(block),
        _ => None,
    });
    let mut problems = Problems::new();
    for block in blocks.collect::<Vec<_>>() {
        if let StandaloneCheck::Broken(d) = check_unused_block(program, block) {
            problems.push(*d);
        }
    }
    problems
}

/// Elaborates a block by itself and compares the result with the declared one.
///
/// A wrong channel count, or another kind of result, is reported for the first sample that elaborates that far. A height or
/// width is reported only where no sample and no image size in `SEARCHED_SIZES` gives the declared one, since the caller of a
/// block decides the size.
pub fn check_unused_block<'a>(program: &ResolvedProgram<'a>, block: &'a Block) -> StandaloneCheck {
    if block.result.is_none() || program.is_broken(&block.name.node) {
        return StandaloneCheck::Skipped;
    }
    let Some(choices) = enumerate_choices(program, block) else { return StandaloneCheck::Skipped };
    let (mut fuel, mut holds) = (0, false);
    for choice in &choices {
        let mut wrong = None;
        for sample in BlockSample::all() {
            if fuel > MAX_FUEL {
                // One of the remaining samples might have the declared size.
                wrong = None;
                break;
            }
            let (outcome, spent) = run_sample(program, block, choice, sample);
            fuel += spent;
            match outcome {
                SampleOutcome::Refused => {}
                SampleOutcome::Holds => {
                    (holds, wrong) = (true, None);
                    break;
                }
                SampleOutcome::Wrong(d) => return StandaloneCheck::Broken(Box::new(d)),
                SampleOutcome::WrongSize(d) => wrong = wrong.or(Some(d)),
            }
        }
        if let Some(d) = wrong {
            return StandaloneCheck::Broken(Box::new(d));
        }
    }
    if holds { StandaloneCheck::Holds } else { StandaloneCheck::Skipped }
}

enum SampleOutcome {
    /// The body fails for a reason other than its declared result.
    Refused,
    Holds,
    Wrong(Diagnostic),
    /// Only heights or widths differ. Another sample may have the declared ones.
    WrongSize(Diagnostic),
}

/// Returns the outcome of one sample, and the number of evaluation steps and nodes that it took.
fn run_sample<'a>(
    program: &ResolvedProgram<'a>,
    block: &'a Block,
    choice: &ParamChoice<'a>,
    sample: BlockSample,
) -> (SampleOutcome, usize) {
    let mut e = Elaborator::new(program, &block.name.node, [sample.image; 2]);
    let outcome = e.try_sample(block, choice, sample).unwrap_or(SampleOutcome::Refused);
    (outcome, e.fuel_spent + e.graph.len())
}

impl<'a> Elaborator<'_, 'a> {
    fn try_sample(
        &mut self,
        block: &'a Block,
        choice: &ParamChoice<'a>,
        sample: BlockSample,
    ) -> EvalResult<SampleOutcome> {
        let Some(declared) = &block.result else { return Err(ErrorReported) };
        self.frames.push(CallFrame { block: &block.name.node, ..CallFrame::default() });
        let mut arguments = Vec::new();
        let mut ints = 0;
        for param in &block.params {
            let chosen = choice.iter().find(|(p, _)| p.name.node == param.name.node).map(|(_, v)| v.clone());
            let open = || param.default.is_none().then(|| sample.value(self.program, &param.ty, &mut ints)).flatten();
            if let Some(value) = chosen.or_else(open) {
                arguments.push(format!("{} = {value}", param.name));
                self.bind_param(param, value);
            }
        }
        let mut sizes = SampleSizes::of(sample);
        for param in &block.params {
            if let ParamTypeKind::Tensor(dims) = &param.ty.kind {
                let outlet = self.sample_tensor(block, param, dims, sample.image, &mut sizes)?;
                arguments.push(format!("{} = {}", param.name, self.graph.ty(outlet)));
            }
        }
        for param in &block.params {
            if !self.frame().values.contains_key(param.name.node.as_str()) {
                self.bind_default(param)?;
            }
        }
        let (value, span) = self.eval_body(&block.body)?;
        if self.problems.has_errors() {
            return Err(ErrorReported);
        }
        if self.check_results(declared, &value, span, &block.name.node).is_ok() {
            return Ok(SampleOutcome::Holds);
        }
        let errors: Vec<&Diagnostic> = self.problems.iter().filter(|d| d.is_error()).collect();
        let mut d = match &errors[..] {
            &[d] if d.code == Code::E0302 => d.clone(),
            _ => return Err(ErrorReported),
        };
        // Edits are dropped, since they could write a sample's numbers into the file.
        d.help.extend(d.suggestions.drain(..).map(|s| s.message));
        d = d.note(format!("tried with {}; no model uses this block", arguments.join(", ")));
        Ok(match self.result_gaps(declared, &value)? {
            Some(gaps) if gaps.iter().all(may_be_zero) && vanish_at_some_size(&gaps) => SampleOutcome::Holds,
            Some(gaps) if gaps.iter().all(|(axis, gap)| *axis > 0 || gap.as_const() == Some(0)) => {
                SampleOutcome::WrongSize(d)
            }
            _ => SampleOutcome::Wrong(d),
        })
    }

    /// Binds a parameter to a new tensor with its declared dims, and the names among these that are not bound yet.
    fn sample_tensor(
        &mut self,
        block: &'a Block,
        param: &'a Param,
        dims: &'a [Expr],
        image: usize,
        sizes: &mut SampleSizes,
    ) -> EvalResult<Outlet> {
        let mut shape = Vec::new();
        let mut formula = Vec::new();
        for (axis, dim) in dims.iter().enumerate() {
            if let ExprKind::Name(name) = &dim.kind
                && !self.frame().values.contains_key(name.as_str())
            {
                match block.params.iter().find(|p| p.name.node == *name) {
                    Some(hyper) => self.bind_default(hyper)?,
                    None => {
                        let value = sizes.draw(axis, image).ok_or(ErrorReported)?;
                        self.frame().values.insert(name, value);
                    }
                }
            }
            let (n, of) = self.eval_dim(dim)?;
            shape.push(n);
            formula.push(of);
        }
        let shape = match shape[..] {
            [c] => Shape::new([c]),
            [c, h, w] => Shape::new([c, h, w]),
            _ => return Err(ErrorReported),
        };
        if shape.elements() > LIMITS.elements {
            return Err(ErrorReported);
        }
        // The graph gets several inputs, which is invalid, but only its shapes are used before it is dropped.
        let ty = TensorType::Tensor(shape.clone());
        let node = Node { path: param.name.node.clone(), op: Op::Input(shape), outputs: vec![ty], span: param.span };
        self.path_counts.insert(param.name.node.clone(), 1);
        let node = self.graph.add_with(node, &[], vec![FormulaType::tensor(formula)]);
        let outlet = Outlet { node, slot: 0 };
        self.bind_param(param, EvalValue::Node(outlet));
        Ok(outlet)
    }

    /// Returns the declared dims minus the actual ones, each with its axis; `None` where the results are of other kinds.
    fn result_gaps(&mut self, declared: &'a ResultType, value: &EvalValue) -> EvalResult<Option<Vec<(usize, Dim)>>> {
        let pairs: Vec<(&'a ParamType, &EvalValue)> = match (&declared.kind, value) {
            (ResultTypeKind::One(ty), value) => vec![(ty, value)],
            (ResultTypeKind::Tuple(types), EvalValue::Tuple(values)) if types.len() == values.len() => {
                types.iter().zip(values).collect()
            }
            (ResultTypeKind::Record(fields), EvalValue::Record(values)) if fields.len() == values.len() => {
                let find = |name: &Ident| values.iter().find(|(n, _)| *n == name.node).map(|(_, v)| v);
                let pairs: Option<Vec<_>> = fields.iter().map(|(name, ty)| Some((ty, find(name)?))).collect();
                let Some(pairs) = pairs else { return Ok(None) };
                pairs
            }
            _ => return Ok(None),
        };
        let mut gaps = Vec::new();
        for (ty, value) in pairs {
            let EvalValue::Node(outlet) = value else { return Ok(None) };
            let given = self.graph.formula(*outlet).clone();
            let (dims, given) = match (&ty.kind, given) {
                (ParamTypeKind::Tensor(dims), FormulaType::Tensor(given)) => (dims, given),
                (ParamTypeKind::Index(dims), FormulaType::Index { from, .. }) => (dims, from),
                _ => return Ok(None),
            };
            if dims.len() != given.len() {
                return Ok(None);
            }
            for (axis, (dim, given)) in dims.iter().zip(given.iter()).enumerate() {
                let (_, wanted) = self.eval_dim(dim)?;
                // Beyond the limits of a formula nothing is known, so nothing is reported.
                gaps.push((axis, wanted.minus(given).ok_or(ErrorReported)?));
            }
        }
        Ok(Some(gaps))
    }
}

fn may_be_zero((_, gap): &(usize, Dim)) -> bool {
    gap.as_const().is_none_or(|n| n == 0)
}

/// Returns whether some image size makes every gap 0. The declared result is meant for such sizes.
fn vanish_at_some_size(gaps: &[(usize, Dim)]) -> bool {
    let closed = |size: [usize; 2]| gaps.iter().all(|(_, gap)| gap.eval(size) == Some(0));
    let on = |axis: usize| {
        let on_axis = || gaps.iter().filter(|(_, gap)| gap.depends_on(axis));
        SEARCHED_SIZES.into_iter().any(|n| on_axis().all(|(_, gap)| gap.eval([n; 2]) == Some(0)))
    };
    let joint = gaps.iter().any(|(_, gap)| gap.depends_on(0) && gap.depends_on(1));
    // Gaps in one variable are searched axis by axis, others along the diagonal and with one side of 64.
    if joint {
        SEARCHED_SIZES.into_iter().any(|n| closed([n; 2]) || closed([n, 64]) || closed([64, n]))
    } else {
        on(0) && on(1)
    }
}
