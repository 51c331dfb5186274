//! Writes class probabilities of a picture as one 16-bit PNG per class or as one NumPy file.

use crate::base::atomic::write_atomic;
use crate::base::count::counted;
use crate::base::error::Result;
use crate::base::problem::problem;
use crate::data::png::write_grey16_atomic;
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// File format of the probabilities of an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProbabilityFormat {
    /// `STEM_CLASS.png` for each class, with the values `round(65535 p)`.
    Png16,
    /// `STEM.npy`, float32 `[k, h, w]`, or `[k, x, y, z]` for a volume.
    Npy,
    /// `STEM_probabilities.nii.gz`, float32 `[x, y, z, k]` on the grid of a volume.
    Nifti,
}

impl ProbabilityFormat {
    /// All formats.
    pub const ALL: [ProbabilityFormat; 3] =
        [ProbabilityFormat::Png16, ProbabilityFormat::Npy, ProbabilityFormat::Nifti];

    /// Returns the name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            ProbabilityFormat::Png16 => "png16",
            ProbabilityFormat::Npy => "npy",
            ProbabilityFormat::Nifti => "nifti",
        }
    }
}

impl FromStr for ProbabilityFormat {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let known = || Self::ALL.map(Self::name).join(", ");
        Self::ALL.into_iter().find(|f| f.name() == name).ok_or_else(|| format!("the formats are {}", known()))
    }
}

/// Returns the endings of the files of an image, which follow its stem.
pub(crate) fn file_suffixes(classes: &[String], format: ProbabilityFormat) -> Vec<String> {
    match format {
        ProbabilityFormat::Png16 => classes
            .iter()
            .enumerate()
            .map(|(i, class)| format!("_{}.png", class_file_name(i, class, classes)))
            .collect(),
        ProbabilityFormat::Npy => vec![".npy".into()],
        ProbabilityFormat::Nifti => vec!["_probabilities.nii.gz".into()],
    }
}

/// Writes the probabilities of one image, `[k, height, width]`, and returns the paths. `base` is the common start of the
/// file names. PNG files clip values to 0..1 and store NaN as 0.
pub fn write_probabilities(
    base: &Path,
    values: &[f32],
    classes: &[String],
    size: [usize; 2],
    format: ProbabilityFormat,
) -> Result<Vec<PathBuf>> {
    let area = size[0] * size[1];
    if values.len() != classes.len() * area {
        let (n, k) = (values.len(), classes.len());
        return Err(problem!(
            E0799,
            base,
            "{} for {} of {}",
            counted(n, "probability"),
            counted(k, "class"),
            counted(area, "pixel")
        ));
    }
    let files: Vec<PathBuf> = file_suffixes(classes, format).iter().map(|end| with_suffix(base, end)).collect();
    match format {
        ProbabilityFormat::Png16 => {
            for (path, plane) in files.iter().zip(values.chunks_exact(area)) {
                let steps: Vec<u16> = plane.iter().map(|p| (p.clamp(0.0, 1.0) * 65_535.0).round() as u16).collect();
                write_grey16_atomic(path, &steps, size)?;
            }
        }
        ProbabilityFormat::Npy => {
            let bytes = npy_bytes(&[classes.len(), size[0], size[1]], values.iter().copied());
            write_atomic(&files[0], &bytes)?;
        }
        ProbabilityFormat::Nifti => return Err(problem!(E0799, base, "the probabilities of a picture have no grid")),
    }
    Ok(files)
}

/// Writes the probabilities of a volume as one NumPy file `[k, x, y, z]`. `values` hold each class in the order of the file's
/// voxels, with x contiguous; `dims` are the numbers of voxels along x, y and z.
pub(crate) fn write_volume_npy(path: &Path, values: &[f32], classes: usize, dims: [usize; 3]) -> Result<()> {
    let [x, y, z] = dims;
    let all = (0..classes * x).flat_map(|kx| (0..y).flat_map(move |j| (0..z).map(move |k| (kx / x, kx % x, j, k))));
    let values = all.map(|(class, i, j, k)| values[((class * z + k) * y + j) * x + i]);
    write_atomic(path, &npy_bytes(&[classes, x, y, z], values))
}

pub(crate) fn with_suffix(base: &Path, end: &str) -> PathBuf {
    let mut name = base.file_name().unwrap_or_default().to_os_string();
    name.push(end);
    base.with_file_name(name)
}

/// Returns the class as part of a file name. Characters other than letters, digits, `-` and `_` become `_`; the class index
/// is appended if two classes would have the same name.
fn class_file_name(index: usize, class: &str, classes: &[String]) -> String {
    let plain = |c: &str| -> String {
        c.chars().map(|c| if c.is_alphanumeric() || matches!(c, '-' | '_') { c } else { '_' }).collect()
    };
    let name = plain(class);
    let alike = |c: &&String| plain(c).to_lowercase() == name.to_lowercase();
    if classes.iter().filter(alike).count() > 1 { format!("{name}_{index}") } else { name }
}

/// Returns the bytes of a file in NumPy's format 1.0 (numpy.lib.format): magic, version, length of the header, the header
/// padded to 64 bytes, and the values in little-endian order.
fn npy_bytes(shape: &[usize], values: impl Iterator<Item = f32>) -> Vec<u8> {
    let sides: Vec<String> = shape.iter().map(usize::to_string).collect();
    let mut header = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({}), }}", sides.join(", "));
    // Ten bytes precede the header, and a line feed ends it.
    let used = 10 + header.len() + 1;
    header.extend(std::iter::repeat_n(' ', used.next_multiple_of(64) - used));
    header.push('\n');
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.reserve(2 + header.len() + 4 * shape.iter().product::<usize>());
    bytes.extend((header.len() as u16).to_le_bytes());
    bytes.extend(header.as_bytes());
    values.for_each(|v| bytes.extend(v.to_le_bytes()));
    bytes
}
