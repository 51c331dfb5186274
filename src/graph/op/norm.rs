//! Normalisation layers: subtract a mean, divide by a standard deviation, then scale and shift each channel.
//!
//! The norms differ in the set of numbers that the mean is taken over. Over a single number the result is always 0; the
//! norms without running statistics refuse that.

use super::footprint::{BatchBytes, Footprint, GradientStorage, OutputStorage, PassKind, SavedTensor};
use super::read_pattern::map_size;
use super::refusal::{Refusal, RefusalKind, expect_map, expect_tensor, invalid_setting};
use super::signature::{ArgKind, ONE, arg, required};
use super::{
    Arity, CanonicalForm, Init, NodeContext, Operator, ParamKind, ParamSpec, ReadPattern, Signature, WorkKind,
    call_text, kernel_text,
};
use crate::base::count::counted;
use crate::graph::ty::{FormulaContext, FormulaType, Shape, TensorType};

/// Call forms of the operators of this file.
pub(super) const SIGNATURES: &[Signature] = &[
    Signature {
        name: "bn",
        inputs: &["x"],
        variadic: false,
        args: &[arg("eps", ArgKind::Float), arg("momentum", ArgKind::Float)],
        build: |a| {
            let (epsilon, momentum) = (a.float("eps", 1e-5), a.float("momentum", 0.1));
            if epsilon.is_nan() || epsilon <= 0.0 {
                return Err(invalid_setting(format!("`eps` must be above 0, found {epsilon}")));
            }
            if !(0.0..=1.0).contains(&momentum) {
                return Err(invalid_setting(format!("`momentum` must be between 0 and 1, found {momentum}")));
            }
            Ok(BatchNorm { epsilon, momentum }.into())
        },
        summary: "batch norm; eps = 1e-5, momentum = 0.1",
    },
    Signature {
        name: "group_norm",
        inputs: &["x"],
        variadic: false,
        args: &[required("groups", ONE), arg("eps", ArgKind::Float), arg("affine", ArgKind::Bool)],
        build: |a| {
            let (epsilon, affine) = (a.float("eps", 1e-5), a.bool("affine", true));
            Ok(GroupNorm { groups: a.int("groups", 1), epsilon, affine }.into())
        },
        summary: "norm over groups of channels and the map; eps = 1e-5, affine = true",
    },
    Signature {
        name: "instance_norm",
        inputs: &["x"],
        variadic: false,
        args: &[arg("eps", ArgKind::Float), arg("affine", ArgKind::Bool)],
        build: |a| Ok(InstanceNorm { epsilon: a.float("eps", 1e-5), affine: a.bool("affine", false) }.into()),
        summary: "norm over the map of each channel; eps = 1e-5, affine = false",
    },
    Signature {
        name: "layer_norm",
        inputs: &["x"],
        variadic: false,
        args: &[arg("eps", ArgKind::Float), arg("affine", ArgKind::Bool)],
        build: |a| Ok(LayerNorm { epsilon: a.float("eps", 1e-5), affine: a.bool("affine", true) }.into()),
        summary: "norm over the channels of each pixel or of a vector; eps = 1e-5, affine = true",
    },
];

/// Batch normalisation over a map, affine, as `torch.nn.BatchNorm2d`: batch statistics in training, running ones in
/// evaluation. `momentum` is the weight of the new value.
#[derive(Debug, Clone, PartialEq)]
pub struct BatchNorm {
    /// Constant added to the variance before the square root, above 0; default 1e-5 (`eps` in PyTorch).
    pub epsilon: f64,
    /// Weight of the batch statistics in the update of the running statistics, from 0 to 1; default 0.1.
    pub momentum: f64,
}

