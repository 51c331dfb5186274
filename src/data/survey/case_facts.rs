//! Reads one case of a survey: the properties of its image and its mask.

use super::finding::{SurveyFinding, SurveyTopic};
use super::fingerprint::{Fingerprint, SIDE};
use crate::base::error::Result;
use crate::base::hash::fnv1a_bytes;
use crate::data::case::{Case, SplitRole, check_same_size};
use crate::data::class_counts::count_classes;
use crate::data::dataset::Dataset;
use crate::data::image::prediction_spec;
use crate::data::image_facts::ImageFacts;
use crate::data::notice::FileNotice;
use crate::data::pixels::Pixels;
use crate::data::{case_reader, intensity, phantom, resize};
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
    /// For the search for near-duplicates; `None` if the image cannot be read.
    pub print: Option<Fingerprint>,
    /// Sample type and path of the image, if its values are scaled by the range of the type.
    pub unscaled: Option<(&'static str, PathBuf)>,
    /// Number of pixels of each class; `None` if the mask cannot be read.
    pub classes: Option<Vec<u64>>,
    /// Number of pixels of each class at the size of the data block; `None` if the mask has that size or cannot be read.
    pub resized: Option<Vec<u64>>,
    /// Number of ignored pixels of the mask.
    pub ignored: u64,
    /// Hash of the class of each pixel; `None` if the mask cannot be read.
    pub mask_print: Option<u64>,
    pub findings: Vec<SurveyFinding>,
    /// Notices, which the set reports once for all its files.
    pub notices: Vec<FileNotice>,
}

pub(super) fn examine_case(data: &Dataset, role: SplitRole, case: &Case, channels: Option<usize>) -> CaseFacts {
    let spec = &data.spec;
    let (mut findings, mut notices) = (Vec::new(), Vec::new());
    let with_stem = |finding: SurveyFinding| finding.about([case.stem.clone()]);
    let (pixels, classes) = read(data, case);
    let (mut print, mut unscaled) = (None, None);
    let image = match pixels {
        Ok(pixels) => {
            let place = case.display_path(&case.image);
            notices.extend(pixels.warnings.iter().cloned());
            let mut report = |finding| findings.push(with_stem(finding));
            print = fingerprint(&pixels, spec, &place, channels, &mut report, &mut notices);
            unscaled = intensity::unscaled_kind(&pixels, spec).map(|kind| (kind, place));
            Some(ImageFacts::of(&pixels, spec.window))
        }
        Err(error) => {
            findings.push(with_stem(SurveyFinding::error(SurveyTopic::Image, &error)));
            None
        }
    };
    let (mut ignored, mut resized, mut mask_print) = (0, None, None);
    let classes = match classes {
        Ok((classes, size, warnings)) => {
            notices.extend(warnings);
            match image.as_ref().map_or(Ok(None), |facts| check_same_size(case, facts.size, size)) {
                Ok(resized) => notices.extend(resized),
                Err(error) => findings.push(with_stem(SurveyFinding::error(SurveyTopic::Sizes, &error))),
            }
            let counts = count_classes(&classes);
            mask_print = Some(fnv1a_bytes(&classes) ^ size[1] as u64);
            ignored = counts[usize::from(IGNORED_CLASS)];
            let of_classes = |counts: [u64; 256]| counts[..spec.classes.len()].to_vec();
            resized =
                (size != spec.size).then(|| of_classes(count_classes(&resize::nearest(&classes, size, spec.size))));
            Some(of_classes(counts))
        }
        Err(error) => {
            findings.push(with_stem(SurveyFinding::error(SurveyTopic::Mask, &error)));
            None
        }
    };
    let (stem, group) = (case.stem.clone(), case.group.clone());
    CaseFacts { stem, role, group, image, print, unscaled, classes, resized, ignored, mask_print, findings, notices }
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

/// Checks that the image can be prepared for the network, and returns its fingerprint; `None` if its values cannot be scaled.
fn fingerprint(
    pixels: &Pixels,
    spec: &DataSpec,
    place: &Path,
    channels: Option<usize>,
    report: &mut dyn FnMut(SurveyFinding),
    notices: &mut Vec<FileNotice>,
) -> Option<Fingerprint> {
    let small = DataSpec { size: [SIDE, SIDE], ..prediction_spec(spec) };
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
    match intensity::prepare(pixels, &small, 1, place, notices) {
        Ok(grey) => Some(Fingerprint::of(&grey)),
        Err(error) => {
            report(SurveyFinding::error(SurveyTopic::Window, &error));
            None
        }
    }
}
