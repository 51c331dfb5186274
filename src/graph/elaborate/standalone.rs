//! Blocks that nothing uses, tried at their definition.
//!
//! A promise is checked where its block is used, so a block without a use would never be checked. Here it is given
//! tensors and hyper-parameters of its own: sizes stay formulas in H and W, everything else is a sample. A sample that
//! the body refuses says nothing, since a block need not take every number.

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

/// Evaluation steps and nodes after which no further sample of a block is tried.
const MAX_FUEL: usize = 200_000;
/// Image sizes among which one is looked for that keeps a promise about certain sizes.
const SEARCHED_SIZES: std::ops::RangeInclusive<usize> = 8..=1024;

/// What came of a block on its own.
#[derive(Debug)]
pub enum StandaloneCheck {
    /// The promise holds in every choice that takes one of the samples.
    Holds,
    /// A sample gives another result than the promise says; the diagnostic shows where.
    Broken(Diagnostic),
    /// Without a promise, with an error elsewhere, or every sample was refused.
    Skipped,
}

/// The broken promises of the root file's blocks that nothing elaborated so far has used.
pub fn check_unused_blocks(program: &ResolvedProgram<'_>) -> Problems {
    // Listed first: a block that is tried uses others.
    let blocks = program.file.items.iter().filter_map(|item| match &item.kind {
        ItemKind::Block(block) if !program.is_used(block) => Some(block),
        _ => None,
    });
    let mut problems = Problems::new();
    for block in blocks.collect::<Vec<_>>() {
        if let StandaloneCheck::Broken(d) = check_unused_block(program, block) {
            problems.push(d);
        }
    }
    problems
}

/// Elaborates a block by itself and compares the result with its promise.
///
/// A wrong channel count, or another kind of result, is told for the first sample that gets so far. A height or width
/// is told when no sample and no image size within `SEARCHED_SIZES` gives the promised one: sizes are what a use decides.
pub fn check_unused_block<'a>(program: &ResolvedProgram<'a>, block: &'a Block) -> StandaloneCheck {
    if block.result.is_none() || program.is_broken(&block.name.node) {
        return StandaloneCheck::Skipped;
    }
    let Some(choices) = enumerate_choices(program, block) else { return StandaloneCheck::Skipped };
    let (mut work, mut held) = (0, false);
    for choice in &choices {
        let mut wrong = None;
        for sample in BlockSample::all() {
            if work > MAX_FUEL {
                // The samples that are left out might have given the promised size.
                wrong = None;
                break;
            }
            let (seen, spent) = run_sample(program, block, choice, sample);
            work += spent;
            match seen {
                SampleOutcome::Refused => {}
                SampleOutcome::Holds => {
                    (held, wrong) = (true, None);
                    break;
                }
                SampleOutcome::Wrong(d) => return StandaloneCheck::Broken(d),
                SampleOutcome::WrongSize(d) => wrong = wrong.or(Some(d)),
            }
        }
        if let Some(d) = wrong {
            return StandaloneCheck::Broken(d);
        }
    }
    if held { StandaloneCheck::Holds } else { StandaloneCheck::Skipped }
}

enum SampleOutcome {
    /// For another reason than the promise.
    Refused,
    Holds,
    Wrong(Diagnostic),
    /// Another sample may give the promised size.
    WrongSize(Diagnostic),
}

/// What one sample shows, and the work it took.
fn run_sample<'a>(
    program: &ResolvedProgram<'a>,
    block: &'a Block,
    choice: &ParamChoice<'a>,
    sample: BlockSample,
) -> (SampleOutcome, usize) {
    let mut e = Elaborator::new(program, &block.name.node, [sample.image; 2]);
    let seen = e.try_sample(block, choice, sample).unwrap_or(SampleOutcome::Refused);
    (seen, e.fuel_spent + e.graph.len())
}

