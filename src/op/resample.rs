//! Interpolation.

use super::reads::on_axes;
use super::{Arity, Operator, ParamSpec, Reads, Refusal, axis, map_of, pair_text};
use crate::ty::{Dim, FormulaType, Formulas, Shape, TensorType};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    Nearest,
    Bilinear,
}

impl Mode {
    pub fn text(self) -> &'static str {
        match self {
            Mode::Nearest => "nearest",
            Mode::Bilinear => "bilinear",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// Height and width of a second input.
    Like,
    Size([usize; 2]),
    Factor([usize; 2]),
}

/// Interpolation to another height and width, as `torch.nn.functional.interpolate`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resize {
    pub target: Target,
    pub mode: Mode,
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

    fn formulas(&self, f: &mut Formulas) -> Option<Vec<FormulaType>> {
        let [c, h, w] = f.map(0)?;
        let [h, w] = match self.target {
            Target::Like => {
                let [_, h, w] = f.map(1)?;
                [h, w]
            }
            Target::Size(size) => f.written.clone().unwrap_or(size.map(Dim::from)),
            Target::Factor([fh, fw]) => [h.times_n(fh as i128)?, w.times_n(fw as i128)?],
        };
        Some(vec![FormulaType::map(c, h, w)])
    }

    fn params(&self, _: &[TensorType]) -> Vec<ParamSpec> {
        Vec::new()
    }

    fn macs(&self, _: &[TensorType], _: &[TensorType]) -> u64 {
        0
    }
}
