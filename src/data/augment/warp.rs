//! Resamples an image and its mask. All spatial changes of a sample are combined into one resampling, so that no pixel is
//! interpolated twice.
//!
//! Coordinates are row and column of pixel centres, counted from 0, as in `scipy.ndimage.map_coordinates`.

use super::gaussian::EdgeMode;
use crate::text::config::BorderMode;

/// Affine map from output to source coordinates: `source = matrix * output + offset`, rows before columns.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AffineMap {
    pub matrix: [[f64; 2]; 2],
    pub offset: [f64; 2],
}

impl AffineMap {
    pub const IDENTITY: AffineMap = AffineMap { matrix: [[1.0, 0.0], [0.0, 1.0]], offset: [0.0, 0.0] };

    pub fn apply(&self, y: f64, x: f64) -> [f64; 2] {
        [0, 1].map(|i| self.matrix[i][0] * y + self.matrix[i][1] * x + self.offset[i])
    }
}

/// Displacements that are added to output coordinates before the affine map, in pixels; each vector is height x width.
#[derive(Debug, Clone, PartialEq)]
pub struct DisplacementField {
    pub rows: Vec<f32>,
    pub columns: Vec<f32>,
}

/// How pixels whose source lies outside the image are filled.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct OutsideFill {
    pub rule: BorderMode,
    /// Fill value of the image for [`BorderMode::Constant`]; the mask is filled with 0.
    pub value: f32,
}

/// Resamples the planes of an image (each height x width) bilinearly and its mask by nearest neighbour, at the same
/// coordinates. Sizes do not change.
pub fn warp(
    planes: &[f32],
    mask: &[u8],
    size: [usize; 2],
    affine: &AffineMap,
    field: Option<&DisplacementField>,
    outside: OutsideFill,
) -> (Vec<f32>, Vec<u8>) {
    let [height, width] = size;
    let mut image = vec![0.0; planes.len()];
    let mut classes = vec![0; mask.len()];
    if field.is_none()
        && let Some(turn) = PixelPermutation::of(affine, size)
    {
        turn.copy(mask, &mut classes);
        let area = height * width;
        planes.chunks_exact(area).zip(image.chunks_exact_mut(area)).for_each(|(from, to)| turn.copy(from, to));
        return (image, classes);
    }
    let area = height * width;
    // An extra pixel at the end holds the fill value.
    let with = |plane: &[f32]| [plane, &[outside.value]].concat();
    let planes: Vec<Vec<f32>> = planes.chunks_exact(area).map(with).collect();
    let mask = [mask, &[0]].concat();
    let mut row = RowSampler::new(size, outside.rule);
    for y in 0..height {
        row.locate(affine, y, field);
        let at = y * width..(y + 1) * width;
        classes[at.clone()].iter_mut().zip(&row.nearest).for_each(|(class, &i)| *class = mask[i as usize]);
        for (plane, output) in planes.iter().zip(image.chunks_exact_mut(area)) {
            for (value, corners) in output[at.clone()].iter_mut().zip(&row.corners) {
                *value = corners.blend(plane);
            }
        }
    }
    (image, classes)
}

/// A flip or a rotation by a multiple of 90°: it moves whole pixels, which is exact and several times as fast.
struct PixelPermutation {
    size: [usize; 2],
    /// Source index of the first output pixel; `down` and `across` are the source steps per output row and column.
    start: i64,
    down: i64,
    across: i64,
}

impl PixelPermutation {
    /// Returns `None` if the map interpolates between pixels or reads outside the image.
    fn of(affine: &AffineMap, size: [usize; 2]) -> Option<PixelPermutation> {
        let whole = |x: f64| x.fract() == 0.0 && x.abs() <= 65_536.0;
        let [[a, b], [c, d]] = affine.matrix;
        if ![a, b, c, d].iter().chain(&affine.offset).all(|&x| whole(x)) {
            return None;
        }
        let [bottom, right] = size.map(|n| n as f64 - 1.0);
        let inside = |[y, x]: [f64; 2]| (0.0..=bottom).contains(&y) && (0.0..=right).contains(&x);
        // If the corners lie inside, so do all pixels between them.
        if ![[0.0, 0.0], [0.0, right], [bottom, 0.0], [bottom, right]].iter().all(|&[y, x]| inside(affine.apply(y, x)))
        {
            return None;
        }
        let width = size[1] as i64;
        let index = |y: f64, x: f64| y as i64 * width + x as i64;
        let [y, x] = affine.offset;
        Some(PixelPermutation { size, start: index(y, x), down: index(a, c), across: index(b, d) })
    }

    fn copy<T: Copy>(&self, from: &[T], to: &mut [T]) {
        for (y, row) in to.chunks_exact_mut(self.size[1]).enumerate() {
            let first = (self.start + y as i64 * self.down) as usize;
            let step = self.across.unsigned_abs().max(1) as usize;
            if self.across > 0 {
                row.iter_mut().zip(from[first..].iter().step_by(step)).for_each(|(to, from)| *to = *from);
            } else {
                row.iter_mut().zip(from[..=first].iter().rev().step_by(step)).for_each(|(to, from)| *to = *from);
            }
        }
    }
}

