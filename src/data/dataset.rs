//! The cases of a data block by role, read one at a time.

use super::augment;
use super::case::{Case, Role, same_size};
use super::image::{LoadedImage, check, present};
use super::sample::{Prepared, Sample, Shown, Versions};
use super::split::{self, Parts};
use super::{case_discovery, content, intensity, limit, phantom, reading, resize, volume};
use crate::base::error::{Result, RunError};
use crate::text::config::{DataSource, DataSpec};
use std::path::Path;

/// The cases of a data block, split into roles.
pub struct Dataset {
    pub(super) spec: DataSpec,
    pub(super) parts: Parts,
    pub(super) volumes: volume::Cache,
    /// What is doubtful about how images and masks belong together.
    pub(super) doubts: Vec<String>,
}

impl Dataset {
    /// Finds the cases under `root` and splits them. No picture is read yet, but for the masks where a stratified split or
    /// `slices = labelled` needs them.
    ///
    /// Fails, naming files, where a pattern has not exactly one `*` or matches nothing, an image has no mask or a mask no
    /// image, a list names an unknown stem or one stem twice, a group would be divided, or a role that was asked for stays
    /// empty. Of several problems the first is given; [`survey`](super::survey) tells all.
    pub fn open(spec: &DataSpec, root: &Path) -> Result<Dataset> {
        let (data, mut problems) = Dataset::gather(spec, root)?;
        match problems.len() {
            0 => Ok(data),
            1 => Err(problems.remove(0)),
            n => Err(problems.remove(0).help(format!("there are {} more problems; `npc data check` tells all", n - 1))),
        }
    }

    /// The cases that can be used, and what stands in the way of others. Fails where the data block itself makes no sense.
    pub(super) fn gather(spec: &DataSpec, root: &Path) -> Result<(Dataset, Vec<RunError>)> {
        check(spec)?;
        let volumes = volume::Cache::new(spec.cache_mb.saturating_mul(1 << 20));
        let (mut problems, mut doubts) = (Vec::new(), Vec::new());
        let cases = case_discovery::gather(spec, root, &volumes, &mut problems, &mut doubts);
        let parts = match cases.is_empty() && !problems.is_empty() {
            // What is missing was told; that it cannot be split as well says nothing.
            true => Parts::default(),
            false => {
                let content = |cases: &[Case]| content::class_counts(spec, cases, &volumes);
                split::deal(cases, spec, root, content, &mut problems)
            }
        };
        let mut parts = parts;
        if let Some(images) = spec.limit {
            limit::thin(&mut parts, images);
        }
        Ok((Dataset { spec: spec.clone(), parts, volumes, doubts }, problems))
    }

    pub fn spec(&self) -> &DataSpec {
        &self.spec
    }

    pub fn len(&self, role: Role) -> usize {
        self.cases(role).len()
    }

    pub fn is_empty(&self, role: Role) -> bool {
        self.cases(role).is_empty()
    }

    pub fn cases(&self, role: Role) -> &[Case] {
        match role {
            Role::Train => &self.parts.train,
            Role::Val => &self.parts.val,
            Role::Test => &self.parts.test,
        }
    }

    /// The patient, video or volume of a case, where the data block or its list says one.
    pub fn group(&self, role: Role, index: usize) -> Option<&str> {
        self.cases(role).get(index)?.group.as_deref()
    }

    /// Millimetres from row to row and from column to column of a case's image, where its file says them.
    pub fn header_spacing(&self, role: Role, index: usize) -> Result<Option<[f64; 2]>> {
        reading::spacing(&self.spec, self.case(role, index)?, &self.volumes)
    }

    /// Writes `train.txt`, `val.txt` (where there is one) and `test.txt` into `dir`, one stem a line, and `groups.csv` with
    /// stem, group and split where cases have groups.
    pub fn write_split(&self, dir: &Path) -> Result<()> {
        split::write(&self.parts, dir)
    }

    /// One sample at the data block's size for a network of `channels` input channels.
    pub fn load(&self, role: Role, index: usize, channels: usize) -> Result<Sample> {
        let prepared = self.prepare(role, index, channels)?;
        let mut image = vec![0.0; channels * prepared.mask.len()];
        prepared.normalise(&self.spec, channels, &mut image)?;
        let Prepared { mask, original, warnings, .. } = prepared;
        Ok(Sample { image, mask, original, warnings })
    }

