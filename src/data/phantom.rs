//! Phantoms: generated slices that look like axial lung CT, with ground truth. They need no files.
//!
//! A slice depends only on seed, index and size, bit for bit on every machine: only sums, products, quotients and square roots
//! of IEEE doubles are used, no functions of a math library. Values are Hounsfield units. Air also fills the surroundings, the
//! trachea, the main bronchi, the oesophagus and the stomach, and vessels, bronchi and nodules inside the lung belong to the
//! class lung, so no threshold separates the classes.

mod anatomy;
mod draw;
mod lung_contents;
mod noise;
mod organs;
mod slice;

use crate::base::count::counted;
pub use draw::draw;

use super::order::shuffle;
use super::pixels::MAX_SIDE;
use crate::base::atomic::write_atomic;
use crate::base::error::{Result, RunError};
use crate::base::problem::problem;
use crate::text::config::DataSpec;
use std::io::Cursor;
use std::path::Path;
use tiff::encoder::{Compression, DeflateLevel, Predictor, TiffEncoder, colortype};

/// Window of phantoms if the data block sets none.
pub const WINDOW: [f64; 2] = [-1000.0, 400.0];

pub(super) fn with_window(spec: &DataSpec) -> DataSpec {
    DataSpec { window: spec.window.or(Some(WINDOW)), ..spec.clone() }
}

/// Returns the stem of a phantom: `phantom_0000`, `phantom_0001`, ...
pub(crate) fn stem(index: usize) -> String {
    format!("phantom_{index:04}")
}

pub(super) fn index_of_stem(stem: &str) -> Result<u64> {
    stem.strip_prefix("phantom_")
        .and_then(|digits| digits.parse().ok())
        .ok_or_else(|| problem!(E0715, "`{stem}` is not the name of a phantom"))
}

/// Writes phantoms as a data set of files: `images/*.tif` (signed 16-bit), `masks/*.tif` (0 and 255), and the lists
/// `train.txt` and `test.txt` with four fifths and one fifth of the stems.
pub fn write_phantoms(dir: &Path, count: usize, seed: u64, size: [usize; 2]) -> Result<()> {
    if count < 2 {
        return Err(problem!(
            E0715,
            "{} cannot be split into train and test; at least 2 are needed",
            counted(count, "phantom")
        ));
    }
    if size.iter().any(|&n| n == 0 || n > MAX_SIDE) {
        return Err(problem!(
            E0716,
            "phantoms cannot have {} x {} pixels; each side must be between 1 and {MAX_SIDE}",
            size[0],
            size[1]
        ));
    }
    for folder in ["images", "masks"] {
        let path = dir.join(folder);
        std::fs::create_dir_all(&path).map_err(|e| RunError::create_dir(&path, e))?;
    }
    for index in 0..count {
        let slice = draw(seed, index as u64, size);
        let name = format!("{}.tif", stem(index));
        let mask: Vec<u8> = slice.lungs.iter().map(|&v| v * 255).collect();
        encode::<colortype::GrayI16>(&dir.join("images").join(&name), size, &slice.hu)?;
        encode::<colortype::Gray8>(&dir.join("masks").join(&name), size, &mask)?;
    }
    let mut order: Vec<usize> = (0..count).collect();
    shuffle(&mut order, seed, 0);
    let (test, train) = order.split_at_mut(count.div_ceil(5));
    for (name, part) in [("train.txt", train), ("test.txt", test)] {
        part.sort_unstable();
        let text: String = part.iter().map(|&i| stem(i) + "\n").collect();
        write_atomic(&dir.join(name), text.as_bytes())?;
    }
    Ok(())
}

fn encode<C>(path: &Path, [height, width]: [usize; 2], values: &[C::Inner]) -> Result<()>
where
    C: colortype::ColorType,
    [C::Inner]: tiff::encoder::TiffValue,
{
    let fail = |e: tiff::TiffError| problem!(E0702, path, "cannot write the TIFF file: {e}");
    let mut file = Cursor::new(Vec::new());
    TiffEncoder::new(&mut file)
        .map(|e| e.with_compression(Compression::Deflate(DeflateLevel::Balanced)).with_predictor(Predictor::Horizontal))
        .and_then(|mut e| e.write_image::<C>(width as u32, height as u32, values))
        .map_err(fail)?;
    write_atomic(path, file.get_ref())
}
