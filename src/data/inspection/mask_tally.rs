//! Which values and colours masks hold.

use crate::base::error::Result;
use crate::base::problem::problem;
use crate::data::decode;
use crate::data::notice::FileRole;
use crate::data::pixels::{Pixels, SampleValues};
use crate::data::volume::{self, is_volume};
use crate::text::config::{DataSpec, OrientationRule, SliceAxis};
use std::collections::BTreeMap;
use std::path::Path;

/// The most values or colours that are counted; a mask with more is none.
const MOST: usize = 4096;
/// Difference between the channels of a grey pixel after lossy compression.
const LOSSY_GREY: f64 = 64.0;

/// How the pixels of a mask are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum MaskStorage {
    /// Grey values.
    Grey,
    /// Grey values of fewer than 8 bits, from 0 to `2^bits - 1`.
    FewBits(u32),
    /// Indices of a palette.
    Palette,
    /// Colours.
    Colour,
}

/// What one mask file holds.
pub(super) struct MaskTally {
    pub storage: MaskStorage,
    /// Number of pixels of each value: grey, index of a palette, or the brightest channel of colours.
    pub values: BTreeMap<ValueKey, u64>,
    /// Number of pixels of each colour, of palettes and colours.
    pub colours: BTreeMap<[u8; 3], u64>,
    /// Colour of each index that is used.
    pub palette: BTreeMap<u8, [u8; 3]>,
    pub lossy: bool,
    /// Whether some pixels are transparent and others are not.
    pub transparent: bool,
    /// Whether the file has an alpha channel.
    pub alpha: bool,
    /// Height and width of the file, or of a slice.
    pub size: [usize; 2],
    /// Number of slices of a volume; 0 for a picture.
    pub slices: usize,
    /// Number of slices with more than one value.
    pub labelled: usize,
    /// Number of pixels above 0, and of the runs of one such value within rows: objects have long runs, photographs short ones.
    pub runs: [u64; 2],
}

/// A value of a sample that sorts by size.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct ValueKey(pub f64);

impl Eq for ValueKey {}

impl PartialOrd for ValueKey {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for ValueKey {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.total_cmp(&other.0)
    }
}

/// Checks whether parts of a picture are transparent and others are not.
pub(super) fn has_alpha(path: &Path, reading: &DataSpec) -> bool {
    let stored = DataSpec { orientation: Some(OrientationRule::Stored), ..reading.clone() };
    let pixels = if is_volume(path) { None } else { decode::read(path, FileRole::Mask, &stored).ok() };
    pixels.and_then(|pixels| pixels.alpha).is_some_and(|alpha| alpha.named)
}

/// Reads a mask as stored and counts its values. `image` is needed for volumes. Errors: the mask cannot be read, it is not where its
/// image is, or it has too many values.
pub(super) fn tally_mask(image: &Path, mask: &Path, axis: SliceAxis, reading: &DataSpec) -> Result<MaskTally> {
    if !is_volume(image) {
        return tally_pixels(&decode::read(mask, FileRole::Mask, reading)?, mask);
    }
    if !is_volume(mask) {
        return Err(problem!(E0710, mask, "the mask is a single picture, but its image is a volume"));
    }
    let volume = volume::read(mask, Some(image))?;
    let slices = volume.grid.count(axis);
    let mut whole: Option<MaskTally> = None;
    for index in 0..slices {
        let slice = tally_pixels(&volume.slice(axis, index, mask)?, mask)?;
        let labelled = usize::from(slice.values.len() > 1);
        match &mut whole {
            None => whole = Some(MaskTally { slices, labelled, ..slice }),
            Some(whole) => {
                whole.labelled += labelled;
                (0..2).for_each(|i| whole.runs[i] += slice.runs[i]);
                slice.values.iter().for_each(|(value, count)| *whole.values.entry(*value).or_default() += count);
            }
        }
        if whole.as_ref().is_some_and(|whole| whole.values.len() > MOST) {
            return Err(too_many(mask));
        }
    }
    whole.ok_or_else(|| problem!(E0714, mask, "the volume has no slices"))
}

fn too_many(mask: &Path) -> crate::base::error::RunError {
    problem!(E0713, mask, "the mask has more than {MOST} values, as a photograph has";
        help: "masks hold few values or colours; check that images and masks are not exchanged")
}

