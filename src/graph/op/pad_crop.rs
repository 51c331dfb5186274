//! Padding and cropping of maps.

use super::footprint::{Footprint, GradientStorage, OutputStorage, PassKind};
use super::read_pattern::map_size;
use super::refusal::{Refusal, RefusalKind, check_axis, expect_map};
use super::signature::{ArgKind, ArgValue, PAIR0, arg, required};
use super::{
    AXES, Arity, CanonicalForm, NodeContext, Operator, ParamSpec, ReadPattern, Signature, WorkKind, call_text,
    kernel_text, size_text,
};
use crate::base::count::counted;
use crate::graph::ty::{FormulaContext, FormulaType, Shape, TensorType};

const BORDERS: ArgKind = ArgKind::Word(&["constant", "reflect", "replicate"]);

/// Call forms of the operators of this file.
pub(super) const SIGNATURES: &[Signature] = &[
    Signature {
        name: "pad",
        inputs: &["x"],
        variadic: false,
        args: &[required("sides", ArgKind::Sides), arg("mode", BORDERS)],
        build: |a| {
            let sides = if let Some(ArgValue::Sides(sides)) = a.get("sides") { *sides } else { [0; 4] };
            let mode = match a.get("mode") {
                Some(ArgValue::Word("reflect")) => PaddingMode::Reflect,
                Some(ArgValue::Word("replicate")) => PaddingMode::Replicate,
                _ => PaddingMode::Constant,
            };
            Ok(Padding { sides, mode }.into())
        },
        summary: "pixels around a map, [top, bottom, left, right]; mode = constant (zeros)",
    },
    Signature {
        name: "crop",
        inputs: &["x"],
        variadic: false,
        args: &[required("to", ArgKind::Size), arg("at", PAIR0)],
        build: |a| {
            let size = if let Some(ArgValue::Size(size)) = a.get("to") { Some(*size) } else { None };
            Ok(Crop { size, at: a.given_pair("at") }.into())
        },
        summary: "the middle of a map, `to` a tensor's size or [h, w], or the window `at` [top, left]",
    },
];

/// The values of padded pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PaddingMode {
    /// Zeros.
    Constant,
    /// The map mirrored at its outermost pixels, which are not repeated.
    Reflect,
    /// The outermost pixels, repeated.
    Replicate,
}

impl PaddingMode {
    /// Returns the word of the language: `constant`, `reflect` or `replicate`.
    pub fn text(self) -> &'static str {
        match self {
            PaddingMode::Constant => "constant",
            PaddingMode::Reflect => "reflect",
            PaddingMode::Replicate => "replicate",
        }
    }
}

/// Adds pixels around a map, as `torch.nn.functional.pad`, which lists the sides in another order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Padding {
    /// Pixels added at the top, bottom, left and right.
    pub sides: [usize; 4],
    /// The values of the added pixels; default [`PaddingMode::Constant`].
    pub mode: PaddingMode,
}

/// Crops a window of a map: `x[:, :, top : top + h, left : left + w]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Crop {
    /// Height and width of the window; `None` for those of a second input (the centre crop of U-Net's skips).
    pub size: Option<[usize; 2]>,
    /// Top and left of the window; `None` for the middle, with half of the removed pixels, rounded down, before it.
    pub at: Option<[usize; 2]>,
}

impl Operator for Padding {
    fn name(&self) -> &'static str {
        "pad"
    }

    fn config(&self) -> Vec<(&'static str, String)> {
        let [top, bottom, left, right] = self.sides;
        vec![("sides", format!("[{top}, {bottom}, {left}, {right}]")), ("mode", self.mode.text().into())]
    }

    fn kernel(&self) -> String {
        kernel_text(self)
    }

    fn arity(&self) -> Arity {
        Arity::Exactly(1)
    }

    fn reads(&self, _: usize, _: &[TensorType], _: &[TensorType]) -> [ReadPattern; 2] {
        let [top, _, left, _] = self.sides;
        // The sides are no larger than an axis may be.
        [top, left].map(|before| ReadPattern::Shift(-(before as i64)))
    }

    fn infer(&self, inputs: &[TensorType]) -> Result<Vec<TensorType>, Refusal> {
        let [c, h, w] = expect_map("pad", &inputs[0])?;
        let [top, bottom, left, right] = self.sides;
        let mut size = [h, w];
        for (i, [before, after]) in [[top, bottom], [left, right]].into_iter().enumerate() {
            let most = before.max(after);
            if self.mode == PaddingMode::Reflect && most >= size[i] {
                let (name, n) = (AXES[i], size[i]);
                let message = format!("`pad` cannot reflect {} of a {name} of {n}", counted(most, "pixel"));
                return Err(Refusal::new(RefusalKind::Setting, message)
                    .help(format!("{} at most, or `mode = replicate`", n - 1)));
            }
            size[i] = check_axis("pad", size[i] as u128 + before as u128 + after as u128)?;
        }
        Ok(vec![TensorType::Tensor(Shape::map(c, size[0], size[1]))])
    }

    fn formulas(&self, f: &mut FormulaContext) -> Option<Vec<FormulaType>> {
        let [c, h, w] = f.map(0)?;
        let [top, bottom, left, right] = self.sides.map(|n| n as i128);
        let mut out = Vec::new();
        for (i, (size, [before, after])) in [h, w].into_iter().zip([[top, bottom], [left, right]]).enumerate() {
            let most = before.max(after);
            if self.mode == PaddingMode::Reflect && most > 0 {
                f.at_least(&size, most + 1, || format!("`pad` reflects {} of a {}", counted(most, "pixel"), AXES[i]))?;
            }
            out.push(size.plus_n(before + after)?);
        }
        let [h, w] = [out.remove(0), out.remove(0)];
        Some(vec![FormulaType::map(c, h, w)])
    }

    fn params(&self, _: &[TensorType]) -> Vec<ParamSpec> {
        Vec::new()
    }

    fn memory(&self, _: PassKind, _: &[TensorType], _: &[TensorType]) -> Footprint {
        // burn-autodiff `ops/tensor.rs`: `float_slice_assign` and `float_cat` save nothing; the gradient is a view.
        Footprint::new().gradient(GradientStorage::Alias)
    }

    fn canonical(&self, _: &NodeContext, _: usize) -> CanonicalForm {
        if self.sides == [0; 4] { CanonicalForm::Unchanged } else { CanonicalForm::Function(call_text(self)) }
    }

    fn work(&self) -> WorkKind {
        WorkKind::Uncounted
    }
}

