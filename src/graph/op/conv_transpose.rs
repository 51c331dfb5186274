//! Transposed convolution.

use super::conv::{check_groups, conv_extent, dilated_extent, weight_and_bias};
use super::footprint::{ConvExtent, Footprint, PassKind, SavedTensor};
use super::refusal::{Refusal, RefusalKind, check_axis, expect_map};
use super::signature::{ArgKind, ONE, PAIR, PAIR0, arg, required};
use super::{
    AXES, Arity, CanonicalForm, KernelTaps, NodeContext, Operator, ParamSpec, ReadPattern, Signature, WorkKind,
    call_text, pair_text, size_text,
};
use crate::base::count::counted;
use crate::graph::ty::{FormulaContext, FormulaType, Shape, TensorType};

/// Call form of the operator.
pub(super) const SIGNATURES: &[Signature] = &[Signature {
    name: "conv_transpose",
    inputs: &["x"],
    variadic: false,
    args: &[
        required("out", ONE),
        arg("k", PAIR),
        arg("stride", PAIR),
        arg("dilation", PAIR),
        arg("pad", PAIR0),
        arg("out_pad", PAIR0),
        arg("groups", ONE),
        arg("bias", ArgKind::Bool),
    ],
    build: |a| {
        Ok(ConvTranspose {
            out: a.int("out", 1),
            kernel: a.pair("k", [2, 2]),
            stride: a.pair("stride", [2, 2]),
            dilation: a.pair("dilation", [1, 1]),
            pad: a.pair("pad", [0, 0]),
            out_pad: a.pair("out_pad", [0, 0]),
            groups: a.int("groups", 1),
            bias: a.bool("bias", true),
        }
        .into())
    },
    summary: "transposed convolution; k = 2, stride = 2, pad = 0, out_pad = 0, groups = 1, bias = true",
}];

/// 2-D transposed convolution as `torch.nn.ConvTranspose2d`; the output is
/// `(size - 1) * stride - 2 * pad + dilation * (k - 1) + out_pad + 1`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConvTranspose {
    /// Channels of the output.
    pub out: usize,
    /// Height and width of the kernel in taps; default 2.
    pub kernel: [usize; 2],
    /// Output pixels from one input pixel to the next, `[vertical, horizontal]`; default 2.
    pub stride: [usize; 2],
    /// Output pixels from one tap to the next, `[vertical, horizontal]`; default 1.
    pub dilation: [usize; 2],
    /// Rows and columns cropped from each side of the output (`padding` in PyTorch); default 0.
    pub pad: [usize; 2],
    /// Rows at the bottom and columns on the right that are added to the output (`output_padding` in PyTorch), fewer
    /// than stride or dilation; default 0.
    pub out_pad: [usize; 2],
    /// Number of channel groups that are convolved separately; divides the channels of input and output. Default 1.
    pub groups: usize,
    /// Whether a trained bias is added per output channel; default `true`.
    pub bias: bool,
}

