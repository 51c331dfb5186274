//! Operators that change the shape and not the values, and dropout.

use super::footprint::{BatchBytes, Footprint, GradientStorage, OutputStorage, PassKind, SavedTensor};
use super::read_pattern::map_size;
use super::refusal::{Refusal, RefusalKind, check_axis, expect_map, expect_tensor, invalid_setting};
use super::signature::{ArgKind, ArgValue, required};
use super::{
    Arity, CanonicalForm, NodeContext, Operator, ParamSpec, ReadPattern, Signature, WorkKind, call_text, kernel_text,
};
use crate::base::count::counted;
use crate::base::number::thousands;
use crate::graph::ty::{Cond, Dim, FormulaContext, FormulaType, Shape, TensorType};

/// Call forms of the operators of this file.
pub(super) const SIGNATURES: &[Signature] = &[
    Signature::plain("flatten", |_| Ok(Flatten.into()), "[c, h, w] to [c * h * w]"),
    Signature::plain("unflatten", |_| Ok(Unflatten.into()), "[c] to [c, 1, 1]"),
    Signature {
        name: "reshape",
        inputs: &["x"],
        variadic: false,
        args: &[required("to", ArgKind::Dims)],
        build: |a| {
            let to = if let Some(ArgValue::Dims(to)) = a.get("to") { to.clone() } else { Vec::new() };
            Ok(Reshape { to }.into())
        },
        summary: "the same numbers in the same order as [c, h, w] or [c]; one dim may be -1, for what remains",
    },
    Signature {
        name: "dropout",
        inputs: &["x"],
        variadic: false,
        args: &[required("p", ArgKind::Float)],
        build: |a| {
            // `p` is required, so the default is never used.
            let p = a.float("p", 0.0);
            if !(0.0..1.0).contains(&p) {
                return Err(invalid_setting(format!("`p` must be at least 0 and below 1, found {p}")));
            }
            Ok(Dropout { p }.into())
        },
        summary: "zeroes numbers with probability p in training",
    },
];

/// `[c, h, w]` to `[c * h * w]`, as `torch.nn.Flatten`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flatten;

/// `[c]` to `[c, 1, 1]`: `x[:, :, None, None]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unflatten;

/// Reshapes, keeping values and their order (channels, rows, columns): `x.reshape(n, *to)`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reshape {
    /// The new dims, `[c, h, w]` or `[c]`; at most one is `None` and is inferred.
    pub to: Vec<Option<usize>>,
}

/// Zeroes each number with probability `p` in training and scales the rest by `1 / (1 - p)`, as `torch.nn.Dropout`.
#[derive(Debug, Clone, PartialEq)]
pub struct Dropout {
    /// The probability, at least 0 and below 1.
    pub p: f64,
}

macro_rules! free_operator {
    ($ty:ident $name:literal $config:expr, $formulas:expr, $infer:expr, $canonical:expr, $memory:expr) => {
        impl Operator for $ty {
            fn name(&self) -> &'static str {
                $name
            }

            fn config(&self) -> Vec<(&'static str, String)> {
                let config: fn(&$ty) -> Vec<(&'static str, String)> = $config;
                config(self)
            }

            fn kernel(&self) -> String {
                kernel_text(self)
            }

            fn arity(&self) -> Arity {
                Arity::Exactly(1)
            }

            fn reads(&self, _: usize, inputs: &[TensorType], outputs: &[TensorType]) -> [ReadPattern; 2] {
                reshape_reads(&inputs[0], &outputs[0])
            }

            fn infer(&self, inputs: &[TensorType]) -> Result<Vec<TensorType>, Refusal> {
                let infer: fn(&$ty, &TensorType) -> Result<Shape, Refusal> = $infer;
                Ok(vec![TensorType::Tensor(infer(self, &inputs[0])?)])
            }

            fn formulas(&self, f: &mut FormulaContext) -> Option<Vec<FormulaType>> {
                let formulas: fn(&$ty, &mut FormulaContext) -> Option<Vec<FormulaType>> = $formulas;
                formulas(self, f)
            }

            fn params(&self, _: &[TensorType]) -> Vec<ParamSpec> {
                Vec::new()
            }

            fn memory(&self, pass: PassKind, inputs: &[TensorType], _: &[TensorType]) -> Footprint {
                let memory: fn(PassKind, &TensorType) -> Footprint = $memory;
                memory(pass, &inputs[0])
            }

            fn canonical(&self, site: &NodeContext, _: usize) -> CanonicalForm {
                let canonical: fn(&$ty, &NodeContext) -> CanonicalForm = $canonical;
                canonical(self, site)
            }

            fn work(&self) -> WorkKind {
                WorkKind::Uncounted
            }
        }
    };
}

free_operator!(Flatten "flatten" |_| Vec::new(), |_, f| Some(vec![FormulaType::tensor(vec![f.inputs.first()?.elements()?])]), |_, input| {
    expect_map("flatten", input)?;
    Ok(Shape::new([check_axis("flatten", input.shape().elements().into())?]))
}, |_, site| canonical_reshape(site), |_, _| alias_footprint());

