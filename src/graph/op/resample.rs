//! Interpolation.

use super::footprint::{Bytes, Footprint, Gradient, Pass, Saved, Storage};
use super::reads::{Mode, on_axes};
use super::refusal::{Refusal, axis, map_of, setting};
use super::signature::{ArgKind, ArgValue, Args, PAIR, arg, required};
use super::{Arity, Canonical, Operator, ParamSpec, Reads, Signature, Site, Work, by, pair_text};
use crate::graph::ty::{FormulaContext, FormulaType, Shape, TensorType};

const MODES: ArgKind = ArgKind::Word(&["nearest", "bilinear"]);

fn mode(args: &Args, default: Mode) -> Mode {
    match args.get("mode") {
        Some(ArgValue::Word("nearest")) => Mode::Nearest,
        Some(ArgValue::Word("bilinear")) => Mode::Bilinear,
        _ => default,
    }
}

/// How the operators of this file are called.
pub(super) const SIGNATURES: &[Signature] = &[
    Signature {
        name: "resize",
        inputs: &["x"],
        variadic: false,
        args: &[arg("factor", PAIR), arg("to", ArgKind::Size), arg("mode", MODES), arg("align_corners", ArgKind::Bool)],
        build: |a| {
            let target = match (a.get("factor"), a.get("to")) {
                (Some(ArgValue::Pair(factor)), None) => Target::Factor(*factor),
                (None, Some(ArgValue::Size(size))) => Target::Size(*size),
                (None, Some(_)) => Target::Like,
                _ => return Err(setting("`resize` takes either a factor or `to`".into())),
            };
            let align_corners = a.bool("align_corners", false);
            Ok(Resize { target, mode: mode(a, Mode::Bilinear), align_corners, module: false }.into())
        },
        summary: "interpolation by a factor or `to` a tensor's size or [h, w]; mode = bilinear, align_corners = false",
    },
    Signature {
        name: "up",
        inputs: &["x"],
        variadic: false,
        args: &[required("factor", PAIR), arg("mode", MODES), arg("align_corners", ArgKind::Bool)],
        build: |a| {
            let target = Target::Factor(a.pair("factor", [2, 2]));
            let align_corners = a.bool("align_corners", false);
            Ok(Resize { target, mode: mode(a, Mode::Nearest), align_corners, module: true }.into())
        },
        summary: "upsampling by a factor; mode = nearest, align_corners = false",
    },
];

/// The height and width that a [`Resize`] gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
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
    pub target: Target,
    /// How pixels are weighed; default bilinear for `resize`, nearest for `up`.
    pub mode: Mode,
    /// Whether the centres of the corner pixels of input and output coincide, for bilinear interpolation alone; default
    /// `false`.
    pub align_corners: bool,
    /// Written `up` (a module in PyTorch) and not `resize` (a functional call there). The numbers are the same.
    pub module: bool,
}

