//! Interpolation.

use super::footprint::{BatchBytes, Footprint, GradientStorage, OutputStorage, PassKind, SavedTensor};
use super::read_pattern::{Interpolation, per_axis};
use super::refusal::{Refusal, check_axis, expect_map, invalid_setting};
use super::signature::{ArgKind, ArgValue, OperatorArgs, PAIR, arg, required};
use super::{
    Arity, CanonicalForm, NodeContext, Operator, ParamSpec, ReadPattern, Signature, WorkKind, pair_text, size_text,
};
use crate::graph::ty::{FormulaContext, FormulaType, Shape, TensorType};

const MODES: ArgKind = ArgKind::Word(&["nearest", "bilinear"]);

fn mode(args: &OperatorArgs, default: Interpolation) -> Interpolation {
    match args.get("mode") {
        Some(ArgValue::Word("nearest")) => Interpolation::Nearest,
        Some(ArgValue::Word("bilinear")) => Interpolation::Bilinear,
        _ => default,
    }
}

/// Call forms of the operators of this file.
pub(super) const SIGNATURES: &[Signature] = &[
    Signature {
        name: "resize",
        inputs: &["x"],
        variadic: false,
        args: &[arg("factor", PAIR), arg("to", ArgKind::Size), arg("mode", MODES), arg("align_corners", ArgKind::Bool)],
        build: |a| {
            let target = match (a.get("factor"), a.get("to")) {
                (Some(ArgValue::Pair(factor)), None) => ResizeTarget::Factor(*factor),
                (None, Some(ArgValue::Size(size))) => ResizeTarget::Size(*size),
                (None, Some(_)) => ResizeTarget::Like,
                _ => return Err(invalid_setting("`resize` takes either a factor or `to`".into())),
            };
            let align_corners = a.bool("align_corners", false);
            Ok(Resize { target, mode: mode(a, Interpolation::Bilinear), align_corners, module: false }.into())
        },
        summary: "interpolation by a factor or `to` a tensor's size or [h, w]; mode = bilinear, align_corners = false",
    },
    Signature {
        name: "up",
        inputs: &["x"],
        variadic: false,
        args: &[required("factor", PAIR), arg("mode", MODES), arg("align_corners", ArgKind::Bool)],
        build: |a| {
            let target = ResizeTarget::Factor(a.pair("factor", [2, 2]));
            let align_corners = a.bool("align_corners", false);
            Ok(Resize { target, mode: mode(a, Interpolation::Nearest), align_corners, module: true }.into())
        },
        summary: "upsampling by a factor; mode = nearest, align_corners = false",
    },
];

/// The output size of a [`Resize`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ResizeTarget {
    /// Height and width of a second input.
    Like,
    /// This height and width in pixels.
    Size([usize; 2]),
    /// The input's height and width times these whole numbers.
    Factor([usize; 2]),
}

/// Interpolation to another height and width, as `torch.nn.functional.interpolate`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resize {
    /// Height and width of the output.
    pub target: ResizeTarget,
    /// The interpolation mode; default bilinear for `resize`, nearest for `up`.
    pub mode: Interpolation,
    /// Whether the centres of the corner pixels of input and output coincide, for bilinear interpolation only; default
    /// `false`.
    pub align_corners: bool,
    /// Whether it is written `up` (a module in PyTorch) instead of `resize` (a functional call there). The result is the
    /// same.
    pub module: bool,
}