    /// A sample at the data block's size, before mean and standard deviation, and what each plan makes of it.
    pub fn shown(&self, role: Role, index: usize, channels: usize, plans: &[augment::Plan]) -> Result<Versions> {
        let prepared = self.prepare(role, index, channels)?;
        let itself = Shown { planes: prepared.units(), mask: prepared.mask.clone() };
        let changed = plans.iter().map(|plan| {
            let (planes, mask) = prepared.changed(plan);
            Shown { planes, mask }
        });
        Ok(Versions { pictures: std::iter::once(itself).chain(changed).collect(), warnings: prepared.warnings })
    }

    /// The image of a case as [`load_image`](super::load_image) gives it, phantoms included.
    pub fn picture(&self, role: Role, index: usize, channels: usize) -> Result<LoadedImage> {
        let case = self.case(role, index)?;
        match &self.spec.source {
            DataSource::Files { .. } | DataSource::List { .. } => {
                let pixels = reading::pixels(&self.spec, case, &self.volumes)?;
                present(pixels, &self.spec, &case.place(&case.image), channels)
            }
            DataSource::Phantoms { seed, .. } => {
                let pixels = phantom::draw(*seed, phantom::number(&case.stem)?, self.spec.size).into_pixels();
                present(pixels, &phantom::windowed(&self.spec), Path::new(&case.stem), channels)
            }
        }
    }

    /// The ground truth of a case at the size of its image, as class indices, and that size.
    pub fn truth(&self, role: Role, index: usize) -> Result<(Vec<u8>, [usize; 2], Vec<String>)> {
        let case = self.case(role, index)?;
        match &self.spec.source {
            DataSource::Files { .. } | DataSource::List { .. } => {
                let (mask, of_mask, warnings) = reading::classes(&self.spec, case, &self.volumes)?;
                let size = reading::size(&self.spec, case, &self.volumes)?;
                same_size(case, size, of_mask)?;
                Ok((resize::nearest(&mask, of_mask, size), size, warnings))
            }
            DataSource::Phantoms { seed, .. } => {
                let slice = phantom::draw(*seed, phantom::number(&case.stem)?, self.spec.size);
                Ok((slice.lungs, self.spec.size, Vec::new()))
            }
        }
    }

    /// Millimetres a pixel of the case at the data block's size, height then width; `None` where nothing says it.
    pub fn spacing(&self, role: Role, index: usize) -> Result<Option<[f64; 2]>> {
        let case = self.case(role, index)?;
        let told = match self.spec.spacing {
            Some(spacing) => Some(spacing),
            None => reading::spacing(&self.spec, case, &self.volumes)?,
        };
        let Some(spacing) = told else { return Ok(None) };
        let original = match &self.spec.source {
            DataSource::Files { .. } | DataSource::List { .. } => reading::size(&self.spec, case, &self.volumes)?,
            DataSource::Phantoms { .. } => self.spec.size,
        };
        let at = |i: usize| spacing[i] * original[i] as f64 / self.spec.size[i] as f64;
        Ok(Some([at(0), at(1)]))
    }

    fn case(&self, role: Role, index: usize) -> Result<&Case> {
        self.cases(role).get(index).ok_or_else(|| {
            let n = self.len(role);
            RunError::new(format!("data `{}` has {n} cases for {role:?}; there is no number {index}", self.spec.name))
        })
    }

    pub(super) fn prepare(&self, role: Role, index: usize, channels: usize) -> Result<Prepared> {
        let case = self.case(role, index)?;
        let spec = &self.spec;
        match &spec.source {
            DataSource::Files { .. } | DataSource::List { .. } => {
                let pixels = reading::pixels(spec, case, &self.volumes)?;
                let (mask, of_mask, mask_warnings) = reading::classes(spec, case, &self.volumes)?;
                same_size(case, pixels.size, of_mask)?;
                let mut warnings = pixels.warnings.clone();
                warnings.extend(mask_warnings);
                let image = intensity::prepare(&pixels, spec, channels, &case.place(&case.image), &mut warnings)?;
                let mask = resize::nearest(&mask, of_mask, spec.size);
                Ok(Prepared { image, mask, original: pixels.size, warnings })
            }
            DataSource::Phantoms { seed, .. } => {
                let slice = phantom::draw(*seed, phantom::number(&case.stem)?, spec.size);
                let mask = slice.lungs.clone();
                let (pixels, mut warnings) = (slice.into_pixels(), Vec::new());
                let stem = Path::new(&case.stem);
                let image = intensity::prepare(&pixels, &phantom::windowed(spec), channels, stem, &mut warnings)?;
                Ok(Prepared { image, mask, original: spec.size, warnings })
            }
        }
    }
}
