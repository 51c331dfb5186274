//! Augmentations: `[flip(horizontal = 0.5), rotate(degrees = 15, p = 0.5)]`, or the name of a preset.
//!
//! A range is `[low, high]`. Some keys also accept one number, which sets both ends.

use super::value::{ReadResult, call, expected, field, list, number, word};
use crate::base::problem::problem;
use crate::text::config::{Augmentation, BorderMode, nnunet_like};
use crate::text::diag::{Diagnostic, quoted_list};
use crate::text::syntax::ast::{Expr, ExprKind};

/// The kinds with their keys.
const KINDS: &[(&str, &[&str])] = &[
    ("flip", &["horizontal", "vertical"]),
    ("rot90", &["p"]),
    ("rotate", &["degrees", "p"]),
    ("scale", &["factor", "p"]),
    ("shift", &["limit", "p"]),
    ("crop", &["area", "p"]),
    ("elastic", &["alpha", "sigma", "p"]),
    ("border", &["rule", "value"]),
    ("noise", &["std", "p"]),
    ("blur", &["sigma", "p"]),
    ("brightness", &["offset", "factor", "p"]),
    ("contrast", &["factor", "p"]),
    ("low_resolution", &["factor", "p"]),
    ("gamma", &["gamma", "invert", "p"]),
];

const PRESET: &str = "nnunet_like";
const WANTED: &str = "a list such as [flip(horizontal = 0.5), rotate(degrees = 15, p = 0.5)], or nnunet_like";

pub(super) fn augment(e: &Expr) -> ReadResult<Vec<Augmentation>> {
    match &e.kind {
        ExprKind::Name(name) if name == PRESET => return Ok(nnunet_like()),
        ExprKind::Name(_) | ExprKind::Call(_) => {
            return Err(problem!(E0206, e.span, "expected {WANTED}";
                help: "write all augmentations as one list in square brackets"));
        }
        _ => {}
    }
    let found = list(e, WANTED, |e| Ok((augmentation(e)?, e.span)))?;
    for (i, (kind, span)) in found.iter().enumerate() {
        if let Some((_, first)) = found[..i].iter().find(|(k, _)| k.name() == kind.name()) {
            return Err(problem!(E0202, *span, "`{}` is given twice", kind.name();
                other[*first]: "first given here";
                help: "each image gets at most one augmentation of each kind"));
        }
    }
    Ok(found.into_iter().map(|(kind, _)| kind).collect())
}

fn augmentation(e: &Expr) -> ReadResult<Augmentation> {
    let (name, fields) = call(e, KINDS).map_err(|d| suggest_own_name(e, d))?;
    let probability = |key, default| field(&fields, key, default, number);
    let range = |key, default, read: fn(&Expr) -> ReadResult<[f64; 2]>| field(&fields, key, default, read);
    let has = |key| fields.iter().any(|(k, _)| *k == key);
    let kind = match name {
        "flip" if fields.is_empty() => {
            return Err(problem!(E0207, e.span, "`flip` needs `horizontal`, `vertical` or both";
                help: "write flip(horizontal = 0.5), flip(vertical = 0.5) or both, as the anatomy allows"));
        }
        "flip" => {
            Augmentation::Flip { horizontal: probability("horizontal", 0.0)?, vertical: probability("vertical", 0.0)? }
        }
        "rot90" => Augmentation::Rot90 { p: probability("p", 0.5)? },
        "rotate" => Augmentation::Rotate {
            degrees: range("degrees", [-15.0, 15.0], symmetric_range)?,
            p: probability("p", 0.5)?,
        },
        "scale" => Augmentation::Scale { factor: range("factor", [0.8, 1.25], range_pair)?, p: probability("p", 0.5)? },
        "shift" => {
            Augmentation::Shift { limit: range("limit", [-0.1, 0.1], symmetric_range)?, p: probability("p", 0.5)? }
        }
        "crop" => {
            Augmentation::Crop { area: range("area", [0.5, 1.0], |e| range_up_to(e, 1.0))?, p: probability("p", 0.5)? }
        }
        "elastic" => Augmentation::Elastic {
            alpha: range("alpha", [0.0, 100.0], range_from_zero)?,
            sigma: range("sigma", [8.0, 12.0], constant_range)?,
            p: probability("p", 0.5)?,
        },
        "border" => Augmentation::Border {
            rule: field(&fields, "rule", BorderMode::Reflect, |e| {
                word(e, &[("reflect", BorderMode::Reflect), ("constant", BorderMode::Constant)])
            })?,
            value: field(&fields, "value", 0.0, number)?,
        },
        "noise" => Augmentation::Noise { std: range("std", [0.0, 0.05], range_from_zero)?, p: probability("p", 0.5)? },
        "blur" => Augmentation::Blur { sigma: range("sigma", [0.5, 1.0], range_from_zero)?, p: probability("p", 0.5)? },
        "brightness" => {
            let none = if has("factor") { 0.0 } else { 0.1 };
            Augmentation::Brightness {
                offset: range("offset", [-none, none], symmetric_range)?,
                factor: range("factor", [1.0, 1.0], range_pair)?,
                p: probability("p", 0.5)?,
            }
        }
        "contrast" => {
            Augmentation::Contrast { factor: range("factor", [0.8, 1.25], range_pair)?, p: probability("p", 0.5)? }
        }
        "low_resolution" => Augmentation::LowResolution {
            factor: range("factor", [0.5, 1.0], |e| range_up_to(e, 1.0))?,
            p: probability("p", 0.5)?,
        },
        "gamma" => Augmentation::Gamma {
            gamma: range("gamma", [0.7, 1.5], range_pair)?,
            invert: probability("invert", 0.0)?,
            p: probability("p", 0.5)?,
        },
        // `call` accepts no other name.
        _ => return expected(e, WANTED),
    };
    kind.check().map_err(|(key, wanted)| {
        let span = fields.iter().find(|(k, _)| *k == key).map_or(e.span, |(_, value)| value.span);
        problem!(E0206, span, "`{key}` takes {wanted}")
    })?;
    if let Augmentation::Border { rule: BorderMode::Reflect, .. } = kind
        && has("value")
    {
        return Err(problem!(E0206, e.span, "`value` is only for border(constant)";
            help: "a reflected border mirrors the image and has no constant value"));
    }
    Ok(kind)
}