impl Operator for Resize {
    fn name(&self) -> &'static str {
        if self.module { "up" } else { "resize" }
    }

    fn config(&self) -> Vec<(&'static str, String)> {
        let mut config = match &self.target {
            ResizeTarget::Like => Vec::new(),
            ResizeTarget::Size([h, w]) => vec![("to", format!("[{h}, {w}]"))],
            ResizeTarget::Factor(factor) => vec![("factor", pair_text(*factor))],
        };
        config.push(("mode", self.mode.text().into()));
        if self.mode == Interpolation::Bilinear {
            config.push(("align_corners", self.align_corners.to_string()));
        }
        config
    }

    fn kernel(&self) -> String {
        let target = match self.target {
            ResizeTarget::Like => "like operand 2".into(),
            ResizeTarget::Size(size) => format!("to {}", size_text(size)),
            ResizeTarget::Factor(factor) => format!("times {}", size_text(factor)),
        };
        let corners = if self.align_corners { ", align_corners" } else { "" };
        format!("{}({target}{corners})", self.mode.text())
    }

    fn arity(&self) -> Arity {
        match self.target {
            ResizeTarget::Like => Arity::Exactly(2),
            ResizeTarget::Size(_) | ResizeTarget::Factor(_) => Arity::Exactly(1),
        }
    }

    fn reads(&self, slot: usize, inputs: &[TensorType], outputs: &[TensorType]) -> [ReadPattern; 2] {
        match slot {
            0 => per_axis(&inputs[0], &outputs[0], |from, to| {
                ReadPattern::interpolated(self.mode, self.align_corners, from, to)
            }),
            _ => [ReadPattern::Nothing; 2],
        }
    }

    fn infer(&self, inputs: &[TensorType]) -> Result<Vec<TensorType>, Refusal> {
        let [c, h, w] = expect_map(self.name(), &inputs[0])?;
        let [h, w] = match self.target {
            ResizeTarget::Like => {
                let [_, h, w] = expect_map("resize(to = ...)", &inputs[1])?;
                [h, w]
            }
            ResizeTarget::Size(size) => size,
            ResizeTarget::Factor([fh, fw]) => {
                [check_axis(self.name(), h as u128 * fh as u128)?, check_axis(self.name(), w as u128 * fw as u128)?]
            }
        };
        Ok(vec![TensorType::Tensor(Shape::map(c, h, w))])
    }

    fn formulas(&self, f: &mut FormulaContext) -> Option<Vec<FormulaType>> {
        let [c, h, w] = f.map(0)?;
        let [h, w] = match self.target {
            ResizeTarget::Like => {
                let [_, h, w] = f.map(1)?;
                [h, w]
            }
            ResizeTarget::Size(size) => f.size(size),
            ResizeTarget::Factor([fh, fw]) => [h.times_n(fh as i128)?, w.times_n(fw as i128)?],
        };
        Some(vec![FormulaType::map(c, h, w)])
    }

    fn params(&self, _: &[TensorType]) -> Vec<ParamSpec> {
        Vec::new()
    }

    fn memory(&self, _: PassKind, inputs: &[TensorType], outputs: &[TensorType]) -> Footprint {
        // `compute/exec/resample.rs`.
        let (Some([h, w]), Some([to_h, to_w])) = (inputs[0].shape().spatial(), outputs[0].shape().spatial()) else {
            return Footprint::new();
        };
        if [h, w] == [to_h, to_w] {
            return Footprint::new().output(OutputStorage::Alias(0)).gradient(GradientStorage::Alias);
        }
        let rows = inputs[0].shape().channels() as u64 * h as u64;
        let across = BatchBytes::words_per_image(rows.saturating_mul(to_w as u64));
        let both = h != to_h && w != to_w;
        let between = if both { across } else { BatchBytes::NONE };
        match self.mode {
            // The matrices of the resized axes are saved; the gradient passes through the half-resized map.
            Interpolation::Bilinear => {
                let matrix =
                    |from: usize, to: usize| if from == to { 0 } else { (from as u64).saturating_mul(to as u64) };
                let matrices = BatchBytes::words(matrix(h, to_h).saturating_add(matrix(w, to_w)));
                Footprint::new().saves([SavedTensor::Other(matrices)]).workspace(between + matrices, between)
            }
            // Integer factors repeat pixels in one step; others gather along one axis and then along the other.
            Interpolation::Nearest if to_h.is_multiple_of(h) && to_w.is_multiple_of(w) => {
                Footprint::new().workspace(BatchBytes::NONE, between)
            }
            Interpolation::Nearest => Footprint::new().workspace(between, between),
        }
    }

    fn canonical(&self, site: &NodeContext, _: usize) -> CanonicalForm {
        if site.keeps_size() {
            return CanonicalForm::Unchanged;
        }
        let aligned = self.mode == Interpolation::Bilinear && self.align_corners;
        let corners = if aligned { ", corners aligned" } else { "" };
        CanonicalForm::Function(format!("resize({} to {}{corners})", self.mode.text(), site.size()))
    }

    fn work(&self) -> WorkKind {
        match self.mode {
            Interpolation::Nearest => WorkKind::Nearest { module: self.module },
            Interpolation::Bilinear => WorkKind::Bilinear { module: self.module },
        }
    }
}
