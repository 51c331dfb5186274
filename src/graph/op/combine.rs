//! Operators that combine several tensors: concatenation and arithmetic.

use super::footprint::{BatchBytes, Footprint, GradientStorage, OutputStorage, PassKind, SavedTensor};
use super::read_pattern::per_axis;
use super::refusal::{Refusal, RefusalKind, check_axis, expect_map, expect_tensor};
use super::signature::OperatorArgs;
use super::{
    Arity, CanonicalForm, NodeContext, Op, Operator, ParamSpec, ReadPattern, Signature, WorkKind, kernel_text,
};
use crate::graph::ty::{Cond, Dim, FormulaContext, FormulaType, Shape, TensorType};

const fn binary(
    name: &'static str,
    build: fn(&OperatorArgs) -> Result<Op, Refusal>,
    summary: &'static str,
) -> Signature {
    Signature { inputs: &["x", "y"], ..Signature::plain(name, build, summary) }
}

/// Call forms of the operators of this file.
pub(super) const SIGNATURES: &[Signature] = &[
    Signature {
        name: "concat",
        inputs: &["x"],
        variadic: true,
        args: &[],
        build: |_| Ok(Concat.into()),
        summary: "joins along channels; the piped tensor or list comes first",
    },
    binary("add", |_| Ok(Combine { function: ElementwiseFunction::Add }.into()), "x + y"),
    binary("sub", |_| Ok(Combine { function: ElementwiseFunction::Sub }.into()), "x - y"),
    binary("mul", |_| Ok(Combine { function: ElementwiseFunction::Mul }.into()), "x * y"),
    binary("div", |_| Ok(Combine { function: ElementwiseFunction::Div }.into()), "x / y"),
];

/// Concatenates maps of equal height and width along the channel axis, in the order written, as `torch.cat` with `dim = 1`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Concat;

/// The arithmetic of a [`Combine`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ElementwiseFunction {
    /// `x + y`, as `torch.add`.
    Add,
    /// `x - y`, as `torch.sub`.
    Sub,
    /// `x * y`, elementwise, as `torch.mul`.
    Mul,
    /// `x / y`, elementwise, as `torch.div`.
    Div,
}

/// `+`, `-`, `*` or `/` of two tensors. Only `[c, 1, 1]` and `[1, h, w]` broadcast over `[c, h, w]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Combine {
    /// The arithmetic operation.
    pub function: ElementwiseFunction,
}

