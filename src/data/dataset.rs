//! The data set of a data block: its cases by role, read one at a time.

use super::augment;
use super::case::{Case, SplitRole, check_same_size};
use super::case_reader::ClassMap;
use super::image::{LoadedImage, check_spec, to_loaded_image};
use super::sample::{CachedSample, DisplaySample, Sample, SampleVersions};
use super::split::{self, CasesByRole};
use super::{case_discovery, case_reader, class_counts, intensity, limit, phantom, resize, volume};
use crate::base::count::counted;
use crate::base::error::{Result, RunError};
use crate::base::problem::problem;
use crate::text::config::{DataSource, DataSpec};
use std::path::Path;

/// The cases of a data block, split into roles.
pub struct Dataset {
    pub(super) spec: DataSpec,
    pub(super) parts: CasesByRole,
    pub(super) volumes: volume::VolumeCache,
    /// Warnings about the set as a whole.
    pub(super) doubts: Vec<String>,
}

impl Dataset {
    /// Finds the cases under `root` and splits them. Images are not read yet; masks are read only for a stratified split or
    /// for `slices = labelled`.
    ///
    /// Errors, each with the files it is about: a pattern does not have exactly one `*` or matches nothing, an image has no
    /// mask or a mask no image, a list has an unknown or repeated stem, a group would be divided, or a requested role stays
    /// empty. The first problem is returned; [`survey`](super::survey) reports all of them.
    pub fn open(spec: &DataSpec, root: &Path) -> Result<Dataset> {
        let (data, mut problems) = Dataset::open_with_problems(spec, root)?;
        match problems.len() {
            0 => Ok(data),
            1 => Err(problems.remove(0)),
            2 => Err(problems.remove(0).help("there is 1 more problem; `npc data check` lists all of them")),
            n => Err(problems
                .remove(0)
                .help(format!("and {}; `npc data check` lists all of them", counted(n - 1, "more problem")))),
        }
    }

    /// Returns the usable cases, and the problems of the others. Errors: the data block itself is invalid.
    pub(super) fn open_with_problems(spec: &DataSpec, root: &Path) -> Result<(Dataset, Vec<RunError>)> {
        check_spec(spec)?;
        let volumes = volume::VolumeCache::new(spec.cache_mb.saturating_mul(1 << 20));
        let (mut problems, mut doubts) = (Vec::new(), Vec::new());
        let cases = case_discovery::discover_cases(spec, root, &volumes, &mut problems, &mut doubts);
        let parts = match cases.is_empty() && !problems.is_empty() {
            // The missing files are reported already; an error about the split would add nothing.
            true => CasesByRole::default(),
            false => {
                let content = |cases: &[Case]| class_counts::count_pixels(spec, cases, &volumes);
                split::assign_splits(cases, spec, root, content, &mut problems, &mut doubts)
            }
        };
        let mut parts = parts;
        if let Some(images) = spec.limit {
            limit::limit_images(&mut parts, images);
        }
        Ok((Dataset { spec: spec.clone(), parts, volumes, doubts }, problems))
    }

    pub fn spec(&self) -> &DataSpec {
        &self.spec
    }

    /// Returns warnings about the set as a whole: files, columns and cases that are left out.
    pub fn doubts(&self) -> &[String] {
        &self.doubts
    }

    pub fn len(&self, role: SplitRole) -> usize {
        self.cases(role).len()
    }

    pub fn is_empty(&self, role: SplitRole) -> bool {
        self.cases(role).is_empty()
    }

    pub fn cases(&self, role: SplitRole) -> &[Case] {
        match role {
            SplitRole::Train => &self.parts.train,
            SplitRole::Val => &self.parts.val,
            SplitRole::Test => &self.parts.test,
        }
    }

    /// Returns the patient, video or volume of a case, if the data block or its list gives one.
    pub fn group(&self, role: SplitRole, index: usize) -> Option<&str> {
        self.cases(role).get(index)?.group.as_deref()
    }

    /// Returns the distances between rows and between columns of a case's image in mm, if its file gives them.
    pub fn header_spacing(&self, role: SplitRole, index: usize) -> Result<Option<[f64; 2]>> {
        case_reader::pixel_spacing(&self.spec, self.case(role, index)?, &self.volumes)
    }

    /// Writes `train.txt`, `val.txt` (if there are validation images) and `test.txt` into `dir`, one stem a line, and `groups.csv` with
    /// stem, group and split if cases have groups.
    pub fn write_split(&self, dir: &Path) -> Result<()> {
        split::write_lists(&self.parts, dir)
    }

    /// Reads one sample at the data block's size, for a network with `channels` input channels.
    pub fn load(&self, role: SplitRole, index: usize, channels: usize) -> Result<Sample> {
        let prepared = self.prepare(role, index, channels)?;
        let mut image = vec![0.0; channels * prepared.mask.len()];
        prepared.normalise(&self.spec, channels, &mut image)?;
        let CachedSample { mask, original, warnings, .. } = prepared;
        Ok(Sample { image, mask, original, warnings })
    }