impl Operator for ConvTranspose {
    fn name(&self) -> &'static str {
        "conv_transpose"
    }

    fn config(&self) -> Vec<(&'static str, String)> {
        vec![
            ("out", self.out.to_string()),
            ("k", pair_text(self.kernel)),
            ("stride", pair_text(self.stride)),
            ("dilation", pair_text(self.dilation)),
            ("pad", pair_text(self.pad)),
            ("out_pad", pair_text(self.out_pad)),
            ("groups", self.groups.to_string()),
            ("bias", self.bias.to_string()),
        ]
    }

    fn kernel(&self) -> String {
        let [k, stride, dilation] = [self.kernel, self.stride, self.dilation].map(size_text);
        let [pad, out_pad, groups] = [size_text(self.pad), size_text(self.out_pad), self.groups.to_string()];
        format!(
            "conv_transpose2d(k {k}, stride {stride}, dilation {dilation}, pad {pad}, out_pad {out_pad}, groups {groups})"
        )
    }

    fn arity(&self) -> Arity {
        Arity::Exactly(1)
    }

    fn reads(&self, _: usize, _: &[TensorType], _: &[TensorType]) -> [ReadPattern; 2] {
        [0, 1].map(|i| {
            let (count, stride, dilation) = (self.kernel[i], self.stride[i], self.dilation[i]);
            ReadPattern::Transposed(KernelTaps { count, stride, dilation, pad: self.pad[i] })
        })
    }

    fn infer(&self, inputs: &[TensorType]) -> Result<Vec<TensorType>, Refusal> {
        let [c, h, w] = expect_map("conv_transpose", &inputs[0])?;
        check_groups("conv_transpose", c, self.out, self.groups)?;
        let mut size = [h, w];
        for (i, size) in size.iter_mut().enumerate() {
            let reach = dilated_extent("conv_transpose", self.kernel[i], self.dilation[i])?;
            if self.out_pad[i] >= self.stride[i].max(self.dilation[i]) {
                let message = format!("`out_pad` must be smaller than stride or dilation, found {}", self.out_pad[i]);
                return Err(Refusal::new(RefusalKind::Setting, message));
            }
            let strides = (*size as u128 - 1) * self.stride[i] as u128;
            let grown = check_axis("conv_transpose", strides + (reach + self.out_pad[i]) as u128)?;
            if grown <= 2 * self.pad[i] {
                let message = format!(
                    "`conv_transpose` with pad = {} leaves nothing of {}",
                    self.pad[i],
                    counted(grown, "pixel")
                );
                return Err(Refusal::new(RefusalKind::Setting, message).help("use a smaller `pad`"));
            }
            *size = grown - 2 * self.pad[i];
        }
        Ok(vec![TensorType::Tensor(Shape::map(self.out, size[0], size[1]))])
    }

    fn formulas(&self, f: &mut FormulaContext) -> Option<Vec<FormulaType>> {
        let [c, h, w] = f.map(0)?;
        f.divides(self.groups, &c, || {
            format!("`conv_transpose` divides its channels into {}", counted(self.groups, "group"))
        })?;
        let size = [h, w];
        let mut out = Vec::new();
        for i in 0..2 {
            let reach = self.dilation[i] as i128 * (self.kernel[i] as i128 - 1) + 1;
            let around = reach + self.out_pad[i] as i128 - 2 * self.pad[i] as i128;
            let grown = size[i].plus_n(-1)?.times_n(self.stride[i] as i128)?.plus_n(around)?;
            // A map of one pixel, the smallest, gives an output of `around` pixels.
            if around < 1 {
                f.at_least(&grown, 1, || {
                    format!("`conv_transpose` with pad = {} must leave a {}", self.pad[i], AXES[i])
                })?;
            }
            out.push(grown);
        }
        let [h, w] = [out.remove(0), out.remove(0)];
        Some(vec![FormulaType::map(self.out.into(), h, w)])
    }

    fn params(&self, inputs: &[TensorType]) -> Vec<ParamSpec> {
        let [kh, kw] = self.kernel;
        let per_group = self.out / self.groups;
        weight_and_bias(vec![inputs[0].shape().channels(), per_group, kh, kw], self.bias.then_some(self.out))
    }

    fn memory(&self, _: PassKind, inputs: &[TensorType], outputs: &[TensorType]) -> Footprint {
        // burn-autodiff `ops/module.rs`, `conv_transpose2d`: the input is saved. Its gradient is a convolution.
        let extent = conv_extent(self.kernel, self.groups, &inputs[0], &outputs[0]);
        let back = ConvExtent {
            pointwise: extent.pointwise && self.stride == [1, 1] && self.pad == [0, 0],
            ..extent.reversed()
        };
        let inputs = back.convolution();
        Footprint::new().saves([SavedTensor::Input(0)]).conv_workspace(
            extent.transposed(),
            back.weight_gradient(),
            inputs,
        )
    }

    fn canonical(&self, _: &NodeContext, _: usize) -> CanonicalForm {
        CanonicalForm::Own(call_text(self))
    }

    fn work(&self) -> WorkKind {
        let Self { out, kernel, groups, bias, .. } = *self;
        WorkKind::TransposedConvolution { out, kernel, groups, bias }
    }
}
