//! Operators on the channel axis: slices, padding, mean and maximum, and permutations.

use super::footprint::{BatchBytes, Footprint, GradientStorage, OutputStorage, PassKind, SavedTensor};
use super::read_pattern::{Interpolation, per_axis};
use super::refusal::{Refusal, RefusalKind, check_axis, expect_map, expect_tensor};
use super::signature::{ArgKind, ONE, arg, required};
use super::{
    Arity, CanonicalForm, NodeContext, Operator, ParamSpec, ReadPattern, Signature, WorkKind, call_text, kernel_text,
};
use crate::base::count::counted;
use crate::graph::ty::{Dim, FormulaContext, FormulaType, Shape, TensorType};

/// Call forms of the operators of this file.
pub(super) const SIGNATURES: &[Signature] = &[
    Signature {
        name: "slice",
        inputs: &["x"],
        variadic: false,
        args: &[required("from", ArgKind::Int { min: 0 }), arg("to", ONE)],
        build: |a| Ok(Slice { from: a.int("from", 0), to: a.given_int("to") }.into()),
        summary: "channels `from` (counted from 0) up to but not with `to`, or the last",
    },
    Signature {
        name: "channel_pad",
        inputs: &["x"],
        variadic: false,
        args: &[required("out", ONE)],
        build: |a| Ok(ChannelPad { out: a.int("out", 1) }.into()),
        summary: "appends channels of zeros to x, up to `out`",
    },
    Signature::plain(
        "channel_mean",
        |_| Ok(ChannelReduce { function: Reduction::Mean }.into()),
        "mean over channels: [1, h, w]",
    ),
    Signature::plain(
        "channel_max",
        |_| Ok(ChannelReduce { function: Reduction::Max }.into()),
        "maximum over channels: [1, h, w]",
    ),
    Signature {
        name: "channel_shuffle",
        inputs: &["x"],
        variadic: false,
        args: &[required("groups", ONE)],
        build: |a| Ok(ChannelShuffle { groups: a.int("groups", 1) }.into()),
        summary: "channels of all groups in turn, as ShuffleNet",
    },
    Signature {
        name: "pixel_shuffle",
        inputs: &["x"],
        variadic: false,
        args: &[required("factor", ONE)],
        build: |a| Ok(PixelShuffle { factor: a.int("factor", 1) }.into()),
        summary: "[c * f * f, h, w] to [c, h * f, w * f]",
    },
];

/// Channels `from..to`: `x[:, from:to]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slice {
    /// The first channel, counted from 0.
    pub from: usize,
    /// One past the last channel; `None` for all channels that follow.
    pub to: Option<usize>,
}

/// Appends channels of zeros to those of the input, up to `out`: `F.pad(x, (0, 0, 0, 0, 0, out - c))`. The shortcut without
/// parameters of ResNet (option A) and ENet where a block widens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChannelPad {
    /// Channels of the output, no fewer than those of the input.
    pub out: usize,
}

/// The reduction of a [`ChannelReduce`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reduction {
    /// Mean of the channels.
    Mean,
    /// Maximum of the channels.
    Max,
}

/// `[c, h, w]` to `[1, h, w]`: `x.mean(1, keepdim = True)`, `x.max(1, keepdim = True).values`. The gradient of the
/// maximum goes to the first channel that attains it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChannelReduce {
    /// Mean (`channel_mean`) or maximum (`channel_max`).
    pub function: Reduction,
}

/// Channels `[g, c / g]` in the order `[c / g, g]`, as `torch.nn.ChannelShuffle`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChannelShuffle {
    /// Number of groups g, which divides the channels c.
    pub groups: usize,
}

/// `[c * f * f, h, w]` to `[c, h * f, w * f]`, as `torch.nn.PixelShuffle`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PixelShuffle {
    /// The factor f by which height and width grow; its square divides the input's channels.
    pub factor: usize,
}