    /// Reads a sample at the data block's size without normalisation, and augments it by each plan.
    pub fn shown(
        &self,
        role: SplitRole,
        index: usize,
        channels: usize,
        plans: &[augment::AugmentPlan],
    ) -> Result<SampleVersions> {
        let prepared = self.prepare(role, index, channels)?;
        let itself = DisplaySample { planes: prepared.units(), mask: prepared.mask.clone() };
        let changed = plans.iter().map(|plan| {
            let (planes, mask) = prepared.changed(plan);
            DisplaySample { planes, mask }
        });
        Ok(SampleVersions { pictures: std::iter::once(itself).chain(changed).collect(), warnings: prepared.warnings })
    }

    /// Reads the image of a case like [`load_image`](super::load_image); works for phantoms too.
    pub fn picture(&self, role: SplitRole, index: usize, channels: usize) -> Result<LoadedImage> {
        let case = self.case(role, index)?;
        match &self.spec.source {
            DataSource::Files { .. } | DataSource::List { .. } => {
                let pixels = case_reader::read_pixels(&self.spec, case, &self.volumes)?;
                to_loaded_image(&pixels, &self.spec, &case.display_path(&case.image), channels)
            }
            DataSource::Phantoms { seed, .. } => {
                let pixels = phantom::draw(*seed, phantom::index_of_stem(&case.stem)?, self.spec.size).into_pixels();
                to_loaded_image(&pixels, &phantom::with_window(&self.spec), Path::new(&case.stem), channels)
            }
        }
    }

    /// Returns the ground truth of a case as class indices at the size of its image, that size, and warnings.
    pub fn truth(&self, role: SplitRole, index: usize) -> Result<ClassMap> {
        let case = self.case(role, index)?;
        match &self.spec.source {
            DataSource::Files { .. } | DataSource::List { .. } => {
                let (mask, of_mask, mut warnings) = case_reader::read_classes(&self.spec, case, &self.volumes)?;
                let size = case_reader::image_size(&self.spec, case, &self.volumes)?;
                warnings.extend(check_same_size(case, size, of_mask)?);
                Ok((resize::nearest(&mask, of_mask, size), size, warnings))
            }
            DataSource::Phantoms { seed, .. } => {
                let slice = phantom::draw(*seed, phantom::index_of_stem(&case.stem)?, self.spec.size);
                Ok((slice.lungs, self.spec.size, Vec::new()))
            }
        }
    }

    /// Returns the pixel spacing of the case at the data block's size in mm, height then width; `None` if it is unknown.
    pub fn spacing(&self, role: SplitRole, index: usize) -> Result<Option<[f64; 2]>> {
        let case = self.case(role, index)?;
        if self.spec.spacing.is_none() && case.slice.is_none() {
            return Ok(None);
        }
        let (original, known) = match &self.spec.source {
            DataSource::Files { .. } | DataSource::List { .. } => {
                case_reader::size_and_spacing(&self.spec, case, &self.volumes)?
            }
            DataSource::Phantoms { .. } => (self.spec.size, self.spec.spacing),
        };
        let Some(spacing) = known else { return Ok(None) };
        let at = |i: usize| spacing[i] * original[i] as f64 / self.spec.size[i] as f64;
        Ok(Some([at(0), at(1)]))
    }

    pub(super) fn case(&self, role: SplitRole, index: usize) -> Result<&Case> {
        self.cases(role).get(index).ok_or_else(|| {
            let n = self.len(role);
            problem!(
                E0799,
                "data `{}` has {} for {}; there is no number {index}",
                self.spec.name,
                counted(n, "case"),
                role.name()
            )
        })
    }

    pub(super) fn prepare(&self, role: SplitRole, index: usize, channels: usize) -> Result<CachedSample> {
        let case = self.case(role, index)?;
        let spec = &self.spec;
        match &spec.source {
            DataSource::Files { .. } | DataSource::List { .. } => {
                let pixels = case_reader::read_pixels(spec, case, &self.volumes)?;
                let (mask, of_mask, mask_warnings) = case_reader::read_classes(spec, case, &self.volumes)?;
                let resized = check_same_size(case, pixels.size, of_mask)?;
                let mut warnings = pixels.warnings.clone();
                warnings.extend(mask_warnings);
                warnings.extend(resized);
                let image =
                    intensity::prepare(&pixels, spec, channels, &case.display_path(&case.image), &mut warnings)?;
                let mask = resize::nearest(&mask, of_mask, spec.size);
                let kind = intensity::unscaled_kind(&pixels, spec);
                let unscaled = kind.map(|kind| (kind, case.image.clone()));
                Ok(CachedSample { image, mask, original: pixels.size, unscaled, warnings })
            }
            DataSource::Phantoms { seed, .. } => {
                let slice = phantom::draw(*seed, phantom::index_of_stem(&case.stem)?, spec.size);
                let mask = slice.lungs.clone();
                let (pixels, mut warnings) = (slice.into_pixels(), Vec::new());
                let stem = Path::new(&case.stem);
                let image = intensity::prepare(&pixels, &phantom::with_window(spec), channels, stem, &mut warnings)?;
                Ok(CachedSample { image, mask, original: spec.size, unscaled: None, warnings })
            }
        }
    }
}
