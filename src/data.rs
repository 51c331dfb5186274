//! Data sets: files to batches of numbers and classes.
//!
//! Knows no tensors: plain vectors in the order batch, channel, row, column. Which file means what is decided in
//! [`recipe::DataSpec`](crate::text::recipe::DataSpec); the rules that need more words are in `docs/data.md`.
//!
//! - [`Dataset`]: the pairs of image and mask, split into roles; one sample at a time.
//! - [`Loader`]: batches of samples, cached and loaded ahead; [`augment`]: changed for training.
//! - [`load_image`], [`load_mask`]: a file alone, for prediction and evaluation.
//! - [`phantom`]: pictures with ground truth that need no files.

pub mod augment;
mod cases;
mod decode;
mod group;
pub mod inputs;
mod intensity;
mod jpeg;
mod limit;
mod loader;
mod mask;
mod order;
mod pairs;
pub mod phantom;
pub mod png;
mod reading;
pub mod resize;
mod split;
pub mod survey;
mod table;
mod tiff;
mod volume;
pub mod waiting;

pub use decode::{EXTENSIONS, MAX_BYTES, MAX_SIDE};
pub use loader::{Batch, Batches, Loader};
pub use order::{epoch_order, natural};

use crate::base::error::{Result, RunError};
use crate::text::recipe::{DataSource, DataSpec};
use decode::{Palette, Pixels};
use std::path::{Path, PathBuf};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    Train,
    Val,
    Test,
}

impl Role {
    pub const ALL: [Role; 3] = [Role::Train, Role::Val, Role::Test];

    /// As lists and columns call it.
    pub fn name(self) -> &'static str {
        match self {
            Role::Train => "train",
            Role::Val => "val",
            Role::Test => "test",
        }
    }
}

/// An image and its mask.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Case {
    /// The part of the name that image and mask share, as the image spells it.
    pub stem: String,
    /// Empty for phantoms, as is `mask`.
    pub image: PathBuf,
    pub mask: PathBuf,
    /// The patient, video or volume that it belongs to, where that is known.
    pub group: Option<String>,
    /// Number of the slice in a volume, in the order of `volume`.
    slice: Option<usize>,
    /// What the column `split` of a list says.
    role: Option<Role>,
}

/// The cases of a data block, split into roles.
pub struct Dataset {
    spec: DataSpec,
    parts: split::Parts,
    volumes: volume::Cache,
    /// What is doubtful about how images and masks belong together.
    doubts: Vec<String>,
}

/// One image and its classes at the size of the data block.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// Channels x height x width, scaled and normalised.
    pub image: Vec<f32>,
    /// Height x width, class indices.
    pub mask: Vec<u8>,
    /// Height and width of the image file.
    pub original: [usize; 2],
    pub warnings: Vec<String>,
}

/// A sample as it is, and as plans of augmentation leave it.
pub struct Versions {
    /// The sample itself first.
    pub pictures: Vec<Shown>,
    pub warnings: Vec<String>,
}

/// A sample for people to look at.
pub struct Shown {
    /// One plane or three, each height x width, in 0..1.
    pub planes: Vec<f32>,
    /// Height x width, class indices.
    pub mask: Vec<u8>,
}

impl Shown {
    /// Height x width x 3.
    pub fn rgb(&self, size: [usize; 2]) -> Vec<u8> {
        let area = size[0] * size[1];
        let byte = |v: f32| (v.clamp(0.0, 1.0) * 255.0).round() as u8;
        let plane = |c: usize| if self.planes.len() == 3 * area { c * area } else { 0 };
        (0..area).flat_map(|i| [0, 1, 2].map(|c| byte(self.planes[plane(c) + i]))).collect()
    }
}

/// An image without ground truth.
#[derive(Debug, Clone, PartialEq)]
pub struct LoadedImage {
    /// Channels x height x width at the size of the data block, scaled and normalised.
    pub input: Vec<f32>,
    /// Height and width of the file.
    pub original: [usize; 2],
    /// Height x width x 3 at the original size, for people to look at: scaled as for the network, not normalised.
    pub rgb: Vec<u8>,
    pub warnings: Vec<String>,
}

/// A sample as it is cached: see [`intensity`] for the 16-bit steps.
struct Prepared {
    image: Vec<u16>,
    mask: Vec<u8>,
    original: [usize; 2],
    warnings: Vec<String>,
}

impl Prepared {
    fn bytes(&self) -> usize {
        size_of::<Self>() + 2 * self.image.len() + self.mask.len()
    }

    fn normalise(&self, spec: &DataSpec, channels: usize, output: &mut [f32]) -> Result<()> {
        intensity::normalise(&self.image, intensity::unit, spec, channels, output)
    }

    fn units(&self) -> Vec<f32> {
        self.image.iter().map(|&v| intensity::unit(v)).collect()
    }

    /// Planes of values in 0..1 and the mask, as a plan leaves them.
    fn changed(&self, plan: &augment::Plan) -> (Vec<f32>, Vec<u8>) {
        let mut planes = self.units();
        let mut mask = self.mask.clone();
        plan.apply(&mut planes, &mut mask);
        (planes, mask)
    }
}