impl Crop {
    /// Returns the top and left of the window in a map of size `from`; `None` if the window does not fit.
    pub fn start(&self, from: [usize; 2], to: [usize; 2]) -> Option<[usize; 2]> {
        let mut start = [0; 2];
        for i in 0..2 {
            let room = from[i].checked_sub(to[i])?;
            start[i] = self.at.map_or(room / 2, |at| at[i]);
            if start[i] > room {
                return None;
            }
        }
        Some(start)
    }
}

impl Operator for Crop {
    fn name(&self) -> &'static str {
        "crop"
    }

    fn config(&self) -> Vec<(&'static str, String)> {
        let text = |[a, b]: [usize; 2]| format!("[{a}, {b}]");
        let mut config: Vec<_> = self.size.iter().map(|&size| ("to", text(size))).collect();
        config.extend(self.at.map(|at| ("at", text(at))));
        config
    }

    fn kernel(&self) -> String {
        let to = self.size.map_or("like operand 2".into(), |size| format!("to {}", size_text(size)));
        let at = self.at.map_or("centre".into(), |[top, left]| format!("at {top}, {left}"));
        format!("crop({to}, {at})")
    }

    fn arity(&self) -> Arity {
        Arity::Exactly(if self.size.is_some() { 1 } else { 2 })
    }

    fn reads(&self, slot: usize, inputs: &[TensorType], outputs: &[TensorType]) -> [ReadPattern; 2] {
        let start = self.start(map_size(&inputs[0]), map_size(&outputs[0]));
        match (slot, start) {
            (0, Some(start)) => start.map(|at| ReadPattern::Shift(at as i64)),
            _ => [ReadPattern::Nothing; 2],
        }
    }

    fn infer(&self, inputs: &[TensorType]) -> Result<Vec<TensorType>, Refusal> {
        let [c, h, w] = expect_map("crop", &inputs[0])?;
        let [th, tw] = match self.size {
            Some(size) => size,
            None => {
                let [_, h, w] = expect_map("crop(to = ...)", &inputs[1])?;
                [h, w]
            }
        };
        if th == 0 || tw == 0 {
            let message = format!("`crop` to {th}x{tw} leaves nothing");
            return Err(Refusal::new(RefusalKind::Setting, message).help("the smallest size is 1"));
        }
        if self.start([h, w], [th, tw]).is_none() {
            let place = self.at.map(|[top, left]| format!(" at [{top}, {left}]")).unwrap_or_default();
            let message = format!("`crop` cannot cut {th}x{tw}{place} out of a map of {h}x{w}");
            let kind = if self.size.is_some() { RefusalKind::Setting } else { RefusalKind::Mismatch };
            let help = match self.at {
                Some(_) if th <= h && tw <= w => format!("`at` is [{}, {}] at most", h - th, w - tw),
                _ => "crop the larger map, or use `resize` or `pad`".into(),
            };
            return Err(Refusal::new(kind, message).help(help));
        }
        Ok(vec![TensorType::Tensor(Shape::map(c, th, tw))])
    }

    fn formulas(&self, f: &mut FormulaContext) -> Option<Vec<FormulaType>> {
        let [c, h, w] = f.map(0)?;
        let to = match self.size {
            Some(size) => f.size(size),
            None => {
                let [_, h, w] = f.map(1)?;
                [h, w]
            }
        };
        for (i, (from, to)) in [h, w].iter().zip(&to).enumerate() {
            let end = to.plus_n(self.at.map_or(0, |at| at[i]) as i128)?;
            f.at_least(&from.minus(&end)?, 0, || format!("`crop` cuts a window of a {}", AXES[i]))?;
        }
        let [h, w] = to;
        Some(vec![FormulaType::map(c, h, w)])
    }

    fn params(&self, _: &[TensorType]) -> Vec<ParamSpec> {
        Vec::new()
    }

    fn memory(&self, _: PassKind, _: &[TensorType], _: &[TensorType]) -> Footprint {
        // burn-flex `ops/slice.rs`: a view. Its gradient is a map of zeros that contains the gradient of the window
        // (burn-autodiff `ops/tensor.rs`, `float_slice`).
        Footprint::new().output(OutputStorage::Part(0))
    }

    fn canonical(&self, site: &NodeContext, _: usize) -> CanonicalForm {
        if site.keeps_size() {
            return CanonicalForm::Unchanged;
        }
        let at = self.at.map_or("the middle".into(), |at| format!("{at:?}"));
        CanonicalForm::Function(format!("crop(to {} at {at})", site.size()))
    }

    fn work(&self) -> WorkKind {
        WorkKind::Uncounted
    }
}
