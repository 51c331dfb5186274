//! Pooling to a fixed size.

use super::footprint::{BatchBytes, Footprint, PassKind, SavedTensor};
use super::pool::max_pool_footprint;
use super::read_pattern::per_axis;
use super::refusal::{Refusal, RefusalKind, expect_map};
use super::signature::{PAIR, required};
use super::{
    Arity, CanonicalForm, NodeContext, Operator, ParamSpec, ReadPattern, Signature, WorkKind, pair_text, size_text,
};
use crate::graph::ty::{FormulaContext, FormulaType, Shape, TensorType};

/// Call forms of the operators of this file.
pub(super) const SIGNATURES: &[Signature] = &[
    Signature {
        name: "avgpool_to",
        inputs: &["x"],
        variadic: false,
        args: &[required("size", PAIR)],
        build: |a| Ok(AvgPoolTo { size: a.pair("size", [1, 1]) }.into()),
        summary: "adaptive average pool to a fixed size",
    },
    Signature {
        name: "maxpool_to",
        inputs: &["x"],
        variadic: false,
        args: &[required("size", PAIR)],
        build: |a| Ok(MaxPoolTo { size: a.pair("size", [1, 1]) }.into()),
        summary: "adaptive max pool to a fixed size",
    },
];

/// Adaptive average pool to a fixed size, as `torch.nn.AdaptiveAvgPool2d`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AvgPoolTo {
    /// Height and width of the output in pixels, at least 1.
    pub size: [usize; 2],
}

/// Adaptive max pool to a fixed size, as `torch.nn.AdaptiveMaxPool2d`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MaxPoolTo {
    /// Height and width of the output in pixels, at least 1.
    pub size: [usize; 2],
}

macro_rules! adaptive_pool {
    ($ty:ident $name:literal, $work:expr, $memory:expr) => {
        impl Operator for $ty {
            fn name(&self) -> &'static str {
                $name
            }

            fn config(&self) -> Vec<(&'static str, String)> {
                vec![("size", pair_text(self.size))]
            }

            fn kernel(&self) -> String {
                format!("{}({})", $name, size_text(self.size))
            }

            fn arity(&self) -> Arity {
                Arity::Exactly(1)
            }

            fn reads(&self, _: usize, inputs: &[TensorType], outputs: &[TensorType]) -> [ReadPattern; 2] {
                per_axis(&inputs[0], &outputs[0], ReadPattern::bins)
            }

            fn infer(&self, inputs: &[TensorType]) -> Result<Vec<TensorType>, Refusal> {
                let [c, _, _] = expect_map($name, &inputs[0])?;
                let [h, w] = self.size;
                if h == 0 || w == 0 {
                    let message = format!("`{}` to a size of 0", $name);
                    return Err(Refusal::new(RefusalKind::Setting, message).help("the smallest size is 1"));
                }
                Ok(vec![TensorType::Tensor(Shape::map(c, h, w))])
            }

            fn formulas(&self, f: &mut FormulaContext) -> Option<Vec<FormulaType>> {
                let [c, _, _] = f.map(0)?;
                let [h, w] = f.size(self.size);
                Some(vec![FormulaType::map(c, h, w)])
            }

            fn params(&self, _: &[TensorType]) -> Vec<ParamSpec> {
                Vec::new()
            }

            fn memory(&self, pass: PassKind, inputs: &[TensorType], outputs: &[TensorType]) -> Footprint {
                let memory: fn(PassKind, &TensorType, &TensorType) -> Footprint = $memory;
                memory(pass, &inputs[0], &outputs[0])
            }

            fn canonical(&self, site: &NodeContext, _: usize) -> CanonicalForm {
                if site.keeps_size() {
                    return CanonicalForm::Unchanged;
                }
                CanonicalForm::Function(format!("{}({:?})", $name, self.size))
            }

            fn work(&self) -> WorkKind {
                $work
            }
        }
    };
}

adaptive_pool!(AvgPoolTo "avgpool_to", WorkKind::AdaptiveAveragePool, |_, input, output| match output.shape().spatial() {
    // `compute/exec.rs`, `mean_over_map`: a mean, whose gradient needs no input.
    Some([1, 1]) => Footprint::new().workspace(BatchBytes::NONE, BatchBytes::of(input)),
    // burn-autodiff `ops/module.rs`, `adaptive_avg_pool2d`.
    _ => Footprint::new().saves([SavedTensor::Input(0)]),
});
adaptive_pool!(MaxPoolTo "maxpool_to", WorkKind::Uncounted, |pass, input, output| {
    let even = |[h, w]: [usize; 2], [th, tw]: [usize; 2]| h.is_multiple_of(th) && w.is_multiple_of(tw);
    match input.shape().spatial().zip(output.shape().spatial()) {
        Some((from, to)) if even(from, to) => max_pool_footprint(pass, output),
        // `compute/exec/pool.rs`, `along`, for each axis: the windows are unfolded, which takes up to twice the input; the
        // indices of the maxima are saved, one word for each output.
        _ => {
            let windows = BatchBytes::of(input).times(2) + BatchBytes::of(output);
            Footprint::new().saves([SavedTensor::Other(BatchBytes::of(output).times(2))]).workspace(windows, windows)
        }
    }
});
