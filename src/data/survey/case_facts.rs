//! Reads one case of a survey: the properties of its image and its mask.

use super::finding::{SurveyFinding, SurveyTopic};
use super::fingerprint::{Fingerprint, SIDE};
use crate::base::error::Result;
use crate::data::case::{Case, SplitRole, check_same_size};
use crate::data::dataset::Dataset;
use crate::data::notice::FileNotice;
use crate::data::pixels::Pixels;
use crate::data::{case_reader, intensity, phantom};
use crate::text::config::case_rules::IGNORED_CLASS;
use crate::text::config::{DataSource, DataSpec};
use std::path::{Path, PathBuf};

/// Properties of a case, and what is wrong with it.
pub struct CaseFacts {
    pub stem: String,
    pub role: SplitRole,
    /// Patient, video or volume of the case, if known.
    pub group: Option<String>,
    pub image: Option<ImageFacts>,
    /// Number of pixels of each class; `None` if the mask cannot be read.
    pub classes: Option<Vec<u64>>,
    /// Number of ignored pixels of the mask.
    pub ignored: u64,
    pub findings: Vec<SurveyFinding>,
    /// Notices, which the set reports once for all its files.
    pub notices: Vec<FileNotice>,
}

/// Properties of an image.
pub struct ImageFacts {
    /// Height, width.
    pub size: [usize; 2],
    pub channels: usize,
    /// Name of the sample type.
    pub samples: &'static str,
    /// Path of the image, if its values are scaled by the range of the type.
    pub unscaled: Option<PathBuf>,
    pub least: f64,
    pub most: f64,
    /// Fractions of the values below and above the window.
    pub outside: [f64; 2],
    pub constant: bool,
    /// For the search for near-duplicates; `None` if the values cannot be scaled.
    pub print: Option<Fingerprint>,
}

pub(super) fn examine_case(data: &Dataset, role: SplitRole, case: &Case, channels: Option<usize>) -> CaseFacts {
    let spec = &data.spec;
    let (mut findings, mut notices) = (Vec::new(), Vec::new());
    let with_stem = |finding: SurveyFinding| finding.about([case.stem.clone()]);
    let (pixels, classes) = read(data, case);
    let image = match pixels {
        Ok(pixels) => {
            let place = case.display_path(&case.image);
            notices.extend(pixels.warnings.iter().cloned());
            let mut report = |finding| findings.push(with_stem(finding));
            Some((image(&pixels, spec, &place, channels, &mut report, &mut notices), pixels.size))
        }
        Err(error) => {
            findings.push(with_stem(SurveyFinding::error(SurveyTopic::Image, &error)));
            None
        }
    };
    let mut ignored = 0;
    let classes = match classes {
        Ok((classes, size, warnings)) => {
            notices.extend(warnings);
            if let Some((_, of_image)) = &image
                && let Err(error) = check_same_size(case, *of_image, size)
            {
                findings.push(with_stem(SurveyFinding::error(SurveyTopic::Sizes, &error)));
            }
            // The last one is that of ignored pixels.
            let mut counts = [0u64; 256];
            classes.iter().for_each(|&class| counts[usize::from(class)] += 1);
            ignored = counts[usize::from(IGNORED_CLASS)];
            Some(counts[..spec.classes.len()].to_vec())
        }
        Err(error) => {
            findings.push(with_stem(SurveyFinding::error(SurveyTopic::Mask, &error)));
            None
        }
    };
    let image = image.map(|(facts, _)| facts);
    CaseFacts { stem: case.stem.clone(), role, group: case.group.clone(), image, classes, ignored, findings, notices }
}

fn read(data: &Dataset, case: &Case) -> (Result<Pixels>, Result<case_reader::ClassMap>) {
    let (spec, volumes) = (&data.spec, &data.volumes);
    match &spec.source {
        DataSource::Files { .. } | DataSource::List { .. } => {
            (case_reader::read_pixels(spec, case, volumes), case_reader::read_classes(spec, case, volumes))
        }
        DataSource::Phantoms { seed, .. } => match phantom::index_of_stem(&case.stem) {
            Ok(number) => {
                let slice = phantom::draw(*seed, number, spec.size);
                let lungs = slice.lungs.clone();
                (Ok(slice.into_pixels()), Ok((lungs, spec.size, Vec::new())))
            }
            Err(error) => (Err(error.clone()), Err(error)),
        },
    }
}

fn image(
    pixels: &Pixels,
    spec: &DataSpec,
    place: &Path,
    channels: Option<usize>,
    report: &mut dyn FnMut(SurveyFinding),
    notices: &mut Vec<FileNotice>,
) -> ImageFacts {
    let (mut least, mut most, mut below, mut above) = (f64::INFINITY, f64::NEG_INFINITY, 0usize, 0usize);
    let [low, high] = spec.window.unwrap_or([f64::NEG_INFINITY, f64::INFINITY]);
    let n = pixels.values.len();
    for value in (0..n).map(|i| pixels.values.at(i)) {
        least = least.min(value);
        most = most.max(value);
        below += usize::from(value < low);
        above += usize::from(value > high);
    }
    let windowed = match spec.source {
        DataSource::Phantoms { .. } => phantom::with_window(spec),
        DataSource::Files { .. } | DataSource::List { .. } => spec.clone(),
    };
    let small = DataSpec { size: [SIDE, SIDE], ..windowed };
    // A colour picture does not fit a network with, say, two channels.
    let fits = match channels {
        Some(channels) if pixels.channels == 3 && !matches!(channels, 1 | 3) => {
            intensity::prepare(pixels, &small, channels, place, &mut Vec::new()).map(|_| ())
        }
        _ => Ok(()),
    };
    if let Err(error) = fits {
        report(SurveyFinding::error(SurveyTopic::Model, &error));
    }
    let print = match intensity::prepare(pixels, &small, 1, place, notices) {
        Ok(grey) => Some(Fingerprint::of(&grey)),
        Err(error) => {
            report(SurveyFinding::error(SurveyTopic::Window, &error));
            None
        }
    };
    let constant = least == most;
    let samples = pixels.values.kind();
    let outside = [below, above].map(|count| count as f64 / n.max(1) as f64);
    let unscaled = intensity::unscaled_kind(pixels, spec).map(|_| place.to_path_buf());
    ImageFacts {
        size: pixels.size,
        channels: pixels.channels,
        samples,
        unscaled,
        least,
        most,
        outside,
        constant,
        print,
    }
}
