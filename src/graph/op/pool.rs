//! Pooling over sliding windows, and its inverse.

use super::footprint::{BatchBytes, Footprint, PassKind, SavedTensor};
use super::refusal::{Refusal, RefusalKind, expect_map};
use super::signature::{ArgKind, ArgSpec, OperatorArgs, PAIR, PAIR0, arg, required};
use super::{
    AXES, Arity, CanonicalForm, KernelTaps, NodeContext, Operator, ParamSpec, ReadPattern, Signature, WorkKind,
    pair_text, size_text,
};
use crate::base::count::counted;
use crate::graph::ty::{Cond, Dim, FormulaContext, FormulaType, Shape, TensorType};

const WINDOW_ARGS: &[ArgSpec] =
    &[required("k", PAIR), arg("stride", PAIR), arg("pad", PAIR0), arg("ceil", ArgKind::Bool)];

fn pool_window(args: &OperatorArgs) -> PoolWindow {
    let kernel = args.pair("k", [2, 2]);
    PoolWindow {
        kernel,
        stride: args.pair("stride", kernel),
        pad: args.pair("pad", [0, 0]),
        ceil: args.bool("ceil", false),
    }
}

/// Call forms of the operators of this file.
pub(super) const SIGNATURES: &[Signature] = &[
    Signature {
        name: "maxpool",
        inputs: &["x"],
        variadic: false,
        args: WINDOW_ARGS,
        build: |a| Ok(MaxPool(pool_window(a)).into()),
        summary: "max pool; stride = k, pad = 0, ceil = false",
    },
    Signature {
        name: "maxpool_with_index",
        inputs: &["x"],
        variadic: false,
        args: &[required("k", PAIR), arg("stride", PAIR), arg("pad", PAIR0)],
        build: |a| Ok(MaxPoolWithIndex(pool_window(a)).into()),
        summary: "max pool that returns (tensor, indices) for `unpool`; stride = k, pad = 0",
    },
    Signature {
        name: "unpool",
        inputs: &["x", "index"],
        variadic: false,
        args: &[],
        build: |_| Ok(Unpool.into()),
        summary: "puts numbers back where `maxpool_with_index` found them: `x |> unpool(index)`",
    },
    Signature {
        name: "avgpool",
        inputs: &["x"],
        variadic: false,
        args: WINDOW_ARGS,
        build: |a| Ok(AvgPool(pool_window(a)).into()),
        summary: "average pool; stride = k, pad = 0, ceil = false",
    },
];

/// The sliding window of a pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PoolWindow {
    /// Height and width of the window in pixels.
    pub kernel: [usize; 2],
    /// Pixels from one window to the next, `[vertical, horizontal]`; default `kernel`.
    pub stride: [usize; 2],
    /// Rows and columns of padding on each side, at most half of the window; default 0.
    pub pad: [usize; 2],
    /// Whether the output size is rounded up instead of down (`ceil_mode` in PyTorch).
    pub ceil: bool,
}

impl PoolWindow {
    fn config(&self) -> Vec<(&'static str, String)> {
        vec![
            ("k", pair_text(self.kernel)),
            ("stride", pair_text(self.stride)),
            ("pad", pair_text(self.pad)),
            ("ceil", self.ceil.to_string()),
        ]
    }

    fn kernel(&self, op: &str) -> String {
        let ceil = if self.ceil { ", ceil" } else { "" };
        format!(
            "{op}(k {}, stride {}, pad {}{ceil})",
            size_text(self.kernel),
            size_text(self.stride),
            size_text(self.pad)
        )
    }

    /// Returns the canonical form; a window of one pixel is the identity.
    fn canonical(&self, op: &str) -> CanonicalForm {
        let idle = self.kernel == [1, 1] && self.stride == [1, 1] && self.pad == [0, 0];
        if idle { CanonicalForm::Unchanged } else { CanonicalForm::Function(self.label(op)) }
    }

    fn label(&self, op: &str) -> String {
        let mut label = format!("{op}(k = {}, stride = {}", pair_text(self.kernel), pair_text(self.stride));
        if self.pad != [0, 0] {
            label += &format!(", pad = {}", pair_text(self.pad));
        }
        label + if self.ceil { ", ceil)" } else { ")" }
    }

    /// Returns the taps of the window, vertically and horizontally.
    pub fn taps(&self) -> [KernelTaps; 2] {
        [0, 1].map(|i| KernelTaps { count: self.kernel[i], stride: self.stride[i], dilation: 1, pad: self.pad[i] })
    }

    fn reads(&self) -> [ReadPattern; 2] {
        self.taps().map(ReadPattern::Window)
    }