impl Operator for BatchNorm {
    fn name(&self) -> &'static str {
        "bn"
    }

    fn config(&self) -> Vec<(&'static str, String)> {
        vec![("eps", self.epsilon.to_string()), ("momentum", self.momentum.to_string())]
    }

    fn kernel(&self) -> String {
        format!("batch_norm(eps {}, momentum {})", self.epsilon, self.momentum)
    }

    fn arity(&self) -> Arity {
        Arity::Exactly(1)
    }

    fn reads(&self, _: usize, _: &[TensorType], _: &[TensorType]) -> [ReadPattern; 2] {
        [ReadPattern::Same; 2]
    }

    fn infer(&self, inputs: &[TensorType]) -> Result<Vec<TensorType>, Refusal> {
        expect_map("bn", &inputs[0])?;
        check_epsilon("bn", self.epsilon)?;
        Ok(inputs.to_vec())
    }

    fn formulas(&self, f: &mut FormulaContext) -> Option<Vec<FormulaType>> {
        f.same()
    }

    fn params(&self, inputs: &[TensorType]) -> Vec<ParamSpec> {
        let c = inputs[0].shape().channels();
        let buffer =
            |name, value| ParamSpec { name, shape: vec![c], kind: ParamKind::Buffer, init: Init::Constant(value) };
        let mut params = scale_and_shift(c, true);
        params.extend([buffer("running_mean", 0.0), buffer("running_var", 1.0)]);
        params
    }

    fn memory(&self, pass: PassKind, inputs: &[TensorType], _: &[TensorType]) -> Footprint {
        let whole = BatchBytes::of(&inputs[0]);
        match pass {
            // `compute/exec/norm.rs`, `evaluate`: one scale and one shift per channel.
            PassKind::Inference => Footprint::new().output(OutputStorage::InPlace(&[0])),
            // burn-autodiff `ops/module.rs`, `batch_norm_train`: input, mean and variance are saved.
            // burn-backend `ops/modules/base.rs`: forward holds the deviations and their squares before the output exists;
            // backward holds the normalised input, the gradient by channels, their product, and the product by channels.
            PassKind::Training => {
                let statistics = BatchBytes::words(2 * inputs[0].shape().channels() as u64);
                Footprint::new()
                    .gradient(GradientStorage::InPlace)
                    .saves([SavedTensor::Input(0), SavedTensor::Other(statistics)])
                    .workspace(whole, whole.times(4))
            }
        }
    }

    fn canonical(&self, _: &NodeContext, _: usize) -> CanonicalForm {
        CanonicalForm::Own(call_text(self))
    }

    fn work(&self) -> WorkKind {
        WorkKind::BatchNorm
    }
}

/// Group normalisation as `torch.nn.GroupNorm`: mean and variance over the channels of a group and the map, for each
/// image separately. A vector `[c]` counts as a map of one pixel.
#[derive(Debug, Clone, PartialEq)]
pub struct GroupNorm {
    /// Number of groups, which divides the channels.
    pub groups: usize,
    /// Constant added to the variance before the square root, above 0; default 1e-5 (`eps` in PyTorch).
    pub epsilon: f64,
    /// Whether a trained scale and shift per channel follow; default `true`.
    pub affine: bool,
}

/// Instance normalisation as `torch.nn.InstanceNorm2d`: mean and variance over the map, for each channel of each image.
/// As in PyTorch, scale and shift are off by default and there are no running statistics.
#[derive(Debug, Clone, PartialEq)]
pub struct InstanceNorm {
    /// Constant added to the variance before the square root, above 0; default 1e-5 (`eps` in PyTorch).
    pub epsilon: f64,
    /// Whether a trained scale and shift per channel follow; default `false`.
    pub affine: bool,
}

/// Normalisation over the channels of each pixel, and of a vector `[c]`.
///
/// Over a vector this is `torch.nn.LayerNorm(c)`. Over a map it is the channel-wise norm of ConvNeXt (`LayerNorm2d` in
/// torchvision): the same with channels moved last and back. PyTorch's `LayerNorm([c, h, w])` has weights of the image's
/// size and is a different layer.
#[derive(Debug, Clone, PartialEq)]
pub struct LayerNorm {
    /// Constant added to the variance before the square root, above 0; default 1e-5 (`eps` in PyTorch).
    pub epsilon: f64,
    /// Whether a trained scale and shift per channel follow; default `true`.
    pub affine: bool,
}

/// Checks that epsilon is above 0 and finite as a 32-bit float, the type of tensors.
fn check_epsilon(op: &str, epsilon: f64) -> Result<(), Refusal> {
    let single = epsilon as f32;
    if single > 0.0 && single.is_finite() {
        return Ok(());
    }
    let message = format!("`{op}` with eps = {epsilon}; it must be above 0");
    Err(Refusal::new(RefusalKind::Setting, message).help("the usual value is 1e-5"))
}