impl Operator for Concat {
    fn name(&self) -> &'static str {
        "concat"
    }

    fn config(&self) -> Vec<(&'static str, String)> {
        Vec::new()
    }

    fn kernel(&self) -> String {
        kernel_text(self)
    }

    fn arity(&self) -> Arity {
        Arity::AtLeast(1)
    }

    fn reads(&self, _: usize, _: &[TensorType], _: &[TensorType]) -> [ReadPattern; 2] {
        [ReadPattern::Same; 2]
    }

    fn infer(&self, inputs: &[TensorType]) -> Result<Vec<TensorType>, Refusal> {
        if inputs.iter().all(|t| t.tensor().is_some_and(|s| s.dims().len() == 1)) {
            let c = inputs.iter().map(|t| t.shape().channels() as u128).sum();
            return Ok(vec![TensorType::Tensor(Shape::new([check_axis("concat", c)?]))]);
        }
        let [c, h, w] = expect_map("concat", &inputs[0])?;
        let mut channels = c as u128;
        for (i, input) in inputs.iter().enumerate().skip(1) {
            let [ci, hi, wi] = expect_map("concat", input)?;
            if [hi, wi] != [h, w] {
                let message =
                    format!("`concat` joins maps of different size: the first is {h}x{w}, part {} is {hi}x{wi}", i + 1);
                return Err(Refusal::new(RefusalKind::Mismatch, message)
                    .help("bring one to the size of the other, for example with `|> resize(to = other)`"));
            }
            channels += ci as u128;
        }
        Ok(vec![TensorType::Tensor(Shape::map(check_axis("concat", channels)?, h, w))])
    }

    fn formulas(&self, f: &mut FormulaContext) -> Option<Vec<FormulaType>> {
        let mut dims = f.inputs.first()?.dims().to_vec();
        let mut equal = Vec::new();
        for input in &f.inputs[1..] {
            dims[0] = dims[0].plus(input.channels())?;
            for (a, b) in dims[1..].iter().zip(&input.dims()[1..]) {
                equal.push(Cond::Zero(a.minus(b)?));
            }
        }
        f.constraints.all(equal, || "`concat` needs maps of one size".into())?;
        Some(vec![FormulaType::tensor(dims)])
    }

    fn params(&self, _: &[TensorType]) -> Vec<ParamSpec> {
        Vec::new()
    }

    fn memory(&self, _: PassKind, inputs: &[TensorType], _: &[TensorType]) -> Footprint {
        // burn-autodiff `ops/tensor.rs`, `float_cat`: nothing is saved, and the gradients are parts of the output's.
        let alone = if inputs.len() == 1 { OutputStorage::Alias(0) } else { OutputStorage::New };
        Footprint::new().output(alone).gradient(GradientStorage::Alias)
    }

    fn canonical(&self, _: &NodeContext, _: usize) -> CanonicalForm {
        CanonicalForm::Joined
    }

    fn work(&self) -> WorkKind {
        WorkKind::Uncounted
    }
}

impl Combine {
    /// Returns the operator sign in the language: `+`, `-`, `*` or `/`.
    pub fn symbol(&self) -> &'static str {
        match self.function {
            ElementwiseFunction::Add => "+",
            ElementwiseFunction::Sub => "-",
            ElementwiseFunction::Mul => "*",
            ElementwiseFunction::Div => "/",
        }
    }
}

/// Checks whether `small` broadcasts over `large`.
fn broadcasts_over(small: &[usize], large: &[usize]) -> bool {
    let (&[c, h, w], &[d, i, j]) = (small, large) else { return false };
    (c == d && [h, w] == [1, 1]) || (c == 1 && [h, w] == [i, j])
}

