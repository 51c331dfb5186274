//! Augmentation: `[flip(horizontal = 0.5), rotate(degrees = 15, p = 0.5)]`, or a set of them by name.
//!
//! A range is `[low, high]`; where it lies about 0 one number stands for both ends.

use super::value::{Read, call, field, list, number, of_key, word, wrong};
use crate::text::config::{Augment, Border, nnunet_like};
use crate::text::diag::{Code, Diagnostic, listed};
use crate::text::syntax::ast::{Expr, ExprKind};

/// Kinds and their keys.
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

pub(super) fn augment(e: &Expr) -> Read<Vec<Augment>> {
    match &e.kind {
        ExprKind::Name(name) if name == PRESET => return Ok(nnunet_like()),
        ExprKind::Name(_) | ExprKind::Call(_) => {
            return wrong(e, WANTED).map_err(|d: Diagnostic| d.help("put each kind into one list, in square brackets"));
        }
        _ => {}
    }
    let found = list(e, WANTED, |e| Ok((one(e)?, e.span)))?;
    for (i, (kind, span)) in found.iter().enumerate() {
        if let Some((_, first)) = found[..i].iter().find(|(k, _)| k.name() == kind.name()) {
            let d = Diagnostic::new(Code::E0202, *span, format!("`{}` is given twice", kind.name()));
            return Err(d.other(*first, "first given here").help("each image gets at most one change of each kind"));
        }
    }
    Ok(found.into_iter().map(|(kind, _)| kind).collect())
}

fn one(e: &Expr) -> Read<Augment> {
    let (name, f) = call(e, KINDS).map_err(|d| foreign(e, d))?;
    let p = |key, default| field(&f, key, default, number);
    let range = |key, default, read: fn(&Expr) -> Read<[f64; 2]>| field(&f, key, default, read);
    let has = |key| f.iter().any(|(k, _)| *k == key);
    let kind = match name {
        "flip" if f.is_empty() => {
            let d = Diagnostic::new(Code::E0207, e.span, "`flip` says neither `horizontal` nor `vertical`");
            return Err(d.help("write flip(horizontal = 0.5), flip(vertical = 0.5) or both: anatomy decides which"));
        }
        "flip" => Augment::Flip { horizontal: p("horizontal", 0.0)?, vertical: p("vertical", 0.0)? },
        "rot90" => Augment::Rot90 { p: p("p", 0.5)? },
        "rotate" => Augment::Rotate { degrees: range("degrees", [-15.0, 15.0], about_zero)?, p: p("p", 0.5)? },
        "scale" => Augment::Scale { factor: range("factor", [0.8, 1.25], pair)?, p: p("p", 0.5)? },
        "shift" => Augment::Shift { limit: range("limit", [-0.1, 0.1], about_zero)?, p: p("p", 0.5)? },
        "crop" => Augment::Crop { area: range("area", [0.5, 1.0], |e| up_to(e, 1.0))?, p: p("p", 0.5)? },
        "elastic" => Augment::Elastic {
            alpha: range("alpha", [0.0, 100.0], from_zero)?,
            sigma: range("sigma", [8.0, 12.0], fixed)?,
            p: p("p", 0.5)?,
        },
        "border" => Augment::Border {
            rule: field(&f, "rule", Border::Reflect, |e| {
                word(e, &[("reflect", Border::Reflect), ("constant", Border::Constant)])
            })?,
            value: p("value", 0.0)?,
        },
        "noise" => Augment::Noise { std: range("std", [0.0, 0.05], from_zero)?, p: p("p", 0.5)? },
        "blur" => Augment::Blur { sigma: range("sigma", [0.5, 1.0], from_zero)?, p: p("p", 0.5)? },
        "brightness" => {
            let none = if has("factor") { 0.0 } else { 0.1 };
            Augment::Brightness {
                offset: range("offset", [-none, none], about_zero)?,
                factor: range("factor", [1.0, 1.0], pair)?,
                p: p("p", 0.5)?,
            }
        }
        "contrast" => Augment::Contrast { factor: range("factor", [0.8, 1.25], pair)?, p: p("p", 0.5)? },
        "low_resolution" => {
            Augment::LowResolution { factor: range("factor", [0.5, 1.0], |e| up_to(e, 1.0))?, p: p("p", 0.5)? }
        }
        "gamma" => {
            Augment::Gamma { gamma: range("gamma", [0.7, 1.5], pair)?, invert: p("invert", 0.0)?, p: p("p", 0.5)? }
        }
        // `call` let no other name through.
        _ => return wrong(e, WANTED),
    };
    kind.check().map_err(|(key, wanted)| {
        let span = f.iter().find(|(k, _)| *k == key).map_or(e.span, |(_, value)| value.span);
        of_key(Diagnostic::new(Code::E0206, span, format!("expected {wanted}")), key)
    })?;
    if let Augment::Border { rule: Border::Reflect, .. } = kind
        && has("value")
    {
        let d = Diagnostic::new(Code::E0206, e.span, "`value` is for border(constant)");
        return Err(d.help("a reflected border shows the image itself"));
    }
    Ok(kind)
}

/// `[low, high]`.
fn pair(e: &Expr) -> Read<[f64; 2]> {
    const RANGE: &str = "a range [low, high]";
    match list(e, RANGE, number)?[..] {
        [low, high] if low <= high => Ok([low, high]),
        [low, high] => wrong(e, RANGE).map_err(|d: Diagnostic| d.help(format!("write [{high}, {low}]"))),
        _ => wrong(e, RANGE),
    }
}

fn or_pair(e: &Expr, wanted: &str, single: impl FnOnce(f64) -> Option<[f64; 2]>) -> Read<[f64; 2]> {
    match &e.kind {
        ExprKind::List(_) => pair(e),
        _ => match number(e).ok().and_then(single) {
            Some(range) => Ok(range),
            None => wrong(e, wanted),
        },
    }
}

/// A number stands for the range from its negative to it.
fn about_zero(e: &Expr) -> Read<[f64; 2]> {
    or_pair(e, "a number of at least 0, or a range [low, high]", |x| (x >= 0.0).then_some([-x, x]))
}

/// A number stands for the range from 0 to it.
fn from_zero(e: &Expr) -> Read<[f64; 2]> {
    or_pair(e, "a number of at least 0, or a range [low, high]", |x| (x >= 0.0).then_some([0.0, x]))
}

/// A number stands for itself.
fn fixed(e: &Expr) -> Read<[f64; 2]> {
    or_pair(e, "a number, or a range [low, high]", |x| Some([x, x]))
}

/// A number stands for the range from it to `most`.
fn up_to(e: &Expr, most: f64) -> Read<[f64; 2]> {
    or_pair(e, "a number, or a range [low, high]", |x| Some([x, most.max(x)]))
}

/// What other libraries call it.
fn foreign(e: &Expr, d: Diagnostic) -> Diagnostic {
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
            let names = listed(KINDS.iter().map(|(n, _)| *n));
            return if d.suggestions.is_empty() { d.help(format!("the kinds are {names}")) } else { d };
        }
    };
    let mut d = Diagnostic::new(Code::E0206, e.span, format!("there is no augmentation `{name}`"));
    d = d.help(format!("write {ours}"));
    d
}
