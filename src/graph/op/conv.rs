//! Convolution, and helpers that transposed convolutions and linear layers share with it.

use super::conv_padding::ConvPadding;
use super::footprint::{ConvExtent, Footprint, PassKind, SavedTensor};
use super::refusal::{Refusal, RefusalKind, expect_map};
use super::signature::{ArgKind, ArgValue, ONE, PAIR, arg, required};
use super::{
    AXES, Arity, CanonicalForm, Init, KernelTaps, NodeContext, Operator, ParamKind, ParamSpec, ReadPattern, Signature,
    WorkKind, pair_text, size_text,
};
use crate::base::count::counted;
use crate::graph::ty::{FormulaContext, FormulaType, Shape, TensorType};

/// Call form of the operator.
pub(super) const SIGNATURES: &[Signature] = &[Signature {
    name: "conv",
    inputs: &["x"],
    variadic: false,
    args: &[
        required("out", ONE),
        arg("k", PAIR),
        arg("stride", PAIR),
        arg("dilation", PAIR),
        arg("pad", ArgKind::Pad),
        arg("groups", ONE),
        arg("bias", ArgKind::Bool),
    ],
    build: |a| {
        let pad = if let Some(ArgValue::Pad(pad)) = a.get("pad") { *pad } else { ConvPadding::Same };
        Ok(Conv {
            out: a.int("out", 1),
            kernel: a.pair("k", [3, 3]),
            stride: a.pair("stride", [1, 1]),
            dilation: a.pair("dilation", [1, 1]),
            pad,
            groups: a.int("groups", 1),
            bias: a.bool("bias", true),
        }
        .into())
    },
    summary: "2-D convolution; k = 3, stride = 1, dilation = 1, pad = same, groups = 1, bias = true",
}];

/// Maximum extent of a dilated kernel along one axis in pixels: backend kernels count it in 32 bits.
const MAX_REACH: usize = 1 << 24;

/// Returns the extent of a dilated kernel in pixels, from the first to the last tap inclusive.
pub(super) fn dilated_extent(op: &str, kernel: usize, dilation: usize) -> Result<usize, Refusal> {
    let reach = dilation as u128 * (kernel as u128 - 1) + 1;
    if reach > MAX_REACH as u128 {
        let message =
            format!("`{op}` with k = {kernel} and dilation = {dilation} reaches over {}", counted(reach, "pixel"));
        return Err(Refusal::new(RefusalKind::Limit, message).help("the limit is 2^24"));
    }
    Ok(reach as usize)
}

/// Multiplies the factors; saturates at `u64::MAX`.
pub(super) fn product(factors: &[usize]) -> u64 {
    factors.iter().fold(1, |n: u64, &f| n.saturating_mul(f as u64))
}

fn pad_text(pad: ConvPadding) -> String {
    match pad {
        ConvPadding::Same => "same".into(),
        ConvPadding::Explicit(pad) => pair_text(pad),
    }
}

/// 2-D cross-correlation as `torch.nn.Conv2d`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conv {
    /// Channels of the output.
    pub out: usize,
    /// Height and width of the kernel in taps; default 3.
    pub kernel: [usize; 2],
    /// Pixels from one window to the next, `[vertical, horizontal]`; default 1.
    pub stride: [usize; 2],
    /// Pixels from one tap to the next, `[vertical, horizontal]`; default 1.
    pub dilation: [usize; 2],
    /// Rows and columns of zeros on each side; default [`ConvPadding::Same`].
    pub pad: ConvPadding,
    /// Number of channel groups that are convolved separately; divides the channels of input and output. Default 1.
    pub groups: usize,
    /// Whether a trained bias is added per output channel; default `true`.
    pub bias: bool,
}

/// Returns the bound of PyTorch's default initialisation (`kaiming_uniform_` with a = sqrt 5): 1 / sqrt(fan in).
fn fan_in_bound(fan_in: u64) -> Init {
    Init::Uniform { bound: 1.0 / (fan_in as f64).sqrt() }
}