    /// Returns the pooled shape by PyTorch's rule: with `ceil`, a last window that starts in the right padding is dropped.
    fn pooled_shape(&self, op: &str, input: &TensorType) -> Result<Shape, Refusal> {
        let [c, h, w] = expect_map(op, input)?;
        let mut size = [h, w];
        for i in 0..2 {
            if self.pad[i] * 2 > self.kernel[i] {
                let message =
                    format!("`{op}` padding {} is more than half of the window {}", self.pad[i], self.kernel[i]);
                return Err(Refusal::new(RefusalKind::Setting, message));
            }
            let padded = size[i] + 2 * self.pad[i];
            if padded < self.kernel[i] {
                let axis = ["height", "width"][i];
                let message = format!("`{op}` window of {} is larger than the padded {axis} {padded}", self.kernel[i]);
                return Err(Refusal::new(RefusalKind::Setting, message).help("use a larger input or fewer pools"));
            }
            let room = padded - self.kernel[i];
            let mut n = if self.ceil { room.div_ceil(self.stride[i]) } else { room / self.stride[i] } + 1;
            if self.ceil && (n - 1) * self.stride[i] >= size[i] + self.pad[i] {
                n -= 1;
            }
            size[i] = n;
        }
        Ok(Shape::map(c, size[0], size[1]))
    }

    /// Returns the pooled shape as formulas; see [`PoolWindow::pooled_shape`].
    fn pooled_dims(&self, op: &str, f: &mut FormulaContext) -> Option<[Dim; 3]> {
        let [c, h, w] = f.map(0)?;
        let size = [h, w];
        let mut out = Vec::new();
        for i in 0..2 {
            let [k, stride, pad] = [self.kernel[i], self.stride[i], self.pad[i]].map(|n| n as i128);
            let room = size[i].plus_n(2 * pad - k)?;
            f.at_least(&room, 0, || {
                format!("`{op}` has a window of {} over the padded {}", counted(k, "pixel"), AXES[i])
            })?;
            let full = if self.ceil { room.ceil_div(stride)? } else { room.floor_div(stride)? }.plus_n(1)?;
            // The last window must start before the right padding. If windows overlap enough, it always does.
            out.push(match self.ceil && stride > k - pad {
                true => full.smaller_of(&size[i].plus_n(pad)?.ceil_div(stride)?)?,
                false => full,
            });
        }
        Some([c, out.remove(0), out.remove(0)])
    }
}

/// Max pool, as `torch.nn.MaxPool2d`; padding never attains the maximum.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MaxPool(pub PoolWindow);

/// Max pool that also returns the index of each maximum, as `torch.nn.MaxPool2d` with `return_indices = True`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MaxPoolWithIndex(pub PoolWindow);

/// Average pool, as `torch.nn.AvgPool2d`; padding counts as zeros, which is PyTorch's default.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AvgPool(pub PoolWindow);

/// Writes each number to the pixel that its index names and zeros elsewhere, as `torch.nn.MaxUnpool2d`. Inputs: the
/// tensor and the indices. The output has the size of the map that was pooled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unpool;

macro_rules! plain_pool {
    ($ty:ident $name:literal, $work:expr, $memory:expr) => {
        impl Operator for $ty {
            fn name(&self) -> &'static str {
                $name
            }

            fn config(&self) -> Vec<(&'static str, String)> {
                self.0.config()
            }

            fn kernel(&self) -> String {
                self.0.kernel($name)
            }

            fn arity(&self) -> Arity {
                Arity::Exactly(1)
            }

            fn reads(&self, _: usize, _: &[TensorType], _: &[TensorType]) -> [ReadPattern; 2] {
                self.0.reads()
            }

            fn infer(&self, inputs: &[TensorType]) -> Result<Vec<TensorType>, Refusal> {
                Ok(vec![TensorType::Tensor(self.0.pooled_shape($name, &inputs[0])?)])
            }

            fn formulas(&self, f: &mut FormulaContext) -> Option<Vec<FormulaType>> {
                let [c, h, w] = self.0.pooled_dims($name, f)?;
                Some(vec![FormulaType::map(c, h, w)])
            }

            fn params(&self, _: &[TensorType]) -> Vec<ParamSpec> {
                Vec::new()
            }

            fn memory(&self, pass: PassKind, _: &[TensorType], outputs: &[TensorType]) -> Footprint {
                let memory: fn(PassKind, &TensorType) -> Footprint = $memory;
                memory(pass, &outputs[0])
            }

            fn canonical(&self, _: &NodeContext, _: usize) -> CanonicalForm {
                self.0.canonical($name)
            }

            fn work(&self) -> WorkKind {
                $work
            }
        }
    };
}

plain_pool!(MaxPool "maxpool", WorkKind::Uncounted, max_pool_footprint);
// burn-autodiff `ops/module.rs`, `avg_pool2d`: the input is saved.
plain_pool!(AvgPool "avgpool", WorkKind::AveragePool, |_, _| Footprint::new().saves([SavedTensor::Input(0)]));

