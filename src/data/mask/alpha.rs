//! Masks whose shape is in the alpha channel.

use crate::base::count::{counted, counted_of};
use crate::base::error::Result;
use crate::base::problem::problem;
use crate::data::notice::{FileNotice, FileRole, NoticeTopic};
use crate::data::pixels::{AlphaPlane, Pixels};
use crate::text::config::DataSpec;
use std::path::Path;

/// Share of partly transparent pixels above which a mask gets a warning.
const MAX_PARTLY: f64 = 0.1;

/// Refuses alpha that says something: it is not opaque everywhere, and the rule does not use it.
pub(super) fn refuse(pixels: &Pixels, spec: &DataSpec, path: &Path) -> Result<()> {
    let Some(alpha) = &pixels.alpha else { return Ok(()) };
    let width = pixels.size[1];
    if !alpha.named {
        return Err(problem!(
            E0713,
            path,
            "the mask has a further sample a pixel whose meaning the file does not give";
            help: "save the mask with one grey value or three colours a pixel"
        ));
    }
    let n = alpha.values.len();
    let is_opaque = |i: &usize| alpha.values.at(*i) == alpha.opaque;
    let (first, count) = ((0..n).find(|i| !is_opaque(i)).unwrap_or(0), (0..n).filter(|i| !is_opaque(i)).count());
    let error = problem!(
        E0713,
        path,
        "{} of the mask are transparent, the first at x {}, y {} (alpha {} of {})",
        counted_of(count, n, "pixel"),
        first % width,
        first / width,
        alpha.values.at(first),
        alpha.opaque
    );
    let flatten = "flatten the mask on its background if alpha says nothing: `magick IN.png -alpha off OUT.png`";
    Err(match spec.classes.as_slice() {
        [_, second] => error
            .help(format!("if alpha is the mask, write `mask = alpha`: opaque pixels become class `{second}`"))
            .help(flatten),
        _ => error.help(flatten),
    })
}

/// Applies `mask = alpha`: a pixel that is more than half opaque has the second class.
pub(super) fn classes(
    pixels: &Pixels,
    spec: &DataSpec,
    path: &Path,
    warnings: &mut Vec<FileNotice>,
) -> Result<Vec<u8>> {
    let [_, second] = spec.classes.as_slice() else {
        return Err(problem!(
            E0716,
            "data `{}` has {}, but alpha separates only two",
            spec.name,
            counted(spec.classes.len(), "class");
            help: "mask = exact"
        ));
    };
    let mut warn = |text: String| warnings.push(FileNotice::new(NoticeTopic::MaskValues, FileRole::Mask, path, text));
    let Some(AlphaPlane { values, opaque, named: true }) = &pixels.alpha else {
        return match (pixels.opaque_alpha, &pixels.alpha) {
            (true, _) => {
                warn(format!("alpha is opaque everywhere, so the whole mask is class `{second}`"));
                Ok(vec![1; pixels.size[0] * pixels.size[1]])
            }
            (false, _) => Err(problem!(
                E0713,
                path,
                "the mask has no alpha channel, which `mask = alpha` reads";
                help: "store all masks with alpha, or all without it and leave out `mask = alpha`"
            )),
        };
    };
    let n = values.len();
    let partly = (0..n).filter(|&i| values.at(i) > opaque / 8.0 && values.at(i) < opaque * 7.0 / 8.0).count();
    if partly as f64 > MAX_PARTLY * n as f64 {
        let percent = 100.0 * partly as f64 / n as f64;
        warn(format!(
            "{percent:.0} % of the mask's pixels are partly transparent; the more opaque half becomes class `{second}`"
        ));
    }
    Ok((0..n).map(|i| u8::from(2.0 * values.at(i) > *opaque)).collect())
}
