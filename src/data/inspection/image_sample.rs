//! Samples of the values of images, and the window that they suggest.

use super::data_guess::DataGuess;
use crate::base::code::Code;
use crate::base::error::Result;
use crate::data::central_range::spread;
use crate::data::class_counts::count_classes;
use crate::data::notice::FileRole;
use crate::data::pixels::Pixels;
use crate::data::volume::{self, VoxelGrid, is_volume};
use crate::data::{decode, mask};
use crate::text::config::case_rules::IGNORED_CLASS;
use crate::text::config::{DataSpec, OrientationRule, SliceAxis};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// The most values of one image that are kept, and of each class in it.
const VALUES: usize = 4096;
/// The most slices of a volume that are looked at, and of those with a class.
const SLICES: usize = 9;
/// Shares of the values below and above the window.
const TAIL: f64 = 0.005;

/// Some values of an image.
#[derive(Default)]
pub(super) struct ImageSample {
    pub values: Vec<f64>,
    /// Values inside each class of the mask but the first, by the index of the class.
    pub inside: BTreeMap<u8, Vec<f64>>,
    /// Name of the sample type.
    pub kind: &'static str,
}

impl ImageSample {
    /// Adds at most `most` values of a picture or a slice.
    fn add(&mut self, pixels: &Pixels, most: usize) {
        self.values.extend(spread(pixels.values.len(), most).map(|i| pixels.values.at(i)));
        self.kind = pixels.values.kind();
    }

    /// Adds at most `most` values inside each class. A mask of another size says nothing.
    fn add_inside(&mut self, pixels: &Pixels, classes: &[u8], most: usize) {
        if classes.len() * pixels.channels != pixels.values.len() {
            return;
        }
        for (class, count) in (0..=u8::MAX).zip(count_classes(classes)).filter(|(class, n)| is_object(*class) && *n > 0)
        {
            // Numbers of the pixels of this class that are kept, so that large masks need no list of all.
            let mut kept: Vec<usize> = spread(count as usize, most).collect();
            kept.sort_unstable();
            let of_class = classes.iter().enumerate().filter(|(_, other)| **other == class).map(|(i, _)| i);
            let mut kept = kept.into_iter().peekable();
            let chosen = of_class.enumerate().filter(|(n, _)| kept.next_if_eq(n).is_some());
            let values =
                chosen.flat_map(|(_, i)| (0..pixels.channels).map(move |c| pixels.values.at(pixels.channels * i + c)));
            self.inside.entry(class).or_default().extend(values);
        }
    }
}

fn is_object(class: u8) -> bool {
    class != 0 && class != IGNORED_CLASS
}

/// Reads an image and keeps some of its values, evenly spread, and some of those inside the classes of its mask. `spec` says what the
/// values of masks mean.
pub(super) fn sample_image([image, mask]: &[PathBuf; 2], spec: &DataSpec) -> Result<ImageSample> {
    let mut sample = ImageSample::default();
    if !is_volume(image) {
        let pixels = decode::read(image, FileRole::Image, spec)?;
        sample.add(&pixels, VALUES);
        // Pictures of 8 bits need no window.
        if sample.kind != "8-bit"
            && let Ok((classes, ..)) = mask::load_mask(spec, mask)
        {
            sample.add_inside(&pixels, &classes, VALUES);
        }
        return Ok(sample);
    }
    let axis = spec.slicing.axis;
    let volume = volume::read(image, None)?;
    let slices = volume.grid.count(axis);
    let shown = slices.min(SLICES);
    for i in 0..shown {
        sample.add(&volume.slice(axis, i * slices / shown, image)?, VALUES / shown);
    }
    let of_mask = volume::read(mask, Some(image))?;
    let classes =
        |i: usize| -> Result<Vec<u8>> { Ok(mask::classes(&mut of_mask.slice(axis, i, mask)?, spec, mask)?.0) };
    let with_object: Vec<usize> =
        (0..slices).filter(|i| classes(*i).is_ok_and(|classes| classes.into_iter().any(is_object))).collect();
    let shown = with_object.len().min(SLICES);
    for i in (0..shown).map(|i| with_object[i * with_object.len() / shown]) {
        sample.add_inside(&volume.slice(axis, i, image)?, &classes(i)?, VALUES / shown);
    }
    Ok(sample)
}