/// The four source pixels around a position, and the position's distance from the first one.
#[derive(Clone, Copy)]
struct Corners {
    indices: [u32; 4],
    down: f32,
    across: f32,
}

impl Corners {
    fn blend(&self, plane: &[f32]) -> f32 {
        let [a, b, c, d] = self.indices.map(|i| plane[i as usize]);
        let (top, low) = (a + self.across * (b - a), c + self.across * (d - c));
        top + self.down * (low - top)
    }
}

/// Source positions of the pixels of one output row, computed once for the mask and all planes.
struct RowSampler {
    size: [usize; 2],
    rule: BorderMode,
    rows: Vec<f32>,
    columns: Vec<f32>,
    corners: Vec<Corners>,
    nearest: Vec<u32>,
}

/// Computes `floor` by truncation. On baseline x86-64 `f32::floor` is a library call, which prevents vectorisation.
fn floor(x: f32) -> i32 {
    let t = x as i32;
    t.wrapping_sub(i32::from((t as f32) > x))
}

impl RowSampler {
    fn new(size: [usize; 2], rule: BorderMode) -> RowSampler {
        let width = size[1];
        let corners = vec![Corners { indices: [0; 4], down: 0.0, across: 0.0 }; width];
        RowSampler { size, rule, rows: vec![0.0; width], columns: vec![0.0; width], corners, nearest: vec![0; width] }
    }

    fn locate(&mut self, affine: &AffineMap, y: usize, field: Option<&DisplacementField>) {
        let width = self.size[1];
        let [first, second] = affine.apply(y as f64, 0.0);
        let step = [affine.matrix[0][1], affine.matrix[1][1]];
        // Each position is computed in 64 bits from the start of the row; a running sum would drift.
        for (x, (row, column)) in self.rows.iter_mut().zip(&mut self.columns).enumerate() {
            *row = (first + step[0] * x as f64) as f32;
            *column = (second + step[1] * x as f64) as f32;
        }
        if let Some(field) = field {
            let m = affine.matrix.map(|row| row.map(|v| v as f32));
            let (rows, columns) = (&field.rows[y * width..], &field.columns[y * width..]);
            for (((row, column), dy), dx) in self.rows.iter_mut().zip(&mut self.columns).zip(rows).zip(columns) {
                *row += m[0][0] * dy + m[0][1] * dx;
                *column += m[1][0] * dy + m[1][1] * dx;
            }
        }
        let (size, rule) = (self.size, self.rule);
        // Unsigned, so that one comparison tests both bounds; sizes are at most 16384, so products fit in 32 bits.
        let [last_row, last_column] = size.map(|n| n as u32 - 1);
        let wide = width as u32;
        let places = self.rows.iter().zip(&self.columns).zip(&mut self.corners).zip(&mut self.nearest);
        for (((&row, &column), corners), nearest) in places {
            let (y, x) = (floor(row), floor(column));
            (corners.down, corners.across) = (row - y as f32, column - x as f32);
            if (y as u32) < last_row && (x as u32) < last_column {
                let at = (y as u32).wrapping_mul(wide).wrapping_add(x as u32);
                let [right, below] = [at.wrapping_add(1), at.wrapping_add(wide)];
                corners.indices = [at, right, below, below.wrapping_add(1)];
                *nearest = match (corners.down < 0.5, corners.across < 0.5) {
                    (true, true) => at,
                    (true, false) => right,
                    (false, true) => below,
                    (false, false) => below.wrapping_add(1),
                };
            } else {
                let (y1, x1) = (y.saturating_add(1), x.saturating_add(1));
                corners.indices = [(y, x), (y, x1), (y1, x), (y1, x1)].map(|(y, x)| pixel_index(y, x, size, rule));
                let near = |at: i32, next: i32, part: f32| if part < 0.5 { at } else { next };
                *nearest = pixel_index(near(y, y1, corners.down), near(x, x1, corners.across), size, rule);
            }
        }
    }
}

/// Returns the index of a pixel that may lie outside the image: its mirror image, or the extra pixel with the fill value.
fn pixel_index(y: i32, x: i32, [height, width]: [usize; 2], rule: BorderMode) -> u32 {
    let inside = (0..height as i64).contains(&i64::from(y)) && (0..width as i64).contains(&i64::from(x));
    let at = match rule {
        BorderMode::Constant if !inside => height * width,
        BorderMode::Constant => y as usize * width + x as usize,
        BorderMode::Reflect => {
            EdgeMode::Reflect.fold(i64::from(y), height) * width + EdgeMode::Reflect.fold(i64::from(x), width)
        }
    };
    at as u32
}