/// Refuses to normalise over a single number.
fn check_count(op: &str, over: &str, count: u64, shape: &Shape, help: &str) -> Result<(), Refusal> {
    if count > 1 {
        return Ok(());
    }
    let message = format!("`{op}` of {shape} has one number per {over}, and gives 0 for it whatever it is");
    Err(Refusal::new(RefusalKind::Setting, message).help(help))
}

fn scale_and_shift(c: usize, affine: bool) -> Vec<ParamSpec> {
    let spec =
        |name, value| ParamSpec { name, shape: vec![c], kind: ParamKind::Trainable, init: Init::Constant(value) };
    if affine { vec![spec("weight", 1.0), spec("bias", 0.0)] } else { Vec::new() }
}

fn canonical_group_norm(groups: usize, epsilon: f64, affine: bool) -> CanonicalForm {
    let label = format!("group_norm(groups = {groups}, eps = {epsilon}, affine = {affine})");
    if affine { CanonicalForm::Own(label) } else { CanonicalForm::Function(label) }
}

/// `compute/exec/norm.rs`, `normalise` and `affine`, differentiated step by step: the square and the quotient save
/// the deviations, the scaling saves the quotient. Statistics per group are small and not counted.
fn norm_footprint(pass: PassKind, input: &TensorType, affine: bool) -> Footprint {
    let whole = BatchBytes::of(input);
    match pass {
        PassKind::Inference => Footprint::new().output(OutputStorage::InPlace(&[0])).workspace(whole, BatchBytes::NONE),
        PassKind::Training => {
            let (saved, backward) = if affine { (whole.times(2), whole) } else { (whole, whole.times(2)) };
            Footprint::new().saves([SavedTensor::Other(saved)]).workspace(whole, backward)
        }
    }
}

impl Operator for GroupNorm {
    fn name(&self) -> &'static str {
        "group_norm"
    }

    fn config(&self) -> Vec<(&'static str, String)> {
        vec![
            ("groups", self.groups.to_string()),
            ("eps", self.epsilon.to_string()),
            ("affine", self.affine.to_string()),
        ]
    }

    fn kernel(&self) -> String {
        kernel_text(self)
    }

    fn arity(&self) -> Arity {
        Arity::Exactly(1)
    }

    fn reads(&self, _: usize, inputs: &[TensorType], _: &[TensorType]) -> [ReadPattern; 2] {
        map_size(&inputs[0]).map(ReadPattern::normalised)
    }

    fn infer(&self, inputs: &[TensorType]) -> Result<Vec<TensorType>, Refusal> {
        let shape = expect_tensor("group_norm", &inputs[0])?;
        check_epsilon("group_norm", self.epsilon)?;
        let (c, groups) = (shape.channels(), self.groups);
        if groups == 0 || !c.is_multiple_of(groups) {
            let message = format!("`group_norm` with groups = {groups} cannot divide {}", counted(c, "channel"));
            return Err(Refusal::new(RefusalKind::Setting, message).help("choose groups that divide the channels"));
        }
        check_count("group_norm", "group", shape.elements() / groups as u64, shape, "use fewer groups")?;
        Ok(inputs.to_vec())
    }

    fn formulas(&self, f: &mut FormulaContext) -> Option<Vec<FormulaType>> {
        let input = f.inputs.first()?;
        let (c, all) = (input.channels().clone(), input.elements()?);
        f.divides(self.groups, &c, || {
            format!("`group_norm` divides its channels into {}", counted(self.groups, "group"))
        })?;
        f.at_least(&all, 2 * self.groups as i128, || "`group_norm` needs two numbers in a group".into())?;
        f.same()
    }

    fn params(&self, inputs: &[TensorType]) -> Vec<ParamSpec> {
        scale_and_shift(inputs[0].shape().channels(), self.affine)
    }

    fn memory(&self, pass: PassKind, inputs: &[TensorType], _: &[TensorType]) -> Footprint {
        norm_footprint(pass, &inputs[0], self.affine)
    }

    fn canonical(&self, _: &NodeContext, _: usize) -> CanonicalForm {
        canonical_group_norm(self.groups, self.epsilon, self.affine)
    }

    fn work(&self) -> WorkKind {
        WorkKind::GroupNorm { affine: self.affine }
    }
}