/// Returns height and width of a picture without decoding it, and the rule for its orientation tag if it has one. `of_mask` is the
/// size of its mask: a mask with the shape of the stored pixels was drawn on them.
pub(super) fn picture_size(
    path: &Path,
    of_mask: [usize; 2],
    reading: &DataSpec,
) -> Result<([usize; 2], Option<OrientationRule>)> {
    match decode::size(path, reading) {
        Ok(picture) => Ok((picture.size, None)),
        Err(error) if error.code == Code::E0718 => {
            let by = |rule| decode::size(path, &DataSpec { orientation: Some(rule), ..reading.clone() });
            let (applied, stored) = (by(OrientationRule::Apply)?.size, by(OrientationRule::Stored)?.size);
            match applied != of_mask && stored == of_mask {
                true => Ok((stored, Some(OrientationRule::Stored))),
                false => Ok((applied, Some(OrientationRule::Apply))),
            }
        }
        Err(error) => Err(error),
    }
}

/// Returns the axis across the slices of a volume: the one along which its voxels are clearly longest.
pub(super) fn guess_axis(grid: &VoxelGrid) -> SliceAxis {
    let axial = grid.slice_spacing(SliceAxis::Axial);
    let others = [SliceAxis::Coronal, SliceAxis::Sagittal];
    let longest = others.into_iter().max_by(|a, b| grid.slice_spacing(*a).total_cmp(&grid.slice_spacing(*b)));
    longest.filter(|axis| grid.slice_spacing(*axis) > 1.5 * axial).unwrap_or_default()
}

/// Returns the window of images that are not of 8 bits, and why. It holds 99 % of the values, and 99 % of the values inside each class:
/// a small organ has few of all values. nnU-Net takes the same quantiles inside the classes for CT (Isensee and others 2021).
/// `classes` are the names.
pub(super) fn guess_window(samples: &[ImageSample], classes: &[String]) -> Option<([f64; 2], DataGuess)> {
    let kinds: BTreeSet<&str> = samples.iter().map(|sample| sample.kind).collect();
    // Each of them is scaled by the range of its type.
    let unsigned = |kind: &&str| ["8-bit", "16-bit"].contains(kind);
    if kinds.is_empty() || kinds.contains("8-bit") && kinds.iter().all(unsigned) {
        return None;
    }
    let raw: Vec<f64> = samples.iter().flat_map(|sample| sample.values.iter().copied()).collect();
    let signed = kinds.contains("16-bit") && hold_signed_values(&raw);
    let all = SortedValues::new(raw, signed);
    let ends = [all.at(0.0), all.at(1.0)];
    let mut range = all.central();
    let is_ct = range[0] <= -500.0 && range[1] > 0.0;
    if is_ct {
        range = [range[0].max(-1000.0), range[1].min(1000.0)];
    }
    let mut widened = Vec::new();
    let of_classes: BTreeSet<u8> = samples.iter().flat_map(|sample| sample.inside.keys().copied()).collect();
    for class in of_classes {
        let inside = samples.iter().filter_map(|sample| sample.inside.get(&class)).flatten().copied().collect();
        let [low, high] = SortedValues::new(inside, signed).central();
        if low < range[0] || high > range[1] {
            let name = classes.get(usize::from(class)).map_or("", String::as_str);
            widened.push(format!("`{name}`, which has values of {low} to {high}"));
            range = [range[0].min(low), range[1].max(high)];
        }
    }
    let [mut low, mut high] = range;
    if low >= high {
        [low, high] = ends;
    }
    if low >= high {
        high = low + 1.0;
    }
    let mut why = match is_ct {
        true => "the values look like Hounsfield units of CT".to_string(),
        false => "99 % of the values lie in it".into(),
    };
    if samples.iter().any(|sample| !sample.inside.is_empty()) {
        why += if is_ct {
            ", and 99 % of those inside each class lie in it"
        } else {
            ", and 99 % of those inside each class"
        };
    }
    if !widened.is_empty() {
        why += &format!("; it is wider for {}", widened.join(" and "));
    }
    why += &format!("; the pixels that were read span {} to {}", ends[0], ends[1]);
    Some((rounded([low, high]), DataGuess { key: "window", why }))
}