impl Dataset {
    /// Finds the cases under `root` and splits them. No picture is read yet, but for the masks where a stratified split or
    /// `slices = labelled` needs them.
    ///
    /// Fails, naming files, where a pattern has not exactly one `*` or matches nothing, an image has no mask or a mask no
    /// image, a list names an unknown stem or one stem twice, a group would be divided, or a role that was asked for stays
    /// empty. Of several problems the first is given; [`survey`] tells all.
    pub fn open(spec: &DataSpec, root: &Path) -> Result<Dataset> {
        let (data, mut problems) = Dataset::gather(spec, root)?;
        match problems.len() {
            0 => Ok(data),
            1 => Err(problems.remove(0)),
            n => Err(problems.remove(0).help(format!("there are {} more problems; `npc data check` tells all", n - 1))),
        }
    }

    /// The cases that can be used, and what stands in the way of others. Fails where the data block itself makes no sense.
    fn gather(spec: &DataSpec, root: &Path) -> Result<(Dataset, Vec<RunError>)> {
        check(spec)?;
        let volumes = volume::Cache::new(spec.cache_mb.saturating_mul(1 << 20));
        let (mut problems, mut doubts) = (Vec::new(), Vec::new());
        let cases = cases::gather(spec, root, &volumes, &mut problems, &mut doubts);
        let parts = match cases.is_empty() && !problems.is_empty() {
            // What is missing was told; that it cannot be split as well says nothing.
            true => split::Parts::default(),
            false => {
                let content = |cases: &[Case]| survey::content(spec, cases, &volumes);
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

    /// The image of a case as [`load_image`] gives it, phantoms included.
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

    fn prepare(&self, role: Role, index: usize, channels: usize) -> Result<Prepared> {
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

/// What every sample relies on.
fn check(spec: &DataSpec) -> Result<()> {
    let fail = |text: String| Err(RunError::new(format!("data `{}`: {text}", spec.name)));
    let [height, width] = spec.size;
    if height == 0 || width == 0 || height > MAX_SIDE || width > MAX_SIDE {
        return fail(format!("size {height} x {width} is not between 1 and {MAX_SIDE}"));
    }
    if spec.classes.len() != spec.labels.len() || !(2..=256).contains(&spec.classes.len()) {
        return fail(format!("{} classes and {} labels", spec.classes.len(), spec.labels.len()));
    }
    match &spec.source {
        DataSource::Files { .. } | DataSource::List { .. } => Ok(()),
        DataSource::Phantoms { count: 0, .. } => fail("0 phantoms are no data".into()),
        DataSource::Phantoms { .. } if spec.classes.len() != 2 => {
            fail(format!("phantoms have two classes, not {}", spec.classes.len()))
        }
        DataSource::Phantoms { .. } => Ok(()),
    }
}

/// Sizes may differ by one pixel, as rounding in whatever resized the files leaves them; then the mask is resized.
fn same_size(case: &Case, image: [usize; 2], mask: [usize; 2]) -> Result<()> {
    if image[0].abs_diff(mask[0]) <= 1 && image[1].abs_diff(mask[1]) <= 1 {
        return Ok(());
    }
    Err(RunError::at(
        &case.place(&case.mask),
        format!(
            "the mask has {} x {} pixels (width x height), and its image {} has {} x {}",
            mask[1],
            mask[0],
            case.place(&case.image).display(),
            image[1],
            image[0]
        ),
    ))
}

/// An image file alone, for prediction.
pub fn load_image(spec: &DataSpec, path: &Path, channels: usize) -> Result<LoadedImage> {
    check(spec)?;
    if volume::is_nifti(path) {
        return Err(RunError::at(path, "is a volume; volumes are read as the slices of a data set, not by themselves")
            .help("name it in a data block: images = \"folder/*.nii.gz\""));
    }
    let spec = match spec.source {
        DataSource::Files { .. } | DataSource::List { .. } => spec.clone(),
        DataSource::Phantoms { .. } => phantom::windowed(spec),
    };
    present(decode::read(path, Palette::Colours)?, &spec, path, channels)
}

/// The same at the file's own size: `input` is channels x `original`, scaled and normalised and not resized.
pub fn load_full_image(spec: &DataSpec, path: &Path, channels: usize) -> Result<LoadedImage> {
    check(spec)?;
    let pixels = decode::read(path, Palette::Colours)?;
    let spec = match spec.source {
        DataSource::Files { .. } | DataSource::List { .. } => spec.clone(),
        DataSource::Phantoms { .. } => phantom::windowed(spec),
    };
    let spec = DataSpec { size: pixels.size, ..spec };
    present(pixels, &spec, path, channels)
}

fn present(pixels: Pixels, spec: &DataSpec, path: &Path, channels: usize) -> Result<LoadedImage> {
    let mut warnings = pixels.warnings.clone();
    let prepared = intensity::prepare(&pixels, spec, channels, path, &mut warnings)?;
    let mut input = vec![0.0; channels * spec.size[0] * spec.size[1]];
    intensity::normalise(&prepared, intensity::unit, spec, channels, &mut input)?;
    let rgb = intensity::rgb(&pixels, spec, path)?;
    Ok(LoadedImage { input, original: pixels.size, rgb, warnings })
}

/// A mask file at its own size: class indices, height and width, and what is doubtful about it.
pub fn load_mask(spec: &DataSpec, path: &Path) -> Result<(Vec<u8>, [usize; 2], Vec<String>)> {
    let palette = match spec.mask_rule {
        crate::text::recipe::MaskRule::Threshold | crate::text::recipe::MaskRule::Colour => Palette::Colours,
        crate::text::recipe::MaskRule::Exact => Palette::Indices,
    };
    let pixels = decode::read(path, palette)?;
    let (classes, warnings) = mask::classes(&pixels, spec, path)?;
    Ok((classes, pixels.size, warnings))
}