impl Operator for InstanceNorm {
    fn name(&self) -> &'static str {
        "instance_norm"
    }

    fn config(&self) -> Vec<(&'static str, String)> {
        vec![("eps", self.epsilon.to_string()), ("affine", self.affine.to_string())]
    }

    fn kernel(&self) -> String {
        kernel_text(self)
    }

    fn arity(&self) -> Arity {
        Arity::Exactly(1)
    }

    fn reads(&self, _: usize, inputs: &[TensorType], _: &[TensorType]) -> [ReadPattern; 2] {
        map_size(&inputs[0]).map(ReadPattern::normalised)
    }

    fn infer(&self, inputs: &[TensorType]) -> Result<Vec<TensorType>, Refusal> {
        let [_, h, w] = expect_map("instance_norm", &inputs[0])?;
        check_epsilon("instance_norm", self.epsilon)?;
        let pixels = (h as u64).saturating_mul(w as u64);
        let help = "leave the norm out after a global pool, or use `group_norm`";
        check_count("instance_norm", "channel", pixels, inputs[0].shape(), help)?;
        Ok(inputs.to_vec())
    }

    fn formulas(&self, f: &mut FormulaContext) -> Option<Vec<FormulaType>> {
        let [_, h, w] = f.map(0)?;
        f.at_least(&h.times(&w)?, 2, || "`instance_norm` needs a map of more than one pixel".into())?;
        f.same()
    }

    fn params(&self, inputs: &[TensorType]) -> Vec<ParamSpec> {
        scale_and_shift(inputs[0].shape().channels(), self.affine)
    }

    fn memory(&self, pass: PassKind, inputs: &[TensorType], _: &[TensorType]) -> Footprint {
        norm_footprint(pass, &inputs[0], self.affine)
    }

    fn canonical(&self, site: &NodeContext, _: usize) -> CanonicalForm {
        // An instance norm is a group norm with one channel per group.
        canonical_group_norm(site.channels, self.epsilon, self.affine)
    }

    fn work(&self) -> WorkKind {
        WorkKind::Norm { affine: self.affine }
    }
}

impl Operator for LayerNorm {
    fn name(&self) -> &'static str {
        "layer_norm"
    }

    fn config(&self) -> Vec<(&'static str, String)> {
        vec![("eps", self.epsilon.to_string()), ("affine", self.affine.to_string())]
    }

    fn kernel(&self) -> String {
        kernel_text(self)
    }

    fn arity(&self) -> Arity {
        Arity::Exactly(1)
    }

    fn reads(&self, _: usize, _: &[TensorType], _: &[TensorType]) -> [ReadPattern; 2] {
        [ReadPattern::Same; 2]
    }

    fn infer(&self, inputs: &[TensorType]) -> Result<Vec<TensorType>, Refusal> {
        let shape = expect_tensor("layer_norm", &inputs[0])?;
        check_epsilon("layer_norm", self.epsilon)?;
        let help = "it normalises over channels; `instance_norm` does over the map";
        check_count("layer_norm", "pixel", shape.channels() as u64, shape, help)?;
        Ok(inputs.to_vec())
    }

    fn formulas(&self, f: &mut FormulaContext) -> Option<Vec<FormulaType>> {
        let c = f.inputs.first()?.channels().clone();
        f.at_least(&c, 2, || "`layer_norm` needs more than one channel".into())?;
        f.same()
    }

    fn params(&self, inputs: &[TensorType]) -> Vec<ParamSpec> {
        scale_and_shift(inputs[0].shape().channels(), self.affine)
    }

    fn memory(&self, pass: PassKind, inputs: &[TensorType], _: &[TensorType]) -> Footprint {
        norm_footprint(pass, &inputs[0], self.affine)
    }

    fn canonical(&self, site: &NodeContext, _: usize) -> CanonicalForm {
        // Over one pixel, a layer norm is a group norm with one group.
        if site.reads_one_pixel() {
            return canonical_group_norm(1, self.epsilon, self.affine);
        }
        if self.affine { CanonicalForm::Own(call_text(self)) } else { CanonicalForm::Function(call_text(self)) }
    }

    fn work(&self) -> WorkKind {
        WorkKind::Norm { affine: self.affine }
    }
}