macro_rules! channel_operator {
    ($ty:ident $name:expr, $config:expr, $formulas:expr, $infer:expr, $canonical:expr, $memory:expr) => {
        impl Operator for $ty {
            fn name(&self) -> &'static str {
                let name: fn(&$ty) -> &'static str = $name;
                name(self)
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

            fn reads(&self, slot: usize, inputs: &[TensorType], outputs: &[TensorType]) -> [ReadPattern; 2] {
                // Only the pixel shuffle changes the size: output pixel i reads input pixel floor(i / factor).
                per_axis(&inputs[slot], &outputs[0], |from, to| {
                    ReadPattern::interpolated(Interpolation::Nearest, false, from, to)
                })
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

            fn memory(&self, _: PassKind, inputs: &[TensorType], outputs: &[TensorType]) -> Footprint {
                let memory: fn(&$ty, &TensorType, &TensorType) -> Footprint = $memory;
                memory(self, &inputs[0], &outputs[0])
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

channel_operator!(
    Slice | _ | "slice",
    |op| {
        let to = op.to.map(|to| ("to", to.to_string()));
        std::iter::once(("from", op.from.to_string())).chain(to).collect()
    },
    |op, f| {
        let mut dims = f.inputs.first()?.dims().to_vec();
        let c = dims[0].clone();
        let least = op.to.map_or(op.from + 1, |to| to);
        f.at_least(&c, least as i128, || format!("`slice` takes channels up to {least}"))?;
        dims[0] = match op.to {
            Some(to) => (to - op.from).into(),
            None => c.plus_n(-(op.from as i128))?,
        };
        Some(vec![FormulaType::tensor(dims)])
    },
    |op, input| {
        let shape = expect_tensor("slice", input)?;
        let c = shape.channels();
        let (from, to) = (op.from, op.to.unwrap_or(c));
        if from >= to || to > c {
            let message = format!("`slice` of channels {from}..{to} of {c}");
            return Err(Refusal::new(RefusalKind::Setting, message)
                .help(format!("`from` counts from 0 and is below `to`, `to` is {c} at most")));
        }
        let mut dims = shape.dims().to_vec();
        dims[0] = to - from;
        Ok(Shape::new(dims))
    },
    |op, site| CanonicalForm::Channels { from: op.from, to: op.from + site.channels },
    // A view, as for `crop`.
    |_, _, _| Footprint::new().output(OutputStorage::Part(0))
);

channel_operator!(
    ChannelPad | _ | "channel_pad",
    |op| vec![("out", op.out.to_string())],
    |op, f| {
        let mut dims = f.inputs.first()?.dims().to_vec();
        let room = Dim::from(op.out).minus(&dims[0])?;
        f.at_least(&room, 0, || format!("`channel_pad` to {}", counted(op.out, "channel")))?;
        dims[0] = op.out.into();
        Some(vec![FormulaType::tensor(dims)])
    },
    |op, input| {
        let shape = expect_tensor("channel_pad", input)?;
        let c = shape.channels();
        if op.out < c {
            let message = format!("`channel_pad` to {} has {c} already", counted(op.out, "channel"));
            return Err(Refusal::new(RefusalKind::Setting, message).help("`slice` takes channels away"));
        }
        let mut dims = shape.dims().to_vec();
        dims[0] = op.out;
        Ok(Shape::new(dims))
    },
    |op, site| match site.keeps_shape() {
        true => CanonicalForm::Unchanged,
        false => CanonicalForm::Function(format!("channel_pad(to {})", op.out)),
    },
    |_, input, output| {
        // `compute/exec/channel.rs`: zeros are appended; as with `concat`, the gradient is a part of the output's.
        if input == output {
            return Footprint::new().output(OutputStorage::Alias(0)).gradient(GradientStorage::Alias);
        }
        let zeros = BatchBytes::of(output).minus(BatchBytes::of(input));
        Footprint::new().gradient(GradientStorage::Alias).workspace(zeros, BatchBytes::NONE)
    }
);

channel_operator!(
    ChannelReduce
        | op
        | match op.function {
            Reduction::Mean => "channel_mean",
            Reduction::Max => "channel_max",
        },
    |_| Vec::new(),
    |_, f| {
        let [_, h, w] = f.map(0)?;
        Some(vec![FormulaType::map(Dim::ONE, h, w)])
    },
    |op, input| {
        let [_, h, w] = expect_map(op.name(), input)?;
        Ok(Shape::map(1, h, w))
    },
    |op, site| if site.keeps_shape() { CanonicalForm::Unchanged } else { CanonicalForm::Function(call_text(op)) },
    |op, input, output| match op.function {
        // burn-autodiff `ops/tensor.rs`, `float_mean_dim`: backward multiplies by a map of ones.
        Reduction::Mean => Footprint::new(),
        // `float_max_dim`: the indices of the maxima.
        Reduction::Max => Footprint::new()
            .saves([SavedTensor::Other(BatchBytes::of(output))])
            .workspace(BatchBytes::NONE, BatchBytes::of(input)),
    }
);

channel_operator!(
    ChannelShuffle | _ | "channel_shuffle",
    |op| vec![("groups", op.groups.to_string())],
    |op, f| {
        let [c, _, _] = f.map(0)?;
        f.divides(op.groups, &c, || {
            format!("`channel_shuffle` divides its channels into {}", counted(op.groups, "group"))
        })?;
        f.same()
    },
    |op, input| {
        let [c, h, w] = expect_map("channel_shuffle", input)?;
        if op.groups == 0 || !c.is_multiple_of(op.groups) {
            let message =
                format!("`channel_shuffle` with groups = {} cannot divide {}", op.groups, counted(c, "channel"));
            return Err(Refusal::new(RefusalKind::Setting, message).help("choose groups that divide the channels"));
        }
        Ok(Shape::map(c, h, w))
    },
    |op, site| match op.groups == 1 || op.groups == site.channels {
        true => CanonicalForm::Unchanged,
        false => CanonicalForm::Function(call_text(op)),
    },
    permutation_footprint
);

channel_operator!(
    PixelShuffle | _ | "pixel_shuffle",
    |op| vec![("factor", op.factor.to_string())],
    |op, f| {
        let [c, h, w] = f.map(0)?;
        let (factor, square) = (op.factor as i128, op.factor * op.factor);
        f.divides(square, &c, || format!("`pixel_shuffle` divides its channels by {square}"))?;
        Some(vec![FormulaType::map(c.floor_div(square as i128)?, h.times_n(factor)?, w.times_n(factor)?)])
    },
    |op, input| {
        let [c, h, w] = expect_map("pixel_shuffle", input)?;
        let factor = op.factor as u128;
        let square = factor * factor;
        if square == 0 || !(c as u128).is_multiple_of(square) {
            let message =
                format!("`pixel_shuffle` with factor = {factor} cannot divide {} by {square}", counted(c, "channel"));
            return Err(Refusal::new(RefusalKind::Setting, message)
                .help(format!("put a convolution before it: `conv({factor} * {factor} * channels)`")));
        }
        let [h, w] =
            [check_axis("pixel_shuffle", h as u128 * factor)?, check_axis("pixel_shuffle", w as u128 * factor)?];
        // At least 1, and no larger than `c`.
        Ok(Shape::map(c / square as usize, h, w))
    },
    |op, _| if op.factor == 1 { CanonicalForm::Unchanged } else { CanonicalForm::Function(call_text(op)) },
    permutation_footprint
);

/// A permutation copies the tensor, and its backward pass copies the gradient (`compute/exec/channel.rs`).
fn permutation_footprint<T>(_: &T, _: &TensorType, _: &TensorType) -> Footprint {
    Footprint::new()
}
