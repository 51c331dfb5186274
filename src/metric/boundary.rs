//! Boundary IoU (Cheng, Girshick, Dollár, Berg, Kirillov: Boundary IoU, CVPR 2021): the IoU of two bands along the inner
//! side of the outlines. It is more sensitive than IoU to errors at the outline of large objects.

use serde::{Deserialize, Serialize};

/// Width of the band as a fraction of the image's diagonal, as in the paper for COCO-sized images.
pub(crate) const BAND_WIDTH_SHARE: f64 = 0.02;

/// Pixels of the bands along two outlines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct BoundaryOverlap {
    /// Pixels in both bands.
    pub both: u64,
    /// Pixels in at least one of the bands.
    pub either: u64,
}

/// Returns the width of the band in pixels: `share` of the diagonal, rounded, at least 1.
pub(crate) fn band_width(size: [usize; 2], share: f64) -> usize {
    let diagonal = (size[0] as f64).hypot(size[1] as f64);
    ((share * diagonal).round_ties_even() as usize).max(1)
}

/// Counts the overlap of the bands of two masks. Pixels outside the image are background, so a mask has a band along the
/// image's border as well, as in the authors' code.
pub(crate) fn boundary_overlap(a: &[bool], b: &[bool], size: [usize; 2], share: f64) -> BoundaryOverlap {
    let width = band_width(size, share);
    let (a, b) = (band(a, size, width), band(b, size, width));
    let pairs = || a.iter().zip(&b);
    BoundaryOverlap {
        both: pairs().filter(|(a, b)| **a && **b).count() as u64,
        either: pairs().filter(|(a, b)| **a || **b).count() as u64,
    }
}

/// Returns the pixels of the mask that an erosion by a square of side `2 width + 1` (`width` erosions by 3 x 3) removes.
pub(crate) fn band(mask: &[bool], size: [usize; 2], width: usize) -> Vec<bool> {
    let [height, columns] = size;
    let mut kept = mask.to_vec();
    for row in kept.chunks_exact_mut(columns.max(1)) {
        erode(row, width);
    }
    let mut line = vec![false; height];
    for x in 0..columns {
        line.iter_mut().enumerate().for_each(|(y, l)| *l = kept[y * columns + x]);
        erode(&mut line, width);
        line.iter().enumerate().for_each(|(y, l)| kept[y * columns + x] = *l);
    }
    mask.iter().zip(kept).map(|(&m, k)| m && !k).collect()
}

/// Erodes a line in place: a pixel stays set if `width` neighbours on both sides are set.
fn erode(line: &mut [bool], width: usize) {
    let mut start = 0;
    while start < line.len() {
        if !line[start] {
            start += 1;
            continue;
        }
        let run = line[start..].iter().take_while(|&&l| l).count();
        for (i, l) in line[start..start + run].iter_mut().enumerate() {
            *l = i >= width && run - 1 - i >= width;
        }
        start += run;
    }
}
