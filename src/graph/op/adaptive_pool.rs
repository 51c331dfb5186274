//! Pooling to a fixed size.

use super::footprint::{Bytes, Footprint, Pass, Saved};
use super::pool::found;
use super::reads::on_axes;
use super::refusal::{Refusal, RefusalKind, map_of};
use super::signature::{PAIR, required};
use super::{Arity, Canonical, Operator, ParamSpec, Reads, Signature, Site, Work, by, pair_text};
use crate::graph::ty::{FormulaContext, FormulaType, Shape, TensorType};

/// How the operators of this file are called.
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
                format!("{}({})", $name, by(self.size))
            }

            fn arity(&self) -> Arity {
                Arity::Exactly(1)
            }

            fn reads(&self, _: usize, inputs: &[TensorType], outputs: &[TensorType]) -> [Reads; 2] {
                on_axes(&inputs[0], &outputs[0], Reads::bins)
            }

            fn infer(&self, inputs: &[TensorType]) -> Result<Vec<TensorType>, Refusal> {
                let [c, _, _] = map_of($name, &inputs[0])?;
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

            fn memory(&self, pass: Pass, inputs: &[TensorType], outputs: &[TensorType]) -> Footprint {
                let memory: fn(Pass, &TensorType, &TensorType) -> Footprint = $memory;
                memory(pass, &inputs[0], &outputs[0])
            }

            fn canonical(&self, site: &Site, _: usize) -> Canonical {
                if site.keeps_size() {
                    return Canonical::Unchanged;
                }
                Canonical::Function(format!("{}({:?})", $name, self.size))
            }

            fn work(&self) -> Work {
                $work
            }
        }
    };
}

adaptive_pool!(AvgPoolTo "avgpool_to", Work::AdaptiveAveragePool, |_, input, output| match output.shape().spatial() {
    // `compute/exec.rs`, `mean_over_map`: a mean, whose gradient needs no input.
    Some([1, 1]) => Footprint::new().workspace(Bytes::NONE, Bytes::of(input)),
    // burn-autodiff `ops/module.rs`, `adaptive_avg_pool2d`.
    _ => Footprint::new().saves([Saved::Input(0)]),
});
adaptive_pool!(MaxPoolTo "maxpool_to", Work::Uncounted, |pass, input, output| {
    let even = |[h, w]: [usize; 2], [th, tw]: [usize; 2]| h.is_multiple_of(th) && w.is_multiple_of(tw);
    match input.shape().spatial().zip(output.shape().spatial()) {
        Some((from, to)) if even(from, to) => found(pass, output),
        // `compute/exec/pool.rs`, `along`, for each axis: the windows side by side, up to twice the input; what is kept are
        // the places of the maxima, a word for each output.
        _ => {
            let windows = Bytes::of(input).times(2) + Bytes::of(output);
            Footprint::new().saves([Saved::Other(Bytes::of(output).times(2))]).workspace(windows, windows)
        }
    }
});