impl<'a> Elaborator<'_, 'a> {
    fn try_sample(
        &mut self,
        block: &'a Block,
        choice: &ParamChoice<'a>,
        sample: BlockSample,
    ) -> EvalResult<SampleOutcome> {
        let Some(promise) = &block.result else { return Err(ErrorReported) };
        self.frames.push(CallFrame { block: &block.name.node, ..CallFrame::default() });
        let mut tried = Vec::new();
        let mut ints = 0;
        for param in &block.params {
            let chosen = choice.iter().find(|(p, _)| p.name.node == param.name.node).map(|(_, v)| v.clone());
            let open = || param.default.is_none().then(|| sample.value(self.program, &param.ty, &mut ints)).flatten();
            if let Some(value) = chosen.or_else(open) {
                tried.push(format!("{} = {value}", param.name));
                self.bind_param(param, value);
            }
        }
        let mut sizes = SampleSizes::of(sample);
        for param in &block.params {
            if let ParamTypeKind::Tensor(dims) = &param.ty.kind {
                let outlet = self.sample_tensor(block, param, dims, sample.image, &mut sizes)?;
                tried.push(format!("{} = {}", param.name, self.graph.ty(outlet)));
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
        if self.check_results(promise, &value, span, &block.name.node).is_ok() {
            return Ok(SampleOutcome::Holds);
        }
        let errors: Vec<&Diagnostic> = self.problems.iter().filter(|d| d.is_error()).collect();
        let mut d = match &errors[..] {
            &[d] if d.code == Code::E0302 => d.clone(),
            _ => return Err(ErrorReported),
        };
        // An edit could put a sample's numbers into the text.
        d.help.extend(d.suggestions.drain(..).map(|s| s.message));
        d = d.note(format!("tried with {}; no model uses this block", tried.join(", ")));
        Ok(match self.result_gaps(promise, &value)? {
            Some(gaps) if gaps.iter().all(may_be_zero) && vanish_at_some_size(&gaps) => SampleOutcome::Holds,
            Some(gaps) if gaps.iter().all(|(axis, gap)| *axis > 0 || gap.as_const() == Some(0)) => {
                SampleOutcome::WrongSize(d)
            }
            _ => SampleOutcome::Wrong(d),
        })
    }

    /// Binds a tensor of a parameter's dims, and the names among them that are not bound yet.
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
        // A graph has one input; this one is only asked for its shapes and is dropped here.
        let ty = TensorType::Tensor(shape.clone());
        let node = Node { path: param.name.node.clone(), op: Op::Input(shape), outputs: vec![ty], span: param.span };
        self.path_counts.insert(param.name.node.clone(), 1);
        let node = self.graph.add_with(node, &[], vec![FormulaType::tensor(formula)]);
        let outlet = Outlet { node, slot: 0 };
        self.bind_param(param, EvalValue::Node(outlet));
        Ok(outlet)
    }

    /// What each promised dim is more than the given one, with its axis; `None` where the results are of other kinds.
    fn result_gaps(&mut self, promise: &'a ResultType, value: &EvalValue) -> EvalResult<Option<Vec<(usize, Dim)>>> {
        let pairs: Vec<(&'a ParamType, &EvalValue)> = match (&promise.kind, value) {
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
                // Too large for a formula: nothing is known, so nothing is told.
                gaps.push((axis, wanted.minus(given).ok_or(ErrorReported)?));
            }
        }
        Ok(Some(gaps))
    }
}

fn may_be_zero((_, gap): &(usize, Dim)) -> bool {
    gap.as_const().is_none_or(|n| n == 0)
}

/// Whether some image size makes every gap 0: the promise is about such sizes.
fn vanish_at_some_size(gaps: &[(usize, Dim)]) -> bool {
    let closed = |size: [usize; 2]| gaps.iter().all(|(_, gap)| gap.eval(size) == Some(0));
    let on = |axis: usize| {
        let on_axis = || gaps.iter().filter(|(_, gap)| gap.depends_on(axis));
        SEARCHED_SIZES.into_iter().any(|n| on_axis().all(|(_, gap)| gap.eval([n; 2]) == Some(0)))
    };
    let joint = gaps.iter().any(|(_, gap)| gap.depends_on(0) && gap.depends_on(1));
    // Separate axes are searched one by one, others along the diagonal and beside a side of 64.
    if joint {
        SEARCHED_SIZES.into_iter().any(|n| closed([n; 2]) || closed([n, 64]) || closed([64, n]))
    } else {
        on(0) && on(1)
    }
}