/// Reads a range `[low, high]`.
fn range_pair(e: &Expr) -> ReadResult<[f64; 2]> {
    const RANGE: &str = "a range [low, high]";
    match list(e, RANGE, number)?[..] {
        [low, high] if low <= high => Ok([low, high]),
        [low, high] => Err(problem!(E0206, e.span, "expected {RANGE}"; help: "write [{high}, {low}]")),
        _ => expected(e, RANGE),
    }
}

fn number_or_range(e: &Expr, wanted: &str, single: impl FnOnce(f64) -> Option<[f64; 2]>) -> ReadResult<[f64; 2]> {
    match &e.kind {
        ExprKind::List(_) => range_pair(e),
        _ => match number(e).ok().and_then(single) {
            Some(range) => Ok(range),
            None => expected(e, wanted),
        },
    }
}

/// Reads a range, or a number `x` for `[-x, x]`.
fn symmetric_range(e: &Expr) -> ReadResult<[f64; 2]> {
    number_or_range(e, "a number of at least 0, or a range [low, high]", |x| (x >= 0.0).then_some([-x, x]))
}

/// Reads a range, or a number `x` for `[0, x]`.
fn range_from_zero(e: &Expr) -> ReadResult<[f64; 2]> {
    number_or_range(e, "a number of at least 0, or a range [low, high]", |x| (x >= 0.0).then_some([0.0, x]))
}

/// Reads a range, or a number `x` for `[x, x]`.
fn constant_range(e: &Expr) -> ReadResult<[f64; 2]> {
    number_or_range(e, "a number, or a range [low, high]", |x| Some([x, x]))
}

/// Reads a range, or a number `x` for `[x, most]`.
fn range_up_to(e: &Expr, most: f64) -> ReadResult<[f64; 2]> {
    number_or_range(e, "a number, or a range [low, high]", |x| Some([x, most.max(x)]))
}

/// Adds npc's name for an augmentation that other libraries call differently.
fn suggest_own_name(e: &Expr, d: Diagnostic) -> Diagnostic {
    let name = match &e.kind {
        ExprKind::Call(call) => call.name.node.as_str(),
        ExprKind::Name(name) => name,
        _ => return d,
    };
    if KINDS.iter().any(|(n, _)| *n == name) {
        return d;
    }
    let lower = name.to_lowercase();
    let ours = match lower.trim_start_matches("rand").trim_start_matches(['_', 'o', 'm']) {
        "hflip" | "horizontalflip" | "horizontal_flip" | "fliplr" => "flip(horizontal = 0.5)",
        "vflip" | "verticalflip" | "vertical_flip" | "flipud" => "flip(vertical = 0.5)",
        "mirror" => "flip(horizontal = 0.5, vertical = 0.5)",
        "translate" => "shift(limit = 0.1)",
        "zoom" => "scale(factor = [0.8, 1.25])",
        "affine" | "shift_scale_rotate" | "shiftscalerotate" => "rotate, scale and shift, each with its own p",
        "resized_crop" | "resizedcrop" => "crop(area = 0.5)",
        "elastic_transform" | "elastictransform" | "elastic_deformation" => "elastic(alpha = 100, sigma = 10)",
        "gaussian_noise" | "gaussiannoise" | "gauss_noise" | "gaussnoise" => "noise(std = 0.05)",
        "gaussian_blur" | "gaussianblur" | "gaussian_smooth" | "smooth" => "blur(sigma = [0.5, 1])",
        "gamma_correction" | "adjust_contrast" => "gamma(gamma = [0.7, 1.5])",
        "downsample" | "simulate_low_resolution" => "low_resolution(factor = 0.5)",
        _ => {
            let names = quoted_list(KINDS.iter().map(|(n, _)| *n));
            return if d.suggestions.is_empty() { d.help(format!("the kinds are {names}")) } else { d };
        }
    };
    problem!(E0206, e.span, "there is no augmentation `{name}`"; help: "write {ours}")
}