free_operator!(Unflatten "unflatten" |_| Vec::new(), |_, f| {
    let c = f.inputs.first()?.channels().clone();
    Some(vec![FormulaType::map(c, Dim::ONE, Dim::ONE)])
}, |_, input| {
    match expect_tensor("unflatten", input)?.dims() {
        &[c] => Ok(Shape::map(c, 1, 1)),
        _ => Err(Refusal::new(RefusalKind::Type, format!("`unflatten` needs a vector [c], found {input}"))),
    }
}, |_, _| CanonicalForm::Unchanged, |_, _| alias_footprint());

free_operator!(Dropout "dropout" |op| vec![("p", op.p.to_string())], |_, f| f.same(), |_, input| {
    expect_tensor("dropout", input).cloned()
}, |op, _| if op.p == 0.0 { CanonicalForm::Unchanged } else { CanonicalForm::Own(call_text(op)) }, |pass, input| match pass {
    PassKind::Inference => alias_footprint(),
    // burn-nn `modules/dropout.rs`: the input times a mask of random zeros and ones, which are saved as floats.
    PassKind::Training => Footprint::new()
        .output(OutputStorage::InPlace(&[0]))
        .gradient(GradientStorage::InPlace)
        .saves([SavedTensor::Other(BatchBytes::of(input))]),
});

impl Reshape {
    /// Returns the dims for a tensor of `elements` numbers; `None` if no dims of this form have that many.
    pub fn dims(&self, elements: usize) -> Option<Vec<usize>> {
        // A product of at most three dims of 32 bits fits.
        let known = self.to.iter().flatten().fold(1u128, |n, &d| n.saturating_mul(d as u128));
        let rest = if known > 0 && (elements as u128).is_multiple_of(known) { elements as u128 / known } else { 0 };
        let fits = if self.to.contains(&None) { rest > 0 } else { rest == 1 };
        let rest = usize::try_from(rest).ok().filter(|_| fits)?;
        Some(self.to.iter().map(|d| d.unwrap_or(rest)).collect())
    }

    fn text(&self) -> String {
        let dims: Vec<_> = self.to.iter().map(|d| d.map_or("-1".into(), |d| d.to_string())).collect();
        format!("[{}]", dims.join(", "))
    }
}

free_operator!(Reshape "reshape" |op| vec![("to", op.text())], |op, f| {
    let elements = f.inputs.first()?.elements()?;
    let mut dims: Vec<Option<Dim>> = op.to.iter().map(|d| d.map(Dim::from)).collect();
    if f.written.len() == dims.len() {
        let written = f.written.iter().cloned();
        dims = op.to.iter().zip(written).map(|(to, dim)| to.map(|_| dim)).collect();
    }
    let known = dims.iter().flatten().try_fold(Dim::ONE, |n, d| n.times(d))?;
    if dims.contains(&None) {
        // Division by a product of formulas is not supported; the size is then a constant.
        let by = usize::try_from(known.as_const()?).ok()?;
        f.divides(by, &elements, || format!("`reshape` divides its numbers by {by}"))?;
        let rest = elements.floor_div(known.as_const()?)?;
        let dims = dims.into_iter().map(|d| d.unwrap_or_else(|| rest.clone())).collect();
        return Some(vec![FormulaType::tensor(dims)]);
    }
    let gap = elements.minus(&known)?;
    f.constraints.all([Cond::Zero(gap)], || "`reshape` keeps the number of its numbers".into())?;
    Some(vec![FormulaType::tensor(dims.into_iter().flatten().collect())])
}, |op, input| {
    let from = expect_tensor("reshape", input)?;
    let elements = check_axis("reshape", from.elements().into())?;
    op.dims(elements).map(Shape::new).ok_or_else(|| {
        let message = format!("`reshape` of {from} to {}: {} do not fit", op.text(), counted(elements, "number"));
        let help = if op.to.contains(&None) {
            format!("the other dims must divide {}", thousands(elements))
        } else {
            format!("the product of the dims must be {}; one may be -1, for what remains", thousands(elements))
        };
        Refusal::new(RefusalKind::Setting, message).help(help)
    })
}, |_, site| canonical_reshape(site), |_, _| alias_footprint());

/// Returns the canonical form of a reshape, which depends on the dims only.
fn canonical_reshape(site: &NodeContext) -> CanonicalForm {
    if site.keeps_shape() {
        CanonicalForm::Unchanged
    } else {
        CanonicalForm::Function(format!("reshape(to {})", site.shape()))
    }
}

/// Returns what a reshape reads: columns are kept if the width is, rows if height and width are. Flattening makes one
/// pixel of all. Where pixels are rearranged, the whole axis is an upper bound.
fn reshape_reads(input: &TensorType, output: &TensorType) -> [ReadPattern; 2] {
    let ([h, w], [to_h, to_w]) = (map_size(input), map_size(output));
    let rows_stay = h == to_h && (w == to_w || h == 1);
    [if rows_stay { ReadPattern::Same } else { ReadPattern::All }, ReadPattern::same_or_all(w, to_w)]
}

/// Returns the footprint of an operator whose output and gradient are aliases.
fn alias_footprint() -> Footprint {
    Footprint::new().output(OutputStorage::Alias(0)).gradient(GradientStorage::Alias)
}
