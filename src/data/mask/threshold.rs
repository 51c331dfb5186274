//! Two classes separated by one declared number: half-way between the labels, or the number in the data block.

use super::exact;
use super::grey::{self, GreyValues};
use super::label_help::further_class;
use super::label_lookup::{MAX_CLASS_NUMBER, class_of_value};
use super::unknown_label::pixel_count;
use crate::base::count::counted;
use crate::base::error::Result;
use crate::base::problem::problem;
use crate::data::notice::{FileNotice, FileRole, NoticeTopic};
use crate::data::pixels::Pixels;
use crate::text::config::DataSpec;
use crate::text::config::case_rules::IGNORED_CLASS;
use std::path::Path;

/// Share of intermediate values above which a mask gets a warning.
const MAX_INTERMEDIATE_SHARE: f64 = 0.1;
/// Difference between the channels of a grey pixel after lossy compression, and after a conversion between colour spaces.
const GREY_TOLERANCE: [f64; 2] = [64.0, 8.0];

/// The class of values up to the threshold, and of values above it.
struct TwoClasses {
    below: u8,
    above: u8,
    /// The smaller label and the larger one.
    labels: [f64; 2],
}

impl TwoClasses {
    fn of(spec: &DataSpec) -> Result<TwoClasses> {
        let &[first, second] = spec.labels.as_slice() else {
            return Err(problem!(
                E0716,
                "data `{}` has {}, but a threshold separates only two classes",
                spec.name,
                counted(spec.labels.len(), "label");
                help: "mask = exact"
            ));
        };
        let (below, above) = if first < second { (0, 1) } else { (1, 0) };
        Ok(TwoClasses { below, above, labels: [first.min(second), first.max(second)].map(f64::from) })
    }

    /// Returns the class of each pixel, and [`IGNORED_CLASS`] for ignored values.
    fn split(&self, values: &GreyValues<'_>, threshold: f64, spec: &DataSpec) -> Vec<u8> {
        let class = |value: f64| match value {
            value if is_ignored(spec, value) => IGNORED_CLASS,
            value if value > threshold => self.above,
            _ => self.below,
        };
        values.iter().map(class).collect()
    }

    fn name<'a>(&self, spec: &'a DataSpec) -> &'a str {
        spec.classes.get(usize::from(self.above)).map_or("foreground", String::as_str)
    }
}

fn is_ignored(spec: &DataSpec, value: f64) -> bool {
    !spec.ignore.is_empty() && class_of_value(spec, value) == Some(IGNORED_CLASS)
}

/// Applies `mask = threshold`: a value above the mean of the two labels has the larger one. Values lie between the labels.
pub(super) fn between_labels(
    pixels: &Pixels,
    spec: &DataSpec,
    path: &Path,
    warnings: &mut Vec<FileNotice>,
) -> Result<Vec<u8>> {
    let classes = TwoClasses::of(spec)?;
    if pixels.palette.is_some() {
        // Indices have no order, so they must be labels.
        return exact::classes(pixels, spec, path, warnings);
    }
    let values = grey::values(pixels, GREY_TOLERANCE[usize::from(pixels.lossy.is_none())], spec, path)?;
    let [low, high] = classes.labels;
    let threshold = (low + high) / 2.0;
    if pixels.lossy.is_none() {
        check_range(&values, pixels, &classes, spec, path)?;
    }
    let span = high - low;
    let near_end = |value: f64| value <= low + span / 8.0 || value >= high - span / 8.0;
    let between = values.iter().filter(|&v| !near_end(v) && !is_ignored(spec, v)).count();
    if between as f64 > MAX_INTERMEDIATE_SHARE * values.len() as f64 {
        let text = format!(
            "{:.0} % of the mask's pixels are neither near {low} nor near {high}; values above {threshold} become class `{}`",
            100.0 * between as f64 / values.len() as f64,
            classes.name(spec),
        );
        warnings.push(FileNotice::new(NoticeTopic::MaskValues, FileRole::Mask, path, text));
    }
    Ok(classes.split(&values, threshold, spec))
}

/// Checks that the values of a lossless mask lie between the labels and are not those of another range.
fn check_range(
    values: &GreyValues<'_>,
    pixels: &Pixels,
    classes: &TwoClasses,
    spec: &DataSpec,
    path: &Path,
) -> Result<()> {
    let [low, high] = classes.labels;
    let counted = || values.iter().enumerate().filter(|(_, v)| !is_ignored(spec, *v));
    let most = || counted().map(|(_, v)| v).fold(f64::NEG_INFINITY, f64::max);
    let mut outside = counted().filter(|(_, v)| !(low..=high).contains(v));
    if let Some((at, value)) = outside.next() {
        let count = 1 + outside.filter(|(_, v)| *v == value).count();
        let place = pixel_count(count, at, pixels.size[1]);
        let error = problem!(E0713, path, "mask value {value} lies outside of the labels {low} and {high}: {place}");
        let most = most();
        return Err(match grey::depth_help(pixels, spec) {
            Some(help) => error.help(help),
            // Where the larger label is in use, a larger value is another class, or none.
            None if most > high && counted().any(|(_, v)| v == high) => error.help(further_class(spec, &[value])),
            None if most > high => {
                let labels = if classes.above == 1 { format!("[{low}, {most}]") } else { format!("[{most}, {low}]") };
                error.help(format!(
                    "if {most} is the value of class `{}`, write `labels = {labels}`",
                    classes.name(spec)
                ))
            }
            None => {
                error.help("`mask = threshold(N)` takes any values: those above N become the class of the larger label")
            }
        });
    }
    let most = most();
    let class_numbers =
        (low + 1.0..=f64::from(MAX_CLASS_NUMBER)).contains(&most) || (low == 0.0 && most > 0.0 && most <= 1.0);
    if class_numbers && most < low + (high - low) / 8.0 {
        return Err(problem!(
            E0713,
            path,
            "the largest value of the mask is {most}, far below the label {high} of class `{}`",
            classes.name(spec);
            help: "if the values are class numbers, leave out `mask` and write a label for each class: labels = [0, 1] or more"
        ));
    }
    Ok(())
}

/// Applies `mask = threshold(N)`: a value above N has the larger label, whatever the labels are.
pub(super) fn above(
    threshold: u32,
    pixels: &Pixels,
    spec: &DataSpec,
    path: &Path,
    warnings: &mut Vec<FileNotice>,
) -> Result<Vec<u8>> {
    let classes = TwoClasses::of(spec)?;
    if pixels.palette.is_some() {
        return Err(problem!(
            E0713,
            path,
            "the mask has a palette, whose indices have no order to compare with the threshold {threshold}";
            help: "write the indices or the colours of the palette as labels, and leave out `mask`"
        ));
    }
    if grey::first_colour(pixels, GREY_TOLERANCE[0]).is_some() {
        let text = "the mask is in colours; the brightest channel of each pixel is used";
        warnings.push(FileNotice::new(NoticeTopic::MaskColours, FileRole::Mask, path, text));
    }
    Ok(classes.split(&grey::brightest(pixels), f64::from(threshold), spec))
}