fn tally_pixels(pixels: &Pixels, mask: &Path) -> Result<MaskTally> {
    let storage = match (&pixels.palette, pixels.bits) {
        (Some(_), _) => MaskStorage::Palette,
        (None, Some(bits)) => MaskStorage::FewBits(bits),
        (None, None) if is_coloured(pixels) => MaskStorage::Colour,
        (None, None) => MaskStorage::Grey,
    };
    let mut tally = MaskTally {
        storage,
        values: grey_values(pixels),
        colours: BTreeMap::new(),
        palette: BTreeMap::new(),
        lossy: pixels.lossy.is_some(),
        transparent: pixels.alpha.as_ref().is_some_and(|alpha| alpha.named),
        alpha: pixels.opaque_alpha || pixels.alpha.as_ref().is_some_and(|alpha| alpha.named),
        size: pixels.size,
        slices: 0,
        labelled: 0,
        runs: runs_above_zero(pixels),
    };
    match (&pixels.palette, &pixels.values) {
        (Some(palette), _) => {
            for (value, count) in &tally.values {
                if let Some(colour) = palette.get(value.0 as usize) {
                    *tally.colours.entry(*colour).or_default() += count;
                    tally.palette.insert(value.0 as u8, *colour);
                }
            }
        }
        (None, SampleValues::U8(bytes)) if pixels.channels == 3 => {
            for pixel in bytes.chunks_exact(3) {
                *tally.colours.entry([pixel[0], pixel[1], pixel[2]]).or_default() += 1;
            }
        }
        _ => {}
    }
    if tally.values.len() > MOST && !tally.lossy {
        return Err(too_many(mask));
    }
    Ok(tally)
}

/// Checks whether the channels of a pixel differ by more than compression makes them differ.
fn is_coloured(pixels: &Pixels) -> bool {
    let most = if pixels.lossy.is_some() { LOSSY_GREY } else { 0.0 };
    pixels.channels == 3
        && (0..pixels.values.len() / 3).any(|i| {
            let [r, g, b] = [0, 1, 2].map(|c| pixels.values.at(3 * i + c));
            r.max(g).max(b) - r.min(g).min(b) > most
        })
}

/// Counts the pixels above 0 of one channel, and the runs of one such value within rows.
fn runs_above_zero(pixels: &Pixels) -> [u64; 2] {
    if pixels.channels != 1 {
        return [0, 0];
    }
    let [_, width] = pixels.size;
    let (mut found, mut before) = ([0, 0], 0.0);
    for i in 0..pixels.values.len() {
        let value = pixels.values.at(i);
        if i % width.max(1) == 0 {
            before = 0.0;
        }
        if value > 0.0 {
            found[0] += 1;
            found[1] += u64::from(value != before);
        }
        before = value;
    }
    found
}

/// Counts the grey values; of colours the brightest channel.
fn grey_values(pixels: &Pixels) -> BTreeMap<ValueKey, u64> {
    let mut values: BTreeMap<ValueKey, u64> = BTreeMap::new();
    if let (SampleValues::U8(bytes), 1) = (&pixels.values, pixels.channels) {
        let mut counts = [0u64; 256];
        bytes.iter().for_each(|&v| counts[usize::from(v)] += 1);
        let found = counts.iter().enumerate().filter(|(_, count)| **count > 0);
        return found.map(|(v, count)| (ValueKey(v as f64), *count)).collect();
    }
    let channels = pixels.channels;
    let mut last: Option<(f64, u64)> = None;
    for i in 0..pixels.values.len() / channels {
        let value = (0..channels).map(|c| pixels.values.at(channels * i + c)).fold(f64::NEG_INFINITY, f64::max);
        match &mut last {
            // Neighbouring pixels mostly have the same value.
            Some((of, run)) if *of == value => *run += 1,
            _ => {
                if let Some((of, run)) = last.replace((value, 1)) {
                    *values.entry(ValueKey(of)).or_default() += run;
                }
            }
        }
        if values.len() > MOST + 1 {
            break;
        }
    }
    if let Some((of, run)) = last {
        *values.entry(ValueKey(of)).or_default() += run;
    }
    values
}