impl Operator for MaxPoolWithIndex {
    fn name(&self) -> &'static str {
        "maxpool_with_index"
    }

    fn config(&self) -> Vec<(&'static str, String)> {
        self.0.config()
    }

    fn kernel(&self) -> String {
        self.0.kernel(self.name())
    }

    fn arity(&self) -> Arity {
        Arity::Exactly(1)
    }

    fn reads(&self, _: usize, _: &[TensorType], _: &[TensorType]) -> [ReadPattern; 2] {
        self.0.reads()
    }

    fn infer(&self, inputs: &[TensorType]) -> Result<Vec<TensorType>, Refusal> {
        let pooled = self.0.pooled_shape(self.name(), &inputs[0])?;
        let from = inputs[0].shape().clone();
        Ok(vec![TensorType::Tensor(pooled.clone()), TensorType::Index { pooled, from }])
    }

    fn formulas(&self, f: &mut FormulaContext) -> Option<Vec<FormulaType>> {
        let from = f.inputs.first()?.shared();
        let pooled: crate::graph::ty::SharedDims = self.0.pooled_dims("maxpool_with_index", f)?.into();
        Some(vec![FormulaType::Tensor(pooled.clone()), FormulaType::Index { pooled, from }])
    }

    fn params(&self, _: &[TensorType]) -> Vec<ParamSpec> {
        Vec::new()
    }

    fn memory(&self, _: PassKind, _: &[TensorType], outputs: &[TensorType]) -> Footprint {
        // As for `maxpool`, with the indices as an output.
        let wide = BatchBytes::of(&outputs[1]).times(2);
        Footprint::new().saves([SavedTensor::Input(0), SavedTensor::Output(1)]).workspace(wide, BatchBytes::NONE)
    }

    fn canonical(&self, _: &NodeContext, slot: usize) -> CanonicalForm {
        // The maxima do not depend on whether the indices are used.
        match slot {
            0 => self.0.canonical("maxpool"),
            _ => CanonicalForm::Function(self.0.label("positions of maxpool")),
        }
    }

    fn work(&self) -> WorkKind {
        WorkKind::Uncounted
    }
}

impl Operator for Unpool {
    fn name(&self) -> &'static str {
        "unpool"
    }

    fn config(&self) -> Vec<(&'static str, String)> {
        Vec::new()
    }

    fn kernel(&self) -> String {
        "unpool".into()
    }

    fn arity(&self) -> Arity {
        Arity::Exactly(2)
    }

    fn reads(&self, _: usize, _: &[TensorType], _: &[TensorType]) -> [ReadPattern; 2] {
        [ReadPattern::Unpooled; 2]
    }

    fn infer(&self, inputs: &[TensorType]) -> Result<Vec<TensorType>, Refusal> {
        expect_map("unpool", &inputs[0])?;
        let TensorType::Index { pooled, from } = &inputs[1] else {
            let message = format!("`unpool` needs pool indices, found a tensor {}", inputs[1]);
            return Err(Refusal::new(RefusalKind::Type, message)
                .help("take them from `let (pooled, index) = x |> maxpool_with_index(2)`"));
        };
        if inputs[0].shape() != pooled {
            let message = format!("`unpool` of {} with indices of a pool that gave {pooled}", inputs[0]);
            return Err(Refusal::new(RefusalKind::Index, message).help("use the indices of the pool of the same level"));
        }
        Ok(vec![TensorType::Tensor(from.clone())])
    }

    fn formulas(&self, f: &mut FormulaContext) -> Option<Vec<FormulaType>> {
        let [FormulaType::Tensor(dims), FormulaType::Index { pooled, from }] = &f.inputs[..] else { return None };
        let from = from.clone();
        let equal: Option<Vec<Cond>> =
            dims.iter().zip(pooled.iter()).map(|(a, b)| Some(Cond::Zero(a.minus(b)?))).collect();
        f.constraints.all(equal?, || "`unpool` needs the size that its pool gave".into())?;
        Some(vec![FormulaType::Tensor(from)])
    }

    fn params(&self, _: &[TensorType]) -> Vec<ParamSpec> {
        Vec::new()
    }

    fn memory(&self, _: PassKind, inputs: &[TensorType], _: &[TensorType]) -> Footprint {
        // burn-autodiff `ops/tensor.rs`, `float_scatter`: the indices are saved. burn-flex `ops/gather_scatter.rs`,
        // `read_indices`, converts them to 64 bits in both passes.
        let wide = BatchBytes::of(&inputs[1]).times(2);
        Footprint::new().saves([SavedTensor::Input(1)]).workspace(wide, wide)
    }

    fn canonical(&self, site: &NodeContext, _: usize) -> CanonicalForm {
        CanonicalForm::Function(format!("unpool to {}", site.size()))
    }

    fn work(&self) -> WorkKind {
        WorkKind::Uncounted
    }
}

/// Returns the footprint of a max pool. burn-autodiff `ops/module.rs`, `max_pool2d`: the input and the indices are saved;
/// burn-flex `ops/pool.rs` computes them in 64 bits first. Inference computes no indices.
pub(super) fn max_pool_footprint(pass: PassKind, output: &TensorType) -> Footprint {
    let indices = BatchBytes::of(output);
    match pass {
        PassKind::Inference => Footprint::new(),
        PassKind::Training => Footprint::new()
            .saves([SavedTensor::Input(0), SavedTensor::Other(indices)])
            .workspace(indices.times(2), BatchBytes::NONE),
    }
}