pub(super) fn weight_and_bias(weight: Vec<usize>, bias: Option<usize>) -> Vec<ParamSpec> {
    let init = fan_in_bound(product(&weight[1..]));
    let spec = |name, shape| ParamSpec { name, shape, kind: ParamKind::Trainable, init };
    std::iter::once(spec("weight", weight)).chain(bias.map(|out| spec("bias", vec![out]))).collect()
}

pub(super) fn check_groups(op: &str, c: usize, out: usize, groups: usize) -> Result<(), Refusal> {
    if c.is_multiple_of(groups) && out.is_multiple_of(groups) {
        return Ok(());
    }
    let (what, n) = if c.is_multiple_of(groups) { ("output", out) } else { ("input", c) };
    Err(Refusal::new(RefusalKind::Setting, format!("`{op}` with groups = {groups} cannot divide {n} {what} channels"))
        .help("choose groups that divide the channels on both sides"))
}

/// Returns the extent of a convolution between two maps.
pub(super) fn conv_extent(kernel: [usize; 2], groups: usize, input: &TensorType, output: &TensorType) -> ConvExtent {
    let pixels = |ty: &TensorType| ty.shape().spatial().map_or(1, |size| product(&size));
    ConvExtent {
        channels: [input.shape().channels(), output.shape().channels()],
        groups,
        taps: product(&kernel),
        pixels: [pixels(input), pixels(output)],
        pointwise: kernel == [1, 1],
    }
}

impl Conv {
    /// Formats the canonical form. Defaults are left out: stride, dilation and groups of 1, no padding, no bias.
    pub(super) fn label(&self) -> String {
        let mut label = format!("conv({}, k = {}", self.out, pair_text(self.kernel));
        let pad = self.pad.amount(self.kernel, self.dilation);
        let pairs = [("stride", self.stride, [1, 1]), ("dilation", self.dilation, [1, 1]), ("pad", pad, [0, 0])];
        for (name, value, usual) in pairs {
            if value != usual {
                label += &format!(", {name} = {}", pair_text(value));
            }
        }
        if self.groups != 1 {
            label += &format!(", groups = {}", self.groups);
        }
        label + if self.bias { ", bias)" } else { ")" }
    }
}

