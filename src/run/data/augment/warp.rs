//! Resampling an image and its mask at once: every spatial change of a sample goes through here together, so that no
//! pixel is interpolated twice.
//!
//! Coordinates are row and column of pixel centres, counted from 0: `scipy.ndimage.map_coordinates` takes the same.

use super::gauss::Edge;
use crate::recipe::Border;

/// Where an output pixel comes from: `source = matrix * output + offset`, rows before columns.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Affine {
    pub matrix: [[f64; 2]; 2],
    pub offset: [f64; 2],
}

impl Affine {
    pub const IDENTITY: Affine = Affine { matrix: [[1.0, 0.0], [0.0, 1.0]], offset: [0.0, 0.0] };

    pub fn at(&self, y: f64, x: f64) -> [f64; 2] {
        [0, 1].map(|i| self.matrix[i][0] * y + self.matrix[i][1] * x + self.offset[i])
    }
}

/// Displacements of output pixels before the affine map, in pixels: rows and columns, each height x width.
#[derive(Debug, Clone, PartialEq)]
pub struct Field {
    pub rows: Vec<f32>,
    pub columns: Vec<f32>,
}

/// What fills pixels that come from outside.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Outside {
    pub rule: Border,
    /// With [`Border::Constant`]; the mask is 0 there.
    pub value: f32,
}

/// Planes of an image (each height x width) bilinearly, and its mask by the nearest pixel, both at the same coordinates.
/// Gives images and masks of the same size.
pub fn warp(
    planes: &[f32],
    mask: &[u8],
    size: [usize; 2],
    affine: &Affine,
    field: Option<&Field>,
    outside: Outside,
) -> (Vec<f32>, Vec<u8>) {
    let [height, width] = size;
    let mut image = vec![0.0; planes.len()];
    let mut classes = vec![0; mask.len()];
    if field.is_none() && turn(planes, mask, size, affine, &mut image, &mut classes) {
        return (image, classes);
    }
    let area = height * width;
    let mut row = Row { rows: vec![0.0; width], columns: vec![0.0; width] };
    for y in 0..height {
        match field {
            None => row.straight(affine, y),
            Some(field) => row.bent(affine, y, &field.rows[y * width..], &field.columns[y * width..]),
        }
        let at = y * width..(y + 1) * width;
        row.nearest(mask, size, outside, &mut classes[at.clone()]);
        for (plane, output) in planes.chunks_exact(area).zip(image.chunks_exact_mut(area)) {
            row.bilinear(plane, size, outside, &mut output[at.clone()]);
        }
    }
    (image, classes)
}

/// Flips and turns by right angles move whole pixels: exact, and several times as fast. Whether it was one of these.
fn turn(
    planes: &[f32],
    mask: &[u8],
    [height, width]: [usize; 2],
    affine: &Affine,
    image: &mut [f32],
    classes: &mut [u8],
) -> bool {
    let whole = |x: f64| x.fract() == 0.0 && x.abs() <= 65_536.0;
    let [[a, b], [c, d]] = affine.matrix;
    if ![a, b, c, d].iter().chain(&affine.offset).all(|&x| whole(x)) {
        return false;
    }
    let inside = |[y, x]: [f64; 2]| y >= 0.0 && x >= 0.0 && y < height as f64 && x < width as f64;
    let [bottom, right] = [height as f64 - 1.0, width as f64 - 1.0];
    if ![[0.0, 0.0], [0.0, right], [bottom, 0.0], [bottom, right]].iter().all(|&[y, x]| inside(affine.at(y, x))) {
        return false;
    }
    let area = height * width;
    // The corners lie inside, and so does all between them: no index below is negative.
    let (w, start) = (width as i64, affine.at(0.0, 0.0).map(|v| v as i64));
    let (down, across) = (a as i64 * w + c as i64, b as i64 * w + d as i64);
    let from = |y: usize, x: usize| (start[0] * w + start[1] + y as i64 * down + x as i64 * across) as usize;
    for y in 0..height {
        for x in 0..width {
            let source = from(y, x);
            classes[y * width + x] = mask[source];
            for plane in (0..planes.len()).step_by(area.max(1)) {
                image[plane + y * width + x] = planes[plane + source];
            }
        }
    }
    true
}

/// Where the pixels of one output row come from.
struct Row {
    rows: Vec<f32>,
    columns: Vec<f32>,
}

/// `floor` by truncation: the function itself is a call on plain x86-64 and keeps the loop from running on vectors.
fn floor(x: f32) -> i32 {
    let t = x as i32;
    t - i32::from((t as f32) > x)
}

impl Row {
    fn straight(&mut self, affine: &Affine, y: usize) {
        let [first, second] = affine.at(y as f64, 0.0);
        let step = [affine.matrix[0][1], affine.matrix[1][1]];
        // Each from the start in doubles: a running sum would drift along the row.
        for (x, (row, column)) in self.rows.iter_mut().zip(&mut self.columns).enumerate() {
            *row = (first + step[0] * x as f64) as f32;
            *column = (second + step[1] * x as f64) as f32;
        }
    }

    fn bent(&mut self, affine: &Affine, y: usize, rows: &[f32], columns: &[f32]) {
        self.straight(affine, y);
        let m = affine.matrix.map(|row| row.map(|v| v as f32));
        for (((row, column), dy), dx) in self.rows.iter_mut().zip(&mut self.columns).zip(rows).zip(columns) {
            *row += m[0][0] * dy + m[0][1] * dx;
            *column += m[1][0] * dy + m[1][1] * dx;
        }
    }

    fn nearest(&self, mask: &[u8], [height, width]: [usize; 2], outside: Outside, output: &mut [u8]) {
        for ((&row, &column), class) in self.rows.iter().zip(&self.columns).zip(output) {
            let (y, x) = (floor(row + 0.5), floor(column + 0.5));
            *class = if (0..height as i32).contains(&y) && (0..width as i32).contains(&x) {
                mask[y as usize * width + x as usize]
            } else {
                match outside.rule {
                    Border::Constant => 0,
                    Border::Reflect => mask[reflected(y, x, [height, width])],
                }
            };
        }
    }

    fn bilinear(&self, plane: &[f32], [height, width]: [usize; 2], outside: Outside, output: &mut [f32]) {
        let (last_row, last_column) = (height as i32 - 1, width as i32 - 1);
        for ((&row, &column), value) in self.rows.iter().zip(&self.columns).zip(output) {
            let (y, x) = (floor(row), floor(column));
            let (v, u) = (row - y as f32, column - x as f32);
            let [a, b, c, d] = if y >= 0 && y < last_row && x >= 0 && x < last_column {
                let at = y as usize * width + x as usize;
                let (above, below) = (&plane[at..at + 2], &plane[at + width..at + width + 2]);
                [above[0], above[1], below[0], below[1]]
            } else {
                let pixel = |y: i32, x: i32| match outside.rule {
                    Border::Reflect => plane[reflected(y, x, [height, width])],
                    Border::Constant if y < 0 || x < 0 || y > last_row || x > last_column => outside.value,
                    Border::Constant => plane[y as usize * width + x as usize],
                };
                let (y1, x1) = (y.saturating_add(1), x.saturating_add(1));
                [pixel(y, x), pixel(y, x1), pixel(y1, x), pixel(y1, x1)]
            };
            let (top, low) = (a + u * (b - a), c + u * (d - c));
            *value = top + v * (low - top);
        }
    }
}

fn reflected(y: i32, x: i32, [height, width]: [usize; 2]) -> usize {
    Edge::Reflect.fold(i64::from(y), height) * width + Edge::Reflect.fold(i64::from(x), width)
}
