//! Looks at images and masks of which nothing is known, and guesses the data block that fits them.
//!
//! Files are found and read by the code that data blocks use. What is a guess says so: [`DataGuess`] names the key of the data block
//! and the reason. Pairs that cannot be read are left out and named.

mod class_names;
mod colour_guess;
mod data_guess;
mod file_pool;
mod file_summary;
mod guessed_labels;
mod image_sample;
mod label_guess;
mod mask_tally;
mod name_words;
mod pair_matching;
mod pair_source;
mod request;
mod split_guess;
mod value_guess;

pub(crate) use data_guess::DataGuess;
pub(crate) use file_summary::FileSummary;
pub(crate) use pair_source::LIST;
pub(crate) use request::{InspectionRequest, UsedPair};

use super::case::{Case, SplitRole};
use super::case_discovery::cases_of_pairs;
use super::dataset::Dataset;
use super::limit::limit_images;
use super::split::CasesByRole;
use super::survey::{CaseFacts, NearDuplicate, Survey, group_suggestion, survey_dataset};
use super::volume::{self, VolumeCache, is_volume};
use crate::base::count::{counted, counted_of, verb_for};
use crate::base::error::{Result, RunError};
use crate::base::severity::Severity;
use crate::text::config::{
    DataSource, DataSpec, DecodeRule, EmptyClassRule, Grouping, MaskRule, OrientationRule, SliceAxis, SliceSelection,
    Slicing, Split,
};
use guessed_labels::GuessedLabels;
use image_sample::{guess_axis, guess_window, picture_size, sample_image};
use label_guess::guess_labels;
use mask_tally::{MaskTally, has_alpha, tally_mask};
use pair_source::{PairSource, find_source};
use rayon::prelude::*;
use split_guess::{group_of_names, guess_split};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use value_guess::NUMBERS_AS_CLASSES;

/// The most images of which values are sampled for the window.
const SAMPLED: usize = 64;
/// The most cases whose images are read; `npc data check` reads all.
const SURVEYED: usize = 2000;

/// What the files hold, and a data block that fits them. Its paths are relative to the working folder, its size is not set, and its
/// source is a list if no pattern finds exactly the pairs.
pub(crate) struct Inspection {
    pub spec: DataSpec,
    pub guesses: Vec<DataGuess>,
    pub pairs: Vec<UsedPair>,
    pub files: FileSummary,
    /// What is in the files of the cases.
    pub survey: Survey,
    /// Number of cases of each part of the split.
    pub parts: [usize; 3],
    /// Number of patients, recordings or volumes of each part; none without groups.
    pub groups: Option<[usize; 3]>,
}