/// Values in order, at least one.
struct SortedValues(Vec<f64>);

impl SortedValues {
    /// Sorts values. With `signed`, those above 32767 are negative ones that a file declares as unsigned.
    fn new(mut values: Vec<f64>, signed: bool) -> SortedValues {
        if signed {
            values.iter_mut().filter(|v| **v > 32_767.0).for_each(|v| *v -= 65_536.0);
        }
        values.sort_by(f64::total_cmp);
        SortedValues(values)
    }

    /// Returns the value below which this share of the others lies.
    fn at(&self, share: f64) -> f64 {
        let last = self.0.len().saturating_sub(1) as f64;
        self.0.get((last * share).round() as usize).copied().unwrap_or(0.0)
    }

    /// Returns the range of all but 1 %.
    fn central(&self) -> [f64; 2] {
        [self.at(TAIL), self.at(1.0 - TAIL)]
    }
}

/// Checks whether values that are declared as unsigned are signed ones: some are just below 65536, and none in the middle.
fn hold_signed_values(values: &[f64]) -> bool {
    values.iter().any(|v| *v > 49_152.0) && !values.iter().any(|v| (16_384.0..=49_152.0).contains(v))
}

/// Rounds both ends outwards to two digits of the span.
fn rounded([low, high]: [f64; 2]) -> [f64; 2] {
    let decimals = 1.0 - (high - low).log10().floor();
    let scale = 10f64.powf(decimals);
    let digits = decimals.max(0.0) as usize;
    let plain = |value: f64| format!("{value:.digits$}").parse().unwrap_or(value);
    [plain((low * scale + 1e-6).floor() / scale), plain((high * scale - 1e-6).ceil() / scale)]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(kind: &'static str, values: impl Iterator<Item = f64>) -> Option<[f64; 2]> {
        let sample = ImageSample { values: values.collect(), inside: BTreeMap::new(), kind };
        guess_window(&[sample], &[]).map(|(window, _)| window)
    }

    #[test]
    fn a_small_organ_widens_the_window() {
        let sample = |organ: [f64; 2]| {
            let values = (0..=10_000).map(|i| f64::from(i % 1400 - 1000)).collect();
            let inside = (0..=100).map(|i| organ[0] + (organ[1] - organ[0]) * f64::from(i) / 100.0).collect();
            ImageSample { values, inside: [(1, inside)].into(), kind: "signed 16-bit" }
        };
        let classes = ["background".to_string(), "implant".to_string()];
        let of = |organ| guess_window(&[sample(organ)], &classes).unwrap();
        let (window, guess) = of([1000.0, 2000.0]);
        assert_eq!(window, [-1000.0, 2000.0]);
        assert!(guess.why.contains("it is wider for `implant`, which has values of 1010 to 2000"), "{}", guess.why);
        let (window, guess) = of([0.0, 100.0]);
        assert_eq!(window, [-1000.0, 400.0]);
        assert!(!guess.why.contains("wider") && guess.why.contains("inside each class"), "{}", guess.why);
    }

    #[test]
    fn windows_hold_nearly_all_values() {
        let ramp = |from: i32, to: i32| (from..=to).map(f64::from);
        assert_eq!(window("8-bit", ramp(0, 255)), None);
        assert_eq!(window("16-bit", ramp(0, 4095)), Some([0.0, 4100.0]));
        assert_eq!(window("signed 16-bit", ramp(-2048, 3000)), Some([-1000.0, 1000.0]));
        assert_eq!(window("32-bit float", (0..=1000).map(|i| f64::from(i) / 1000.0)), Some([0.0, 1.0]));
        assert_eq!(window("16-bit", ramp(7, 7)), Some([7.0, 8.0]));
        // Two's complement in unsigned samples.
        assert_eq!(window("16-bit", ramp(-1000, 400).map(|v| v.rem_euclid(65_536.0))), Some([-1000.0, 400.0]));
    }
}