impl Operator for Combine {
    fn name(&self) -> &'static str {
        match self.function {
            ElementwiseFunction::Add => "add",
            ElementwiseFunction::Sub => "sub",
            ElementwiseFunction::Mul => "mul",
            ElementwiseFunction::Div => "div",
        }
    }

    fn config(&self) -> Vec<(&'static str, String)> {
        Vec::new()
    }

    fn kernel(&self) -> String {
        kernel_text(self)
    }

    fn arity(&self) -> Arity {
        Arity::Exactly(2)
    }

    fn reads(&self, slot: usize, inputs: &[TensorType], outputs: &[TensorType]) -> [ReadPattern; 2] {
        per_axis(&inputs[slot], &outputs[0], ReadPattern::same_or_all)
    }

    fn infer(&self, inputs: &[TensorType]) -> Result<Vec<TensorType>, Refusal> {
        let a = expect_tensor(self.name(), &inputs[0])?;
        let b = expect_tensor(self.name(), &inputs[1])?;
        if a == b || broadcasts_over(b.dims(), a.dims()) {
            return Ok(vec![TensorType::Tensor(a.clone())]);
        }
        if broadcasts_over(a.dims(), b.dims()) {
            return Ok(vec![TensorType::Tensor(b.clone())]);
        }
        let message = format!("`{}` cannot join {a} and {b}", self.symbol());
        let help = match (a.dims(), b.dims()) {
            ([c, h, w], [d, i, j]) if [h, w] == [i, j] => {
                format!("bring both to the same channels: `|> conv({d}, k = 1)` on the one of {c}, for example")
            }
            ([c, ..], [d, _, _]) if c == d => {
                "bring both to the same size, for example with `|> resize(to = other)`".into()
            }
            _ => "shapes must be equal, or [c, h, w] with [c, 1, 1] or [1, h, w]".into(),
        };
        Err(Refusal::new(RefusalKind::Mismatch, message).help(help))
    }

    fn formulas(&self, f: &mut FormulaContext) -> Option<Vec<FormulaType>> {
        let [a, b] = &f.inputs[..] else { return None };
        let (a, b) = (a.dims().to_vec(), b.dims().to_vec());
        if a == b {
            return f.same();
        }
        // Sizes may be equal, or broadcast, at some image sizes only.
        let equal = |pairs: &[(&Dim, &Dim)]| {
            pairs.iter().map(|(x, y)| Some(Cond::Zero(x.minus(y)?))).collect::<Option<Vec<Cond>>>()
        };
        let one = &Dim::ONE;
        let mut ways = vec![equal(&a.iter().zip(&b).collect::<Vec<_>>())?];
        if let ([ac, ah, aw], [bc, bh, bw]) = (&a[..], &b[..]) {
            ways.push(equal(&[(ac, bc), (bh, one), (bw, one)])?);
            ways.push(equal(&[(ac, bc), (ah, one), (aw, one)])?);
            ways.push(equal(&[(bc, one), (ah, bh), (aw, bw)])?);
            ways.push(equal(&[(ac, one), (ah, bh), (aw, bw)])?);
        }
        f.constraints.any(ways, || {
            format!("`{}` joins equal shapes, or [c, 1, 1] or [1, h, w] with [c, h, w]", self.symbol())
        })?;
        // The output has the larger of two sizes, one of which may be 1.
        let out = a.iter().zip(&b).map(|(x, y)| {
            if x == one {
                Some(y.clone())
            } else if y == one {
                Some(x.clone())
            } else {
                x.larger_of(y)
            }
        });
        Some(vec![FormulaType::tensor(out.collect::<Option<_>>()?)])
    }

    fn params(&self, _: &[TensorType]) -> Vec<ParamSpec> {
        Vec::new()
    }

    fn memory(&self, _: PassKind, inputs: &[TensorType], outputs: &[TensorType]) -> Footprint {
        // burn-flex `ops/binary.rs`: written over the first operand that is as large as the result, else over the second.
        let fits = [0, 1].map(|i: usize| inputs[i] == outputs[0]);
        let over: &'static [usize] = match fits {
            [true, true] => &[0, 1],
            [true, false] => &[0],
            [false, true] => &[1],
            [false, false] => &[],
        };
        let footprint = Footprint::new().output(OutputStorage::InPlace(over));
        // burn-autodiff `ops/tensor.rs`, `float_add` and so on. A gradient is summed over the broadcast axes.
        match self.function {
            ElementwiseFunction::Add if fits == [true, true] => footprint.gradient(GradientStorage::Alias),
            ElementwiseFunction::Add | ElementwiseFunction::Sub => footprint,
            ElementwiseFunction::Mul => footprint.saves([SavedTensor::Input(0), SavedTensor::Input(1)]),
            ElementwiseFunction::Div => {
                let whole = BatchBytes::of(&outputs[0]);
                footprint
                    .saves([SavedTensor::Input(0), SavedTensor::Input(1)])
                    .workspace(BatchBytes::NONE, whole.times(2))
            }
        }
    }

    fn canonical(&self, _: &NodeContext, _: usize) -> CanonicalForm {
        match self.function {
            ElementwiseFunction::Add => CanonicalForm::Commuting("sum"),
            ElementwiseFunction::Mul => CanonicalForm::Commuting("product"),
            ElementwiseFunction::Sub => CanonicalForm::Function("difference".into()),
            ElementwiseFunction::Div => CanonicalForm::Function("quotient".into()),
        }
    }

    fn work(&self) -> WorkKind {
        WorkKind::Uncounted
    }
}