impl Operator for Conv {
    fn name(&self) -> &'static str {
        "conv"
    }

    fn config(&self) -> Vec<(&'static str, String)> {
        vec![
            ("out", self.out.to_string()),
            ("k", pair_text(self.kernel)),
            ("stride", pair_text(self.stride)),
            ("dilation", pair_text(self.dilation)),
            ("pad", pad_text(self.pad)),
            ("groups", self.groups.to_string()),
            ("bias", self.bias.to_string()),
        ]
    }

    fn kernel(&self) -> String {
        let pad = size_text(self.pad.amount(self.kernel, self.dilation));
        let [k, stride, dilation] = [self.kernel, self.stride, self.dilation].map(size_text);
        format!("conv2d(k {k}, stride {stride}, dilation {dilation}, pad {pad}, groups {})", self.groups)
    }

    fn arity(&self) -> Arity {
        Arity::Exactly(1)
    }

    fn reads(&self, _: usize, _: &[TensorType], _: &[TensorType]) -> [ReadPattern; 2] {
        let pad = self.pad.amount(self.kernel, self.dilation);
        [0, 1].map(|i| {
            let (count, stride, dilation) = (self.kernel[i], self.stride[i], self.dilation[i]);
            ReadPattern::Window(KernelTaps { count, stride, dilation, pad: pad[i] })
        })
    }

    fn infer(&self, inputs: &[TensorType]) -> Result<Vec<TensorType>, Refusal> {
        let [c, h, w] = expect_map("conv", &inputs[0])?;
        check_groups("conv", c, self.out, self.groups)?;
        if self.pad == ConvPadding::Same && self.kernel.iter().any(|k| k % 2 == 0) {
            let message = format!("`pad = same` needs an odd kernel, found k = {}", pair_text(self.kernel));
            return Err(
                Refusal::new(RefusalKind::Setting, message).help("give `pad` as a number, for example `pad = 0`")
            );
        }
        let pad = self.pad.amount(self.kernel, self.dilation);
        let mut size = [h, w];
        for i in 0..2 {
            let reach = dilated_extent("conv", self.kernel[i], self.dilation[i])?;
            if pad[i] > MAX_REACH {
                let message = format!("`conv` pads by {}", counted(pad[i], "pixel"));
                return Err(Refusal::new(RefusalKind::Limit, message).help("the limit is 2^24"));
            }
            let padded = size[i] + 2 * pad[i];
            if padded < reach {
                let axis = ["height", "width"][i];
                let message =
                    format!("`conv` reaches over {}, the padded {axis} has {padded}", counted(reach, "pixel"));
                return Err(Refusal::new(RefusalKind::Setting, message).help("use a larger input or `pad = same`"));
            }
            size[i] = (padded - reach) / self.stride[i] + 1;
        }
        Ok(vec![TensorType::Tensor(Shape::map(self.out, size[0], size[1]))])
    }

    fn formulas(&self, f: &mut FormulaContext) -> Option<Vec<FormulaType>> {
        let [c, h, w] = f.map(0)?;
        f.divides(self.groups, &c, || format!("`conv` divides its channels into {}", counted(self.groups, "group")))?;
        let pad = self.pad.amount(self.kernel, self.dilation);
        let size = [h, w];
        let mut out = Vec::new();
        for i in 0..2 {
            let reach = self.dilation[i] as i128 * (self.kernel[i] as i128 - 1) + 1;
            let room = size[i].plus_n(2 * pad[i] as i128 - reach)?;
            // Every map has at least one pixel.
            if reach > 2 * pad[i] as i128 + 1 {
                f.at_least(&room, 0, || {
                    format!("`conv` reaches over {} of a padded {}", counted(reach, "pixel"), AXES[i])
                })?;
            }
            out.push(room.floor_div(self.stride[i] as i128)?.plus_n(1)?);
        }
        let [h, w] = [out.remove(0), out.remove(0)];
        Some(vec![FormulaType::map(self.out.into(), h, w)])
    }

    fn params(&self, inputs: &[TensorType]) -> Vec<ParamSpec> {
        let c = inputs[0].shape().channels() / self.groups;
        let [kh, kw] = self.kernel;
        weight_and_bias(vec![self.out, c, kh, kw], self.bias.then_some(self.out))
    }

    fn memory(&self, _: PassKind, inputs: &[TensorType], outputs: &[TensorType]) -> Footprint {
        // burn-autodiff `ops/module.rs`, `conv2d`: the input is saved. Its gradient is a transposed convolution of the
        // output's gradient (burn-backend `ops/modules/conv.rs`, `conv2d_x_backward`).
        let extent = conv_extent(self.kernel, self.groups, &inputs[0], &outputs[0]);
        let unpadded = self.pad.amount(self.kernel, self.dilation) == [0, 0];
        let extent = ConvExtent { pointwise: extent.pointwise && self.stride == [1, 1] && unpadded, ..extent };
        let inputs = extent.reversed().transposed();
        Footprint::new().saves([SavedTensor::Input(0)]).conv_workspace(
            extent.convolution(),
            extent.weight_gradient(),
            inputs,
        )
    }

    fn canonical(&self, site: &NodeContext, _: usize) -> CanonicalForm {
        let one = [self.kernel[0] == 1, self.kernel[1] == 1];
        let pad = self.pad.amount(self.kernel, self.dilation);
        // The dilation of a one-pixel kernel has no effect, and neither has the stride over a map of one pixel.
        let unmoved = site.reads_one_pixel() && one == [true; 2] && pad == [0, 0];
        let stride = if unmoved { [1, 1] } else { self.stride };
        let dilation = [0, 1].map(|i| if one[i] { 1 } else { self.dilation[i] });
        CanonicalForm::Own(Conv { stride, dilation, pad: ConvPadding::Explicit(pad), ..self.clone() }.label())
    }

    fn work(&self) -> WorkKind {
        WorkKind::Convolution { kernel: self.kernel, groups: self.groups, bias: self.bias }
    }
}
