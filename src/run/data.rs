//! Data sets: files to batches of numbers and classes.
//!
//! Knows no tensors: plain vectors in the order batch, channel, row, column. Which file means what is decided in
//! [`recipe::DataSpec`](crate::recipe::DataSpec); the rules that need more words are in `docs/data.md`.
//!
//! - [`Dataset`]: the pairs of image and mask, split into roles; one sample at a time.
//! - [`Loader`]: batches of samples, cached and loaded ahead.
//! - [`load_image`], [`load_mask`]: a file alone, for prediction and evaluation.
//! - [`phantom`]: pictures with ground truth that need no files.

mod atomic;
mod decode;
mod intensity;
mod jpeg;
mod limit;
mod loader;
mod mask;
mod order;
mod pairs;
pub mod phantom;
pub mod resize;
mod split;
mod tiff;

pub use atomic::write_atomic;
pub use decode::{MAX_BYTES, MAX_SIDE};
pub use loader::{Batch, Batches, Loader};
pub use order::{epoch_order, natural};

use crate::recipe::{DataSource, DataSpec};
use crate::run::error::{Result, RunError};
use decode::{Palette, Pixels};
use std::path::{Path, PathBuf};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    Train,
    Val,
    Test,
}

/// An image and its mask.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Case {
    /// The part of the name that image and mask share, as the image spells it.
    pub stem: String,
    /// Empty for phantoms, as is `mask`.
    pub image: PathBuf,
    pub mask: PathBuf,
}

/// The cases of a data block, split into roles.
pub struct Dataset {
    spec: DataSpec,
    parts: split::Parts,
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

    fn normalise(&self, spec: &DataSpec, channels: usize, output: &mut Vec<f32>) -> Result<()> {
        intensity::normalise(&self.image, spec, channels, output)
    }
}

impl Dataset {
    /// Pairs the files under `root` and splits them. No picture is read yet.
    ///
    /// Fails, naming files, where a pattern has not exactly one `*` or matches nothing, an image has no mask or a mask no
    /// image, a list names an unknown stem or one stem twice, or a role that was asked for stays empty.
    pub fn open(spec: &DataSpec, root: &Path) -> Result<Dataset> {
        check(spec)?;
        let cases = match &spec.source {
            DataSource::Files { images, masks } => pairs::pair(root, images, masks)?,
            DataSource::Phantoms { count, .. } => {
                let case = |i| Case { stem: phantom::stem(i), image: PathBuf::new(), mask: PathBuf::new() };
                (0..*count).map(case).collect()
            }
        };
        let mut parts = split::deal(cases, &spec.split, root)?;
        if let Some(images) = spec.limit {
            limit::thin(&mut parts, images);
        }
        Ok(Dataset { spec: spec.clone(), parts })
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

    /// Writes `train.txt`, `val.txt` (where there is one) and `test.txt` into `dir`, one stem a line.
    pub fn write_split(&self, dir: &Path) -> Result<()> {
        split::write(&self.parts, dir)
    }

    /// One sample at the data block's size for a network of `channels` input channels.
    pub fn load(&self, role: Role, index: usize, channels: usize) -> Result<Sample> {
        let prepared = self.prepare(role, index, channels)?;
        let mut image = Vec::with_capacity(channels * prepared.mask.len());
        prepared.normalise(&self.spec, channels, &mut image)?;
        let Prepared { mask, original, warnings, .. } = prepared;
        Ok(Sample { image, mask, original, warnings })
    }

    /// The image of a case as [`load_image`] gives it, phantoms included.
    pub fn picture(&self, role: Role, index: usize, channels: usize) -> Result<LoadedImage> {
        let case = self.case(role, index)?;
        match &self.spec.source {
            DataSource::Files { .. } => load_image(&self.spec, &case.image, channels),
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
            DataSource::Files { .. } => {
                let (mask, of_mask, warnings) = load_mask(&self.spec, &case.mask)?;
                let size = decode::size(&case.image)?;
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
        let Some(spacing) = self.spec.spacing else { return Ok(None) };
        let original = match &self.spec.source {
            DataSource::Files { .. } => decode::size(&self.case(role, index)?.image)?,
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
            DataSource::Files { .. } => {
                let pixels = decode::read(&case.image, Palette::Colours)?;
                let (mask, of_mask, mask_warnings) = load_mask(spec, &case.mask)?;
                same_size(case, pixels.size, of_mask)?;
                let mut warnings = pixels.warnings.clone();
                warnings.extend(mask_warnings);
                let image = intensity::prepare(&pixels, spec, channels, &case.image, &mut warnings)?;
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
        DataSource::Files { .. } => Ok(()),
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
        &case.mask,
        format!(
            "the mask has {} x {} pixels (width x height), and its image {} has {} x {}",
            mask[1],
            mask[0],
            case.image.display(),
            image[1],
            image[0]
        ),
    ))
}

/// An image file alone, for prediction.
pub fn load_image(spec: &DataSpec, path: &Path, channels: usize) -> Result<LoadedImage> {
    check(spec)?;
    let spec = match spec.source {
        DataSource::Files { .. } => spec.clone(),
        DataSource::Phantoms { .. } => phantom::windowed(spec),
    };
    present(decode::read(path, Palette::Colours)?, &spec, path, channels)
}

fn present(pixels: Pixels, spec: &DataSpec, path: &Path, channels: usize) -> Result<LoadedImage> {
    let mut warnings = pixels.warnings.clone();
    let prepared = intensity::prepare(&pixels, spec, channels, path, &mut warnings)?;
    let mut input = Vec::with_capacity(channels * spec.size[0] * spec.size[1]);
    intensity::normalise(&prepared, spec, channels, &mut input)?;
    let rgb = intensity::rgb(&pixels, spec, path)?;
    Ok(LoadedImage { input, original: pixels.size, rgb, warnings })
}

/// A mask file at its own size: class indices, height and width, and what is doubtful about it.
pub fn load_mask(spec: &DataSpec, path: &Path) -> Result<(Vec<u8>, [usize; 2], Vec<String>)> {
    let palette = match spec.mask_rule {
        crate::recipe::MaskRule::Threshold => Palette::Colours,
        crate::recipe::MaskRule::Exact => Palette::Indices,
    };
    let pixels = decode::read(path, palette)?;
    let (classes, warnings) = mask::classes(&pixels, spec, path)?;
    Ok((classes, pixels.size, warnings))
}