/// Called with what is read, and the numbers of files that are read and of all.
pub(crate) type InspectionProgress<'a> = &'a (dyn Fn(&'static str, usize, usize) + Sync);

/// Looks at images and masks and guesses a data block.
///
/// Errors: nothing is found, nothing pairs, most pairs cannot be read, the masks hold nothing that can be classes, or the cases
/// cannot be divided into training and test.
pub(crate) fn inspect(request: &InspectionRequest<'_>, progress: InspectionProgress<'_>) -> Result<Inspection> {
    let pool =
        file_pool::find_files(request.images, request.masks, request.project, |path| has_alpha(path, &reading()))?;
    let matched = pair_matching::match_files(&pool.images, &pool.masks);
    let mut files = FileSummary::of(&pool, &matched);
    if matched.pairs.is_empty() {
        return Err(pair_source::nothing_pairs(&matched, &pool.masks[0]));
    }
    let axis = axis_of(&matched.pairs);
    let masks = read_masks(&matched.pairs, axis, progress);
    let (good, failures): (Vec<_>, Vec<_>) = matched.pairs.iter().zip(masks).partition(|(_, read)| read.is_ok());
    let failures: Vec<RunError> = failures.into_iter().filter_map(|(_, read)| read.err()).collect();
    refuse_most(&failures, matched.pairs.len())?;
    files.left_out.extend(failures.iter().map(RunError::headline));
    let good: Vec<(&[PathBuf; 2], MaskFacts)> =
        good.into_iter().filter_map(|(pair, read)| Some((pair, read.ok()?))).collect();

    let tallies: Vec<(&Path, &MaskTally)> =
        good.iter().map(|(pair, facts)| (pair[1].as_path(), &facts.tally)).collect();
    let labels = guess_labels(&tallies)?;
    let pairs: Vec<[PathBuf; 2]> = good.iter().map(|(pair, _)| (*pair).clone()).collect();
    let mut draft = DataDraft::new(labels, axis, &good);
    draft.look_at_values(&pairs)?;
    draft.finish(request, pairs, &matched, files, progress)
}

/// What is known of a pair before its image is decoded.
struct MaskFacts {
    tally: MaskTally,
    orientation: Option<OrientationRule>,
}

/// Returns the axis across the slices; axial for pictures.
fn axis_of(pairs: &[[PathBuf; 2]]) -> SliceAxis {
    let volume = pairs.iter().find(|[image, _]| is_volume(image));
    volume.and_then(|[image, _]| volume::grid(image).ok()).map(|grid| guess_axis(&grid)).unwrap_or_default()
}

/// Reads all masks, and the sizes of their images.
fn read_masks(pairs: &[[PathBuf; 2]], axis: SliceAxis, progress: InspectionProgress<'_>) -> Vec<Result<MaskFacts>> {
    let reading = reading();
    let done = AtomicUsize::new(0);
    let read = |[image, mask]: &[PathBuf; 2]| -> Result<MaskFacts> {
        let tally = match tally_mask(image, mask, axis, &reading) {
            // Turned masks are read as stored; only their values matter here.
            Err(error) if error.code == crate::base::code::Code::E0718 => {
                let stored = DataSpec { orientation: Some(OrientationRule::Stored), ..reading.clone() };
                tally_mask(image, mask, axis, &stored)?
            }
            tally => tally?,
        };
        let mut orientation = None;
        if !is_volume(image) {
            let (size, rule) = picture_size(image, tally.size, &reading)?;
            orientation = rule;
            let case = Case::new(String::new(), image.clone(), mask.clone());
            if rule.is_none() {
                super::case::check_same_size(&case, size, tally.size)?;
            }
        }
        Ok(MaskFacts { tally, orientation })
    };
    let counted = |pair: &[PathBuf; 2]| {
        let facts = read(pair);
        progress("masks", done.fetch_add(1, Ordering::Relaxed) + 1, pairs.len());
        facts
    };
    pairs.par_iter().map(counted).collect()
}

/// Fails if more than half of the pairs cannot be used: then the pairs or the guesses are wrong, and not the files.
fn refuse_most(failures: &[RunError], pairs: usize) -> Result<()> {
    match failures.first() {
        Some(first) if 2 * failures.len() > pairs => {
            let n = failures.len();
            let have = format!("{} {}", verb_for(n, "has", "have"), if n == 1 { "a problem" } else { "problems" });
            Err(first.clone().help(format!(
                "{} {have}, so they may be no pairs; `--images` and `--masks` say which files are which",
                counted_of(n, pairs, "pair")
            )))
        }
        _ => Ok(()),
    }
}

/// The settings by which files are read before anything is known.
fn reading() -> DataSpec {
    DataSpec {
        name: "new".into(),
        source: DataSource::List { list: String::new() },
        size: [0, 0],
        classes: Vec::new(),
        labels: Vec::new(),
        ignore: Vec::new(),
        mask_rule: MaskRule::Exact,
        split: Split::Random { train: 1.0, val: 0.0, test: 0.0, seed: 0 },
        grouping: Grouping::default(),
        slicing: Slicing::default(),
        window: None,
        orientation: None,
        decode: DecodeRule::Value,
        mean: Vec::new(),
        std: Vec::new(),
        cache_mb: 1024,
        limit: None,
        empty: EmptyClassRule::One,
        spacing: None,
    }
}

/// A data block in the making.
struct DataDraft {
    spec: DataSpec,
    guesses: Vec<DataGuess>,
}

impl DataDraft {
    /// Takes what the masks say.
    fn new(labels: GuessedLabels, axis: SliceAxis, read: &[(&[PathBuf; 2], MaskFacts)]) -> DataDraft {
        let GuessedLabels { labels, ignore, rule, mut guesses } = labels;
        let images: Vec<PathBuf> = read.iter().map(|(pair, _)| pair[0].clone()).collect();
        let (classes, known, named) = class_names::name_classes(&labels, &name_words::common_folder(&images));
        if known {
            guesses.retain(|guess| guess.why != NUMBERS_AS_CLASSES);
        }
        guesses.insert(0, named);
        let mut add = |key: &'static str, why: String| guesses.push(DataGuess { key, why });
        let orientation = orientation(read);
        if let Some(rule) = orientation {
            add(
                "orientation",
                match rule {
                    OrientationRule::Apply => {
                        "some pictures have an orientation tag, and it is applied as viewers do".into()
                    }
                    OrientationRule::Stored => {
                        "some pictures have an orientation tag, and the masks have the shape of the stored pixels"
                            .into()
                    }
                },
            );
        }
        let count = |of: fn(&MaskTally) -> usize| read.iter().map(|(_, facts)| of(&facts.tally)).sum::<usize>();
        let (slices, labelled) = (count(|tally| tally.slices), count(|tally| tally.labelled));
        if axis != SliceAxis::default() {
            add("axis", format!("voxels are longest across {} slices", axis.name()));
        }
        let selection = match labelled {
            n if n > 0 && n < slices => {
                add(
                    "slices",
                    format!(
                        "{} hold more than one value; the others are not trained on",
                        counted_of(labelled, slices, "slice")
                    ),
                );
                SliceSelection::Labelled
            }
            _ => SliceSelection::All,
        };
        let slicing = Slicing { axis, slices: selection };
        let spec = DataSpec { classes, labels, ignore, mask_rule: rule, orientation, slicing, ..reading() };
        DataDraft { spec, guesses }
    }

    /// Samples the values of the images for the window.
    fn look_at_values(&mut self, pairs: &[[PathBuf; 2]]) -> Result<()> {
        let kept = pairs.len().min(SAMPLED);
        let some: Vec<&[PathBuf; 2]> = (0..kept).map(|i| &pairs[i * pairs.len() / kept]).collect();
        let samples: Vec<Result<_>> = some.par_iter().map(|pair| sample_image(pair, &self.spec)).collect();
        let (good, failures): (Vec<_>, Vec<_>) = samples.into_iter().partition(Result::is_ok);
        let failures: Vec<RunError> = failures.into_iter().filter_map(Result::err).collect();
        refuse_most(&failures, kept)?;
        let good: Vec<_> = good.into_iter().flatten().collect();
        if let Some((window, guess)) = guess_window(&good, &self.spec.classes) {
            self.spec.window = Some(window);
            self.guesses.push(guess);
        }
        Ok(())
    }

    /// Finds source and split, reads the images, and leaves out what cannot be used.
    fn finish(
        mut self,
        request: &InspectionRequest<'_>,
        mut pairs: Vec<[PathBuf; 2]>,
        matched: &pair_matching::MatchedPairs,
        mut files: FileSummary,
        progress: InspectionProgress<'_>,
    ) -> Result<Inspection> {
        let mut source = find_source(request, &pairs, matched);
        let volumes = VolumeCache::new(self.spec.cache_mb << 20);
        let mut expanded = self.expand(&source, &volumes);
        let mut survey = self.survey(expanded.cases.clone(), volumes, progress);
        let failed: BTreeMap<&str, &RunError> = survey
            .findings
            .iter()
            .filter(|f| f.severity == Severity::Error)
            .flat_map(|f| f.stems.iter().filter_map(|stem| Some((stem.as_str(), f.cause.as_deref()?))))
            .collect();
        let bad: BTreeMap<PathBuf, RunError> = expanded
            .cases
            .iter()
            .filter_map(|case| Some((case.image.clone(), (*failed.get(case.stem.as_str())?).clone())))
            .chain(expanded.problems.iter().filter_map(|e| Some((e.path.clone()?, e.clone()))))
            .collect();
        if !bad.is_empty() {
            let causes: Vec<RunError> = bad.values().cloned().collect();
            refuse_most(&causes, pairs.len())?;
            files.left_out.extend(causes.iter().map(RunError::headline));
            pairs.retain(|[image, mask]| !bad.contains_key(image) && !bad.contains_key(mask));
            source = find_source(request, &pairs, matched);
            let read = survey.data.take().map(|data| data.volumes);
            let volumes = read.unwrap_or_else(|| VolumeCache::new(self.spec.cache_mb << 20));
            let before = std::mem::replace(&mut expanded, self.expand(&source, &volumes)).cases;
            keep_facts(&mut survey, &before, &expanded.cases);
            survey.findings.retain(|f| f.severity != Severity::Error);
        }
        files.finish(&source, &expanded.cases, survey.facts.len());
        let by_folders = source.pairs.iter().any(|pair| pair.role.is_some());
        let group = match source.pairs.iter().any(|pair| pair.group.is_some()) {
            true => None,
            false => group_of_names(&expanded.cases).or_else(|| group_of_duplicates(&survey)),
        };
        let images: Vec<PathBuf> = source.pairs.iter().map(|pair| pair.image.clone()).collect();
        let split = guess_split(&expanded.cases, &self.spec, &images, group, by_folders)?;
        let groups = split.groups();
        self.spec.source = source.source;
        (self.spec.split, self.spec.grouping) = (split.split, split.grouping);
        self.guesses.extend(source.guesses);
        self.guesses.extend(split.guesses);
        let groups = split.parts.all().any(|(_, case)| case.group.is_some()).then_some(groups);
        let parts = [&split.parts.train, &split.parts.val, &split.parts.test].map(Vec::len);
        place_facts(&mut survey, &split.parts);
        Ok(Inspection { spec: self.spec, guesses: self.guesses, pairs: source.pairs, files, survey, parts, groups })
    }

    /// Returns the cases of the pairs: volumes are cut into slices.
    fn expand(&self, source: &PairSource, volumes: &VolumeCache) -> ExpandedPairs {
        let case = |(pair, stem): (&UsedPair, &String)| Case {
            group: pair.group.clone(),
            role: pair.role,
            ..Case::new(stem.clone(), pair.image.clone(), pair.mask.clone())
        };
        let cases = source.pairs.iter().zip(&source.stems).map(case).collect();
        let mut problems = Vec::new();
        let cases = cases_of_pairs(cases, &self.spec, volumes, &mut problems, &mut Vec::new());
        ExpandedPairs { cases, problems }
    }

    /// Reads the images, all in one part, so that similar ones are found wherever they are.
    fn survey(&self, cases: Vec<Case>, volumes: VolumeCache, progress: InspectionProgress<'_>) -> Survey {
        let mut parts = CasesByRole { train: cases, ..CasesByRole::default() };
        limit_images(&mut parts, SURVEYED);
        let spec = DataSpec { size: [64, 64], ..self.spec.clone() };
        let data = Dataset { spec, parts, volumes, doubts: Vec::new() };
        survey_dataset(data, &[], None, &|done, all| progress("images", done, all))
    }
}

/// The cases of all pairs, and the problems of volumes.
struct ExpandedPairs {
    cases: Vec<Case>,
    problems: Vec<RunError>,
}

/// Keeps the facts and the near-duplicates of the cases that are still used. `before` are the cases of the survey; a case may have
/// another stem `now`.
fn keep_facts(survey: &mut Survey, before: &[Case], now: &[Case]) {
    let stems: BTreeMap<_, &str> = now.iter().map(|case| ((&case.image, case.slice), case.stem.as_str())).collect();
    let stems: BTreeMap<&str, &str> =
        before.iter().filter_map(|case| Some((case.stem.as_str(), *stems.get(&(&case.image, case.slice))?))).collect();
    let mut next = 0..;
    let place = |facts: &CaseFacts| stems.get(facts.stem.as_str()).and_then(|_| next.next());
    let places: Vec<Option<usize>> = survey.facts.iter().map(place).collect();
    let moved = |pair: &NearDuplicate| Some(NearDuplicate { a: places[pair.a]?, b: places[pair.b]?, ..*pair });
    survey.near = survey.near.iter().filter_map(moved).collect();
    survey.facts.retain_mut(|facts| {
        let stem = stems.get(facts.stem.as_str());
        stem.into_iter().for_each(|stem| facts.stem = stem.to_string());
        stem.is_some()
    });
}

/// Returns the rule for orientation tags: that of most pictures that have one.
fn orientation(read: &[(&[PathBuf; 2], MaskFacts)]) -> Option<OrientationRule> {
    let of = |rule| read.iter().filter(|(_, facts)| facts.orientation == Some(rule)).count();
    let (apply, stored) = (of(OrientationRule::Apply), of(OrientationRule::Stored));
    match (apply, stored) {
        (0, 0) => None,
        _ if stored > apply => Some(OrientationRule::Stored),
        _ => Some(OrientationRule::Apply),
    }
}

/// Returns the group that holds similar images together.
fn group_of_duplicates(survey: &Survey) -> Option<(String, DataGuess)> {
    let pairs: Vec<[usize; 2]> = survey.near.iter().map(|pair| [pair.a, pair.b]).collect();
    let found = group_suggestion::suggest_group(&survey.facts, &pairs)?;
    let why = format!(
        "images of one group are nearly the same, and the names make {}, such as `{}`; all images of one stay in one part",
        counted(found.groups, "group"),
        found.example
    );
    Some((found.pattern, DataGuess { key: "split", why }))
}

/// Notes in the facts of each case which part it is in.
fn place_facts(survey: &mut Survey, parts: &CasesByRole) {
    let placed: BTreeMap<&str, (SplitRole, &Case)> =
        parts.all().map(|(role, case)| (case.stem.as_str(), (role, case))).collect();
    survey.facts.retain_mut(|facts| match placed.get(facts.stem.as_str()) {
        Some((role, case)) => {
            facts.role = *role;
            facts.group.clone_from(&case.group);
            true
        }
        None => false,
    });
}