impl Operator for Resize {
    fn name(&self) -> &'static str {
        if self.module { "up" } else { "resize" }
    }

    fn config(&self) -> Vec<(&'static str, String)> {
        let mut config = match &self.target {
            Target::Like => Vec::new(),
            Target::Size([h, w]) => vec![("to", format!("[{h}, {w}]"))],
            Target::Factor(factor) => vec![("factor", pair_text(*factor))],
        };
        config.push(("mode", self.mode.text().into()));
        if self.mode == Mode::Bilinear {
            config.push(("align_corners", self.align_corners.to_string()));
        }
        config
    }

    fn kernel(&self) -> String {
        let target = match self.target {
            Target::Like => "like operand 2".into(),
            Target::Size(size) => format!("to {}", by(size)),
            Target::Factor(factor) => format!("times {}", by(factor)),
        };
        let corners = if self.align_corners { ", align_corners" } else { "" };
        format!("{}({target}{corners})", self.mode.text())
    }

    fn arity(&self) -> Arity {
        match self.target {
            Target::Like => Arity::Exactly(2),
            Target::Size(_) | Target::Factor(_) => Arity::Exactly(1),
        }
    }

    fn reads(&self, slot: usize, inputs: &[TensorType], outputs: &[TensorType]) -> [Reads; 2] {
        match slot {
            0 => on_axes(&inputs[0], &outputs[0], |from, to| {
                Reads::interpolated(self.mode, self.align_corners, from, to)
            }),
            _ => [Reads::Nothing; 2],
        }
    }

    fn infer(&self, inputs: &[TensorType]) -> Result<Vec<TensorType>, Refusal> {
        let [c, h, w] = map_of(self.name(), &inputs[0])?;
        let [h, w] = match self.target {
            Target::Like => {
                let [_, h, w] = map_of("resize(to = ...)", &inputs[1])?;
                [h, w]
            }
            Target::Size(size) => size,
            Target::Factor([fh, fw]) => {
                [axis(self.name(), h as u128 * fh as u128)?, axis(self.name(), w as u128 * fw as u128)?]
            }
        };
        Ok(vec![TensorType::Tensor(Shape::map(c, h, w))])
    }

    fn formulas(&self, f: &mut FormulaContext) -> Option<Vec<FormulaType>> {
        let [c, h, w] = f.map(0)?;
        let [h, w] = match self.target {
            Target::Like => {
                let [_, h, w] = f.map(1)?;
                [h, w]
            }
            Target::Size(size) => f.size(size),
            Target::Factor([fh, fw]) => [h.times_n(fh as i128)?, w.times_n(fw as i128)?],
        };
        Some(vec![FormulaType::map(c, h, w)])
    }

    fn params(&self, _: &[TensorType]) -> Vec<ParamSpec> {
        Vec::new()
    }

    fn memory(&self, _: Pass, inputs: &[TensorType], outputs: &[TensorType]) -> Footprint {
        // `compute/exec/resample.rs`.
        let (Some([h, w]), Some([to_h, to_w])) = (inputs[0].shape().spatial(), outputs[0].shape().spatial()) else {
            return Footprint::new();
        };
        if [h, w] == [to_h, to_w] {
            return Footprint::new().output(Storage::Alias(0)).gradient(Gradient::Alias);
        }
        let rows = inputs[0].shape().channels() as u64 * h as u64;
        let across = Bytes::words_per_image(rows.saturating_mul(to_w as u64));
        let both = h != to_h && w != to_w;
        let between = if both { across } else { Bytes::NONE };
        match self.mode {
            // The matrices of the axes that change; the gradient goes back through the map that is resized along one.
            Mode::Bilinear => {
                let matrix =
                    |from: usize, to: usize| if from == to { 0 } else { (from as u64).saturating_mul(to as u64) };
                let matrices = Bytes::words(matrix(h, to_h).saturating_add(matrix(w, to_w)));
                Footprint::new().saves([Saved::Other(matrices)]).workspace(between + matrices, between)
            }
            // Repeated at once, or picked along one axis and then the other.
            Mode::Nearest if to_h.is_multiple_of(h) && to_w.is_multiple_of(w) => {
                Footprint::new().workspace(Bytes::NONE, between)
            }
            Mode::Nearest => Footprint::new().workspace(between, between),
        }
    }

    fn canonical(&self, site: &Site, _: usize) -> Canonical {
        if site.keeps_size() {
            return Canonical::Unchanged;
        }
        let aligned = self.mode == Mode::Bilinear && self.align_corners;
        let corners = if aligned { ", corners aligned" } else { "" };
        Canonical::Function(format!("resize({} to {}{corners})", self.mode.text(), site.size()))
    }

    fn work(&self) -> Work {
        match self.mode {
            Mode::Nearest => Work::Nearest { module: self.module },
            Mode::Bilinear => Work::Bilinear { module: self.module },
        }
    }
}
